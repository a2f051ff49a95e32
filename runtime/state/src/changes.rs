//! Several blocks' changes as one, for a checkpoint that covers them all.
use crate::Changes;

impl Changes {
    /// Adds what a `later` block did: applying the result is applying `self`, then `later`.
    pub fn merge(&mut self, later: Changes) {
        self.values.extend(later.values);
        self.seen_from = self.seen_from.max(later.seen_from);
        for (minute, ids) in later.seen {
            self.seen.entry(minute).or_default().extend(ids);
        }
        self.seen = self.seen.split_off(&self.seen_from);
    }
}
