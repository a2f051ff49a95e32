//! What each host function does, as the ledger does it.
use super::{TestHost, WaitingJob};
use crate::Host;
use alloc::vec::Vec;
use core::ops::Bound;
use countersign_types::account::Role;
use countersign_types::{
    AccountId, Amount, AssetId, CallFault, Event, Hash, Height, ModuleName, Name, PublicKey, Selector, SignedDocument,
    Status, Timestamp, limits,
};

impl TestHost {
    /// Ends the call if it may not write.
    fn write(&self) {
        if !self.running.writes {
            self.end(CallFault::ReadOnly);
        }
    }

    /// Ends the call if `size` is beyond `limit`.
    fn within(&self, size: usize, limit: usize) {
        if size > limit {
            self.end(CallFault::LimitExceeded);
        }
    }

    fn may_move_value_of(&self, account: AccountId) -> bool {
        account == self.contract() || self.running.parties.contains(&account)
    }

    fn check_transfer(&self, from: AccountId, to: AccountId, asset: AssetId, amount: Amount) -> Result<(), CallFault> {
        if !self.may_move_value_of(from) {
            return Err(CallFault::NotAParty);
        }
        match self.world.assets.get(&asset) {
            None => return Err(CallFault::UnknownAsset),
            Some(Status::Suspended) => return Err(CallFault::AssetFrozen),
            Some(Status::Active) => {}
        }
        if to != self.contract() && !self.world.accounts.contains_key(&to) {
            return Err(CallFault::UnknownAccount);
        }
        if self.held(from, asset) < amount { Err(CallFault::InsufficientBalance) } else { Ok(()) }
    }

    /// A suspended party's signature counts for nothing.
    fn authority_is_met(&self, account: &AccountId, keys: &[PublicKey]) -> bool {
        let record = self.world.accounts.get(account).filter(|_| self.is_active(account) == Some(true));
        record.is_some_and(|record| record.authority.is_met_by(keys.iter()))
    }
}

impl Host for TestHost {
    fn input(&mut self) -> (Vec<AccountId>, Vec<u8>) {
        (self.running.parties.clone(), Vec::new())
    }

    fn give_back(&mut self, _value: Vec<u8>) {}

    fn fail(&mut self, code: u16) {
        self.end(CallFault::Refused(code))
    }

    fn get(&mut self, key: Vec<u8>) -> Option<Vec<u8>> {
        self.within(key.len(), limits::STATE_KEY_BYTES_MAX);
        self.world.data.get(&key).cloned()
    }

    fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.write();
        self.within(key.len(), limits::STATE_KEY_BYTES_MAX);
        self.within(value.len(), limits::STATE_VALUE_BYTES_MAX);
        self.world.data.insert(key, value);
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.write();
        self.within(key.len(), limits::STATE_KEY_BYTES_MAX);
        self.world.data.remove(&key);
    }

    fn range(&mut self, prefix: Vec<u8>, after: Option<Vec<u8>>, limit: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        let from = match after {
            Some(key) if key >= prefix => Bound::Excluded(key),
            _ => Bound::Included(prefix.clone()),
        };
        let limit = limit.min(limits::RANGE_ITEMS_MAX) as usize;
        let entries = self.world.data.range((from, Bound::Unbounded));
        let entries = entries.take_while(|(key, _)| key.starts_with(&prefix)).take(limit);
        entries.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn now(&mut self) -> Timestamp {
        self.world.now
    }

    fn height(&mut self) -> Height {
        Height::new(self.world.height)
    }

    fn chain(&mut self) -> Hash {
        self.chain
    }

    fn transaction(&mut self) -> (Hash, u8) {
        (self.running.id, 0)
    }

    fn this(&mut self) -> AccountId {
        self.contract()
    }

    fn caller(&mut self) -> Option<AccountId> {
        None
    }

    fn transfer(&mut self, from: AccountId, to: AccountId, asset: AssetId, amount: Amount) {
        self.write();
        if let Err(fault) = self.check_transfer(from, to, asset, amount) {
            self.end(fault);
        }
        if from == to {
            return;
        }
        let left = self.held(from, asset).checked_sub(amount).expect("checked: the payer holds it");
        let Some(held) = self.held(to, asset).checked_add(amount) else { self.end(CallFault::Overflow) };
        self.world.balances.insert((from, asset), left);
        self.world.balances.insert((to, asset), held);
    }

    fn balance(&mut self, account: AccountId, asset: AssetId) -> Amount {
        self.held(account, asset)
    }

    fn resolve(&mut self, name: Name) -> Option<AccountId> {
        self.world.accounts.iter().find(|(_, record)| record.name == name).map(|(account, _)| *account)
    }

    fn account(&mut self, account: AccountId) -> Option<(Name, AccountId, bool)> {
        let active = self.is_active(&account)?;
        let record = self.world.accounts.get(&account)?;
        Some((record.name.clone(), record.member, active))
    }

    fn has_role(&mut self, member: AccountId, role: Role) -> bool {
        self.world
            .members
            .get(&member)
            .is_some_and(|record| record.status == Status::Active && record.roles.contains(&role))
    }

    fn asset_is_active(&mut self, asset: AssetId) -> bool {
        self.world.assets.get(&asset) == Some(&Status::Active)
    }

    fn verify_document(&mut self, signed: SignedDocument) -> bool {
        let document = &signed.document;
        if document.chain != self.chain || self.world.now > document.expires_at || !signed.verify_signatures() {
            return false;
        }
        document.signers().iter().enumerate().all(|(index, account)| {
            let own = signed.signatures.iter().filter(|signature| usize::from(signature.account) == index);
            let keys: Vec<PublicKey> = own.map(|signature| signature.key).collect();
            self.authority_is_met(account, &keys)
        })
    }

    fn hash(&mut self, bytes: Vec<u8>) -> Hash {
        Hash::of("contract-data", &bytes)
    }

    fn emit(&mut self, kind: u8, accounts: Vec<AccountId>, data: Vec<u8>) {
        self.write();
        let (Ok(accounts), Ok(data)) = (accounts.try_into(), data.try_into()) else {
            self.end(CallFault::LimitExceeded)
        };
        self.world.events.push(Event { module: self.module.clone(), kind, accounts, data });
    }

    fn schedule(&mut self, at: Timestamp, method: u32, args: Vec<u8>) -> u64 {
        self.write();
        if at <= self.world.now {
            self.end(CallFault::BadSchedule);
        }
        let number = self.world.next_job;
        self.world.next_job += 1;
        self.world.jobs.insert((at, number), WaitingJob { at, number, method, args });
        number
    }

    fn cancel(&mut self, job: u64) -> bool {
        self.write();
        let found = self.world.jobs.values().find(|waiting| waiting.number == job).map(|waiting| (waiting.at, job));
        found.is_some_and(|key| self.world.jobs.remove(&key).is_some())
    }

    /// There is no other module on this ledger.
    fn call_module(&mut self, _: ModuleName, _: Selector, _: Vec<AccountId>, _: Vec<u8>) -> Vec<u8> {
        self.end(CallFault::UnknownModule)
    }
}
