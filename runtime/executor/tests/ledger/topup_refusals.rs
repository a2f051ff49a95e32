//! Each refusal of the contract, by the real wasm, and that nothing moves with it.
use crate::counter::{
    AMOUNT, BANK, CONFIRM_MS, COUNCIL, Counter, HOLDER, HOUR_MS, OWN, PAYEE, PER_REQUEST, SHOP, contract, licence,
};
use crate::world::{BALANCE, eur, id, ids, ms, ok};
use countersign_interface::Method;
use countersign_interface::assets::SetFrozen;
use countersign_interface::registry::{SetHolderSuspended, SetRoles};
use countersign_interface::topup::{
    Cancel, Collect, Confirm, Error, Execute, Expire, Kind, Mode, Reject, Request, Withdraw,
};
use countersign_types::{Amount, Call, CallFault, Hash, List};
use parity_scale_codec::Encode;

const STRANGER: &str = "bob@hotel.example";

/// A counter with a cash-out that the bank has taken on.
fn handing_over() -> (Counter, Hash) {
    let mut counter = Counter::new();
    let request = counter.asked(Kind::CashOut);
    ok(counter.execute(BANK, request));
    (counter, request)
}

fn cancel(holder: &str, request: Hash) -> Call {
    Cancel { request }.call(&[id(holder)])
}

fn reject(agent: &str, request: Hash) -> Call {
    Reject { request, reason: "no".parse().unwrap() }.call(&[id(agent)])
}

fn collect(request: Hash) -> Call {
    Collect { request }.call(&[id(STRANGER)])
}

fn freeze(counter: &mut Counter, frozen: bool) {
    ok(counter.world.call(&SetFrozen { asset: eur(), frozen }, &[BANK]));
}

#[test]
fn requests() {
    let mut counter = Counter::new();
    let ask = |kind| counter.ask(kind);
    let (top_up, cash_out, payment) = (ask(Kind::TopUp), ask(Kind::CashOut), ask(Kind::Payment));
    let now = counter.world.time;
    for (args, error) in [
        (Request { amount: Amount::ZERO, ..top_up.clone() }, Error::AmountZero),
        (Request { agent: Some(id(HOLDER)), ..top_up.clone() }, Error::SameAccount),
        (Request { payee: Some(id(HOLDER)), ..payment.clone() }, Error::SameAccount),
        (Request { agent: Some(id(PAYEE)), ..payment.clone() }, Error::SameAccount),
        (Request { payee: None, ..payment.clone() }, Error::BadPayee),
        (Request { payee: Some(id(PAYEE)), ..cash_out.clone() }, Error::BadPayee),
        (Request { payee: Some(contract()), ..payment }, Error::PayeeUnavailable),
        (Request { asset: "NONE".parse().unwrap(), ..top_up.clone() }, Error::AssetUnavailable),
        (Request { amount: Amount::new(BALANCE), ..cash_out }, Error::InsufficientFunds),
        (Request { fee: Amount::MAX, ..top_up.clone() }, Error::AmountTooLarge),
        (Request { expires_at: ms(now), ..top_up.clone() }, Error::BadExpiry),
        (Request { expires_at: ms(now + 721 * HOUR_MS), ..top_up }, Error::BadExpiry),
    ] {
        assert_eq!(counter.refused(args.call(&[id(HOLDER)])), error);
    }
}

#[test]
fn one_call_makes_one_request() {
    use crate::probe::Script;
    let mut counter = Counter::new();
    let call = counter.ask(Kind::TopUp).call(&[id(HOLDER)]);
    let step = (call.module.clone(), call.method, call.parties.to_vec(), call.args.to_vec());
    let once = Script::new().host("call_module", step.clone());
    let twice = once.clone().host("call_module", step);
    assert_eq!(counter.refused(twice.call("probe", &[id(HOLDER)])), Error::RequestExists);
    ok(once.run_with(&mut counter.world, &[id(HOLDER)]));
}

#[test]
fn executing_what_is_unknown_or_differs() {
    let mut counter = Counter::new();
    let request = counter.asked(Kind::Payment);
    let seen = counter.seen(request);
    for (args, error) in [
        (Execute { request: Hash::ZERO, ..seen.clone() }, Error::UnknownRequest),
        (Execute { kind: Kind::TopUp, ..seen.clone() }, Error::RequestDiffers),
        (Execute { holder: id(STRANGER), ..seen.clone() }, Error::RequestDiffers),
        (Execute { payee: None, ..seen.clone() }, Error::RequestDiffers),
        (Execute { asset: "NONE".parse().unwrap(), ..seen.clone() }, Error::RequestDiffers),
        (Execute { amount: Amount::new(1), ..seen.clone() }, Error::RequestDiffers),
        (Execute { fee: Amount::ZERO, ..seen }, Error::RequestDiffers),
    ] {
        assert_eq!(counter.refused(args.call(&[id(BANK)])), error);
    }
}

