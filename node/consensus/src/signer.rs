//! Signing of votes: by a key in this process, or by another that guards it.
use crate::context::{Context, Proposal, Vote};
use async_trait::async_trait;
use countersign_types::evidence::Statement;
use countersign_types::{Hash, PublicKey, Signature, signature};
use malachitebft_app_channel::app::types::core::{SignedMessage, ValidatorProof, VoteExtensionScope};
use malachitebft_signing::{Error, Signer, VerificationResult, Verifier};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The statement was not signed: the signer refused, or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the vote signer did not sign {statement:?}")]
pub struct SignerError {
    /// What was to be signed.
    pub statement: Statement,
    /// Why it was not.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

/// Holds a validator's key. A signer of its own (another process, an HSM) sees what it signs, and so can refuse to
/// contradict itself.
#[async_trait]
pub trait VoteSigner: Send + Sync {
    /// The validator's key.
    fn public_key(&self) -> PublicKey;

    /// Signs `message`, which is [`Statement::message`] of `statement`.
    ///
    /// # Errors
    /// [`SignerError`] if it does not; the engine then stops, as it cannot take part.
    async fn sign(&self, statement: &Statement, message: &[u8; 32]) -> Result<Signature, SignerError>;
}

/// Signs with a key in memory.
pub struct KeySigner {
    secret: Zeroizing<[u8; 32]>,
    key: PublicKey,
}

impl KeySigner {
    /// Signs with the ed25519 secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { key: signature::public_key(&secret), secret: Zeroizing::new(secret) }
    }
}

impl fmt::Debug for KeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySigner").field("key", &self.key).finish_non_exhaustive()
    }
}

#[async_trait]
impl VoteSigner for KeySigner {
    fn public_key(&self) -> PublicKey {
        self.key
    }

    async fn sign(&self, _: &Statement, message: &[u8; 32]) -> Result<Signature, SignerError> {
        Ok(signature::sign(&self.secret, message))
    }
}

/// The engine's way to a [`VoteSigner`].
pub(crate) struct EngineSigner {
    pub(crate) chain: Hash,
    pub(crate) signer: Arc<dyn VoteSigner>,
}

impl EngineSigner {
    /// The validator's key.
    pub(crate) fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    /// Signs a statement.
    pub(crate) async fn sign(&self, statement: &Statement) -> Result<Signature, SignerError> {
        self.signer.sign(statement, &statement.message(&self.chain)).await
    }
}

/// Votes carry no extensions, and peers are known by their place on the list: neither is ever signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this kind of message is not used on this network")]
struct NotUsed;

#[async_trait]
impl Signer<Context> for Arc<EngineSigner> {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<Context, Vote>, Error> {
        let statement = Statement::try_from(&vote).map_err(Error::from_source)?;
        let signature = self.sign(&statement).await.map_err(Error::from_source)?;
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<Context, Proposal>, Error> {
        let statement = Statement::try_from(&proposal).map_err(Error::from_source)?;
        let signature = self.sign(&statement).await.map_err(Error::from_source)?;
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        _: VoteExtensionScope<Context>,
        _: (),
    ) -> Result<SignedMessage<Context, ()>, Error> {
        Err(Error::from_source(NotUsed))
    }

    async fn sign_validator_proof(&self, _: Vec<u8>, _: Vec<u8>) -> Result<ValidatorProof<Context>, Error> {
        Err(Error::from_source(NotUsed))
    }
}

/// Checks votes and proposals by [`signature::verify`].
pub(crate) struct EngineVerifier {
    pub(crate) chain: Hash,
}

impl EngineVerifier {
    fn verify(&self, statement: &Statement, signature: &Signature, key: &PublicKey) -> VerificationResult {
        VerificationResult::from_bool(signature::verify(key, &statement.message(&self.chain), signature))
    }
}

#[async_trait]
impl Verifier<Context> for EngineVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        let statement = Statement::try_from(vote).map_err(Error::from_source)?;
        Ok(self.verify(&statement, signature, key))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        let statement = Statement::try_from(proposal).map_err(Error::from_source)?;
        Ok(self.verify(&statement, signature, key))
    }

    async fn verify_signed_vote_extension(
        &self,
        _: &VoteExtensionScope<Context>,
        _: &(),
        _: &Signature,
        _: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(&self, _: &ValidatorProof<Context>) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }
}
