//! Records of the ledger as wire types.
use super::{Api, failure};
use crate::chain::{Head, read};
use crate::index::Placed;
use countersign_rpc_types::*;
use countersign_state::{Snapshot, StateRead};
use countersign_types::evidence::Step;
use countersign_types::receipt::Subject;
use countersign_types::transaction::TransactionId;
use countersign_types::{
    Account, AccountId, Amount, Asset, AssetId, Contract, Event, Hash, Interface, Member, ModuleName,
};
use countersign_types::{Receipt, Role, Status, Transaction, text};
use parity_scale_codec::Encode;
use std::sync::Arc;

pub(super) fn block_hash(hash: &Hash) -> String {
    text::encode(text::BLOCK, &hash.0)
}

pub(super) fn transaction_id(id: &Hash) -> String {
    TransactionId(*id).to_string()
}

pub(super) fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Transaction(id) => transaction_id(id),
        Subject::Job(number) => format!("job:{number}"),
        Subject::Evidence { validator, height, round, step } => {
            format!("evidence:{validator}:{height}:{round}:{}", self::step(*step))
        }
    }
}

pub(super) fn step(step: Step) -> &'static str {
    match step {
        Step::Offer => "offer",
        Step::Proposal => "proposal",
        Step::Prevote => "prevote",
        Step::Precommit => "precommit",
    }
}

pub(super) fn status(status: Status) -> String {
    match status {
        Status::Active => "active",
        Status::Suspended => "suspended",
    }
    .into()
}

fn role(role: &Role) -> String {
    match role {
        Role::Merchant => "merchant",
        Role::Issuer => "issuer",
        Role::Agent => "agent",
        Role::Arbiter => "arbiter",
        Role::CardIssuer => "card_issuer",
        Role::Relay => "relay",
    }
    .into()
}

pub(super) fn head(api: &Api, head: &Head) -> ChainHead {
    ChainHead {
        chain: api.chain.id().to_string(),
        title: api.chain.genesis().title.to_string(),
        height: head.height().get(),
        hash: block_hash(&head.hash),
        time_ms: head.header.time.millis(),
        state_root: head.state.root().to_string(),
    }
}

impl Api {
    fn interface(&self, state: &Snapshot, module: &ModuleName) -> Option<Arc<Interface>> {
        self.interfaces.get(self.chain.executor(), state, module)
    }

    /// A receipt; `transaction` is the one it is about, if it is about one.
    pub(super) fn receipt(
        &self,
        state: &Snapshot,
        receipt: &Receipt,
        transaction: Option<&Transaction>,
    ) -> ReceiptView {
        let failed = receipt.outcome.err().map(|cause| {
            let module = match cause {
                countersign_types::Failure::Call { index, .. } => {
                    transaction.and_then(|tx| tx.calls.get(usize::from(index))).map(|call| &call.module)
                }
                _ => None,
            };
            let interface = module.and_then(|module| self.interface(state, module));
            failure::failure(&cause, interface.as_deref())
        });
        ReceiptView {
            subject: subject(&receipt.subject),
            ok: receipt.outcome.is_ok(),
            failure: failed,
            gas: receipt.gas.get(),
            events: receipt.events.iter().map(|event| self.event(state, event)).collect(),
            receipt: HexBytes(receipt.encode()),
        }
    }

    pub(super) fn event(&self, state: &Snapshot, event: &Event) -> EventView {
        let interface = self.interface(state, &event.module);
        let declared = interface.as_ref().and_then(|interface| interface.events.get(usize::from(event.kind)));
        EventView {
            module: event.module.to_string(),
            // A kind that is no longer declared keeps its number.
            name: declared.map_or_else(|| event.kind.to_string(), |event| event.name.clone()),
            accounts: event.accounts.iter().map(ToString::to_string).collect(),
            data: HexBytes(event.data.to_vec()),
        }
    }

    pub(super) fn placed(&self, state: &Snapshot, placed: &Placed, time_ms: u64) -> PlacedEvent {
        PlacedEvent {
            cursor: placed.cursor.to_string(),
            height: placed.cursor.height,
            time_ms,
            subject: subject(&placed.subject),
            event: self.event(state, &placed.event),
        }
    }

    /// `module.method` of each call, by today's interfaces.
    pub(super) fn calls(&self, state: &Snapshot, transaction: &Transaction) -> Vec<String> {
        let name = |call: &countersign_types::Call| {
            let interface = self.interface(state, &call.module);
            let method = interface.as_ref().and_then(|i| i.method(call.method)).map(|(_, method)| method.name.clone());
            format!("{}.{}", call.module, method.unwrap_or_else(|| format!("{:?}", call.method)))
        };
        transaction.calls.iter().map(name).collect()
    }
}

pub(super) fn account(state: &dyn StateRead, id: &AccountId, account: &Account) -> AccountView {
    AccountView {
        id: id.to_string(),
        name: account.name.to_string(),
        member: Some(account.member.to_string()),
        status: status(account.status),
        threshold: account.authority.threshold,
        keys: account.authority.keys.iter().map(|(key, weight)| (key.to_string(), *weight)).collect(),
        encryption_key: account.encryption_key.map(|key| Hash(key).to_string()),
        balances: balances(state, id),
    }
}

pub(super) fn contract_account(state: &dyn StateRead, contract: &Contract) -> AccountView {
    let id = AccountId::of_contract(&contract.name);
    AccountView {
        id: id.to_string(),
        name: contract.name.to_string(),
        member: None,
        status: status(contract.status),
        threshold: 0,
        keys: Vec::new(),
        encryption_key: None,
        balances: balances(state, &id),
    }
}

fn balances(state: &dyn StateRead, id: &AccountId) -> Vec<BalanceView> {
    let known = |(asset, amount)| Some(balance(&asset, amount, &read::asset(state, &asset)?));
    read::balances(state, id).into_iter().filter_map(known).collect()
}

pub(super) fn balance(id: &AssetId, amount: Amount, asset: &Asset) -> BalanceView {
    BalanceView { asset: id.to_string(), amount: amount.to_string(), decimals: asset.decimals }
}

pub(super) fn member(head: &Head, id: &AccountId, member: &Member) -> MemberView {
    let used = read::quota(&head.state, id);
    // What was used in an earlier window no longer counts.
    let window = head.header.time.millis() / head.params.quota_window_ms.max(1);
    let council = read::council(&head.state);
    MemberView {
        id: id.to_string(),
        name: member.name.to_string(),
        status: status(member.status),
        roles: member.roles.iter().map(role).collect(),
        council: council.is_some_and(|council| council.members.binary_search(id).is_ok()),
        quota_used: if used.window == window { used.gas.get() } else { 0 },
        quota: head.params.quota_gas.get(),
    }
}

pub(super) fn asset(id: &AssetId, asset: &Asset) -> AssetView {
    AssetView {
        asset: id.to_string(),
        title: asset.title.to_string(),
        issuer: asset.issuer.to_string(),
        decimals: asset.decimals,
        supply: asset.supply.to_string(),
        status: if asset.status == Status::Active { "active" } else { "frozen" }.into(),
    }
}

pub(super) fn contract(contract: &Contract) -> ContractView {
    ContractView {
        name: contract.name.to_string(),
        account: Some(AccountId::of_contract(&contract.name).to_string()),
        code: Some(contract.code.to_string()),
        version: contract.version,
        status: status(contract.status),
        native: false,
    }
}

pub(super) fn native(interface: &Interface) -> ContractView {
    ContractView {
        name: interface.module.to_string(),
        account: None,
        code: None,
        version: 1,
        status: status(Status::Active),
        native: true,
    }
}
