//! A long run at a steady rate while nodes are ended and started: whether memory, disk and log stay in bounds and nothing is lost.
//!
//! ```text
//! feed.rs ─transactions→ a node that runs        follow.rs ←blocks─ node 0
//!    └──────── Ledger: what was taken, by whom, and is not final ────┘
//! soak.rs: which node is ended next, how, and what the nodes use meanwhile
//! ```
//! The first node is left alone, so that its memory shows what grows.
mod feed;
mod follow;
mod log;

use crate::chain::Chain;
use crate::report::{cores, hardware, listed};
use crate::usage::Usage;
use crate::workload::{Maker, Workload};
use anyhow::Context as _;
use countersign_harness::Network;
use feed::Feed;
use follow::{Followed, Ledger};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What the nodes use is looked at this often.
const SAMPLE_EVERY: Duration = Duration::from_secs(10);
/// Shortest and longest time between two ends of nodes, in milliseconds.
const CALM_MS: (u64, u64) = (5_000, 20_000);
/// Longest time a node stays away, in milliseconds.
const AWAY_MS: u64 = 5_000;
/// Of ten ends, this many are those of a power cut (SIGKILL); the others are asked for (SIGTERM).
const KILLS_OF_TEN: u64 = 7;
/// Most samples shown on the terminal; the file has all.
const SAMPLES_SHOWN: usize = 12;

/// How to soak.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Transactions per second.
    pub rate: u32,
    /// How long.
    pub time: Duration,
    /// Of the choices.
    pub seed: u64,
}

/// What the nodes used at a moment.
#[derive(Clone, Debug, Serialize)]
struct Sample {
    second: u64,
    /// Resident memory of each node; 0 for one that was away.
    memory_mb: Vec<f64>,
    /// Transactions that were final.
    finals: u64,
}

/// How a node was ended and came back.
#[derive(Clone, Debug, Serialize)]
struct Restart {
    second: u64,
    node: usize,
    killed: bool,
    /// From the start of the process until it served RPC.
    serving_ms: u64,
    /// From the start of the process until it had the block that was newest then.
    level_ms: u64,
}

/// All figures of a soak.
#[derive(Debug, Serialize)]
pub struct Report {
    hardware: String,
    cores: usize,
    validators: usize,
    workload: Workload,
    offered_per_s: u32,
    seed: u64,
    seconds: f64,
    blocks: u64,
    taken: u64,
    finals: u64,
    /// Refused at the door, or not answered.
    refused: u64,
    unanswered: u64,
    /// Taken by a node that was ended before it could pass them on.
    lost_with_their_node: u64,
    latency_ms_p50: f64,
    latency_ms_p99: f64,
    latency_ms_max: f64,
    restarts: Vec<Restart>,
    samples: Vec<Sample>,
    /// Growth of each node's folder per final transaction.
    disk_bytes_per_transaction: Vec<f64>,
    /// Distinct warnings and errors of all logs, numbers left out, with their counts.
    log: Vec<(String, u64)>,
}

