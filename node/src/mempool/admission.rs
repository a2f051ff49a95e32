//! The one door into the mempool, for transactions of clients and of peers alike.
//!
//! Signatures are verified in batches, which halves their cost: what arrives while a batch is being verified, or within
//! [`GATHER`] of it, goes into the next one. When nothing else is going on a transaction does not wait.
use super::{Mempool, PoolError};
use crate::chain::Chain;
use crate::metrics::Metrics;
use countersign_types::transaction::{TransactionError, TransactionId};
use countersign_types::{AccountId, Failure, Hash, SignedTransaction, Timestamp, VerifiedTransaction};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Submissions that wait for their batch; beyond it a submitter waits before it is read on.
const QUEUE: usize = 4_096;
/// Signatures verified together: larger batches gain less than a tenth.
const BATCH_SIGNATURES: usize = 512;
/// Longest wait for a fuller batch, and how long after a batch the next one is gathered rather than run at once.
const GATHER: Duration = Duration::from_millis(2);
/// A transaction may come this long before its `valid_from`: a client's clock that is ahead is no reason to refuse.
const EARLY_MS_MAX: u64 = 60_000;

/// Where a transaction came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A client of this node, now or before its restart: it is kept over a restart, and peers are to hear of it.
    Client,
    /// A peer.
    Peer,
}

/// Why a transaction was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// Its bytes, shape or signatures are wrong.
    #[error(transparent)]
    Malformed(#[from] TransactionError),
    /// It would fail in a block made now.
    #[error(transparent)]
    Refused(Failure),
    /// It waits already, or ran a moment ago; or there is no room for it.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// It waits, but would not survive a crash of this node: the journal cannot be written.
    #[error("the node cannot write its journal of waiting transactions")]
    Journal,
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

type Reply = oneshot::Sender<Result<TransactionId, AdmissionError>>;

struct Submission {
    transaction: SignedTransaction,
    origin: Origin,
    reply: Reply,
}

/// The door; clones lead to the same one.
#[derive(Clone, Debug)]
pub struct Admission {
    submissions: mpsc::Sender<Submission>,
}

/// What the door leads to.
pub(crate) struct Gate {
    pub chain: Arc<Chain>,
    pub mempool: Arc<Mempool>,
    pub metrics: Metrics,
    /// Takes what clients sent, for the peers.
    pub outgoing: mpsc::Sender<Arc<VerifiedTransaction>>,
}

impl Admission {
    /// Opens the door. It closes when all clones are gone.
    pub(crate) fn open(gate: Gate) -> Self {
        let (submissions, queue) = mpsc::channel(QUEUE);
        tokio::spawn(run(Arc::new(gate), queue));
        Self { submissions }
    }

    /// Verifies a transaction and lets it wait.
    ///
    /// # Errors
    /// [`AdmissionError`].
    pub async fn submit(
        &self,
        transaction: SignedTransaction,
        origin: Origin,
    ) -> Result<TransactionId, AdmissionError> {
        self.enqueue(transaction, origin).await?.await.map_err(|_| AdmissionError::Stopping)?
    }

    /// Verifies several together; the answers are in order.
    pub async fn submit_all(
        &self,
        transactions: Vec<SignedTransaction>,
        origin: Origin,
    ) -> Vec<Result<TransactionId, AdmissionError>> {
        let mut answers = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            answers.push(self.enqueue(transaction, origin).await);
        }
        let mut results = Vec::with_capacity(answers.len());
        for answer in answers {
            results.push(match answer {
                Ok(answer) => answer.await.unwrap_or(Err(AdmissionError::Stopping)),
                Err(error) => Err(error),
            });
        }
        results
    }

    async fn enqueue(
        &self,
        transaction: SignedTransaction,
        origin: Origin,
    ) -> Result<oneshot::Receiver<Result<TransactionId, AdmissionError>>, AdmissionError> {
        let (reply, answer) = oneshot::channel();
        let submission = Submission { transaction, origin, reply };
        self.submissions.send(submission).await.map_err(|_| AdmissionError::Stopping)?;
        Ok(answer)
    }
}

async fn run(gate: Arc<Gate>, mut queue: mpsc::Receiver<Submission>) {
    let mut last = Instant::now() - GATHER;
    while let Some(first) = queue.recv().await {
        let busy = last.elapsed() < GATHER;
        let batch = gather(first, &mut queue, busy).await;
        let worker = gate.clone();
        let done = tokio::task::spawn_blocking(move || admit_batch(&worker, batch)).await;
        done.expect("admission does not panic");
        last = Instant::now();
    }
}

