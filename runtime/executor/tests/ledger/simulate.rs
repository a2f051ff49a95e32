//! Trying a proposal and asking a contract, without changing anything.
use crate::probe::{self, Script};
use crate::world::{BALANCE, World, eur, executor, id, key, ms, ok};
use countersign_executor::BalanceChange;
use countersign_interface::Method;
use countersign_interface::assets::Transfer;
use countersign_interface::code::SetSuspended;
use countersign_interface::registry::Enrol;
use countersign_types::transaction::TransactionError;
use countersign_types::{Amount, Call, CallFault, Failure, Hash, Transaction};

const ALICE: &str = "alice@hotel.example";
const BOB: &str = "bob@hotel.example";

fn pay(from: &str, to: &str, amount: u128) -> Call {
    let transfer = Transfer { asset: eur(), to: id(to), amount: Amount::new(amount), reference: "".parse().unwrap() };
    transfer.call(&[id(from)])
}

#[test]
fn a_proposal_without_signatures_runs_as_if_all_had_signed_and_changes_nothing() {
    let mut world = World::new();
    let draft = world.draft(vec![pay(ALICE, BOB, 100), pay(BOB, "bank.example", 100)]);
    let unsigned = world.half_signed(&draft, &[]);
    let root = world.state.root();
    let simulation = world.executor.simulate(&world.state, &unsigned, world.place()).unwrap();
    assert_eq!(simulation.receipt.outcome, Ok(()));
    assert_eq!(simulation.receipt.events.len(), 2);
    let mut missing = vec![id(ALICE), id(BOB)];
    missing.sort_unstable();
    assert_eq!(simulation.missing, missing);
    // Bob pays on what he gets: he is not listed.
    let change = |name: &str, after: u128| BalanceChange {
        account: id(name),
        asset: eur(),
        before: Amount::new(BALANCE),
        after: Amount::new(after),
    };
    let mut changes = vec![change(ALICE, BALANCE - 100), change("bank.example", BALANCE + 100)];
    changes.sort_by_key(|change| change.account);
    assert_eq!(simulation.changes, changes);
    assert_eq!(world.state.root(), root);
    let signed = world.sign(&draft);
    ok(world.block(&[signed]).receipts.pop().unwrap());
}

#[test]
fn with_all_signatures_it_foretells_the_receipt() {
    let mut world = World::new();
    let draft = world.draft(vec![pay(ALICE, BOB, 100)]);
    let signed = world.sign(&draft);
    let simulation = world.executor.simulate(&world.state, signed.signed(), world.place()).unwrap();
    assert!(simulation.missing.is_empty());
    assert_eq!(world.block(&[signed]).receipts, [simulation.receipt]);
}

#[test]
fn only_valid_signatures_of_the_right_keys_count() {
    let mut world = World::new();
    let draft = world.draft(vec![pay(ALICE, BOB, 1), pay(BOB, ALICE, 1)]);
    let wrong_key = world.half_signed(&draft, &[(id(ALICE), key(BOB)), (id(BOB), key(BOB))]);
    let missing = |world: &World, signed| world.executor.simulate(&world.state, signed, world.place()).unwrap().missing;
    assert_eq!(missing(&world, &wrong_key), [id(ALICE)]);
    let mut forged = world.half_signed(&draft, &[(id(ALICE), key(ALICE)), (id(BOB), key(BOB))]);
    let mut signatures = forged.signatures.to_vec();
    let of_bob = draft.signers().binary_search(&id(BOB)).unwrap();
    signatures[of_bob].signature.0[0] ^= 1;
    forged.signatures = signatures.try_into().unwrap();
    assert_eq!(missing(&world, &forged), [id(BOB)]);
}

