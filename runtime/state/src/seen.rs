//! Transaction ids remembered until their expiry minute: one bucket a minute, persistent, about 36 bytes an id.
//!
//! A bucket is a list of runs, oldest first. A block's ids come as one run, and neighbours of similar size merge, so that a
//! bucket of n ids has about log2(n) runs and an id is copied about log2(n) times.
use countersign_types::{Hash, Hasher};
use std::sync::Arc;

/// The rolling hash of a bucket after `ids` were added to one whose hash was `previous`; an empty bucket's is [`Hash::ZERO`].
///
/// Adding ids one by one or together gives the same hash.
pub fn seen_hash(previous: Hash, ids: &[Hash]) -> Hash {
    ids.iter().fold(previous, |rolling, id| {
        let mut hasher = Hasher::new("seen");
        hasher.update(&rolling.0).update(&id.0);
        hasher.finish()
    })
}

/// The ids of one expiry minute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bucket {
    /// Each at least twice as long as the next.
    runs: Vec<Arc<Run>>,
}

#[derive(Debug)]
struct Run {
    /// In the order they were added.
    ids: Vec<Hash>,
    /// Indices into `ids`, sorted by id.
    sorted: Vec<u32>,
}

impl Bucket {
    pub(crate) fn contains(&self, id: &Hash) -> bool {
        self.runs.iter().any(|run| run.contains(id))
    }

    /// All ids in the order they were added.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &Hash> {
        self.runs.iter().flat_map(|run| &run.ids)
    }

    pub(crate) fn rolling_hash(&self) -> Hash {
        self.runs.iter().fold(Hash::ZERO, |rolling, run| seen_hash(rolling, &run.ids))
    }

    /// Adds `ids` at the end.
    pub(crate) fn extend(&mut self, ids: &[Hash]) {
        if ids.is_empty() {
            return;
        }
        let mut last = Run::new(ids);
        while let Some(before) = self.runs.pop_if(|before| before.ids.len() < 2 * last.ids.len()) {
            last = before.followed_by(&last);
        }
        self.runs.push(Arc::new(last));
    }
}

impl Run {
    fn new(ids: &[Hash]) -> Self {
        let ids = ids.to_vec();
        let mut sorted: Vec<u32> = (0..index(ids.len())).collect();
        sorted.sort_unstable_by_key(|at| ids[*at as usize]);
        Self { ids, sorted }
    }

    fn contains(&self, id: &Hash) -> bool {
        self.sorted.binary_search_by(|at| self.ids[*at as usize].cmp(id)).is_ok()
    }

    fn followed_by(&self, later: &Self) -> Self {
        let ids = [&self.ids[..], &later.ids[..]].concat();
        let shift = index(self.ids.len());
        let mut sorted = Vec::with_capacity(ids.len());
        let mut left = self.sorted.iter().copied().peekable();
        let mut right = later.sorted.iter().map(|at| at + shift).peekable();
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(l), Some(r)) if ids[*l as usize] <= ids[*r as usize] => left.next(),
                (_, Some(_)) => right.next(),
                (_, None) => left.next(),
            };
            match next {
                Some(at) => sorted.push(at),
                None => return Self { ids, sorted },
            }
        }
    }
}

fn index(len: usize) -> u32 {
    u32::try_from(len).expect("a minute has fewer than 2^32 transactions: 2^32 ids fill 128 GiB")
}
