//! The chain as this node has it: blocks and state, from the engine's requests to what readers see.
//!
//! ```text
//! engine ─Request→ service.rs ─ Propose → propose.rs ← mempool
//!                     │    └─── Received, Synced → judge.rs
//!                     └ Decided → durable → execute.rs (own thread) ─→ Head, Committed ─→ rpc, mempool
//!                                                └→ checkpoint.rs (own thread, some blocks behind) ─→ Store
//! idle.rs: when the next block is due          startup.rs: from the last checkpoint to the tip
//! evidence.rs: contradictions of validators, from the engine until a block records them
//! ```
//!
//! A block is durable before it is voted for and before it is executed; state and indexes follow as checkpoints. Readers see one
//! [`Head`], which never changes under them.
mod checkpoint;
mod evidence;
mod execute;
mod fault;
mod idle;
mod judge;
mod propose;
pub mod read;
pub(crate) mod receipts;
mod recent;
mod service;
mod startup;
#[cfg(test)]
pub(crate) mod tests;

pub use fault::Fault;
pub use recent::{Committed, Executed};
pub use service::serve;
pub use startup::{Executing, Opened, Options, open};
pub(crate) use startup::{stored_block, stored_certificate, stored_receipts};

use crate::clock::Clock;
use crate::index::ValidatorsFrom;
use countersign_executor::Executor;
use countersign_state::{Snapshot, Store};
use countersign_types::{Genesis, Hash, Header, Height, Params, ValidatorSet};
use evidence::WaitingEvidence;
use recent::Recent;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// The newest executed block and the state after it.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its header.
    pub header: Header,
    /// The header's hash.
    pub hash: Hash,
    /// The state after it.
    pub state: Snapshot,
    /// Root of its receipts; the next header names it.
    pub receipts_root: Hash,
    /// True if the block changed the state or left receipts: the next header has something to certify.
    pub uncertified: bool,
    /// Who certifies the next block.
    pub validators: ValidatorSet,
    /// Who certifies the block after that.
    pub next_validators: ValidatorSet,
    /// The parameters that hold for the next block.
    pub params: Params,
}

impl Head {
    /// Its height.
    pub fn height(&self) -> Height {
        self.header.height
    }
}

/// What the node's parts share of the chain.
pub struct Chain {
    id: Hash,
    genesis: Genesis,
    executor: Executor,
    store: Arc<dyn Store>,
    head: watch::Sender<Arc<Head>>,
    checkpoint: watch::Sender<Height>,
    recent: Mutex<Recent>,
    fault: watch::Sender<Option<Arc<Fault>>>,
    evidence: Arc<WaitingEvidence>,
    clock: Clock,
    index: bool,
}

impl Chain {
    /// The chain's id.
    pub fn id(&self) -> Hash {
        self.id
    }

    /// What the chain started from.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The state machine. Calls into contracts belong on a thread with [`countersign_executor::STACK_BYTES`] of stack.
    pub fn executor(&self) -> &Executor {
        &self.executor
    }

    /// The newest executed block.
    pub fn head(&self) -> Arc<Head> {
        self.head.borrow().clone()
    }

    /// Follows the newest executed block.
    pub fn heads(&self) -> watch::Receiver<Arc<Head>> {
        self.head.subscribe()
    }

    /// The node's clock, by which blocks are made and judged.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Height whose state is on disk.
    pub fn checkpoint_height(&self) -> Height {
        *self.checkpoint.borrow()
    }

    /// The lowest block that is kept: 1 unless the node began with a snapshot or blocks were pruned.
    ///
    /// # Errors
    /// [`Fault`] if the store fails.
    pub fn first_kept(&self) -> Result<Height, Fault> {
        Ok(self.store.first()?.unwrap_or(Height::new(1)))
    }

    /// Resolves to the reason when the node has to stop.
    pub async fn stopped(&self) -> Arc<Fault> {
        let mut faults = self.fault.subscribe();
        let fault = faults.wait_for(Option::is_some).await.expect("the sender is part of `self`");
        fault.clone().expect("waited for it")
    }

    /// The reason to stop, if there is one.
    pub fn fault(&self) -> Option<Arc<Fault>> {
        self.fault.borrow().clone()
    }

    /// Stops the node for this reason, unless it is stopping already.
    pub(crate) fn stop(&self, fault: Fault) {
        tracing::error!(error = %crate::report::chain(&fault), "the node stops");
        self.fault.send_if_modified(|known| match known {
            Some(_) => false,
            None => {
                *known = Some(Arc::new(fault));
                true
            }
        });
    }

    /// True if accounts, modules and names are indexed.
    pub fn is_indexed(&self) -> bool {
        self.index
    }

    /// The validators that certify the block at `height`, which is at most two above the head's.
    ///
    /// # Errors
    /// [`Fault`] if the store fails or holds no record of them.
    pub fn validators_at(&self, height: Height) -> Result<ValidatorSet, Fault> {
        let from = ValidatorsFrom::find(self, height)?;
        from.ok_or(Fault::Missing { what: "validators", height })
    }

    /// Where blocks, checkpoints and indexes are.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Executed blocks that are in memory only, oldest first.
    pub(crate) fn pending(&self) -> Vec<Arc<Committed>> {
        self.recent().all()
    }

    /// An executed block that is in memory only.
    pub(crate) fn unsaved_block(&self, height: Height) -> Option<Arc<Committed>> {
        self.recent().get(height)
    }

    /// The executed block at `height`; `None` above the newest one and for the genesis.
    ///
    /// # Errors
    /// [`Fault`] if the store fails or no longer holds it.
    pub(crate) fn executed(&self, height: Height) -> Result<Option<Arc<Executed>>, Fault> {
        if height == Height::ZERO || height > self.head().height() {
            return Ok(None);
        }
        // Bound to a name: a lock in the condition would be held while the disk is read.
        let in_memory = self.recent().executed(height);
        if in_memory.is_some() {
            return Ok(in_memory);
        }
        let (block, _) = stored_block(&*self.store, height)?;
        let certificate = stored_certificate(&*self.store, height)?;
        let receipts = stored_receipts(&*self.store, &block)?;
        let executed = Arc::new(Executed { hash: certificate.block, block, certificate, receipts });
        self.recent().push_read(executed.clone());
        Ok(Some(executed))
    }

    /// The state after a block: one that is kept, or an equal one. `None` if there is neither.
    ///
    /// # Errors
    /// [`Fault`] if the store fails.
    pub(crate) fn state_at(&self, height: Height) -> Result<Option<Snapshot>, Fault> {
        let kept = self.recent().state(height);
        if kept.is_some() {
            return Ok(kept);
        }
        // A restarted node holds one state, which on an idle chain is that of many blocks.
        let next = self.executed(height.next())?;
        Ok(next.and_then(|next| self.recent().state_with_root(next.block.header.state_root)))
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        self.recent.lock().expect("no holder of the recent blocks panics")
    }
}

/// Stops the node if the thread that holds it panics: what it did not finish must not be waited for.
struct StopOnPanic<'c> {
    chain: &'c Chain,
    thread: &'static str,
}

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.chain.stop(Fault::Ended(self.thread));
        }
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("id", &self.id).field("height", &self.head().height()).finish_non_exhaustive()
    }
}
