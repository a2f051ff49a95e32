//! Sessions, by the hash of their token.
use super::{SESSIONS, Store, StoreError, decode, encode, fault};
use crate::sessions::Session;
use countersign_client::types::Hash;
use redb::ReadableTable;

const WHAT: &str = "session";

impl Store {
    /// Keeps a session, and forgets those that have ended for it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn keep_session(&self, hash: &Hash, session: &Session, ended: &[Hash]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut table = transaction.open_table(SESSIONS).map_err(fault)?;
            for hash in ended {
                table.remove(hash.to_string().as_str()).map_err(fault)?;
            }
            table.insert(hash.to_string().as_str(), encode(session).as_slice()).map_err(fault)?;
            Ok(())
        })
    }

    /// Forgets a session, if it is kept.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn forget_session(&self, hash: &Hash) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.open_table(SESSIONS).map_err(fault)?.remove(hash.to_string().as_str()).map_err(fault)?;
            Ok(())
        })
    }

    /// The sessions whose time is not over, the first to end first. The others are forgotten.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Database`].
    pub fn sessions(&self, now_ms: u64) -> Result<Vec<(Hash, Session)>, StoreError> {
        self.write(|transaction| {
            let mut table = transaction.open_table(SESSIONS).map_err(fault)?;
            let (mut open, mut over) = (Vec::new(), Vec::new());
            for entry in table.iter().map_err(fault)? {
                let (key, value) = entry.map_err(fault)?;
                let session: Session = decode(WHAT, key.value(), value.value())?;
                match key.value().parse() {
                    Ok(hash) if session.expires_at_ms > now_ms => open.push((hash, session)),
                    _ => over.push(key.value().to_owned()),
                }
            }
            for key in over {
                table.remove(key.as_str()).map_err(fault)?;
            }
            open.sort_by_key(|(_, session)| session.expires_at_ms);
            Ok(open)
        })
    }
}
