//! One function for each method of the node.
use super::{Client, ClientError, Finality};
use crate::rpc_types::*;
use crate::types::{AccountId, DecodeError, Hash, SignedTransaction, Site, limits, state_key};
use crate::verify::chain_of;
use parity_scale_codec::{DecodeAll, Encode};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::time::Instant;

impl Client {
    /// The newest executed block.
    ///
    /// # Errors
    /// [`ClientError`], as for every method here.
    pub async fn head(&self) -> Result<ChainHead, ClientError> {
        self.call("chain_head", |c| async move { c.chain_head().await }).await
    }

    /// As [`Client::head`], to find what is then proven.
    pub(crate) async fn told_head(&self) -> Result<ChainHead, ClientError> {
        self.fetch("chain_head", |c| async move { c.chain_head().await }).await
    }

    /// The id of the node's chain; of a verifying client it is the chain that is trusted.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn chain(&self) -> Result<Hash, ClientError> {
        match self.verifier() {
            Some(_) => self.proven_chain().await,
            None => chain_of(&self.told_head().await?),
        }
    }

    /// The encoded genesis.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn spec(&self) -> Result<Vec<u8>, ClientError> {
        Ok(self.fetch("chain_spec", |c| async move { c.chain_spec().await }).await?.0)
    }

    /// The encoded block at a height.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn block(&self, height: u64) -> Result<Vec<u8>, ClientError> {
        Ok(self.call("chain_block", |c| async move { c.chain_block(height).await }).await?.0)
    }

    /// A header with its certificate, unchecked.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn header(&self, height: u64) -> Result<HeaderView, ClientError> {
        self.fetch("chain_header", |c| async move { c.chain_header(height).await }).await
    }

    /// Changes of the validators that headers above `after` announce, oldest first, unchecked.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn handovers(&self, after: u64, limit: u32) -> Result<Vec<HandoverView>, ClientError> {
        self.fetch("chain_validators", |c| async move { c.chain_validators(after, Some(limit)).await }).await
    }

    /// Hands in a transaction; answers its id.
    ///
    /// # Errors
    /// [`ClientError`]; a refusal with [`ErrorCode::AlreadyKnown`] if the node had it before this call.
    pub async fn submit(&self, transaction: &SignedTransaction) -> Result<String, ClientError> {
        let id = transaction.transaction.id().to_string();
        let bytes = &HexBytes(transaction.encode());
        let attempts = &AtomicU32::new(0);
        let sent = self
            .call("tx_submit", |c| async move {
                attempts.fetch_add(1, Ordering::Relaxed);
                c.tx_submit(bytes.clone()).await
            })
            .await;
        // An attempt whose answer was lost may have been the one that handed it in.
        let is_repeated = attempts.load(Ordering::Relaxed) > 1;
        match sent {
            Err(error) if is_repeated && error.code() == Some(ErrorCode::AlreadyKnown) => Ok(id),
            Ok(answered) if answered != id => Err(ClientError::BadAnswer {
                method: "tx_submit",
                cause: format!("the node calls the transaction {answered}, it is {id}"),
            }),
            other => other,
        }
    }

    /// Where a transaction (`cst1…`) stands. That it is final a verifying client believes with proof only.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self, id: &str) -> Result<TxStatus, ClientError> {
        let told = self.call("tx_status", |c| async move { c.tx_status(id.into()).await }).await?;
        match told {
            TxStatus::Final { height, index, receipt } if self.verifier().is_some() => {
                let told = Finality { id: id.into(), height, index, receipt };
                let wait = self.patience().certify;
                let proven = self.prove_final(told, Instant::now() + wait, wait).await?;
                let Finality { height, index, receipt, .. } = proven;
                Ok(TxStatus::Final { height, index, receipt })
            }
            told => Ok(told),
        }
    }

    /// A decided transaction (`cst1…`) with proofs of its place and its receipt, unchecked.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn tx_proof(&self, id: &str) -> Result<TxProofView, ClientError> {
        self.fetch("tx_proof", |c| async move { c.tx_proof(id.into()).await }).await
    }

    /// What a transaction would do now, with or without all signatures.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn simulate(&self, transaction: &SignedTransaction) -> Result<SimulationView, ClientError> {
        let bytes = &HexBytes(transaction.encode());
        self.call("tx_simulate", |c| async move { c.tx_simulate(bytes.clone()).await }).await
    }

    /// An account by id or name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn account(&self, account: &str) -> Result<AccountView, ClientError> {
        match self.verifier() {
            Some(_) => self.proven_account(account).await,
            None => self.call("account_get", |c| async move { c.account_get(account.into()).await }).await,
        }
    }

    /// As the node tells it, to find what is then proven.
    pub(crate) async fn told_account(&self, account: &str) -> Result<AccountView, ClientError> {
        self.fetch("account_get", |c| async move { c.account_get(account.into()).await }).await
    }

    /// Transactions of an account, newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn history(
        &self,
        account: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<HistoryEntry>, ClientError> {
        self.call("account_history", |c| async move {
            c.account_history(account.into(), cursor.map(Into::into), Some(limit)).await
        })
        .await
    }

    /// The account (`csa1…`) a name leads to.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn resolve(&self, name: &str) -> Result<String, ClientError> {
        match self.verifier() {
            Some(_) => self.proven_resolve(name).await,
            None => self.call("name_resolve", |c| async move { c.name_resolve(name.into()).await }).await,
        }
    }

    /// A member by id or name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn member(&self, member: &str) -> Result<MemberView, ClientError> {
        match self.verifier() {
            Some(_) => self.proven_member(member).await,
            None => self.call("member_get", |c| async move { c.member_get(member.into()).await }).await,
        }
    }

    /// Members, by id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn members(&self, cursor: Option<&str>, limit: u32) -> Result<Page<MemberView>, ClientError> {
        self.call("member_list", |c| async move { c.member_list(cursor.map(Into::into), Some(limit)).await }).await
    }

    /// The site of a member, by the member's id or name; `None` until it has one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn site(&self, member: &str) -> Result<Option<Site>, ClientError> {
        if self.verifier().is_some() {
            return self.proven_site(member).await;
        }
        let bad = |method, cause: &dyn std::fmt::Display| ClientError::BadAnswer { method, cause: cause.to_string() };
        let id: AccountId = match member.parse() {
            Ok(id) => id,
            Err(_) => self.resolve(member).await?.parse().map_err(|error| bad("name_resolve", &error))?,
        };
        self.provenance().hear();
        let told = self.state_proof(state_key::site(&id), None).await?.value;
        let site = told.map(|bytes| crate::types::decode("site", &bytes.0, limits::STATE_VALUE_BYTES_MAX)).transpose();
        site.map_err(|error: DecodeError| bad("state_proof", &error))
    }

    /// The same with who runs each relay, and whether it may relay now.
    ///
    /// # Errors
    /// [`ClientError`]; a refusal with [`ErrorCode::NotFound`] if the member has no site.
    pub async fn site_view(&self, member: &str) -> Result<SiteView, ClientError> {
        match self.verifier() {
            Some(_) => self.proven_site_view(member).await,
            None => self.call("site_get", |c| async move { c.site_get(member.into()).await }).await,
        }
    }

    /// The council and the chain's parameters.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn council(&self) -> Result<CouncilView, ClientError> {
        match self.verifier() {
            Some(_) => self.proven_council().await,
            None => self.call("council_get", |c| async move { c.council_get().await }).await,
        }
    }

    /// The validators, by key.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn validators(&self) -> Result<Vec<ValidatorView>, ClientError> {
        self.call("validator_list", |c| async move { c.validator_list().await }).await
    }

    /// Nodes the council ever admitted, by key.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn nodes(&self, cursor: Option<&str>, limit: u32) -> Result<Page<NodeView>, ClientError> {
        self.call("node_list", |c| async move { c.node_list(cursor.map(Into::into), Some(limit)).await }).await
    }

    /// Recorded evidence, by validator and height.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn evidence(&self, cursor: Option<&str>, limit: u32) -> Result<Page<EvidenceView>, ClientError> {
        self.call("evidence_list", |c| async move { c.evidence_list(cursor.map(Into::into), Some(limit)).await }).await
    }

    /// An asset by its symbol.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn asset(&self, asset: &str) -> Result<AssetView, ClientError> {
        match self.verifier() {
            Some(_) => self.proven_asset(asset).await,
            None => self.call("asset_get", |c| async move { c.asset_get(asset.into()).await }).await,
        }
    }

    /// Assets, by symbol.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn assets(&self, cursor: Option<&str>, limit: u32) -> Result<Page<AssetView>, ClientError> {
        self.call("asset_list", |c| async move { c.asset_list(cursor.map(Into::into), Some(limit)).await }).await
    }

    /// What an account holds of an asset.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn balance(&self, account: &str, asset: &str) -> Result<BalanceView, ClientError> {
        match self.verifier() {
            Some(_) => self.proven_balance(account, asset).await,
            None => {
                self.call("balance_get", |c| async move { c.balance_get(account.into(), asset.into()).await }).await
            }
        }
    }

    /// Contracts and native modules.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn contracts(&self) -> Result<Vec<ContractView>, ClientError> {
        self.call("contract_list", |c| async move { c.contract_list().await }).await
    }

    /// A module's interface as the node tells it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn contract_interface(&self, module: &str) -> Result<InterfaceView, ClientError> {
        self.call("contract_interface", |c| async move { c.contract_interface(module.into()).await }).await
    }

    /// Runs a query; arguments and answer are encoded. A verifying client reads the records the answer follows from,
    /// with proof, where there are such; the contract's layout is the one this program was built with.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn query(&self, module: &str, query: &str, args: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        if self.verifier().is_some()
            && let Some(answer) = self.proven_query(module, query, &args).await?
        {
            return Ok(answer);
        }
        let args = &HexBytes(args);
        let answer =
            self.call("contract_query", |c| async move {
                c.contract_query(module.into(), query.into(), args.clone()).await
            })
            .await?;
        Ok(answer.0)
    }

    /// Runs a query with the types of the bundled interface.
    ///
    /// # Errors
    /// [`ClientError`], also if the answer is not of the type `A`.
    pub async fn ask<A: DecodeAll>(&self, module: &str, query: &str, args: &impl Encode) -> Result<A, ClientError> {
        let answer = self.query(module, query, args.encode()).await?;
        let bad = |error: DecodeError| ClientError::BadAnswer { method: "contract_query", cause: error.to_string() };
        crate::types::decode("answer", &answer, limits::ARGS_BYTES_MAX).map_err(bad)
    }

    /// A raw state key with its proof, unchecked.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn state_proof(&self, key: Vec<u8>, height: Option<u64>) -> Result<ProofView, ClientError> {
        let key = &HexBytes(key);
        self.fetch("state_proof", |c| async move { c.state_proof(key.clone(), height).await }).await
    }

    /// Jobs that will run, soonest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn schedule(
        &self,
        module: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<JobView>, ClientError> {
        self.call("schedule_list", |c| async move {
            c.schedule_list(module.map(Into::into), cursor.map(Into::into), Some(limit)).await
        })
        .await
    }

    /// Events after a cursor, oldest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn events(
        &self,
        filter: &EventFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<PlacedEvent>, ClientError> {
        self.call("events_history", |c| async move {
            c.events_history(filter.clone(), cursor.map(Into::into), Some(limit)).await
        })
        .await
    }

    /// The node's own state.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn node_status(&self) -> Result<NodeStatus, ClientError> {
        self.call("node_status", |c| async move { c.node_status().await }).await
    }

    /// The peers the node lists, and whether they are there.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn peers(&self) -> Result<Vec<PeerView>, ClientError> {
        self.call("node_peers", |c| async move { c.node_peers().await }).await
    }

    /// Why the next block is not there yet, in words.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn explain_consensus(&self) -> Result<ConsensusExplanation, ClientError> {
        self.call("consensus_explain", |c| async move { c.consensus_explain().await }).await
    }
}
