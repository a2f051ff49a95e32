//! Log-ins and messages without a relay: what is refused before one is asked, and what is done with messages that are here.
#![allow(clippy::unwrap_used, reason = "a failed step of a test ends it")]
mod support;

use countersign_client::Keystore;
use countersign_client::keystore::UnlockedKey;
use countersign_client::messaging::correspondent::CorrespondentError;
use countersign_client::messaging::seal::{open, seal};
use countersign_client::messaging::store::{Times, id_text};
use countersign_client::messaging::{Body, EncryptionKey, KeptMessage, Letter, MessageStore};
use countersign_client::rpc_types::relay::Envelope;
use countersign_client::types::{Proposal, Timestamp};
use serde_json::{Value as Json, json};
use std::fs;
use std::process::Command;
use support::{CHAIN, Wallet, error, mode, result, set_mode};

const ALICE: &str = "alice@harbor-hotel.example";
const HOTEL: &str = "harbor-hotel.example";
/// Long after these tests.
const LATER_MS: u64 = 4_000_000_000_000;
const SENT_AT: Timestamp = Timestamp::from_millis(1_900_000_000_000);
const TIMES: Times = Times { relayed_at: SENT_AT, stored_at: SENT_AT };

/// What the session of `user` with the key `key` would be kept as.
fn write_session(wallet: &Wallet, user: &str, key: &str, expires_at_ms: u64) {
    let shown = wallet.done(&["keys", "show", key]);
    let folder = wallet.path("home/sessions");
    fs::create_dir_all(&folder).unwrap();
    set_mode(&folder, 0o700);
    let file = format!("home/sessions/{user}.json");
    let session = json!({
        "format": "countersign-session", "version": 1, "user": user, "account": shown["account"], "chain": CHAIN,
        "key_name": key, "key": shown["key"], "encryption_key": null, "relay_url": "ws://127.0.0.1:1", "relay": shown["key"],
        "token": format!("0x{}", "5a".repeat(32)), "expires_at_ms": expires_at_ms
    });
    wallet.write(&file, session.to_string());
    set_mode(&wallet.path(&file), 0o600);
}

fn unlocked(wallet: &Wallet, name: &str) -> UnlockedKey {
    Keystore::new(wallet.path("home/keys")).unlock(name, None).unwrap()
}

/// A letter between two wallets with one key each, sealed.
fn envelope(from: (&Wallet, &str), to: (&Wallet, &str), body: Body) -> (Envelope, EncryptionKey) {
    let (sender, receiver) = (unlocked(from.0, from.1), unlocked(to.0, to.1));
    let key = EncryptionKey::of(&receiver);
    let letter = Letter {
        chain: CHAIN.parse().unwrap(),
        from: sender.record.account,
        to: receiver.record.account,
        sent_at: SENT_AT,
        number: 1,
        body,
    };
    (seal(letter, &sender, &key.public(), 60_000).unwrap(), key)
}

/// Puts a letter where `inbox` keeps those it has fetched. Returns its id.
fn deliver(from: (&Wallet, &str), to: (&Wallet, &str), body: Body) -> String {
    let (envelope, key) = envelope(from, to, body);
    let opened = open(&envelope, &key).unwrap();
    keep(to, KeptMessage::believed(&envelope, opened, from.1.parse().unwrap(), &TIMES))
}

fn keep(to: (&Wallet, &str), message: KeptMessage) -> String {
    let store = MessageStore::new(&to.0.path("home"), &unlocked(to.0, to.1).record.account);
    let id = id_text(&message.head.id);
    store.keep(&[message]).unwrap();
    id
}

/// The hotel and a guest, and a purchase that the hotel has signed.
fn purchase() -> (Wallet, Wallet, Proposal) {
    let (hotel, alice) = (Wallet::of(HOTEL), Wallet::of(ALICE));
    let (merchant, customer) = (hotel.account(), alice.account());
    let parties = ["--merchant", &merchant, "--customer", &customer];
    let terms = ["--asset", "EUR", "--amount", "100.00", "--reference", "Room 7", "-o", "bill.csp", "--sign", "--yes"];
    hotel.done(&[&["rebate", "purchase"], &parties[..], &terms].concat());
    let proposal = Proposal::from_bytes(&fs::read(hotel.path("bill.csp")).unwrap()).unwrap();
    (hotel, alice, proposal)
}

