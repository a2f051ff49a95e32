//! How the sections fit together: names resolve, nothing stands twice, everybody who must act can.
use crate::draft::{AssetDraft, ContractDraft, CouncilDraft, Draft, HolderDraft, MemberDraft, NodeDraft, Source};
use crate::error::{Cause, Mistakes, Place};
use crate::section::At;
use countersign_types::genesis::{Council, GenesisAsset, GenesisContract, GenesisHolder, GenesisMember, GenesisNode};
use countersign_types::{
    AccountId, Amount, Authority, BoundedVec, Genesis, Name, Role, Validator, ValidatorSet, limits,
};
use parity_scale_codec::Encode as _;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

/// First bytes of compiled wasm.
const WASM_MARK: &[u8] = b"\0asm";

/// Everybody the specification names.
#[derive(Default)]
struct Directory {
    entries: BTreeMap<Name, Entry>,
    /// The line of each account.
    lines: BTreeMap<AccountId, usize>,
}

struct Entry {
    line: usize,
    /// `None` if its key is wrong, which is reported where the key stands.
    account: Option<AccountId>,
    roles: BTreeSet<Role>,
}

impl Directory {
    /// Enters a name with its account; reports either being there already.
    fn add(
        &mut self,
        name: &At<Name>,
        account: Option<&At<AccountId>>,
        roles: BTreeSet<Role>,
        mistakes: &mut Mistakes,
    ) {
        if let Some(account) = account {
            let first = *self.lines.entry(account.value).or_insert(account.place.line);
            if first != account.place.line {
                mistakes.add(&account.place, Cause::Duplicate { what: "this key".into(), first });
            }
        }
        if let Some(first) = self.entries.get(&name.value) {
            mistakes.add(&name.place, Cause::Duplicate { what: format!("`{}`", name.value), first: first.line });
            return;
        }
        let account = account.map(|at| at.value);
        self.entries.insert(name.value.clone(), Entry { line: name.place.line, account, roles });
    }

    fn find(&self, name: &At<Name>, section: &'static str, mistakes: &mut Mistakes) -> Option<&Entry> {
        let entry = self.entries.get(&name.value);
        if entry.is_none() {
            mistakes.add(&name.place, Cause::UnknownName { section, name: name.value.to_string() });
        }
        entry
    }

    fn member(&self, name: &At<Name>, mistakes: &mut Mistakes) -> Option<&Entry> {
        is_member_name(name, mistakes).then(|| self.find(name, "[[member]]", mistakes)).flatten()
    }
}

fn is_member_name(name: &At<Name>, mistakes: &mut Mistakes) -> bool {
    let is_member = name.value.user().is_none();
    if !is_member {
        mistakes.add(&name.place, Cause::NotAMemberName { name: name.value.to_string() });
    }
    is_member
}

/// The genesis of a draft. `None` only after a mistake was reported; with mistakes the result is not to be used.
pub(crate) fn genesis(draft: Draft, files: &Path, mistakes: &mut Mistakes) -> Option<Genesis> {
    let root = draft.place;
    let mut directory = Directory::default();
    let members = members(&draft.members, &mut directory, mistakes);
    let holders = holders(&draft.holders, &mut directory, mistakes);
    let council = draft.council.and_then(|council| self::council(council, &directory, &members, mistakes));
    let validators = validators(&draft.validators, &root, mistakes);
    let nodes = nodes(draft.nodes, &directory, &root, mistakes);
    let assets = assets(draft.assets, &directory, mistakes);
    let contracts = contracts(draft.contracts, files, mistakes);
    let genesis = Genesis {
        title: draft.title?.value,
        time: draft.time?.value,
        params: draft.params,
        council: council?,
        validators: validators?,
        nodes: nodes?,
        members: bounded(members, &root.inner(1, "member"), mistakes)?,
        holders: bounded(holders, &root.inner(1, "holder"), mistakes)?,
        assets: bounded(assets, &root.inner(1, "asset"), mistakes)?,
        contracts: bounded(contracts, &root.inner(1, "contract"), mistakes)?,
    };
    let size = genesis.encoded_size();
    if size > limits::GENESIS_BYTES_MAX {
        let place = root.inner(1, "the genesis");
        mistakes.add(&place, Cause::TooLarge { size, limit: limits::GENESIS_BYTES_MAX });
    }
    Some(genesis)
}

fn bounded<T, const MAX: usize>(items: Vec<T>, place: &Place, mistakes: &mut Mistakes) -> Option<BoundedVec<T, MAX>> {
    let too_many =
        |error: countersign_types::bounded::TooLong| Cause::TooMany { count: error.size, limit: error.limit };
    mistakes.keep(place, items.try_into().map_err(too_many))
}

/// Sorted items; the same value twice is reported.
fn distinct<T: Ord + Clone>(items: &[At<T>], what: impl Fn(&T) -> String, mistakes: &mut Mistakes) -> BTreeSet<T> {
    let mut lines = BTreeMap::new();
    for item in items {
        if let Some(first) = lines.insert(item.value.clone(), item.place.line) {
            mistakes.add(&item.place, Cause::Duplicate { what: what(&item.value), first });
        }
    }
    lines.into_keys().collect()
}

