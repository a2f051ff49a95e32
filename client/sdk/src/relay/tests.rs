//! Signed requests against a relay that checks them: what is signed, what is tried again, what is told.
use super::*;
use crate::messaging::scene::{ALICE, BOB, Scene};
use crate::rpc_types::RpcFault;
use crate::rpc_types::relay::{InboxQuery, RelayNotice};
use crate::rpc_types::site::{PostKind, PostView};
use serde_json::json;

fn fault(code: ErrorCode) -> RpcFault {
    RpcFault::new(code, "refused")
}

#[tokio::test]
async fn every_request_is_signed_with_a_count_that_grows() {
    let scene = Scene::new().await;
    let (one, other) = (scene.live(), scene.live());
    one.session().await.unwrap();
    other.inbox(InboxQuery::default()).await.unwrap();
    one.session().await.unwrap();
    let counts: Vec<u64> = scene.node.asked.lock().unwrap().iter().map(|(_, count)| *count).collect();
    assert!(counts.windows(2).all(|pair| pair[0] < pair[1]), "{counts:?}");
    let now_us = clock_us();
    assert!(counts.iter().all(|count| now_us.abs_diff(*count) < COUNT_AGE_US_MAX), "{counts:?}");
}

fn clock_us() -> u64 {
    crate::clock::now().millis() * 1_000
}

#[tokio::test]
async fn a_count_that_is_refused_is_tried_once_more_and_then_told() {
    let scene = Scene::new().await;
    scene.node.fail("relay_session", fault(ErrorCode::BadProof));
    scene.live().session().await.unwrap();
    assert_eq!(scene.node.times("relay_session"), 2);
    for _ in 0..2 {
        scene.node.fail("relay_session", fault(ErrorCode::BadProof));
    }
    let refused = scene.live().session().await.unwrap_err();
    assert!(matches!(&refused, RelayError::Client(error) if error.code() == Some(ErrorCode::BadProof)), "{refused}");
    assert_eq!(scene.node.times("relay_session"), 4);
}

#[tokio::test]
async fn the_count_goes_on_after_the_relays() {
    let scene = Scene::new().await;
    let soon = clock_us() + COUNT_AGE_US_MAX / 2;
    let refused = |last: u64| fault(ErrorCode::BadProof).with(json!({ "reason": "count", "last": last }));
    scene.node.fail("relay_session", refused(soon));
    scene.live().session().await.unwrap();
    let last = || scene.node.asked.lock().unwrap().last().unwrap().1;
    assert!(last() > soon, "{} after {soon}", last());
    // A count of next year is not one to go on after: the wallet's requests would be refused everywhere else.
    scene.node.fail("relay_session", refused(soon + 365 * 86_400 * 1_000_000));
    scene.live().session().await.unwrap();
    assert!(last() < soon + COUNT_AGE_US_MAX, "{} after {soon}", last());
}

#[tokio::test]
async fn clocks_that_are_apart_are_told() {
    let scene = Scene::new().await;
    for (ahead_ms, wanted) in [(120_000, "behind"), (-120_000, "ahead of")] {
        *scene.node.clock_ahead_ms.lock().unwrap() = ahead_ms;
        for _ in 0..2 {
            scene.node.fail("relay_session", fault(ErrorCode::BadProof));
        }
        let refused = scene.live().session().await.unwrap_err();
        assert!(
            matches!(refused, RelayError::ClockOff { seconds: 118..=121, direction } if direction == wanted),
            "{refused}"
        );
        assert_eq!(refused.code(), Some(ErrorCode::BadProof));
    }
}

#[tokio::test]
async fn an_attempt_after_a_lost_answer_is_signed_anew() {
    let scene = Scene::new().await;
    scene.node.fail("relay_session", fault(ErrorCode::Unavailable));
    scene.live().session().await.unwrap();
    let asked = scene.node.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].1 < asked[1].1, "{asked:?}");
}

#[tokio::test]
async fn a_session_that_is_over_and_a_relay_that_is_not_home_are_told() {
    let scene = Scene::new().await;
    scene.node.fail("relay_session", fault(ErrorCode::SessionEnded));
    let ended = scene.live().session().await.unwrap_err();
    assert!(matches!(&ended, RelayError::SessionEnded { user } if user.as_str() == BOB), "{ended}");
    assert_eq!(ended.code(), Some(ErrorCode::SessionEnded));
    let home = PublicKey([3; 32]);
    let data = json!({ "reason": "not_home", "home": home.to_string() });
    scene.node.fail("relay_inbox", fault(ErrorCode::MessageRefused).with(data));
    let elsewhere = scene.live().inbox(InboxQuery::default()).await.unwrap_err();
    assert!(matches!(elsewhere, RelayError::OtherHome { home: found, .. } if found == home), "{elsewhere}");
    scene.node.fail("relay_inbox", fault(ErrorCode::MessageRefused).with(json!({ "reason": "suspended" })));
    let refused = scene.live().inbox(InboxQuery::default()).await.unwrap_err();
    assert!(matches!(&refused, RelayError::Client(ClientError::Refused(_))), "{refused}");
}

#[tokio::test]
async fn a_relay_that_calls_a_message_otherwise_is_not_believed() {
    let scene = Scene::with(|module| {
        module.remove_method("relay_send");
        module.register_method("relay_send", |_, _, _| json!({ "id": "csm1other", "state": "waiting" })).unwrap();
    })
    .await;
    let envelope = scene.letter(ALICE, ALICE, "hello");
    let answer = scene.live().send(&envelope).await;
    let is_bad = matches!(&answer, Err(RelayError::Client(ClientError::BadAnswer { method: "relay_send", .. })));
    assert!(is_bad, "{answer:?}");
}

#[tokio::test]
async fn a_signer_that_fails_is_told_as_such() {
    use crate::signer::{Program, ProgramSigner};
    let scene = Scene::new().await;
    let program = Program { path: "/no/such/program".into(), args: Vec::new() };
    let signer = ProgramSigner::new(scene.session.account, scene.session.key, program);
    let live = LiveSession::new(scene.relay.clone(), scene.session.clone(), &signer);
    assert!(matches!(live.session().await, Err(RelayError::Signer(SignerError::NotStarted { .. }))));
    assert_eq!(scene.node.times("relay_session"), 0);
}

#[tokio::test]
async fn notices_go_on_after_a_lost_connection_until_the_session_ends() {
    let scene = Scene::new().await;
    let post = PostView {
        number: 4,
        kind: PostKind::Notice,
        author: ALICE.into(),
        title: "Pool".into(),
        text: "Closed.".into(),
        proposal: None,
        published_at_ms: 1,
    };
    *scene.node.notices.lock().unwrap() = vec![
        vec![RelayNotice::Message { number: 3 }],
        vec![RelayNotice::Post(post.clone()), RelayNotice::Ended, RelayNotice::Message { number: 9 }],
    ];
    let mut notices = scene.live().notices();
    let mut told = Vec::new();
    for _ in 0..6 {
        told.push(notices.next().await.unwrap());
    }
    let message = Notice::Message { number: 3 };
    let wanted = [Notice::Listening, message, Notice::Listening, Notice::Post(post), Notice::Ended, Notice::Ended];
    assert_eq!(told, wanted);
    scene.node.fail("relay_subscribe", fault(ErrorCode::SessionEnded));
    let refused = scene.live().notices().next().await.unwrap_err();
    assert!(matches!(refused, RelayError::SessionEnded { .. }), "{refused}");
}