fn offer(hotel: &Wallet, alice: &Wallet) -> Proposal {
    let (merchant, customer) = (hotel.account(), alice.account());
    let body = json!({
        "purchase": "11".repeat(32), "asset": "EUR", "price": "1.00", "deadline": "+1h", "rebate": "0.10", "rebate_time": "+2h",
        "purchase_required": true
    });
    let parties = ["--party", &merchant, "--party", &customer];
    let body = body.to_string();
    let made = ["doc", "propose", "rebate/Offer", "--expires", "+1h", "--body", &body, "-o", "offer.csp"];
    hotel.done(&[&made[..], &parties].concat());
    Proposal::from_bytes(&fs::read(hotel.path("offer.csp")).unwrap()).unwrap()
}

#[test]
fn what_needs_a_session_says_how_to_log_in() {
    let wallet = Wallet::of(ALICE);
    let commands: &[&[&str]] = &[
        &["contacts"],
        &["feed"],
        &["feed", "--follow"],
        &["feed", "save", "1", "-o", "x.csp"],
        &["inbox", "--follow"],
        &["inbox", "sent"],
        &["send", HOTEL, "--text", "hello"],
        &["logout"],
        &["contacts", "--account", ALICE],
        &["inbox", "--account", ALICE],
    ];
    for args in commands {
        let refused = error(&wallet.run(args), 10);
        assert_eq!(refused["kind"], "not_logged_in", "{args:?}");
        assert!(refused["message"].as_str().unwrap().contains("countersign login"), "{args:?}: {refused}");
    }
    // Listing what is here takes no session.
    assert_eq!(wallet.done(&["inbox"]), json!([]));
}

#[test]
fn a_log_in_needs_a_node_that_answers_and_a_key_that_opens() {
    let wallet = Wallet::of(ALICE);
    assert!(wallet.refused(&["login", ALICE], 2).contains("--offline"));
    let mut unreachable = Command::new(env!("CARGO_BIN_EXE_countersign"));
    unreachable.args(["--json", "--node", "ws://127.0.0.1:1", "login", ALICE]).env_clear();
    let output = unreachable.env("COUNTERSIGN_HOME", wallet.path("home")).output().unwrap();
    assert_eq!(error(&output, 3)["kind"], "node_unreachable");
    assert!(!wallet.path("home/sessions").exists());
    let none = Wallet::new();
    assert!(none.refused(&["login", ALICE], 5).contains("--key"));
    assert_eq!(wallet.run(&["login", "no name"]).status.code(), Some(2));
    assert_eq!(wallet.run(&["login"]).status.code(), Some(2));
}

#[test]
fn a_session_that_is_over_damaged_or_open_to_others_is_not_used() {
    let wallet = Wallet::of(ALICE);
    write_session(&wallet, ALICE, ALICE, 1_000);
    let over = error(&wallet.run(&["contacts"]), 10);
    assert!(over["message"].as_str().unwrap().contains(" ended at "), "{over}");
    write_session(&wallet, ALICE, ALICE, LATER_MS);
    assert!(wallet.refused(&["contacts"], 2).contains("--offline"), "it is used");
    let file = format!("home/sessions/{ALICE}.json");
    set_mode(&wallet.path(&file), 0o644);
    let open = wallet.refused(&["contacts", "--account", ALICE], 5);
    assert!(open.contains("chmod 600"), "{open}");
    set_mode(&wallet.path(&file), 0o600);
    wallet.write(&file, "{}");
    let damaged = wallet.refused(&["contacts", "--account", ALICE], 2);
    assert!(damaged.contains("log in again"), "{damaged}");
}

#[test]
fn of_several_sessions_the_key_or_the_name_chooses() {
    let wallet = Wallet::of(ALICE);
    wallet.done(&["keys", "dev", HOTEL]);
    write_session(&wallet, ALICE, ALICE, LATER_MS);
    write_session(&wallet, HOTEL, HOTEL, LATER_MS);
    let several = wallet.refused(&["contacts"], 2);
    assert!(several.contains("--account") && several.contains(HOTEL) && several.contains(ALICE), "{several}");
    for chosen in [&["--key", HOTEL, "contacts"][..], &["contacts", "--account", HOTEL]] {
        assert!(wallet.refused(chosen, 2).contains("--offline"), "{chosen:?}");
    }
    let other = wallet.refused(&["--key", ALICE, "contacts", "--account", HOTEL], 5);
    assert!(other.contains(HOTEL) && other.contains(ALICE), "the session is another key's: {other}");
    let left = wallet.done(&["logout", "--account", HOTEL]);
    assert_eq!((&left["user"], &left["ended"]), (&json!(HOTEL), &json!(false)), "without a node it is only forgotten");
    assert!(!wallet.path(&format!("home/sessions/{HOTEL}.json")).exists());
    assert!(wallet.refused(&["contacts"], 2).contains("--offline"), "one is left");
}

