//! What relays carry, and what they refuse: envelopes made by hand, with what no wallet would send.
use crate::scene::{BOOKS, HOLDERS, HOTEL, Scene, refused};
use anyhow::Context as _;
use countersign_harness::{Asker, CallError, Person, now_ms, wait_for};
use countersign_interface::Method as _;
use countersign_interface::registry::SetHolderSuspended;
use countersign_rpc_types::relay::{
    Acknowledgement, ENVELOPE_BYTES_MAX, Envelope, InboxQuery, MESSAGE_LIFE_MS_MAX, Posting, SEALED_BYTES_MAX,
    SentQuery,
};
use countersign_rpc_types::{ErrorCode, HexBytes};
use countersign_types::{AccountId, Hash, Timestamp};
use parity_scale_codec::Encode as _;
use serde_json::{Value, json};

const ALICE: &str = HOLDERS[0];
const BOB: &str = HOLDERS[1];
const CAROL: &str = HOLDERS[2];
/// Any key: what is sealed to it is opened by nobody here.
const KEY: [u8; 32] = [9; 32];
const HOUR_MS: u64 = 60 * 60 * 1000;
/// More messages than any quota lets one sender have waiting.
const FLOOD_MAX: u64 = 20_000;

fn posting(envelope: &Envelope) -> Posting {
    Posting { envelope: HexBytes(envelope.encode()) }
}

fn post(asker: &mut Asker, envelope: &Envelope) -> Result<Value, CallError> {
    asker.ask("relay_send", &posting(envelope))
}

/// An hour's message with that content.
fn envelope(chain: Hash, to: AccountId, content: &[u8]) -> Envelope {
    let now = now_ms();
    Envelope {
        chain,
        to,
        key: KEY,
        sent_at: Timestamp::from_millis(now),
        expires_at: Timestamp::from_millis(now + HOUR_MS),
        sealed: content.to_vec().try_into().expect("short enough"),
    }
}

fn inbox(asker: &mut Asker, after: u64, limit: u32) -> anyhow::Result<Vec<Value>> {
    let page = asker.ask("relay_inbox", &InboxQuery { after, limit: Some(limit) })?;
    Ok(page["messages"].as_array().context("a page of messages")?.clone())
}

fn number(message: &Value) -> u64 {
    message["number"].as_u64().expect("a stored message has a number")
}

#[test]
fn messages_are_kept_in_order_once_and_for_their_receiver_only() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let chain = scene.network().chain();
    let (mut alice, mut bob, mut carol) = (scene.holder(ALICE)?, scene.holder(BOB)?, scene.holder(CAROL)?);
    let to = scene.set_encryption_key(BOB, KEY)?;
    let sent: Vec<Envelope> = (0..5_u8).map(|n| envelope(chain, to, &[n; 600])).collect();
    for envelope in &sent {
        let posted = post(&mut alice, envelope)?;
        assert_eq!(posted["state"], json!("delivered"), "the receiver's relay is this one: {posted:#}");
        assert_eq!(posted, post(&mut alice, envelope)?, "the same envelope is the same message");
    }
    let (first, rest) = (inbox(&mut bob, 0, 2)?, inbox(&mut bob, 0, 100)?);
    let after = number(first.last().context("two messages")?);
    let pages = [first.clone(), inbox(&mut bob, after, 100)?].concat();
    assert_eq!((first.len(), &pages), (2, &rest), "in pages or at once");
    let whole: Vec<Value> = sent.iter().map(|envelope| json!(HexBytes(envelope.encode()))).collect();
    let kept: Vec<Value> = rest.iter().map(|message| message["envelope"].clone()).collect();
    assert_eq!(kept, whole, "in order, none twice");
    assert!(rest.windows(2).all(|pair| number(&pair[0]) < number(&pair[1])));

    // Nobody else sees them, and nobody else's acknowledgement forgets them.
    assert_eq!(inbox(&mut carol, 0, 100)?, [] as [Value; 0]);
    assert_eq!(inbox(&mut alice, 0, 100)?, [] as [Value; 0], "not even who sent them");
    assert_eq!(carol.ask("relay_acknowledge", &Acknowledgement { up_to: u64::MAX })?["count"], json!(0));
    assert_eq!(inbox(&mut bob, 0, 100)?.len(), 5);
    assert_eq!(bob.ask("relay_acknowledge", &Acknowledgement { up_to: after })?["count"], json!(2));
    assert_eq!(inbox(&mut bob, 0, 100)?, rest[2..]);
    // What was acknowledged is not taken again.
    post(&mut alice, &sent[0])?;
    assert_eq!(inbox(&mut bob, 0, 100)?.len(), 3);
    let told = alice.ask("relay_sent", &SentQuery::default())?;
    assert_eq!(told["messages"].as_array().map(Vec::len), Some(5), "{told:#}");
    assert_eq!(carol.ask("relay_sent", &SentQuery::default())?["messages"], json!([]), "who wrote is nobody else's");
    Ok(())
}

