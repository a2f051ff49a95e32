//! Whom a lock believes: the validators of a chain from a height on, and how it comes to believe their successors.
//!
//! A lock is given the validators once, by somebody who checked them from the chain's genesis on. When they change, the last header
//! that the old ones certify names the new ones by their hash: that [`Handover`] comes with a credential, or by an update.
use crate::refusal::Refusal;
use alloc::vec::Vec;
use countersign_types::block::BadCertificate;
use countersign_types::{BoundedVec, Certificate, Hash, Header, Height, Signature, ValidatorSet, limits};
use parity_scale_codec::{Decode, Encode};

/// The validators believed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct LockTrust {
    chain: Hash,
    validators: ValidatorSet,
    since: Height,
}

/// A certificate without what its reader knows: height and hash are the header's, and a key is told by its place among the validators.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Seal {
    round: u32,
    signatures: BoundedVec<(u8, Signature), { limits::VALIDATORS_MAX }>,
}

/// A change of the validators.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Handover {
    /// The last header that the validators before the change certify; it names the next ones by their hash.
    pub header: Header,
    /// Their signatures on it.
    pub seal: Seal,
    /// The next ones.
    pub next: ValidatorSet,
}

impl LockTrust {
    /// Believes these validators of a chain from the block `since` on. `None` if they are no well-formed set.
    pub fn new(chain: Hash, validators: ValidatorSet, since: Height) -> Option<Self> {
        validators.is_well_formed().then_some(Self { chain, validators, since })
    }

    /// The chain's id.
    pub fn chain(&self) -> &Hash {
        &self.chain
    }

    /// Who is believed.
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// The first block that they certify.
    pub fn since(&self) -> Height {
        self.since
    }

    /// Checks that the validators believed certified a header.
    ///
    /// # Errors
    /// [`Refusal::OtherChain`], [`Refusal::BeforeTrust`], [`Refusal::OtherValidators`] or [`Refusal::Certificate`].
    pub fn check(&self, header: &Header, seal: &Seal) -> Result<(), Refusal> {
        let (height, since) = (header.height.get(), self.since.get());
        if header.chain != self.chain {
            return Err(Refusal::OtherChain);
        }
        if height < since {
            return Err(Refusal::BeforeTrust { height, since });
        }
        if header.validators_hash != self.validators.hash() {
            return Err(Refusal::OtherValidators { height });
        }
        let certificate = seal.certificate(header, &self.validators).ok_or(BadCertificate::Stranger)?;
        Ok(certificate.verify(header, &self.validators)?)
    }

    /// Believes the validators that a certified change leads to, instead of those before.
    ///
    /// # Errors
    /// As [`Self::check`] of its header, or [`Refusal::OtherNext`]; nothing is changed.
    pub fn follow(&mut self, handover: &Handover) -> Result<(), Refusal> {
        let Handover { header, seal, next } = handover;
        self.check(header, seal)?;
        if next.hash() != header.next_validators_hash || !next.is_well_formed() {
            return Err(Refusal::OtherNext { height: header.height.get() });
        }
        self.validators = next.clone();
        self.since = header.height.next();
        Ok(())
    }
}

impl Seal {
    /// What of a certificate a lock needs: the signatures of as few validators as are enough, the strongest first. `None` if somebody
    /// signed who is none of them. Whether the signatures are valid is not looked at.
    pub fn of(certificate: &Certificate, validators: &ValidatorSet) -> Option<Self> {
        let places = certificate.signatures.iter().map(|(key, signature)| {
            let place = validators.0.binary_search_by(|validator| validator.key.cmp(key)).ok()?;
            Some((u8::try_from(place).ok()?, *signature))
        });
        let mut signatures: Vec<_> = places.collect::<Option<_>>()?;
        let power = |place: u8| u128::from(validators.0[usize::from(place)].power);
        signatures.sort_by_key(|(place, _)| core::cmp::Reverse(power(*place)));
        let total: u128 = validators.0.iter().map(|validator| u128::from(validator.power)).sum();
        let mut sum = 0;
        let enough = signatures.iter().position(|(place, _)| {
            sum += power(*place);
            sum * 3 > total * 2
        });
        signatures.truncate(enough.map_or(signatures.len(), |last| last + 1));
        signatures.sort_by_key(|(place, _)| *place);
        Some(Self { round: certificate.round, signatures: signatures.try_into().ok()? })
    }

    /// The certificate of a header by these validators. `None` if a place is none of theirs.
    pub fn certificate(&self, header: &Header, validators: &ValidatorSet) -> Option<Certificate> {
        let keyed = self.signatures.iter().map(|(place, signature)| {
            let validator = validators.0.get(usize::from(*place))?;
            Some((validator.key, *signature))
        });
        let signatures: Vec<_> = keyed.collect::<Option<_>>()?;
        let signatures = signatures.try_into().ok()?;
        Some(Certificate { height: header.height, round: self.round, block: header.hash(), signatures })
    }
}
