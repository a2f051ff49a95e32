//! What blocks do to the state, and several blocks' changes as one, for a checkpoint that covers them all.
use countersign_types::Hash;
use parity_scale_codec::{Decode, Encode};
use std::collections::BTreeMap;

/// What a block did to the state.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Changes {
    /// New values; `None` removes.
    pub values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Transaction ids to remember, by expiry minute, in the order they ran.
    pub seen: BTreeMap<u64, Vec<Hash>>,
    /// Buckets of minutes before this one are forgotten.
    pub seen_from: u64,
}

impl Changes {
    /// Adds what a `later` block did: applying the result is applying `self`, then `later`.
    pub fn merge(&mut self, later: Self) {
        self.values.extend(later.values);
        self.seen_from = self.seen_from.max(later.seen_from);
        for (minute, ids) in later.seen {
            self.seen.entry(minute).or_default().extend(ids);
        }
        self.seen = self.seen.split_off(&self.seen_from);
    }
}
