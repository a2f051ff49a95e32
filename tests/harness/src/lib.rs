//! Starts real nodes and wallets as processes, for tests and benches. Knows their command lines, nothing of their insides.
#![forbid(unsafe_code)]

mod binaries;
mod node;
mod wallet;

pub use binaries::{Binary, binary};
pub use node::Node;
pub use wallet::{Outcome, Wallet};

use std::time::{Duration, Instant};

/// How long a condition is waited for: many times what it takes on a busy 2-core machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Time between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `condition` gives a value.
///
/// # Errors
/// After [`PATIENCE`], naming `what` was waited for.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return Ok(value);
        }
        anyhow::ensure!(start.elapsed() < PATIENCE, "waited {} s in vain for {what}", PATIENCE.as_secs());
        std::thread::sleep(LOOK_EVERY);
    }
}
