//! What became of sent messages, for their senders, and how much each sender may send.
use super::expiry::{Due, schedule};
use super::refusal::Whose;
use crate::limits;
use crate::store::{StoreError, fault, get, put, row};
use countersign_rpc_types::relay::{SentPage, SentState, SentView};
use countersign_types::text;
use countersign_types::{AccountId, Hash, Timestamp};
use parity_scale_codec::{Decode, Encode};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

/// Sender and number to [`Row`].
const ROWS: TableDefinition<'static, (&'static [u8; 32], u64), &'static [u8]> = TableDefinition::new("sent");
/// Sender and a message's id to its number.
const NUMBERS: TableDefinition<'static, (&'static [u8; 32], &'static [u8; 32]), u64> =
    TableDefinition::new("sent-numbers");
/// Sender to [`Sender`]. Stays: its numbers go on.
const SENDERS: TableDefinition<'static, &'static [u8; 32], &'static [u8]> = TableDefinition::new("senders");
const HOUR_MS: u64 = 60 * 60 * 1000;

/// Where a message stands; as [`SentState`], on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(crate) enum State {
    #[codec(index = 0)]
    Waiting,
    #[codec(index = 1)]
    Delivered,
    #[codec(index = 2)]
    Expired,
    #[codec(index = 3)]
    Refused,
}

impl From<State> for SentState {
    fn from(state: State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Delivered => Self::Delivered,
            State::Expired => Self::Expired,
            State::Refused => Self::Refused,
        }
    }
}

#[derive(Encode, Decode)]
struct Row {
    id: Hash,
    to: AccountId,
    state: State,
    handed_in_at: Timestamp,
}

#[derive(Default, Encode, Decode)]
pub(super) struct Sender {
    newest: u64,
    /// Its messages in the outbox, and their bytes.
    waiting: u32,
    waiting_bytes: u64,
    /// The hour since the Unix epoch in which it sent last, and how many messages in it.
    hour: u64,
    in_hour: u32,
}

/// One of each row, for the test of their bytes.
#[cfg(test)]
pub(super) fn rows() -> Vec<Vec<u8>> {
    let states = [State::Waiting, State::Delivered, State::Expired, State::Refused];
    let row = |state| Row { id: Hash([1; 32]), to: AccountId([2; 32]), state, handed_in_at: Timestamp::from_millis(3) };
    let sender = Sender { newest: 4, waiting: 5, waiting_bytes: 6, hour: 7, in_hour: 8 };
    states.map(|state| row(state).encode()).into_iter().chain([sender.encode()]).collect()
}

/// A message that is handed in.
#[derive(Clone, Copy)]
pub(super) struct HandedIn {
    pub sender: AccountId,
    pub id: Hash,
    pub to: AccountId,
    pub at: Timestamp,
    pub expires_at: Timestamp,
    pub bytes: u64,
}

pub(super) fn make_tables(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(ROWS).map_err(fault)?;
    transaction.open_table(NUMBERS).map_err(fault)?;
    transaction.open_table(SENDERS).map_err(fault)?;
    Ok(())
}

/// Where a message stands that its sender has handed in before.
pub(super) fn known(
    transaction: &WriteTransaction,
    sender: &AccountId,
    id: &Hash,
) -> Result<Option<State>, StoreError> {
    let numbers = transaction.open_table(NUMBERS).map_err(fault)?;
    find(&numbers, &transaction.open_table(ROWS).map_err(fault)?, sender, id)
}

/// As [`known`], of what is on disk.
pub(super) fn known_on_disk(
    transaction: &ReadTransaction,
    sender: &AccountId,
    id: &Hash,
) -> Result<Option<State>, StoreError> {
    let numbers = transaction.open_table(NUMBERS).map_err(fault)?;
    find(&numbers, &transaction.open_table(ROWS).map_err(fault)?, sender, id)
}

