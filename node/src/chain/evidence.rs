//! Contradictions of validators that this node saw and the ledger does not hold yet. They wait until a block records them, over a
//! restart too.
//!
//! Nobody gossips evidence: whoever saw it proposes it when its turn comes, and every honest validator saw it.
use super::{Head, read};
use countersign_types::limits::{EVIDENCE_MAX, EVIDENCE_PER_VALIDATOR_MAX, VALIDATORS_MAX};
use countersign_types::{BoundedVec, Evidence, Hash, PublicKey, ValidatorSet};
use parity_scale_codec::Encode;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use tokio::sync::Notify;

/// Evidence that waits: some steps of every validator of the largest set. One that contradicts itself more often is exposed by the
/// first of them.
const WAITING_MAX: usize = 4 * VALIDATORS_MAX;
/// Bytes of the file: the mark and as much evidence as may wait, each of two statements of less than 200 bytes.
const FILE_BYTES_MAX: u64 = 8 + 4 + 400 * WAITING_MAX as u64;
/// First bytes of the file: mark and version.
const MARK: &[u8; 8] = b"CSEVID\x00\x01";

type Listed = BoundedVec<Evidence, WAITING_MAX>;

/// The evidence that waits, by what it is about: the order in which a block holds it.
#[derive(Debug, Default)]
pub(crate) struct WaitingEvidence {
    waiting: Mutex<BTreeMap<Vec<u8>, Evidence>>,
    arrived: Notify,
    file: Option<PathBuf>,
}

impl WaitingEvidence {
    /// What waited before the last stop. A file that cannot be read costs what it held: others saw it too.
    pub fn open(file: Option<PathBuf>, chain: &Hash) -> Self {
        let read = file.as_deref().map_or(Ok(Vec::new()), load);
        let found = read.unwrap_or_else(|error| {
            tracing::warn!(%error, "the evidence that waited is lost here");
            Vec::new()
        });
        let valid = found.into_iter().filter(|evidence| evidence.is_valid(chain));
        let waiting = valid.map(|evidence| (evidence.state_key(), evidence)).collect();
        Self { waiting: Mutex::new(waiting), arrived: Notify::new(), file }
    }

    /// Lets evidence wait that stands on `head` if it ever does; returns what is new. What is beyond [`WAITING_MAX`] is left out.
    pub fn add(&self, found: Vec<Evidence>, head: &Head) -> Vec<Evidence> {
        let mut added = Vec::new();
        {
            let mut waiting = self.lock();
            for evidence in found {
                let key = evidence.state_key();
                let is_new = !waiting.contains_key(&key) && waiting.len() < WAITING_MAX;
                // A block with anything else would be refused, and nothing else in it would pass.
                if is_new && evidence.is_valid(&head.header.chain) && !is_settled(&evidence, head) {
                    waiting.insert(key, evidence);
                    added.push(evidence);
                }
            }
        }
        if !added.is_empty() {
            self.save();
            self.arrived.notify_waiters();
        }
        added
    }

    /// What the block after `head` can record, in the block's order.
    pub fn select(&self, head: &Head) -> Vec<Evidence> {
        let waiting = self.lock();
        let mut held: HashMap<PublicKey, usize> = HashMap::new();
        let due = waiting.values().filter(|evidence| is_due(evidence, head)).filter(|evidence| {
            let validator = evidence.validator();
            let held = held.entry(validator).or_insert_with(|| read::evidence_count(&head.state, &validator));
            *held += 1;
            *held <= EVIDENCE_PER_VALIDATOR_MAX
        });
        due.take(EVIDENCE_MAX).copied().collect()
    }

    /// Forgets what `head` has recorded, and what no later block will.
    pub fn settle(&self, head: &Head) {
        let changed = {
            let mut waiting = self.lock();
            let before = waiting.len();
            waiting.retain(|_, evidence| !is_settled(evidence, head));
            waiting.len() < before
        };
        if changed {
            self.save();
        }
    }

    /// Returns when the block after `head` would record something.
    pub async fn work(&self, head: &Head) {
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            // Waits from here on: what arrives while we look is not missed.
            arrived.as_mut().enable();
            if self.lock().values().any(|evidence| is_due(evidence, head)) {
                return;
            }
            arrived.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Evidence>> {
        self.waiting.lock().expect("no holder of the evidence panics")
    }

    fn save(&self) {
        let Some(file) = &self.file else { return };
        let waiting: Vec<Evidence> = self.lock().values().copied().collect();
        let listed = Listed::try_from(waiting).expect("no more is let wait");
        let draft = file.with_extension("draft");
        let bytes = [&MARK[..], &listed.encode()].concat();
        if let Err(error) = std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, file)) {
            tracing::warn!(%error, file = %file.display(), "evidence that waits is not kept over a restart");
        }
    }
}

