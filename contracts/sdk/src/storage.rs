//! Storage with types: a one-byte prefix in front of each key, so that a contract's records never run into each other.
use crate::Host;
use alloc::vec::Vec;
use core::marker::PhantomData;
use countersign_types::{lean, limits};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// One value.
#[derive(Debug)]
pub struct Cell<V> {
    prefix: u8,
    value: PhantomData<fn() -> V>,
}

impl<V: Encode + Decode> Cell<V> {
    /// The value under `prefix`, which nothing else of the contract uses.
    pub const fn new(prefix: u8) -> Self {
        Self { prefix, value: PhantomData }
    }

    /// The value; `None` if it was never set.
    pub fn get(&self, host: &mut impl Host) -> Option<V> {
        host.get(alloc::vec![self.prefix]).map(stored)
    }

    /// Replaces the value.
    pub fn set(&self, host: &mut impl Host, value: &V) {
        host.set(alloc::vec![self.prefix], lean::encode(value));
    }
}

/// Values by key.
#[derive(Debug)]
pub struct Map<K, V> {
    prefix: u8,
    entry: PhantomData<fn(K) -> V>,
}

impl<K: Encode + MaxEncodedLen, V: Encode + Decode> Map<K, V> {
    /// The values whose keys begin with `prefix`, which nothing else of the contract uses.
    pub const fn new(prefix: u8) -> Self {
        Self { prefix, entry: PhantomData }
    }

    /// The value under `key`.
    pub fn get(&self, host: &mut impl Host, key: &K) -> Option<V> {
        host.get(self.key(key)).map(stored)
    }

    /// True if there is a value under `key`.
    pub fn contains(&self, host: &mut impl Host, key: &K) -> bool {
        host.get(self.key(key)).is_some()
    }

    /// Replaces the value under `key`.
    pub fn set(&self, host: &mut impl Host, key: &K, value: &V) {
        host.set(self.key(key), lean::encode(value));
    }

    /// Removes the value under `key`.
    pub fn remove(&self, host: &mut impl Host, key: &K) {
        host.remove(self.key(key));
    }

    fn key(&self, key: &K) -> Vec<u8> {
        assert!(K::max_encoded_len() < limits::STATE_KEY_BYTES_MAX, "the key's type is too long for the state");
        lean::encode(&(self.prefix, key))
    }
}

/// Only this contract writes under its keys: what does not decode is its own mistake.
fn stored<V: Decode>(bytes: Vec<u8>) -> V {
    lean::decode(&bytes).expect("a stored value has the type it was stored with")
}
