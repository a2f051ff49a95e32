//! Receipts as they are stored: without what their block says too, so some 30 bytes instead of 210 for a transfer,
//! and as these are alike, one once the store has packed them.
//!
//! A transaction's receipt stands where the transaction does and names accounts that the transaction names: its subject is left
//! out, and the rest is packed with the transaction's bytes as the dictionary.
use countersign_state::packed;
use countersign_types::receipt::Subject;
use countersign_types::transaction::TransactionId;
use countersign_types::{Block, DecodeError, Hash, Receipt, SignedTransaction};
use parity_scale_codec::{Decode, DecodeAll, Encode};

/// Bytes of the stored receipts of a block: a record of the store holds no more.
const BLOCK_BYTES_MAX: usize = 256 << 20;
/// Bytes of one receipt: 256 events of 4 KiB with their accounts.
const RECEIPT_BYTES_MAX: usize = 4 << 20;

/// One receipt.
#[derive(Encode, Decode)]
struct Packed {
    /// `None` if it is that of the transaction that stands there.
    subject: Option<Subject>,
    /// Outcome, gas and events.
    rest: Vec<u8>,
}

type Rest<'r> = (&'r Result<(), countersign_types::Failure>, &'r countersign_types::Gas, &'r Events);
type Events = countersign_types::BoundedVec<countersign_types::Event, { countersign_types::limits::EVENTS_MAX }>;

/// The receipts of `block`, the ids of whose transactions are `ids`, for the store.
pub(crate) fn pack(block: &Block, ids: &[Hash], receipts: &[Receipt]) -> Vec<u8> {
    let before = receipts.len().saturating_sub(block.transactions.len());
    let pack = |(at, receipt): (usize, &Receipt)| {
        let transaction = at.checked_sub(before).and_then(|at| Some((block.transactions.get(at)?, ids.get(at)?)));
        let is_there = transaction.is_some_and(|(_, id)| receipt.subject == Subject::Transaction(*id));
        let rest: Rest<'_> = (&receipt.outcome, &receipt.gas, &receipt.events);
        let rest = packed::pack(&rest.encode(), &dictionary(transaction.map(|(transaction, _)| transaction)));
        Packed { subject: (!is_there).then_some(receipt.subject), rest }
    };
    receipts.iter().enumerate().map(pack).collect::<Vec<_>>().encode()
}

/// The receipts of `block` from the store.
///
/// # Errors
/// [`DecodeError`] if they are not those of this block, or damaged.
pub(crate) fn unpack(block: &Block, bytes: &[u8]) -> Result<Vec<Receipt>, DecodeError> {
    let stored: Vec<Packed> = countersign_types::decode("receipts", bytes, BLOCK_BYTES_MAX)?;
    let before = stored.len().saturating_sub(block.transactions.len());
    let unpack = |(at, Packed { subject, rest }): (usize, Packed)| {
        let transaction = at.checked_sub(before).and_then(|at| block.transactions.get(at));
        let rest = packed::unpack(&rest, &dictionary(transaction), RECEIPT_BYTES_MAX)?;
        let (outcome, gas, events) = DecodeAll::decode_all(&mut &rest[..]).ok()?;
        let subject = match (subject, transaction) {
            (Some(subject), _) => subject,
            (None, transaction) => {
                let TransactionId(id) = transaction?.transaction.id();
                Subject::Transaction(id)
            }
        };
        Some(Receipt { subject, outcome, gas, events })
    };
    let receipts = stored.into_iter().enumerate().map(unpack).collect::<Option<Vec<_>>>();
    receipts.ok_or(DecodeError::Malformed { what: "receipts", cause: "they are not those of this block".into() })
}

fn dictionary(transaction: Option<&SignedTransaction>) -> Vec<u8> {
    transaction.map(Encode::encode).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::tests::{advance, early_payment, mempool, opened, submit};
    use countersign_state::MemoryStore;
    use countersign_types::{BoundedVec, Gas};
    use std::sync::Arc;

    /// A block of payments with its receipts.
    async fn executed() -> Arc<crate::chain::Executed> {
        let (store, pool) = (Arc::new(MemoryStore::default()), mempool());
        let opened = opened(&store, &pool).await;
        (0..20).for_each(|salt| submit(&opened.chain, &pool, early_payment(&opened.chain, salt)));
        let head = advance(&opened, &store, &pool).await;
        opened.chain.executed(head.height()).unwrap().unwrap()
    }

    #[tokio::test]
    async fn receipts_are_read_back_as_they_were_and_are_short() {
        let executed = executed().await;
        let (block, receipts) = (&executed.block, &executed.receipts);
        let ids = crate::mempool::ids(&block.transactions);
        let stored = pack(block, &ids, receipts);
        assert_eq!(unpack(block, &stored).unwrap(), *receipts);
        assert!(stored.len() * 3 < receipts.encode().len(), "{} of {}", stored.len(), receipts.encode().len());
        // Jobs come first, and nothing is taken for granted: a subject of another place is kept.
        let job = Receipt { subject: Subject::Job(7), outcome: Ok(()), gas: Gas::new(1), events: BoundedVec::empty() };
        let mut others = [&[job][..], receipts].concat();
        assert_eq!(unpack(block, &pack(block, &ids, &others)).unwrap(), others);
        others.reverse();
        assert_eq!(unpack(block, &pack(block, &ids, &others)).unwrap(), others);
        assert_eq!(unpack(block, &pack(block, &ids, &[])).unwrap(), []);
    }

    #[tokio::test]
    async fn receipts_of_another_block_and_damaged_ones_are_no_panic() {
        let executed = executed().await;
        let block = &executed.block;
        let stored = pack(block, &crate::mempool::ids(&block.transactions), &executed.receipts);
        let mut other = block.clone();
        other.transactions = BoundedVec::empty();
        assert!(unpack(&other, &stored).is_err());
        assert!(unpack(block, &stored[..stored.len() - 1]).is_err());
        for at in 0..stored.len() {
            let mut altered = stored.clone();
            altered[at] ^= 0x55;
            let _ = unpack(block, &altered);
        }
    }
}
