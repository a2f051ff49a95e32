//! Logins that were begun: kept in memory until they are finished or expire, each for the relay that began it.
use crate::opaque::Begun;
use countersign_client::types::{AccountId, Hash};
use std::collections::HashMap;

/// A login's number.
pub type LoginId = [u8; 16];

/// A login that was begun.
#[derive(Debug)]
pub struct Open {
    /// OPAQUE's state.
    pub begun: Begun,
    /// The registration it was begun with; `None` for an unknown user.
    pub edition: Option<Hash>,
    expires_at_ms: u64,
}

/// The logins begun.
#[derive(Debug)]
pub struct Logins {
    open: HashMap<LoginId, Open>,
    open_max: usize,
}

/// As many logins are open as are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Logins {
    /// None begun, and at most so many at a time.
    pub fn new(open_max: usize) -> Self {
        Self { open: HashMap::new(), open_max }
    }

    /// Keeps a login until `expires_at_ms`.
    ///
    /// # Errors
    /// [`Full`].
    pub fn insert(
        &mut self,
        id: LoginId,
        begun: Begun,
        edition: Option<Hash>,
        now_ms: u64,
        expires_at_ms: u64,
    ) -> Result<(), Full> {
        if self.open.len() >= self.open_max {
            self.open.retain(|_, open| open.expires_at_ms > now_ms);
        }
        if self.open.len() >= self.open_max {
            return Err(Full);
        }
        self.open.insert(id, Open { begun, edition, expires_at_ms });
        Ok(())
    }

    /// Takes a login out, whatever its verdict will be: a login has one try. `None` if it has expired or is another relay's.
    pub fn take(&mut self, id: &LoginId, relay: &AccountId, now_ms: u64) -> Option<Open> {
        if self.open.get(id)?.begun.binding().relay != *relay {
            return None;
        }
        self.open.remove(id).filter(|open| open.expires_at_ms > now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opaque::Verifier;
    use countersign_client::login::{Binding, OpenLogin};
    use countersign_client::types::PublicKey;

    const RELAY: AccountId = AccountId([2; 32]);

    fn begun(verifier: &Verifier) -> Begun {
        let user = "alice@harbor-hotel.example".parse().unwrap();
        let binding = Binding { user, key: PublicKey([1; 32]), relay: RELAY };
        let (_, ke1) = OpenLogin::start("x", binding.clone()).unwrap();
        verifier.start(binding, None, &ke1).unwrap().0
    }

    #[test]
    fn a_login_has_one_try_by_its_relay_in_time() {
        let verifier = Verifier::random();
        let mut logins = Logins::new(2);
        logins.insert([1; 16], begun(&verifier), None, 0, 100).unwrap();
        assert!(logins.take(&[1; 16], &AccountId([9; 32]), 50).is_none(), "another relay");
        assert!(logins.take(&[1; 16], &RELAY, 50).is_some());
        assert!(logins.take(&[1; 16], &RELAY, 50).is_none(), "a second try");
        logins.insert([2; 16], begun(&verifier), None, 0, 100).unwrap();
        assert!(logins.take(&[2; 16], &RELAY, 100).is_none(), "expired");
    }

    #[test]
    fn open_logins_are_bounded() {
        let verifier = Verifier::random();
        let mut logins = Logins::new(2);
        for n in 0..2 {
            logins.insert([n; 16], begun(&verifier), None, 0, 100).unwrap();
        }
        let (one, other) = (begun(&verifier), begun(&verifier));
        assert_eq!(logins.insert([2; 16], one, None, 99, 200), Err(Full));
        assert_eq!(logins.insert([2; 16], other, None, 100, 200), Ok(()));
    }
}
