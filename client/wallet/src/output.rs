//! What goes to standard output and standard error: tables and sentences for people, JSON with `--json`.
use crate::failure::Failure;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;
use std::error::Error;
use std::io::{self, IsTerminal, Write};

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// True with `--json`.
    pub json: bool,
}

impl Output {
    /// One result: `value` for programs, `human` for people.
    pub fn result(self, value: &impl Serialize, human: impl FnOnce() -> String) {
        let text = if self.json { to_json(value) } else { human() };
        write_line(&mut io::stdout().lock(), &text);
    }

    /// One of a stream of results: each a line of its own.
    pub fn item(self, value: &impl Serialize, human: impl FnOnce() -> String) {
        let text = if self.json { serde_json::to_string(value).unwrap_or_default() } else { human() };
        write_line(&mut io::stdout().lock(), &text);
    }

    /// A remark for people that is no result.
    pub fn note(self, text: &str) {
        if !self.json {
            write_line(&mut io::stderr().lock(), text);
        }
    }

    /// A warning for people. What programs must know stands in the result.
    pub fn warn(self, text: &str) {
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
