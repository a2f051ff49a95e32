//! The council changes who votes while people pay.
use crate::{SOME, WORKERS, four};
use countersign_harness::{COUNCIL, Network, Person, validator};
use countersign_interface::Method as _;
use countersign_interface::governance::{RemoveValidator, SetValidator};
use countersign_types::signature::{development_secret, public_key};
use countersign_types::{AccountId, Call, PublicKey};
use serde_json::json;

/// No timeout of a chain of [`four`] is longer, and a round has three: for the proposal and for each of two votes.
const LONGEST_ROUND_MS: u64 = 3 * 1_500;

fn key(n: usize) -> PublicKey {
    public_key(&development_secret(&validator(n)))
}

/// Has two of the council sign a call, and waits until it took effect.
fn govern(network: &Network, call: impl FnOnce(&[AccountId]) -> Call) -> anyhow::Result<()> {
    let signers = [Person::named(COUNCIL[0]), Person::named(COUNCIL[1])];
    let accounts = signers.map(|signer| signer.account);
    network.decide(call(&accounts), &signers)
}

/// The longest time between two blocks after `from`, in milliseconds of their own clocks.
fn longest_pause(network: &Network, from: u64) -> anyhow::Result<u64> {
    let times = (from..=network.height(0)?).map(|height| {
        let header = network.call(0, "chain_header", &json!([height]))?;
        header["time_ms"].as_u64().ok_or_else(|| anyhow::anyhow!("a header has a time"))
    });
    let times = times.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default())
}

#[test]
fn four_validators_become_five_and_four_again_without_a_pause() -> anyhow::Result<()> {
    let mut network = Network::start(four().and_node(Some(validator(5))))?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    let from = network.height(0)?;
    govern(&network, |council| SetValidator { key: key(5), power: 1 }.call(council))?;
    load.until_finals(SOME)?;
    govern(&network, |council| RemoveValidator { key: key(5) }.call(council))?;
    load.until_finals(SOME)?;
    let pause = longest_pause(&network, from)?;
    anyhow::ensure!(pause <= LONGEST_ROUND_MS, "no block for {pause} ms while validators changed");

    // Once more, and this time the fifth is needed: four of five decide, three do not.
    govern(&network, |council| SetValidator { key: key(5), power: 1 }.call(council))?;
    load.until_finals(SOME)?;
    network.kill(1)?;
    load.until_finals(SOME)?;
    network.start_node(1)?;
    network.until_level()?;
    // And then it is not: three of four decide.
    govern(&network, |council| RemoveValidator { key: key(5) }.call(council))?;
    load.until_finals(SOME)?;
    network.stop(4)?;
    network.kill(1)?;
    load.until_finals(SOME)?;
    network.start_all()?;
    network.until_level()?;
    load.end();
    network.verdict()
}
