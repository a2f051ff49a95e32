//! Who certified which block: an entry wherever the validators change. Kept on every node, indexed or not.
use crate::chain::{Chain, Fault};
use countersign_state::Store;
use countersign_types::{Height, ValidatorSet};
use parity_scale_codec::Encode;

const SPACE: u8 = b'v';

/// Bytes of an encoded set: validators of 40 bytes each.
const BYTES_MAX: usize = 64 * 1024;

/// The entries `v` height → validators that certify the blocks from that height on.
#[derive(Debug)]
pub struct ValidatorsFrom;

impl ValidatorsFrom {
    /// The entry for validators that certify from `height` on.
    pub fn entry(height: Height, validators: &ValidatorSet) -> (Vec<u8>, Vec<u8>) {
        (key(height), validators.encode())
    }

    /// The validators of `height` among what is in memory and on disk.
    ///
    /// # Errors
    /// [`Fault`] if the store fails.
    pub fn find(chain: &Chain, height: Height) -> Result<Option<ValidatorSet>, Fault> {
        let (space, key) = ([SPACE], key(height));
        let unsaved = chain.pending();
        let newest = unsaved.iter().rev().find_map(|block| {
            let mut entries = block.entries.range(space.to_vec()..=key.clone());
            entries.next_back().map(|(_, value)| value.clone())
        });
        match newest {
            Some(bytes) => decoded(&bytes, height).map(Some),
            None => Self::stored(chain.store(), height),
        }
    }

    /// The validators of `height` on disk.
    ///
    /// # Errors
    /// [`Fault`] if the store fails.
    pub fn stored(store: &dyn Store, height: Height) -> Result<Option<ValidatorSet>, Fault> {
        let found = store.index_range(&[SPACE], Some(&key(height.next())), 1, true)?;
        found.first().map(|(_, bytes)| decoded(bytes, height)).transpose()
    }
}

fn key(height: Height) -> Vec<u8> {
    [&[SPACE][..], &height.get().to_be_bytes()].concat()
}

fn decoded(bytes: &[u8], height: Height) -> Result<ValidatorSet, Fault> {
    countersign_types::decode("validators", bytes, BYTES_MAX).map_err(|cause| Fault::Unreadable {
        what: "validators",
        height,
        cause,
    })
}
