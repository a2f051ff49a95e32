//! How much waits in the whole relay, kept up with every change so that nothing is counted.
use crate::store::{META, StoreError, fault, get, put};
use parity_scale_codec::{Decode, Encode};
use redb::{ReadTransaction, WriteTransaction};

const KEY: &str = "totals";

/// What waits here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub(crate) struct Totals {
    /// Messages that wait to be fetched.
    pub inbox_count: u64,
    /// Bytes of their envelopes.
    pub inbox_bytes: u64,
    /// Messages that wait to be forwarded.
    pub outbox_count: u64,
    /// Bytes of their envelopes.
    pub outbox_bytes: u64,
    /// The number of the last message that was to be forwarded.
    pub outbox_newest: u64,
}

impl Totals {
    /// Bytes of all envelopes.
    pub fn bytes(&self) -> u64 {
        self.inbox_bytes.saturating_add(self.outbox_bytes)
    }

    pub fn read(transaction: &ReadTransaction) -> Result<Self, StoreError> {
        let meta = transaction.open_table(META).map_err(fault)?;
        Ok(get(&meta, "meta", KEY)?.unwrap_or_default())
    }

    pub fn load(transaction: &WriteTransaction) -> Result<Self, StoreError> {
        let meta = transaction.open_table(META).map_err(fault)?;
        Ok(get(&meta, "meta", KEY)?.unwrap_or_default())
    }

    pub fn save(&self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        let mut meta = transaction.open_table(META).map_err(fault)?;
        put(&mut meta, KEY, self)
    }
}
