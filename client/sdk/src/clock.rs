//! Times as people write and read them. The ledger's own times are its blocks'; this clock only proposes validities and renders.
use crate::types::Timestamp;
use jiff::tz::TimeZone;

/// Bytes of a time's text: RFC 3339 with nanoseconds and zone is about 50.
const TEXT_BYTES_MAX: usize = 80;

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is `2026-08-01T18:00:00+02:00` (RFC 3339), from now `+10m`, `+2h`, `+3d`, or milliseconds since 1970")]
pub struct BadTime;

/// This machine's time.
pub fn now() -> Timestamp {
    let millis = jiff::Timestamp::now().as_millisecond();
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// Reads RFC 3339, a span from `now` (`+90s`, `+10m`, `+1h30m`, `+3d`, `+2w`) or milliseconds since the Unix epoch.
///
/// # Errors
/// [`BadTime`] for anything else, also for times before 1970.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, BadTime> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(BadTime);
    }
    if let Some(span) = text.strip_prefix('+') {
        return now.checked_add_millis(parse_span(span)?).ok_or(BadTime);
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map(Timestamp::from_millis).map_err(|_| BadTime);
    }
    let time: jiff::Timestamp = text.parse().map_err(|_| BadTime)?;
    u64::try_from(time.as_millisecond()).map(Timestamp::from_millis).map_err(|_| BadTime)
}

/// Milliseconds of `1h30m`: numbers, each with one of `s m h d w`.
///
/// # Errors
/// [`BadTime`] if it is something else or longer than u64 holds.
pub fn parse_span(text: &str) -> Result<u64, BadTime> {
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(BadTime)?;
        let number: u64 = rest[..digits].parse().map_err(|_| BadTime)?;
        let unit_ms = match rest.as_bytes()[digits] {
            b's' => 1_000,
            b'm' => 60_000,
            b'h' => 3_600_000,
            b'd' => 86_400_000,
            b'w' => 604_800_000,
            _ => return Err(BadTime),
        };
        sum = number.checked_mul(unit_ms).and_then(|ms| sum.checked_add(ms)).ok_or(BadTime)?;
        rest = &rest[digits + 1..];
    }
    if text.is_empty() { Err(BadTime) } else { Ok(sum) }
}

fn calendar(time: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(i64::try_from(time.millis()).ok()?).ok()
}

/// RFC 3339 in UTC with milliseconds; beyond the year 9999 the bare number. [`parse`] reads both.
pub fn to_utc(time: Timestamp) -> String {
    match calendar(time) {
        Some(time) => format!("{time:.3}"),
        None => time.millis().to_string(),
    }
}

/// In UTC to the second as iCalendar writes it, `20260801T160000Z`; `None` beyond the year 9999.
pub fn to_basic_utc(time: Timestamp) -> Option<String> {
    Some(calendar(time)?.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// In the machine's zone, to the second, with the zone: `2026-08-01 18:00:00 CEST`.
pub fn to_local(time: Timestamp) -> String {
    in_zone(time, TimeZone::system())
}

/// The machine's zone, in which times are shown, such as `Europe/Berlin` or `CEST`; `None` if the system tells none: then times are in
/// UTC.
pub fn zone() -> Option<String> {
    let zone = TimeZone::try_system().ok()?;
    let name = zone.iana_name().map(str::to_owned);
    name.or_else(|| Some(jiff::Timestamp::now().to_zoned(zone).strftime("%Z").to_string()))
}

fn in_zone(time: Timestamp, zone: TimeZone) -> String {
    match calendar(time) {
        Some(time) => time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        None => format!("{} ms after 1970", time.millis()),
    }
}

/// How far `time` is from `now`: `in 9 min`, `3 h ago`, `now`. Rounded down to the largest unit.
pub fn relative(time: Timestamp, now: Timestamp) -> String {
    let (ahead, behind) = (time.saturating_since(now), now.saturating_since(time));
    let seconds = ahead.max(behind) / 1_000;
    let span = match seconds {
        0 => return "now".into(),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    if ahead > 0 { format!("in {span}") } else { format!("{span} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);

    fn read(text: &str) -> Result<u64, BadTime> {
        parse(text, NOW).map(Timestamp::millis)
    }

    #[test]
    fn the_three_forms_are_read() {
        assert_eq!(read("+10m"), Ok(1_780_000_600_000));
        assert_eq!(read("+1h30m"), Ok(1_780_005_400_000));
        assert_eq!(read("+3d"), Ok(1_780_259_200_000));
        assert_eq!(read("1780000000001"), Ok(1_780_000_000_001));
        assert_eq!(read("1970-01-01T02:00:01.5+02:00"), Ok(1_500));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "+",
            "+5",
            "+m",
            "+5x",
            "5m",
            "-5m",
            "tomorrow",
            "1969-12-31T00:00:00Z",
            "2026-08-01",
            "+99999999999999999999s",
        ] {
            assert_eq!(read(text), Err(BadTime), "{text}");
        }
        assert_eq!(read(&format!("+{}w", u64::MAX)), Err(BadTime));
        assert_eq!(read(&"1".repeat(100)), Err(BadTime));
    }

    #[test]
    fn a_zone_is_shown() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(in_zone(Timestamp::from_millis(0), zone), "1970-01-01 02:00:00 +02");
        assert_eq!(relative(Timestamp::from_millis(NOW.millis() + 600_000), NOW), "in 10 min");
        assert_eq!(relative(Timestamp::from_millis(NOW.millis() - 90_000), NOW), "90 s ago");
    }

    proptest! {
        #[test]
        fn the_utc_form_is_read_back(millis in any::<u64>()) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(parse(&to_utc(time), NOW), Ok(time));
        }
    }
}
