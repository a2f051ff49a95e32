//! Whether a block may follow the newest one. The verdict depends on the block and the chain, but for one bound on its time that
//! depends on this machine's clock and does not apply to certified blocks.
use super::{Head, read};
use crate::mempool::Mempool;
use countersign_types::transaction::{TransactionError, TransactionId};
use countersign_types::{Block, Evidence, Hash, Header, Height, PublicKey, Timestamp, VerifiedTransaction, limits};
use std::collections::{HashMap, HashSet};

/// The rule a block breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is of another chain.
    #[error("it is of chain {0}")]
    OtherChain(Hash),
    /// It does not follow the newest block.
    #[error("its height is {found}, {expected} is next")]
    Height {
        /// Height in the header.
        found: Height,
        /// The height that is next.
        expected: Height,
    },
    /// It follows another block.
    #[error("its parent is {0}, not the newest block")]
    Parent(Hash),
    /// Time does not go on.
    #[error("its time {found} is not after its parent's {parent}")]
    NotLater {
        /// Time in the header.
        found: Timestamp,
        /// The parent's.
        parent: Timestamp,
    },
    /// It is from the future.
    #[error("its time is {ahead_ms} ms ahead of this node's clock, more than {limit_ms}")]
    Ahead {
        /// Milliseconds ahead.
        ahead_ms: u64,
        /// Milliseconds allowed.
        limit_ms: u64,
    },
    /// Its proposer does not vote at this height.
    #[error("its proposer is no validator of this height")]
    Proposer,
    /// A hash in the header is not the one that follows from the parent.
    #[error("its {what} is {found}, {expected} follows from the parent")]
    Derived {
        /// The field.
        what: &'static str,
        /// In the header.
        found: Hash,
        /// What this node has.
        expected: Hash,
    },
    /// Evidence not in the order of what it is about, or twice about the same.
    #[error("its evidence {index} does not come after the one before it")]
    EvidenceOrder {
        /// Its place.
        index: usize,
    },
    /// Evidence of what has not been decided: votes of an honest validator are of the next height at most.
    #[error("its evidence {index} is of height {found}, above its parent's {parent}")]
    EvidenceAhead {
        /// Its place.
        index: usize,
        /// Height of the statements.
        found: Height,
        /// The parent's.
        parent: Height,
    },
    /// Evidence against somebody who is no validator of this height.
    #[error("its evidence {index} is against {validator}, who is no validator of this height")]
    EvidenceStranger {
        /// Its place.
        index: usize,
        /// Whom it accuses.
        validator: PublicKey,
    },
    /// Evidence of what the ledger holds already.
    #[error("its evidence {index} is recorded already")]
    EvidenceRecorded {
        /// Its place.
        index: usize,
    },
    /// Evidence against a validator of whom the ledger holds enough.
    #[error("its evidence {index} is against {validator}, of whom the ledger holds enough")]
    EvidenceEnough {
        /// Its place.
        index: usize,
        /// Whom it accuses.
        validator: PublicKey,
    },
    /// Evidence that proves nothing: statements that agree, are of different steps, or are not signed by whom they name.
    #[error("its evidence {index} proves nothing")]
    EvidenceInvalid {
        /// Its place.
        index: usize,
    },
    /// More transactions than the chain allows.
    #[error("it holds {found} transactions, more than {limit}")]
    TooMany {
        /// Transactions.
        found: usize,
        /// Allowed.
        limit: usize,
    },
    /// More bytes of transactions than the chain allows.
    #[error("it holds {found} bytes of transactions, more than {limit}")]
    TooLarge {
        /// Bytes.
        found: usize,
        /// Allowed.
        limit: usize,
    },
    /// The same transaction twice.
    #[error("it holds {0} twice")]
    Duplicate(TransactionId),
    /// A transaction is malformed or wrongly signed.
    #[error("its transaction {index} is wrong: {cause}")]
    Transaction {
        /// Its place.
        index: usize,
        /// What is wrong.
        cause: TransactionError,
    },
}

/// Judges a block that would follow `head`. `clock` is this machine's, or nothing for a certified block. Returns its transactions,
/// verified; those in the mempool are not verified again.
///
/// # Errors
/// [`Refusal`]: the first rule it breaks.
pub(super) fn judge(
    head: &Head,
    mempool: &Mempool,
    block: &Block,
    clock: Option<Timestamp>,
) -> Result<Vec<VerifiedTransaction>, Refusal> {
    check_header(head, &block.header, clock)?;
    check_evidence(head, &block.evidence)?;
    let limit = head.params.block_transactions_max as usize;
    if block.transactions.len() > limit {
        return Err(Refusal::TooMany { found: block.transactions.len(), limit });
    }
    let mut known = HashSet::with_capacity(block.transactions.len());
    let ids: Vec<Hash> = block.transactions.iter().map(|tx| tx.transaction.id().0).collect();
    if let Some(twice) = ids.iter().find(|id| !known.insert(**id)) {
        return Err(Refusal::Duplicate(TransactionId(*twice)));
    }
    let transactions = verify(mempool, block, &ids, &head.header.chain)?;
    let (found, limit) =
        (transactions.iter().map(VerifiedTransaction::size_bytes).sum(), head.params.block_bytes_max as usize);
    if found > limit { Err(Refusal::TooLarge { found, limit }) } else { Ok(transactions) }
}

