//! Smart cards: the key that PIN and card make together, and a card kept in a file until a reader is at hand.
//!
//! ```text
//! PIN ──────────┐
//! card's secret ┼─ Argon2id ─→ seed of an ed25519 key ─→ the account `auth` on the ledger
//! card's name ──┘
//! ```
//!
//! What the PIN is safe from, and what not:
//! - The ledger tells a card's name and public keys. Without the card's 32 random bytes every PIN gives a key nobody can tell from
//!   any other: there is nothing to try PINs against.
//! - Who has the card's secret can try PINs against the public key, at the price of one Argon2id each. Ten thousand PINs are hours
//!   at most, so a card does not give its secret away without the PIN: it checks the PIN itself and counts wrong ones. A
//!   [`SoftwareCard`] counts too, but is as safe as its file.
//! - A card that was swapped for another could collect PINs: a card gets one only after it has proved its key ([`reader`]).
//! - Neither pays alone: payments need the associated device's signature as well, and stay within the card's limits.
//!
//! ```text
//! reader.rs, any program's side ─apdu.rs→ pcsc.rs ─ pcscd ─ a card
//!                                   │               └─ virtual reader ─ vpcd.rs ─┐
//!                                   └─ at hand, from its file ───────────────────┴→ applet.rs, the card's side ─→ file.rs
//! ```
pub mod apdu;
pub mod applet;
mod file;
#[cfg(feature = "card-reader")]
pub mod pcsc;
pub mod reader;
pub mod vpcd;

use crate::keystore::KeyError;
use crate::types::signature::public_key;
use crate::types::text::TextError;
use crate::types::{AccountId, Hash, Name, PublicKey};
use apdu::StatusWord;
use argon2::{Algorithm, Argon2, Params, Version};
pub use file::{PinVerdict, SoftwareCard};
use reader::ReaderError;
use zeroize::Zeroizing;

/// KiB of memory for one derivation: RFC 9106's second choice, which a till and a phone both have.
pub const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over it: RFC 9106's second choice, some tenths of a second.
pub const PASSES: u32 = 3;
/// Lanes: a till may have one core.
pub const LANES: u32 = 1;
/// Digits a PIN has at least (ISO 9564).
pub const PIN_DIGITS_MIN: usize = 4;
/// Digits a PIN has at most (ISO 9564).
pub const PIN_DIGITS_MAX: usize = 12;
/// Wrong PINs a card takes until it takes none: of ten thousand PINs a thief guesses one with odds of 3 in 10,000.
pub const PIN_TRIES: u8 = 3;
/// Bytes of a card's secret.
pub const SECRET_BYTES: usize = 32;
/// Bytes of the card's key in the name of its PIN's key: a forger needs 2^80 keys to find another one with the same.
const KEY_TAG_BYTES: usize = 10;
/// Bytes of the account in its name: two keys of one card that begin alike would need 2^16 changes of PIN.
const AUTH_TAG_BYTES: usize = 4;

/// Why a card or PIN cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// Not the digits a PIN is made of.
    #[error("a PIN is {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits")]
    BadPin,
    /// A card is named at its issuer's site.
    #[error("`{name}` is no card's name: it is one at the issuer's site, such as card-1234@bank.example")]
    BadName {
        /// What was given.
        name: Name,
    },
    /// The name of the key's account would be too long.
    #[error("the card's name leaves no room for its keys' names")]
    NameTooLong(#[source] TextError),
    /// A card's secret is never overwritten.
    #[error("{path} exists already; a card's secret is never overwritten")]
    Exists {
        /// The file.
        path: String,
    },
    /// Not the file of a software card, or of another version.
    #[error("{path} is not the file of a software card: {cause}")]
    NotACard {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// The system gives no randomness.
    #[error("the system gives no random bytes")]
    Randomness,
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] KeyError),
    /// The reader, or the way to the card.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// Not the PIN of the card, which counted the try.
    #[error("the PIN does not fit the card {card}; tries left: {tries_left}")]
    WrongPin {
        /// The card's name.
        card: Name,
        /// Wrong PINs it takes until it takes none; above 0.
        tries_left: u8,
    },
    /// The card takes no PIN any more.
    #[error(
        "the card {card} takes no PIN any more: too many were wrong. Its issuer gives out a new one, which takes its place by `countersign          card change-auth`"
    )]
    PinBlocked {
        /// The card's name.
        card: Name,
    },
    /// Another card, with the name of a registered one.
    #[error(
        "this is not the card that is registered as {card}: it has another key. It was given no PIN; keep it and tell the issuer"
    )]
    OtherCard {
        /// The name it goes by.
        card: Name,
    },
    /// A copy of what a card tells everybody.
    #[error(
        "this card goes by {card} but does not hold the key it shows. It was given no PIN; keep it and tell the issuer"
    )]
    NotProven {
        /// The name it goes by.
        card: Name,
    },
    /// The card refused a command.
    #[error("the card refused {to} ({status})")]
    Refused {
        /// The command.
        to: &'static str,
        /// Why.
        status: StatusWord,
    },
    /// The card answered something else than the applet would.
    #[error("the card's answer to {to} is none of this applet: {cause}")]
    BadAnswer {
        /// The command.
        to: &'static str,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// A card of another time.
    #[error("the card speaks version {found} of the applet's protocol, this program version {}", apdu::VERSION)]
    ForeignVersion {
        /// The card's.
        found: u8,
    },
}