fn members(drafts: &[MemberDraft], directory: &mut Directory, mistakes: &mut Mistakes) -> Vec<GenesisMember> {
    let mut members = Vec::new();
    for draft in drafts {
        let roles = distinct(&draft.roles, |_| "this role".into(), mistakes);
        let first = draft.keys.first();
        let account = first.map(|at| At { value: AccountId::of_key(&at.value.0), place: at.place.clone() });
        if let Some(name) = &draft.name {
            is_member_name(name, mistakes);
            directory.add(name, account.as_ref(), roles.clone(), mistakes);
        }
        let authority = authority(draft, mistakes);
        if let (Some(name), Some(account), Some(authority)) = (&draft.name, account, authority) {
            let place = draft.place.inner(draft.place.line, "roles");
            let Some(roles) = bounded(roles.into_iter().collect(), &place, mistakes) else {
                continue;
            };
            members.push(GenesisMember { id: account.value, name: name.value.clone(), roles, authority });
        }
    }
    members.sort_by_key(|member| member.id);
    members
}

fn authority(draft: &MemberDraft, mistakes: &mut Mistakes) -> Option<Authority> {
    let keys: Vec<_> = draft.keys.iter().map(|at| At { value: at.value.0, place: at.place.clone() }).collect();
    distinct(&keys, |_| "this key".into(), mistakes);
    let place = draft.keys.first()?.place.clone();
    let mut keys: Vec<_> = draft.keys.iter().map(|at| at.value).collect();
    keys.sort_unstable();
    keys.dedup_by_key(|(key, _)| *key);
    let threshold = draft.threshold.as_ref();
    let authority = Authority { threshold: threshold.map_or(1, |at| at.value), keys: bounded(keys, &place, mistakes)? };
    mistakes.keep(threshold.map_or(&place, |at| &at.place), authority.check())?;
    Some(authority)
}

fn holders(drafts: &[HolderDraft], directory: &mut Directory, mistakes: &mut Mistakes) -> Vec<GenesisHolder> {
    let mut holders = Vec::new();
    for draft in drafts {
        let account = draft.key.as_ref().map(|at| At { value: AccountId::of_key(&at.value), place: at.place.clone() });
        let Some(name) = &draft.name else {
            continue;
        };
        if name.value.user().is_none() {
            mistakes.add(&name.place, Cause::NotAHolderName { name: name.value.to_string() });
        } else if let Ok(site) = name.value.site().parse() {
            directory.member(&At { value: site, place: name.place.clone() }, mistakes);
        }
        directory.add(name, account.as_ref(), BTreeSet::new(), mistakes);
        if let (Some(account), Some(key)) = (account, &draft.key) {
            holders.push(GenesisHolder { id: account.value, name: name.value.clone(), key: key.value });
        }
    }
    holders.sort_by_key(|holder| holder.id);
    holders
}

fn council(
    draft: CouncilDraft,
    directory: &Directory,
    members: &[GenesisMember],
    mistakes: &mut Mistakes,
) -> Option<Council> {
    let names = distinct(&draft.members, |name| format!("`{name}`"), mistakes);
    let found: Vec<_> = draft.members.iter().map(|name| directory.member(name, mistakes)).collect();
    let ids: BTreeSet<AccountId> = found.into_iter().flatten().filter_map(|entry| entry.account).collect();
    let threshold = draft.threshold?;
    // An empty list is reported where it stands.
    if !names.is_empty() && usize::from(threshold.value) > names.len() {
        mistakes.add(&threshold.place, Cause::CouncilCannotAct { threshold: threshold.value, members: names.len() });
    }
    let sitting = members.iter().filter(|member| ids.contains(&member.id));
    let mut needed: Vec<usize> = sitting.map(|member| member.authority.fewest_keys()).collect();
    needed.sort_unstable();
    let signatures = needed.iter().take(threshold.value.into()).sum();
    if signatures > limits::SIGNATURES_MAX {
        mistakes.add(&threshold.place, Cause::TooManySignatures { signatures, limit: limits::SIGNATURES_MAX });
    }
    let members = bounded(ids.into_iter().collect(), &draft.place.inner(draft.place.line, "members"), mistakes)?;
    Some(Council { members, threshold: threshold.value })
}

fn validators(drafts: &[At<Validator>], root: &Place, mistakes: &mut Mistakes) -> Option<ValidatorSet> {
    let place = root.inner(1, "validator");
    let keys: Vec<_> = drafts.iter().map(|at| At { value: at.value.key, place: at.place.clone() }).collect();
    distinct(&keys, |_| "this key".into(), mistakes);
    let mut validators: Vec<_> = drafts.iter().map(|at| at.value).collect();
    validators.sort_unstable();
    Some(ValidatorSet(bounded(validators, &place, mistakes)?))
}

