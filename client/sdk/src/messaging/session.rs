//! Sessions of this wallet, in a folder: one file for each user with the relay, the token and the key that has to sign
//! every request. The token alone is worth nothing, but nobody else is to read it.
use super::disk::{self, DiskError};
use super::limits::{SESSION_FILE_BYTES_MAX, SESSIONS_MAX};
use crate::clock;
use crate::rpc_types::site::SessionToken;
use crate::types::{AccountId, Hash, Name, PublicKey, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;

/// Ending of a session's file.
const ENDING: &str = ".json";
const FORMAT: &str = "countersign-session";
const VERSION: u32 = 1;
const ADVICE: &str = "remove it and log in again";

/// A session at a relay, as the wallet keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredSession {
    /// Whose it is: `alice@harbor-hotel.example`, or a member.
    pub user: Name,
    /// The account its messages are for.
    pub account: AccountId,
    /// The chain on which that account is.
    pub chain: Hash,
    /// The name of the wallet's key, with which the log-in was made.
    pub key_name: String,
    /// That key.
    pub key: PublicKey,
    /// The key under which the account receives sealed messages, if this wallet can open them: to be compared with the
    /// ledger's.
    pub encryption_key: Option<[u8; 32]>,
    /// Where the relay is reached.
    pub relay_url: String,
    /// The relay's key.
    pub relay: PublicKey,
    /// The session's token.
    pub token: SessionToken,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A folder of sessions.
#[derive(Clone, Debug)]
pub struct SessionStore {
    folder: PathBuf,
}

/// Why there is no session to use.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Nobody of that name is logged in.
    #[error("{user} is not logged in: `countersign login {user}`")]
    NotLoggedIn {
        /// Who.
        user: Name,
    },
    /// Nobody is logged in, or not with the key in use.
    #[error("nobody is logged in with this wallet and key: `countersign login NAME`")]
    NobodyLoggedIn,
    /// It does not say which.
    #[error("several are logged in with this wallet: {users}; name one of them with --account")]
    Several {
        /// Who.
        users: String,
    },
    /// Its time is over.
    #[error("the session of {user} ended at {at}: `countersign login {user}`")]
    Ended {
        /// Whose.
        user: Name,
        /// When.
        at: String,
    },
    /// It was made with another key.
    #[error(
        "the session of {user} is that of the key `{key_name}`, not of `{name}`: log in with this one, or use the other"
    )]
    OtherKey {
        /// Whose.
        user: Name,
        /// The key of the log-in.
        key_name: String,
        /// The key in use.
        name: String,
    },
    /// A file cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionFile {
    format: String,
    version: u32,
    user: String,
    account: String,
    chain: String,
    key_name: String,
    key: String,
    encryption_key: Option<String>,
    relay_url: String,
    relay: String,
    token: SessionToken,
    expires_at_ms: u64,
}

impl StoredSession {
    /// Fails if the session's time is over.
    ///
    /// # Errors
    /// [`SessionError::Ended`].
    pub fn check(&self, now: Timestamp) -> Result<(), SessionError> {
        if self.expires_at > now {
            return Ok(());
        }
        Err(SessionError::Ended { user: self.user.clone(), at: clock::to_local(self.expires_at) })
    }

    fn to_file(&self) -> SessionFile {
        SessionFile {
            format: FORMAT.into(),
            version: VERSION,
            user: self.user.to_string(),
            account: self.account.to_string(),
            chain: self.chain.to_string(),
            key_name: self.key_name.clone(),
            key: self.key.to_string(),
            encryption_key: self.encryption_key.map(|key| Hash(key).to_string()),
            relay_url: self.relay_url.clone(),
            relay: self.relay.to_string(),
            token: self.token,
            expires_at_ms: self.expires_at.millis(),
        }
    }

    fn of_file(file: SessionFile) -> Result<Self, String> {
        if (file.format.as_str(), file.version) != (FORMAT, VERSION) {
            return Err("it is another format or version".into());
        }
        let wrong = |error: crate::types::text::TextError| error.to_string();
        let encryption_key = file.encryption_key.map(|key| key.parse().map(|key: Hash| key.0)).transpose();
        Ok(Self {
            user: file.user.parse().map_err(wrong)?,
            account: file.account.parse().map_err(wrong)?,
            chain: file.chain.parse().map_err(wrong)?,
            key_name: file.key_name,
            key: file.key.parse().map_err(wrong)?,
            encryption_key: encryption_key.map_err(wrong)?,
            relay_url: file.relay_url,
            relay: file.relay.parse().map_err(wrong)?,
            token: file.token,
            expires_at: Timestamp::from_millis(file.expires_at_ms),
        })
    }
}

