//! What became of a transaction, a job or evidence. Codes only: no text ever reaches consensus.
use crate::bounded::BoundedVec;
use crate::evidence::{Evidence, Step};
use crate::hash::Hash;
use crate::id::{AccountId, ModuleName, PublicKey};
use crate::limits;
use crate::quantity::{Gas, Height};
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};

/// A typed fact a call leaves behind. What its data means is declared in the module's interface.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Event {
    /// The module that emitted it.
    pub module: ModuleName,
    /// Index of the event in the module's interface.
    pub kind: u8,
    /// The accounts it is listed under: those its data names.
    pub accounts: BoundedVec<AccountId, { limits::EVENT_ACCOUNTS_MAX }>,
    /// The encoded fields.
    pub data: BoundedVec<u8, { limits::EVENT_BYTES_MAX }>,
}

/// Why a call did not run to its end. The numbers are part of the format and of the documented error list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, thiserror::Error)]
pub enum CallFault {
    /// No such module, or it is suspended.
    #[codec(index = 1)]
    #[error("there is no such module")]
    UnknownModule,
    /// No method with this selector: the interface changed after the signing, or the call was made for another module.
    #[codec(index = 2)]
    #[error("the module has no such method; its interface may have changed since the call was drawn up")]
    UnknownMethod,
    /// The number of parties is not that of the method's roles, or one account stands in several roles that must differ.
    #[codec(index = 3)]
    #[error("the parties do not fit the method's roles")]
    WrongParties,
    /// The arguments do not decode.
    #[codec(index = 4)]
    #[error("the arguments are not those of the method")]
    BadArguments,
    /// The transaction's gas is used up.
    #[codec(index = 5)]
    #[error("the gas is used up")]
    OutOfGas,
    /// Calls inside the contract nest too deeply.
    #[codec(index = 6)]
    #[error("the contract's stack is exhausted")]
    StackExhausted,
    /// The contract did what WASM forbids: unreachable, out of bounds, division by zero.
    #[codec(index = 7)]
    #[error("the contract trapped")]
    Trap,
    /// A pointer, length or encoding given to the host is wrong.
    #[codec(index = 8)]
    #[error("the contract gave the host a wrong argument")]
    HostArgument,
    /// A key, value, event, list or call count is beyond its limit.
    #[codec(index = 9)]
    #[error("the contract went beyond a limit")]
    LimitExceeded,
    /// The paying account holds less.
    #[codec(index = 10)]
    #[error("the balance is too small")]
    InsufficientBalance,
    /// The asset does not exist.
    #[codec(index = 11)]
    #[error("there is no such asset")]
    UnknownAsset,
    /// The asset is frozen.
    #[codec(index = 12)]
    #[error("the asset is frozen")]
    AssetFrozen,
    /// The receiving account does not exist.
    #[codec(index = 13)]
    #[error("there is no such account")]
    UnknownAccount,
    /// Value would move from an account that is neither a party of the call nor the contract's own.
    #[codec(index = 14)]
    #[error("value may only move from a party of the call or from the contract itself")]
    NotAParty,
    /// Contract calls nest too deeply.
    #[codec(index = 15)]
    #[error("contracts call each other too deeply")]
    CallDepth,
    /// A contract that is already running was called again.
    #[codec(index = 16)]
    #[error("the contract is already running")]
    Reentry,
    /// A job at a time that has passed, or of a method that is not scheduled.
    #[codec(index = 17)]
    #[error("the job cannot be scheduled")]
    BadSchedule,
    /// A query or simulation-only context tried to write.
    #[codec(index = 18)]
    #[error("a query may not write")]
    ReadOnly,
    /// A sum exceeds what an amount can hold.
    #[codec(index = 19)]
    #[error("an amount overflows")]
    Overflow,
    /// The module's own refusal: the number is declared in its interface.
    #[codec(index = 32)]
    #[error("refused by the module with code {0}")]
    Refused(u16),
}

