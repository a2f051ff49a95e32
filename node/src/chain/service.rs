//! Answering the consensus engine: each request in turn, those of peers beside it.
//!
//! Every block is durable before the reply that lets the engine vote for it or start the next height. On a storage fault the reply
//! is dropped and the node stops; it never asks the engine to start a height over.
use super::execute::{Decided, Task};
use super::idle::Work;
use super::startup::Executing;
use super::{Chain, Fault, Head, idle, judge, propose};
use crate::mempool::Mempool;
use crate::metrics::Metrics;
use bytes::Bytes;
use countersign_consensus::{Known, Network, Proposed, ReceivedBlock, Request, Start, Synced, Timeouts};
use countersign_types::{Block, Certificate, Evidence, Hash, Height, PublicKey, VerifiedTransaction};
use parity_scale_codec::Encode;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Undecided blocks of one height held ready in memory; the others are read from the store. One per round is usual.
const UNDECIDED_MAX: usize = 4;
/// Requests of peers served at a time: each may read some MiB.
const SERVING_MAX: usize = 4;

/// A valid block with its transactions verified.
struct Candidate {
    block: Block,
    bytes: Bytes,
    transactions: Vec<VerifiedTransaction>,
}

struct Service {
    chain: Arc<Chain>,
    mempool: Arc<Mempool>,
    metrics: Metrics,
    network: Network,
    validator: Option<PublicKey>,
    tasks: Sender<Task>,
    undecided: HashMap<Hash, Candidate>,
    /// The round being worked on.
    round: u32,
    /// The newest decided block; the newest executed one may be below it.
    decided: Height,
    /// Valid blocks of that height, so that a verdict stays what it was: the engine takes a change of it for a fault.
    valid: HashSet<Hash>,
    serving: Arc<Semaphore>,
}

/// Answers requests until the engine ends or the node stops.
pub async fn serve(
    executing: Executing,
    mempool: Arc<Mempool>,
    metrics: Metrics,
    network: Network,
    validator: Option<PublicKey>,
    mut requests: mpsc::Receiver<Request>,
) {
    let mut service = Service::new(executing, mempool, metrics, network, validator);
    while let Some(request) = requests.recv().await {
        if let Err(fault) = service.answer(request).await {
            service.chain.stop(fault);
            return;
        }
    }
}

impl Service {
    fn new(
        executing: Executing,
        mempool: Arc<Mempool>,
        metrics: Metrics,
        network: Network,
        validator: Option<PublicKey>,
    ) -> Self {
        Self {
            mempool,
            metrics,
            network,
            validator,
            tasks: executing.tasks,
            undecided: HashMap::new(),
            round: 0,
            decided: executing.chain.head().height(),
            valid: HashSet::new(),
            serving: Arc::new(Semaphore::new(SERVING_MAX)),
            chain: executing.chain,
        }
    }

    async fn answer(&mut self, request: Request) -> Result<(), Fault> {
        match request {
            Request::Ready { reply } => drop(reply.send(start(&self.chain.head()))),
            Request::RoundStarted { height, round, proposer: _, reply } => {
                self.round = round;
                drop(reply.send(self.known(height).await?));
            }
            Request::Propose { height, round, deadline: _, reply } => {
                if let Some(proposed) = self.propose(height, round).await? {
                    drop(reply.send(proposed));
                }
            }
            Request::Received { height, block, reply } => drop(reply.send(self.received(height, *block).await?)),
            Request::Synced { height, block, reply } => drop(reply.send(self.synced(height, *block).await?)),
            Request::Decided { certificate, reply } => {
                self.decided(certificate).await?;
                let _ = reply.send(());
            }
            Request::Finalized { height, evidence, reply } => {
                if !evidence.is_empty() {
                    self.witness(evidence).await?;
                }
                self.finalized(height, reply);
            }
            Request::BytesOf { hash, reply } => self.serve(move |chain| {
                let bytes = chain.store.proposal_bytes(&hash)?;
                drop(reply.send(bytes.map(Into::into)));
                Ok(())
            }),
            Request::History { reply } => drop(reply.send(self.chain.first_kept()?)),
            Request::Range { from, to, bytes_max, reply } => self.serve(move |chain| {
                drop(reply.send(range(chain, from, to, bytes_max)?));
                Ok(())
            }),
        }
        Ok(())
    }

