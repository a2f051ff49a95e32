//! Story 1.1's purchase with nothing but messages between the parties' wallets, which are on different nodes.
use crate::scene::{HOTEL, Scene, until_has};
use anyhow::Context as _;
use countersign_harness::Wallet;
use serde_json::json;

const BOB: &str = "bob2@city-books.example";

fn balance(wallet: &Wallet, name: &str) -> anyhow::Result<u128> {
    let told = wallet.run(&["asset", "balance", name, "EUR"])?;
    Ok(told["amount"].as_str().context("an amount")?.parse()?)
}

#[test]
fn a_purchase_is_signed_by_message() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let (hotel, bob) = (scene.member(HOTEL)?, scene.user(BOB)?);
    hotel.run(&["asset", "transfer", "--to", BOB, "--asset", "EUR", "--amount", "50.00", "--yes"])?;
    let before = balance(&hotel, HOTEL)?;
    // The merchant draws up, signs, and sends to whoever has to sign besides.
    let (bill, signed) = (scene.path("bill.csp"), scene.path("signed.csp"));
    let terms =
        ["--merchant", HOTEL, "--customer", BOB, "--asset", "EUR", "--amount", "40.00", "--reference", "room 7"];
    hotel.run(&[&["rebate", "purchase"], &terms[..], &["-o", &bill, "--sign", "--yes"]].concat())?;
    hotel.run(&["tx", "send", &bill])?;
    // The customer signs the newest proposal in the inbox, and sends it back.
    until_has(&bob, 1, HOTEL)?;
    let told = bob.run(&["tx", "sign", "--from", "inbox", "-o", &signed, "--yes"])?;
    assert_eq!(told["complete"], json!(true), "{told:#}");
    bob.run(&["tx", "send", &signed, "--to", HOTEL])?;
    // The merchant's copy takes the customer's signature in, and is broadcast.
    let answers = until_has(&hotel, 1, BOB)?;
    let id = answers[0]["id"].as_str().context("a message has an id")?;
    hotel.run(&["tx", "sign", "--from", "inbox", id, "-o", &bill, "--yes"])?;
    hotel.run(&["tx", "submit", &bill, "--wait"])?;
    assert_eq!((balance(&hotel, BOB)?, balance(&hotel, HOTEL)?), (1_000, before + 4_000));
    Ok(())
}
