//! Whether the council has signed, and whether it still could after a change.
use crate::ledger::Ledger;
use countersign_types::AccountId;
use std::collections::BTreeSet;

/// True if enough distinct members of the council are among the parties. That each of them is active and has signed was checked
/// before the call.
pub(crate) fn has_signed(ledger: &Ledger<'_>, parties: &[AccountId]) -> bool {
    let council = ledger.council();
    let signers: BTreeSet<_> = parties.iter().filter(|party| council.members.contains(party)).collect();
    signers.len() >= usize::from(council.threshold)
}

/// True if the council could still act with `without` suspended.
pub(crate) fn can_act_without(ledger: &Ledger<'_>, without: &AccountId) -> bool {
    let council = ledger.council();
    let active = council.members.iter().filter(|id| *id != without && ledger.active_member(id).is_some());
    active.count() >= usize::from(council.threshold)
}
