//! What the nodes' logs warn of: each distinct line once, with its count.
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::Path;

/// Distinct warnings and errors, most frequent first; numbers and ids are left out, so that lines that differ in them are one.
pub(super) fn warnings<'a>(logs: impl Iterator<Item = &'a Path>) -> anyhow::Result<Vec<(String, u64)>> {
    let mut counts = BTreeMap::new();
    for log in logs {
        let text = std::fs::read(log).with_context(|| format!("reading {}", log.display()))?;
        let text = String::from_utf8_lossy(&text);
        for line in text.lines().filter_map(warning) {
            *counts.entry(line).or_insert(0) += 1;
        }
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ok(sorted)
}

/// A line without its time and numbers, if it warns: `<time> WARN <what>`, or a panic.
fn warning(line: &str) -> Option<String> {
    let rest = match line.split_once(char::is_whitespace) {
        Some((_, rest)) if rest.trim_start().starts_with("WARN") || rest.trim_start().starts_with("ERROR") => rest,
        _ if line.contains("panicked") || line.starts_with("error:") => line,
        _ => return None,
    };
    Some(rest.split_whitespace().map(plain).collect::<Vec<_>>().join(" "))
}

/// A word with its digits as `#`; one that is mostly an id as `…`.
fn plain(word: &str) -> String {
    let mut short = String::new();
    for part in word.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let (body, end) = part.split_at(part.trim_end_matches(|c: char| !c.is_alphanumeric()).len());
        let digits = body.chars().filter(char::is_ascii_digit).count();
        match body.len() >= 12 && digits > 0 {
            true => short.push('…'),
            false if digits > 0 => short.push_str(&hide_digits(body)),
            false => short.push_str(body),
        }
        short.push_str(end);
    }
    short
}

fn hide_digits(text: &str) -> String {
    let mut hidden = String::new();
    for c in text.chars() {
        match c.is_ascii_digit() {
            true if hidden.ends_with('#') => {}
            true => hidden.push('#'),
            false => hidden.push(c),
        }
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_that_differ_in_numbers_are_one() {
        let line = |height| format!("2026-11-21T22:00:00.1Z  WARN countersign_node::chain: took 12ms height={height}");
        assert_eq!(warning(&line(7)).as_deref(), Some("WARN countersign_node::chain: took #ms height=#"));
        assert_eq!(warning(&line(7)), warning(&line(19)));
        assert_eq!(warning("2026-11-21T22:00:00.1Z  INFO countersign_node: serving"), None);
        assert!(warning("thread 'main' panicked at src/main.rs:3:5:").is_some());
        let id = |id| warning(&format!("2026 ERROR x: peer={id}"));
        assert_eq!(id("12D3KooWAbCdEfGh1"), id("12D3KooWZzZzZzZz9"));
    }
}
