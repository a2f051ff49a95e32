//! Where sessions lie on disk. What a write has answered survives a crash.
use super::record::Record;
use crate::store::{Store, StoreError, fault, put, row};
use countersign_types::Hash;
use redb::{ReadableTable, TableDefinition};
use std::sync::Arc;

const NAME: &str = "sessions";
/// Hash of the token to [`Record`].
const SESSIONS: TableDefinition<'static, &'static [u8; 32], &'static [u8]> = TableDefinition::new(NAME);

/// The sessions on disk.
pub(super) struct Table(Arc<Store>);

impl Table {
    /// Makes the table if it is not there; all that is in it.
    pub fn open(store: Arc<Store>) -> Result<(Self, Vec<(Hash, Record)>), StoreError> {
        let all = store.write_now(|transaction| {
            let table = transaction.open_table(SESSIONS).map_err(fault)?;
            let mut all = Vec::new();
            for entry in table.iter().map_err(fault)? {
                let (id, bytes) = entry.map_err(fault)?;
                all.push((Hash(*id.value()), row::<Record>(NAME, bytes.value())?));
            }
            Ok(all)
        })?;
        Ok((Self(store), all))
    }

    /// Keeps a session, and forgets those that it ends.
    pub async fn put(&self, id: Hash, record: Record, ended: Vec<Hash>) -> Result<(), StoreError> {
        let change = move |transaction: &redb::WriteTransaction| {
            let mut table = transaction.open_table(SESSIONS).map_err(fault)?;
            for old in &ended {
                table.remove(&old.0).map_err(fault)?;
            }
            put(&mut table, &id.0, &record)
        };
        self.0.write(0, change).await
    }

    /// Forgets sessions.
    pub async fn remove(&self, ended: Vec<Hash>) -> Result<(), StoreError> {
        let change = move |transaction: &redb::WriteTransaction| {
            let mut table = transaction.open_table(SESSIONS).map_err(fault)?;
            for id in &ended {
                table.remove(&id.0).map_err(fault)?;
            }
            Ok(())
        };
        self.0.write(0, change).await
    }

    /// Notes that counts up to this one may have been accepted in a session.
    pub async fn note_count(&self, id: Hash, count: u64) -> Result<(), StoreError> {
        let change = move |transaction: &redb::WriteTransaction| {
            let mut table = transaction.open_table(SESSIONS).map_err(fault)?;
            let found = table.get(&id.0).map_err(fault)?.map(|bytes| row::<Record>(NAME, bytes.value()));
            match found.transpose()? {
                // Requests of one session may come here in another order than they were accepted in.
                Some(record) if record.count < count => put(&mut table, &id.0, &Record { count, ..record }),
                _ => Ok(()),
            }
        };
        self.0.write(0, change).await
    }
}
