//! A software card: what a smart card keeps, in a file that only its owner can read. Unlike a smart card it gives its secret to
//! whoever has the file and counts no wrong PINs: for development, and until a reader is at hand.
use super::{CardError, CardSecret, SECRET_BYTES};
use crate::keystore::{check_mode, read_bounded, write_private};
use crate::types::Name;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

const FORMAT: &str = "countersign-software-card";
/// Version of the file this program reads and writes.
const VERSION: u32 = 1;

/// A card in a file.
#[derive(Clone, Debug)]
pub struct SoftwareCard {
    /// The card's name on the ledger.
    pub card: Name,
    /// Its secret.
    pub secret: CardSecret,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: String,
    version: u32,
    card: String,
    secret: String,
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl SoftwareCard {
    /// A card with a new secret, which no other has. The ledger knows nothing of it until it is registered.
    ///
    /// # Errors
    /// [`CardError::BadName`] unless the name is one at a member's site; [`CardError::Randomness`].
    pub fn new(card: Name) -> Result<Self, CardError> {
        if card.user().is_none() {
            return Err(CardError::BadName { name: card });
        }
        Ok(Self { card, secret: CardSecret::random()? })
    }

    /// Writes it to a new file that only its owner reads.
    ///
    /// # Errors
    /// [`CardError::Exists`] or [`CardError::File`].
    pub fn write(&self, path: &Path) -> Result<(), CardError> {
        let fields = Fields {
            format: FORMAT.into(),
            version: VERSION,
            card: self.card.to_string(),
            secret: hex::encode(self.secret.0.as_slice()),
        };
        let json = Zeroizing::new(serde_json::to_string_pretty(&fields).expect("texts and numbers are JSON"));
        let path_text = path.display().to_string();
        write_private(path, json.as_bytes()).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => CardError::Exists { path: path_text },
            _ => CardError::File(crate::keystore::KeyError::Io { path: path_text, source }),
        })
    }

    /// Reads a card's file.
    ///
    /// # Errors
    /// [`CardError::NotACard`], or [`CardError::File`], also if others can read it.
    pub fn read(path: &Path) -> Result<Self, CardError> {
        let bytes = read_bounded(path)?;
        let wrong = |cause| CardError::NotACard { path: path.display().to_string(), cause };
        let fields: Fields =
            serde_json::from_slice(&bytes).map_err(|_| wrong("a field is missing, unknown or of the wrong type"))?;
        if fields.format != FORMAT || fields.version != VERSION {
            return Err(wrong("it is of another format or version"));
        }
        check_mode(path, 0o600)?;
        let card: Name = fields.card.parse().map_err(|_| wrong("the card's name is mistyped"))?;
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        hex::decode_to_slice(&fields.secret, &mut *secret)
            .map_err(|_| wrong("the secret is not 64 hexadecimal digits"))?;
        Ok(Self { card, secret: CardSecret(secret) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keystore::KeyError;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_card_comes_back_from_its_file_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.json");
        let made = SoftwareCard::new("card-1@bank.example".parse().unwrap()).unwrap();
        made.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = SoftwareCard::read(&path).unwrap();
        assert_eq!((read.card, read.secret.0), (made.card.clone(), made.secret.0.clone()));
        assert!(matches!(made.write(&path), Err(CardError::Exists { .. })));
        assert!(matches!(SoftwareCard::new("bank.example".parse().unwrap()), Err(CardError::BadName { .. })));
    }

    #[test]
    fn files_that_are_no_cards_or_open_to_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.json");
        assert!(matches!(SoftwareCard::read(&path), Err(CardError::File(KeyError::Io { .. }))));
        let secret = "11".repeat(32);
        let good = format!(r#"{{"format":"{FORMAT}","version":1,"card":"c@bank.example","secret":"{secret}"}}"#);
        for bad in [
            String::new(),
            "{}".into(),
            good.replace(FORMAT, "countersign-key"),
            good.replace(":1,", ":2,"),
            good.replace("c@bank", "C@bank"),
            good.replace("1111", "11"),
            good.replace("\"version\"", "\"more\":0,\"version\""),
        ] {
            write_private(&path, bad.as_bytes()).unwrap();
            assert!(matches!(SoftwareCard::read(&path), Err(CardError::NotACard { .. })), "{bad}");
            fs::remove_file(&path).unwrap();
        }
        write_private(&path, good.as_bytes()).unwrap();
        assert!(SoftwareCard::read(&path).is_ok());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SoftwareCard::read(&path), Err(CardError::File(KeyError::OpenToOthers { .. }))));
    }
}
