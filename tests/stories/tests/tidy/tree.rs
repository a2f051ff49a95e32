//! The files of the repository: where they stand, what they are called, how large they are.
use crate::assert_none;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands in the root folder. A new entry is a decision: a reader must find his way by this list.
const ROOT: &[&str] = &[
    ".ci",
    ".git",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "chain-spec",
    "client",
    "clippy.toml",
    "contracts",
    "deny.toml",
    "docs",
    "node",
    "runtime",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "target",
    "tests",
];
/// Folders that hold nothing of the repository's own: history and build results.
const SKIPPED: &[&str] = &[".git", "target"];
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "misc"];
/// Beyond this a file is not written by hand.
const FILE_BYTES_MAX: u64 = 200 * 1000;
/// Made by cargo; grows with the dependencies.
const UNBOUNDED: &str = "Cargo.lock";

/// The folder of the whole repository.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("this package stands two folders deep").to_owned()
}

/// Every file of the repository, relative to its root, sorted.
pub fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("the folder can be listed").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if SKIPPED.contains(&name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(root()).expect("it stands in the root").to_owned());
            }
        }
    }
    files.sort();
    files
}

/// The files with this extension, and their texts.
pub fn texts(extension: &str) -> Vec<(PathBuf, String)> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, text)
    };
    files().into_iter().filter(|path| path.extension().is_some_and(|found| found == extension)).map(read).collect()
}

#[test]
fn the_root_folder_holds_what_is_listed() {
    let entries = fs::read_dir(root()).expect("the root can be listed");
    let names = entries.map(|entry| entry.expect("the root can be listed").file_name().to_string_lossy().into_owned());
    let strangers = names.filter(|name| !ROOT.contains(&name.as_str())).collect();
    assert_none("move it into a folder, or add it to ROOT in this file with its reason:", strangers);
}

#[test]
fn names_say_what_is_inside() {
    let is_empty = |path: &PathBuf| {
        path.components().any(|part| {
            let part = part.as_os_str().to_string_lossy();
            EMPTY_NAMES.contains(&part.split('.').next().unwrap_or_default())
        })
    };
    let offenders = files().into_iter().filter(is_empty).map(|path| path.display().to_string()).collect();
    assert_none("name the file or folder after the thing it holds:", offenders);
}

#[test]
fn files_are_small_enough_to_be_written_by_hand() {
    let size = |path: &PathBuf| fs::metadata(root().join(path)).map_or(0, |metadata| metadata.len());
    let offenders = files()
        .into_iter()
        .filter(|path| path.as_os_str() != UNBOUNDED && size(path) > FILE_BYTES_MAX)
        .map(|path| format!("{} has {} bytes", path.display(), size(&path)))
        .collect();
    assert_none("no binary, generated file or data set belongs here (200 kB at most):", offenders);
}
