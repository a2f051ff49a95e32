//! Accounts, members, assets, names, jobs: reading the newest state.
use super::{Api, bad_input, not_found, page_items, view};
use crate::chain::{Head, read};
use countersign_rpc_types::*;
use countersign_state::StateRead;
use countersign_types::{
    Account, AccountId, Asset, AssetId, Contract, Height, Job, Member, ModuleName, Name, Timestamp, state_key,
};
use parity_scale_codec::{Decode, Encode};
use serde_json::json;

/// Jobs or contracts looked at for one answer that names a module or account: a calendar is longer than what one asks about.
const SCAN_ITEMS_MAX: usize = 10_000;

/// What an account's text leads to.
pub(super) enum Found {
    Signing(AccountId, Box<Account>),
    Contract(AccountId, Contract),
}

impl Found {
    pub fn id(&self) -> AccountId {
        match self {
            Self::Signing(id, _) | Self::Contract(id, _) => *id,
        }
    }
}

/// The account with this id or name.
pub(super) fn find(head: &Head, text: &str) -> Result<Found, RpcFault> {
    let id = match read_id(text)? {
        Some(id) => id,
        None => resolve(head, text)?,
    };
    if let Some(account) = read::account(&head.state, &id) {
        return Ok(Found::Signing(id, Box::new(account)));
    }
    let contracts = records::<Contract>(&head.state, &state_key::contracts(), SCAN_ITEMS_MAX);
    let contract = contracts.into_iter().find(|contract| AccountId::of_contract(&contract.name) == id);
    contract.map(|contract| Found::Contract(id, contract)).ok_or_else(|| not_found(format_args!("account {id}")))
}

fn read_id(text: &str) -> Result<Option<AccountId>, RpcFault> {
    // `1` ends the prefix of an id; no name begins with an id's prefix and has no point.
    let is_id = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("csa1")) && !text.contains(['.', '@']);
    if is_id { text.parse().map(Some).map_err(|error| bad_input("account", error)) } else { Ok(None) }
}

/// The account of a member's, holder's or contract's name.
pub(super) fn resolve(head: &Head, text: &str) -> Result<AccountId, RpcFault> {
    let bad = |error| bad_input("name", error);
    if text.contains('.') {
        let name: Name = text.parse().map_err(bad)?;
        return read::name(&head.state, &name).ok_or_else(|| not_found(format_args!("account called {name}")));
    }
    let module: ModuleName = text.parse().map_err(bad)?;
    match read::contract(&head.state, &module) {
        Some(contract) => Ok(AccountId::of_contract(&contract.name)),
        None => Err(not_found(format_args!("contract called {module}"))),
    }
}

fn records<T: Decode>(state: &dyn StateRead, prefix: &[u8], limit: usize) -> Vec<T> {
    state.range(prefix, None, limit).iter().filter_map(|(_, value)| read::decoded(value)).collect()
}

/// One page of the records under `prefix`, whose ids follow the prefix in their keys.
pub(super) fn page<Id: Decode + ToString, Record: Decode, T>(
    state: &dyn StateRead,
    prefix: &[u8],
    after: Option<Vec<u8>>,
    limit: usize,
    view: impl Fn(&Id, &Record) -> T,
) -> Page<T> {
    let found = state.range(prefix, after.as_deref(), limit + 1);
    let mut items = Vec::new();
    let mut last = None;
    for (key, value) in found.iter().take(limit) {
        if let (Some(id), Some(record)) = (read::decoded::<Id>(&key[prefix.len()..]), read::decoded::<Record>(value)) {
            items.push(view(&id, &record));
            last = Some(id.to_string());
        }
    }
    Page { items, next: if found.len() > limit { last } else { None } }
}

impl Api {
    pub(super) fn account(&self, account: &str) -> Result<AccountView, RpcFault> {
        let head = self.chain.head();
        Ok(match find(&head, account)? {
            Found::Signing(id, account) => AccountView::of(&id, &account, view::balances(&head.state, &id)),
            Found::Contract(id, contract) => AccountView::of_contract(&contract, view::balances(&head.state, &id)),
        })
    }

    pub(super) fn member(&self, member: &str) -> Result<MemberView, RpcFault> {
        let head = self.chain.head();
        let id = find(&head, member)?.id();
        let record = read::member(&head.state, &id).ok_or_else(|| not_found(format_args!("member {member}")))?;
        Ok(view::member(&head, &id, &record))
    }

    pub(super) fn members(&self, cursor: Option<String>, limit: Option<u32>) -> Result<Page<MemberView>, RpcFault> {
        let (head, limit) = (self.chain.head(), page_items(limit)?);
        let after: Option<AccountId> = parsed("cursor", cursor)?;
        let after = after.map(|id| state_key::member(&id));
        let show = |id: &AccountId, member: &Member| view::member(&head, id, member);
        Ok(page(&head.state, &state_key::members(), after, limit, show))
    }

