//! The ledger's records, read and written by type on the overlay of the running block. Knows which rules records keep among
//! themselves (an amount of zero is no record), not which calls may change them.
use countersign_state::{Changes, Overlay, Savepoint, StateRead, seen_hash};
use countersign_types::account::QuotaUse;
use countersign_types::block::LastProposal;
use countersign_types::genesis::Council;
use countersign_types::{
    Account, AccountId, Amount, Asset, AssetId, CallFault, Contract, Hash, Member, ModuleName, Name, NodeRecord,
    Params, PublicKey, Role, Site, Status, Timestamp, ValidatorSet, state_key,
};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use std::collections::{BTreeMap, BTreeSet};

/// Buckets of remembered ids dropped at once: an hour of them, so that a chain that stood still for weeks holds little in memory
/// while it clears them.
const BUCKETS_PER_READ: usize = 60;

/// A state with the changes of the running block on top.
pub(crate) struct Ledger<'s> {
    base: &'s dyn StateRead,
    overlay: Overlay<'s>,
    /// Balances written in this block, undone or not.
    touched: BTreeSet<(AccountId, AssetId)>,
    /// Ids remembered in this block, by minute of expiry, in the order they ran.
    remembered: BTreeMap<u64, Vec<Hash>>,
}

/// Reads a record of any state.
///
/// # Panics
/// If the bytes are no `T`: only this crate writes records, so the state is damaged and the node must not go on.
pub(crate) fn record<T: Decode>(state: &dyn StateRead, key: &[u8]) -> Option<T> {
    state.get(key).map(|bytes| decode(&bytes))
}

fn decode<T: Decode>(bytes: &[u8]) -> T {
    T::decode_all(&mut &bytes[..]).expect("a record of the state is damaged: restore the node from a snapshot")
}

impl<'s> Ledger<'s> {
    pub(crate) fn new(base: &'s dyn StateRead) -> Self {
        Self { base, overlay: Overlay::new(base), touched: BTreeSet::new(), remembered: BTreeMap::new() }
    }

    // --- bytes ---

