//! Keys and signatures an attacker can make but an honest signer does not: with a torsion part, with a chosen nonce.
use countersign_types::{PublicKey, Signature};
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest as _, Sha512};

/// A key whose secret scalar and torsion part are chosen.
pub struct Crafted {
    secret: Scalar,
    public: EdwardsPoint,
}

impl Crafted {
    /// `secret` · B + T, with T the `torsion`-th point of order dividing 8. A secret of zero makes a small-order key.
    pub fn key(secret: u64, torsion: usize) -> Self {
        let secret = Scalar::from(secret);
        Self { secret, public: secret * ED25519_BASEPOINT_POINT + EIGHT_TORSION[torsion] }
    }

    /// The key's bytes.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.public.compress().to_bytes())
    }

    /// A signature with a chosen nonce and a torsion part in R: its equation holds once multiplied by 8.
    pub fn sign(&self, message: &[u8], nonce: u64, torsion: usize) -> Signature {
        let nonce = Scalar::from(nonce);
        let commitment = (nonce * ED25519_BASEPOINT_POINT + EIGHT_TORSION[torsion]).compress();
        self.sign_with(message, commitment.to_bytes(), nonce)
    }

    /// A signature with any bytes for R.
    pub fn sign_with(&self, message: &[u8], commitment: [u8; 32], nonce: Scalar) -> Signature {
        let challenge =
            Sha512::new().chain_update(commitment).chain_update(self.public().0).chain_update(message).finalize();
        let challenge = Scalar::from_bytes_mod_order_wide(&challenge.into());
        let response = nonce + challenge * self.secret;
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&commitment);
        signature[32..].copy_from_slice(response.as_bytes());
        Signature(signature)
    }
}
