//! Validators that contradict themselves.
use crate::{SOME, WORKERS, four};
use countersign_harness::{Network, validator};
use serde_json::json;

/// The most common way to lie: the same key on two machines. Each is honest by itself; together they propose different blocks and
/// vote for nothing and something.
#[test]
fn a_key_on_two_machines_is_shown_on_the_ledger_and_does_no_harm() -> anyhow::Result<()> {
    let mut network = Network::start(four().and_node(Some(validator(4))))?;
    let load = network.load(WORKERS);
    for n in network.all() {
        network.until("the contradiction to stand on the ledger", |network| {
            let filter = json!({ "module": "governance", "name": "Equivocated" });
            let events = network.call(n, "events_history", &json!([filter, null, 10]))?;
            Ok(events["items"].as_array().is_some_and(|events| !events.is_empty()))
        })?;
    }
    load.until_finals(SOME)?;
    network.stop(4)?;
    load.until_finals(SOME)?;
    network.start_node(4)?;
    load.end();
    network.verdict()
}
