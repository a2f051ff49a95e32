//! A running transaction or job: finds the module of a call, checks the call against its declaration, runs it.
//!
//! Every call comes through [`Run`], whether a transaction, a contract, the schedule or a query makes it, so that the rules about
//! parties, depth and re-entry stand in one place.
use crate::documents::Proven;
use crate::gas::charge;
use crate::host::Frame;
use crate::ledger::Ledger;
use crate::native;
use crate::outcome::BlockPlace;
use countersign_interface::code::MIGRATE;
use countersign_types::interface::MethodKind;
use countersign_types::limits::{CALL_DEPTH_MAX, EVENTS_MAX};
use countersign_types::{
    AccountId, BoundedVec, Call, CallFault, Contract, Event, Gas, Hash, Interface, ModuleName, Params, Selector,
    Status, state_key,
};
use countersign_vm::{Engine, Module};
use parity_scale_codec::Encode;

/// Finding the module and checking the call against its declaration: two reads and a search.
pub(crate) const CALL_GAS: u64 = 3_000;

/// What runs: with the index of the call it names the running call uniquely.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The transaction's id; for a job the hash of its sequence number.
    pub(crate) id: Hash,
    /// Index of the call in the transaction; 0 for a job or query.
    pub(crate) index: u8,
}

/// What the running code may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Change the ledger.
    Write,
    /// Read it: a query.
    Read,
}

/// A running transaction, job or query.
pub(crate) struct Run<'r, 's> {
    pub(crate) ledger: &'r mut Ledger<'s>,
    pub(crate) engine: &'r Engine,
    pub(crate) params: &'r Params,
    pub(crate) place: BlockPlace,
    pub(crate) origin: Origin,
    pub(crate) access: Access,
    /// Documents whose signatures were checked ahead.
    pub(crate) proven: &'r Proven,
    events: Vec<Event>,
    /// Accounts of the contracts that run, the outermost first.
    running: Vec<AccountId>,
}

/// A module a call may name.
enum Target {
    Native(native::Module),
    Contract(Module),
}

impl Target {
    fn interface(&self) -> &Interface {
        match self {
            Self::Native(module) => module.interface(),
            Self::Contract(module) => module.interface(),
        }
    }
}

/// What is asked of a contract, after all checks.
struct Entry<'a> {
    name: &'a ModuleName,
    contract: Module,
    index: usize,
    caller: Option<AccountId>,
    parties: &'a [AccountId],
    args: &'a [u8],
}

impl<'r, 's> Run<'r, 's> {
    pub(crate) fn new(
        ledger: &'r mut Ledger<'s>,
        engine: &'r Engine,
        params: &'r Params,
        place: BlockPlace,
        origin: Origin,
    ) -> Self {
        let (events, running) = (Vec::new(), Vec::new());
        Self { ledger, engine, params, place, origin, access: Access::Write, proven: Proven::NONE, events, running }
    }

    pub(crate) fn read_only(self) -> Self {
        Self { access: Access::Read, ..self }
    }

    /// What happened, in order.
    pub(crate) fn into_events(self) -> BoundedVec<Event, EVENTS_MAX> {
        self.events.try_into().expect("events are counted as they are left")
    }

    /// Runs a call of a transaction, whose parties have all signed.
    ///
    /// # Errors
    /// [`CallFault`]; what was written until then stands and is for the caller to undo.
    pub(crate) fn call(&mut self, call: &Call, gas: &mut Gas) -> Result<(), CallFault> {
        charge(gas, CALL_GAS)?;
        let target = self.target(&call.module)?;
        let (index, kind) = fitting_method(target.interface(), call.method, call.parties.len())?;
        if kind != MethodKind::Call {
            return Err(CallFault::UnknownMethod);
        }
        self.enter(&call.module, target, index, None, &call.parties, &call.args, gas).map(drop)
    }

    /// Runs a call that the running contract `caller` makes.
    ///
    /// # Errors
    /// `NotAParty` if the contract passes a party it was not given, [`CallFault`] as of any call.
    pub(crate) fn call_from(
        &mut self,
        caller: AccountId,
        own_parties: &[AccountId],
        (module, method): (&ModuleName, Selector),
        parties: &[AccountId],
        args: &[u8],
        gas: &mut Gas,
    ) -> Result<Vec<u8>, CallFault> {
        charge(gas, CALL_GAS)?;
        if parties.iter().any(|party| *party != caller && !own_parties.contains(party)) {
            return Err(CallFault::NotAParty);
        }
        let target = self.target(module)?;
        if let Target::Native(native) = &target
            && !native.serves_contracts()
        {
            return Err(CallFault::NotAParty);
        }
        let (index, kind) = fitting_method(target.interface(), method, parties.len())?;
        let access = self.access;
        match kind {
            MethodKind::Call => {}
            MethodKind::Query => self.access = Access::Read,
            MethodKind::Scheduled => return Err(CallFault::UnknownMethod),
        }
        let result = self.enter(module, target, index, Some(caller), parties, args, gas);
        self.access = access;
        result
    }

