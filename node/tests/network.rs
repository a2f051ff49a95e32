//! Four validators as processes on loopback: one may fail, two halt the network, all agree again when they are back.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod support;

use serde_json::json;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use support::{DevNode, Signer, run, transfer};

struct Validator {
    dir: PathBuf,
    listen: String,
    peers: String,
    node: Option<DevNode>,
}

impl Validator {
    fn start(&mut self) {
        let args = ["run", "--rpc-listen", "127.0.0.1:0", "--listen", &self.listen, "--peers", &self.peers];
        self.node = Some(DevNode::start_with(&self.dir, &args));
    }

    fn node(&self) -> &DevNode {
        self.node.as_ref().unwrap()
    }

    fn kill(&mut self) {
        self.node.take().unwrap().kill();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The word after `mark` in `shown`.
fn after<'a>(shown: &'a str, mark: &str) -> &'a str {
    shown.split_once(mark).unwrap().1.split_whitespace().next().unwrap()
}

/// Folders of four validators who list each other.
fn validators(dir: &Path) -> Vec<Validator> {
    nodes_with_keys(dir, &[1, 2, 3, 4])
}

/// Folders of nodes who list each other, with the keys of these of the four validators.
fn nodes_with_keys(dir: &Path, numbers: &[usize]) -> Vec<Validator> {
    let key = |n: usize| dir.join(format!("validator-{n}.key"));
    let keys: Vec<String> = (1..=4)
        .map(|n| {
            let name = format!("validator-{n}");
            let shown = run(&["keys", "new", "--development", &name, "--out", text(&key(n))]);
            after(&shown, "chain's spec:").to_owned()
        })
        .collect();
    let spec = dir.join("spec.toml");
    run(&["spec", "new", "--out", text(&spec)]);
    let one = std::fs::read_to_string(&spec).unwrap();
    let list: String = keys[1..].iter().map(|key| format!("[[validator]]\nkey = \"{key}\"\npower = 1\n\n")).collect();
    std::fs::write(&spec, one.replacen("[[member]]", &format!("{list}[[member]]"), 1)).unwrap();
    // Held open together, so that they differ; free again when the nodes start.
    let held: Vec<TcpListener> = numbers.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let mut made = Vec::new();
    for ((place, n), port) in (1..).zip(numbers).zip(&held) {
        let (folder, port) = (dir.join(format!("node-{place}")), port.local_addr().unwrap().port());
        run(&["init", "--spec", text(&spec), "--dir", text(&folder), "--validator-key", text(&key(*n))]);
        let shown = run(&["keys", "show", text(&folder.join("network.key"))]);
        made.push((folder, format!("/ip4/127.0.0.1/tcp/{port}"), after(&shown, "/p2p/").to_owned()));
    }
    let address = |(_, listen, id): &(PathBuf, String, String)| format!("{listen}/p2p/{id}");
    let all: Vec<String> = made.iter().map(address).collect();
    made.iter()
        .map(|(dir, listen, id)| {
            let others: Vec<&str> = all.iter().map(String::as_str).filter(|address| !address.ends_with(id)).collect();
            Validator { dir: dir.clone(), listen: listen.clone(), peers: others.join(","), node: None }
        })
        .collect()
}

#[test]
fn one_of_four_may_fail_two_halt_the_network_and_all_agree_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut network = validators(dir.path());
    network.iter_mut().for_each(Validator::start);
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let chain = network[0].node().chain();
    let pay = |at: &DevNode, salt: u64| at.submit(&transfer(&chain, &alice, &bob, 100, salt)).unwrap();

    // Any node takes it, all of them carry it out.
    for (n, validator) in network.iter().enumerate() {
        let id = pay(validator.node(), n as u64);
        network.iter().for_each(|other| drop(other.node().until_final(&id)));
    }
    assert_eq!(network[3].node().balance(&bob), "100400");

    network[0].kill();
    let id = pay(network[1].node(), 10);
    assert_eq!(network[2].node().until_final(&id)["receipt"]["ok"], true, "three of four go on");

    network[1].kill();
    let waiting = pay(network[2].node(), 11);
    assert_eq!(network[2].node().call("tx_status", json!([waiting])).unwrap()["state"], "pending");

    network[2].node().until("the node to say why it waits", || {
        let explained = network[2].node().call("consensus_explain", json!([])).unwrap();
        explained["is_normal"] == false && explained["words"][0].as_str().unwrap().contains("1 of 3 listed peers")
    });

    // Both come back from what a crash left, one at a time: three are enough again.
    network[0].start();
    network[2].node().until_final(&waiting);
    network[1].start();
    network.iter().for_each(|validator| drop(validator.node().until_final(&waiting)));
    network.iter().for_each(|validator| assert_eq!(validator.node().balance(&bob), "100600"));

    let height = network.iter().map(|validator| validator.node().height()).min().unwrap();
    for height in 1..=height {
        let hashes: Vec<_> = network
            .iter()
            .map(|validator| validator.node().call("chain_header", json!([height])).unwrap()["hash"].clone())
            .collect();
        assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "height {height}: {hashes:?}");
    }
    for validator in &mut network {
        validator.node.take().unwrap().stop();
    }
}

