//! The program as its users meet it: a development network, transfers over HTTP, kill -9, every kind of bad input.
mod support;

use serde_json::{Value, json};
use support::{DevNode, Signer, transfer};

#[test]
fn a_transfer_becomes_final_and_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let node = DevNode::start(dir.path());
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    assert_eq!(node.balance(&bob), "100000");
    let id = node.submit(&transfer(&node.chain(), &alice, &bob, 1_000, 1)).unwrap();
    let status = node.until_final(&id);
    assert_eq!(status["receipt"]["ok"], true, "{status}");
    assert_eq!(status["receipt"]["events"][0]["name"], "Transferred");
    assert_eq!((node.balance(&alice), node.balance(&bob)), ("99000".into(), "101000".into()));
    let height = status["height"].as_u64().unwrap();
    // The block after it certifies its root.
    node.until("the next block", || node.height() > height);
    let before: Vec<Value> =
        (0..=height + 1).map(|height| node.call("chain_header", json!([height])).unwrap()).collect();
    let proof = node.call("state_proof", json!(["0x67706172616d73", height])).unwrap();
    let receipt = node.call("tx_proof", json!([id])).unwrap();
    check_receipt(&node, &receipt, &status);
    node.kill();

    let node = DevNode::start(dir.path());
    let after: Vec<Value> =
        (0..=height + 1).map(|height| node.call("chain_header", json!([height])).unwrap()).collect();
    assert_eq!(after, before);
    // What a wallet verifies by: the state under the newest certified header, though this node holds one state only.
    let newest = node.height();
    let of_restarted = node.call("state_proof", json!(["0x67706172616d73", newest - 1])).unwrap();
    let named: countersign_types::Header =
        support::decoded(&node.call("chain_header", json!([newest])).unwrap()["header"]);
    assert_eq!(of_restarted["root"].as_str().unwrap(), named.state_root.to_string());
    let certified: countersign_types::Header = support::decoded(&after[height as usize + 1]["header"]);
    assert_eq!(certified.state_root.to_string(), proof["root"].as_str().unwrap());
    assert_eq!(node.call("tx_status", json!([id])).unwrap(), status);
    assert_eq!(node.call("tx_proof", json!([id])).unwrap(), receipt);
    assert_eq!(node.balance(&bob), "101000");
    let again = node.submit(&transfer(&node.chain(), &alice, &bob, 1_000, 2)).unwrap();
    assert_eq!(node.until_final(&again)["receipt"]["ok"], true);
    assert_eq!(node.balance(&bob), "102000");
    node.stop();
    assert!(!dir.path().join("rpc.addr").exists());
}

/// The receipt and the transaction follow from the header after their block.
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
fn check_receipt(node: &DevNode, told: &Value, status: &Value) {
    use countersign_types::{Header, Receipt, SignedTransaction, block, merkle::ListProof};
    assert_eq!((&told["height"], &told["index"]), (&status["height"], &status["index"]));
    assert_eq!(told["receipt"], status["receipt"]["receipt"]);
    let above = node.call("chain_header", json!([told["height"].as_u64().unwrap() + 1])).unwrap();
    let (above, header): (Header, Header) = (support::decoded(&above["header"]), support::decoded(&told["header"]));
    assert_eq!(header.hash(), above.parent);
    let (receipt, place): (Receipt, ListProof) =
        (support::decoded(&told["receipt"]), support::decoded(&told["receipt_proof"]));
    assert!(place.verify(&above.receipts_root, receipt.hash()));
    let (transaction, place): (SignedTransaction, ListProof) =
        (support::decoded(&told["transaction"]), support::decoded(&told["transaction_proof"]));
    assert!(place.verify(&header.tx_root, block::transaction_leaf(&transaction)));
    assert_eq!(transaction.transaction.id().to_string(), status["receipt"]["subject"].as_str().unwrap());
}

