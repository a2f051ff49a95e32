//! From what is on disk to a running chain: the last checkpoint, then the blocks from there to the tip again.
use super::checkpoint::{Cadence, Writer};
use super::evidence::WaitingEvidence;
use super::execute::{Decided, Runner, Task, execute, publish};
use super::recent::Recent;
use super::{Chain, Fault, Head, judge, receipts};
use crate::clock::Clock;
use crate::index::ValidatorsFrom;
use crate::mempool::Mempool;
use crate::metrics::Metrics;
use countersign_executor::{Engine, Executor, genesis_header};
use countersign_state::{Checkpoint, Snapshot, Store, StoreError};
use countersign_types::receipt::receipts_root;
use countersign_types::{Block, Certificate, Genesis, Hash, Header, Height, Receipt};
use parity_scale_codec::Encode;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Bytes of a stored certificate or validator set: far below, for a decode with a bound.
const RECORD_BYTES_MAX: usize = 64 * 1024;

/// What a chain is opened with.
pub struct Options {
    /// What the chain starts from.
    pub genesis: Genesis,
    /// Where it is kept.
    pub store: Arc<dyn Store>,
    /// Runs contracts.
    pub engine: Engine,
    /// Blocks a checkpoint may be behind.
    pub checkpoint_blocks: u64,
    /// Time a checkpoint may be behind.
    pub checkpoint_age: Duration,
    /// Keeps the evidence that waits over a restart; `None` forgets it.
    pub evidence_file: Option<PathBuf>,
    /// By which blocks are made and judged.
    pub clock: Clock,
    /// Whether accounts, modules and names are indexed.
    pub index: bool,
}

/// A chain at its tip, and the thread that executes what follows.
pub struct Opened {
    /// The chain.
    pub chain: Arc<Chain>,
    tasks: Sender<Task>,
    thread: std::thread::JoinHandle<()>,
}

/// A chain and the way to its execution.
pub struct Executing {
    pub(super) chain: Arc<Chain>,
    pub(super) tasks: Sender<Task>,
}

impl Opened {
    /// What answering the consensus engine needs.
    pub fn service(&self) -> Executing {
        Executing { chain: self.chain.clone(), tasks: self.tasks.clone() }
    }

    /// Writes a last checkpoint and ends the thread.
    pub fn close(self) {
        let _ = self.tasks.send(Task::Finish);
        let _ = self.thread.join();
    }
}

/// Opens the chain: checks that the store is this chain's, loads the last checkpoint, executes the blocks after it again.
///
/// # Errors
/// [`Fault`].
pub async fn open(options: Options, mempool: Arc<Mempool>, metrics: Metrics) -> Result<Opened, Fault> {
    let (tasks, inbox) = channel();
    let (opened, answer) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("execution".into())
        .stack_size(countersign_executor::STACK_BYTES)
        .spawn(move || match start(options, mempool, metrics) {
            Ok(runner) => {
                if opened.send(Ok(runner.chain.clone())).is_ok() {
                    runner.run(&inbox);
                }
            }
            Err(fault) => {
                let _ = opened.send(Err(fault));
            }
        })
        .map_err(|cause| Fault::Thread { what: "execution", cause })?;
    let chain = answer.await.map_err(|_| Fault::Ended("start-up"))??;
    Ok(Opened { chain, tasks, thread })
}

fn start(options: Options, mempool: Arc<Mempool>, metrics: Metrics) -> Result<Runner, Fault> {
    let began = Instant::now();
    let id = options.genesis.chain();
    check_genesis(&*options.store, &options.genesis, id)?;
    let executor = Executor::new(options.engine);
    let head = match options.store.checkpoint_height()? {
        None => begin(&*options.store, &executor, &options.genesis)?,
        Some(height) => resume(&*options.store, &options.genesis, height)?,
    };
    let height = head.height();
    let cadence = Cadence { blocks: options.checkpoint_blocks, age: options.checkpoint_age };
    let mut recent = Recent::default();
    recent.push_state(head.state.clone(), 0);
    let chain = Arc::new(Chain {
        id,
        genesis: options.genesis,
        executor,
        store: options.store,
        head: watch::Sender::new(Arc::new(head)),
        checkpoint: watch::Sender::new(height),
        recent: Mutex::new(recent),
        fault: watch::Sender::new(None),
        evidence: Arc::new(WaitingEvidence::open(options.evidence_file, &id)),
        clock: options.clock,
        index: options.index,
    });
    let writer = Writer::start(&chain, cadence, metrics.clone())?;
    let runner = Runner { chain, mempool, metrics, writer };
    let tip = replay(&runner)?;
    runner.metrics.height.set(tip.get() as i64);
    runner.metrics.checkpoint_height.set(height.get() as i64);
    let elapsed_ms = began.elapsed().as_millis() as u64;
    tracing::info!(height = tip.get(), replayed = tip.get() - height.get(), elapsed_ms, "the chain is open");
    Ok(runner)
}