    /// Runs a method of a contract by name, for the schedule or a query.
    ///
    /// # Errors
    /// [`CallFault`] as of any call.
    pub(crate) fn call_named(
        &mut self,
        module: &ModuleName,
        (kind, method): (MethodKind, &str),
        args: &[u8],
        gas: &mut Gas,
    ) -> Result<Vec<u8>, CallFault> {
        charge(gas, CALL_GAS)?;
        let target = self.target(module)?;
        let (index, declared) = target.interface().method_named(method).ok_or(CallFault::UnknownMethod)?;
        if declared.kind != kind {
            return Err(CallFault::UnknownMethod);
        }
        self.enter(module, target, index, None, &[], args, gas)
    }

    /// Runs the scheduled method `migrate` of a contract that was just upgraded, if it declares one; also of a suspended one.
    ///
    /// # Errors
    /// [`CallFault`] as of any call.
    pub(crate) fn migrate(&mut self, module: &ModuleName, from: u32, gas: &mut Gas) -> Result<(), CallFault> {
        let contract = self.ledger.contract(module).ok_or(CallFault::UnknownModule)?;
        let target = self.loaded(&contract);
        let migrate = target.interface().method_named(MIGRATE);
        let Some((index, _)) = migrate.filter(|(_, method)| method.kind == MethodKind::Scheduled) else {
            return Ok(());
        };
        charge(gas, CALL_GAS)?;
        self.enter(module, target, index, None, &[], &from.encode(), gas).map(drop)
    }

    /// Leaves an event.
    ///
    /// # Errors
    /// `LimitExceeded` if the transaction has left as many as it may.
    pub(crate) fn emit(&mut self, event: Event) -> Result<(), CallFault> {
        if self.events.len() >= EVENTS_MAX {
            return Err(CallFault::LimitExceeded);
        }
        self.events.push(event);
        Ok(())
    }

    /// The module called `name`. A suspended contract is none, but for questions: reading what it holds harms nobody.
    fn target(&self, name: &ModuleName) -> Result<Target, CallFault> {
        if let Some(native) = native::Module::named(name) {
            return Ok(Target::Native(native));
        }
        let contract = self.ledger.contract(name).ok_or(CallFault::UnknownModule)?;
        if contract.status == Status::Suspended && self.access == Access::Write {
            return Err(CallFault::UnknownModule);
        }
        Ok(self.loaded(&contract))
    }

    fn loaded(&self, contract: &Contract) -> Target {
        let wasm = || self.ledger.get(&state_key::code(&contract.code));
        let loaded = self.engine.load(contract.code, wasm);
        Target::Contract(loaded.expect("code on the ledger was checked: the engine or its cache is at fault"))
    }

    #[allow(clippy::too_many_arguments)] // private: what a call is, once it is checked
    fn enter(
        &mut self,
        name: &ModuleName,
        target: Target,
        index: usize,
        caller: Option<AccountId>,
        parties: &[AccountId],
        args: &[u8],
        gas: &mut Gas,
    ) -> Result<Vec<u8>, CallFault> {
        match target {
            Target::Native(_) if self.access == Access::Read => Err(CallFault::ReadOnly),
            Target::Native(module) => module.run(self, index, parties, args, gas),
            Target::Contract(contract) => {
                self.enter_contract(Entry { name, contract, index, caller, parties, args }, gas)
            }
        }
    }

    fn enter_contract(&mut self, entry: Entry<'_>, gas: &mut Gas) -> Result<Vec<u8>, CallFault> {
        let this = AccountId::of_contract(entry.name);
        if self.running.contains(&this) {
            return Err(CallFault::Reentry);
        }
        if self.running.len() > CALL_DEPTH_MAX {
            return Err(CallFault::CallDepth);
        }
        self.running.push(this);
        let mut frame = Frame {
            run: self,
            name: entry.name,
            interface: entry.contract.interface(),
            this,
            caller: entry.caller,
            parties: entry.parties,
        };
        let method = u32::try_from(entry.index).expect("an interface has fewer than 2^32 methods");
        let outcome = entry.contract.call(method, entry.parties, entry.args, *gas, &mut frame);
        self.running.pop();
        *gas = gas.saturating_sub(outcome.gas_used);
        outcome.result
    }
}

/// The method with `selector`, if so many parties can stand in its roles.
fn fitting_method(interface: &Interface, selector: Selector, parties: usize) -> Result<(usize, MethodKind), CallFault> {
    let (index, method) = interface.method(selector).ok_or(CallFault::UnknownMethod)?;
    if method.takes_parties(parties) { Ok((index, method.kind)) } else { Err(CallFault::WrongParties) }
}
