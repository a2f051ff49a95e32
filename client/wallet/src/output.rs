//! What goes to standard output and standard error: tables and sentences for people, JSON with `--json`.
use crate::failure::Failure;
use comfy_table::{ContentArrangement, Table, presets};
use countersign_client::clock;
use countersign_client::verify::{Provenance, STALE_AFTER, Word};
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::cell::Cell;
use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

/// A certified header's time may be ahead of a good clock by what clocks differ.
const AHEAD_MS_MAX: u64 = 60_000;

/// Where results go, and what they rest on: results of the node say whether they were proven.
#[derive(Debug)]
pub struct Output {
    /// True with `--json`.
    pub json: bool,
    provenance: Option<Arc<Provenance>>,
    /// True once a result was given.
    told: Cell<bool>,
}

impl Output {
    /// For JSON if `json`; `provenance` is that of the node asked.
    pub fn new(json: bool, provenance: Option<Arc<Provenance>>) -> Self {
        Self { json, provenance, told: Cell::new(false) }
    }

    /// One result: `value` for programs, `human` for people.
    pub fn result(&self, value: &impl Serialize, human: impl FnOnce() -> String) {
        let text = if self.json { to_json(&self.marked(value)) } else { human() };
        write_line(&mut io::stdout().lock(), &text);
        self.told.set(true);
    }

    /// One of a stream of results: each a line of its own.
    pub fn item(&self, value: &impl Serialize, human: impl FnOnce() -> String) {
        let text = if self.json { self.marked(value).to_string() } else { human() };
        write_line(&mut io::stdout().lock(), &text);
        self.told.set(true);
    }

    /// What the results rest on.
    fn word(&self) -> Option<Word> {
        self.provenance.as_ref()?.word()
    }

    /// With the key `verified` in the result, or in each item of a list: height and time of the header it is proven
    /// under, or null if some of it is the node's word. Absent if no node was asked.
    fn marked(&self, value: &impl Serialize) -> Json {
        let mut json = serde_json::to_value(value).unwrap_or_default();
        let mark = match self.word() {
            None => return json,
            Some(Word::Heard) => Json::Null,
            Some(Word::Proven { height, time }) => json!({ "height": height.get(), "time": clock::to_utc(time) }),
        };
        match &mut json {
            Json::Object(fields) => {
                fields.insert("verified".into(), mark);
            }
            Json::Array(items) => {
                for fields in items.iter_mut().filter_map(Json::as_object_mut) {
                    fields.insert("verified".into(), mark.clone());
                }
            }
            _ => {}
        }
        json
    }

    /// Tells people at the end what the results rest on.
    pub fn footer(&self) {
        match self.word().filter(|_| self.told.get()) {
            None => {}
            Some(Word::Heard) => self.note("(the node's word, not proven)"),
            Some(Word::Proven { height, time }) => {
                let now = clock::now();
                self.note(&format!("(verified at height {height}, {})", clock::relative(time, now)));
                if u128::from(now.saturating_since(time)) > STALE_AFTER.as_millis() {
                    self.warn(
                        "that block is old: the chain stands still, or the node keeps newer ones back; ask another",
                    );
                }
                if time.saturating_since(now) > AHEAD_MS_MAX {
                    self.warn("that block is of a time to come: the clock of this machine is behind");
                }
            }
        }
    }

    /// A remark for people that is no result.
    pub fn note(&self, text: &str) {
        if !self.json {
            write_line(&mut io::stderr().lock(), text);
        }
    }

    /// A warning for people. What programs must know stands in the result.
    pub fn warn(&self, text: &str) {
        self.note(&format!("Warning: {text}"));
    }
}

/// True if colours may be used on standard output: it is a terminal and its user has not asked for none
/// (<https://no-color.org>).
pub fn is_coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A broken pipe is the reader's choice, no fault.
fn write_line(to: &mut impl Write, text: &str) {
    let _ = writeln!(to, "{text}").and_then(|()| to.flush());
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The failure a command ends with, on standard error.
pub fn print_failure(failure: &Failure, json: bool) {
    let mut causes = Vec::new();
    let mut source = failure.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let text = if json {
        let error = json!({
            "kind": failure.kind(), "exit": failure.exit_code(), "message": failure.to_string(),
            "causes": causes, "details": failure.data()
        });
        json!({ "error": error }).to_string()
    } else {
        let causes: String = causes.iter().map(|cause| format!("\n  because: {cause}")).collect();
        format!("Error: {failure}{causes}")
    };
    write_line(&mut io::stderr().lock(), &text);
}

/// A table without lines, for people and for `cut`.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}

/// Names and values, one to a line.
pub fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let facts: Vec<_> = facts.into_iter().collect();
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    facts.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect::<Vec<_>>().join("\n")
}