    /// Serves a peer from a thread beside the engine's requests.
    fn serve(&self, work: impl FnOnce(&Chain) -> Result<(), Fault> + Send + 'static) {
        let (chain, serving) = (self.chain.clone(), self.serving.clone());
        tokio::spawn(async move {
            let _permit = serving.acquire_owned().await;
            let outcome = tokio::task::spawn_blocking(move || {
                if let Err(fault) = work(&chain) {
                    chain.stop(fault);
                }
            });
            drop(outcome.await);
        });
    }

    /// Blocks of this height that are durable: what was on disk before a crash, and what earlier rounds brought.
    async fn known(&mut self, height: Height) -> Result<Vec<Known>, Fault> {
        let chain = self.chain.clone();
        blocking(move || {
            let mut known = Vec::new();
            for (round, hash) in chain.store.proposals(height)? {
                let Some(bytes) = chain.store.proposal_bytes(&hash)? else { continue };
                let block =
                    Block::from_bytes(&bytes).map_err(|cause| Fault::Unreadable { what: "proposal", height, cause })?;
                // Only valid blocks are ever stored.
                known.push(Known { round, hash, proposer: block.header.proposer, valid: true });
            }
            Ok(known)
        })
        .await
    }

    /// The block of this node for the round: the one already stored for it, else a new one.
    async fn propose(&mut self, height: Height, round: u32) -> Result<Option<Proposed>, Fault> {
        let Some(proposer) = self.validator.filter(|_| height > self.decided) else { return Ok(None) };
        let (chain, mempool) = (self.chain.clone(), self.mempool.clone());
        let made = blocking(move || {
            let head = chain.head();
            if head.height().next() != height {
                return Ok(None);
            }
            if let Some(proposed) = proposed_before(&chain, height, round, &proposer)? {
                return Ok(Some((proposed, None)));
            }
            let draft = propose::build(&head, &mempool, chain.evidence.select(&head), proposer, chain.clock.now());
            chain.store.put_proposal(height, round, draft.hash, &draft.bytes)?;
            let bytes = Bytes::from(draft.bytes);
            let proposed = Proposed { hash: draft.hash, bytes: bytes.clone() };
            Ok(Some((proposed, Some(Candidate { block: draft.block, bytes, transactions: draft.transactions }))))
        })
        .await?;
        Ok(made.map(|(proposed, candidate)| {
            if let Some(candidate) = candidate {
                self.remember(proposed.hash, candidate);
            }
            proposed
        }))
    }

    fn remember(&mut self, hash: Hash, candidate: Candidate) {
        if self.undecided.len() < UNDECIDED_MAX {
            self.undecided.insert(hash, candidate);
        }
    }

    async fn received(&mut self, height: Height, received: ReceivedBlock) -> Result<bool, Fault> {
        let verdict = self.judge(height, received, true).await?;
        if let Some(Err(refusal)) = &verdict {
            self.metrics.proposals_refused.inc();
            tracing::warn!(height = height.get(), %refusal, "a proposed block breaks a rule");
        }
        Ok(matches!(verdict, Some(Ok(()))))
    }

    async fn synced(&mut self, height: Height, received: ReceivedBlock) -> Result<Synced, Fault> {
        Ok(match self.judge(height, received, false).await? {
            None => Synced::Later,
            Some(Ok(())) => Synced::Valid,
            // The validators certified it: this node cannot follow them.
            Some(Err(rule)) => return Err(Fault::BadBlock { height, rule }),
        })
    }

