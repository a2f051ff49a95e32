//! The wallet's program without a node: keys, proposals from draft to complete, and files that are not what they should be.
#![allow(clippy::unwrap_used, reason = "a failed step of a test ends it")]
mod support;

use serde_json::Value as Json;
use std::fs;
use std::process::Command;
use support::{Wallet, error, message, mode, result, set_mode};

const OTHER_CHAIN: &str = "2222222222222222222222222222222222222222222222222222222222222222";

/// The program with a passphrase in its environment.
fn with_passphrase(wallet: &Wallet, passphrase: &str, args: &[&str]) -> Command {
    let mut command = wallet.command(true, args);
    command.env("COUNTERSIGN_PASSPHRASE", passphrase);
    command
}

#[track_caller]
fn done_with(wallet: &Wallet, passphrase: &str, args: &[&str]) -> Json {
    result(&with_passphrase(wallet, passphrase, args).output().unwrap())
}

#[track_caller]
fn refused_with(wallet: &Wallet, passphrase: &str, args: &[&str]) -> String {
    message(&error(&with_passphrase(wallet, passphrase, args).output().unwrap(), 5))
}

fn purchase(merchant: &Wallet, customer: &Wallet) -> Json {
    let party = |role: &str, wallet: &Wallet| format!("{role}={}", wallet.account());
    merchant.done(&[
        "tx",
        "propose",
        "rebate.purchase",
        "--party",
        &party("merchant", merchant),
        "--party",
        &party("customer", customer),
        "--arg",
        "asset=EUR",
        "--arg",
        "amount=100.00",
        "--args",
        r#"{"reference": "Room 7"}"#,
        "-o",
        "deal.csp",
    ])
}

#[test]
fn a_key_with_a_passphrase_signs_only_with_it() {
    let wallet = Wallet::new();
    let key = done_with(&wallet, "correct horse", &["keys", "new", "alice"]);
    assert_eq!(key["protection"], "passphrase");
    assert_eq!(wallet.done(&["keys", "list"])[0], key);
    let propose = ["tx", "propose", "assets.burn", "--party", "owner=alice", "--arg", "asset=EUR", "--arg", "amount=1"];
    wallet.done(&[&propose[..], &["-o", "burn.csp"]].concat());
    let sign = ["tx", "sign", "burn.csp", "--yes"];
    wallet.refused(&sign, 5);
    assert!(refused_with(&wallet, "wrong", &sign).contains("does not open"));
    assert_eq!(done_with(&wallet, "correct horse", &sign)["complete"], true);
    fs::write(wallet.path("passphrase"), "correct horse\n").unwrap();
    wallet.done(&["--passphrase-file", "passphrase", "tx", "sign", "burn.csp", "--yes"]);
}

#[test]
fn a_new_key_needs_a_passphrase_or_the_word_that_it_has_none() {
    let wallet = Wallet::new();
    wallet.refused(&["keys", "new", "alice"], 5);
    refused_with(&wallet, "", &["keys", "new", "alice"]);
    assert_eq!(wallet.done(&["keys", "new", "alice", "--no-passphrase"])["protection"], "none");
    wallet.refused(&["keys", "new", "alice", "--no-passphrase"], 5);
    wallet.refused(&["keys", "new", "../alice", "--no-passphrase"], 2);
    wallet.done(&["keys", "new", "bob", "--no-passphrase"]);
    assert!(wallet.refused(&["keys", "show"], 5).contains("--key"));
    assert_eq!(wallet.done(&["--key", "bob", "keys", "show"])["name"], "bob");
}

#[test]
fn keys_that_others_can_read_are_not_used() {
    let wallet = Wallet::of("alice");
    let file = wallet.path("home/keys/alice.key.json");
    assert_eq!(mode(&file), 0o600);
    set_mode(&file, 0o644);
    assert!(wallet.refused(&["keys", "show", "alice"], 5).contains("chmod 600"));
}

#[test]
fn a_backup_is_taken_over_by_another_wallet() {
    let (wallet, other) = (Wallet::new(), Wallet::new());
    let key = done_with(&wallet, "p", &["keys", "new", "alice"]);
    wallet.done(&["keys", "export", "alice", "-o", "backup.json"]);
    assert_eq!(mode(&wallet.path("backup.json")), 0o600);
    other.take(&wallet, "backup.json");
    assert_eq!(other.done(&["keys", "import", "backup.json"]), key);
    other.refused(&["keys", "import", "backup.json"], 5);
}

