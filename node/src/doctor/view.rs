//! The chain as this node has it: asked of the running node, or read from the folder of a stopped one.
use super::relay::Relaying;
use super::{Finding, Patient};
use crate::ask::{AskError, NodeClient};
use crate::inspect::{self, OpenError};
use crate::node::ADDRESS_FILE;
use bytes::Bytes;
use countersign_consensus::ReceivedBlock;
use countersign_rpc_types::relay::api::RelayRpcClient;
use countersign_rpc_types::{ConsensusExplanation, CountersignRpcClient, HexBytes, PAGE_ITEMS_MAX, PeerView};
use countersign_state::{Snapshot, StateRead, Store, StoreError};
use countersign_types::{AccountId, Height, NodeRecord, PublicKey, Timestamp, ValidatorSet, state_key};
use parity_scale_codec::DecodeAll;
use std::convert::Infallible;
use std::fs;

/// Bytes of a set of validators as the node serves it.
const VALIDATORS_BYTES_MAX: usize = 64 * 1024;
/// Members whose sites are looked at: more than a consortium has, and a second's work of a running node.
const MEMBERS_MAX: usize = 1_000;

/// What the node itself says, if it runs.
pub(super) struct Running {
    pub peers: Vec<PeerView>,
    pub explanation: ConsensusExplanation,
    /// Whether its relay answers, if the settings say that it relays.
    pub relay: Option<Finding>,
}

/// The chain at its newest block.
pub(super) struct View {
    pub height: Height,
    /// Time of the newest block; `None` before the first.
    pub time: Option<Timestamp>,
    /// Who agrees on the next block.
    pub validators: ValidatorSet,
    /// This node in the registry.
    pub own: Option<NodeRecord>,
    /// True if the registry has no node at all: the settings alone decide.
    pub no_registry: bool,
    /// Peers besides those in the settings, of a stopped node.
    pub registered: Vec<(PublicKey, NodeRecord)>,
    /// What the ledger says of the node as a relay; `None` if it relays nothing, or there is no ledger yet.
    pub relaying: Option<Relaying>,
    pub running: Option<Running>,
    /// True if the folder can be read: the node is stopped and has run.
    pub is_readable: bool,
}

/// Looks from where it is possible.
pub(super) fn take(patient: &Patient, findings: &mut Vec<Finding>) -> View {
    let dir = &patient.config.dir;
    let address = fs::read_to_string(dir.join(ADDRESS_FILE)).ok().map(|address| address.trim().to_owned());
    let stopped = inspect::open_stopped(dir);
    match (stopped, address) {
        (Err(OpenError::Running { .. }), Some(address)) => match of_running(patient, &format!("ws://{address}")) {
            Ok(view) => {
                findings.push(Finding::ok("node", format!("runs, RPC at {address}, height {}", view.height)));
                return view;
            }
            Err(error) => {
                let advice = "look at its log; if it stays so, restart it";
                findings.push(Finding::failed("node", &error, advice));
            }
        },
        (Err(OpenError::Running { .. }), None) => {
            let advice = "wait until it serves RPC, or look at its log";
            findings.push(Finding::warning("node", "runs, but serves no RPC: it starts or stops", advice));
        }
        (Ok(store), _) => match of_store(patient, &store) {
            Ok(view) => {
                findings.push(Finding::note("node", format!("is stopped, at height {}", view.height)));
                return view;
            }
            Err(error) => {
                findings.push(Finding::failed("storage", &error, "restore the folder from a snapshot or a copy"));
            }
        },
        (Err(OpenError::NoChain { .. }), _) => {
            findings.push(Finding::note("node", "has not run yet"));
        }
        (Err(error), _) => {
            findings.push(Finding::failed("storage", &error, "restore the folder from a snapshot or a copy"));
        }
    }
    of_genesis(patient)
}

fn of_genesis(patient: &Patient) -> View {
    let genesis = &patient.genesis;
    let registered: Vec<_> = genesis
        .nodes
        .iter()
        .map(|node| {
            let (member, address) = (node.member, node.address.clone());
            let status = countersign_types::Status::Active;
            (node.key, NodeRecord { member, address, status, since: Height::ZERO })
        })
        .collect();
    of_registry(patient, Height::ZERO, None, genesis.validators.clone(), registered, false)
}