fn check_header(head: &Head, header: &Header, clock: Option<Timestamp>) -> Result<(), Refusal> {
    let (parent, expected) = (&head.header, head.height().next());
    if header.chain != parent.chain {
        return Err(Refusal::OtherChain(header.chain));
    }
    if header.height != expected {
        return Err(Refusal::Height { found: header.height, expected });
    }
    if header.parent != head.hash {
        return Err(Refusal::Parent(header.parent));
    }
    if header.time <= parent.time {
        return Err(Refusal::NotLater { found: header.time, parent: parent.time });
    }
    if let Some(clock) = clock {
        let (ahead_ms, limit_ms) = (header.time.saturating_since(clock), head.params.block_time_ahead_ms_max);
        if ahead_ms > limit_ms {
            return Err(Refusal::Ahead { ahead_ms, limit_ms });
        }
    }
    if !head.validators.0.iter().any(|validator| validator.key == header.proposer) {
        return Err(Refusal::Proposer);
    }
    let derived = [
        ("state root", header.state_root, head.state.root()),
        ("receipts root", header.receipts_root, head.receipts_root),
        ("validators' hash", header.validators_hash, head.validators.hash()),
        ("next validators' hash", header.next_validators_hash, head.next_validators.hash()),
        ("parameters' hash", header.params_hash, head.params.hash()),
    ];
    match derived.into_iter().find(|(_, found, expected)| found != expected) {
        Some((what, found, expected)) => Err(Refusal::Derived { what, found, expected }),
        None => Ok(()),
    }
}

/// Each is about something else, proven, new to the ledger, and against somebody who has power to lose. The dear check comes last.
fn check_evidence(head: &Head, evidence: &[Evidence]) -> Result<(), Refusal> {
    let keys: Vec<Vec<u8>> = evidence.iter().map(Evidence::state_key).collect();
    if let Some(before) = keys.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(Refusal::EvidenceOrder { index: before + 1 });
    }
    let mut held: HashMap<PublicKey, usize> = HashMap::new();
    for (index, found) in evidence.iter().enumerate() {
        if found.height() > head.height() {
            return Err(Refusal::EvidenceAhead { index, found: found.height(), parent: head.height() });
        }
        let validator = found.validator();
        if !head.validators.0.iter().any(|known| known.key == validator) {
            return Err(Refusal::EvidenceStranger { index, validator });
        }
        if countersign_executor::is_recorded(&head.state, found) {
            return Err(Refusal::EvidenceRecorded { index });
        }
        let held = held.entry(validator).or_insert_with(|| read::evidence_count(&head.state, &validator));
        *held += 1;
        if *held > limits::EVIDENCE_PER_VALIDATOR_MAX {
            return Err(Refusal::EvidenceEnough { index, validator });
        }
        if !found.is_valid(&head.header.chain) {
            return Err(Refusal::EvidenceInvalid { index });
        }
    }
    Ok(())
}

/// Verifies in one batch what the mempool does not hold verified already; it remembers these, as their copies may still come.
pub(super) fn verify(
    mempool: &Mempool,
    block: &Block,
    ids: &[Hash],
    chain: &Hash,
) -> Result<Vec<VerifiedTransaction>, Refusal> {
    let known: Vec<_> = block.transactions.iter().zip(ids).map(|(tx, id)| mempool.verified(tx, id)).collect();
    let unknown = block.transactions.iter().zip(&known).filter(|(_, known)| known.is_none());
    let mut verdicts = mempool.verify(unknown.map(|(tx, _)| tx.clone()).collect(), chain).into_iter();
    known
        .into_iter()
        .enumerate()
        .map(|(index, known)| match known {
            Some(verified) => Ok(VerifiedTransaction::clone(&verified)),
            None => {
                let verdict = verdicts.next().expect("one verdict for each unknown transaction");
                let verified = verdict.map_err(|cause| Refusal::Transaction { index, cause })?;
                mempool.remember_judged(verified.clone());
                Ok(verified)
            }
        })
        .collect()
}
