//! What connected wallets are told, and when they are told no more.
use crate::limits;
use crate::relay::testing::{SITE, Wallet, World, bare, fault, reason};
use crate::site::testing::Trick;
use countersign_rpc_types::relay::{Nothing, Posting, PostsQuery, RelayNotice};
use countersign_rpc_types::site::{POSTS, SessionToken};
use countersign_rpc_types::{ErrorCode, HexBytes};
use countersign_types::{PublicKey, Status};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

const ALICE: &str = "alice@harbor-hotel.example";
const BOB: &str = "bob@harbor-hotel.example";

async fn subscribe(world: &World, wallet: &Wallet) -> Receiver<RelayNotice> {
    world.relay.subscribe(world.auth(wallet, "relay_subscribe", &Nothing {}), Nothing {}).await.unwrap()
}

async fn next_post(notices: &mut Receiver<RelayNotice>) -> u64 {
    match notices.recv().await {
        Some(RelayNotice::Post(post)) => post.number,
        other => panic!("a post is told: {other:?}"),
    }
}

/// How often posts were waited for.
fn polls(asked: &[(String, serde_json::Value)]) -> usize {
    asked.iter().filter(|(path, ask)| path == POSTS && ask["wait_ms"] != 0).count()
}

#[tokio::test]
async fn new_posts_are_told_and_old_ones_not() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    for number in (1..=500).chain([1_000, 70_000]) {
        world.site.publish(number);
    }
    let mut notices = subscribe(&world, &alice).await;
    for number in 70_001..70_101 {
        world.site.publish(number);
    }
    for number in 70_001..70_101 {
        assert_eq!(next_post(&mut notices).await, number, "none is left out");
    }
}

#[tokio::test]
async fn posts_go_on_where_the_session_has_read_to() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    (1..=3).for_each(|number| world.site.publish(number));
    let ask = PostsQuery { after: 0, limit: Some(1) };
    world.relay.posts(world.auth(&alice, "relay_posts", &ask), ask).await.unwrap();
    let mut notices = subscribe(&world, &alice).await;
    assert_eq!((next_post(&mut notices).await, next_post(&mut notices).await), (2, 3));
}

#[tokio::test]
async fn the_wallets_of_a_session_share_one_wait_at_the_site() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let mut all = Vec::new();
    for _ in 0..limits::SESSION_SUBSCRIPTIONS_MAX {
        all.push(subscribe(&world, &alice).await);
    }
    let more = world.relay.subscribe(world.auth(&alice, "relay_subscribe", &Nothing {}), Nothing {}).await;
    assert_eq!(fault(more), bare(ErrorCode::Unavailable));
    world.site.until_asked(|asked| polls(asked) == 1).await;
    world.site.publish(1);
    for notices in &mut all {
        assert_eq!(next_post(notices).await, 1);
    }
    world.site.until_asked(|asked| polls(asked) == 2).await;
    assert_eq!(world.relay.figures().subscriptions as usize, limits::SESSION_SUBSCRIPTIONS_MAX);
    drop(all);
    while world.relay.figures().subscriptions > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(polls(&world.site.asked()), 2, "nobody is there for whom to ask");
}

#[tokio::test]
async fn messages_are_told_at_once_and_as_they_come() {
    let world = World::new().await;
    let (alice, bob) = (world.log_in(ALICE).await, world.log_in(BOB).await);
    let (_, bobs) = (world.enrol(ALICE, &alice), world.enrol(BOB, &bob));
    let send = async |content: u64| {
        let ask = Posting { envelope: HexBytes(world.ledger.sealed(&bobs, content, world.clock.ms())) };
        world.relay.send(world.auth(&alice, "relay_send", &ask), ask).await.unwrap();
    };
    send(1).await;
    let mut first = subscribe(&world, &bob).await;
    assert_eq!(first.recv().await, Some(RelayNotice::Message { number: 1 }));
    send(2).await;
    assert_eq!(first.recv().await, Some(RelayNotice::Message { number: 2 }));
    let mut second = subscribe(&world, &bob).await;
    assert_eq!(second.recv().await, Some(RelayNotice::Message { number: 2 }), "one that joins is told too");
}

#[tokio::test]
async fn messages_are_told_once_the_name_is_enrolled() {
    let world = World::new().await;
    let bob = world.log_in(BOB).await;
    let mut notices = subscribe(&world, &bob).await;
    let bobs = world.enrol(BOB, &bob);
    let alice = world.log_in(ALICE).await;
    world.enrol(ALICE, &alice);
    let ask = Posting { envelope: HexBytes(world.ledger.sealed(&bobs, 1, world.clock.ms())) };
    world.relay.send(world.auth(&alice, "relay_send", &ask), ask).await.unwrap();
    assert_eq!(notices.recv().await, Some(RelayNotice::Message { number: 1 }));
}

