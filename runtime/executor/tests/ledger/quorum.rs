//! Validators come and go by the council's calls, never so that those known to run could decide nothing.
use crate::governance::{TWO, WEAK, event, is};
use crate::world::{BLOCK_MS, World, eur, id, ids, key, ok};
use countersign_executor::{BlockOutcome, validator_standings, validators};
use countersign_interface::Method;
use countersign_interface::assets::Transfer;
use countersign_interface::governance::{Error, RemoveValidator, SetValidator, ValidatorChanged};
use countersign_types::limits::VALIDATORS_MAX;
use countersign_types::{Amount, Receipt, Validator, ValidatorSet, state_key};

/// Blocks with work after which one that proposed none of them no longer counts, for each validator.
const TURNS: usize = 8;

fn name(number: usize) -> String {
    format!("validator-{number}")
}

/// A chain of the validators 1 to `count`, each of power 1.
fn world_of(count: usize) -> World {
    World::with(|genesis| {
        let mut set: Vec<_> = (1..=count).map(|number| Validator { key: key(&name(number)), power: 1 }).collect();
        set.sort_unstable();
        genesis.validators = ValidatorSet(set.try_into().unwrap());
    })
}

fn set(validator: usize, power: u64) -> SetValidator {
    SetValidator { key: key(&name(validator)), power }
}

fn remove(validator: usize) -> RemoveValidator {
    RemoveValidator { key: key(&name(validator)) }
}

/// A block of validator `proposer` that holds a transfer.
fn work(world: &mut World, proposer: usize) -> BlockOutcome {
    let reference = "".parse().unwrap();
    let pay = Transfer { asset: eur(), to: id("bank.example"), amount: Amount::new(1), reference };
    let draft = world.draft(vec![pay.call(&[id("hotel.example")])]);
    let signed = world.sign(&draft);
    world.block_of(&name(proposer), &[], world.time + BLOCK_MS, &[signed])
}

fn idle(world: &mut World, proposer: usize) -> BlockOutcome {
    world.block_of(&name(proposer), &[], world.time + BLOCK_MS, &[])
}

/// Runs a call of the council in a block of validator `proposer`.
fn govern(world: &mut World, proposer: usize, method: &impl Method) -> Receipt {
    let draft = world.draft(vec![method.call(&ids(&TWO))]);
    let signed = world.sign(&draft);
    world.block_of(&name(proposer), &[], world.time + BLOCK_MS, &[signed]).receipts.pop().unwrap()
}

/// The numbers of those that count as running, of 1 to 9.
fn running(world: &World) -> Vec<usize> {
    let standings = validator_standings(&world.state);
    let runs = |number: &usize| standings.iter().any(|one| one.validator.key == key(&name(*number)) && one.runs);
    (1..=9).filter(runs).collect()
}

#[test]
fn four_become_five_and_four_again() {
    let mut world = world_of(4);
    let receipt = ok(govern(&mut world, 1, &set(5, 1)));
    // The header after this block names the validators of the block after that.
    let from = world.height + 2;
    assert_eq!(event::<ValidatorChanged>(&receipt), ValidatorChanged { key: key(&name(5)), power: 1, from });
    assert_eq!(validators(&world.state).0.len(), 5);
    assert_eq!(running(&world), [1, 2, 3, 4]);
    // Four of six would be two thirds: the fifth has to be seen first.
    is(&govern(&mut world, 2, &set(6, 1)), Error::LosesTheQuorum);
    idle(&mut world, 5);
    assert_eq!(running(&world), [1, 2, 3, 4, 5]);
    let standings = validator_standings(&world.state);
    let fifth = standings.iter().find(|one| one.validator.key == key(&name(5))).unwrap();
    assert_eq!(fifth.proposed.map(|height| height.get()), Some(world.height));
    let receipt = ok(govern(&mut world, 3, &remove(1)));
    let from = world.height + 2;
    assert_eq!(event::<ValidatorChanged>(&receipt), ValidatorChanged { key: key(&name(1)), power: 0, from });
    assert_eq!(running(&world), [2, 3, 4, 5]);
    assert_eq!(validators(&world.state).0.len(), 4);
}

#[test]
fn while_one_is_down_only_that_one_can_be_removed() {
    let mut world = world_of(4);
    // Validator 4 stops at once. What it would have done is known only after its turns.
    ok(govern(&mut world, 1, &set(1, 2)));
    ok(govern(&mut world, 1, &set(1, 1)));
    for turn in 0..TURNS * 4 {
        work(&mut world, 1 + turn % 3);
    }
    assert_eq!(running(&world), [1, 2, 3]);
    is(&govern(&mut world, 1, &remove(3)), Error::LosesTheQuorum);
    is(&govern(&mut world, 2, &set(5, 1)), Error::LosesTheQuorum);
    is(&govern(&mut world, 3, &set(4, 2)), Error::LosesTheQuorum);
    ok(govern(&mut world, 1, &remove(4)));
    ok(govern(&mut world, 2, &set(5, 1)));
}

