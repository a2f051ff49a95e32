//! Messages that wait for their receivers. Numbers of one receiver grow from 1 and are never given twice; rows and
//! envelopes are apart, so that a page is found without reading what is not on it.
use super::expiry::{Due, schedule};
use super::outbox::{self, Origin, Outgoing};
use super::{Tag, Totals};
use crate::limits;
use crate::protocol::Full;
use crate::store::{StoreError, fault, get, put, row};
use countersign_rpc_types::HexBytes;
use countersign_rpc_types::relay::{INBOX_PAGE_BYTES_MAX, InboxPage, StoredMessage};
use countersign_types::{AccountId, Hash, Timestamp};
use parity_scale_codec::{Decode, Encode};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use std::collections::BTreeSet;
use std::ops::Bound;

type Numbered = (&'static [u8; 32], u64);

/// Receiver and number to [`Row`].
const ROWS: TableDefinition<'static, Numbered, &'static [u8]> = TableDefinition::new("inbox");
/// Receiver and number to the envelope.
const ENVELOPES: TableDefinition<'static, Numbered, &'static [u8]> = TableDefinition::new("inbox-envelopes");
/// Receiver to [`Inbox`]. Stays when the inbox is empty: its numbers go on.
const INBOXES: TableDefinition<'static, &'static [u8; 32], &'static [u8]> = TableDefinition::new("inboxes");
/// Receiver and tag to [`Share`].
const SHARES: TableDefinition<'static, (&'static [u8; 32], &'static [u8; 16]), &'static [u8]> =
    TableDefinition::new("shares");
/// A message's id to its receiver and number, until it expires.
const KNOWN: TableDefinition<'static, &'static [u8; 32], &'static [u8]> = TableDefinition::new("known");

#[derive(Encode, Decode)]
struct Row {
    id: Hash,
    tag: Tag,
    received_at: Timestamp,
    expires_at: Timestamp,
    bytes: u32,
}

#[derive(Default, Encode, Decode)]
struct Inbox {
    newest: u64,
    count: u32,
    bytes: u64,
}

/// What one sender has of an inbox.
#[derive(Default, Encode, Decode)]
struct Share {
    count: u32,
    bytes: u64,
}

#[derive(Encode, Decode)]
struct Known {
    receiver: AccountId,
    number: u64,
}

/// A message for an inbox.
pub(super) struct Incoming<'a> {
    pub id: Hash,
    pub to: AccountId,
    pub tag: Tag,
    pub received_at: Timestamp,
    pub expires_at: Timestamp,
    pub envelope: &'a [u8],
}

/// One of each row, for the test of their bytes.
#[cfg(test)]
pub(super) fn rows() -> Vec<Vec<u8>> {
    let at = Timestamp::from_millis;
    let row = Row { id: Hash([1; 32]), tag: [2; 16], received_at: at(3), expires_at: at(4), bytes: 5 };
    let known = Known { receiver: AccountId([11; 32]), number: 12 };
    let (inbox, share) = (Inbox { newest: 6, count: 7, bytes: 8 }, Share { count: 9, bytes: 10 });
    vec![row.encode(), inbox.encode(), share.encode(), known.encode()]
}

/// It is in the inbox, or was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// Under this number, now.
    Stored(u64),
    /// Before.
    Known,
}

pub(super) fn make_tables(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(ROWS).map_err(fault)?;
    transaction.open_table(ENVELOPES).map_err(fault)?;
    transaction.open_table(INBOXES).map_err(fault)?;
    transaction.open_table(SHARES).map_err(fault)?;
    transaction.open_table(KNOWN).map_err(fault)?;
    Ok(())
}

