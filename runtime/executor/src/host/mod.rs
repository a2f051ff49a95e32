//! The ledger as a running contract sees it. A contract reaches its own keys, reads the public records, and moves value only from
//! itself or a party of its call.
mod facts;
mod job;
mod storage;
mod value;

use crate::call::{Access, Run};
use countersign_types::{
    AccountId, Amount, AssetId, BoundedVec, CallFault, Event, Gas, Hash, Height, Interface, ModuleName, Name, Role,
    Selector, SignedDocument, Timestamp,
};
use countersign_vm::Host;

/// A contract's running call.
pub(crate) struct Frame<'f, 'r, 's> {
    pub(crate) run: &'f mut Run<'r, 's>,
    pub(crate) name: &'f ModuleName,
    pub(crate) interface: &'f Interface,
    pub(crate) this: AccountId,
    pub(crate) caller: Option<AccountId>,
    pub(crate) parties: &'f [AccountId],
}

impl Frame<'_, '_, '_> {
    /// # Errors
    /// `ReadOnly` in a query.
    fn check_writes(&self) -> Result<(), CallFault> {
        match self.run.access {
            Access::Write => Ok(()),
            Access::Read => Err(CallFault::ReadOnly),
        }
    }
}

/// Every function in the order of the table; each is one line here and its rule in the file named by its subject.
impl Host for Frame<'_, '_, '_> {
    fn get(&mut self, _: &mut Gas, key: Vec<u8>) -> Result<Option<Vec<u8>>, CallFault> {
        self.stored(&key)
    }

    fn set(&mut self, _: &mut Gas, key: Vec<u8>, value: Vec<u8>) -> Result<(), CallFault> {
        self.store(&key, value)
    }

    fn remove(&mut self, _: &mut Gas, key: Vec<u8>) -> Result<(), CallFault> {
        self.unstore(&key)
    }

    fn range(
        &mut self,
        gas: &mut Gas,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        limit: u32,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, CallFault> {
        self.stored_range(gas, &prefix, after.as_deref(), limit)
    }

    fn now(&mut self, _: &mut Gas) -> Result<Timestamp, CallFault> {
        Ok(self.run.place.time)
    }

    fn height(&mut self, _: &mut Gas) -> Result<Height, CallFault> {
        Ok(self.run.place.height)
    }

    fn chain(&mut self, _: &mut Gas) -> Result<Hash, CallFault> {
        Ok(self.run.place.chain)
    }

    fn transaction(&mut self, _: &mut Gas) -> Result<(Hash, u8), CallFault> {
        Ok((self.run.origin.id, self.run.origin.index))
    }

    fn this(&mut self, _: &mut Gas) -> Result<AccountId, CallFault> {
        Ok(self.this)
    }

    fn caller(&mut self, _: &mut Gas) -> Result<Option<AccountId>, CallFault> {
        Ok(self.caller)
    }

    fn transfer(
        &mut self,
        _: &mut Gas,
        from: AccountId,
        to: AccountId,
        asset: AssetId,
        amount: Amount,
    ) -> Result<(), CallFault> {
        self.move_value(from, to, asset, amount)
    }

    fn balance(&mut self, _: &mut Gas, account: AccountId, asset: AssetId) -> Result<Amount, CallFault> {
        Ok(self.run.ledger.balance(&account, &asset))
    }

    fn resolve(&mut self, _: &mut Gas, name: Name) -> Result<Option<AccountId>, CallFault> {
        Ok(self.run.ledger.resolve(&name))
    }

    fn account(&mut self, _: &mut Gas, account: AccountId) -> Result<Option<(Name, AccountId, bool)>, CallFault> {
        Ok(self.account_facts(&account))
    }

    fn has_role(&mut self, _: &mut Gas, member: AccountId, role: Role) -> Result<bool, CallFault> {
        Ok(self.run.ledger.has_role(&member, role))
    }

    fn asset_is_active(&mut self, _: &mut Gas, asset: AssetId) -> Result<bool, CallFault> {
        Ok(self.run.ledger.movable_asset(&asset).is_ok())
    }

    fn verify_document(&mut self, gas: &mut Gas, document: SignedDocument) -> Result<bool, CallFault> {
        self.document_holds(gas, &document)
    }

    fn hash(&mut self, _: &mut Gas, bytes: Vec<u8>) -> Result<Hash, CallFault> {
        Ok(Hash::of("contract-data", &bytes))
    }

    fn emit(&mut self, _: &mut Gas, kind: u8, accounts: Vec<AccountId>, data: Vec<u8>) -> Result<(), CallFault> {
        self.check_writes()?;
        if usize::from(kind) >= self.interface.events.len() {
            return Err(CallFault::HostArgument);
        }
        let accounts = BoundedVec::try_from(accounts).map_err(|_| CallFault::LimitExceeded)?;
        let data = BoundedVec::try_from(data).map_err(|_| CallFault::LimitExceeded)?;
        self.run.emit(Event { module: self.name.clone(), kind, accounts, data })
    }

    fn schedule(&mut self, gas: &mut Gas, at: Timestamp, method: u32, args: Vec<u8>) -> Result<u64, CallFault> {
        self.add_job(gas, at, method, args)
    }

    fn cancel(&mut self, _: &mut Gas, job: u64) -> Result<bool, CallFault> {
        self.cancel_job(job)
    }

    fn call_module(
        &mut self,
        gas: &mut Gas,
        module: ModuleName,
        method: Selector,
        parties: Vec<AccountId>,
        args: Vec<u8>,
    ) -> Result<Vec<u8>, CallFault> {
        self.run.call_from(self.this, self.parties, (&module, method), &parties, &args, gas)
    }
}
