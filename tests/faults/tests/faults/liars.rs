//! Validators that lie, and peers that talk nonsense.
use crate::babbler::{Babbler, Nonsense};
use crate::liar::{LIES, Liar, Lie};
use crate::{SOME, VALIDATOR_KEY, WORKERS, four};
use anyhow::Context as _;
use countersign_harness::{Network, validator};
use countersign_types::Evidence;
use countersign_types::limits::TRANSACTION_BYTES_MAX;
use countersign_types::signature::{development_secret, public_key};
use parity_scale_codec::DecodeAll as _;
use serde_json::json;
use std::io::Write as _;

/// The least size of a block that a chain may choose.
const LEAST_BLOCK_BYTES: u64 = TRANSACTION_BYTES_MAX as u64;

/// The most common way to lie: the same key on two machines. Each is honest by itself; together they propose different blocks and
/// vote for nothing and something.
#[test]
fn a_key_on_two_machines_is_shown_on_the_ledger_and_does_no_harm() -> anyhow::Result<()> {
    let mut network = Network::start(four().and_node(Some(validator(4))))?;
    let load = network.load(WORKERS);
    for n in network.all() {
        network.until("the contradiction to stand on the ledger", |network| Ok(!evidence(network, n)?.is_empty()))?;
    }
    let key = public_key(&development_secret(&validator(4)));
    for n in network.all() {
        for found in evidence(&network, n)? {
            anyhow::ensure!(found.validator() == key, "node {n} lists an honest validator: {found:?}");
            anyhow::ensure!(found.is_valid(&network.chain()), "node {n} lists what proves nothing: {found:?}");
        }
    }
    load.until_finals(SOME)?;
    network.stop(4)?;
    load.until_finals(SOME)?;
    // Its log may hold what its twin signed, and then it rightly votes no more: it comes back without the key.
    network.wipe(4)?;
    network.set(4, VALIDATOR_KEY, "");
    network.start_node(4)?;
    load.end();
    network.verdict()
}

/// What a node lists for the council.
fn evidence(network: &Network, n: usize) -> anyhow::Result<Vec<Evidence>> {
    let listed = network.call(n, "evidence_list", &json!([null, null]))?;
    let decoded = listed["items"].as_array().into_iter().flatten().map(|item| {
        let bytes = item["evidence"].as_str().and_then(|text| hex::decode(text.strip_prefix("0x")?).ok());
        Ok(Evidence::decode_all(&mut &bytes.context("evidence is bytes")?[..])?)
    });
    decoded.collect()
}

/// A validator that proposes nothing but blocks that break a rule: each is refused, its round passes, and the chain goes on.
#[test]
fn blocks_that_break_a_rule_are_refused_and_the_chain_goes_on() -> anyhow::Result<()> {
    const LIAR: usize = 3;
    let mut network = Network::start(four().param("block_bytes_max", LEAST_BLOCK_BYTES))?;
    network.kill(LIAR)?;
    network.wipe(LIAR)?;
    network.expect_repeats();
    let liar = Liar::start(&network, LIAR)?;
    let load = network.load(WORKERS);
    network.until("every lie to be told, and its height to be over", |network| {
        let (told, height) = (liar.told(), network.height(0)?);
        let is_over = |lie: &Lie| told.iter().any(|told| told.lie == *lie && told.height.get() < height);
        Ok(LIES.iter().all(is_over))
    })?;
    load.until_finals(SOME)?;
    for told in liar.told() {
        let Ok(header) = network.call(0, "chain_header", &json!([told.height.get()])) else { continue };
        let was_decided =
            header["hash"] == countersign_types::text::encode(countersign_types::text::BLOCK, &told.hash.0);
        anyhow::ensure!(told.lie == Lie::Replay || !was_decided, "block {} stands: {told:?}", told.height);
    }
    for n in network.running() {
        let refused = network.metric(n, "countersign_proposals_refused_total")?;
        anyhow::ensure!(refused >= LIES.len() as f64 - 1.0, "node {n} refused {refused} blocks");
    }
    drop(liar);
    load.end();
    network.verdict()?;
    network.start_node(LIAR)?;
    network.verdict()
}

/// A peer on everybody's list that writes arbitrary bytes wherever it can, and a stranger that writes them to the port.
#[test]
fn a_peer_that_talks_nonsense_loses_its_place_and_the_chain_goes_on() -> anyhow::Result<()> {
    const BABBLER: usize = 4;
    let mut network = Network::start(four().and_node(None))?;
    network.stop(BABBLER)?;
    let load = network.load(WORKERS);
    load.until_finals(SOME)?;
    let babbler = Babbler::start(&network, BABBLER)?;
    network.until("every node to close its connection with the babbler", |_| Ok(babbler.is_cast_out()))?;
    let mut nonsense = Nonsense(2);
    for n in network.running() {
        let mut stranger = std::net::TcpStream::connect(network.listen_address(n))?;
        // The node may close it before all is written.
        let _ = (0..16).try_for_each(|_| stranger.write_all(&nonsense.piece()));
    }
    load.until_finals(SOME)?;
    drop(babbler);
    load.end();
    network.verdict()?;
    for n in network.running() {
        let log = std::fs::read_to_string(network.log(n))?;
        anyhow::ensure!(!log.contains("panicked"), "node {n} panicked:\n{log}");
    }
    Ok(())
}
