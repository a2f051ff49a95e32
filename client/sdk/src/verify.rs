//! Answers a wallet need not trust its node for: a state value with its proof, under a header that the validators certified.
//!
//! ```text
//! chain id ─hash of→ genesis ─→ validators ─certificate→ header N+1 ─state_root→ proof ─→ value of the state after block N
//! ```
//! What is left to the node is how recent the state is: the certified header's time tells.
use crate::rpc::ClientError;
use crate::types::block::BadCertificate;
use crate::types::{
    Account, AccountId, Amount, Asset, AssetId, Certificate, DecodeError, Genesis, Hash, Header, Height, ModuleName,
    Name, Timestamp, ValidatorSet, decode, limits, state_key,
};
use crate::{Client, rpc_types::HeaderView};
use countersign_state::{Proof, ProofError};

/// Bytes of an encoded header: ten hashes and some numbers.
const HEADER_BYTES_MAX: usize = 1024;
/// Bytes of an encoded certificate: a key and a signature of each validator.
const CERTIFICATE_BYTES_MAX: usize = limits::VALIDATORS_MAX * 96 + 128;
/// Bytes of an encoded set of validators.
const VALIDATORS_BYTES_MAX: usize = limits::VALIDATORS_MAX * 40 + 8;
/// Changes of the validators that are followed for one answer: years of governance.
const CHANGES_MAX: usize = 1_000;

/// Why an answer is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The genesis is not the one whose hash is the chain's id.
    #[error("the node's genesis is that of chain {found}, not of {wanted}")]
    OtherGenesis {
        /// Hash of what the node sent.
        found: Hash,
        /// The chain trusted.
        wanted: Hash,
    },
    /// Bytes that are not what they should be.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The header is of another chain or height.
    #[error("the node sent a header of another chain or height than was asked for")]
    OtherHeader,
    /// There is no certificate.
    #[error("the node sent no certificate for the header of height {height}")]
    NoCertificate {
        /// The header's height.
        height: u64,
    },
    /// The validators named by the header are not those trusted, and no certified change leads to them.
    #[error("the header of height {height} is certified by validators that no certified change leads to")]
    OtherValidators {
        /// The header's height.
        height: u64,
    },
    /// The certificate does not vouch for the header.
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    /// The proof does not show the value.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// There is no certified state yet.
    #[error("the chain has no certified state yet: its first blocks are still to come")]
    TooYoung,
    /// The validators changed more often than is followed.
    #[error("the validators changed more than {CHANGES_MAX} times since the genesis")]
    TooManyChanges,
}

/// The validators trusted from a height on. Begins with those of the genesis, follows certified changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trust {
    chain: Hash,
    validators: ValidatorSet,
    since: Height,
}

/// A value of the state that the validators vouch for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified<T> {
    /// The value; `None` if the state has none.
    pub value: Option<T>,
    /// The state is that after this block.
    pub height: Height,
    /// Time of the header that certifies it: how recent the answer is.
    pub time: Timestamp,
}

impl Trust {
    /// Trusts the validators of the genesis whose hash is `chain`.
    ///
    /// # Errors
    /// [`VerifyError::OtherGenesis`] or [`VerifyError::Decode`].
    pub fn from_genesis(chain: Hash, genesis: &[u8]) -> Result<Self, VerifyError> {
        let genesis: Genesis = decode("genesis", genesis, limits::GENESIS_BYTES_MAX)?;
        let found = genesis.chain();
        if found != chain {
            return Err(VerifyError::OtherGenesis { found, wanted: chain });
        }
        Ok(Self { chain, validators: genesis.validators, since: Height::new(1) })
    }

    /// Checks that the trusted validators certified this header.
    ///
    /// # Errors
    /// [`VerifyError`]; [`VerifyError::OtherValidators`] if the header names others, to whom a change may lead.
    pub fn check(&self, height: u64, view: &HeaderView) -> Result<Header, VerifyError> {
        let header = self.named(height, view)?;
        if header.validators_hash != self.validators.hash() {
            return Err(VerifyError::OtherValidators { height });
        }
        let certificate = view.certificate.as_ref().ok_or(VerifyError::NoCertificate { height })?;
        let certificate: Certificate = decode("certificate", &certificate.0, CERTIFICATE_BYTES_MAX)?;
        certificate.verify(&header, &self.validators)?;
        Ok(header)
    }

    /// The header, which is of this chain and height. Nothing else is checked.
    fn named(&self, height: u64, view: &HeaderView) -> Result<Header, VerifyError> {
        let header: Header = decode("header", &view.header.0, HEADER_BYTES_MAX)?;
        if header.chain == self.chain && header.height.get() == height {
            Ok(header)
        } else {
            Err(VerifyError::OtherHeader)
        }
    }

