//! The council, validators, nodes and evidence: what governance decides by and has decided.
use super::{Api, bad_input, page_items};
use crate::chain::{Head, read};
use countersign_consensus::PeerId;
use countersign_executor::ValidatorStanding;
use countersign_rpc_types::*;
use countersign_state::StateRead;
use countersign_types::evidence::RecordedEvidence;
use countersign_types::{NodeRecord, PublicKey, Status, Validator, ValidatorSet, state_key};
use parity_scale_codec::Encode;
use std::collections::BTreeSet;

impl Api {
    pub(super) fn council(&self) -> CouncilView {
        let head = self.chain.head();
        let council = countersign_executor::council(&head.state);
        let members: Vec<_> = council.members.iter().map(|id| read::member(&head.state, id)).collect();
        CouncilView::of(&council, &members, &head.params)
    }

    pub(super) fn validators(&self) -> Vec<ValidatorView> {
        let head = self.chain.head();
        let standings = countersign_executor::validator_standings(&head.state);
        validators(&head, &standings, self.validator.as_ref())
    }

    pub(super) fn nodes(&self, cursor: Option<String>, limit: Option<u32>) -> Result<Page<NodeView>, RpcFault> {
        let (head, limit) = (self.chain.head(), page_items(limit)?);
        let after: Option<PublicKey> = super::ledger::parsed("cursor", cursor)?;
        let after = after.map(|key| state_key::node(&key));
        let connected: BTreeSet<PeerId> =
            self.network.peers().borrow().iter().filter(|peer| peer.connected).map(|peer| peer.address.id()).collect();
        let own = self.network.local_id();
        let show = |key: &PublicKey, node: &NodeRecord| node_view(&head, own, &connected, key, node);
        Ok(super::ledger::page(&head.state, &state_key::nodes(), after, limit, show))
    }

    pub(super) fn evidence(&self, cursor: Option<String>, limit: Option<u32>) -> Result<Page<EvidenceView>, RpcFault> {
        evidence(&self.chain.head().state, cursor, page_items(limit)?)
    }
}

fn evidence(state: &dyn StateRead, cursor: Option<String>, limit: usize) -> Result<Page<EvidenceView>, RpcFault> {
    let prefix = state_key::all_evidence();
    let after = cursor.map(|cursor| evidence_key(&prefix, &cursor)).transpose()?;
    let found = state.range(&prefix, after.as_deref(), limit + 1);
    let shown = &found[..found.len().min(limit)];
    let next = shown.last().filter(|_| found.len() > limit).map(|(key, _)| hex::encode(&key[prefix.len()..]));
    let items = shown.iter().filter_map(|(_, value)| read::decoded(value)).map(|found| evidence_view(&found));
    Ok(Page { items: items.collect(), next })
}

/// The validators of the next block and those decided on, by key.
fn validators(head: &Head, standings: &[ValidatorStanding], own: Option<&PublicKey>) -> Vec<ValidatorView> {
    let present = head.validators.0.iter().chain(head.next_validators.0.iter());
    let keys: BTreeSet<PublicKey> = present.map(|validator| validator.key).collect();
    let from = head.height().next().next().get();
    let view = |key: PublicKey| {
        let (power, next) = (power(&head.validators, &key), power(&head.next_validators, &key));
        let standing = standings.iter().find(|standing| standing.validator.key == key);
        ValidatorView {
            key: key.to_string(),
            power,
            pending: (next != power).then_some(PendingPower { power: next, from }),
            proposed: standing.and_then(|standing| standing.proposed).map(countersign_types::Height::get),
            runs: standing.is_some_and(|standing| standing.runs),
            own: own == Some(&key),
        }
    };
    keys.into_iter().map(view).collect()
}

fn power(validators: &ValidatorSet, key: &PublicKey) -> u64 {
    let found: Option<&Validator> = validators.0.iter().find(|validator| validator.key == *key);
    found.map_or(0, |validator| validator.power)
}

fn node_view(head: &Head, own: PeerId, connected: &BTreeSet<PeerId>, key: &PublicKey, node: &NodeRecord) -> NodeView {
    let peer = PeerId::of_key(key);
    let is_own = peer == Some(own);
    let member = read::member(&head.state, &node.member);
    NodeView {
        key: key.to_string(),
        peer_id: peer.map(|peer| peer.to_string()),
        member: node.member.to_string(),
        member_name: member.map(|member| member.name.to_string()).unwrap_or_default(),
        address: node.address.to_string(),
        status: if node.status == Status::Active { "active" } else { "removed" }.into(),
        since: node.since.get(),
        connected: is_own || peer.is_some_and(|peer| connected.contains(&peer)),
        own: is_own,
    }
}

fn evidence_view(found: &RecordedEvidence) -> EvidenceView {
    let RecordedEvidence { evidence, recorded_at } = found;
    EvidenceView {
        validator: evidence.validator().to_string(),
        height: evidence.height().get(),
        round: evidence.round(),
        step: step_name(evidence.step()).into(),
        recorded_at: recorded_at.get(),
        evidence: HexBytes(evidence.encode()),
    }
}