/// A PIN as it was typed. Wiped from memory when dropped.
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Takes what was typed.
    ///
    /// # Errors
    /// [`CardError::BadPin`] unless it is [`PIN_DIGITS_MIN`] to [`PIN_DIGITS_MAX`] digits.
    pub fn new(typed: Zeroizing<String>) -> Result<Self, CardError> {
        let fits = (PIN_DIGITS_MIN..=PIN_DIGITS_MAX).contains(&typed.len());
        if fits && typed.bytes().all(|byte| byte.is_ascii_digit()) { Ok(Self(typed)) } else { Err(CardError::BadPin) }
    }

    /// Its digits in ASCII, as a card takes them.
    fn digits(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// What a card gives after its PIN was entered. Wiped from memory when dropped.
#[derive(Clone)]
pub struct CardSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl CardSecret {
    /// A secret read from a card.
    pub fn new(bytes: Zeroizing<[u8; SECRET_BYTES]>) -> Self {
        Self(bytes)
    }

    /// A secret for a new card.
    ///
    /// # Errors
    /// [`CardError::Randomness`].
    pub fn random() -> Result<Self, CardError> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        getrandom::fill(&mut *bytes).map_err(|_| CardError::Randomness)?;
        Ok(Self(bytes))
    }
}

impl std::fmt::Debug for CardSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CardSecret(…)")
    }
}

/// The key that PIN and card make together. Its seed is wiped from memory when dropped.
pub struct AuthKey {
    /// The account it signs for: that of its public key.
    pub account: AccountId,
    seed: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AuthKey({})", self.account)
    }
}

impl AuthKey {
    /// Derives the key. Takes some tenths of a second and [`MEMORY_KIB`]: that is what slows a guesser with the card's secret down.
    pub fn derive(pin: &Pin, secret: &CardSecret, card: &Name) -> Self {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).expect("the constants are in Argon2's range");
        Self::derive_with(pin, secret, card, params)
    }

    /// The card's secret enters as Argon2's key, so that nothing can be computed ahead without it; the name as its salt, so that
    /// one secret in two cards would not make one key of one PIN.
    fn derive_with(pin: &Pin, secret: &CardSecret, card: &Name, params: Params) -> Self {
        let salt = Hash::of("card-pin", card.as_str().as_bytes());
        let mut seed = Zeroizing::new([0; 32]);
        Argon2::new_with_secret(&*secret.0, Algorithm::Argon2id, Version::V0x13, params)
            .and_then(|argon2| argon2.hash_password_into(pin.digits(), &salt.0, &mut *seed))
            .expect("PIN, secret and salt are within Argon2's lengths");
        let account = AccountId::of_key(&public_key(&seed));
        Self { account, seed }
    }

    /// The seed, for signing.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }
}

/// The name under which a card's issuer enrols a key of it: `card-1234@bank.example` gives
/// `card-1234+5f2e8d0c9b7a61423344` and, after that tag of the card's own key, `1f0c22ab` of the PIN key's account, `@bank.example`. It
/// follows from both keys: a changed PIN has another name, and the issuer's signature under the name vouches for the card's key.
///
/// # Errors
/// [`CardError::BadName`], [`CardError::NameTooLong`].
pub fn auth_name(card: &Name, key: &PublicKey, auth: &AccountId) -> Result<Name, CardError> {
    let user = card.user().ok_or_else(|| CardError::BadName { name: card.clone() })?;
    let key = hex::encode(&Hash::of("card-key", &key.0).0[..KEY_TAG_BYTES]);
    let auth = hex::encode(&auth.0[..AUTH_TAG_BYTES]);
    format!("{user}+{key}{auth}@{}", card.site()).parse().map_err(CardError::NameTooLong)
}

