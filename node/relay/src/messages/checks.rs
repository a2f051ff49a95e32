//! What is checked of a message before anything is written: its times, and its receiver on the ledger.
use super::refusal::Refusal;
use crate::Ledger;
use crate::limits;
use countersign_rpc_types::relay::Envelope;
use countersign_types::{Account, PublicKey, Status, Timestamp};
use std::collections::{HashMap, HashSet};

/// Why an account cannot receive a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ReceiverFault {
    /// It is not on the ledger.
    #[error("the receiver has no account on the ledger")]
    Unknown,
    /// It has set no encryption key, or another one.
    #[error("the message is sealed to a key that is not the receiver's on the ledger; seal it again")]
    OtherKey,
    /// The account or its member is suspended.
    #[error("the receiver, or the member that enrolled it, is suspended")]
    Suspended,
    /// No relay keeps its messages.
    #[error("the receiver's member has no relay on the ledger that keeps messages")]
    NoRelay,
}

impl ReceiverFault {
    /// For programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "receiver_unknown",
            Self::OtherKey => "other_key",
            Self::Suspended => "receiver_suspended",
            Self::NoRelay => "no_relay",
        }
    }

    /// True if waiting does not help: an account does not come back, and a message is sealed to one key.
    pub fn is_for_good(self) -> bool {
        match self {
            Self::Unknown | Self::OtherKey => true,
            Self::Suspended | Self::NoRelay => false,
        }
    }
}

/// The relay that keeps the messages to an account: the first that its member's site lists, if it is one on the ledger.
///
/// # Errors
/// [`ReceiverFault::Suspended`] or [`ReceiverFault::NoRelay`].
pub(crate) fn home(ledger: &dyn Ledger, account: &Account) -> Result<PublicKey, ReceiverFault> {
    let standing = ledger.site(&account.name).ok_or(ReceiverFault::NoRelay)?;
    if standing.status != Status::Active {
        return Err(ReceiverFault::Suspended);
    }
    let first = standing.site.and_then(|site| site.relays.first().copied());
    first.filter(|relay| ledger.is_relay(relay)).ok_or(ReceiverFault::NoRelay)
}

/// The relay to which a message goes.
///
/// # Errors
/// [`ReceiverFault`].
pub(crate) fn destination(ledger: &dyn Ledger, envelope: &Envelope) -> Result<PublicKey, ReceiverFault> {
    let account = ledger.account(&envelope.to).ok_or(ReceiverFault::Unknown)?;
    if account.encryption_key != Some(envelope.key) {
        return Err(ReceiverFault::OtherKey);
    }
    if account.status != Status::Active {
        return Err(ReceiverFault::Suspended);
    }
    home(ledger, &account)
}

/// Checks all that does not depend on what is on disk; says which relay keeps the message.
///
/// # Errors
/// [`Refusal`].
pub(super) fn check(ledger: &dyn Ledger, envelope: &Envelope, now: Timestamp) -> Result<PublicKey, Refusal> {
    if envelope.chain != ledger.chain() {
        return Err(Refusal::OtherChain);
    }
    if envelope.expires_at <= now {
        return Err(Refusal::Expired);
    }
    if envelope.sent_at.saturating_since(now) > limits::CLOCK_AHEAD_MS_MAX {
        return Err(Refusal::Clock);
    }
    Ok(destination(ledger, envelope)?)
}

/// How many questions each node has asked in the running minute.
#[derive(Default)]
pub(super) struct Askers {
    minute: u64,
    counts: HashMap<PublicKey, u32>,
    /// Those of whom the log has something in this minute: a flood is told once.
    told: HashSet<PublicKey>,
}

impl Askers {
    /// Counts a question; false if it is one too many.
    pub fn admits(&mut self, relay: &PublicKey, now: Timestamp) -> bool {
        if self.minute != now.minute() {
            self.minute = now.minute();
            self.counts.clear();
            self.told.clear();
        }
        if self.counts.len() >= limits::RELAYS_COUNTED_MAX && !self.counts.contains_key(relay) {
            return false;
        }
        let count = self.counts.entry(*relay).or_default();
        *count = count.saturating_add(1);
        *count <= limits::QUESTIONS_PER_MINUTE_MAX
    }

    /// True once a minute for a node that was admitted: then what is wrong with it belongs into the log.
    pub fn is_news(&mut self, relay: &PublicKey) -> bool {
        self.counts.contains_key(relay) && self.told.insert(*relay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_asks_so_much_a_minute_and_others_are_not_held_up() {
        let mut askers = Askers::default();
        let (one, other) = (PublicKey([1; 32]), PublicKey([2; 32]));
        let now = Timestamp::from_millis(60_000);
        assert!((0..limits::QUESTIONS_PER_MINUTE_MAX).all(|_| askers.admits(&one, now)));
        assert!(!askers.admits(&one, now));
        assert!(askers.is_news(&one) && !askers.is_news(&one) && !askers.is_news(&other));
        assert!(askers.admits(&other, now));
        assert!(askers.admits(&one, Timestamp::from_millis(120_000)));
        assert!(askers.is_news(&one));
    }
}
