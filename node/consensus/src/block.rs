//! A block as it came from a peer: proven to be what its hash says, and nothing more.
use bytes::Bytes;
use countersign_types::{Block, DecodeError, Hash, block};

/// A block whose bytes are canonical and bound by its header's hash. Nothing else about it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedBlock {
    hash: Hash,
    block: Block,
    bytes: Bytes,
}

/// Bytes that are no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBlock {
    /// Too long, truncated, not canonical, or followed by further bytes.
    #[error("the bytes are not a block")]
    Malformed(#[from] DecodeError),
    /// The transactions are not those the header names.
    #[error("the header names transactions with the root {expected}, the block holds others ({found})")]
    OtherTransactions {
        /// The root in the header.
        expected: Hash,
        /// The root of the transactions that came.
        found: Hash,
    },
    /// The evidence is not that which the header names.
    #[error("the header names evidence with the hash {expected}, the block holds other ({found})")]
    OtherEvidence {
        /// The hash in the header.
        expected: Hash,
        /// The hash of the evidence that came.
        found: Hash,
    },
}

impl ReceivedBlock {
    /// Decodes a block and checks that its header's hash stands for all of its bytes.
    ///
    /// # Errors
    /// [`BadBlock`].
    pub fn check(bytes: Bytes) -> Result<Self, BadBlock> {
        let decoded = Block::from_bytes(&bytes)?;
        let found = block::transactions_root(&decoded.transactions);
        let expected = decoded.header.tx_root;
        if found != expected {
            return Err(BadBlock::OtherTransactions { expected, found });
        }
        let found = block::evidence_hash(&decoded.evidence);
        let expected = decoded.header.evidence_hash;
        if found != expected {
            return Err(BadBlock::OtherEvidence { expected, found });
        }
        Ok(Self { hash: decoded.header.hash(), block: decoded, bytes })
    }

    /// The header's hash.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The block.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// The block's encoding: what to make durable.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The block and its encoding.
    pub fn into_parts(self) -> (Block, Bytes) {
        (self.block, self.bytes)
    }
}
