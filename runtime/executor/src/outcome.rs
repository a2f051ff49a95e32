//! What goes into the state machine and what comes out of it.
use countersign_state::Changes;
use countersign_types::{
    AccountId, Amount, AssetId, Evidence, Hash, Height, PublicKey, Receipt, Timestamp, VerifiedTransaction,
};

/// Where on the ledger something runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockPlace {
    /// The chain's id.
    pub chain: Hash,
    /// Height of the block.
    pub height: Height,
    /// Time of the block.
    pub time: Timestamp,
}

/// A decided block as the state machine takes it.
#[derive(Clone, Copy, Debug)]
pub struct BlockInput<'a> {
    /// The chain's id.
    pub chain: Hash,
    /// Height of the block.
    pub height: Height,
    /// Time of the block: later than the parent's.
    pub time: Timestamp,
    /// The validator that made the block.
    pub proposer: PublicKey,
    /// Validators caught contradicting themselves; each is valid and not on the ledger yet.
    pub evidence: &'a [Evidence],
    /// In the order of the block.
    pub transactions: &'a [VerifiedTransaction],
}

impl BlockInput<'_> {
    pub(crate) fn place(&self) -> BlockPlace {
        BlockPlace { chain: self.chain, height: self.height, time: self.time }
    }
}

/// What a block did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BlockOutcome {
    /// One for each piece of evidence, then one for each job that ran, then one for each transaction, in order.
    pub receipts: Vec<Receipt>,
    /// What to write. Parameters and validators of the next height are read from the state with these changes
    /// ([`crate::params`], [`crate::validators`]).
    pub changes: Changes,
    /// Ids of transactions that did not fit the block's gas: they may run in a later block.
    pub put_off: Vec<Hash>,
}

/// What a transaction would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Simulation {
    /// What would become of it if all had signed.
    pub receipt: Receipt,
    /// Parties whose valid signatures do not satisfy their authority yet, sorted.
    pub missing: Vec<AccountId>,
    /// Balances that would change, by account, then asset.
    pub changes: Vec<BalanceChange>,
}

/// What an account would gain or lose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BalanceChange {
    /// The account.
    pub account: AccountId,
    /// The asset.
    pub asset: AssetId,
    /// Held before.
    pub before: Amount,
    /// Held after.
    pub after: Amount,
}
