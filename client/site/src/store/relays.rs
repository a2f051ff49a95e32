//! Relays that may ask: nobody else is answered.
use super::{RELAYS, Store, StoreError, decode, encode, fault};
use crate::limits;
use crate::record::Relay;
use countersign_client::types::AccountId;
use redb::{ReadableTable, ReadableTableMetadata};

const WHAT: &str = "relay";

impl Store {
    /// Grants a relay, or replaces its label.
    ///
    /// # Errors
    /// [`StoreError::BadRecord`] or [`StoreError::Full`].
    pub fn grant(&self, record: &Relay) -> Result<(), StoreError> {
        let relay = record.check()?.to_string();
        self.write(|transaction| {
            let mut table = transaction.open_table(RELAYS).map_err(fault)?;
            let is_new = table.get(relay.as_str()).map_err(fault)?.is_none();
            if is_new && table.len().map_err(fault)? >= limits::RELAYS_MAX {
                return Err(StoreError::Full { what: "relays", limit: limits::RELAYS_MAX });
            }
            table.insert(relay.as_str(), encode(record).as_slice()).map_err(fault)?;
            Ok(())
        })
    }

    /// Revokes a relay: its requests are refused from now on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn revoke(&self, relay: &AccountId) -> Result<(), StoreError> {
        let relay = relay.to_string();
        self.write(|transaction| {
            let mut table = transaction.open_table(RELAYS).map_err(fault)?;
            match table.remove(relay.as_str()).map_err(fault)? {
                Some(_) => Ok(()),
                None => Err(StoreError::NotFound { what: WHAT, name: relay.clone() }),
            }
        })
    }

    /// The relay of this account, if it is granted.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Database`].
    pub fn relay(&self, relay: &AccountId) -> Result<Option<Relay>, StoreError> {
        let relay = relay.to_string();
        let table = self.read()?.open_table(RELAYS).map_err(fault)?;
        let bytes = table.get(relay.as_str()).map_err(fault)?;
        bytes.map(|bytes| decode(WHAT, &relay, bytes.value())).transpose()
    }

    /// Every relay granted.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Database`].
    pub fn relays(&self) -> Result<Vec<(String, Relay)>, StoreError> {
        let table = self.read()?.open_table(RELAYS).map_err(fault)?;
        let mut relays = Vec::new();
        for entry in table.iter().map_err(fault)? {
            let (account, value) = entry.map_err(fault)?;
            relays.push((account.value().to_owned(), decode(WHAT, account.value(), value.value())?));
        }
        Ok(relays)
    }
}
