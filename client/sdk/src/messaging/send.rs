//! Writing to somebody: numbered, sealed once, and handed in until the relay has it on its disk.
use super::correspondent::{Correspondent, CorrespondentError};
use super::letter::{Body, Letter};
use super::seal::{SealError, seal};
use super::{DiskError, MessageStore};
use crate::clock;
use crate::relay::{LiveSession, RelayError};
use crate::rpc::ClientError;
use crate::rpc_types::relay::{Envelope, MESSAGE_LIFE_MS_MAX, Posted, SentState};
use crate::types::{AccountId, Hash};

/// Times an envelope is handed in while its answer is lost, each with the attempts of the relay's client.
const ROUNDS_MAX: u32 = 3;

/// A message that is on the relay's disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Its id.
    pub id: Hash,
    /// Who receives it.
    pub to: AccountId,
    /// Its number among the letters to that account.
    pub number: u64,
    /// Where it stands.
    pub state: SentState,
    /// Bytes of the sealed letter, padded.
    pub size: usize,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It cannot be written to this account.
    #[error(transparent)]
    Receiver(#[from] CorrespondentError),
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The relay did not take it.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The number cannot be kept.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Writes to somebody and hands the message in. When this returns, it is on the relay's disk. If the answer is lost,
/// the same envelope is handed in again, which is the same message to the relay.
///
/// # Errors
/// [`SendError`].
pub async fn send(
    session: &LiveSession<'_>,
    store: &MessageStore,
    to: &Correspondent,
    body: Body,
) -> Result<Sent, SendError> {
    let key = to.receiving_key()?;
    let number = store.next_number(&to.account)?;
    let stored = session.stored();
    let (chain, from) = (stored.chain, stored.account);
    let letter = Letter { chain, from, to: to.account, sent_at: clock::now(), number, body };
    let envelope = seal(letter, session.signer(), &key, MESSAGE_LIFE_MS_MAX)?;
    let posted = hand_in(session, &envelope).await?;
    Ok(Sent { id: envelope.id(), to: to.account, number, state: posted.state, size: envelope.sealed.len() })
}

async fn hand_in(session: &LiveSession<'_>, envelope: &Envelope) -> Result<Posted, RelayError> {
    let mut round = 1;
    loop {
        match session.send(envelope).await {
            Err(RelayError::Client(ClientError::Timeout { .. } | ClientError::Unreachable { .. }))
                if round < ROUNDS_MAX =>
            {
                round += 1;
            }
            other => return other,
        }
    }
}
