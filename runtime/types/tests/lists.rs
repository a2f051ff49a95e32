//! Roots of lists and proofs of their items, against a model written the slow way.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
use countersign_types::merkle::{ListProof, prove, root};
use countersign_types::{Hash, Hasher};
use proptest::prelude::*;

/// The tree by its definition: the left part is the largest power of two below the length, so an odd node at the end of a
/// level has no parent of its own.
fn top(leaves: &[Hash]) -> Option<Hash> {
    match leaves {
        [] => None,
        [leaf] => Some(*leaf),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            let mut hasher = Hasher::new("list-node");
            hasher.update(&top(left)?.0).update(&top(right)?.0);
            Some(hasher.finish())
        }
    }
}

fn model(leaves: &[Hash]) -> Hash {
    let mut hasher = Hasher::new("list-root");
    hasher.update(&(leaves.len() as u64).to_le_bytes());
    hasher.update(top(leaves).as_ref().map_or(&[], |top| &top.0));
    hasher.finish()
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|n| Hash::of("leaf", &n.to_le_bytes())).collect()
}

#[test]
fn roots_and_proofs_of_every_short_list() {
    for count in 0..70 {
        let leaves = leaves(count);
        let root = root(&leaves);
        assert_eq!(root, model(&leaves), "{count}");
        for index in 0..count {
            let proof = prove(&leaves, index).unwrap();
            assert!(proof.verify(&root, leaves[index]), "{index} of {count}");
            assert!(proof.siblings.len() <= usize::BITS as usize - count.leading_zeros() as usize);
        }
        assert_eq!(prove(&leaves, count), None);
    }
}

/// A node higher up is not a leaf, and a shorter or longer list with the same top has another root.
#[test]
fn nodes_do_not_pass_for_leaves_nor_counts_for_each_other() {
    let four = leaves(4);
    let pair = |left: Hash, right: Hash| {
        let mut hasher = Hasher::new("list-node");
        hasher.update(&left.0).update(&right.0);
        hasher.finish()
    };
    let inner = [pair(four[0], four[1]), pair(four[2], four[3])];
    assert_ne!(root(&four), root(&inner));
    let claim = ListProof { count: 2, index: 0, siblings: vec![inner[1]].try_into().unwrap() };
    assert!(claim.verify(&root(&inner), inner[0]));
    assert!(!claim.verify(&root(&four), inner[0]), "the count is part of the root");
    let claim = ListProof { count: 4, ..claim };
    assert!(!claim.verify(&root(&four), inner[0]), "a proof that stops early");
    assert_ne!(root(&four[..3]), root(&[&four[..3], &four[2..3]].concat()), "an odd end is not doubled");
}

fn any_proof() -> impl Strategy<Value = ListProof> {
    let siblings = proptest::collection::vec((0..40_usize).prop_map(|n| Hash::of("leaf", &n.to_le_bytes())), 0..8);
    let count = prop_oneof![0..40_u64, Just(u64::MAX), any::<u64>()];
    (count, prop_oneof![0..40_u64, any::<u64>()], siblings).prop_map(|(count, index, siblings)| ListProof {
        count,
        index,
        siblings: siblings.try_into().unwrap(),
    })
}

proptest! {
    /// Whatever is changed in a proof or its claim, it stops holding; what still holds is the same claim.
    #[test]
    fn an_altered_proof_does_not_hold(count in 1..40_usize, index: usize, other: usize, at: usize, flip in 1..=255_u8) {
        let leaves = leaves(count);
        let root = root(&leaves);
        let (index, other) = (index % count, other % count);
        let proof = prove(&leaves, index).unwrap();
        prop_assert_eq!(proof.verify(&root, leaves[other]), index == other);

        let moved = ListProof { index: other as u64, ..proof.clone() };
        prop_assert_eq!(moved.verify(&root, leaves[index]), index == other);
        for count in [proof.count - 1, proof.count + 1, proof.count * 2, u64::MAX] {
            let claim = ListProof { count, ..proof.clone() };
            prop_assert!(!claim.verify(&root, leaves[index]));
        }

        let mut siblings = proof.siblings.to_vec();
        siblings.push(Hash::ZERO);
        let longer = ListProof { siblings: siblings.clone().try_into().unwrap(), ..proof.clone() };
        prop_assert!(!longer.verify(&root, leaves[index]));
        siblings.pop();
        if let Some(last) = siblings.len().checked_sub(1) {
            let at = at % siblings.len();
            siblings[at].0[at] ^= flip;
            let altered = ListProof { siblings: siblings.clone().try_into().unwrap(), ..proof.clone() };
            prop_assert!(!altered.verify(&root, leaves[index]));
            siblings.truncate(last);
            let shorter = ListProof { siblings: siblings.try_into().unwrap(), ..proof };
            prop_assert!(!shorter.verify(&root, leaves[index]));
        }
    }

    /// A made-up proof holds only for a leaf that stands where it says.
    #[test]
    fn a_forged_proof_does_not_hold(count in 0..40_usize, proof in any_proof(), leaf in 0..40_usize) {
        let all = leaves(40);
        let list = &all[..count];
        let holds = proof.verify(&root(list), all[leaf]);
        let true_claim = proof.count == count as u64 && usize::try_from(proof.index).is_ok_and(|index| list.get(index) == Some(&all[leaf]));
        prop_assert!(!holds || true_claim);
    }
}
