//! What a door's lock needs: it checks offline that the holder of a booking stands before it. Never a clock, a store or a network.
//!
//! ```text
//! lock    Lock::challenge(nonce, time) ─countersign:challenge?…→ wallet
//! wallet  ledger's header, certificate, booking, holder with proofs = Pass; + signatures over the challenge = Credential
//! wallet  ─countersign:key?…→ Lock::open(credential, time): opens, or a Refusal with its reason
//!
//! LockTrust ─certificate→ header N+1 ─state_root→ booking's record, holder's record ─authority→ signatures over the challenge
//! ```
//! The pass holds nothing secret and can be made, and even be shown to the lock, ahead of time: [`Lock::admit`] remembers of it what an
//! [`Answer`] of some hundred bytes then has to fit. What the lock trusts are validators; how it learns their successors is told at
//! [`LockTrust`].
//!
//! Whoever builds a lock gives it the time and 16 random bytes for each challenge, and keeps [`Lock`], which encodes, over a power cut.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod credential;
pub mod limits;
mod lock;
mod refusal;
pub mod text;
mod trust;

pub use credential::{Answer, Challenge, Credential, Pass};
pub use lock::{Admission, BadLock, Bounds, Lock};
pub use refusal::Refusal;
pub use text::BadText;
pub use trust::{Handover, LockTrust, Seal};