impl SessionStore {
    /// The sessions in a folder, which is made with the first of them.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, user: &Name) -> PathBuf {
        self.folder.join(format!("{user}{ENDING}"))
    }

    /// Keeps a session, in the place of an earlier one of the same user.
    ///
    /// # Errors
    /// [`DiskError`]; the earlier one is still there.
    pub fn save(&self, session: &StoredSession) -> Result<(), DiskError> {
        let _lock = disk::lock(&self.folder)?;
        let text = serde_json::to_vec_pretty(&session.to_file()).expect("texts and numbers are JSON");
        disk::replace(&self.path(&session.user), &text)
    }

    /// The session of a user, which may be over; `None` if there is none.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn load(&self, user: &Name) -> Result<Option<StoredSession>, DiskError> {
        let path = self.path(user);
        let Some(bytes) = disk::read_private(&path, SESSION_FILE_BYTES_MAX)? else {
            return Ok(None);
        };
        let read =
            serde_json::from_slice(&bytes).map_err(|_| "a field is missing, unknown or of the wrong type".into());
        let session = read.and_then(StoredSession::of_file).and_then(|session| match session.user == *user {
            true => Ok(session),
            false => Err(format!("it is the session of {}", session.user)),
        });
        let damaged = |cause| DiskError::Damaged { path: path.display().to_string(), cause, advice: ADVICE };
        session.map(Some).map_err(damaged)
    }

    /// The users that have a session here, which may be over, by name.
    ///
    /// # Errors
    /// [`DiskError::Io`] for the folder.
    pub fn users(&self) -> Result<Vec<Name>, DiskError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.folder).map_err(|source| disk::io_error(&self.folder, source))?;
        let name_of = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(ENDING)?.parse().ok();
        let mut users: Vec<Name> = entries.take(SESSIONS_MAX).flatten().filter_map(name_of).collect();
        users.sort();
        Ok(users)
    }

    /// The sessions here, which may be over, by user. Files that are none are left out; [`SessionStore::load`] tells
    /// why.
    ///
    /// # Errors
    /// [`DiskError::Io`] for the folder.
    pub fn list(&self) -> Result<Vec<StoredSession>, DiskError> {
        let loaded = self.users()?.into_iter().map(|user| self.load(&user));
        Ok(loaded.filter_map(|found| found.ok().flatten()).collect())
    }

    /// The session to use: that of a user if one is named, else the only one of a key if one is named, else the only
    /// one there is. Its time is not over.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn open(
        &self,
        user: Option<&Name>,
        key_name: Option<&str>,
        now: Timestamp,
    ) -> Result<StoredSession, SessionError> {
        let found = match user {
            Some(user) => self.load(user)?.ok_or_else(|| SessionError::NotLoggedIn { user: user.clone() })?,
            None => self.only(key_name)?,
        };
        if let Some(name) = key_name.filter(|name| *name != found.key_name) {
            let (user, key_name) = (found.user, found.key_name);
            return Err(SessionError::OtherKey { user, key_name, name: name.into() });
        }
        found.check(now)?;
        Ok(found)
    }

    fn only(&self, key_name: Option<&str>) -> Result<StoredSession, SessionError> {
        let mut found = self.list()?;
        found.retain(|session| key_name.is_none_or(|name| session.key_name == name));
        if found.len() > 1 {
            let users = found.iter().map(|session| session.user.as_str()).collect::<Vec<_>>().join(", ");
            return Err(SessionError::Several { users });
        }
        found.pop().ok_or(SessionError::NobodyLoggedIn)
    }

    /// Forgets the session of a user. True if there was one.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn remove(&self, user: &Name) -> Result<bool, DiskError> {
        if !self.folder.exists() {
            return Ok(false);
        }
        let _lock = disk::lock(&self.folder)?;
        disk::remove(&self.path(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn session(user: &str) -> StoredSession {
        StoredSession {
            user: user.parse().unwrap(),
            account: AccountId([1; 32]),
            chain: Hash([2; 32]),
            key_name: "alice".into(),
            key: PublicKey([1; 32]),
            encryption_key: Some([4; 32]),
            relay_url: "ws://127.0.0.1:26800".into(),
            relay: PublicKey([3; 32]),
            token: SessionToken([0x5a; 32]),
            expires_at: Timestamp::from_millis(10_000),
        }
    }

    fn store() -> (tempfile::TempDir, SessionStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = SessionStore::new(folder.path().join("sessions"));
        (folder, store)
    }

    const ALICE: &str = "alice@harbor-hotel.example";
    const NOW: Timestamp = Timestamp::from_millis(1_000);

    #[test]
    fn a_session_is_kept_replaced_and_forgotten() {
        let (_folder, store) = store();
        let alice: Name = ALICE.parse().unwrap();
        assert!(matches!(store.open(None, None, NOW), Err(SessionError::NobodyLoggedIn)));
        assert!(matches!(store.open(Some(&alice), None, NOW), Err(SessionError::NotLoggedIn { .. })));
        store.save(&session(ALICE)).unwrap();
        assert_eq!(store.open(None, None, NOW).unwrap(), session(ALICE));
        let again = StoredSession { token: SessionToken([6; 32]), ..session(ALICE) };
        store.save(&again).unwrap();
        assert_eq!(store.open(Some(&alice), None, NOW).unwrap(), again);
        let hotel = StoredSession { key_name: "hotel".into(), ..session("harbor-hotel.example") };
        store.save(&hotel).unwrap();
        assert_eq!(store.open(None, Some("hotel"), NOW).unwrap(), hotel);
        assert_eq!(store.open(None, Some("alice"), NOW).unwrap(), again);
        assert!(matches!(store.open(None, Some("bob"), NOW), Err(SessionError::NobodyLoggedIn)));
        assert!(matches!(store.open(Some(&alice), Some("hotel"), NOW), Err(SessionError::OtherKey { .. })));
        assert_eq!(store.list().unwrap(), [again, hotel]);
        let several = store.open(None, None, NOW).unwrap_err().to_string();
        assert!(several.contains("alice@harbor-hotel.example, harbor-hotel.example"), "{several}");
        assert!(store.remove(&alice).unwrap());
        assert!(!store.remove(&alice).unwrap());
        assert_eq!(store.users().unwrap(), ["harbor-hotel.example".parse().unwrap()]);
    }

    #[test]
    fn a_session_that_is_over_says_so() {
        let (_folder, store) = store();
        store.save(&session(ALICE)).unwrap();
        let ended = store.open(None, None, Timestamp::from_millis(10_000)).unwrap_err();
        assert!(matches!(&ended, SessionError::Ended { user, .. } if user.as_str() == ALICE), "{ended}");
    }

    #[test]
    fn a_file_that_others_can_read_or_that_was_changed_is_refused() {
        let (_folder, store) = store();
        store.save(&session(ALICE)).unwrap();
        let alice: Name = ALICE.parse().unwrap();
        let path = store.path(&alice);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let good = fs::read_to_string(&path).unwrap();
        for bad in [
            good.replace(ALICE, "bob@harbor-hotel.example"),
            good.replace("csa1", "csa2"),
            good.replace("\"version\": 1", "\"version\": 2"),
            good.replace("token", "tokens"),
            good[..40].to_string(),
            String::new(),
        ] {
            fs::write(&path, &bad).unwrap();
            assert!(matches!(store.load(&alice), Err(DiskError::Damaged { .. })), "{bad}");
        }
        fs::write(&path, " ".repeat(SESSION_FILE_BYTES_MAX as usize + 1)).unwrap();
        assert!(matches!(store.load(&alice), Err(DiskError::TooLong { .. })));
        fs::write(&path, good).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = store.load(&alice).unwrap_err();
        assert!(matches!(refused, DiskError::Access(_)) && refused.to_string().contains("640"), "{refused}");
    }

    #[test]
    fn the_token_is_not_in_logs() {
        let debug = format!("{:?}", session(ALICE));
        assert!(!debug.contains("5a5a") && !debug.contains("90, 90"), "{debug}");
    }

    #[test]
    fn what_a_killed_run_left_does_not_stop_the_next() {
        let (_folder, store) = store();
        store.save(&session(ALICE)).unwrap();
        fs::write(disk::beside(&store.path(&ALICE.parse().unwrap())), "half a fi").unwrap();
        let again = StoredSession { token: SessionToken([6; 32]), ..session(ALICE) };
        store.save(&again).unwrap();
        assert_eq!(store.open(None, None, NOW).unwrap(), again);
    }

    #[test]
    fn the_file_is_frozen() {
        let (_folder, store) = store();
        store.save(&session(ALICE)).unwrap();
        let text = fs::read_to_string(store.path(&ALICE.parse().unwrap())).unwrap();
        assert_eq!(&Hash::of("test", text.as_bytes()).to_string()[..16], "491e375dea298a44", "{text}");
    }
}
