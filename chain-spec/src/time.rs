//! Moments as people write them (RFC 3339) and as the ledger counts them.
use countersign_types::Timestamp;

/// The moment of a date, time and offset, such as `2026-01-01T00:00:00Z`; `None` if one of them is absent or it is before
/// 1970. Digits beyond milliseconds are cut off.
pub(crate) fn from_text(text: &str) -> Option<Timestamp> {
    let millis = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    u64::try_from(millis).ok().map(Timestamp::from_millis)
}

/// The RFC 3339 text of a moment, in UTC; `None` after the year 9999.
pub(crate) fn to_text(time: Timestamp) -> Option<String> {
    let millis = i64::try_from(time.millis()).ok()?;
    Some(jiff::Timestamp::from_millisecond(millis).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<u64> {
        from_text(text).map(Timestamp::millis)
    }

    #[test]
    fn known_moments() {
        assert_eq!(millis("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(millis("2026-01-01T00:00:00Z"), Some(1_767_225_600_000));
        assert_eq!(millis("2000-02-29T12:34:56.789Z"), Some(951_827_696_789));
        assert_eq!(millis("2026-01-01T02:00:00+02:00"), Some(1_767_225_600_000));
        assert_eq!(millis("2026-01-01 00:00:00.0019Z"), Some(1_767_225_600_001));
    }

    #[test]
    fn moments_before_1970_or_without_an_offset_are_refused() {
        for text in
            ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00", "2026-01-01T00:00:00", "2026-01-01", "soon", ""]
        {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn moments_come_back_from_their_texts() {
        for time in [0, 1, 1_767_225_600_000, 1_767_225_600_123].map(Timestamp::from_millis) {
            assert_eq!(to_text(time).and_then(|text| from_text(&text)), Some(time));
        }
        assert_eq!(to_text(Timestamp::MAX), None);
    }
}
