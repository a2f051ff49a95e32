//! Logging in: the right password, and everything that is none.
use crate::relay::{LoginEnd, Relay, now_ms, until};
use crate::server::{SITE, Site};
use countersign_client::login::{Binding, LoginError, OpenLogin};
use countersign_client::rpc_types::HexBytes;
use countersign_client::rpc_types::site::{
    FaultBody, LOGIN_FINISH, LOGIN_START, LOGOUT, LoggedOut, LoginFinish, LoginStart, LoginStarted, SESSION,
    SessionAsk, SessionHolder,
};
use countersign_client::types::PublicKey;
use countersign_client::types::signature::{development_secret, public_key};
use serde_json::Value as Json;

const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn the_right_password_opens_a_session_for_the_wallets_key() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let logged_in = relay.login_as("alice", PASSWORD, "alice").await.unwrap();
    assert_eq!(logged_in.holder.user, format!("alice@{SITE}"));
    assert_eq!(logged_in.holder.account, None);
    let asked = SessionAsk { session: logged_in.session };
    assert_eq!(relay.ask(SESSION, &asked).await.json::<SessionHolder>(), logged_in.holder);
    relay.ask(LOGOUT, &asked).await.json::<LoggedOut>();
    assert_eq!(relay.ask(SESSION, &asked).await.fault(), (403, "unknown_session".into()));
    assert_eq!(relay.ask(LOGOUT, &asked).await.fault(), (403, "unknown_session".into()));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let mut shapes = Vec::new();
    for user in ["alice", "nobody"] {
        let (open, got) = relay.login_start(user, "another horse", "alice").await;
        let body: Json = got.json();
        let fields: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
        shapes.push((got.status, got.body.len(), fields));
        let started: LoginStarted = got.json();
        assert_eq!(open.finish(&started.ke2.0), Err(LoginError::Refused), "the wallet sees it, and tells nobody why");
        // A wallet that goes on regardless learns no more.
        let forged = LoginFinish { login: started.login, ke3: HexBytes(vec![7; 64]) };
        let got = relay.ask(LOGIN_FINISH, &forged).await;
        shapes.push((got.status, got.body.len(), vec![got.fault().1]));
    }
    assert_eq!(shapes[0], shapes[2]);
    assert_eq!(shapes[1], shapes[3]);
    assert_eq!((shapes[1].0, shapes[1].2[0].as_str()), (403, "login_refused"));
    assert!(relay.login_as("alice", PASSWORD, "alice").await.is_ok());
}

#[tokio::test]
async fn a_login_has_one_try_in_time_at_one_relay() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    site.grant("other");
    site.set("[limits]\nlogin_ms = 2000");
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let other = Relay::new("other", &site, &server);
    let unknown = (403, "unknown_login".to_owned());

    let (open, got) = relay.login_start("alice", PASSWORD, "alice").await;
    let started: LoginStarted = got.json();
    let finish = LoginFinish { login: started.login.clone(), ke3: HexBytes(open.finish(&started.ke2.0).unwrap()) };
    assert_eq!(other.ask(LOGIN_FINISH, &finish).await.fault(), unknown, "another relay");
    let finished = relay.ask(LOGIN_FINISH, &finish).await;
    // On a machine that is so slow that the login has expired meanwhile, that is what it says.
    assert!(finished.status == 200 || now_ms() >= started.expires_at_ms, "{:?}", finished.fault());
    assert_eq!(relay.ask(LOGIN_FINISH, &finish).await.fault(), unknown, "a second try");

    let (open, got) = relay.login_start("alice", PASSWORD, "alice").await;
    let started: LoginStarted = got.json();
    let ke3 = HexBytes(open.finish(&started.ke2.0).unwrap());
    until(started.expires_at_ms).await;
    let late = LoginFinish { login: started.login, ke3 };
    assert_eq!(relay.ask(LOGIN_FINISH, &late).await.fault(), unknown, "expired");
}

#[tokio::test]
async fn attempts_are_limited_for_the_user_and_forgiven_after_success() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    site.set("[limits]\nattempts_per_user = 2\nwindow_ms = 3600000");
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    for user in ["alice", "nobody"] {
        for _ in 0..2 {
            assert_eq!(relay.login_start(user, "wrong", "alice").await.1.status, 200);
        }
        let got = relay.login_start(user, PASSWORD, "alice").await.1;
        assert_eq!(got.fault(), (429, "too_many_attempts".into()), "{user}");
        let fault: FaultBody = serde_json::from_slice(&got.body).unwrap();
        assert!(fault.retry_after_ms.is_some_and(|wait| (1..=3_600_000).contains(&wait)));
    }
    site.add_user("bob", PASSWORD);
    for _ in 0..3 {
        assert!(relay.login_as("bob", PASSWORD, "bob").await.is_ok(), "a success is not counted");
    }
}

