//! In what order and how fast a session may ask: counts grow, and there is a pause after a burst.
use crate::fault::RelayFault;
use crate::limits;

/// How long a whole burst takes to be earned.
const BURST_US: u64 = limits::SESSION_BURST * limits::SESSION_PACE_US;

/// The greatest count of a session, and how much of its pace is used.
#[derive(Debug)]
pub(super) struct Pace {
    last: u64,
    /// When all that was used will be earned again, microseconds by the relay's clock.
    earned_at_us: u64,
}

impl Pace {
    /// Nothing used, and no count up to `last`.
    pub fn new(last: u64) -> Self {
        Self { last, earned_at_us: 0 }
    }

    /// Takes a request with this count.
    ///
    /// # Errors
    /// `OldCount`, or `TooMany`; the count is used up then too.
    pub fn take(&mut self, count: u64, now_us: u64) -> Result<(), RelayFault> {
        if count <= self.last {
            return Err(RelayFault::OldCount { count, last: self.last });
        }
        self.last = count;
        // A clock that was set back does not lock a session for longer than a burst.
        self.earned_at_us = self.earned_at_us.clamp(now_us, now_us.saturating_add(BURST_US));
        let ahead_us = self.earned_at_us - now_us + limits::SESSION_PACE_US;
        if ahead_us > BURST_US {
            return Err(RelayFault::TooMany { retry_after_ms: (ahead_us - BURST_US).div_ceil(1_000) });
        }
        self.earned_at_us += limits::SESSION_PACE_US;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: u64 = 1_700_000_000_000_000;

    #[test]
    fn counts_grow() {
        let mut pace = Pace::new(10);
        assert!(matches!(pace.take(10, NOW_US), Err(RelayFault::OldCount { count: 10, last: 10 })));
        pace.take(11, NOW_US).unwrap();
        pace.take(20, NOW_US).unwrap();
        assert!(matches!(pace.take(11, NOW_US), Err(RelayFault::OldCount { count: 11, last: 20 })));
        assert!(matches!(pace.take(20, NOW_US), Err(RelayFault::OldCount { count: 20, last: 20 })));
    }

    #[test]
    fn after_a_burst_there_is_a_pause() {
        let mut pace = Pace::new(0);
        for count in 1..=limits::SESSION_BURST {
            pace.take(count, NOW_US).unwrap();
        }
        let retry = match pace.take(1_000, NOW_US) {
            Err(RelayFault::TooMany { retry_after_ms }) => retry_after_ms,
            other => panic!("{other:?}"),
        };
        assert_eq!(retry, limits::SESSION_PACE_US / 1_000);
        assert!(matches!(pace.take(1_000, NOW_US), Err(RelayFault::OldCount { .. })), "its count is used up");
        pace.take(1_001, NOW_US + retry * 1_000).unwrap();
        assert!(matches!(pace.take(1_002, NOW_US + retry * 1_000), Err(RelayFault::TooMany { .. })));
        assert!(matches!(pace.take(1_003, 0), Err(RelayFault::TooMany { .. })), "the clock was set back");
        pace.take(1_004, limits::SESSION_PACE_US).unwrap();
    }
}
