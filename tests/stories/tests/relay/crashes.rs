//! Relays that lose their power: what was acknowledged arrives, once and in order, and nobody has to log in again.
use crate::letters::texts;
use crate::scene::{Scene, messages, until_has};
use countersign_harness::{Wallet, wait_for};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const ALICE: &str = "alice2@harbor-hotel.example";
const BOB: &str = "bob2@city-books.example";
/// Alice's relay makes the blocks.
const ALICES: usize = 0;
/// Bob's follows.
const BOBS: usize = 1;

fn send(from: &Wallet, to: &str, text: &str) -> anyhow::Result<()> {
    from.run(&["send", to, "--text", text]).map(|_| ())
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("number {n}")).collect()
}

#[test]
fn what_the_senders_relay_acknowledged_survives_its_power_cut() -> anyhow::Result<()> {
    let mut scene = Scene::open()?;
    let (alice, bob) = (scene.user(ALICE)?, scene.user(BOB)?);
    // Nothing can have left before the power goes: the receiver's relay is away.
    scene.town.network.kill(BOBS)?;
    for text in numbered(3) {
        send(&alice, BOB, &text)?;
    }
    scene.town.network.kill(ALICES)?;
    scene.town.network.start_all()?;
    assert_eq!(texts(&until_has(&bob, 3, ALICE)?), numbered(3));
    // Her session is as good as before, and nothing of what was delivered comes again.
    send(&alice, BOB, "number 3")?;
    assert_eq!(texts(&until_has(&bob, 4, ALICE)?), numbered(4));
    Ok(())
}

#[test]
fn what_the_receivers_relay_stored_survives_its_power_cut() -> anyhow::Result<()> {
    let mut scene = Scene::open()?;
    let (alice, bob) = (scene.user(ALICE)?, scene.user(BOB)?);
    for text in numbered(3) {
        send(&alice, BOB, &text)?;
    }
    scene.network().until("the messages to be delivered", |_| {
        let sent = alice.run(&["inbox", "sent"])?;
        let states = sent.as_array().into_iter().flatten().map(|item| &item["state"]);
        Ok(states.filter(|state| **state == json!("delivered")).count() == 3)
    })?;
    scene.town.network.kill(BOBS)?;
    scene.town.network.start_node(BOBS)?;
    assert_eq!(texts(&until_has(&bob, 3, ALICE)?), numbered(3));
    // Fetched and acknowledged, it does not come back with another start.
    scene.town.network.kill(BOBS)?;
    scene.town.network.start_node(BOBS)?;
    send(&bob, ALICE, "an answer")?;
    assert_eq!(texts(&until_has(&alice, 1, BOB)?), ["an answer"]);
    assert_eq!(texts(&until_has(&bob, 3, ALICE)?), numbered(3));
    Ok(())
}

#[test]
fn messages_arrive_in_order_while_both_relays_lose_their_power_again_and_again() -> anyhow::Result<()> {
    const ROUNDS: usize = 4;
    let mut scene = Scene::open()?;
    let (alice, bob) = (scene.user(ALICE)?, scene.user(BOB)?);
    for (round, pair) in numbered(2 * ROUNDS).chunks(2).enumerate() {
        for text in pair {
            send(&alice, BOB, text)?;
        }
        // Right after the acknowledgement: whether they had left, had arrived, or had been confirmed, is up to chance.
        scene.town.network.kill(if round % 2 == 0 { ALICES } else { BOBS })?;
        scene.town.network.start_all()?;
    }
    let received = until_has(&bob, 2 * ROUNDS, ALICE)?;
    assert_eq!(texts(&received), numbered(2 * ROUNDS), "each once, in order");
    send(&alice, BOB, "the last")?;
    let received = until_has(&bob, 2 * ROUNDS + 1, ALICE)?;
    assert_eq!(received.len(), 2 * ROUNDS + 1, "nothing came twice behind it");
    Ok(())
}

#[test]
fn who_listens_hears_again_when_the_relay_is_back() -> anyhow::Result<()> {
    let mut scene = Scene::open()?;
    let (alice, bob) = (scene.user(ALICE)?, scene.user(BOB)?);
    let following = bob.follow(&["inbox", "--follow"])?;
    for text in numbered(3) {
        send(&alice, BOB, &text)?;
        assert_eq!(following.next()?["words"], json!(text), "each once");
        scene.town.network.kill(BOBS)?;
        scene.town.network.start_node(BOBS)?;
    }
    Ok(())
}

#[test]
fn what_is_handed_in_while_the_power_goes_arrives_at_most_once() -> anyhow::Result<()> {
    const COUNT: usize = 8;
    let mut scene = Scene::open()?;
    let (alice, bob) = (scene.user(ALICE)?, scene.user(BOB)?);
    let begun = AtomicUsize::new(0);
    let acknowledged = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let told = numbered(COUNT).into_iter().filter(|text| {
                begun.fetch_add(1, Ordering::SeqCst);
                // Its relay may be away for longer than the wallet tries.
                send(&alice, BOB, text).is_ok()
            });
            told.collect::<Vec<_>>()
        });
        // In the middle of what comes next, whatever that wallet is doing then.
        for count in [2, 5] {
            wait_for("the next message to be handed in", || (begun.load(Ordering::SeqCst) > count).then_some(()))?;
            scene.town.network.kill(ALICES)?;
            scene.town.network.start_node(ALICES)?;
        }
        sender.join().map_err(|_| anyhow::anyhow!("the sender panicked"))
    })?;
    send(&alice, BOB, "the last")?;
    let is_last = |message: &Value| message["words"] == json!("the last");
    let mut received = Vec::new();
    scene.network().until("the last message", |_| {
        received = messages(&bob.run(&["inbox"])?, ALICE)?;
        Ok(received.iter().any(is_last))
    })?;
    let received = texts(&received);
    let sent: Vec<String> = numbered(COUNT).into_iter().chain(["the last".to_owned()]).collect();
    let places: Vec<_> = received.iter().map(|text| sent.iter().position(|one| one == text)).collect();
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "in order, none twice: {received:?}");
    let lost: Vec<_> = acknowledged.iter().filter(|text| !received.contains(&text.as_str())).collect();
    assert!(acknowledged.len() >= 2 && lost.is_empty(), "acknowledged and lost: {lost:?} of {acknowledged:?}");
    Ok(())
}
