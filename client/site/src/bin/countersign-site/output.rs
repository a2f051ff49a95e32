//! What goes to standard output and standard error: sentences and tables for people, JSON with `--json`.
use crate::failure::Failure;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;
use std::error::Error;
use std::io::{self, Write};

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// True with `--json`.
    pub json: bool,
}

impl Output {
    /// A result: `value` for programs, `human` for people.
    pub fn result(self, value: &impl Serialize, human: impl FnOnce() -> String) {
        let text = if self.json { serde_json::to_string(value).unwrap_or_default() } else { human() };
        // A broken pipe is the reader's choice, no fault.
        let _ = writeln!(io::stdout().lock(), "{text}").and_then(|()| io::stdout().flush());
    }

    /// What a command ends with.
    pub fn failure(self, failure: &Failure) {
        let mut causes = Vec::new();
        let mut source = failure.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        let text = if self.json {
            let (kind, exit, message) = (failure.kind(), failure.exit_code(), failure.to_string());
            json!({"error": {"kind": kind, "exit": exit, "message": message, "causes": causes}}).to_string()
        } else {
            let causes: String = causes.iter().map(|cause| format!("\n  because: {cause}")).collect();
            format!("Error: {failure}{causes}")
        };
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
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
