//! The node's clock, read where a block is made or judged and nowhere under `runtime/`.
use countersign_types::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// This machine's clock, set forward or back by the same number of milliseconds for the whole node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Clock {
    offset_ms: i64,
}

impl Clock {
    /// A clock that is `offset_ms` ahead of the machine's, or behind it if negative.
    pub const fn ahead_by(offset_ms: i64) -> Self {
        Self { offset_ms }
    }

    /// How far it is ahead of the machine's, in milliseconds; negative if behind.
    pub const fn offset_ms(self) -> i64 {
        self.offset_ms
    }

    /// Now. A time before 1970 reads as 1970.
    pub fn now(self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_millis(millis.saturating_add_signed(self.offset_ms))
    }

    /// Now, in microseconds since the Unix epoch. A time before 1970 reads as 1970.
    pub fn micros(self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        micros.saturating_add_signed(self.offset_ms.saturating_mul(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_moves_the_clock_either_way_and_never_before_1970() {
        let machine = Clock::default();
        let (ahead, behind) = (Clock::ahead_by(3_600_000), Clock::ahead_by(-3_600_000));
        let (before, between, after) = (behind.now(), machine.now(), ahead.now());
        assert!(between.saturating_since(before) >= 3_600_000);
        assert!(after.saturating_since(between) >= 3_600_000);
        let (before, micros) = (machine.now().millis(), Clock::ahead_by(5_000).micros());
        assert!(micros >= (before + 5_000) * 1_000 && micros < (machine.now().millis() + 5_001) * 1_000);
        assert_eq!(Clock::ahead_by(i64::MIN).micros(), 0);
        assert_eq!(Clock::ahead_by(i64::MIN).now(), Timestamp::from_millis(0));
    }
}
