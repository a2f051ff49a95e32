//! The modules that are part of the node: same calls and declarations as contracts, their rules in Rust beside this file.
//!
//! A rule refuses with an error of its module's declaration. What every module can fail of (gas, balance, limits) ends the call
//! with a [`CallFault`] instead, which [`Native`] keeps.
mod assets;
pub(crate) mod code;
pub(crate) mod council;
mod governance;
mod registry;

use crate::call::Run;
use crate::gas::charge;
use countersign_interface::{DispatchFault, Method};
use countersign_types::{AccountId, Amount, AssetId, BoundedVec, CallFault, Event, Gas, Interface, ModuleName};

/// Decoding the arguments and reaching the rule.
const CALL_GAS: u64 = 1_000;
/// Each byte of the arguments, as the host table charges a contract for reading its own.
const ARGUMENT_BYTE_GAS: u64 = 1;
/// Reading a record: the host table's price of `get`.
const READ_GAS: u64 = 2_000;
/// Writing a record: the host table's price of `set`.
const WRITE_GAS: u64 = 12_000;
/// Moving value between two accounts: the host table's price of `transfer`.
const TRANSFER_GAS: u64 = 26_000;
/// Leaving an event: the host table's price of `emit`.
const EVENT_GAS: u64 = 3_000;
/// Checking that a public key is a point of large order: some 10 microseconds.
const KEY_CHECK_GAS: u64 = 10_000;

/// A native module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Module {
    Assets,
    Code,
    Governance,
    Registry,
}

impl Module {
    /// The native module called `name`.
    pub(crate) fn named(name: &ModuleName) -> Option<Self> {
        match name.as_str() {
            countersign_interface::assets::Transfer::MODULE => Some(Self::Assets),
            countersign_interface::code::Deploy::MODULE => Some(Self::Code),
            countersign_interface::governance::SetCouncil::MODULE => Some(Self::Governance),
            countersign_interface::registry::Enrol::MODULE => Some(Self::Registry),
            _ => None,
        }
    }

    pub(crate) fn interface(self) -> &'static Interface {
        match self {
            Self::Assets => countersign_interface::assets::interface(),
            Self::Code => countersign_interface::code::interface(),
            Self::Governance => countersign_interface::governance::interface(),
            Self::Registry => countersign_interface::registry::interface(),
        }
    }

    /// True if contracts may call it for the parties of their own call. Keys, members and code change only by a transaction's
    /// own calls, whose display line the signers were shown: a party of some deal has not agreed to hand its keys over, nor the
    /// council's vote.
    pub(crate) fn serves_contracts(self) -> bool {
        match self {
            Self::Assets => true,
            Self::Code | Self::Governance | Self::Registry => false,
        }
    }

    /// An event of this module.
    ///
    /// # Errors
    /// `LimitExceeded` if it names more accounts or is longer than an event may.
    pub(crate) fn event<E: countersign_interface::Event>(self, event: &E) -> Result<Event, CallFault> {
        let accounts = BoundedVec::try_from(event.accounts()).map_err(|_| CallFault::LimitExceeded)?;
        let data = BoundedVec::try_from(event.encode()).map_err(|_| CallFault::LimitExceeded)?;
        Ok(Event { module: self.interface().module.clone(), kind: E::KIND, accounts, data })
    }

    /// Runs the method at `index` of the declaration.
    ///
    /// # Errors
    /// [`CallFault`]; what was written until then is for the caller to undo.
    pub(crate) fn run(
        self,
        run: &mut Run<'_, '_>,
        index: usize,
        parties: &[AccountId],
        args: &[u8],
        gas: &mut Gas,
    ) -> Result<Vec<u8>, CallFault> {
        charge(gas, CALL_GAS + ARGUMENT_BYTE_GAS * args.len() as u64)?;
        let index = u32::try_from(index).expect("an interface has fewer than 2^32 methods");
        let mut native = Native { run, module: self, gas, fault: None };
        let result = match self {
            Self::Assets => {
                countersign_interface::assets::dispatch::<_, assets::Assets>(&mut native, index, parties, args)
            }
            Self::Code => countersign_interface::code::dispatch::<_, code::Code>(&mut native, index, parties, args),
            Self::Governance => countersign_interface::governance::dispatch::<_, governance::Governance>(
                &mut native,
                index,
                parties,
                args,
            ),
            Self::Registry => {
                countersign_interface::registry::dispatch::<_, registry::Registry>(&mut native, index, parties, args)
            }
        };
        match (native.fault, result) {
            (Some(fault), _) => Err(fault),
            (None, Ok(answer)) => Ok(answer),
            (None, Err(DispatchFault::UnknownMethod)) => Err(CallFault::UnknownMethod),
            (None, Err(DispatchFault::WrongParties)) => Err(CallFault::WrongParties),
            (None, Err(DispatchFault::BadArguments)) => Err(CallFault::BadArguments),
            (None, Err(DispatchFault::Refused(code))) => Err(CallFault::Refused(code)),
        }
    }
}

/// What the rules of a native module work on.
pub(crate) struct Native<'n, 'r, 's> {
    run: &'n mut Run<'r, 's>,
    module: Module,
    gas: &'n mut Gas,
    /// Why the call ended, if not by a refusal.
    fault: Option<CallFault>,
}

/// The call has ended with the fault that [`Native`] keeps.
pub(crate) struct Halted;

/// Lets a rule use `?` on what halts. The code is never seen: [`Module::run`] reports the fault kept.
macro_rules! halts {
    ($($module:ident),+) => {
        $(impl From<Halted> for countersign_interface::$module::Error {
            fn from(_: Halted) -> Self {
                Self::ALL[0]
            }
        })+
    };
}
halts!(assets, code, governance, registry);

impl Native<'_, '_, '_> {
    fn halt<T>(&mut self, result: Result<T, CallFault>) -> Result<T, Halted> {
        result.map_err(|fault| {
            self.fault = Some(fault);
            Halted
        })
    }

    fn charge(&mut self, units: u64) -> Result<(), Halted> {
        let result = charge(self.gas, units);
        self.halt(result)
    }

    fn transfer(&mut self, from: &AccountId, to: &AccountId, asset: &AssetId, amount: Amount) -> Result<(), Halted> {
        let result = self.run.ledger.transfer(from, to, asset, amount);
        self.halt(result)
    }

    fn emit<E: countersign_interface::Event>(&mut self, event: &E) -> Result<(), Halted> {
        let result = self.module.event(event).and_then(|event| self.run.emit(event));
        self.halt(result)
    }
}
