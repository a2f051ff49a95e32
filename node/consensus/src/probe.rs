//! Whether a peer can be reached and lets this node in, for an operator whose node is stopped: two swarms of one identity would get in
//! each other's way.
use crate::address::{PeerAddress, PeerId};
use crate::network::{Dialled, dial};
use libp2p::core::transport::TransportError;
use libp2p::swarm::DialError;
use std::io;

/// What came of it.
#[derive(Debug)]
pub enum Reach {
    /// The peer answers and keeps the connection.
    LetsIn,
    /// It is the peer, and it closed the connection: it does not list this node.
    ShutsOut,
    /// Somebody else answers there.
    OtherPeer(PeerId),
    /// No connection, or what answers is no node.
    NoConnection(io::Error),
    /// A connection, and no word over it.
    Silent,
    /// Nobody knows where it is: it dials.
    NoAddress,
}

/// Dials `peer` as the node with the ed25519 secret `identity`, some seconds at most, and closes the connection again.
///
/// # Errors
/// If the system's settings for name resolution cannot be read.
pub async fn probe(identity: &[u8; 32], peer: &PeerAddress) -> io::Result<Reach> {
    if !peer.is_known() {
        return Ok(Reach::NoAddress);
    }
    Ok(match dial(identity, peer).await? {
        Dialled::Answered => Reach::LetsIn,
        Dialled::Closed => Reach::ShutsOut,
        Dialled::Silent => Reach::Silent,
        Dialled::Failed(error) => of_dial_error(error),
    })
}

fn of_dial_error(error: DialError) -> Reach {
    let failed = |kind: io::ErrorKind, text: String| Reach::NoConnection(io::Error::new(kind, text));
    match error {
        DialError::WrongPeerId { obtained, .. } => Reach::OtherPeer(PeerId(obtained)),
        DialError::Transport(mut attempts) => match attempts.pop() {
            Some((_, TransportError::Other(error))) => Reach::NoConnection(error),
            Some((address, TransportError::MultiaddrNotSupported(_))) => {
                failed(io::ErrorKind::Unsupported, format!("{address} is not a TCP address"))
            }
            None => failed(io::ErrorKind::Other, "there was no address to dial".into()),
        },
        other => failed(io::ErrorKind::Other, other.to_string()),
    }
}
