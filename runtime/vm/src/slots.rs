//! Places for running calls: bounds how many run at once and how deeply they nest, so that the pool of instances never runs dry.
use crate::limits::CONCURRENT_CALLS_MAX;
use countersign_types::limits::CALL_DEPTH_MAX;
use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Instances the pool must hold: every running call with all that may nest in it.
pub(crate) const INSTANCES_MAX: usize = CONCURRENT_CALLS_MAX * (CALL_DEPTH_MAX + 1);

thread_local! {
    /// Calls now running on this thread, each inside the one before.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// The places of one engine.
#[derive(Default)]
pub(crate) struct Slots {
    taken: Mutex<usize>,
    freed: Condvar,
}

/// A place taken by a running call. Nested calls use the place of the outermost.
pub(crate) struct Slot {
    of_outermost: Option<Arc<Slots>>,
}

impl Slots {
    /// Takes a place, waiting for one if this is the thread's outermost call. `None` if calls nest too deeply.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Slot> {
        let depth = DEPTH.get();
        if depth > CALL_DEPTH_MAX {
            return None;
        }
        let of_outermost = (depth == 0).then(|| {
            self.wait();
            Arc::clone(self)
        });
        DEPTH.set(depth + 1);
        Some(Slot { of_outermost })
    }

    /// Waits for a place. Calls are bounded by their gas, so one comes free.
    fn wait(&self) {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self
            .freed
            .wait_while(taken, |taken| *taken >= CONCURRENT_CALLS_MAX)
            .unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        if let Some(slots) = &self.of_outermost {
            *slots.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            slots.freed.notify_one();
        }
    }
}
