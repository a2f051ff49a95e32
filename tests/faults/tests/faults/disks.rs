//! Disks that are lost or full.
use crate::{SOME, VALIDATOR_KEY, WORKERS, four, until_halted};
use countersign_harness::{Load, Network};
use serde_json::json;
use std::fs;

/// Exit code of a node that is to be started again.
const EXIT_FAILURE: i32 = 1;
/// Exit code of a node whose storage failed.
const EXIT_STORAGE: i32 = 4;
/// Bytes of the small disk: the node's files and some seconds of blocks. The index keeps an empty journal of 64 MiB, a hole that
/// takes room once it is copied.
const DISK_BYTES: u64 = 192 << 20;

/// What an operator must do: a validator that has lost its disk has forgotten what it signed, so it follows without its key until the
/// chain has a block above those it may have voted on, and votes again after that.
#[test]
fn a_validator_whose_disk_is_lost_comes_back_without_contradicting_itself() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    network.kill(3)?;
    network.wipe(3)?;
    // It may have voted on the block after the newest one anybody has.
    let voted = network.running().iter().map(|n| network.height(*n)).max_by_key(|h| h.as_ref().ok().copied());
    let voted = voted.transpose()?.unwrap_or_default() + 1;
    network.set(3, VALIDATOR_KEY, "");
    network.start_node(3)?;
    network.until("the node to be past what it voted on", |network| Ok(network.height(3)? > voted))?;
    network.stop(3)?;
    network.unset(3, VALIDATOR_KEY);
    votes_again(&mut network, load)?;
    nobody_contradicted_itself(&network)
}

/// Starts the last node, sees that the others cannot do without it, and ends with the verdict.
fn votes_again(network: &mut Network, load: Load) -> anyhow::Result<()> {
    network.start_node(3)?;
    network.until_level()?;
    // Without it the other two could not go on.
    network.kill(0)?;
    load.until_finals(SOME)?;
    network.start_node(0)?;
    load.end();
    network.verdict()
}

fn nobody_contradicted_itself(network: &Network) -> anyhow::Result<()> {
    for n in network.all() {
        let evidence = network.call(n, "evidence_list", &json!([null, null]))?;
        anyhow::ensure!(evidence["items"] == json!([]), "node {n} saw a validator contradict itself: {evidence}");
    }
    Ok(())
}

/// The last line of a node's log.
fn last_words(network: &Network, n: usize) -> anyhow::Result<String> {
    Ok(fs::read_to_string(network.log(n))?.lines().last().unwrap_or_default().to_owned())
}

/// Only its votes are lost: by what it keeps beside its key it knows, and does by itself what the operator had to do above.
#[test]
fn a_validator_whose_votes_are_lost_follows_until_they_do_not_matter() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    // Two validators vote at a height, and cannot decide it.
    network.kill(0)?;
    network.kill(1)?;
    until_halted(&network, 3)?;
    let open = format!(" {:020} kept", network.height(3)? + 1);
    let voted = network.dir(3).join("validator.voted");
    network.until("the node to have voted", |_| Ok(fs::read_to_string(&voted)?.contains(&open)))?;
    network.kill(3)?;
    fs::remove_dir_all(network.dir(3).join("consensus"))?;

    // However often it is started.
    for _ in 0..3 {
        network.start_node(3)?;
        let status = network.call(3, "node_status", &json!([]))?;
        anyhow::ensure!(status["validator"].is_null(), "it does not vote: {status}");
        network.kill(3)?;
    }
    network.start_node(3)?;
    network.start_node(0)?;
    network.start_node(1)?;
    let status = network.exits(3)?;
    anyhow::ensure!(status.code() == Some(EXIT_FAILURE), "a node that may vote again exits with {status}");
    let last = last_words(&network, 3)?;
    anyhow::ensure!(last.starts_with("error: ") && last.contains("start the node again"), "it says why: {last}");

    votes_again(&mut network, load)?;
    nobody_contradicted_itself(&network)
}

#[test]
fn a_node_whose_disk_is_full_stops_and_comes_back_when_there_is_room() -> anyhow::Result<()> {
    let mut network = Network::start(four())?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    network.stop(3)?;
    network.move_to_small_disk(3, DISK_BYTES)?;
    network.start_node(3)?;
    network.until_level()?;

    let status = network.fill_disk(3)?;
    anyhow::ensure!(status.code() == Some(EXIT_STORAGE), "a node without room exits with {status}");
    let last = last_words(&network, 3)?;
    anyhow::ensure!(last.starts_with("error: ") && last.contains("disk"), "the last line says why: {last}");
    load.until_finals(SOME)?;

    network.disk(3).free()?;
    votes_again(&mut network, load)?;
    anyhow::ensure!(network.call(3, "node_status", &json!([]))?["validator"].is_string(), "it votes");
    Ok(())
}
