//! What the methods take and answer.
use crate::HexBytes;
use serde::{Deserialize, Serialize};

/// The newest decided and executed block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChainHead {
    /// The chain's id, hexadecimal.
    pub chain: String,
    /// The title of the chain's genesis.
    pub title: String,
    /// Height of the newest executed block.
    pub height: u64,
    /// Its hash, `csb1…`.
    pub hash: String,
    /// Its time.
    pub time_ms: u64,
    /// Root of the state after it; the next header certifies it.
    pub state_root: String,
}

/// A block's header with the certificate over it, both encoded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeaderView {
    /// Its height.
    pub height: u64,
    /// Its hash, `csb1…`.
    pub hash: String,
    /// Its time.
    pub time_ms: u64,
    /// Number of transactions.
    pub transactions: u32,
    /// The encoded `Header`.
    pub header: HexBytes,
    /// The encoded `Certificate`; absent for the genesis.
    pub certificate: Option<HexBytes>,
    /// The encoded `ValidatorSet` that certifies it.
    pub validators: HexBytes,
}

/// A change of the validators.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HandoverView {
    /// Height of the last header that the validators before the change certify.
    pub height: u64,
    /// That header, encoded: it names the next validators by their hash.
    pub header: HexBytes,
    /// The encoded `Certificate` over it.
    pub certificate: HexBytes,
    /// The encoded `ValidatorSet` of the next block.
    pub next: HexBytes,
}

/// A decided transaction and how it follows from the header after its block, which the validators certified.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TxProofView {
    /// Height of its block; the header at the next height names the root of the receipts, and this block's header as
    /// its parent.
    pub height: u64,
    /// Index among the block's transactions.
    pub index: u32,
    /// The encoded `Header` of its block.
    pub header: HexBytes,
    /// The encoded `SignedTransaction`.
    pub transaction: HexBytes,
    /// The encoded `ListProof` of the transaction under the header's `tx_root`.
    pub transaction_proof: HexBytes,
    /// The encoded `Receipt`.
    pub receipt: HexBytes,
    /// The encoded `ListProof` of the receipt under the next header's `receipts_root`.
    pub receipt_proof: HexBytes,
}

/// Where a transaction stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TxStatus {
    /// Never seen, or forgotten after its expiry.
    Unknown,
    /// Waits in this node's mempool.
    Pending,
    /// Decided in a block and executed: final.
    Final {
        /// Height of the block.
        height: u64,
        /// Index among the block's transactions.
        index: u32,
        /// What became of it.
        receipt: ReceiptView,
    },
}

/// What became of a transaction, a job or evidence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReceiptView {
    /// `cst1…`, `job:<number>`, or `evidence:<validator>:<height>:<round>:<step>`.
    pub subject: String,
    /// True if the effects stand.
    pub ok: bool,
    /// The failure, if any.
    pub failure: Option<FailureView>,
    /// Gas used.
    pub gas: u64,
    /// What happened, in order.
    pub events: Vec<EventView>,
    /// The encoded `Receipt`, for proofs.
    pub receipt: HexBytes,
}

/// Why a transaction or query failed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailureView {
    /// Stable name, such as `expired`, `insufficient_balance` or `rebate.PriceNotLower`.
    pub name: String,
    /// For people.
    pub message: String,
    /// The call that failed, if it was one.
    pub call: Option<u8>,
    /// The module's own code, if it refused.
    pub code: Option<u16>,
}

/// An event. The fields are decoded by the module's interface where it is known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EventView {
    /// The module.
    pub module: String,
    /// The event's name in the module's interface.
    pub name: String,
    /// The accounts it is listed under.
    pub accounts: Vec<String>,
    /// The encoded fields.
    pub data: HexBytes,
}

/// An event with its place on the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlacedEvent {
    /// Continue a history or subscription after this event: `<height>.<receipt>.<event>`.
    pub cursor: String,
    /// Height of the block.
    pub height: u64,
    /// The block's time.
    pub time_ms: u64,
    /// `cst1…`, `job:<number>`, or `evidence:<validator>:<height>:<round>:<step>`.
    pub subject: String,
    /// The event.
    #[serde(flatten)]
    pub event: EventView,
}

/// Which events are wanted; absent parts match all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventFilter {
    /// Listed under this account, `csa1…`.
    pub account: Option<String>,
    /// Of this module.
    pub module: Option<String>,
    /// With this name.
    pub name: Option<String>,
}

/// A page of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; absent at the end.
    pub next: Option<String>,
}

/// A transaction an account is party of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Height of the block.
    pub height: u64,
    /// The block's time.
    pub time_ms: u64,
    /// `cst1…`.
    pub transaction: String,
    /// `module.method` of each call.
    pub calls: Vec<String>,
    /// True if the effects stand.
    pub ok: bool,
}

/// An account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountView {
    /// `csa1…`.
    pub id: String,
    /// Its name; a contract's is that of its module.
    pub name: String,
    /// The member that enrolled it; absent for a contract.
    pub member: Option<String>,
    /// `active` or `suspended`.
    pub status: String,
    /// Weight its signatures must reach.
    pub threshold: u32,
    /// Keys (`csk1…`) and weights.
    pub keys: Vec<(String, u16)>,
    /// Key for sealed messages, hexadecimal.
    pub encryption_key: Option<String>,
    /// Asset and minor units, decimal.
    pub balances: Vec<BalanceView>,
}

