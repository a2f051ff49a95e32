//! Which crate may know which: read from cargo, so that a line in a Cargo.toml cannot bend the direction unseen.
use crate::assert_none;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeMap;

/// The workspace's crates by their names without `countersign-`, and those they may depend on. What a crate is built and used
/// with counts; its tests may use more.
const ALLOWED: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("state", &["types"]),
    ("vm", &["types"]),
    ("executor", &["types", "state", "vm", "interface"]),
    ("interface", &["types"]),
    ("contract-sdk", &["types", "interface"]),
    ("booking", &["contract-sdk", "interface", "types"]),
    ("card", &["contract-sdk", "interface", "types"]),
    ("rebate", &["contract-sdk", "interface", "types"]),
    ("topup", &["contract-sdk", "interface", "types"]),
    ("artifacts", &[]),
    ("chain-spec", &["types", "interface", "artifacts"]),
    ("rpc-types", &["types"]),
    ("consensus", &["types"]),
    ("relay", &["types", "rpc-types"]),
    ("node", &["consensus", "relay", "executor", "state", "types", "chain-spec", "rpc-types"]),
    ("lock", &["types", "state", "interface"]),
    ("client", &["types", "state", "interface", "rpc-types", "lock"]),
    ("site", &["client"]),
    ("wallet", &["client"]),
];

/// Crates of the tests: they may use everything.
const TESTS: &[&str] = &["harness", "stories", "faults", "bench"];

/// Dependencies with owners: nobody else names them, so that they can be replaced in one place.
const OWNERS: &[(&str, &[&str])] = &[
    ("wasmtime", &["vm"]),
    ("sled", &["state"]),
    ("fjall", &["state"]),
    ("libp2p", &["consensus"]),
    ("arc-malachitebft-", &["consensus"]),
    ("ractor", &["consensus"]),
    // Each keeps a database of its own: the site its users, the relay its messages.
    ("redb", &["site", "relay"]),
    ("hpke", &["client"]),
    // The allocator is the program's to choose, not a library's.
    ("tikv-jemallocator", &["node"]),
];

fn metadata() -> Metadata {
    let manifest = crate::tree::root().join("Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo describes the workspace")
}

fn short(package: &str) -> &str {
    package.strip_prefix("countersign-").unwrap_or(package)
}

/// Every dependency a package is built or used with, outside its tests.
fn dependencies(package: &Package) -> impl Iterator<Item = &str> {
    let counts = |kind: DependencyKind| matches!(kind, DependencyKind::Normal | DependencyKind::Build);
    package
        .dependencies
        .iter()
        .filter(move |dependency| counts(dependency.kind))
        .map(|dependency| dependency.name.as_str())
}

#[test]
fn crates_depend_only_on_those_below_them() {
    let metadata = metadata();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut offenders = Vec::new();
    for package in metadata.workspace_packages() {
        let name = short(&package.name);
        if TESTS.contains(&name) {
            continue;
        }
        let Some(allowed) = allowed.get(name) else {
            offenders.push(format!("{name} is new: give it its row in ALLOWED"));
            continue;
        };
        let ours = dependencies(package).filter_map(|dependency| dependency.strip_prefix("countersign-"));
        offenders.extend(ours.filter(|other| !allowed.contains(other)).map(|other| format!("{name} -> {other}")));
    }
    assert_none("an edge that is not allowed; move the code to where it may stand:", offenders);
}

#[test]
fn the_table_has_no_row_without_a_crate() {
    let metadata = metadata();
    let names: Vec<&str> = metadata.workspace_packages().iter().map(|package| short(&package.name)).collect();
    let rows = ALLOWED.iter().map(|(name, _)| name).chain(TESTS);
    let gone = rows.filter(|name| !names.contains(*name)).map(|name| (*name).to_owned()).collect();
    assert_none("there is no such crate; take out its row:", gone);
}

#[test]
fn dependencies_with_one_owner_are_named_by_nobody_else() {
    let metadata = metadata();
    let mut offenders = Vec::new();
    for package in metadata.workspace_packages() {
        let name = short(&package.name);
        for dependency in dependencies(package) {
            let owners = OWNERS.iter().find(|(owned, _)| dependency.starts_with(owned)).map(|(_, owners)| *owners);
            if let Some(owners) = owners.filter(|owners| !owners.contains(&name)) {
                offenders.push(format!("{name} -> {dependency}, which belongs to {}", owners.join(" and ")));
            }
        }
    }
    assert_none("use what its owner offers:", offenders);
}

/// A wallet proves what it reads; it must not carry a database to do so.
#[test]
fn the_client_uses_state_without_a_disk() {
    let metadata = metadata();
    let client = metadata.workspace_packages().into_iter().find(|package| short(&package.name) == "client");
    let state =
        client.and_then(|client| client.dependencies.iter().find(|dependency| dependency.name == "countersign-state"));
    let state = state.expect("the client verifies proofs with state");
    assert!(!state.features.iter().any(|feature| feature == "disk"), "client -> state with feature `disk`");
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    let metadata = metadata();
    let inherits = |package: &&&Package| {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("cargo has just read it");
        manifest.contains("[lints]\nworkspace = true")
    };
    let packages = metadata.workspace_packages();
    let offenders =
        packages.iter().filter(|package| !inherits(package)).map(|package| package.name.to_string()).collect();
    assert_none("add `[lints] workspace = true` to its Cargo.toml:", offenders);
}
