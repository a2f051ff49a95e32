//! One connection to one peer, to see what comes of it.
use super::direct::{Ask, Kind};
use super::swarm::{self, BehaviourEvent};
use crate::address::PeerAddress;
use crate::limits;
use bytes::Bytes;
use futures::StreamExt;
use libp2p::request_response::{Event, Message, OutboundFailure};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{DialError, SwarmEvent};
use std::collections::BTreeSet;
use std::io;
use tokio::time::timeout;

/// What came of a connection.
#[derive(Debug)]
pub(crate) enum Dialled {
    /// The peer spoke our protocol.
    Answered,
    /// The peer closed it.
    Closed,
    /// Neither, for long.
    Silent,
    /// There was none.
    Failed(DialError),
}

/// Dials `peer` and asks it an empty question. A peer that lists us answers it, or says that it has no answer.
pub(crate) async fn dial(identity: &[u8; 32], peer: &PeerAddress) -> io::Result<Dialled> {
    let mut swarm = swarm::build(identity)?;
    swarm::allow(&mut swarm, &BTreeSet::from([peer.id()]));
    let options = DialOpts::peer_id(peer.id().0).addresses(vec![peer.multiaddr().clone()]).build();
    if let Err(error) = swarm.dial(options) {
        return Ok(Dialled::Failed(error));
    }
    let outcome = async {
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::OutgoingConnectionError { error, .. } => return Dialled::Failed(error),
                SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                    let ask = Ask { kind: Kind::Question, body: Bytes::new() };
                    swarm.behaviour_mut().direct.send_request(&peer_id, ask);
                }
                SwarmEvent::ConnectionClosed { num_established: 0, .. } => return Dialled::Closed,
                SwarmEvent::Behaviour(BehaviourEvent::Direct(event)) => match event {
                    Event::Message { message: Message::Response { .. }, .. } => return Dialled::Answered,
                    Event::OutboundFailure { error: OutboundFailure::Timeout, .. } => return Dialled::Silent,
                    // The connection's own event follows.
                    Event::OutboundFailure { error: OutboundFailure::ConnectionClosed, .. } => {}
                    // The stream was opened and closed again: the peer has no answer to this question.
                    Event::OutboundFailure { error: OutboundFailure::Io(_), .. }
                        if swarm.is_connected(&peer.id().0) =>
                    {
                        return Dialled::Answered;
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    };
    Ok(timeout(limits::REQUEST_TIMEOUT, outcome).await.unwrap_or(Dialled::Silent))
}
