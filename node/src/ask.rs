//! Asks a running node over its RPC, as any client would. Blocking, bounded in time; for commands that look at nodes.
use countersign_rpc_types::CountersignRpcClient;
use jsonrpsee::core::ClientError;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use std::future::Future;
use std::time::Duration;

/// Longest wait for a connection, and for an answer: a node that is alive answers in milliseconds.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The runtime of the connection did not start.
    #[error("cannot start the runtime")]
    Runtime(#[source] std::io::Error),
    /// The node cannot be reached, or refused the question.
    #[error("the node at {url} gives no answer")]
    Client {
        /// Where it was asked.
        url: String,
        /// Why.
        #[source]
        cause: Box<ClientError>,
    },
}

/// A connection to a node.
pub struct NodeClient {
    url: String,
    // Before the runtime: its tasks end with it.
    client: WsClient,
    runtime: tokio::runtime::Runtime,
}

impl NodeClient {
    /// Connects to `ws://host:port`.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn connect(url: &str) -> Result<Self, AskError> {
        // One worker: the connection is served while nobody waits for an answer.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(AskError::Runtime)?;
        let builder = WsClientBuilder::new()
            .connection_timeout(ANSWER_MAX)
            .request_timeout(ANSWER_MAX)
            .max_response_size(countersign_rpc_types::RESPONSE_BYTES_MAX);
        let client = runtime
            .block_on(builder.build(url))
            .map_err(|cause| AskError::Client { url: url.into(), cause: cause.into() })?;
        Ok(Self { url: url.into(), client, runtime })
    }

    /// Asks one question: `node.ask(|node| node.chain_head())`.
    ///
    /// # Errors
    /// [`AskError::Client`].
    pub fn ask<'a, T, F>(&'a self, question: impl FnOnce(&'a WsClient) -> F) -> Result<T, AskError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let answer = self.runtime.block_on(question(&self.client));
        answer.map_err(|cause| AskError::Client { url: self.url.clone(), cause: cause.into() })
    }

    /// The hash of the header at `height`.
    ///
    /// # Errors
    /// [`AskError::Client`], also if the node has not come that far.
    pub fn header_hash(&self, height: u64) -> Result<String, AskError> {
        self.ask(|node| node.chain_header(height)).map(|header| header.hash)
    }

    /// The newest height.
    ///
    /// # Errors
    /// [`AskError::Client`].
    pub fn height(&self) -> Result<u64, AskError> {
        self.ask(|node| node.chain_head()).map(|head| head.height)
    }
}

impl std::fmt::Debug for NodeClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeClient").field("url", &self.url).finish_non_exhaustive()
    }
}
