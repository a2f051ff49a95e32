//! The report: for people on the terminal, for programs as JSON.
use crate::load::Measured;
use crate::usage::Usage;
use crate::workload::Workload;
use serde::Serialize;
use std::fmt;

/// All figures of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    hardware: String,
    cores: usize,
    validators: usize,
    workload: Workload,
    offered_per_s: Option<u32>,
    seconds: f64,
    transactions: u64,
    refused: u64,
    blocks: usize,
    throughput_per_s: f64,
    latency_ms_p50: f64,
    latency_ms_p90: f64,
    latency_ms_p99: f64,
    latency_ms_max: f64,
    /// Of all nodes together.
    cpu_ms_per_transaction: f64,
    /// Of each node.
    memory_mb_before: Vec<f64>,
    memory_mb_after: Vec<f64>,
    transaction_bytes: f64,
    /// Of each node.
    disk_bytes_per_transaction: Vec<f64>,
}

impl Report {
    /// From what was measured, and each node's usage before and after.
    pub fn new(workload: Workload, rate: Option<u32>, measured: &Measured, before: &[Usage], after: &[Usage]) -> Self {
        let count = measured.finals.max(1) as f64;
        let quantile = |q| measured.latency_us.value_at_quantile(q) as f64 / 1000.0;
        let cpu_s = |usages: &[Usage]| usages.iter().map(|usage| usage.cpu_s).sum::<f64>();
        let memory_mb = |usages: &[Usage]| usages.iter().map(|usage| usage.memory_bytes as f64 / 1e6).collect();
        let grown = |(before, after): (&Usage, &Usage)| after.disk_bytes.saturating_sub(before.disk_bytes) as f64;
        Self {
            hardware: hardware(),
            cores: cores(),
            validators: after.len(),
            workload,
            offered_per_s: rate,
            seconds: measured.elapsed.as_secs_f64(),
            transactions: measured.finals,
            refused: measured.refused,
            blocks: measured.blocks.len(),
            throughput_per_s: measured.throughput(),
            latency_ms_p50: quantile(0.5),
            latency_ms_p90: quantile(0.9),
            latency_ms_p99: quantile(0.99),
            latency_ms_max: measured.latency_us.max() as f64 / 1000.0,
            cpu_ms_per_transaction: (cpu_s(after) - cpu_s(before)) * 1000.0 / count,
            memory_mb_before: memory_mb(before),
            memory_mb_after: memory_mb(after),
            transaction_bytes: measured.bytes as f64 / count,
            disk_bytes_per_transaction: before.iter().zip(after).map(grown).map(|bytes| bytes / count).collect(),
        }
    }
}

/// Cores this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

/// `a / b / c`, without digits after the point.
pub fn listed(figures: &[f64]) -> String {
    figures.iter().map(|figure| format!("{figure:.0}")).collect::<Vec<_>>().join(" / ")
}

/// The processor's name.
pub fn hardware() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown processor".into(), |(_, name)| name.trim().to_string())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "hardware       {} cores, {}", self.cores, self.hardware)?;
        writeln!(f, "workload       {:?}, validators: {}, all on this machine", self.workload, self.validators)?;
        writeln!(
            f,
            "measured       {:.1} s, {} transactions in {} blocks, {} refused",
            self.seconds, self.transactions, self.blocks, self.refused
        )?;
        writeln!(f, "throughput     {:.0} transactions/s", self.throughput_per_s)?;
        writeln!(
            f,
            "latency        p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
            self.latency_ms_p50, self.latency_ms_p90, self.latency_ms_p99, self.latency_ms_max
        )?;
        writeln!(f, "CPU            {:.3} ms per transaction (all nodes)", self.cpu_ms_per_transaction)?;
        let (before, after) = (listed(&self.memory_mb_before), listed(&self.memory_mb_after));
        writeln!(f, "memory         {before} MB before, {after} MB after (each node)")?;
        let disk = listed(&self.disk_bytes_per_transaction);
        write!(f, "disk           {disk} bytes per transaction of {:.0} bytes (each node)", self.transaction_bytes)
    }
}
