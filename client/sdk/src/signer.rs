//! Whoever can sign for an account: a key of the keystore, the key that PIN and card make, or a program that keeps its key to itself
//! (a hardware module, an agent). No signature is used before it was checked against the signer's key.
mod program;

use crate::card::AuthKey;
use crate::keystore::UnlockedKey;
use crate::types::proposal::ProposalError;
use crate::types::signature::{PartySignature, public_key, sign};
use crate::types::{AccountId, Proposal, PublicKey, Signature};
pub use program::{PATIENCE, Program, ProgramSigner};
use std::io;
use std::process::ExitStatus;

/// Bytes that a signer is given at once: what parties sign are 32, a lock's challenge is some hundred.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// Somebody who signs with one ed25519 key. Another key store implements the first three functions.
///
/// What is signed is bound to its purpose before it gets here: a hash of a domain, the chain and the subject, so that a signature
/// for one purpose is none for another.
pub trait Signer {
    /// The account it signs for unless another is named.
    fn account(&self) -> AccountId;

    /// The key it signs with.
    fn public_key(&self) -> PublicKey;

    /// Signs `message` with ed25519 (RFC 8032), as it is. May take as long as a person needs to consent at a device.
    ///
    /// # Errors
    /// [`SignerError`].
    fn try_sign(&self, message: &[u8]) -> Result<Signature, SignerError>;

    /// Signs a transaction or document for `account`: the signer's own, or another whose authority lists the key. Signing twice
    /// changes nothing.
    ///
    /// # Errors
    /// [`SignError`]; the proposal is unchanged. Who is no party is not asked to sign.
    fn sign_proposal(&self, proposal: &mut Proposal, account: &AccountId) -> Result<PartySignature, SignError> {
        let key = self.public_key();
        let signers = proposal.subject().signers();
        let index = signers.binary_search(account).map_err(|_| ProposalError::NotAParty { account: *account })?;
        let signature = self.try_sign(&proposal.subject().signing_bytes())?;
        proposal.add(account, key, signature)?;
        let made = proposal.signatures().iter().find(|s| usize::from(s.account) == index && s.key == key);
        Ok(*made.expect("the signature was just added"))
    }
}

impl Signer for UnlockedKey {
    fn account(&self) -> AccountId {
        self.record.account
    }

    fn public_key(&self) -> PublicKey {
        self.record.key
    }

    fn try_sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        Ok(sign(self.secret(), message))
    }
}

impl Signer for AuthKey {
    fn account(&self) -> AccountId {
        self.account
    }

    fn public_key(&self) -> PublicKey {
        public_key(self.seed())
    }

    fn try_sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        Ok(sign(self.seed(), message))
    }
}

/// Why a signer does not sign.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The program cannot be started.
    #[error("the signer {program} cannot be started")]
    NotStarted {
        /// Its path.
        program: String,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// The program was given up.
    #[error("the signer {program} did not answer in {seconds} s and was ended")]
    Timeout {
        /// Its path.
        program: String,
        /// Waited for it.
        seconds: u64,
    },
    /// The program ended without success, as one does whose person declined.
    #[error("the signer {program} did not sign: {status}")]
    Failed {
        /// Its path.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// What the program wrote is no signature.
    #[error("the signer {program} answered something else than the 128 hexadecimal digits of a signature")]
    NotASignature {
        /// Its path.
        program: String,
    },
    /// The signature is not valid for the message and the key.
    #[error("what the signer {program} answered is no signature of {key} over what it was given")]
    WrongSignature {
        /// Its path.
        program: String,
        /// The key that should have signed.
        key: PublicKey,
    },
    /// More than a signer takes.
    #[error("a signer is given at most {MESSAGE_BYTES_MAX} bytes to sign; these are {size}")]
    TooLong {
        /// Bytes of the message.
        size: usize,
    },
    /// Another kind of signer failed.
    #[error("the signer cannot sign")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a proposal is not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The signer does not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The proposal does not take the signature.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
}

#[cfg(test)]
mod tests;