#[test]
fn contradicting_words_are_refused() {
    let wallet = Wallet::of(ALICE);
    for args in [
        &["send", HOTEL][..],
        &["send", "--text", "hello"],
        &["send", HOTEL, "--text", "hello", "--file", "x"],
        &["send", HOTEL, "--text", "hello", "--note", "x"],
        &["inbox", "--wait", "0"],
        &["inbox", "--wait", "soon"],
        &["inbox", "--wait", "5", "--follow"],
        &["inbox", "--follow", "--limit", "5"],
        &["inbox", "--wait", "5", "sent"],
        &["inbox", "show"],
        &["inbox", "save", "csm1abcdefgh"],
        &["feed", "--follow", "save", "1", "-o", "x.csp"],
        &["feed", "save", "one", "-o", "x.csp"],
        &["tx", "sign"],
        &["tx", "sign", "--from", "outbox", "-o", "x.csp"],
        &["login", ALICE, "--password", "secret"],
    ] {
        let output = wallet.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--help"), "{args:?}");
    }
    assert!(wallet.refused(&["inbox", "--wait", "5"], 2).contains("--offline"));
}

#[test]
fn what_cannot_be_sent_is_refused_before_anybody_is_asked() {
    let wallet = Wallet::of(ALICE);
    let send = |what: &[&str]| wallet.refused(&[&["send", HOTEL], what].concat(), 2);
    assert!(send(&["--text", " "]).contains("nothing in the text"));
    assert!(send(&["--text", &"x".repeat(20_000)]).contains("send a longer one as a file"));
    assert!(send(&["--text", "read\u{202e}desrever"]).contains("cannot be sent"));
    assert!(send(&["--file", "absent"]).contains("absent"));
    wallet.write("large", vec![0; 1024 * 1024 + 1]);
    assert!(send(&["--file", "large"]).contains("1024 KiB"));
    wallet.write(".hidden", "x");
    assert!(send(&["--file", ".hidden"]).contains("no name for a file"));
    assert!(send(&["--proposal", "large"]).contains("large"));
}

#[test]
fn messages_are_listed_shown_and_saved() {
    let (hotel, alice, proposal) = purchase();
    let (from, to) = ((&hotel, HOTEL), (&alice, ALICE));
    let text = deliver(from, to, Body::text("Welcome.\nYour room is ready.").unwrap());
    let bill = deliver(from, to, Body::proposal(&proposal, "the bill").unwrap());
    let file = deliver(from, to, Body::file("papers.pdf", b"%PDF".to_vec(), "").unwrap());
    let listed = alice.done(&["inbox"]);
    let of = |id: &str| listed.as_array().unwrap().iter().find(|message| message["id"] == id).unwrap().clone();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert_eq!((&of(&text)["kind"], &of(&text)["from_name"]), (&json!("text"), &json!(HOTEL)));
    assert_eq!(of(&text)["summary"], "Welcome. Your room is ready.");
    assert_eq!((&of(&bill)["kind"], &of(&bill)["subject"]), (&json!("proposal"), &json!("transaction")));
    let line = of(&bill)["summary"].as_str().unwrap().to_owned();
    assert!(line.contains("pays 100.00 EUR") && line.contains("the bill"), "{line}");
    assert_eq!((&of(&file)["file_name"], &of(&file)["size"]), (&json!("papers.pdf"), &json!(4)));
    assert!(listed.as_array().unwrap().iter().all(|message| message["handled"] == false && message["new"] == false));
    // One is named by the beginning of its id.
    let shown = alice.done(&["inbox", "show", &text[..16]]);
    assert_eq!((&shown["id"], &shown["words"]), (&json!(text), &json!("Welcome.\nYour room is ready.")));
    let shown = alice.done(&["inbox", "show", &bill]);
    assert_eq!(shown["proposal"]["id"], of(&bill)["proposal_id"]);
    alice.done(&["inbox", "save", &file, "-o", "saved.pdf"]);
    assert_eq!((alice.read("saved.pdf").as_str(), mode(&alice.path("saved.pdf"))), ("%PDF", 0o600));
    assert!(alice.refused(&["inbox", "save", &text, "-o", "saved.pdf"], 2).contains("--force"));
    alice.done(&["inbox", "save", &bill, "-o", "bill.csp"]);
    assert_eq!(alice.done(&["tx", "show", "bill.csp"])["proposal"]["id"], of(&bill)["proposal_id"]);
    let handled = alice.done(&["inbox"]);
    assert!(handled.as_array().unwrap().iter().all(|message| message["handled"] == true), "{handled}");
    let people = alice.command(false, &["inbox"]).output().unwrap();
    let people = String::from_utf8(people.stdout).unwrap();
    assert!(people.contains(&text[..16]) && people.contains("papers.pdf") && people.contains(HOTEL), "{people}");
    alice.done(&["inbox", "remove", &text]);
    assert_eq!(alice.done(&["inbox"]).as_array().unwrap().len(), 2);
}

