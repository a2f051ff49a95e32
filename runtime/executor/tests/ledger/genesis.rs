//! Block 0: what it holds, and each rule a genesis can break.
use crate::probe;
use crate::world::{BALANCE, World, eur, executor, genesis, id, key};
use countersign_executor::{GenesisError, audit_supply, genesis_header, params, validators};
use countersign_interface::code;
use countersign_state::{Snapshot, StateRead};
use countersign_types::genesis::GenesisNode;
use countersign_types::{
    AccountId, Amount, Asset, Authority, BoundedVec, Genesis, Hash, Height, Params, PublicKey, Status, ValidatorSet,
    block, receipt, state_key,
};

/// The error of the genesis after a change.
#[track_caller]
fn refused(change: impl FnOnce(&mut Genesis)) -> GenesisError {
    let mut genesis = genesis();
    change(&mut genesis);
    executor().genesis(&genesis).unwrap_err()
}

/// Changes an item of a bounded list.
fn edit<T: Clone, const MAX: usize>(list: &mut BoundedVec<T, MAX>, change: impl FnOnce(&mut Vec<T>)) {
    let mut items = list.to_vec();
    change(&mut items);
    *list = items.try_into().map_err(|_| ()).unwrap();
}

#[test]
fn the_state_holds_what_the_genesis_says() {
    let genesis = genesis();
    let world = World::new();
    assert_eq!(params(&world.state), genesis.params);
    assert_eq!(validators(&world.state), genesis.validators);
    let asset: Asset = world.read(&state_key::asset(&eur())).unwrap();
    assert_eq!(asset.supply, Amount::new(8 * BALANCE));
    assert_eq!(audit_supply(&world.state), Ok(()));
    let alice: AccountId = world.read(&state_key::name(&"alice@hotel.example".parse().unwrap())).unwrap();
    assert_eq!(alice, id("alice@hotel.example"));
    let wasm = probe::wasm("probe");
    assert_eq!(world.state.get(&state_key::code(&code::hash(&wasm))), Some(wasm));
}

#[test]
fn the_header_of_block_0_names_the_state_after_it() {
    let genesis = genesis();
    let world = World::new();
    let header = genesis_header(&genesis, world.state.root());
    assert_eq!((header.chain, header.height, header.parent), (genesis.chain(), Height::ZERO, Hash::ZERO));
    assert_eq!((header.time, header.state_root), (genesis.time, world.state.root()));
    assert_eq!(header.tx_root, block::transactions_root(&[]));
    assert_eq!(header.receipts_root, receipt::receipts_root(&[]));
    assert_eq!(header.validators_hash, genesis.validators.hash());
    assert_eq!(header.next_validators_hash, genesis.validators.hash());
    assert_eq!(header.params_hash, genesis.params.hash());
}

#[test]
fn parameters_and_validators_keep_their_rules() {
    let error = refused(|genesis| genesis.params = Params { quota_window_ms: 1, ..Params::default() });
    assert!(matches!(error, GenesisError::Param(bad) if bad.name == "quota_window_ms"));
    let error = refused(|genesis| genesis.validators = ValidatorSet(BoundedVec::empty()));
    assert_eq!(error, GenesisError::Validators);
    let error = refused(|genesis| edit(&mut genesis.validators.0, |all| all[0].power = 0));
    assert_eq!(error, GenesisError::Validators);
    let weak = PublicKey([0; 32]);
    let error = refused(|genesis| edit(&mut genesis.validators.0, |all| all[0].key = weak));
    assert!(matches!(error, GenesisError::ValidatorKey { key, .. } if key == weak));
}

#[test]
fn the_council_is_of_members_and_can_act() {
    let error = refused(|genesis| edit(&mut genesis.council.members, |members| members.reverse()));
    assert_eq!(error, GenesisError::CouncilMembers);
    let error = refused(|genesis| {
        edit(&mut genesis.council.members, |members| {
            members.push(id("alice@hotel.example"));
            members.sort_unstable();
        });
    });
    assert_eq!(error, GenesisError::CouncilMembers);
    for threshold in [0, 4] {
        let error = refused(|genesis| genesis.council.threshold = threshold);
        assert_eq!(error, GenesisError::CouncilThreshold { threshold, members: 3 });
    }
}

#[test]
fn nodes_are_run_by_members_where_they_can_be_reached() {
    let node = |name: &str, address: &str| GenesisNode {
        key: key(name),
        member: id("tours.example"),
        address: address.parse().unwrap(),
    };
    let with = |nodes: Vec<GenesisNode>| refused(|genesis| genesis.nodes = nodes.try_into().unwrap());
    let twice = with(vec![node("n1", ""), node("n1", "")]);
    assert_eq!(twice, GenesisError::Order { list: "nodes" });
    let of_a_holder = with(vec![GenesisNode { member: id("alice@hotel.example"), ..node("n1", "") }]);
    assert_eq!(of_a_holder, GenesisError::NodeOperator { key: key("n1") });
    let weak = PublicKey([0; 32]);
    let of_anybody = with(vec![GenesisNode { key: weak, ..node("n1", "") }]);
    assert!(matches!(of_anybody, GenesisError::NodeKey { key, .. } if key == weak));
    let nowhere = with(vec![node("n1", "/ip4/10.0.0.7")]);
    assert!(matches!(nowhere, GenesisError::NodeAddress { key: at, .. } if at == key("n1")));
    let world = World::with(|genesis| {
        let mut nodes = vec![node("n1", "/dns4/n1.tours.example/tcp/26600"), node("n2", "")];
        nodes.sort_by_key(|node| node.key);
        genesis.nodes = nodes.try_into().unwrap();
    });
    let listed: Vec<_> = countersign_executor::nodes(&world.state).collect();
    assert!(listed.iter().all(|(_, node)| node.status == Status::Active && node.member == id("tours.example")));
    assert_eq!(listed.len(), 2);
}

