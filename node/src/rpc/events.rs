//! The history of events, which a live subscription reads too: so nothing lies between them.
use super::{Api, bad_input, ledger, page_items};
use crate::index::{self, Cursor, EventQuery};
use countersign_rpc_types::*;
use countersign_types::Height;

/// A filter of events, checked.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub query: EventQuery,
    pub name: Option<String>,
}

/// Some events, and where to go on.
pub(super) struct Found {
    pub items: Vec<PlacedEvent>,
    /// All events up to here were looked at.
    pub upto: Cursor,
    /// True if that is the end of the newest block.
    pub is_end: bool,
}

impl Api {
    pub(super) fn wanted(&self, filter: EventFilter) -> Result<Wanted, RpcFault> {
        if filter.account.is_some() || filter.module.is_some() {
            self.needs_index()?;
        }
        let account = filter.account.map(|account| ledger::find(&self.chain.head(), &account).map(|found| found.id()));
        let module = ledger::parsed("module", filter.module)?;
        if filter.name.as_ref().is_some_and(|name| name.len() > countersign_types::limits::TEXT_BYTES_MAX) {
            return Err(bad_input("name", "the name of an event is shorter"));
        }
        Ok(Wanted { query: EventQuery { account: account.transpose()?, module }, name: filter.name })
    }

    pub(super) fn events_history(
        &self,
        filter: EventFilter,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<Page<PlacedEvent>, RpcFault> {
        let (wanted, limit) = (self.wanted(filter)?, page_items(limit)?);
        let after: Option<Cursor> = ledger::parsed("cursor", cursor)?;
        let after = match after {
            Some(after) => after,
            None => Cursor::after_block(self.first_kept()? - 1),
        };
        let found = self.events_after(&wanted, after, limit)?;
        Ok(Page { next: (!found.is_end).then(|| found.upto.to_string()), items: found.items })
    }

    /// Height of the first block that is kept, at least 1.
    fn first_kept(&self) -> Result<u64, RpcFault> {
        Ok(self.chain.first_kept().map_err(|fault| self.fault(fault))?.get().max(1))
    }

    /// Events after a place, at most `limit`, of a bounded number of blocks.
    pub(super) fn events_after(&self, wanted: &Wanted, after: Cursor, limit: usize) -> Result<Found, RpcFault> {
        let head = self.chain.head();
        let fault = |fault| self.fault(fault);
        let first = self.first_kept()?;
        if after.height.saturating_add(1) < first {
            let message = format!("this node's events begin with block {first}; ask an archive node for those before");
            return Err(RpcFault::new(ErrorCode::Pruned, message).with(serde_json::json!({ "first": first })));
        }
        let (placed, upto) = index::events(&self.chain, &wanted.query, after, head.height(), limit).map_err(fault)?;
        let mut items = Vec::new();
        for event in &placed {
            let executed = self.chain.executed(Height::new(event.cursor.height)).map_err(fault)?;
            let time_ms = executed.map_or(0, |executed| executed.block.header.time.millis());
            let view = self.placed(&head.state, event, time_ms);
            if wanted.name.as_ref().is_none_or(|name| *name == view.event.name) {
                items.push(view);
            }
        }
        Ok(Found { items, upto, is_end: upto >= Cursor::after_block(head.height().get()) })
    }
}
