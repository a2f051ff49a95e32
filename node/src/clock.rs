//! This machine's clock, read where a block is made or judged and nowhere under `runtime/`.
use countersign_types::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now. A clock set before 1970 reads as 1970.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
