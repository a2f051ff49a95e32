//! Figures of the running node, in Prometheus' text format. What other parts measure themselves is appended.
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Pages of a process' memory, in bytes, as `/proc/self/statm` counts them on the platforms we build for.
const PAGE_BYTES: i64 = 4096;

/// The node's figures. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Newest executed block.
    pub height: Gauge,
    /// Height whose state is on disk.
    pub checkpoint_height: Gauge,
    /// Transactions in executed blocks.
    pub transactions: Counter,
    /// Those whose effects were undone or never began.
    pub transactions_failed: Counter,
    /// Jobs the ledger ran by itself.
    pub jobs: Counter,
    /// Events left behind.
    pub events: Counter,
    /// Peers that may connect.
    pub peers_listed: Gauge,
    /// Those that are connected.
    pub peers_connected: Gauge,
    /// Time between blocks, by their own clock.
    pub block_interval: Histogram,
    /// Time to execute a block and compute its root.
    pub execution: Histogram,
    /// Time to write a checkpoint.
    pub checkpoint: Histogram,
    /// Transactions waiting.
    pub mempool_transactions: Gauge,
    /// Their bytes.
    pub mempool_bytes: Gauge,
    /// Transactions whose signatures were verified: each once, whichever way and how often it came.
    pub verified: Counter,
    /// Transactions taken into the mempool.
    pub admitted: Counter,
    /// Transactions refused at the door.
    pub refused: Counter,
    /// Waiting transactions that had to make room.
    pub displaced: Counter,
    /// Waiting transactions that expired.
    pub expired: Counter,
    /// Signatures in one verified batch.
    pub batch_signatures: Histogram,
    /// Proposals of others found wrong.
    pub proposals_refused: Counter,
    /// RPC calls answered with an error.
    pub rpc_errors: Counter<u64, AtomicU64>,
    /// RPC calls.
    pub rpc_calls: Counter<u64, AtomicU64>,
    /// Subscribers dropped because they read too slowly.
    pub subscribers_dropped: Counter,
    memory: Gauge,
    registry: std::sync::Arc<Registry>,
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_5, 2.0, 16))
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Figures that start at nothing.
    pub fn new() -> Self {
        let mut metrics = Self {
            height: Gauge::default(),
            checkpoint_height: Gauge::default(),
            transactions: Counter::default(),
            transactions_failed: Counter::default(),
            jobs: Counter::default(),
            events: Counter::default(),
            peers_listed: Gauge::default(),
            peers_connected: Gauge::default(),
            block_interval: Histogram::new(exponential_buckets(0.005, 2.0, 16)),
            execution: seconds(),
            checkpoint: seconds(),
            mempool_transactions: Gauge::default(),
            mempool_bytes: Gauge::default(),
            verified: Counter::default(),
            admitted: Counter::default(),
            refused: Counter::default(),
            displaced: Counter::default(),
            expired: Counter::default(),
            batch_signatures: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            proposals_refused: Counter::default(),
            rpc_errors: Counter::default(),
            rpc_calls: Counter::default(),
            subscribers_dropped: Counter::default(),
            memory: Gauge::default(),
            registry: std::sync::Arc::new(Registry::default()),
        };
        metrics.registry = std::sync::Arc::new(metrics.registered());
        metrics
    }

    fn registered(&self) -> Registry {
        let mut registry = Registry::with_prefix("countersign");
        let r = &mut registry;
        r.register("height", "Newest executed block", self.height.clone());
        r.register("checkpoint_height", "Height whose state is on disk", self.checkpoint_height.clone());
        r.register("transactions", "Transactions in executed blocks", self.transactions.clone());
        r.register("transactions_failed", "Transactions without effect", self.transactions_failed.clone());
        r.register("jobs", "Jobs run by the ledger itself", self.jobs.clone());
        r.register("events", "Events left behind", self.events.clone());
        r.register("peers_listed", "Peers that may connect", self.peers_listed.clone());
        r.register("peers_connected", "Peers that are connected", self.peers_connected.clone());
        r.register_with_unit("block_interval", "Between blocks", Unit::Seconds, self.block_interval.clone());
        r.register_with_unit("execution", "To execute a block", Unit::Seconds, self.execution.clone());
        r.register_with_unit("checkpoint", "To write a checkpoint", Unit::Seconds, self.checkpoint.clone());
        r.register("mempool_transactions", "Transactions waiting", self.mempool_transactions.clone());
        r.register_with_unit("mempool", "Waiting transactions", Unit::Bytes, self.mempool_bytes.clone());
        r.register("verified", "Transactions whose signatures were verified", self.verified.clone());
        r.register("admitted", "Transactions taken into the mempool", self.admitted.clone());
        r.register("refused", "Transactions refused at the door", self.refused.clone());
        r.register("displaced", "Waiting transactions that made room", self.displaced.clone());
        r.register("expired", "Waiting transactions that expired", self.expired.clone());
        r.register("batch_signatures", "Signatures in one batch", self.batch_signatures.clone());
        r.register("proposals_refused", "Proposals found wrong", self.proposals_refused.clone());
        r.register("rpc_calls", "RPC calls", self.rpc_calls.clone());
        r.register("rpc_errors", "RPC calls answered with an error", self.rpc_errors.clone());
        r.register("subscribers_dropped", "Subscribers too slow to keep", self.subscribers_dropped.clone());
        r.register_with_unit("memory", "Resident memory", Unit::Bytes, self.memory.clone());
        registry
    }

    /// The text, with those of `others` (what parts of the node measure themselves) after it.
    pub fn text(&self, others: &[String]) -> String {
        self.memory.set(resident_bytes().unwrap_or(0));
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing into a String cannot fail");
        // One exposition has one end mark, after everything.
        let all = std::iter::once(&text).chain(others);
        let bare: String = all.map(|text| text.trim_end().trim_end_matches("# EOF")).collect();
        format!("{bare}# EOF\n")
    }
}

/// Resident memory of this process; `None` where the system does not tell.
pub fn resident_bytes() -> Option<i64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: i64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}

/// A duration as the histograms take it.
pub fn observe(histogram: &Histogram, duration: Duration) {
    histogram.observe(duration.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_every_figure_and_one_end_mark() {
        let metrics = Metrics::new();
        metrics.height.set(7);
        let text = metrics.text(&["engine_rounds 3\n# EOF\n".into(), String::new(), "relay_up 1\n# EOF\n".into()]);
        assert!(text.contains("countersign_height 7\n"), "{text}");
        assert!(text.contains("engine_rounds 3\n") && text.contains("relay_up 1\n"));
        assert_eq!(text.matches("# EOF").count(), 1);
        assert!(resident_bytes().is_none_or(|bytes| bytes > 0));
    }
}
