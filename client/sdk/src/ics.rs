//! Moments as an iCalendar file (RFC 5545), for the calendar a person already has. Knows nothing of contracts.
use crate::clock;
use crate::types::Timestamp;

/// Octets of a line without its end (RFC 5545, 3.1); longer ones are folded.
const LINE_OCTETS_MAX: usize = 75;

/// Something that happens at a moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Names it in the world, and is the same each time the file is written: a calendar then updates its entry.
    pub uid: String,
    /// When.
    pub at: Timestamp,
    /// In one line.
    pub summary: String,
    /// What more there is to say; empty for nothing.
    pub description: String,
}

/// The calendar called `name`, written at `now`. Moments after the year 9999 cannot be said in it and are left out.
pub fn calendar(name: &str, now: Timestamp, moments: &[Moment]) -> String {
    let mut text = String::new();
    for (property, value) in [
        ("BEGIN", "VCALENDAR"),
        ("VERSION", "2.0"),
        ("PRODID", "-//Countersign//countersign calendar//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
    ] {
        line(&mut text, property, value);
    }
    line(&mut text, "X-WR-CALNAME", &escaped(name));
    let stamp = clock::to_basic_utc(now).unwrap_or_else(|| "19700101T000000Z".into());
    for moment in moments {
        let Some(at) = clock::to_basic_utc(moment.at) else { continue };
        line(&mut text, "BEGIN", "VEVENT");
        line(&mut text, "UID", &escaped(&moment.uid));
        line(&mut text, "DTSTAMP", &stamp);
        line(&mut text, "DTSTART", &at);
        line(&mut text, "SUMMARY", &escaped(&moment.summary));
        if !moment.description.is_empty() {
            line(&mut text, "DESCRIPTION", &escaped(&moment.description));
        }
        // It takes nobody's time.
        line(&mut text, "TRANSP", "TRANSPARENT");
        line(&mut text, "END", "VEVENT");
    }
    line(&mut text, "END", "VCALENDAR");
    text
}

/// The value as a TEXT (3.3.11): what has a meaning is escaped, controls have no place in it.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.replace("\r\n", "\n").chars() {
        match c {
            '\\' | ';' | ',' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            c if c.is_control() && c != '\t' => {}
            c => text.push(c),
        }
    }
    text
}

/// Appends a content line, folded between characters: what continues begins with a space.
fn line(text: &mut String, property: &str, value: &str) {
    let mut octets = 0;
    for c in property.chars().chain([':']).chain(value.chars()) {
        if octets + c.len_utf8() > LINE_OCTETS_MAX {
            text.push_str("\r\n ");
            octets = 1;
        }
        text.push(c);
        octets += c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_123);

    fn moment(summary: &str, description: &str) -> Moment {
        let at = Timestamp::from_millis(1_780_003_600_000);
        Moment { uid: "topup-1@abababab".into(), at, summary: summary.into(), description: description.into() }
    }

    /// The content lines, unfolded, with their escapes undone where they are texts.
    fn read(text: &str) -> Vec<(String, String)> {
        let unfolded = text.replace("\r\n ", "");
        let lines = unfolded.strip_suffix("\r\n").unwrap().split("\r\n");
        lines
            .map(|line| {
                let (property, value) = line.split_once(':').unwrap();
                let mut plain = String::new();
                let mut chars = value.chars();
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => plain.push(match chars.next() {
                            Some('n') => '\n',
                            Some(c @ ('\\' | ';' | ',')) => c,
                            other => panic!("no such escape: {other:?}"),
                        }),
                        ';' | ',' if property != "DTSTART" => panic!("`{c}` is not escaped in {line}"),
                        c => plain.push(c),
                    }
                }
                (property.to_string(), plain)
            })
            .collect()
    }

    #[test]
    fn a_calendar_is_what_the_standard_says() {
        let text = calendar("alice", NOW, &[moment("60.60 EUR return", "unless confirmed")]);
        let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Countersign//countersign calendar//EN\r\n\
                        CALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\nX-WR-CALNAME:alice\r\nBEGIN:VEVENT\r\n\
                        UID:topup-1@abababab\r\nDTSTAMP:20260528T202640Z\r\nDTSTART:20260528T212640Z\r\n\
                        SUMMARY:60.60 EUR return\r\nDESCRIPTION:unless confirmed\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\n\
                        END:VCALENDAR\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn an_empty_calendar_has_no_events() {
        assert!(!calendar("nobody", NOW, &[]).contains("VEVENT"));
    }

    #[test]
    fn what_has_a_meaning_is_escaped() {
        let text = calendar("x", NOW, &[moment("a,b;c\\d\r\nEND:VCALENDAR\u{7}\te", "")]);
        assert!(text.contains("SUMMARY:a\\,b\\;c\\\\d\\nEND:VCALENDAR\te\r\n"), "{text}");
        assert!(!text.contains("DESCRIPTION"));
    }

    #[test]
    fn long_lines_are_folded_between_characters() {
        let summary = format!("{}é{}", "a".repeat(66), "€".repeat(60));
        let text = calendar("x", NOW, &[moment(&summary, "")]);
        // `SUMMARY:` and 66 letters are 74 octets: the accented letter would be octets 75 and 76.
        assert!(text.contains(&format!("SUMMARY:{}\r\n é", "a".repeat(66))), "{text}");
        assert!(text.split("\r\n").all(|line| line.len() <= LINE_OCTETS_MAX), "{text}");
        assert!(text.contains("\r\n €"), "continued lines are folded too");
    }

    #[test]
    fn moments_beyond_the_calendar_are_left_out() {
        let text = calendar("x", NOW, &[Moment { at: Timestamp::MAX, ..moment("never", "") }]);
        assert!(!text.contains("VEVENT"), "{text}");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_short_lines(summary: String, description: String) {
            let text = calendar("x", NOW, &[moment(&summary, &description)]);
            prop_assert!(text.split("\r\n").all(|line| line.len() <= LINE_OCTETS_MAX));
            let plain = |text: &str| -> String {
                let lines = text.replace("\r\n", "\n");
                lines.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
            };
            let lines = read(&text);
            let value = |property: &str| lines.iter().find(|(name, _)| name == property).map(|(_, value)| value.clone());
            prop_assert_eq!(value("SUMMARY"), Some(plain(&summary)));
            let told = Some(plain(&description)).filter(|_| !description.is_empty());
            prop_assert_eq!(value("DESCRIPTION"), told);
        }
    }
}