    /// Judges a block and, if it is valid, makes it durable. `None` if this node is not at the block's height.
    async fn judge(
        &mut self,
        height: Height,
        received: ReceivedBlock,
        by_clock: bool,
    ) -> Result<Option<Result<(), judge::Refusal>>, Fault> {
        let hash = received.hash();
        // A block comes again on another way: its height may be over before it is executed, and takes no proposal any more.
        if height <= self.decided {
            return Ok(self.valid.contains(&hash).then_some(Ok(())));
        }
        if self.undecided.contains_key(&hash) {
            return Ok(Some(Ok(())));
        }
        let (chain, mempool, round) = (self.chain.clone(), self.mempool.clone(), self.round);
        let judged = blocking(move || {
            let head = chain.head();
            if head.height().next() != height {
                return Ok(None);
            }
            let (block, bytes) = received.into_parts();
            let clock = by_clock.then(|| chain.clock.now());
            match judge::judge(&head, &mempool, &block, clock) {
                Err(refusal) => Ok(Some(Err(refusal))),
                Ok(transactions) => {
                    if chain.store.proposal_bytes(&hash)?.is_none() {
                        chain.store.put_proposal(height, round, hash, &bytes)?;
                    }
                    Ok(Some(Ok(Candidate { block, bytes, transactions })))
                }
            }
        })
        .await?;
        Ok(judged.map(|verdict| verdict.map(|candidate| self.remember(hash, candidate))))
    }

    /// Makes the decided block durable and hands it to execution.
    async fn decided(&mut self, certificate: Certificate) -> Result<(), Fault> {
        let candidate = self.undecided.remove(&certificate.block);
        self.valid = self.undecided.drain().map(|(hash, _)| hash).chain([certificate.block]).collect();
        let (chain, mempool) = (self.chain.clone(), self.mempool.clone());
        let decided = blocking(move || {
            let height = certificate.height;
            let candidate = match candidate {
                Some(candidate) => candidate,
                None => stored_candidate(&chain, &mempool, &certificate)?,
            };
            let Candidate { block, bytes, transactions } = candidate;
            chain.store.commit_block(height, &bytes, &certificate.encode())?;
            let hash = certificate.block;
            Ok(Decided { block, hash, certificate, transactions, size_bytes: bytes.len() })
        })
        .await?;
        self.decided = decided.certificate.height;
        self.tasks.send(Task::Execute(Box::new(decided))).map_err(|_| Fault::Ended("execution"))
    }

    /// Keeps what proves that a validator contradicted itself, until a block records it.
    async fn witness(&self, evidence: Vec<Evidence>) -> Result<(), Fault> {
        let chain = self.chain.clone();
        let added = blocking(move || Ok(chain.evidence.add(evidence, &chain.head()))).await?;
        for found in added {
            let (validator, height) = (found.validator(), found.height().get());
            tracing::warn!(%validator, height, "a validator contradicted itself; the ledger will show it to the council");
        }
        Ok(())
    }

    /// Starts the next height once this one is executed and the next block is due.
    fn finalized(&self, height: Height, reply: oneshot::Sender<Start>) {
        let (mempool, seen, mut heads) = (self.mempool.clone(), self.network.height_seen(), self.chain.heads());
        let (evidence, clock) = (self.chain.evidence.clone(), self.chain.clock);
        tokio::spawn(async move {
            let Ok(head) = heads.wait_for(|head| head.height() >= height).await.map(|head| head.clone()) else {
                return;
            };
            idle::next_block_due(&head, Work { mempool: &mempool, evidence: &evidence }, clock, seen).await;
            drop(reply.send(start(&head)));
        });
    }
}

fn start(head: &Head) -> Start {
    Start {
        height: head.height().next(),
        validators: head.validators.clone(),
        timeouts: Timeouts::of_params(&head.params),
    }
}

/// Storage and verification wait for disk and cores: not on a thread that serves the network.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Fault::Ended("answer to the engine"))?
}

