//! Reading the indexes: what is in memory only, then what is on disk.
use super::entry::{self, EventPlace, TransactionPlace};
use super::{Cursor, Entries, HistoryCursor};
use crate::chain::{Chain, Fault};
use countersign_types::{AccountId, Event, Hash, Height, ModuleName, Receipt};

/// Blocks read for one page of events that no index selects: a page may be short and still have a next one.
pub const PAGE_SCAN_BLOCKS_MAX: usize = 1_000;
/// Entries read from an index for one page: each stands for a block with at least one match.
const PAGE_ENTRIES_MAX: usize = 1_000;

/// Which events are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventQuery {
    /// Listed under this account.
    pub account: Option<AccountId>,
    /// Of this module.
    pub module: Option<ModuleName>,
}

/// An event with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Where it stands.
    pub cursor: Cursor,
    /// What left it behind.
    pub subject: countersign_types::receipt::Subject,
    /// The event.
    pub event: Event,
}

/// Where the transaction with this id stands.
///
/// # Errors
/// [`Fault`] if the store fails.
pub fn transaction(chain: &Chain, id: &Hash) -> Result<Option<TransactionPlace>, Fault> {
    let unsaved = chain.pending();
    for key in entry::transaction_keys(id) {
        let in_memory = unsaved.iter().rev().find_map(|block| block.entries.get(&key).cloned());
        let found = match in_memory {
            Some(value) => Some(value),
            None => chain.store().index_get(&key)?,
        };
        if let Some(place) = found.and_then(|value| entry::value(&value)) {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Transactions an account is party of, newest first, older than `before`; at most `limit`.
///
/// # Errors
/// [`Fault`] if the store fails.
pub fn history(
    chain: &Chain,
    account: &AccountId,
    before: Option<HistoryCursor>,
    limit: usize,
) -> Result<Vec<HistoryCursor>, Fault> {
    let prefix = entry::party_prefix(account);
    // The cursor's own block may hold older ones too: begin there.
    let from = before
        .and_then(|cursor| cursor.height.checked_add(1))
        .map(|above| entry::party_key(account, Height::new(above)));
    let mut found = Vec::new();
    for (key, value) in merged(chain, &prefix, from.as_deref(), limit.saturating_add(1))? {
        let (Some(height), Some(indices)) = (entry::party_height(&key), entry::value::<Vec<u32>>(&value)) else {
            continue;
        };
        for index in indices.into_iter().rev() {
            let older = before.is_none_or(|cursor| (height.get(), index) < (cursor.height, cursor.index));
            if older && found.len() < limit {
                found.push(HistoryCursor { height: height.get(), index });
            }
        }
    }
    Ok(found)
}

/// Events after a place, oldest first, up to the block at `until`; at most `limit`. The second value is where to go on: the last place
/// looked at, which may be further than the last event.
///
/// # Errors
/// [`Fault`] if the store fails.
pub fn events(
    chain: &Chain,
    query: &EventQuery,
    after: Cursor,
    until: Height,
    limit: usize,
) -> Result<(Vec<Placed>, Cursor), Fault> {
    match (&query.account, &query.module) {
        (Some(account), _) => selected(chain, &entry::listed_prefix(account), query, after, until, limit),
        (None, Some(module)) => selected(chain, &entry::module_prefix(module), query, after, until, limit),
        (None, None) => scanned(chain, after, until, limit),
    }
}

/// Events that an index leads to.
fn selected(
    chain: &Chain,
    prefix: &[u8],
    query: &EventQuery,
    after: Cursor,
    until: Height,
    limit: usize,
) -> Result<(Vec<Placed>, Cursor), Fault> {
    let below = after.height.checked_sub(1).map(|below| entry::height_key(prefix, below));
    let entries = merged(chain, prefix, below.as_deref(), PAGE_ENTRIES_MAX)?;
    let complete = entries.len() < PAGE_ENTRIES_MAX;
    let (mut found, mut last) = (Vec::new(), after);
    for (key, value) in entries {
        let (Some(height), Some(places)) = (entry::key_height(&key), entry::value::<Vec<EventPlace>>(&value)) else {
            continue;
        };
        if height > until.get() {
            break;
        }
        let Some(executed) = chain.executed(Height::new(height))? else { break };
        for place in places {
            let cursor = place.at(Height::new(height));
            if cursor <= after {
                continue;
            }
            let Some(placed) = placed(&executed.receipts, cursor) else { continue };
            let of_module = query.module.as_ref().is_none_or(|module| placed.event.module == *module);
            last = cursor;
            if of_module {
                found.push(placed);
            }
            if found.len() == limit {
                return Ok((found, last));
            }
        }
    }
    Ok((found, if complete { last.max(Cursor::after_block(until.get())) } else { last }))
}

/// Every event, block by block.
fn scanned(chain: &Chain, after: Cursor, until: Height, limit: usize) -> Result<(Vec<Placed>, Cursor), Fault> {
    let (mut found, mut last) = (Vec::new(), after);
    // The cursor's own block may have more, unless it stands behind it: that block need not be kept.
    let is_behind = after == Cursor::after_block(after.height);
    let heights = after.height.saturating_add(u64::from(is_behind)).max(1)..=until.get();
    for height in heights.take(PAGE_SCAN_BLOCKS_MAX) {
        let Some(executed) = chain.executed(Height::new(height))? else { break };
        for (receipt_index, receipt) in executed.receipts.iter().enumerate() {
            for event_index in 0..receipt.events.len() {
                let cursor = Cursor { height, receipt: receipt_index as u32, event: event_index as u16 };
                if cursor <= after {
                    continue;
                }
                found.extend(placed(&executed.receipts, cursor));
                last = cursor;
                if found.len() == limit {
                    return Ok((found, last));
                }
            }
        }
        last = last.max(Cursor::after_block(height));
    }
    Ok((found, last))
}

fn placed(receipts: &[Receipt], cursor: Cursor) -> Option<Placed> {
    let receipt = receipts.get(cursor.receipt as usize)?;
    let event = receipt.events.get(usize::from(cursor.event))?;
    Some(Placed { cursor, subject: receipt.subject, event: event.clone() })
}

/// Entries under `prefix` greater than `after`, in order, at most `limit`, of memory and disk together.
///
/// # Errors
/// [`Fault`] if the store fails.
pub fn merged(chain: &Chain, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Entries, Fault> {
    // Memory first: an entry leaves it only when it is on disk.
    let unsaved = chain.pending();
    let mut all: Entries = chain.store().index_range(prefix, after, limit, false)?.into_iter().collect();
    for block in unsaved {
        let from = after.map_or(prefix, |after| after.max(prefix)).to_vec();
        let entries = block.entries.range(from..).take_while(|(key, _)| key.starts_with(prefix));
        let entries = entries.filter(|(key, _)| after.is_none_or(|after| key.as_slice() > after));
        all.extend(entries.map(|(key, value)| (key.clone(), value.clone())));
    }
    Ok(all.into_iter().take(limit).collect())
}
