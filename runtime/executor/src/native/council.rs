//! Whether the council has signed, and whether it still could after a change.
use super::{ARGUMENT_BYTE_GAS, CALL_GAS, governance};
use crate::call::CALL_GAS as RUN_CALL_GAS;
use crate::ledger::Ledger;
use crate::quota::{BYTE_GAS, SIGNATURE_GAS, TRANSACTION_GAS, VALIDITY_HOUR_GAS};
use countersign_types::genesis::Council;
use countersign_types::limits::{PARTIES_MAX, SIGNATURES_MAX};
use countersign_types::{AccountId, Gas};
use std::collections::BTreeSet;

/// Bytes of a signature in a transaction: the account's index, the key, the signature.
const SIGNATURE_BYTES: usize = 2 + 32 + 64;
/// Bytes of a party of a call.
const PARTY_BYTES: usize = 32;
/// Bytes of a call that names every parameter, and of the transaction around it.
const REPAIR_BYTES: usize = 1_024;
/// Gas of that call by the largest council, and a month to sign it: with it the council can raise what binds it.
const REPAIR_GAS: u64 = governance::set_parameters_gas(PARTIES_MAX as u64)
    + CALL_GAS
    + RUN_CALL_GAS
    + ARGUMENT_BYTE_GAS * REPAIR_BYTES as u64
    + 30 * 24 * VALIDITY_HOUR_GAS;

/// True if enough distinct members of the council are among the parties. That each of them is active and has signed was checked
/// before the call.
pub(crate) fn has_signed(ledger: &Ledger<'_>, parties: &[AccountId]) -> bool {
    let council = ledger.council();
    let signers: BTreeSet<_> = parties.iter().filter(|party| council.members.contains(party)).collect();
    signers.len() >= usize::from(council.threshold)
}

/// True if `council` can act on this ledger: as many of it as must sign are active members, and a call with the signatures they
/// need fits one transaction, its gas and a member's quota. Roles do not matter: none is needed to govern.
pub(crate) fn can_act(ledger: &Ledger<'_>, council: &Council) -> bool {
    let active = council.members.iter().filter(|id| ledger.active_member(id).is_some());
    let accounts = active.filter_map(|id| ledger.account(id));
    let mut needed: Vec<usize> = accounts.map(|account| account.authority.fewest_keys()).collect();
    needed.sort_unstable();
    let threshold = usize::from(council.threshold);
    if needed.len() < threshold {
        return false;
    }
    let signatures: usize = needed[..threshold].iter().sum();
    let bytes = REPAIR_BYTES + threshold * PARTY_BYTES + signatures * SIGNATURE_BYTES;
    let price = TRANSACTION_GAS + SIGNATURE_GAS * signatures as u64 + BYTE_GAS * bytes as u64 + REPAIR_GAS;
    let params = ledger.params();
    signatures <= SIGNATURES_MAX && Gas::new(price) <= params.transaction_gas_max.min(params.quota_gas)
}