/// A random id for an order: sixteen hexadecimal digits, which one device never draws twice.
///
/// # Errors
/// [`CardError::Randomness`].
pub fn order_id() -> Result<String, CardError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| CardError::Randomness)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = "card-1234@bank.example";

    pub(super) fn pin(digits: &str) -> Pin {
        Pin::new(Zeroizing::new(digits.into())).unwrap()
    }

    fn secret(byte: u8) -> CardSecret {
        CardSecret::new(Zeroizing::new([byte; SECRET_BYTES]))
    }

    fn card(name: &str) -> Name {
        name.parse().unwrap()
    }

    /// A card that is in use has a key: other constants or another derivation would lock it out.
    #[test]
    fn keys_are_frozen() {
        let frozen = [
            ("0000", 0, CARD, "csa1tsarxgpvd8nr0t6gga3gvzx7ml4fjpymrz0jzllhctyk327md4qssl34ed"),
            ("4711", 7, CARD, "csa1nzlf6vvvcs6aqlscvfeewwfreppvqpvh9w4tnwstelndsady57zqx752ty"),
            ("4711", 7, "card-1235@bank.example", "csa1ap6x78vfsd690m836paurekxrwjnasetsye3afw0nlqh4qfq7v3qjc99qs"),
            ("471100000000", 7, CARD, "csa1lfyayrkrtz08ams5k5snygk2f4td90x2y4aggernxnejx4zpdlrqus8ugz"),
        ];
        let derived = frozen.map(|(digits, byte, name, _)| {
            let key = AuthKey::derive(&pin(digits), &secret(byte), &card(name));
            assert_eq!(key.account, AccountId::of_key(&public_key(key.seed())));
            key.account.to_string()
        });
        assert_eq!(derived, frozen.map(|(_, _, _, account)| account));
    }

    /// With all that the ledger tells, and cheap parameters in the guesser's favour.
    #[test]
    fn the_ledger_does_not_help_to_guess_a_pin() {
        let cheap = || Params::new(8, 1, 1, Some(32)).unwrap();
        let derive = |digits: &str, secret: &CardSecret| {
            AuthKey::derive_with(&pin(digits), secret, &card(CARD), cheap()).account
        };
        let own = secret(7);
        let on_the_ledger = derive("4711", &own);
        let every_pin = || (0..10_000).map(|number| format!("{number:04}"));
        // Without the card's secret no PIN fits, the right one neither; any other secret stands for not having it.
        assert!(every_pin().all(|digits| derive(&digits, &secret(8)) != on_the_ledger));
        // Somebody with the secret finds the PIN: this is why a card must not give it away.
        let fitting: Vec<_> = every_pin().filter(|digits| derive(digits, &own) == on_the_ledger).collect();
        assert_eq!(fitting, ["4711"]);
    }

    #[test]
    fn pins_are_digits_of_a_bounded_number() {
        for bad in ["", "123", "1234567890123", "12a4", "12 4", "١٢٣٤", "-123"] {
            assert!(matches!(Pin::new(Zeroizing::new(bad.into())), Err(CardError::BadPin)), "{bad}");
        }
        for good in ["0000", "123456789012"] {
            pin(good);
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let key = AuthKey::derive_with(&pin("4711"), &secret(7), &card(CARD), Params::new(8, 1, 1, Some(32)).unwrap());
        assert_eq!(format!("{:?}{:?}", pin("4711"), secret(7)), "Pin(…)CardSecret(…)");
        assert_eq!(format!("{key:?}"), format!("AuthKey({})", key.account));
    }

    /// Who has one card and its PIN, and sees all of the ledger, knows nothing of another card with the same PIN.
    #[test]
    fn cards_with_one_pin_have_unrelated_keys() {
        let derive = |byte, name| {
            let cheap = Params::new(8, 1, 1, Some(32)).unwrap();
            AuthKey::derive_with(&pin("4711"), &secret(byte), &card(name), cheap).account
        };
        let keys = [derive(7, CARD), derive(8, CARD), derive(7, "card-1235@bank.example")];
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let differing: u32 = (0..32).map(|at| (keys[one].0[at] ^ keys[other].0[at]).count_ones()).sum();
            // Of 256 bits 128 in the mean; 80 would be six standard deviations off.
            assert!((80..=176).contains(&differing), "{differing} bits differ");
        }
    }

    /// The name is public: it must follow from public keys alone.
    #[test]
    fn a_keys_name_is_at_the_cards_issuer_and_names_the_cards_key() {
        let (key, auth) = (public_key(&[3; 32]), AccountId([0x1f; 32]));
        let tag = hex::encode(&Hash::of("card-key", &key.0).0[..KEY_TAG_BYTES]);
        let name = auth_name(&card(CARD), &key, &auth).unwrap();
        assert_eq!(name.as_str(), format!("card-1234+{tag}1f1f1f1f@bank.example"));
        assert_ne!(auth_name(&card(CARD), &public_key(&[4; 32]), &auth).unwrap(), name);
        assert_ne!(auth_name(&card(CARD), &key, &AccountId([0x2f; 32])).unwrap(), name);
        assert!(matches!(auth_name(&card("bank.example"), &key, &auth), Err(CardError::BadName { .. })));
        let long = |letters| card(&format!("{}@bank.example", "a".repeat(letters)));
        assert!(auth_name(&long(34), &key, &auth).is_ok());
        assert!(matches!(auth_name(&long(35), &key, &auth), Err(CardError::NameTooLong(_))));
    }

    #[test]
    fn new_secrets_differ() {
        let made = [CardSecret::random().unwrap(), CardSecret::random().unwrap()];
        assert_ne!(made[0].0, made[1].0);
        let ids = [order_id().unwrap(), order_id().unwrap()];
        assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 16));
    }
}
