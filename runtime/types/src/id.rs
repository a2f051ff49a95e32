//! Identities and names. What is shown to people comes from [`crate::text`].
use crate::bounded::BoundedText;
use crate::limits;
use crate::text::{self, TextError};
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use parity_scale_codec::{Decode, Encode, Error, Input, MaxEncodedLen};

/// An account: a person's, an organisation's or a contract's. A new account's id is its first public key; a contract's
/// is a hash of its name. Shown as `csa1…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen)]
pub struct AccountId(pub [u8; 32]);

impl AccountId {
    /// The account whose first key is `key`.
    pub const fn of_key(key: &PublicKey) -> Self {
        Self(key.0)
    }

    /// The account of the contract called `name`. No key signs for it.
    pub fn of_contract(name: &ModuleName) -> Self {
        Self(crate::Hash::of("contract-account", name.as_str().as_bytes()).0)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&text::encode(text::ACCOUNT, &self.0))
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..4]))
    }
}

impl FromStr for AccountId {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        text::decode(text::ACCOUNT, text).map(Self)
    }
}

/// An ed25519 public key. Whether it may sign is decided by the authority of an account; small-order keys are refused
/// where a key enters the ledger ([`crate::signature::check_key`]).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&text::encode(text::KEY, &self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..4]))
    }
}

impl FromStr for PublicKey {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        text::decode(text::KEY, text).map(Self)
    }
}

/// A method as it was shown: the first 8 bytes of the hash of its declaration ([`crate::Interface::selector`]).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen)]
pub struct Selector(pub [u8; 8]);

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// An asset's symbol: 1 to 12 ASCII upper-case letters or digits, a letter first. The rest is zeroes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, MaxEncodedLen)]
pub struct AssetId([u8; limits::ASSET_SYMBOL_BYTES_MAX]);

impl AssetId {
    /// The symbol.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
        core::str::from_utf8(&self.0[..end]).expect("only ASCII is ever stored")
    }
}

impl FromStr for AssetId {
    type Err = TextError;
    fn from_str(symbol: &str) -> Result<Self, TextError> {
        let bytes = symbol.as_bytes();
        let ok = (1..=limits::ASSET_SYMBOL_BYTES_MAX).contains(&bytes.len())
            && bytes[0].is_ascii_uppercase()
            && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !ok {
            return Err(TextError::NotASymbol);
        }
        let mut padded = [0; limits::ASSET_SYMBOL_BYTES_MAX];
        padded[..bytes.len()].copy_from_slice(bytes);
        Ok(Self(padded))
    }
}

impl Decode for AssetId {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let padded = <[u8; limits::ASSET_SYMBOL_BYTES_MAX]>::decode(input)?;
        let end = padded.iter().position(|b| *b == 0).unwrap_or(padded.len());
        let symbol = core::str::from_utf8(&padded[..end]).map_err(|_| Error::from("asset symbol"))?;
        let id: Self = symbol.parse().map_err(|_| Error::from("asset symbol"))?;
        if id.0 == padded { Ok(id) } else { Err("asset symbol is padded with something else than zeroes".into()) }
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Name of a contract or native module: lower-case letters, digits and `-`, a letter first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
pub struct ModuleName(BoundedText<{ limits::MODULE_NAME_BYTES_MAX }>);

impl ModuleName {
    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ModuleName {
    type Err = TextError;
    fn from_str(name: &str) -> Result<Self, TextError> {
        let ok = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        match BoundedText::new(name) {
            Ok(text) if ok => Ok(Self(text)),
            _ => Err(TextError::NotAModuleName),
        }
    }
}

/// Name of a member (`harbor-hotel.example`) or of a holder at a member's site (`alice@harbor-hotel.example`).
/// Lower-case ASCII: two names that look alike are the same bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
pub struct Name(BoundedText<{ limits::NAME_BYTES_MAX }>);

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The part before `@`; `None` for a member's name.
    pub fn user(&self) -> Option<&str> {
        self.as_str().split_once('@').map(|(user, _)| user)
    }

    /// The member's name: all of it, or the part after `@`.
    pub fn site(&self) -> &str {
        self.as_str().split_once('@').map_or(self.as_str(), |(_, site)| site)
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_user(user: &str) -> bool {
    (1..=63).contains(&user.len())
        && user.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'+'))
        })
}

impl FromStr for Name {
    type Err = TextError;
    fn from_str(name: &str) -> Result<Self, TextError> {
        let (user, site) = match name.split_once('@') {
            Some((user, site)) => (Some(user), site),
            None => (None, name),
        };
        let ok = user.is_none_or(is_user) && site.contains('.') && site.split('.').all(is_label);
        match BoundedText::new(name) {
            Ok(text) if ok => Ok(Self(text)),
            _ => Err(TextError::NotAName { name: name.chars().take(80).collect::<String>() }),
        }
    }
}

macro_rules! checked_text {
    ($name:ident, $what:literal) => {
        impl Decode for $name {
            fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
                BoundedText::<{ limits::NAME_BYTES_MAX }>::decode(input)?
                    .as_str()
                    .parse()
                    .map_err(|_| Error::from($what))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
    };
}
checked_text!(ModuleName, "module name");
checked_text!(Name, "member or holder name");
