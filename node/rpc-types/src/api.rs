//! The methods. Every list has a bound; a longer one continues by cursor.
use crate::HexBytes;
use crate::governance::*;
use crate::view::*;
#[cfg(feature = "server")]
use jsonrpsee::core::{RpcResult, SubscriptionResult};
use jsonrpsee::proc_macros::rpc;

/// Items in one page of a list.
pub const PAGE_ITEMS_MAX: u32 = 500;
/// Transactions in one `tx_submit_batch`.
pub const BATCH_MAX: usize = 1_000;
/// Bytes of one request: a batch of ordinary transactions or the largest single one, as hexadecimal.
pub const REQUEST_BYTES_MAX: u32 = 4 * 1024 * 1024;
/// Bytes of one answer: the largest block, as hexadecimal.
pub const RESPONSE_BYTES_MAX: u32 = 20 * 1024 * 1024;

/// The node's methods.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client))]
pub trait CountersignRpc {
    /// The newest executed block.
    #[method(name = "chain_head")]
    async fn chain_head(&self) -> RpcResult<ChainHead>;

    /// The encoded genesis.
    #[method(name = "chain_spec")]
    async fn chain_spec(&self) -> RpcResult<HexBytes>;

    /// The encoded block at a height.
    #[method(name = "chain_block")]
    async fn chain_block(&self, height: u64) -> RpcResult<HexBytes>;

    /// A header with its certificate and validators.
    #[method(name = "chain_header")]
    async fn chain_header(&self, height: u64) -> RpcResult<HeaderView>;

    /// The changes of the validators that headers above a height announce, oldest first: what leads from validators
    /// that are trusted to those of today. A shorter list than `limit` is the end.
    #[method(name = "chain_validators")]
    async fn chain_validators(&self, after: u64, limit: Option<u32>) -> RpcResult<Vec<HandoverView>>;

    /// Takes an encoded `SignedTransaction`. Answers its id once it is verified, waits here, and is in this node's journal: it then
    /// outlives a crash of the node's process and is told to peers until a block holds it or it expires. It is not final: a power
    /// cut within moments may cost it, and so may others' transactions when the mempool is full. What becomes of it tells
    /// `tx_watch`; whoever must be sure submits it again until it is final, which is safe, as it runs once.
    #[method(name = "tx_submit")]
    async fn tx_submit(&self, transaction: HexBytes) -> RpcResult<String>;

    /// Takes several; the answers are in order, each the id or the refusal.
    #[method(name = "tx_submit_batch")]
    async fn tx_submit_batch(&self, transactions: Vec<HexBytes>) -> RpcResult<Vec<Result<String, crate::RpcFault>>>;

    /// Where the transaction with this id (`cst1…`) stands.
    #[method(name = "tx_status")]
    async fn tx_status(&self, id: String) -> RpcResult<TxStatus>;

    /// A decided transaction with proofs of its place and its receipt, under the header of its block and the next one.
    #[method(name = "tx_proof")]
    async fn tx_proof(&self, id: String) -> RpcResult<TxProofView>;

    /// Tries an encoded `SignedTransaction` on the newest state, with or without all signatures. Changes nothing.
    #[method(name = "tx_simulate")]
    async fn tx_simulate(&self, transaction: HexBytes) -> RpcResult<SimulationView>;

    /// An account by id (`csa1…`) or name.
    #[method(name = "account_get")]
    async fn account_get(&self, account: String) -> RpcResult<AccountView>;

