//! Fetching from a relay that misbehaves, and writing to one: what is stored, acknowledged, set aside, tried again.
use super::*;
use crate::messaging::Correspondent;
use crate::messaging::letter::Body;
use crate::messaging::scene::{ALICE, BOB, Scene, unlocked};
use crate::messaging::send::{SendError, send};
use crate::messaging::store::{Kind, Wanted, id_text};
use crate::rpc_types::{ErrorCode, RpcFault};
use crate::signer::Signer;
use parity_scale_codec::Encode;

impl Scene {
    async fn fetch(&self) -> Result<Fetched, FetchError> {
        fetch(&self.client, &self.live(), &EncryptionKey::of(&self.bob), &self.store).await
    }

    fn listed(&self) -> usize {
        self.store.list(&Wanted::default(), None, 100).unwrap().messages.len()
    }
}

fn fault(code: ErrorCode) -> RpcFault {
    RpcFault::new(code, "refused")
}

/// Why messages were set aside, by their stable words.
fn reasons(fetched: &Fetched) -> Vec<String> {
    fetched.aside.iter().map(|head| head.aside.as_ref().unwrap().name.to_string()).collect()
}

#[tokio::test]
async fn messages_are_on_the_disk_before_they_are_acknowledged() {
    let scene = Scene::new().await;
    *scene.node.on_disk.lock().unwrap() = Some(scene.store.folder().into());
    *scene.node.page.lock().unwrap() = 2;
    let envelopes: Vec<Envelope> = (1..=5).map(|n| scene.letter(ALICE, ALICE, &format!("letter {n}"))).collect();
    envelopes.iter().for_each(|envelope| scene.deliver(envelope.encode()));
    let fetched = scene.fetch().await.unwrap();
    let ids: Vec<Hash> = fetched.new.iter().map(|head| head.id).collect();
    assert_eq!(ids, envelopes.iter().map(Envelope::id).collect::<Vec<_>>());
    assert_eq!((fetched.aside.len(), fetched.known, fetched.acknowledged), (0, 0, Some(5)));
    assert_eq!(scene.node.times("relay_acknowledge"), 3, "page by page");
    assert!(scene.node.inbox.lock().unwrap().is_empty());
    let kept = scene.store.read(&id_text(&envelopes[2].id())).unwrap();
    assert_eq!(kept.signed.as_ref().unwrap().letter.body.words(), "letter 3");
    assert_eq!((kept.head.from_name.as_ref().unwrap().as_str(), kept.head.kind), (ALICE, Some(Kind::Text)));
    assert_eq!((kept.head.beginning.as_str(), kept.head.relayed_at.millis()), ("letter 3", 5));
    assert!(kept.is_whole());
    assert_eq!(Envelope::read(&kept.raw).unwrap(), envelopes[2]);
    assert_eq!(scene.fetch().await.unwrap(), Fetched::default(), "nothing is left");
}

#[tokio::test]
async fn a_crash_before_the_acknowledgement_brings_nothing_twice() {
    let scene = Scene::new().await;
    scene.deliver(scene.letter(ALICE, ALICE, "one").encode());
    scene.node.fail("relay_acknowledge", fault(ErrorCode::BadInput));
    let failed = scene.fetch().await.unwrap_err();
    assert!(matches!(failed, FetchError::Relay(_)), "{failed}");
    assert_eq!((scene.listed(), scene.node.inbox.lock().unwrap().len()), (1, 1));
    let again = scene.fetch().await.unwrap();
    assert_eq!((again.new.len(), again.known, again.acknowledged), (0, 1, Some(1)));
    assert_eq!((scene.listed(), scene.node.inbox.lock().unwrap().len()), (1, 0));
    // A relay that brings it once more is not believed either.
    let replayed = scene.store.list(&Wanted::default(), None, 1).unwrap().messages[0].id;
    scene.deliver(scene.store.read(&id_text(&replayed)).unwrap().raw.to_vec());
    assert_eq!(scene.fetch().await.unwrap().known, 1);
    assert_eq!(scene.listed(), 1);
}

#[tokio::test]
async fn what_is_not_to_be_believed_is_set_aside_and_blocks_nothing() {
    let scene = Scene::new().await;
    let carol = "carol@harbor-hotel.example";
    scene.node.person(carol, |_| ());
    let good = scene.letter(ALICE, ALICE, "good");
    let altered = Envelope { expires_at: Timestamp::from_millis(good.expires_at.millis() + 1), ..good.clone() };
    let other_chain = Envelope { chain: Hash([1; 32]), ..good.clone() };
    let other_key = Envelope { key: [1; 32], ..good.clone() };
    scene.deliver(vec![1, 2, 3]);
    scene.deliver(altered.encode());
    scene.deliver(other_chain.encode());
    scene.deliver(other_key.encode());
    scene.deliver(scene.letter(ALICE, carol, "I am Alice").encode());
    scene.deliver(scene.letter("dave@harbor-hotel.example", "dave@harbor-hotel.example", "nobody").encode());
    scene.deliver(good.encode());
    let fetched = scene.fetch().await.unwrap();
    assert_eq!(fetched.new.iter().map(|head| head.id).collect::<Vec<_>>(), [good.id()]);
    let words = ["not_a_message", "altered", "other_chain", "not_for_this_key", "other_key", "unknown_sender"];
    assert_eq!(reasons(&fetched), words);
    assert_eq!(fetched.acknowledged, Some(7));
    let forged = scene.store.read(&id_text(&fetched.aside[4].id)).unwrap();
    assert!(forged.head.aside.unwrap().reason.as_str().contains("none of theirs"));
    assert_eq!((forged.head.from, forged.head.from_name), (None, None), "nobody is named as its sender");
    assert_eq!(forged.signed.unwrap().letter.body.words(), "I am Alice", "what was opened is kept");
}

