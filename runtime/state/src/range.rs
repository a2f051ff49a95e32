//! Where the entries under a prefix begin and end, for ordered maps and trees alike.
use std::ops::Bound;

type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Where to begin for keys with `prefix` greater than `after`; they end with the first key without the prefix.
pub(crate) fn ascending<'a>(prefix: &'a [u8], after: Option<&'a [u8]>) -> Bounds<'a> {
    match after {
        Some(after) if after >= prefix => (Bound::Excluded(after), Bound::Unbounded),
        _ => (Bound::Included(prefix), Bound::Unbounded),
    }
}

/// Where to begin, from the end, for keys with `prefix` smaller than `after`; they end with the first key without the prefix.
///
/// `beyond` is [`successor`] of the prefix.
pub(crate) fn descending<'a>(beyond: Option<&'a [u8]>, after: Option<&'a [u8]>) -> Bounds<'a> {
    let end = match (beyond, after) {
        (Some(beyond), Some(after)) => Some(beyond.min(after)),
        (beyond, after) => beyond.or(after),
    };
    (Bound::Unbounded, end.map_or(Bound::Unbounded, Bound::Excluded))
}

/// The smallest key greater than all that begin with `prefix`; `None` if there is none.
pub(crate) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let at = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut key = prefix[..=at].to_vec();
    key[at] += 1;
    Some(key)
}
