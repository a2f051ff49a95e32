//! Signatures and the one rule by which they are valid: ZIP-215.
//!
//! Under ZIP-215 a batch and a single check always agree, whatever the neighbours in the batch; the rule is
//! consensus-critical, so both go through [`verify`] and [`verify_batch`] and nothing else checks a signature.
use crate::id::PublicKey;
use core::fmt;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// An ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..4]))
    }
}

/// A signature for one of the required signers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, MaxEncodedLen)]
pub struct PartySignature {
    /// Index into the sorted list of required signers.
    pub account: u16,
    /// The key that signed; it must be one of the account's authority.
    pub key: PublicKey,
    /// The signature.
    pub signature: Signature,
}

/// True if `signature` over `message` is valid for `key`.
#[cfg(feature = "verify")]
pub fn verify(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    let key = ed25519_zebra::VerificationKey::try_from(key.0);
    key.is_ok_and(|key| key.verify(&signature.0.into(), message).is_ok())
}

#[cfg(feature = "std")]
pub use std_only::*;

#[cfg(feature = "std")]
mod std_only {
    use super::{PublicKey, Signature, verify};
    use core::convert::Infallible;
    use ed25519_dalek::{Signer as _, SigningKey};
    use ed25519_zebra::{VerificationKeyBytes, batch};
    use rand_core::{TryCryptoRng, TryRng};
    use rayon::prelude::*;
    use std::vec::Vec;

    /// Signatures checked together: larger batches gain less than a tenth.
    const BATCH: usize = 256;

    /// A key that must not enter the ledger.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
    pub enum KeyError {
        /// Not a point of the curve.
        #[error("these 32 bytes are not an ed25519 public key")]
        NotAKey,
        /// A point of small order: under ZIP-215 anybody can sign for it.
        #[error("this public key has small order, so anybody could sign for it; make another")]
        SmallOrder,
    }

    /// Refuses keys for which signatures prove nothing. Called wherever a key enters the ledger.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn check_key(key: &PublicKey) -> Result<(), KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&key.0).map_err(|_| KeyError::NotAKey)?;
        if key.is_weak() { Err(KeyError::SmallOrder) } else { Ok(()) }
    }

    /// Signs `message` with the 32-byte secret.
    pub fn sign(secret: &[u8; 32], message: &[u8]) -> Signature {
        Signature(SigningKey::from_bytes(secret).sign(message).to_bytes())
    }

    /// The public key of the 32-byte secret.
    pub fn public_key(secret: &[u8; 32]) -> PublicKey {
        PublicKey(SigningKey::from_bytes(secret).verifying_key().to_bytes())
    }

    /// The secret of the well-known development key called `name`. Anybody can compute it: it guards nothing and belongs on
    /// development networks only.
    pub fn development_secret(name: &str) -> [u8; 32] {
        crate::Hash::of("development-key", name.as_bytes()).0
    }

    /// One signature to check in a batch.
    #[derive(Clone, Copy, Debug)]
    pub struct Claim<'a> {
        /// The signing key.
        pub key: &'a PublicKey,
        /// What was signed.
        pub message: &'a [u8],
        /// The signature.
        pub signature: &'a Signature,
    }

    /// The verdict on each claim, in order: the same as [`verify`] of each, at about half the cost, on all cores.
    pub fn verify_batch(claims: &[Claim<'_>]) -> Vec<bool> {
        claims.par_chunks(BATCH).flat_map_iter(verify_chunk).collect()
    }

    fn verify_chunk(claims: &[Claim<'_>]) -> Vec<bool> {
        let mut verifier = batch::Verifier::new();
        for claim in claims {
            verifier.queue((VerificationKeyBytes::from(claim.key.0), claim.signature.0.into(), claim.message));
        }
        if verifier.verify(Transcript::of(claims)).is_ok() {
            return std::vec![true; claims.len()];
        }
        claims.iter().map(|claim| verify(claim.key, claim.message, claim.signature)).collect()
    }

    /// The coefficients of a batch, drawn from a hash of everything in it (Fiat-Shamir): nobody can choose signatures
    /// to fit them, and no entropy enters the deterministic part.
    struct Transcript(blake3::OutputReader);

    impl Transcript {
        fn of(claims: &[Claim<'_>]) -> Self {
            let mut hasher = blake3::Hasher::new_derive_key("countersign/batch-verification/1");
            for claim in claims {
                hasher.update(&claim.key.0);
                hasher.update(&claim.signature.0);
                hasher.update(&(claim.message.len() as u64).to_le_bytes());
                hasher.update(claim.message);
            }
            Self(hasher.finalize_xof())
        }
    }

    impl TryRng for Transcript {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            let mut bytes = [0; 4];
            self.0.fill(&mut bytes);
            Ok(u32::from_le_bytes(bytes))
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            let mut bytes = [0; 8];
            self.0.fill(&mut bytes);
            Ok(u64::from_le_bytes(bytes))
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            self.0.fill(bytes);
            Ok(())
        }
    }

    impl TryCryptoRng for Transcript {}
}
