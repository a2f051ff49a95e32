//! Why a message is not taken, or not given.
use super::checks::ReceiverFault;
use crate::limits;
use crate::store::StoreError;
use countersign_rpc_types::relay::{EnvelopeError, MESSAGE_LIFE_MS_MAX};
use countersign_rpc_types::{ErrorCode, RpcFault};
use countersign_types::PublicKey;
use serde_json::json;

/// Whose quota is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whose {
    /// The sender's: too many that wait, or in this hour.
    Sender,
    /// The receiver's: its inbox is full, or the sender's share of it.
    Receiver,
    /// The relay's.
    Relay,
}

/// Why a message is not taken, or not given.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// It is no message.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// It is of another chain.
    #[error("the message is for another chain than this relay's")]
    OtherChain,
    /// It has expired.
    #[error("the message has expired; seal it again")]
    Expired,
    /// It comes from the future.
    #[error(
        "the message was sealed more than {} minutes after now; the clock of its sender, or of this relay, is wrong",
        limits::CLOCK_AHEAD_MS_MAX / 60_000
    )]
    Clock,
    /// The receiver cannot receive it.
    #[error(transparent)]
    Receiver(#[from] ReceiverFault),
    /// Another relay keeps the messages of this account.
    #[error("the messages of this account are kept by the relay {home}; log in there")]
    OtherRelay {
        /// Its key.
        home: PublicKey,
    },
    /// There is no room.
    #[error("{}", quota(.0))]
    Quota(Whose),
    /// The disk, or the relay is stopping.
    #[error("the relay cannot keep or read messages now; try again later")]
    Store(#[from] StoreError),
}

fn quota(whose: &Whose) -> &'static str {
    match whose {
        Whose::Sender => "the sender has as many messages waiting, or sent in this hour, as it may; try again later",
        Whose::Receiver => {
            "the receiver's inbox holds as many messages, or as many of this sender, as it may; \
             try again when some are fetched"
        }
        Whose::Relay => "the relay holds as much as it may; try again later",
    }
}

impl Refusal {
    /// With the stable code, and data for programs.
    pub fn fault(&self) -> RpcFault {
        let refused =
            |reason: &str| RpcFault::new(ErrorCode::MessageRefused, self.to_string()).with(json!({ "reason": reason }));
        match self {
            Self::Envelope(EnvelopeError::Malformed(cause)) => {
                let text = format!("{self}: {cause}");
                RpcFault::new(ErrorCode::MessageRefused, text).with(json!({ "reason": "malformed" }))
            }
            Self::Envelope(EnvelopeError::BadLife) => RpcFault::new(ErrorCode::MessageRefused, self.to_string())
                .with(json!({ "reason": "bad_life", "life_ms_max": MESSAGE_LIFE_MS_MAX })),
            Self::OtherChain => refused("other_chain"),
            Self::Expired => refused("expired"),
            Self::Clock => refused("clock"),
            Self::Receiver(fault) => refused(fault.code()),
            Self::OtherRelay { home } => RpcFault::new(ErrorCode::MessageRefused, self.to_string())
                .with(json!({ "reason": "not_home", "home": home.to_string() })),
            Self::Quota(whose) => {
                let whose = match whose {
                    Whose::Sender => "sender",
                    Whose::Receiver => "receiver",
                    Whose::Relay => "relay",
                };
                RpcFault::new(ErrorCode::QuotaReached, self.to_string()).with(json!({ "whose": whose }))
            }
            Self::Store(cause) => {
                // For the relay's operator, not for whoever asked.
                tracing::error!(error = %cause, cause = ?std::error::Error::source(cause), "{self}");
                RpcFault::new(ErrorCode::Unavailable, self.to_string())
            }
        }
    }
}
