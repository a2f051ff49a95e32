//! The database: users, contacts, posts, relays and sessions in one redb file, owned by one process. What a function has answered is on disk.
mod contacts;
mod posts;
mod relays;
mod sessions;
mod users;

pub use posts::Page;

use crate::record::BadRecord;
use countersign_client::types::Name;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");
/// Name to user.
const USERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("users");
/// User and contact's name to contact.
const CONTACTS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("contacts");
/// Number to post.
const POSTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("posts");
/// The account by which a relay asks, that of its key, to the relay.
const RELAYS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("relays");
/// The hash of a token, in hexadecimal digits, to the session.
const SESSIONS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sessions");

/// Version of what is in the file.
const FORMAT: &str = "1";
/// Bytes of the database kept in memory.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// Why the database does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the database is in use by another process")]
    InUse,
    /// It was made for another site.
    #[error("the database belongs to {found}, not to {wanted}")]
    OtherSite {
        /// The site in the file.
        found: String,
        /// The site of the settings.
        wanted: String,
    },
    /// It was written by another version of the program.
    #[error("the database has format {found}, this program reads format {FORMAT}")]
    ForeignFormat {
        /// Format found.
        found: String,
    },
    /// A value in it is not what its table holds.
    #[error("the database is damaged: {table} `{key}` cannot be read; restore a backup")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The entry.
        key: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The value given is not one that is kept.
    #[error(transparent)]
    BadRecord(#[from] BadRecord),
    /// There is something of this name already.
    #[error("there is a {what} `{name}` already")]
    Exists {
        /// User, contact or relay.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// There is nothing of this name.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// User, contact, post or relay.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The user's name belongs to another account.
    #[error("{user} is enrolled with the account {account}; `user unbind` frees the name")]
    Bound {
        /// The user.
        user: String,
        /// Its account.
        account: String,
    },
    /// A bound is reached.
    #[error("there are {limit} {what} already, the most that are kept")]
    Full {
        /// What there are so many of.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// The file or the disk.
    #[error("the database cannot be read or written")]
    Database(#[source] Box<redb::Error>),
}

/// Makes any of redb's faults one of ours.
fn fault(error: impl Into<redb::Error>) -> StoreError {
    StoreError::Database(Box::new(error.into()))
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("records are plain JSON")
}

fn decode<T: DeserializeOwned>(table: &'static str, key: &str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|source| StoreError::Damaged { table, key: key.into(), source })
}

/// The database of one site.
#[derive(Debug)]
pub struct Store {
    database: Database,
    site: Name,
}

impl Store {
    /// Opens the file, making it if there is none.
    ///
    /// # Errors
    /// [`StoreError::InUse`], `OtherSite`, `ForeignFormat` or `Database`.
    pub fn open(path: &Path, site: &Name) -> Result<Self, StoreError> {
        let opened = redb::Builder::new().set_cache_size(CACHE_BYTES).create(path);
        let database = opened.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse,
            other => fault(other),
        })?;
        let write = database.begin_write().map_err(fault)?;
        {
            let mut meta = write.open_table(META).map_err(fault)?;
            for (key, wanted) in [("format", FORMAT), ("site", site.as_str())] {
                let found = meta.get(key).map_err(fault)?.map(|value| value.value().to_owned());
                match found {
                    None => {
                        meta.insert(key, wanted).map_err(fault)?;
                    }
                    Some(found) if found == wanted => {}
                    Some(found) if key == "site" => return Err(StoreError::OtherSite { found, wanted: wanted.into() }),
                    Some(found) => return Err(StoreError::ForeignFormat { found }),
                }
            }
            write.open_table(USERS).map_err(fault)?;
            write.open_table(CONTACTS).map_err(fault)?;
            write.open_table(POSTS).map_err(fault)?;
            write.open_table(RELAYS).map_err(fault)?;
            write.open_table(SESSIONS).map_err(fault)?;
        }
        write.commit().map_err(fault)?;
        Ok(Self { database, site: site.clone() })
    }

    /// The site.
    pub fn site(&self) -> &Name {
        &self.site
    }

    fn read(&self) -> Result<redb::ReadTransaction, StoreError> {
        self.database.begin_read().map_err(fault)
    }

    /// Runs `change` in one transaction: it takes effect as a whole and is on disk, or nothing of it.
    fn write<T>(&self, change: impl FnOnce(&redb::WriteTransaction) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let transaction = self.database.begin_write().map_err(fault)?;
        let done = change(&transaction)?;
        transaction.commit().map_err(fault)?;
        Ok(done)
    }
}

#[cfg(test)]
mod tests;
