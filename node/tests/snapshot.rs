//! A node that begins with a snapshot, as a process among others: it joins, agrees, and knows what it does not have.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod support;

use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use support::{DevNode, Signer, run, transfer};

/// Blocks that the newcomer never sees.
const BEFORE: u64 = 12;

struct Place {
    dir: std::path::PathBuf,
    listen: String,
    peer_id: String,
}

impl Place {
    fn init(dir: std::path::PathBuf, spec: &str, port: u16, more: &[&str]) -> Self {
        let folder = dir.to_str().unwrap();
        run(&[&["init", "--spec", spec, "--dir", folder], more].concat());
        let shown = run(&["keys", "show", dir.join("network.key").to_str().unwrap()]);
        let peer_id = shown.split_once("/p2p/").unwrap().1.split_whitespace().next().unwrap().to_owned();
        Self { dir, listen: format!("/ip4/127.0.0.1/tcp/{port}"), peer_id }
    }

    fn start(&self, peers: &[&Self]) -> DevNode {
        let peers: Vec<_> = peers.iter().map(|peer| format!("{}/p2p/{}", peer.listen, peer.peer_id)).collect();
        let peers = peers.join(",");
        DevNode::start_with(
            &self.dir,
            &["run", "--rpc-listen", "127.0.0.1:0", "--listen", &self.listen, "--peers", &peers],
        )
    }

    fn text(&self) -> &str {
        self.dir.to_str().unwrap()
    }
}

/// What the program says when it refuses, and its exit code.
fn refusal(args: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign-node")).args(args).output().unwrap();
    assert!(!output.status.success(), "{args:?}");
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

fn code(answer: Result<Value, Value>) -> i64 {
    answer.unwrap_err()["code"].as_i64().unwrap()
}

fn pay(node: &DevNode, salt: u64) -> String {
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let id = node.submit(&transfer(&node.chain(), &alice, &bob, 100, salt)).unwrap();
    assert_eq!(node.until_final(&id)["receipt"]["ok"], true);
    id
}

#[test]
fn a_node_restored_from_a_snapshot_joins_and_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (spec, key, file) = (path("spec.toml"), path("validator.key"), path("taken.snapshot"));
    run(&["spec", "new", "--out", &spec]);
    run(&["keys", "new", "--development", "validator-1", "--out", &key]);
    // Held open together, so that they differ; free again when the nodes start.
    let held: Vec<TcpListener> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let port = |n: usize| held[n].local_addr().unwrap().port();
    let old = Place::init(Path::new(&path("old")).into(), &spec, port(0), &["--validator-key", &key]);
    let new = Place::init(Path::new(&path("new")).into(), &spec, port(1), &[]);
    drop(held);

    let node = old.start(&[&new]);
    let bob = Signer::named("bob@harbor-hotel.example");
    let paid: Vec<String> = (0..BEFORE).map(|salt| pay(&node, salt)).collect();
    let (told, exit) = refusal(&["snapshot", "create", "--dir", old.text(), "--out", &file]);
    assert!(told.contains("is running; stop it first") && exit == Some(3), "{told}");
    node.stop();
    let made = run(&["snapshot", "create", "--dir", old.text(), "--out", &file]);
    let (told, exit) = refusal(&["snapshot", "restore", "--spec", &spec, "--dir", old.text(), "--from", &file]);
    assert!(told.contains("holds a chain already") && exit == Some(3), "{told}");
    let taken = run(&["snapshot", "restore", "--spec", &spec, "--dir", new.text(), "--from", &file]);
    assert_eq!(made.lines().take(6).collect::<Vec<_>>(), taken.lines().take(6).collect::<Vec<_>>());
    let height: u64 = taken.split_once("height").unwrap().1.split_whitespace().next().unwrap().parse().unwrap();
    assert!(height >= BEFORE);

    let (node, restored) = (old.start(&[&new]), new.start(&[&old]));
    let after = pay(&node, 100);
    assert_eq!(restored.until_final(&after)["receipt"]["ok"], true);
    assert_eq!(restored.balance(&bob), format!("{}", 100_000 + 100 * (BEFORE + 1)));
    let agreed = node.height().min(restored.height());
    for height in height..=agreed {
        let hash = |node: &DevNode| node.call("chain_header", json!([height])).unwrap()["hash"].clone();
        assert_eq!(hash(&node), hash(&restored), "height {height}");
    }

    // It knows what it does not have, and what has run.
    assert_eq!(code(restored.call("chain_block", json!([height - 1]))), -32022);
    assert_eq!(code(restored.call("chain_header", json!([1]))), -32022);
    assert_eq!(code(restored.call("chain_header", json!([0]))), -32022);
    assert_eq!(code(restored.call("events_history", json!([{}, "1.0.0", 10]))), -32022);
    let events = |node: &DevNode| {
        let page = node.call("events_history", json!([{}, null, 100])).unwrap();
        page["items"].as_array().unwrap().clone()
    };
    let mut since = events(&node);
    since.retain(|event| event["height"].as_u64().unwrap() >= height);
    assert_eq!(events(&restored), since);
    assert!(!since.is_empty());
    assert_eq!(node.call("tx_status", json!([paid[0]])).unwrap()["state"], "final");
    assert_eq!(restored.call("tx_status", json!([paid[0]])).unwrap()["state"], "unknown");
    restored.kill();
    let restored = new.start(&[&old]);
    let last = pay(&node, 102);
    restored.until_final(&last);
    [node, restored].into_iter().for_each(DevNode::stop);
}