/// Why a transaction had no effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, thiserror::Error)]
pub enum Failure {
    /// The block's time is before `valid_from`.
    #[codec(index = 1)]
    #[error("the transaction is not valid yet")]
    NotYetValid,
    /// The block's time is after `expires_at`.
    #[codec(index = 2)]
    #[error("the transaction has expired")]
    Expired,
    /// It ran before.
    #[codec(index = 3)]
    #[error("the transaction has already run")]
    Replayed,
    /// A party's account is not enrolled.
    #[codec(index = 4)]
    #[error("account {0} is not enrolled")]
    UnknownAccount(AccountId),
    /// A party's account, or the member that enrolled it, is suspended.
    #[codec(index = 5)]
    #[error("account {0} or its member is suspended")]
    Suspended(AccountId),
    /// The signatures do not satisfy a party's authority.
    #[codec(index = 6)]
    #[error("the signatures for account {0} do not reach its threshold")]
    AuthorityNotMet(AccountId),
    /// The paying member's gas for this window is used up.
    #[codec(index = 7)]
    #[error("the quota of member {0} is used up for this window")]
    QuotaExceeded(AccountId),
    /// The block's gas was used up before; the transaction may still run in a later block.
    #[codec(index = 8)]
    #[error("the block was full; the transaction waits for the next")]
    PutOff,
    /// Longer valid than the chain allows.
    #[codec(index = 9)]
    #[error("the transaction is valid for longer than the chain allows")]
    ValidityTooLong,
    /// A call failed; the effects of all calls are undone.
    #[codec(index = 32)]
    #[error("call {index} failed: {fault}")]
    Call {
        /// Index of the call in the transaction; 0 for a job.
        index: u8,
        /// What went wrong.
        fault: CallFault,
    },
}

impl Failure {
    /// True if the id stays usable: the transaction did not run and may be put into a later block.
    pub const fn may_run_later(&self) -> bool {
        matches!(self, Self::NotYetValid | Self::PutOff)
    }
}

/// What a receipt is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum Subject {
    /// The transaction with this id.
    Transaction(Hash),
    /// The job with this sequence number.
    Job(u64),
    /// Evidence that the block brought: it is on the ledger from now on.
    Evidence {
        /// The validator that contradicted itself.
        validator: PublicKey,
        /// Height it contradicted itself at.
        height: Height,
        /// The round of both statements.
        round: u32,
        /// The kind of both statements.
        step: Step,
    },
}

impl Subject {
    /// What a receipt of this evidence is about.
    pub fn of_evidence(evidence: &Evidence) -> Self {
        Self::Evidence {
            validator: evidence.validator(),
            height: evidence.height(),
            round: evidence.round(),
            step: evidence.step(),
        }
    }
}

/// The outcome of one piece of evidence, job or transaction in a block, in the order they ran: evidence first, then jobs.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Receipt {
    /// What ran.
    pub subject: Subject,
    /// `Ok` if all effects stand.
    pub outcome: Result<(), Failure>,
    /// Gas used.
    pub gas: Gas,
    /// What happened, in order; empty on failure.
    pub events: BoundedVec<Event, { limits::EVENTS_MAX }>,
}

impl Receipt {
    /// True if the transaction was admitted: its id is used and its member has paid, whether its calls succeeded or not. One that
    /// was not admitted has used no gas, and its id is as usable as before.
    pub fn is_admitted(&self) -> bool {
        self.gas > Gas::ZERO
    }

    /// The leaf of the receipts' tree.
    pub fn hash(&self) -> Hash {
        Hash::of_encoded("receipt", self)
    }
}

/// The root a header names as `receipts_root`.
pub fn receipts_root(receipts: &[Receipt]) -> Hash {
    let leaves: Vec<Hash> = receipts.iter().map(Receipt::hash).collect();
    crate::merkle::root(&leaves)
}
