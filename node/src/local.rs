//! A development network on this machine: a folder for each node and, in [`Process`], a process for each. Its keys are well known.
mod process;

pub use process::{Launch, Process};

use crate::config::Config;
use crate::folder::{self, FolderError, SETTINGS_FILE};
use crate::keys::{NodeKey, NodeKeys};
use countersign_types::genesis::GenesisNode;
use countersign_types::{Genesis, Validator, ValidatorSet};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// Validators of a development network: more would share one machine's cores in vain.
pub const VALIDATORS_MAX: usize = 7;
/// Ports looked through for free ones: below those that systems give to outgoing connections, which could take them meanwhile.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Why a development network was not made or did not start.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Another network is there.
    #[error(
        "{} holds a network of {found} validators, not of {wanted}; begin again with `--fresh`, or name another folder by `--dir`",
        dir.display()
    )]
    OtherNetwork {
        /// The folder.
        dir: PathBuf,
        /// Validators of the network in it.
        found: usize,
        /// Validators asked for.
        wanted: usize,
    },
    /// A node's folder cannot be made.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The system refused.
    #[error("{doing}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What it answered.
        #[source]
        cause: std::io::Error,
    },
    /// All ports of the range are taken.
    #[error("no {wanted} free ports from {} to {} on 127.0.0.1", PORTS.start, PORTS.end)]
    NoPorts {
        /// Ports needed.
        wanted: usize,
    },
    /// A node ended or did not come up.
    #[error("node {number} {what}; its log is {}", log.display())]
    Node {
        /// Which, from 1.
        number: usize,
        /// What it did.
        what: String,
        /// Its log.
        log: PathBuf,
    },
}

/// Where a node is kept, and how its peers reach it.
#[derive(Clone, Debug)]
pub struct LocalNode {
    /// From 1.
    pub number: usize,
    /// Its folder.
    pub dir: PathBuf,
    /// libp2p address to listen on.
    pub listen: String,
    /// The others' addresses, separated by commas.
    pub peers: String,
}

/// How many nodes the network in `dir` has; 0 if there is none.
pub fn size(dir: &Path) -> usize {
    (1..=VALIDATORS_MAX).take_while(|number| folder_of(dir, *number).join(SETTINGS_FILE).exists()).count()
}

/// The network of `validators` nodes in `dir`, made if there is none, each node with a free port.
///
/// # Errors
/// [`LocalError`].
pub fn open(dir: &Path, validators: usize) -> Result<Vec<LocalNode>, LocalError> {
    match size(dir) {
        0 => make(dir, validators)?,
        found if found != validators => {
            return Err(LocalError::OtherNetwork { dir: dir.into(), found, wanted: validators });
        }
        _ => {}
    }
    let listen: Vec<String> =
        free_ports(validators)?.into_iter().map(|port| format!("/ip4/127.0.0.1/tcp/{port}")).collect();
    let address = |number: usize| format!("{}/p2p/{}", listen[number - 1], identity(number).peer_id());
    let node = |number: usize| LocalNode {
        number,
        dir: folder_of(dir, number),
        listen: listen[number - 1].clone(),
        peers: (1..=validators).filter(|other| *other != number).map(address).collect::<Vec<_>>().join(","),
    };
    Ok((1..=validators).map(node).collect())
}

/// Deletes the chains of the network in `dir`, and nothing else.
///
/// # Errors
/// [`LocalError::Folder`].
pub fn forget(dir: &Path) -> Result<(), LocalError> {
    // The first folder last: while it is there, so is the network.
    (1..=VALIDATORS_MAX).rev().try_for_each(|number| folder::forget(&folder_of(dir, number)))?;
    Ok(())
}

/// The well-known key of a development network's validator, from 1.
pub fn validator_key(number: usize) -> NodeKey {
    NodeKey::development(&format!("validator-{number}"))
}

/// The well-known network identity of a development network's node, from 1.
pub fn identity(number: usize) -> NodeKey {
    NodeKey::development(&format!("node-{number}"))
}

/// The well-known keys of a development network's node, from 1.
pub fn keys(number: usize) -> NodeKeys {
    NodeKeys { network: identity(number), validator: Some(validator_key(number)) }
}

/// The specification of a development network with so many validators.
pub fn spec(validators: usize) -> String {
    countersign_chain_spec::to_toml(&genesis(validators))
}

fn folder_of(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("node-{number}"))
}

