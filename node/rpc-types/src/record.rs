//! Records of the ledger as wire types: made by the node, and again by a client from the bytes that were proven.
use crate::governance::{CouncilMember, CouncilView, ParameterView};
use crate::view::{AccountView, AssetView, BalanceView, ContractView, MemberView, RelayView, SiteView};
use countersign_types::account::QuotaUse;
use countersign_types::genesis::Council;
use countersign_types::params::PARAMETERS;
use countersign_types::{
    Account, AccountId, Amount, Asset, AssetId, Contract, Hash, Interface, Member, NodeRecord, Params, PublicKey, Role,
    Site, Status, Timestamp,
};

const fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Suspended => "suspended",
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Merchant => "merchant",
        Role::Issuer => "issuer",
        Role::Agent => "agent",
        Role::Arbiter => "arbiter",
        Role::CardIssuer => "card_issuer",
        Role::Relay => "relay",
    }
}

impl AccountView {
    /// A holder's or member's account.
    pub fn of(id: &AccountId, account: &Account, balances: Vec<BalanceView>) -> Self {
        Self {
            id: id.to_string(),
            name: account.name.to_string(),
            member: Some(account.member.to_string()),
            status: status(account.status).into(),
            threshold: account.authority.threshold,
            keys: account.authority.keys.iter().map(|(key, weight)| (key.to_string(), *weight)).collect(),
            encryption_key: account.encryption_key.map(|key| Hash(key).to_string()),
            balances,
        }
    }

    /// A contract's account.
    pub fn of_contract(contract: &Contract, balances: Vec<BalanceView>) -> Self {
        Self {
            id: AccountId::of_contract(&contract.name).to_string(),
            name: contract.name.to_string(),
            member: None,
            status: status(contract.status).into(),
            threshold: 0,
            keys: Vec::new(),
            encryption_key: None,
            balances,
        }
    }
}

impl BalanceView {
    /// What an account holds of an asset.
    pub fn of(id: &AssetId, amount: Amount, asset: &Asset) -> Self {
        Self { asset: id.to_string(), amount: amount.to_string(), decimals: asset.decimals }
    }
}

impl AssetView {
    /// An asset.
    pub fn of(id: &AssetId, asset: &Asset) -> Self {
        Self {
            asset: id.to_string(),
            title: asset.title.to_string(),
            issuer: asset.issuer.to_string(),
            decimals: asset.decimals,
            supply: asset.supply.to_string(),
            status: if asset.status == Status::Active { "active" } else { "frozen" }.into(),
        }
    }
}

impl MemberView {
    /// A member; `time` is the newest block's, `used` what it has used of its quota.
    pub fn of(
        id: &AccountId,
        member: &Member,
        council: Option<&Council>,
        used: QuotaUse,
        params: &Params,
        time: Timestamp,
    ) -> Self {
        // What was used in an earlier window no longer counts.
        let window = time.millis() / params.quota_window_ms.max(1);
        Self {
            id: id.to_string(),
            name: member.name.to_string(),
            status: status(member.status).into(),
            roles: member.roles.iter().map(|one| role(*one).into()).collect(),
            council: council.is_some_and(|council| council.members.binary_search(id).is_ok()),
            quota_used: if used.window == window { used.gas.get() } else { 0 },
            quota: params.quota_gas.get(),
        }
    }
}

impl SiteView {
    /// A member's site; `relays` are those it names, in its order.
    pub fn of(id: &AccountId, member: &Member, site: &Site, relays: Vec<RelayView>) -> Self {
        Self {
            member: id.to_string(),
            name: member.name.to_string(),
            endpoint: site.endpoint.to_string(),
            key: site.key.to_string(),
            relays,
        }
    }
}

impl RelayView {
    /// A node; with its record those of the member that runs it and of that member's account.
    pub fn of(key: &PublicKey, found: Option<(&NodeRecord, &Member, &Account)>) -> Self {
        Self {
            key: key.to_string(),
            member: found.map(|(_, member, _)| member.name.to_string()),
            can_relay: found.is_some_and(|(node, member, account)| node.may_relay(member, account)),
        }
    }
}

impl ContractView {
    /// A contract.
    pub fn of(contract: &Contract) -> Self {
        Self {
            name: contract.name.to_string(),
            account: Some(AccountId::of_contract(&contract.name).to_string()),
            code: Some(contract.code.to_string()),
            version: contract.version,
            status: status(contract.status).into(),
            native: false,
        }
    }

    /// A module that is part of the node.
    pub fn of_native(interface: &Interface) -> Self {
        Self {
            name: interface.module.to_string(),
            account: None,
            code: None,
            version: 1,
            status: status(Status::Active).into(),
            native: true,
        }
    }
}

impl CouncilView {
    /// The council; `members` are the records of its members in its order, where there are any.
    pub fn of(council: &Council, members: &[Option<Member>], params: &Params) -> Self {
        let member = |(id, record): (&AccountId, &Option<Member>)| CouncilMember {
            id: id.to_string(),
            name: record.as_ref().map(|member| member.name.to_string()).unwrap_or_default(),
            status: status(record.as_ref().map_or(Status::Suspended, |member| member.status)).into(),
        };
        let parameter = |known: &countersign_types::params::Parameter| ParameterView {
            name: known.name.into(),
            value: known.get(params),
        };
        Self {
            members: council.members.iter().zip(members).map(member).collect(),
            threshold: council.threshold,
            parameters: PARAMETERS.iter().map(parameter).collect(),
        }
    }
}
