//! What a contract is written against: the host, storage with types, the entry point. Knows no contract and no ledger.
//!
//! A contract's rules are generic over [`Host`]. On the ledger that is `Guest` (only in wasm), whose functions are the imports
//! of [`countersign_types::host_abi`]; in a contract's native tests it is `testing::TestHost`.
//!
//! # Upgrades
//! `code.upgrade` exchanges a contract's code and leaves what it holds: records, balances, and jobs, which run by their method's
//! name. New code that reads records of another form declares how it takes over the old ones, in its `scheduled` section:
//!
//! ```text
//! /// Takes over what the versions before left.
//! Migrate = migrate { from: u32 }
//! ```
//!
//! The ledger runs it as the contract right after the exchange, also while the contract is suspended; `from` is the contract's
//! version before: 1 at deployment, one more after each upgrade. It is paid for by the gas of the upgrade's transaction. If it
//! refuses (`code.MigrationRefused`) or fails, the upgrade is undone with everything else in its transaction. More records than one
//! transaction can pay for are taken over by a job that `migrate` schedules, which schedules itself until it is done.
#![no_std]

extern crate alloc;
#[cfg(feature = "testing")]
extern crate std;

mod host;
mod storage;

#[cfg(target_arch = "wasm32")]
pub mod guest;
#[cfg(feature = "testing")]
pub mod testing;

pub use host::{Host, call_id};
pub use storage::{Cell, Map};