#[tokio::test]
async fn the_end_of_a_session_is_told() {
    type Change = fn(&World);
    let changes: [(&str, Change); 4] = [
        ("its time", |world| world.clock.advance_ms(limits::SESSION_LIFE_MS_MAX)),
        ("suspended", |world| world.change_site(|site| site.status = Status::Suspended)),
        ("not granted", |world| {
            world.change_site(|site| site.site.as_mut().unwrap().relays = vec![PublicKey([5; 32])].try_into().unwrap());
        }),
        ("at the site", |world| {
            world.site.forget_sessions();
            world.site.publish(1);
        }),
    ];
    for (why, change) in changes {
        let world = World::new().await;
        let alice = world.log_in(ALICE).await;
        let mut notices = subscribe(&world, &alice).await;
        world.site.until_asked(|asked| polls(asked) == 1).await;
        change(&world);
        let mut last = None;
        while let Some(notice) = notices.recv().await {
            last = Some(notice);
        }
        assert_eq!(last, Some(RelayNotice::Ended), "{why}");
        assert_eq!(world.relay.figures().sessions, 0, "{why}");
    }
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let mut notices = subscribe(&world, &alice).await;
    world.relay.logout(world.auth(&alice, "relay_logout", &Nothing {}), Nothing {}).await.unwrap();
    assert_eq!((notices.recv().await, notices.recv().await), (Some(RelayNotice::Ended), None));
}

#[tokio::test]
async fn a_relay_that_closes_or_may_not_relay_cuts_off_without_an_end() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let mut notices = subscribe(&world, &alice).await;
    world.ledger.records().relays.clear();
    assert_eq!(notices.recv().await, None);
    world.ledger.records().relays.insert(world.relay.key);
    let mut notices = subscribe(&world, &alice).await;
    world.relay.close();
    assert_eq!(notices.recv().await, None);
    assert_eq!(world.relay.figures().sessions, 1);
}

#[tokio::test]
async fn a_site_that_is_down_keeps_nobody_from_messages() {
    let world = World::new().await;
    let (alice, bob) = (world.log_in(ALICE).await, world.log_in(BOB).await);
    let (_, bobs) = (world.enrol(ALICE, &alice), world.enrol(BOB, &bob));
    world.site.play(Some(Trick::Unsigned));
    let mut notices = subscribe(&world, &bob).await;
    let ask = Posting { envelope: HexBytes(world.ledger.sealed(&bobs, 1, world.clock.ms())) };
    world.relay.send(world.auth(&alice, "relay_send", &ask), ask).await.unwrap();
    assert_eq!(notices.recv().await, Some(RelayNotice::Message { number: 1 }));
    world.site.play(None);
    world.site.until_asked(|asked| polls(asked) == 1).await;
    world.site.publish(1);
    assert_eq!(next_post(&mut notices).await, 1);
}

#[tokio::test]
async fn a_wallet_that_does_not_read_is_cut_off() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let mut idle = subscribe(&world, &alice).await;
    (1..=100).for_each(|number| world.site.publish(number));
    while !idle.is_closed() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for number in 1..=limits::NOTICES_MAX as u64 {
        assert_eq!(next_post(&mut idle).await, number);
    }
    assert_eq!(idle.recv().await, None, "what it missed it fetches by its number");
    world.session(&alice).await.unwrap();
}

#[tokio::test]
async fn a_member_is_told_messages_at_its_home_relay() {
    let world = World::new().await;
    let hotel = world.enrol(SITE, &Wallet::new("hotel", SessionToken([0; 32])));
    let session = world.relay.member_login(world.member_login("hotel", world.next_count())).await.unwrap();
    let wallet = Wallet::new("hotel", session.session);
    let mut notices = subscribe(&world, &wallet).await;
    let alice = world.log_in(ALICE).await;
    world.enrol(ALICE, &alice);
    let ask = Posting { envelope: HexBytes(world.ledger.sealed(&hotel, 1, world.clock.ms())) };
    world.relay.send(world.auth(&alice, "relay_send", &ask), ask).await.unwrap();
    assert_eq!(notices.recv().await, Some(RelayNotice::Message { number: 1 }));
    let home = PublicKey([5; 32]);
    world.change_site(|site| site.site.as_mut().unwrap().relays = vec![home, world.relay.key].try_into().unwrap());
    let elsewhere = world.relay.subscribe(world.auth(&wallet, "relay_subscribe", &Nothing {}), Nothing {}).await;
    let (code, data) = reason(ErrorCode::MessageRefused, "not_home");
    let (found, told) = fault(elsewhere);
    assert_eq!((found, &told["reason"], &told["home"]), (code, &data["reason"], &home.to_string().into()));
}