/// It stands on the ledger, or enough of the same validator does, or that validator's power is gone: whom it exposes has nothing to
/// lose any more.
fn is_settled(evidence: &Evidence, head: &Head) -> bool {
    let validator = evidence.validator();
    let votes = |validators: &ValidatorSet| validators.0.iter().any(|v| v.key == validator);
    countersign_executor::is_recorded(&head.state, evidence)
        || read::evidence_count(&head.state, &validator) >= EVIDENCE_PER_VALIDATOR_MAX
        || !(votes(&head.validators) || votes(&head.next_validators))
}

/// A block after `head` may hold it: see `judge.rs`.
fn is_due(evidence: &Evidence, head: &Head) -> bool {
    evidence.height() <= head.height()
        && head.validators.0.iter().any(|validator| validator.key == evidence.validator())
        && !is_settled(evidence, head)
}

fn load(file: &Path) -> Result<Vec<Evidence>, std::io::Error> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    match std::fs::File::open(file) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => drop(opened?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?),
    }
    let listed = bytes.strip_prefix(MARK).ok_or(std::io::ErrorKind::InvalidData)?;
    let listed: Listed = countersign_types::decode("evidence", listed, FILE_BYTES_MAX as usize)
        .map_err(|cause| std::io::Error::new(std::io::ErrorKind::InvalidData, cause))?;
    Ok(listed.into_inner())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::chain::tests::{advance, mempool, opened};
    use countersign_state::{Changes, MemoryStore};
    use countersign_types::evidence::{SignedStatement, Statement};
    use countersign_types::signature::{development_secret, public_key, sign};
    use countersign_types::{Height, Validator};
    use std::sync::Arc;

    /// Two prevotes of one round by the well-known key called `name`.
    pub(in crate::chain) fn contradiction(name: &str, chain: &Hash, height: u64, round: u32) -> Evidence {
        let secret = development_secret(name);
        let signed = |block| {
            let statement = Statement::Prevote { height: Height::new(height), round, block };
            let signature = sign(&secret, &statement.message(chain));
            SignedStatement { validator: public_key(&secret), statement, signature }
        };
        Evidence { first: signed(None), second: signed(Some(Hash([1; 32]))) }
    }

    /// `head` with the evidence recorded, as a block would leave it.
    pub(in crate::chain) fn recorded(head: &Head, evidence: &[Evidence]) -> Head {
        let mut changes = Changes::default();
        changes.values.extend(evidence.iter().map(|found| (found.state_key(), Some(vec![1]))));
        Head { state: head.state.apply(head.height(), &changes), ..head.clone() }
    }

    /// A chain's newest block, at height 2.
    async fn head() -> Arc<Head> {
        let (store, pool) = (Arc::new(MemoryStore::default()), mempool());
        let opened = opened(&store, &pool).await;
        advance(&opened, &store, &pool).await;
        advance(&opened, &store, &pool).await
    }

    #[tokio::test]
    async fn evidence_waits_until_it_is_recorded_also_over_a_restart() {
        let (head, dir) = (head().await, tempfile::tempdir().unwrap());
        let chain = head.header.chain;
        let file = Some(dir.path().join("evidence.bin"));
        let waiting = WaitingEvidence::open(file.clone(), &chain);
        let found = contradiction("validator-1", &chain, 2, 0);
        assert_eq!(waiting.add(vec![found, found], &head), [found], "twice is once");
        assert!(waiting.add(vec![found], &head).is_empty());

        let again = WaitingEvidence::open(file.clone(), &chain);
        assert_eq!(again.select(&head), [found]);
        let after = recorded(&head, &[found]);
        assert!(again.select(&after).is_empty());
        again.settle(&after);
        assert!(again.add(vec![found], &after).is_empty(), "the ledger holds it");
        assert!(WaitingEvidence::open(file, &chain).select(&head).is_empty());
    }

    #[tokio::test]
    async fn only_what_a_block_may_hold_is_selected() {
        let head = head().await;
        let chain = head.header.chain;
        let waiting = WaitingEvidence::default();
        let forged = Evidence {
            second: contradiction("validator-1", &Hash::ZERO, 1, 0).second,
            ..contradiction("validator-1", &chain, 1, 0)
        };
        let stranger = contradiction("somebody", &chain, 1, 0);
        assert!(waiting.add(vec![forged, stranger], &head).is_empty());
        let (early, due) = (contradiction("validator-1", &chain, 3, 0), contradiction("validator-1", &chain, 2, 7));
        assert_eq!(waiting.add(vec![early, due], &head).len(), 2);
        assert_eq!(waiting.select(&head), [due], "its height is not decided yet");

        let many: Vec<_> =
            (0..WAITING_MAX as u32 + 5).map(|round| contradiction("validator-1", &chain, 1, round)).collect();
        assert_eq!(waiting.add(many, &head).len(), WAITING_MAX - 2);
        let selected = waiting.select(&head);
        assert_eq!(selected.len(), EVIDENCE_MAX);
        assert!(selected.windows(2).all(|pair| pair[0].state_key() < pair[1].state_key()));
    }

    #[tokio::test]
    async fn evidence_against_one_who_left_is_forgotten_once_it_cannot_be_recorded() {
        let head = head().await;
        let waiting = WaitingEvidence::default();
        let found = contradiction("validator-1", &head.header.chain, 2, 0);
        waiting.add(vec![found], &head);
        let others =
            ValidatorSet(vec![Validator { key: countersign_types::PublicKey([7; 32]), power: 1 }].try_into().unwrap());
        let leaving = Head { next_validators: others.clone(), ..Head::clone(&head) };
        waiting.settle(&leaving);
        assert_eq!(waiting.select(&leaving), [found], "the next block can still record it");
        let left = Head { validators: others, ..leaving };
        assert!(waiting.select(&left).is_empty());
        waiting.settle(&left);
        assert!(waiting.select(&head).is_empty());
    }

    #[tokio::test]
    async fn of_one_validator_the_ledger_records_so_much_and_no_more() {
        let head = head().await;
        let waiting = WaitingEvidence::default();
        let by = |round| contradiction("validator-1", &head.header.chain, 1, round);
        let all: Vec<_> = (0..EVIDENCE_PER_VALIDATOR_MAX as u32 + 2).map(by).collect();
        waiting.add(all.clone(), &head);
        let almost = recorded(&head, &all[..EVIDENCE_PER_VALIDATOR_MAX - 1]);
        assert_eq!(waiting.select(&almost).len(), 1);
        let enough = recorded(&head, &all[..EVIDENCE_PER_VALIDATOR_MAX]);
        assert!(waiting.select(&enough).is_empty());
        waiting.settle(&enough);
        assert!(waiting.lock().is_empty());
    }

    #[tokio::test]
    async fn evidence_is_work_for_an_idle_chain() {
        let head = head().await;
        let waiting = WaitingEvidence::default();
        let work = waiting.work(&head);
        tokio::pin!(work);
        assert!(still_waits(&mut work).await, "nothing waits");
        waiting.add(vec![contradiction("validator-1", &head.header.chain, 2, 0)], &head);
        work.await;
    }

    /// True if the future is not done at once.
    async fn still_waits(future: &mut (impl Future<Output = ()> + Unpin)) -> bool {
        tokio::select! { biased; () = future => false, () = std::future::ready(()) => true }
    }

    #[test]
    fn the_bytes_on_disk_are_frozen() {
        let dir = tempfile::tempdir().unwrap();
        let waiting = WaitingEvidence::open(Some(dir.path().join("evidence.bin")), &Hash::ZERO);
        let found = contradiction("validator-1", &Hash::ZERO, 2, 3);
        waiting.lock().insert(found.state_key(), found);
        waiting.save();
        let frozen = "09fe5495ec54c3aaac706382b92a7750b441157005aa8376b62cbf88dbef2836";
        let bytes = std::fs::read(dir.path().join("evidence.bin")).unwrap();
        assert_eq!(Hash::of("frozen", &bytes).to_string(), frozen);
    }

    #[test]
    fn a_damaged_file_costs_what_it_held() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("evidence.bin");
        std::fs::write(&file, b"CSEVID\x00\x01\xff").unwrap();
        assert!(load(&file).is_err());
        assert!(WaitingEvidence::open(Some(file), &Hash::ZERO).lock().is_empty());
        assert!(load(&dir.path().join("none")).unwrap().is_empty());
    }
}