#[test]
fn what_cannot_be_carried_is_refused_at_the_door() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let chain = scene.network().chain();
    let (mut alice, mut bob) = (scene.holder(ALICE)?, scene.holder(BOB)?);
    let to = Person::named(BOB).account;
    let good = || envelope(chain, to, &[1; 600]);
    let now = now_ms();
    let at = Timestamp::from_millis;
    let message_refused = |alice: &mut Asker, what: &str, envelope: Envelope| {
        let refusal = refused(post(alice, &envelope), ErrorCode::MessageRefused);
        assert!(!refusal["data"].is_null(), "{what}: a program learns why: {refusal:#}");
    };
    message_refused(&mut alice, "nobody can read it", good());
    scene.set_encryption_key(BOB, KEY)?;
    post(&mut alice, &good())?;
    message_refused(&mut alice, "another chain", Envelope { chain: Hash([7; 32]), ..good() });
    message_refused(&mut alice, "no such account", Envelope { to: AccountId([7; 32]), ..good() });
    message_refused(&mut alice, "sealed to another key", Envelope { key: [8; 32], ..good() });
    let expired = Envelope { sent_at: at(now - 2 * HOUR_MS), expires_at: at(now - HOUR_MS), ..good() };
    message_refused(&mut alice, "expired", expired);
    let endless = Envelope { expires_at: at(now + 2 * MESSAGE_LIFE_MS_MAX), ..good() };
    let not_yet = Envelope { sent_at: at(now + 24 * HOUR_MS), expires_at: at(now + 25 * HOUR_MS), ..good() };
    message_refused(&mut alice, "for ever", endless);
    message_refused(&mut alice, "from the future", not_yet);

    // Not an envelope; one byte more than one; longer than any; and the longest there is.
    let raw = |bytes: Vec<u8>| Posting { envelope: HexBytes(bytes) };
    refused(alice.ask("relay_send", &raw(vec![])), ErrorCode::MessageRefused);
    refused(alice.ask("relay_send", &raw(vec![0xff; 300])), ErrorCode::MessageRefused);
    refused(alice.ask("relay_send", &raw([good().encode(), vec![0]].concat())), ErrorCode::MessageRefused);
    refused(alice.ask("relay_send", &raw(vec![0; ENVELOPE_BYTES_MAX + 1])), ErrorCode::MessageRefused);
    let flood = alice.ask("relay_send", &raw(vec![0; 40 << 20]));
    assert!(flood.is_err(), "{flood:?}");
    let longest = Envelope { sealed: vec![3; SEALED_BYTES_MAX].try_into().expect("the bound"), ..good() };
    post(&mut alice, &longest)?;
    assert_eq!(inbox(&mut bob, 0, 100)?.len(), 2, "one page holds it, and nothing that was refused");

    // To somebody who is suspended, and from somebody who is.
    let merchant = Person::named(HOTEL);
    let suspend = |holder: &str, suspended| {
        let call = SetHolderSuspended { holder: Person::named(holder).account, suspended }.call(&[merchant.account]);
        scene.network().decide(call, &[merchant])?;
        scene.network().until_level()
    };
    suspend(BOB, true)?;
    message_refused(&mut alice, "suspended", good());
    let fetched = bob.ask("relay_inbox", &InboxQuery::default());
    assert!(matches!(fetched, Err(CallError::Refused(_))), "{fetched:?}");
    suspend(BOB, false)?;
    assert_eq!(inbox(&mut bob, 0, 100)?.len(), 2, "what was there is there");
    suspend(ALICE, true)?;
    let posted = post(&mut alice, &good());
    assert!(matches!(posted, Err(CallError::Refused(_))), "{posted:?}");
    Ok(())
}

