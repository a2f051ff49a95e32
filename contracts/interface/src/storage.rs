//! Where in the state a contract's records stand, for those who prove them. What a module publishes of its storage
//! stands with its declaration and is used by the contract itself, so that it is written once.
use alloc::vec::Vec;
use countersign_types::{AccountId, Hash, state_key};
use parity_scale_codec::Encode;

/// The key of the record that the contract called `module` keeps under `key` in its map number `map`.
///
/// # Panics
/// If `module` is no module's name: the caller's bug.
pub fn record_key(module: &'static str, map: u8, key: &impl Encode) -> Vec<u8> {
    let name = module.parse().expect("a declared module's name is one");
    state_key::data(&AccountId::of_contract(&name), &(map, key).encode())
}

/// The hash that the host gives a contract for a value's encoding.
pub fn content_hash(value: &impl Encode) -> Hash {
    Hash::of("contract-data", &value.encode())
}
