//! Addresses, refusals, and what the client does when answers are lost, late or lies: against a server that misbehaves as told.
use super::*;
use crate::rpc_types::{EventFilter, EventView, HexBytes, InterfaceView, PlacedEvent, ReceiptView, RpcFault, TxStatus};
use crate::types::{Hash, SignedTransaction, Timestamp, Transaction};
use crate::{Directory, Need};
use jsonrpsee::server::{RpcModule, Server, ServerHandle, SubscriptionMessage};
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn every_transports_address_leads_to_the_websocket() {
    assert_eq!(websocket_url("ws://127.0.0.1:9944").as_deref(), Some("ws://127.0.0.1:9944"));
    assert_eq!(websocket_url("http://node.example:1/x").as_deref(), Some("ws://node.example:1/x"));
    assert_eq!(websocket_url("https://node.example").as_deref(), Some("wss://node.example"));
    assert_eq!(websocket_url("node.example:9944").as_deref(), Some("ws://node.example:9944"));
    for url in ["", "ftp://x", "ws://", "ws:///x", "a b", "ws://a\nb"] {
        assert!(matches!(Client::new(url, Patience::default()), Err(ClientError::BadUrl { .. })), "{url:?}");
    }
}

#[tokio::test]
async fn a_node_that_is_not_there_is_told_as_unreachable() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", taken.local_addr().unwrap());
    drop(taken);
    let patience = Patience { attempts: 2, ..Patience::default() };
    let client = Client::new(&url, patience).unwrap();
    assert!(matches!(client.head().await, Err(ClientError::Unreachable { .. })));
}

#[test]
fn a_refusal_keeps_code_and_data() {
    let client = Client::new("ws://127.0.0.1:1", Patience::default()).unwrap();
    let fault = crate::rpc_types::RpcFault::new(ErrorCode::Refused, "expired").with("x");
    let error = client.explain("tx_submit", WireError::Call(fault.into()));
    assert_eq!(error.code(), Some(ErrorCode::Refused));
    let ClientError::Refused(refusal) = error else { panic!("a refusal") };
    assert_eq!((refusal.number, refusal.message.as_str()), (-32011, "expired"));
    assert_eq!(refusal.data, Some("x".into()));
}

/// What the server was asked, and how often.
#[derive(Default)]
struct Asked {
    submits: AtomicU32,
    watches: AtomicU32,
}

async fn serve(module: RpcModule<Asked>) -> (Client, ServerHandle) {
    let server = Server::builder().build("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", server.local_addr().unwrap());
    let patience = Patience { attempts: 3, ..Patience::default() };
    (Client::new(&url, patience).unwrap(), server.start(module))
}

fn transaction() -> SignedTransaction {
    let transaction = Transaction {
        chain: Hash([1; 32]),
        valid_from: Timestamp::ZERO,
        expires_at: Timestamp::MAX,
        salt: [0; 8],
        calls: Default::default(),
    };
    SignedTransaction { transaction, signatures: Default::default() }
}

fn id() -> String {
    transaction().transaction.id().to_string()
}

fn fault(code: ErrorCode) -> jsonrpsee::types::ErrorObjectOwned {
    RpcFault::new(code, "refused").into()
}

fn done() -> TxStatus {
    let receipt = ReceiptView {
        subject: id(),
        ok: true,
        failure: None,
        gas: 1,
        events: Vec::new(),
        receipt: HexBytes(Vec::new()),
    };
    TxStatus::Final { height: 3, index: 0, receipt }
}

fn message(item: &impl serde::Serialize) -> SubscriptionMessage {
    serde_json::value::to_raw_value(item).unwrap().into()
}

#[tokio::test]
async fn a_transaction_the_node_had_before_is_told_but_one_of_a_lost_answer_is_ours() {
    let mut known = RpcModule::new(Asked::default());
    known.register_method("tx_submit", |_, _, _| Err::<String, _>(fault(ErrorCode::AlreadyKnown))).unwrap();
    let (client, _server) = serve(known).await;
    let error = client.submit(&transaction()).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::AlreadyKnown));

    let mut passing = RpcModule::new(Asked::default());
    let submit = |asked: &Asked| match asked.submits.fetch_add(1, Ordering::Relaxed) {
        0 => Err::<String, _>(fault(ErrorCode::Unavailable)),
        _ => Err(fault(ErrorCode::AlreadyKnown)),
    };
    passing.register_method("tx_submit", move |_, asked, _| submit(asked)).unwrap();
    let (client, _server) = serve(passing).await;
    assert_eq!(client.submit(&transaction()).await.unwrap(), id());
}

#[tokio::test]
async fn a_node_that_stays_unavailable_is_asked_a_bounded_number_of_times() {
    let mut module = RpcModule::new(Asked::default());
    module
        .register_method("tx_submit", |_, asked, _| {
            let count = asked.submits.fetch_add(1, Ordering::Relaxed) + 1;
            let fault = RpcFault::new(ErrorCode::Unavailable, count.to_string());
            Err::<String, _>(jsonrpsee::types::ErrorObjectOwned::from(fault))
        })
        .unwrap();
    let (client, _server) = serve(module).await;
    let error = client.submit(&transaction()).await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Some(ErrorCode::Unavailable), "3"));
}