    /// Transactions an account is party of, newest first.
    #[method(name = "account_history")]
    async fn account_history(
        &self,
        account: String,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<Page<HistoryEntry>>;

    /// The account (`csa1…`) of a member's, holder's or contract's name.
    #[method(name = "name_resolve")]
    async fn name_resolve(&self, name: String) -> RpcResult<String>;

    /// A member by id or name.
    #[method(name = "member_get")]
    async fn member_get(&self, member: String) -> RpcResult<MemberView>;

    /// All members, by id.
    #[method(name = "member_list")]
    async fn member_list(&self, cursor: Option<String>, limit: Option<u32>) -> RpcResult<Page<MemberView>>;

    /// The site of a member, by the member's id or name, and the nodes that it lets relay.
    #[method(name = "site_get")]
    async fn site_get(&self, member: String) -> RpcResult<SiteView>;

    /// An asset by its symbol.
    #[method(name = "asset_get")]
    async fn asset_get(&self, asset: String) -> RpcResult<AssetView>;

    /// All assets, by symbol.
    #[method(name = "asset_list")]
    async fn asset_list(&self, cursor: Option<String>, limit: Option<u32>) -> RpcResult<Page<AssetView>>;

    /// What an account holds of an asset.
    #[method(name = "balance_get")]
    async fn balance_get(&self, account: String, asset: String) -> RpcResult<BalanceView>;

    /// All contracts and native modules.
    #[method(name = "contract_list")]
    async fn contract_list(&self) -> RpcResult<Vec<ContractView>>;

    /// A module's interface.
    #[method(name = "contract_interface")]
    async fn contract_interface(&self, module: String) -> RpcResult<InterfaceView>;

    /// Runs a query of a contract on the newest state; arguments and answer are encoded.
    #[method(name = "contract_query")]
    async fn contract_query(&self, module: String, query: String, args: HexBytes) -> RpcResult<HexBytes>;

    /// A raw state key with its proof, at a recent height or the newest.
    #[method(name = "state_proof")]
    async fn state_proof(&self, key: HexBytes, height: Option<u64>) -> RpcResult<ProofView>;

    /// Jobs that will run, soonest first; of one contract if named.
    #[method(name = "schedule_list")]
    async fn schedule_list(
        &self,
        module: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<Page<JobView>>;

    /// Events after a cursor, oldest first.
    #[method(name = "events_history")]
    async fn events_history(
        &self,
        filter: EventFilter,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<Page<PlacedEvent>>;

    /// Who governs, how many of them must sign, and the chain's parameters.
    #[method(name = "council_get")]
    async fn council_get(&self) -> RpcResult<CouncilView>;

    /// The validators of the next block and those decided on, by key.
    #[method(name = "validator_list")]
    async fn validator_list(&self) -> RpcResult<Vec<ValidatorView>>;

    /// The nodes the council admitted or removed, by key.
    #[method(name = "node_list")]
    async fn node_list(&self, cursor: Option<String>, limit: Option<u32>) -> RpcResult<Page<NodeView>>;

    /// Recorded evidence, by validator, height, round and step.
    #[method(name = "evidence_list")]
    async fn evidence_list(&self, cursor: Option<String>, limit: Option<u32>) -> RpcResult<Page<EvidenceView>>;

    /// The node's own state.
    #[method(name = "node_status")]
    async fn node_status(&self) -> RpcResult<NodeStatus>;

    /// The peers this node lists, and whether they are there.
    #[method(name = "node_peers")]
    async fn node_peers(&self) -> RpcResult<Vec<PeerView>>;

    /// Why the next block is not there yet, in words.
    #[method(name = "consensus_explain")]
    async fn consensus_explain(&self) -> RpcResult<ConsensusExplanation>;

    /// Every block from now on.
    #[subscription(name = "blocks_subscribe" => "blocks", unsubscribe = "blocks_unsubscribe", item = BlockNotice)]
    async fn blocks_subscribe(&self) -> SubscriptionResult;

    /// Events after a cursor (or from now on), without a gap between history and live.
    #[subscription(name = "events_subscribe" => "events", unsubscribe = "events_unsubscribe", item = PlacedEvent)]
    async fn events_subscribe(&self, filter: EventFilter, cursor: Option<String>) -> SubscriptionResult;

    /// The status of a transaction now and at each change, until it is final.
    #[subscription(name = "tx_watch" => "tx", unsubscribe = "tx_unwatch", item = TxStatus)]
    async fn tx_watch(&self, id: String) -> SubscriptionResult;
}
