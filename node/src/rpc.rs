//! The node's RPC: JSON-RPC over HTTP and WebSocket, and plain HTTP for probes, all on one port.
//!
//! ```text
//! port ─→ plain.rs (GET /livez …) ─→ jsonrpsee ─┬→ relay.rs: the relay's trait → the crate countersign-relay
//!                                                └→ server.rs: the trait ─┬→ transactions.rs → Admission
//!                                                                        ├→ ledger.rs, governance.rs, contracts.rs, blocks.rs → Head
//!                                                                        └→ events.rs, subscriptions.rs → index
//! view.rs: records as wire types      failure.rs: stable names and codes      discover.rs: the OpenRPC document
//! ```
mod blocks;
mod contracts;
mod count;
mod discover;
mod events;
mod explain;
mod failure;
mod governance;
mod interfaces;
mod ledger;
mod plain;
mod relay;
mod server;
mod start;
mod subscriptions;
mod transactions;
mod view;

pub(crate) use start::start;
pub use start::{RpcError, RpcOptions, Running};

use crate::chain::{Chain, Fault};
use crate::mempool::{Admission, Mempool};
use crate::metrics::Metrics;
use crate::relay::Access;
use countersign_consensus::Network;
use countersign_rpc_types::{ErrorCode, PAGE_ITEMS_MAX, RpcFault};
use countersign_types::PublicKey;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// Simulations and queries at a time: they share the cores, and the slots for contracts, with the execution of blocks.
const CONTRACT_CALLS_MAX: usize = 4;
/// Answers being read from disk or state at a time: threads remain for the engine's requests and for verification.
const READERS_MAX: usize = 16;
/// Items of a page if the caller names no number.
const PAGE_ITEMS_DEFAULT: u32 = 50;

/// What the methods work with.
pub(crate) struct Api {
    pub chain: Arc<Chain>,
    pub mempool: Arc<Mempool>,
    pub admission: Admission,
    pub metrics: Metrics,
    pub network: Network,
    pub validator: Option<PublicKey>,
    pub relay: Access,
    pub started: Instant,
    pub interfaces: interfaces::Interfaces,
    contract_calls: Semaphore,
    readers: Semaphore,
}

impl Api {
    pub fn new(
        chain: Arc<Chain>,
        mempool: Arc<Mempool>,
        admission: Admission,
        metrics: Metrics,
        network: Network,
        validator: Option<PublicKey>,
        relay: Access,
    ) -> Self {
        let (contract_calls, readers) = (Semaphore::new(CONTRACT_CALLS_MAX), Semaphore::new(READERS_MAX));
        let (started, interfaces) = (Instant::now(), interfaces::Interfaces::default());
        Self {
            chain,
            mempool,
            admission,
            metrics,
            network,
            validator,
            relay,
            started,
            interfaces,
            contract_calls,
            readers,
        }
    }

    /// A storage fault while answering: the node stops, the caller hears that it cannot be answered here.
    fn fault(&self, fault: Fault) -> RpcFault {
        match fault {
            Fault::Missing { what, height } => RpcFault::new(
                ErrorCode::Pruned,
                format!("the {what} of height {height} are not kept here; ask an archive node"),
            ),
            fault => {
                self.chain.stop(fault);
                RpcFault::new(ErrorCode::Unavailable, "the node's storage failed and it stops; ask another node")
            }
        }
    }
}

/// Runs `work`, which may touch the disk or compile a contract, beside the threads that serve the network.
async fn beside<T: Send + 'static>(
    api: &Arc<Api>,
    work: impl FnOnce(&Api) -> Result<T, RpcFault> + Send + 'static,
) -> Result<T, RpcFault> {
    let _permit = api.readers.acquire().await.map_err(|_| stopping())?;
    let api = api.clone();
    tokio::task::spawn_blocking(move || work(&api)).await.map_err(|_| stopping())?
}

fn stopping() -> RpcFault {
    RpcFault::new(ErrorCode::Unavailable, "the node is stopping; ask another node")
}

/// The number of items a page shall have.
fn page_items(limit: Option<u32>) -> Result<usize, RpcFault> {
    match limit.unwrap_or(PAGE_ITEMS_DEFAULT) {
        0 => Err(bad_input("limit", "a page has at least one item")),
        limit if limit > PAGE_ITEMS_MAX => {
            let message = format!("a page has at most {PAGE_ITEMS_MAX} items; ask for the rest by its `next`");
            Err(RpcFault::new(ErrorCode::TooMuch, message).with(serde_json::json!({ "limit": PAGE_ITEMS_MAX })))
        }
        limit => Ok(limit as usize),
    }
}

/// An argument is not what the method takes.
fn bad_input(argument: &str, cause: impl std::fmt::Display) -> RpcFault {
    let cause = cause.to_string();
    RpcFault::new(ErrorCode::BadInput, format!("{argument}: {cause}"))
        .with(serde_json::json!({ "argument": argument, "cause": cause }))
}

fn not_found(what: impl std::fmt::Display) -> RpcFault {
    RpcFault::new(ErrorCode::NotFound, format!("there is no {what}"))
}