#[test]
fn two_parties_sign_their_copies_and_merge_them() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    let proposed = purchase(&merchant, &customer);
    let line = proposed["proposal"]["calls"][0]["line"].as_str().unwrap();
    assert!(line.contains("pays 100.00 EUR to") && line.ends_with("for \"Room 7\""), "{line}");
    customer.take(&merchant, "deal.csp");
    assert_eq!(merchant.done(&["tx", "sign", "deal.csp", "--yes"])["missing"], serde_json::json!([customer.account()]));
    let signed = customer.done(&["tx", "sign", "deal.csp", "-o", "mine.csp", "--yes"]);
    assert_eq!(signed["id"], proposed["id"]);
    merchant.take(&customer, "mine.csp");
    assert_eq!(merchant.done(&["tx", "merge", "deal.csp", "mine.csp", "-o", "all.csp"])["complete"], true);
    let shown = merchant.done(&["tx", "show", "all.csp"]);
    assert_eq!(shown["proposal"]["complete"], true);
    assert_eq!(shown["proposal"]["calls"][0]["args"]["amount"], "100.00");
    merchant.refused(&["tx", "submit", "all.csp"], 2);
}

#[test]
fn who_is_no_party_cannot_sign() {
    let (merchant, customer, stranger) = (Wallet::of("merchant"), Wallet::of("customer"), Wallet::of("stranger"));
    purchase(&merchant, &customer);
    stranger.take(&merchant, "deal.csp");
    let before = fs::read(stranger.path("deal.csp")).unwrap();
    assert!(stranger.refused(&["tx", "sign", "deal.csp", "--yes"], 5).contains("no party"));
    assert_eq!(fs::read(stranger.path("deal.csp")).unwrap(), before);
}

#[test]
fn nothing_is_signed_without_a_yes_or_for_another_chain() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    purchase(&merchant, &customer);
    assert!(merchant.refused(&["tx", "sign", "deal.csp"], 2).contains("--yes"));
    let refused = merchant.refused(&["tx", "sign", "deal.csp", "--yes", "--chain", OTHER_CHAIN], 2);
    assert!(refused.contains(OTHER_CHAIN), "{refused}");
}

#[test]
fn a_proposal_is_not_overwritten_by_a_new_one() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    purchase(&merchant, &customer);
    let account = merchant.account();
    let again =
        ["doc", "propose", "rebate/Offer", "--party", &account, "--expires", "+1h", "--body", "{}", "-o", "deal.csp"];
    merchant.refused(&again, 2);
    let before = fs::read(merchant.path("deal.csp")).unwrap();
    let burn = ["tx", "propose", "assets.burn", "--party", "owner=merchant", "--arg", "asset=EUR", "--arg", "amount=1"];
    assert!(merchant.refused(&[&burn[..], &["-o", "deal.csp"]].concat(), 2).contains("--force"));
    assert_eq!(fs::read(merchant.path("deal.csp")).unwrap(), before);
    merchant.done(&[&burn[..], &["-o", "deal.csp", "--force"]].concat());
}

#[test]
fn files_that_are_no_proposals_are_refused() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    purchase(&merchant, &customer);
    merchant.done(&["tx", "sign", "deal.csp", "--yes"]);
    let good = fs::read(merchant.path("deal.csp")).unwrap();
    let mut altered = good.clone();
    altered[60] ^= 1;
    let mut bad_signature = good.clone();
    *bad_signature.last_mut().unwrap() ^= 1;
    let trailing = [&good[..], b"x"].concat();
    let huge = vec![b'C'; 2 * 1024 * 1024];
    let cut = good[..good.len() - 1].to_vec();
    let files = [vec![], b"CSP\x01".to_vec(), b"CSP\x02".to_vec(), cut, altered, bad_signature, trailing, huge];
    for (number, bytes) in files.iter().enumerate() {
        fs::write(merchant.path("bad.csp"), bytes).unwrap();
        for command in [&["tx", "show"][..], &["tx", "sign", "--yes"], &["doc", "show"], &["tx", "submit"]] {
            let message = merchant.refused(&[command, &["bad.csp"]].concat(), 2);
            assert!(message.contains("bad.csp"), "{number}: {message}");
        }
    }
    merchant.refused(&["tx", "show", "absent.csp"], 2);
    merchant.refused(&["doc", "show", "deal.csp"], 2);
    merchant.refused(&["tx", "show", "."], 2);
}

#[test]
fn a_signer_who_signs_twice_changes_nothing() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    purchase(&merchant, &customer);
    merchant.done(&["tx", "sign", "deal.csp", "--yes"]);
    let once = fs::read(merchant.path("deal.csp")).unwrap();
    merchant.done(&["tx", "sign", "deal.csp", "--yes"]);
    assert_eq!(fs::read(merchant.path("deal.csp")).unwrap(), once);
}

#[test]
fn proposals_of_different_things_do_not_merge() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    purchase(&merchant, &customer);
    fs::rename(merchant.path("deal.csp"), merchant.path("first.csp")).unwrap();
    purchase(&merchant, &customer);
    assert!(
        merchant.refused(&["tx", "merge", "first.csp", "deal.csp", "-o", "all.csp"], 2).contains("different things")
    );
    assert!(!merchant.path("all.csp").exists());
}

