//! The X25519 key under which an account receives sealed messages. It is made from the secret of the wallet's key, so
//! that the 24 words bring both back; nothing else has to be kept.
//!
//! ```text
//! secret ─hash in the domain `encryption-key`→ 32 bytes ─HPKE DeriveKeyPair (RFC 9180, 7.1.3)→ key pair
//! ```
use crate::keystore::{Custody, KeyRecord, UnlockedKey};
use crate::types::Hash;
use hpke::kem::X25519HkdfSha256;
use hpke::{Kem, Serializable};
use zeroize::{Zeroize, Zeroizing};

/// HPKE's key encapsulation: DHKEM(X25519, HKDF-SHA256).
pub(super) type Encapsulation = X25519HkdfSha256;

/// Domain of the hash from which the key pair is made.
const DOMAIN: &str = "encryption-key";

/// The key pair of an account for sealed messages. Its secret half is wiped from memory when it is dropped.
pub struct EncryptionKey {
    public: [u8; 32],
    secret: <Encapsulation as Kem>::PrivateKey,
}

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("EncryptionKey").field(&hex::encode(self.public)).finish()
    }
}

/// The key cannot receive sealed messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret of the key `{name}` is kept by a program, which signs but cannot open sealed messages: log in with \
     a key whose secret is in this wallet"
)]
pub struct NoSecretHere {
    /// The key's name.
    pub name: String,
}

/// Checks that a key's secret is in the keystore, before its passphrase is asked for: a program that signs cannot open
/// messages.
///
/// # Errors
/// [`NoSecretHere`].
pub fn check_custody(record: &KeyRecord) -> Result<(), NoSecretHere> {
    match record.custody {
        Custody::Encrypted | Custody::Plain => Ok(()),
        Custody::Program => Err(NoSecretHere { name: record.name.clone() }),
    }
}

impl EncryptionKey {
    /// The key pair that belongs to a key of the wallet.
    pub fn of(key: &UnlockedKey) -> Self {
        Self::from_secret(key.secret())
    }

    pub(super) fn from_secret(secret: &[u8; 32]) -> Self {
        let mut hash = Hash::of(DOMAIN, secret);
        let material = Zeroizing::new(hash.0);
        hash.0.zeroize();
        let (secret, public) = Encapsulation::derive_keypair(&*material);
        Self { public: public.to_bytes().into(), secret }
    }

    /// The half that stands on the ledger, set by `registry.set_encryption_key`.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    pub(super) fn secret(&self) -> &<Encapsulation as Kem>::PrivateKey {
        &self.secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keystore::{Keystore, Protection};
    use crate::types::PublicKey;
    use crate::types::signature::development_secret;

    #[test]
    fn the_key_pair_of_a_secret_is_known() {
        // RFC 9180, A.2.1: the receiver's keying material and key.
        let material = "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df";
        let (_, public) = Encapsulation::derive_keypair(&hex::decode(material).unwrap());
        let known = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";
        assert_eq!(hex::encode(public.to_bytes()), known);
        let key = EncryptionKey::from_secret(&development_secret("alice@harbor-hotel.example"));
        assert_eq!(hex::encode(key.public()), "d277485a5267d59b5e3c42f03ebce47896d7833938c6a56517d913ea478fb253");
        assert_ne!(EncryptionKey::from_secret(&[1; 32]).public(), EncryptionKey::from_secret(&[2; 32]).public());
    }

    #[test]
    fn the_words_bring_the_key_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = |name: &str| Keystore::new(folder.path().join(name));
        store("one").create("alice", &Protection::None).unwrap();
        let first = store("one").unlock("alice", None).unwrap();
        let secret = crate::keystore::words::from_words(&first.words()).unwrap();
        store("two").store("again", &secret, None, &Protection::None).unwrap();
        let second = store("two").unlock("again", None).unwrap();
        assert_eq!(EncryptionKey::of(&first).public(), EncryptionKey::of(&second).public());
        let debug = format!("{:?}", EncryptionKey::of(&first));
        assert_eq!(debug, format!("EncryptionKey({:?})", hex::encode(EncryptionKey::of(&first).public())));
    }

    #[test]
    fn a_key_that_a_program_keeps_is_refused_by_name() {
        let record = |custody| KeyRecord {
            name: "company".into(),
            account: crate::types::AccountId([1; 32]),
            key: PublicKey([1; 32]),
            custody,
        };
        assert_eq!(check_custody(&record(Custody::Encrypted)), Ok(()));
        assert_eq!(check_custody(&record(Custody::Plain)), Ok(()));
        let refused = check_custody(&record(Custody::Program)).unwrap_err();
        assert!(refused.to_string().contains("`company`"), "{refused}");
    }
}
