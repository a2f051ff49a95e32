//! What must hold after every fault.
use crate::load::{Book, Payment};
use crate::{COUNCIL, Person, Plan, Rpc, wait_for};
use anyhow::{Context as _, ensure};
use countersign_types::Block;
use serde_json::{Value, json};
use std::collections::HashMap;

/// A node that is asked, by its number.
struct Asked {
    n: usize,
    rpc: Rpc,
}

impl Asked {
    fn call(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        self.rpc.call(method, params).with_context(|| format!("node {}: {method}", self.n))
    }
}

/// Checks the nodes, given by number and address, against the book. `losses` says how often each has lost what was not on disk;
/// blocks up to `checked` were compared before; a transaction may stand in several if there are `repeats`. Returns the height up to which they are compared now.
pub(crate) fn check(
    nodes: &[(usize, &str)],
    book: &Book,
    losses: &[u32],
    plan: &Plan,
    (checked, repeats): (u64, bool),
) -> anyhow::Result<u64> {
    let mut nodes: Vec<Asked> = nodes.iter().map(|(n, address)| Asked { n: *n, rpc: Rpc::new(address) }).collect();
    ensure!(book.refused.is_empty(), "refused: {:?}", book.refused);
    let height = until_quiet(&mut nodes)?;
    same_blocks(&mut nodes, checked + 1..=height, repeats)?;
    let mut expected: Vec<u128> = vec![crate::BALANCE; book.people.len()];
    for payment in &book.payments {
        if took_effect(&mut nodes, payment, losses)? {
            expected[payment.from] -= payment.amount;
            expected[payment.to] += payment.amount;
        }
    }
    same_balances(&mut nodes, &book.people, &expected, plan)?;
    Ok(height)
}

/// Waits until nothing waits anywhere and all have the same newest block; gives its height.
fn until_quiet(nodes: &mut [Asked]) -> anyhow::Result<u64> {
    let mut last = Vec::new();
    let quiet = wait_for("all nodes to have nothing waiting and the same newest block", || {
        last.clear();
        for node in nodes.iter_mut() {
            let (head, status) =
                (node.call("chain_head", &json!([])).ok()?, node.call("node_status", &json!([])).ok()?);
            last.push((
                head["height"].clone(),
                head["hash"].clone(),
                head["state_root"].clone(),
                status["mempool_transactions"].clone(),
            ));
        }
        let same = last.windows(2).all(|pair| pair[0] == pair[1]);
        (same && last.iter().all(|(.., waiting)| *waiting == 0)).then(|| last[0].0.as_u64())
    });
    match quiet {
        Ok(height) => height.context("a head has a height"),
        Err(error) => Err(error.context(format!("heads, state roots and what waits: {last:?}"))),
    }
}

/// Headers, which name the state's roots, and the transactions in blocks.
fn same_blocks(nodes: &mut [Asked], heights: std::ops::RangeInclusive<u64>, repeats: bool) -> anyhow::Result<()> {
    let mut places = HashMap::new();
    for at in heights {
        let mut first: Option<Value> = None;
        for node in nodes.iter_mut() {
            let found = node.call("chain_header", &json!([at]))?;
            // Certificates may differ: any two thirds of the signatures make one.
            let found = json!([found["hash"], found["header"], found["validators"]]);
            let expected = first.get_or_insert_with(|| found.clone());
            ensure!(*expected == found, "header {at} differs on node {}: {found} instead of {expected}", node.n);
        }
        let bytes = nodes[0].call("chain_block", &json!([at]))?;
        let bytes =
            bytes.as_str().and_then(|text| hex::decode(text.strip_prefix("0x")?).ok()).context("a block is bytes")?;
        for transaction in &Block::from_bytes(&bytes)?.transactions {
            let id = transaction.transaction.id();
            let before = places.insert(id, at);
            ensure!(repeats || before.is_none(), "{id} stands in blocks {at} and {before:?}");
        }
    }
    Ok(())
}

/// True if the payment took effect: then it did on every node, in the same place with the same receipt.
fn took_effect(nodes: &mut [Asked], payment: &Payment, losses: &[u32]) -> anyhow::Result<bool> {
    let id = &payment.id;
    let mut statuses = Vec::new();
    for node in nodes.iter_mut() {
        statuses.push(node.call("tx_status", &json!([id]))?);
    }
    let first = &statuses[0];
    let is_final = first["state"] == "final";
    ensure!(statuses.iter().all(|status| status == first), "{id} differs between nodes: {statuses:?}");
    ensure!(is_final || first["state"] == "unknown", "{id}: {first}");
    if let Some(told) = &payment.told {
        ensure!(told == first, "{id} was called final as {told}, and is {first}");
    }
    if let Some((node, before)) = payment.taken {
        ensure!(is_final || losses[node] > before, "{id} was taken by node {node}, which lost nothing, and is lost");
    }
    ensure!(!is_final || first["receipt"]["ok"] == true, "{id} had no effect: {first}");
    Ok(is_final)
}

fn same_balances(nodes: &mut [Asked], people: &[Person], expected: &[u128], plan: &Plan) -> anyhow::Result<()> {
    for node in nodes {
        let mut sum = 0;
        for (person, expected) in people.iter().zip(expected) {
            let found = balance(node, &person.account.to_string())?;
            ensure!(found == *expected, "{} has {found}, not {expected}, on node {}", person.account, node.n);
            sum += found;
        }
        for member in COUNCIL {
            sum += balance(node, member)?;
        }
        let supply = node.call("asset_get", &json!(["EUR"]))?["supply"].clone();
        ensure!(supply == sum.to_string(), "the supply is {supply} on node {}, all balances are {sum}", node.n);
        ensure!(sum == plan.supply(), "{sum} in circulation on node {}, {} at first", node.n, plan.supply());
    }
    Ok(())
}

fn balance(node: &mut Asked, account: &str) -> anyhow::Result<u128> {
    let found = node.call("balance_get", &json!([account, "EUR"]))?;
    found["amount"].as_str().and_then(|amount| amount.parse().ok()).context("a balance is a number")
}
