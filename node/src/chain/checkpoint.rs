//! Writes state, receipts and indexes of several blocks at a time, on a thread of its own, some blocks behind execution.
//!
//! The newest block is never part of a checkpoint: the state after it is certified by the header that comes next, and execution
//! compares the two before it goes on. So the state on disk is always one that the validators have certified, which is what a
//! snapshot needs, and a node that differs from them finds its last good state there.
use super::{Chain, Committed, Executed, Fault, StopOnPanic, receipts};
use crate::index;
use crate::metrics::{Metrics, observe};
use countersign_state::{Changes, Checkpoint};
use countersign_types::Height;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Bytes of executed blocks that are not in a checkpoint. Decoded, with receipts, changes and index entries, they take five
/// to six times as much memory; fewer, and keys that many blocks change would be written more often.
const PENDING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Execution waits while this many times the allowed blocks or bytes are pending: the disk cannot follow.
const BACKLOG_FACTOR: usize = 2;
/// How often a waiting execution looks again.
const BACKLOG_POLL: Duration = Duration::from_millis(2);

/// How far behind a checkpoint may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cadence {
    pub blocks: u64,
    pub age: Duration,
}

enum Message {
    /// A block was executed.
    Executed,
    /// Write what is there, then end.
    Finish,
}

/// The writer's thread.
pub(super) struct Writer {
    messages: Sender<Message>,
    thread: std::thread::JoinHandle<()>,
    cadence: Cadence,
}

impl Writer {
    pub fn start(chain: &Arc<Chain>, cadence: Cadence, metrics: Metrics) -> Result<Self, Fault> {
        let (messages, inbox) = channel();
        let weak = Arc::downgrade(chain);
        let thread = std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || run(&weak, cadence, &inbox, &metrics))
            .map_err(|cause| Fault::Thread { what: "checkpoints", cause })?;
        Ok(Self { messages, thread, cadence })
    }

    /// Tells that a block was executed; waits while the disk is far behind.
    pub fn executed(&self, chain: &Chain) {
        let _ = self.messages.send(Message::Executed);
        let blocks_max = self.cadence.blocks as usize * BACKLOG_FACTOR;
        while !self.thread.is_finished() {
            let recent = chain.recent();
            if recent.len() <= blocks_max && recent.bytes() <= PENDING_BYTES_MAX * BACKLOG_FACTOR {
                break;
            }
            drop(recent);
            std::thread::sleep(BACKLOG_POLL);
        }
    }

    /// Writes a last checkpoint and ends.
    pub fn finish(self) {
        let _ = self.messages.send(Message::Finish);
        let _ = self.thread.join();
    }
}

fn run(chain: &Weak<Chain>, cadence: Cadence, inbox: &Receiver<Message>, metrics: &Metrics) {
    let mut oldest: Option<Instant> = None;
    loop {
        let wait = oldest.map_or(Duration::MAX, |oldest| cadence.age.saturating_sub(oldest.elapsed()));
        let message = inbox.recv_timeout(wait.min(Duration::from_secs(3_600)));
        let Some(chain) = chain.upgrade() else { return };
        let _guard = StopOnPanic { chain: &chain, thread: "checkpoints" };
        let last = matches!(message, Ok(Message::Finish) | Err(RecvTimeoutError::Disconnected));
        let (count, bytes) = chain.recent().certified();
        if count > 0 {
            oldest.get_or_insert_with(Instant::now);
        }
        let due = count as u64 >= cadence.blocks
            || bytes >= PENDING_BYTES_MAX
            || oldest.is_some_and(|oldest| oldest.elapsed() >= cadence.age);
        if count > 0 && (due || last) {
            let began = Instant::now();
            if let Err(fault) = write(&chain) {
                chain.stop(fault);
                return;
            }
            observe(&metrics.checkpoint, began.elapsed());
            metrics.checkpoint_height.set(chain.checkpoint_height().get() as i64);
            oldest = None;
        }
        if last {
            return;
        }
    }
}

/// Writes all pending blocks but the newest as one checkpoint.
fn write(chain: &Chain) -> Result<(), Fault> {
    let mut pending = chain.recent().all();
    pending.pop();
    let Some(last) = pending.last() else { return Ok(()) };
    let height = last.height();
    chain.store.checkpoint(&gather(&pending, last, chain.index))?;
    chain.recent().checkpointed(height);
    chain.checkpoint.send_replace(height);
    tracing::debug!(height = height.get(), blocks = pending.len(), "checkpoint");
    Ok(())
}

fn gather(pending: &[Arc<Committed>], last: &Committed, indexed: bool) -> Checkpoint {
    let mut changes = Changes::default();
    let mut packed: Vec<(Height, Vec<u8>)> = Vec::with_capacity(pending.len());
    let mut entries = Vec::new();
    for committed in pending {
        changes.merge(committed.changes.clone());
        let Executed { block, receipts: list, .. } = &*committed.executed;
        packed.push((committed.height(), receipts::pack(block, &committed.ids, list)));
        let kept = committed.entries.iter().filter(|(key, _)| indexed || index::is_always_kept(key));
        entries.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
    }
    Checkpoint { height: last.height(), root: last.root, changes, receipts: packed, index: entries }
}
