//! Other nodes' relays, asked over the one network of the nodes.
use super::questions::RELAY;
use bytes::Bytes;
use countersign_consensus::{AskError, Network, PeerId, QUESTION_BYTES_MAX};
use countersign_relay::{PeerError, Peers};
use countersign_rpc_types::relay::ENVELOPE_BYTES_MAX;
use countersign_types::PublicKey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Questions at one node at a time. A node answers four of another and holds more against it; what the engine asks for is among them,
/// and must not wait behind messages.
const QUESTIONS_PER_PEER_MAX: usize = 3;
/// Bytes of a relay's question around an envelope.
const AROUND_BYTES_MAX: usize = 1024;
// The largest message fits into a question.
const _: () = assert!(ENVELOPE_BYTES_MAX + AROUND_BYTES_MAX <= QUESTION_BYTES_MAX);

/// Those that the network reaches.
pub(super) struct OtherRelays {
    network: Network,
    turns: Turns,
}

impl OtherRelays {
    pub fn new(network: Network) -> Self {
        Self { network, turns: Turns::default() }
    }
}

#[async_trait::async_trait]
impl Peers for OtherRelays {
    async fn ask(&self, relay: &PublicKey, question: Bytes) -> Result<Bytes, PeerError> {
        // A key that is no point of the curve is nobody's.
        let peer = PeerId::of_key(relay).ok_or(PeerError::NotConnected)?;
        let _turn = self.turns.take(peer).await.map_err(|_| PeerError::Stopped)?;
        let question = [&[RELAY][..], &question].concat();
        self.network.ask(peer, question.into()).await.map_err(|error| match error {
            AskError::NotConnected => PeerError::NotConnected,
            AskError::NoAnswer | AskError::Oversized { .. } => PeerError::NoAnswer,
            AskError::Stopped(_) => PeerError::Stopped,
        })
    }
}

/// Who is being asked, each so often at a time.
#[derive(Default)]
struct Turns(Mutex<BTreeMap<PeerId, Arc<Semaphore>>>);

impl Turns {
    /// Waits for a turn at this peer; it ends when what is returned is dropped.
    async fn take(&self, peer: PeerId) -> Result<OwnedSemaphorePermit, AcquireError> {
        let turns = {
            let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Only those are remembered that are being asked: a turn that is taken or waited for holds them too.
            asked.retain(|_, turns| Arc::strong_count(turns) > 1);
            asked.entry(peer).or_insert_with(|| Arc::new(Semaphore::new(QUESTIONS_PER_PEER_MAX))).clone()
        };
        turns.acquire_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::tests::id;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn is_ready(future: std::pin::Pin<&mut impl Future>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[tokio::test]
    async fn a_peer_is_asked_so_often_at_a_time_and_others_do_not_wait_for_it() {
        let turns = Turns::default();
        let mut taken = Vec::new();
        for _ in 0..QUESTIONS_PER_PEER_MAX {
            taken.push(turns.take(id(1)).await.unwrap());
        }
        let mut next = pin!(turns.take(id(1)));
        assert!(!is_ready(next.as_mut()));
        let other = turns.take(id(2)).await.unwrap();
        taken.pop();
        let next = next.await.unwrap();
        drop((taken, next, other));
        drop(turns.take(id(3)).await.unwrap());
        assert_eq!(turns.0.lock().unwrap().len(), 1, "who is asked nothing is forgotten");
    }
}