fn of_store(patient: &Patient, store: &dyn Store) -> Result<View, StoreError> {
    let state: Snapshot = store.load()?;
    if state.entries().next().is_none() {
        return Ok(of_genesis(patient));
    }
    let tip = store.tip()?.unwrap_or(Height::ZERO);
    let time = store.block(tip)?.and_then(|bytes| ReceivedBlock::check(Bytes::from(bytes)).ok());
    let time = time.map(|block| block.block().header.time);
    let validators = countersign_executor::validators(&state);
    let registered = countersign_executor::nodes(&state).collect();
    let view = of_registry(patient, tip.max(state.height()), time, validators, registered, true);
    Ok(View { relaying: relaying(patient, view.own.as_ref(), &state), ..view })
}

/// What the ledger says of the node as a relay, by the state of its folder.
fn relaying(patient: &Patient, own: Option<&NodeRecord>, state: &Snapshot) -> Option<Relaying> {
    if !patient.config.relay_enabled {
        return None;
    }
    let prefix = state_key::members();
    let members = state.range(&prefix, None, MEMBERS_MAX);
    let ids: Vec<AccountId> =
        members.iter().filter_map(|(key, _)| AccountId::decode_all(&mut &key[prefix.len()..]).ok()).collect();
    let read = Relaying::read(&patient.keys.network.public(), own, &ids, |key| Ok::<_, Infallible>(state.get(&key)));
    let Ok(relaying) = read;
    Some(relaying)
}

fn of_registry(
    patient: &Patient,
    height: Height,
    time: Option<Timestamp>,
    validators: ValidatorSet,
    registered: Vec<(PublicKey, NodeRecord)>,
    is_readable: bool,
) -> View {
    let key = patient.keys.network.public();
    let own = registered.iter().find(|(other, _)| *other == key).map(|(_, node)| node.clone());
    let no_registry = registered.is_empty();
    View { height, time, validators, own, no_registry, registered, relaying: None, running: None, is_readable }
}

fn of_running(patient: &Patient, url: &str) -> Result<View, AskError> {
    let node = NodeClient::connect(url)?;
    let head = node.ask(|node| node.chain_head())?;
    let header = node.ask(|node| node.chain_header(head.height))?;
    let peers = node.ask(|node| node.node_peers())?;
    let explanation = node.ask(|node| node.consensus_explain())?;
    let key = patient.keys.network.public();
    let own = value(&node, state_key::node(&key))?;
    let own = own.and_then(|bytes| NodeRecord::decode_all(&mut &bytes[..]).ok());
    let (relay, relaying) = if patient.config.relay_enabled {
        let relaying = Relaying::read(&key, own.as_ref(), &members(&node)?, |key| value(&node, key))?;
        (Some(of_relay(&node)), Some(relaying))
    } else {
        (None, None)
    };
    let validators = countersign_types::decode("validators", &header.validators.0, VALIDATORS_BYTES_MAX);
    Ok(View {
        height: Height::new(head.height),
        time: (head.height > 0).then(|| Timestamp::from_millis(head.time_ms)),
        validators: validators.unwrap_or_else(|_| patient.genesis.validators.clone()),
        own,
        // Whoever is not in a registry that has others is missing there; the genesis tells whether there is one.
        no_registry: patient.genesis.nodes.is_empty(),
        registered: Vec::new(),
        relaying,
        running: Some(Running { peers, explanation, relay }),
        is_readable: false,
    })
}

/// A record of the newest state.
fn value(node: &NodeClient, key: Vec<u8>) -> Result<Option<Vec<u8>>, AskError> {
    let proof = node.ask(|node| node.state_proof(HexBytes(key), None))?;
    Ok(proof.value.map(|bytes| bytes.0))
}

/// The members, at most [`MEMBERS_MAX`].
fn members(node: &NodeClient) -> Result<Vec<AccountId>, AskError> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = node.ask(|node| node.member_list(cursor, Some(PAGE_ITEMS_MAX)))?;
        ids.extend(page.items.iter().filter_map(|member| member.id.parse::<AccountId>().ok()));
        cursor = page.next;
        if cursor.is_none() || ids.len() >= MEMBERS_MAX {
            return Ok(ids);
        }
    }
}

/// Whether the relay of the running node answers.
fn of_relay(node: &NodeClient) -> Finding {
    match node.ask(|node| node.relay_info()) {
        Ok(info) => Finding::ok("relay", format!("runs as {}", info.key)),
        Err(error) => Finding::failed("relay", &error, "if relay.enabled is new, restart the node; else see its log"),
    }
}
