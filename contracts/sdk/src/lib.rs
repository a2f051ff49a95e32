//! What a contract is written against: the host, storage with types, the entry point. Knows no contract and no ledger.
//!
//! A contract's rules are generic over [`Host`]. On the ledger that is `Guest` (only in wasm), whose functions are the imports
//! of [`countersign_types::host_abi`]; in a contract's native tests it is `testing::TestHost`.
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
