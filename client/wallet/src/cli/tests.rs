//! The command line as a whole: every word of it is explained, and so are its manual pages.
use super::*;
use crate::commands::man;
use clap::{Command as Words, CommandFactory};

/// Every command with its whole name.
fn commands() -> Vec<(String, Words)> {
    let mut root = Cli::command();
    root.build();
    let mut found = Vec::new();
    let mut left = vec![(root.get_name().to_string(), root)];
    while let Some((name, command)) = left.pop() {
        let subs = command.get_subcommands().filter(|sub| sub.get_name() != "help");
        left.extend(subs.map(|sub| (format!("{name} {}", sub.get_name()), sub.clone())));
        found.push((name, command));
    }
    found
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_and_option_is_explained() {
    let mut silent = Vec::new();
    for (name, command) in commands() {
        if command.get_about().is_none_or(|about| about.to_string().trim().is_empty()) {
            silent.push(name.clone());
        }
        let arguments = command.get_arguments();
        let is_silent =
            |argument: &&clap::Arg| argument.get_help().is_none_or(|help| help.to_string().trim().is_empty());
        silent.extend(arguments.filter(is_silent).map(|argument| format!("{name} {}", argument.get_id())));
    }
    assert!(silent.is_empty(), "these have no help: {silent:?}");
    assert!(commands().len() > 80, "the commands are found");
}

#[test]
fn every_command_has_a_manual_page() {
    let pages = man::pages();
    for (name, command) in commands() {
        let file = format!("{}.1", name.replace(' ', "-"));
        let (_, page) = pages.iter().find(|(found, _)| *found == file).unwrap_or_else(|| panic!("no page {file}"));
        let page = String::from_utf8(page.clone()).unwrap();
        for part in [".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
            assert!(page.contains(part), "{file} has no {part}");
        }
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let long = argument.get_long().map(|long| format!("\\-\\-{}", long.replace('-', "\\-")));
            let shown = long.is_none_or(|long| page.contains(&long));
            assert!(shown, "{file} does not tell {}", argument.get_id());
        }
    }
    assert_eq!(pages.len(), commands().len());
}