#[tokio::test]
async fn attempts_are_limited_for_the_relay() {
    let site = Site::new();
    site.grant("other");
    site.set("[limits]\nattempts_per_relay = 3\nwindow_ms = 3600000");
    let server = site.start();
    let (relay, other) = (Relay::new("relay", &site, &server), Relay::new("other", &site, &server));
    for user in ["a", "b", "c"] {
        assert_eq!(relay.login_start(user, "wrong", "alice").await.1.status, 200);
    }
    assert_eq!(relay.login_start("d", "wrong", "alice").await.1.fault(), (429, "too_many_attempts".into()));
    assert_eq!(other.login_start("d", "wrong", "alice").await.1.status, 200);
}

#[tokio::test]
async fn sessions_end_with_a_new_password_a_removed_user_and_their_time() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    site.add_user("bob", PASSWORD);
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let over = (403, "unknown_session".to_owned());
    let alice = SessionAsk { session: relay.login("alice", PASSWORD).await };
    let bob = SessionAsk { session: relay.login("bob", PASSWORD).await };
    site.done_with("a new password", &["user", "set-password", "alice"]);
    assert_eq!(relay.ask(SESSION, &alice).await.fault(), over);
    assert_eq!(relay.login_as("alice", PASSWORD, "alice").await, Err(LoginEnd::Wallet(LoginError::Refused)));
    assert!(relay.login_as("alice", "a new password", "alice").await.is_ok());
    site.done(&["user", "remove", "bob"]);
    assert_eq!(relay.ask(SESSION, &bob).await.fault(), over);
    assert_eq!(relay.login_as("bob", PASSWORD, "bob").await, Err(LoginEnd::Wallet(LoginError::Refused)));
    drop(server);

    site.set("[limits]\nsession_ms = 1000");
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    assert_eq!(relay.ask(SESSION, &alice).await.fault(), over, "sessions end with the server");
    let logged_in = relay.login_as("alice", "a new password", "alice").await.unwrap();
    until(logged_in.holder.expires_at_ms).await;
    assert_eq!(relay.ask(SESSION, &SessionAsk { session: logged_in.session }).await.fault(), over);
}

#[tokio::test]
async fn a_session_is_of_no_use_to_another_relay() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    site.grant("other");
    let server = site.start();
    let (relay, other) = (Relay::new("relay", &site, &server), Relay::new("other", &site, &server));
    let stolen = SessionAsk { session: relay.login("alice", PASSWORD).await };
    assert_eq!(other.ask(SESSION, &stolen).await.fault(), (403, "unknown_session".into()));
    assert_eq!(other.ask(LOGOUT, &stolen).await.fault(), (403, "unknown_session".into()));
    assert_eq!(relay.ask(SESSION, &stolen).await.status, 200);
}

#[tokio::test]
async fn a_relay_that_changes_the_wallets_key_breaks_the_login() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let key = |name: &str| public_key(&development_secret(name));
    let (alice, mallory) = (key("alice"), key("mallory"));
    let name = format!("alice@{SITE}");
    let binding = Binding { user: name.parse().unwrap(), key: alice, relay: relay.account };
    let (open, ke1) = OpenLogin::start(PASSWORD, binding).unwrap();
    let forged = LoginStart { user: name, key: mallory.to_string(), ke1: HexBytes(ke1) };
    let started: LoginStarted = relay.ask(LOGIN_START, &forged).await.json();
    assert_eq!(open.finish(&started.ke2.0), Err(LoginError::Refused));
}