/// Puts a message into its receiver's inbox, once. Nothing is written if there is no room.
pub(super) fn take(transaction: &WriteTransaction, message: &Incoming<'_>) -> Result<Result<Taken, Full>, StoreError> {
    let mut known = transaction.open_table(KNOWN).map_err(fault)?;
    if known.get(&message.id.0).map_err(fault)?.is_some() {
        return Ok(Ok(Taken::Known));
    }
    let mut inboxes = transaction.open_table(INBOXES).map_err(fault)?;
    let mut shares = transaction.open_table(SHARES).map_err(fault)?;
    let share_key = (&message.to.0, &message.tag);
    let inbox: Inbox = get(&inboxes, "inboxes", &message.to.0)?.unwrap_or_default();
    let share: Share = get(&shares, "shares", share_key)?.unwrap_or_default();
    let totals = Totals::load(transaction)?;
    let size = message.envelope.len() as u64;
    if let Some(full) = what_is_full(&inbox, &share, &totals, size) {
        return Ok(Err(full));
    }
    // From here on it must succeed.
    let number = inbox.newest + 1;
    let key = (&message.to.0, number);
    let row = Row {
        id: message.id,
        tag: message.tag,
        received_at: message.received_at,
        expires_at: message.expires_at,
        bytes: u32::try_from(size).unwrap_or(u32::MAX),
    };
    put(&mut transaction.open_table(ROWS).map_err(fault)?, key, &row)?;
    transaction.open_table(ENVELOPES).map_err(fault)?.insert(key, message.envelope).map_err(fault)?;
    let inbox = Inbox { newest: number, count: inbox.count + 1, bytes: inbox.bytes + size };
    put(&mut inboxes, &message.to.0, &inbox)?;
    put(&mut shares, share_key, &Share { count: share.count + 1, bytes: share.bytes + size })?;
    put(&mut known, &message.id.0, &Known { receiver: message.to, number })?;
    let (inbox_count, inbox_bytes) = (totals.inbox_count + 1, totals.inbox_bytes + size);
    Totals { inbox_count, inbox_bytes, ..totals }.save(transaction)?;
    schedule(transaction, message.expires_at, &Due::Kept(message.id))?;
    Ok(Ok(Taken::Stored(number)))
}

fn what_is_full(inbox: &Inbox, share: &Share, totals: &Totals, size: u64) -> Option<Full> {
    if inbox.count >= limits::INBOX_COUNT_MAX || inbox.bytes + size > limits::INBOX_BYTES_MAX {
        return Some(Full::Inbox);
    }
    if share.count >= limits::INBOX_SHARE_MAX || share.bytes + size > limits::INBOX_SHARE_BYTES_MAX {
        return Some(Full::Share);
    }
    (totals.bytes() + size > limits::STORED_BYTES_MAX).then_some(Full::Relay)
}

/// Messages after a number that have not expired.
pub(super) fn page(
    transaction: &ReadTransaction,
    receiver: &AccountId,
    after: u64,
    limit: u32,
    now: Timestamp,
) -> Result<InboxPage, StoreError> {
    let rows = transaction.open_table(ROWS).map_err(fault)?;
    let envelopes = transaction.open_table(ENVELOPES).map_err(fault)?;
    let mut page = InboxPage { messages: Vec::new(), next: after, more: false };
    let mut bytes = 0;
    let first = after.saturating_add(1);
    for entry in rows.range((&receiver.0, first)..=(&receiver.0, u64::MAX)).map_err(fault)? {
        let (key, value) = entry.map_err(fault)?;
        let ((_, number), found) = (key.value(), row::<Row>("inbox", value.value())?);
        if found.expires_at <= now || number <= after {
            continue;
        }
        bytes += found.bytes as usize;
        let is_full = page.messages.len() >= limit as usize || bytes > INBOX_PAGE_BYTES_MAX;
        if is_full && !page.messages.is_empty() {
            page.more = true;
            break;
        }
        let Some(envelope) = envelopes.get((&receiver.0, number)).map_err(fault)? else { continue };
        let envelope = HexBytes(envelope.value().to_vec());
        page.messages.push(StoredMessage { number, received_at_ms: found.received_at.millis(), envelope });
        page.next = number;
    }
    Ok(page)
}

/// The number of the newest message if any waits, else 0.
pub(super) fn newest(transaction: &ReadTransaction, receiver: &AccountId) -> Result<u64, StoreError> {
    let inboxes = transaction.open_table(INBOXES).map_err(fault)?;
    let inbox: Inbox = get(&inboxes, "inboxes", &receiver.0)?.unwrap_or_default();
    Ok(if inbox.count > 0 { inbox.newest } else { 0 })
}

/// Forgets messages up to a number; says how many. Their ids are remembered.
pub(super) fn acknowledge(transaction: &WriteTransaction, receiver: &AccountId, up_to: u64) -> Result<u64, StoreError> {
    let mut numbers = Vec::new();
    for entry in
        transaction.open_table(ROWS).map_err(fault)?.range((&receiver.0, 0)..=(&receiver.0, up_to)).map_err(fault)?
    {
        let (key, _) = entry.map_err(fault)?;
        numbers.push(key.value().1);
    }
    remove(transaction, receiver, &numbers)
}