#[tokio::test]
async fn a_sender_who_may_not_act_is_not_believed() {
    let scene = Scene::new().await;
    scene.node.person(ALICE, |alice| alice.status = "suspended".into());
    scene.deliver(scene.letter(ALICE, ALICE, "one").encode());
    assert_eq!(reasons(&scene.fetch().await.unwrap()), ["suspended"]);
    scene.node.person(ALICE, |alice| alice.status = "active".into());
    scene.deliver(scene.letter(ALICE, ALICE, "two").encode());
    assert_eq!(scene.fetch().await.unwrap().new.len(), 1);
    scene.node.suspend_member();
    scene.deliver(scene.letter(ALICE, ALICE, "three").encode());
    assert_eq!(reasons(&scene.fetch().await.unwrap()), ["suspended"]);
}

#[tokio::test]
async fn a_ledger_that_cannot_be_asked_is_no_verdict() {
    let scene = Scene::new().await;
    scene.deliver(scene.letter(ALICE, ALICE, "one").encode());
    scene.node.fail("account_get", fault(ErrorCode::QueryFailed));
    assert!(matches!(scene.fetch().await, Err(FetchError::Ledger(_))));
    assert_eq!((scene.listed(), scene.node.times("relay_acknowledge")), (0, 0));
    assert_eq!(scene.fetch().await.unwrap().new.len(), 1);
}

#[tokio::test]
async fn a_relay_whose_pages_do_not_go_on_is_not_followed() {
    let scene = Scene::new().await;
    scene.deliver(scene.letter(ALICE, ALICE, "one").encode());
    scene.deliver(scene.letter(ALICE, ALICE, "two").encode());
    scene.node.inbox.lock().unwrap()[1].number = 1;
    let failed = scene.fetch().await.unwrap_err();
    let FetchError::Relay(RelayError::Client(ClientError::BadAnswer { cause, .. })) = &failed else {
        panic!("{failed}")
    };
    assert!(cause.contains("do not grow"), "{cause}");
    assert_eq!(scene.listed(), 0);
    scene.node.inbox.lock().unwrap().clear();
    let empty = InboxPage { messages: Vec::new(), next: 0, more: true };
    assert!(check_page(&empty, 0).is_err());
    assert!(check_page(&InboxPage { more: false, ..empty }, 0).is_ok());
}

#[tokio::test]
async fn letters_are_numbered_and_a_lost_answer_is_one_message() {
    let scene = Scene::new().await;
    let alice = Correspondent::find(&scene.client, ALICE).await.unwrap();
    let body = || Body::text("hello").unwrap();
    let first = send(&scene.live(), &scene.store, &alice, body()).await.unwrap();
    scene.node.fail("relay_send", fault(ErrorCode::Unavailable));
    let second = send(&scene.live(), &scene.store, &alice, body()).await.unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    let posted = scene.node.posted.lock().unwrap().clone();
    assert_eq!((posted.len(), &posted[1]), (3, &posted[2]), "the same envelope again");
    let key = EncryptionKey::of(&unlocked(ALICE));
    let opened = open(&Envelope::read(&posted[2]).unwrap(), &key).unwrap();
    assert_eq!((opened.signed.letter.number, opened.signed.key), (2, scene.bob.public_key()));
    assert_eq!((opened.signed.letter.from, opened.id), (scene.session.account, second.id));
}

#[tokio::test]
async fn who_cannot_receive_is_told_before_anything_is_sent() {
    let scene = Scene::new().await;
    let find = |who: &'static str| Correspondent::find(&scene.client, who);
    let unknown = find("eve@harbor-hotel.example").await.unwrap_err();
    assert!(matches!(&unknown, CorrespondentError::Unknown { .. }) && unknown.is_verdict(), "{unknown}");
    scene.node.person(ALICE, |alice| alice.encryption_key = None);
    let body = || Body::text("hello").unwrap();
    let refused = send(&scene.live(), &scene.store, &find(ALICE).await.unwrap(), body()).await.unwrap_err();
    assert!(matches!(&refused, SendError::Receiver(CorrespondentError::NoEncryptionKey { .. })), "{refused}");
    assert!(refused.to_string().contains(ALICE), "{refused}");
    scene.node.person(BOB, |bob| bob.status = "suspended".into());
    let refused = send(&scene.live(), &scene.store, &find(BOB).await.unwrap(), body()).await.unwrap_err();
    assert!(matches!(refused, SendError::Receiver(CorrespondentError::Suspended { .. })), "{refused}");
    assert!(scene.node.posted.lock().unwrap().is_empty());
    assert!(!scene.store.folder().exists(), "no number is used");
}
