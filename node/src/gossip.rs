//! Transactions between nodes: what clients of this node sent goes out in batches, and again while it waits for long, so that it
//! reaches a block wherever it was handed in; what peers send enters at the same door as everything else, and is passed on once, to
//! others than its sender, and only if it was good.
use crate::mempool::{Admission, AdmissionError, Mempool, Origin, is_senders_fault};
use bytes::Bytes;
use countersign_consensus::{GOSSIP_BYTES_MAX, Gossip, Network, PeerStatus, Verdict};
use countersign_types::transaction::TransactionId;
use countersign_types::{BoundedVec, Hash, SignedTransaction, VerifiedTransaction};
use parity_scale_codec::{Decode, Encode};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

/// Transactions in one gossiped batch: every one of the smallest fits into its bytes.
const BATCH_TRANSACTIONS_MAX: usize = 4_096;
/// Bytes at which a batch is sent without waiting for more: the largest transaction still fits behind it.
const BATCH_BYTES: usize = 256 * 1024;
/// Batches are this far apart when many transactions come, so that each message carries several.
const BATCH_INTERVAL: Duration = Duration::from_millis(5);
/// A transaction that still waits is told again after this long: peers were away, or too busy to take it. In a network that
/// keeps up none waits for so long.
const REPEAT_AFTER: Duration = Duration::from_secs(5);
/// Batches that are told again are this far apart: in a network that is behind, telling again must not keep it there.
const REPEAT_INTERVAL: Duration = Duration::from_secs(1);
/// Told transactions that are remembered, to be told again: more than a node takes in between. The oldest are forgotten first.
const TOLD_MAX: usize = 200_000;
/// Batches of peers being verified at a time.
const INCOMING_MAX: usize = 8;

/// What nodes gossip.
#[derive(Encode, Decode)]
struct Batch {
    /// Tells a batch that is sent again from the first one: the network passes on each message once.
    attempt: u32,
    transactions: BoundedVec<SignedTransaction, BATCH_TRANSACTIONS_MAX>,
}

/// When each told transaction is to be told again, soonest first, and how often any was.
#[derive(Default)]
struct Told {
    order: VecDeque<(Instant, Hash)>,
    attempts: u32,
}

impl Told {
    fn remember(&mut self, transactions: &[Arc<VerifiedTransaction>], now: Instant) {
        self.order.extend(transactions.iter().map(|transaction| (now + REPEAT_AFTER, transaction.id())));
        let beyond = self.order.len().saturating_sub(TOLD_MAX);
        self.order.drain(..beyond);
    }

    fn due(&self) -> Option<Instant> {
        self.order.front().map(|(due, _)| *due)
    }

    /// Those that are due and still wait in `mempool`, as many as fit a batch.
    fn take_due(&mut self, mempool: &Mempool, now: Instant) -> Vec<Arc<VerifiedTransaction>> {
        let pool = mempool.lock();
        let (mut again, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES && again.len() < BATCH_TRANSACTIONS_MAX {
            let Some((_, id)) = self.order.pop_front_if(|(due, _)| *due <= now) else { break };
            if let Some(transaction) = pool.get(&id) {
                bytes += transaction.size_bytes();
                again.push(transaction.clone());
            }
        }
        self.attempts = self.attempts.wrapping_add(1);
        again
    }

    /// A peer came: what waits may be news to it.
    fn all_are_due(&mut self, now: Instant) {
        self.order.iter_mut().for_each(|(due, _)| *due = now.min(*due));
    }
}

/// Sends what clients sent to the peers, again if it waits for long, until the queue or the network ends.
pub async fn send(network: Network, mempool: Arc<Mempool>, mut outgoing: mpsc::Receiver<Arc<VerifiedTransaction>>) {
    let mut peers = network.peers();
    let mut connected = count_connected(&peers.borrow_and_update());
    let mut told = Told::default();
    let (mut first_next, mut again_next) = (Instant::now(), Instant::now());
    loop {
        let again_at = told.due().map(|due| due.max(again_next));
        let (attempt, transactions) = tokio::select! {
            first = outgoing.recv() => {
                let Some(first) = first else { return };
                tokio::time::sleep_until(first_next).await;
                first_next = Instant::now() + BATCH_INTERVAL;
                (0, gather(first, &mut outgoing))
            }
            () = tokio::time::sleep_until(again_at.unwrap_or(again_next)), if again_at.is_some() => {
                again_next = Instant::now() + REPEAT_INTERVAL;
                let again = told.take_due(&mempool, Instant::now());
                (told.attempts, again)
            }
            changed = peers.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = count_connected(&peers.borrow_and_update());
                if now > connected {
                    told.all_are_due(Instant::now());
                }
                connected = now;
                continue;
            }
        };
        // A node that lists nobody has nobody to tell, now or later.
        if !peers.borrow().is_empty() {
            told.remember(&transactions, Instant::now());
        }
        if connected > 0 && !transactions.is_empty() && network.gossip(encode(attempt, &transactions)).await.is_err() {
            return;
        }
    }
}

