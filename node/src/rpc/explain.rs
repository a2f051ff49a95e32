//! Why the next block is not there yet: what this node sees of itself and its peers, in words.
use super::Api;
use crate::chain::{Head, read};
use countersign_consensus::PeerStatus;
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
        let peers = self.network.peers().borrow().clone();
        explain(Seen { head: &head, now, peers: &peers, waiting, validator: self.validator })
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

fn role(seen: Seen<'_>) -> String {
    let votes = seen.validator.is_some_and(|key| seen.head.validators.0.iter().any(|v| v.key == key));
    let waiting = seen.waiting;
    match votes {
        true => format!("this node votes; {waiting} transactions wait here"),
        false => format!("this node does not vote, it follows; {waiting} transactions wait here"),
    }
}
