//! Live answers over WebSocket: nothing between history and live is missed or comes twice, also over a restart.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod support;

use countersign_rpc_types::{CountersignRpcClient as _, EventFilter, PlacedEvent, TxStatus};
use jsonrpsee::core::client::Subscription;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use serde_json::json;
use std::time::Duration;
use support::{DevNode, Signer, transfer};

const PATIENCE: Duration = Duration::from_secs(60);

async fn client(node: &DevNode) -> WsClient {
    WsClientBuilder::default().build(format!("ws://{}", node.address())).await.unwrap()
}

async fn next<T: serde::de::DeserializeOwned>(subscription: &mut Subscription<T>) -> T {
    let item = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("an item in time");
    item.expect("the subscription goes on").unwrap()
}

async fn cursors(subscription: &mut Subscription<PlacedEvent>, count: usize) -> Vec<String> {
    let mut cursors = Vec::new();
    for _ in 0..count {
        cursors.push(next(subscription).await.cursor);
    }
    cursors
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_once_each_from_history_to_live_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let node = DevNode::start(dir.path());
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let chain = node.chain();
    let pay = |node: &DevNode, salt: u64| node.submit(&transfer(&chain, &alice, &bob, 1, salt)).unwrap();
    for salt in 0..3 {
        node.until_final(&pay(&node, salt));
    }
    let all = EventFilter { module: Some("assets".into()), ..EventFilter::default() };
    let rpc = client(&node).await;
    let mut from_the_start = rpc.events_subscribe(all.clone(), Some("0.0.0".into())).await.unwrap();
    let mut from_now = rpc.events_subscribe(all.clone(), None).await.unwrap();
    // Submitted while the history is being read.
    let live: Vec<String> = (3..8).map(|salt| pay(&node, salt)).collect();
    let seen = cursors(&mut from_the_start, 8).await;
    let mut sorted = seen.clone();
    sorted.sort_by_key(|cursor| cursor.split('.').map(|part| part.parse::<u64>().unwrap()).collect::<Vec<_>>());
    sorted.dedup();
    assert_eq!(seen, sorted, "in order, none twice");
    assert_eq!(cursors(&mut from_now, 5).await, seen[3..]);
    live.iter().for_each(|id| drop(node.until_final(id)));
    node.kill();

    let node = DevNode::start(dir.path());
    let rpc = client(&node).await;
    let mut again = rpc.events_subscribe(all, Some(seen[5].clone())).await.unwrap();
    assert_eq!(cursors(&mut again, 2).await, seen[6..]);
    pay(&node, 9);
    let new = next(&mut again).await;
    assert_eq!((new.event.name.as_str(), seen.contains(&new.cursor)), ("Transferred", false));
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_transaction_is_told_of_until_it_is_final_and_blocks_are_told_of_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let node = DevNode::start(dir.path());
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let rpc = client(&node).await;
    let mut blocks = rpc.blocks_subscribe().await.unwrap();
    let bytes = transfer(&node.chain(), &alice, &bob, 1, 1);
    let id = {
        use parity_scale_codec::DecodeAll;
        let signed = countersign_types::SignedTransaction::decode_all(&mut &bytes[..]).unwrap();
        signed.transaction.id().to_string()
    };
    let mut watch = rpc.tx_watch(id.clone()).await.unwrap();
    assert_eq!(next(&mut watch).await, TxStatus::Unknown);
    node.submit(&bytes).unwrap();
    let height = loop {
        if let TxStatus::Final { height, receipt, .. } = next(&mut watch).await {
            assert!(receipt.ok);
            break height;
        }
    };
    let mut last = None;
    loop {
        let notice = next(&mut blocks).await;
        assert!(last.is_none_or(|last| notice.height == last + 1), "no block is left out");
        last = Some(notice.height);
        if notice.transactions.contains(&id) {
            assert_eq!(notice.height, height);
            break;
        }
    }
    let refused = rpc.tx_watch("nonsense".into()).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("InvalidParams"), "{refused}");
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_of_one_connection_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let node = DevNode::start(dir.path());
    let rpc = client(&node).await;
    let mut open = Vec::new();
    let refused = loop {
        match rpc.blocks_subscribe().await {
            Ok(subscription) => open.push(subscription),
            Err(error) => break error.to_string(),
        }
        assert!(open.len() <= 64, "the bound holds");
    };
    assert!(refused.contains("-32006"), "{refused}");
    assert_eq!(
        node.call("chain_head", json!([])).unwrap()["height"].as_u64(),
        Some(node.height()),
        "others are served"
    );
    node.stop();
}
