//! What every store promises, asked of the one in memory and the one on disk.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod chain;

use chain::{assert_is, block, changes, h};
use countersign_state::{Changes, Checkpoint, Corruption, MemoryStore, Snapshot, Store, StoreError};
use countersign_types::Hash;

/// The states from the empty one on.
fn states(upto: u64) -> Vec<Snapshot> {
    let mut states = vec![Snapshot::empty()];
    for height in 1..=upto {
        let last = &states[states.len() - 1];
        states.push(last.apply(h(height), &changes(last, height)));
    }
    states
}

fn checkpoint(states: &[Snapshot], after: u64, upto: u64) -> Checkpoint {
    let mut merged = Changes::default();
    (after + 1..=upto).for_each(|height| merged.merge(changes(&states[height as usize - 1], height)));
    let index = (after + 1..=upto).map(|height| (index_key(height), height.to_le_bytes().to_vec()));
    Checkpoint {
        height: h(upto),
        root: states[upto as usize].root(),
        changes: merged,
        receipts: (after + 1..=upto).map(|height| (h(height), format!("receipts {height}").into_bytes())).collect(),
        index: index.collect(),
    }
}

fn index_key(height: u64) -> Vec<u8> {
    [b"tx", &height.to_be_bytes()[..]].concat()
}

fn commit(store: &dyn Store, heights: impl IntoIterator<Item = u64>) {
    heights.into_iter().for_each(|height| store.commit_block(h(height), &block(height), b"certificate").unwrap());
}

fn genesis_is_kept_once(store: &dyn Store) {
    assert_eq!(store.genesis().unwrap(), None);
    store.put_genesis(b"genesis").unwrap();
    store.put_genesis(b"genesis").unwrap();
    assert!(matches!(store.put_genesis(b"other"), Err(StoreError::OtherGenesis)));
    assert_eq!(store.genesis().unwrap().as_deref(), Some(&b"genesis"[..]));
}

