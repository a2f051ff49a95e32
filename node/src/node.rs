//! A running node: its parts, started in order and stopped in the opposite one.
use crate::chain::{self, Chain, Fault, Opened};
use crate::clock::Clock;
use crate::config::Config;
use crate::folder::CONSENSUS_FOLDER;
use crate::keys::{KeyFileError, NodeKey, NodeKeys};
use crate::mempool::{self, Admission, Journal, Mempool, Origin, PoolLimits};
use crate::metrics::Metrics;
use crate::peers::{self, Own};
use crate::rpc::{self, RpcError, RpcOptions};
use crate::voted::{self, VOTED_FILE, VotedError, Votes};
use crate::{gossip, relay, report};
use countersign_consensus::{
    BadAddress, Consensus, Ended, KeySigner, Network, PeerAddress, StartError, VoteSigner, logged_height,
};
use countersign_executor::{Engine, EngineConfig};
use countersign_relay::OpenError;
use countersign_state::{DiskOptions, DiskStore};
use countersign_types::{Genesis, Height, PublicKey, SignedTransaction};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// File that names the address of the RPC while the node serves it.
pub const ADDRESS_FILE: &str = "rpc.addr";
/// File that programs which start a node write its log to.
pub const LOG_FILE: &str = "node.log";
/// File that keeps what clients handed in and no block holds yet.
const JOURNAL_FILE: &str = "mempool.bin";
/// Longest wait for the engine to close its log.
const ENGINE_PATIENCE: Duration = Duration::from_secs(5);
/// Transactions of the last run are taken in again this many at a time.
const RESUBMIT: usize = 1_000;

