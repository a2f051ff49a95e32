//! A long text in numbered parts, each short enough for one QR code, and the way back in any order.
//!
//! ```text
//! countersign:part?<id>.<number>.<count>.<chunk>.<check>
//! ```
//! `id` names the whole text and is a checksum of it; `chunk` is a piece of what follows its `countersign:`; `check`
//! covers the part. Numbers begin at 1. Full stops stand between the fields because QR codes have them in their
//! alphanumeric mode.
use super::{BEGINNING, BadUri, CHARS_MAX, first, split};
use crate::types::Hasher;
use countersign_lock::text::push_base32;
use std::collections::BTreeMap;

/// Parts of one text: more codes than anybody shows and photographs one after the other.
pub const PARTS_MAX: u16 = 99;
/// Characters of a text that stays in one piece: they fit a code of the size of [`crate::qr::VERSION`].
pub const WHOLE_CHARS_MAX: usize = 440;
/// Characters of a text in one part: with the part's own fields as much as [`WHOLE_CHARS_MAX`].
pub const CHUNK_CHARS: usize = 400;
/// Texts whose parts are read together: the copies of a proposal that several parties have signed.
pub const TEXTS_MAX: usize = 16;
/// Characters of a part that is read: the largest QR code there is.
const PART_CHARS_MAX: usize = 4_296;
/// Bytes of a text's mark in its parts: other texts at hand have another, and a damaged text passes once in 2^40.
const ID_BYTES: usize = 5;
/// Bytes of a part's checksum: a mistyped part passes once in 2^30 or so. Six characters.
const CHECK_BYTES: usize = 4;
const PART: &str = "part";

/// The text in parts, or alone if it is short. It must mean the same in both cases: parts are in lower case.
///
/// # Errors
/// [`BadUri::NotOne`] or [`BadUri::TooLongForParts`].
pub fn parts(text: &str) -> Result<Vec<String>, BadUri> {
    let text = text.trim().to_ascii_lowercase();
    split(&text)?;
    if text.len() <= WHOLE_CHARS_MAX {
        return Ok(vec![text]);
    }
    let body = &text.as_bytes()[BEGINNING.len()..];
    let count = body.len().div_ceil(CHUNK_CHARS);
    let too_long = || BadUri::TooLongForParts { size: text.len(), limit: usize::from(PARTS_MAX) * CHUNK_CHARS };
    let count = u16::try_from(count).ok().filter(|count| *count <= PARTS_MAX).ok_or_else(too_long)?;
    let id = id(&text);
    // All of about the same length, so that the codes are of one size.
    let chunks = body.chunks(body.len().div_ceil(usize::from(count)));
    let part = |(number, chunk): (u16, &[u8])| {
        let chunk = std::str::from_utf8(chunk).map_err(|_| BadUri::Damaged)?;
        let fields = format!("{id}.{number}.{count}.{chunk}");
        let check = check(&fields);
        Ok(format!("{BEGINNING}{PART}?{fields}.{check}"))
    };
    (1..).zip(chunks).map(part).collect()
}

/// Puts texts back together. Takes whole texts and parts in any order, the same ones several times.
#[derive(Debug, Default)]
pub struct Collector {
    wholes: Vec<String>,
    texts: BTreeMap<(String, u16), BTreeMap<u16, String>>,
}

impl Collector {
    /// Takes one text.
    ///
    /// # Errors
    /// [`BadUri`] if it is none, or a part that is damaged or contradicts another; nothing was taken then.
    pub fn add(&mut self, text: &str) -> Result<(), BadUri> {
        let text = text.trim();
        if text.len() > CHARS_MAX {
            return Err(BadUri::TooLong { size: text.len(), limit: CHARS_MAX });
        }
        let text = text.to_ascii_lowercase();
        let (kind, data) = split(&text)?;
        if kind != PART {
            return match self.wholes.contains(&text) {
                true => Ok(()),
                false if self.wholes.len() == TEXTS_MAX => Err(BadUri::TooManyTexts),
                false => {
                    self.wholes.push(text);
                    Ok(())
                }
            };
        }
        let Part { id, number, count, chunk } = read(data)?;
        let key = (id.to_string(), count);
        if !self.texts.contains_key(&key) && self.texts.len() == TEXTS_MAX {
            return Err(BadUri::TooManyTexts);
        }
        let known = self.texts.entry(key).or_default().entry(number).or_insert_with(|| chunk.to_string());
        if known.as_str() == chunk { Ok(()) } else { Err(BadUri::Contradiction { number, count }) }
    }

