//! Sessions of users that have logged in: each for one relay and one key of a wallet, known by the hash of its token. What is open is in
//! memory; the database keeps the same, so that a restart ends none ([`crate::store`]).
use crate::limits;
use countersign_client::rpc_types::site::SessionToken;
use countersign_client::types::{AccountId, Hash, Name, PublicKey};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// A session. The database keeps it as JSON: fields may be added with a default, none may change its meaning.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    #[serde(with = "as_text")]
    pub user: Name,
    /// The wallet's key.
    #[serde(with = "as_text")]
    pub key: PublicKey,
    /// The relay that may use it.
    #[serde(with = "as_text")]
    pub relay: AccountId,
    /// The user's registration when it began: with another password it is over.
    #[serde(with = "as_text")]
    pub edition: Hash,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
}

/// Values that JSON holds as they are written for people.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::fmt::Display;
    use std::str::FromStr;

    pub(super) fn serialize<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// What a session is known by. The token itself is kept nowhere.
pub fn hash(token: &SessionToken) -> Hash {
    Hash::of("site-session", &token.0)
}

/// The sessions that are open.
#[derive(Debug, Default)]
pub struct Sessions {
    open: HashMap<Hash, Session>,
    /// Each user's, the oldest first.
    by_user: HashMap<Name, VecDeque<Hash>>,
}

/// As many sessions are open as are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Sessions {
    /// Those that were kept, the oldest first.
    pub fn restored(kept: Vec<(Hash, Session)>) -> Self {
        let mut sessions = Self::default();
        for (hash, session) in kept {
            sessions.put(hash, session);
        }
        sessions
    }

    /// Opens a session, and tells which have ended for it: a user's oldest one if it has too many, and those whose time is over if
    /// there is no room.
    ///
    /// # Errors
    /// [`Full`].
    pub fn insert(&mut self, hash: Hash, session: Session, now_ms: u64) -> Result<Vec<Hash>, Full> {
        let mut ended = Vec::new();
        if self.open.len() >= limits::SESSIONS_MAX {
            let over = self.open.iter().filter(|(_, open)| open.expires_at_ms <= now_ms);
            ended.extend(over.map(|(hash, _)| *hash));
        }
        let oldest = self.by_user.get(&session.user).filter(|own| own.len() >= limits::USER_SESSIONS_MAX);
        ended.extend(oldest.and_then(|own| own.front().copied()));
        ended.iter().for_each(|hash| self.remove(hash));
        if self.open.len() >= limits::SESSIONS_MAX {
            return Err(Full);
        }
        self.put(hash, session);
        Ok(ended)
    }

    fn put(&mut self, hash: Hash, session: Session) {
        self.by_user.entry(session.user.clone()).or_default().push_back(hash);
        self.open.insert(hash, session);
    }

    /// The session of this token, if this relay may use it now.
    pub fn get(&self, token: &SessionToken, relay: &AccountId, now_ms: u64) -> Option<&Session> {
        self.open.get(&hash(token)).filter(|open| open.relay == *relay && open.expires_at_ms > now_ms)
    }

    /// Ends a session, if it is open.
    pub fn remove(&mut self, hash: &Hash) {
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

    fn insert(sessions: &mut Sessions, n: usize, session: Session, now_ms: u64) -> Result<Vec<Hash>, Full> {
        sessions.insert(hash(&token(n)), session, now_ms)
    }

    fn session(user: &str) -> Session {
        let user = format!("{user}@harbor-hotel.example").parse().unwrap();
        Session { user, key: PublicKey([1; 32]), relay: RELAY, edition: Hash::ZERO, expires_at_ms: 100 }
    }

    #[test]
    fn a_session_is_for_its_relay_and_time() {
        let mut sessions = Sessions::default();
        insert(&mut sessions, 1, session("alice"), 0).unwrap();
        assert_eq!(sessions.get(&token(1), &RELAY, 99), Some(&session("alice")));
        assert_eq!(sessions.get(&token(1), &AccountId([3; 32]), 99), None);
        assert_eq!(sessions.get(&token(1), &RELAY, 100), None);
        assert_eq!(sessions.get(&token(2), &RELAY, 99), None);
        sessions.remove(&hash(&token(1)));
        assert_eq!(sessions.get(&token(1), &RELAY, 99), None);
        assert!(sessions.by_user.is_empty());
    }

    #[test]
    fn a_users_oldest_session_makes_room() {
        let mut sessions = Sessions::default();
        for n in 0..limits::USER_SESSIONS_MAX {
            assert_eq!(insert(&mut sessions, n, session("alice"), 0), Ok(Vec::new()));
        }
        let one_more = insert(&mut sessions, limits::USER_SESSIONS_MAX, session("alice"), 0);
        assert_eq!(one_more, Ok(vec![hash(&token(0))]));
        assert_eq!(sessions.get(&token(0), &RELAY, 1), None);
        assert!(sessions.get(&token(1), &RELAY, 1).is_some());
        assert_eq!(sessions.open.len(), limits::USER_SESSIONS_MAX);
    }

    #[test]
    fn sessions_are_bounded() {
        let mut sessions = Sessions::default();
        for n in 0..limits::SESSIONS_MAX {
            insert(&mut sessions, n, session(&format!("user-{n}")), 0).unwrap();
        }
        let one_more = limits::SESSIONS_MAX;
        assert_eq!(insert(&mut sessions, one_more, session("alice"), 99), Err(Full));
        let later = Session { expires_at_ms: 200, ..session("alice") };
        let ended = insert(&mut sessions, one_more, later, 100).unwrap();
        assert_eq!((ended.len(), sessions.open.len()), (limits::SESSIONS_MAX, 1), "those that have ended made room");
    }
    #[test]
    fn what_was_written_before_is_read() {
        let (hash, edition) = ("00".repeat(32), "01".repeat(32));
        let (key, relay) = (PublicKey([1; 32]), RELAY);
        let written = format!(
            r#"{{"user":"alice@harbor-hotel.example","key":"{key}","relay":"{relay}","edition":"{edition}","expires_at_ms":100}}"#
        );
        let read: Session = serde_json::from_str(&written).unwrap();
        assert_eq!(read, Session { edition: Hash([1; 32]), ..session("alice") });
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        assert!(serde_json::from_str::<Session>(&written.replace("csk1", "csx1")).is_err());
        let mut sessions = Sessions::restored(vec![(hash.parse().unwrap(), read)]);
        assert_eq!(sessions.open.len(), 1);
        sessions.remove(&Hash::ZERO);
        assert!(sessions.open.is_empty() && sessions.by_user.is_empty());
    }
}
