//! Overlays against a model that copies everything at each savepoint.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use countersign_state::{Changes, Overlay, Savepoint, Snapshot, StateRead};
use countersign_types::{Hash, Height};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Default, Debug)]
struct Model {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    seen: BTreeSet<(u64, Hash)>,
    seen_from: u64,
}

impl Model {
    fn seen(&self, minute: u64, id: &Hash) -> bool {
        minute >= self.seen_from && self.seen.contains(&(minute, *id))
    }

    fn range(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let wanted = |key: &[u8]| key.starts_with(prefix) && after.is_none_or(|after| key > after);
        let entries = self.values.iter().filter(|(key, _)| wanted(key)).take(limit);
        entries.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Remember(u64, u8),
    Forget(u64),
    Savepoint,
    /// Ends the savepoint this many below the innermost.
    Rollback(usize),
    Commit(usize),
    /// Drops the token of the innermost savepoint.
    Leave,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(0_u8..3, 0..5)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (key(), vec(any::<u8>(), 0..2)).prop_map(|(key, value)| Step::Set(key, value)),
        4 => key().prop_map(Step::Remove),
        3 => (0_u64..5, any::<u8>()).prop_map(|(minute, id)| Step::Remember(minute, id)),
        1 => (0_u64..4).prop_map(Step::Forget),
        3 => Just(Step::Savepoint),
        2 => (0_usize..3).prop_map(Step::Rollback),
        1 => (0_usize..3).prop_map(Step::Commit),
        1 => Just(Step::Leave),
    ]
}

fn id(n: u8) -> Hash {
    Hash([n; 32])
}

fn base_of(values: &BTreeMap<Vec<u8>, Vec<u8>>, seen: &BTreeSet<(u64, u8)>) -> (Snapshot, Model) {
    let entries = values.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
    let mut changes = Changes { values: entries.collect(), ..Changes::default() };
    for (minute, n) in seen {
        changes.seen.entry(*minute).or_default().push(id(*n));
    }
    let seen = seen.iter().map(|(minute, n)| (*minute, id(*n))).collect();
    let model = Model { values: values.clone(), seen, seen_from: 0 };
    (Snapshot::empty().apply(Height::new(1), &changes), model)
}

fn run(step: Step, overlay: &mut Overlay<'_>, model: &mut Model, open: &mut Vec<(Option<Savepoint>, Model)>) {
    match step {
        Step::Set(key, value) => {
            model.values.insert(key.clone(), value.clone());
            overlay.set(key, value);
        }
        Step::Remove(key) => {
            model.values.remove(&key);
            overlay.remove(key);
        }
        Step::Remember(minute, n) => {
            model.seen.insert((minute, id(n)));
            overlay.remember(minute, id(n));
        }
        Step::Forget(minute) => {
            model.seen_from = model.seen_from.max(minute);
            overlay.forget_before(minute);
        }
        Step::Savepoint => open.push((Some(overlay.savepoint()), model.clone())),
        Step::Rollback(below) | Step::Commit(below) if open.len() <= below => {}
        Step::Rollback(below) => {
            if let Some((Some(savepoint), before)) = open.drain(open.len() - 1 - below..).next() {
                overlay.rollback(savepoint);
                *model = before;
            }
        }
        Step::Commit(below) => {
            if let Some((Some(savepoint), _)) = open.drain(open.len() - 1 - below..).next() {
                overlay.commit(savepoint);
            }
        }
        Step::Leave => {
            if let Some((savepoint, _)) = open.last_mut() {
                *savepoint = None;
            }
        }
    }
}

proptest! {
    #[test]
    fn an_overlay_is_its_base_with_the_writes_kept(
        values in btree_map(key(), vec(any::<u8>(), 0..2), 0..60),
        seen in proptest::collection::btree_set((0_u64..5, any::<u8>()), 0..10),
        steps in vec(step(), 0..60),
        asked in vec((key(), proptest::option::of(key()), 0_usize..30), 0..6),
    ) {
        let (base, mut model) = base_of(&values, &seen);
        let mut overlay = Overlay::new(&base);
        let mut open = Vec::new();
        for step in steps {
            run(step, &mut overlay, &mut model, &mut open);
            for (key, value) in &model.values {
                prop_assert_eq!(overlay.get(key), Some(value.clone()));
            }
            for (prefix, after, limit) in &asked {
                prop_assert_eq!(overlay.get(prefix), model.values.get(prefix).cloned());
                prop_assert_eq!(
                    overlay.range(prefix, after.as_deref(), *limit),
                    model.range(prefix, after.as_deref(), *limit)
                );
            }
            for (minute, of) in &model.seen {
                prop_assert_eq!(overlay.seen(*minute, of), model.seen(*minute, of));
            }
        }
        let next = base.apply(Height::new(2), &overlay.into_changes());
        let entries: BTreeMap<_, _> = next.entries().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        prop_assert_eq!(entries, model.values);
        for (minute, of) in &model.seen {
            prop_assert_eq!(next.seen(*minute, of), *minute >= model.seen_from);
        }
        prop_assert_eq!(next.seen_from(), model.seen_from);
    }
}

#[test]
fn a_range_reads_on_past_removed_entries() {
    let values = (0..200_u8).map(|n| (vec![b'k', n], vec![n])).collect();
    let (base, _) = base_of(&values, &BTreeSet::new());
    let mut overlay = Overlay::new(&base);
    (0..150_u8).for_each(|n| overlay.remove(vec![b'k', n]));
    assert_eq!(overlay.range(b"k", None, 1), [(vec![b'k', 150], vec![150])]);
    assert_eq!(overlay.range(b"k", None, usize::MAX).len(), 50);
}

#[test]
fn an_id_is_remembered_once() {
    let base = Snapshot::empty();
    let mut overlay = Overlay::new(&base);
    overlay.remember(3, id(1));
    overlay.remember(3, id(1));
    assert_eq!(overlay.into_changes().seen, BTreeMap::from([(3, vec![id(1)])]));
}

#[test]
#[should_panic(expected = "a savepoint is used once")]
fn a_savepoint_ends_with_the_one_around_it() {
    let base = Snapshot::empty();
    let mut overlay = Overlay::new(&base);
    let outer = overlay.savepoint();
    let inner = overlay.savepoint();
    overlay.rollback(outer);
    overlay.rollback(inner);
}
