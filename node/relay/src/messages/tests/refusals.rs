//! What is refused, to wallets and to other relays, each beside what is taken.
use super::*;
use crate::protocol::{Answer, Question, Why};
use crate::testing::CHAIN;
use countersign_rpc_types::relay::MESSAGE_LIFE_MS_MAX;
use countersign_types::{Hash, Status};

async fn refused(world: &World, envelope: &Envelope, code: &str) {
    let refusal = world.hotel.accept(world.alice, envelope.encode()).await.unwrap_err();
    let fault = refusal.fault();
    assert_eq!(fault.code, ErrorCode::MessageRefused as i32, "{refusal}");
    assert_eq!(fault.data.unwrap()["reason"], code, "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_of_now_and_here_is_refused() {
    let world = World::new().await;
    let good = world.ledger.seal(&world.anna, 1, 100, world.clock.ms());
    let junk = world.hotel.accept(world.alice, vec![7; 1000]).await.unwrap_err();
    assert_eq!(junk.fault().data.unwrap()["reason"], "malformed");
    let later = |from: Timestamp, ms| from.checked_add_millis(ms).unwrap();
    let life = later(good.sent_at, MESSAGE_LIFE_MS_MAX + 1);
    refused(&world, &Envelope { expires_at: life, ..good.clone() }, "bad_life").await;
    refused(&world, &Envelope { chain: Hash([9; 32]), ..good.clone() }, "other_chain").await;
    let early = Timestamp::from_millis(START_MS - 3_600_000);
    refused(
        &world,
        &Envelope { sent_at: early, expires_at: Timestamp::from_millis(START_MS), ..good.clone() },
        "expired",
    )
    .await;
    let ahead = later(good.sent_at, limits::CLOCK_AHEAD_MS_MAX + 1);
    refused(&world, &Envelope { sent_at: ahead, ..good.clone() }, "clock").await;
    let ahead = later(good.sent_at, limits::CLOCK_AHEAD_MS_MAX);
    world.hotel.accept(world.alice, Envelope { sent_at: ahead, ..good }.encode()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_receivers_that_can_receive_are_written_to() {
    let world = World::new().await;
    let good = world.ledger.seal(&world.bob, 1, 100, world.clock.ms());
    refused(&world, &Envelope { to: AccountId([77; 32]), ..good.clone() }, "receiver_unknown").await;
    refused(&world, &Envelope { key: [9; 32], ..good.clone() }, "other_key").await;
    world.ledger.records().accounts.get_mut(&world.bob).unwrap().encryption_key = None;
    refused(&world, &good, "other_key").await;
    world.ledger.records().accounts.get_mut(&world.bob).unwrap().encryption_key = Some(good.key);
    world.ledger.records().accounts.get_mut(&world.bob).unwrap().status = Status::Suspended;
    refused(&world, &good, "receiver_suspended").await;
    world.ledger.records().accounts.get_mut(&world.bob).unwrap().status = Status::Active;
    let site = |change: fn(&mut crate::SiteStanding)| {
        change(world.ledger.records().sites.get_mut("city-books.example").unwrap());
    };
    site(|standing| standing.status = Status::Suspended);
    refused(&world, &good, "receiver_suspended").await;
    site(|standing| standing.status = Status::Active);
    world.ledger.records().relays.remove(&BOOKS);
    refused(&world, &good, "no_relay").await;
    world.ledger.records().relays.insert(BOOKS);
    site(|standing| standing.site.as_mut().unwrap().relays = Vec::new().try_into().unwrap());
    refused(&world, &good, "no_relay").await;
    site(|standing| standing.site.as_mut().unwrap().relays = vec![BOOKS].try_into().unwrap());
    world.hotel.accept(world.alice, good.encode()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_fetched_at_the_relay_that_keeps_them() {
    let world = World::new().await;
    world.hotel.accept(world.alice, world.sealed(&world.anna, 1)).await.unwrap();
    assert_eq!(world.hotel.inbox(world.anna, 0, None).await.unwrap().messages.len(), 1);
    let refusal = world.books.inbox(world.anna, 0, None).await.unwrap_err();
    let fault = refusal.fault();
    assert_eq!(fault.code, ErrorCode::MessageRefused as i32);
    let data = fault.data.unwrap();
    assert_eq!((data["reason"].as_str(), data["home"].as_str()), (Some("not_home"), Some(&*HOTEL.to_string())));
    assert!(matches!(world.books.acknowledge(world.anna, 1).await, Err(Refusal::OtherRelay { home: HOTEL })));
    assert!(matches!(world.books.changed(world.anna).await, Err(Refusal::OtherRelay { .. })));
    let nobody = AccountId([88; 32]);
    assert!(matches!(world.hotel.inbox(nobody, 0, None).await, Err(Refusal::Receiver(ReceiverFault::Unknown))));
}

async fn ask(world: &World, from: PublicKey, question: &[u8]) -> Answer {
    Answer::read(&world.books.answer(&from, question).await).unwrap()
}

fn deliver(envelope: &Envelope) -> Bytes {
    Question::Deliver { tag: [3; 16], envelope: envelope.encode().try_into().unwrap() }.write()
}

#[tokio::test(flavor = "multi_thread")]
async fn other_relays_bring_only_what_belongs_here() {
    let world = World::new().await;
    let good = world.ledger.seal(&world.bob, 1, 100, world.clock.ms());
    let refused = |why| Answer::Refused(why);
    assert_eq!(ask(&world, PublicKey([5; 32]), &deliver(&good)).await, refused(Why::NoRelay));
    assert_eq!(ask(&world, HOTEL, b"").await, refused(Why::Unreadable));
    assert_eq!(ask(&world, HOTEL, &[0xff; 4096]).await, refused(Why::Unreadable));
    let no_envelope = Question::Deliver { tag: [3; 16], envelope: vec![1, 2, 3].try_into().unwrap() };
    assert_eq!(ask(&world, HOTEL, &no_envelope.write()).await, refused(Why::NoEnvelope));
    let other_chain = Envelope { chain: Hash([9; 32]), ..good.clone() };
    assert_eq!(ask(&world, HOTEL, &deliver(&other_chain)).await, refused(Why::OtherChain));
    let other_key = Envelope { key: [9; 32], ..good.clone() };
    assert_eq!(ask(&world, HOTEL, &deliver(&other_key)).await, refused(Why::OtherKey));
    let nobody = Envelope { to: AccountId([77; 32]), ..good.clone() };
    assert_eq!(ask(&world, HOTEL, &deliver(&nobody)).await, refused(Why::Receiver));
    let elsewhere = world.ledger.seal(&world.alice, 1, 100, world.clock.ms());
    assert_eq!(ask(&world, HOTEL, &deliver(&elsewhere)).await, Answer::NotHome);
    assert_eq!(contents(&world.books, world.bob).await, []);
    assert_eq!(ask(&world, HOTEL, &deliver(&good)).await, Answer::Stored);
    assert_eq!(ask(&world, HOTEL, &deliver(&good)).await, Answer::Known);
    assert_eq!(contents(&world.books, world.bob).await, [(1, 1)]);
    assert_eq!(good.chain, CHAIN);
    world.clock.advance_ms(3_600_000);
    assert_eq!(ask(&world, HOTEL, &deliver(&good)).await, refused(Why::Clock));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_asks_too_much_waits_and_another_does_not() {
    let world = World::new().await;
    for _ in 0..limits::QUESTIONS_PER_MINUTE_MAX {
        assert_eq!(ask(&world, HOTEL, b"?").await, Answer::Refused(Why::Unreadable));
    }
    assert_eq!(ask(&world, HOTEL, b"?").await, Answer::Busy);
    assert_eq!(ask(&world, BOOKS, b"?").await, Answer::Refused(Why::Unreadable));
    world.clock.advance_ms(60_000);
    assert_eq!(ask(&world, HOTEL, b"?").await, Answer::Refused(Why::Unreadable));
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_tell_senders_and_receivers_apart_and_are_this_relays_own() {
    let world = World::new().await;
    let (alice, anna, bob) = (world.alice, world.anna, world.bob);
    let tag = world.hotel.tag(&alice, &bob);
    assert_eq!(tag, world.hotel.tag(&alice, &bob));
    assert_ne!(tag, world.hotel.tag(&anna, &bob));
    assert_ne!(tag, world.hotel.tag(&alice, &anna));
    assert_ne!(tag, world.hotel.tag(&bob, &alice));
    assert_ne!(tag, world.books.tag(&alice, &bob), "made with each relay's own secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_another_relay_asks_gets_an_answer() {
    let world = World::new().await;
    let good = deliver(&world.ledger.seal(&world.bob, 1, 100, world.clock.ms()));
    let mut answers = std::collections::BTreeMap::<String, u32>::new();
    for n in 0..3_000_u64 {
        let chance = Hash::of_encoded("test-chance", &n).0;
        let mut question = good.to_vec();
        // Cut off, one byte altered, or bytes put behind.
        let at = usize::from(u16::from_le_bytes([chance[0], chance[1]])) % question.len();
        match chance[2] % 4 {
            0 => question.truncate(at),
            1 => question.extend(&chance),
            _ => question[at] ^= chance[3].max(1),
        }
        // What is altered inside of the seal alone is another message.
        *answers.entry(format!("{:?}", ask(&world, HOTEL, &question).await)).or_default() += 1;
    }
    for expected in ["Stored", "Refused(Unreadable)", "Refused(NoEnvelope)", "Refused(OtherKey)", "Refused(Receiver)"] {
        assert!(answers.contains_key(expected), "{expected}: {answers:?}");
    }
}

#[test]
fn a_failing_disk_is_told_without_its_path() {
    let fault = Refusal::from(StoreError::InUse { path: "/var/lib/node/relay".into() }).fault();
    assert_eq!(fault.code, ErrorCode::Unavailable as i32);
    assert!(!fault.message.contains("/var"), "{}", fault.message);
}