/// Soaks the network.
///
/// # Errors
/// If a node does not come back, the nodes differ, or a transaction is lost that its node did not lose.
pub fn run(mut chain: Chain, maker: Maker, workload: Workload, plan: Plan) -> anyhow::Result<Report> {
    let network = &mut chain.network;
    let (ledger, stop) = (Arc::new(Ledger::default()), Arc::new(AtomicBool::new(false)));
    let disk_before = disk_of_all(network)?;
    let feed = Feed { directory: network.directory(), ledger: ledger.clone(), stop: stop.clone(), rate: plan.rate };
    let feed = std::thread::spawn(move || feed.run(maker, Choices(plan.seed)));
    let first_height = network.height(0)?;
    let follower = follow::follow(network.node(0).address(), first_height, ledger.clone(), stop.clone());
    let started = Instant::now();
    let disturbed = disturb(network, plan, &ledger, started);
    let seconds = started.elapsed().as_secs_f64();
    // Also when a node did not come back: the threads must end before the nodes do.
    stop.store(true, Ordering::Relaxed);
    let fed = feed.join().map_err(|_| anyhow::anyhow!("the feed panicked"))?;
    let settled = disturbed.and_then(|(restarts, samples)| {
        network.start_all()?;
        until_settled(network)?;
        Ok((restarts, samples))
    });
    ledger.end();
    let followed = follower.join().map_err(|_| anyhow::anyhow!("the follower panicked"))??;
    let (restarts, samples) = settled?;
    same_head(network)?;
    let losses: Vec<u32> = network.directory().list().iter().map(|listed| listed.losses).collect();
    let lost = ledger.lost(&losses)?;
    let grown = disk_of_all(network)?
        .iter()
        .zip(disk_before)
        .map(|(after, before)| after.saturating_sub(before))
        .collect::<Vec<_>>();
    let Followed { finals, blocks, latency_ms } = followed;
    Ok(Report {
        hardware: hardware(),
        cores: cores(),
        validators: network.all().len(),
        workload,
        offered_per_s: plan.rate,
        seed: plan.seed,
        seconds,
        blocks,
        taken: ledger.taken(),
        finals,
        refused: fed.refused,
        unanswered: fed.unanswered,
        lost_with_their_node: lost,
        latency_ms_p50: latency_ms.value_at_quantile(0.5) as f64,
        latency_ms_p99: latency_ms.value_at_quantile(0.99) as f64,
        latency_ms_max: latency_ms.max() as f64,
        restarts,
        samples,
        disk_bytes_per_transaction: grown.iter().map(|bytes| *bytes as f64 / finals.max(1) as f64).collect(),
        log: log::warnings(network.all().map(|n| network.log(n)))?,
    })
}

/// Ends and starts nodes until the time is up, looking at what they use meanwhile.
fn disturb(
    network: &mut Network,
    plan: Plan,
    ledger: &Ledger,
    started: Instant,
) -> anyhow::Result<(Vec<Restart>, Vec<Sample>)> {
    let mut choices = Choices(plan.seed ^ 0x5eed);
    let (mut restarts, mut samples) = (Vec::new(), Vec::new());
    let mut watch = Watch { started, samples: &mut samples, ledger };
    while started.elapsed() < plan.time {
        let calm = Duration::from_millis(choices.between(CALM_MS.0, CALM_MS.1));
        watch.pass(network, calm.min(plan.time.saturating_sub(started.elapsed())))?;
        let others = network.all().len() as u64 - 1;
        if others == 0 || started.elapsed() >= plan.time {
            continue;
        }
        let node = 1 + usize::try_from(choices.below(others)).expect("a small number");
        let killed = choices.below(10) < KILLS_OF_TEN;
        let second = started.elapsed().as_secs();
        if killed {
            network.kill(node)?
        } else {
            network.stop(node)?
        }
        watch.pass(network, Duration::from_millis(choices.below(AWAY_MS)))?;
        let (began, target) = (Instant::now(), network.height(0)?);
        network.start_node(node)?;
        let serving_ms = millis(began.elapsed());
        network.until("a node to catch up", |network| Ok(network.height(node)? >= target))?;
        let level_ms = millis(began.elapsed());
        eprintln!(
            "{second} s: node {node} {}, level again after {level_ms} ms",
            if killed { "killed" } else { "stopped" }
        );
        restarts.push(Restart { second, node, killed, serving_ms, level_ms });
    }
    Ok((restarts, samples))
}

/// Looks at what the nodes use while time passes.
struct Watch<'a> {
    started: Instant,
    samples: &'a mut Vec<Sample>,
    ledger: &'a Ledger,
}

