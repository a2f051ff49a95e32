//! Messages between wallets whose relays are on different nodes: sealed, in order, once, and nothing of them in any relay's files.
use crate::password::contents;
use crate::scene::{Scene, messages, until_has};
use anyhow::Context as _;
use countersign_harness::Wallet;
use serde_json::{Value, json};
use std::fs;

const ALICE: &str = "alice2@harbor-hotel.example";
const BOB: &str = "bob2@city-books.example";
/// Bytes of the largest attachment.
const MEBIBYTE: usize = 1 << 20;

/// Where the wallet's newest sent message stands.
fn state_of_last_sent(wallet: &Wallet) -> anyhow::Result<Value> {
    let sent = wallet.run(&["inbox", "sent"])?;
    let last = sent.as_array().and_then(|items| items.last());
    Ok(last.context("something was sent")?["state"].clone())
}

/// Text of a message in a list.
pub fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["words"].as_str()).collect()
}

#[test]
fn words_a_file_and_a_proposal_reach_another_nodes_user() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let (alice, bob) = (scene.user(ALICE)?, scene.user(BOB)?);
    const WORDS: &str = "the blue suitcase is under the stairs";
    for n in 0..3 {
        alice.run(&["send", BOB, "--text", &format!("{WORDS} {n}")])?;
    }
    let page = scene.path("passport.png");
    // Nothing that could be found by its repetitions.
    let photograph: Vec<u8> = (0..MEBIBYTE / 32).flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes()).collect();
    fs::write(&page, &photograph)?;
    alice.run(&["send", BOB, "--file", &page, "--note", "my passport"])?;
    let proposal = scene.path("pay.csp");
    let pay = ["tx", "propose", "assets.transfer", "--party", &format!("payer={BOB}"), "--arg", "asset=EUR"];
    let to = ["--arg", &format!("to={ALICE}"), "--arg", "amount=5.00", "--arg", "reference=tea", "-o", &proposal];
    alice.run(&[&pay[..], &to].concat())?;
    alice.run(&["send", BOB, "--proposal", &proposal])?;

    let received = until_has(&bob, 5, ALICE)?;
    let expected: Vec<String> = (0..3).map(|n| format!("{WORDS} {n}")).collect();
    assert_eq!(texts(&received[..3]), expected, "in the order in which they were sent");
    assert_eq!(received.len(), 5, "none twice");
    let kinds: Vec<&Value> = received.iter().map(|message| &message["kind"]).collect();
    assert_eq!(kinds, ["text", "text", "text", "file", "proposal"].map(|kind| json!(kind)).iter().collect::<Vec<_>>());
    let id = |n: usize| received[n]["id"].as_str().context("a message has an id");
    let saved = scene.path("saved.png");
    bob.run(&["inbox", "save", id(3)?, "-o", &saved])?;
    assert_eq!(fs::read(&saved)?, photograph, "to the last byte");
    let signed = scene.path("signed.csp");
    let told = bob.run(&["tx", "sign", "--from", "inbox", id(4)?, "-o", &signed, "--yes"])?;
    assert_eq!(told["complete"], json!(true), "{told:#}");
    assert_eq!(state_of_last_sent(&alice)?, json!("delivered"));

    // A second wallet of the sender, and the receiver again: nothing comes twice.
    assert_eq!(messages(&bob.run(&["inbox"])?, ALICE)?.len(), 5);
    Ok(())
}

#[test]
fn relays_hold_nothing_that_they_could_read() -> anyhow::Result<()> {
    let mut scene = Scene::open()?;
    let (alice, bob) = (scene.user(ALICE)?, scene.user(BOB)?);
    const WORDS: &str = "the blue suitcase is under the stairs";
    let note = scene.path("note.txt");
    fs::write(&note, format!("{WORDS} ").repeat(5_000))?;
    // With the receiver's relay away it lies at the sender's; then at the receiver's, until it is fetched.
    scene.town.network.kill(1)?;
    alice.run(&["send", BOB, "--text", WORDS])?;
    alice.run(&["send", BOB, "--file", &note])?;
    let held = |scene: &Scene, n: usize| -> anyhow::Result<()> {
        let files = contents(&scene.relay_files(n))?;
        assert!(files.len() > 5_000 * WORDS.len(), "the messages are there");
        let words = WORDS.as_bytes();
        let short = [words, hex::encode(words).as_bytes()].map(|form| form[..12].to_vec());
        assert!(!short.iter().any(|form| files.windows(12).any(|window| window == form)), "relay {n} can read");
        Ok(())
    };
    held(&scene, 0)?;
    scene.town.network.start_node(1)?;
    scene.network().until("the messages to be forwarded", |_| Ok(state_of_last_sent(&alice)? == json!("delivered")))?;
    held(&scene, 1)?;
    let received = until_has(&bob, 2, ALICE)?;
    assert_eq!(texts(&received[..1]), [WORDS]);
    Ok(())
}

#[test]
fn who_waits_is_told_at_once() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let (alice, bob) = (scene.user(ALICE)?, scene.user(BOB)?);
    let following = bob.follow(&["inbox", "--follow"])?;
    for n in 0..3 {
        alice.run(&["send", BOB, "--text", &format!("number {n}")])?;
        let told = following.next()?;
        assert_eq!((&told["from_name"], &told["words"]), (&json!(ALICE), &json!(format!("number {n}"))), "{told:#}");
    }
    drop(following);
    alice.run(&["send", BOB, "--text", "and now?"])?;
    let waited = bob.run(&["inbox", "--wait", "60"])?;
    assert_eq!(texts(&messages(&waited, ALICE)?).last(), Some(&"and now?"), "{waited:#}");
    Ok(())
}

#[test]
fn a_receiver_without_a_key_cannot_be_written_to() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let alice = scene.user(ALICE)?;
    for (name, why) in [(crate::scene::HOLDERS[0], "has not logged in yet"), ("nobody@city-books.example", "unknown")] {
        let outcome = alice.try_run(&["send", name, "--text", "hello"])?;
        let error = outcome.error()?;
        assert!(error["message"].to_string().contains(name), "{why}: it names whom: {error:#}");
    }
    let large = scene.path("large.bin");
    fs::write(&large, vec![7; MEBIBYTE + 1])?;
    let outcome = alice.try_run(&["send", ALICE, "--file", &large])?;
    assert_eq!(outcome.code, 2, "more than an attachment holds: {outcome:#?}");
    Ok(())
}
