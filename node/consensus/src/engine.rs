//! Starts the engine: the one place where it is compiled for our types.
use crate::bridge::{Bridge, BridgeEnd};
use crate::codec::{Owned, Scale};
use crate::context::{Address, Context};
use crate::limits;
use crate::network;
use crate::signer::{EngineSigner, EngineVerifier};
use crate::{Config, Consensus, Ended, StartError};
use countersign_types::Height;
use malachitebft_app_channel::app::config::{ConsensusConfig, NodeConfig, ValuePayload, ValueSyncConfig};
use malachitebft_app_channel::app::metrics;
use malachitebft_app_channel::{
    ConsensusContext, EngineBuilder, EngineHandle, RequestContext, SyncContext, WalContext,
};
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Blocks asked for at once of one peer, and requests under way with all peers: together less than what a peer answers.
const SYNC_BATCH: usize = limits::SYNC_BLOCKS_MAX;
const SYNC_PARALLEL: usize = limits::ANSWERS_PER_PEER_MAX;
/// Votes and proposals kept for one height to come: four rounds of the largest validator set.
const QUEUED_PER_HEIGHT: usize = 4 * 2 * countersign_types::limits::VALIDATORS_MAX;
/// Requests of ours to the engine: none are made.
const ENGINE_REQUESTS: usize = 1;
/// An engine whose parts have ended ends within this time, or never: then it holds itself back, as its log failed.
const ENGINE_END: Duration = Duration::from_secs(5);
/// The engine's log.
const LOG_FILE: &str = "consensus.wal";
/// Version of the engine's log that [`logged_height`] reads.
const LOG_VERSION: u32 = 1;

/// What the engine reads of its own settings. Those of its network are not used: it has ours.
#[derive(Clone)]
struct EngineConfig {
    name: String,
    consensus: ConsensusConfig,
    sync: ValueSyncConfig,
}

impl EngineConfig {
    fn new(name: String) -> Self {
        let consensus = ConsensusConfig {
            value_payload: ValuePayload::ProposalAndParts,
            queue_per_height_capacity: QUEUED_PER_HEIGHT,
            ..ConsensusConfig::default()
        };
        let sync = ValueSyncConfig {
            status_update_interval: limits::STATUS_INTERVAL,
            request_timeout: limits::REQUEST_TIMEOUT,
            parallel_requests: SYNC_PARALLEL,
            batch_size: SYNC_BATCH,
            ..ValueSyncConfig::default()
        };
        Self { name, consensus, sync }
    }
}

impl NodeConfig for EngineConfig {
    fn moniker(&self) -> &str {
        &self.name
    }

    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}

/// Starts the network and the engine. Runs on the current tokio runtime until the engine fails, or until
/// [`Consensus::requests`] is dropped.
///
/// # Errors
/// [`StartError`].
pub async fn start(config: Config) -> Result<Consensus, StartError> {
    std::fs::create_dir_all(&config.data_dir)
        .map_err(|cause| StartError::DataDir { path: config.data_dir.clone(), cause })?;
    let (request_sender, requests) = mpsc::channel(limits::REQUESTS_QUEUE);
    let network::Started { network, actor, gossip, questions, task } =
        network::start(&config, request_sender.clone()).await?;
    let chain = config.chain;
    let signer = config.signer.map(|signer| Arc::new(EngineSigner { chain, signer }));
    // The engine hands this sender back for proposal parts; ours go out as signed offers instead.
    let (unused_parts, _) = mpsc::channel(1);
    let (alive, log) = mpsc::channel(1);
    let (channels, engine) = EngineBuilder::new(Context, EngineConfig::new(config.name))
        .with_default_wal(WalContext::new(config.data_dir.join(LOG_FILE), Owned { codec: Scale, _alive: alive }))
        .with_custom_network(actor.clone(), unused_parts)
        .with_default_sync(SyncContext::new(Scale))
        .with_default_consensus(consensus_context(EngineVerifier { chain }, signer.clone()))
        .with_default_request(RequestContext::new(ENGINE_REQUESTS))
        .build()
        .await
        .map_err(|error| {
            actor.stop(None);
            StartError::Engine(error.into())
        })?;
    let bridge = Bridge::new(request_sender, network.commands.clone(), signer).run(channels.consensus);
    let stopped = tokio::spawn(run(engine, bridge, task, log));
    Ok(Consensus { requests, gossip, questions, network, stopped })
}

/// Waits for the end of whatever ends first, then of the rest.
async fn run(
    mut engine: EngineHandle,
    bridge: impl Future<Output = BridgeEnd>,
    network: JoinHandle<()>,
    mut log: mpsc::Receiver<Infallible>,
) -> Ended {
    let ended = match bridge.await {
        BridgeEnd::Application => Ended::ByApplication,
        BridgeEnd::Engine => match timeout(ENGINE_END, &mut engine.handle).await {
            Ok(_) => Ended::EngineFailed,
            Err(_) => Ended::LogFailed,
        },
    };
    if ended != Ended::EngineFailed {
        engine.actor.stop(None);
        // Whether it ended well is of no more interest.
        let _ = engine.handle.await;
    }
    // Ends once the engine's side of it is gone.
    let _ = network.await;
    // Ends once the log is closed.
    let _ = log.recv().await;
    ended
}

fn consensus_context(verifier: EngineVerifier, signer: Option<Arc<EngineSigner>>) -> ConsensusContext<Context> {
    match signer {
        Some(signer) => {
            ConsensusContext::new_validator(Address(signer.public_key()), Box::new(verifier), Box::new(signer))
        }
        None => ConsensusContext::new_full_node(Address::NOBODY, Box::new(verifier)),
    }
}

/// The height at which the engine's log in this folder begins again: it holds every vote at that height. `None` without a log, or with one
/// of another format, which the engine refuses by itself.
///
/// # Errors
/// If there is a log that cannot be read.
pub fn logged_height(data_dir: &Path) -> io::Result<Option<Height>> {
    // The log's version and the height, both big-endian, before its entries.
    let mut header = [0; 4 + 8];
    match File::open(data_dir.join(LOG_FILE)).and_then(|mut log| log.read_exact(&mut header)) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    let [v0, v1, v2, v3, height @ ..] = header;
    let is_known = u32::from_be_bytes([v0, v1, v2, v3]) == LOG_VERSION;
    Ok(is_known.then(|| Height::new(u64::from_be_bytes(height))))
}

/// The metrics of every engine in this process, as Prometheus text. Those of each node carry its [`Config::name`].
pub fn metrics() -> String {
    let mut text = String::new();
    metrics::export(&mut text);
    text
}