fn find(
    numbers: &impl ReadableTable<(&'static [u8; 32], &'static [u8; 32]), u64>,
    rows: &impl ReadableTable<(&'static [u8; 32], u64), &'static [u8]>,
    sender: &AccountId,
    id: &Hash,
) -> Result<Option<State>, StoreError> {
    let number = numbers.get((&sender.0, &id.0)).map_err(fault)?.map(|number| number.value());
    let Some(number) = number else { return Ok(None) };
    Ok(get::<_, Row>(rows, "sent", (&sender.0, number))?.map(|found| found.state))
}

/// The sender's record, if it may send one more; it waits in the outbox if `waits`.
pub(super) fn check(
    transaction: &WriteTransaction,
    message: &HandedIn,
    waits: bool,
) -> Result<Result<Sender, Whose>, StoreError> {
    let senders = transaction.open_table(SENDERS).map_err(fault)?;
    let mut sender: Sender = get(&senders, "senders", &message.sender.0)?.unwrap_or_default();
    let hour = message.at.millis() / HOUR_MS;
    if sender.hour != hour {
        (sender.hour, sender.in_hour) = (hour, 0);
    }
    let is_full = sender.waiting >= limits::SENDER_WAITING_MAX
        || sender.waiting_bytes + message.bytes > limits::SENDER_WAITING_BYTES_MAX;
    if sender.in_hour >= limits::SENDER_HOURLY_MAX || (waits && is_full) {
        return Ok(Err(Whose::Sender));
    }
    Ok(Ok(sender))
}

/// Records a message that [`check`] has let pass; says its number.
pub(super) fn record(
    transaction: &WriteTransaction,
    message: &HandedIn,
    mut sender: Sender,
    state: State,
) -> Result<u64, StoreError> {
    let number = sender.newest + 1;
    let mut rows = transaction.open_table(ROWS).map_err(fault)?;
    let mut numbers = transaction.open_table(NUMBERS).map_err(fault)?;
    if let Some(oldest) = number.checked_sub(limits::SENT_REMEMBERED_MAX) {
        let key = (&message.sender.0, oldest);
        // One that waits is needed still; it goes when it has expired.
        if let Some(found) = get::<_, Row>(&rows, "sent", key)?.filter(|found| found.state != State::Waiting) {
            rows.remove(key).map_err(fault)?;
            numbers.remove((&message.sender.0, &found.id.0)).map_err(fault)?;
        }
    }
    let row = Row { id: message.id, to: message.to, state, handed_in_at: message.at };
    put(&mut rows, (&message.sender.0, number), &row)?;
    numbers.insert((&message.sender.0, &message.id.0), number).map_err(fault)?;
    sender.newest = number;
    sender.in_hour += 1;
    if state == State::Waiting {
        sender.waiting += 1;
        sender.waiting_bytes += message.bytes;
    }
    put(&mut transaction.open_table(SENDERS).map_err(fault)?, &message.sender.0, &sender)?;
    let kept_until = message.expires_at.checked_add_millis(limits::SENT_KEPT_MS).unwrap_or(message.expires_at);
    schedule(transaction, kept_until, &Due::Sent(message.sender, number))?;
    Ok(number)
}

/// A message of `bytes` waits no more.
pub(super) fn settle(
    transaction: &WriteTransaction,
    sender: &AccountId,
    number: u64,
    bytes: u64,
    state: State,
) -> Result<(), StoreError> {
    let mut rows = transaction.open_table(ROWS).map_err(fault)?;
    let key = (&sender.0, number);
    if let Some(found) = get::<_, Row>(&rows, "sent", key)? {
        put(&mut rows, key, &Row { state, ..found })?;
    }
    let mut senders = transaction.open_table(SENDERS).map_err(fault)?;
    let mut record: Sender = get(&senders, "senders", &sender.0)?.unwrap_or_default();
    record.waiting = record.waiting.saturating_sub(1);
    record.waiting_bytes = record.waiting_bytes.saturating_sub(bytes);
    put(&mut senders, &sender.0, &record)
}

/// Forgets what became of a message.
pub(super) fn forget(transaction: &WriteTransaction, sender: &AccountId, number: u64) -> Result<(), StoreError> {
    let mut rows = transaction.open_table(ROWS).map_err(fault)?;
    let found: Option<Row> = get(&rows, "sent", (&sender.0, number))?;
    if let Some(found) = found {
        rows.remove((&sender.0, number)).map_err(fault)?;
        let mut numbers = transaction.open_table(NUMBERS).map_err(fault)?;
        numbers.remove((&sender.0, &found.id.0)).map_err(fault)?;
    }
    Ok(())
}

/// What became of messages after a number.
pub(super) fn page(
    transaction: &ReadTransaction,
    sender: &AccountId,
    after: u64,
    limit: u32,
) -> Result<SentPage, StoreError> {
    let rows = transaction.open_table(ROWS).map_err(fault)?;
    let mut page = SentPage { messages: Vec::new(), next: after, more: false };
    let Some(first) = after.checked_add(1) else { return Ok(page) };
    for entry in rows.range((&sender.0, first)..=(&sender.0, u64::MAX)).map_err(fault)? {
        if page.messages.len() >= limit as usize {
            page.more = true;
            break;
        }
        let (key, value) = entry.map_err(fault)?;
        let ((_, number), found) = (key.value(), row::<Row>("sent", value.value())?);
        page.messages.push(SentView {
            number,
            id: text::encode(text::MESSAGE, &found.id.0),
            to: found.to.to_string(),
            state: found.state.into(),
            sent_at_ms: found.handed_in_at.millis(),
        });
        page.next = number;
    }
    Ok(page)
}
