//! The tree, its proofs and snapshots against a naive model.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use countersign_state::tree::Tree;
use countersign_state::{Changes, Proof, ProofError, Snapshot, StateRead, seen_hash};
use countersign_types::{Hash, Hasher, Height, decode};
use parity_scale_codec::Encode;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// The root by its definition: hashed keys, split at the first bit in which they differ.
fn naive_root_of(leaves: &[(Hash, Hash)]) -> Hash {
    match leaves {
        [] => return Hash::of("state-empty", &[]),
        [(key, value)] => return Hash::of_encoded("state-leaf", &(key, value)),
        _ => {}
    }
    let bit = |hash: &Hash, at: usize| (hash.0[at / 8] >> (7 - at % 8)) & 1;
    let at = (0..256).find(|at| leaves.iter().any(|leaf| bit(&leaf.0, *at) != bit(&leaves[0].0, *at))).unwrap();
    let (right, left): (Vec<_>, Vec<_>) = leaves.iter().copied().partition(|leaf| bit(&leaf.0, at) == 1);
    let mut hasher = Hasher::new("state-inner");
    hasher.update(&[at as u8]).update(&naive_root_of(&left).0).update(&naive_root_of(&right).0);
    hasher.finish()
}

fn naive_root(model: &Model) -> Hash {
    let hash = |(key, value): (&Vec<u8>, &Vec<u8>)| (Hash::of("state-key", key), Hash::of("state-value", value));
    naive_root_of(&model.iter().map(hash).collect::<Vec<_>>())
}

/// Key hashes as an attacker would grind them: long common beginnings, differences at any bit.
fn near_hash() -> impl Strategy<Value = Hash> {
    vec(prop_oneof![Just(0_usize), Just(1), Just(7), Just(8), Just(254), Just(255), 0_usize..256], 0..4).prop_map(
        |bits| {
            let mut hash = Hash::ZERO;
            bits.iter().for_each(|at| hash.0[at / 8] ^= 0x80 >> (at % 8));
            hash
        },
    )
}

fn changes(values: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>) -> Changes {
    Changes { values: values.into_iter().collect(), ..Changes::default() }
}

fn snapshot_of(model: &Model) -> Snapshot {
    let values = model.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
    Snapshot::empty().apply(Height::new(1), &changes(values))
}

/// Few keys, so that updates, deletions and re-additions happen.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(0_u8..4, 0..4)
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..3)
}

fn block() -> impl Strategy<Value = BTreeMap<Vec<u8>, Option<Vec<u8>>>> {
    btree_map(key(), proptest::option::weighted(0.6, value()), 0..20)
}

fn model() -> impl Strategy<Value = Model> {
    btree_map(key(), value(), 0..40)
}

