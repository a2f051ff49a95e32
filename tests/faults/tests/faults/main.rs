//! Networks of real nodes through every fault the design names. Each script ends with the verdict: all nodes have the same blocks,
//! receipts and state; no payment that was called final is lost, nor one that a node took and kept; none ran twice; the supply is
//! what it was. Scripts wait for conditions, never for a time, and are never run again after a failure.
mod babbler;
mod clocks;
mod council;
mod crashes;
mod disks;
mod liar;
mod liars;
mod partitions;

use countersign_harness::{Network, Plan};
use serde_json::json;

/// Payers at a time.
const WORKERS: usize = 4;
/// Payments that show that a network works.
const SOME: u64 = 20;
/// Setting by which a node only follows.
const VALIDATOR_KEY: &str = "COUNTERSIGN_VALIDATOR_KEY";

/// Four validators whose rounds stay short after an outage, so that scripts do not wait for long ones.
fn four() -> Plan {
    Plan::of(4).param("timeout_ms_max", 1_500)
}

/// Waits until a node tells that the network has halted for want of validators, with payments waiting and no block for much longer
/// than any round, and checks that no block was made meanwhile.
fn until_halted(network: &Network, n: usize) -> anyhow::Result<()> {
    const MUCH_LONGER_MS: u64 = 6_000;
    let mut height = 0;
    network.until("a node to tell that validators are missing", |network| {
        let explained = network.call(n, "consensus_explain", &json!([]))?;
        let waited = explained["waiting_ms"].as_u64().unwrap_or_default();
        height = explained["height"].as_u64().unwrap_or_default();
        let words = explained["words"].to_string();
        Ok(explained["is_normal"] == false && waited > MUCH_LONGER_MS && words.contains("must take part, and do not"))
    })?;
    let waiting = network.call(n, "node_status", &json!([]))?["mempool_transactions"].as_u64();
    anyhow::ensure!(waiting > Some(0), "payments wait at a node that cannot go on: {waiting:?}");
    anyhow::ensure!(network.height(n)? + 1 == height, "node {n} made block {height} after it halted");
    Ok(())
}
