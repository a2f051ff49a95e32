//! Live answers. Each subscriber follows the newest block at its own pace; one that does not read is dropped with an error.
use super::events::Wanted;
use super::transactions::block_notice;
use super::{Api, beside, events};
use crate::chain::Committed;
use crate::index::Cursor;
use countersign_rpc_types::relay::RelayNotice;
use countersign_rpc_types::{BlockNotice, PAGE_ITEMS_MAX, RpcFault, TxStatus};
use countersign_types::{Hash, Height};
use jsonrpsee::core::server::SubscriptionSink;
use jsonrpsee::core::{SubscriptionError, SubscriptionResult};
use jsonrpsee::{PendingSubscriptionSink, SubscriptionMessage};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A subscriber that takes nothing for this long is dropped: what it has not read would have to be kept for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends one item; an error ends the subscription and is told to the subscriber.
async fn send(api: &Api, sink: &SubscriptionSink, item: &impl Serialize) -> Result<(), SubscriptionError> {
    let text = serde_json::value::to_raw_value(item)?;
    let sent = sink.send_timeout(SubscriptionMessage::from(text), PATIENCE).await;
    sent.map_err(|error| {
        if matches!(error, jsonrpsee::SendTimeoutError::Timeout(_)) {
            api.metrics.subscribers_dropped.inc();
        }
        SubscriptionError::from("the subscriber reads too slowly or has left; subscribe again with the last cursor")
    })
}

/// Every block after the newest one.
pub(super) async fn blocks(api: Arc<Api>, pending: PendingSubscriptionSink) -> SubscriptionResult {
    let mut heads = api.chain.heads();
    let mut next = heads.borrow_and_update().height().next();
    let sink = pending.accept().await?;
    loop {
        tokio::select! {
            () = sink.closed() => return Ok(()),
            changed = heads.changed() => changed?,
        }
        let newest = heads.borrow_and_update().height();
        while next <= newest {
            let notice = beside(&api, move |api| api.notice(next)).await.map_err(|fault| fault.message)?;
            send(&api, &sink, &notice).await?;
            next = next.next();
        }
    }
}

/// Events after a cursor, or from now on: the history read again whenever there is a new block.
pub(super) async fn events(
    api: Arc<Api>,
    pending: PendingSubscriptionSink,
    wanted: Wanted,
    cursor: Option<Cursor>,
) -> SubscriptionResult {
    let mut heads = api.chain.heads();
    let mut after = cursor.unwrap_or_else(|| Cursor::after_block(heads.borrow_and_update().height().get()));
    let sink = pending.accept().await?;
    loop {
        // Marked before reading: a block that comes while reading is looked at in the next round.
        heads.borrow_and_update();
        let query = wanted.clone();
        let read = move |api: &Api| api.events_after(&query, after, PAGE_ITEMS_MAX as usize);
        let events::Found { items, upto, is_end } = beside(&api, read).await.map_err(|fault| fault.message)?;
        for item in &items {
            send(&api, &sink, item).await?;
        }
        after = upto;
        if is_end {
            tokio::select! {
                () = sink.closed() => return Ok(()),
                changed = heads.changed() => changed?,
            }
        }
    }
}

/// The status of a transaction, at once and at each change, until it is final.
pub(super) async fn watch(api: Arc<Api>, pending: PendingSubscriptionSink, id: Hash) -> SubscriptionResult {
    let mut heads = api.chain.heads();
    let mut looked_at = heads.borrow_and_update().height();
    let sink = pending.accept().await?;
    let mut status = beside(&api, move |api| api.tx_status(&id)).await.map_err(|fault| fault.message)?;
    send(&api, &sink, &status).await?;
    while !matches!(status, TxStatus::Final { .. }) {
        tokio::select! {
            () = sink.closed() => return Ok(()),
            changed = heads.changed() => changed?,
        }
        let newest = heads.borrow_and_update().height();
        let new =
            beside(&api, move |api| api.status_since(&id, looked_at, newest)).await.map_err(|fault| fault.message)?;
        looked_at = newest;
        if new != status {
            send(&api, &sink, &new).await?;
            status = new;
        }
    }
    Ok(())
}

/// What a relay tells a wallet that is connected, until it has nothing more to tell. The relay keeps a bounded number of notices
/// for a wallet, which reads the rest when it asks.
pub(super) async fn notices(
    api: &Api,
    pending: PendingSubscriptionSink,
    mut notices: mpsc::Receiver<RelayNotice>,
) -> SubscriptionResult {
    let sink = pending.accept().await?;
    loop {
        let notice = tokio::select! {
            () = sink.closed() => return Ok(()),
            notice = notices.recv() => notice,
        };
        match notice {
            Some(notice) => send(api, &sink, &notice).await?,
            None => return Ok(()),
        }
    }
}

impl Api {
    fn notice(&self, height: Height) -> Result<BlockNotice, RpcFault> {
        if let Some(unsaved) = self.chain.unsaved_block(height) {
            return Ok(block_notice(&unsaved.executed, &unsaved.ids));
        }
        let executed = self.chain.executed(height).map_err(|fault| self.fault(fault))?;
        let executed = executed.ok_or_else(|| super::not_found(format_args!("block {height}")))?;
        Ok(block_notice(&executed, &crate::mempool::ids(&executed.block.transactions)))
    }

    /// The status of a transaction that was not final at `since`: usually a look into each newer block is enough.
    fn status_since(&self, id: &Hash, since: Height, newest: Height) -> Result<TxStatus, RpcFault> {
        let mut height = since.next();
        while height <= newest {
            match self.chain.unsaved_block(height).as_deref().map(|block| Committed::place(block, id)) {
                Some(Some(place)) => {
                    if let Some(status) = self.status_at(place, id)? {
                        return Ok(status);
                    }
                }
                Some(None) => {}
                // In a checkpoint already.
                None => return self.tx_status(id),
            }
            height = height.next();
        }
        let pool = self.mempool.lock();
        Ok(if pool.knows(id) { TxStatus::Pending } else { TxStatus::Unknown })
    }
}
