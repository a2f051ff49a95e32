//! Moments as people write them (RFC 3339) and as the ledger counts them.
use countersign_types::Timestamp;
use toml::value::{Date, Datetime, Offset, Time};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const MINUTE_MS: i64 = 60 * 1000;

/// The moment of a date, time and offset from the Unix epoch on; `None` if one of them is absent or it is earlier.
/// Digits beyond milliseconds are cut off.
pub(crate) fn from_datetime(datetime: &Datetime) -> Option<Timestamp> {
    let (date, time, offset) = (datetime.date?, datetime.time?, datetime.offset?);
    let offset_minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let seconds = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second.unwrap_or(0));
    let millis = seconds * 1000 + i64::from(time.nanosecond.unwrap_or(0) / 1_000_000);
    let total = days_of(&date) * DAY_MS + millis - offset_minutes * MINUTE_MS;
    u64::try_from(total).ok().map(Timestamp::from_millis)
}

/// The RFC 3339 text of a moment, in UTC; `None` after the year 9999.
pub(crate) fn to_text(time: Timestamp) -> Option<String> {
    let millis = i64::try_from(time.millis()).ok()?;
    let date = date_of(millis / DAY_MS)?;
    let of_day = u32::try_from(millis % DAY_MS).ok()?;
    let [hour, minute, second] = [of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60].map(|part| part as u8);
    let nanosecond = (of_day % 1000 != 0).then_some(of_day % 1000 * 1_000_000);
    let time = Time { hour, minute, second: Some(second), nanosecond };
    Some(Datetime { date: Some(date), time: Some(time), offset: Some(Offset::Z) }.to_string())
}

/// Days from 1970-01-01, by the civil calendar counted in eras of 400 years from March on
/// (Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`).
fn days_of(date: &Date) -> i64 {
    let (month, day) = (i64::from(date.month), i64::from(date.day));
    let year = i64::from(date.year) - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The reverse of [`days_of`]; `None` if the year has more than four digits.
fn date_of(days: i64) -> Option<Date> {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = u8::try_from(day_of_year - (153 * shifted + 2) / 5 + 1).ok()?;
    let month = u8::try_from(if shifted < 10 { shifted + 3 } else { shifted - 9 }).ok()?;
    let year = u16::try_from(year_of_era + era * 400 + i64::from(month <= 2)).ok().filter(|year| *year <= 9999)?;
    Some(Date { year, month, day })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<u64> {
        from_datetime(&text.parse().unwrap()).map(Timestamp::millis)
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
    fn moments_before_the_epoch_or_without_an_offset_are_refused() {
        assert_eq!(millis("1969-12-31T23:59:59Z"), None);
        assert_eq!(millis("1970-01-01T00:00:00+01:00"), None);
        assert_eq!(millis("2026-01-01T00:00:00"), None);
        assert_eq!(millis("2026-01-01"), None);
    }

    #[test]
    fn each_day_of_four_centuries_comes_back() {
        for day in 0..150_000_u64 {
            let time = Timestamp::from_millis(day * DAY_MS as u64 + day % 86_400_000);
            let text = to_text(time).unwrap();
            assert_eq!(millis(&text), Some(time.millis()), "{text}");
        }
        assert_eq!(to_text(Timestamp::MAX), None);
    }
}
