//! The ledger's nouns and their bytes. Knows nothing of state, of execution, of networks.
//!
//! One word per thing, here and everywhere:
//!
//! | word | meaning |
//! |---|---|
//! | member | an organisation admitted to the consortium; also a *site*, the place its users log in |
//! | council | the members who govern |
//! | holder | a person's account, enrolled by a member |
//! | party | an account in a named role of a call: merchant, customer, third party |
//! | call | one method of one module with its parties and arguments |
//! | module | a contract or a native module: what a call names |
//! | transaction | calls that take effect together or not at all |
//! | document | a typed statement signed off-chain and later shown on-chain |
//! | proposal | a transaction or document still collecting signatures |
//! | receipt | what became of a transaction or job in a block |
//! | event | a typed fact a call leaves behind |
//! | job | a contract method the ledger itself runs at a time |
//! | root | the hash that stands for a whole state or list |
//! | node | a process of the network, with an identity the council admitted |
//! | validator | one whose votes decide blocks |
//! | evidence | two statements by which a validator contradicted itself |
//! | certificate | the validators' signatures on a header |
//!
//! Bytes are SCALE, canonical. Every list and text carries its bound in its type, so decoding never
//! allocates more than its input announces within that bound. [`decode`] rejects trailing bytes.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod account;
pub mod address;
pub mod block;
pub mod bounded;
pub mod document;
pub mod endpoint;
pub mod evidence;
pub mod genesis;
pub mod hash;
pub mod host_abi;
pub mod id;
pub mod interface;
pub mod lean;
pub mod limits;
pub mod merkle;
pub mod params;
#[cfg(feature = "std")]
pub mod proposal;
pub mod quantity;
pub mod receipt;
pub mod signature;
pub mod state_key;
pub mod text;
pub mod transaction;

pub use account::{Account, Asset, Authority, Contract, Job, Member, NodeRecord, Role, Site, Status};
pub use block::{Block, Certificate, Header, Validator, ValidatorSet};
pub use bounded::{BoundedText, BoundedVec, Bytes, List, Text};
pub use document::{Document, DocumentKind, SignedDocument};
pub use evidence::Evidence;
pub use genesis::Genesis;
pub use hash::{Hash, Hasher};
pub use id::{AccountId, AssetId, ModuleName, Name, PublicKey, Selector};
pub use interface::Interface;
pub use params::Params;
#[cfg(feature = "std")]
pub use proposal::Proposal;
pub use quantity::{Amount, Gas, Height, Timestamp};
pub use receipt::{CallFault, Event, Failure, Receipt};
pub use signature::{PartySignature, Signature};
#[cfg(feature = "std")]
pub use transaction::VerifiedTransaction;
pub use transaction::{Call, SignedTransaction, Transaction};

use parity_scale_codec::DecodeAll;

/// Bytes that are not the canonical encoding of what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input is longer than any valid encoding; nothing was decoded.
    #[error("{what} is {size} bytes long, more than the limit of {limit}")]
    Oversized {
        /// What was being decoded.
        what: &'static str,
        /// Bytes given.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Truncated, out of a bound, not canonical, or followed by further bytes.
    #[error("bytes are not a valid {what}: {cause}")]
    Malformed {
        /// What was being decoded.
        what: &'static str,
        /// The codec's description.
        cause: alloc::string::String,
    },
}

/// Decodes exactly one `T` from `bytes`, which may be at most `limit` bytes long.
///
/// # Errors
/// [`DecodeError::Oversized`] before anything is decoded, else [`DecodeError::Malformed`].
pub fn decode<T: DecodeAll>(what: &'static str, bytes: &[u8], limit: usize) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::Oversized { what, size: bytes.len(), limit });
    }
    T::decode_all(&mut &bytes[..]).map_err(|error| DecodeError::Malformed { what, cause: alloc::format!("{error}") })
}
