//! Bytes made shorter by leaving out what they repeat, or what a dictionary holds that the reader has too (LZ4). The only module naming
//! the library.

/// Bytes of the length in front.
const LENGTH_BYTES: usize = 4;

/// Packs `bytes`. Only the last 64 KiB of the dictionary and of what came before are looked at.
///
/// # Panics
/// If there are 4 GiB or more of them.
pub fn pack(bytes: &[u8], dictionary: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("callers pack records, which are bounded far below");
    let packed = lz4_flex::block::compress_with_dict(bytes, dictionary);
    [&length.to_le_bytes()[..], &packed].concat()
}

/// Unpacks what was packed with the same dictionary; `None` if it was not, or into more than `bytes_max`. Bytes of a disk must
/// have a checksum of their own: what was damaged may unpack to something else.
pub fn unpack(packed: &[u8], dictionary: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let (length, packed) = packed.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= bytes_max)?;
    let bytes = lz4_flex::block::decompress_with_dict(packed, length, dictionary).ok()?;
    (bytes.len() == length).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks_with_the_same_dictionary_only() {
        let noise: Vec<u8> = (0..9_u8).flat_map(|n| countersign_types::Hash::of("noise", &[n]).0).collect();
        for bytes in [&[][..], &[7], &noise, &noise.repeat(9), &[0; 100_000]] {
            for dictionary in [&[][..], &[1, 2], &noise, &noise.repeat(9_000)] {
                let packed = pack(bytes, dictionary);
                assert_eq!(unpack(&packed, dictionary, bytes.len()).as_deref(), Some(bytes));
                assert_eq!(unpack(&packed, dictionary, bytes.len().wrapping_sub(1)).is_some(), bytes.is_empty());
            }
        }
        assert!(pack(&noise, &noise).len() < 30 && pack(&noise, &[]).len() > noise.len());
        assert_ne!(unpack(&pack(&noise, &noise), &[], 1_000).as_deref(), Some(&noise[..]));
    }

    #[test]
    fn any_bytes_unpack_to_something_bounded_or_to_nothing() {
        let packed = pack(&b"again and ".repeat(99), b"again");
        for at in 0..packed.len() {
            for bit in 0..8 {
                let mut altered = packed.clone();
                altered[at] ^= 1 << bit;
                assert!(unpack(&altered, b"again", 2_000).is_none_or(|bytes| bytes.len() <= 2_000));
            }
            assert!(unpack(&packed[..at], b"again", 2_000).is_none_or(|bytes| bytes.len() <= 2_000));
        }
    }
}
