//! Block 0: checks a genesis by the rules that later calls keep, and writes the state it describes.
use crate::ledger::Ledger;
use crate::{native, turns};
use countersign_interface::code;
use countersign_state::{Changes, StateRead};
use countersign_types::account::BadAuthority;
use countersign_types::address::{self, BadAddress};
use countersign_types::genesis::{Council, GenesisAsset, GenesisHolder, GenesisMember, GenesisNode};
use countersign_types::limits::ASSET_DECIMALS_MAX;
use countersign_types::params::BadParam;
use countersign_types::signature::{KeyError, check_key};
use countersign_types::{
    Account, AccountId, Amount, Asset, AssetId, Authority, Genesis, Hash, Header, Height, Member, ModuleName, Name,
    NodeRecord, PublicKey, Role, Status, block, receipt,
};
use countersign_vm::Engine;

/// A genesis that makes no chain. Names the entry and the rule it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// A parameter is out of its range.
    #[error(transparent)]
    Param(#[from] BadParam),
    /// Validators are not sorted and distinct, there are none, or a power is out of its range.
    #[error("the validators must be sorted by key, distinct, at least one, each of power 1 to 2^32")]
    Validators,
    /// The key of a validator must not enter the ledger.
    #[error("the key of validator {key} is refused")]
    ValidatorKey {
        /// The key.
        key: PublicKey,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The council is not sorted and distinct, or one of it is no member.
    #[error("the council must be a sorted list of distinct members")]
    CouncilMembers,
    /// The council's members need more signatures than a transaction holds, or than its gas or a member's quota pays for.
    #[error("a call with the signatures the council needs exceeds a transaction's room or gas, or a member's quota")]
    CouncilLockedOut,
    /// The council's threshold is zero or more than its members.
    #[error("the council's threshold {threshold} must be 1 to {members}, its number of members")]
    CouncilThreshold {
        /// Signatures asked for.
        threshold: u16,
        /// Members there are.
        members: usize,
    },
    /// A list is not sorted, or has an entry twice.
    #[error("the {list} must be sorted, without duplicates")]
    Order {
        /// Which list.
        list: &'static str,
    },
    /// Two accounts of one name or id.
    #[error("{name} or its account stands twice")]
    Twice {
        /// The name of the second.
        name: Name,
    },
    /// A member's name has an `@`, or a holder's site is no member.
    #[error("{name} is not the name of a member, or of a holder at a member's site")]
    BadName {
        /// The name.
        name: Name,
    },
    /// A member's roles are not sorted and distinct.
    #[error("the roles of {name} must be sorted, without duplicates")]
    Roles {
        /// The member.
        name: Name,
    },
    /// Who signs for an account breaks a rule.
    #[error("the authority of {name} is refused")]
    Authority {
        /// The account's name.
        name: Name,
        /// Why.
        #[source]
        source: BadAuthority,
    },
    /// A key of an account must not enter the ledger.
    #[error("a key of {name} is refused")]
    Key {
        /// The account's name.
        name: Name,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The network key of a node must not enter the ledger.
    #[error("the key of node {key} is refused")]
    NodeKey {
        /// The key.
        key: PublicKey,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// A node's operator is no member.
    #[error("the node {key} must be run by a member")]
    NodeOperator {
        /// The node's network key.
        key: PublicKey,
    },
    /// Nobody could reach a node.
    #[error("the address of node {key} is refused")]
    NodeAddress {
        /// The node's network key.
        key: PublicKey,
        /// Why.
        #[source]
        source: BadAddress,
    },
    /// An asset's issuer is no member with that role.
    #[error("the issuer of {asset} must be a member with the role issuer")]
    Issuer {
        /// The asset.
        asset: AssetId,
    },
    /// More decimals than an asset may have.
    #[error("{asset} has {decimals} decimals, more than {ASSET_DECIMALS_MAX}")]
    Decimals {
        /// The asset.
        asset: AssetId,
        /// Its decimals.
        decimals: u8,
    },
    /// A balance of nothing, or of an account that is not enrolled.
    #[error("the balance of {account} in {asset} must be more than nothing, and the account enrolled")]
    Balance {
        /// The asset.
        asset: AssetId,
        /// The account.
        account: AccountId,
    },
    /// The balances exceed what an amount holds.
    #[error("the balances of {asset} add up to more than an amount holds")]
    Supply {
        /// The asset.
        asset: AssetId,
    },
    /// A contract's name is a native module's.
    #[error("the contract {name} has the name of a native module")]
    NativeName {
        /// The contract.
        name: ModuleName,
    },
    /// A contract's code may not run.
    #[error("the code of the contract {name} is refused: {reason:?}")]
    Code {
        /// The contract.
        name: ModuleName,
        /// Why, as `code.deploy` would say.
        reason: code::Error,
    },
}

/// The state a chain starts from, as changes of the empty state.
pub(crate) fn changes(engine: &Engine, genesis: &Genesis) -> Result<Changes, GenesisError> {
    genesis.params.check()?;
    check_validators(genesis)?;
    let empty = Empty;
    let mut ledger = Ledger::new(&empty);
    ledger.put_params(&genesis.params);
    ledger.put_validators(&genesis.validators);
    turns::begin(&mut ledger, &genesis.validators);
    check_order("members", genesis.members.iter().map(|member| &member.id))?;
    genesis.members.iter().try_for_each(|member| add_member(&mut ledger, member, genesis))?;
    check_council(&ledger, &genesis.council)?;
    ledger.put_council(&genesis.council);
    check_order("holders", genesis.holders.iter().map(|holder| &holder.id))?;
    genesis.holders.iter().try_for_each(|holder| add_holder(&mut ledger, holder))?;
    check_order("nodes", genesis.nodes.iter().map(|node| &node.key))?;
    genesis.nodes.iter().try_for_each(|node| add_node(&mut ledger, node))?;
    check_order("contracts", genesis.contracts.iter().map(|contract| &contract.name))?;
    for contract in &genesis.contracts {
        let name = contract.name.clone();
        if native::Module::named(&name).is_some() {
            return Err(GenesisError::NativeName { name });
        }
        let checked = native::code::check(engine, &name, &contract.code);
        let code = checked.map_err(|reason| GenesisError::Code { name, reason })?;
        native::code::install(&mut ledger, &contract.name, (code, &contract.code), Height::ZERO);
    }
    check_order("assets", genesis.assets.iter().map(|asset| &asset.id))?;
    genesis.assets.iter().try_for_each(|asset| add_asset(&mut ledger, asset))?;
    Ok(ledger.into_changes(genesis.time))
}

/// The header of block 0, where `state_root` is the root of the state after the genesis: block 1 names the same.
pub fn genesis_header(genesis: &Genesis, state_root: Hash) -> Header {
    let validators_hash = genesis.validators.hash();
    Header {
        chain: genesis.chain(),
        height: Height::ZERO,
        parent: Hash::ZERO,
        time: genesis.time,
        proposer: PublicKey([0; 32]),
        tx_root: block::transactions_root(&[]),
        evidence_hash: block::evidence_hash(&[]),
        state_root,
        receipts_root: receipt::receipts_root(&[]),
        validators_hash,
        next_validators_hash: validators_hash,
        params_hash: genesis.params.hash(),
    }
}

fn check_order<'a, T: Ord + 'a>(
    list: &'static str,
    keys: impl Iterator<Item = &'a T> + Clone,
) -> Result<(), GenesisError> {
    let sorted = keys.clone().zip(keys.skip(1)).all(|(one, next)| one < next);
    if sorted { Ok(()) } else { Err(GenesisError::Order { list }) }
}

fn check_validators(genesis: &Genesis) -> Result<(), GenesisError> {
    if !genesis.validators.is_well_formed() {
        return Err(GenesisError::Validators);
    }
    genesis.validators.0.iter().try_for_each(|validator| {
        let key = validator.key;
        check_key(&key).map_err(|source| GenesisError::ValidatorKey { key, source })
    })
}

fn check_council(ledger: &Ledger<'_>, council: &Council) -> Result<(), GenesisError> {
    let sorted = council.members.windows(2).all(|pair| pair[0] < pair[1]);
    if !sorted || council.members.iter().any(|id| ledger.member(id).is_none()) {
        return Err(GenesisError::CouncilMembers);
    }
    let (threshold, members) = (council.threshold, council.members.len());
    if threshold == 0 || usize::from(threshold) > members {
        return Err(GenesisError::CouncilThreshold { threshold, members });
    }
    if native::council::can_act(ledger, council) { Ok(()) } else { Err(GenesisError::CouncilLockedOut) }
}

fn add_member(ledger: &mut Ledger<'_>, entry: &GenesisMember, genesis: &Genesis) -> Result<(), GenesisError> {
    let name = || entry.name.clone();
    if entry.name.user().is_some() {
        return Err(GenesisError::BadName { name: name() });
    }
    if entry.roles.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(GenesisError::Roles { name: name() });
    }
    add_account(ledger, entry.id, entry.id, &entry.name, &entry.authority)?;
    let member = Member { name: name(), status: Status::Active, roles: entry.roles.clone(), admitted_at: genesis.time };
    ledger.put_member(&entry.id, &member);
    Ok(())
}

fn add_holder(ledger: &mut Ledger<'_>, entry: &GenesisHolder) -> Result<(), GenesisError> {
    let bad_name = || GenesisError::BadName { name: entry.name.clone() };
    let site: Name = entry.name.user().and(entry.name.site().parse().ok()).ok_or_else(bad_name)?;
    let member = ledger.resolve(&site).ok_or_else(bad_name)?;
    add_account(ledger, entry.id, member, &entry.name, &Authority::single(entry.key))
}

fn add_account(
    ledger: &mut Ledger<'_>,
    id: AccountId,
    member: AccountId,
    name: &Name,
    authority: &Authority,
) -> Result<(), GenesisError> {
    authority.check().map_err(|source| GenesisError::Authority { name: name.clone(), source })?;
    for (key, _) in &authority.keys {
        check_key(key).map_err(|source| GenesisError::Key { name: name.clone(), source })?;
    }
    if ledger.can_hold(&id) || ledger.resolve(name).is_some() {
        return Err(GenesisError::Twice { name: name.clone() });
    }
    let (authority, name) = (authority.clone(), name.clone());
    ledger.put_name(&name, &id);
    ledger.put_account(&id, &Account { authority, member, name, status: Status::Active, encryption_key: None });
    Ok(())
}

fn add_node(ledger: &mut Ledger<'_>, entry: &GenesisNode) -> Result<(), GenesisError> {
    let key = entry.key;
    check_key(&key).map_err(|source| GenesisError::NodeKey { key, source })?;
    if ledger.member(&entry.member).is_none() {
        return Err(GenesisError::NodeOperator { key });
    }
    if !entry.address.is_empty() {
        address::check(entry.address.as_str()).map_err(|source| GenesisError::NodeAddress { key, source })?;
    }
    let (member, address) = (entry.member, entry.address.clone());
    ledger.put_node(&key, &NodeRecord { member, address, status: Status::Active, since: Height::ZERO });
    Ok(())
}

fn add_asset(ledger: &mut Ledger<'_>, entry: &GenesisAsset) -> Result<(), GenesisError> {
    let asset = entry.id;
    if !ledger.has_role(&entry.issuer, Role::Issuer) {
        return Err(GenesisError::Issuer { asset });
    }
    if entry.decimals > ASSET_DECIMALS_MAX {
        return Err(GenesisError::Decimals { asset, decimals: entry.decimals });
    }
    check_order("balances", entry.balances.iter().map(|(account, _)| account))?;
    let mut supply = Amount::ZERO;
    for (account, amount) in &entry.balances {
        if amount.is_zero() || !ledger.can_hold(account) {
            return Err(GenesisError::Balance { asset, account: *account });
        }
        supply = supply.checked_add(*amount).ok_or(GenesisError::Supply { asset })?;
        ledger.put_balance(account, &asset, *amount);
    }
    let (issuer, decimals, title) = (entry.issuer, entry.decimals, entry.title.clone());
    ledger.put_asset(&asset, &Asset { issuer, decimals, title, supply, status: Status::Active });
    Ok(())
}

/// The state before everything.
struct Empty;

impl StateRead for Empty {
    fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn range(&self, _: &[u8], _: Option<&[u8]>, _: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }

    fn seen(&self, _: u64, _: &Hash) -> bool {
        false
    }
}
