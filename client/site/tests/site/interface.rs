//! The OpenAPI document says what the server does: routes, bodies, codes, in both directions.
use crate::relay::{Relay, now_s};
use crate::server::Site;
use countersign_client::rpc_types::HexBytes;
use countersign_client::rpc_types::site::*;
use countersign_site::api::Route;
use countersign_site::http::{LIVEZ_PATH, OPENAPI_PATH};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

fn document() -> Json {
    serde_json::from_str(countersign_site::OPENAPI).unwrap()
}

/// Path and operation of every POST.
fn posts(document: &Json) -> Vec<(String, Json)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .filter(|(_, item)| item["post"].is_object())
        .map(|(path, item)| (path.clone(), item["post"].clone()))
        .collect()
}

fn keys(object: &Json) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_route_is_described_and_no_other() {
    let document = document();
    let described: BTreeSet<String> = posts(&document).into_iter().map(|(path, _)| path).collect();
    let routes: BTreeSet<String> = Route::ALL.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(described, routes);
    let all = keys(&document["paths"]);
    let plain: BTreeSet<&str> = all.difference(&routes).map(String::as_str).collect();
    assert_eq!(plain, BTreeSet::from([LIVEZ_PATH, OPENAPI_PATH]));
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn every_code_is_described_with_its_status_and_no_other() {
    let document = document();
    let known: BTreeMap<&str, u16> = SiteFault::ALL.iter().map(|(fault, _)| (fault.code(), fault.status())).collect();
    let listed = document["components"]["schemas"]["Fault"]["properties"]["code"]["enum"].as_array().unwrap().clone();
    let listed: BTreeSet<&str> = listed.iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(listed, known.keys().copied().collect());
    let mut used = BTreeSet::new();
    let paths = document["paths"].as_object().unwrap();
    for (path, item) in paths {
        for operation in item.as_object().unwrap().values() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                for code in response["x-codes"].as_array().into_iter().flatten() {
                    let code = code.as_str().unwrap();
                    assert_eq!(known.get(code).map(u16::to_string).as_ref(), Some(status), "{path}: {code}");
                    used.insert(code.to_owned());
                }
            }
        }
    }
    assert_eq!(used, known.keys().map(|code| (*code).to_owned()).collect());
}

#[test]
fn bodies_have_the_fields_described() {
    let document = document();
    let session = SessionToken([1; 32]);
    let bytes = || HexBytes(vec![1]);
    let text = String::new;
    let holder = SessionHolder { user: text(), key: text(), account: None, expires_at_ms: 1 };
    let contact = ContactView { name: text(), label: text() };
    let post = PostView {
        number: 1,
        kind: PostKind::Offer,
        author: text(),
        title: text(),
        text: text(),
        proposal: None,
        published_at_ms: 1,
    };
    let fault = FaultBody { code: text(), message: text(), retry_after_ms: Some(1) };
    fn json(value: &impl Serialize) -> Json {
        serde_json::to_value(value).unwrap()
    }
    let samples = [
        ("LoginStart", json(&LoginStart { user: text(), key: text(), ke1: bytes() })),
        ("LoginStarted", json(&LoginStarted { login: bytes(), ke2: bytes(), expires_at_ms: 1 })),
        ("LoginFinish", json(&LoginFinish { login: bytes(), ke3: bytes() })),
        ("LoggedIn", json(&LoggedIn { session, holder: holder.clone() })),
        ("SessionAsk", json(&SessionAsk { session })),
        ("SessionHolder", json(&holder)),
        ("LoggedOut", json(&LoggedOut {})),
        ("ContactsAsk", json(&ContactsAsk { session, after: None, limit: None })),
        ("ContactView", json(&contact)),
        ("ContactsPage", json(&ContactsPage { contacts: vec![contact], next: None })),
        ("PostsAsk", json(&PostsAsk { session, after: 0, limit: None, wait_ms: 0 })),
        ("PostView", json(&post)),
        ("PostsPage", json(&PostsPage { posts: vec![post], next: 1, more: false })),
        ("EnrolAsk", json(&EnrolAsk { session, proposal: bytes() })),
        ("Enrolled", json(&Enrolled { proposal: bytes() })),
        ("Fault", json(&fault)),
    ];
    let schemas = &document["components"]["schemas"];
    for (name, sample) in &samples {
        assert_eq!(keys(&schemas[name]["properties"]), keys(sample), "{name}");
    }
    assert_eq!(keys(schemas), samples.iter().map(|(name, _)| (*name).to_owned()).collect());
    let most = |schema: &str, field: &str, bound: &str| schemas[schema]["properties"][field][bound].as_u64();
    assert_eq!(most("ContactsAsk", "limit", "maximum"), Some(CONTACTS_PAGE_MAX.into()));
    assert_eq!(most("PostsAsk", "limit", "maximum"), Some(POSTS_PAGE_MAX.into()));
    assert_eq!(most("PostsAsk", "wait_ms", "maximum"), Some(WAIT_MS_MAX));
    let length =
        |schema: &str, field: &str| schemas[schema]["properties"][field]["pattern"].as_str().map(str::to_owned);
    assert_eq!(length("LoginStart", "ke1"), Some(format!("^0x([0-9a-f]{{2}}){{{KE1_BYTES}}}$")));
    assert_eq!(length("LoginStarted", "ke2"), Some(format!("^0x([0-9a-f]{{2}}){{{KE2_BYTES}}}$")));
    assert_eq!(length("LoginFinish", "ke3"), Some(format!("^0x([0-9a-f]{{2}}){{{KE3_BYTES}}}$")));
    let told = document["info"]["description"].as_str().unwrap();
    for bound in [BODY_BYTES_MAX, ANSWER_BYTES_MAX, REQUEST_AGE_MS_MAX as usize / 1_000] {
        assert!(told.contains(&bound.to_string()), "{bound}");
    }
}

#[test]
fn references_lead_somewhere() {
    let document = document();
    let mut waiting = vec![&document];
    while let Some(value) = waiting.pop() {
        match value {
            Json::Object(fields) => {
                if let Some(Json::String(reference)) = fields.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                waiting.extend(fields.values());
            }
            Json::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
}

#[tokio::test]
async fn the_document_is_served_to_everybody() {
    let site = Site::new();
    let server = site.start();
    let relay = Relay::new("stranger", &site, &server);
    let mut sent = relay.sign_with(OPENAPI_PATH, Vec::new(), now_s(), &"0".repeat(32));
    sent.method = "GET";
    let got = relay.send(&sent).await;
    assert_eq!((got.status, got.body.as_slice()), (200, countersign_site::OPENAPI.as_bytes()));
    sent.path = LIVEZ_PATH.into();
    let got = relay.send(&sent).await;
    assert_eq!((got.status, got.body.as_slice()), (200, b"ok".as_slice()));
}