impl Watch<'_> {
    fn pass(&mut self, network: &Network, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        loop {
            let next = self.started + SAMPLE_EVERY * u32::try_from(self.samples.len()).expect("few samples");
            if Instant::now() >= next {
                self.sample(network)?;
                continue;
            }
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            std::thread::sleep(next.min(end).saturating_duration_since(now));
        }
    }

    fn sample(&mut self, network: &Network) -> anyhow::Result<()> {
        let running = network.running();
        let memory = |n: usize| match running.contains(&n) {
            true => Usage::of(network, n).map(|usage| usage.memory_bytes as f64 / 1e6),
            false => Ok(0.0),
        };
        let memory_mb = network.all().map(memory).collect::<anyhow::Result<_>>()?;
        let second = self.started.elapsed().as_secs();
        self.samples.push(Sample { second, memory_mb, finals: self.ledger.finals() });
        Ok(())
    }
}

fn disk_of_all(network: &Network) -> anyhow::Result<Vec<u64>> {
    network.all().map(|n| crate::usage::folder_bytes(network.dir(n))).collect()
}

/// Waits until all nodes are level and nothing waits at any of them.
fn until_settled(network: &Network) -> anyhow::Result<()> {
    network.until_level()?;
    network.until("nothing to wait at any node", |network| {
        let waiting = |n| Ok(network.call(n, "node_status", &serde_json::json!([]))?["mempool_transactions"].clone());
        let waiting = network.all().map(waiting).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(waiting.iter().all(|waiting| *waiting == 0))
    })?;
    network.until_level()
}

/// The same hash at the same height on all nodes: each header names its parent and the state's root, so all before it is the same.
fn same_head(network: &Network) -> anyhow::Result<()> {
    let heights = network.all().map(|n| network.height(n)).collect::<anyhow::Result<Vec<_>>>()?;
    let height = heights.into_iter().min().context("a network has a node")?;
    let hash = |n| Ok(network.call(n, "chain_header", &serde_json::json!([height]))?["hash"].clone());
    let hashes = network.all().map(hash).collect::<anyhow::Result<Vec<_>>>()?;
    anyhow::ensure!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "block {height} differs: {hashes:?}");
    Ok(())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Seeded choices (SplitMix64).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "hardware       {} cores, {}", self.cores, self.hardware)?;
        writeln!(
            f,
            "workload       {:?}, validators: {}, all on this machine, seed {}",
            self.workload, self.validators, self.seed
        )?;
        let Self {
            seconds, offered_per_s: rate, blocks, taken, finals, refused, unanswered, lost_with_their_node, ..
        } = self;
        writeln!(
            f,
            "soaked         {seconds:.0} s at {rate} transactions/s: {finals} final of {taken} taken, in {blocks} blocks"
        )?;
        writeln!(
            f,
            "               {refused} refused, {unanswered} not answered, {lost_with_their_node} lost with the node that took them"
        )?;
        writeln!(
            f,
            "latency        p50 {:.0} ms, p99 {:.0} ms, max {:.0} ms",
            self.latency_ms_p50, self.latency_ms_p99, self.latency_ms_max
        )?;
        let kills = self.restarts.iter().filter(|restart| restart.killed).count();
        let worst = |of: fn(&Restart) -> u64| self.restarts.iter().map(of).max().unwrap_or_default();
        let (serving, level) = (worst(|restart| restart.serving_ms), worst(|restart| restart.level_ms));
        writeln!(
            f,
            "restarts       {} ({kills} after a kill); longest until serving {serving} ms, until level {level} ms",
            self.restarts.len()
        )?;
        writeln!(f, "disk           {} bytes per transaction (each node)", listed(&self.disk_bytes_per_transaction))?;
        let step = self.samples.len().div_ceil(SAMPLES_SHOWN).max(1);
        for sample in self.samples.iter().step_by(step) {
            writeln!(
                f,
                "memory         {:>6} s  {} MB, {} final",
                sample.second,
                listed(&sample.memory_mb),
                sample.finals
            )?;
        }
        write!(f, "log            {} distinct warnings and errors", self.log.len())?;
        self.log.iter().try_for_each(|(line, count)| write!(f, "\n{count:>8} x     {line}"))
    }
}
