//! Relays that lose their power: what was acknowledged arrives, once and in order, and nobody has to log in again.
use crate::letters::texts;
use crate::scene::{Scene, until_has};
use countersign_harness::Wallet;
use serde_json::json;

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