#[test]
fn messages_are_fetched_at_the_home_relay() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    scene.holder(ALICE)?;
    let mut elsewhere = Asker::user(scene.network().node(1).address(), ALICE, crate::scene::PASSWORD)?;
    let refusal = refused(elsewhere.ask("relay_inbox", &InboxQuery::default()), ErrorCode::MessageRefused);
    let home = scene.network().key(0).to_string();
    assert!(refusal["data"].to_string().contains(&home), "it names the home relay: {refusal:#}");
    // To a member whose users have a relay, though it has no encryption key yet.
    let to = Person::named(BOOKS).account;
    let sent = post(&mut elsewhere, &envelope(scene.network().chain(), to, &[1; 600]));
    refused(sent, ErrorCode::MessageRefused);
    Ok(())
}

#[test]
fn what_expires_on_its_way_is_reported_and_never_delivered() -> anyhow::Result<()> {
    const LIFE_MS: u64 = 4_000;
    let mut scene = Scene::open()?;
    let (chain, mut alice) = (scene.network().chain(), scene.holder(ALICE)?);
    let to = scene.set_encryption_key(BOOKS, KEY)?;
    scene.town.network.kill(1)?;
    let brief = envelope(chain, to, &[1; 600]);
    let brief = Envelope { expires_at: Timestamp::from_millis(brief.sent_at.millis() + LIFE_MS), ..brief };
    assert_eq!(post(&mut alice, &brief)?["state"], json!("waiting"));
    assert_eq!(post(&mut alice, &envelope(chain, to, &[2; 600]))?["state"], json!("waiting"));
    let mut states = |count: usize, state: &str| {
        wait_for(&format!("{count} messages to be {state}"), || {
            let told = alice.ask("relay_sent", &SentQuery::default()).ok()?;
            let messages = told["messages"].as_array()?;
            (messages.iter().filter(|message| message["state"] == json!(state)).count() == count).then_some(())
        })
    };
    states(1, "expired")?;
    states(1, "waiting")?;
    scene.town.network.start_node(1)?;
    states(1, "delivered")?;
    let mut books = Asker::member(&scene.town.home(BOOKS)?, &chain, BOOKS)?;
    let waits = inbox(&mut books, 0, 100)?;
    assert_eq!(waits.len(), 1, "what has expired does not hold up what was sent behind it: {waits:#?}");
    Ok(())
}

#[test]
fn a_flood_from_one_holder_leaves_room_for_another() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let chain = scene.network().chain();
    let (mut alice, mut bob, mut carol) = (scene.holder(ALICE)?, scene.holder(BOB)?, scene.holder(CAROL)?);
    let to = scene.set_encryption_key(BOB, KEY)?;
    let (mut taken, mut slowed) = (0, 0);
    let refusal = loop {
        assert!(taken < FLOOD_MAX, "somebody must stop it");
        let sealed = taken.to_le_bytes().repeat(64);
        match post(&mut alice, &envelope(chain, to, &sealed)) {
            Ok(_) => taken += 1,
            Err(CallError::Refused(refusal)) if refusal["code"] == json!(ErrorCode::TooManyAttempts as i32) => {
                // A session that asks too fast is told when it may ask again.
                let wait = refusal["data"]["retry_after_ms"].as_u64().context("how long")?;
                let until = now_ms() + wait;
                wait_for("the session's next turn", || (now_ms() >= until).then_some(()))?;
                slowed += 1;
            }
            refusal => break refusal,
        }
    };
    assert!(slowed < taken, "a flood of {taken} was slowed {slowed} times");
    let refusal = refused(refusal, ErrorCode::QuotaReached);
    assert!(taken > 10 && !refusal["data"].is_null(), "it says whose: {refusal:#}");
    post(&mut carol, &envelope(chain, to, &[3; 600]))?;
    let mut after = 0;
    let mut fetched = 0;
    loop {
        let page = inbox(&mut bob, after, 100)?;
        let Some(last) = page.last() else { break };
        (after, fetched) = (number(last), fetched + page.len() as u64);
    }
    assert_eq!(fetched, taken + 1, "all that was taken, and the other's");
    Ok(())
}