#[test]
fn one_that_is_removed_is_forgotten_even_if_it_proposes_once_more() {
    let mut world = world_of(5);
    ok(govern(&mut world, 1, &remove(2)));
    work(&mut world, 2);
    assert_eq!(world.read::<countersign_types::block::LastProposal>(&state_key::proposed(&key(&name(2)))), None);
    // Back again it must be seen first.
    ok(govern(&mut world, 1, &set(2, 1)));
    assert_eq!(running(&world), [1, 3, 4, 5]);
}

#[test]
fn a_chain_grows_from_one_validator_by_giving_it_the_power_to_decide_alone() {
    let mut world = world_of(1);
    is(&govern(&mut world, 1, &set(2, 1)), Error::LosesTheQuorum);
    is(&govern(&mut world, 1, &remove(1)), Error::LosesTheQuorum);
    ok(govern(&mut world, 1, &set(1, 3)));
    ok(govern(&mut world, 1, &set(2, 1)));
    idle(&mut world, 2);
    ok(govern(&mut world, 1, &set(3, 1)));
    idle(&mut world, 3);
    ok(govern(&mut world, 1, &set(1, 1)));
    assert_eq!(running(&world), [1, 2, 3]);
}

#[test]
fn an_idle_chain_forgets_nobody_and_comes_to_rest() {
    let mut world = world_of(4);
    for proposer in (1..=4).cycle().take(40) {
        work(&mut world, proposer);
    }
    for proposer in (1..=4).cycle().take(400) {
        let outcome = idle(&mut world, proposer);
        assert!(outcome.changes.values.is_empty(), "an idle block changes nothing");
    }
    assert_eq!(running(&world), [1, 2, 3, 4]);
}

#[test]
fn every_live_validator_is_seen_whatever_the_rhythm_of_the_work() {
    // A transaction and the block that certifies it: validators 2 and 4 never propose one with work in it.
    let mut writes = 0;
    let mut world = world_of(4);
    for _ in 0..100 {
        work(&mut world, 1);
        writes += usize::from(!idle(&mut world, 2).changes.values.is_empty());
        work(&mut world, 3);
        writes += usize::from(!idle(&mut world, 4).changes.values.is_empty());
    }
    assert_eq!(running(&world), [1, 2, 3, 4]);
    assert!(writes <= 2 * 200 / (TURNS * 4 / 2), "few blocks without work are written down: {writes}");
}

#[test]
fn a_validator_has_a_usable_key_and_some_power() {
    let mut world = world_of(4);
    is(&world.call(&SetValidator { key: WEAK, power: 1 }, &TWO), Error::BadKey);
    is(&world.call(&set(5, 0), &TWO), Error::BadPower);
    is(&world.call(&set(1, 0), &TWO), Error::BadPower);
    is(&world.call(&set(5, (1 << 32) + 1), &TWO), Error::BadPower);
    is(&world.call(&set(1, 1), &TWO), Error::NothingChanges);
    is(&world.call(&remove(5), &TWO), Error::NoSuchValidator);
    let mut full = world_of(VALIDATORS_MAX);
    is(&full.call(&set(VALIDATORS_MAX + 1, 1), &TWO), Error::BadPower);
    ok(full.call(&set(1, 2), &TWO));
}

#[test]
fn simulation_tells_before_anybody_signs() {
    let mut world = world_of(1);
    let cases = [
        (set(2, 1).call(&ids(&TWO)), Error::LosesTheQuorum),
        (set(1, 1).call(&ids(&TWO)), Error::NothingChanges),
        (remove(7).call(&ids(&TWO)), Error::NoSuchValidator),
        (set(1, 3).call(&ids(&["bank.example"])), Error::NotTheCouncil),
    ];
    for (call, error) in cases {
        let draft = world.draft(vec![call]);
        let unsigned = world.half_signed(&draft, &[]);
        let told = world.executor.simulate(&world.state, &unsigned, world.place()).unwrap();
        is(&told.receipt, error);
        assert!(!told.missing.is_empty());
    }
    let draft = world.draft(vec![set(1, 3).call(&ids(&TWO)), set(2, 1).call(&ids(&TWO))]);
    let unsigned = world.half_signed(&draft, &[]);
    ok(world.executor.simulate(&world.state, &unsigned, world.place()).unwrap().receipt);
}
