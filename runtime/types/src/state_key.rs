//! Where each record stands in the state: one byte of space, then the parts of the key, fixed widths first.
//!
//! Contracts reach only their own space ([`contract`]), with the contract's account in front.
use crate::evidence::Step;
use crate::hash::Hash;
use crate::id::{AccountId, AssetId, ModuleName, Name, PublicKey};
use crate::quantity::{Height, Timestamp};
use alloc::vec::Vec;
use parity_scale_codec::Encode;

const ACCOUNT: u8 = b'a';
const MEMBER: u8 = b'm';
const SITE: u8 = b't';
const NAME: u8 = b'n';
const ASSET: u8 = b's';
const BALANCE: u8 = b'b';
const CONTRACT: u8 = b'c';
const CONTRACT_NAME: u8 = b'o';
const CODE: u8 = b'w';
const DATA: u8 = b'd';
const JOB: u8 = b'j';
const JOB_INDEX: u8 = b'i';
const QUOTA: u8 = b'q';
const SEEN: u8 = b'r';
const NODE: u8 = b'p';
const EVIDENCE: u8 = b'e';
const PROPOSED: u8 = b'v';
const SINGLE: u8 = b'g';

fn key(space: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(space);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// An [`crate::Account`].
pub fn account(id: &AccountId) -> Vec<u8> {
    key(ACCOUNT, &[&id.0])
}

/// A [`crate::Member`].
pub fn member(id: &AccountId) -> Vec<u8> {
    key(MEMBER, &[&id.0])
}

/// Prefix of all members.
pub fn members() -> Vec<u8> {
    key(MEMBER, &[])
}

/// A member's [`crate::account::Site`]; absent until it has one.
pub fn site(member: &AccountId) -> Vec<u8> {
    key(SITE, &[&member.0])
}

/// The [`AccountId`] a name resolves to.
pub fn name(name: &Name) -> Vec<u8> {
    key(NAME, &[name.as_str().as_bytes()])
}

/// An [`crate::Asset`].
pub fn asset(id: &AssetId) -> Vec<u8> {
    key(ASSET, &[&id.encode()])
}

/// Prefix of all assets.
pub fn assets() -> Vec<u8> {
    key(ASSET, &[])
}

/// The [`crate::Amount`] an account holds of an asset; absent for nothing.
pub fn balance(account: &AccountId, asset: &AssetId) -> Vec<u8> {
    key(BALANCE, &[&account.0, &asset.encode()])
}

/// Prefix of all balances of an account; the asset follows.
pub fn balances(account: &AccountId) -> Vec<u8> {
    key(BALANCE, &[&account.0])
}

/// Prefix of all balances; account and asset follow.
pub fn all_balances() -> Vec<u8> {
    key(BALANCE, &[])
}

/// A [`crate::Contract`].
pub fn contract(name: &ModuleName) -> Vec<u8> {
    key(CONTRACT, &[name.as_str().as_bytes()])
}

/// The [`ModuleName`] of the contract whose account this is.
pub fn contract_name(account: &AccountId) -> Vec<u8> {
    key(CONTRACT_NAME, &[&account.0])
}

/// Prefix of all contracts.
pub fn contracts() -> Vec<u8> {
    key(CONTRACT, &[])
}

/// Uploaded wasm by its hash.
pub fn code(hash: &Hash) -> Vec<u8> {
    key(CODE, &[&hash.0])
}

/// A contract's own key; `data` may be empty for the prefix of all of them.
pub fn data(contract: &AccountId, data: &[u8]) -> Vec<u8> {
    key(DATA, &[&contract.0, data])
}

/// A [`crate::Job`]: ordered by time, then sequence.
pub fn job(at: Timestamp, sequence: u64) -> Vec<u8> {
    key(JOB, &[&at.millis().to_be_bytes(), &sequence.to_be_bytes()])
}

/// Prefix of all jobs.
pub fn jobs() -> Vec<u8> {
    key(JOB, &[])
}

/// The [`Timestamp`] of the job with this sequence number: leads from its id to its [`job`] key.
pub fn job_time(sequence: u64) -> Vec<u8> {
    key(JOB_INDEX, &[&sequence.to_be_bytes()])
}

/// A member's [`crate::account::QuotaUse`].
pub fn quota(member: &AccountId) -> Vec<u8> {
    key(QUOTA, &[&member.0])
}

/// The rolling [`crate::Hash`] of the transaction ids remembered in the bucket of this expiry minute.
pub fn seen(minute: u64) -> Vec<u8> {
    key(SEEN, &[&minute.to_be_bytes()])
}

/// Prefix of all buckets of remembered ids.
pub fn all_seen() -> Vec<u8> {
    key(SEEN, &[])
}

/// The [`crate::NodeRecord`] of a network key.
pub fn node(key: &PublicKey) -> Vec<u8> {
    self::key(NODE, &[&key.0])
}

/// Prefix of all nodes.
pub fn nodes() -> Vec<u8> {
    key(NODE, &[])
}

/// A [`crate::evidence::RecordedEvidence`]: one for each validator, height, round and kind of step.
pub fn evidence(validator: &PublicKey, height: Height, round: u32, step: Step) -> Vec<u8> {
    key(EVIDENCE, &[&validator.0, &height.get().to_be_bytes(), &round.to_be_bytes(), &step.encode()])
}

/// Prefix of all recorded evidence; the validator follows.
pub fn all_evidence() -> Vec<u8> {
    key(EVIDENCE, &[])
}

/// A validator's [`crate::block::LastProposal`]; absent until it has proposed.
pub fn proposed(validator: &PublicKey) -> Vec<u8> {
    key(PROPOSED, &[&validator.0])
}

/// The [`crate::Params`].
pub fn params() -> Vec<u8> {
    key(SINGLE, &[b"params"])
}

/// The council as [`crate::genesis::Council`].
pub fn council() -> Vec<u8> {
    key(SINGLE, &[b"council"])
}

/// Blocks with work in them so far (u64): those that left a receipt.
pub fn working_blocks() -> Vec<u8> {
    key(SINGLE, &[b"working-blocks"])
}

/// The newest [`crate::ValidatorSet`]: that of the block after the next one.
pub fn validators() -> Vec<u8> {
    key(SINGLE, &[b"validators"])
}

/// The next job's sequence number (u64).
pub fn next_job() -> Vec<u8> {
    key(SINGLE, &[b"next-job"])
}
