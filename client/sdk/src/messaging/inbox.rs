//! Fetching: what waits at the relay is opened, its sender checked, put on the disk, and only then acknowledged. What
//! cannot be believed is set aside with its reason and blocks nothing.
//!
//! ```text
//! relay_inbox ─page→ known already? ─→ seal::open ─→ correspondent.rs: who wrote? ─→ MessageStore::keep, on the disk
//!      ▲                                                                                  │
//!      └──────────────────────────── relay_acknowledge ←──────────────────────────────────┘
//! ```
//! A crash at any place leaves messages at the relay that are fetched again, and known then.
use super::correspondent::{Correspondent, CorrespondentError};
use super::encryption::EncryptionKey;
use super::letter::SignedLetter;
use super::seal::{OpenError, check_fresh, open};
use super::session::StoredSession;
use super::store::{KeptMessage, MessageHead, MessageStore, StoreError, Times};
use crate::relay::{LiveSession, RelayError};
use crate::rpc::ClientError;
use crate::rpc_types::relay::{Envelope, INBOX_PAGE_MAX, InboxPage, InboxQuery, StoredMessage};
use crate::types::{AccountId, Hash, Name, Timestamp};
use crate::{Client, clock};
use std::collections::BTreeMap;

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
    let mut receiver = Receiver { client, session, key, senders: BTreeMap::new() };
    let mut fetched = Fetched::default();
    let mut after = 0;
    loop {
        let page = session.inbox(InboxQuery { after, limit: None }).await?;
        check_page(&page, after)?;
        let Some(last) = page.messages.last().map(|message| message.number) else {
            return Ok(fetched);
        };
        let ids: Vec<Hash> = page.messages.iter().map(|message| Envelope::id_of(&message.envelope.0)).collect();
        let known = store.knows(&ids)?;
        let mut kept = Vec::new();
        for (message, _) in page.messages.iter().zip(known).filter(|(_, known)| !known) {
            kept.push(receiver.receive(message).await?);
        }
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

/// Opens and checks messages, one after the other.
struct Receiver<'a, 's> {
    client: &'a Client,
    session: &'a LiveSession<'s>,
    key: &'a EncryptionKey,
    /// Senders that were looked up: the ledger is asked once for each.
    senders: BTreeMap<AccountId, Correspondent>,
}

impl Receiver<'_, '_> {
    async fn receive(&mut self, message: &StoredMessage) -> Result<KeptMessage, ClientError> {
        let times = Times { relayed_at: Timestamp::from_millis(message.received_at_ms), stored_at: clock::now() };
        let envelope = match Envelope::read(&message.envelope.0) {
            Ok(envelope) => envelope,
            Err(error) => {
                let reason = OpenError::from(error);
                return Ok(KeptMessage::not_an_envelope(&message.envelope.0, &reason, &times));
            }
        };
        let StoredSession { account, chain, .. } = self.session.stored();
        let fresh = check_fresh(&envelope, account, chain, times.stored_at);
        let opened = match fresh.and_then(|()| open(&envelope, self.key)) {
            Ok(opened) => opened,
            Err(reason) => return Ok(KeptMessage::set_aside(&envelope, None, &reason, &times)),
        };
        match self.sender(&opened.signed).await {
            Ok(name) => Ok(KeptMessage::believed(&envelope, opened, name, &times)),
            Err(CorrespondentError::Ledger(error)) => Err(error),
            Err(verdict) => Ok(KeptMessage::set_aside(&envelope, Some(opened), &verdict, &times)),
        }
    }

    /// The sender's name, if it is from whom it says.
    async fn sender(&mut self, signed: &SignedLetter) -> Result<Name, CorrespondentError> {
        let from = signed.letter.from;
        if !self.senders.contains_key(&from) {
            self.senders.insert(from, Correspondent::find(self.client, &from.to_string()).await?);
        }
        let sender = &self.senders[&from];
        sender.check_wrote(signed)?;
        Ok(sender.name.clone())
    }
}

#[cfg(test)]
mod tests;
