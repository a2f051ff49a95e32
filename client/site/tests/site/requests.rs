//! Who may ask and how: everything that is not a new, recent, whole request of a granted relay.
use crate::relay::{Relay, now_s};
use crate::server::{SITE, Site};
use countersign_client::rpc_types::site::{BODY_BYTES_MAX, CONTACTS, SESSION, SessionAsk, SessionToken};
use std::io::{Read, Write};
use std::net::TcpStream;

const NONCE: &str = "0123456789abcdef0123456789abcdef";

fn asked() -> SessionAsk {
    SessionAsk { session: SessionToken([1; 32]) }
}

fn body() -> Vec<u8> {
    serde_json::to_vec(&asked()).unwrap()
}

#[tokio::test]
async fn only_a_granted_relay_with_its_key_is_answered() {
    let site = Site::new();
    let server = site.start();
    let stranger = Relay::new("stranger", &site, &server);
    let got = stranger.ask(SESSION, &asked()).await;
    assert_eq!((got.fault(), got.is_bound), ((403, "unknown_relay".into()), true));
    site.grant("stranger");
    assert_eq!(stranger.ask(SESSION, &asked()).await.fault(), (403, "unknown_session".into()), "it is heard now");
    site.done(&["relay", "revoke", &stranger.account.to_string()]);
    assert_eq!(stranger.ask(SESSION, &asked()).await.fault(), (403, "unknown_relay".into()));

    let relay = Relay::new("relay", &site, &server);
    let impostor = stranger.posing_as(relay.account);
    let got = impostor.ask(SESSION, &asked()).await;
    assert_eq!((got.fault(), got.is_bound), ((401, "bad_signature".into()), true));
}

#[tokio::test]
async fn a_request_is_answered_once_and_only_as_it_was_signed() {
    let site = Site::new();
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let sent = relay.sign(SESSION, &asked());
    assert_eq!(relay.send(&sent).await.fault(), (403, "unknown_session".into()));
    assert_eq!(relay.send(&sent).await.fault(), (401, "replayed_request".into()));

    let bad = (401, "bad_signature".to_owned());
    let mut changed = relay.sign(SESSION, &asked());
    changed.path = CONTACTS.into();
    assert_eq!(relay.send(&changed).await.fault(), bad, "another path");
    let mut changed = relay.sign(SESSION, &asked());
    changed.body.push(b' ');
    assert_eq!(relay.send(&changed).await.fault(), bad, "another body");
    let mut changed = relay.sign(SESSION, &asked());
    changed.headers.signature = changed.headers.signature.replace("relay=", "other=");
    let got = relay.send(&changed).await;
    assert_eq!((got.fault(), got.is_bound), (bad.clone(), false), "an answer to nobody is bound to nobody");
    let mut changed = relay.sign(SESSION, &asked());
    changed.headers.signature_input = changed.headers.signature_input.replace(" \"countersign-site\"", "");
    assert_eq!(relay.send(&changed).await.fault(), bad, "a component less");
    let mut changed = relay.sign(SESSION, &asked());
    changed.site = "city-books.example".into();
    assert_eq!(relay.send(&changed).await.fault(), (421, "wrong_site".into()));
}

#[tokio::test]
async fn a_request_is_recent() {
    let site = Site::new();
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    for created_s in [now_s() - 120, now_s() + 120, 0] {
        let got = relay.send(&relay.sign_with(SESSION, body(), created_s, NONCE)).await;
        assert_eq!(got.fault(), (401, "stale_request".into()), "{created_s}");
    }
    let got = relay.send(&relay.sign_with(SESSION, body(), now_s() - 30, NONCE)).await;
    assert_eq!(got.fault(), (403, "unknown_session".into()));
    let again = relay.send(&relay.sign_with(SESSION, body(), now_s() - 29, NONCE)).await;
    assert_eq!(again.fault(), (401, "replayed_request".into()), "the nonce counts, whatever the time");
}

#[tokio::test]
async fn bodies_paths_and_methods_are_what_they_must_be() {
    let site = Site::new();
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let signed = |body: Vec<u8>, n: u32| relay.sign_with(SESSION, body, now_s(), &format!("{n:032x}"));
    let long = relay.send(&signed(vec![b' '; BODY_BYTES_MAX + 1], 1)).await;
    assert_eq!(long.fault(), (413, "too_large".into()));
    let bad = (400, "bad_request".to_owned());
    let most = relay.send(&signed(vec![b' '; BODY_BYTES_MAX], 2)).await;
    assert_eq!(most.fault(), bad, "as long as allowed, but nothing in it");
    for (n, wrong) in [&b"{}"[..], b"[]", b"{\"session\":1}", b"\xff", b"", &[b'['; 4096]].into_iter().enumerate() {
        assert_eq!(relay.send(&signed(wrong.to_vec(), 10 + n as u32)).await.fault(), bad, "{wrong:?}");
    }
    let nowhere = relay.ask("/v2/session", &asked()).await;
    assert_eq!((nowhere.fault(), nowhere.is_bound), ((404, "not_found".into()), true));
    assert_eq!(relay.ask("/openapi.json", &asked()).await.fault(), (405, "method_not_allowed".into()));
    let mut put = relay.sign(SESSION, &asked());
    put.method = "PUT";
    assert_eq!(relay.send(&put).await.fault(), (405, "method_not_allowed".into()));
    let mut query = relay.sign(SESSION, &asked());
    query.path += "?user=bob";
    assert_eq!(relay.send(&query).await.fault(), bad, "a query is not signed");
}

#[tokio::test]
async fn without_tls_there_is_no_answer() {
    let site = Site::new();
    let server = site.start();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn behind_a_proxy_it_listens_to_this_machine_without_tls() {
    let site = Site::new();
    let path = site.own("site.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let tls = text.lines().find(|line| line.starts_with("tls = ")).unwrap().to_owned();
    std::fs::write(&path, text.replace(&tls, "tls = \"off\"")).unwrap();
    let server = site.start();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
    let everywhere = std::fs::read_to_string(&path).unwrap().replace("127.0.0.1", "0.0.0.0");
    std::fs::write(&path, everywhere).unwrap();
    let error = site.refused(&["check"], 3);
    assert!(error["message"].as_str().unwrap().contains("`tls`"), "{error} {SITE}");
}
