//! What applications need to take part in a ledger: keys, proposals, their reading in words, and the node's methods.
//! Knows the ledger's formats and declarations; never a node's inside or a contract's rules.
//!
//! ```text
//! JSON ─value→ arguments ─builder→ Proposal ─display→ words ─keystore→ signatures ─rpc→ node ─verify→ trusted answer
//!                 ▲ names, decimals, interfaces: directory, filled by rpc
//! ```
#![forbid(unsafe_code)]

pub mod builder;
pub mod card;
pub mod clock;
pub mod directory;
pub mod display;
pub mod ics;
pub mod keystore;
pub mod request;
pub mod rpc;
pub mod value;
pub mod verify;

pub use countersign_interface as interface;
pub use countersign_rpc_types as rpc_types;
pub use countersign_types as types;

pub use directory::{Directory, Need};
pub use keystore::Keystore;
pub use rpc::Client;
