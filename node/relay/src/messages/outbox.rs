//! Messages that wait to be forwarded. What one sender has for one receiver is a lane, in order; lanes do not hold each
//! other up.
use super::expiry::{Due, schedule};
use super::{Tag, Totals, sent};
use crate::limits;
use crate::store::{StoreError, fault, get, put, row};
use countersign_types::{AccountId, Hash, Timestamp};
use parity_scale_codec::{Decode, Encode};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

/// Lane and number to [`Row`].
const ROWS: TableDefinition<'static, (&'static [u8; 16], u64), &'static [u8]> = TableDefinition::new("outbox");
/// Lane and number to the envelope.
const ENVELOPES: TableDefinition<'static, (&'static [u8; 16], u64), &'static [u8]> =
    TableDefinition::new("outbox-envelopes");

#[derive(Encode, Decode)]
struct Row {
    id: Hash,
    to: AccountId,
    /// Who handed it in here, and its number among those of that sender; `None` if it came out of an inbox.
    sender: Option<(AccountId, u64)>,
    expires_at: Timestamp,
    bytes: u32,
}

/// One of each row, for the test of their bytes.
#[cfg(test)]
pub(super) fn rows() -> Vec<Vec<u8>> {
    let row = |sender| Row {
        id: Hash([1; 32]),
        to: AccountId([2; 32]),
        sender,
        expires_at: Timestamp::from_millis(3),
        bytes: 4,
    };
    vec![row(None).encode(), row(Some((AccountId([5; 32]), 6))).encode()]
}

/// The first message of a lane.
pub(crate) struct Head {
    pub number: u64,
    pub id: Hash,
    pub envelope: Vec<u8>,
}

/// A message for another relay.
pub(super) struct Outgoing<'a> {
    pub lane: Tag,
    pub id: Hash,
    pub to: AccountId,
    pub from: Origin,
    pub expires_at: Timestamp,
    pub envelope: &'a [u8],
}

/// Where a message comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// From this sender, as its message of this number.
    Sender(AccountId, u64),
    /// From its receiver's inbox, where it had this number: before anything that is handed in.
    Inbox(u64),
}

/// Added to the numbers of messages that are handed in: those out of an inbox are older.
const HANDED_IN: u64 = 1 << 63;

pub(super) fn make_tables(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(ROWS).map_err(fault)?;
    transaction.open_table(ENVELOPES).map_err(fault)?;
    Ok(())
}

/// True if there is room for one more message of `bytes`.
pub(super) fn has_room(transaction: &WriteTransaction, bytes: u64) -> Result<bool, StoreError> {
    let totals = Totals::load(transaction)?;
    Ok(totals.outbox_count < limits::OUTBOX_COUNT_MAX && totals.bytes() + bytes <= limits::STORED_BYTES_MAX)
}

/// Adds a message at the end of its lane.
pub(super) fn push(transaction: &WriteTransaction, outgoing: &Outgoing<'_>) -> Result<(), StoreError> {
    let size = outgoing.envelope.len();
    let mut totals = Totals::load(transaction)?;
    let (number, sender) = match outgoing.from {
        Origin::Inbox(number) => (number, None),
        Origin::Sender(sender, sent) => {
            totals.outbox_newest += 1;
            (HANDED_IN | totals.outbox_newest, Some((sender, sent)))
        }
    };
    totals.outbox_count += 1;
    totals.outbox_bytes += size as u64;
    totals.save(transaction)?;
    let &Outgoing { id, to, expires_at, .. } = outgoing;
    let row = Row { id, to, sender, expires_at, bytes: u32::try_from(size).unwrap_or(u32::MAX) };
    let key = (&outgoing.lane, number);
    put(&mut transaction.open_table(ROWS).map_err(fault)?, key, &row)?;
    transaction.open_table(ENVELOPES).map_err(fault)?.insert(key, outgoing.envelope).map_err(fault)?;
    schedule(transaction, expires_at, &Due::Waiting(outgoing.lane, number))
}

/// True if nothing waits in the lane.
pub(super) fn is_empty(transaction: &WriteTransaction, lane: &Tag) -> Result<bool, StoreError> {
    let rows = transaction.open_table(ROWS).map_err(fault)?;
    let mut found = rows.range((lane, 0)..=(lane, u64::MAX)).map_err(fault)?;
    Ok(found.next().transpose().map_err(fault)?.is_none())
}

/// The first message of a lane.
pub(crate) fn head(transaction: &ReadTransaction, lane: &Tag) -> Result<Option<Head>, StoreError> {
    let rows = transaction.open_table(ROWS).map_err(fault)?;
    let envelopes = transaction.open_table(ENVELOPES).map_err(fault)?;
    let Some(entry) = rows.range((lane, 0)..=(lane, u64::MAX)).map_err(fault)?.next() else { return Ok(None) };
    let (key, value) = entry.map_err(fault)?;
    let ((_, number), found) = (key.value(), row::<Row>("outbox", value.value())?);
    let envelope = envelopes.get((lane, number)).map_err(fault)?;
    let envelope = envelope.map(|envelope| envelope.value().to_vec()).unwrap_or_default();
    Ok(Some(Head { number, id: found.id, envelope }))
}

/// Lanes in which something waits, and their receivers.
pub(crate) fn lanes(transaction: &ReadTransaction) -> Result<Vec<(Tag, AccountId)>, StoreError> {
    let rows = transaction.open_table(ROWS).map_err(fault)?;
    let mut lanes = Vec::new();
    let mut next = rows.range::<(&[u8; 16], u64)>(..).map_err(fault)?.next();
    while let Some(entry) = next {
        let (key, value) = entry.map_err(fault)?;
        let lane = *key.value().0;
        lanes.push((lane, row::<Row>("outbox", value.value())?.to));
        next = rows.range((&lane, u64::MAX)..).map_err(fault)?.next();
    }
    Ok(lanes)
}

/// Takes a message out of its lane and tells its sender what became of it. Nothing happens if it is not there any more.
pub(crate) fn settle(
    transaction: &WriteTransaction,
    lane: &Tag,
    number: u64,
    state: sent::State,
) -> Result<(), StoreError> {
    let mut rows = transaction.open_table(ROWS).map_err(fault)?;
    let found: Option<Row> = get(&rows, "outbox", (lane, number))?;
    let Some(found) = found else { return Ok(()) };
    rows.remove((lane, number)).map_err(fault)?;
    transaction.open_table(ENVELOPES).map_err(fault)?.remove((lane, number)).map_err(fault)?;
    let bytes = u64::from(found.bytes);
    let mut totals = Totals::load(transaction)?;
    totals.outbox_count = totals.outbox_count.saturating_sub(1);
    totals.outbox_bytes = totals.outbox_bytes.saturating_sub(bytes);
    totals.save(transaction)?;
    match found.sender {
        Some((sender, sent)) => sent::settle(transaction, &sender, sent, bytes, state),
        None => Ok(()),
    }
}
