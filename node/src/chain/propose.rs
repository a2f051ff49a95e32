//! Making a block of what waits.
use super::Head;
use crate::mempool::Mempool;
use countersign_types::block::{evidence_hash, transactions_root};
use countersign_types::{Block, Evidence, Hash, Header, PublicKey, SignedTransaction, Timestamp, VerifiedTransaction};
use parity_scale_codec::Encode;

/// A block of this node's own.
#[derive(Debug)]
pub(super) struct Draft {
    pub block: Block,
    pub hash: Hash,
    pub bytes: Vec<u8>,
    /// Its transactions, in order.
    pub transactions: Vec<VerifiedTransaction>,
}

/// The block this node would put after `head` now. `evidence` is what [`super::evidence`] selected.
pub(super) fn build(
    head: &Head,
    mempool: &Mempool,
    evidence: Vec<Evidence>,
    proposer: PublicKey,
    clock: Timestamp,
) -> Draft {
    let time = block_time(head, clock);
    let params = &head.params;
    let chosen = mempool.lock().select(time, params.block_bytes_max as usize, params.block_transactions_max as usize);
    let transactions: Vec<VerifiedTransaction> = chosen.iter().map(|tx| VerifiedTransaction::clone(tx)).collect();
    let signed: Vec<SignedTransaction> = transactions.iter().map(|tx| tx.signed().clone()).collect();
    let header = Header {
        chain: head.header.chain,
        height: head.height().next(),
        parent: head.hash,
        time,
        proposer,
        tx_root: transactions_root(&signed),
        evidence_hash: evidence_hash(&evidence),
        state_root: head.state.root(),
        receipts_root: head.receipts_root,
        validators_hash: head.validators.hash(),
        next_validators_hash: head.next_validators.hash(),
        params_hash: head.params.hash(),
    };
    let hash = header.hash();
    let transactions_field = signed.try_into().expect("parameters keep the count within the format's limit");
    let evidence = evidence.try_into().expect("no more is selected than a block holds");
    let block = Block { header, evidence, transactions: transactions_field };
    Draft { hash, bytes: block.encode(), block, transactions }
}

/// This machine's time, but always after the parent's.
pub(super) fn block_time(head: &Head, clock: Timestamp) -> Timestamp {
    let least = head.header.time.checked_add_millis(1).unwrap_or(Timestamp::MAX);
    clock.max(least)
}
