//! `countersign card` without a node: card and order files, and what is refused before anything is asked or signed.
#![allow(clippy::unwrap_used, reason = "a failed step of a test ends it")]
mod support;

use std::fs;
use support::{Wallet, mode};

const CARD: &str = "card-1234@bank.example";

/// A wallet with a file that has a PIN.
fn wallet() -> Wallet {
    let wallet = Wallet::new();
    wallet.write("pin", "4711\n");
    wallet
}

#[test]
fn a_cards_file_is_its_owners_alone_and_never_overwritten() {
    let wallet = wallet();
    assert_eq!(wallet.done(&["card", "new", CARD, "-o", "card.json", "--pin-file", "pin"])["card"], CARD);
    let path = wallet.path("card.json");
    let content = fs::read_to_string(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert!(!content.contains("4711"));
    let again = wallet.refused(&["card", "new", CARD, "-o", "card.json", "--pin-file", "pin"], 2);
    assert!(again.contains("never overwritten"));
    assert_eq!(fs::read_to_string(&path).unwrap(), content);
    let member = wallet.refused(&["card", "new", "bank.example", "-o", "other.json", "--pin-file", "pin"], 2);
    assert!(member.contains("no card's name"));
    let long = format!("{}@bank.example", "a".repeat(40));
    assert!(wallet.refused(&["card", "new", &long, "-o", "long.json", "--pin-file", "pin"], 2).contains("no room"));
    assert!(wallet.refused(&["card", "new", CARD, "-o", "unasked.json"], 5).contains("--pin-file"));
    fs::write(wallet.path("letters"), "47a1").unwrap();
    assert!(
        wallet.refused(&["card", "new", CARD, "-o", "bad.json", "--pin-file", "letters"], 5).contains("4 to 12 digits")
    );
    assert!(!["other.json", "long.json", "unasked.json", "bad.json"].iter().any(|file| wallet.path(file).exists()));
}

#[test]
fn a_card_is_named_by_reader_or_by_file_and_its_pin_never_in_the_command() {
    let wallet = wallet();
    let unload = ["card", "unload", "-o", "out.csp"];
    for wrong in [
        &[][..],
        &["--reader", "--card-file", "card.json"],
        &["--reader", "--card", CARD],
        &["--card", CARD, "--pin-file", "pin"],
    ] {
        let output = wallet.run(&[&unload[..], wrong].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("Usage"), "{wrong:?}");
    }
    let help = String::from_utf8(wallet.run(&["card", "pay", "--help"]).stdout).unwrap();
    assert!(help.contains("--pin-file <FILE>") && !help.contains("--pin <"), "{help}");
}

#[test]
fn an_order_names_payee_amount_and_an_id_of_its_own() {
    let wallet = wallet();
    let order = ["card", "order", "--payee", "shop.example", "--asset", "EUR", "--amount", "12.50"];
    let given = wallet.done(&[&order[..], &["--order", "A-17", "-o", "given.json"]].concat());
    assert_eq!((given["order"].as_str(), given["amount"].as_str()), (Some("A-17"), Some("12.50")));
    let ids = ["a.json", "b.json"].map(|file| wallet.done(&[&order[..], &["-o", file]].concat())["order"].clone());
    assert_ne!(ids[0], ids[1]);
    assert!(wallet.refused(&[&order[..], &["-o", "a.json"]].concat(), 2).contains("exists already"));
    wallet.refused(&[&order[..], &["--order", "", "-o", "empty.json"]].concat(), 2);
}

#[test]
fn what_needs_the_ledger_says_so_before_a_pin_is_asked_for() {
    let wallet = wallet();
    wallet.done(&["keys", "dev", "till-7@shop.example"]);
    wallet.done(&["card", "new", CARD, "-o", "card.json", "--pin-file", "pin"]);
    wallet.done(&[
        "card",
        "order",
        "--payee",
        "shop.example",
        "--asset",
        "EUR",
        "--amount",
        "1.00",
        "-o",
        "order.json",
    ]);
    let pay = ["card", "pay", "--card-file", "card.json", "-o", "pay.csp", "--order"];
    assert!(wallet.refused(&[&pay[..], &["order.json"]].concat(), 2).contains("needs a node"));
    assert!(wallet.refused(&["card", "show", CARD], 2).contains("needs a node"));
    // Neither order nor card.
    assert!(wallet.refused(&[&pay[..], &["card.json"]].concat(), 2).contains("no order"));
    let swapped = ["card", "pay", "--card-file", "order.json", "-o", "pay.csp", "--order", "order.json"];
    assert!(wallet.refused(&swapped, 2).contains("not the file of a software card"));
    assert!(!wallet.path("pay.csp").exists());
}

#[test]
fn only_a_cards_payment_is_confirmed_as_one() {
    let wallet = wallet();
    wallet.done(&["keys", "dev", "alice@bank.example"]);
    let account = wallet.done(&["keys", "show"])["account"].as_str().unwrap().to_owned();
    let (payer, to) = (format!("payer={account}"), format!("to={account}"));
    let transfer =
        ["tx", "propose", "assets.transfer", "--party", &payer, "--arg", "asset=EUR", "--arg", "amount=1.00"];
    wallet.done(&[&transfer[..], &["--arg", &to, "--arg", "reference=r", "-o", "transfer.csp"]].concat());
    let refused = wallet.refused(&["card", "confirm", "transfer.csp", "--yes"], 2);
    assert!(refused.contains("something else than a card's payment"), "{refused}");
}
