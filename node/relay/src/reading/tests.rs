//! What a session reads at its site: its own user's, and nobody else's.
use crate::limits;
use crate::relay::testing::{Wallet, World, bare, fault, reason};
use crate::site::testing::Trick;
use countersign_rpc_types::relay::{
    Acknowledgement, ContactsQuery, Enrolment, InboxQuery, Posting, PostsQuery, SentQuery,
};
use countersign_rpc_types::site::{BODY_BYTES_MAX, CONTACTS, SessionToken, SiteFault};
use countersign_rpc_types::{ErrorCode, HexBytes};
use countersign_types::{PublicKey, Status};
use serde_json::json;

const ALICE: &str = "alice@harbor-hotel.example";
const BOB: &str = "bob@harbor-hotel.example";

#[tokio::test]
async fn contacts_are_those_of_the_sessions_user() {
    let world = World::new().await;
    let (alice, bob) = (world.log_in(ALICE).await, world.log_in(BOB).await);
    for (wallet, user) in [(&alice, ALICE), (&bob, BOB)] {
        let page = world.contacts(wallet).await.unwrap();
        assert_eq!(page.contacts[0].name, format!("friend-of-{user}"));
    }
    let bob_with_alices_token = Wallet::new(BOB, alice.token);
    let stolen = world.contacts(&bob_with_alices_token).await;
    assert_eq!(fault(stolen), reason(ErrorCode::BadProof, "signature"));
}

#[tokio::test]
async fn posts_are_read_in_pages() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    for number in [1, 2, 5] {
        world.site.publish(number);
    }
    let ask = PostsQuery { after: 0, limit: Some(2) };
    let page = world.relay.posts(world.auth(&alice, "relay_posts", &ask), ask).await.unwrap();
    assert_eq!((page.posts.len(), page.next, page.more), (2, 2, true));
    let ask = PostsQuery { after: page.next, limit: None };
    let page = world.relay.posts(world.auth(&alice, "relay_posts", &ask), ask).await.unwrap();
    assert_eq!((page.posts[0].number, page.next, page.more), (5, 5, false));
}

#[tokio::test]
async fn what_is_out_of_bounds_is_told_by_field() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    for limit in [0, 201] {
        let ask = ContactsQuery { limit: Some(limit), ..ContactsQuery::default() };
        let answer = world.relay.contacts(world.auth(&alice, "relay_contacts", &ask), ask).await;
        assert_eq!(fault(answer).1["what"], "limit");
    }
    let ask = ContactsQuery { after: Some("a".repeat(1_000)), limit: None };
    assert_eq!(fault(world.relay.contacts(world.auth(&alice, "relay_contacts", &ask), ask).await).1["what"], "after");
    let ask = PostsQuery { after: 0, limit: Some(51) };
    assert_eq!(fault(world.relay.posts(world.auth(&alice, "relay_posts", &ask), ask).await).1["what"], "limit");
    let ask = Enrolment { proposal: HexBytes(vec![0; BODY_BYTES_MAX]) };
    let (code, _) = fault(world.relay.enrol(world.auth(&alice, "relay_enrol", &ask), ask).await);
    assert_eq!(code, ErrorCode::TooMuch as i32);
}

#[tokio::test]
async fn an_enrolment_is_signed_by_the_site_or_refused_with_its_code() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let enrol = async || {
        let ask = Enrolment { proposal: HexBytes(vec![4; 400]) };
        world.relay.enrol(world.auth(&alice, "relay_enrol", &ask), ask).await
    };
    assert_eq!(enrol().await.unwrap().proposal.0, vec![4; 400]);
    for refusal in [SiteFault::EnrolRefused, SiteFault::AccountBound, SiteFault::EnrolUnavailable] {
        world.site.refuse(refusal, None);
        let code = (ErrorCode::EnrolmentRefused as i32, json!({ "code": refusal.code() }));
        assert_eq!(fault(enrol().await), code);
    }
    world.site.refuse(SiteFault::Internal, None);
    assert_eq!(fault(enrol().await), (ErrorCode::SiteFailed as i32, json!({ "code": "internal" })));
    world.site.play(Some(Trick::Unsigned));
    assert_eq!(fault(enrol().await), reason(ErrorCode::SiteFailed, "not_signed"));
}

#[tokio::test]
async fn a_session_that_the_site_has_ended_ends_here() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    world.site.forget_sessions();
    world.session(&alice).await.unwrap();
    assert_eq!(fault(world.contacts(&alice).await), bare(ErrorCode::SessionEnded));
    assert_eq!(fault(world.session(&alice).await), bare(ErrorCode::SessionEnded));
}