#[test]
fn histories_are_read_page_by_page_without_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let node = DevNode::start(dir.path());
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let ids: Vec<String> = (0..5)
        .map(|n| {
            let id = node.submit(&transfer(&node.chain(), &alice, &bob, 1 + n, n as u64)).unwrap();
            node.until_final(&id);
            id
        })
        .collect();
    let pages = |method: &str, first: Value| {
        let (mut items, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let page = node.call(method, json!([first, cursor, 2])).unwrap();
            items.extend(page["items"].as_array().unwrap().clone());
            cursor = page["next"].clone();
            if cursor.is_null() {
                return items;
            }
        }
    };
    let history = pages("account_history", json!("alice@harbor-hotel.example"));
    let seen: Vec<&str> = history.iter().map(|entry| entry["transaction"].as_str().unwrap()).collect();
    assert_eq!(seen, ids.iter().rev().map(String::as_str).collect::<Vec<_>>(), "newest first");
    assert_eq!(history[0]["calls"], json!(["assets.transfer"]));
    for filter in
        [json!({ "account": bob.text() }), json!({ "module": "assets" }), json!({ "name": "Transferred" }), json!({})]
    {
        let events = pages("events_history", filter.clone());
        let seen: Vec<&str> = events.iter().map(|event| event["subject"].as_str().unwrap()).collect();
        assert_eq!(seen, ids.iter().map(String::as_str).collect::<Vec<_>>(), "{filter}");
    }
    assert!(pages("events_history", json!({ "name": "Burnt" })).is_empty());
    node.stop();
}

#[test]
fn a_stopped_node_keeps_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let node = DevNode::start(dir.path());
    let later = support::transfer_valid_from(&node.chain(), &alice, &bob, 5, 30_000);
    let id = node.submit(&later).unwrap();
    assert_eq!(node.call("tx_status", json!([id])).unwrap(), json!({ "state": "pending" }));
    node.stop();
    let node = DevNode::start(dir.path());
    node.until("the transaction waits again", || {
        node.call("tx_status", json!([id])).unwrap() == json!({ "state": "pending" })
    });
    node.stop();
}

#[test]
fn bad_input_has_a_stable_code_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let node = DevNode::start(dir.path());
    let (alice, bob) = (Signer::named("alice@harbor-hotel.example"), Signer::named("bob@harbor-hotel.example"));
    let good = transfer(&node.chain(), &alice, &bob, 1, 7);
    let code = |method: &str, params: Value| node.call(method, params).unwrap_err()["code"].as_i64().unwrap();
    let submit = |bytes: &[u8]| node.submit(bytes).unwrap_err();

    assert_eq!(submit(&[0x12, 0x34])["code"], -32010);
    assert_eq!(submit(&good[..good.len() - 1])["data"]["rule"], "malformed");
    assert_eq!(submit(&[&good[..], &[0]].concat())["data"]["rule"], "malformed");
    assert_eq!(submit(&vec![0; 640 * 1024 + 1])["data"]["rule"], "oversized");
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(submit(&forged)["data"]["rule"], "bad_signature");
    let foreign = transfer(&countersign_types::Hash::ZERO, &alice, &bob, 1, 7);
    assert_eq!(submit(&foreign)["data"]["rule"], "wrong_chain");
    let stranger = transfer(&node.chain(), &Signer::named("mallory"), &bob, 1, 7);
    let refused = submit(&stranger);
    assert_eq!((&refused["code"], &refused["data"]["name"]), (&json!(-32011), &json!("unknown_account")));
    let expired = support::expired_transfer(&node.chain(), &alice, &bob);
    assert_eq!(submit(&expired)["data"]["name"], "expired");

    assert_eq!(code("tx_submit", json!([17])), -32602);
    assert_eq!(code("tx_submit", json!(["12"])), -32602);
    assert_eq!(code("tx_submit", json!(["0x1"])), -32602);
    assert_eq!(code("tx_submit", json!([])), -32602);
    assert_eq!(code("tx_status", json!(["cst1nonsense"])), -32602);
    assert_eq!(code("tx_proof", json!(["cst1nonsense"])), -32602);
    let unknown = countersign_types::transaction::TransactionId(countersign_types::Hash::ZERO).to_string();
    assert_eq!(code("tx_proof", json!([unknown])), -32002);
    assert_eq!(code("chain_validators", json!([0, 501])), -32021);
    assert_eq!(node.call("chain_validators", json!([0])).unwrap(), json!([]), "they never changed");
    assert_eq!(code("chain_block", json!([-1])), -32602);
    assert_eq!(code("chain_block", json!([0])), -32002);
    assert_eq!(code("chain_block", json!([1_000_000])), -32002);
    assert_eq!(code("account_get", json!(["nobody@harbor-hotel.example"])), -32002);
    assert_eq!(code("account_get", json!(["Alice@x"])), -32602);
    assert_eq!(code("asset_get", json!(["eur"])), -32602);
    for without in ["harbor-hotel.example", "alice@harbor-hotel.example", "nobody.example"] {
        assert_eq!(code("site_get", json!([without])), -32002, "{without}");
    }
    assert_eq!(code("site_get", json!(["Harbor Hotel"])), -32602);
    assert_eq!(code("member_list", json!([null, 501])), -32021);
    assert_eq!(code("member_list", json!([null, 0])), -32602);
    assert_eq!(code("events_history", json!([{ "nothing": 1 }])), -32602);
    assert_eq!(code("events_history", json!([{}, "1.2"])), -32602);
    assert_eq!(code("contract_query", json!(["rebate", "nothing", "0x"])), -32020);
    assert_eq!(code("contract_query", json!(["nothing", "nothing", "0x"])), -32020);
    assert_eq!(code("state_proof", json!(["0x00", 1_000_000])), -32002);
    assert_eq!(code("no_such_method", json!([])), -32601);
    assert_eq!(node.post(b"\xff\xfe nonsense {").1["error"]["code"], -32700);
    assert_eq!(node.post(b"[]").1["error"]["code"], -32600);
    let (status, _) = node.post(&vec![b' '; 5 * 1024 * 1024]);
    assert!(status == 413 || status == 200, "{status}");

    let id = node.submit(&good).unwrap();
    node.until_final(&id);
    assert_eq!(submit(&good)["code"], -32013);
    assert_eq!(node.balance(&bob), "100001");
    node.stop();
}

