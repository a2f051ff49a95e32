//! Positions in the two histories, as clients hand them back.
use std::fmt;
use std::str::FromStr;

/// A text that is no position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a cursor; a cursor is {form} as an answer gave it")]
pub struct BadCursor {
    /// The beginning of what was given.
    pub text: String,
    /// How a cursor looks.
    pub form: &'static str,
}

fn numbers<const N: usize>(text: &str, form: &'static str) -> Result<[u64; N], BadCursor> {
    let bad = || BadCursor { text: text.chars().take(80).collect(), form };
    let mut parts = text.split('.');
    let mut numbers = [0; N];
    for number in &mut numbers {
        let part = parts.next().filter(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        *number = part.and_then(|part| part.parse().ok()).ok_or_else(bad)?;
    }
    if parts.next().is_some() { Err(bad()) } else { Ok(numbers) }
}

/// An event's place: `<height>.<receipt>.<event>`. A history continues after it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cursor {
    /// Height of the block.
    pub height: u64,
    /// Index of the receipt.
    pub receipt: u32,
    /// Index of the event in the receipt.
    pub event: u16,
}

impl Cursor {
    const FORM: &'static str = "`<height>.<receipt>.<event>`";

    /// After every event of the block at `height`.
    pub const fn after_block(height: u64) -> Self {
        Self { height, receipt: u32::MAX, event: u16::MAX }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.height, self.receipt, self.event)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let [height, receipt, event] = numbers(text, Self::FORM)?;
        match (receipt.try_into(), event.try_into()) {
            (Ok(receipt), Ok(event)) => Ok(Self { height, receipt, event }),
            _ => Err(BadCursor { text: text.chars().take(80).collect(), form: Self::FORM }),
        }
    }
}

/// A transaction's place in an account's history, newest first: `<height>.<index>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HistoryCursor {
    /// Height of the block.
    pub height: u64,
    /// Index of the transaction.
    pub index: u32,
}

impl HistoryCursor {
    const FORM: &'static str = "`<height>.<index>`";
}

impl fmt::Display for HistoryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.height, self.index)
    }
}

impl FromStr for HistoryCursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let [height, index] = numbers(text, Self::FORM)?;
        let index =
            index.try_into().map_err(|_| BadCursor { text: text.chars().take(80).collect(), form: Self::FORM })?;
        Ok(Self { height, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_orders_as_the_ledger_does() {
        let cursor = Cursor { height: 7, receipt: 3, event: 1 };
        assert_eq!(cursor.to_string(), "7.3.1");
        assert_eq!("7.3.1".parse(), Ok(cursor));
        assert!(cursor < Cursor::after_block(7) && Cursor::after_block(7) < Cursor { height: 8, receipt: 0, event: 0 });
        assert_eq!(Cursor::after_block(7).to_string().parse(), Ok(Cursor::after_block(7)));
        assert_eq!("9.2".parse(), Ok(HistoryCursor { height: 9, index: 2 }));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "1", "1.2", "1.2.3.4", "1.2.x", "-1.2.3", "+1.2.3", "1..3", "1.2.70000", "1.5000000000.1", " 1.2.3"]
        {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
        for text in ["", "1", "1.2.3", "1.99999999999", "a.b"] {
            assert!(text.parse::<HistoryCursor>().is_err(), "{text}");
        }
    }
}