#[tokio::test]
async fn another_id_than_the_transactions_is_a_bad_answer() {
    let mut module = RpcModule::new(Asked::default());
    module.register_method("tx_submit", |_, _, _| "cst1other").unwrap();
    let (client, _server) = serve(module).await;
    assert!(matches!(client.submit(&transaction()).await, Err(ClientError::BadAnswer { method: "tx_submit", .. })));
}

/// Answers `tx_submit`, and `tx_watch` with the statuses that `told` gives for the nth watch, then ends the subscription.
fn watching(told: fn(u32) -> Vec<TxStatus>) -> RpcModule<Asked> {
    let mut module = RpcModule::new(Asked::default());
    let submit = |asked: &Asked| asked.submits.fetch_add(1, Ordering::Relaxed);
    module
        .register_method("tx_submit", move |_, asked, _| {
            submit(asked);
            id()
        })
        .unwrap();
    module
        .register_subscription("tx_watch", "tx", "tx_unwatch", move |_, pending, asked, _| async move {
            let sink = pending.accept().await?;
            for status in told(asked.watches.fetch_add(1, Ordering::Relaxed)) {
                sink.send(message(&status)).await?;
            }
            Err("the subscriber reads too slowly".into())
        })
        .unwrap();
    module
}

#[tokio::test]
async fn a_forgotten_transaction_is_handed_in_again() {
    let (client, _server) = serve(watching(|watch| match watch {
        0 => vec![TxStatus::Pending, TxStatus::Unknown],
        1 => vec![TxStatus::Pending],
        _ => vec![done()],
    }))
    .await;
    let finality = client.submit_and_wait(&transaction(), Duration::from_secs(30)).await.unwrap();
    assert_eq!((finality.height, finality.id), (3, id()));
}

#[tokio::test]
async fn waiting_ends() {
    let (client, _server) = serve(watching(|_| vec![TxStatus::Pending])).await;
    let waited = client.submit_and_wait(&transaction(), Duration::from_millis(500)).await;
    assert!(matches!(waited, Err(ClientError::NotFinal { .. })));
}

#[tokio::test]
async fn a_stream_of_events_goes_on_where_it_was_cut() {
    let mut module = RpcModule::new(Asked::default());
    let head = crate::rpc_types::ChainHead {
        chain: Hash([1; 32]).to_string(),
        title: String::new(),
        height: 7,
        hash: String::new(),
        time_ms: 0,
        state_root: String::new(),
    };
    module
        .register_method("chain_head", move |_, _, _| Ok::<_, jsonrpsee::types::ErrorObjectOwned>(head.clone()))
        .unwrap();
    module
        .register_subscription("events_subscribe", "events", "events_unsubscribe", |params, pending, _, _| async move {
            let (_, after): (EventFilter, Option<String>) = params.parse()?;
            let sink = pending.accept().await?;
            let event = EventView {
                module: "assets".into(),
                name: "Burnt".into(),
                accounts: Vec::new(),
                data: HexBytes(Vec::new()),
            };
            let cursor = match after.as_deref() {
                Some("7.4294967295.65535") => "8.0.0",
                Some("8.0.0") => "8.0.1",
                Some("8.0.1") => "8.1.0",
                _ => "wrong",
            };
            let cursor = cursor.into();
            sink.send(message(&PlacedEvent { cursor, height: 8, time_ms: 0, subject: String::new(), event })).await?;
            Err("the subscriber reads too slowly".into())
        })
        .unwrap();
    let (client, _server) = serve(module).await;
    let mut stream = client.follow(EventFilter::default(), None);
    assert_eq!(stream.next().await.unwrap().cursor, "8.0.0");
    assert_eq!(stream.next().await.unwrap().cursor, "8.0.1");
    assert_eq!(stream.next().await.unwrap().cursor, "8.1.0");
    assert_eq!(stream.cursor(), Some("8.1.0"));
}

#[tokio::test]
async fn an_interface_of_another_module_is_a_bad_answer() {
    let mut module = RpcModule::new(Asked::default());
    let view = |text: &str| InterfaceView { module: "parking".into(), text: text.into(), selectors: Vec::new() };
    module
        .register_method("contract_interface", move |params, _, _| match params.one::<String>().unwrap().as_str() {
            "parking" => Ok(view("module assets;")),
            "broken" => Ok(view("module")),
            _ => Err(fault(ErrorCode::NotFound)),
        })
        .unwrap();
    let (client, _server) = serve(module).await;
    let mut directory = Directory::new(Timestamp::ZERO);
    for name in ["parking", "broken"] {
        let learned = client.learn(&mut directory, &Need::Interface(name.parse().unwrap())).await;
        assert!(matches!(learned, Err(ClientError::BadAnswer { .. })), "{name}");
    }
    let absent = Need::Interface("absent".parse().unwrap());
    client.learn(&mut directory, &absent).await.unwrap();
    assert!(directory.has(&absent) && directory.interface("absent").is_none());
}