/// The first submission and those behind it; waits for more only when the node is busy with them anyway.
async fn gather(first: Submission, queue: &mut mpsc::Receiver<Submission>, busy: bool) -> Vec<Submission> {
    let until = Instant::now() + GATHER;
    let mut signatures = first.transaction.signatures.len();
    let mut batch = vec![first];
    while signatures < BATCH_SIGNATURES {
        let next = match queue.try_recv() {
            Ok(next) => Some(next),
            Err(_) if busy => tokio::time::timeout_at(until, queue.recv()).await.ok().flatten(),
            Err(_) => None,
        };
        let Some(next) = next else { break };
        signatures += next.transaction.signatures.len();
        batch.push(next);
    }
    batch
}

/// A submission on its way through the door.
struct Entering {
    transaction: Arc<VerifiedTransaction>,
    origin: Origin,
    reply: Reply,
}

fn admit_batch(gate: &Gate, batch: Vec<Submission>) {
    let entering = verify_batch(gate, batch);
    let head = gate.chain.head();
    let now = gate.chain.clock().now().max(head.header.time);
    let (mut kept, mut answers) = (Vec::new(), Vec::with_capacity(entering.len()));
    for Entering { transaction, origin, reply } in entering {
        let answer = admit(gate, &head, &transaction, now);
        if answer.is_ok() && origin == Origin::Client {
            gate.mempool.lock().mark_own(transaction.id());
            kept.push(transaction);
        }
        answers.push((origin, reply, answer));
    }
    // In the journal before the client hears of it, and told to peers whatever becomes of the journal: it waits here.
    let journaled = gate.mempool.keep(&kept);
    if let Err(error) = &journaled {
        tracing::error!(error = %crate::report::chain(error), "transactions of clients cannot be kept");
    }
    for transaction in kept {
        // A full queue costs peers the news for a while: what waits too long is told again.
        let _ = gate.outgoing.try_send(transaction);
    }
    for (origin, reply, answer) in answers {
        let is_lost = journaled.is_err() && origin == Origin::Client;
        let answer = answer.and_then(|id| if is_lost { Err(AdmissionError::Journal) } else { Ok(id) });
        answer_to(gate, reply, answer);
    }
    let pool = gate.mempool.lock();
    gate.metrics.mempool_transactions.set(pool.len() as i64);
    gate.metrics.mempool_bytes.set(pool.bytes() as i64);
}

fn answer_to(gate: &Gate, reply: Reply, answer: Result<TransactionId, AdmissionError>) {
    let counted = if answer.is_ok() { &gate.metrics.admitted } else { &gate.metrics.refused };
    counted.inc();
    // Fails if the one who asked is gone.
    let _ = reply.send(answer);
}

