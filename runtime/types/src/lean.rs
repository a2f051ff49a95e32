//! SCALE for contracts, in little code: the same bytes, but each field of each type is written and read by one function instead of by
//! a copy of it. A contract's wasm is a tenth smaller for it.
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode, Error, Input, Output};

/// Where bytes are written.
struct Sink(Vec<u8>);

impl Output for Sink {
    #[inline(never)]
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// From where bytes are read.
struct Source<'a>(&'a [u8]);

impl Source<'_> {
    fn fill(&mut self, into: &mut [u8]) -> bool {
        let Some((bytes, rest)) = self.0.split_at_checked(into.len()) else {
            return false;
        };
        into.copy_from_slice(bytes);
        self.0 = rest;
        true
    }

    #[inline(never)]
    fn fill_surely(&mut self, into: &mut [u8]) {
        if !self.fill(into) {
            malformed()
        }
    }
}

/// A contract ends here: what it stored decodes, and the ledger has checked its arguments. So that nothing behind a reading is
/// compiled for the case that it failed.
fn malformed() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    unreachable!("only contracts end on malformed bytes")
}

impl Input for Source<'_> {
    fn remaining_len(&mut self) -> Result<Option<usize>, Error> {
        Ok(Some(self.0.len()))
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), Error> {
        if cfg!(target_arch = "wasm32") {
            self.fill_surely(into);
            return Ok(());
        }
        if self.fill(into) { Ok(()) } else { Err("too few bytes".into()) }
    }
}

/// The value's encoding.
pub fn encode(value: &impl Encode) -> Vec<u8> {
    // Most keys and arguments fit: growing step by step costs more than what is left over.
    let mut sink = Sink(Vec::with_capacity(128));
    value.encode_to(&mut sink);
    sink.0
}

/// The value whose encoding is exactly these bytes; `None` if there is none. In a contract there is no such answer: it ends.
pub fn decode<T: Decode>(bytes: &[u8]) -> Option<T> {
    if cfg!(target_arch = "wasm32") { Some(decode_surely(bytes)) } else { decode_if_whole(bytes) }
}

fn decode_if_whole<T: Decode>(bytes: &[u8]) -> Option<T> {
    let mut source = Source(bytes);
    let value = T::decode(&mut source).ok()?;
    source.0.is_empty().then_some(value)
}

#[inline(never)]
fn decode_surely<T: Decode>(bytes: &[u8]) -> T {
    match decode_if_whole(bytes) {
        Some(value) => value,
        None => malformed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountId, Text};

    #[test]
    fn bytes_are_those_of_the_codec() {
        let value = (7_u8, AccountId([3; 32]), Text::new("room 7").unwrap(), Some(1_u64 << 40));
        let bytes = encode(&value);
        assert_eq!(bytes, value.encode());
        assert_eq!(decode(&bytes), Some(value));
        assert_eq!(decode::<(u8, AccountId, Text, Option<u64>)>(&bytes[1..]), None);
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(decode::<(u8, AccountId, Text, Option<u64>)>(&longer), None);
    }
}
