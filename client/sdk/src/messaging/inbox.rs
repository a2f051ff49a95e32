//! Fetching: what waits at the relay is opened, its sender checked, put on the disk, and only then acknowledged. What
//! cannot be believed is set aside with its reason and blocks nothing.
//!
//! ```text
//! relay_inbox ─page→ known already? ─→ seal::open ─→ correspondent::check_sender ─→ MessageStore::keep, on the disk
//!      ▲                                                                                  │
//!      └──────────────────────────── relay_acknowledge ←──────────────────────────────────┘
//! ```
//! A crash at any place leaves messages at the relay that are fetched again, and known then.
use super::correspondent::{CorrespondentError, check_sender};
use super::encryption::EncryptionKey;
use super::seal::{OpenError, check_fresh, open};
use super::session::StoredSession;
use super::store::{KeptMessage, MessageHead, MessageStore, StoreError, Times};
use crate::relay::{LiveSession, RelayError};
use crate::rpc::ClientError;
use crate::rpc_types::relay::{Envelope, INBOX_PAGE_MAX, InboxPage, InboxQuery, StoredMessage};
use crate::types::{Hash, Timestamp};
use crate::{Client, clock};

/// What was fetched.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fetched {
    /// Messages that were not here before and are to be believed, in the order in which the relay took them.
    pub new: Vec<MessageHead>,
    /// Messages that were set aside.
    pub aside: Vec<MessageHead>,
    /// Messages that were here already.
    pub known: usize,
    /// The number of the last message, up to which the relay was told to forget.
    pub acknowledged: Option<u64>,
}

/// Why messages were not fetched. What was stored before is stored.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The relay was not reached, or refused.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The ledger could not be asked who the sender is.
    #[error(transparent)]
    Ledger(#[from] ClientError),
    /// The messages cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Fetches all messages that wait for the session's account.
///
/// # Errors
/// [`FetchError`]; the messages that were not stored wait at the relay.
pub async fn fetch(
    client: &Client,
    session: &LiveSession<'_>,
    key: &EncryptionKey,
    store: &MessageStore,
) -> Result<Fetched, FetchError> {
    // Whether a sender may act is to be seen as it is now, in a run that goes on for hours too.
    client.refresh().await;
    let mut fetched = Fetched::default();
    let mut after = 0;
    loop {
        let page = session.inbox(InboxQuery { after, limit: None }).await?;
        check_page(&page, after)?;
        let Some(last) = page.messages.last().map(|message| message.number) else {
            return Ok(fetched);
        };
        let kept = receive(client, session, key, store, &page.messages).await?;
        fetched.known += page.messages.len() - kept.len();
        // After this the messages are on the disk, and the relay may forget them.
        let stored = store.keep(&kept)?;
        session.acknowledge(last).await?;
        fetched.acknowledged = Some(last);
        fetched.known += stored.known;
        for head in stored.new {
            if head.aside.is_some() { fetched.aside.push(head) } else { fetched.new.push(head) }
        }
        if !page.more {
            return Ok(fetched);
        }
        after = last;
    }
}

/// A relay that gives numbers in no order, or pages without end, would have the wallet run for ever.
fn check_page(page: &InboxPage, after: u64) -> Result<(), RelayError> {
    let numbers = || page.messages.iter().map(|message| message.number);
    let grow = numbers().zip(numbers().skip(1)).all(|(one, next)| one < next);
    let cause = if page.messages.len() > INBOX_PAGE_MAX as usize {
        "the page is longer than any"
    } else if !grow || numbers().next().is_some_and(|first| first <= after) {
        "the messages' numbers do not grow"
    } else if page.messages.is_empty() && page.more {
        "it says that there is more, and gives nothing"
    } else {
        return Ok(());
    };
    Err(ClientError::BadAnswer { method: "relay_inbox", cause: cause.into() }.into())
}

/// Opens and checks the messages that are not known.
async fn receive(
    client: &Client,
    session: &LiveSession<'_>,
    key: &EncryptionKey,
    store: &MessageStore,
    messages: &[StoredMessage],
) -> Result<Vec<KeptMessage>, FetchError> {
    let ids: Vec<Hash> = messages.iter().map(|message| Hash::of("message", &message.envelope.0)).collect();
    let known = store.knows(&ids)?;
    let mut kept = Vec::new();
    for (message, _) in messages.iter().zip(known).filter(|(_, known)| !known) {
        kept.push(receive_one(client, session, key, message).await?);
    }
    Ok(kept)
}

async fn receive_one(
    client: &Client,
    session: &LiveSession<'_>,
    key: &EncryptionKey,
    message: &StoredMessage,
) -> Result<KeptMessage, ClientError> {
    let times = Times { relayed_at: Timestamp::from_millis(message.received_at_ms), stored_at: clock::now() };
    let envelope = match Envelope::read(&message.envelope.0) {
        Ok(envelope) => envelope,
        Err(error) => {
            let reason = OpenError::from(error);
            return Ok(KeptMessage::not_an_envelope(&message.envelope.0, &reason, &times));
        }
    };
    let StoredSession { account, chain, .. } = session.stored();
    let opened = check_fresh(&envelope, account, chain, times.stored_at).and_then(|()| open(&envelope, key));
    let opened = match opened {
        Ok(opened) => opened,
        Err(reason) => return Ok(KeptMessage::set_aside(&envelope, None, &reason, &times)),
    };
    match check_sender(client, &opened.signed).await {
        Ok(sender) => Ok(KeptMessage::believed(&envelope, opened, sender.name, &times)),
        Err(CorrespondentError::Ledger(error)) => Err(error),
        Err(verdict) => Ok(KeptMessage::set_aside(&envelope, Some(opened), &verdict, &times)),
    }
}

#[cfg(test)]
mod tests;
