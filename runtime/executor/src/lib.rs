//! The state machine: (state, block) to outcome. Knows no clock, no network, no disk; the same input gives the same outcome on
//! every machine.
//!
//! ```text
//! block.rs ── due jobs ──→ schedule.rs ─┐
//!    │                                  ├─→ call.rs ─→ native/*.rs        (registry, assets, code)
//!    └─ each transaction ─→ admission.rs ┘     └────→ vm ─→ host/*.rs     (contracts)
//!            quota.rs (what it costs)                 all of them change ledger.rs (typed records on the overlay)
//! ```
//!
//! A transaction that is not admitted leaves nothing but its receipt. One that is admitted is remembered and paid for by its
//! member's quota, whether its calls succeed or not; if one fails, the effects of all are undone.
#![forbid(unsafe_code)]

mod outcome;

pub use outcome::{BalanceChange, BlockInput, BlockOutcome, BlockPlace, Simulation};

use countersign_state::{Changes, StateRead};
use countersign_types::transaction::TransactionError;
use countersign_types::{
    CallFault, Failure, Genesis, Hash, Header, ModuleName, Params, SignedTransaction, Timestamp, ValidatorSet,
    VerifiedTransaction,
};
use countersign_vm::Engine;
use std::sync::Arc;

/// The state machine. Cheap to clone; clones share compiled contracts.
#[derive(Clone)]
pub struct Executor {
    engine: Arc<Engine>,
}

/// A genesis that makes no chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {}

impl Executor {
    /// A state machine that runs contracts on `engine`.
    pub fn new(engine: Engine) -> Self {
        Self { engine: Arc::new(engine) }
    }

    /// The state a chain starts from, as changes of the empty state.
    ///
    /// # Errors
    /// [`GenesisError`] names the entry and the rule it breaks.
    pub fn genesis(&self, genesis: &Genesis) -> Result<Changes, GenesisError> {
        unimplemented!()
    }

    /// Runs a block on the state before it.
    pub fn execute_block(&self, state: &dyn StateRead, block: BlockInput<'_>) -> BlockOutcome {
        unimplemented!()
    }

    /// Whether the transaction would be admitted now: everything a block checks before its calls run.
    ///
    /// # Errors
    /// The [`Failure`] it would have.
    pub fn check(
        &self,
        state: &dyn StateRead,
        transaction: &VerifiedTransaction,
        now: Timestamp,
    ) -> Result<(), Failure> {
        unimplemented!()
    }

    /// Tries a transaction with the signatures it has so far, as if all had signed. Changes nothing.
    ///
    /// # Errors
    /// [`TransactionError`] if no signature could make it a transaction of this chain.
    pub fn simulate(
        &self,
        state: &dyn StateRead,
        transaction: &SignedTransaction,
        at: BlockPlace,
    ) -> Result<Simulation, TransactionError> {
        unimplemented!()
    }

    /// Asks a contract. It cannot write, and may use [`QUERY_GAS_MAX`].
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
        unimplemented!()
    }
}

/// The header of block 0, where `state_root` is the root of the state after [`Executor::genesis`].
pub fn genesis_header(genesis: &Genesis, state_root: Hash) -> Header {
    unimplemented!()
}

/// The parameters that hold for the block after this state.
pub fn params(state: &dyn StateRead) -> Params {
    unimplemented!()
}

/// The validators of the block after this state.
pub fn validators(state: &dyn StateRead) -> ValidatorSet {
    unimplemented!()
}
