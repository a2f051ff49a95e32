//! Load generator: real nodes as processes, distinct signed transactions made beforehand, durable commits, everything over RPC.
//!
//! A run starts a network on a chain of its own, warms it up, then measures: throughput as fast as the nodes take transactions, or
//! latency at a given rate. Or it soaks the network: a rate for a long time while nodes are ended and started at random. Or it has the
//! holders log in at a merchant's site and write to each other through a node's relay. It prints the report and writes it as JSON.
#![forbid(unsafe_code)]

mod chain;
mod load;
mod messages;
mod report;
mod soak;
mod usage;
mod workload;

use anyhow::Context as _;
use clap::Parser;
use load::Offer;
use std::path::{Path, PathBuf};
use std::time::Duration;
use usage::Usage;
use workload::{Maker, Workload};

/// Transactions of a warm-up without a rate.
const WARM_UP: usize = 40_000;

/// Measures nodes under load.
#[derive(Parser, Debug)]
#[command(version, about)]
struct Args {
    /// What the transactions do.
    #[arg(long, value_enum, default_value_t = Workload::Transfer)]
    workload: Workload,
    /// Validators, all on this machine; each has power 1.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    validators: u8,
    /// Seconds measured, after the warm-up.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds of warm-up.
    #[arg(long, default_value_t = 5)]
    warm_up: u64,
    /// Transactions per second to offer; without it, as many as the nodes take.
    #[arg(long)]
    rate: Option<u32>,
    /// Holders with accounts of their own.
    #[arg(long, default_value_t = 2_000)]
    holders: u32,
    /// Transactions on the way at once when no rate is given.
    #[arg(long, default_value_t = 20_000)]
    in_flight: usize,
    /// Minutes for which a transaction is valid, and its id remembered; it is signed some time before it is offered.
    #[arg(long, value_name = "MINUTES", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    validity: u64,
    /// Soak for this many minutes at `--rate` instead, ending and starting all nodes but the first at random.
    #[arg(long, value_name = "MINUTES", requires = "rate")]
    soak: Option<u64>,
    /// Have the holders write each other so many messages through the first node's relay instead: kept, fetched in pages, acknowledged.
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["soak", "rate"])]
    messages: Option<u64>,
    /// Bytes of a sealed message.
    #[arg(long, value_name = "BYTES", default_value_t = 1_024, requires = "messages")]
    message_bytes: usize,
    /// Which nodes a soak ends, when and how: the same number, the same choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the report is written as JSON.
    #[arg(long, default_value = "bench-report.json")]
    report: PathBuf,
    /// Folder for the nodes' data; a temporary one by default, so that it is on the same disk as other temporary files.
    #[arg(long)]
    dir: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let temporary = tempfile::tempdir()?;
    let dir = args.dir.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    if let Some(messages) = args.messages {
        let plan = messages::Plan { messages, holders: args.holders, bytes: args.message_bytes };
        return finish(&messages::run(&dir, args.validators.into(), plan)?, &args.report);
    }
    let chain = chain::Chain::start(&dir, args.validators.into(), args.holders).context("starting the nodes")?;
    let maker = Maker::new(args.workload, &chain, Duration::from_secs(60 * args.validity))?;
    if let (Some(minutes), Some(rate)) = (args.soak, args.rate) {
        let plan = soak::Plan { rate, time: Duration::from_secs(60 * minutes), seed: args.seed };
        return finish(&soak::run(chain, maker, args.workload, plan)?, &args.report);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    finish(&runtime.block_on(measure(&args, &chain, maker))?, &args.report)
}

async fn measure(args: &Args, chain: &chain::Chain, mut maker: Maker) -> anyhow::Result<report::Report> {
    eprintln!("warming up for {} s", args.warm_up);
    let warm_up = maker.make(args.rate.map_or(WARM_UP, |rate| rate as usize * args.warm_up as usize));
    let offer = Offer { rate: args.rate, in_flight: args.in_flight, time: Duration::from_secs(args.warm_up) };
    let warm = load::run(chain, warm_up, offer).await?;
    let per_second = args.rate.map_or(warm.throughput() * 1.3, f64::from);
    let wanted = (per_second * args.seconds as f64) as usize;
    eprintln!("signing {wanted} transactions");
    let transactions = maker.make(wanted);

    eprintln!("measuring for {} s", args.seconds);
    let before = Usage::of_all(&chain.network)?;
    let offer = Offer { time: Duration::from_secs(args.seconds), ..offer };
    let measured = load::run(chain, transactions, offer).await?;
    let after = Usage::of_all(&chain.network)?;
    chain.check_outcomes(&measured.sample).await?;
    Ok(report::Report::new(args.workload, args.rate, &measured, &before, &after))
}

fn finish(report: &(impl serde::Serialize + std::fmt::Display), file: &Path) -> anyhow::Result<()> {
    println!("{report}");
    std::fs::write(file, serde_json::to_vec_pretty(report)?)?;
    eprintln!("written to {}", file.display());
    Ok(())
}
