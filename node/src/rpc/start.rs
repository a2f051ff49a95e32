//! Opening the port, with bounds on everything a client can hold on to.
use super::plain::PlainLayer;
use super::relay::RelayServer;
use super::server::Server;
use super::{Api, discover};
use countersign_rpc_types::relay::api::RelayRpcServer;
use countersign_rpc_types::{CountersignRpcServer, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX};
use jsonrpsee::RpcModule;
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::Server as JsonRpc;
use jsonrpsee::server::{BatchRequestConfig, PingConfig, ServerConfig, ServerHandle};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Calls in one JSON-RPC batch: larger ones belong in several requests.
const BATCH_CALLS_MAX: u32 = 100;
/// Messages that wait for a WebSocket client before it is waited for.
const CLIENT_BUFFER: u32 = 1_024;
/// A WebSocket client that answers no ping for this long has gone.
const CLIENT_GONE: Duration = Duration::from_secs(60);

/// What the operator chooses.
#[derive(Clone, Copy, Debug)]
pub struct RpcOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Connections at a time.
    pub connections_max: u32,
    /// Subscriptions of one connection.
    pub subscriptions_max: u32,
}

/// The port cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}; another program may be using it: set rpc.listen or --rpc-port")]
pub struct RpcError {
    address: SocketAddr,
    #[source]
    cause: std::io::Error,
}

/// A serving port.
#[derive(Debug)]
pub struct Running {
    /// The actual address.
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl Running {
    /// Closes the port and all connections.
    pub async fn stop(self) {
        if self.handle.stop().is_ok() {
            self.handle.stopped().await;
        }
    }
}

/// Serves the API.
///
/// # Errors
/// [`RpcError`] if the address is taken.
pub(crate) async fn start(api: Arc<Api>, options: RpcOptions) -> Result<Running, RpcError> {
    let failed = |cause| RpcError { address: options.listen, cause };
    let config = ServerConfig::builder()
        .max_request_body_size(REQUEST_BYTES_MAX)
        .max_response_body_size(RESPONSE_BYTES_MAX)
        .max_connections(options.connections_max)
        .max_subscriptions_per_connection(options.subscriptions_max)
        .set_batch_request_config(BatchRequestConfig::Limit(BATCH_CALLS_MAX))
        .set_message_buffer_capacity(CLIENT_BUFFER)
        .enable_ws_ping(PingConfig::new().inactive_limit(CLIENT_GONE))
        .set_tcp_no_delay(true)
        .build();
    let http = tower::ServiceBuilder::new().layer(PlainLayer::new(api.clone()));
    let counted = RpcServiceBuilder::new().layer_fn({
        let metrics = api.metrics.clone();
        move |service| super::count::Counted { service, metrics: metrics.clone() }
    });
    let server = JsonRpc::builder().set_config(config).set_http_middleware(http).set_rpc_middleware(counted);
    let server = server.build(options.listen).await.map_err(failed)?;
    let address = server.local_addr().map_err(failed)?;
    Ok(Running { address, handle: server.start(module(api)) })
}

/// Every method by its name.
fn module(api: Arc<Api>) -> RpcModule<Server> {
    let relay = RelayServer(api.clone()).into_rpc();
    let mut module = Server(api).into_rpc();
    module.merge(relay).expect("no two methods have one name");
    module
        .register_method("rpc.discover", |_, _, _| discover::document())
        .expect("no method of the trait has this name");
    module
}
