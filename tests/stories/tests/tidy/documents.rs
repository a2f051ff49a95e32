//! The documents: links lead somewhere, and files they name are there.
use crate::assert_none;
use crate::tree::{root, texts};
use std::path::Path;

/// What `[text](target)` points to, outside of code blocks.
fn links(text: &str) -> Vec<(usize, &str)> {
    let parts = prose(text).flat_map(|(line, text)| text.split("](").skip(1).map(move |rest| (line, rest)));
    parts.filter_map(|(line, rest)| Some((line, rest.split_once(')')?.0))).collect()
}

/// The words in backticks that name something in the repository: they begin with one of its top folders.
fn named_paths(text: &str) -> Vec<(usize, &str)> {
    let words = prose(text).flat_map(|(line, text)| text.split('`').skip(1).step_by(2).map(move |word| (line, word)));
    let names_a_path = |word: &str| {
        let in_repository = word
            .split_once('/')
            .is_some_and(|(top, rest)| !rest.is_empty() && !top.is_empty() && root().join(top).is_dir());
        in_repository && !word.contains(['*', '<', '{', ' ', '…'])
    };
    words.filter(|(_, word)| names_a_path(word)).collect()
}

/// The lines outside of code blocks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        (!in_code && !fence).then_some((at + 1, line))
    })
}

/// The anchor of a heading, as renderers make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_anchor(path: &Path, wanted: &str) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    prose(&text).any(|(_, line)| line.starts_with('#') && anchor(line) == wanted)
}

#[test]
fn links_lead_somewhere() {
    let mut offenders = Vec::new();
    for (path, text) in texts("md") {
        let folder = root().join(&path).parent().expect("a file stands in a folder").to_owned();
        for (line, target) in links(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { root().join(&path) } else { folder.join(file) };
            if !file.exists() {
                offenders.push(format!("{}:{line}: there is no {target}", path.display()));
            } else if !fragment.is_empty() && !has_anchor(&file, fragment) {
                offenders.push(format!("{}:{line}: no heading of {target} has this anchor", path.display()));
            }
        }
    }
    assert_none("correct the link:", offenders);
}

#[test]
fn files_that_are_named_are_there() {
    let mut offenders = Vec::new();
    for (path, text) in texts("md") {
        for (line, word) in named_paths(&text) {
            let word = word.trim_end_matches('/');
            if !root().join(word).exists() {
                offenders.push(format!("{}:{line}: there is no `{word}`", path.display()));
            }
        }
    }
    assert_none("correct the name:", offenders);
}

#[test]
fn links_and_names_are_found() {
    let text = "See [a](docs/x.md#y) and [b](#z), `runtime/types/src`, `a/b`, `tests/*.rs`.\n```\n[no](no.md) `node/no`\n```\n`node`";
    assert_eq!(links(text), [(1, "docs/x.md#y"), (1, "#z")]);
    assert_eq!(named_paths(text), [(1, "runtime/types/src")]);
    assert_eq!(anchor("## What each crate must *not* know"), "what-each-crate-must-not-know");
}
