//! TOML with the line of everything: sections whose keys are taken one by one, so that a key nobody took is a mistake.
use crate::error::{Cause, Mistakes, Place};
use std::str::FromStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub value: T,
    pub place: Place,
}

/// Turns offsets of the text into lines.
#[derive(Debug)]
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub fn of(text: &str) -> Self {
        Self { starts: std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect() }
    }

    /// The line of a byte of the text, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }
}

/// The whole text as a section. Broken TOML is reported; what could be read of it is still looked at.
pub(crate) fn parse<'t>(text: &'t str, lines: &Lines, mistakes: &mut Mistakes) -> DeTable<'t> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = lines.line(error.span().map_or(0, |span| span.start));
        let place = Place { line, key: "TOML".into() };
        mistakes.add(&place, Cause::Syntax { message: error.message().into() });
    }
    table.into_inner()
}

/// One table of the text.
pub(crate) struct Section<'a, 't> {
    table: &'a DeTable<'t>,
    lines: &'a Lines,
    pub place: Place,
    taken: Vec<&'static str>,
}

impl<'a, 't> Section<'a, 't> {
    pub fn new(table: &'a DeTable<'t>, lines: &'a Lines, place: Place) -> Self {
        Self { table, lines, place, taken: Vec::new() }
    }

    /// A table that stands inside this section.
    pub fn below<'b>(&self, table: &'b DeTable<'t>, place: Place) -> Section<'b, 't>
    where
        'a: 'b,
    {
        Section::new(table, self.lines, place)
    }

    fn line(&self, spanned: &Spanned<DeValue<'t>>) -> usize {
        self.lines.line(spanned.span().start)
    }

    /// The value of a key, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<At<&'a DeValue<'t>>> {
        if !self.taken.contains(&key) {
            self.taken.push(key);
        }
        let (found, value) = self.table.get_key_value(key)?;
        let place = self.place.inner(self.lines.line(found.span().start), key);
        Some(At { value: value.get_ref(), place })
    }

    /// The value of a key that may be absent, read by `read`.
    pub fn optional<T>(
        &mut self,
        mistakes: &mut Mistakes,
        key: &'static str,
        read: impl FnOnce(&'a DeValue<'t>) -> Result<T, Cause>,
    ) -> Option<At<T>> {
        let At { value, place } = self.take(key)?;
        let value = mistakes.keep(&place, read(value))?;
        Some(At { value, place })
    }

    /// The value of a key that must be there, read by `read`. `wanted` tells what belongs there.
    pub fn required<T>(
        &mut self,
        mistakes: &mut Mistakes,
        key: &'static str,
        wanted: &'static str,
        read: impl FnOnce(&'a DeValue<'t>) -> Result<T, Cause>,
    ) -> Option<At<T>> {
        if !self.table.contains_key(key) {
            mistakes.add(&self.place.inner(self.place.line, key), Cause::Missing { wanted });
        }
        self.optional(mistakes, key, read)
    }

    /// The items of a list with their places; `None` if the key is absent or no list.
    pub fn list(&mut self, mistakes: &mut Mistakes, key: &'static str) -> Option<Vec<At<&'a DeValue<'t>>>> {
        let At { value, place } = self.take(key)?;
        let DeValue::Array(items) = value else {
            mistakes.add(&place, wrong_type("a list", value));
            return None;
        };
        let at = |item: &'a Spanned<DeValue<'t>>| At {
            value: item.get_ref(),
            place: Place { line: self.line(item), ..place.clone() },
        };
        Some(items.iter().map(at).collect())
    }

    /// The sections `[[key]]`, in the order they are written.
    pub fn sections(&mut self, mistakes: &mut Mistakes, key: &'static str) -> Vec<Section<'a, 't>> {
        let items = self.list(mistakes, key).unwrap_or_default();
        let table = |item: At<&'a DeValue<'t>>| match item.value {
            DeValue::Table(table) => Some(Section::new(table, self.lines, item.place)),
            other => {
                mistakes.add(&item.place, wrong_type("a section", other));
                None
            }
        };
        items.into_iter().filter_map(table).collect()
    }

    /// The section `[key]`, if it is there.
    pub fn section(&mut self, mistakes: &mut Mistakes, key: &'static str) -> Option<Section<'a, 't>> {
        let lines = self.lines;
        let At { value, place } = self.take(key)?;
        match value {
            DeValue::Table(table) => Some(Section::new(table, lines, place)),
            other => {
                mistakes.add(&place, wrong_type("a section", other));
                None
            }
        }
    }

    /// Every key with its value, for a section whose keys are names.
    pub fn entries(&self) -> impl Iterator<Item = (At<&'a str>, &'a DeValue<'t>)> {
        self.table.iter().map(|(key, value)| {
            let name: &str = key.get_ref();
            let place = self.place.inner(self.lines.line(key.span().start), name);
            (At { value: name, place }, value.get_ref())
        })
    }

    /// Reports the keys nobody took.
    pub fn finish(self, mistakes: &mut Mistakes) {
        for (key, _) in self.entries().filter(|(key, _)| !self.taken.contains(&key.value)) {
            mistakes.add(&key.place, Cause::UnknownKey { known: self.taken.clone() });
        }
    }
}

/// The mistake of a value of another type.
pub(crate) fn wrong_type(wanted: &'static str, found: &DeValue<'_>) -> Cause {
    let found = match found {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    };
    Cause::WrongType { wanted, found }
}

/// A text.
pub(crate) fn text<'a>(value: &'a DeValue<'_>) -> Result<&'a str, Cause> {
    value.as_str().ok_or_else(|| wrong_type("a text in quotes", value))
}

/// A text in the form of `T`.
pub(crate) fn parsed<T: FromStr<Err: Into<Cause>>>(value: &DeValue<'_>) -> Result<T, Cause> {
    text(value)?.parse().map_err(Into::into)
}

/// A whole number from `least` to `most`.
pub(crate) fn number(value: &DeValue<'_>, least: u64, most: u64) -> Result<u64, Cause> {
    let DeValue::Integer(integer) = value else {
        return Err(wrong_type("a whole number", value));
    };
    u64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or(Cause::OutOfRange { least, most })
}