    /// The whole texts, in lower case, each once.
    ///
    /// # Errors
    /// [`BadUri`] if parts are missing or do not make what they name.
    pub fn finish(self) -> Result<Vec<String>, BadUri> {
        let mut wholes = self.wholes;
        let alone = wholes.is_empty() && self.texts.len() == 1;
        for ((named, count), chunks) in self.texts {
            let missing: Vec<u16> = (1..=count).filter(|number| !chunks.contains_key(number)).collect();
            if !missing.is_empty() && alone {
                return Err(BadUri::MissingParts { count, missing });
            }
            if !missing.is_empty() {
                return Err(BadUri::ForeignParts { id: named, count, present: chunks.into_keys().collect(), missing });
            }
            let text = format!("{BEGINNING}{}", chunks.into_values().collect::<String>());
            // A part inside parts would be a way round the bounds; nobody writes one.
            if id(&text) != named || !split(&text).is_ok_and(|(kind, _)| kind != PART) {
                return Err(BadUri::NotTheWhole { count });
            }
            if !wholes.contains(&text) {
                wholes.push(text);
            }
        }
        Ok(wholes)
    }
}

/// The texts in a message or a file that holds nothing else: each from one `countersign:` to the next. Blanks and line
/// breaks inside do not count.
pub fn in_message(message: &str) -> Vec<String> {
    let lower = message.to_ascii_lowercase();
    let starts: Vec<usize> = lower.match_indices(BEGINNING).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([lower.len()]);
    starts.iter().zip(ends).map(|(start, end)| lower[*start..end].split_whitespace().collect()).collect()
}

struct Part<'a> {
    id: &'a str,
    number: u16,
    count: u16,
    chunk: &'a str,
}

fn read(data: &str) -> Result<Part<'_>, BadUri> {
    let mut fields = data.splitn(4, '.');
    let (id, number, count, rest) = (fields.next(), fields.next(), fields.next(), fields.next());
    let claimed = number.filter(|number| is_number(number)).unwrap_or("?");
    let damaged = || BadUri::DamagedPart { number: claimed.into() };
    if data.len() > PART_CHARS_MAX {
        return Err(damaged());
    }
    let (chunk, sum) = rest.and_then(|rest| rest.rsplit_once('.')).ok_or_else(damaged)?;
    let covered = data.len() - sum.len() - 1;
    if sum != check(&data[..covered]) {
        return Err(damaged());
    }
    let number = |text: Option<&str>| text.filter(|text| is_number(text))?.parse::<u16>().ok();
    let (Some(id), Some(at), Some(count)) = (id, number(Some(claimed)), number(count)) else {
        return Err(damaged());
    };
    if at > count || count > PARTS_MAX { Err(damaged()) } else { Ok(Part { id, number: at, count, chunk }) }
}

/// A number of a part as it is written: no sign, no zero in front.
fn is_number(text: &str) -> bool {
    (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

pub(super) fn id(text: &str) -> String {
    short::<ID_BYTES>("uri-text", text)
}

pub(super) fn check(fields: &str) -> String {
    short::<CHECK_BYTES>("uri-part", fields)
}

fn short<const N: usize>(what: &'static str, text: &str) -> String {
    let mut hasher = Hasher::new(what);
    hasher.update(text.as_bytes());
    let mut digits = String::new();
    push_base32(&mut digits, &first::<N>(&hasher.finish()));
    digits
}
