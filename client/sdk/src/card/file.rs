//! A software card: what a smart card keeps, in a file that only its owner can read. The counter of wrong PINs is in the file too and is
//! written before a PIN is judged, so that ending the program gives no tries back. Whoever has the file can edit it, and so is not
//! stopped by the counter: a software card is for development and tests.
use super::{AuthKey, CardError, CardSecret, PIN_TRIES, Pin, SECRET_BYTES, auth_name};
use crate::keystore::{KeyError, check_mode, read_bounded, write_private};
use crate::types::signature::{Signature, public_key, sign};
use crate::types::{AccountId, Name, PublicKey};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

const FORMAT: &str = "countersign-software-card";
/// Version of the file this program reads and writes.
const VERSION: u32 = 2;

/// A card in a file.
pub struct SoftwareCard {
    path: PathBuf,
    card: Name,
    secret: CardSecret,
    /// Seed of the key by which the card proves that it is the one.
    seed: Zeroizing<[u8; 32]>,
    /// The account of the key that the right PIN makes: all a file needs to judge a PIN, and nothing the ledger does not tell.
    auth: AccountId,
    tries_left: u8,
}

impl std::fmt::Debug for SoftwareCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SoftwareCard({}, {} tries left)", self.card, self.tries_left)
    }
}

/// What a card says of a PIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinVerdict {
    /// It is the card's; there are [`PIN_TRIES`] again.
    Right,
    /// It is not; this many tries are left.
    Wrong {
        /// From 0, when the card takes no PIN any more.
        tries_left: u8,
    },
    /// No tries were left, and it was not looked at.
    Blocked,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: String,
    version: u32,
    card: String,
    secret: String,
    key: String,
    auth: String,
    tries_left: u8,
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.key.zeroize();
    }
}

impl SoftwareCard {
    /// Makes a card with a secret and a key that no other has, in a new file. The ledger knows nothing of it until it is registered.
    ///
    /// # Errors
    /// [`CardError::BadName`] unless the name is one at a member's site, [`CardError::NameTooLong`]; [`CardError::Randomness`],
    /// [`CardError::Exists`] or [`CardError::File`].
    pub fn create(path: &Path, card: Name, pin: &Pin) -> Result<Self, CardError> {
        let secret = CardSecret::random()?;
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|_| CardError::Randomness)?;
        let auth = AuthKey::derive(pin, &secret, &card).account;
        // A card whose keys could not be named could not be registered.
        auth_name(&card, &public_key(&seed), &auth)?;
        let made = Self { path: path.to_path_buf(), card, secret, seed, auth, tries_left: PIN_TRIES };
        write_private(path, made.to_json().as_bytes()).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => CardError::Exists { path: path.display().to_string() },
            _ => io_error(path, source),
        })?;
        Ok(made)
    }

    /// Reads a card's file.
    ///
    /// # Errors
    /// [`CardError::NotACard`], or [`CardError::File`], also if others can read it.
    pub fn open(path: &Path) -> Result<Self, CardError> {
        let bytes = read_bounded(path)?;
        let wrong = |cause| CardError::NotACard { path: path.display().to_string(), cause };
        let fields: Fields =
            serde_json::from_slice(&bytes).map_err(|_| wrong("a field is missing, unknown or of the wrong type"))?;
        if fields.format != FORMAT || fields.version != VERSION {
            return Err(wrong("it is of another format or version"));
        }
        check_mode(path, 0o600)?;
        let card: Name = fields.card.parse().map_err(|_| wrong("the card's name is mistyped"))?;
        if card.user().is_none() {
            return Err(wrong("the card's name is not one at an issuer's site"));
        }
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        hex::decode_to_slice(&fields.secret, &mut *secret)
            .map_err(|_| wrong("the secret is not 64 hexadecimal digits"))?;
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(&fields.key, &mut *seed).map_err(|_| wrong("the key is not 64 hexadecimal digits"))?;
        let auth = fields.auth.parse().map_err(|_| wrong("the account of the PIN's key is mistyped"))?;
        if fields.tries_left > PIN_TRIES {
            return Err(wrong("more tries are left than there are"));
        }
        let path = path.to_path_buf();
        Ok(Self { path, card, secret: CardSecret(secret), seed, auth, tries_left: fields.tries_left })
    }

    /// The card's name on the ledger.
    pub fn card(&self) -> &Name {
        &self.card
    }

    /// The key by which it proves that it is the one.
    pub fn key(&self) -> PublicKey {
        public_key(&self.seed)
    }

    /// Wrong PINs it takes until it takes none.
    pub fn tries_left(&self) -> u8 {
        self.tries_left
    }

    pub(super) fn secret(&self) -> &CardSecret {
        &self.secret
    }

    pub(super) fn sign(&self, message: &[u8]) -> Signature {
        sign(&self.seed, message)
    }

    /// Judges a PIN. The try is spent in the file before the PIN is looked at, and given back if it is right.
    ///
    /// # Errors
    /// [`CardError`] if the file cannot be read or written any more; the PIN counts as wrong.
    pub fn try_pin(&mut self, pin: &Pin) -> Result<PinVerdict, CardError> {
        // Another program may have spent tries on the same file.
        self.tries_left = Self::open(&self.path)?.tries_left;
        let Some(left) = self.tries_left.checked_sub(1) else {
            return Ok(PinVerdict::Blocked);
        };
        self.tries_left = left;
        self.save()?;
        if AuthKey::derive(pin, &self.secret, &self.card).account != self.auth {
            return Ok(PinVerdict::Wrong { tries_left: left });
        }
        self.tries_left = PIN_TRIES;
        self.save()?;
        Ok(PinVerdict::Right)
    }

    /// Gives the card another PIN.
    ///
    /// # Errors
    /// [`CardError`] if the file cannot be written; the old PIN remains.
    pub(super) fn set_pin(&mut self, pin: &Pin) -> Result<(), CardError> {
        let before = self.auth;
        self.auth = AuthKey::derive(pin, &self.secret, &self.card).account;
        self.save().inspect_err(|_| self.auth = before)
    }

    fn to_json(&self) -> Zeroizing<String> {
        let fields = Fields {
            format: FORMAT.into(),
            version: VERSION,
            card: self.card.to_string(),
            secret: hex::encode(self.secret.0.as_slice()),
            key: hex::encode(self.seed.as_slice()),
            auth: self.auth.to_string(),
            tries_left: self.tries_left,
        };
        Zeroizing::new(serde_json::to_string_pretty(&fields).expect("texts and numbers are JSON"))
    }

    /// Replaces the file: a crash leaves the old one or the new one.
    fn save(&self) -> Result<(), CardError> {
        let mut tag = [0; 8];
        getrandom::fill(&mut tag).map_err(|_| CardError::Randomness)?;
        let mut name = self.path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.part", hex::encode(tag)));
        let beside = self.path.with_file_name(name);
        let written = write_private(&beside, self.to_json().as_bytes()).and_then(|()| fs::rename(&beside, &self.path));
        written.map_err(|source| {
            let _ = fs::remove_file(&beside);
            io_error(&self.path, source)
        })
    }
}