proptest! {
    #[test]
    fn the_root_depends_on_the_entries_alone(blocks in vec(block(), 0..12)) {
        let mut model = Model::new();
        let mut snapshot = Snapshot::empty();
        let mut versions = vec![(snapshot.clone(), model.clone())];
        for (height, block) in (1..).zip(blocks) {
            for (key, value) in &block {
                match value {
                    Some(value) => model.insert(key.clone(), value.clone()),
                    None => model.remove(key),
                };
            }
            snapshot = snapshot.apply(Height::new(height), &changes(block));
            prop_assert_eq!(snapshot.height(), Height::new(height));
            versions.push((snapshot.clone(), model.clone()));
        }
        for (snapshot, model) in versions {
            prop_assert_eq!(snapshot.root(), naive_root(&model));
            prop_assert_eq!(snapshot.root(), snapshot_of(&model).root());
            let entries: Model = snapshot.entries().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
            prop_assert_eq!(entries, model);
        }
    }

    #[test]
    fn key_hashes_that_are_close_make_the_same_tree(
        blocks in vec(vec((near_hash(), proptest::option::of(any::<u8>().prop_map(id))), 0..12), 0..12),
    ) {
        let mut model = BTreeMap::new();
        let mut tree = Tree::default();
        for updates in blocks {
            for (key, value) in &updates {
                match value {
                    Some(value) => model.insert(*key, *value),
                    None => model.remove(key),
                };
            }
            tree = tree.update(updates);
            prop_assert_eq!(tree.root(), naive_root_of(&model.clone().into_iter().collect::<Vec<_>>()));
        }
    }

    #[test]
    fn every_key_is_proved_present_or_absent(model in model(), others in vec(key(), 0..20)) {
        let snapshot = snapshot_of(&model);
        let root = snapshot.root();
        for key in model.keys().chain(&others) {
            let proof = snapshot.prove(key);
            let value = model.get(key).map(Vec::as_slice);
            prop_assert_eq!(proof.verify(&root, key, value), Ok(()));
            let bytes = proof.encode();
            prop_assert_eq!(decode::<Proof>("proof", &bytes, Proof::BYTES_MAX).unwrap(), proof);
        }
    }

    #[test]
    fn no_proof_shows_what_is_not_so(
        model in model(),
        asked in key(),
        claimed in key(),
        value in proptest::option::of(value()),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in proptest::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let snapshot = snapshot_of(&model);
        let mut bytes = snapshot.prove(&asked).encode();
        for (at, with) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= with;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(proof) = decode::<Proof>("proof", &bytes, Proof::BYTES_MAX) {
            let is_so = model.get(&claimed) == value.as_ref();
            let shown = proof.verify(&snapshot.root(), &claimed, value.as_deref()).is_ok();
            prop_assert!(is_so || !shown, "{proof:?} shows {claimed:?} = {value:?}");
        }
    }

    #[test]
    fn any_bytes_decode_to_a_proof_that_shows_nothing_or_to_none(bytes in vec(any::<u8>(), 0..300), key in key()) {
        let root = snapshot_of(&Model::from([(vec![1], vec![1]), (vec![2], vec![2])])).root();
        if let Ok(proof) = decode::<Proof>("proof", &bytes, Proof::BYTES_MAX) {
            prop_assert!(proof.verify(&root, &key, None).is_err());
            prop_assert!(proof.verify(&root, &key, Some(&[7])).is_err());
        }
    }

    #[test]
    fn merged_changes_do_what_the_blocks_did(
        blocks in vec((block(), btree_map(0_u64..6, vec(any::<u8>(), 0..4), 0..4), 0_u64..5), 0..6),
    ) {
        let mut one_by_one = Snapshot::empty();
        let mut merged = Changes::default();
        for (values, seen, seen_from) in blocks {
            let seen = seen.into_iter().map(|(minute, ids)| (minute, ids.into_iter().map(id).collect())).collect();
            let block = Changes { values, seen, seen_from };
            one_by_one = one_by_one.apply(Height::new(1), &block);
            merged.merge(block);
        }
        let at_once = Snapshot::empty().apply(Height::new(1), &merged);
        prop_assert_eq!(at_once.root(), one_by_one.root());
        prop_assert_eq!(at_once.seen_from(), one_by_one.seen_from());
        let remembered = |snapshot: &Snapshot| -> Vec<(u64, Vec<Hash>)> {
            snapshot.remembered().map(|(minute, ids)| (minute, ids.copied().collect())).collect()
        };
        prop_assert_eq!(remembered(&at_once), remembered(&one_by_one));
    }

    #[test]
    fn buckets_keep_order_and_members(runs in vec(vec(any::<u16>(), 0..20), 0..20)) {
        let ids = |run: &Vec<u16>| -> Vec<Hash> { run.iter().map(|n| Hash::of("test", &n.to_le_bytes())).collect() };
        let mut snapshot = Snapshot::empty();
        for run in &runs {
            let seen = BTreeMap::from([(7, ids(run))]);
            snapshot = snapshot.apply(Height::new(1), &Changes { seen, ..Changes::default() });
        }
        let all: Vec<Hash> = runs.iter().flat_map(ids).collect();
        let kept: Vec<Hash> = snapshot.remembered().flat_map(|(_, ids)| ids.copied().collect::<Vec<_>>()).collect();
        prop_assert_eq!(&kept, &all);
        prop_assert!(all.iter().all(|id| snapshot.seen(7, id) && !snapshot.seen(8, id)));
        prop_assert!(!snapshot.seen(7, &Hash::ZERO));
        let by_run = runs.iter().fold(Hash::ZERO, |rolling, run| seen_hash(rolling, &ids(run)));
        prop_assert_eq!(seen_hash(Hash::ZERO, &all), by_run);
    }

    #[test]
    fn ranges_are_those_of_a_map(model in model(), prefix in key(), after in proptest::option::of(key()), limit in 0_usize..10) {
        let expected: Vec<_> = model
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after))
            .map(|(key, value)| (key.clone(), value.clone()))
            .take(limit)
            .collect();
        prop_assert_eq!(snapshot_of(&model).range(&prefix, after.as_deref(), limit), expected);
    }
}

fn id(n: u8) -> Hash {
    Hash([n; 32])
}

#[test]
fn a_proof_says_why_it_does_not_hold() {
    let state = snapshot_of(&Model::from([(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())]));
    let root = state.root();
    let present = state.prove(b"a");
    let absent = state.prove(b"c");
    assert_eq!(present.verify(&root, b"a", None), Err(ProofError::Present));
    assert_eq!(absent.verify(&root, b"c", Some(b"1")), Err(ProofError::Absent));
    assert!(matches!(present.verify(&root, b"a", Some(b"2")), Err(ProofError::Root { .. })));
    assert!(matches!(present.verify(&Hash::ZERO, b"a", Some(b"1")), Err(ProofError::Root { .. })));
    let ended_at = if absent.verify(&root, b"a", None).is_err() { b"a" } else { b"b" };
    assert_eq!(
        absent.verify(&root, ended_at, None),
        Err(ProofError::Path),
        "a leaf does not show its own key's absence"
    );
}

#[test]
fn roots_and_proofs_keep_their_bytes() {
    let entries = (0_u32..100).map(|n| (n.to_be_bytes().to_vec(), n.to_le_bytes().to_vec()));
    let state = snapshot_of(&entries.collect());
    let proofs: Vec<Proof> = (0_u32..200).map(|n| state.prove(&n.to_be_bytes())).collect();
    assert_eq!(
        Snapshot::empty().root().to_string(),
        "c02231ca41a4e78b0efa7a2c0217e3f79cff111a2c302103a6632260c17d5483"
    );
    assert_eq!(state.root().to_string(), "5babc74974da8be6f98379f463470089030d872cfd2907538197a684b8282ecb");
    assert_eq!(
        Hash::of_encoded("test", &proofs).to_string(),
        "05a3e4e2f3a39cd86e30b38377b14e6c44672be75e9c086f4f67455e1faf612d"
    );
    assert_eq!(
        seen_hash(Hash::ZERO, &[id(1), id(2)]).to_string(),
        "6cc02111df5c61fac13132bc4d1d2b934f9a8ce4315f2aa299147d79b8c9efdc"
    );
}