    /// Follows a change of the validators: `last` is certified by those trusted and names the next ones, who certify `first`.
    ///
    /// # Errors
    /// [`VerifyError`]; the trust is unchanged.
    pub fn follow(&mut self, last: &HeaderView, first: &HeaderView) -> Result<(), VerifyError> {
        let header = self.check(last.height, last)?;
        let next: ValidatorSet = decode("validators", &first.validators.0, VALIDATORS_BYTES_MAX)?;
        if next.hash() != header.next_validators_hash || !next.is_well_formed() {
            return Err(VerifyError::OtherValidators { height: first.height });
        }
        self.validators = next;
        self.since = header.height.next();
        Ok(())
    }
}

/// Checks a proof: the state with `root` holds `value` under `key`.
///
/// # Errors
/// [`VerifyError::Decode`] or [`VerifyError::Proof`].
pub fn check_proof(root: &Hash, key: &[u8], value: Option<&[u8]>, proof: &[u8]) -> Result<(), VerifyError> {
    let proof: Proof = decode("proof", proof, Proof::BYTES_MAX)?;
    Ok(proof.verify(root, key, value)?)
}

impl Client {
    /// The validators trusted for a chain, from the node's genesis, which must be that chain's.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn trust(&self, chain: Hash) -> Result<Trust, ClientError> {
        Ok(Trust::from_genesis(chain, &self.spec().await?)?)
    }

    /// A header that the validators certified, following their changes as far as needed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn certified_header(&self, trust: &mut Trust, height: u64) -> Result<Header, ClientError> {
        let view = self.header(height).await?;
        for _ in 0..CHANGES_MAX {
            match trust.check(height, &view) {
                Err(VerifyError::OtherValidators { .. }) if height > trust.since.get() => {}
                checked => return Ok(checked?),
            }
            self.follow_change(trust, height).await?;
        }
        Err(VerifyError::TooManyChanges.into())
    }

    /// Finds by halving a height below `height` at which the trusted validators handed over, and follows it.
    async fn follow_change(&self, trust: &mut Trust, height: u64) -> Result<(), ClientError> {
        let (mut last, mut first) = (trust.since.get(), height);
        while first - last > 1 {
            let middle = last + (first - last) / 2;
            let header = trust.named(middle, &self.header(middle).await?)?;
            if header.validators_hash == trust.validators.hash() {
                last = middle;
            } else {
                first = middle;
            }
        }
        let (last, first) = (self.header(last).await?, self.header(first).await?);
        Ok(trust.follow(&last, &first)?)
    }

    /// The value under a raw key of the newest certified state.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified(&self, trust: &mut Trust, key: Vec<u8>) -> Result<Verified<Vec<u8>>, ClientError> {
        // The newest header certifies the state before it.
        let newest = self.head().await?.height;
        let height = newest.checked_sub(1).ok_or(VerifyError::TooYoung)?;
        let header = self.certified_header(trust, newest).await?;
        let answer = self.state_proof(key.clone(), Some(height)).await?;
        let value = answer.value.map(|value| value.0);
        check_proof(&header.state_root, &key, value.as_deref(), &answer.proof.0)?;
        Ok(Verified { value, height: Height::new(height), time: header.time })
    }

    async fn verified_as<T: parity_scale_codec::DecodeAll>(
        &self,
        trust: &mut Trust,
        key: Vec<u8>,
    ) -> Result<Verified<T>, ClientError> {
        let Verified { value, height, time } = self.verified(trust, key).await?;
        let decoded = value.map(|bytes| decode("record", &bytes, limits::ARGS_BYTES_MAX)).transpose();
        Ok(Verified { value: decoded.map_err(VerifyError::Decode)?, height, time })
    }

    /// An account's record.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_account(
        &self,
        trust: &mut Trust,
        account: &AccountId,
    ) -> Result<Verified<Account>, ClientError> {
        self.verified_as(trust, state_key::account(account)).await
    }

    /// What an account holds of an asset; `None` is nothing.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_balance(
        &self,
        trust: &mut Trust,
        account: &AccountId,
        asset: &AssetId,
    ) -> Result<Verified<Amount>, ClientError> {
        self.verified_as(trust, state_key::balance(account, asset)).await
    }

    /// An asset's record.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_asset(&self, trust: &mut Trust, asset: &AssetId) -> Result<Verified<Asset>, ClientError> {
        self.verified_as(trust, state_key::asset(asset)).await
    }

    /// The account a name leads to.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_name(&self, trust: &mut Trust, name: &Name) -> Result<Verified<AccountId>, ClientError> {
        self.verified_as(trust, state_key::name(name)).await
    }

    /// The module whose account this is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_module(
        &self,
        trust: &mut Trust,
        account: &AccountId,
    ) -> Result<Verified<ModuleName>, ClientError> {
        self.verified_as(trust, state_key::contract_name(account)).await
    }
}

#[cfg(test)]
mod tests;
