//! Which validators are known to run, and whether a set of them could decide blocks.
//!
//! Validators propose in turn, so one that runs soon stands as a block's proposer. The ledger keeps when each last did
//! ([`LastProposal`]), and counts *blocks with work* (those that left a receipt): heights would not do, because an idle chain
//! makes blocks in which nobody could have been seen without writing to the state, and a chain that idled for a night would have
//! forgotten everybody. A validator counts as running if it proposed within the last [`QUORUM_TURNS`] × n blocks with work, n being
//! the number of validators: it has had that many turns. A validator of the genesis counts from the start, as if it had
//! proposed block 0; one that joins counts once it has proposed.
//!
//! A proposal is written down in a block with work; in one without, only if the proposer was never seen, or not for half
//! that span. So every live validator is seen whatever the rhythm of the work (with an even number of validators, a transaction
//! and the empty block that certifies it would for ever fall to the same halves), and an idle chain's root comes to rest after
//! at most one such write for each validator.
//!
//! What this cannot see is a validator that stopped within that span: then the change is admitted, and the chain waits for it.
use crate::ledger::Ledger;
use countersign_types::block::LastProposal;
use countersign_types::{Height, PublicKey, Validator, ValidatorSet};

/// Turns that a validator may miss in a row, counted in blocks with work, before it no longer counts as running: a restart and
/// some slow rounds are no reason to bar the council from acting.
const QUORUM_TURNS: u64 = 8;

/// Writes down who made the block, at its end.
pub(crate) fn record(ledger: &mut Ledger<'_>, proposer: &PublicKey, height: Height, has_work: bool) {
    let working_blocks = ledger.working_blocks() + u64::from(has_work);
    if has_work {
        ledger.put_working_blocks(working_blocks);
    }
    let validators = ledger.validators();
    // One that was removed meanwhile has made its last blocks: nothing is kept of it.
    if !is_among(&validators, proposer) {
        return;
    }
    let seen_of_late = ledger
        .last_proposal(proposer)
        .is_some_and(|last| working_blocks.saturating_sub(last.working_blocks) < span(&validators) / 2);
    if has_work || !seen_of_late {
        ledger.put_last_proposal(proposer, &LastProposal { height, working_blocks });
    }
}

/// A validator of the genesis counts as running until it is known better.
pub(crate) fn begin(ledger: &mut Ledger<'_>, validators: &ValidatorSet) {
    for validator in &validators.0 {
        ledger.put_last_proposal(&validator.key, &LastProposal::default());
    }
}

/// Forgets one that is no validator any more.
pub(crate) fn forget(ledger: &mut Ledger<'_>, validator: &PublicKey) {
    ledger.remove_last_proposal(validator);
}

/// True if the validators of `next` that are known to run have more than two thirds of its power.
pub(crate) fn keep_the_quorum(ledger: &Ledger<'_>, next: &ValidatorSet) -> bool {
    let present = ledger.validators();
    let working_blocks = ledger.working_blocks();
    let runs = |validator: &&Validator| runs(ledger.last_proposal(&validator.key), working_blocks, &present);
    let running: u128 = next.0.iter().filter(runs).map(|validator| u128::from(validator.power)).sum();
    running * 3 > u128::from(next.total_power()) * 2
}

/// True if a validator that last proposed then is known to run.
pub(crate) fn runs(last: Option<LastProposal>, working_blocks: u64, present: &ValidatorSet) -> bool {
    last.is_some_and(|last| working_blocks.saturating_sub(last.working_blocks) < span(present))
}

/// Blocks with work in which each validator has had its turns.
fn span(validators: &ValidatorSet) -> u64 {
    QUORUM_TURNS * validators.0.len() as u64
}

fn is_among(validators: &ValidatorSet, key: &PublicKey) -> bool {
    validators.0.binary_search_by(|validator| validator.key.cmp(key)).is_ok()
}