/// Verifies what is new, all together and each once. The rest is answered here.
fn verify_batch(gate: &Gate, batch: Vec<Submission>) -> Vec<Entering> {
    let (mut entering, mut unverified, mut waiting) = (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
    let mut copies: Vec<(usize, Reply)> = Vec::new();
    let mut places: HashMap<Hash, usize> = HashMap::new();
    for Submission { transaction, origin, reply } in batch {
        let id = transaction.transaction.id().0;
        // A copy of what waits already is not verified again: most gossip is one.
        if gate.mempool.lock().knows(&id) {
            let _ = reply.send(Err(PoolError::Known.into()));
        } else if let Some(transaction) = gate.mempool.verified(&transaction, &id) {
            entering.push(Entering { transaction, origin, reply });
        } else if let Some(place) = places.get(&id).filter(|place| unverified[**place] == transaction) {
            copies.push((*place, reply));
        } else {
            places.insert(id, unverified.len());
            unverified.push(transaction);
            waiting.push((origin, reply));
        }
    }
    let signatures: usize = unverified.iter().map(|transaction| transaction.signatures.len()).sum();
    if signatures > 0 {
        gate.metrics.batch_signatures.observe(signatures as f64);
    }
    let verdicts = gate.mempool.verify(unverified, &gate.chain.id());
    for (place, reply) in copies {
        let known = verdicts[place].as_ref().map_or_else(|cause| cause.clone().into(), |_| PoolError::Known.into());
        answer_to(gate, reply, Err(known));
    }
    for (verdict, (origin, reply)) in verdicts.into_iter().zip(waiting) {
        match verdict {
            Ok(transaction) => entering.push(Entering { transaction: Arc::new(transaction), origin, reply }),
            Err(cause) => answer_to(gate, reply, Err(cause.into())),
        }
    }
    entering
}

fn admit(
    gate: &Gate,
    head: &crate::chain::Head,
    transaction: &Arc<VerifiedTransaction>,
    now: Timestamp,
) -> Result<TransactionId, AdmissionError> {
    let valid_from = transaction.transaction().valid_from;
    if valid_from.saturating_since(now) > EARLY_MS_MAX {
        return Err(AdmissionError::Refused(Failure::NotYetValid));
    }
    let at = now.max(valid_from);
    gate.chain.executor().check(&head.state, transaction, at).map_err(AdmissionError::Refused)?;
    let member =
        payer(head, transaction).ok_or(AdmissionError::Refused(Failure::UnknownAccount(first_party(transaction))))?;
    let displaced = gate.mempool.insert(transaction.clone(), member)?;
    gate.metrics.displaced.inc_by(displaced.len() as u64);
    Ok(TransactionId(transaction.id()))
}

fn first_party(transaction: &VerifiedTransaction) -> AccountId {
    *transaction.transaction().calls.iter().flat_map(|call| call.parties.iter()).next().expect("every call has a party")
}

/// The member whose quota pays: that of the first party of the first call.
fn payer(head: &crate::chain::Head, transaction: &VerifiedTransaction) -> Option<AccountId> {
    crate::chain::read::account(&head.state, &first_party(transaction)).map(|account| account.member)
}

/// True if no honest peer would have passed on a transaction refused for this reason.
pub fn is_senders_fault(error: &AdmissionError) -> bool {
    match error {
        // Wrong whatever the state is: a node verifies before it passes on.
        AdmissionError::Malformed(_) => true,
        // The peer may be some blocks behind or ahead.
        AdmissionError::Refused(_) => false,
        // Says something about this node only.
        AdmissionError::Pool(_) | AdmissionError::Journal | AdmissionError::Stopping => false,
    }
}

/// The ids of transactions, for those who hold only bytes.
pub fn ids(transactions: &[SignedTransaction]) -> Vec<Hash> {
    transactions.iter().map(|tx| tx.transaction.id().0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::tests::{advance, mempool, opened, payment};
    use countersign_state::MemoryStore;

    struct Door {
        opened: crate::chain::Opened,
        store: Arc<MemoryStore>,
        mempool: Arc<Mempool>,
        metrics: Metrics,
        admission: Admission,
        outgoing: mpsc::Receiver<Arc<VerifiedTransaction>>,
    }

    /// A door of a chain whose newest block is of today, as a client's transactions are.
    async fn door() -> Door {
        let (store, mempool, metrics) = (Arc::new(MemoryStore::new()), mempool(), Metrics::new());
        let opened = opened(&store, &mempool).await;
        let (sender, outgoing) = mpsc::channel(64);
        let gate =
            Gate { chain: opened.chain.clone(), mempool: mempool.clone(), metrics: metrics.clone(), outgoing: sender };
        Door { opened, store, mempool, metrics, admission: Admission::open(gate), outgoing }
    }

    fn fresh(door: &Door, salt: u64) -> SignedTransaction {
        payment(&door.opened.chain, salt, door.opened.chain.clock().now())
    }

    #[tokio::test]
    async fn what_clients_send_waits_and_is_told_to_peers_what_peers_send_waits_only() {
        let mut door = door().await;
        let (ours, theirs) = (fresh(&door, 1), fresh(&door, 2));
        let id = door.admission.submit(ours.clone(), Origin::Client).await.unwrap();
        assert_eq!(id, ours.transaction.id());
        door.admission.submit(theirs, Origin::Peer).await.unwrap();
        assert_eq!(door.mempool.lock().len(), 2);
        assert_eq!(door.outgoing.try_recv().unwrap().signed(), &ours);
        assert!(door.outgoing.try_recv().is_err());
        let again = door.admission.submit(ours, Origin::Peer).await.unwrap_err();
        assert!(!is_senders_fault(&again) && again == AdmissionError::Pool(PoolError::Known));
    }

    #[tokio::test]
    async fn many_at_once_are_verified_together_and_answered_each() {
        let door = door().await;
        let mut batch: Vec<_> = (0..40).map(|salt| fresh(&door, salt)).collect();
        batch[7].transaction.salt = [9; 8];
        batch[9] = batch[8].clone();
        let answers = door.admission.submit_all(batch.clone(), Origin::Client).await;
        for (index, (answer, signed)) in answers.iter().zip(&batch).enumerate() {
            match index {
                7 => assert!(matches!(answer, Err(AdmissionError::Malformed(TransactionError::BadSignature { .. })))),
                9 => assert_eq!(answer, &Err(AdmissionError::Pool(PoolError::Known))),
                _ => assert_eq!(answer, &Ok(signed.transaction.id())),
            }
        }
        assert!(answers[7].as_ref().is_err_and(is_senders_fault));
        assert_eq!((door.mempool.lock().len(), door.metrics.admitted.get(), door.metrics.refused.get()), (38, 38, 2));
    }

    #[tokio::test]
    async fn each_transaction_is_verified_once_however_often_it_comes() {
        let door = door().await;
        let verified = || door.mempool.verified.get();
        let (first, second) = (fresh(&door, 1), fresh(&door, 2));
        let twice = vec![first.clone(), first.clone()];
        let answers = door.admission.submit_all(twice, Origin::Peer).await;
        assert_eq!(answers[1], Err(AdmissionError::Pool(PoolError::Known)));
        assert_eq!(verified(), 1);

        // A block brings both: the one that waits, and one whose gossip is still on its way.
        let chain = &door.opened.chain;
        let block = [first.clone(), second.clone()];
        let ids: Vec<Hash> = block.iter().map(|tx| tx.transaction.id().0).collect();
        crate::chain::tests::verify(&door.mempool, chain, &block).unwrap();
        assert_eq!(verified(), 2);
        let mut forged = second.clone();
        let mut signature = forged.signatures[0];
        signature.signature.0[5] ^= 1;
        forged.signatures = vec![signature].try_into().unwrap();
        assert!(door.admission.submit(forged, Origin::Peer).await.is_err_and(|error| is_senders_fault(&error)));
        assert_eq!(verified(), 3, "other bytes under the same id are another matter");
        door.admission.submit(second.clone(), Origin::Client).await.unwrap();
        assert_eq!(verified(), 3);

        ids.iter().for_each(|id| door.mempool.lock().finish(*id));
        for late in block {
            let known = door.admission.submit(late, Origin::Peer).await.unwrap_err();
            assert_eq!(known, AdmissionError::Pool(PoolError::Known));
        }
        assert_eq!(verified(), 3);
    }

    #[tokio::test]
    async fn what_a_client_handed_in_is_in_the_journal_before_it_hears_of_it() {
        let (door, dir) = (door().await, tempfile::tempdir().unwrap());
        let file = dir.path().join("mempool.bin");
        door.mempool.keep_in(crate::mempool::Journal::open(&file).unwrap().0);
        let (ours, theirs) = (fresh(&door, 1), fresh(&door, 2));
        door.admission.submit(theirs, Origin::Peer).await.unwrap();
        door.admission.submit(ours.clone(), Origin::Client).await.unwrap();
        assert_eq!(crate::mempool::Journal::open(&file).unwrap().1, [ours]);
    }

    #[tokio::test]
    async fn what_cannot_be_kept_is_not_acknowledged() {
        let (mut door, dir) = (door().await, tempfile::tempdir().unwrap());
        door.mempool.keep_in(crate::mempool::Journal::unwritable(&dir.path().join("mempool.bin")));
        let refused = door.admission.submit(fresh(&door, 1), Origin::Client).await;
        assert_eq!(refused, Err(AdmissionError::Journal));
        assert!(door.outgoing.try_recv().is_ok(), "it may run all the same");
        assert!(
            door.admission.submit(fresh(&door, 2), Origin::Peer).await.is_ok(),
            "what peers keep is theirs to keep"
        );
    }

    #[tokio::test]
    async fn what_could_not_run_is_refused_and_what_ran_is_known() {
        let door = door().await;
        let chain = &door.opened.chain;
        let refusal = |valid_from: Timestamp| {
            let (admission, signed) = (door.admission.clone(), payment(chain, 1, valid_from));
            async move { admission.submit(signed, Origin::Client).await.unwrap_err() }
        };
        let now = chain.clock().now();
        let later = |ms: u64| now.checked_add_millis(ms).unwrap();
        assert_eq!(refusal(chain.genesis().time).await, AdmissionError::Refused(Failure::Expired));
        let early = refusal(later(EARLY_MS_MAX + 60_000)).await;
        assert_eq!(early, AdmissionError::Refused(Failure::NotYetValid));
        let soon = payment(chain, 2, later(EARLY_MS_MAX / 2));
        assert!(door.admission.submit(soon, Origin::Client).await.is_ok(), "a clock that is ahead is forgiven");

        let signed = payment(chain, 3, chain.head().header.time);
        let verified = VerifiedTransaction::verify(signed.clone(), &chain.id()).unwrap();
        door.mempool.insert(Arc::new(verified), AccountId([1; 32])).unwrap();
        advance(&door.opened, &door.store, &door.mempool).await;
        let again = door.admission.submit(signed, Origin::Client).await.unwrap_err();
        assert_eq!(again, AdmissionError::Pool(PoolError::Known));
    }
}
