//! Shows what a state holds under one key, to someone who knows only its root.
use crate::hashing;
use countersign_types::{BoundedVec, Hash};
use parity_scale_codec::{Decode, Encode};

/// Steps of a proof: each decides one more bit of a 256-bit key hash.
pub const STEPS_MAX: usize = 256;

/// A path of the state's tree, from the root to where the key's hash leads. About 700 bytes in a state of 200 000 keys.
///
/// The path is the one that a search for the key takes, since each inner node's hash binds the bit it decides. It ends at
/// the key's own leaf, which shows its value, or at another's, which shows that the key is absent.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Proof {
    /// From the root down.
    pub(crate) path: BoundedVec<Step, STEPS_MAX>,
    pub(crate) end: End,
}

/// An inner node on the path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) struct Step {
    /// The bit of the key's hash this node decides.
    pub(crate) bit: u8,
    /// Hash of the child that is not on the path.
    pub(crate) sibling: Hash,
}

/// Where the path ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum End {
    /// The tree is empty.
    Empty,
    /// The key's own leaf.
    Present,
    /// The leaf of another key.
    Other {
        /// Hash of the other key.
        key: Hash,
        /// Hash of its value.
        value: Hash,
    },
}

/// Why a proof does not show what is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A value is claimed and the proof is of absence.
    #[error("the proof shows that the key is absent")]
    Absent,
    /// Absence is claimed and the proof is of a value.
    #[error("the proof shows that the key has a value")]
    Present,
    /// The bits along the path do not increase, or the leaf at its end is not where the key's hash leads.
    #[error("the proof's path is not the one of the key")]
    Path,
    /// The path leads to another root: it is for another state, another value, or altered.
    #[error("the proof leads to the root {found}, not to {expected}")]
    Root {
        /// The root the claim is about.
        expected: Hash,
        /// The root the proof leads to.
        found: Hash,
    },
}

impl Proof {
    /// Bytes of the longest proof: all steps, the other leaf, two bytes of length and one of the end's kind.
    pub const BYTES_MAX: usize = STEPS_MAX * 33 + 64 + 3;

    /// Checks that the state with `root` holds `value` under `key`; `None` claims that it holds nothing there.
    ///
    /// # Errors
    /// [`ProofError`]: the claim is not shown; it may still be true.
    pub fn verify(&self, root: &Hash, key: &[u8], value: Option<&[u8]>) -> Result<(), ProofError> {
        let key = hashing::key_hash(key);
        let end = match (self.end, value) {
            (End::Present, Some(value)) => hashing::leaf_hash(&key, &hashing::value_hash(value)),
            (End::Present, None) => return Err(ProofError::Present),
            (End::Empty | End::Other { .. }, Some(_)) => return Err(ProofError::Absent),
            (End::Empty, None) if self.path.is_empty() => hashing::empty_hash(),
            (End::Empty, None) => return Err(ProofError::Path),
            (End::Other { key: other, value }, None) if self.leads_to(&key, &other) => {
                hashing::leaf_hash(&other, &value)
            }
            (End::Other { .. }, None) => return Err(ProofError::Path),
        };
        if self.path.windows(2).any(|pair| pair[0].bit >= pair[1].bit) {
            return Err(ProofError::Path);
        }
        let found = self.path.iter().rev().fold(end, |node, step| match hashing::bit(&key, step.bit) {
            false => hashing::inner_hash(step.bit, &node, &step.sibling),
            true => hashing::inner_hash(step.bit, &step.sibling, &node),
        });
        if found == *root { Ok(()) } else { Err(ProofError::Root { expected: *root, found }) }
    }

    /// True if a search for `key` along this path may end at the leaf of `other`, a different key.
    fn leads_to(&self, key: &Hash, other: &Hash) -> bool {
        key != other && self.path.iter().all(|step| hashing::bit(key, step.bit) == hashing::bit(other, step.bit))
    }
}