#[tokio::test]
async fn what_is_no_login_is_told() {
    let site = Site::new();
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let key = PublicKey([0; 32]).to_string();
    let good = public_key(&[1; 32]).to_string();
    let ke1 = || HexBytes(vec![0xff; 96]);
    for (user, key, ke1) in [
        ("alice@city-books.example".into(), good.clone(), ke1()),
        (SITE.to_owned(), good.clone(), ke1()),
        (format!("alice@{SITE}"), key, ke1()),
        (format!("alice@{SITE}"), "csk1".into(), ke1()),
        (format!("alice@{SITE}"), good.clone(), ke1()),
        (format!("alice@{SITE}"), good, HexBytes(vec![1; 95])),
    ] {
        let got = relay.ask(LOGIN_START, &LoginStart { user, key, ke1 }).await;
        assert_eq!(got.fault(), (400, "bad_request".into()));
        assert!(got.is_bound);
    }
    let nothing = LoginFinish { login: HexBytes(vec![1; 15]), ke3: HexBytes(vec![0; 64]) };
    assert_eq!(relay.ask(LOGIN_FINISH, &nothing).await.fault(), (403, "unknown_login".into()));
    let short = LoginFinish { login: HexBytes(vec![1; 16]), ke3: HexBytes(vec![0; 63]) };
    assert_eq!(relay.ask(LOGIN_FINISH, &short).await.fault(), (400, "bad_request".into()));
}

#[tokio::test]
async fn a_relay_sees_neither_the_password_nor_anything_kept_of_it() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    relay.login("alice", PASSWORD).await;
    assert!(relay.login_as("alice", "wrong horse staple", "alice").await.is_err());
    site.done_with("a new password", &["user", "set-password", "alice"]);
    relay.login("alice", "a new password").await;
    let seen = relay.seen();
    assert!(contains(&seen, b"POST /v1/login/finish"), "the bytes were recorded");
    drop(server);
    let database = std::fs::read(site.own("site.redb")).unwrap();
    for password in [PASSWORD, "wrong horse staple", "a new password"] {
        let mut forms = vec![password.as_bytes().to_vec(), hex::encode(password).into_bytes()];
        for digest in digests(password) {
            forms.push(hex::encode(&digest).into_bytes());
            forms.push(digest);
        }
        for form in &forms {
            assert!(!contains(&seen, form), "{password} passed the relay");
            assert!(!contains(&database, form), "{password} is in the database");
            assert!(!contains(site.log().as_bytes(), form), "{password} is in the log");
        }
    }
    // Nor what the site keeps of it, whole or in parts as long as a key.
    let registration = registration_of(&database);
    for part in registration.as_bytes().windows(64).step_by(16) {
        assert!(!contains(&seen, part), "part of the registration passed the relay");
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The hashes somebody might make of a password to hide it.
fn digests(password: &str) -> Vec<Vec<u8>> {
    let ours = countersign_client::types::Hash::of("password", password.as_bytes()).0.to_vec();
    let digest = countersign_client::rpc_types::site::signature::content_digest(password.as_bytes());
    vec![ours, digest.trim_start_matches("sha-256=:").trim_end_matches(':').as_bytes().to_vec()]
}

/// The newest registration in the database's file: hexadecimal digits in JSON.
fn registration_of(database: &[u8]) -> String {
    let mark = br#""registration":"0x"#;
    let at = database.windows(mark.len()).rposition(|window| window == mark).expect("a user is in it") + mark.len();
    String::from_utf8(database[at..at + 384].to_vec()).unwrap()
}

/// What a relay could time: the first half with the user's name, the second with a proof that is wrong.
#[tokio::test]
#[ignore = "prints figures; means something in a release build on a quiet machine only"]
async fn the_time_of_an_answer_tells_nothing_of_the_user() {
    const ROUNDS: usize = 1_000;
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    site.set(&format!("[limits]\nattempts_per_user = {ROUNDS}\nattempts_per_relay = 10000"));
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let users = ["alice", "nobody"];
    let mut times: [[Vec<u128>; 2]; 2] = Default::default();
    for round in 0..ROUNDS {
        // In turn, so that neither is always the first.
        for n in [round % 2, 1 - round % 2] {
            let begun = std::time::Instant::now();
            let started: LoginStarted = relay.login_start(users[n], "another horse", "alice").await.1.json();
            times[n][0].push(begun.elapsed().as_micros());
            let finish = LoginFinish { login: started.login, ke3: HexBytes(vec![7; 64]) };
            let begun = std::time::Instant::now();
            assert_eq!(relay.ask(LOGIN_FINISH, &finish).await.fault().0, 403);
            times[n][1].push(begun.elapsed().as_micros());
        }
    }
    for (user, halves) in users.iter().zip(&mut times) {
        for (half, times) in ["start", "finish"].iter().zip(halves) {
            times.sort_unstable();
            let at = |part: usize| times[times.len() * part / 100];
            println!("{user:<8}{half:<8}p10 {} p50 {} p90 {} microseconds", at(10), at(50), at(90));
        }
    }
}