#[tokio::test]
async fn messages_are_for_the_account_that_the_ledger_has_now() {
    let world = World::new().await;
    let alice = world.log_in(ALICE).await;
    let inbox = async || {
        let ask = InboxQuery::default();
        world.relay.inbox(world.auth(&alice, "relay_inbox", &ask), ask).await
    };
    let refused = |why: &str| reason(ErrorCode::MessageRefused, why);
    assert_eq!(fault(inbox().await), refused("not_enrolled"));
    let account = world.enrol(ALICE, &Wallet::new("eve", SessionToken([0; 32])));
    assert_eq!(fault(inbox().await), refused("other_key"));
    world.enrol(ALICE, &alice);
    assert!(inbox().await.unwrap().messages.is_empty());
    world.ledger.records().accounts.get_mut(&account).unwrap().status = Status::Suspended;
    assert_eq!(fault(inbox().await), refused("suspended"));
    let ask = SentQuery::default();
    let sent = world.relay.sent(world.auth(&alice, "relay_sent", &ask), ask).await;
    assert_eq!(fault(sent), refused("suspended"));
    let ask = Posting { envelope: HexBytes(vec![]) };
    let posted = world.relay.send(world.auth(&alice, "relay_send", &ask), ask).await;
    assert_eq!(fault(posted), refused("suspended"));
}

#[tokio::test]
async fn messages_are_fetched_at_the_home_relay_only_and_sent_anywhere() {
    let world = World::new().await;
    let (alice, bob) = (world.log_in(ALICE).await, world.log_in(BOB).await);
    let (_, bobs) = (world.enrol(ALICE, &alice), world.enrol(BOB, &bob));
    let send = async |content: u64| {
        let ask = Posting { envelope: HexBytes(world.ledger.sealed(&bobs, content, world.clock.ms())) };
        world.relay.send(world.auth(&alice, "relay_send", &ask), ask).await
    };
    send(1).await.unwrap();
    let ask = InboxQuery::default();
    let page = world.relay.inbox(world.auth(&bob, "relay_inbox", &ask), ask.clone()).await.unwrap();
    assert_eq!(page.messages.len(), 1);
    let done = Acknowledgement { up_to: page.next };
    let acknowledged = world.relay.acknowledge(world.auth(&bob, "relay_acknowledge", &done), done).await.unwrap();
    assert_eq!(acknowledged.count, 1);
    assert_eq!(world.relay.figures().messages_acknowledged, 1);

    let home = PublicKey([5; 32]);
    world.ledger.records().relays.insert(home);
    world.change_site(|site| site.site.as_mut().unwrap().relays = vec![home, world.relay.key].try_into().unwrap());
    let elsewhere = (ErrorCode::MessageRefused as i32, json!({ "reason": "not_home", "home": home.to_string() }));
    assert_eq!(fault(world.relay.inbox(world.auth(&bob, "relay_inbox", &ask), ask).await), elsewhere);
    let acknowledged = world.relay.acknowledge(world.auth(&bob, "relay_acknowledge", &done), done).await;
    assert_eq!(fault(acknowledged), elsewhere);
    send(2).await.unwrap();
    assert_eq!(world.relay.figures().outbox_messages, 1);
    world.contacts(&bob).await.unwrap();
}

#[tokio::test]
async fn so_many_requests_of_a_session_are_under_way() {
    let world = World::new().await;
    let (alice, bob) = (world.log_in(ALICE).await, world.log_in(BOB).await);
    world.site.play(Some(Trick::Silent));
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..limits::SESSION_REQUESTS_MAX {
        let ask = ContactsQuery::default();
        let (relay, auth) = (world.relay.clone(), world.auth(&alice, "relay_contacts", &ask));
        waiting.spawn(async move { relay.contacts(auth, ask).await });
    }
    let contacts = |asked: &Vec<(String, _)>| asked.iter().filter(|(path, _)| path == CONTACTS).count();
    world.site.until_asked(|asked| contacts(asked) == limits::SESSION_REQUESTS_MAX).await;
    let busy = (ErrorCode::TooManyAttempts as i32, json!({ "retry_after_ms": 1_000 }));
    assert_eq!(fault(world.session(&alice).await), busy);
    world.session(&bob).await.unwrap();
    waiting.shutdown().await;
    world.session(&alice).await.unwrap();
}
