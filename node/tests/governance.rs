//! The council's calls as nodes follow them: who may connect, and what the RPC tells of it. Real processes.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod support;

use countersign_types::{PublicKey, Text};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use support::{DevNode, Signer, native, run, transfer};

/// A node's folder and what others know of it.
struct Made {
    dir: PathBuf,
    listen: String,
    address: String,
    key: PublicKey,
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The word after `mark` in `shown`.
fn after<'a>(shown: &'a str, mark: &str) -> &'a str {
    shown.split_once(mark).unwrap().1.split_whitespace().next().unwrap()
}

fn make(dir: &Path, spec: &Path, name: &str, more: &[&str]) -> Made {
    let folder = dir.join(name);
    run(&[&["init", "--spec", text(spec), "--dir", text(&folder)], more].concat());
    let shown = run(&["keys", "show", text(&folder.join("network.key"))]);
    // Free again when the node starts.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("/ip4/127.0.0.1/tcp/{port}");
    let address = format!("{listen}/p2p/{}", after(&shown, "/p2p/"));
    let key = shown.split_whitespace().find(|word| word.starts_with("csk1")).unwrap().parse().unwrap();
    Made { dir: folder, listen, address, key }
}

impl Made {
    fn start(&self, peers: &str) -> DevNode {
        let listen = ["run", "--rpc-listen", "127.0.0.1:0", "--listen", &self.listen];
        let peers = if peers.is_empty() { vec![] } else { vec!["--peers", peers] };
        DevNode::start_with(&self.dir, &[&listen[..], &peers[..]].concat())
    }
}

fn connected_peers(node: &DevNode) -> usize {
    let peers = node.call("node_peers", json!([])).unwrap();
    peers.as_array().unwrap().iter().filter(|peer| peer["connected"] == true).count()
}

fn listed(node: &DevNode, key: &PublicKey) -> Option<Value> {
    let page = node.call("node_list", json!([])).unwrap();
    page["items"].as_array().unwrap().iter().find(|item| item["key"] == key.to_string()).cloned()
}

#[test]
fn a_node_the_council_admits_follows_and_one_it_removes_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let (spec, validator_key) = (dir.path().join("spec.toml"), dir.path().join("validator-1.key"));
    run(&["spec", "new", "--out", text(&spec)]);
    run(&["keys", "new", "--development", "validator-1", "--out", text(&validator_key)]);
    let inside = make(dir.path(), &spec, "validator", &["--validator-key", text(&validator_key)]);
    let outside = make(dir.path(), &spec, "follower", &[]);
    // The validator's settings list nobody.
    let (validator, follower) = (inside.start(""), outside.start(&inside.address));
    let chain = validator.chain();
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let mut council = [Signer::named("harbor-bank.example"), Signer::named("harbor-hotel.example")];
    council.sort_by_key(Signer::id);
    let [first, second] = &council;
    let pay = |salt: u64| {
        let id = validator.submit(&transfer(&chain, &alice, &bob, 1, salt)).unwrap();
        validator.until_final(&id);
        id
    };
    let govern = |method: &str, call: Vec<u8>| {
        let status = validator.until_final(&validator.submit(&call).unwrap());
        assert_eq!(status["receipt"]["ok"], true, "{method}: {status}");
        status["height"].as_u64().unwrap()
    };
    (0..5).for_each(|salt| drop(pay(salt)));
    // The outsider's own side may stand as connected for the moment it takes to be refused.
    assert_eq!((follower.height(), connected_peers(&validator)), (0, 0));
    assert_eq!(listed(&validator, &outside.key), None);
    assert!(validator.get("/metrics").1.contains("countersign_peers_connected 0\n"));

    let member = first.id();
    let admission = (outside.key, member, Text::new("").unwrap());
    govern("admit_node", native(&chain, ("governance", "admit_node"), &[first, second], &admission, 100));
    let id = pay(10);
    assert_eq!(follower.until_final(&id)["receipt"]["ok"], true, "it reads the chain up to its admission and follows");
    validator
        .until("the node to be shown connected", || listed(&validator, &outside.key).unwrap()["connected"] == true);
    let shown = listed(&validator, &outside.key).unwrap();
    assert_eq!(
        (&shown["status"], &shown["member"], &shown["own"]),
        (&json!("active"), &json!(member.to_string()), &json!(false))
    );
    let own = listed(&follower, &outside.key).unwrap();
    assert!(
        own["own"] == true
            && own["peer_id"] == shown["peer_id"]
            && outside.address.ends_with(own["peer_id"].as_str().unwrap())
    );

    let removed_at =
        govern("remove_node", native(&chain, ("governance", "remove_node"), &[first, second], &outside.key, 101));
    validator.until("the removed node to be cut off", || connected_peers(&validator) == 0);
    follower.until("the removed node to notice", || connected_peers(&follower) == 0);
    let reached = follower.height();
    (20..25).for_each(|salt| drop(pay(salt)));
    assert!(validator.height() > reached && reached <= removed_at + 1, "cut off within a block");
    assert_eq!(follower.height(), reached, "it hears of nothing any more");
    assert_eq!(listed(&validator, &outside.key).unwrap()["status"], "removed");
}

#[test]
fn the_rpc_tells_who_governs_votes_and_may_connect() {
    let dir = tempfile::tempdir().unwrap();
    let node = DevNode::start(dir.path());
    let council = node.call("council_get", json!([])).unwrap();
    assert_eq!(council["threshold"], 2);
    let names: Vec<&str> = council["members"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert!(names.len() == 3 && names.contains(&"harbor-bank.example"), "{names:?}");
    assert!(council["members"].as_array().unwrap().iter().all(|member| member["status"] == "active"));
    let parameters = council["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|p| p["name"] == "idle_interval_ms" && p["value"].as_u64().unwrap() > 0));

    let validators = node.call("validator_list", json!([])).unwrap();
    let only = &validators.as_array().unwrap()[..];
    assert_eq!(only.len(), 1);
    assert!(only[0]["own"] == true && only[0]["runs"] == true && only[0]["power"] == 1 && only[0]["pending"].is_null());

    let empty = json!({ "items": [], "next": null });
    let nodes = node.call("node_list", json!([])).unwrap();
    let own = &nodes["items"][0];
    assert_eq!((&own["own"], &own["status"], &nodes["next"]), (&json!(true), &json!("active"), &json!(null)));
    assert_eq!(node.call("evidence_list", json!([])).unwrap(), empty);
    assert_eq!(node.call("evidence_list", json!(["nonsense"])).unwrap_err()["code"], -32602);
    assert_eq!(node.call("node_list", json!(["nonsense"])).unwrap_err()["code"], -32602);
    assert_eq!(node.call("node_list", json!([null, 0])).unwrap_err()["code"], -32602);
    node.stop();
}
