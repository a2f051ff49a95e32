//! `code`: the contracts that run. Code stands under its hash; a contract's record names the hash.
use super::{EVENT_GAS, Native, READ_GAS, WRITE_GAS, council};
use crate::ledger::Ledger;
use countersign_interface::code::{
    Code as Wasm, Deploy, Deployed, Error, MIGRATE, Rules, SetSuspended, SuspensionChanged, Upgrade, Upgraded,
};
use countersign_types::interface::{Basic, MethodKind, Type};
use countersign_types::{AccountId, CallFault, Contract, Hash, Height, Interface, ModuleName, Status, state_key};
use countersign_vm::{Engine, UploadError};

/// Each byte of code: checked, compiled and kept by every node. Compiling takes about a microsecond a byte; a third of that is
/// charged, so that the largest module fits the default gas of a transaction. Only the council deploys.
const CODE_BYTE_GAS: u64 = 300;

/// The rules.
pub(super) struct Code;

impl Rules<Native<'_, '_, '_>> for Code {
    fn deploy(native: &mut Native<'_, '_, '_>, council: Vec<AccountId>, args: Deploy) -> Result<(), Error> {
        native.charge_for(&args.code)?;
        check_council(native.run.ledger, &council)?;
        let taken = super::Module::named(&args.name).is_some() || native.run.ledger.contract(&args.name).is_some();
        if taken {
            return Err(Error::NameTaken);
        }
        let code = check(native.run.engine, &args.name, &args.code)?;
        let account = AccountId::of_contract(&args.name);
        install(native.run.ledger, &args.name, (code, &args.code), native.run.place.height);
        native.emit(&Deployed { name: args.name, code, version: 1, account })?;
        Ok(())
    }

    fn upgrade(native: &mut Native<'_, '_, '_>, council: Vec<AccountId>, args: Upgrade) -> Result<(), Error> {
        native.charge_for(&args.code)?;
        check_council(native.run.ledger, &council)?;
        let mut contract = native.run.ledger.contract(&args.name).ok_or(Error::NoSuchContract)?;
        let code = check(native.run.engine, &args.name, &args.code)?;
        if code == contract.code {
            return Err(Error::SameCode);
        }
        // The code names its module, so no other contract runs the old one.
        native.run.ledger.remove(state_key::code(&contract.code));
        native.run.ledger.set(state_key::code(&code), args.code.into_inner());
        contract.code = code;
        let before = contract.version;
        contract.version = before.checked_add(1).expect("a contract is upgraded less than 2^32 times");
        contract.since = native.run.place.height;
        native.run.ledger.put_contract(&contract);
        let (from, account) = (before, AccountId::of_contract(&args.name));
        native.emit(&Upgraded { name: args.name.clone(), code, version: contract.version, account })?;
        native.migrate(&args.name, from)
    }

    fn set_suspended(
        native: &mut Native<'_, '_, '_>,
        council: Vec<AccountId>,
        args: SetSuspended,
    ) -> Result<(), Error> {
        native.charge(2 * READ_GAS + WRITE_GAS + EVENT_GAS)?;
        check_council(native.run.ledger, &council)?;
        let mut contract = native.run.ledger.contract(&args.name).ok_or(Error::NoSuchContract)?;
        contract.status = if args.suspended { Status::Suspended } else { Status::Active };
        native.run.ledger.put_contract(&contract);
        let account = AccountId::of_contract(&args.name);
        native.emit(&SuspensionChanged { name: args.name, suspended: args.suspended, account })?;
        Ok(())
    }
}

impl Native<'_, '_, '_> {
    /// Lets new code take over what the contract holds. Whoever refuses undoes the upgrade.
    fn migrate(&mut self, name: &ModuleName, from: u32) -> Result<(), Error> {
        match self.run.migrate(name, from, self.gas) {
            // The number is one of the contract's declaration, not of this module's.
            Err(CallFault::Refused(_)) => Err(Error::MigrationRefused),
            result => Ok(self.halt(result)?),
        }
    }

    fn charge_for(&mut self, code: &Wasm) -> Result<(), super::Halted> {
        self.charge(CODE_BYTE_GAS * code.len() as u64 + 2 * READ_GAS + 3 * WRITE_GAS + EVENT_GAS)
    }
}

fn check_council(ledger: &Ledger<'_>, parties: &[AccountId]) -> Result<(), Error> {
    if council::has_signed(ledger, parties) { Ok(()) } else { Err(Error::NotTheCouncil) }
}

/// The hash of code that may run as the contract `name`.
///
/// # Errors
/// `RefusedByTheEngine`, `InterfaceMismatch`.
pub(crate) fn check(engine: &Engine, name: &ModuleName, wasm: &[u8]) -> Result<Hash, Error> {
    match engine.check(wasm) {
        Ok(upload) if upload.interface.module == *name && migrates_well(&upload.interface) => Ok(upload.code),
        Ok(_)
        | Err(UploadError::InterfaceSections { .. } | UploadError::InterfaceText(_) | UploadError::Interface(_)) => {
            Err(Error::InterfaceMismatch)
        }
        Err(_) => Err(Error::RefusedByTheEngine),
    }
}

/// True unless the ledger could not run its `migrate`.
fn migrates_well(interface: &Interface) -> bool {
    let migrate = interface.method_named(MIGRATE).map(|(_, method)| method);
    migrate.filter(|method| method.kind == MethodKind::Scheduled).is_none_or(
        |method| matches!(&method.fields[..], [from] if from.name == "from" && from.ty == Type::Basic(Basic::U32)),
    )
}

/// Puts a new contract on the ledger. The code was checked and the name is free.
pub(crate) fn install(ledger: &mut Ledger<'_>, name: &ModuleName, (code, wasm): (Hash, &[u8]), since: Height) {
    ledger.set(state_key::code(&code), wasm.to_vec());
    ledger.put_contract(&Contract { name: name.clone(), code, version: 1, status: Status::Active, since });
}
