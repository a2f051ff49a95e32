//! `countersign man`: manual pages from the very words of the command line.
use crate::cli::Cli;
use crate::failure::Failure;
use crate::output::Output;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use serde_json::json;
use std::fs;
use std::io;
use std::path::Path;

/// What the pages belong to, in their footers.
const MANUAL: &str = "Countersign";

/// Writes the pages into a folder.
pub fn write(output: &Output, dir: &Path) -> Result<(), Failure> {
    let at = |path: &Path| {
        let path = path.display().to_string();
        move |source: io::Error| Failure::Io { path, source }
    };
    fs::create_dir_all(dir).map_err(at(dir))?;
    let pages = pages();
    for (name, page) in &pages {
        let path = dir.join(name);
        fs::write(&path, page).map_err(at(&path))?;
    }
    let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    let dir = dir.display().to_string();
    output.result(&json!({ "dir": dir, "pages": names }), || format!("{} pages in {dir}", names.len()));
    Ok(())
}

/// The file names and contents of all pages, that of the program itself first.
pub fn pages() -> Vec<(String, Vec<u8>)> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    add(&root, &mut pages);
    pages
}

fn add(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) {
    let page = Man::new(command.clone()).manual(MANUAL).source(concat!("countersign ", env!("CARGO_PKG_VERSION")));
    let mut bytes = Vec::new();
    page.render(&mut bytes).expect("a vector takes every byte");
    pages.push((page.get_filename(), bytes));
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        add(sub, pages);
    }
}