/// The development network's genesis with so many validators, each on a node that the council has admitted, so that it can relay.
fn genesis(validators: usize) -> Genesis {
    let mut genesis = countersign_chain_spec::dev();
    let mut set: Vec<_> =
        (1..=validators).map(|number| Validator { key: validator_key(number).public(), power: 1 }).collect();
    set.sort_unstable();
    genesis.validators = ValidatorSet(set.try_into().expect("a few validators fit into a set"));
    // Run by the members in turn. They listen on other ports at every start, so none is named.
    let member = |number: usize| genesis.members[number % genesis.members.len()].id;
    let node = |number: usize| GenesisNode {
        key: identity(number).public(),
        member: member(number),
        address: "".parse().expect("an empty text is within every bound"),
    };
    let mut nodes: Vec<_> = (1..=validators).map(node).collect();
    nodes.sort_unstable_by_key(|node| node.key);
    genesis.nodes = nodes.try_into().expect("a few nodes fit into a list");
    genesis
}

fn make(dir: &Path, validators: usize) -> Result<(), LocalError> {
    // What an earlier `make` left that did not come to its end.
    forget(dir)?;
    let spec = spec(validators);
    // The first folder last: where it is, all are.
    for number in (1..=validators).rev() {
        let mut config = Config::new(folder_of(dir, number));
        config.log = "warn,countersign_node=info,countersign_relay=info".into();
        // The command that starts the nodes names their ports.
        config.network_listen = "/ip4/127.0.0.1/tcp/0".into();
        config.rpc_listen = ([127, 0, 0, 1], 0).into();
        folder::make(&mut config, Some(&spec), &keys(number))?;
    }
    Ok(())
}

/// Ports that are free now, all different.
///
/// # Errors
/// [`LocalError`] if there are not so many.
pub fn free_ports(wanted: usize) -> Result<Vec<u16>, LocalError> {
    let mut random = [0; 2];
    getrandom::fill(&mut random)
        .map_err(|error| LocalError::System { doing: "drawing a random port", cause: error.into() })?;
    // Networks that start at the same time begin their search at different places.
    let from = PORTS.start + u16::from_le_bytes(random) % (PORTS.end - PORTS.start);
    let ports = (from..PORTS.end).chain(PORTS.start..from);
    let held: Vec<(u16, TcpListener)> =
        ports.filter_map(|port| Some((port, TcpListener::bind(("127.0.0.1", port)).ok()?))).take(wanted).collect();
    if held.len() < wanted {
        return Err(LocalError::NoPorts { wanted });
    }
    Ok(held.into_iter().map(|(port, _)| port).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_types::Role;

    #[test]
    fn a_network_is_made_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(size(dir.path()), 0);
        let made = open(dir.path(), 4).unwrap();
        assert_eq!((made.len(), size(dir.path())), (4, 4));
        for node in &made {
            let config = crate::config::load(&node.dir, std::iter::empty(), &Vec::new()).unwrap();
            let genesis = countersign_chain_spec::load(&config.path(&config.spec)).unwrap();
            assert_eq!(genesis.validators.0.len(), 4);
            let key = NodeKey::load(&node.dir.join(folder::VALIDATOR_KEY_FILE), None).unwrap().public();
            assert!(genesis.validators.0.iter().any(|validator| validator.key == key));
            let listed = genesis.nodes.iter().find(|listed| listed.key == identity(node.number).public()).unwrap();
            let member = genesis.members.iter().find(|member| member.id == listed.member).unwrap();
            assert!(member.roles.contains(&Role::Relay), "every node may relay");
            assert_eq!(node.peers.split(',').count(), 3);
            assert!(!node.peers.contains(&node.listen), "a node does not dial itself");
        }
        let again = open(dir.path(), 4).unwrap();
        assert_eq!(again[3].dir, made[3].dir);
        assert!(matches!(open(dir.path(), 2), Err(LocalError::OtherNetwork { found: 4, wanted: 2, .. })));
        forget(dir.path()).unwrap();
        assert_eq!(open(dir.path(), 2).unwrap().len(), 2);
    }

    #[test]
    fn one_that_was_half_made_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), 2).unwrap();
        std::fs::remove_file(dir.path().join("node-1").join(SETTINGS_FILE)).unwrap();
        assert_eq!(open(dir.path(), 3).unwrap().len(), 3);
    }
}
