//! Every request of a session is signed by its key, counts once, and shows only what is its user's.
use crate::scene::{BOOKS, HOLDERS, HOTEL, PASSWORD, Scene, login_refused, refused};
use anyhow::Context as _;
use countersign_harness::{Asker, now_ms, wait_for};
use countersign_rpc_types::ErrorCode;
use countersign_rpc_types::relay::{Acknowledgement, ContactsQuery, InboxQuery, Nothing};
use serde_json::{Value, json};

/// The contacts a session is shown.
fn contacts(asker: &mut Asker) -> anyhow::Result<Value> {
    Ok(asker.ask("relay_contacts", &ContactsQuery::default())?["contacts"].clone())
}

#[test]
fn a_token_without_its_key_shows_nothing() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let site = &scene.town.place(HOTEL)?.site;
    let [alice, mallory, _] = HOLDERS;
    let (mut alice, mut mallory) = (scene.holder(alice)?, scene.holder(mallory)?);
    site.run(&["contact", "add", "holder-0", "bob@city-books.example", "--label", "Bob of the books"])?;
    assert_eq!(contacts(&mut alice)?, json!([{"name": "bob@city-books.example", "label": "Bob of the books"}]));
    assert_eq!(contacts(&mut mallory)?, json!([]), "another user's are not shown");
    let far = ContactsQuery { after: Some("aaron@city-books.example".into()), limit: None };
    assert_eq!(mallory.ask("relay_contacts", &far)?["contacts"], json!([]), "nor behind a cursor");

    // Each of the methods, with the token of another session: nothing of what it would have shown is in the refusal.
    let mut thief = mallory.with_token(alice.token());
    let refusal = refused(thief.ask("relay_contacts", &ContactsQuery::default()), ErrorCode::BadProof);
    assert!(!refusal.to_string().contains("Bob"), "{refusal}");
    refused(thief.ask("relay_inbox", &InboxQuery::default()), ErrorCode::BadProof);
    refused(thief.ask("relay_acknowledge", &Acknowledgement { up_to: u64::MAX }), ErrorCode::BadProof);
    refused(thief.ask("relay_session", &Nothing {}), ErrorCode::BadProof);
    refused(thief.ask("relay_logout", &Nothing {}), ErrorCode::BadProof);
    assert_eq!(contacts(&mut alice)?.as_array().map(Vec::len), Some(1), "the session goes on");
    Ok(())
}

#[test]
fn a_request_counts_once_and_soon() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let mut alice = scene.holder(HOLDERS[0])?;
    let ask = ContactsQuery::default();
    let auth = alice.auth("relay_contacts", &ask);
    alice.send("relay_contacts", &auth, &ask)?;
    refused(alice.send("relay_contacts", &auth, &ask), ErrorCode::BadProof);
    // The same proof for another method, or for another question, proves nothing.
    let auth = alice.auth("relay_contacts", &ask);
    refused(alice.send("relay_inbox", &auth, &InboxQuery::default()), ErrorCode::BadProof);
    let other = ContactsQuery { after: None, limit: Some(1) };
    refused(alice.send("relay_contacts", &auth, &other), ErrorCode::BadProof);
    // Too old, and from the future.
    const TWO_MINUTES_US: u64 = 120_000_000;
    let now_us = now_ms() * 1_000;
    for count in [now_us - TWO_MINUTES_US, now_us + TWO_MINUTES_US, 0, u64::MAX] {
        let auth = alice.auth_at(count, "relay_contacts", &ask);
        refused(alice.send("relay_contacts", &auth, &ask), ErrorCode::BadProof);
    }
    let mut forged = alice.auth("relay_contacts", &ask);
    forged.signature.0[10] ^= 1;
    refused(alice.send("relay_contacts", &forged, &ask), ErrorCode::BadProof);
    forged.signature.0.truncate(63);
    let cut = alice.send("relay_contacts", &forged, &ask);
    assert!(cut.is_err(), "{cut:?}");
    contacts(&mut alice)?;
    Ok(())
}

#[test]
fn a_session_ends_by_its_time_by_log_out_and_with_the_password() -> anyhow::Result<()> {
    let mut scene = Scene::open()?;
    let mut alice = scene.holder(HOLDERS[0])?;
    let home = scene.town.home(HOLDERS[0])?;
    alice.ask("relay_logout", &Nothing {})?;
    refused(alice.ask("relay_session", &Nothing {}), ErrorCode::SessionEnded);
    refused(alice.ask("relay_contacts", &ContactsQuery::default()), ErrorCode::SessionEnded);

    // With another password the site ends it, and so the relay.
    let mut alice = Asker::user(&home, HOLDERS[0], PASSWORD)?;
    contacts(&mut alice)?;
    let site = &scene.town.place(HOTEL)?.site;
    let changed = site.try_run("another password\n", &["user", "set-password", "holder-0"])?;
    assert_eq!(changed.code, 0, "{changed:?}");
    refused(alice.ask("relay_contacts", &ContactsQuery::default()), ErrorCode::SessionEnded);

    // A restart of the site ends none; the time that the site sets does.
    let mut alice = Asker::user(&home, HOLDERS[0], "another password")?;
    const SHORT_MS: u64 = 5_000;
    scene.town.place_mut(HOTEL)?.restart_with(&format!("[limits]\nsession_ms = {SHORT_MS}"))?;
    contacts(&mut alice)?;
    let mut alice = Asker::user(&home, HOLDERS[0], "another password")?;
    let told = alice.ask("relay_session", &Nothing {})?;
    let ends = told["expires_at_ms"].as_u64().context("a session ends")?;
    assert!(ends <= now_ms() + SHORT_MS, "{told}");
    wait_for("the session's end", || (now_ms() > ends).then_some(()))?;
    refused(alice.ask("relay_session", &Nothing {}), ErrorCode::SessionEnded);
    refused(alice.ask("relay_inbox", &InboxQuery::default()), ErrorCode::SessionEnded);
    Ok(())
}

#[test]
fn a_member_logs_in_by_its_key_and_nobody_else_does() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let (home, chain) = (scene.town.home(BOOKS)?, scene.network().chain());
    let mut books = Asker::member(&home, &chain, BOOKS)?;
    assert_eq!(books.ask("relay_session", &Nothing {})?["user"], json!(BOOKS));
    assert_eq!(books.ask("relay_inbox", &InboxQuery::default())?["messages"], json!([]));
    // The bank has no site, so no relay is granted; a holder is no member; nobody has that key.
    login_refused(Asker::member(&home, &chain, crate::scene::BANK), ErrorCode::NotRelayed);
    for name in [HOLDERS[0], "nobody.example"] {
        let refused = Asker::member(&home, &chain, name);
        assert!(refused.is_err(), "{name}: {refused:?}");
    }
    // The hotel's relay is not the books' one.
    let elsewhere = scene.network().node(0).address().to_owned();
    login_refused(Asker::member(&elsewhere, &chain, BOOKS), ErrorCode::NotRelayed);
    let other_chain = countersign_types::Hash([7; 32]);
    let refused = Asker::member(&home, &other_chain, BOOKS);
    assert!(refused.is_err(), "{refused:?}");
    Ok(())
}