#[test]
fn mistakes_are_told_with_their_place() {
    let wallet = Wallet::of("alice");
    let transfer = |more: &[&str]| {
        let call = ["tx", "propose", "assets.transfer", "--party", "payer=alice", "-o", "x.csp"];
        wallet.refused(&[&call[..], more].concat(), 2)
    };
    assert!(transfer(&[]).contains("args.asset: is missing"));
    let args = |amount: &str| format!(r#"{{"asset":"EUR","to":"alice","amount":"{amount}","reference":""}}"#);
    assert!(transfer(&["--args", &args("1.005")]).contains("args.amount: EUR has 2 decimals"));
    assert!(transfer(&["--args", &args("1"), "--arg", "asset=USD"]).contains("USD is not known here"));
    assert!(transfer(&["--args", &args("1"), "--arg", "to=csa1xyz"]).contains("mistyped"));
    assert!(transfer(&["--args", &args("1"), "--party", "payee=alice"]).contains("no role `payee`"));
    assert!(transfer(&["--args", &args("1"), "--expires", "2001-01-01T00:00:00Z"]).contains("not later than now"));
    assert!(transfer(&["--args", &args("1"), "--expires", "soon"]).contains("RFC 3339"));
    assert!(transfer(&["--args", "[1"]).contains("not JSON"));
    let unknown = ["tx", "propose", "assets.nothing", "--party", "payer=alice", "-o", "x.csp"];
    assert!(wallet.refused(&unknown, 2).contains("its calls are create"));
    assert!(wallet.refused(&["tx", "propose", "nothing.x", "-o", "x.csp"], 2).contains("no module `nothing`"));
    assert!(!wallet.path("x.csp").exists());
}

#[test]
fn several_calls_stand_in_one_transaction() {
    let wallet = Wallet::of("alice");
    let burn = r#"{"call":"assets.burn","parties":{"owner":"alice"},"args":{"asset":"EUR","amount":"1.00"}}"#;
    let proposed = wallet.done(&["tx", "propose", "--call", burn, "--call", burn, "--sign", "--yes", "-o", "both.csp"]);
    assert_eq!(proposed["proposal"]["calls"].as_array().unwrap().len(), 2);
    assert_eq!(proposed["complete"], true);
    wallet.refused(&["tx", "propose", "--call", r#"{"call":"assets.burn"}"#, "-o", "x.csp"], 2);
}

/// The offer of story 1 with all three signatures, in the merchant's folder.
fn signed_offer(merchant: &Wallet, customer: &Wallet, newcomer: &Wallet) {
    let (m, c, n) = (merchant.account(), customer.account(), newcomer.account());
    merchant.done(&[
        "rebate",
        "offer",
        "--purchase",
        OTHER_CHAIN,
        "--merchant",
        &m,
        "--customer",
        &c,
        "--third-party",
        &n,
        "--asset",
        "EUR",
        "--price",
        "80.00",
        "--deadline",
        "+1h",
        "--rebate",
        "10.00",
        "--rebate-time",
        "+2h",
        "--sign",
        "--yes",
        "-o",
        "offer.csp",
    ]);
    for (from, to) in [(merchant, customer), (customer, newcomer)] {
        to.take(from, "offer.csp");
        to.done(&["doc", "sign", "offer.csp", "--yes"]);
    }
    merchant.take(newcomer, "offer.csp");
}

#[test]
fn an_offer_goes_round_and_becomes_a_purchase_and_a_rebate() {
    let (merchant, customer, newcomer) = (Wallet::of("merchant"), Wallet::of("customer"), Wallet::of("newcomer"));
    signed_offer(&merchant, &customer, &newcomer);
    let offer = merchant.done(&["doc", "show", "offer.csp"]);
    assert_eq!(offer["proposal"]["complete"], true);
    let redeem =
        merchant.done(&["rebate", "redeem", "--offer", "offer.csp", "--reference", "Room 8", "-o", "redeem.csp"]);
    let inside = &redeem["proposal"]["calls"][0]["documents"][0];
    assert_eq!(inside["id"], offer["proposal"]["id"]);
    assert_eq!((&inside["complete"], &inside["body"]["price"]), (&true.into(), &"80.00".into()));
    let claim = merchant.done(&["rebate", "claim", "--offer", "offer.csp", "-o", "claim.csp"]);
    let args = &claim["proposal"]["calls"][0]["args"];
    assert_eq!(args["amount"], "10.00");
    assert_eq!(args["settles_at"], inside["body"]["rebate_time"]);
    assert_eq!(claim["proposal"]["expires_at"], inside["body"]["rebate_time"]);
    let roles: Vec<_> =
        claim["proposal"]["calls"][0]["parties"].as_array().unwrap().iter().map(|p| &p["role"]).collect();
    assert_eq!(roles, ["merchant", "customer", "third_party"]);
}

#[test]
fn an_offer_short_of_a_signature_is_not_redeemed() {
    let (merchant, customer, newcomer) = (Wallet::of("merchant"), Wallet::of("customer"), Wallet::of("newcomer"));
    signed_offer(&merchant, &customer, &newcomer);
    // The customer's copy lacks the newcomer.
    let missing = customer.refused(&["rebate", "redeem", "--offer", "offer.csp", "--reference", "r", "-o", "x.csp"], 2);
    assert!(missing.contains(&newcomer.account()), "{missing}");
    purchase(&merchant, &customer);
    merchant.refused(&["rebate", "claim", "--offer", "deal.csp", "-o", "x.csp"], 2);
}

#[test]
fn a_request_has_its_code_before_it_is_on_the_ledger() {
    let (holder, shop) = (Wallet::of("alice"), Wallet::of("shop"));
    let ask = ["topup", "request", "payment", "--asset", "EUR", "--amount", "20.00", "--fee", "0.20"];
    let to = shop.account();
    let more = ["--to", &to, "--agent", &to, "--reference", "invoice 7", "--until", "+2h", "-o", "request.csp"];
    let drawn = holder.done(&[&ask[..], &more].concat());
    let (code, request) = (drawn["code"].as_str().unwrap(), drawn["request"].as_str().unwrap());
    assert!(code.starts_with("countersign:request?id=csr1") && code.ends_with("&chain=11111111"), "{code}");
    assert_eq!(request.len(), 64);
    let call = &drawn["proposal"]["calls"][0];
    let args = &call["args"];
    assert_eq!((&args["kind"], &args["mode"]), (&Json::from("Payment"), &Json::from("Proxy")));
    assert_eq!((&args["amount"], &args["fee"]), (&Json::from("20.00"), &Json::from("0.20")));
    assert!(call["line"].as_str().unwrap().contains("a fee of 0.20 EUR on top"), "{call}");
    // The same words are another request: their transactions differ.
    let again = holder.done(&[&ask[..], &more[..9], &["again.csp"]].concat());
    assert_ne!(again["code"], drawn["code"]);
    let top_up = ["topup", "request", "top-up", "--asset", "EUR", "--amount", "5", "--own", "-o", "own.csp"];
    let args = &holder.done(&top_up)["proposal"]["calls"][0]["args"];
    assert_eq!((&args["mode"], &args["payee"], &args["agent"]), (&Json::from("Own"), &Json::Null, &Json::Null));
}

#[test]
fn codes_that_are_none_or_of_another_chain_are_refused() {
    let wallet = Wallet::of("alice");
    let top_up = ["topup", "request", "top-up", "--asset", "EUR", "--amount", "5", "-o", "request.csp"];
    let code = wallet.done(&top_up)["code"].as_str().unwrap().to_string();
    let show = |code: &str| wallet.refused(&["topup", "show", code], 2);
    // A good one is looked up; offline that is all there is to say.
    assert!(show(&code).contains("--offline"));
    assert!(show(&code.to_uppercase()).contains("--offline"));
    assert!(show("request.csp").contains("countersign:request?id="));
    let other = code.replace("chain=11111111", "chain=22222222");
    assert!(show(&other).contains("is for chain 22222222"), "{}", show(&other));
    let mistyped = code.replacen("csr1", "csr1q", 1);
    assert!(show(&mistyped).contains("mistyped"), "{}", show(&mistyped));
    assert!(show(&wallet.account().replace("csa", "csr")).contains("mistyped"));
    for command in ["execute", "confirm"] {
        assert!(wallet.refused(&["topup", command, &code, "-o", "x.csp"], 2).contains("--offline"), "{command}");
    }
    // These are drawn up without looking: what they are about stands in the code.
    wallet.done(&["topup", "cancel", &code, "-o", "cancel.csp"]);
    wallet.done(&["topup", "reject", &code, "--reason", "closed", "-o", "reject.csp"]);
}

#[test]
fn what_needs_a_node_says_so() {
    let wallet = Wallet::of("alice");
    for args in [&["network", "status"][..], &["account", "show"], &["member", "list"], &["events"], &["calendar"]] {
        assert!(wallet.refused(args, 2).contains("--offline"), "{args:?}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["--node", "ws://127.0.0.1:1", "network", "status"])
        .env("COUNTERSIGN_HOME", wallet.path("home"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn completions_are_made_and_the_codes_are_told() {
    let wallet = Wallet::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = wallet.run(&["completions", shell]);
        assert!(output.status.success() && !output.stdout.is_empty());
    }
    let help = wallet.run(&["--help"]);
    assert!(String::from_utf8(help.stdout).unwrap().contains("Exit codes"));
}
