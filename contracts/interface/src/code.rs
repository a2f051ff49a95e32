//! Native module `code`: the contracts that run.
use countersign_types::{AccountId, BoundedVec, Hash, ModuleName, limits};

/// Wasm as an argument.
pub type Code = BoundedVec<u8, { limits::CODE_BYTES_MAX }>;

crate::interface! {
    module "code";
    types {}
    errors {
        1 NotTheCouncil "The signers are not enough members of the council.";
        2 NameTaken "A module with this name exists already; use upgrade or another name.";
        3 NoSuchContract "There is no contract with this name to upgrade.";
        4 RefusedByTheEngine "The code breaks a rule for modules; simulate the deployment to see which.";
        5 InterfaceMismatch "The code's interface section is missing, malformed, names another module, or its migrate takes other than from: u32.";
        6 SameCode "The contract runs this code already.";
        7 MigrationRefused "The new code's migrate refused to take over what the contract holds; nothing changed.";
    }
    events {
        /// A contract came into being.
        Deployed { name: ModuleName, code: Hash, version: u32, account: AccountId }
        /// A contract's code changed.
        Upgraded { name: ModuleName, code: Hash, version: u32, account: AccountId }
        /// A contract was stopped or runs again.
        SuspensionChanged { name: ModuleName, suspended: bool, account: AccountId }
    }
    calls {
        /// Puts a new contract on the ledger.
        Deploy = deploy(council[*]) { name: ModuleName, code: Code } "Deploy the contract {name}: {code}";
        /// Replaces a contract's code; its state stays. If the new code declares a scheduled method `migrate` it runs at once.
        Upgrade = upgrade(council[*]) { name: ModuleName, code: Code } "Upgrade the contract {name} to {code}";
        /// Stops a contract, or lets it run again.
        SetSuspended = set_suspended(council[*]) { name: ModuleName, suspended: bool } "Set the contract {name} suspended: {suspended}";
    }
    scheduled {}
    queries {}
}

/// The scheduled method that new code may declare to take over what the old left: `migrate { from: u32 }`, `from` being the
/// contract's version before (1 at deployment). An upgrade runs it as the contract right after the code is exchanged, with the
/// gas of the upgrade's transaction, also while the contract is suspended. Its own refusal is
/// [`Error::MigrationRefused`], any other fault the call's; either undoes the upgrade.
pub const MIGRATE: &str = "migrate";

/// The hash under which code stands on the ledger.
pub fn hash(code: &[u8]) -> Hash {
    Hash::of("code", code)
}
