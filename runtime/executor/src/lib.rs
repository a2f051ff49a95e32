//! The state machine: (state, block) to outcome. Knows no clock, no network, no disk; the same input gives the same outcome on
//! every machine.
//!
//! ```text
//! block.rs ── evidence: recorded, for the council to judge; at the end who made the block (turns.rs)
//!    ├─ due jobs ──→ schedule.rs ───────┐
//!    │                                  ├─→ call.rs ─→ native/*.rs        (registry, governance, assets, code)
//!    └─ each transaction ─→ admission.rs ┘     └────→ vm ─→ host/*.rs     (contracts)
//!            quota.rs (what it costs)                 all of them change ledger.rs (typed records on the overlay)
//! ```
//!
//! A transaction that is not admitted leaves nothing but its receipt. One that is admitted is remembered and paid for by its
//! member's quota, whether its calls succeed or not; if one fails, the effects of all are undone.
#![forbid(unsafe_code)]

mod admission;
mod block;
mod call;
mod documents;
mod gas;
mod genesis;
mod governed;
mod host;
mod ledger;
mod native;
mod outcome;
mod quota;
mod schedule;
mod simulate;
mod supply;
mod turns;

pub use countersign_vm::{Engine, EngineConfig, EngineError, STACK_BYTES};
pub use genesis::{GenesisError, genesis_header};
pub use governed::{
    ValidatorStanding, council, evidence, is_active_member, is_recorded, is_relay, nodes, params, site,
    validator_standings, validators,
};
pub use outcome::{BalanceChange, BlockInput, BlockOutcome, BlockPlace, Simulation};
pub use quota::{BYTE_GAS, SIGNATURE_GAS, TRANSACTION_GAS, VALIDITY_HOUR_GAS};
pub use simulate::QUERY_GAS_MAX;
pub use supply::{SupplyMismatch, audit_supply};

use admission::Candidate;
use countersign_state::{Changes, StateRead};
use countersign_types::transaction::TransactionError;
use countersign_types::{
    CallFault, Contract, Failure, Genesis, Interface, ModuleName, SignedTransaction, Timestamp, VerifiedTransaction,
    state_key,
};

/// The state machine. Cheap to clone; clones share compiled contracts. Threads that use it need a stack of [`STACK_BYTES`]:
/// contracts that call each other nest on it.
#[derive(Clone, Debug)]
pub struct Executor {
    engine: Engine,
}

impl Executor {
    /// A state machine that runs contracts on `engine`.
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// The state a chain starts from, as changes of the empty state.
    ///
    /// # Errors
    /// [`GenesisError`] names the entry and the rule it breaks.
    pub fn genesis(&self, genesis: &Genesis) -> Result<Changes, GenesisError> {
        genesis::changes(&self.engine, genesis)
    }

    /// Runs a block on the state before it.
    ///
    /// # Panics
    /// If the state is damaged or this machine cannot run code it has checked: the node must stop, as its outcome would differ
    /// from the others'.
    pub fn execute_block(&self, state: &dyn StateRead, block: BlockInput<'_>) -> BlockOutcome {
        block::execute(&self.engine, state, block)
    }

    /// Whether the transaction would be admitted now: everything a block checks before its calls run.
    ///
    /// # Errors
    /// The [`Failure`] it would have; never `PutOff` or `Call`.
    pub fn check(
        &self,
        state: &dyn StateRead,
        transaction: &VerifiedTransaction,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let ledger = ledger::Ledger::new(state);
        let params = ledger.params();
        let is_met =
            |signer, authority: &countersign_types::Authority| authority.is_met_by(transaction.keys_of(signer));
        admission::admit(&ledger, &params, Candidate::of(transaction), now, is_met).map(|_| ())
    }

    /// Tries a transaction with the signatures it has so far, as if all had signed. Changes nothing.
    ///
    /// # Errors
    /// [`TransactionError`] if no further signature could make it a transaction of this chain.
    pub fn simulate(
        &self,
        state: &dyn StateRead,
        transaction: &SignedTransaction,
        at: BlockPlace,
    ) -> Result<Simulation, TransactionError> {
        simulate::simulate(&self.engine, state, transaction, at)
    }

    /// Asks a contract, running or suspended. It cannot write, and may use [`QUERY_GAS_MAX`].
    ///
    /// # Errors
    /// [`CallFault`], of which `Refused` is the contract's own answer.
    pub fn query(
        &self,
        state: &dyn StateRead,
        module: &ModuleName,
        query: &str,
        args: &[u8],
        at: BlockPlace,
    ) -> Result<Vec<u8>, CallFault> {
        simulate::query(&self.engine, state, (module, query), args, at)
    }

    /// What a native module or a contract of this state declares; `None` if there is no such module.
    pub fn interface(&self, state: &dyn StateRead, module: &ModuleName) -> Option<Interface> {
        if let Some(native) = countersign_interface::native().into_iter().find(|native| native.module == *module) {
            return Some(native.clone());
        }
        let contract: Contract = ledger::record(state, &state_key::contract(module))?;
        let loaded = self.engine.load(contract.code, || state.get(&state_key::code(&contract.code)));
        loaded.ok().map(|loaded| loaded.interface().clone())
    }
}

/// What the native modules declare, by name.
pub fn native_interfaces() -> impl Iterator<Item = &'static Interface> {
    countersign_interface::native().into_iter()
}
