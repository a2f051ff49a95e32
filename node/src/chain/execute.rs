//! Running decided blocks, one after the other, on a thread of its own: contracts need its stack, and nothing else may wait for them.
use super::checkpoint::Writer;
use super::{Chain, Committed, Executed, Fault, Head, StopOnPanic};
use crate::index;
use crate::mempool::Mempool;
use crate::metrics::{Metrics, observe};
use crate::trail::Link;
use countersign_executor::{BlockInput, Executor};
use countersign_types::receipt::{Subject, receipts_root};
use countersign_types::{Block, Certificate, Failure, Hash, VerifiedTransaction};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

/// A block that more than two thirds of the validators signed, durable by now.
#[derive(Debug)]
pub(super) struct Decided {
    pub block: Block,
    pub hash: Hash,
    pub certificate: Certificate,
    /// Its transactions, verified, in order.
    pub transactions: Vec<VerifiedTransaction>,
    /// Bytes of the block.
    pub size_bytes: usize,
}

/// What the execution thread is given.
pub(super) enum Task {
    /// Run this block.
    Execute(Box<Decided>),
    /// Write a last checkpoint and end.
    Finish,
}

/// What the execution thread works with.
pub(super) struct Runner {
    pub chain: Arc<Chain>,
    pub mempool: Arc<Mempool>,
    pub metrics: Metrics,
    pub writer: Writer,
}

impl Runner {
    /// Runs blocks until told to end. A block whose result is not the certified one stops the node.
    pub fn run(self, tasks: &Receiver<Task>) {
        let chain = self.chain.clone();
        let _guard = StopOnPanic { chain: &chain, thread: "execution" };
        while let Ok(Task::Execute(decided)) = tasks.recv() {
            if let Err(fault) = self.run_block(*decided) {
                self.chain.stop(fault);
                break;
            }
        }
        self.writer.finish();
    }

    fn run_block(&self, decided: Decided) -> Result<(), Fault> {
        let before = self.chain.head();
        let began = Instant::now();
        let (committed, head) = execute(self.chain.executor(), &before, decided, self.chain.is_indexed())?;
        observe(&self.metrics.execution, began.elapsed());
        self.count(&before, &committed, &head);
        {
            let mut pool = self.mempool.lock();
            for receipt in &committed.executed.receipts {
                match (receipt.subject, receipt.outcome) {
                    // It waits on for a later block.
                    (Subject::Transaction(_), Err(failure)) if failure.may_run_later() => {}
                    (Subject::Transaction(id), Ok(()) | Err(Failure::Replayed)) => pool.finish(id),
                    (Subject::Transaction(id), Err(_)) if receipt.is_admitted() => pool.finish(id),
                    // Its id is as usable as before: it may be submitted again.
                    (Subject::Transaction(id), Err(_)) => drop(pool.take(&id)),
                    (Subject::Job(_) | Subject::Evidence { .. }, _) => {}
                }
            }
            self.metrics.expired.inc_by(pool.expire(head.header.time) as u64);
            self.metrics.mempool_transactions.set(pool.len() as i64);
            self.metrics.mempool_bytes.set(pool.bytes() as i64);
        }
        self.mempool.forget_judged();
        publish(&self.chain, committed, head);
        self.writer.executed(&self.chain);
        Ok(())
    }

    fn count(&self, before: &Head, committed: &Committed, head: &Head) {
        let metrics = &self.metrics;
        let receipts = &committed.executed.receipts;
        let ran = committed.ids.len();
        let jobs = receipts.iter().filter(|receipt| matches!(receipt.subject, Subject::Job(_))).count();
        let first = receipts.len().saturating_sub(ran);
        metrics.height.set(head.height().get() as i64);
        metrics.transactions.inc_by(ran as u64);
        metrics.jobs.inc_by(jobs as u64);
        metrics.transactions_failed.inc_by(receipts[first..].iter().filter(|r| r.outcome.is_err()).count() as u64);
        metrics.events.inc_by(receipts.iter().map(|receipt| receipt.events.len() as u64).sum());
        let interval_ms = head.header.time.saturating_since(before.header.time);
        metrics.block_interval.observe(interval_ms as f64 / 1_000.0);
        tracing::debug!(height = head.height().get(), hash = ?head.hash, transactions = ran, jobs, "executed");
    }
}

/// Makes an executed block the newest one for all readers.
pub(super) fn publish(chain: &Chain, committed: Committed, head: Head) {
    chain.evidence.settle(&head);
    chain.recent().push(Arc::new(committed), head.state.clone());
    chain.head.send_replace(Arc::new(head));
}

/// What the block does to the state before it. The roots its header names must be those this node has.
///
/// # Errors
/// [`Fault::Diverged`].
pub(super) fn execute(
    executor: &Executor,
    before: &Head,
    decided: Decided,
    indexed: bool,
) -> Result<(Committed, Head), Fault> {
    let Decided { block, hash, certificate, transactions, size_bytes } = decided;
    check_roots(before, &block)?;
    let header = block.header.clone();
    let height = header.height;
    let input = BlockInput {
        chain: header.chain,
        height,
        time: header.time,
        proposer: header.proposer,
        evidence: &block.evidence,
        transactions: &transactions,
    };
    let outcome = executor.execute_block(&before.state, input);
    let state = before.state.apply(height, &outcome.changes);
    let ids: Vec<Hash> = transactions.iter().map(VerifiedTransaction::id).collect();
    let next_validators = countersign_executor::validators(&state);
    let mut entries = index::entries(&block, &ids, &outcome.receipts, indexed);
    if next_validators != before.next_validators {
        let (key, value) = index::ValidatorsFrom::entry(height.next().next(), &next_validators);
        entries.insert(key, value);
    }
    if before.next_validators != before.validators {
        let next = before.next_validators.clone();
        let (key, value) = Link { header: header.clone(), certificate: certificate.clone(), next }.entry();
        entries.insert(key, value);
    }
    let head = Head {
        hash,
        receipts_root: receipts_root(&outcome.receipts),
        uncertified: state.root() != header.state_root || !outcome.receipts.is_empty(),
        validators: before.next_validators.clone(),
        next_validators,
        params: countersign_executor::params(&state),
        header,
        state,
    };
    let root = head.state.root();
    let executed = Arc::new(Executed { block, hash, certificate, receipts: outcome.receipts });
    Ok((Committed { executed, ids, entries, changes: outcome.changes, root, size_bytes }, head))
}

/// A certified header that names other roots than this node has means that one of them is wrong.
fn check_roots(before: &Head, block: &Block) -> Result<(), Fault> {
    let pairs = [
        ("the state root", before.state.root(), block.header.state_root),
        ("the receipts root", before.receipts_root, block.header.receipts_root),
    ];
    for (what, found, expected) in pairs {
        if found != expected {
            return Err(Fault::Diverged { what, height: before.height(), found, expected });
        }
    }
    Ok(())
}