fn io_error(path: &Path, source: io::Error) -> CardError {
    CardError::File(KeyError::Io { path: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::super::tests::pin;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn card() -> Name {
        "card-1@bank.example".parse().unwrap()
    }

    #[test]
    fn a_card_comes_back_from_its_file_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.json");
        let made = SoftwareCard::create(&path, card(), &pin("4711")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = SoftwareCard::open(&path).unwrap();
        assert_eq!((read.card(), &read.secret.0, read.key()), (made.card(), &made.secret.0, made.key()));
        assert!(matches!(SoftwareCard::create(&path, card(), &pin("4711")), Err(CardError::Exists { .. })));
        let member = SoftwareCard::create(&path, "bank.example".parse().unwrap(), &pin("4711"));
        assert!(matches!(member, Err(CardError::BadName { .. })));
        let nowhere = SoftwareCard::create(&folder.path().join("no/card.json"), card(), &pin("4711"));
        assert!(matches!(nowhere, Err(CardError::File(KeyError::Io { .. }))));
    }

    #[test]
    fn wrong_pins_are_counted_in_the_file_and_block_the_card() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.json");
        SoftwareCard::create(&path, card(), &pin("4711")).unwrap();
        // Each try by another program, as after a restart.
        let attempt = |digits: &str| SoftwareCard::open(&path).unwrap().try_pin(&pin(digits)).unwrap();
        assert_eq!(attempt("0000"), PinVerdict::Wrong { tries_left: 2 });
        assert_eq!(attempt("4711"), PinVerdict::Right);
        assert_eq!(attempt("47110"), PinVerdict::Wrong { tries_left: 2 });
        // A card that was read before the tries were spent does not bring them back.
        let mut old = SoftwareCard::open(&path).unwrap();
        assert_eq!(attempt("0001"), PinVerdict::Wrong { tries_left: 1 });
        assert_eq!(old.try_pin(&pin("0002")).unwrap(), PinVerdict::Wrong { tries_left: 0 });
        assert_eq!((attempt("4711"), SoftwareCard::open(&path).unwrap().tries_left()), (PinVerdict::Blocked, 0));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no part of a file is left");
    }

    #[test]
    fn a_pin_is_not_judged_if_the_try_cannot_be_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.json");
        let mut made = SoftwareCard::create(&path, card(), &pin("4711")).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(matches!(made.try_pin(&pin("4711")), Err(CardError::File(_))));
        assert!(matches!(made.set_pin(&pin("0815")), Ok(())), "a new file can be written beside");
        assert_eq!(made.try_pin(&pin("0815")).unwrap(), PinVerdict::Right);
    }

    #[test]
    fn files_that_are_no_cards_or_open_to_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.json");
        assert!(matches!(SoftwareCard::open(&path), Err(CardError::File(KeyError::Io { .. }))));
        let good = SoftwareCard::create(&path, card(), &pin("4711")).unwrap().to_json();
        let (secret, key) = (r#""secret": ""#, r#""key": ""#);
        fs::remove_file(&path).unwrap();
        for bad in [
            String::new(),
            "{}".into(),
            good.replace(FORMAT, "countersign-key"),
            good.replace(": 2,", ": 1,"),
            good.replace("card-1@bank", "Card-1@bank"),
            good.replace("card-1@bank", "bank"),
            good.replace(secret, &format!("{secret}00")),
            good.replace(key, &format!("{key}x")),
            good.replace("csa1", "csa2"),
            good.replace(": 3", ": 4"),
            good.replace("\"version\"", "\"more\": 0, \"version\""),
        ] {
            write_private(&path, bad.as_bytes()).unwrap();
            assert!(matches!(SoftwareCard::open(&path), Err(CardError::NotACard { .. })), "{bad}");
            fs::remove_file(&path).unwrap();
        }
        write_private(&path, good.as_bytes()).unwrap();
        assert!(SoftwareCard::open(&path).is_ok());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SoftwareCard::open(&path), Err(CardError::File(KeyError::OpenToOthers { .. }))));
    }

    #[test]
    fn the_file_holds_no_pin_and_debug_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let made = SoftwareCard::create(&folder.path().join("card.json"), card(), &pin("471147114711")).unwrap();
        assert!(!made.to_json().contains("471147114711"));
        assert_eq!(format!("{made:?}"), "SoftwareCard(card-1@bank.example, 3 tries left)");
    }
}
