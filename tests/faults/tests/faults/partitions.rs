//! Links between nodes that are cut, slow, silent or broken.
use crate::{SOME, WORKERS, four, until_halted};
use countersign_harness::{Condition, Network, Plan};
use std::time::Duration;

#[test]
fn halves_parted_from_each_other_halt_and_go_on_when_healed() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    network.cut(&[0, 1], &[2, 3]);
    for n in network.all() {
        until_halted(&network, n)?;
    }
    network.heal();
    load.until_finals(SOME)?;
    load.end();
    network.verdict()
}

#[test]
fn one_parted_from_three_halts_alone_and_catches_up_when_healed() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    network.cut(&[0, 1, 2], &[3]);
    until_halted(&network, 3)?;
    let alone = network.height(3)?;
    network.until_grown(0, 3)?;
    anyhow::ensure!(network.height(3)? == alone, "a node alone made a block");
    network.heal();
    network.until_level()?;
    load.until_finals(SOME)?;
    load.end();
    network.verdict()
}

#[test]
fn links_of_200_ms_slow_the_network_down_and_no_more() -> anyhow::Result<()> {
    // The default timeouts, which such links exceed at first.
    let mut network = Network::start(Plan::of(4))?;
    network.condition_of_all(Condition::Delayed(Duration::from_millis(200)));
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    network.heal();
    load.end();
    network.verdict()
}

#[test]
fn a_node_behind_silent_links_is_done_without() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    network.condition(&[3], &[0, 1, 2], Condition::Stalled);
    until_halted(&network, 3)?;
    load.until_finals(SOME)?;
    network.heal();
    network.until_level()?;
    load.end();
    network.verdict()
}

#[test]
fn a_node_behind_a_thin_link_keeps_up_or_catches_up() -> anyhow::Result<()> {
    const BYTES_PER_SECOND: u32 = 32 * 1024;
    let mut network = Network::start(four())?;
    network.condition(&[3], &[0, 1, 2], Condition::Slow { bytes_per_second: BYTES_PER_SECOND });
    let load = network.load(WORKERS);
    load.until_finals(2 * SOME)?;
    network.heal();
    network.until_level()?;
    load.end();
    network.verdict()
}

#[test]
fn broken_connections_are_made_again() -> anyhow::Result<()> {
    const TIMES: usize = 6;
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    let all: Vec<usize> = network.all().collect();
    for _ in 0..TIMES {
        load.until_finals(SOME / 2)?;
        network.reset(&all, &all);
    }
    load.until_finals(SOME)?;
    load.end();
    network.verdict()
}
