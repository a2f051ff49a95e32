//! Validators whose clocks are wrong.
use crate::{SOME, WORKERS, four};
use countersign_harness::Network;

/// Setting of a node's clock.
const OFFSET: &str = "COUNTERSIGN_CLOCK_OFFSET_MS";
/// Blocks others find wrong.
const REFUSED: &str = "countersign_proposals_refused_total";
/// A minute: far more than a block's time may be ahead.
const MINUTE_MS: &str = "60000";

fn with_clock(network: &mut Network, n: usize, offset_ms: &str) -> anyhow::Result<()> {
    network.stop(n)?;
    network.set(n, OFFSET, offset_ms);
    network.start_node(n)
}

#[test]
fn blocks_of_a_clock_ahead_are_refused_and_the_chain_goes_on() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    with_clock(&mut network, 3, MINUTE_MS)?;
    network.until("a block from the future to be refused by the others", |network| {
        let refused = (0..3).map(|n| network.metric(n, REFUSED)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(refused.iter().all(|refused| *refused > 0.0))
    })?;
    load.until_finals(SOME)?;
    network.until_level()?;
    // Right again, it proposes blocks that are taken: three of four could not go on without it.
    with_clock(&mut network, 3, "0")?;
    network.kill(0)?;
    load.until_finals(SOME)?;
    network.start_node(0)?;
    load.end();
    network.verdict()
}

#[test]
fn a_clock_behind_follows_though_it_does_not_vote() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    with_clock(&mut network, 3, &format!("-{MINUTE_MS}"))?;
    network.until("the node to find blocks of the others from its future", |network| {
        Ok(network.metric(3, REFUSED)? > 0.0)
    })?;
    load.until_finals(SOME)?;
    network.until_grown(3, 5)?;
    with_clock(&mut network, 3, "0")?;
    network.kill(0)?;
    load.until_finals(SOME)?;
    network.start_node(0)?;
    load.end();
    network.verdict()
}

#[test]
fn clocks_a_second_apart_are_no_matter() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    with_clock(&mut network, 2, "1000")?;
    with_clock(&mut network, 3, "-500")?;
    load.until_finals(2 * SOME)?;
    load.end();
    network.verdict()
}
