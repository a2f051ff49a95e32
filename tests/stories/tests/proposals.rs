//! Proposals in front of a real node: they are told with what they would move, in whatever form they are handed on, and
//! a signature of somebody else's key is refused wherever one is read.
use anyhow::Context as _;
use countersign_harness::{Node, Wallet};
use countersign_types::Proposal;
use countersign_types::signature::development_secret;
use serde_json::Value;
use std::fs;

const HOTEL: &str = "harbor-hotel.example";
const ALICE: &str = "alice@harbor-hotel.example";

#[test]
fn a_proposal_is_signed_from_codes_and_a_strangers_signature_refused() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let node = Node::start(&folder.path().join("node"), &["dev", "--rpc-port", "0"])?;
    let wallet = |name: &str| Wallet::of_development_key(&folder.path().join(name), &node.url(), name);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (hotel, alice) = (wallet(HOTEL)?, wallet(ALICE)?);
    let (deal, image) = (file("deal.csp"), file("deal.png"));
    let purchase =
        ["rebate", "purchase", "--merchant", HOTEL, "--customer", ALICE, "--asset", "EUR", "--amount", "7.00"];
    let drawn = hotel.run(&[&purchase[..], &["--reference", "room 7", "-o", &deal]].concat())?;
    hotel.run(&["qr", "show", &deal, "--single", "--png", &image])?;

    // In words, from the image: who as what, who has signed, what would move.
    let shown = alice.run(&["tx", "show", &image])?;
    assert_eq!(shown["proposal"]["id"], drawn["id"]);
    assert!(shown["proposal"]["calls"][0]["line"].as_str().context("a line")?.starts_with("alice@"), "{shown:#}");
    assert_eq!(shown["simulation"]["missing"].as_array().map(Vec::len), Some(2), "{shown:#}");
    assert_eq!(shown["simulation"]["changes"].as_array().map(Vec::len), Some(2), "{shown:#}");
    let simulated = alice.run(&["tx", "simulate", &image])?;
    assert_eq!(simulated["changes"], shown["simulation"]["changes"]);

    // A key that is none of Alice's signs for her: valid for the format, worth nothing to the ledger.
    let mut forged = Proposal::from_bytes(&fs::read(&deal)?)?;
    let account = text(&alice.run(&["keys", "show"])?, "account")?.parse()?;
    forged.sign(&account, &development_secret("stranger"))?;
    let bad = file("forged.csp");
    fs::write(&bad, forged.to_bytes())?;
    let merged = file("merged.csp");
    for command in [
        &["tx", "show", &bad][..],
        &["tx", "sign", "--yes", &bad],
        &["tx", "simulate", &bad],
        &["tx", "submit", &bad],
        &["tx", "merge", &deal, &bad, "-o", &merged],
    ] {
        let refused = hotel.try_run(command)?;
        assert_eq!(refused.code, 2, "{command:?}: {refused:?}");
        assert!(refused.stderr.contains("forged.csp") && refused.stderr.contains("none of its keys"), "{refused:?}");
    }
    assert!(!folder.path().join("merged.csp").exists());

    // Alice signs what she has photographed and hands it back as a text; the hotel signs its file, merges and submits.
    let signed = alice.run(&["tx", "sign", &image, "--yes", "--text"])?;
    hotel.run(&["tx", "sign", &deal, "--yes"])?;
    let submitted = hotel.run(&["tx", "submit", &deal, text(&signed, "text")?, "--wait"])?;
    assert_eq!(submitted["ok"], true, "{submitted:#}");
    Ok(())
}

fn text<'a>(result: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    result[key].as_str().with_context(|| format!("`{key}` in {result:#}"))
}
