//! Sessions of users that have logged in: each for one relay and one key of a wallet, kept in memory by the hash of its token.
use crate::limits;
use countersign_client::rpc_types::site::SessionToken;
use countersign_client::types::{AccountId, Hash, Name, PublicKey};
use std::collections::{HashMap, VecDeque};

/// A session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Whose it is.
    pub user: Name,
    /// The wallet's key.
    pub key: PublicKey,
    /// The relay that may use it.
    pub relay: AccountId,
    /// The user's registration when it began: with another password it is over.
    pub edition: Hash,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
}

/// The sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    open: HashMap<Hash, Session>,
    /// Each user's, the oldest first.
    by_user: HashMap<Name, VecDeque<Hash>>,
}

/// As many sessions are open as are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

fn index(token: &SessionToken) -> Hash {
    Hash::of("site-session", &token.0)
}

impl Sessions {
    /// Keeps a session. A user's oldest one ends if it has too many.
    ///
    /// # Errors
    /// [`Full`].
    pub fn insert(&mut self, token: &SessionToken, session: Session, now_ms: u64) -> Result<(), Full> {
        if self.open.len() >= limits::SESSIONS_MAX {
            let ended: Vec<Hash> =
                self.open.iter().filter(|(_, open)| open.expires_at_ms <= now_ms).map(|(hash, _)| *hash).collect();
            ended.iter().for_each(|hash| self.end(hash));
        }
        let oldest = self.by_user.get(&session.user).filter(|own| own.len() >= limits::USER_SESSIONS_MAX);
        if let Some(oldest) = oldest.and_then(|own| own.front().copied()) {
            self.end(&oldest);
        }
        if self.open.len() >= limits::SESSIONS_MAX {
            return Err(Full);
        }
        let hash = index(token);
        self.by_user.entry(session.user.clone()).or_default().push_back(hash);
        self.open.insert(hash, session);
        Ok(())
    }

    /// The session of this token, if this relay may use it now.
    pub fn get(&self, token: &SessionToken, relay: &AccountId, now_ms: u64) -> Option<&Session> {
        self.open.get(&index(token)).filter(|open| open.relay == *relay && open.expires_at_ms > now_ms)
    }

    /// Ends the session of this token.
    pub fn remove(&mut self, token: &SessionToken) {
        self.end(&index(token));
    }

    fn end(&mut self, hash: &Hash) {
        let Some(session) = self.open.remove(hash) else {
            return;
        };
        if let Some(own) = self.by_user.get_mut(&session.user) {
            own.retain(|other| other != hash);
            if own.is_empty() {
                self.by_user.remove(&session.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELAY: AccountId = AccountId([2; 32]);

    fn token(n: usize) -> SessionToken {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(n as u64).to_le_bytes());
        SessionToken(bytes)
    }

    fn session(user: &str) -> Session {
        let user = format!("{user}@harbor-hotel.example").parse().unwrap();
        Session { user, key: PublicKey([1; 32]), relay: RELAY, edition: Hash::ZERO, expires_at_ms: 100 }
    }

    #[test]
    fn a_session_is_for_its_relay_and_time() {
        let mut sessions = Sessions::default();
        sessions.insert(&token(1), session("alice"), 0).unwrap();
        assert_eq!(sessions.get(&token(1), &RELAY, 99), Some(&session("alice")));
        assert_eq!(sessions.get(&token(1), &AccountId([3; 32]), 99), None);
        assert_eq!(sessions.get(&token(1), &RELAY, 100), None);
        assert_eq!(sessions.get(&token(2), &RELAY, 99), None);
        sessions.remove(&token(1));
        assert_eq!(sessions.get(&token(1), &RELAY, 99), None);
        assert!(sessions.by_user.is_empty());
    }

    #[test]
    fn a_users_oldest_session_makes_room() {
        let mut sessions = Sessions::default();
        for n in 0..=limits::USER_SESSIONS_MAX {
            sessions.insert(&token(n), session("alice"), 0).unwrap();
        }
        assert_eq!(sessions.get(&token(0), &RELAY, 1), None);
        assert!(sessions.get(&token(1), &RELAY, 1).is_some());
        assert_eq!(sessions.open.len(), limits::USER_SESSIONS_MAX);
    }

    #[test]
    fn sessions_are_bounded() {
        let mut sessions = Sessions::default();
        for n in 0..limits::SESSIONS_MAX {
            sessions.insert(&token(n), session(&format!("user-{n}")), 0).unwrap();
        }
        let one_more = token(limits::SESSIONS_MAX);
        assert_eq!(sessions.insert(&one_more, session("alice"), 99), Err(Full));
        assert_eq!(sessions.insert(&one_more, Session { expires_at_ms: 200, ..session("alice") }, 100), Ok(()));
        assert_eq!(sessions.open.len(), 1, "those that have ended made room");
    }
}