fn check_genesis(store: &dyn Store, genesis: &Genesis, wanted: Hash) -> Result<(), Fault> {
    match store.put_genesis(&genesis.encode()) {
        Err(StoreError::OtherGenesis) => {
            let found = store.genesis()?.map_or(Hash::ZERO, |bytes| Hash::of("genesis", &bytes));
            Err(Fault::OtherChain { found, wanted })
        }
        other => Ok(other?),
    }
}

/// The state of a new chain, with its first checkpoint.
fn begin(store: &dyn Store, executor: &Executor, genesis: &Genesis) -> Result<Head, Fault> {
    let changes = executor.genesis(genesis)?;
    let state = Snapshot::empty().apply(Height::ZERO, &changes);
    let validators = countersign_executor::validators(&state);
    let index = vec![ValidatorsFrom::entry(Height::ZERO, &validators)];
    let root = state.root();
    store.checkpoint(&Checkpoint { height: Height::ZERO, root, changes, receipts: Vec::new(), index })?;
    let header = genesis_header(genesis, root);
    Ok(head_at(header, state, &[], validators))
}

/// The state of the checkpoint at `height`.
fn resume(store: &dyn Store, genesis: &Genesis, height: Height) -> Result<Head, Fault> {
    let state = store.load()?;
    let (header, receipts) = if height == Height::ZERO {
        (genesis_header(genesis, state.root()), Vec::new())
    } else {
        let (block, _) = stored_block(store, height)?;
        let receipts = stored_receipts(store, &block)?;
        (block.header, receipts)
    };
    let validators = ValidatorsFrom::stored(store, height.next())?;
    let validators = validators.ok_or(Fault::Missing { what: "validators", height: height.next() })?;
    Ok(head_at(header, state, &receipts, validators))
}

fn head_at(header: Header, state: Snapshot, receipts: &[Receipt], validators: countersign_types::ValidatorSet) -> Head {
    Head {
        hash: header.hash(),
        receipts_root: receipts_root(receipts),
        // The genesis is certified by the first block.
        uncertified: header.height == Height::ZERO || state.root() != header.state_root || !receipts.is_empty(),
        validators,
        next_validators: countersign_executor::validators(&state),
        params: countersign_executor::params(&state),
        header,
        state,
    }
}

/// Executes the blocks after the checkpoint; returns the tip.
fn replay(runner: &Runner) -> Result<Height, Fault> {
    let chain = &runner.chain;
    let tip = chain.store.tip()?.unwrap_or(chain.head().height());
    while chain.head().height() < tip {
        let before = chain.head();
        let height = before.height().next();
        let (block, size_bytes) = stored_block(&*chain.store, height)?;
        let certificate = stored_certificate(&*chain.store, height)?;
        let ids = crate::mempool::ids(&block.transactions);
        let transactions =
            judge::verify(&runner.mempool, &block, &ids, &chain.id).map_err(|rule| Fault::BadBlock { height, rule })?;
        let decided = Decided { hash: block.header.hash(), block, certificate, transactions, size_bytes };
        runner.mempool.forget_judged();
        let (committed, head) = execute(chain.executor(), &before, decided, chain.index)?;
        publish(chain, committed, head);
        runner.writer.executed(chain);
    }
    Ok(tip)
}

/// A committed block and its bytes' number.
pub(crate) fn stored_block(store: &dyn Store, height: Height) -> Result<(Block, usize), Fault> {
    let bytes = store.block(height)?.ok_or(Fault::Missing { what: "block's bytes", height })?;
    let block = Block::from_bytes(&bytes).map_err(|cause| Fault::Unreadable { what: "block", height, cause })?;
    Ok((block, bytes.len()))
}

/// The certificate of a committed block.
pub(crate) fn stored_certificate(store: &dyn Store, height: Height) -> Result<Certificate, Fault> {
    let bytes = store.certificate(height)?.ok_or(Fault::Missing { what: "certificate's signatures", height })?;
    let decoded = countersign_types::decode("certificate", &bytes, RECORD_BYTES_MAX);
    decoded.map_err(|cause| Fault::Unreadable { what: "certificate", height, cause })
}

/// The receipts of this block, which is in a checkpoint.
pub(crate) fn stored_receipts(store: &dyn Store, block: &Block) -> Result<Vec<Receipt>, Fault> {
    let height = block.header.height;
    let bytes = store.receipts(height)?.ok_or(Fault::Missing { what: "receipts", height })?;
    receipts::unpack(block, &bytes).map_err(|cause| Fault::Unreadable { what: "receipts", height, cause })
}