/// Some accounts in whose inboxes something waits, after this one; and the last that was looked at, if there may be
/// more.
pub(super) fn occupied(
    transaction: &ReadTransaction,
    after: &AccountId,
) -> Result<(Vec<AccountId>, Option<AccountId>), StoreError> {
    let inboxes = transaction.open_table(INBOXES).map_err(fault)?;
    let (mut occupied, mut looked_at, mut last) = (Vec::new(), 0, None);
    let after = (Bound::Excluded(&after.0), Bound::Unbounded);
    for entry in inboxes.range::<&[u8; 32]>(after).map_err(fault)?.take(limits::INBOXES_LOOKED_AT_MAX) {
        let (key, value) = entry.map_err(fault)?;
        let account = AccountId(*key.value());
        if row::<Inbox>("inboxes", value.value())?.count > 0 {
            occupied.push(account);
        }
        looked_at += 1;
        last = Some(account);
    }
    Ok((occupied, last.filter(|_| looked_at == limits::INBOXES_LOOKED_AT_MAX)))
}

/// Moves the oldest messages of an inbox into the outbox, as much as one transaction holds: another relay keeps them by
/// now. Says in which lanes they are; in none if the inbox is empty. Their ids are forgotten, so that they can come
/// back.
pub(super) fn move_out(transaction: &WriteTransaction, receiver: &AccountId) -> Result<BTreeSet<Tag>, StoreError> {
    let (mut lanes, mut numbers, mut bytes) = (BTreeSet::new(), Vec::new(), 0);
    {
        let rows = transaction.open_table(ROWS).map_err(fault)?;
        let envelopes = transaction.open_table(ENVELOPES).map_err(fault)?;
        let mut known = transaction.open_table(KNOWN).map_err(fault)?;
        for entry in rows.range((&receiver.0, 0)..=(&receiver.0, u64::MAX)).map_err(fault)? {
            let (key, value) = entry.map_err(fault)?;
            let ((_, number), found) = (key.value(), row::<Row>("inbox", value.value())?);
            numbers.push(number);
            known.remove(&found.id.0).map_err(fault)?;
            let Some(envelope) = envelopes.get((&receiver.0, number)).map_err(fault)? else { continue };
            let envelope = envelope.value();
            let Row { id, tag: lane, expires_at, .. } = found;
            let from = Origin::Inbox(number);
            outbox::push(transaction, &Outgoing { lane, id, to: *receiver, from, expires_at, envelope })?;
            lanes.insert(lane);
            bytes += envelope.len();
            if bytes >= limits::MOVED_BYTES_PER_WRITE || numbers.len() >= limits::EXPIRED_PER_WRITE_MAX {
                break;
            }
        }
    }
    remove(transaction, receiver, &numbers)?;
    Ok(lanes)
}

/// Forgets a message's id, and the message if nobody has fetched it.
pub(super) fn forget(transaction: &WriteTransaction, id: &Hash) -> Result<(), StoreError> {
    let mut table = transaction.open_table(KNOWN).map_err(fault)?;
    let known: Option<Known> = get(&table, "known", &id.0)?;
    if let Some(known) = known {
        table.remove(&id.0).map_err(fault)?;
        remove(transaction, &known.receiver, &[known.number])?;
    }
    Ok(())
}

fn remove(transaction: &WriteTransaction, receiver: &AccountId, numbers: &[u64]) -> Result<u64, StoreError> {
    let mut rows = transaction.open_table(ROWS).map_err(fault)?;
    let mut envelopes = transaction.open_table(ENVELOPES).map_err(fault)?;
    let mut inboxes = transaction.open_table(INBOXES).map_err(fault)?;
    let mut shares = transaction.open_table(SHARES).map_err(fault)?;
    let mut inbox: Inbox = get(&inboxes, "inboxes", &receiver.0)?.unwrap_or_default();
    let mut totals = Totals::load(transaction)?;
    let mut removed = 0;
    for number in numbers {
        let key = (&receiver.0, *number);
        let Some(found) = get::<_, Row>(&rows, "inbox", key)? else { continue };
        rows.remove(key).map_err(fault)?;
        envelopes.remove(key).map_err(fault)?;
        let size = u64::from(found.bytes);
        inbox.count = inbox.count.saturating_sub(1);
        inbox.bytes = inbox.bytes.saturating_sub(size);
        totals.inbox_count = totals.inbox_count.saturating_sub(1);
        totals.inbox_bytes = totals.inbox_bytes.saturating_sub(size);
        let share_key = (&receiver.0, &found.tag);
        let share: Share = get(&shares, "shares", share_key)?.unwrap_or_default();
        if share.count > 1 {
            let share = Share { count: share.count - 1, bytes: share.bytes.saturating_sub(size) };
            put(&mut shares, share_key, &share)?;
        } else {
            shares.remove(share_key).map_err(fault)?;
        }
        removed += 1;
    }
    if removed > 0 {
        put(&mut inboxes, &receiver.0, &inbox)?;
        totals.save(transaction)?;
    }
    Ok(removed)
}
