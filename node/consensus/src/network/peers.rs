//! The listed peers: which are connected, when to dial the others, and how each behaves.
use super::PeerStatus;
use super::standing::{Fault, PENALTY, Standing};
use crate::address::{PeerAddress, PeerId};
use crate::limits;
use countersign_types::Height;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

struct Peer {
    address: PeerAddress,
    connected: Option<Instant>,
    height: Option<Height>,
    standing: Standing,
    /// Refused until then, for its faults.
    refused_until: Option<Instant>,
    next_dial: Instant,
    dial_delay: Duration,
    /// Its requests being answered.
    answering: usize,
    /// A status was sent and is not acknowledged yet.
    status_pending: bool,
}

impl Peer {
    fn new(address: PeerAddress, now: Instant) -> Self {
        Self {
            address,
            connected: None,
            height: None,
            standing: Standing::new(now),
            refused_until: None,
            next_dial: now,
            dial_delay: limits::DIAL_DELAY_MIN,
            answering: 0,
            status_pending: false,
        }
    }

    fn dial_later(&mut self, now: Instant) {
        self.next_dial = now + self.dial_delay;
        self.dial_delay = (self.dial_delay * 2).min(limits::DIAL_DELAY_MAX);
    }
}

/// The list.
pub(super) struct Peers {
    local: PeerId,
    peers: BTreeMap<PeerId, Peer>,
    changed: bool,
}

impl Peers {
    pub(super) fn new(local: PeerId) -> Self {
        Self { local, peers: BTreeMap::new(), changed: true }
    }

    /// Replaces the list; peers that stay keep their record. What is beyond [`limits::PEERS_MAX`] is left out.
    pub(super) fn replace(&mut self, addresses: Vec<PeerAddress>, now: Instant) {
        let mut before = std::mem::take(&mut self.peers);
        for address in addresses.into_iter().filter(|address| address.id() != self.local).take(limits::PEERS_MAX) {
            let mut peer = before.remove(&address.id()).unwrap_or_else(|| Peer::new(address.clone(), now));
            if peer.address != address {
                (peer.address, peer.next_dial, peer.dial_delay) = (address.clone(), now, limits::DIAL_DELAY_MIN);
            }
            self.peers.insert(address.id(), peer);
        }
        self.changed = true;
    }

    /// Those that may connect now.
    pub(super) fn allowed(&mut self, now: Instant) -> BTreeSet<PeerId> {
        for peer in self.peers.values_mut() {
            peer.refused_until = peer.refused_until.filter(|until| *until > now);
        }
        self.peers.iter().filter(|(_, peer)| peer.refused_until.is_none()).map(|(id, _)| *id).collect()
    }

    /// True if a peer's penalty is over.
    pub(super) fn penalty_ends(&self, now: Instant) -> bool {
        self.peers.values().any(|peer| peer.refused_until.is_some_and(|until| until <= now))
    }

    /// The addresses to dial now.
    pub(super) fn due(&self, now: Instant) -> Vec<PeerAddress> {
        let due = |peer: &&Peer| {
            let absent = peer.connected.is_none() && peer.refused_until.is_none();
            absent && peer.address.is_known() && peer.next_dial <= now
        };
        self.peers.values().filter(due).map(|peer| peer.address.clone()).collect()
    }

    pub(super) fn connected(&mut self, id: PeerId, now: Instant) {
        if let Some(peer) = self.peers.get_mut(&id) {
            (peer.connected, peer.height, peer.status_pending) = (Some(now), None, false);
            self.changed = true;
        }
    }