/// A cursor is what follows the prefix in the key of the last item, in hexadecimal.
fn evidence_key(prefix: &[u8], cursor: &str) -> Result<Vec<u8>, RpcFault> {
    // A key, a height, a round and a step.
    const BYTES: usize = 32 + 8 + 4 + 1;
    match hex::decode(cursor) {
        Ok(rest) if rest.len() == BYTES => Ok([prefix, &rest[..]].concat()),
        _ => Err(bad_input("cursor", "a cursor is a text as the `next` of an answer gave it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::tests::{mempool, opened};
    use countersign_state::{Changes, MemoryStore};
    use countersign_types::evidence::{Evidence, SignedStatement, Statement};
    use countersign_types::signature::{public_key, sign};
    use countersign_types::{AccountId, BoundedText, Hash, Height};
    use std::sync::Arc;

    async fn head() -> Arc<Head> {
        opened(&Arc::new(MemoryStore::default()), &mempool()).await.chain.head()
    }

    fn found(height: u64) -> RecordedEvidence {
        let signed = |block| {
            let statement = Statement::Precommit { height: Height::new(height), round: 3, block };
            let signature = sign(&[5; 32], &statement.message(&Hash::ZERO));
            SignedStatement { validator: public_key(&[5; 32]), statement, signature }
        };
        let evidence = Evidence { first: signed(None), second: signed(Some(Hash([1; 32]))) };
        RecordedEvidence { evidence, recorded_at: Height::new(height + 1) }
    }

    #[tokio::test]
    async fn evidence_comes_in_pages_and_proves_itself() {
        let mut changes = Changes::default();
        for height in 1..=5 {
            let recorded = found(height);
            changes.values.insert(recorded.evidence.state_key(), Some(recorded.encode()));
        }
        let state = head().await.state.apply(Height::new(1), &changes);
        let (mut heights, mut cursor) = (Vec::new(), None);
        loop {
            let page = evidence(&state, cursor, 2).unwrap();
            assert!(page.items.len() <= 2);
            heights.extend(page.items.iter().map(|item| (item.height, item.recorded_at)));
            let shown = &page.items[0];
            assert_eq!((shown.step.as_str(), shown.round), ("precommit", 3));
            let proof: Evidence = read::decoded(&shown.evidence.0).unwrap();
            assert!(proof.is_valid(&Hash::ZERO) && proof.validator().to_string() == shown.validator);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(heights, [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]);
        for bad in ["", "zz", "00"] {
            assert_eq!(evidence(&state, Some(bad.into()), 2).unwrap_err().code, ErrorCode::BadInput as i32);
        }
    }

    #[tokio::test]
    async fn a_change_of_validators_is_shown_before_it_holds() {
        let head = head().await;
        let present = head.validators.0[0];
        let [joins, leaves] = [7, 8].map(|seed| public_key(&[seed; 32]));
        let set = |list: &[(PublicKey, u64)]| {
            let mut list: Vec<_> = list.iter().map(|(key, power)| Validator { key: *key, power: *power }).collect();
            list.sort();
            ValidatorSet(list.try_into().unwrap())
        };
        let changing = Head {
            validators: set(&[(present.key, 1), (leaves, 4)]),
            next_validators: set(&[(present.key, 1), (joins, 2)]),
            ..Head::clone(&head)
        };
        let standings = countersign_executor::validator_standings(&head.state);
        let views = validators(&changing, &standings, Some(&present.key));
        let of = |key: PublicKey| views.iter().find(|view| view.key == key.to_string()).unwrap();
        let from = head.height().get() + 2;
        assert_eq!((of(present.key).pending, of(present.key).own, of(present.key).runs), (None, true, true));
        assert_eq!((of(joins).power, of(joins).pending), (0, Some(PendingPower { power: 2, from })));
        assert_eq!((of(leaves).power, of(leaves).pending), (4, Some(PendingPower { power: 0, from })));
        assert!(!of(joins).runs && !of(joins).own && views.len() == 3);
    }

    #[tokio::test]
    async fn a_node_is_shown_with_its_identity_member_and_connection() {
        let head = head().await;
        let member = head_member(&head);
        let record = |status| NodeRecord {
            member,
            address: BoundedText::new("/dns4/node.example/tcp/1").unwrap(),
            status,
            since: Height::new(4),
        };
        let key = public_key(&[7; 32]);
        let (peer, other) = (PeerId::of_secret(&[7; 32]), PeerId::of_secret(&[8; 32]));
        let view = |own, connected: &[PeerId], status| {
            node_view(&head, own, &connected.iter().copied().collect(), &key, &record(status))
        };
        let away = view(other, &[other], Status::Active);
        assert_eq!((away.peer_id, away.connected, away.own), (Some(peer.to_string()), false, false));
        assert_eq!((away.status.as_str(), away.since), ("active", 4));
        assert!(!away.member_name.is_empty());
        assert!(view(other, &[peer], Status::Active).connected);
        let own = view(peer, &[], Status::Suspended);
        assert!(own.own && own.connected && own.status == "removed");
    }

    fn head_member(head: &Head) -> AccountId {
        countersign_executor::council(&head.state).members[0]
    }
}
