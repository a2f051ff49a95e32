//! Who may connect: the nodes the registry on the ledger admits, and those of the operator's own list that it has not removed.
//!
//! A node that joins knows the registry of the genesis only, so what its operator lists is his decision. What the council has removed
//! is refused even then. A node that reads a long history goes by the registry of the height it has come to: it refuses for a
//! while who was removed then and admitted again later, so it needs another peer to read from.
use crate::chain::{Chain, Head};
use countersign_consensus::{Network, PeerAddress, PeerId};
use countersign_types::{NodeRecord, PublicKey, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What this node knows besides the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    /// Its network key.
    pub key: PublicKey,
    /// The peers its settings list.
    pub listed: Vec<PeerAddress>,
}

/// Where this node stands in the registry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Registration {
    /// The registry is empty: the settings alone decide.
    NoRegistry,
    Admitted,
    /// Peers that go by the registry refuse this node.
    Missing,
    Removed,
}

impl Own {
    /// The peers to be connected with while `head` is the newest block: the settings' addresses win over the registry's.
    pub fn peers(&self, head: &Head) -> Vec<PeerAddress> {
        self.peers_among(&countersign_executor::nodes(&head.state).collect::<Vec<_>>())
    }

    /// The same while `nodes` are in the registry.
    pub fn peers_among(&self, nodes: &[(PublicKey, NodeRecord)]) -> Vec<PeerAddress> {
        let registered: BTreeMap<PeerId, &NodeRecord> =
            nodes.iter().filter_map(|(key, node)| Some((PeerId::of_key(key)?, node))).collect();
        let is_removed = |id: &PeerId| registered.get(id).is_some_and(|node| node.status != Status::Active);
        let own = PeerId::of_key(&self.key);
        let mut peers: Vec<PeerAddress> =
            self.listed.iter().filter(|peer| Some(peer.id()) != own && !is_removed(&peer.id())).cloned().collect();
        let listed: BTreeSet<PeerId> = peers.iter().map(PeerAddress::id).collect();
        let others = registered
            .iter()
            .filter(|(id, node)| node.status == Status::Active && Some(**id) != own && !listed.contains(id));
        // An address the ledger let pass and this program cannot read: the peer may still dial.
        peers.extend(others.map(|(id, node)| {
            PeerAddress::at(*id, node.address.as_str()).unwrap_or_else(|_| PeerAddress::unknown(*id))
        }));
        peers
    }
}

/// Where the node with this identity stands in the registry of `head`.
pub(crate) fn registration(head: &Head, own: PeerId) -> Registration {
    registration_among(&countersign_executor::nodes(&head.state).collect::<Vec<_>>(), own)
}

fn registration_among(nodes: &[(PublicKey, NodeRecord)], own: PeerId) -> Registration {
    if nodes.is_empty() {
        return Registration::NoRegistry;
    }
    match nodes.iter().find(|(key, _)| PeerId::of_key(key) == Some(own)) {
        Some((_, node)) if node.status == Status::Active => Registration::Admitted,
        Some(_) => Registration::Removed,
        None => Registration::Missing,
    }
}

/// Keeps the network's list of peers that of the newest block, until the node or the network ends.
pub(crate) async fn follow(chain: Arc<Chain>, network: Network, own: Own) {
    let mut heads = chain.heads();
    drop(chain);
    let (mut nodes, mut peers, mut known) = (None, None, None);
    loop {
        let head = heads.borrow_and_update().clone();
        let registry: Vec<(PublicKey, NodeRecord)> = countersign_executor::nodes(&head.state).collect();
        // Few blocks change the registry.
        if nodes.as_ref() != Some(&registry) {
            let (now, stands) = (own.peers_among(&registry), registration_among(&registry, network.local_id()));
            if known.replace(stands) != Some(stands) {
                tell(&own, stands);
            }
            if peers.as_ref() != Some(&now) {
                tracing::info!(peers = now.len(), height = head.height().get(), "the list of peers is new");
                if network.set_peers(now.clone()).await.is_err() {
                    return;
                }
                peers = Some(now);
            }
            nodes = Some(registry);
        }
        drop(head);
        if heads.changed().await.is_err() {
            return;
        }
    }
}