#[test]
fn executing_as_somebody_who_may_not() {
    let mut counter = Counter::new();
    let named = Request { agent: Some(id(SHOP)), ..counter.ask(Kind::TopUp) };
    let own = Request { mode: Mode::Own, ..counter.ask(Kind::TopUp) };
    let to_bank = Request { payee: Some(id(BANK)), ..counter.ask(Kind::Payment) };
    let large = Request { amount: Amount::new(PER_REQUEST + 1), ..counter.ask(Kind::TopUp) };
    let [named, own, to_bank, large] = [named, own, to_bank, large].map(|ask| counter.request(&ask));
    for (request, agent, error) in [
        (named, BANK, Error::NotTheAgent),
        (own, BANK, Error::OtherMember),
        (own, SHOP, Error::OtherMember),
        (own, OWN, Error::NotLicensed),
        (to_bank, BANK, Error::SameAccount),
        (large, STRANGER, Error::NotLicensed),
        (large, SHOP, Error::OverRequestLimit),
    ] {
        let call = counter.seen(request).call(&[id(agent)]);
        assert_eq!(counter.refused(call), error, "{agent}");
    }
    for _ in 0..3 {
        let request = counter.asked(Kind::TopUp);
        ok(counter.execute(SHOP, request));
    }
    let call = counter.seen(named).call(&[id(SHOP)]);
    assert_eq!(counter.refused(call), Error::OverDayLimit);
    // Without its member's role the licence counts nothing.
    ok(counter
        .world
        .call(&SetRoles { member: id(BANK), roles: List::empty().into_inner().try_into().unwrap() }, &COUNCIL));
    let call = counter.seen(large).call(&[id(BANK)]);
    assert_eq!(counter.refused(call), Error::NotLicensed);
    let call = counter.seen(named).call(&[id(SHOP)]);
    assert_eq!(counter.refused(call), Error::NotLicensed);
}

#[test]
fn executing_without_money_or_for_the_suspended() {
    let mut counter = Counter::new();
    let dear = Request { amount: Amount::new(BALANCE + 1), ..counter.ask(Kind::TopUp) };
    let dear = counter.request(&dear);
    let call = counter.seen(dear).call(&[id(BANK)]);
    assert_eq!(counter.refused(call), Error::InsufficientFunds);
    let request = counter.asked(Kind::Payment);
    let call = counter.seen(request).call(&[id(BANK)]);
    for (member, holder, error) in [(OWN, HOLDER, Error::HolderSuspended), (SHOP, PAYEE, Error::PayeeUnavailable)] {
        let set = |suspended| SetHolderSuspended { holder: id(holder), suspended };
        ok(counter.world.call(&set(true), &[member]));
        assert_eq!(counter.refused(call.clone()), error);
        ok(counter.world.call(&set(false), &[member]));
    }
    freeze(&mut counter, true);
    assert_eq!(counter.refused(call.clone()), Error::AssetUnavailable);
    freeze(&mut counter, false);
    ok(counter.world.run(vec![call]));
}

#[test]
fn what_is_closed_or_over() {
    let (mut counter, taken) = handing_over();
    let call = counter.seen(taken).call(&[id(SHOP)]);
    assert_eq!(counter.refused(call), Error::NotOpen);
    assert_eq!(counter.refused(cancel(HOLDER, taken)), Error::NotOpen);
    ok(counter.confirm(BANK, taken));
    assert_eq!(counter.refused(reject(BANK, taken)), Error::NotOpen);
    assert_eq!(counter.refused(collect(taken)), Error::NotOpen);
    // Over, and not closed yet because the asset was frozen then.
    let (open, taken) = (counter.asked(Kind::CashOut), counter.asked(Kind::CashOut));
    ok(counter.execute(BANK, taken));
    for call in [collect(open), collect(taken)] {
        assert_eq!(counter.refused(call), Error::NotYetDue);
    }
    freeze(&mut counter, true);
    counter.world.block_at(counter.world.time + HOUR_MS.max(CONFIRM_MS), &[]);
    assert_eq!(counter.refused(cancel(HOLDER, open)), Error::AssetUnavailable);
    freeze(&mut counter, false);
    let call = counter.seen(open).call(&[id(BANK)]);
    assert_eq!(counter.refused(call), Error::RequestExpired);
    let call = counter.received(BANK, taken).call(&[id(HOLDER)]);
    assert_eq!(counter.refused(call), Error::ConfirmationLate);
}