#[test]
fn a_newcomer_is_missing_until_it_signs_with_its_own_key() {
    let mut world = World::new();
    world.knows("erin@hotel.example");
    let erin = id("erin@hotel.example");
    let enrol = Enrol { name: "erin@hotel.example".parse().unwrap() };
    let draft = world.draft(vec![enrol.call(&[id("hotel.example"), erin])]);
    let place = world.place();
    let half = world.half_signed(&draft, &[(id("hotel.example"), key("hotel.example"))]);
    let simulation = world.executor.simulate(&world.state, &half, place).unwrap();
    assert_eq!((simulation.receipt.outcome, simulation.missing), (Ok(()), vec![erin]));
    let full = world.sign(&draft);
    assert!(world.executor.simulate(&world.state, full.signed(), place).unwrap().missing.is_empty());
}

#[test]
fn failures_are_foretold() {
    let mut world = World::new();
    let simulate = |world: &World, draft: &Transaction| {
        world.executor.simulate(&world.state, &world.half_signed(draft, &[]), world.place()).unwrap()
    };
    let draft = world.draft(vec![pay(ALICE, BOB, BALANCE + 1)]);
    let expected = Failure::Call { index: 0, fault: CallFault::InsufficientBalance };
    let simulation = simulate(&world, &draft);
    assert_eq!((simulation.receipt.outcome, simulation.changes), (Err(expected), vec![]));
    let draft = world.draft(vec![pay("nobody", BOB, 1)]);
    let simulation = simulate(&world, &draft);
    assert_eq!(simulation.receipt.outcome, Err(Failure::UnknownAccount(id("nobody"))));
    assert_eq!(simulation.missing, [id("nobody")]);
    let draft = world.draft(vec![pay(ALICE, BOB, 1)]);
    let later = Transaction { valid_from: ms(world.time + 100_000), ..draft };
    assert_eq!(simulate(&world, &later).receipt.outcome, Err(Failure::NotYetValid));
}

#[test]
fn what_no_signature_could_mend_is_an_error() {
    let mut world = World::new();
    let place = world.place();
    let draft = world.draft(vec![pay(ALICE, BOB, 1)]);
    let error = |draft: Transaction| {
        let unsigned = world.half_signed(&draft, &[]);
        world.executor.simulate(&world.state, &unsigned, place).unwrap_err()
    };
    assert!(matches!(error(Transaction { chain: Hash::ZERO, ..draft.clone() }), TransactionError::WrongChain { .. }));
    let empty = Transaction { calls: vec![].try_into().unwrap(), ..draft.clone() };
    assert!(matches!(error(empty), TransactionError::Shape { .. }));
    let never = Transaction { expires_at: draft.valid_from, ..draft };
    assert_eq!(error(never), TransactionError::NeverValid);
}

#[test]
fn queries_answer_within_their_gas_and_only_queries() {
    let mut world = World::new();
    let ask = |world: &World, module: &str, method: &str, script: &Script| {
        executor().query(&world.state, &probe::name(module), method, &script.args(), world.place())
    };
    let this = Script::new().host("this", ()).answer();
    assert_eq!(ask(&world, "probe", "look", &this), Ok(probe::account("probe").0.to_vec()));
    assert_eq!(ask(&world, "probe", "look", &Script::new().spin()), Err(CallFault::OutOfGas));
    for (module, method, fault) in [
        ("missing", "look", CallFault::UnknownModule),
        ("probe", "missing", CallFault::UnknownMethod),
        ("probe", "act", CallFault::UnknownMethod),
        ("probe", "tick", CallFault::UnknownMethod),
        ("assets", "transfer", CallFault::UnknownMethod),
    ] {
        assert_eq!(ask(&world, module, method, &this), Err(fault), "{module}.{method}");
    }
    let suspend = SetSuspended { name: probe::name("probe"), suspended: true };
    ok(world.call(&suspend, &["bank.example", "hotel.example"]));
    assert_eq!(ask(&world, "probe", "look", &this), Ok(probe::account("probe").0.to_vec()));
}

#[test]
fn modules_tell_what_they_declare() {
    let world = World::new();
    let declared = |module: &str| world.executor.interface(&world.state, &probe::name(module));
    assert_eq!(declared("probe"), Some(probe::interface("probe")));
    for known in countersign_executor::native_interfaces().chain(countersign_interface::contracts()) {
        assert_eq!(declared(known.module.as_str()).as_ref(), Some(known));
    }
    assert_eq!(declared("missing"), None);
}
