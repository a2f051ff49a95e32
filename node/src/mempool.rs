//! Transactions that wait to be put into a block: verified once, bounded, fair between members, kept over a restart.
//!
//! ```text
//! rpc ────┐                    ┌─ verify_batch ─ Executor::check ─┐
//!         ├→ admission.rs ─────┤   (newest state, in batches)     ├→ pool.rs ─select→ the next block
//! gossip ─┘  one door for both └──────────────────────────────────┘     ├→ journal.rs: what clients handed in, before they hear of it
//!                                                                  └→ gossip: the same, to the peers
//! ```
mod admission;
mod journal;
mod pool;

pub(crate) use admission::Gate;
pub use admission::{Admission, AdmissionError, Origin, ids, is_senders_fault};
pub use journal::{Journal, JournalError};
pub use pool::{Pool, PoolError, PoolLimits};

use countersign_types::transaction::TransactionError;
use countersign_types::{AccountId, Hash, SignedTransaction, Timestamp, VerifiedTransaction};
use prometheus_client::metrics::counter::Counter;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// The pool as the node's parts share it.
#[derive(Debug)]
pub struct Mempool {
    pool: Mutex<Pool>,
    arrived: Notify,
    /// Verified in blocks that are not decided yet: their copies still travel between nodes.
    judged: Mutex<HashMap<Hash, Arc<VerifiedTransaction>>>,
    journal: Mutex<Option<Journal>>,
    /// Transactions whose signatures were verified.
    verified: Counter,
}

/// Transactions of undecided blocks that are remembered: some blocks of the largest size. The rest is verified again if it comes.
const JUDGED_MAX: usize = 65_536;

impl Mempool {
    /// An empty one without a journal; it counts verified transactions in `verified`.
    pub fn new(limits: PoolLimits, verified: Counter) -> Self {
        let (judged, journal) = (Mutex::default(), Mutex::new(None));
        Self { pool: Mutex::new(Pool::new(limits)), arrived: Notify::new(), judged, journal, verified }
    }

    /// Keeps what clients hand in over a restart, from now on.
    pub fn keep_in(&self, journal: Journal) {
        *self.journal() = Some(journal);
    }

    /// Puts transactions of clients into the journal, if there is one.
    ///
    /// # Errors
    /// [`JournalError`]; then none of them is in it.
    pub fn keep(&self, transactions: &[Arc<VerifiedTransaction>]) -> Result<(), JournalError> {
        let mut journal = self.journal();
        let Some(journal) = journal.as_mut() else { return Ok(()) };
        journal.append(transactions)?;
        let waiting: usize = self.lock().bytes();
        if journal.is_long(waiting) { journal.rewrite(&self.own()) } else { Ok(()) }
    }

    /// Writes the journal anew with what waits; returns how much that is.
    ///
    /// # Errors
    /// [`JournalError`]; the journal is as it was.
    pub fn tidy_journal(&self) -> Result<usize, JournalError> {
        let mut journal = self.journal();
        let own = self.own();
        journal.as_mut().map_or(Ok(()), |journal| journal.rewrite(&own))?;
        Ok(own.len())
    }

    fn own(&self) -> Vec<Arc<VerifiedTransaction>> {
        self.lock().own().cloned().collect()
    }

    fn journal(&self) -> MutexGuard<'_, Option<Journal>> {
        self.journal.lock().expect("no holder of the journal panics")
    }

    fn judged(&self) -> MutexGuard<'_, HashMap<Hash, Arc<VerifiedTransaction>>> {
        self.judged.lock().expect("no holder of the verified transactions panics")
    }

    /// Verifies signatures, all together: the only place of the node that does. The answers are in order.
    pub fn verify(
        &self,
        transactions: Vec<SignedTransaction>,
        chain: &Hash,
    ) -> Vec<Result<VerifiedTransaction, TransactionError>> {
        self.verified.inc_by(transactions.len() as u64);
        VerifiedTransaction::verify_batch(transactions, chain)
    }

    /// Remembers a transaction of a block that was judged, until a block is executed.
    pub fn remember_judged(&self, transaction: VerifiedTransaction) {
        let mut judged = self.judged();
        if judged.len() < JUDGED_MAX {
            judged.insert(transaction.id(), Arc::new(transaction));
        }
    }

    /// Forgets what was judged: a block was executed.
    pub fn forget_judged(&self) {
        self.judged().clear();
    }

    /// The pool. Held for short steps only, never over an `await`.
    pub fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().expect("no holder of the pool panics")
    }

    /// Lets a transaction wait; see [`Pool::insert`].
    ///
    /// # Errors
    /// [`PoolError`].
    pub fn insert(
        &self,
        transaction: Arc<VerifiedTransaction>,
        member: AccountId,
    ) -> Result<Vec<Arc<VerifiedTransaction>>, PoolError> {
        let displaced = self.lock().insert(transaction, member)?;
        self.arrived.notify_waiters();
        Ok(displaced)
    }

    /// Returns when a block at `time` would hold a transaction.
    pub async fn work(&self, time: impl Fn() -> Timestamp) {
        loop {
            let arrived = self.arrived.notified();
            if self.lock().has_work(time()) {
                return;
            }
            // A transaction that waits for its `valid_from` becomes work without anybody telling.
            let _ = tokio::time::timeout(EARLY_CHECK, arrived).await;
        }
    }

    /// The transaction with this id that waits or was judged, if its bytes are the same: the id does not cover signatures.
    pub fn verified(&self, signed: &SignedTransaction, id: &Hash) -> Option<Arc<VerifiedTransaction>> {
        let waiting = self.lock().get(id).cloned();
        let known = waiting.or_else(|| self.judged().get(id).cloned());
        known.filter(|known| known.signed() == signed)
    }
}

/// How often transactions that are not valid yet are looked at.
const EARLY_CHECK: std::time::Duration = std::time::Duration::from_millis(250);

#[cfg(test)]
pub(crate) mod testing {
    use countersign_types::signature::{development_secret, public_key, sign};
    use countersign_types::transaction::{SIGNING, signing_bytes};
    use countersign_types::*;
    use std::sync::Arc;

    /// A made-up member.
    pub fn member(number: u8) -> AccountId {
        AccountId([number; 32])
    }

    /// A signed transaction of the chain `Hash::ZERO` with one meaningless call.
    pub fn signed(number: u64, valid_from: u64, expires_at: u64) -> SignedTransaction {
        let secret = development_secret("somebody");
        let account = AccountId::of_key(&public_key(&secret));
        let call = Call {
            module: "assets".parse().unwrap(),
            method: Selector([1; 8]),
            parties: vec![account].try_into().unwrap(),
            args: vec![7; 40].try_into().unwrap(),
        };
        let transaction = Transaction {
            chain: Hash::ZERO,
            valid_from: Timestamp::from_millis(valid_from),
            expires_at: Timestamp::from_millis(expires_at),
            salt: number.to_le_bytes(),
            calls: vec![call].try_into().unwrap(),
        };
        let message = signing_bytes(SIGNING, &transaction.chain, &transaction.id().0);
        let signature = PartySignature { account: 0, key: public_key(&secret), signature: sign(&secret, &message) };
        SignedTransaction { transaction, signatures: vec![signature].try_into().unwrap() }
    }

    /// The same, verified.
    pub fn verified(number: u64, valid_from: u64, expires_at: u64) -> Arc<VerifiedTransaction> {
        Arc::new(VerifiedTransaction::verify(signed(number, valid_from, expires_at), &Hash::ZERO).unwrap())
    }
}
