//! The Rust files: they begin with their purpose, stay short, and hold nothing unfinished.
//!
//! Functions are found by their indentation, which `cargo fmt --check` keeps true.
use crate::assert_none;
use crate::tree::texts;

/// Lines of a file before its tests.
const FILE_LINES_MAX: usize = 800;
/// Lines of a function, from its name to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// The comment by which a longer function gives its reason: `// long: one arm per method`.
const REASON: &str = "// long: ";
/// Written in two halves, so that this file passes its own test.
const UNSAFE: &str = concat!("un", "safe");
/// Where the compiler's guarantees cannot be had: the host lends the ledger to wasm, a guest talks to its host by pointers.
const UNSAFE_FOLDERS: &[&str] = &["runtime/vm/src", "contracts/sdk/src"];

#[test]
fn each_file_says_first_what_it_is_for() {
    let is_silent = |text: &str| !text.starts_with("//! ");
    let offenders = texts("rs").into_iter().filter(|(_, text)| is_silent(text));
    assert_none(
        "begin the file with a line `//! ...`:",
        offenders.map(|(path, _)| path.display().to_string()).collect(),
    );
}

#[test]
fn files_are_short_enough_to_be_read() {
    let lines_before_tests = |text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        let is_tests = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ");
        lines.windows(2).position(is_tests).unwrap_or(lines.len())
    };
    let offenders = texts("rs")
        .iter()
        .map(|(path, text)| (path, lines_before_tests(text)))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert_none("split the file (800 lines at most before its tests):", offenders);
}

/// A function found in a file.
struct Function<'a> {
    name: &'a str,
    /// Line of its name, from 1.
    line: usize,
    /// From its name to its closing brace, and the line above.
    text: &'a [&'a str],
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The name, if a function's signature begins in this line.
fn function_name(line: &str) -> Option<&str> {
    const QUALIFIERS: &[&str] = &["pub", "const", "async", UNSAFE, "default", "extern"];
    let mut rest = line.trim_start();
    loop {
        if let Some(name) = rest.strip_prefix("fn ") {
            return name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next();
        }
        let (word, after) = rest.split_once(' ')?;
        if !QUALIFIERS.contains(&word) && !word.starts_with("pub(") && !word.starts_with('"') {
            return None;
        }
        rest = after;
    }
}

/// The functions with a body. One nested in another is found too.
fn functions<'a>(lines: &'a [&'a str]) -> Vec<Function<'a>> {
    let mut functions = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let depth = indentation(line);
        let ends =
            |line: &&str| indentation(line) == depth && (line.trim_start().starts_with('}') || line.ends_with(';'));
        let ended_at_once = line.ends_with(';') || line.ends_with('}');
        let Some(length) = lines[at + 1..].iter().position(ends).filter(|_| !ended_at_once) else {
            continue;
        };
        functions.push(Function { name, line: at + 1, text: &lines[at.saturating_sub(1)..=at + 1 + length] });
    }
    functions
}

#[test]
fn functions_are_short_or_say_why_not() {
    let mut offenders = Vec::new();
    for (path, text) in texts("rs") {
        let lines: Vec<&str> = text.lines().collect();
        for function in functions(&lines) {
            // The line above may hold the reason, but is not counted.
            let length = function.text.len() - 1;
            let explained = function.text.iter().any(|line| line.contains(REASON));
            if length > FUNCTION_LINES_MAX && !explained {
                offenders.push(format!("{}:{}: `{}` has {length} lines", path.display(), function.line, function.name));
            }
        }
    }
    assert_none(
        "split the function (70 lines at most), or give the reason as `// long: ...` if it is one flat list:",
        offenders,
    );
}

#[test]
fn functions_are_found_with_their_lengths() {
    let text = "\
fn one() {
    let x = 1;
}

impl A {
    // long: because
    pub(crate) async fn two(
        a: u8,
    ) -> u8 {
        fn inner() {}
        match a {
            _ => {}
        }
    }
    fn declared(a: u8) -> u8;
    const fn three() {
    }
}
";
    let lines: Vec<&str> = text.lines().collect();
    let found: Vec<_> = functions(&lines).iter().map(|f| (f.name, f.line, f.text.len())).collect();
    assert_eq!(found, [("one", 1, 3), ("two", 7, 9), ("three", 16, 3)]);
}

#[test]
fn nothing_is_unfinished() {
    // Written in two halves, so that this file passes its own test.
    let marks = [
        concat!("dbg", "!("),
        concat!("to", "do!("),
        concat!("unim", "plemented!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
    ];
    let mut offenders = Vec::new();
    for (path, text) in texts("rs") {
        for (at, line) in text.lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(**mark)) {
                offenders.push(format!("{}:{}: {mark}", path.display(), at + 1));
            }
        }
    }
    assert_none("finish it or take it out:", offenders);
}

#[test]
fn the_compilers_guarantees_are_left_only_where_they_must_be() {
    let is_word = |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == UNSAFE);
    let mut offenders = Vec::new();
    for (path, text) in texts("rs") {
        if UNSAFE_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
        offenders
            .extend(code.filter(|(_, line)| is_word(line)).map(|(at, _)| format!("{}:{}", path.display(), at + 1)));
    }
    assert_none("do it in safe Rust, or in the folders of UNSAFE_FOLDERS:", offenders);
}
