//! Whose request is answered, and how often.
use crate::limits;
use crate::relay::testing::{SITE, Wallet, World, bare, fault, reason};
use countersign_rpc_types::ErrorCode;
use countersign_rpc_types::relay::{COUNT_AGE_US_MAX, ContactsQuery, Nothing};
use countersign_rpc_types::site::SessionToken;
use countersign_types::{PublicKey, Status};
use serde_json::json;

const ALICE: &str = "alice@harbor-hotel.example";
const BOB: &str = "bob@harbor-hotel.example";

fn proof(why: &str, data: &serde_json::Value) {
    assert_eq!(data["reason"], why, "{data}");
}

#[tokio::test]
async fn a_token_is_worth_nothing_without_the_key() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let thief = Wallet::new("eve", alice.token);
    assert_eq!(fault(world.contacts(&thief).await), reason(ErrorCode::BadProof, "signature"));
    let stranger = Wallet::new(ALICE, SessionToken([1; 32]));
    assert_eq!(fault(world.contacts(&stranger).await), bare(ErrorCode::SessionEnded));
    world.contacts(&alice).await.unwrap();
}

#[tokio::test]
async fn a_request_is_for_one_method_one_ask_and_one_relay() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let ask = ContactsQuery::default();
    let bad = reason(ErrorCode::BadProof, "signature");
    let other_method = world.auth(&alice, "relay_posts", &ask);
    assert_eq!(fault(world.relay.contacts(other_method, ask.clone()).await), bad);
    let other_ask = world.auth(&alice, "relay_contacts", &ContactsQuery { limit: Some(1), ..ask.clone() });
    assert_eq!(fault(world.relay.contacts(other_ask, ask.clone()).await), bad);
    let other_count = world.auth(&alice, "relay_contacts", &ask);
    let other_count = countersign_rpc_types::relay::SessionAuth { count: other_count.count + 1, ..other_count };
    assert_eq!(fault(world.relay.contacts(other_count, ask.clone()).await), bad);
    let mut short = world.auth(&alice, "relay_contacts", &ask);
    short.signature.0.pop();
    assert_eq!(fault(world.relay.contacts(short, ask).await), bad);
}

#[tokio::test]
async fn a_count_counts_once_and_is_of_now() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let ask = async |count: u64| {
        let auth = world.auth_at(&alice, count, "relay_session", &Nothing {});
        world.relay.session(auth, Nothing {}).await
    };
    let now = world.next_count();
    ask(now).await.unwrap();
    for old in [now, now - 1, now - COUNT_AGE_US_MAX] {
        assert_eq!(fault(ask(old).await), (ErrorCode::BadProof as i32, json!({ "reason": "count", "last": now })));
    }
    for far in [now + COUNT_AGE_US_MAX + 1, now - COUNT_AGE_US_MAX - 1, 0, u64::MAX] {
        assert_eq!(fault(ask(far).await), (ErrorCode::BadProof as i32, json!({ "reason": "clock", "now": now })));
    }
    ask(now + COUNT_AGE_US_MAX).await.unwrap();
    proof("count", &fault(ask(now + 1).await).1);
}

#[tokio::test]
async fn sessions_survive_a_restart_and_no_request_counts_again() {
    let world = World::new().await;
    let (alice, bob) = (world.log_in(ALICE).await, world.log_in(BOB).await);
    let right = world.auth(&alice, "relay_session", &Nothing {});
    world.relay.session(right.clone(), Nothing {}).await.unwrap();
    let ahead = world.auth_at(&bob, right.count + 30_000_000, "relay_session", &Nothing {});
    world.relay.session(ahead.clone(), Nothing {}).await.unwrap();
    let disk = world.disk();
    let world = world.restarted();
    assert_eq!(world.relay.figures().sessions, 2);
    for replayed in [right, ahead] {
        let (code, data) = fault(world.relay.session(replayed, Nothing {}).await);
        assert_eq!(code, ErrorCode::BadProof as i32);
        proof("count", &data);
    }
    assert_eq!(world.contacts(&alice).await.unwrap().contacts[0].name, format!("friend-of-{ALICE}"));
    let bobs_next = world.next_count() + 30_000_000;
    let next = world.auth_at(&bob, bobs_next, "relay_session", &Nothing {});
    assert_eq!(world.relay.session(next, Nothing {}).await.unwrap().user, BOB, "a clock that is ahead stays ahead");
    for secret in [alice.token, bob.token] {
        assert!(!disk.windows(32).any(|part| part == secret.0), "no token is on disk");
    }
}

