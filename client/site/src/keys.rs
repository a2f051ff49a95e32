//! The site's own secrets, in one file only its owner reads: the key that signs answers, and OPAQUE's keys, without which the
//! registrations in the database are worth nothing.
use crate::opaque::{BadSetup, Verifier};
use countersign_client::keystore::{KeyError, check_mode, read_bounded, write_private};
use countersign_client::types::PublicKey;
use countersign_client::types::signature::public_key;
use serde::{Deserialize, Serialize};
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

const FORMAT: &str = "countersign-site-key";
/// Version of the file this program reads and writes.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: String,
    version: u32,
    signing_secret: String,
    opaque_setup: String,
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.signing_secret.zeroize();
        self.opaque_setup.zeroize();
    }
}

/// The site's secrets.
pub struct SiteKeys {
    secret: Zeroizing<[u8; 32]>,
    /// Verifies passwords.
    pub verifier: Verifier,
}

impl std::fmt::Debug for SiteKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SiteKeys").field("public", &self.public()).finish_non_exhaustive()
    }
}

impl SiteKeys {
    /// New secrets.
    ///
    /// # Errors
    /// [`KeyError::Randomness`].
    pub fn random() -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(|_| KeyError::Randomness)?;
        Ok(Self { secret, verifier: Verifier::random() })
    }

    /// The key answers are verified with: what the site's entry on the ledger names, and each relay knows.
    pub fn public(&self) -> PublicKey {
        public_key(&self.secret)
    }

    /// Signs answers.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Writes them to a new file.
    ///
    /// # Errors
    /// [`KeyError::Io`]; `AlreadyExists` if there is one.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        let fields = Fields {
            format: FORMAT.into(),
            version: VERSION,
            signing_secret: hex::encode(self.secret.as_slice()),
            opaque_setup: hex::encode(self.verifier.to_bytes()),
        };
        let json = Zeroizing::new(serde_json::to_string_pretty(&fields).expect("fields are plain JSON"));
        write_private(path, json.as_bytes()).map_err(|source| KeyError::Io { path: path.display().to_string(), source })
    }

    /// Reads them.
    ///
    /// # Errors
    /// [`KeyError`] if others could read the file, or it is not whole.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        check_mode(path, 0o600)?;
        let damaged = |cause| KeyError::Damaged { path: path.display().to_string(), cause };
        let bytes = read_bounded(path)?;
        let fields: Fields =
            serde_json::from_slice(&bytes).map_err(|_| damaged("it is not the JSON of a site's keys"))?;
        if fields.format != FORMAT {
            return Err(damaged("it is another kind of file"));
        }
        if fields.version != VERSION {
            return Err(KeyError::ForeignVersion { path: path.display().to_string(), found: fields.version });
        }
        let mut secret = Zeroizing::new([0; 32]);
        hex::decode_to_slice(&fields.signing_secret, secret.as_mut_slice())
            .map_err(|_| damaged("its signing secret is not 32 bytes"))?;
        let setup = Zeroizing::new(hex::decode(&fields.opaque_setup).unwrap_or_default());
        let verifier = Verifier::from_bytes(&setup).map_err(|BadSetup| damaged("its OPAQUE setup is none"))?;
        Ok(Self { secret, verifier })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_are_read_as_they_were_written_and_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.key");
        let keys = SiteKeys::random().unwrap();
        keys.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = SiteKeys::read(&path).unwrap();
        assert_eq!((again.public(), again.verifier.to_bytes()), (keys.public(), keys.verifier.to_bytes()));
        assert!(matches!(keys.write(&path), Err(KeyError::Io { .. })), "a key is never overwritten");
        let secret = hex::encode(keys.secret());
        assert!(!format!("{keys:?}").contains(&secret[..16]));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(SiteKeys::read(&path), Err(KeyError::OpenToOthers { .. })));
    }

    #[test]
    fn damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.key");
        SiteKeys::random().unwrap().write(&path).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        for (from, to) in
            [("countersign-site-key", "other"), ("\"version\": 1", "\"version\": 2"), ("\": \"", "\": \"zz")]
        {
            fs::write(&path, whole.replace(from, to)).unwrap();
            assert!(SiteKeys::read(&path).is_err(), "{from}");
        }
    }
}