/// Why a node did not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The chain's spec has mistakes or cannot be read.
    #[error(transparent)]
    Spec(#[from] countersign_chain_spec::LoadError),
    /// A key file cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A peer's address is none.
    #[error("network.peers: `{text}`")]
    Peer {
        /// As configured.
        text: String,
        /// What is wrong with it.
        #[source]
        cause: BadAddress,
    },
    /// The data folder or a file in it cannot be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The journal of waiting transactions cannot be used.
    #[error(transparent)]
    Journal(#[from] mempool::JournalError),
    /// The chain cannot go on.
    #[error(transparent)]
    Chain(#[from] Fault),
    /// The chain stopped while running.
    #[error(transparent)]
    Stopped(Arc<Fault>),
    /// The consensus engine did not start.
    #[error(transparent)]
    Consensus(#[from] StartError),
    /// It cannot be told up to which height the validator has voted, or not be noted.
    #[error(transparent)]
    Voted(#[from] VotedError),
    /// It followed as its votes were lost, and may vote again.
    #[error(
        "block {height} is decided, at which this validator had lost its votes: start the node again, and it votes"
    )]
    MayVote {
        /// The height.
        height: Height,
    },
    /// The relay's settings are wrong.
    #[error(transparent)]
    Relay(#[from] OpenError),
    /// The RPC port cannot be opened.
    #[error(transparent)]
    Rpc(#[from] RpcError),
}

/// A node whose parts all run.
pub struct Node {
    config: Config,
    opened: Opened,
    mempool: Arc<Mempool>,
    network: Network,
    engine: tokio::task::JoinHandle<Ended>,
    service: tokio::task::JoinHandle<()>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    /// The height until which its votes are withheld.
    withheld: Option<Height>,
    key: PublicKey,
    relay: relay::Service,
    rpc: rpc::Running,
}

impl Node {
    /// Starts a node. It serves RPC on return.
    ///
    /// # Errors
    /// [`NodeError`]; whatever was started ends with the runtime, as if the power were cut.
    pub async fn start(config: Config) -> Result<Self, NodeError> {
        let genesis = countersign_chain_spec::load(&config.path(&config.spec))?;
        let NodeKeys { network: identity, validator } = NodeKeys::load(&config)?;
        let own = Own { key: identity.public(), listed: listed_peers(&config)? };
        let metrics = Metrics::new();
        let (mempool, waiting) = open_mempool(&config, &metrics)?;
        let opened = open_chain(&config, genesis, mempool.clone(), metrics.clone()).await?;
        let chain = opened.chain.clone();
        warn_if_no_validator(&chain, validator.as_ref().map(NodeKey::public));
        warn_if_clock_is_set(chain.clock());
        let (signer, withheld): (Option<Arc<dyn VoteSigner>>, _) = match votes(&config, &chain, validator)? {
            None => (None, None),
            Some(Votes::Cast(signer)) => (Some(Arc::new(signer)), None),
            Some(Votes::Withheld { until }) => (None, Some(until)),
        };
        let validator_key = signer.as_ref().map(|signer| signer.public_key());
        let consensus = countersign_consensus::start(countersign_consensus::Config {
            name: identity.peer_id().to_string(),
            data_dir: config.dir.join(CONSENSUS_FOLDER),
            chain: chain.id(),
            signer,
            identity: *identity.secret(),
            listen: config.network_listen.clone(),
            peers: own.peers(&chain.head()),
        })
        .await?;
        let Consensus { requests, gossip: incoming, questions, network, stopped: engine } = consensus;
        let (outgoing, to_peers) = mpsc::channel(config.mempool_transactions_max);
        let gate = mempool::Gate { chain: chain.clone(), mempool: mempool.clone(), metrics: metrics.clone(), outgoing };
        let admission = Admission::open(gate);
        let service = tokio::spawn({
            let (opened, network) = (opened.service(), network.clone());
            let (mempool, metrics) = (mempool.clone(), metrics.clone());
            async move { chain::serve(opened, mempool, metrics, network, validator_key, requests).await }
        });
        let tasks = vec![
            tokio::spawn(peers::follow(chain.clone(), network.clone(), own)),
            tokio::spawn(gossip::send(network.clone(), mempool.clone(), to_peers)),
            tokio::spawn(gossip::receive(admission.clone(), incoming)),
            tokio::spawn(take_in_again(mempool.clone(), admission.clone(), waiting)),
        ];
        // The node agrees meanwhile: after a crash the relay reads its whole file.
        let relay = relay::start(&config, &identity, &chain, &network, questions).await?;
        let (key, access) = (identity.public(), relay.access());
        let api = rpc::Api::new(chain, mempool.clone(), admission, metrics, network.clone(), validator_key, access);
        let options = RpcOptions {
            listen: config.rpc_listen,
            connections_max: config.rpc_connections_max,
            subscriptions_max: config.rpc_subscriptions_max,
        };
        let rpc = rpc::start(Arc::new(api), options).await?;
        write_address(&config.dir, rpc.address)?;
        tracing::info!(rpc = %rpc.address, peer = %network.local_id(), "serving");
        Ok(Self { config, opened, mempool, network, engine, service, tasks, withheld, key, relay, rpc })
    }

    /// The chain.
    pub fn chain(&self) -> &Arc<Chain> {
        &self.opened.chain
    }

    /// The actual address of the RPC.
    pub fn rpc_address(&self) -> SocketAddr {
        self.rpc.address
    }

    /// The network's handle.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The key by which its relay is known, if it relays: that of its network identity.
    pub fn relay_key(&self) -> Option<PublicKey> {
        self.relay.is_on().then_some(self.key)
    }

    /// Runs until `shutdown` resolves or the node has to stop; then stops in order.
    ///
    /// # Errors
    /// [`NodeError::Stopped`] with the reason, unless `shutdown` was it.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), NodeError> {
        let outcome = tokio::select! {
            () = shutdown => Ok(()),
            fault = self.opened.chain.stopped() => Err(NodeError::Stopped(fault)),
            height = decided(&self.opened.chain, self.withheld) => Err(NodeError::MayVote { height }),
            ended = &mut self.engine => Err(match (self.opened.chain.fault(), ended) {
                // The engine ended because the chain had stopped: that is the reason to tell.
                (Some(fault), _) => NodeError::Stopped(fault),
                (None, Ok(Ended::LogFailed)) => NodeError::Chain(Fault::ConsensusLog),
                (None, _) => NodeError::Chain(Fault::ConsensusEnded),
            }),
        };
        self.stop().await;
        outcome
    }

    async fn stop(self) {
        let _ = std::fs::remove_file(self.config.dir.join(ADDRESS_FILE));
        self.rpc.stop().await;
        // While the chain is open and the network is there: its answers need both.
        self.relay.stop().await;
        // Dropping the requests stops the engine: from here on no block is decided.
        self.service.abort();
        let _ = self.service.await;
        if !self.engine.is_finished() {
            let closed = tokio::time::timeout(ENGINE_PATIENCE, self.engine).await;
            if closed.is_err() {
                tracing::warn!("the consensus engine does not end; its log stays as after a crash");
            }
        }
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
        match self.mempool.tidy_journal() {
            Ok(waiting) => tracing::info!(waiting, "stopping"),
            Err(error) => tracing::warn!(error = %report::chain(&error), "the journal of the mempool stays long"),
        }
        let opened = self.opened;
        let height = opened.chain.head().height().get();
        drop(tokio::task::spawn_blocking(|| opened.close()).await);
        tracing::info!(height, "stopped");
    }
}

/// The peers that the settings list.
pub(crate) fn listed_peers(config: &Config) -> Result<Vec<PeerAddress>, NodeError> {
    let parse = |text: &String| text.parse().map_err(|cause| NodeError::Peer { text: text.clone(), cause });
    config.network_peers.iter().map(parse).collect()
}

/// The mempool, and what its journal holds of the last run.
fn open_mempool(config: &Config, metrics: &Metrics) -> Result<(Arc<Mempool>, Vec<SignedTransaction>), NodeError> {
    let limits = PoolLimits {
        bytes_max: config.mempool_bytes_max,
        transactions_max: config.mempool_transactions_max,
        share_percent_max: config.mempool_share_percent_max,
    };
    let mempool = Mempool::new(limits, metrics.verified.clone());
    let (journal, waiting) = Journal::open(&config.dir.join(JOURNAL_FILE))?;
    mempool.keep_in(journal);
    Ok((Arc::new(mempool), waiting))
}

async fn open_chain(
    config: &Config,
    genesis: Genesis,
    mempool: Arc<Mempool>,
    metrics: Metrics,
) -> Result<Opened, NodeError> {
    let store = DiskStore::open(&config.dir.join("chain"), DiskOptions::default()).map_err(Fault::from)?;
    let engine = Engine::new(EngineConfig { cache_dir: Some(config.dir.join("code-cache")) }).map_err(Fault::from)?;
    let options = chain::Options {
        genesis,
        store: Arc::new(store),
        engine,
        checkpoint_blocks: config.checkpoint_blocks,
        checkpoint_age: Duration::from_secs(config.checkpoint_seconds),
        evidence_file: Some(config.dir.join("evidence.bin")),
        clock: config.clock(),
        index: config.index,
    };
    Ok(chain::open(options, mempool, metrics).await?)
}

/// Whether the node votes, if it has a validator's key.
fn votes(config: &Config, chain: &Chain, validator: Option<NodeKey>) -> Result<Option<Votes>, NodeError> {
    let (file, next) = (config.dir.join(VOTED_FILE), chain.head().height().next());
    let Some(key) = validator else {
        voted::follow(&file, next)?;
        return Ok(None);
    };
    let path = config.dir.join(CONSENSUS_FOLDER);
    let logged = logged_height(&path);
    let logged = logged.map_err(|cause| NodeError::File { action: "read the consensus log in", path, cause })?;
    let votes = Votes::of(&file, KeySigner::new(*key.secret()), chain.id(), next, logged)?;
    if let Votes::Withheld { until } = &votes {
        tracing::warn!(
            height = until.get(),
            file = VOTED_FILE,
            "what this validator voted at that height is lost: it follows until the others have decided it, then ends to be \
             started again"
        );
    }
    Ok(Some(votes))
}

/// Resolves when the block at that height is decided; never if there is none to wait for.
async fn decided(chain: &Chain, height: Option<Height>) -> Height {
    let Some(height) = height else { return std::future::pending().await };
    // An error means that the chain has stopped, which is told elsewhere.
    if chain.heads().wait_for(|head| head.height() >= height).await.is_err() {
        std::future::pending::<()>().await;
    }
    height
}

/// A key that no validator has is most likely the wrong file.
fn warn_if_no_validator(chain: &Chain, key: Option<PublicKey>) {
    let head = chain.head();
    if let Some(key) = key.filter(|key| !head.validators.0.iter().any(|validator| validator.key == *key)) {
        tracing::warn!(%key, height = head.height().get(), "the key of this node is no validator's now; it only follows");
    }
}

/// Blocks of a node whose clock is wrong are refused: an offset that was forgotten is told at every start.
fn warn_if_clock_is_set(clock: Clock) {
    if clock.offset_ms() != 0 {
        let offset_ms = clock.offset_ms();
        tracing::warn!(offset_ms, "the node's clock is set apart from the machine's by clock.offset_ms");
    }
}

fn write_address(dir: &Path, address: SocketAddr) -> Result<(), NodeError> {
    // Renamed into place: who waits for the file never reads half of it.
    let (draft, path) = (dir.join("rpc.addr.draft"), dir.join(ADDRESS_FILE));
    let written = std::fs::write(&draft, format!("{address}\n")).and_then(|()| std::fs::rename(&draft, &path));
    written.map_err(|cause| NodeError::File { action: "write", path, cause })
}

/// Takes in what waited when the node ended last, however it ended, then frees the journal of what ran meanwhile.
async fn take_in_again(mempool: Arc<Mempool>, admission: Admission, transactions: Vec<SignedTransaction>) {
    for batch in transactions.chunks(RESUBMIT) {
        let outcomes = admission.submit_all(batch.to_vec(), Origin::Client).await;
        let waiting = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        tracing::info!(waiting, of = batch.len(), "transactions of the last run");
    }
    if transactions.is_empty() {
        return;
    }
    let tidied = tokio::task::spawn_blocking(move || mempool.tidy_journal()).await;
    if let Ok(Err(error)) = tidied {
        tracing::warn!(error = %report::chain(&error), "the journal of the mempool stays long");
    }
}
