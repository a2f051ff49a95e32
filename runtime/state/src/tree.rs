//! The state's root: a compressed binary sparse Merkle tree over hashed keys, updated by one batch per block.
//!
//! A subtree of one key is its leaf, and an inner node stands only where keys differ: it names the bit that it decides, and
//! both its children exist. So the tree of a set of entries is one and the same whatever their order and history, and
//! a deletion needs no more than putting the sibling in the parent's place. Nodes are shared between versions.
pub use crate::hashing::{key_hash, value_hash};

use crate::hashing::{bit, empty_hash, inner_hash, leaf_hash};
use crate::proof::{End, Proof, Step};
use countersign_types::Hash;
use std::sync::Arc;

/// One version of the tree; cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    top: Option<Node>,
}

/// What a key hash is to hold: the hash of its value, or nothing.
pub type Update = (Hash, Option<Hash>);

#[derive(Clone, Debug)]
enum Node {
    Leaf(Arc<Leaf>),
    Inner(Arc<Inner>),
}

#[derive(Debug)]
struct Leaf {
    hash: Hash,
    key: Hash,
    value: Hash,
}

#[derive(Debug)]
struct Inner {
    hash: Hash,
    /// The first bit in which keys below differ; clear in those of `left`.
    bit: u8,
    left: Node,
    right: Node,
}

impl Tree {
    /// The hash that stands for all entries.
    pub fn root(&self) -> Hash {
        self.top.as_ref().map_or_else(empty_hash, |top| *top.hash())
    }

    /// The tree after `updates`; of several for one key hash the last counts.
    pub fn update(&self, mut updates: Vec<Update>) -> Self {
        updates.sort_by_key(|(key, _)| *key);
        updates.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 = later.1;
            }
            same
        });
        Self { top: update(self.top.as_ref(), &updates, 0) }
    }

    /// Shows what stands under the key hash `key`.
    pub fn prove(&self, key: &Hash) -> Proof {
        let mut path = Vec::new();
        let mut next = self.top.as_ref();
        let end = loop {
            match next {
                None => break End::Empty,
                Some(Node::Leaf(leaf)) if leaf.key == *key => break End::Present,
                Some(Node::Leaf(leaf)) => break End::Other { key: leaf.key, value: leaf.value },
                Some(Node::Inner(inner)) => {
                    let (child, sibling) =
                        if bit(key, inner.bit) { (&inner.right, &inner.left) } else { (&inner.left, &inner.right) };
                    path.push(Step { bit: inner.bit, sibling: *sibling.hash() });
                    next = Some(child);
                }
            }
        };
        Proof { path: path.try_into().expect("bits increase along a path, so there are at most 256"), end }
    }
}

impl Node {
    fn leaf(key: Hash, value: Hash) -> Self {
        Self::Leaf(Arc::new(Leaf { hash: leaf_hash(&key, &value), key, value }))
    }

    fn hash(&self) -> &Hash {
        match self {
            Self::Leaf(leaf) => &leaf.hash,
            Self::Inner(inner) => &inner.hash,
        }
    }

    /// Any key below: all agree up to the bit that the node decides.
    fn any_key(&self) -> &Hash {
        let mut node = self;
        loop {
            match node {
                Self::Leaf(leaf) => return &leaf.key,
                Self::Inner(inner) => node = &inner.left,
            }
        }
    }

    fn is(&self, other: &Option<Self>) -> bool {
        match (self, other) {
            (Self::Leaf(a), Some(Self::Leaf(b))) => Arc::ptr_eq(a, b),
            (Self::Inner(a), Some(Self::Inner(b))) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// `node` after `updates`, which are sorted, distinct, and agree with each other and with `node` in the first `agreed` bits.
fn update(node: Option<&Node>, updates: &[Update], agreed: u16) -> Option<Node> {
    let (Some(first), Some(last)) = (updates.first(), updates.last()) else {
        return node.cloned();
    };
    match node {
        None => build(&live(updates)),
        Some(Node::Leaf(leaf)) => update_leaf(leaf, updates),
        Some(node @ Node::Inner(inner)) => {
            if u16::from(inner.bit) > agreed {
                let below = node.any_key();
                let apart = [first, last].into_iter().filter_map(|(key, _)| first_difference(key, below)).min();
                if let Some(apart) = apart.filter(|apart| *apart < inner.bit) {
                    return update_apart(node, updates, apart, bit(below, apart));
                }
            }
            let (left, right) = split(updates, inner.bit);
            let below = u16::from(inner.bit) + 1;
            let left = update(Some(&inner.left), left, below);
            let right = update(Some(&inner.right), right, below);
            if inner.left.is(&left) && inner.right.is(&right) {
                Some(node.clone())
            } else {
                join(inner.bit, left, right)
            }
        }
    }
}

/// `node` after `updates` of which some part from it at bit `apart`, where its keys have `side`.
fn update_apart(node: &Node, updates: &[Update], apart: u8, side: bool) -> Option<Node> {
    let (left, right) = split(updates, apart);
    let agreed = u16::from(apart) + 1;
    let (left, right) = if side {
        (build(&live(left)), update(Some(node), right, agreed))
    } else {
        (update(Some(node), left, agreed), build(&live(right)))
    };
    join(apart, left, right)
}

fn update_leaf(leaf: &Arc<Leaf>, updates: &[Update]) -> Option<Node> {
    if let [(key, value)] = updates
        && *key == leaf.key
    {
        return match value {
            Some(value) if *value == leaf.value => Some(Node::Leaf(leaf.clone())),
            Some(value) => Some(Node::leaf(*key, *value)),
            None => None,
        };
    }
    let mut entries = live(updates);
    if let Err(at) = updates.binary_search_by(|(key, _)| key.cmp(&leaf.key)) {
        // Updates before `at` that remove are not among the entries.
        let at = at - updates[..at].iter().filter(|(_, value)| value.is_none()).count();
        entries.insert(at, (leaf.key, leaf.value));
    }
    build(&entries)
}

/// The tree of `entries`, which are sorted and distinct.
fn build(entries: &[(Hash, Hash)]) -> Option<Node> {
    match entries {
        [] => None,
        [(key, value)] => Some(Node::leaf(*key, *value)),
        [(first, _), .., (last, _)] => {
            let at = first_difference(first, last).expect("entries are distinct");
            let (left, right) = entries.split_at(entries.partition_point(|(key, _)| !bit(key, at)));
            join(at, build(left), build(right))
        }
    }
}

fn join(bit: u8, left: Option<Node>, right: Option<Node>) -> Option<Node> {
    match (left, right) {
        (Some(left), Some(right)) => {
            let hash = inner_hash(bit, left.hash(), right.hash());
            Some(Node::Inner(Arc::new(Inner { hash, bit, left, right })))
        }
        (one, None) => one,
        (None, other) => other,
    }
}

fn split(updates: &[Update], at: u8) -> (&[Update], &[Update]) {
    updates.split_at(updates.partition_point(|(key, _)| !bit(key, at)))
}

fn live(updates: &[Update]) -> Vec<(Hash, Hash)> {
    updates.iter().filter_map(|(key, value)| value.map(|value| (*key, value))).collect()
}

/// The first bit in which two key hashes differ; `None` if they are equal.
fn first_difference(a: &Hash, b: &Hash) -> Option<u8> {
    let at = a.0.iter().zip(&b.0).position(|(a, b)| a != b)?;
    let within = (a.0[at] ^ b.0[at]).leading_zeros();
    u8::try_from(8 * at + within as usize).ok()
}
