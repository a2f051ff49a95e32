//! How keys, values and the tree's nodes hash: all of the tree that a verifier of proofs needs.
use countersign_types::{Hash, Hasher};

/// Hash of a state key: where its leaf stands.
pub fn key_hash(key: &[u8]) -> Hash {
    Hash::of("state-key", key)
}

/// Hash of a state value.
pub fn value_hash(value: &[u8]) -> Hash {
    Hash::of("state-value", value)
}

/// Root of the empty state.
pub(crate) fn empty_hash() -> Hash {
    Hash::of("state-empty", &[])
}

pub(crate) fn leaf_hash(key: &Hash, value: &Hash) -> Hash {
    let mut hasher = Hasher::new("state-leaf");
    hasher.update(&key.0).update(&value.0);
    hasher.finish()
}

pub(crate) fn inner_hash(bit: u8, left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Hasher::new("state-inner");
    hasher.update(&[bit]).update(&left.0).update(&right.0);
    hasher.finish()
}

/// Bit `at` of a key hash; 0 is the first byte's most significant, so that bits order as bytes do.
pub(crate) fn bit(hash: &Hash, at: u8) -> bool {
    hash.0[usize::from(at / 8)] & (0x80 >> (at % 8)) != 0
}
