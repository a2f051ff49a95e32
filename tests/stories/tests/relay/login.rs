//! A user's first log-in, and what it brings: an account under the user's name, contacts, posts, and new posts while connected.
use crate::scene::{BOOKS, HOLDERS, HOTEL, PASSWORD, Scene, done, refused};
use anyhow::Context as _;
use countersign_rpc_types::ErrorCode;
use countersign_rpc_types::relay::InboxQuery;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const ALICE: &str = "alice2@harbor-hotel.example";
const BOB: &str = "bob2@harbor-hotel.example";

/// The names in a list of contacts.
fn names(listed: &Value) -> Vec<&str> {
    listed.as_array().into_iter().flatten().filter_map(|contact| contact["name"].as_str()).collect()
}

/// The titles in a list of posts.
fn titles(listed: &Value) -> Vec<&str> {
    listed.as_array().into_iter().flatten().filter_map(|post| post["title"].as_str()).collect()
}

#[test]
fn the_first_log_in_enrols_and_brings_contacts_and_posts() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let site = &scene.town.place(HOTEL)?.site;
    site.publish("Half price in November")?;
    let alice = scene.newcomer(ALICE)?;
    assert_eq!(alice.try_run(&["account", "show", ALICE])?.code, 4, "there is no such account yet");
    assert_ne!(alice.try_run(&["contacts"])?.code, 0, "nothing without a log-in");
    let told = done(scene.log_in(&alice, ALICE, PASSWORD)?)?;
    assert_eq!((&told["user"], told["account"].is_string()), (&json!(ALICE), true), "{told:#}");
    let account = alice.run(&["account", "show", ALICE])?;
    assert!(account["verified"].is_object(), "proven by the ledger, whatever the relay says: {account:#}");
    assert_eq!(account["id"], told["account"]);
    assert!(account["encryption_key"].is_string(), "messages can be sealed to it: {account:#}");

    let (label, other) = ("--label", "carol2@city-books.example");
    site.run(&["contact", "add", "alice2", other, label, "Carol"])?;
    site.run(&["contact", "add", "alice2", BOOKS, label, "The books"])?;
    assert_eq!(names(&alice.run(&["contacts"])?), ["carol2@city-books.example", BOOKS]);
    assert_eq!(titles(&alice.run(&["feed"])?), ["Half price in November"]);

    // Another user of the same site sees the posts, and no contact of hers.
    let bob = scene.user(BOB)?;
    assert_eq!(names(&bob.run(&["contacts"])?), [] as [&str; 0]);
    assert_eq!(titles(&bob.run(&["feed"])?), ["Half price in November"]);

    // A later log-in finds the account and changes nothing on the ledger.
    alice.run(&["logout"])?;
    assert_ne!(alice.try_run(&["contacts"])?.code, 0, "logged out");
    let again = done(scene.log_in(&alice, ALICE, PASSWORD)?)?;
    assert_eq!(again["account"], account["id"]);
    assert_eq!(alice.run(&["account", "show", ALICE])?["encryption_key"], account["encryption_key"]);
    assert_eq!(names(&alice.run(&["contacts"])?).len(), 2);
    Ok(())
}

#[test]
fn new_posts_arrive_while_connected() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let place = scene.town.place(HOTEL)?;
    let seen = place.site.publish("Seen before")?;
    let alice = scene.user(ALICE)?;
    let following = alice.follow(&["feed", "--follow", "--after", &seen.to_string()])?;
    for n in 1..=3 {
        place.site.publish(&format!("New, number {n}"))?;
        let told = following.next()?;
        assert_eq!(told["title"], json!(format!("New, number {n}")), "each once, in order: {told:#}");
    }
    Ok(())
}

#[test]
fn a_name_stays_with_the_key_it_was_enrolled_for() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let alice = scene.user(ALICE)?;
    let account = alice.run(&["account", "show", ALICE])?["id"].clone();
    // Somebody who has learned the password has another key: no messages, and the name is not given away.
    let folder = scene.path("thief");
    let url = format!("ws://{}", scene.town.home(ALICE)?);
    let thief = countersign_harness::Wallet::of_development_key(folder.as_ref(), &url, "thief")?;
    let outcome = scene.log_in(&thief, ALICE, PASSWORD)?;
    assert_ne!(outcome.code, 0, "{outcome:#?}");
    let says = outcome.error()?["message"].as_str().context("why")?.to_owned();
    assert!(says.split(' ').count() > 4, "{says}");
    assert_ne!(thief.try_run(&["inbox"])?.code, 0);
    assert_eq!(alice.run(&["account", "show", ALICE])?["id"], account);
    alice.run(&["inbox"])?;

    // Somebody who has the wallet's session, but not its key.
    let file = alice.home().join("sessions").join(format!("{ALICE}.json"));
    assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600, "only its owner's");
    let session: Value = serde_json::from_slice(&fs::read(&file)?)?;
    let mut thief = scene.holder(HOLDERS[0])?.with_token(serde_json::from_value(session["token"].clone())?);
    refused(thief.ask("relay_inbox", &InboxQuery::default()), ErrorCode::BadProof);
    Ok(())
}
