//! Addresses and refusals. Behaviour over a connection is tested against real nodes in the stories.
use super::*;

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
