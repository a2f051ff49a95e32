//! The wallet `countersign`: keys, proposals and deals on the command line. What it knows of the ledger it takes from the SDK.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod confirm;
mod failure;
mod files;
mod output;
mod session;
mod show;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let json = cli.global.json;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::print_failure(&failure, json);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: cli::Cli) -> Result<(), failure::Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| failure::Failure::Io { path: "the asynchronous runtime".into(), source })?;
    runtime.block_on(Box::pin(commands::run(cli)))
}
