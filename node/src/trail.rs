//! Who may certify blocks, followed from the genesis by certified changes: what a chain is believed by that was not executed here.
//!
//! ```text
//! genesis ─validators→ header X ─certificate, next_validators_hash→ the next ones ─→ … ─→ header N+1 ─state_root→ state after N
//! ```
//!
//! Each change is one [`Link`]: the last header that the old validators certify, which names the new ones. A node keeps those of its
//! chain for ever, so that it can hand the trail on when the blocks are gone.
use crate::chain::{Chain, Fault};
use crate::index;
use countersign_state::Store;
use countersign_types::block::BadCertificate;
use countersign_types::{Certificate, Genesis, Hash, Header, Height, ValidatorSet};
use parity_scale_codec::{Decode, Encode};

/// Space of the index where links are, by height.
const SPACE: u8 = b'h';
/// Bytes of an encoded link: a header, and of each of a hundred validators a signature and a key.
const LINK_BYTES_MAX: usize = 64 * 1024;
/// Links read from the store at a time.
const LINKS_PER_READ: usize = 64;

/// A change of the validators.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Link {
    /// The last header that the validators before the change certify.
    pub header: Header,
    /// Their signatures on it.
    pub certificate: Certificate,
    /// The validators of the next block, whom the header names by their hash.
    pub next: ValidatorSet,
}

impl Link {
    /// Its entry in the index.
    pub fn entry(&self) -> (Vec<u8>, Vec<u8>) {
        (key(self.header.height), self.encode())
    }

    /// The links above a height, oldest first, at most `limit`: also those that are in no checkpoint yet.
    ///
    /// # Errors
    /// [`Fault`] if the store fails or an entry is not readable.
    pub fn above(chain: &Chain, height: Height, limit: usize) -> Result<Vec<Self>, Fault> {
        let entries = index::merged(chain, &[SPACE], Some(&key(height)), limit)?;
        entries.values().map(|bytes| decoded(bytes, height)).collect()
    }

    /// The links of a store up to that of `last`, oldest first.
    ///
    /// # Errors
    /// [`Fault`] if the store fails or an entry is not readable.
    pub fn stored(store: &dyn Store, last: Height) -> Result<Vec<Self>, Fault> {
        let mut links: Vec<Self> = Vec::new();
        loop {
            let after = links.last().map(|link| key(link.header.height));
            let entries = store.index_range(&[SPACE], after.as_deref(), LINKS_PER_READ, false)?;
            let is_end = entries.len() < LINKS_PER_READ;
            for (found, bytes) in entries {
                if found > key(last) {
                    return Ok(links);
                }
                links.push(decoded(&bytes, last)?);
            }
            if is_end {
                return Ok(links);
            }
        }
    }
}

fn decoded(bytes: &[u8], height: Height) -> Result<Link, Fault> {
    let unreadable = |cause| Fault::Unreadable { what: "change of validators", height, cause };
    countersign_types::decode("change of validators", bytes, LINK_BYTES_MAX).map_err(unreadable)
}

fn key(height: Height) -> Vec<u8> {
    [&[SPACE][..], &height.get().to_be_bytes()].concat()
}

/// Why a header is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTrail {
    /// It is of another chain.
    #[error("header {height} is of chain {found}, not of {wanted}")]
    OtherChain {
        /// Its height.
        height: Height,
        /// Its chain.
        found: Hash,
        /// The chain followed.
        wanted: Hash,
    },
    /// It is not above what was followed so far.
    #[error("header {height} comes too late in the trail: it has come to {since} already")]
    Order {
        /// Its height.
        height: Height,
        /// The first height that may come.
        since: Height,
    },
    /// It names other validators than those the trail has led to.
    #[error("header {height} names other validators than those that a certified change leads to")]
    OtherValidators {
        /// Its height.
        height: Height,
    },
    /// The validators of the next block are not those the header names, or no well-formed set.
    #[error("the validators given for the block after {height} are not those that its header names")]
    OtherNext {
        /// Height of the header.
        height: Height,
    },
    /// The validators did not certify it.
    #[error("header {height} is not certified")]
    Certificate {
        /// Its height.
        height: Height,
        /// Why.
        #[source]
        cause: BadCertificate,
    },
}

/// The validators believed from a height on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trust {
    chain: Hash,
    validators: ValidatorSet,
    since: Height,
}

impl Trust {
    /// Those the chain begins with.
    pub fn of_genesis(genesis: &Genesis) -> Self {
        Self { chain: genesis.chain(), validators: genesis.validators.clone(), since: Height::new(1) }
    }

    /// Who certifies blocks from [`Self::since`] on, until a link says otherwise.
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// The first block they certify.
    pub fn since(&self) -> Height {
        self.since
    }

    /// Checks that the validators believed certified this header.
    ///
    /// # Errors
    /// [`BadTrail`].
    pub fn check(&self, header: &Header, certificate: &Certificate) -> Result<(), BadTrail> {
        let height = header.height;
        if header.chain != self.chain {
            return Err(BadTrail::OtherChain { height, found: header.chain, wanted: self.chain });
        }
        if height < self.since {
            return Err(BadTrail::Order { height, since: self.since });
        }
        if header.validators_hash != self.validators.hash() {
            return Err(BadTrail::OtherValidators { height });
        }
        certificate.verify(header, &self.validators).map_err(|cause| BadTrail::Certificate { height, cause })
    }

    /// Goes on to the validators that a certified change leads to.
    ///
    /// # Errors
    /// [`BadTrail`]; nothing is changed.
    pub fn follow(&mut self, link: &Link) -> Result<(), BadTrail> {
        let Link { header, certificate, next } = link;
        self.check(header, certificate)?;
        if next.hash() != header.next_validators_hash || !next.is_well_formed() {
            return Err(BadTrail::OtherNext { height: header.height });
        }
        self.validators = next.clone();
        self.since = header.height.next();
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