fn count_connected(peers: &[PeerStatus]) -> usize {
    peers.iter().filter(|peer| peer.connected).count()
}

/// A transaction and those behind it, as many as fit a batch.
fn gather(
    first: Arc<VerifiedTransaction>,
    outgoing: &mut mpsc::Receiver<Arc<VerifiedTransaction>>,
) -> Vec<Arc<VerifiedTransaction>> {
    let mut bytes = first.size_bytes();
    let mut transactions = vec![first];
    while bytes < BATCH_BYTES && transactions.len() < BATCH_TRANSACTIONS_MAX {
        let Ok(next) = outgoing.try_recv() else { break };
        bytes += next.size_bytes();
        transactions.push(next);
    }
    transactions
}

fn encode(attempt: u32, transactions: &[Arc<VerifiedTransaction>]) -> Bytes {
    let signed: Vec<_> = transactions.iter().map(|transaction| transaction.signed().clone()).collect();
    let transactions = signed.try_into().expect("batches are gathered within their bound");
    let encoded = Bytes::from(Batch { attempt, transactions }.encode());
    debug_assert!(encoded.len() <= GOSSIP_BYTES_MAX);
    encoded
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
        Ok(batch) => verdict(&admission.submit_all(batch.transactions.into_inner(), Origin::Peer).await),
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
    use crate::mempool::testing::{member, verified};
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

    fn mempool() -> Mempool {
        let limits = crate::mempool::PoolLimits { bytes_max: 1 << 24, transactions_max: 1_000, share_percent_max: 50 };
        Mempool::new(limits, prometheus_client::metrics::counter::Counter::default())
    }

    fn waiting(mempool: &Mempool, numbers: std::ops::Range<u64>) -> Vec<Arc<VerifiedTransaction>> {
        let made: Vec<_> = numbers.map(|number| verified(number, 0, 9_000)).collect();
        made.iter().for_each(|tx| drop(mempool.insert(tx.clone(), member(1)).unwrap()));
        made
    }

    #[test]
    fn what_still_waits_is_told_again_after_a_while_or_when_a_peer_comes() {
        let (mempool, mut told, now) = (mempool(), Told::default(), Instant::now());
        let all = waiting(&mempool, 0..3);
        told.remember(&all, now);
        assert!(told.take_due(&mempool, now).is_empty());
        mempool.lock().finish(all[1].id());
        let again = told.take_due(&mempool, now + REPEAT_AFTER);
        assert_eq!(again, [all[0].clone(), all[2].clone()]);
        assert_eq!(told.due(), None, "they are remembered once they are told");
        told.remember(&again, now);
        told.all_are_due(now);
        assert_eq!(told.take_due(&mempool, now).len(), 2);
        assert_ne!(encode(told.attempts, &again), encode(0, &again), "told again, it is another message");
    }

    #[test]
    fn the_bytes_between_nodes_are_frozen() {
        let batch = encode(7, &[verified(1, 0, 9_000), verified(2, 5, 9_000)]);
        let frozen = "7c240be06f00e97355a5e1d07a41bd689f3e40dfad6bdab27b46363254809fc7";
        assert_eq!(Hash::of("frozen", &batch).to_string(), frozen);
    }

    #[test]
    fn told_again_is_one_batch_at_a_time_and_memory_is_bounded() {
        let (mempool, mut told, now) = (mempool(), Told::default(), Instant::now());
        let all = waiting(&mempool, 0..10);
        let copies: Vec<_> = all.iter().cycle().take(BATCH_TRANSACTIONS_MAX + 10).cloned().collect();
        told.remember(&copies, now);
        let batch = told.take_due(&mempool, now + REPEAT_AFTER);
        assert!(batch.len() <= BATCH_TRANSACTIONS_MAX && told.order.len() == copies.len() - batch.len());
        assert!(encode(1, &batch).len() <= GOSSIP_BYTES_MAX);
        (0..TOLD_MAX / copies.len() + 2).for_each(|_| told.remember(&copies, now));
        assert_eq!(told.order.len(), TOLD_MAX);
    }

    #[tokio::test]
    async fn what_waits_goes_into_one_batch_within_its_bytes() {
        let (sender, mut queue) = mpsc::channel(5_000);
        for number in 1..2_000 {
            sender.try_send(verified(number, 0, 9_000)).unwrap();
        }
        let batch = gather(verified(0, 0, 9_000), &mut queue);
        let bytes: usize = batch.iter().map(|tx| tx.size_bytes()).sum();
        let size = batch[0].size_bytes();
        assert!((BATCH_BYTES..BATCH_BYTES + size).contains(&bytes), "{bytes}");
        assert_eq!(gather(verified(0, 0, 9_000), &mut queue).len(), 2_000 - batch.len() + 1);
    }
}
