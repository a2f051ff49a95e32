//! Transactions between nodes: what clients of this node sent goes out in batches; what peers send enters at the same door as
//! everything else, and is passed on only if it was good.
use crate::mempool::{Admission, AdmissionError, Origin, is_senders_fault};
use bytes::Bytes;
use countersign_consensus::{GOSSIP_BYTES_MAX, Gossip, Network, Verdict};
use countersign_types::transaction::TransactionId;
use countersign_types::{BoundedVec, SignedTransaction, VerifiedTransaction};
use parity_scale_codec::Encode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

/// Transactions a client sent that peers have not heard of yet; beyond it peers hear of them in a block.
pub const OUTGOING_QUEUE: usize = 8_192;
/// Transactions in one gossiped batch: every one of the smallest fits into its bytes.
const BATCH_TRANSACTIONS_MAX: usize = 4_096;
/// Bytes at which a batch is sent without waiting for more: the largest transaction still fits behind it.
const BATCH_BYTES: usize = 256 * 1024;
/// Batches are this far apart when many transactions come, so that each message carries several.
const BATCH_INTERVAL: Duration = Duration::from_millis(5);
/// Batches of peers being verified at a time.
const INCOMING_MAX: usize = 8;

type Batch = BoundedVec<SignedTransaction, BATCH_TRANSACTIONS_MAX>;

/// Sends what clients sent to the peers, until the queue or the network ends.
pub async fn send(network: Network, mut outgoing: mpsc::Receiver<Arc<VerifiedTransaction>>) {
    let mut last = Instant::now() - BATCH_INTERVAL;
    while let Some(first) = outgoing.recv().await {
        tokio::time::sleep_until(last + BATCH_INTERVAL).await;
        let mut bytes = first.size_bytes();
        let mut batch = vec![first.signed().clone()];
        while bytes < BATCH_BYTES && batch.len() < BATCH_TRANSACTIONS_MAX {
            let Ok(next) = outgoing.try_recv() else { break };
            bytes += next.size_bytes();
            batch.push(next.signed().clone());
        }
        last = Instant::now();
        // Nobody to tell: a network of one validator.
        if network.peers().borrow().iter().all(|peer| !peer.connected) {
            continue;
        }
        let encoded = Bytes::from(batch.encode());
        debug_assert!(encoded.len() <= GOSSIP_BYTES_MAX);
        if network.gossip(encoded).await.is_err() {
            return;
        }
    }
}

/// Takes in what peers gossip, until the network ends.
pub async fn receive(admission: Admission, mut gossip: mpsc::Receiver<Gossip>) {
    let working = Arc::new(Semaphore::new(INCOMING_MAX));
    while let Some(message) = gossip.recv().await {
        let Ok(permit) = working.clone().acquire_owned().await else { return };
        let admission = admission.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let verdict = judge(&admission, message.bytes()).await;
            // An error means that the network has stopped: nobody waits for the verdict.
            let _ = message.judge(verdict).await;
        });
    }
}

async fn judge(admission: &Admission, bytes: &[u8]) -> Verdict {
    match countersign_types::decode::<Batch>("batch of transactions", bytes, GOSSIP_BYTES_MAX) {
        Err(_) => Verdict::Reject,
        Ok(batch) => verdict(&admission.submit_all(batch.into_inner(), Origin::Peer).await),
    }
}

/// One bad transaction spoils the batch: an honest peer verifies each before it passes them on.
fn verdict(outcomes: &[Result<TransactionId, AdmissionError>]) -> Verdict {
    if outcomes.is_empty() || outcomes.iter().any(|outcome| outcome.as_ref().is_err_and(is_senders_fault)) {
        Verdict::Reject
    } else if outcomes.iter().any(Result::is_ok) {
        Verdict::Accept
    } else {
        Verdict::Ignore
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mempool::PoolError;
    use countersign_types::transaction::TransactionError;
    use countersign_types::{Failure, Hash};

    #[test]
    fn a_batch_is_passed_on_if_something_in_it_is_new_and_nothing_is_bad() {
        let new = || Ok(TransactionId(Hash::ZERO));
        let known = || Err(AdmissionError::Pool(PoolError::Known));
        let bad = || Err(AdmissionError::Malformed(TransactionError::NeverValid));
        let late = || Err(AdmissionError::Refused(Failure::Expired));
        assert_eq!(verdict(&[known(), new(), late()]), Verdict::Accept);
        assert_eq!(verdict(&[known(), late()]), Verdict::Ignore);
        assert_eq!(verdict(&[new(), bad()]), Verdict::Reject);
        assert_eq!(verdict(&[]), Verdict::Reject);
    }
}