fn nodes(
    drafts: Vec<NodeDraft>,
    directory: &Directory,
    root: &Place,
    mistakes: &mut Mistakes,
) -> Option<BoundedVec<GenesisNode, { limits::NODES_MAX }>> {
    let keys: Vec<_> = drafts.iter().filter_map(|draft| draft.key.clone()).collect();
    distinct(&keys, |_| "this key".into(), mistakes);
    let node = |draft: NodeDraft| {
        let member = draft.member.as_ref().and_then(|name| directory.member(name, mistakes));
        let address = draft.address.map(|at| at.value).unwrap_or_default();
        Some(GenesisNode { key: draft.key?.value, member: member?.account?, address })
    };
    let mut nodes: Vec<_> = drafts.into_iter().filter_map(node).collect();
    nodes.sort_by_key(|node| node.key);
    bounded(nodes, &root.inner(1, "node"), mistakes)
}

fn assets(drafts: Vec<AssetDraft>, directory: &Directory, mistakes: &mut Mistakes) -> Vec<GenesisAsset> {
    let symbols: Vec<_> = drafts.iter().filter_map(|draft| draft.symbol.clone()).collect();
    distinct(&symbols, |symbol| format!("the asset {symbol}"), mistakes);
    let mut assets: Vec<_> = drafts.into_iter().filter_map(|draft| asset(draft, directory, mistakes)).collect();
    assets.sort_by_key(|asset| asset.id);
    assets
}

fn asset(draft: AssetDraft, directory: &Directory, mistakes: &mut Mistakes) -> Option<GenesisAsset> {
    let issuer = draft.issuer.as_ref().and_then(|name| directory.member(name, mistakes));
    if let (Some(name), Some(entry)) = (&draft.issuer, issuer)
        && !entry.roles.contains(&Role::Issuer)
    {
        mistakes.add(&name.place, Cause::NotAnIssuer { member: name.value.to_string() });
    }
    let decimals = draft.decimals?.value;
    let mut supply = Amount::ZERO;
    let mut balances = BTreeMap::new();
    for (name, text) in &draft.balances {
        let account = directory.find(name, "[[member]] or [[holder]]", mistakes).and_then(|entry| entry.account);
        let Some(amount) = mistakes.keep(&name.place, Amount::from_decimal(text, decimals)) else {
            continue;
        };
        if amount.is_zero() {
            mistakes.add(&name.place, Cause::ZeroBalance);
        }
        match supply.checked_add(amount) {
            Some(sum) => supply = sum,
            None => mistakes.add(&name.place, Cause::SupplyTooLarge),
        }
        balances.extend(account.map(|account| (account, amount)));
    }
    let place = draft.place.inner(draft.place.line, "balances");
    Some(GenesisAsset {
        id: draft.symbol?.value,
        issuer: issuer?.account?,
        decimals,
        title: draft.title?.value,
        balances: bounded(balances.into_iter().collect(), &place, mistakes)?,
    })
}

fn contracts(drafts: Vec<ContractDraft>, files: &Path, mistakes: &mut Mistakes) -> Vec<GenesisContract> {
    let names: Vec<_> = drafts.iter().filter_map(|draft| draft.name.clone()).collect();
    distinct(&names, |name| format!("the contract `{name}`"), mistakes);
    let mut contracts: Vec<_> = drafts.into_iter().filter_map(|draft| contract(draft, files, mistakes)).collect();
    contracts.sort_by(|a, b| a.name.cmp(&b.name));
    contracts
}

fn contract(draft: ContractDraft, files: &Path, mistakes: &mut Mistakes) -> Option<GenesisContract> {
    let name = draft.name?;
    if countersign_interface::native().iter().any(|interface| interface.module == name.value) {
        mistakes.add(&name.place, Cause::NativeName { name: name.value.to_string() });
    }
    let source = draft.source?;
    let code = match source.value {
        Source::Builtin(builtin) => {
            let artifact = countersign_artifacts::by_name(&builtin);
            let artifact = mistakes.keep(&source.place, artifact.ok_or(Cause::UnknownBuiltin { name: builtin }))?;
            if artifact.name != name.value.as_str() {
                mistakes.add(&name.place, Cause::OtherName { builtin: artifact.name.into() });
            }
            artifact.wasm.to_vec()
        }
        Source::File(file) => mistakes.keep(&source.place, read_wasm(&files.join(file)))?,
    };
    let code = bounded(code, &draft.place, mistakes)?;
    Some(GenesisContract { name: name.value, code })
}

/// The content of a contract's file. Whether the code keeps the rules for modules is decided by the engine that runs it.
fn read_wasm(path: &Path) -> Result<Vec<u8>, Cause> {
    let unreadable = |error: std::io::Error| Cause::Unreadable { path: path.to_owned(), kind: error.kind() };
    let limit = limits::CODE_BYTES_MAX;
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut code = Vec::new();
    // One byte more than the limit, so that a longer file is told from one that just fits.
    file.take(limit as u64 + 1).read_to_end(&mut code).map_err(unreadable)?;
    if code.len() > limit {
        return Err(Cause::TooLarge { size: code.len(), limit });
    }
    if code.starts_with(WASM_MARK) { Ok(code) } else { Err(Cause::NotWasm { path: path.to_owned() }) }
}
