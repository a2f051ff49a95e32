//! Starts real nodes, networks of them, sites and wallets as processes, for tests and benches. Knows their command lines and RPC,
//! nothing of their insides.
//!
//! A script of faults is one [`Network`]: nodes are killed, paused, wiped and started, links are cut and healed, while a
//! [`Load`] goes on; then [`Network::verdict`] says whether the ledger kept its promises.
#![forbid(unsafe_code)]

mod asker;
mod binaries;
mod disk;
mod interceptor;
mod link;
mod load;
mod network;
mod node;
mod person;
mod plan;
mod reader;
mod rpc;
mod site;
mod tap;
mod town;
mod verdict;
mod wallet;

pub use asker::{Asker, hopeless_login};
pub use binaries::{Binary, binary, example};
pub use disk::Disk;
pub use interceptor::{Conduct, Interceptor};
pub use link::Condition;
pub use load::Load;
pub use network::{Directory, Listed, Network};
pub use node::{Launch, Node};
pub use person::{Made, Person, asset, now_ms, signatures, signed, signed_until};
pub use plan::{BALANCE, COUNCIL, MERCHANT, Plan, validator};
pub use reader::{Inserted, Slot, VirtualReader};
pub use rpc::{CallError, Rpc};
pub use site::{SITE_HOST, Site};
pub use tap::Tap;
pub use town::{Place, Town};
pub use wallet::{Following, Outcome, Wallet};

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
