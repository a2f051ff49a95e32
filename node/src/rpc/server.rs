//! The trait of the RPC, each method leading to where it is done.
use super::{Api, beside, ledger, subscriptions, transactions};
use crate::index::Cursor;
use countersign_rpc_types::*;
use jsonrpsee::PendingSubscriptionSink;
use jsonrpsee::core::{RpcResult, SubscriptionResult, async_trait};
use std::sync::Arc;

/// The server side of the trait.
pub(super) struct Server(pub Arc<Api>);

impl Server {
    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Api) -> Result<T, RpcFault> + Send + 'static,
    ) -> RpcResult<T> {
        Ok(beside(&self.0, work).await?)
    }

    /// The same for work that runs contracts: a few at a time.
    async fn running<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Api) -> Result<T, RpcFault> + Send + 'static,
    ) -> RpcResult<T> {
        let _permit = self.0.contract_calls.acquire().await.map_err(|_| super::stopping())?;
        self.beside(work).await
    }
}

#[async_trait]
impl CountersignRpcServer for Server {
    async fn chain_head(&self) -> RpcResult<ChainHead> {
        Ok(self.0.head())
    }

    async fn chain_spec(&self) -> RpcResult<HexBytes> {
        self.beside(Api::spec).await
    }

    async fn chain_block(&self, height: u64) -> RpcResult<HexBytes> {
        self.beside(move |api| api.block(height)).await
    }

    async fn chain_header(&self, height: u64) -> RpcResult<HeaderView> {
        self.beside(move |api| api.header(height)).await
    }

    async fn chain_validators(&self, after: u64, limit: Option<u32>) -> RpcResult<Vec<HandoverView>> {
        self.beside(move |api| api.handovers(after, limit)).await
    }

    async fn tx_submit(&self, transaction: HexBytes) -> RpcResult<String> {
        Ok(self.0.submit(&transaction.0).await?)
    }

    async fn tx_submit_batch(&self, transactions: Vec<HexBytes>) -> RpcResult<Vec<Result<String, RpcFault>>> {
        Ok(self.0.submit_batch(transactions).await?)
    }

    async fn tx_status(&self, id: String) -> RpcResult<TxStatus> {
        let id = transactions::transaction_id(&id)?;
        self.beside(move |api| api.tx_status(&id)).await
    }

    async fn tx_proof(&self, id: String) -> RpcResult<TxProofView> {
        let id = transactions::transaction_id(&id)?;
        self.beside(move |api| api.tx_proof(&id)).await
    }

    async fn tx_simulate(&self, transaction: HexBytes) -> RpcResult<SimulationView> {
        self.running(move |api| api.simulate(&transaction.0)).await
    }

    async fn account_get(&self, account: String) -> RpcResult<AccountView> {
        Ok(self.0.account(&account)?)
    }

    async fn account_history(
        &self,
        account: String,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<Page<HistoryEntry>> {
        self.beside(move |api| api.history(&account, cursor, limit)).await
    }

    async fn name_resolve(&self, name: String) -> RpcResult<String> {
        Ok(ledger::resolve(&self.0.chain.head(), &name)?.to_string())
    }

    async fn member_get(&self, member: String) -> RpcResult<MemberView> {
        Ok(self.0.member(&member)?)
    }

    async fn member_list(&self, cursor: Option<String>, limit: Option<u32>) -> RpcResult<Page<MemberView>> {
        Ok(self.0.members(cursor, limit)?)
    }

    async fn site_get(&self, member: String) -> RpcResult<SiteView> {
        Ok(self.0.site(&member)?)
    }

    async fn asset_get(&self, asset: String) -> RpcResult<AssetView> {
        Ok(self.0.asset(&asset)?)
    }

    async fn asset_list(&self, cursor: Option<String>, limit: Option<u32>) -> RpcResult<Page<AssetView>> {
        Ok(self.0.assets(cursor, limit)?)
    }

    async fn balance_get(&self, account: String, asset: String) -> RpcResult<BalanceView> {
        Ok(self.0.balance(&account, &asset)?)
    }

    async fn contract_list(&self) -> RpcResult<Vec<ContractView>> {
        Ok(self.0.contracts())
    }

    async fn contract_interface(&self, module: String) -> RpcResult<InterfaceView> {
        self.beside(move |api| api.contract_interface(&module)).await
    }

    async fn contract_query(&self, module: String, query: String, args: HexBytes) -> RpcResult<HexBytes> {
        self.running(move |api| api.query(&module, &query, &args.0)).await
    }

    async fn state_proof(&self, key: HexBytes, height: Option<u64>) -> RpcResult<ProofView> {
        self.beside(move |api| api.proof(&key.0, height)).await
    }

    async fn schedule_list(
        &self,
        module: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<Page<JobView>> {
        self.beside(move |api| api.jobs(module, cursor, limit)).await
    }

    async fn events_history(
        &self,
        filter: EventFilter,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<Page<PlacedEvent>> {
        self.beside(move |api| api.events_history(filter, cursor, limit)).await
    }

    async fn council_get(&self) -> RpcResult<CouncilView> {
        Ok(self.0.council())
    }

    async fn validator_list(&self) -> RpcResult<Vec<ValidatorView>> {
        Ok(self.0.validators())
    }

    async fn node_list(&self, cursor: Option<String>, limit: Option<u32>) -> RpcResult<Page<NodeView>> {
        Ok(self.0.nodes(cursor, limit)?)
    }

    async fn evidence_list(&self, cursor: Option<String>, limit: Option<u32>) -> RpcResult<Page<EvidenceView>> {
        Ok(self.0.evidence(cursor, limit)?)
    }

    async fn node_status(&self) -> RpcResult<NodeStatus> {
        Ok(self.0.status())
    }

    async fn node_peers(&self) -> RpcResult<Vec<PeerView>> {
        Ok(self.0.peers())
    }

    async fn consensus_explain(&self) -> RpcResult<ConsensusExplanation> {
        Ok(self.0.explain())
    }

    async fn blocks_subscribe(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        subscriptions::blocks(self.0.clone(), pending).await
    }

    async fn events_subscribe(
        &self,
        pending: PendingSubscriptionSink,
        filter: EventFilter,
        cursor: Option<String>,
    ) -> SubscriptionResult {
        let checked =
            self.0.wanted(filter).and_then(|wanted| Ok((wanted, ledger::parsed::<Cursor>("cursor", cursor)?)));
        match checked {
            Ok((wanted, cursor)) => subscriptions::events(self.0.clone(), pending, wanted, cursor).await,
            Err(fault) => {
                pending.reject(fault).await;
                Ok(())
            }
        }
    }

    async fn tx_watch(&self, pending: PendingSubscriptionSink, id: String) -> SubscriptionResult {
        match transactions::transaction_id(&id) {
            Ok(id) => subscriptions::watch(self.0.clone(), pending, id).await,
            Err(fault) => {
                pending.reject(fault).await;
                Ok(())
            }
        }
    }
}