#[test]
fn confirming() {
    let (mut counter, request) = handing_over();
    let received = counter.received(BANK, request);
    for (args, holder, error) in [
        (Confirm { request: Hash::ZERO, ..received.clone() }, HOLDER, Error::UnknownRequest),
        (received.clone(), STRANGER, Error::NotTheHolder),
        (received.clone(), BANK, Error::NotTheHolder),
        (Confirm { agent: id(SHOP), ..received.clone() }, HOLDER, Error::RequestDiffers),
        (Confirm { amount: Amount::new(AMOUNT - 1), ..received.clone() }, HOLDER, Error::RequestDiffers),
        (Confirm { fee: Amount::ZERO, ..received.clone() }, HOLDER, Error::RequestDiffers),
    ] {
        assert_eq!(counter.refused(args.call(&[id(holder)])), error);
    }
    let open = counter.asked(Kind::CashOut);
    let early = Confirm { request: open, ..received };
    assert_eq!(counter.refused(early.call(&[id(HOLDER)])), Error::NotHandingOver);
}

#[test]
fn cancelling_rejecting_and_collecting() {
    let (mut counter, taken) = handing_over();
    let open = counter.asked(Kind::TopUp);
    for (call, error) in [
        (cancel(HOLDER, Hash::ZERO), Error::UnknownRequest),
        (cancel(STRANGER, open), Error::NotTheHolder),
        (reject(BANK, Hash::ZERO), Error::UnknownRequest),
        (reject(BANK, open), Error::NotTheAgent),
        (reject(SHOP, taken), Error::NotTheAgent),
        (collect(Hash::ZERO), Error::UnknownRequest),
    ] {
        assert_eq!(counter.refused(call), error);
    }
}

#[test]
fn licences() {
    let mut counter = Counter::new();
    let withdraw = |party: &str, agent: &str| Withdraw { agent: id(agent), asset: eur() }.call(&[id(party)]);
    for (call, error) in [
        (licence(1, 1).call(&ids(&[BANK, BANK])), Error::SameAccount),
        (licence(1, 1).call(&ids(&[OWN, STRANGER])), Error::NotAnAgentMember),
        (licence(0, 1).call(&ids(&[BANK, STRANGER])), Error::BadLimits),
        (licence(2, 1).call(&ids(&[BANK, STRANGER])), Error::BadLimits),
        (withdraw(BANK, STRANGER), Error::UnknownLicence),
        (withdraw(OWN, SHOP), Error::NotYourLicence),
    ] {
        assert_eq!(counter.refused(call), error);
    }
    let roles = vec![countersign_types::Role::Agent].try_into().unwrap();
    ok(counter.world.call(&SetRoles { member: id(OWN), roles }, &COUNCIL));
    assert_eq!(counter.refused(licence(1, 1).call(&ids(&[OWN, SHOP]))), Error::LicensedElsewhere);
    assert_eq!(counter.licence_of(SHOP).unwrap().member, id(BANK));
}

#[test]
fn nobody_but_the_ledger_runs_what_is_scheduled() {
    let mut counter = Counter::new();
    let interface = countersign_interface::topup::interface();
    let expire = interface.selector(interface.method_named("expire").unwrap().0);
    let args = Expire { request: Hash::ZERO }.encode().try_into().unwrap();
    let receipt = counter.world.run(vec![Call { method: expire, args, ..collect(Hash::ZERO) }]);
    assert_eq!(crate::world::fault(&receipt), CallFault::WrongParties);
}

#[test]
fn queries_about_the_unknown() {
    let counter = Counter::new();
    let refused = |code: Error| CallFault::Refused(countersign_interface::Refusal::code(code));
    assert_eq!(counter.record(Hash::ZERO).unwrap_err(), refused(Error::UnknownRequest));
    assert_eq!(counter.licence_of(BANK).unwrap_err(), refused(Error::UnknownLicence));
    assert_eq!(counter.set_aside("NONE".parse().unwrap()), Amount::ZERO);
}

#[test]
fn every_refusal_is_tested_above() {
    // A new error asks for a test here.
    let source = include_str!("topup_refusals.rs");
    for error in Error::ALL {
        assert!(source.contains(&format!("Error::{error:?}")), "{error:?} has no test");
    }
}
