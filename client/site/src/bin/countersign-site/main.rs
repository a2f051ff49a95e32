//! `countersign-site`: a merchant's site for relays, and what its operator does with it.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod failure;
mod output;
mod password;
mod server;
mod setup;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let output = output::Output { json: cli.json };
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
