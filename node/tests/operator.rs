//! A network made by hand: the very commands of the README's section for operators, and what an operator does next.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod support;

use serde_json::json;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{DevNode, Signer, transfer};

/// Of a network's commands, as the issue of operating one promises: fewer than ten.
const COMMANDS_MAX: usize = 9;
/// What the README's ports begin with; the last digit is the node's number.
const README_PORTS: &str = "2660";

/// The commands of the README's section, loops written out, without the program's name.
fn readme_commands(ports: &str) -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let section = readme.split("\n## ").find(|section| section.starts_with("Operating a network")).unwrap();
    let block = section.split("```").nth(1).unwrap().replace(README_PORTS, ports);
    let mut commands = Vec::new();
    for line in block.lines().filter(|line| !line.is_empty()) {
        let looped = line.strip_prefix("for n in 1 2 3 4; do ");
        let command = looped.unwrap_or(line);
        let command = command.strip_suffix("; done").or(command.strip_suffix(" & done")).unwrap_or(command);
        let command = command.strip_prefix("countersign-node ").unwrap();
        let words = |n: &str| command.replace("$n", n).split_whitespace().map(String::from).collect::<Vec<_>>();
        match looped {
            Some(_) => commands.extend(["1", "2", "3", "4"].map(words)),
            None => commands.push(words("")),
        }
    }
    commands
}

/// The first four digits of eight free ports: those of the README's network, and their RPC's 200 above. Tests of one run differ in
/// `parity`, so that none takes another's.
fn free_ports(parity: u16) -> String {
    let is_free = |prefix: &u16| {
        let ports = (1..=4).flat_map(|n| [prefix * 10 + n, prefix * 10 + n + 200]);
        let held: Vec<_> = ports.map(|port| TcpListener::bind(("127.0.0.1", port))).collect();
        held.iter().all(Result::is_ok)
    };
    // Below the ports that systems give to outgoing connections; each process of a test run begins elsewhere.
    let from = 1_200 + (std::process::id() % 1_000) as u16;
    (from..3_200).filter(|prefix| prefix % 2 == parity).find(is_free).unwrap().to_string()
}

fn run_in(dir: &Path, command: &[impl AsRef<std::ffi::OsStr>]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_countersign-node")).args(command).current_dir(dir).output().unwrap()
}