#[test]
fn ids_that_name_no_message_are_told_apart() {
    let (hotel, alice, _) = purchase();
    deliver((&hotel, HOTEL), (&alice, ALICE), Body::text("hello").unwrap());
    let show = |id: &str| alice.refused(&["inbox", "show", id], 2);
    assert!(show("csm1").contains("at least 8 characters"));
    assert!(show("csm1qqqqqqqqqqqq").contains("no message"));
    assert!(alice.refused(&["inbox", "save", "csm1qqqqqqqqqqqq", "-o", "x"], 2).contains("no message"));
    assert!(!alice.path("x").exists());
}

#[test]
fn a_proposal_is_signed_from_the_message_it_came_in() {
    let (hotel, alice, proposal) = purchase();
    let (from, to) = ((&hotel, HOTEL), (&alice, ALICE));
    let none = alice.refused(&["tx", "sign", "--from", "inbox", "-o", "mine.csp", "--yes"], 2);
    assert!(none.contains("no message has a proposal"), "{none}");
    let bill = deliver(from, to, Body::proposal(&proposal, "").unwrap());
    let text = deliver(from, to, Body::text("sign it, please").unwrap());
    let offered = deliver(from, to, Body::proposal(&offer(&hotel, &alice), "").unwrap());
    let sign = ["tx", "sign", "--from", "inbox"];
    assert!(alice.refused(&sign, 2).contains("-o"), "it came from no file");
    assert!(alice.refused(&[&sign[..], &["-o", "mine.csp"]].concat(), 2).contains("--yes"), "it asks");
    assert!(!alice.path("mine.csp").exists());
    // The newest that is a transaction.
    let signed = alice.done(&[&sign[..], &["-o", "mine.csp", "--yes"]].concat());
    assert_eq!((&signed["message"], &signed["complete"]), (&json!(bill), &json!(true)));
    assert_eq!(alice.done(&["tx", "show", "mine.csp"])["proposal"]["complete"], true);
    let listed = alice.done(&["inbox"]);
    let handled = listed.as_array().unwrap().iter().filter(|message| message["handled"] == true);
    assert_eq!(handled.map(|message| message["id"].clone()).collect::<Vec<_>>(), [json!(bill)]);
    let doc = ["doc", "sign", "--from", "inbox", "--yes", "-o"];
    assert_eq!(alice.done(&[&doc[..], &["offer.csp"]].concat())["message"], json!(offered));
    // What is named is what it has to be.
    assert!(alice.refused(&[&sign[..], &[&text, "-o", "x.csp", "--yes"]].concat(), 2).contains("no proposal in it"));
    assert!(alice.refused(&[&sign[..], &[&offered, "-o", "x.csp", "--yes"]].concat(), 2).contains("countersign doc"));
    let two = alice.refused(&[&sign[..], &[&bill, &offered, "-o", "x.csp", "--yes"]].concat(), 2);
    assert!(two.contains("one message"), "{two}");
    assert!(!alice.path("x.csp").exists());
    // Without a file of its own it can go on as a text.
    assert!(
        alice.done(&[&sign[..], &["--yes", "--text"]].concat())["text"]
            .as_str()
            .unwrap()
            .starts_with("countersign:tx?")
    );
}

