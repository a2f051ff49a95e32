//! Tells those who wait that there are new messages. A number per account that somebody watches is kept, and nothing
//! else.
use countersign_types::AccountId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The newest message's number, of accounts that are watched.
#[derive(Default)]
pub(super) struct Watches(Mutex<HashMap<AccountId, watch::Sender<u64>>>);

impl Watches {
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, watch::Sender<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest message's number from now on; 0 until [`Watches::tell`] says more.
    pub fn watch(&self, account: &AccountId) -> watch::Receiver<u64> {
        self.lock().entry(*account).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// There is a message of this number.
    pub fn tell(&self, account: &AccountId, number: u64) {
        let watches = self.lock();
        let Some(sender) = watches.get(account) else { return };
        // Writes that were committed together may be told in any order.
        sender.send_if_modified(|newest| {
            let is_newer = number > *newest;
            *newest = number.max(*newest);
            is_newer
        });
    }

    /// Forgets accounts that nobody watches any more.
    pub fn forget_unwatched(&self) {
        self.lock().retain(|_, sender| sender.receiver_count() > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_watch_are_told_and_the_rest_is_forgotten() {
        let watches = Watches::default();
        let (alice, bob) = (AccountId([1; 32]), AccountId([2; 32]));
        let mut first = watches.watch(&alice);
        watches.tell(&alice, 3);
        watches.tell(&bob, 9);
        assert!(first.has_changed().unwrap());
        assert_eq!(*first.borrow_and_update(), 3);
        watches.tell(&alice, 2);
        assert!(!first.has_changed().unwrap(), "an older number is no news");
        let second = watches.watch(&alice);
        assert_eq!(*second.borrow(), 3);
        assert_eq!(*watches.watch(&bob).borrow(), 0, "nobody watched when bob's came");
        drop((first, second));
        watches.forget_unwatched();
        assert!(watches.lock().is_empty());
    }
}
