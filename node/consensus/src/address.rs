//! How a peer is named and reached. A peer is known by its identity key, whatever address it has.
use core::fmt;
use core::str::FromStr;
use countersign_types::PublicKey;
use libp2p::Multiaddr;
use libp2p::identity::{Keypair, ed25519};
use libp2p::multiaddr::Protocol;

/// What an identity begins with that holds its key: the code of no hash at all, and the length of an encoded ed25519 key.
const KEY_FOLLOWS: [u8; 2] = [0, 36];

/// A node's network identity: the hash of its identity key, shown as `12D3Koo…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub(crate) libp2p::PeerId);

impl PeerId {
    /// The identity whose ed25519 secret is `secret`.
    pub fn of_secret(secret: &[u8; 32]) -> Self {
        Self(keypair(secret).public().to_peer_id())
    }

    /// The identity whose ed25519 key is `key`; `None` if the key is no point of the curve.
    pub fn of_key(key: &PublicKey) -> Option<Self> {
        let key = ed25519::PublicKey::try_from_bytes(&key.0).ok()?;
        Some(Self(libp2p::identity::PublicKey::from(key).to_peer_id()))
    }

    /// The key whose identity it is: those of ed25519 keys hold the key itself. `None` for an identity of another kind of key.
    pub fn key(&self) -> Option<PublicKey> {
        let bytes = self.0.to_bytes();
        let encoded = bytes.strip_prefix(&KEY_FOLLOWS)?;
        let key = libp2p::identity::PublicKey::try_decode_protobuf(encoded).ok()?;
        key.try_into_ed25519().ok().map(|key| PublicKey(key.to_bytes()))
    }
}

/// The identity's key pair.
pub(crate) fn keypair(secret: &[u8; 32]) -> Keypair {
    Keypair::ed25519_from_bytes(*secret).expect("any 32 bytes are an ed25519 secret")
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_base58())
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PeerId {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        text.parse().map(Self).map_err(|_| BadAddress::NotAPeerId)
    }
}

/// Where a peer listens and who it is, written as `/ip4/10.0.0.7/tcp/26600/p2p/12D3Koo…` (or `/dns/host/…`). Of one that only dials
/// nobody knows where it is: `/p2p/12D3Koo…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerAddress {
    id: PeerId,
    address: Multiaddr,
}

/// Text that is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not a multiaddress at all.
    #[error("not an address of the form /ip4/<address>/tcp/<port> or /dns/<host>/tcp/<port>")]
    NotAMultiaddress,
    /// No TCP port in it: the only transport.
    #[error("the address has no /tcp/<port>")]
    NoTcp,
    /// The peer's identity is missing at the end.
    #[error("the address does not end in /p2p/<peer id>, so nobody could tell who answers there")]
    NoPeerId,
    /// An identity where none belongs: it is told beside the address.
    #[error("the address names an identity, which is told beside it")]
    NamesAnother,
    /// Not a peer id.
    #[error("not a peer id")]
    NotAPeerId,
}

impl PeerAddress {
    /// Who is expected there.
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// The peer at `address`, which has no identity at its end: `/ip4/10.0.0.7/tcp/26600`.
    ///
    /// # Errors
    /// [`BadAddress`] if it is no address of a TCP port, or already names somebody.
    pub fn at(id: PeerId, address: &str) -> Result<Self, BadAddress> {
        let address = listen_address(address)?;
        if address.iter().any(|part| matches!(part, Protocol::P2p(_))) {
            return Err(BadAddress::NamesAnother);
        }
        Ok(Self::new(id, &address))
    }

    /// A peer that is waited for: it dials, and cannot be dialled.
    pub fn unknown(id: PeerId) -> Self {
        Self { id, address: Multiaddr::empty().with(Protocol::P2p(id.0)) }
    }

    /// True if it can be dialled.
    pub fn is_known(&self) -> bool {
        has_port(&self.address)
    }

    /// Adds an identity to an address one listens on.
    pub(crate) fn new(id: PeerId, address: &Multiaddr) -> Self {
        Self { id, address: address.clone().with(Protocol::P2p(id.0)) }
    }

    pub(crate) fn multiaddr(&self) -> &Multiaddr {
        &self.address
    }
}

/// Reads an address to listen on: `/ip4/0.0.0.0/tcp/26600`; port 0 takes any that is free.
pub(crate) fn listen_address(text: &str) -> Result<Multiaddr, BadAddress> {
    let address: Multiaddr = text.parse().map_err(|_| BadAddress::NotAMultiaddress)?;
    if has_port(&address) { Ok(address) } else { Err(BadAddress::NoTcp) }
}

fn has_port(address: &Multiaddr) -> bool {
    address.iter().any(|part| matches!(part, Protocol::Tcp(_)))
}

impl FromStr for PeerAddress {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let address = listen_address(text)?;
        match address.iter().last() {
            Some(Protocol::P2p(id)) => Ok(Self { id: PeerId(id), address }),
            _ => Err(BadAddress::NoPeerId),
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl fmt::Debug for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_who_is_there() {
        let id = PeerId::of_secret(&[7; 32]);
        let text = format!("/ip4/127.0.0.1/tcp/26600/p2p/{id}");
        let address: PeerAddress = text.parse().unwrap();
        assert_eq!(address.id(), id);
        assert_eq!(address.to_string(), text);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn what_is_missing_is_named() {
        let id = PeerId::of_secret(&[7; 32]);
        let parse = |text: &str| text.parse::<PeerAddress>().unwrap_err();
        assert_eq!(parse("127.0.0.1:26600"), BadAddress::NotAMultiaddress);
        assert_eq!(parse("/ip4/127.0.0.1/tcp/26600"), BadAddress::NoPeerId);
        assert_eq!(parse(&format!("/ip4/127.0.0.1/udp/26600/p2p/{id}")), BadAddress::NoTcp);
        assert_eq!("alice".parse::<PeerId>(), Err(BadAddress::NotAPeerId));
    }

    #[test]
    fn an_identity_follows_from_its_key_and_joins_its_address() {
        let id = PeerId::of_secret(&[7; 32]);
        let key = countersign_types::signature::public_key(&[7; 32]);
        let hashed: PeerId = "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC".parse().unwrap();
        assert_eq!(hashed.key(), None, "the hash of a key of another kind");
        assert_eq!((PeerId::of_key(&key), id.key()), (Some(id), Some(key)));
        assert_eq!(PeerId::of_key(&PublicKey([2; 32])), None, "no point of the curve");
        let at = |address: &str| PeerAddress::at(id, address);
        let address = at("/dns4/node.example/tcp/26600").unwrap();
        assert_eq!(address.to_string(), format!("/dns4/node.example/tcp/26600/p2p/{id}"));
        assert!(address.is_known() && !PeerAddress::unknown(id).is_known());
        assert_eq!(PeerAddress::unknown(id).to_string(), format!("/p2p/{id}"));
        assert_eq!(at("node.example:26600"), Err(BadAddress::NotAMultiaddress));
        assert_eq!(at("/dns4/node.example"), Err(BadAddress::NoTcp));
        assert_eq!(at(&address.to_string()), Err(BadAddress::NamesAnother));
    }
}
