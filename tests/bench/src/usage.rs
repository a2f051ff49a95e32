//! What the nodes' processes and folders use, read from the operating system.
use anyhow::Context as _;
use countersign_harness::Network;
use std::path::Path;

/// Clock ticks per second in `/proc/<pid>/stat`; 100 on every Linux of today.
const TICKS_PER_SECOND: f64 = 100.0;

/// Usage of one node at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// CPU seconds since its start, user and system.
    pub cpu_s: f64,
    /// Resident memory.
    pub memory_bytes: u64,
    /// Bytes of the files in its folder.
    pub disk_bytes: u64,
}

impl Usage {
    /// Of each node that runs, now.
    pub fn of_all(network: &Network) -> anyhow::Result<Vec<Self>> {
        network.running().into_iter().map(|n| Self::of(network, n)).collect()
    }

    /// Of a node that runs.
    pub fn of(network: &Network, n: usize) -> anyhow::Result<Self> {
        let process = format!("/proc/{}", network.node(n).pid());
        let stat = std::fs::read_to_string(format!("{process}/stat"))?;
        let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
        let ticks: f64 =
            fields.get(11).context("utime")?.parse::<f64>()? + fields.get(12).context("stime")?.parse::<f64>()?;
        let status = std::fs::read_to_string(format!("{process}/status"))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .with_context(|| format!("node {n} has ended by itself; {} says why", network.log(n).display()))?;
        let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse()?;
        Ok(Self {
            cpu_s: ticks / TICKS_PER_SECOND,
            memory_bytes: kilobytes * 1024,
            disk_bytes: folder_bytes(network.dir(n))?,
        })
    }
}

/// Bytes allocated to the files under `folder`. What is deleted meanwhile counts nothing.
pub fn folder_bytes(folder: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else { continue };
        sum += if metadata.is_dir() { folder_bytes(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(sum)
}
