//! The wallet `countersign`: keys, proposals and deals on the command line. What it knows of the ledger it takes from the SDK.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod confirm;
mod failure;
mod files;
mod intake;
mod logged_in;
mod output;
mod session;
mod show;

use clap::Parser;
use countersign_client::qr::READER_THREAD;
use std::process::ExitCode;

/// Which parts of memory a core file holds, as Linux takes it (core(5)).
const CORE_FILTER: &str = "/proc/self/coredump_filter";

fn main() -> ExitCode {
    keep_out_of_core_files();
    let cli = cli::Cli::parse();
    keep_image_readers_quiet();
    let json = cli.global.json;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::print_failure(&failure, json);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Leaves nothing of this process's memory to core files, wherever the system puts them; programs it starts inherit that. Where there
/// is no such file there is nothing to set: systems other than Linux do not write core files unless told to.
fn keep_out_of_core_files() {
    let _ = std::fs::write(CORE_FILTER, "0");
}

/// An image can bring the library down that finds codes in it: that is told as what it is, an image that cannot be
/// read.
fn keep_image_readers_quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() != Some(READER_THREAD) {
            usual(info);
        }
    }));
}

fn run(cli: cli::Cli) -> Result<(), failure::Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| failure::Failure::Io { path: "the asynchronous runtime".into(), source })?;
    runtime.block_on(Box::pin(commands::run(cli)))
}
