//! How the relay reaches those of other nodes.
use bytes::Bytes;
use countersign_types::PublicKey;

/// Why a relay gave no answer. It is asked again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// There is no connection to its node.
    #[error("not connected to that relay's node")]
    NotConnected,
    /// It refused, took too long, is no relay, or the connection broke.
    #[error("that relay gave no answer")]
    NoAnswer,
    /// This node is stopping.
    #[error("the node is stopping")]
    Stopped,
}

/// The other nodes' relays.
#[async_trait::async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Asks the relay of the node with this network key, and waits some seconds for its answer.
    ///
    /// # Errors
    /// [`PeerError`].
    async fn ask(&self, relay: &PublicKey, question: Bytes) -> Result<Bytes, PeerError>;
}
