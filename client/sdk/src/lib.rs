//! What applications need to take part in a ledger: keys, proposals, their reading in words, and the node's methods.
//! Knows the ledger's formats and declarations; never a node's inside or a contract's rules.
//!
//! ```text
//! JSON ─value→ arguments ─builder→ Proposal ─display→ words ─signer→ signatures ─rpc→ node ─verify→ trusted answer
//!                 ▲ names, decimals, interfaces: directory, filled by rpc
//! ```
//!
//! # The way through it
//!
//! 1. [`Client::new`] names a node; it connects when it is first asked, and again when the connection breaks.
//! 2. [`verify`] makes of the chain's id, the only thing taken on trust, answers that no node can make up.
//! 3. A [`Directory`] holds what is known of names, decimals and interfaces. Whatever reads or shows values takes one and says what it
//!    lacks ([`Need`]); [`rpc::with_needs`] asks the node for it and tries again.
//! 4. [`builder::CallDraft`] is a call by names; [`builder::transaction`] makes a [`types::Proposal`] of calls, which collects signatures.
//! 5. [`display::describe`] tells it in words: show them to whoever is to sign.
//! 6. A [`Signer`] signs: a key of the [`Keystore`], or a program that keeps its key to itself ([`signer`]).
//! 7. [`Client::submit_and_wait`] hands it in and waits until it is final; the receipt says whether it took effect.
//! 8. [`Client::follow`] tells events, all of them once, over broken connections.
//! 9. [`messaging`] logs in at a [`relay`] and exchanges sealed letters, by which half-signed proposals travel.
//!
//! Errors are one type for each step, and carry what a program decides by. The crate's examples are short programs of the whole way:
//! `pay`, `follow_events`, `verify_booking`, `messages`, and `signer`, which is somebody else's key store.
//!
//! ```no_run
//! use countersign_client::rpc::Patience;
//! use countersign_client::{Client, Need, Directory, clock};
//!
//! # async fn run() -> Result<(), countersign_client::rpc::ClientError> {
//! let client = Client::new("ws://127.0.0.1:26800", Patience::default())?;
//! let mut directory = Directory::new(clock::now());
//! client.learn(&mut directory, &Need::Account("harbor-hotel.example".into())).await?;
//! println!("{:?}", directory.account("harbor-hotel.example"));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod builder;
pub mod card;
pub mod clock;
pub mod directory;
pub mod display;
pub mod door;
pub mod ics;
pub mod keystore;
pub mod login;
pub mod messaging;
#[cfg(feature = "qr")]
pub mod qr;
pub mod relay;
pub mod request;
pub mod rpc;
pub mod signer;
pub mod uri;
pub mod value;
pub mod verify;
pub mod wasm;

pub use countersign_interface as interface;
pub use countersign_lock as lock;
pub use countersign_rpc_types as rpc_types;
pub use countersign_types as types;

pub use directory::{Directory, Need};
pub use keystore::Keystore;
pub use rpc::Client;
pub use signer::Signer;