/// What an account holds of an asset.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BalanceView {
    /// The symbol.
    pub asset: String,
    /// Minor units, decimal.
    pub amount: String,
    /// Digits after the point when shown.
    pub decimals: u8,
}

/// A member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberView {
    /// `csa1…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `active` or `suspended`.
    pub status: String,
    /// `merchant`, `issuer` …
    pub roles: Vec<String>,
    /// True if it sits on the council.
    pub council: bool,
    /// Gas used in the running window.
    pub quota_used: u64,
    /// Gas it may use in a window.
    pub quota: u64,
}

/// A member's site, as it stands on the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SiteView {
    /// The member, `csa1…`.
    pub member: String,
    /// Its name.
    pub name: String,
    /// Where relays ask it, `https://login.harbor-hotel.example`; empty if the member has no users.
    pub endpoint: String,
    /// The key that signs its answers, `csk1…`.
    pub key: String,
    /// The nodes that it lets relay. The first is the home relay: it keeps the messages to the member and its users.
    pub relays: Vec<RelayView>,
}

/// A node that a member's site lets relay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RelayView {
    /// Its network key, `csk1…`.
    pub key: String,
    /// Name of the member that runs it; absent if no such node was ever admitted.
    pub member: Option<String>,
    /// True if it may relay now: it is admitted, and that member is active and has the role `relay`.
    pub can_relay: bool,
}

/// An asset.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AssetView {
    /// The symbol.
    pub asset: String,
    /// In words.
    pub title: String,
    /// `csa1…`.
    pub issuer: String,
    /// Digits after the point when shown.
    pub decimals: u8,
    /// Minor units in circulation, decimal.
    pub supply: String,
    /// `active` or `frozen`.
    pub status: String,
}

/// A contract or native module.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContractView {
    /// Its name in calls.
    pub name: String,
    /// Its account; absent for a native module.
    pub account: Option<String>,
    /// Hash of its code; absent for a native module.
    pub code: Option<String>,
    /// Upgrades so far, plus one.
    pub version: u32,
    /// `active` or `suspended`.
    pub status: String,
    /// True if it is part of the node.
    pub native: bool,
}

/// A module's interface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InterfaceView {
    /// The module.
    pub module: String,
    /// The declaration, as `Interface::parse` reads it.
    pub text: String,
    /// Selector of each method, hexadecimal, in the order of the declaration.
    pub selectors: Vec<(String, String)>,
}

/// What a proposal would do now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SimulationView {
    /// Height of the state it was tried on.
    pub height: u64,
    /// What would become of it if all had signed.
    pub receipt: ReceiptView,
    /// Parties whose signatures do not reach their threshold yet.
    pub missing: Vec<String>,
    /// What each account would gain or lose: account, asset, signed minor units.
    pub changes: Vec<BalanceChange>,
}

/// What an account gains or loses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BalanceChange {
    /// `csa1…`.
    pub account: String,
    /// The symbol.
    pub asset: String,
    /// Minor units before, decimal.
    pub before: String,
    /// Minor units after, decimal.
    pub after: String,
}

/// A value of the state with its proof.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProofView {
    /// The state is that after this block; the root stands in the header of the next.
    pub height: u64,
    /// The root proven against.
    pub root: String,
    /// The value; absent if the key is not there.
    pub value: Option<HexBytes>,
    /// The encoded proof of inclusion or absence.
    pub proof: HexBytes,
}

/// A job that will run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobView {
    /// Its number.
    pub job: u64,
    /// When it is due.
    pub at_ms: u64,
    /// The contract.
    pub module: String,
    /// The scheduled method.
    pub method: String,
    /// Its encoded arguments.
    pub args: HexBytes,
}

/// The node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Version of the program.
    pub version: String,
    /// The chain's id.
    pub chain: String,
    /// Height of the newest executed block.
    pub height: u64,
    /// Height whose state and indexes are on disk; blocks above it are replayed after a crash.
    pub checkpoint: u64,
    /// The validator's key, if it is one.
    pub validator: Option<String>,
    /// Transactions waiting.
    pub mempool_transactions: u32,
    /// Their bytes.
    pub mempool_bytes: u64,
    /// Seconds since the start.
    pub uptime_s: u64,
}

/// A block was decided and executed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BlockNotice {
    /// Its height.
    pub height: u64,
    /// Its hash, `csb1…`.
    pub hash: String,
    /// Its time.
    pub time_ms: u64,
    /// `cst1…` of its transactions, in order.
    pub transactions: Vec<String>,
}

/// A peer on a node's list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PeerView {
    /// Its libp2p address, with its peer id.
    pub address: String,
    /// True while a connection is open.
    pub connected: bool,
    /// The height of the last decided block it told of, since it connected.
    pub height: Option<u64>,
}

/// Why a block is not there yet, as far as one node can tell.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConsensusExplanation {
    /// The height being waited for.
    pub height: u64,
    /// Milliseconds since the newest block's time.
    pub waiting_ms: u64,
    /// True if nothing is wrong: there is no work, or the block is being made.
    pub is_normal: bool,
    /// For people: one reason or fact each, the most telling first.
    pub words: Vec<String>,
}
