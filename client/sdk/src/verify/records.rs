//! The ledger's own records with proof: accounts, names, members, assets, balances, the council.
use super::verifier::Standing;
use super::{Verified, VerifyError};
use crate::Client;
use crate::rpc::{ClientError, Refusal};
use crate::rpc_types::{AccountView, AssetView, BalanceView, CouncilView, ErrorCode, MemberView, RelayView, SiteView};
use crate::types::genesis::Council;
use crate::types::{
    Account, AccountId, Amount, Asset, AssetId, Contract, Member, ModuleName, Name, NodeRecord, Params, PublicKey,
    Site, state_key,
};
use parity_scale_codec::DecodeAll;

impl Client {
    async fn record<T: DecodeAll>(&self, key: Vec<u8>) -> Result<Verified<T>, ClientError> {
        self.read_as(&mut *self.standing().await?, key).await
    }

    /// An account's record.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_account(&self, account: &AccountId) -> Result<Verified<Account>, ClientError> {
        self.record(state_key::account(account)).await
    }

    /// What an account holds of an asset; `None` is nothing.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_balance(
        &self,
        account: &AccountId,
        asset: &AssetId,
    ) -> Result<Verified<Amount>, ClientError> {
        self.record(state_key::balance(account, asset)).await
    }

    /// An asset's record.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_asset(&self, asset: &AssetId) -> Result<Verified<Asset>, ClientError> {
        self.record(state_key::asset(asset)).await
    }

    /// A member's site; `None` until it has one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_site(&self, member: &AccountId) -> Result<Verified<Site>, ClientError> {
        self.record(state_key::site(member)).await
    }

    /// The account a member's or holder's name leads to.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_name(&self, name: &Name) -> Result<Verified<AccountId>, ClientError> {
        self.record(state_key::name(name)).await
    }

    /// The module whose account this is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_module(&self, account: &AccountId) -> Result<Verified<ModuleName>, ClientError> {
        self.record(state_key::contract_name(account)).await
    }

    /// The name of an account: a holder's, a member's, or a contract's module.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_name_of(&self, account: &AccountId) -> Result<Option<String>, ClientError> {
        if let Some(record) = self.verified_account(account).await?.value {
            return Ok(Some(record.name.to_string()));
        }
        Ok(self.verified_module(account).await?.value.map(|module| module.to_string()))
    }

    /// A contract's record.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_contract(&self, module: &ModuleName) -> Result<Verified<Contract>, ClientError> {
        self.record(state_key::contract(module)).await
    }

    /// A member's record.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_member(&self, member: &AccountId) -> Result<Verified<Member>, ClientError> {
        self.record(state_key::member(member)).await
    }

    /// The account of an id or of a name of a member, holder or contract.
    async fn proven_id(&self, text: &str) -> Result<AccountId, ClientError> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let bad = |error: &dyn std::fmt::Display| refused(ErrorCode::BadInput, format!("name: {error}"));
        if text.contains('.') {
            let name: Name = text.parse().map_err(|error| bad(&error))?;
            let found = self.verified_name(&name).await?.value;
            return found.ok_or_else(|| not_found(format_args!("account called {name}")));
        }
        let module: ModuleName = text.parse().map_err(|error| bad(&error))?;
        let found = self.verified_contract(&module).await?.value;
        let found = found.ok_or_else(|| not_found(format_args!("contract called {module}")))?;
        Ok(AccountId::of_contract(&found.name))
    }

    pub(crate) async fn proven_resolve(&self, name: &str) -> Result<String, ClientError> {
        Ok(self.proven_id(name).await?.to_string())
    }

    pub(crate) async fn proven_account(&self, text: &str) -> Result<AccountView, ClientError> {
        let id = self.proven_id(text).await?;
        let account = self.verified_account(&id).await?.value;
        let contract = match &account {
            Some(_) => None,
            None => match self.verified_module(&id).await?.value {
                Some(module) => self.verified_contract(&module).await?.value,
                None => None,
            },
        };
        if account.is_none() && contract.is_none() {
            return Err(not_found(format_args!("account {id}")));
        }
        // Which assets it holds is the node's word, since there is no proof of there being no other; how much is
        // proven.
        let mut balances = Vec::new();
        for told in self.told_account(&id.to_string()).await?.balances {
            let asset =
                told.asset.parse().map_err(|error: crate::types::text::TextError| bad("account_get", &error))?;
            balances.push(self.proven_holding(&id, &asset).await?);
        }
        match (account, contract) {
            (Some(account), _) => Ok(AccountView::of(&id, &account, balances)),
            (None, Some(contract)) => Ok(AccountView::of_contract(&contract, balances)),
            (None, None) => Err(not_found(format_args!("account {id}"))),
        }
    }

    async fn proven_holding(&self, id: &AccountId, asset: &AssetId) -> Result<BalanceView, ClientError> {
        let record = self.verified_asset(asset).await?.value;
        let record = record.ok_or_else(|| not_found(format_args!("asset {asset}")))?;
        let amount = self.verified_balance(id, asset).await?.value.unwrap_or(Amount::ZERO);
        Ok(BalanceView::of(asset, amount, &record))
    }

    pub(crate) async fn proven_balance(&self, account: &str, asset: &str) -> Result<BalanceView, ClientError> {
        let asset = asset_id(asset)?;
        let id = self.proven_id(account).await?;
        self.proven_holding(&id, &asset).await
    }

    pub(crate) async fn proven_asset(&self, asset: &str) -> Result<AssetView, ClientError> {
        let id = asset_id(asset)?;
        let record = self.verified_asset(&id).await?.value;
        Ok(AssetView::of(&id, &record.ok_or_else(|| not_found(format_args!("asset {id}")))?))
    }

    pub(crate) async fn proven_member(&self, text: &str) -> Result<MemberView, ClientError> {
        let id = self.proven_id(text).await?;
        let mut standing = self.standing().await?;
        let member = self.read_as(&mut standing, state_key::member(&id)).await?.value;
        let member = member.ok_or_else(|| not_found(format_args!("member {text}")))?;
        let council = self.read_as(&mut standing, state_key::council()).await?.value;
        let used = self.read_as(&mut standing, state_key::quota(&id)).await?.value.unwrap_or_default();
        let (params, time) = self.params(&mut standing).await?;
        Ok(MemberView::of(&id, &member, council.as_ref(), used, &params, time))
    }

    pub(crate) async fn proven_site(&self, text: &str) -> Result<Option<Site>, ClientError> {
        let id = self.proven_id(text).await?;
        Ok(self.verified_site(&id).await?.value)
    }

    pub(crate) async fn proven_site_view(&self, text: &str) -> Result<SiteView, ClientError> {
        let id = self.proven_id(text).await?;
        let mut standing = self.standing().await?;
        let member = self.read_as(&mut standing, state_key::member(&id)).await?.value;
        let member = member.ok_or_else(|| not_found(format_args!("member {text}")))?;
        let site: Option<Site> = self.read_as(&mut standing, state_key::site(&id)).await?.value;
        let site = site.ok_or_else(|| {
            not_found(format_args!("site of {text} on the ledger: the member sets it by `member site set`"))
        })?;
        let mut relays = Vec::new();
        for key in &site.relays {
            relays.push(self.proven_relay(&mut standing, key).await?);
        }
        Ok(SiteView::of(&id, &member, &site, relays))
    }

    async fn proven_relay(&self, standing: &mut Standing, key: &PublicKey) -> Result<RelayView, ClientError> {
        let node: Option<NodeRecord> = self.read_as(standing, state_key::node(key)).await?.value;
        let Some(node) = node else {
            return Ok(RelayView::of(key, None));
        };
        let member: Option<Member> = self.read_as(standing, state_key::member(&node.member)).await?.value;
        let account: Option<Account> = self.read_as(standing, state_key::account(&node.member)).await?.value;
        let run_by = member.as_ref().zip(account.as_ref());
        Ok(RelayView::of(key, run_by.map(|(member, account)| (&node, member, account))))
    }

    /// The chain's parameters, and the time of the header they are proven under.
    async fn params(&self, standing: &mut Standing) -> Result<(Params, crate::types::Timestamp), ClientError> {
        let Verified { value, time, .. } = self.read_as(standing, state_key::params()).await?;
        Ok((value.ok_or(VerifyError::TooYoung)?, time))
    }

    pub(crate) async fn proven_council(&self) -> Result<CouncilView, ClientError> {
        let mut standing = self.standing().await?;
        let council: Option<Council> = self.read_as(&mut standing, state_key::council()).await?.value;
        let council = council.ok_or(VerifyError::TooYoung)?;
        let mut members: Vec<Option<Member>> = Vec::new();
        for id in &council.members {
            members.push(self.read_as(&mut standing, state_key::member(id)).await?.value);
        }
        let (params, _) = self.params(&mut standing).await?;
        Ok(CouncilView::of(&council, &members, &params))
    }
}

fn asset_id(text: &str) -> Result<AssetId, ClientError> {
    text.parse().map_err(|error| refused(ErrorCode::BadInput, format!("asset: {error}")))
}

fn bad(method: &'static str, cause: &dyn std::fmt::Display) -> ClientError {
    ClientError::BadAnswer { method, cause: cause.to_string() }
}

/// A refusal that follows from what is proven: the node need not be asked for it.
pub(super) fn refused(code: ErrorCode, message: String) -> ClientError {
    ClientError::Refused(Refusal { code: Some(code), number: code as i32, message, data: None })
}

fn not_found(what: std::fmt::Arguments<'_>) -> ClientError {
    refused(ErrorCode::NotFound, format!("there is no {what}"))
}
