//! Each finding provoked: that it is found, how bad it is, and that it says what to do.
use super::chain::{admission, clock, synchronised};
use super::folder::room;
use super::peers::unreachable_peer;
use super::ports::examine_port;
use super::*;
use crate::folder::{self, SETTINGS_FILE, SPEC_FILE, VALIDATOR_KEY_FILE};
use crate::keys::NodeKey;
use countersign_types::{AccountId, BoundedText, Height, NodeRecord, Status, Timestamp};
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

/// A node of the development network that has not run yet, with these settings changed.
fn node(dir: &Path, change: impl Fn(&mut Config)) -> PathBuf {
    let mut config = Config::new(dir.join("node"));
    config.network_listen = "/ip4/127.0.0.1/tcp/0".into();
    config.rpc_listen = ([127, 0, 0, 1], 0).into();
    change(&mut config);
    let keys = NodeKeys { network: NodeKey::generate().unwrap(), validator: Some(crate::local::validator_key(1)) };
    folder::make(&mut config, Some(countersign_chain_spec::DEV), &keys).unwrap();
    config.dir
}

fn found(dir: &Path) -> Vec<Finding> {
    examine(dir, std::iter::empty())
}

fn of<'a>(findings: &'a [Finding], check: &str) -> Vec<&'a Finding> {
    findings.iter().filter(|finding| finding.check == check).collect()
}

/// The only finding of a check, which must be of this level and say this.
fn assert_found(findings: &[Finding], check: &str, level: Level, words: &str) {
    let matching = of(findings, check).iter().any(|finding| finding.level == level && finding.text.contains(words));
    assert!(matching, "no {level:?} `{words}` in {:?}", of(findings, check));
    let silent = findings.iter().any(|finding| finding.level >= Level::Warning && finding.advice.is_none());
    assert!(!silent, "every warning and error says what to do");
}

#[test]
fn a_fresh_node_has_no_errors() {
    let dir = tempfile::tempdir().unwrap();
    let findings = found(&node(dir.path(), |_| {}));
    assert!(findings.iter().all(|finding| finding.level != Level::Error), "{findings:?}");
    assert_found(&findings, "node", Level::Note, "has not run yet");
    assert_found(&findings, "validator", Level::Ok, "votes with 1 of 1");
    assert_found(&findings, "keys", Level::Note, "not encrypted");
}

#[test]
fn wrong_settings_specs_and_keys_are_found() {
    let dir = tempfile::tempdir().unwrap();
    assert_found(&found(&dir.path().join("none")), "settings", Level::Error, "cannot read");
    let node = node(dir.path(), |_| {});
    let settings = fs::read_to_string(node.join(SETTINGS_FILE)).unwrap();
    fs::write(node.join(SETTINGS_FILE), settings.replace("checkpoint_blocks = 200", "checkpoint_blocks = 0")).unwrap();
    assert_found(&found(&node), "settings", Level::Error, "storage.checkpoint_blocks");
    fs::write(node.join(SETTINGS_FILE), &settings).unwrap();

    fs::rename(node.join(SPEC_FILE), dir.path().join("away")).unwrap();
    assert_found(&found(&node), "spec", Level::Error, "no chain's spec yet");
    fs::write(node.join(SPEC_FILE), "title = 1").unwrap();
    assert_found(&found(&node), "spec", Level::Error, "title");
    fs::rename(dir.path().join("away"), node.join(SPEC_FILE)).unwrap();

    fs::write(node.join(VALIDATOR_KEY_FILE), "nonsense").unwrap();
    assert_found(&found(&node), "keys", Level::Error, "is not a key file");
    fs::remove_file(node.join(VALIDATOR_KEY_FILE)).unwrap();
    assert_found(&found(&node), "keys", Level::Error, "cannot read the key file");
}

#[cfg(unix)]
#[test]
fn modes_that_let_others_in_are_found() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), |_| {});
    fs::set_permissions(&node, fs::Permissions::from_mode(0o777)).unwrap();
    assert_found(&found(&node), "keys", Level::Warning, "others can write into");
    fs::set_permissions(node.join(VALIDATOR_KEY_FILE), fs::Permissions::from_mode(0o644)).unwrap();
    assert_found(&found(&node), "keys", Level::Error, "can be read by others");
}

#[test]
fn a_port_in_use_is_found_with_who_uses_it() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap();
    let taken = examine_port("rpc.listen", address, false);
    assert_eq!(taken.level, Level::Error);
    assert!(taken.text.contains(&format!("(process {})", std::process::id())), "{taken}");
    assert_eq!(examine_port("rpc.listen", address, true).level, Level::Ok, "the running node's own");
    drop(held);
    assert_eq!(examine_port("rpc.listen", address, false).level, Level::Ok);
    assert_eq!(examine_port("rpc.listen", address, true).level, Level::Warning);
}

