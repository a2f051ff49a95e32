//! A chain to store: what each block is and does is a function of its height and of the state before.
use countersign_state::{Changes, Snapshot, seen_hash};
use countersign_types::{Hash, Height, state_key};
use parity_scale_codec::Encode;

pub fn h(height: u64) -> Height {
    Height::new(height)
}

pub fn block(height: u64) -> Vec<u8> {
    format!("block {height}").repeat(10).into_bytes()
}

/// A block's changes: values, a removal, and an id with its bucket's rolling hash.
pub fn changes(state: &Snapshot, height: u64) -> Changes {
    let minute = height / 4;
    let id = Hash::of("test", &height.to_le_bytes());
    let mut changes = Changes { seen_from: minute.saturating_sub(1), ..Changes::default() };
    let rolling = state.remembered().find(|(of, _)| *of == minute);
    let rolling = rolling.map_or(Hash::ZERO, |(_, ids)| seen_hash(Hash::ZERO, &ids.copied().collect::<Vec<_>>()));
    changes.values.insert(state_key::seen(minute), Some(seen_hash(rolling, &[id]).encode()));
    changes.values.insert(format!("v{}", height % 7).into_bytes(), Some(block(height)));
    changes.values.insert(format!("v{}", (height + 3) % 7).into_bytes(), None);
    for gone in 0..changes.seen_from {
        changes.values.insert(state_key::seen(gone), None);
    }
    changes.seen.insert(minute, vec![id]);
    changes
}

pub fn assert_is(state: &Snapshot, expected: &Snapshot) {
    assert_eq!((state.height(), state.root()), (expected.height(), expected.root()));
    assert_eq!(state.entries().collect::<Vec<_>>(), expected.entries().collect::<Vec<_>>());
    let remembered = |state: &Snapshot| -> Vec<(u64, Vec<Hash>)> {
        state.remembered().map(|(minute, ids)| (minute, ids.copied().collect())).collect()
    };
    assert_eq!(remembered(state), remembered(expected));
    assert_eq!(state.seen_from(), expected.seen_from());
}
