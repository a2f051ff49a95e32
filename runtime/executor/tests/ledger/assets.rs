//! Each call of `assets`: what it does, and each of its refusals.
use crate::world::{BALANCE, World, eur, fault, id, ok, refusal};
use countersign_interface::assets::{
    Burn, Create, Created, Error, Issue, Payment, SetFrozen, Transfer, TransferMany, Transferred,
};
use countersign_interface::registry::SetRoles;
use countersign_types::{Amount, Asset, AssetId, CallFault, List, Receipt, Status, state_key};
use parity_scale_codec::DecodeAll;

const BANK: &str = "bank.example";
const ALICE: &str = "alice@hotel.example";
const BOB: &str = "bob@hotel.example";

#[track_caller]
fn is(receipt: &Receipt, error: Error) {
    assert_eq!(Error::from_code(refusal(receipt)), Some(error));
}

fn asset(symbol: &str) -> AssetId {
    symbol.parse().unwrap()
}

fn create(symbol: &str) -> Create {
    Create { asset: asset(symbol), decimals: 0, title: "Points".parse().unwrap() }
}

fn issue(amount: u128) -> Issue {
    Issue { asset: eur(), to: id(ALICE), amount: Amount::new(amount) }
}

fn pay(to: &str, amount: u128) -> Transfer {
    Transfer { asset: eur(), to: id(to), amount: Amount::new(amount), reference: "room 12".parse().unwrap() }
}

fn pay_many(payments: &[(&str, u128)]) -> TransferMany {
    let payments: Vec<_> =
        payments.iter().map(|(to, amount)| Payment { to: id(to), amount: Amount::new(*amount) }).collect();
    TransferMany { asset: eur(), payments: payments.try_into().unwrap(), reference: "wages".parse().unwrap() }
}

fn burn(amount: u128) -> Burn {
    Burn { asset: eur(), amount: Amount::new(amount) }
}

fn record(world: &World, symbol: &str) -> Asset {
    world.read(&state_key::asset(&asset(symbol))).unwrap()
}

#[test]
fn an_issuer_creates_an_asset_of_which_nothing_is_issued() {
    let mut world = World::new();
    let receipt = ok(world.call(&create("POINTS"), &[BANK]));
    let event = Created::decode_all(&mut &receipt.events[0].data[..]).unwrap();
    assert_eq!((event.asset, event.issuer), (asset("POINTS"), id(BANK)));
    assert_eq!(record(&world, "POINTS").supply, Amount::ZERO);
    is(&world.call(&create("POINTS"), &[BANK]), Error::AssetExists);
    is(&world.call(&create("MILES"), &["hotel.example"]), Error::NotAnIssuer);
    is(&world.call(&create("MILES"), &[ALICE]), Error::NotAnIssuer);
    is(&world.call(&Create { decimals: 19, ..create("MILES") }, &[BANK]), Error::TooManyDecimals);
    ok(world.call(&Create { decimals: 18, ..create("MILES") }, &[BANK]));
}

#[test]
fn only_its_licensed_issuer_issues_an_asset() {
    let mut world = World::new();
    let before = record(&world, "EUR").supply.get();
    ok(world.call(&issue(50), &[BANK]));
    assert_eq!(world.balance(id(ALICE)), BALANCE + 50);
    assert_eq!(record(&world, "EUR").supply.get(), before + 50);
    is(&world.call(&issue(50), &["hotel.example"]), Error::NotTheIssuer);
    is(&world.call(&issue(0), &[BANK]), Error::AmountZero);
    let unknown = Issue { to: id("nobody"), ..issue(1) };
    assert_eq!(fault(&world.call(&unknown, &[BANK])), CallFault::UnknownAccount);
    let missing = Issue { asset: asset("NONE"), ..issue(1) };
    assert_eq!(fault(&world.call(&missing, &[BANK])), CallFault::UnknownAsset);
    assert_eq!(fault(&world.call(&issue(u128::MAX), &[BANK])), CallFault::Overflow);
    let none = SetRoles { member: id(BANK), roles: List::empty() };
    ok(world.call(&none, &["books.example", "hotel.example"]));
    is(&world.call(&issue(50), &[BANK]), Error::NotAnIssuer);
}

#[test]
fn the_whole_supply_fits_and_not_one_unit_more() {
    let mut world = World::new();
    let supply = record(&world, "EUR").supply.get();
    ok(world.call(&issue(u128::MAX - supply), &[BANK]));
    assert_eq!(record(&world, "EUR").supply, Amount::MAX);
    assert_eq!(fault(&world.call(&issue(1), &[BANK])), CallFault::Overflow);
    ok(world.call(&pay(BOB, u128::MAX - supply), &[ALICE]));
}