    pub(super) fn site(&self, member: &str) -> Result<SiteView, RpcFault> {
        let head = self.chain.head();
        let id = find(&head, member)?.id();
        let record = read::member(&head.state, &id).ok_or_else(|| not_found(format_args!("member {member}")))?;
        let site = countersign_executor::site(&head.state, &id).ok_or_else(|| {
            not_found(format_args!("site of {member} on the ledger: the member sets it by `registry.set_site`"))
        })?;
        Ok(view::site(&head.state, &id, &record, &site))
    }

    pub(super) fn asset(&self, asset: &str) -> Result<AssetView, RpcFault> {
        let (id, record) = self.asset_record(asset)?;
        Ok(AssetView::of(&id, &record))
    }

    fn asset_record(&self, asset: &str) -> Result<(AssetId, Asset), RpcFault> {
        let id: AssetId = asset.parse().map_err(|error| bad_input("asset", error))?;
        let record = read::asset(&self.chain.head().state, &id);
        record.map(|record| (id, record)).ok_or_else(|| not_found(format_args!("asset {id}")))
    }

    pub(super) fn assets(&self, cursor: Option<String>, limit: Option<u32>) -> Result<Page<AssetView>, RpcFault> {
        let (head, limit) = (self.chain.head(), page_items(limit)?);
        let after: Option<AssetId> = parsed("cursor", cursor)?;
        let after = after.map(|id| state_key::asset(&id));
        Ok(page(&head.state, &state_key::assets(), after, limit, AssetView::of))
    }

    pub(super) fn balance(&self, account: &str, asset: &str) -> Result<BalanceView, RpcFault> {
        let (id, record) = self.asset_record(asset)?;
        let head = self.chain.head();
        let account = find(&head, account)?.id();
        Ok(BalanceView::of(&id, read::balance(&head.state, &account, &id), &record))
    }

    pub(super) fn proof(&self, key: &[u8], height: Option<u64>) -> Result<ProofView, RpcFault> {
        let newest = self.chain.head();
        let state = match height {
            None => newest.state.clone(),
            Some(height) if height > newest.height().get() => {
                return Err(not_found(format_args!("state of height {height} yet; the newest is {}", newest.height())));
            }
            Some(height) => {
                let kept = self.chain.state_at(Height::new(height)).map_err(|fault| self.fault(fault))?;
                kept.ok_or_else(|| {
                    let message = format!("the state of height {height} is no longer kept; ask for a newer one");
                    RpcFault::new(ErrorCode::Pruned, message).with(json!({ "newest": newest.height().get() }))
                })?
            }
        };
        Ok(ProofView {
            height: height.unwrap_or(newest.height().get()),
            root: state.root().to_string(),
            value: state.get(key).map(HexBytes),
            proof: HexBytes(state.prove(key).encode()),
        })
    }

    pub(super) fn jobs(
        &self,
        module: Option<String>,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<Page<JobView>, RpcFault> {
        let (head, limit) = (self.chain.head(), page_items(limit)?);
        let module: Option<ModuleName> = parsed("module", module)?;
        let mut after = cursor.map(|cursor| job_key(&cursor)).transpose()?;
        let (mut items, mut scanned) = (Vec::new(), 0);
        loop {
            let found = head.state.range(&state_key::jobs(), after.as_deref(), limit);
            let is_end = found.len() < limit;
            let mut next = None;
            for (key, value) in found {
                scanned += 1;
                let Some(job) = read::decoded::<Job>(&value) else { continue };
                after = Some(key);
                next = Some(format!("{}.{}", job.at.millis(), job.sequence));
                if module.as_ref().is_none_or(|module| job.module == *module) {
                    items.push(job_view(job));
                }
                if items.len() == limit {
                    return Ok(Page { items, next });
                }
            }
            if is_end || scanned >= SCAN_ITEMS_MAX {
                return Ok(Page { items, next: next.filter(|_| !is_end) });
            }
        }
    }
}

fn job_view(job: Job) -> JobView {
    JobView {
        job: job.sequence,
        at_ms: job.at.millis(),
        module: job.module.to_string(),
        method: job.method.to_string(),
        args: HexBytes(job.args),
    }
}

fn job_key(cursor: &str) -> Result<Vec<u8>, RpcFault> {
    let parts = cursor.split_once('.').and_then(|(at, sequence)| Some((at.parse().ok()?, sequence.parse().ok()?)));
    let (at, sequence) = parts.ok_or_else(|| bad_input("cursor", "a cursor is `<time>.<job>` as an answer gave it"))?;
    Ok(state_key::job(Timestamp::from_millis(at), sequence))
}

/// An optional argument of its type.
pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    argument: &str,
    text: Option<String>,
) -> Result<Option<T>, RpcFault> {
    text.map(|text| text.parse().map_err(|error| bad_input(argument, error))).transpose()
}