fn succeed_in(dir: &Path, command: &[impl AsRef<std::ffi::OsStr> + std::fmt::Debug]) -> String {
    let output = run_in(dir, command);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Exit code and message of a command that must be refused.
fn refusal_in(dir: &Path, command: &[impl AsRef<std::ffi::OsStr> + std::fmt::Debug]) -> (i32, String) {
    let output = run_in(dir, command);
    assert!(!output.status.success(), "{command:?} was not refused");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Runs the README's commands in `dir`: folders of the nodes, and the nodes.
fn network(dir: &Path) -> Vec<(PathBuf, DevNode)> {
    let commands = readme_commands(&free_ports(0));
    assert!(commands.len() <= COMMANDS_MAX, "{commands:?}");
    let mut nodes = Vec::new();
    for command in commands {
        let Some(("run", rest)) = command.split_first().map(|(first, rest)| (first.as_str(), rest)) else {
            succeed_in(dir, &command);
            continue;
        };
        let [flag, folder, spec_flag, spec] = rest else { panic!("{rest:?}") };
        assert_eq!((flag.as_str(), spec_flag.as_str()), ("--dir", "--spec"));
        let (folder, spec) = (dir.join(folder), dir.join(spec));
        let node = DevNode::start_with(&folder, &["run", "--spec", spec.to_str().unwrap()]);
        nodes.push((folder, node));
    }
    nodes
}

#[test]
fn the_readmes_network_comes_up_and_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let mut nodes = network(dir.path());
    assert_eq!(nodes.len(), 4);
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    for (_, node) in &nodes {
        node.until("all peers to be connected", || {
            let peers = node.call("node_peers", json!([])).unwrap();
            peers.as_array().unwrap().iter().filter(|peer| peer["connected"] == true).count() == 3
        });
    }
    let chain = nodes[0].1.chain();
    let id = nodes[2].1.submit(&transfer(&chain, &alice, &bob, 700, 1)).unwrap();
    for (_, node) in &nodes {
        assert_eq!(node.until_final(&id)["receipt"]["ok"], true);
        assert_eq!(node.balance(&bob), "100700");
        assert!(!node.call("node_status", json!([])).unwrap()["validator"].is_null());
    }

    // A healthy node passes its examination, running or not.
    let healthy = |dir: &Path| {
        let report = succeed_in(dir, &["doctor", "--dir", ".", "--json"]);
        let findings: Vec<serde_json::Value> = serde_json::from_str(&report).unwrap();
        assert!(findings.iter().all(|finding| finding["level"] != "error"), "{report}");
        findings
    };
    let running = healthy(&nodes[3].0);
    assert!(running.iter().any(|finding| finding["check"] == "admission" && finding["level"] == "ok"), "{running:?}");

    // A node that the council has not admitted is shut out, and told so.
    succeed_in(dir.path(), &["init", "--spec", "chain.toml", "--dir", "n5"]);
    // Its ports are the usual ones, which another node of this machine may use: that would be an error of its own.
    let report = String::from_utf8(run_in(dir.path(), &["doctor", "--dir", "n5", "--json"]).stdout).unwrap();
    let findings: Vec<serde_json::Value> = serde_json::from_str(&report).unwrap();
    let says = |check: &str, words: &str| {
        let of = findings.iter().filter(|finding| finding["check"] == check);
        of.filter(|finding| finding["level"] == "warning" && finding["text"].as_str().unwrap().contains(words)).count()
    };
    assert_eq!(says("admission", "has not admitted this node"), 1, "{report}");
    assert_eq!(says("peers", "does not let this node in"), 4, "{report}");

    // The spec came into the folder: the next run needs none, and another one is refused.
    let (folder, node) = nodes.pop().unwrap();
    node.stop();
    let stopped = healthy(&folder);
    let peers: Vec<_> = stopped.iter().filter(|finding| finding["check"] == "peers").collect();
    assert!(peers.len() == 3 && peers.iter().all(|finding| finding["level"] == "ok"), "{stopped:?}");
    let text = std::fs::read_to_string(dir.path().join("chain.toml")).unwrap();
    std::fs::write(dir.path().join("other.toml"), text.replacen("title = \"", "title = \"another ", 1)).unwrap();
    let (code, message) = refusal_in(dir.path(), &["run", "--dir", "n4", "--spec", "other.toml"]);
    assert!(code == 3 && message.contains("belongs to chain"), "{code} {message}");
    let node = DevNode::start_with(&folder, &["run"]);
    assert_eq!(node.until_final(&id)["receipt"]["ok"], true);
    node.stop();
    nodes.into_iter().for_each(|(_, node)| node.stop());
}

#[test]
fn an_entry_tells_no_secret_and_mistakes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let init = |folder: &'static str| {
        ["init", "--dir", folder, "--address", "/ip4/127.0.0.1/tcp/26601", "--member", "harbor-bank.example"]
    };
    succeed_in(dir.path(), &init("n1"));
    let entry = std::fs::read_to_string(dir.path().join("n1/entry.toml")).unwrap();
    for key in ["network.key", "validator.key"] {
        let file = std::fs::read_to_string(dir.path().join("n1").join(key)).unwrap();
        assert!(!entry.contains(file.lines().nth(1).unwrap()), "{key}");
    }
    let (code, message) = refusal_in(dir.path(), &init("n1"));
    assert!(code == 3 && message.contains("holds a node already"), "{code} {message}");
    let (code, message) = refusal_in(dir.path(), &["run", "--dir", "n1"]);
    assert!(code == 3 && message.contains("no chain's spec yet"), "{code} {message}");
    let (code, message) = refusal_in(dir.path(), &["init", "--dir", "n2", "--member", "harbor-bank.example"]);
    assert!(code == 2 && message.contains("--address"), "{code} {message}");
    let (code, message) =
        refusal_in(dir.path(), &["init", "--dir", "n2", "--address", "127.0.0.1:1", "--member", "harbor-bank.example"]);
    assert!(code == 3 && message.contains("/dns4/<host>/tcp/<port>"), "{code} {message}");
    let (code, message) = refusal_in(dir.path(), &["spec", "new", "--out", "c.toml", "n1/entry.toml", "n1/entry.toml"]);
    assert!(code == 3 && message.contains("the same network key"), "{code} {message}");
    assert!(!dir.path().join("c.toml").exists());
    succeed_in(dir.path(), &["spec", "new", "--out", "c.toml", "n1/entry.toml"]);
    let (code, message) = refusal_in(dir.path(), &["spec", "new", "--out", "c.toml", "n1/entry.toml"]);
    assert!(code == 1 && message.contains("left as it is"), "{code} {message}");
}