#[test]
fn members_and_holders_have_names_and_keys_of_their_own() {
    let error = refused(|genesis| edit(&mut genesis.members, |members| members.swap(0, 1)));
    assert_eq!(error, GenesisError::Order { list: "members" });
    let error = refused(|genesis| edit(&mut genesis.holders, |holders| holders.swap(0, 1)));
    assert_eq!(error, GenesisError::Order { list: "holders" });
    let error = refused(|genesis| {
        edit(&mut genesis.members, |members| members[1].name = members[0].name.clone());
    });
    assert!(matches!(error, GenesisError::Twice { .. }));
    let member = id("tours.example");
    let error = refused(|genesis| {
        edit(&mut genesis.holders, |holders| {
            holders[0].id = member;
            holders.sort_by_key(|holder| holder.id);
        });
    });
    assert!(matches!(error, GenesisError::Twice { .. }));
    for name in ["hotel.example", "erin@elsewhere.example"] {
        let error = refused(|genesis| edit(&mut genesis.holders, |all| all[0].name = name.parse().unwrap()));
        assert_eq!(error, GenesisError::BadName { name: name.parse().unwrap() });
    }
    let error = refused(|genesis| {
        edit(&mut genesis.members, |members| members[0].name = "erin@hotel.example".parse().unwrap());
    });
    assert!(matches!(error, GenesisError::BadName { .. }));
    let error = refused(|genesis| edit(&mut genesis.holders, |all| all[0].key = PublicKey([0; 32])));
    assert!(matches!(error, GenesisError::Key { .. }));
    let error = refused(|genesis| {
        edit(&mut genesis.members, |all| all[0].authority = Authority { threshold: 2, ..Authority::single(key("x")) });
    });
    assert!(matches!(error, GenesisError::Authority { .. }));
    let error = refused(|genesis| {
        edit(&mut genesis.members, |members| {
            let bank = members.iter_mut().find(|member| member.roles.len() == 2).unwrap();
            edit(&mut bank.roles, |roles| roles.reverse());
        });
    });
    assert!(matches!(error, GenesisError::Roles { .. }));
}

#[test]
fn assets_are_issued_by_issuers_to_accounts() {
    let error = refused(|genesis| edit(&mut genesis.assets, |assets| assets[0].issuer = id("hotel.example")));
    assert_eq!(error, GenesisError::Issuer { asset: eur() });
    let error = refused(|genesis| edit(&mut genesis.assets, |assets| assets[0].decimals = 19));
    assert_eq!(error, GenesisError::Decimals { asset: eur(), decimals: 19 });
    let balances = |change: fn(&mut Vec<(AccountId, Amount)>)| {
        move |genesis: &mut Genesis| edit(&mut genesis.assets, |assets| edit(&mut assets[0].balances, change))
    };
    let error = refused(balances(|balances| balances.swap(0, 1)));
    assert_eq!(error, GenesisError::Order { list: "balances" });
    let error = refused(balances(|balances| balances[0].1 = Amount::ZERO));
    assert!(matches!(error, GenesisError::Balance { .. }));
    let error = refused(balances(|balances| {
        balances.push((id("nobody"), Amount::new(1)));
        balances.sort_by_key(|(account, _)| *account);
    }));
    assert_eq!(error, GenesisError::Balance { asset: eur(), account: id("nobody") });
    let error = refused(balances(|balances| balances[0].1 = Amount::MAX));
    assert_eq!(error, GenesisError::Supply { asset: eur() });
    let error = refused(|genesis| edit(&mut genesis.assets, |assets| assets.push(assets[0].clone())));
    assert_eq!(error, GenesisError::Order { list: "assets" });
}

#[test]
fn contracts_are_checked_as_at_deployment() {
    let error = refused(|genesis| edit(&mut genesis.contracts, |contracts| contracts.swap(0, 1)));
    assert_eq!(error, GenesisError::Order { list: "contracts" });
    let error = refused(|genesis| {
        edit(&mut genesis.contracts, |contracts| contracts[0].code = b"no wasm".to_vec().try_into().unwrap());
    });
    assert!(matches!(error, GenesisError::Code { reason: code::Error::RefusedByTheEngine, .. }));
    let error = refused(|genesis| {
        edit(&mut genesis.contracts, |contracts| contracts[0].code = contracts[1].code.clone());
    });
    assert!(matches!(error, GenesisError::Code { reason: code::Error::InterfaceMismatch, .. }));
    let error = refused(|genesis| {
        edit(&mut genesis.contracts, |contracts| {
            contracts[0].name = "assets".parse().unwrap();
            contracts.sort_by(|one, other| one.name.cmp(&other.name));
        });
    });
    assert_eq!(error, GenesisError::NativeName { name: "assets".parse().unwrap() });
}

#[test]
fn an_audit_finds_value_that_came_from_nowhere() {
    let world = World::new();
    let mut changes = countersign_state::Changes::default();
    let balance = state_key::balance(&id("alice@hotel.example"), &eur());
    changes.values.insert(balance, Some(parity_scale_codec::Encode::encode(&Amount::new(BALANCE + 1))));
    let broken: Snapshot = world.state.apply(Height::new(1), &changes);
    let found = audit_supply(&broken).unwrap_err();
    assert_eq!((found.asset, found.balances), (eur(), Some(Amount::new(8 * BALANCE + 1))));
}
