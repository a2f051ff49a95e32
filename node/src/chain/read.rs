//! Typed reading of a state. What cannot be decoded is not there: the executor alone writes the state.
use countersign_state::StateRead;
use countersign_types::account::QuotaUse;
use countersign_types::genesis::Council;
use countersign_types::{
    Account, AccountId, Amount, Asset, AssetId, Contract, Hash, Job, Member, ModuleName, Name, NodeRecord, PublicKey,
    limits, state_key,
};
use parity_scale_codec::{Decode, DecodeAll};

fn record<T: Decode>(state: &dyn StateRead, key: &[u8]) -> Option<T> {
    decoded(&state.get(key)?)
}

/// A record's bytes as their type.
pub fn decoded<T: Decode>(bytes: &[u8]) -> Option<T> {
    T::decode_all(&mut &bytes[..]).ok()
}

/// An account's record.
pub fn account(state: &dyn StateRead, id: &AccountId) -> Option<Account> {
    record(state, &state_key::account(id))
}

/// A member's record.
pub fn member(state: &dyn StateRead, id: &AccountId) -> Option<Member> {
    record(state, &state_key::member(id))
}

/// A node's record, by its network key.
pub fn node(state: &dyn StateRead, key: &PublicKey) -> Option<NodeRecord> {
    record(state, &state_key::node(key))
}

/// The account a member's or holder's name stands for.
pub fn name(state: &dyn StateRead, name: &Name) -> Option<AccountId> {
    record(state, &state_key::name(name))
}

/// An asset's record.
pub fn asset(state: &dyn StateRead, id: &AssetId) -> Option<Asset> {
    record(state, &state_key::asset(id))
}

/// What an account holds of an asset.
pub fn balance(state: &dyn StateRead, account: &AccountId, asset: &AssetId) -> Amount {
    record(state, &state_key::balance(account, asset)).unwrap_or(Amount::ZERO)
}

/// What an account holds, by asset.
pub fn balances(state: &dyn StateRead, account: &AccountId) -> Vec<(AssetId, Amount)> {
    let prefix = state_key::balances(account);
    // No account holds more assets than a chain starts with by far; the rest is left to `balance_get`.
    let entries = state.range(&prefix, None, limits::LIST_ITEMS_MAX);
    entries.iter().filter_map(|(key, value)| Some((decoded(&key[prefix.len()..])?, decoded(value)?))).collect()
}

/// A contract's record.
pub fn contract(state: &dyn StateRead, name: &ModuleName) -> Option<Contract> {
    record(state, &state_key::contract(name))
}

/// A contract's wasm.
pub fn code(state: &dyn StateRead, hash: &Hash) -> Option<Vec<u8>> {
    state.get(&state_key::code(hash))
}

/// What a member used of its quota.
pub fn quota(state: &dyn StateRead, member: &AccountId) -> QuotaUse {
    record(state, &state_key::quota(member)).unwrap_or_default()
}

/// The council.
pub fn council(state: &dyn StateRead) -> Option<Council> {
    record(state, &state_key::council())
}

/// How many contradictions of a validator the ledger holds, up to [`limits::EVIDENCE_PER_VALIDATOR_MAX`].
pub fn evidence_count(state: &dyn StateRead, validator: &PublicKey) -> usize {
    let prefix = [&state_key::all_evidence()[..], &validator.0].concat();
    state.range(&prefix, None, limits::EVIDENCE_PER_VALIDATOR_MAX).len()
}

/// The job that is due first.
pub fn next_job(state: &dyn StateRead) -> Option<Job> {
    state.range(&state_key::jobs(), None, 1).first().and_then(|(_, value)| decoded(value))
}
