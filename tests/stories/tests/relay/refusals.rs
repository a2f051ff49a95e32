//! Log-ins that must not succeed, each with its code and a text that says why; nothing hangs.
use crate::scene::{BOOKS, HOLDERS, HOTEL, PASSWORD, Scene, login_refused, refused, wallet_refused};
use countersign_harness::{Asker, COUNCIL, Conduct, Interceptor, Person, hopeless_login};
use countersign_interface::Method as _;
use countersign_interface::registry::SetMemberSuspended;
use countersign_rpc_types::ErrorCode;
use countersign_rpc_types::relay::ContactsQuery;
use countersign_types::PublicKey;
use serde_json::{Value, json};

const ALICE: &str = HOLDERS[0];

/// What the answers have in common that must be the same: fields and their sizes. Random bytes and times are not.
fn shape(answer: &Value) -> Vec<(String, usize)> {
    let fields = answer.as_object().expect("an answer has fields");
    fields.iter().map(|(name, value)| (name.clone(), value.to_string().len())).collect()
}

#[test]
fn a_wrong_password_and_an_unknown_user_look_the_same() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    scene.town.place(HOTEL)?.site.add_user("holder-0", PASSWORD)?;
    let home = scene.town.home(ALICE)?;
    let wrong = hopeless_login(&home, ALICE, "correct house")?;
    let unknown = hopeless_login(&home, "nobody-0@harbor-hotel.example", "correct house")?;
    assert_eq!(shape(&wrong[0]), shape(&unknown[0]), "as long and of the same fields: {wrong:?} {unknown:?}");
    assert_eq!(wrong[1], unknown[1], "the same to the last byte");
    assert_eq!(wrong[1]["code"], ErrorCode::LoginRefused as i32);
    // The wallet says the same of both, and does not say which it is.
    let mut said = Vec::new();
    for name in [ALICE, "holder-1@harbor-hotel.example"] {
        let outcome = scene.log_in(&scene.wallet(name)?, name, "correct house")?;
        let mut error = outcome.error()?;
        assert!(error["message"].to_string().contains("password"), "{error:#}");
        error["message"] = error["message"].as_str().unwrap_or_default().replace(name, "NAME").into();
        said.push((outcome.code, error));
    }
    assert_eq!(said[0], said[1]);
    Asker::user(&home, ALICE, PASSWORD)?;
    Ok(())
}

#[test]
fn attempts_are_limited_and_the_relay_says_until_when() -> anyhow::Result<()> {
    let mut scene = Scene::open()?;
    scene.town.place_mut(HOTEL)?.restart_with("[limits]\nattempts_per_user = 2\nwindow_ms = 3600000")?;
    let home = scene.town.home(ALICE)?;
    for _ in 0..2 {
        hopeless_login(&home, ALICE, "a guess")?;
    }
    let refusal = login_refused(Asker::user(&home, ALICE, PASSWORD), ErrorCode::TooManyAttempts);
    assert!(refusal["data"].to_string().chars().any(|digit| digit.is_ascii_digit()), "when to try again: {refusal:#}");
    Ok(())
}

#[test]
fn a_suspended_site_is_refused_and_its_sessions_end_with_it() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let (home, mut alice) = (scene.town.home(ALICE)?, scene.holder(ALICE)?);
    let suspend = |suspended| {
        let council = [Person::named(COUNCIL[0]), Person::named(COUNCIL[1])];
        let member = Person::named(HOTEL).account;
        let call = SetMemberSuspended { member, suspended }.call(&council.map(|signer| signer.account));
        scene.network().decide(call, &council)?;
        scene.network().until_level()
    };
    suspend(true)?;
    let refusal = login_refused(Asker::user(&home, ALICE, PASSWORD), ErrorCode::NotRelayed);
    assert!(refusal["message"].to_string().contains("suspended"), "{refusal:#}");
    refused(alice.ask("relay_contacts", &ContactsQuery::default()), ErrorCode::NotRelayed);
    let outcome = scene.log_in(&scene.wallet(ALICE)?, ALICE, PASSWORD)?;
    assert!(outcome.error()?["message"].to_string().contains("suspended"), "{outcome:#?}");
    suspend(false)?;
    refused(alice.ask("relay_contacts", &ContactsQuery::default()), ErrorCode::SessionEnded);
    Asker::user(&home, ALICE, PASSWORD)?.ask("relay_contacts", &ContactsQuery::default())?;
    Ok(())
}

