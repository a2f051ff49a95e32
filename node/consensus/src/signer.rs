//! Signing of votes: by a key in this process, or by another that guards it.
use crate::statement::Statement;
use async_trait::async_trait;
use countersign_types::{PublicKey, Signature, signature};
use std::fmt;
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