#[test]
fn a_copy_from_a_message_is_put_together_with_the_one_that_is_there() {
    let (hotel, alice, proposal) = purchase();
    alice.take(&hotel, "bill.csp");
    alice.done(&["tx", "sign", "bill.csp", "--yes"]);
    let signed = Proposal::from_bytes(&fs::read(alice.path("bill.csp")).unwrap()).unwrap();
    // What the guest sends back has both signatures, the file in the hotel's folder one.
    let returned = deliver((&alice, ALICE), (&hotel, HOTEL), Body::proposal(&signed, "").unwrap());
    let sign = ["tx", "sign", "--from", "inbox", &returned, "--yes", "-o", "bill.csp"];
    assert_eq!(hotel.done(&sign)["complete"], true);
    assert_eq!(hotel.done(&["tx", "show", "bill.csp"])["proposal"]["complete"], true);
    // A file with something else in it stays as it is.
    let other = offer(&hotel, &alice);
    assert_ne!(other.subject(), proposal.subject());
    let before = fs::read(hotel.path("offer.csp")).unwrap();
    hotel.refused(&["tx", "sign", "--from", "inbox", &returned, "--yes", "-o", "offer.csp"], 2);
    assert_eq!(fs::read(hotel.path("offer.csp")).unwrap(), before);
}

#[test]
fn a_message_that_is_not_to_be_believed_is_told_and_never_signed() {
    let (hotel, alice, proposal) = purchase();
    let (from, to) = ((&hotel, HOTEL), (&alice, ALICE));
    let (sealed, key) = envelope(from, to, Body::proposal(&proposal, "trust me").unwrap());
    let opened = open(&sealed, &key).unwrap();
    let suspended = CorrespondentError::Suspended { name: HOTEL.parse().unwrap() };
    let reason = suspended.to_string();
    let refused = keep(to, KeptMessage::set_aside(&sealed, Some(opened), &suspended, &TIMES));
    let listed: Json = alice.done(&["inbox"]);
    assert_eq!((&listed[0]["id"], &listed[0]["refused"]["name"]), (&json!(refused), &json!("suspended")));
    assert_eq!((&listed[0]["from_name"], &listed[0]["words"]), (&Json::Null, &json!("")), "nothing of it is told");
    let sign = ["tx", "sign", "--from", "inbox", "-o", "x.csp", "--yes"];
    assert!(alice.refused(&sign, 2).contains("no message has a proposal"), "it is not offered");
    let named = error(&alice.run(&[&sign[..], &[&refused]].concat()), 7);
    assert!(named["message"].as_str().unwrap().contains(&reason), "{named}");
    error(&alice.run(&["inbox", "save", &refused, "-o", "x.csp"]), 7);
    assert!(!alice.path("x.csp").exists());
    let people = alice.command(false, &["inbox", "show", &refused]).output().unwrap();
    let people = String::from_utf8(people.stdout).unwrap();
    assert!(people.contains(&reason) && !people.contains("trust me"), "{people}");
}

#[test]
fn the_doctor_tells_of_sessions_and_of_a_password_in_the_environment() {
    let wallet = Wallet::of(ALICE);
    let found = |environment: &[(&str, &str)]| -> Vec<String> {
        let mut command = wallet.command(true, &["doctor"]);
        let findings = result(&command.envs(environment.iter().copied()).output().unwrap());
        findings.as_array().unwrap().iter().map(|finding| finding["text"].as_str().unwrap().to_owned()).collect()
    };
    let tells = |findings: &[String], words: &str| findings.iter().any(|text| text.contains(words));
    assert!(tells(&found(&[]), "nobody is logged in"));
    write_session(&wallet, ALICE, ALICE, LATER_MS);
    assert!(tells(&found(&[]), &format!("{ALICE} is logged in")));
    write_session(&wallet, ALICE, ALICE, 1_000);
    assert!(tells(&found(&[]), " ended at "));
    let marked = found(&[("COUNTERSIGN_PASSWORD", "marker-of-a-password")]);
    assert!(tells(&marked, "COUNTERSIGN_PASSWORD is set") && !tells(&marked, "marker-of-a-password"));
}
