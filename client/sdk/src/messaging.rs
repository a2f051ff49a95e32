//! Logging in at a relay, and exchanging sealed messages: how half-signed deals travel. The relay is trusted with
//! nothing but carrying: who may relay, whom a name belongs to and which keys are whose is read from the ledger, with
//! proof by a verifying client.
//!
//! ```text
//! login.rs   is the relay granted (ledger)? ─OPAQUE→ session.rs ─first time→ enrolment, encryption.rs: the key to seal to (ledger)
//! send.rs    who receives (ledger)? ─letter.rs: signed→ seal.rs: padded, HPKE→ Envelope ─relay.rs→ on the relay's disk
//! inbox.rs   relay.rs ─Envelope→ seal.rs: opened ─correspondent.rs: whose key (ledger)?→ store.rs: on the disk ─→ acknowledged
//! ```
//!
//! # The way through it
//!
//! 1. [`login::check_relay`] and [`login::log_in`] give a [`StoredSession`], which a [`SessionStore`] keeps;
//!    [`LiveSession`] uses it.
//! 2. [`login::standing`] tells what is missing on the ledger: [`login::draw_enrolment`] and [`login::enrol`],
//!    [`login::draw_encryption_key`]. Each is shown and signed like any other transaction.
//! 3. [`send::send`] writes to a [`Correspondent`].
//! 4. [`inbox::fetch`] brings what waits into a [`MessageStore`], where it is listed and read.
//!
//! [`LiveSession`]: crate::relay::LiveSession
pub mod correspondent;
mod disk;
pub mod encryption;
pub mod inbox;
pub mod letter;
pub mod limits;
pub mod login;
#[cfg(test)]
pub(crate) mod scene;
pub mod seal;
pub mod send;
pub mod session;
pub mod store;

pub use correspondent::Correspondent;
pub use disk::DiskError;
pub use encryption::EncryptionKey;
pub use letter::{Body, FileName, Letter, LetterText, SignedLetter};
pub use session::{SessionError, SessionStore, StoredSession};
pub use store::{KeptMessage, MessageHead, MessageStore};
