//! What the council and the members decide, read from any state.
use crate::ledger::{Ledger, record};
use crate::turns;
use countersign_state::StateRead;
use countersign_types::block::LastProposal;
use countersign_types::evidence::RecordedEvidence;
use countersign_types::genesis::Council;
use countersign_types::{
    AccountId, Evidence, Height, NodeRecord, Params, PublicKey, Site, Validator, ValidatorSet, state_key,
};
use parity_scale_codec::{Decode, DecodeAll};

/// Records read at once.
const RECORDS_PER_READ: usize = 100;

/// The parameters that hold for the block after this state.
///
/// # Panics
/// If the state did not begin with a genesis.
pub fn params(state: &dyn StateRead) -> Params {
    record(state, &state_key::params()).expect("every chain's state has parameters")
}

/// The newest validators: those of the block after the next one. The next block's stood in the state before this one.
///
/// # Panics
/// If the state did not begin with a genesis.
pub fn validators(state: &dyn StateRead) -> ValidatorSet {
    record(state, &state_key::validators()).expect("every chain's state has validators")
}

/// The council and how many of it must sign.
///
/// # Panics
/// If the state did not begin with a genesis.
pub fn council(state: &dyn StateRead) -> Council {
    record(state, &state_key::council()).expect("every chain's state has a council")
}

/// What the ledger knows of a validator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ValidatorStanding {
    /// Its key and power.
    pub validator: Validator,
    /// Height of a block it made of late, not always the last; `None` if it was never seen to make one.
    pub proposed: Option<Height>,
    /// True if it counts as running when the council changes the validators.
    pub runs: bool,
}

/// The newest validators with what is known of each, sorted by key.
///
/// # Panics
/// If the state did not begin with a genesis.
pub fn validator_standings(state: &dyn StateRead) -> Vec<ValidatorStanding> {
    let set = validators(state);
    let working_blocks = record(state, &state_key::working_blocks()).unwrap_or(0);
    let standing = |validator: &Validator| {
        let last: Option<LastProposal> = record(state, &state_key::proposed(&validator.key));
        let proposed = last.map(|last| last.height).filter(|height| *height > Height::ZERO);
        ValidatorStanding { validator: *validator, proposed, runs: turns::runs(last, working_blocks, &set) }
    };
    set.0.iter().map(standing).collect()
}

/// Every node the council ever admitted, sorted by its network key. Only those that are active may connect.
pub fn nodes(state: &dyn StateRead) -> impl Iterator<Item = (PublicKey, NodeRecord)> + '_ {
    records(state, state_key::nodes()).map(|(key, node)| {
        let key = key.last_chunk().expect("a node's key in the state ends in its network key");
        (PublicKey(*key), node)
    })
}

/// True if the member and its own account may act.
pub fn is_active_member(state: &dyn StateRead, member: &AccountId) -> bool {
    Ledger::new(state).active_member(member).is_some()
}

/// A member's site; `None` until it has one.
pub fn site(state: &dyn StateRead, member: &AccountId) -> Option<Site> {
    record(state, &state_key::site(member))
}

/// True if the node with this network key may relay: it is admitted, and an active member with the role `relay` runs it.
pub fn is_relay(state: &dyn StateRead, node: &PublicKey) -> bool {
    Ledger::new(state).is_relay(node)
}

/// True if the ledger has recorded evidence of the same validator, height, round and kind of step.
pub fn is_recorded(state: &dyn StateRead, evidence: &Evidence) -> bool {
    state.get(&evidence.state_key()).is_some()
}

/// Recorded evidence, sorted by validator, height, round and step.
pub fn evidence(state: &dyn StateRead) -> impl Iterator<Item = RecordedEvidence> + '_ {
    records(state, state_key::all_evidence()).map(|(_, recorded)| recorded)
}

/// The records under a prefix, a page at a time.
fn records<T: Decode>(state: &dyn StateRead, prefix: Vec<u8>) -> impl Iterator<Item = (Vec<u8>, T)> + '_ {
    let mut page = Vec::new().into_iter();
    let mut after: Option<Vec<u8>> = None;
    let entries = std::iter::from_fn(move || {
        if page.len() == 0 {
            page = state.range(&prefix, after.as_deref(), RECORDS_PER_READ).into_iter();
        }
        let entry: (Vec<u8>, Vec<u8>) = page.next()?;
        after = Some(entry.0.clone());
        Some(entry)
    });
    entries.map(|(key, value)| {
        let record = T::decode_all(&mut &value[..]);
        (key, record.expect("a record of the state is damaged: restore the node from a snapshot"))
    })
}
