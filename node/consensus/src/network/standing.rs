//! What a peer may do before it loses its place for a while: how fast it may send, and what it is blamed for.
use crate::limits;
use std::time::{Duration, Instant};

/// Something a peer did that an honest one does not, or not often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A consensus message, offer or request that cannot be decoded, or is longer than any valid one.
    Malformed,
    /// A vote or proposal whose signature is not its validator's.
    BadVote,
    /// A block that is not what its offer says.
    BadBlock,
    /// An offer whose signature is not its validator's.
    BadOffer,
    /// An answer with blocks that cannot be decoded, or are not those of their certificates.
    BadAnswer,
    /// A status in the name of another peer.
    FalseStatus,
    /// A gossiped batch the application rejected.
    Rejected,
    /// More messages or bytes than allowed in the time.
    Flood,
    /// More requests at once than allowed.
    Impatient,
}

/// Points a peer may lose before it is disconnected.
const POINTS: u32 = 100;
/// Points that come back per minute.
const POINTS_PER_MINUTE: u32 = 30;
/// A peer that lost its place is refused for this long. Short: it may be a validator whose votes are needed once it is mended.
pub(super) const PENALTY: Duration = Duration::from_secs(30);

impl Fault {
    /// The points it costs, out of 100.
    fn cost(self) -> u32 {
        match self {
            // Versions agree before they speak, and peers check what they relay: only a broken or hostile one sends this.
            Self::Malformed | Self::BadVote | Self::BadBlock | Self::BadOffer => 50,
            // It made the answer itself, out of what it stores.
            Self::BadAnswer => 50,
            // The sender fills in its own name; there is nothing to mistake.
            Self::FalseStatus => 100,
            // It checked the batch before it passed it on, unless its state was a block behind ours.
            Self::Rejected => 10,
            // Honest bursts happen after an outage; the messages above the rate are lost, which is most of the cure.
            Self::Flood => 1,
            // Same: the request is refused, and that is enough unless it goes on and on.
            Self::Impatient => 2,
        }
    }
}

/// Tokens that come back with time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    most: f64,
    per_second: f64,
}

impl Bucket {
    fn full(most: f64, per_second: f64) -> Self {
        Self { tokens: most, most, per_second }
    }

    fn refill(&mut self, elapsed: Duration) {
        self.tokens = (self.tokens + elapsed.as_secs_f64() * self.per_second).min(self.most);
    }

    /// False, and nothing taken, if there are fewer.
    fn take(&mut self, tokens: f64) -> bool {
        let enough = self.tokens >= tokens;
        if enough {
            self.tokens -= tokens;
        }
        enough
    }
}

/// One peer's record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    seen: Instant,
    messages: Bucket,
    bytes: Bucket,
    points: Bucket,
}

impl Standing {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            seen: now,
            messages: Bucket::full(limits::MESSAGES_AT_ONCE, limits::MESSAGES_PER_SECOND),
            bytes: Bucket::full(limits::BYTES_AT_ONCE, limits::BYTES_PER_SECOND),
            points: Bucket::full(f64::from(POINTS), f64::from(POINTS_PER_MINUTE) / 60.0),
        }
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.seen);
        self.seen = now;
        self.messages.refill(elapsed);
        self.bytes.refill(elapsed);
        self.points.refill(elapsed);
    }

    /// Counts a message of `size` bytes. False if it is one too many: it is to be dropped.
    pub(super) fn admits(&mut self, now: Instant, size: usize) -> bool {
        self.refill(now);
        self.messages.take(1.0) && self.bytes.take(size as f64)
    }

    /// Takes the fault's points. False if the peer has lost its place; it starts anew after the penalty.
    pub(super) fn survives(&mut self, now: Instant, fault: Fault) -> bool {
        self.refill(now);
        let survives = self.points.take(f64::from(fault.cost()));
        if !survives {
            *self = Self::new(now);
        }
        survives
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_grave_faults_are_forgiven_and_a_third_is_not() {
        let now = Instant::now();
        let mut standing = Standing::new(now);
        assert!(standing.survives(now, Fault::BadBlock));
        assert!(standing.survives(now, Fault::Malformed));
        assert!(!standing.survives(now, Fault::Malformed));
    }

    #[test]
    fn standing_comes_back_with_time() {
        let now = Instant::now();
        let mut standing = Standing::new(now);
        assert!(standing.survives(now, Fault::FalseStatus));
        assert!(!Standing { ..standing }.survives(now, Fault::BadBlock));
        assert!(standing.survives(now + Duration::from_secs(120), Fault::BadBlock));
    }

    #[test]
    fn messages_above_the_rate_are_dropped_until_time_passes() {
        let now = Instant::now();
        let mut standing = Standing::new(now);
        let admitted = (0..20_000).filter(|_| standing.admits(now, 100)).count();
        assert_eq!(admitted as f64, limits::MESSAGES_AT_ONCE);
        assert!(!standing.admits(now, 100));
        assert!(standing.admits(now + Duration::from_millis(10), 100));
    }

    #[test]
    fn bytes_above_the_rate_are_dropped() {
        let now = Instant::now();
        let mut standing = Standing::new(now);
        let admitted = (0..100).filter(|_| standing.admits(now, limits::MESSAGE_BYTES_MAX)).count();
        assert_eq!(admitted, 4);
    }
}
