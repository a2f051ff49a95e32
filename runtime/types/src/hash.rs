//! BLAKE3-256 with a domain in front, so that the hash of one kind of thing is never that of another.
use core::fmt;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// 32 bytes of BLAKE3.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// All zeroes: the parent of the first block. No input is known to hash to it.
    pub const ZERO: Self = Self([0; 32]);

    /// Hash of `bytes` in the domain `countersign/<what>/1`.
    pub fn of(what: &'static str, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(what);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Hash of the encoding of `value` in the domain `countersign/<what>/1`.
    pub fn of_encoded(what: &'static str, value: &impl Encode) -> Self {
        let mut hasher = Hasher::new(what);
        value.using_encoded(|bytes| hasher.update(bytes));
        hasher.finish()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..6]))
    }
}

impl core::str::FromStr for Hash {
    type Err = crate::text::TextError;

    /// 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| crate::text::TextError::NotAHash { length: text.len() })?;
        Ok(Self(bytes))
    }
}

/// Feeds several parts into one hash. The domain's length goes first, so no domain is a prefix of another.
#[derive(Clone)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Starts the domain `countersign/<what>/1`.
    pub fn new(what: &'static str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[u8::try_from(what.len()).expect("domains are short literals")]);
        hasher.update(b"countersign/");
        hasher.update(what.as_bytes());
        hasher.update(b"/1");
        Self(hasher)
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    /// The hash of all that was added.
    pub fn finish(&self) -> Hash {
        Hash(*self.0.finalize().as_bytes())
    }
}
