//! Lists and texts whose bound is part of their type, so that decoding refuses more before it allocates.
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;
use parity_scale_codec::{Compact, Decode, Encode, Error, Input, decode_vec_with_len};

/// At most `MAX` items.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
pub struct BoundedVec<T, const MAX: usize>(Vec<T>);

/// A byte-string argument.
pub type Bytes = BoundedVec<u8, { crate::limits::BYTES_MAX }>;
/// A list argument.
pub type List<T> = BoundedVec<T, { crate::limits::LIST_ITEMS_MAX }>;
/// A text argument.
pub type Text = BoundedText<{ crate::limits::TEXT_BYTES_MAX }>;

/// More items or bytes than the bound allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{size} is more than the limit of {limit}")]
pub struct TooLong {
    /// Items or bytes given.
    pub size: usize,
    /// Items or bytes allowed.
    pub limit: usize,
}

impl<T, const MAX: usize> BoundedVec<T, MAX> {
    /// No items.
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// The items.
    pub fn into_inner(self) -> Vec<T> {
        self.0
    }

    /// Adds an item at the end.
    ///
    /// # Errors
    /// [`TooLong`] if the list is full; it is unchanged.
    pub fn push(&mut self, item: T) -> Result<(), TooLong> {
        if self.0.len() >= MAX {
            return Err(TooLong { size: self.0.len() + 1, limit: MAX });
        }
        self.0.push(item);
        Ok(())
    }
}

impl<T, const MAX: usize> TryFrom<Vec<T>> for BoundedVec<T, MAX> {
    type Error = TooLong;
    fn try_from(items: Vec<T>) -> Result<Self, TooLong> {
        if items.len() > MAX { Err(TooLong { size: items.len(), limit: MAX }) } else { Ok(Self(items)) }
    }
}

impl<T, const MAX: usize> Default for BoundedVec<T, MAX> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T, const MAX: usize> Deref for BoundedVec<T, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: fmt::Debug, const MAX: usize> fmt::Debug for BoundedVec<T, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T, const MAX: usize> IntoIterator for BoundedVec<T, MAX> {
    type Item = T;
    type IntoIter = alloc::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a BoundedVec<T, MAX> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

fn bounded_len<I: Input>(input: &mut I, max: usize) -> Result<usize, Error> {
    let len = u32::from(Compact::<u32>::decode(input)?) as usize;
    if len > max { Err("longer than its limit".into()) } else { Ok(len) }
}

impl<T: Decode, const MAX: usize> Decode for BoundedVec<T, MAX> {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let len = bounded_len(input, MAX)?;
        decode_vec_with_len(input, len).map(Self)
    }
}

/// UTF-8 of at most `MAX` bytes, without control characters: it is shown to people who sign.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode)]
pub struct BoundedText<const MAX: usize>(String);

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Longer than its limit, in bytes of UTF-8.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// A control character or one that reorders the text around it: what is shown could differ from what is signed.
    #[error("the character U+{code:04X} is not allowed in a text")]
    Character {
        /// Its code point.
        code: u32,
    },
}

impl<const MAX: usize> BoundedText<MAX> {
    /// Takes a text.
    ///
    /// # Errors
    /// [`BadText`] if it is longer than `MAX` bytes or holds a character that does not belong in a shown text.
    pub fn new(text: &str) -> Result<Self, BadText> {
        if text.len() > MAX {
            return Err(TooLong { size: text.len(), limit: MAX }.into());
        }
        match text.chars().find(|c| is_deceptive(*c)) {
            Some(c) => Err(BadText::Character { code: c as u32 }),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters and Unicode's invisible and direction controls (UAX #9), by which a payee's name could be made to
/// read as another.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

impl<const MAX: usize> Deref for BoundedText<MAX> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for BoundedText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for BoundedText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MAX: usize> core::str::FromStr for BoundedText<MAX> {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        Self::new(text)
    }
}

impl<const MAX: usize> Decode for BoundedText<MAX> {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let len = bounded_len(input, MAX)?;
        let bytes: Vec<u8> = decode_vec_with_len(input, len)?;
        let text = String::from_utf8(bytes).map_err(|_| Error::from("text is not UTF-8"))?;
        Self::new(&text).map_err(|_| Error::from("text holds a character that is not allowed"))
    }
}