#[test]
fn a_node_without_a_key_catches_up_and_hands_on_what_it_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let mut network = validators(dir.path());
    // A fifth would have to be listed by the others; the fourth stays away instead and comes late with nothing.
    network[..3].iter_mut().for_each(Validator::start);
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let chain = network[0].node().chain();
    let mut last = String::new();
    for salt in 0..20 {
        last = network[0].node().submit(&transfer(&chain, &alice, &bob, 1, salt)).unwrap();
        network[0].node().until_final(&last);
    }
    std::fs::remove_file(network[3].dir.join("validator.key")).unwrap();
    let settings = std::fs::read_to_string(network[3].dir.join("node.toml")).unwrap();
    std::fs::write(network[3].dir.join("node.toml"), settings.replace("\"validator.key\"", "\"\"")).unwrap();
    network[3].start();
    assert_eq!(network[3].node().until_final(&last)["receipt"]["ok"], true);
    assert_eq!(network[3].node().balance(&bob), "100020");
    assert!(network[3].node().call("node_status", json!([])).unwrap()["validator"].is_null());

    // It never proposes: the others hear of it and do.
    let id = network[3].node().submit(&transfer(&chain, &alice, &bob, 1, 100)).unwrap();
    network.iter().for_each(|validator| drop(validator.node().until_final(&id)));
}

#[test]
fn a_validator_that_runs_twice_stands_on_the_ledger_of_all_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut network = nodes_with_keys(dir.path(), &[1, 2, 3, 4, 4]);
    network.iter_mut().for_each(Validator::start);
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let chain = network[0].node().chain();
    let listed = |validator: &Validator| validator.node().call("evidence_list", json!([])).unwrap()["items"].clone();
    // Whatever the twins say, the others are enough; each block is a chance for them to disagree.
    let mut salt = 0;
    network[0].node().until("the contradiction to be recorded", || {
        salt += 1;
        let id = network[0].node().submit(&transfer(&chain, &alice, &bob, 1, salt)).unwrap();
        network[0].node().until_final(&id);
        !listed(&network[0]).as_array().unwrap().is_empty()
    });
    let first = listed(&network[0])[0].clone();
    let status = network[3].node().call("node_status", json!([])).unwrap();
    assert_eq!(first["validator"], status["validator"]);
    for other in &network[1..3] {
        other.node().until("the others to hold it", || listed(other).as_array().unwrap().contains(&first));
    }
    let filter = json!({ "module": "governance", "name": "Equivocated" });
    let told = network[1].node().call("events_history", json!([filter])).unwrap();
    assert_eq!(told["items"][0]["height"], first["recorded_at"], "{told}");
    let id = network[2].node().submit(&transfer(&chain, &alice, &bob, 1, 0)).unwrap();
    network[..3].iter().for_each(|validator| drop(validator.node().until_final(&id)));
    let hashes: Vec<_> = network[..3]
        .iter()
        .map(|validator| validator.node().call("chain_header", json!([first["recorded_at"]])).unwrap()["hash"].clone())
        .collect();
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "{hashes:?}");
}

#[test]
fn what_a_node_took_from_a_client_outlives_its_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut network = validators(dir.path());
    network.iter_mut().for_each(Validator::start);
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let chain = network[0].node().chain();
    let first = network[0].node().submit(&transfer(&chain, &alice, &bob, 1, 0)).unwrap();
    network.iter().for_each(|validator| drop(validator.node().until_final(&first)));

    // Nobody is there to be told, and the node dies as soon as it has answered.
    [0, 1, 2].into_iter().for_each(|n| network[n].kill());
    let ids: Vec<String> =
        (1..=20).map(|salt| network[3].node().submit(&transfer(&chain, &alice, &bob, 1, salt)).unwrap()).collect();
    network[3].kill();
    network.iter_mut().for_each(Validator::start);
    for id in &ids {
        network.iter().for_each(|validator| assert_eq!(validator.node().until_final(id)["receipt"]["ok"], true));
    }
    assert_eq!(network[0].node().balance(&bob), "100021", "none is lost, none runs twice");
}
