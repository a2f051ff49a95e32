//! The relay of a real node: only if its operator says so, told in every place, and never in the way of the chain.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod support;

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use support::{DevNode, Signer, transfer};

const NOT_RELAYED: i64 = -32030;
const UNAVAILABLE: i64 = -32001;
const SESSION_ENDED: i64 = -32034;
const UNKNOWN_METHOD: i64 = -32601;

const RELAYING: [&str; 4] = ["dev", "--rpc-port", "0", "--relay"];

fn refusal(node: &DevNode, method: &str, params: Value) -> Value {
    node.call(method, params).unwrap_err()
}

/// A session nobody has, signed by nobody.
fn no_session() -> Value {
    json!({ "session": format!("0x{}", "07".repeat(32)), "count": 1, "signature": format!("0x{}", "00".repeat(64)) })
}

fn findings(dir: &Path, environment: &[(&str, &str)]) -> Vec<Value> {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_countersign-node"));
    doctor.args(["doctor", "--json", "--dir"]).arg(dir).envs(environment.iter().copied());
    let findings: Vec<Value> = serde_json::from_slice(&doctor.output().unwrap().stdout).unwrap();
    findings.into_iter().filter(|finding| finding["check"] == "relay").collect()
}

#[test]
fn a_node_relays_if_its_operator_says_so_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let node = DevNode::start(dir.path());
    for (method, params) in [
        ("relay_info", json!([])),
        ("relay_session", json!([no_session(), {}])),
        ("relay_inbox", json!([no_session(), {}])),
        ("relay_send", json!([no_session(), { "envelope": "0x" }])),
    ] {
        let refused = refusal(&node, method, params);
        assert_eq!((&refused["code"], &refused["data"]["reason"]), (&json!(NOT_RELAYED), &json!("off")), "{method}");
        assert!(refused["message"].as_str().unwrap().contains("relay.enabled"), "{refused}");
    }
    assert!(!node.get("/metrics").1.contains("countersign_relay_"));
    assert!(!dir.path().join("relay").exists(), "a node that does not relay keeps nothing of one");
    node.stop();

    let node = DevNode::start_with(dir.path(), &RELAYING);
    let info = node.call("relay_info", json!([])).unwrap();
    assert!(info["key"].as_str().unwrap().starts_with("csk1"), "{info}");
    assert_eq!(info["chain"], json!(node.chain().to_string()));
    assert_eq!(refusal(&node, "relay_session", json!([no_session(), {}]))["code"], SESSION_ENDED);
    let metrics = node.get("/metrics").1;
    assert!(metrics.contains("countersign_relay_up 1\n") && metrics.contains("countersign_relay_sessions 0\n"));
    assert!(metrics.ends_with("# EOF\n") && metrics.matches("# EOF").count() == 1, "{metrics}");
    node.until("the node to be ready", || node.get("/readyz").0 == 200);
    node.kill();
    let node = DevNode::start_with(dir.path(), &RELAYING);
    assert_eq!(node.call("relay_info", json!([])).unwrap()["key"], info["key"]);
    node.stop();
}

#[test]
fn every_method_of_the_document_is_served_with_a_relay_and_without() {
    for args in [&RELAYING[..3], &RELAYING[..]] {
        let dir = tempfile::tempdir().unwrap();
        let node = DevNode::start_with(dir.path(), args);
        let document = node.call("rpc.discover", json!([])).unwrap();
        let methods: Vec<&str> = document["methods"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|method| method.get("x-subscription").is_none())
            .map(|method| method["name"].as_str().unwrap())
            .collect();
        assert!(methods.contains(&"relay_send") && methods.contains(&"chain_head"));
        for method in methods {
            let unknown = node.call(method, json!([])).is_err_and(|error| error["code"] == UNKNOWN_METHOD);
            assert!(!unknown, "{method} with {args:?}");
        }
        node.stop();
    }
}

#[test]
fn a_relay_whose_files_are_damaged_does_not_stop_the_node() {
    let dir = tempfile::tempdir().unwrap();
    DevNode::start_with(dir.path(), &RELAYING).stop();
    let files: Vec<_> =
        std::fs::read_dir(dir.path().join("relay")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in &files {
        std::fs::write(file, "no database at all").unwrap();
    }
    let node = DevNode::start_with(dir.path(), &RELAYING);
    assert_eq!(refusal(&node, "relay_info", json!([]))["code"], UNAVAILABLE);
    assert!(node.get("/metrics").1.contains("countersign_relay_up 0\n"));
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let id = node.submit(&transfer(&node.chain(), &alice, &bob, 100, 1)).unwrap();
    assert_eq!(node.until_final(&id)["receipt"]["ok"], true);
    node.until("the node to be ready", || node.get("/readyz").0 == 200);
    let log = std::fs::read_to_string(dir.path().join("node.log")).unwrap();
    assert_eq!(log.matches("the relay does not run").count(), 1, "{log}");
    node.stop();
}

#[test]
fn wrong_settings_of_the_relay_are_told_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    DevNode::start(dir.path()).stop();
    let run = ["run", "--relay", "--trusted-certificates", "sites.pem", "--dir", "."];
    let check = ["config", "check", "--dir", "."];
    for args in [&run[..], &check] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-node"));
        command.args(args).current_dir(dir.path()).env("COUNTERSIGN_RELAY_ENABLED", "true");
        let output = command.env("COUNTERSIGN_RELAY_TRUSTED_CERTIFICATES", "sites.pem").output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{message}");
        assert!(message.contains("sites.pem") && message.contains("trusted_certificates"), "{message}");
    }
}

#[test]
fn the_doctor_tells_whether_the_node_may_relay_and_for_whom() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("node-1");
    let on = [("COUNTERSIGN_RELAY_ENABLED", "true")];
    let node = DevNode::start_several(dir.path(), &["dev", "--validators", "2", "--rpc-port", "0", "--relay"]);
    let key = node.call("relay_info", json!([])).unwrap()["key"].as_str().unwrap().to_owned();
    let said = |findings: &[Value], level: &str, words: &str| {
        let found = |finding: &Value| finding["level"] == level && finding["text"].as_str().unwrap().contains(words);
        assert!(findings.iter().any(found), "no {level} `{words}` in {findings:?}");
    };
    let running = findings(&folder, &on);
    said(&running, "ok", &format!("runs as {key}"));
    said(&running, "ok", &format!("{key} may relay"));
    said(&running, "warning", "no site grants this node");
    node.stop();
    let stopped = findings(&folder, &on);
    said(&stopped, "ok", &format!("{key} may relay"));
    said(&stopped, "warning", "no site grants this node");
    said(&findings(&folder, &[]), "note", "off");
}
