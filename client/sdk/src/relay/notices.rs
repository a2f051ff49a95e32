//! What a relay tells a wallet that is connected, continued over broken connections.
use super::{LiveSession, RelayError};
use crate::rpc::ClientError;
use crate::rpc_types::relay::RelayNotice;
use crate::rpc_types::site::PostView;
use jsonrpsee::core::client::Subscription;
use std::time::Duration;

/// Pause before subscribing again.
const AGAIN: Duration = Duration::from_millis(300);

/// Something to look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Listening begins, or begins again after a lost connection: what came before is to be fetched.
    Listening,
    /// There are messages up to this number.
    Message {
        /// The newest one's.
        number: u64,
    },
    /// The site has published something.
    Post(PostView),
    /// The session is over; nothing more comes.
    Ended,
}

/// A subscription that renews itself.
pub struct NoticeStream<'a> {
    session: LiveSession<'a>,
    live: Option<Subscription<RelayNotice>>,
    has_ended: bool,
}

impl<'a> NoticeStream<'a> {
    pub(super) fn new(session: LiveSession<'a>) -> Self {
        Self { session, live: None, has_ended: false }
    }

    /// The next notice; waits for it as long as it takes. After [`Notice::Ended`] always that.
    ///
    /// # Errors
    /// [`RelayError`] when the relay stays unreachable or refuses. The stream stays usable: calling again tries again.
    pub async fn next(&mut self) -> Result<Notice, RelayError> {
        loop {
            if self.has_ended {
                return Ok(Notice::Ended);
            }
            let Some(live) = &mut self.live else {
                self.live = Some(self.session.subscribe().await?);
                return Ok(Notice::Listening);
            };
            match live.next().await {
                Some(Ok(RelayNotice::Message { number })) => return Ok(Notice::Message { number }),
                Some(Ok(RelayNotice::Post(post))) => return Ok(Notice::Post(post)),
                Some(Ok(RelayNotice::Ended)) => {
                    self.has_ended = true;
                    self.live = None;
                }
                Some(Err(error)) => {
                    self.live = None;
                    let cause = error.to_string();
                    return Err(ClientError::BadAnswer { method: "relay_subscribe", cause }.into());
                }
                None => {
                    self.live = None;
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}