#[test]
fn a_relay_must_be_granted_by_the_ledger_and_by_the_site() -> anyhow::Result<()> {
    let scene = Scene::open()?;
    let (first, second) = (scene.network().node(0).address(), scene.network().node(1).address());
    let mut alice = scene.holder(ALICE)?;
    Asker::user(second, ALICE, PASSWORD)?;
    // By the ledger no more: the relay knows, and a wallet believes no relay that says otherwise.
    let key = scene.town.place(HOTEL)?.site.key();
    scene.town.set_site(HOTEL, &key, &[1])?;
    let refusal = login_refused(Asker::user(first, ALICE, PASSWORD), ErrorCode::NotRelayed);
    assert!(refusal["message"].to_string().contains(HOTEL), "it names the site: {refusal:#}");
    refused(alice.ask("relay_contacts", &ContactsQuery::default()), ErrorCode::NotRelayed);
    let outcome = scene.log_in(&scene.wallet(ALICE)?.at(&format!("ws://{first}")), ALICE, PASSWORD)?;
    assert!(outcome.code != 0 && outcome.error()?["message"].to_string().contains(HOTEL), "{outcome:#?}");
    // By the site no more.
    let relay = countersign_types::AccountId::of_key(&scene.network().key(1));
    scene.town.place(HOTEL)?.site.run(&["relay", "revoke", &relay.to_string()])?;
    let refusal = login_refused(Asker::user(second, ALICE, PASSWORD), ErrorCode::SiteFailed);
    assert!(refusal["data"].to_string().contains("unknown_relay"), "the site's code: {refusal:#}");
    // A site that is on no ledger.
    let nowhere = Asker::user(second, "alice@nowhere.example", PASSWORD);
    login_refused(nowhere, ErrorCode::NotRelayed);
    Ok(())
}

#[test]
fn answers_that_are_not_the_sites_are_not_believed() -> anyhow::Result<()> {
    let mut scene = Scene::open()?;
    let (home, mut alice) = (scene.town.home(ALICE)?, scene.holder(ALICE)?);
    let conduct = |scene: &Scene, conduct| {
        let place = scene.town.place(HOTEL).expect("the hotel has a site");
        place.interceptor.as_ref().expect("it is intercepted").set(conduct);
    };
    scene.town.place(HOTEL)?.site.run(&["contact", "add", "holder-0", "bob2@city-books.example"])?;
    alice.ask("relay_contacts", &ContactsQuery::default())?;
    let log_in = || Asker::user(&home, ALICE, PASSWORD);
    // Altered on the way, or the answer to an earlier request: the signature is of another answer.
    for wrong in [Conduct::Alters, Conduct::Repeats] {
        conduct(&scene, wrong);
        assert_eq!(login_refused(log_in(), ErrorCode::SiteFailed)["data"], json!({"reason": "not_signed"}));
        let refusal = refused(alice.ask("relay_contacts", &ContactsQuery::default()), ErrorCode::SiteFailed);
        assert_eq!(refusal["data"], json!({"reason": "not_signed"}));
        assert!(!refusal.to_string().contains("city-books"), "nothing of it is handed on: {refusal:#}");
    }
    // None at all: it ends by itself.
    conduct(&scene, Conduct::Withholds);
    assert_eq!(login_refused(log_in(), ErrorCode::SiteFailed)["data"], json!({"reason": "too_slow"}));
    let outcome = scene.log_in(&scene.wallet(ALICE)?, ALICE, PASSWORD)?;
    wallet_refused(&outcome, ErrorCode::SiteFailed)?;
    conduct(&scene, Conduct::Honest);
    log_in()?;
    alice.ask("relay_contacts", &ContactsQuery::default())?;

    // The site's, but with another key than the ledger's.
    let key = scene.town.place(HOTEL)?.site.key();
    let other = PublicKey(Person::named("another site").account.0);
    scene.town.set_site(HOTEL, &other, &[0, 1])?;
    assert_eq!(login_refused(log_in(), ErrorCode::SiteFailed)["data"], json!({"reason": "not_signed"}));
    scene.town.set_site(HOTEL, &key, &[0, 1])?;
    log_in()?;

    // Nobody at its address; the other site's users notice nothing.
    scene.town.place_mut(HOTEL)?.interceptor = None;
    let refusal = login_refused(log_in(), ErrorCode::SiteFailed);
    assert_eq!(refusal["data"], json!({"reason": "unreachable"}));
    assert!(refusal["message"].to_string().contains(HOTEL), "it names the site: {refusal:#}");
    let chain = scene.network().chain();
    Asker::member(&scene.town.home(BOOKS)?, &chain, BOOKS)?;
    Ok(())
}

#[test]
fn a_site_whose_certificate_is_not_trusted_is_not_asked() -> anyhow::Result<()> {
    let mut scene = Scene::open()?;
    scene.town.place(HOTEL)?.site.add_user("holder-0", PASSWORD)?;
    let books_only = scene.town.place(BOOKS)?.site.certificate().display().to_string();
    scene.town.network.kill(0)?;
    scene.town.network.set(0, "COUNTERSIGN_RELAY_TRUSTED_CERTIFICATES", &books_only);
    scene.town.network.start_node(0)?;
    login_refused(Asker::user(&scene.town.home(ALICE)?, ALICE, PASSWORD), ErrorCode::SiteFailed);
    let heard = scene.town.place(HOTEL)?.interceptor.as_ref().map(Interceptor::heard);
    assert_eq!(heard, Some(Vec::new()), "nothing was said to it");
    Asker::user(scene.network().node(1).address(), ALICE, PASSWORD)?;
    Ok(())
}

#[test]
fn a_node_whose_relay_is_off_says_so() -> anyhow::Result<()> {
    let mut scene = Scene::open()?;
    scene.town.network.stop(1)?;
    scene.town.network.set(1, "COUNTERSIGN_RELAY_ENABLED", "false");
    scene.town.network.start_node(1)?;
    let node = scene.network().node(1);
    refused(node.call("relay_info", &json!([])), ErrorCode::NotRelayed);
    Ok(())
}
