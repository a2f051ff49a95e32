//! Credentials and challenges as texts for QR codes, clipboards and links: `countersign:key?<data>`.
//!
//! Data is the bytes and a checksum in base 32, in the alphabet of the ledger's ids, as in all texts that wallets hand on: it means the
//! same in both cases, so that a QR code keeps it in its dense mode, and nothing in it is changed by a shell, a link or a messenger.
use alloc::string::String;
use alloc::vec::Vec;
use countersign_types::Hasher;

/// What every text begins with.
pub const BEGINNING: &str = "countersign:";
/// Bytes of the checksum: a damaged text passes once in 2^40.
pub const CHECKSUM_BYTES: usize = 5;
/// Digits of base 32, those of bech32: no `1`, `b`, `i` or `o`, which are taken for others.
const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// A text that does not hold what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// It begins differently.
    #[error("this is no text of the form countersign:{wanted}?…")]
    Other {
        /// The kind wanted.
        wanted: &'static str,
    },
    /// Longer than anything it could hold.
    #[error("the text has {size} characters, more than the limit of {limit}")]
    Oversized {
        /// Characters given.
        size: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// A character changed or lost.
    #[error("the text is cut off or mistyped: its checksum does not fit")]
    Damaged,
}

/// The text of `bytes`; `kind` is lower-case letters, such as `key`.
pub fn encode(kind: &'static str, bytes: &[u8]) -> String {
    let digits = (bytes.len() + CHECKSUM_BYTES) * 8;
    let mut text = String::with_capacity(BEGINNING.len() + kind.len() + 1 + digits.div_ceil(5));
    text.push_str(BEGINNING);
    text.push_str(kind);
    text.push('?');
    push_base32(&mut text, bytes.iter().chain(&checksum(kind, bytes)));
    text
}

/// Adds the digits of `bytes`; the last one is padded with zero bits.
pub fn push_base32<'a>(text: &mut String, bytes: impl IntoIterator<Item = &'a u8>) {
    let (mut held, mut bits) = (0_u16, 0);
    for byte in bytes {
        held = (held << 8) | u16::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(DIGITS[usize::from(held >> bits)]));
            held &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        text.push(char::from(DIGITS[usize::from(held << (5 - bits))]));
    }
}

/// The bytes of a text of this kind, at most `bytes_max`. Upper case means the same; blanks around it do not count.
///
/// # Errors
/// [`BadText`]; nothing longer than the limit is read.
pub fn decode(kind: &'static str, text: &str, bytes_max: usize) -> Result<Vec<u8>, BadText> {
    let digits = data(kind, text).ok_or(BadText::Other { wanted: kind })?;
    let limit = ((bytes_max + CHECKSUM_BYTES) * 8).div_ceil(5);
    if digits.len() > limit {
        return Err(BadText::Oversized { size: digits.len(), limit });
    }
    let mut bytes = from_base32(digits).ok_or(BadText::Damaged)?;
    let at = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(BadText::Damaged)?;
    let sum = bytes.split_off(at);
    if sum == checksum(kind, &bytes) { Ok(bytes) } else { Err(BadText::Damaged) }
}

/// True if this is meant to be such a text, of any kind, well formed or not.
pub fn is_one(text: &str) -> bool {
    behind(BEGINNING, text.trim()).is_some()
}

/// What stands behind the beginning.
fn data<'a>(kind: &str, text: &'a str) -> Option<&'a str> {
    [BEGINNING, kind, "?"].into_iter().try_fold(text.trim(), |rest, part| behind(part, rest))
}

fn behind<'a>(beginning: &str, text: &'a str) -> Option<&'a str> {
    let (found, rest) = text.split_at_checked(beginning.len())?;
    found.eq_ignore_ascii_case(beginning).then_some(rest)
}

fn checksum(kind: &str, bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = Hasher::new("uri");
    hasher.update(kind.as_bytes()).update(b"?").update(bytes);
    let mut sum = [0; CHECKSUM_BYTES];
    sum.copy_from_slice(&hasher.finish().0[..CHECKSUM_BYTES]);
    sum
}

/// The bytes of base-32 digits; `None` if there are others, or bits left over that are not the padding's zeroes.
fn from_base32(digits: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut held, mut bits) = (0_u16, 0);
    for digit in digits.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit.to_ascii_lowercase())?;
        held = (held << 5) | u16::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    (bits < 5 && held == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    const KEY: &str = "key";

    #[test]
    fn cases_and_blanks_around_it_do_not_matter() {
        let text = encode(KEY, &[1, 2, 3, 250, 251]);
        for form in [text.to_ascii_uppercase(), format!("  {text}\r\n"), text.replace("countersign", "Countersign")] {
            assert_eq!(decode(KEY, &form, 5).as_deref(), Ok(&[1, 2, 3, 250, 251][..]), "{form}");
            assert!(is_one(&form));
        }
    }

    #[test]
    fn anything_else_is_refused_by_its_cause() {
        let text = encode(KEY, &[7; 6]);
        assert_eq!(decode("challenge", &text, 6), Err(BadText::Other { wanted: "challenge" }));
        assert!(is_one("countersign:") && !is_one("countersign") && !is_one(""));
        assert_eq!(decode(KEY, "", 6), Err(BadText::Other { wanted: KEY }));
        assert_eq!(decode(KEY, &text, 3), Err(BadText::Oversized { size: 18, limit: 13 }));
        // The checksum is over the kind too.
        let other = encode("challenge", &[7; 6]).replace("challenge", KEY);
        for damaged in
            [&other[..], &text[..text.len() - 1], "countersign:key?", "countersign:key?1", "countersign:key?ä"]
        {
            assert_eq!(decode(KEY, damaged, 6), Err(BadText::Damaged), "{damaged}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let text = encode(KEY, &bytes);
            prop_assert_eq!(decode(KEY, &text, bytes.len()), Ok(bytes));
        }

        #[test]
        fn a_changed_character_is_noticed(bytes in proptest::collection::vec(any::<u8>(), 0..60), at: prop::sample::Index, to in "[a-z0-9]") {
            let text = encode(KEY, &bytes);
            let at = "countersign:key?".len() + at.index(text.len() - "countersign:key?".len());
            let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
            prop_assume!(changed != text);
            prop_assert_eq!(decode(KEY, &changed, 60), Err(BadText::Damaged));
        }

        #[test]
        fn no_text_brings_it_down(text: String) {
            drop(decode(KEY, &text, 100));
            drop(decode(KEY, &format!("countersign:key?{text}"), 100));
        }
    }
}
