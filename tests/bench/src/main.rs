//! Load generator: real nodes as processes, distinct signed transactions made beforehand, durable commits, everything over RPC.
//!
//! A run starts a node on a chain of its own, warms it up, then measures: throughput as fast as the node takes transactions, or latency at
//! a given rate. It prints the report and writes it as JSON.
#![forbid(unsafe_code)]

mod chain;
mod load;
mod report;
mod usage;
mod workload;

use anyhow::Context as _;
use clap::Parser;
use std::path::PathBuf;
use std::time::Duration;
use workload::Workload;

/// Measures a node under load.
#[derive(Parser, Debug)]
#[command(version, about)]
struct Args {
    /// What the transactions do.
    #[arg(long, value_enum, default_value_t = Workload::Transfer)]
    workload: Workload,
    /// Seconds measured, after the warm-up.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds of warm-up.
    #[arg(long, default_value_t = 5)]
    warm_up: u64,
    /// Transactions per second to offer; without it, as many as the node takes.
    #[arg(long)]
    rate: Option<u32>,
    /// Holders with accounts of their own.
    #[arg(long, default_value_t = 2_000)]
    holders: u32,
    /// Transactions on the way at once when no rate is given.
    #[arg(long, default_value_t = 20_000)]
    in_flight: usize,
    /// Where the report is written as JSON.
    #[arg(long, default_value = "bench-report.json")]
    report: PathBuf,
    /// Folder for the node's data; a temporary one by default, so that it is on the same disk as other temporary files.
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let temporary = tempfile::tempdir()?;
    let dir = args.dir.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    let chain = chain::Chain::start(&dir, args.holders).await.context("starting the node")?;
    let mut maker = workload::Maker::new(args.workload, chain.id, chain.holders.clone());

    eprintln!("warming up for {} s", args.warm_up);
    let warm_up = maker.make(args.rate.map_or(40_000, |rate| rate as usize * args.warm_up as usize));
    let warm = load::run(&chain, warm_up, args.rate, args.in_flight, Duration::from_secs(args.warm_up)).await?;
    let per_second = args.rate.map_or(warm.throughput() * 1.3, f64::from);
    let wanted = (per_second * args.seconds as f64) as usize;
    eprintln!("signing {wanted} transactions");
    let transactions = maker.make(wanted);

    eprintln!("measuring for {} s", args.seconds);
    let before = usage::Usage::of(&chain)?;
    let measured =
        load::run(&chain, transactions, args.rate, args.in_flight, Duration::from_secs(args.seconds)).await?;
    let after = usage::Usage::of(&chain)?;
    chain.check_outcomes(&measured.sample).await?;
    let report = report::Report::new(&args.workload, args.rate, &measured, &before, &after);
    println!("{report}");
    std::fs::write(&args.report, serde_json::to_vec_pretty(&report)?)?;
    eprintln!("written to {}", args.report.display());
    Ok(())
}
