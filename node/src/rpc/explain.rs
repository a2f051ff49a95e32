//! Why the next block is not there yet: what this node sees of itself and its peers, in words.
use super::Api;
use crate::chain::{Head, read};
use crate::peers::{Registration, registration};
use countersign_consensus::{PeerId, PeerStatus};
use countersign_rpc_types::{ConsensusExplanation, PeerView};
use countersign_types::{PublicKey, Timestamp};

/// Rounds that may fail before a wait is worth a look: a proposer that is away costs one.
const ROUNDS_NORMAL: u64 = 3;

/// What an explanation goes by.
#[derive(Clone, Copy)]
struct Seen<'a> {
    head: &'a Head,
    now: Timestamp,
    peers: &'a [PeerStatus],
    waiting: usize,
    validator: Option<PublicKey>,
    own: PeerId,
}

impl Api {
    pub(super) fn peers(&self) -> Vec<PeerView> {
        let peers = self.network.peers();
        let view = |peer: &PeerStatus| PeerView {
            address: peer.address.to_string(),
            connected: peer.connected,
            height: peer.height.map(countersign_types::Height::get),
        };
        peers.borrow().iter().map(view).collect()
    }

    pub(super) fn explain(&self) -> ConsensusExplanation {
        let (head, now, waiting) = (self.chain.head(), self.chain.clock().now(), self.mempool.lock().len());
        let (peers, own) = (self.network.peers().borrow().clone(), self.network.local_id());
        explain(Seen { head: &head, now, peers: &peers, waiting, validator: self.validator, own })
    }
}

fn explain(seen: Seen<'_>) -> ConsensusExplanation {
    let waiting_ms = seen.now.saturating_since(seen.head.header.time);
    let mut words = Vec::new();
    let is_normal = match (behind(seen), idle(seen)) {
        (Some(behind), _) => {
            words.push(behind);
            false
        }
        (None, Some(idle)) => {
            words.push(idle);
            true
        }
        (None, None) => {
            let params = &seen.head.params;
            let round_ms = u64::from(params.timeout_propose_ms) + 2 * u64::from(params.timeout_vote_ms);
            let is_normal = waiting_ms <= ROUNDS_NORMAL * round_ms;
            words.push(match is_normal {
                true => "the block is being agreed on".into(),
                false => halted(seen),
            });
            is_normal
        }
    };
    let refused = refused(seen);
    let is_normal = is_normal && refused.is_none();
    words.extend(refused);
    words.push(role(seen));
    ConsensusExplanation { height: seen.head.height().next().get(), waiting_ms, is_normal, words }
}

/// Others have decided more than this node has executed.
fn behind(seen: Seen<'_>) -> Option<String> {
    let ahead = seen
        .peers
        .iter()
        .filter(|peer| peer.connected)
        .filter_map(|peer| Some((peer.height?, peer)))
        .max_by_key(|(h, _)| *h)?;
    let (height, peer) = ahead;
    // One block more is what any peer has that hears of a decision first.
    (height > seen.head.height().next())
        .then(|| format!("this node is behind: {} tells of block {height}; blocks are being fetched", peer.address))
}

/// There is nothing a block would be made for.
fn idle(seen: Seen<'_>) -> Option<String> {
    let head = seen.head;
    let job = read::next_job(&head.state).map(|job| job.at);
    let interval = head.header.time.checked_add_millis(head.params.idle_interval_ms).unwrap_or(Timestamp::MAX);
    let due = job.map_or(interval, |job| job.min(interval));
    (!head.uncertified && seen.waiting == 0 && due > seen.now).then(|| {
        let in_ms = due.saturating_since(seen.now);
        format!("no transaction waits and nothing is due; the next block comes with work, or in {in_ms} ms")
    })
}

fn halted(seen: Seen<'_>) -> String {
    let (listed, connected) = (seen.peers.len(), seen.peers.iter().filter(|peer| peer.connected).count());
    let validators = seen.head.validators.0.len();
    let away: Vec<String> =
        seen.peers.iter().filter(|peer| !peer.connected).map(|peer| peer.address.to_string()).collect();
    let missing = if away.is_empty() { String::new() } else { format!("; not connected: {}", away.join(", ")) };
    format!(
        "more than two thirds of {validators} validators must take part, and do not: {connected} of {listed} listed peers are \
         connected{missing}"
    )
}

/// Peers do not let this node in.
fn refused(seen: Seen<'_>) -> Option<String> {
    let alone = seen.peers.iter().all(|peer| !peer.connected);
    // Who decides blocks alone needs nobody.
    let needs_peers = seen.head.validators.0.iter().any(|validator| Some(validator.key) != seen.validator);
    match registration(seen.head, seen.own) {
        Registration::Removed => Some("the council has removed this node: no peer lets it in".into()),
        Registration::Missing if alone && needs_peers => {
            Some("no peer is connected, and the council has not admitted this node".into())
        }
        Registration::Missing | Registration::Admitted | Registration::NoRegistry => None,
    }
}

fn role(seen: Seen<'_>) -> String {
    let votes = seen.validator.is_some_and(|key| seen.head.validators.0.iter().any(|v| v.key == key));
    let waiting = seen.waiting;
    match votes {
        true => format!("this node votes; {waiting} transactions wait here"),
        false => format!("this node does not vote, it follows; {waiting} transactions wait here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::tests::{head, id, listed, node};
    use countersign_types::Status;

    #[tokio::test]
    async fn a_node_that_peers_do_not_let_in_is_told_why() {
        let (missing, removed) =
            (head(&[(2, node("", Status::Active))]).await, head(&[(1, node("", Status::Suspended))]).await);
        let explained = |head: &Head, connected| {
            let peers = [PeerStatus { address: listed(2, "two"), connected, height: None }];
            let now = head.header.time;
            explain(Seen { head, now, peers: &peers, waiting: 0, validator: None, own: id(1) })
        };
        let says = |explained: &ConsensusExplanation, what| explained.words.iter().any(|word| word.contains(what));
        let alone = explained(&missing, false);
        assert!(!alone.is_normal && says(&alone, "the council has not admitted this node"), "{alone:?}");
        let listed_by_settings = explained(&missing, true);
        assert!(listed_by_settings.is_normal && !says(&listed_by_settings, "admitted"), "{listed_by_settings:?}");
        let refused = explained(&removed, true);
        assert!(!refused.is_normal && says(&refused, "the council has removed this node"), "{refused:?}");
    }
}