#[test]
fn what_probes_and_explorers_read() {
    let dir = tempfile::tempdir().unwrap();
    let node = DevNode::start(dir.path());
    node.until("the first block", || node.height() >= 1);
    assert_eq!(node.get("/livez"), (200, "ok\n".into()));
    assert_eq!(node.get("/readyz").0, 200);
    assert!(node.get("/version").1.contains(env!("CARGO_PKG_VERSION")));
    let metrics = node.get("/metrics").1;
    assert!(metrics.contains("countersign_height ") && metrics.contains("countersign_memory_bytes"), "{metrics}");
    node.until("an idle network to say so", || {
        let explained = node.call("consensus_explain", json!([])).unwrap();
        explained["is_normal"] == true && explained["words"][0].as_str().unwrap().starts_with("no transaction waits")
    });
    assert_eq!(node.call("node_peers", json!([])).unwrap(), json!([]));
    let document = node.call("rpc.discover", json!([])).unwrap();
    assert!(document["methods"].as_array().unwrap().iter().any(|method| method["name"] == "tx_watch"));
    let contracts = node.call("contract_list", json!([])).unwrap();
    let names: Vec<&str> = contracts.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"assets") && names.contains(&"rebate"), "{names:?}");
    let interface = node.call("contract_interface", json!(["rebate"])).unwrap();
    assert!(interface["text"].as_str().unwrap().starts_with("module rebate;"));
    let member = node.call("member_get", json!(["harbor-bank.example"])).unwrap();
    assert_eq!(
        (&member["roles"], &member["council"]),
        (&json!(["issuer", "agent", "card_issuer", "relay"]), &json!(true))
    );
    let account = node.call("account_get", json!(["alice@harbor-hotel.example"])).unwrap();
    assert_eq!(account["balances"], json!([{ "asset": "EUR", "amount": "100000", "decimals": 2 }]));
    let header = node.call("chain_header", json!([1])).unwrap();
    let (certificate, header, validators): (countersign_types::Certificate, countersign_types::Header, _) = (
        support::decoded(&header["certificate"]),
        support::decoded(&header["header"]),
        support::decoded(&header["validators"]),
    );
    certificate.verify(&header, &validators).unwrap();
    let alice = Signer::named("alice@harbor-hotel.example");
    let unsigned = support::unsigned_transfer(&node.chain(), &alice, &Signer::named("bob@harbor-hotel.example"), 250);
    let simulation = node.call("tx_simulate", json!([unsigned])).unwrap();
    assert_eq!((&simulation["receipt"]["ok"], &simulation["missing"]), (&json!(true), &json!([alice.text()])));
    assert_eq!(simulation["changes"].as_array().unwrap().len(), 2);
    node.stop();
}