#[test]
fn a_payment_moves_value_and_says_so() {
    let mut world = World::new();
    let receipt = ok(world.call(&pay(BOB, 250), &[ALICE]));
    assert_eq!((world.balance(id(ALICE)), world.balance(id(BOB))), (BALANCE - 250, BALANCE + 250));
    let event = Transferred::decode_all(&mut &receipt.events[0].data[..]).unwrap();
    assert_eq!((event.from, event.to, event.amount.get()), (id(ALICE), id(BOB), 250));
    assert_eq!(event.reference.as_str(), "room 12");
    assert_eq!(receipt.events[0].accounts[..], [id(ALICE), id(BOB)]);
    is(&world.call(&pay(BOB, 0), &[ALICE]), Error::AmountZero);
    is(&world.call(&pay(ALICE, 1), &[ALICE]), Error::SamePayerAndPayee);
    assert_eq!(fault(&world.call(&pay(BOB, BALANCE), &[ALICE])), CallFault::InsufficientBalance);
    assert_eq!(fault(&world.call(&pay("nobody", 1), &[ALICE])), CallFault::UnknownAccount);
    let missing = Transfer { asset: asset("NONE"), ..pay(BOB, 1) };
    assert_eq!(fault(&world.call(&missing, &[ALICE])), CallFault::UnknownAsset);
}

#[test]
fn an_empty_balance_leaves_no_record() {
    let mut world = World::new();
    ok(world.call(&pay(BOB, BALANCE), &[ALICE]));
    assert_eq!(world.read::<Amount>(&state_key::balance(&id(ALICE), &eur())), None);
}

#[test]
fn a_contracts_account_receives() {
    let mut world = World::new();
    let probe = crate::probe::account("probe");
    let to_contract = Transfer { to: probe, ..pay(BOB, 5) };
    ok(world.call(&to_contract, &[ALICE]));
    assert_eq!(world.balance(probe), 5);
}

#[test]
fn several_payments_are_one_or_none() {
    let mut world = World::new();
    let receipt = ok(world.call(&pay_many(&[(BOB, 1), (BANK, 2), (BOB, 3)]), &[ALICE]));
    assert_eq!(receipt.events.len(), 3);
    assert_eq!(world.balance(id(BOB)), BALANCE + 4);
    is(&world.call(&pay_many(&[]), &[ALICE]), Error::NoPayments);
    is(&world.call(&pay_many(&[(BOB, 1), (BANK, 0)]), &[ALICE]), Error::AmountZero);
    is(&world.call(&pay_many(&[(BOB, 1), (ALICE, 1)]), &[ALICE]), Error::SamePayerAndPayee);
    let too_much = pay_many(&[(BOB, BALANCE - 6), (BANK, 1)]);
    assert_eq!(fault(&world.call(&too_much, &[ALICE])), CallFault::InsufficientBalance);
    assert_eq!(world.balance(id(BOB)), BALANCE + 4);
}

#[test]
fn more_payments_than_a_transaction_has_events_are_refused() {
    let mut world = World::new();
    let payments = vec![(BOB, 1); 257];
    assert_eq!(fault(&world.call(&pay_many(&payments), &[ALICE])), CallFault::LimitExceeded);
    ok(world.call(&pay_many(&payments[1..]), &[ALICE]));
    assert_eq!(world.balance(id(BOB)), BALANCE + 256);
}

#[test]
fn an_owner_burns_what_it_has() {
    let mut world = World::new();
    let before = record(&world, "EUR").supply.get();
    ok(world.call(&burn(400), &[ALICE]));
    assert_eq!(world.balance(id(ALICE)), BALANCE - 400);
    assert_eq!(record(&world, "EUR").supply.get(), before - 400);
    is(&world.call(&burn(0), &[ALICE]), Error::AmountZero);
    assert_eq!(fault(&world.call(&burn(BALANCE), &[ALICE])), CallFault::InsufficientBalance);
    let missing = Burn { asset: asset("NONE"), ..burn(1) };
    assert_eq!(fault(&world.call(&missing, &[ALICE])), CallFault::UnknownAsset);
}

#[test]
fn a_frozen_asset_does_not_move_until_it_thaws() {
    let mut world = World::new();
    let set = |frozen| SetFrozen { asset: eur(), frozen };
    is(&world.call(&set(true), &["hotel.example"]), Error::NotTheIssuer);
    let missing = SetFrozen { asset: asset("NONE"), frozen: true };
    assert_eq!(fault(&world.call(&missing, &[BANK])), CallFault::UnknownAsset);
    ok(world.call(&set(true), &[BANK]));
    assert_eq!(record(&world, "EUR").status, Status::Suspended);
    assert_eq!(fault(&world.call(&pay(BOB, 1), &[ALICE])), CallFault::AssetFrozen);
    assert_eq!(fault(&world.call(&pay_many(&[(BOB, 1)]), &[ALICE])), CallFault::AssetFrozen);
    assert_eq!(fault(&world.call(&issue(1), &[BANK])), CallFault::AssetFrozen);
    assert_eq!(fault(&world.call(&burn(1), &[ALICE])), CallFault::AssetFrozen);
    ok(world.call(&set(false), &[BANK]));
    ok(world.call(&pay(BOB, 1), &[ALICE]));
}

#[test]
fn every_refusal_is_tested_above() {
    // A new error makes this list too short and asks for a test.
    let tested = [
        Error::AssetExists,
        Error::NotAnIssuer,
        Error::NotTheIssuer,
        Error::TooManyDecimals,
        Error::AmountZero,
        Error::SamePayerAndPayee,
        Error::NoPayments,
    ];
    assert_eq!(tested, Error::ALL);
}
