//! The program `countersign-node`.
use clap::Parser as _;
use countersign_node::cli::Cli;
use std::process::ExitCode;
use tikv_jemallocator::Jemalloc;

/// Gives back what blocks of all sizes leave free on many threads; the system's keeps much of it (`docs/decisions/storage.md`).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    match Cli::parse().execute() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.exit_code();
            eprintln!("error: {:#}", anyhow::Error::from(error));
            ExitCode::from(code)
        }
    }
}