fn tell(own: &Own, registration: Registration) {
    let key = &own.key;
    match registration {
        Registration::NoRegistry | Registration::Admitted => {}
        Registration::Missing => tracing::warn!(
            %key,
            "the council has not admitted this node: only peers whose own settings list it let it in (governance.admit_node)"
        ),
        Registration::Removed => tracing::warn!(%key, "the council has removed this node: no peer lets it in"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chain::tests::{mempool, opened};
    use countersign_state::{Changes, MemoryStore};
    use countersign_types::signature::public_key;
    use countersign_types::{AccountId, Height, state_key};
    use parity_scale_codec::Encode;

    pub(crate) fn id(seed: u8) -> PeerId {
        PeerId::of_secret(&[seed; 32])
    }

    pub(crate) fn listed(seed: u8, host: &str) -> PeerAddress {
        format!("/dns4/{host}/tcp/26600/p2p/{}", id(seed)).parse().unwrap()
    }

    pub(crate) fn node(address: &str, status: Status) -> NodeRecord {
        let address = countersign_types::BoundedText::new(address).unwrap();
        NodeRecord { member: AccountId([1; 32]), address, status, since: Height::new(1) }
    }

    /// A chain's newest block with these nodes in the registry, by the seeds of their keys.
    pub(crate) async fn head(nodes: &[(u8, NodeRecord)]) -> Head {
        let opened = opened(&Arc::new(MemoryStore::default()), &mempool()).await;
        let head = opened.chain.head();
        let mut changes = Changes::default();
        for (seed, node) in nodes {
            changes.values.insert(state_key::node(&public_key(&[*seed; 32])), Some(node.encode()));
        }
        Head { state: head.state.apply(Height::new(1), &changes), ..Head::clone(&head) }
    }

    fn own(seed: u8, listed: Vec<PeerAddress>) -> Own {
        Own { key: public_key(&[seed; 32]), listed }
    }

    #[tokio::test]
    async fn peers_are_the_registrys_and_the_settings_whose_addresses_win() {
        let registry = [
            (1, node("/dns4/own/tcp/1", Status::Active)),
            (2, node("/dns4/two/tcp/2", Status::Active)),
            (3, node("", Status::Active)),
            (4, node("/dns4/four/tcp/4", Status::Suspended)),
            (5, node("/dns4/five/tcp/5", Status::Active)),
        ];
        let own = own(1, vec![listed(5, "mine"), listed(4, "mine"), listed(6, "mine"), listed(1, "mine")]);
        let mut peers = own.peers(&head(&registry).await);
        peers.sort_by_key(PeerAddress::id);
        let mut wanted = vec![
            PeerAddress::at(id(2), "/dns4/two/tcp/2").unwrap(),
            PeerAddress::unknown(id(3)),
            listed(5, "mine"),
            listed(6, "mine"),
        ];
        wanted.sort_by_key(PeerAddress::id);
        assert_eq!(peers, wanted, "neither itself nor who was removed");
    }

    #[tokio::test]
    async fn a_node_knows_whether_peers_let_it_in() {
        let registered = |nodes: Vec<(u8, NodeRecord)>| async move { registration(&head(&nodes).await, id(1)) };
        assert_eq!(registered(vec![]).await, Registration::NoRegistry);
        assert_eq!(registered(vec![(2, node("", Status::Active))]).await, Registration::Missing);
        assert_eq!(registered(vec![(1, node("", Status::Active))]).await, Registration::Admitted);
        assert_eq!(registered(vec![(1, node("", Status::Suspended))]).await, Registration::Removed);
    }
}
