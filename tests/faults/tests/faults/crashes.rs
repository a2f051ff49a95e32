//! Nodes that end, are paused, and come back.
use crate::{SOME, WORKERS, four, until_halted};
use countersign_harness::Network;

/// Rounds of ending all nodes at once.
const ROUNDS: usize = 12;

#[test]
fn one_of_four_may_be_down() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    for n in network.all() {
        network.kill(n)?;
        load.until_finals(SOME)?;
        network.start_node(n)?;
        network.until_level()?;
    }
    load.end();
    network.verdict()
}

#[test]
fn two_of_four_down_halt_the_network_until_one_is_back() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    network.kill(0)?;
    network.kill(1)?;
    until_halted(&network, 2)?;
    until_halted(&network, 3)?;
    network.start_node(0)?;
    load.until_finals(SOME)?;
    network.start_node(1)?;
    load.end();
    network.verdict()
}

#[test]
fn all_are_restarted_one_after_the_other_under_load() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    for n in network.all() {
        load.until_finals(SOME)?;
        network.stop(n)?;
        network.start_node(n)?;
        network.until_level()?;
    }
    load.until_finals(SOME)?;
    load.end();
    network.verdict()
}

#[test]
fn all_killed_at_once_twelve_times_lose_nothing() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    for _ in 0..ROUNDS {
        let load = network.load(WORKERS);
        load.until_finals(SOME / 2)?;
        network.restart_all()?;
        load.end();
        network.verdict()?;
    }
    Ok(())
}

#[test]
fn a_paused_validator_is_done_without_and_catches_up() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    network.pause(3)?;
    load.until_finals(SOME)?;
    network.resume(3)?;
    network.until_level()?;

    // Two paused halt it; it goes on by itself when one is back.
    network.pause(2)?;
    network.pause(3)?;
    until_halted(&network, 0)?;
    network.resume(2)?;
    load.until_finals(SOME)?;
    network.resume(3)?;
    load.end();
    network.verdict()
}