    pub(crate) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.overlay.get(key)
    }

    pub(crate) fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.overlay.set(key, value);
    }

    pub(crate) fn remove(&mut self, key: Vec<u8>) {
        self.overlay.remove(key);
    }

    pub(crate) fn range(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.overlay.range(prefix, after, limit)
    }

    /// The records of a range.
    pub(crate) fn range_of<T: Decode>(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<T> {
        self.range(prefix, after, limit).iter().map(|(_, value)| decode(value)).collect()
    }

    pub(crate) fn savepoint(&mut self) -> Savepoint {
        self.overlay.savepoint()
    }

    /// Undoes all records written since; remembered ids stay.
    pub(crate) fn rollback(&mut self, to: Savepoint) {
        self.overlay.rollback(to);
    }

    pub(crate) fn commit(&mut self, to: Savepoint) {
        self.overlay.commit(to);
    }

    // --- records ---

    pub(crate) fn read<T: Decode>(&self, key: &[u8]) -> Option<T> {
        self.get(key).map(|bytes| decode(&bytes))
    }

    pub(crate) fn write(&mut self, key: Vec<u8>, record: &impl Encode) {
        self.set(key, record.encode());
    }

    /// # Panics
    /// If the state is not one that began with a genesis.
    pub(crate) fn params(&self) -> Params {
        self.read(&state_key::params()).expect("every chain's state has parameters")
    }

    /// # Panics
    /// If the state is not one that began with a genesis.
    pub(crate) fn council(&self) -> Council {
        self.read(&state_key::council()).expect("every chain's state has a council")
    }

    pub(crate) fn put_params(&mut self, params: &Params) {
        self.write(state_key::params(), params);
    }

    pub(crate) fn put_council(&mut self, council: &Council) {
        self.write(state_key::council(), council);
    }

    /// # Panics
    /// If the state is not one that began with a genesis.
    pub(crate) fn validators(&self) -> ValidatorSet {
        self.read(&state_key::validators()).expect("every chain's state has validators")
    }

    pub(crate) fn put_validators(&mut self, validators: &ValidatorSet) {
        self.write(state_key::validators(), validators);
    }

    pub(crate) fn working_blocks(&self) -> u64 {
        self.read(&state_key::working_blocks()).unwrap_or(0)
    }

    pub(crate) fn put_working_blocks(&mut self, count: u64) {
        self.write(state_key::working_blocks(), &count);
    }

    pub(crate) fn last_proposal(&self, validator: &PublicKey) -> Option<LastProposal> {
        self.read(&state_key::proposed(validator))
    }

    pub(crate) fn put_last_proposal(&mut self, validator: &PublicKey, last: &LastProposal) {
        self.write(state_key::proposed(validator), last);
    }

    pub(crate) fn remove_last_proposal(&mut self, validator: &PublicKey) {
        self.remove(state_key::proposed(validator));
    }

    pub(crate) fn node(&self, key: &PublicKey) -> Option<NodeRecord> {
        self.read(&state_key::node(key))
    }

    pub(crate) fn put_node(&mut self, key: &PublicKey, node: &NodeRecord) {
        self.write(state_key::node(key), node);
    }

    /// Nodes with keys greater than `after`, in order, at most `limit`.
    pub(crate) fn nodes(&self, after: Option<&PublicKey>, limit: usize) -> Vec<(PublicKey, NodeRecord)> {
        let nodes = self.range(&state_key::nodes(), after.map(state_key::node).as_deref(), limit);
        let key = |key: &[u8]| *key.last_chunk().expect("a node's key in the state ends in its network key");
        nodes.iter().map(|(at, node)| (PublicKey(key(at)), decode(node))).collect()
    }

    pub(crate) fn account(&self, id: &AccountId) -> Option<Account> {
        self.read(&state_key::account(id))
    }

    pub(crate) fn put_account(&mut self, id: &AccountId, account: &Account) {
        self.write(state_key::account(id), account);
    }

    pub(crate) fn member(&self, id: &AccountId) -> Option<Member> {
        self.read(&state_key::member(id))
    }

    pub(crate) fn put_member(&mut self, id: &AccountId, member: &Member) {
        self.write(state_key::member(id), member);
    }

    pub(crate) fn put_site(&mut self, member: &AccountId, site: &Site) {
        self.write(state_key::site(member), site);
    }

    /// The member, if it and its account may act.
    pub(crate) fn active_member(&self, id: &AccountId) -> Option<Member> {
        let member = self.member(id).filter(|member| member.status == Status::Active)?;
        self.account(id).filter(|account| account.status == Status::Active).map(|_| member)
    }

    /// True if the account and the member that enrolled it may act.
    pub(crate) fn is_active(&self, account: &Account) -> bool {
        account.status == Status::Active
            && self.member(&account.member).is_some_and(|member| member.status == Status::Active)
    }

    /// True if the node with this network key may relay.
    pub(crate) fn is_relay(&self, key: &PublicKey) -> bool {
        let Some(node) = self.node(key) else {
            return false;
        };
        let (member, account) = (self.member(&node.member), self.account(&node.member));
        member.zip(account).is_some_and(|(member, account)| node.may_relay(&member, &account))
    }

    pub(crate) fn has_role(&self, member: &AccountId, role: Role) -> bool {
        self.active_member(member).is_some_and(|member| member.roles.contains(&role))
    }

    pub(crate) fn resolve(&self, name: &Name) -> Option<AccountId> {
        self.read(&state_key::name(name))
    }

    pub(crate) fn put_name(&mut self, name: &Name, id: &AccountId) {
        self.write(state_key::name(name), id);
    }

    pub(crate) fn contract(&self, name: &ModuleName) -> Option<Contract> {
        self.read(&state_key::contract(name))
    }

    pub(crate) fn put_contract(&mut self, contract: &Contract) {
        let account = AccountId::of_contract(&contract.name);
        self.write(state_key::contract_name(&account), &contract.name);
        self.write(state_key::contract(&contract.name), contract);
    }

    /// True if the account can hold value: it is enrolled, or a contract's.
    pub(crate) fn can_hold(&self, id: &AccountId) -> bool {
        self.get(&state_key::account(id)).is_some() || self.get(&state_key::contract_name(id)).is_some()
    }

    // --- value ---

    pub(crate) fn asset(&self, id: &AssetId) -> Option<Asset> {
        self.read(&state_key::asset(id))
    }

    pub(crate) fn put_asset(&mut self, id: &AssetId, asset: &Asset) {
        self.write(state_key::asset(id), asset);
    }

    /// The asset, if value of it may move.
    ///
    /// # Errors
    /// `UnknownAsset`, `AssetFrozen`.
    pub(crate) fn movable_asset(&self, id: &AssetId) -> Result<Asset, CallFault> {
        let asset = self.asset(id).ok_or(CallFault::UnknownAsset)?;
        if asset.status == Status::Active { Ok(asset) } else { Err(CallFault::AssetFrozen) }
    }

    pub(crate) fn balance(&self, account: &AccountId, asset: &AssetId) -> Amount {
        self.read(&state_key::balance(account, asset)).unwrap_or(Amount::ZERO)
    }

    pub(crate) fn put_balance(&mut self, account: &AccountId, asset: &AssetId, amount: Amount) {
        self.touched.insert((*account, *asset));
        let key = state_key::balance(account, asset);
        if amount.is_zero() { self.remove(key) } else { self.write(key, &amount) }
    }

    /// Moves `amount` (minor units); from an account to itself it only checks.
    ///
    /// # Errors
    /// `UnknownAsset`, `AssetFrozen`, `UnknownAccount`, `InsufficientBalance`, `Overflow`; nothing was written.
    pub(crate) fn transfer(
        &mut self,
        from: &AccountId,
        to: &AccountId,
        asset: &AssetId,
        amount: Amount,
    ) -> Result<(), CallFault> {
        self.movable_asset(asset)?;
        if !self.can_hold(to) {
            return Err(CallFault::UnknownAccount);
        }
        let rest = self.balance(from, asset).checked_sub(amount).ok_or(CallFault::InsufficientBalance)?;
        if from == to {
            return Ok(());
        }
        let sum = self.balance(to, asset).checked_add(amount).ok_or(CallFault::Overflow)?;
        // After this point it must succeed.
        self.put_balance(from, asset, rest);
        self.put_balance(to, asset, sum);
        Ok(())
    }

    /// Balances written in this block that differ from before it: account, asset, before, after.
    pub(crate) fn balance_changes(&self) -> impl Iterator<Item = (AccountId, AssetId, Amount, Amount)> + '_ {
        self.touched.iter().filter_map(|(account, asset)| {
            let before = record(self.base, &state_key::balance(account, asset)).unwrap_or(Amount::ZERO);
            let after = self.balance(account, asset);
            (before != after).then_some((*account, *asset, before, after))
        })
    }

    /// The asset's supply before the block and now.
    pub(crate) fn supply_change(&self, asset: &AssetId) -> (Amount, Amount) {
        let before: Option<Asset> = record(self.base, &state_key::asset(asset));
        let supply = |record: Option<Asset>| record.map_or(Amount::ZERO, |asset| asset.supply);
        (supply(before), supply(self.asset(asset)))
    }

    // --- quota ---

    pub(crate) fn quota_use(&self, member: &AccountId) -> QuotaUse {
        self.read(&state_key::quota(member)).unwrap_or_default()
    }

    pub(crate) fn put_quota_use(&mut self, member: &AccountId, used: &QuotaUse) {
        self.write(state_key::quota(member), used);
    }

    // --- transactions that ran ---

    pub(crate) fn seen(&self, expires_at: Timestamp, id: &Hash) -> bool {
        self.overlay.seen(expires_at.minute(), id)
    }

    /// Remembers an id until its transaction expires.
    pub(crate) fn remember(&mut self, expires_at: Timestamp, id: Hash) {
        self.overlay.remember(expires_at.minute(), id);
        self.remembered.entry(expires_at.minute()).or_default().push(id);
    }

    /// Ends the block at `time`: forgets the ids that expired before it, and puts those remembered into their buckets' hashes.
    pub(crate) fn into_changes(mut self, time: Timestamp) -> Changes {
        self.forget_before(time.minute());
        for (minute, ids) in std::mem::take(&mut self.remembered) {
            let key = state_key::seen(minute);
            let previous: Option<Hash> = self.read(&key);
            let rolled = seen_hash(previous.unwrap_or(Hash::ZERO), &ids);
            self.write(key, &rolled);
        }
        self.overlay.into_changes()
    }

    /// Drops the buckets of minutes before `minute`: whatever expires in them has expired at any later block.
    fn forget_before(&mut self, minute: u64) {
        let end = state_key::seen(minute);
        loop {
            let buckets = self.range(&state_key::all_seen(), None, BUCKETS_PER_READ);
            let past: Vec<_> = buckets.into_iter().map(|(key, _)| key).take_while(|key| *key < end).collect();
            let more = past.len() == BUCKETS_PER_READ;
            past.into_iter().for_each(|key| self.remove(key));
            if !more {
                break;
            }
        }
        self.overlay.forget_before(minute);
    }
}
