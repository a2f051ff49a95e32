//! Blocks and signed offers for this crate's tests.
use crate::block::ReceivedBlock;
use crate::context::Offer;
use bytes::Bytes;
use countersign_types::evidence::{SignedStatement, Statement};
use countersign_types::limits::ARGS_BYTES_MAX;
use countersign_types::{
    Block, BoundedVec, Call, Hash, Header, Height, PublicKey, Selector, SignedTransaction, Timestamp, Transaction,
    block, signature,
};
use parity_scale_codec::Encode;
use std::sync::Arc;

/// The chain of these tests.
pub(crate) const CHAIN: Hash = Hash([7; 32]);

/// The key of the validator with that seed.
pub(crate) fn key(seed: u8) -> PublicKey {
    signature::public_key(&[seed; 32])
}

/// What the validator with that seed says.
pub(crate) fn signed(seed: u8, statement: Statement) -> SignedStatement {
    let signature = signature::sign(&[seed; 32], &statement.message(&CHAIN));
    SignedStatement { validator: key(seed), statement, signature }
}

/// A block of that height with about `size` bytes of transactions.
pub(crate) fn padded_block(height: Height, size: usize) -> Block {
    let transaction = |size: usize| SignedTransaction {
        transaction: Transaction {
            chain: CHAIN,
            valid_from: Timestamp::ZERO,
            expires_at: Timestamp::MAX,
            salt: [0; 8],
            calls: vec![Call {
                module: "filler".parse().unwrap(),
                method: Selector([0; 8]),
                parties: BoundedVec::empty(),
                args: vec![7; size].try_into().unwrap(),
            }]
            .try_into()
            .unwrap(),
        },
        signatures: BoundedVec::empty(),
    };
    let sizes = (0..size).step_by(ARGS_BYTES_MAX).map(|begin| (size - begin).min(ARGS_BYTES_MAX));
    let transactions: Vec<_> = sizes.map(transaction).collect();
    let header = Header {
        chain: CHAIN,
        height,
        parent: Hash::ZERO,
        time: Timestamp::from_millis(height.get()),
        proposer: key(1),
        tx_root: block::transactions_root(&transactions),
        evidence_hash: block::evidence_hash(&[]),
        state_root: Hash::ZERO,
        receipts_root: Hash::ZERO,
        validators_hash: Hash::ZERO,
        next_validators_hash: Hash::ZERO,
        params_hash: Hash::ZERO,
    };
    Block { header, evidence: countersign_types::BoundedVec::empty(), transactions: transactions.try_into().unwrap() }
}

/// An empty block of that height.
pub(crate) fn block(height: Height) -> Block {
    padded_block(height, 0)
}

/// That block, as if it had come from a peer.
pub(crate) fn received(block: &Block) -> ReceivedBlock {
    ReceivedBlock::check(Bytes::from(block.encode())).unwrap()
}

/// A block offered by the validator with that seed.
pub(crate) fn padded_offer(seed: u8, height: Height, round: u32, size: usize) -> Offer {
    let block = received(&padded_block(height, size));
    let signed = signed(seed, Statement::Offer { height, round, block: block.hash() });
    Offer { signed, block: Arc::new(block) }
}

/// An empty block offered by the validator with that seed.
pub(crate) fn offer(seed: u8, height: Height, round: u32) -> Offer {
    padded_offer(seed, height, round, 0)
}