/// What this node proposed for the round before a crash: it must not propose another block under the same signature.
fn proposed_before(chain: &Chain, height: Height, round: u32, proposer: &PublicKey) -> Result<Option<Proposed>, Fault> {
    for (stored_round, hash) in chain.store.proposals(height)? {
        if stored_round != round {
            continue;
        }
        let Some(bytes) = chain.store.proposal_bytes(&hash)? else { continue };
        let block = Block::from_bytes(&bytes).map_err(|cause| Fault::Unreadable { what: "proposal", height, cause })?;
        if block.header.proposer == *proposer {
            return Ok(Some(Proposed { hash, bytes: bytes.into() }));
        }
    }
    Ok(None)
}

/// A decided block that is on disk only: this node was restarted between vote and decision.
fn stored_candidate(chain: &Chain, mempool: &Mempool, certificate: &Certificate) -> Result<Candidate, Fault> {
    let height = certificate.height;
    let bytes = chain.store.proposal_bytes(&certificate.block)?;
    let bytes = bytes.ok_or(Fault::Missing { what: "bytes of the decided block", height })?;
    let block = Block::from_bytes(&bytes).map_err(|cause| Fault::Unreadable { what: "proposal", height, cause })?;
    let ids = crate::mempool::ids(&block.transactions);
    let verified = judge::verify(mempool, &block, &ids, &chain.id);
    let transactions = verified.map_err(|rule| Fault::BadBlock { height, rule })?;
    Ok(Candidate { block, bytes: bytes.into(), transactions })
}

/// Consecutive committed blocks for a peer that lags.
fn range(chain: &Chain, from: Height, to: Height, bytes_max: usize) -> Result<Vec<(Certificate, Bytes)>, Fault> {
    let tip = chain.store.tip()?.unwrap_or(Height::ZERO);
    let mut blocks = Vec::new();
    let (mut height, mut size) = (from, 0);
    while height <= to.min(tip) && blocks.len() < countersign_consensus::SYNC_BLOCKS_MAX {
        let Some(bytes) = chain.store.block(height)? else { break };
        size += bytes.len();
        if size > bytes_max && !blocks.is_empty() {
            break;
        }
        blocks.push((super::startup::stored_certificate(&*chain.store, height)?, bytes.into()));
        height = height.next();
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::tests::{certified, clock, mempool, opened, proposer};
    use countersign_consensus::Config;
    use countersign_state::MemoryStore;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_block_that_comes_again_between_decision_and_execution_is_left_alone() {
        let (store, mempool, dir) = (Arc::new(MemoryStore::new()), mempool(), tempfile::tempdir().unwrap());
        let opened = opened(&store, &mempool).await;
        let chain = opened.chain.clone();
        let config = Config {
            name: "service".into(),
            data_dir: dir.path().to_path_buf(),
            chain: chain.id(),
            signer: None,
            identity: [1; 32],
            listen: "/ip4/127.0.0.1/tcp/0".into(),
            peers: Vec::new(),
        };
        let network = countersign_consensus::start(config).await.unwrap().network;
        // Nobody executes what is decided.
        let (tasks, _kept) = std::sync::mpsc::channel();
        let executing = Executing { chain: chain.clone(), tasks };
        let mut service = Service::new(executing, mempool.clone(), Metrics::new(), network, None);

        let draft = propose::build(&chain.head(), &mempool, Vec::new(), proposer(), clock(&chain));
        let (height, block) = (draft.block.header.height, ReceivedBlock::check(draft.bytes.into()).unwrap());
        assert!(service.received(height, block.clone()).await.unwrap());
        service.decided(certified(&draft.block.header, &["validator-1"])).await.unwrap();
        assert_eq!(chain.head().height().next(), height, "it is decided, and not executed");
        assert!(service.received(height, block.clone()).await.unwrap(), "the verdict is what it was");
        assert_eq!(service.synced(height, block).await.unwrap(), Synced::Valid);

        let later = clock(&chain).checked_add_millis(1).unwrap();
        let other = propose::build(&chain.head(), &mempool, Vec::new(), proposer(), later);
        let other = ReceivedBlock::check(other.bytes.into()).unwrap();
        assert!(!service.received(height, other.clone()).await.unwrap());
        assert_eq!(service.synced(height, other).await.unwrap(), Synced::Later);
    }
}
