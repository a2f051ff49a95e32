//! Where what is told comes from: proven under a certified header, or the node's word.
use crate::types::{Height, Timestamp};
use std::sync::{Mutex, MutexGuard};

/// Whether the answers since the last [`Provenance::begin`] were proven.
#[derive(Default, Debug)]
pub struct Provenance {
    told: Mutex<Told>,
}

#[derive(Default, Clone, Copy, Debug)]
struct Told {
    heard: bool,
    proven: Option<(Height, Timestamp)>,
}

/// What answers rest on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    /// All of them were proven.
    Proven {
        /// Height of the oldest header they were proven under.
        height: Height,
        /// Its time.
        time: Timestamp,
    },
    /// At least one is only what the node says.
    Heard,
}

impl Provenance {
    /// What the answers rest on; `None` if nothing was asked.
    pub fn word(&self) -> Option<Word> {
        let told = *self.lock();
        match (told.heard, told.proven) {
            (true, _) => Some(Word::Heard),
            (false, Some((height, time))) => Some(Word::Proven { height, time }),
            (false, None) => None,
        }
    }

    /// What was told before no longer counts.
    pub fn begin(&self) {
        *self.lock() = Told::default();
    }

    /// Something is the node's word.
    pub(crate) fn hear(&self) {
        self.lock().heard = true;
    }

    /// Something is proven under this header.
    pub(crate) fn prove(&self, height: Height, time: Timestamp) {
        let mut told = self.lock();
        if told.proven.is_none_or(|(oldest, _)| height < oldest) {
            told.proven = Some((height, time));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().expect("no holder of the marks panics")
    }
}
