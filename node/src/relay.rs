//! The node's relay: what the crate `countersign-relay` needs of a node, and when it runs.
//!
//! ```text
//! wallet ─→ rpc/relay.rs ─→ Relay ─→ ledger.rs: the newest state
//!     questions.rs ← network ←┘ └──→ peers.rs: other nodes' relays         figures.rs: its part of /metrics
//! ```
//!
//! The node agrees on blocks whatever becomes of its relay: one whose files cannot be used is told and left out.
mod figures;
mod ledger;
mod peers;
mod questions;

pub(crate) use figures::text as figures;

use crate::chain::Chain;
use crate::config::Config;
use crate::folder::RELAY_FOLDER;
use crate::keys::NodeKey;
use crate::report;
use countersign_consensus::{Network, Question};
use countersign_relay::{Ledger, OpenError, Options, Relay};
use countersign_rpc_types::{ErrorCode, RpcFault};
use ledger::NewestState;
use peers::OtherRelays;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Longest wait for what the relay is doing when the node stops: what is on its disk stays, what is not was acknowledged to nobody.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// What is behind the relay's methods.
#[derive(Clone)]
pub(crate) enum Access {
    /// Nothing: the operator has not turned it on.
    Off,
    /// Nothing: its files cannot be used. The log says why.
    Failed,
    /// A relay.
    On(Arc<Relay>),
}

impl Access {
    /// The relay.
    ///
    /// # Errors
    /// `NotRelayed` or `Unavailable`, with what the wallet's owner can do.
    pub fn relay(&self) -> Result<&Arc<Relay>, RpcFault> {
        match self {
            Self::On(relay) => Ok(relay),
            Self::Off => Err(RpcFault::new(
                ErrorCode::NotRelayed,
                "this node relays nothing: use a relay that your site grants, or ask this node's operator to turn it on (relay.enabled)",
            )
            .with(serde_json::json!({ "reason": "off" }))),
            Self::Failed => Err(RpcFault::new(
                ErrorCode::Unavailable,
                "this node's relay cannot use its files: use another relay, or tell this node's operator",
            )),
        }
    }
}

/// The relay of a running node, if it has one.
pub(crate) struct Service {
    access: Access,
    running: Option<Running>,
}

/// What runs beside the relay's methods.
struct Running {
    relay: Arc<Relay>,
    stopping: oneshot::Sender<()>,
    forwarding: JoinHandle<()>,
    answering: JoinHandle<()>,
}

impl Service {
    /// What the RPC's methods reach.
    pub fn access(&self) -> Access {
        self.access.clone()
    }

    /// True if there is a relay.
    pub fn is_on(&self) -> bool {
        self.running.is_some()
    }

    /// Ends the relay: wallets and other relays get no answers any more, and its files are left in order.
    pub async fn stop(self) {
        let Some(Running { relay, stopping, mut forwarding, mut answering }) = self.running else { return };
        relay.close();
        let _ = stopping.send(());
        let ended = async { tokio::join!(&mut forwarding, &mut answering) };
        if tokio::time::timeout(STOP_PATIENCE, ended).await.is_err() {
            tracing::warn!("the relay does not end; what it was doing is done again after the next start");
            forwarding.abort();
            answering.abort();
        }
    }
}

/// Starts the relay if the settings say so. `questions` of peers are answered only then: dropping them tells the peers that there is
/// no answer.
///
/// # Errors
/// [`OpenError`] if the settings are wrong. Any other fault is told, and leaves the node without a relay.
pub(crate) async fn start(
    config: &Config,
    identity: &NodeKey,
    chain: &Arc<Chain>,
    network: &Network,
    questions: mpsc::Receiver<Question>,
) -> Result<Service, OpenError> {
    if !config.relay_enabled {
        return Ok(Service { access: Access::Off, running: None });
    }
    let options = options(config, identity);
    let ledger = Arc::new(NewestState(chain.clone()));
    let peers = Arc::new(OtherRelays::new(network.clone()));
    if !ledger.is_relay(&identity.public()) {
        let key = identity.public();
        tracing::warn!(%key, "the ledger does not let this node relay: the council admits it for a member with the role relay");
    }
    let opened = tokio::task::spawn_blocking(move || Relay::open(options, ledger, peers)).await;
    let relay = match opened {
        Ok(Ok(relay)) => relay,
        Ok(Err(error)) if is_of_settings(&error) => return Err(error),
        Ok(Err(error)) => return Ok(without(&report::chain(&error))),
        Err(error) => return Ok(without(&report::chain(&error))),
    };
    let (stopping, stopped) = oneshot::channel();
    let forwarding = tokio::spawn(run(relay.clone()));
    let answering = tokio::spawn(questions::answer(relay.clone(), questions, stopped));
    tracing::info!(key = %identity.public(), "relaying");
    Ok(Service { access: Access::On(relay.clone()), running: Some(Running { relay, stopping, forwarding, answering }) })
}

fn options(config: &Config, identity: &NodeKey) -> Options {
    let clock = config.clock();
    Options {
        dir: config.dir.join(RELAY_FOLDER),
        secret: zeroize::Zeroizing::new(*identity.secret()),
        trusted_certificates: config.relay_certificates.as_deref().map(|file| config.path(file)),
        clock: Arc::new(move || clock.micros()),
    }
}

/// A node whose relay cannot be opened goes on without it.
fn without(error: &str) -> Service {
    tracing::error!(error, "the relay does not run; the node goes on without it");
    Service { access: Access::Failed, running: None }
}

/// What the operator has to correct before the node starts: certificates. What is wrong with the relay's files is no setting.
fn is_of_settings(error: &OpenError) -> bool {
    match error {
        OpenError::Sites(_) => true,
        OpenError::Store(_) => false,
    }
}

/// Forwards messages until the relay is closed. A panic ends the relay, not the node.
async fn run(relay: Arc<Relay>) {
    if let Err(error) = tokio::spawn(relay.clone().run()).await {
        tracing::error!(error = %report::chain(&error), "the relay has ended by a fault of its own; the node goes on without it");
        relay.close();
    }
}
