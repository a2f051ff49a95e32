//! Events as they happen, continued by cursor over broken connections, so that none is missed or told twice.
use super::{Client, ClientError};
use crate::rpc_types::{CountersignRpcClient, EventFilter, PlacedEvent};
use jsonrpsee::core::client::Subscription;
use std::time::Duration;

/// Pause before subscribing again.
const AGAIN: Duration = Duration::from_millis(300);

/// A subscription that renews itself.
pub struct EventStream {
    client: Client,
    filter: EventFilter,
    cursor: Option<String>,
    live: Option<Subscription<PlacedEvent>>,
}

impl Client {
    /// Events that match the filter: all after the cursor, or from now on without one.
    pub fn follow(&self, filter: EventFilter, cursor: Option<String>) -> EventStream {
        EventStream { client: self.clone(), filter, cursor, live: None }
    }
}

/// The cursor after every event of a block.
fn after_block(height: u64) -> String {
    format!("{height}.{}.{}", u32::MAX, u16::MAX)
}

impl EventStream {
    /// After which event the stream stands; [`Client::follow`] continues there.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The next event; waits for it as long as it takes.
    ///
    /// # Errors
    /// [`ClientError`] when the node stays unreachable or refuses. The stream stays usable: calling again tries again.
    pub async fn next(&mut self) -> Result<PlacedEvent, ClientError> {
        loop {
            let live = match &mut self.live {
                Some(live) => live,
                None => {
                    // "From now on" is a place too: what happens before a first event and a lost connection is not missed.
                    if self.cursor.is_none() {
                        self.cursor = Some(after_block(self.client.head().await?.height));
                    }
                    let (filter, cursor) = (&self.filter, &self.cursor);
                    let subscribed = self.client.call("events_subscribe", |c| async move {
                        c.events_subscribe(filter.clone(), cursor.clone()).await
                    });
                    self.live.insert(subscribed.await?)
                }
            };
            match live.next().await {
                Some(Ok(event)) => {
                    self.cursor = Some(event.cursor.clone());
                    return Ok(event);
                }
                Some(Err(error)) => {
                    self.live = None;
                    return Err(ClientError::BadAnswer { method: "events_subscribe", cause: error.to_string() });
                }
                None => {
                    self.live = None;
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}
