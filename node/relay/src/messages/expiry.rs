//! What is to be forgotten, by the minute. A few entries at a time, so that messages never wait long behind it.
use super::{Tag, inbox, outbox, sent};
use crate::limits;
use crate::store::{StoreError, fault, row};
use countersign_types::{AccountId, Hash, Timestamp};
use parity_scale_codec::{Decode, Encode};
use redb::{ReadableTable, TableDefinition, WriteTransaction};

/// Minute since the Unix epoch, and what is to be forgotten once it is over.
const EXPIRIES: TableDefinition<'static, (u64, &'static [u8]), ()> = TableDefinition::new("expiries");

/// What is to be forgotten.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub(super) enum Due {
    /// A message that came to be kept here: its id, and itself if it is not fetched.
    #[codec(index = 0)]
    Kept(Hash),
    /// A message that waits to be forwarded: its lane and number.
    #[codec(index = 1)]
    Waiting(Tag, u64),
    /// What became of a message: its sender and number.
    #[codec(index = 2)]
    Sent(AccountId, u64),
}

pub(super) fn make_tables(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(EXPIRIES).map_err(fault)?;
    Ok(())
}

/// Forgets `due` after the minute of `at`.
pub(super) fn schedule(transaction: &WriteTransaction, at: Timestamp, due: &Due) -> Result<(), StoreError> {
    let mut table = transaction.open_table(EXPIRIES).map_err(fault)?;
    table.insert((at.minute(), due.encode().as_slice()), ()).map_err(fault)?;
    Ok(())
}

/// Forgets what is over at `now`, the oldest first; true if there is more.
pub(super) fn sweep(transaction: &WriteTransaction, now: Timestamp) -> Result<bool, StoreError> {
    let mut over = Vec::new();
    {
        let mut table = transaction.open_table(EXPIRIES).map_err(fault)?;
        for entry in table.range(..(now.minute(), &[][..])).map_err(fault)?.take(limits::EXPIRED_PER_WRITE_MAX) {
            let (key, ()) = entry.map(|(key, value)| (key, value.value())).map_err(fault)?;
            let (minute, due) = key.value();
            over.push((minute, due.to_vec()));
        }
        for (minute, due) in &over {
            table.remove((*minute, due.as_slice())).map_err(fault)?;
        }
    }
    for (_, due) in &over {
        match row("expiries", due)? {
            Due::Kept(id) => inbox::forget(transaction, &id)?,
            Due::Waiting(lane, number) => {
                outbox::settle(transaction, &lane, number, sent::State::Expired)?;
            }
            Due::Sent(sender, number) => sent::forget(transaction, &sender, number)?,
        }
    }
    Ok(over.len() == limits::EXPIRED_PER_WRITE_MAX)
}