    pub(super) fn disconnected(&mut self, id: PeerId, now: Instant) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let since = peer.connected.take();
        if since.is_some_and(|since| now.saturating_duration_since(since) > limits::CONNECTION_STABLE) {
            peer.dial_delay = limits::DIAL_DELAY_MIN;
        }
        peer.dial_later(now);
        self.changed = true;
    }

    pub(super) fn dial_failed(&mut self, id: PeerId, now: Instant) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.dial_later(now);
        }
    }

    /// Counts a message of `size` bytes. False: drop it, the peer sends too much (or is not listed any more).
    pub(super) fn admits(&mut self, id: PeerId, now: Instant, size: usize) -> bool {
        self.peers.get_mut(&id).is_some_and(|peer| peer.standing.admits(now, size))
    }

    /// Blames a peer. False: it has lost its place for a while and is to be disconnected.
    pub(super) fn survives(&mut self, id: PeerId, now: Instant, fault: Fault) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return true };
        let survives = peer.standing.survives(now, fault);
        if !survives {
            peer.refused_until = Some(now + PENALTY);
        }
        survives
    }

    /// Counts a request to be answered. False: the peer has too many under way.
    pub(super) fn begin_answer(&mut self, id: PeerId) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        let begins = peer.answering < limits::ANSWERS_PER_PEER_MAX;
        peer.answering += usize::from(begins);
        begins
    }

    pub(super) fn end_answer(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.answering = peer.answering.saturating_sub(1);
        }
    }

    /// The connected peers to tell a status: all that acknowledged the last one.
    pub(super) fn begin_status(&mut self) -> Vec<PeerId> {
        let ready = |peer: &Peer| peer.connected.is_some() && !peer.status_pending;
        let mut told = Vec::new();
        for (id, peer) in self.peers.iter_mut().filter(|(_, peer)| ready(peer)) {
            peer.status_pending = true;
            told.push(*id);
        }
        told
    }

    pub(super) fn end_status(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.status_pending = false;
        }
    }

    pub(super) fn set_height(&mut self, id: PeerId, height: Height) {
        if let Some(peer) = self.peers.get_mut(&id) {
            self.changed |= peer.height != Some(height);
            peer.height = Some(height);
        }
    }

    /// What to show, if it differs from what was shown last.
    pub(super) fn take_changes(&mut self) -> Option<Vec<PeerStatus>> {
        std::mem::take(&mut self.changed).then(|| {
            let status = |peer: &Peer| PeerStatus {
                address: peer.address.clone(),
                connected: peer.connected.is_some(),
                height: peer.height,
            };
            self.peers.values().map(status).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(seed: u8) -> PeerAddress {
        format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", 1000 + u16::from(seed), PeerId::of_secret(&[seed; 32])).parse().unwrap()
    }

    fn peers(now: Instant) -> Peers {
        let mut peers = Peers::new(PeerId::of_secret(&[1; 32]));
        peers.replace(vec![address(1), address(2), address(3)], now);
        peers
    }

    #[test]
    fn a_node_neither_lists_nor_dials_itself() {
        let now = Instant::now();
        let mut peers = peers(now);
        assert_eq!(peers.allowed(now), [address(2).id(), address(3).id()].into());
        assert_eq!(peers.due(now).len(), 2);
    }

    #[test]
    fn a_peer_whose_address_nobody_knows_is_let_in_and_never_dialled() {
        let now = Instant::now();
        let mut peers = peers(now);
        peers.replace(vec![PeerAddress::unknown(address(4).id()), address(2)], now);
        assert_eq!(peers.allowed(now), [address(2).id(), address(4).id()].into());
        assert_eq!(peers.due(now), [address(2)]);
    }

    #[test]
    fn failed_dials_wait_longer_each_time_up_to_a_limit() {
        let mut now = Instant::now();
        let mut peers = peers(now);
        let id = address(2).id();
        let mut waits = Vec::new();
        for _ in 0..8 {
            peers.dial_failed(id, now);
            let begin = now;
            while !peers.due(now).iter().any(|address| address.id() == id) {
                now += Duration::from_millis(100);
            }
            waits.push(now - begin);
        }
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(waits.last(), Some(&limits::DIAL_DELAY_MAX));
    }

    #[test]
    fn only_a_long_connection_resets_the_wait() {
        let now = Instant::now();
        let mut peers = peers(now);
        let id = address(2).id();
        for _ in 0..5 {
            peers.connected(id, now);
            peers.disconnected(id, now);
        }
        assert!(!peers.due(now + limits::DIAL_DELAY_MIN).iter().any(|address| address.id() == id));
        peers.connected(id, now);
        let later = now + limits::CONNECTION_STABLE * 2;
        peers.disconnected(id, later);
        assert!(peers.due(later + limits::DIAL_DELAY_MIN).iter().any(|address| address.id() == id));
    }

    #[test]
    fn a_peer_at_fault_is_refused_until_its_penalty_ends() {
        let now = Instant::now();
        let mut peers = peers(now);
        let id = address(2).id();
        assert!(peers.survives(id, now, Fault::FalseStatus));
        assert!(!peers.survives(id, now, Fault::FalseStatus));
        assert!(!peers.allowed(now).contains(&id));
        assert!(!peers.penalty_ends(now));
        let later = now + PENALTY;
        assert!(peers.penalty_ends(later));
        assert!(peers.allowed(later).contains(&id));
    }

    #[test]
    fn a_peer_has_few_requests_under_way() {
        let now = Instant::now();
        let mut peers = peers(now);
        let id = address(2).id();
        let begun = (0..10).filter(|_| peers.begin_answer(id)).count();
        assert_eq!(begun, limits::ANSWERS_PER_PEER_MAX);
        peers.end_answer(id);
        assert!(peers.begin_answer(id));
        assert!(!peers.begin_answer(PeerId::of_secret(&[9; 32])));
    }
}
