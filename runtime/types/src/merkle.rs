//! Binary Merkle trees over lists: a block's transactions and receipts. Leaves and inner nodes hash in their own
//! domains and the count goes into the root, so neither a node nor a shorter list passes for another.
use crate::hash::{Hash, Hasher};
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};

/// Siblings of a proof: 2^32 leaves are more than any list holds.
const DEPTH_MAX: usize = 32;

/// The root of a list of leaf hashes. An odd node at the end of a level moves up unchanged.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level.chunks(2).map(parent).collect();
    }
    seal(leaves.len() as u64, level.first())
}

fn parent(pair: &[Hash]) -> Hash {
    match pair {
        [left, right] => {
            let mut hasher = Hasher::new("list-node");
            hasher.update(&left.0).update(&right.0);
            hasher.finish()
        }
        _ => pair[0],
    }
}

fn seal(count: u64, top: Option<&Hash>) -> Hash {
    let mut hasher = Hasher::new("list-root");
    hasher.update(&count.to_le_bytes());
    if let Some(top) = top {
        hasher.update(&top.0);
    }
    hasher.finish()
}

/// Shows that a leaf stands at an index of a list with a known root.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListProof {
    /// Leaves of the list.
    pub count: u64,
    /// Where the leaf stands, from 0.
    pub index: u64,
    /// Siblings from the leaf up; levels where the node has none are left out.
    pub siblings: crate::BoundedVec<Hash, DEPTH_MAX>,
}

/// Proves leaf `index`; `None` if there is no such leaf.
pub fn prove(leaves: &[Hash], index: usize) -> Option<ListProof> {
    leaves.get(index)?;
    let mut siblings = Vec::new();
    let (mut level, mut at) = (leaves.to_vec(), index);
    while level.len() > 1 {
        siblings.extend(level.get(at ^ 1));
        level = level.chunks(2).map(parent).collect();
        at /= 2;
    }
    let siblings = siblings.try_into().expect("a list in memory has fewer than 2^32 leaves");
    Some(ListProof { count: leaves.len() as u64, index: index as u64, siblings })
}

impl ListProof {
    /// True if `leaf` stands at `self.index` of the list with `root`.
    pub fn verify(&self, root: &Hash, leaf: Hash) -> bool {
        if self.index >= self.count {
            return false;
        }
        let mut siblings = self.siblings.iter();
        let (mut node, mut at, mut width) = (leaf, self.index, self.count);
        while width > 1 {
            let has_sibling = at ^ 1 < width;
            if has_sibling {
                let Some(sibling) = siblings.next() else {
                    return false;
                };
                node = if at & 1 == 0 { parent(&[node, *sibling]) } else { parent(&[*sibling, node]) };
            }
            at /= 2;
            width = width.div_ceil(2);
        }
        siblings.next().is_none() && seal(self.count, Some(&node)) == *root
    }
}
