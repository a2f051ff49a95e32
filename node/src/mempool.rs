//! Transactions that wait to be put into a block: verified once, bounded, fair between members.
//!
//! ```text
//! rpc ────┐                    ┌─ verify_batch ─ Executor::check ─┐
//!         ├→ admission.rs ─────┤   (newest state, in batches)     ├→ pool.rs ─select→ the next block
//! gossip ─┘  one door for both └──────────────────────────────────┘     └→ journal.rs (over a restart)
//! ```
mod admission;
mod journal;
mod pool;

pub(crate) use admission::Gate;
pub use admission::{Admission, AdmissionError, Origin, ids, is_senders_fault};
pub use journal::{JournalError, load, save};
pub use pool::{Pool, PoolError, PoolLimits};

use countersign_types::{AccountId, Hash, Timestamp, VerifiedTransaction};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// The pool as the node's parts share it.
#[derive(Debug)]
pub struct Mempool {
    pool: Mutex<Pool>,
    arrived: Notify,
}

impl Mempool {
    /// An empty one.
    pub fn new(limits: PoolLimits) -> Self {
        Self { pool: Mutex::new(Pool::new(limits)), arrived: Notify::new() }
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

    /// The waiting transaction with this id, if its bytes are the same: the id does not cover signatures.
    pub fn verified(
        &self,
        signed: &countersign_types::SignedTransaction,
        id: &Hash,
    ) -> Option<Arc<VerifiedTransaction>> {
        self.lock().get(id).filter(|known| known.signed() == signed).cloned()
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