#[tokio::test]
async fn a_session_ends_by_its_time_and_by_logging_out() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let out = world.auth(&alice, "relay_logout", &Nothing {});
    world.relay.logout(out, Nothing {}).await.unwrap();
    assert_eq!(fault(world.session(&alice).await), bare(ErrorCode::SessionEnded));
    assert_eq!(world.site.sessions(), 0, "the site was told");

    let bob = world.log_in(BOB).await;
    world.clock.advance_ms(limits::SESSION_LIFE_MS_MAX - 2);
    world.session(&bob).await.unwrap();
    assert_eq!(fault(world.session(&bob).await), bare(ErrorCode::SessionEnded));
    let world = world.restarted();
    assert_eq!(world.relay.figures().sessions, 0, "neither comes back");
}

#[tokio::test]
async fn what_has_expired_is_swept() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    world.clock.advance_ms(limits::SESSION_LIFE_MS_MAX);
    let bob = world.log_in(BOB).await;
    world.relay.sessions.sweep().await.unwrap();
    assert_eq!(world.relay.figures().sessions, 1);
    let world = world.restarted();
    assert_eq!(fault(world.session(&alice).await), bare(ErrorCode::SessionEnded));
    world.session(&bob).await.unwrap();
}

#[tokio::test]
async fn a_session_ends_when_the_ledger_takes_the_site_from_the_relay() {
    for (why, is_active) in [("site_suspended", false), ("relay_not_granted", true)] {
        let world = World::new().await;
        let alice = world.log_in(ALICE).await;
        let entry = world.ledger.records().sites[SITE].clone();
        world.change_site(|site| match is_active {
            true => site.site.as_mut().unwrap().relays = vec![PublicKey([5; 32])].try_into().unwrap(),
            false => site.status = Status::Suspended,
        });
        assert_eq!(fault(world.contacts(&alice).await), reason(ErrorCode::NotRelayed, why));
        world.change_site(|site| *site = entry);
        assert_eq!(fault(world.contacts(&alice).await), bare(ErrorCode::SessionEnded), "it does not come back");
    }
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    world.ledger.records().relays.clear();
    assert_eq!(fault(world.contacts(&alice).await), reason(ErrorCode::NotRelayed, "not_a_relay"));
    world.ledger.records().relays.insert(world.relay.key);
    world.contacts(&alice).await.unwrap();
}

#[tokio::test]
async fn a_session_asks_at_its_pace() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let from = world.next_count();
    let ask = async |count: u64| {
        let auth = world.auth_at(&alice, count, "relay_session", &Nothing {});
        world.relay.session(auth, Nothing {}).await
    };
    for count in 0..limits::SESSION_BURST {
        ask(from - limits::SESSION_BURST + count).await.unwrap();
    }
    let retry = limits::SESSION_PACE_US / 1_000;
    let refused = (ErrorCode::TooManyAttempts as i32, json!({ "retry_after_ms": retry }));
    assert_eq!(fault(ask(from).await), refused);
    world.clock.advance_ms(retry);
    ask(from + 1).await.unwrap();
}

#[tokio::test]
async fn one_more_session_of_a_user_ends_the_oldest() {
    let world = World::new().await;
    let first = world.log_in(ALICE).await;
    let bob = world.log_in(BOB).await;
    let mut second = None;
    for _ in 0..limits::USER_SESSIONS_MAX {
        world.clock.advance_ms(1);
        let wallet = world.log_in(ALICE).await;
        second.get_or_insert(wallet);
    }
    assert_eq!(fault(world.session(&first).await), bare(ErrorCode::SessionEnded));
    world.session(&second.unwrap()).await.unwrap();
    world.session(&bob).await.unwrap();
    let world = world.restarted();
    assert_eq!(world.relay.figures().sessions as usize, limits::USER_SESSIONS_MAX + 1);
}

#[tokio::test]
async fn a_closed_relay_answers_nothing() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let running = tokio::spawn(world.relay.clone().run());
    world.relay.close();
    running.await.unwrap();
    assert_eq!(fault(world.session(&alice).await), bare(ErrorCode::Unavailable));
    assert_eq!(fault(world.start(ALICE, ALICE).await), bare(ErrorCode::Unavailable));
}