fn proposals_stay_until_their_height_is_committed(store: &dyn Store) {
    let hash = |n| Hash([n; 32]);
    store.put_proposal(h(1), 2, hash(2), b"two").unwrap();
    store.put_proposal(h(1), 0, hash(1), b"one").unwrap();
    store.put_proposal(h(1), 0, hash(1), b"one").unwrap();
    store.put_proposal(h(1), 3, hash(1), b"one").unwrap();
    store.put_proposal(h(2), 0, hash(3), b"next").unwrap();
    assert_eq!(store.proposals(h(1)).unwrap(), [(0, hash(1)), (2, hash(2)), (3, hash(1))]);
    assert_eq!(store.proposal_bytes(&hash(2)).unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(store.proposal_bytes(&hash(9)).unwrap(), None);
    store.commit_block(h(1), b"one", b"certificate").unwrap();
    assert_eq!(store.proposals(h(1)).unwrap(), []);
    assert_eq!(store.proposal_bytes(&hash(1)).unwrap(), None);
    assert_eq!(store.block(h(1)).unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.proposals(h(2)).unwrap(), [(0, hash(3))]);
    assert_eq!(store.proposal_bytes(&hash(3)).unwrap().as_deref(), Some(&b"next"[..]));
    assert!(matches!(store.put_proposal(h(1), 4, hash(4), b"late"), Err(StoreError::Decided { .. })));
}

fn blocks_follow_each_other(store: &dyn Store) {
    assert_eq!(store.tip().unwrap(), None);
    commit(store, 1..=3);
    assert_eq!(store.tip().unwrap(), Some(h(3)));
    assert_eq!(store.block(h(2)).unwrap(), Some(block(2)));
    assert_eq!(store.certificate(h(2)).unwrap().as_deref(), Some(&b"certificate"[..]));
    assert_eq!(
        (store.block(h(0)).unwrap(), store.block(h(4)).unwrap(), store.certificate(h(4)).unwrap()),
        (None, None, None)
    );
    commit(store, [2]);
    assert!(matches!(store.commit_block(h(2), b"other", b""), Err(StoreError::OtherBlock { .. })));
    let gap = store.commit_block(h(5), b"", b"").unwrap_err();
    assert!(matches!(gap, StoreError::OutOfOrder { given, expected } if given == h(5) && expected == h(4)));
    assert_eq!(store.tip().unwrap(), Some(h(3)));
}

fn the_first_block_follows_the_checkpoint(store: &dyn Store) {
    let states = states(8);
    store.checkpoint(&checkpoint(&states, 0, 8)).unwrap();
    assert!(matches!(store.commit_block(h(1), b"", b""), Err(StoreError::OutOfOrder { .. })));
    commit(store, [9]);
}

fn checkpoints_hold_the_state_of_their_height(store: &dyn Store) {
    let states = states(20);
    assert_eq!(store.checkpoint_height().unwrap(), None);
    assert_is(&store.load().unwrap(), &Snapshot::empty());
    commit(store, 1..=20);
    for (after, upto) in [(0, 1), (1, 9), (9, 10), (10, 20)] {
        store.checkpoint(&checkpoint(&states, after, upto)).unwrap();
        assert_eq!(store.checkpoint_height().unwrap(), Some(h(upto)));
        assert_is(&store.load().unwrap(), &states[upto as usize]);
    }
    assert_eq!(store.receipts(h(9)).unwrap().as_deref(), Some(&b"receipts 9"[..]));
    assert_eq!(store.receipts(h(21)).unwrap(), None);
    let again = store.checkpoint(&checkpoint(&states, 10, 20)).unwrap_err();
    assert!(matches!(again, StoreError::OutOfOrder { expected, .. } if expected == h(21)));
    commit(store, [21]);
    let gap = Checkpoint { height: h(21), receipts: vec![(h(22), vec![])], ..Checkpoint::default() };
    assert!(matches!(store.checkpoint(&gap), Err(StoreError::OutOfOrder { expected, .. }) if expected == h(21)));
    let ahead = Checkpoint { height: h(22), ..Checkpoint::default() };
    assert!(matches!(store.checkpoint(&ahead), Err(StoreError::OutOfOrder { expected, .. }) if expected == h(21)));
}

fn a_state_with_another_root_is_not_loaded(store: &dyn Store) {
    let states = states(2);
    store.checkpoint(&Checkpoint { root: Hash::ZERO, ..checkpoint(&states, 0, 2) }).unwrap();
    let error = store.load().unwrap_err();
    assert!(matches!(error, StoreError::Corrupted(Corruption::Root { height, .. }) if height == h(2)), "{error}");
}

fn ids_that_the_state_does_not_vouch_for_are_not_loaded(store: &dyn Store) {
    let states = states(2);
    let mut altered = checkpoint(&states, 0, 2);
    altered.changes.seen.insert(0, vec![Hash::ZERO]);
    store.checkpoint(&altered).unwrap();
    let error = store.load().unwrap_err();
    assert!(matches!(error, StoreError::Corrupted(Corruption::Seen { minute: 0, .. })), "{error}");
}

fn the_index_reads_both_ways(store: &dyn Store) {
    let states = states(9);
    let mut first = checkpoint(&states, 0, 9);
    first.index.extend([(b"tw".to_vec(), vec![]), (b"ty".to_vec(), vec![]), (vec![0xff, 0xff], vec![1])]);
    store.checkpoint(&first).unwrap();
    assert_eq!(store.index_get(&index_key(4)).unwrap(), Some(4_u64.to_le_bytes().to_vec()));
    assert_eq!(store.index_get(b"none").unwrap(), None);
    let keys = |after: Option<u64>, limit, reverse| -> Vec<u64> {
        let after = after.map(index_key);
        let entries = store.index_range(b"tx", after.as_deref(), limit, reverse).unwrap();
        entries.iter().map(|(key, _)| u64::from_be_bytes(key[2..].try_into().unwrap())).collect()
    };
    assert_eq!(keys(None, 100, false), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(keys(Some(4), 2, false), [5, 6]);
    assert_eq!(keys(None, 2, true), [9, 8]);
    assert_eq!(keys(Some(4), 100, true), [3, 2, 1]);
    assert_eq!(keys(Some(1), 100, true), []);
    assert_eq!(keys(None, 0, true), []);
    assert_eq!(
        store.index_range(b"tx", Some(b"a"), 1, false).unwrap().len(),
        1,
        "a cursor before all is the beginning"
    );
    assert_eq!(store.index_range(b"tx", Some(b"z"), 1, true).unwrap().len(), 1, "a cursor behind all is the end");
    assert_eq!(store.index_range(b"tx", Some(b"z"), 1, false).unwrap(), []);
    assert_eq!(store.index_range(&[0xff], None, 9, true).unwrap(), [(vec![0xff, 0xff], vec![1])]);
    assert_eq!(store.index_range(b"", None, 99, true).unwrap().len(), 12);
}

fn pruning_keeps_what_the_state_is_rebuilt_from(store: &dyn Store) {
    let states = states(40);
    commit(store, 1..=40);
    assert_eq!(store.prune_below(h(30)).unwrap(), 0, "there is no checkpoint yet");
    store.checkpoint(&checkpoint(&states, 0, 15)).unwrap();
    store.checkpoint(&checkpoint(&states, 15, 20)).unwrap();
    assert!(store.prune_below(h(30)).unwrap() > 0);
    assert_eq!(
        (store.block(h(1)).unwrap(), store.certificate(h(1)).unwrap(), store.receipts(h(1)).unwrap()),
        (None, None, None)
    );
    assert!((20..=40).all(|height| store.block(h(height)).unwrap() == Some(block(height))));
    assert!(store.receipts(h(20)).unwrap().is_some());
    assert_eq!(store.tip().unwrap(), Some(h(40)));
    assert_is(&store.load().unwrap(), &states[20]);
    commit(store, [41]);
}

macro_rules! promises {
    ($($promise:ident),* $(,)?) => {
        mod memory {
            $(#[test]
            fn $promise() {
                super::$promise(&super::MemoryStore::new());
            })*
        }

        #[cfg(feature = "disk")]
        mod disk {
            $(#[test]
            fn $promise() {
                let directory = tempfile::tempdir().unwrap();
                super::$promise(&super::on_disk::open(directory.path()).unwrap());
            })*
        }
    };
}
promises!(
    genesis_is_kept_once,
    proposals_stay_until_their_height_is_committed,
    blocks_follow_each_other,
    the_first_block_follows_the_checkpoint,
    checkpoints_hold_the_state_of_their_height,
    a_state_with_another_root_is_not_loaded,
    ids_that_the_state_does_not_vouch_for_are_not_loaded,
    the_index_reads_both_ways,
    pruning_keeps_what_the_state_is_rebuilt_from,
);

/// What only a disk can keep or lose.
#[cfg(feature = "disk")]
mod on_disk {
    use super::*;
    use countersign_state::{DiskOptions, DiskStore};
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Segments of a few blocks, so that tests cross from one to the next.
    pub fn open(directory: &Path) -> Result<DiskStore, StoreError> {
        DiskStore::open(directory, DiskOptions { segment_bytes: 600, ..DiskOptions::default() })
    }

    fn last_segment(directory: &Path) -> PathBuf {
        let files = fs::read_dir(directory.join("blocks")).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|kind| kind == "log")).max().unwrap()
    }

    #[test]
    fn everything_is_there_after_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let states = states(30);
        let hash = Hash([7; 32]);
        for height in 1..=30 {
            let store = open(directory.path()).unwrap();
            store.put_genesis(b"genesis").unwrap();
            store.put_proposal(h(height), 0, hash, &block(height)).unwrap();
            store.put_proposal(h(height + 1), 1, Hash([8; 32]), &block(height + 1)).unwrap();
            drop(store);
            let store = open(directory.path()).unwrap();
            assert_eq!(store.proposal_bytes(&hash).unwrap(), Some(block(height)));
            store.commit_block(h(height), &block(height), &height.to_le_bytes()).unwrap();
            if height % 5 == 0 {
                store.checkpoint(&checkpoint(&states, height - 5, height)).unwrap();
            }
        }
        let store = open(directory.path()).unwrap();
        assert!(fs::read_dir(directory.path().join("blocks")).unwrap().count() > 10, "there are several segments");
        assert_eq!(store.genesis().unwrap().as_deref(), Some(&b"genesis"[..]));
        assert_eq!((store.tip().unwrap(), store.checkpoint_height().unwrap()), (Some(h(30)), Some(h(30))));
        for height in 1..=30 {
            assert_eq!(store.block(h(height)).unwrap(), Some(block(height)));
            assert_eq!(store.certificate(h(height)).unwrap(), Some(height.to_le_bytes().to_vec()));
        }
        assert_eq!(store.proposals(h(31)).unwrap(), [(1, Hash([8; 32]))]);
        assert_eq!(store.proposal_bytes(&Hash([8; 32])).unwrap(), Some(block(31)));
        assert_is(&store.load().unwrap(), &states[30]);
        store.prune_below(h(25)).unwrap();
        drop(store);
        let store = open(directory.path()).unwrap();
        assert_eq!((store.block(h(1)).unwrap(), store.block(h(25)).unwrap()), (None, Some(block(25))));
        assert_eq!(store.tip().unwrap(), Some(h(30)));
    }

    #[test]
    fn a_decided_proposal_is_written_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = DiskStore::open(directory.path(), DiskOptions::default()).unwrap();
        let bytes = vec![7; 100_000];
        store.put_proposal(h(1), 0, Hash([1; 32]), &bytes).unwrap();
        store.put_proposal(h(1), 1, Hash([1; 32]), &bytes).unwrap();
        store.commit_block(h(1), &bytes, b"certificate").unwrap();
        assert!(fs::metadata(last_segment(directory.path())).unwrap().len() < 101_000);
        assert_eq!(store.block(h(1)).unwrap(), Some(bytes));
    }

    #[test]
    fn a_store_is_open_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path()).unwrap();
        assert!(matches!(open(directory.path()), Err(StoreError::Locked { path }) if path == directory.path()));
        drop(store);
        open(directory.path()).unwrap();
    }

    #[test]
    fn another_format_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        drop(open(directory.path()).unwrap());
        fs::write(directory.path().join("format"), "countersign-store 1\n").unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(
            matches!(error, StoreError::OtherFormat { ref found, .. } if found == "countersign-store 1"),
            "{error}"
        );
        fs::remove_file(directory.path().join("format")).unwrap();
        assert!(matches!(open(directory.path()), Err(StoreError::OtherFormat { found, .. }) if found.is_empty()));
    }

    #[test]
    fn an_append_cut_short_by_a_crash_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let options = DiskOptions::default();
        let store = DiskStore::open(directory.path(), options).unwrap();
        commit(&store, 1..=3);
        let whole = fs::read(last_segment(directory.path())).unwrap();
        commit(&store, [4]);
        drop(store);
        let file = last_segment(directory.path());
        let longer = fs::read(&file).unwrap();
        for end in whole.len()..longer.len() {
            let zeros = [&longer[..end], &vec![0; longer.len() - end]].concat();
            for bytes in [&longer[..end], &zeros] {
                fs::write(&file, bytes).unwrap();
                let store = DiskStore::open(directory.path(), options).unwrap();
                assert_eq!(store.tip().unwrap(), Some(h(3)), "cut at {end}");
                assert_eq!(fs::metadata(&file).unwrap().len(), whole.len() as u64);
            }
        }
        let store = DiskStore::open(directory.path(), options).unwrap();
        commit(&store, [4]);
        assert_eq!(store.block(h(4)).unwrap(), Some(block(4)));
    }

    #[test]
    fn damage_elsewhere_in_the_block_log_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let options = DiskOptions::default();
        let store = DiskStore::open(directory.path(), options).unwrap();
        commit(&store, 1..=3);
        drop(store);
        let file = last_segment(directory.path());
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() * 2 / 3 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&file, bytes).unwrap();
            let error = DiskStore::open(directory.path(), options).unwrap_err();
            assert!(matches!(error, StoreError::Corrupted(Corruption::Log { .. })), "byte {at}: {error}");
        }
    }

    #[test]
    fn receipts_of_an_interrupted_checkpoint_come_again() {
        let directory = tempfile::tempdir().unwrap();
        let states = states(9);
        let store = DiskStore::open(directory.path(), DiskOptions::default()).unwrap();
        commit(&store, 1..=9);
        store.checkpoint(&checkpoint(&states, 0, 3)).unwrap();
        drop(store);
        let file = directory.path().join("receipts/0000000001.log");
        let whole = fs::read(&file).unwrap();
        fs::write(&file, [&whole[..], &[7; 100], &whole].concat()).unwrap();
        let store = DiskStore::open(directory.path(), DiskOptions::default()).unwrap();
        assert_eq!(fs::read(&file).unwrap(), whole);
        store.checkpoint(&checkpoint(&states, 3, 9)).unwrap();
        assert!((1..=9).all(|height| store.receipts(h(height)).unwrap().is_some()));
        drop(store);
        fs::write(&file, [&whole[..], &[7; 100], &whole].concat()).unwrap();
        let error = DiskStore::open(directory.path(), DiskOptions::default()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupted(Corruption::Log { .. })), "{error}");
    }

    #[test]
    fn damage_in_a_closed_segment_is_named_when_read() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path()).unwrap();
        commit(&store, 1..=20);
        let first = directory.path().join("blocks/0000000001.log");
        let mut bytes = fs::read(&first).unwrap();
        bytes[40] ^= 1;
        fs::write(&first, bytes).unwrap();
        assert!(matches!(store.block(h(1)), Err(StoreError::Corrupted(Corruption::Log { at: 0, .. }))));
        assert_eq!(store.block(h(2)).unwrap(), Some(block(2)));
    }

    #[test]
    fn a_state_ahead_of_its_blocks_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path()).unwrap();
        commit(&store, 1..=2);
        let before = fs::read(last_segment(directory.path())).unwrap();
        commit(&store, [3]);
        store.checkpoint(&checkpoint(&states(3), 0, 3)).unwrap();
        let file = last_segment(directory.path());
        drop(store);
        fs::write(file, before).unwrap();
        let error = open(directory.path()).unwrap_err();
        let expected = Corruption::Tip { tip: h(2), checkpoint: h(3) };
        assert!(matches!(error, StoreError::Corrupted(ref found) if *found == expected), "{error}");
    }

    #[test]
    fn an_oversized_block_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path()).unwrap();
        let block = vec![0; countersign_types::limits::BLOCK_BYTES_MAX + 100_000];
        assert!(matches!(store.commit_block(h(1), &block, b""), Err(StoreError::Oversized { .. })));
        commit(&store, 1..=2);
    }
}