#[test]
fn a_disk_that_fills_up_is_found() {
    let levels = [100 << 20, 1 << 30, 100 << 30].map(|bytes| room(bytes).level);
    assert_eq!(levels, [Level::Error, Level::Warning, Level::Ok]);
}

#[test]
fn a_wrong_clock_is_found() {
    let at = Timestamp::from_millis;
    let level = |now, block, offset| clock(at(now), block, 2_000, offset).level;
    assert_eq!(level(10_000, Some(at(9_000)), 0), Level::Ok);
    assert_eq!(level(10_000, Some(at(11_000)), 0), Level::Warning);
    assert_eq!(level(10_000, Some(at(13_000)), 0), Level::Error);
    assert_eq!(level(10_000, Some(at(9_000)), 60_000), Level::Warning);
    assert_eq!(level(10_000, None, 0), Level::Note);
    let synchronised = ["no\n", "yes\n", ""].map(|said| synchronised(said).map(|finding| finding.level));
    assert_eq!(synchronised, [Some(Level::Warning), None, None]);
}

#[test]
fn whether_the_council_has_admitted_the_node_is_found() {
    let key = NodeKey::development("node-1").public();
    let record = |status| NodeRecord {
        member: AccountId([1; 32]),
        address: BoundedText::new("").unwrap(),
        status,
        since: Height::new(3),
    };
    assert_eq!(admission(&key, Some(&record(Status::Active)), false).level, Level::Ok);
    let removed = admission(&key, Some(&record(Status::Suspended)), false);
    assert!(removed.level == Level::Error && removed.advice.unwrap().contains(&key.to_string()));
    assert_eq!(admission(&key, None, false).level, Level::Warning);
    assert_eq!(admission(&key, None, true).level, Level::Ok);
}

#[test]
fn what_a_relay_needs_before_it_runs_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), |config| {
        config.relay_enabled = true;
        config.relay_certificates = Some("sites.pem".into());
    });
    let findings = found(&node);
    assert_found(&findings, "relay", Level::Error, "sites.pem");
    assert_found(&findings, "relay", Level::Note, "once it has run");
    let settings = fs::read_to_string(node.join(SETTINGS_FILE)).unwrap();
    fs::write(node.join(SETTINGS_FILE), settings.replace("enabled = true", "enabled = false")).unwrap();
    let off = found(&node);
    assert_found(&off, "relay", Level::Note, "off");
    assert_eq!(of(&off, "relay").len(), 1, "nothing more is asked of a node that relays nothing");
}

#[test]
fn a_peer_that_is_not_there_is_found_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let peer = NodeKey::development("node-2").peer_id();
    let node = node(dir.path(), |config| {
        config.network_peers = vec![format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer}")];
    });
    let findings = found(&node);
    assert_found(&findings, "peers", Level::Warning, "refused");
    assert!(of(&findings, "peers")[0].advice.as_ref().unwrap().contains("nothing listens there"), "{findings:?}");
    for kind in [std::io::ErrorKind::TimedOut, std::io::ErrorKind::NetworkUnreachable, std::io::ErrorKind::NotFound] {
        assert_eq!(unreachable_peer("/ip4/192.0.2.1/tcp/1", &kind.into()).level, Level::Warning);
    }
}

#[test]
fn something_else_on_a_peers_port_is_no_peer() {
    let dir = tempfile::tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    // Takes a connection and closes it, as a server of another kind would.
    let server = std::thread::spawn(move || drop(other.accept()));
    let peer = NodeKey::development("node-2").peer_id();
    let node = node(dir.path(), |config| {
        config.network_peers = vec![format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer}")];
    });
    let findings = found(&node);
    assert_eq!(of(&findings, "peers").iter().map(|finding| finding.level).collect::<Vec<_>>(), [Level::Warning]);
    server.join().unwrap();
}

#[test]
fn a_key_that_is_no_validators_and_a_network_without_peers_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), |_| {});
    fs::remove_file(node.join(VALIDATOR_KEY_FILE)).unwrap();
    NodeKey::generate().unwrap().save(&node.join(VALIDATOR_KEY_FILE), None).unwrap();
    assert_found(&found(&node), "validator", Level::Warning, "is no validator's key");
    let two = countersign_chain_spec::DEV.replacen(
        "[[member]]",
        &format!("[[validator]]\nkey = \"{}\"\npower = 1\n\n[[member]]", crate::local::validator_key(2).public()),
        1,
    );
    fs::write(node.join(SPEC_FILE), two).unwrap();
    assert_found(&found(&node), "peers", Level::Error, "none are listed");
}