#[test]
fn a_node_with_encrypted_keys_starts_with_its_passphrase_only() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("passphrase"), "correct horse\n").unwrap();
    std::fs::write(dir.path().join("other"), "battery staple\n").unwrap();
    succeed_in(
        dir.path(),
        &[
            "init",
            "--dir",
            "n1",
            "--address",
            &format!("/ip4/127.0.0.1/tcp/{}1", free_ports(1)),
            "--member",
            "harbor-bank.example",
            "--passphrase-file",
            "passphrase",
        ],
    );
    succeed_in(dir.path(), &["spec", "new", "--out", "chain.toml", "n1/entry.toml"]);
    let (code, message) =
        refusal_in(dir.path(), &["run", "--dir", "n1", "--spec", "chain.toml", "--passphrase-file", "other"]);
    assert!(code == 3 && message.contains("does not open"), "{code} {message}");
    let (code, message) = refusal_in(dir.path(), &["keys", "show", "n1/validator.key"]);
    assert!(code == 3 && message.contains("is encrypted"), "{code} {message}");
    let shown = succeed_in(dir.path(), &["keys", "show", "n1/validator.key", "--passphrase-file", "passphrase"]);
    let entry = std::fs::read_to_string(dir.path().join("n1/entry.toml")).unwrap();
    let key = shown.split_whitespace().find(|word| word.starts_with("csk1")).unwrap();
    assert!(entry.contains(key));
    // The settings name the passphrase's file.
    let node = DevNode::start_with(&dir.path().join("n1"), &["run"]);
    node.stop();
}

#[test]
fn several_development_nodes_run_under_one_command() {
    let dir = tempfile::tempdir().unwrap();
    let start = || DevNode::start_several(dir.path(), &["dev", "--validators", "2", "--rpc-port", "0"]);
    let node = start();
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let chain = node.chain().to_string();
    let id = node.submit(&transfer(&node.chain(), &alice, &bob, 100, 1)).unwrap();
    node.until_final(&id);
    node.stop();
    // All stopped in order: none left its address behind.
    for n in [1, 2] {
        assert!(!dir.path().join(format!("node-{n}/rpc.addr")).exists(), "node {n}");
    }
    let (code, message) = refusal_in(dir.path(), &["dev", "--validators", "3", "--dir", "."]);
    assert!(code == 3 && message.contains("a network of 2 validators, not of 3"), "{code} {message}");
    let node = start();
    assert_eq!(node.until_final(&id)["receipt"]["ok"], true, "the chain goes on");

    // One that dies is told, the other goes on; whatever becomes of the command, no node stays behind.
    let told = || std::fs::read_to_string(dir.path().join("node.log")).unwrap();
    let named = || told().lines().filter(|line| line.starts_with("node 2 ")).map(String::from).collect::<Vec<_>>();
    // The log is that of both starts, and node 1 serves before the command has named node 2.
    node.until("the second start to name node 2", || named().len() == 2);
    let line = named().remove(1);
    let process = line.rsplit(' ').next().unwrap();
    assert!(Command::new("kill").args(["-9", process]).status().unwrap().success());
    node.until("the end of node 2 to be told", || told().contains("node 2 ended (signal: 9"));
    assert_eq!(node.call("chain_head", json!([])).unwrap()["chain"], json!(chain));
    node.kill();
    let address = dir.path().join("node-1/rpc.addr");
    let began = std::time::Instant::now();
    while address.exists() {
        assert!(
            began.elapsed() < std::time::Duration::from_secs(120),
            "node 1 runs without the command that started it"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn the_service_of_systemd_is_well_formed() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/systemd/countersign-node@.service");
    let text = std::fs::read_to_string(unit).unwrap();
    // What must not be restarted: wrong settings, and a node that disagrees with the validators.
    assert!(text.contains("\nRestartPreventExitStatus=3 5\n"));
    let program = env!("CARGO_BIN_EXE_countersign-node");
    assert!(text.contains("\nExecStart=/usr/local/bin/countersign-node run --dir /var/lib/countersign/%i\n"));
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("countersign-node@main.service");
    std::fs::write(&copy, text.replace("/usr/local/bin/countersign-node", program)).unwrap();
    match Command::new("systemd-analyze").arg("verify").arg(&copy).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{said}");
        }
        Err(error) => eprintln!("not verified, as systemd-analyze does not run here: {error}"),
    }
}
