//! Whether the council has signed, and whether it still could after a change.
use crate::ledger::Ledger;
use countersign_types::AccountId;
use countersign_types::genesis::Council;
use countersign_types::limits::SIGNATURES_MAX;
use std::collections::BTreeSet;

/// True if enough distinct members of the council are among the parties. That each of them is active and has signed was checked
/// before the call.
pub(crate) fn has_signed(ledger: &Ledger<'_>, parties: &[AccountId]) -> bool {
    let council = ledger.council();
    let signers: BTreeSet<_> = parties.iter().filter(|party| council.members.contains(party)).collect();
    signers.len() >= usize::from(council.threshold)
}

/// True if `council` can act on this ledger: as many of it as must sign are active members, and the signatures they need fit one
/// transaction. Roles do not matter: none is needed to govern.
pub(crate) fn can_act(ledger: &Ledger<'_>, council: &Council) -> bool {
    let active = council.members.iter().filter(|id| ledger.active_member(id).is_some());
    let accounts = active.filter_map(|id| ledger.account(id));
    let mut needed: Vec<usize> = accounts.map(|account| account.authority.fewest_keys()).collect();
    needed.sort_unstable();
    let threshold = usize::from(council.threshold);
    needed.len() >= threshold && needed[..threshold].iter().sum::<usize>() <= SIGNATURES_MAX
}
