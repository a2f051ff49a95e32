//! The page of errors lists every code there is, and no other.
use crate::assert_none;
use crate::tree::root;
use countersign_rpc_types::ErrorCode;
use countersign_rpc_types::site::SiteFault;
use countersign_types::{CallFault, Failure};
use parity_scale_codec::Decode;
use std::collections::BTreeSet;
use std::fmt::Debug;

const PAGE: &str = "docs/errors.md";

/// The first two cells of a row: code and name.
type Row = (String, String);

/// Rows of the part of the page under this heading.
fn rows_under(heading: &str) -> BTreeSet<Row> {
    let page = std::fs::read_to_string(root().join(PAGE)).expect("the page of errors is there");
    let part =
        page.split("\n## ").find(|part| part.starts_with(heading)).unwrap_or_else(|| panic!("{PAGE}: no `{heading}`"));
    let rows = part.lines().filter(|line| line.starts_with("| "));
    rows.filter_map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (code, name) = (cells.next()?, cells.next()?.trim_matches('`'));
        code.parse::<i32>().ok()?;
        Some((code.to_owned(), name.to_owned()))
    })
    .collect()
}

/// Every variant of an encoded enum with its index: those indices that decode, with ones as their content.
fn variants<T: Decode + Debug>() -> BTreeSet<Row> {
    let decode = |index: u8| {
        let mut bytes = [1; 64];
        bytes[0] = index;
        let value = T::decode(&mut &bytes[..]).ok()?;
        let debug = format!("{value:?}");
        let name = debug.split(|c: char| !c.is_alphanumeric()).next()?;
        Some((index.to_string(), snake_case(name)))
    };
    (0..=u8::MAX).filter_map(decode).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

fn compare(heading: &str, expected: &BTreeSet<Row>) {
    let listed = rows_under(heading);
    let missing = expected.difference(&listed).map(|(code, name)| format!("missing: {code} {name}"));
    let stale = listed.difference(expected).map(|(code, name)| format!("no longer there: {code} {name}"));
    assert_none(&format!("{PAGE}, {heading}:"), missing.chain(stale).collect());
}

#[test]
fn json_rpc_errors_are_listed() {
    let codes = ErrorCode::ALL.iter().map(|(code, name, _)| ((*code as i32).to_string(), (*name).to_owned()));
    compare("JSON-RPC errors", &codes.collect());
}

#[test]
fn errors_of_a_site_are_listed() {
    let faults = SiteFault::ALL.iter().map(|(fault, _)| (fault.status().to_string(), fault.code().to_owned()));
    compare("Errors of a site", &faults.collect());
}

#[test]
fn failures_are_listed() {
    assert!(variants::<Failure>().contains(&("32".into(), "call".into())), "the variants are found");
    compare("Failures of transactions", &variants::<Failure>());
    compare("Failures of calls", &variants::<CallFault>());
}

#[test]
fn refusals_of_locks_are_listed() {
    let rows = countersign_lock::Refusal::ALL.map(|(code, name)| (code.to_string(), name.to_owned()));
    compare("Refusals of locks", &rows.into());
}

#[test]
fn refusals_of_modules_are_listed() {
    let interfaces = countersign_interface::native().into_iter().chain(countersign_interface::contracts());
    let rows = interfaces.flat_map(|interface| {
        let row = |error: &countersign_types::interface::ErrorDef| {
            (error.code.to_string(), format!("{}.{}", interface.module, error.name))
        };
        interface.errors.iter().map(row)
    });
    compare("Refusals of modules", &rows.collect());
}
