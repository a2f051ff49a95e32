//! Counts attempts in windows of time. Kept in memory: a restart forgives, which costs an attacker the wait for a restart.
use std::collections::HashMap;
use std::hash::Hash;

/// At most so many attempts by one name in a window.
#[derive(Debug)]
pub struct Limiter<K> {
    attempts_max: u32,
    window_ms: u64,
    names_max: usize,
    /// Name to the beginning of its window and the attempts in it.
    counted: HashMap<K, (u64, u32)>,
}

/// An attempt that is one too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// This name has used its attempts; the next one is free after so many milliseconds.
    TooMany {
        /// Until the window ends.
        retry_after_ms: u64,
    },
    /// So many names are counted that no more fit.
    Full,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// Allows `attempts_max` attempts per window and name, for at most `names_max` names at a time.
    pub fn new(attempts_max: u32, window_ms: u64, names_max: usize) -> Self {
        Self { attempts_max, window_ms, names_max, counted: HashMap::new() }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// [`Refused`]; it is not counted.
    pub fn take(&mut self, name: &K, now_ms: u64) -> Result<(), Refused> {
        let window_ms = self.window_ms;
        let running = |began: u64| now_ms.checked_sub(began).is_some_and(|age| age < window_ms);
        if !self.counted.contains_key(name) && self.counted.len() >= self.names_max {
            self.counted.retain(|_, (began, _)| running(*began));
            if self.counted.len() >= self.names_max {
                return Err(Refused::Full);
            }
        }
        let (began, count) = self.counted.entry(name.clone()).or_insert((now_ms, 0));
        if !running(*began) {
            (*began, *count) = (now_ms, 0);
        }
        if *count >= self.attempts_max {
            return Err(Refused::TooMany { retry_after_ms: began.saturating_add(window_ms).saturating_sub(now_ms) });
        }
        *count += 1;
        Ok(())
    }

    /// Forgets a name's attempts: one of them succeeded.
    pub fn forgive(&mut self, name: &K) {
        self.counted.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_name_and_window() {
        let mut limiter = Limiter::new(2, 100, 10);
        assert_eq!((limiter.take(&"a", 0), limiter.take(&"a", 50)), (Ok(()), Ok(())));
        assert_eq!(limiter.take(&"a", 60), Err(Refused::TooMany { retry_after_ms: 40 }));
        assert_eq!(limiter.take(&"b", 60), Ok(()));
        assert_eq!(limiter.take(&"a", 100), Ok(()));
        limiter.forgive(&"a");
        assert_eq!((limiter.take(&"a", 101), limiter.take(&"a", 101)), (Ok(()), Ok(())));
    }

    #[test]
    fn names_are_bounded() {
        let mut limiter = Limiter::new(1, 100, 2);
        assert_eq!((limiter.take(&1, 0), limiter.take(&2, 50)), (Ok(()), Ok(())));
        assert_eq!(limiter.take(&3, 60), Err(Refused::Full));
        assert_eq!(limiter.take(&3, 100), Ok(()), "the first window has ended");
    }

    #[test]
    fn a_clock_set_back_opens_a_new_window() {
        let mut limiter = Limiter::new(1, 100, 2);
        assert_eq!(limiter.take(&1, 1_000), Ok(()));
        assert_eq!(limiter.take(&1, 10), Ok(()));
    }
}
