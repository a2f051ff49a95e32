//! Each refusal of the contract, by the real wasm, and that nothing moves with it.
use crate::lodging::{
    ALICE, ARBITER, BOB, CAROL, GRACE_MS, HOTEL, HOUR_MS, Lodge, PAPERS, PAY_WITHIN_MS, PRICE, rooms, terms, text,
};
use crate::world::{BALANCE, BLOCK_MS, World, eur, fault, id, ids, ms, ok};
use countersign_interface::Method;
use countersign_interface::assets::SetFrozen;
use countersign_interface::booking::{
    AcceptIdentity, Bind, BookingOf, Cancel, CheckIn, CheckOut, Choose, CloseListing, Collect, Dispute, Error,
    Identify, Lapse, ListingOf, ListingRecord, OpenListing, Pay, Request, Resolve, Tier,
};
use countersign_types::{Amount, Call, CallFault, Hash};
use parity_scale_codec::Encode;

const RIVAL: &str = "books.example";

fn choose(booking: Hash, object: &str) -> Choose {
    Choose { booking, object: text(object) }
}

fn pay(booking: Hash, amount: u128) -> Pay {
    Pay { booking, asset: eur(), amount: Amount::new(amount) }
}

fn dispute(booking: Hash) -> Dispute {
    Dispute { booking, reason: text("") }
}

fn resolve(booking: Hash, to_customer: u128, to_merchant: u128) -> Resolve {
    let [to_customer, to_merchant] = [to_customer, to_merchant].map(Amount::new);
    Resolve { booking, asset: eur(), to_customer, to_merchant }
}

#[test]
fn listings() {
    let mut lodge = Lodge::closed(World::new());
    let tier = |before_s, refund_percent| Tier { before_s, refund_percent };
    for (listing, error) in [
        (OpenListing { arbiter: Some(id(HOTEL)), ..terms() }, Error::SameAccount),
        (OpenListing { types: vec![].try_into().unwrap(), ..terms() }, Error::BadTypes),
        (
            OpenListing { types: vec![rooms("a", 1, ["2".into(), "1".into()])].try_into().unwrap(), ..terms() },
            Error::BadTypes,
        ),
        (OpenListing { refunds: vec![tier(1, 1), tier(2, 1)].try_into().unwrap(), ..terms() }, Error::BadRefunds),
        (OpenListing { grace_s: 0, ..terms() }, Error::BadTerms),
        (OpenListing { asset: "NONE".parse().unwrap(), ..terms() }, Error::AssetUnavailable),
    ] {
        assert_eq!(lodge.refused(&listing, &[HOTEL]), error);
    }
    assert_eq!(lodge.refused(&terms(), &[ALICE]), Error::NotAMerchant);
    assert_eq!(lodge.refused(&CloseListing {}, &[HOTEL]), Error::NoListing);
    ok(lodge.world.call(&terms(), &[HOTEL]));
    assert_eq!(lodge.refused(&terms(), &[HOTEL]), Error::ListingIsOpen);
}

#[test]
fn binding() {
    let mut lodge = Lodge::new();
    assert_eq!(lodge.refused(&Bind { merchant: id(HOTEL) }, &[HOTEL]), Error::SameAccount);
    assert_eq!(lodge.refused(&Bind { merchant: id(RIVAL) }, &[ALICE]), Error::NoListing);
    assert_eq!(lodge.refused(&Bind { merchant: id(HOTEL) }, &[ALICE]), Error::AlreadyBound);
}

#[test]
fn requests() {
    let mut lodge = Lodge::new();
    let (from, until, now) = (lodge.from, lodge.until, lodge.world.time);
    let usual = lodge.ask_for("single", from, until);
    assert_eq!(lodge.refused(&usual, &["bank.example"]), Error::NotBound);
    assert_eq!(lodge.refused(&usual, &[ARBITER]), Error::SameAccount);
    for (ask, error) in [
        (Request { merchant: id(RIVAL), ..usual.clone() }, Error::NoListing),
        (Request { kind: text("double"), ..usual.clone() }, Error::UnknownType),
        (Request { until: ms(from), ..usual.clone() }, Error::BadSpan),
        (Request { until: ms(from + 92 * 24 * HOUR_MS + 1), ..usual.clone() }, Error::BadSpan),
        (Request { from: ms(now), ..usual.clone() }, Error::StartPassed),
    ] {
        assert_eq!(lodge.refused(&ask, &[ALICE]), error);
    }
    lodge.request(ALICE, from, until);
    lodge.request(BOB, from, until);
    assert_eq!(lodge.refused(&usual, &[CAROL]), Error::NoneFree);
    for night in 1..4 {
        lodge.request(ALICE, from + night * 24 * HOUR_MS, until + night * 24 * HOUR_MS);
    }
    let next = lodge.ask_for("single", from + 96 * HOUR_MS, until + 96 * HOUR_MS);
    assert_eq!(lodge.refused(&next, &[ALICE]), Error::TooManyUnpaid);
}

#[test]
fn one_call_makes_one_booking() {
    use crate::probe::Script;
    let mut lodge = Lodge::new();
    let call = lodge.ask_for("single", lodge.from, lodge.until).call(&[id(ALICE)]);
    let step = (call.module.clone(), call.method, call.parties.to_vec(), call.args.to_vec());
    let once = Script::new().host("call_module", step.clone());
    let twice = once.clone().host("call_module", step);
    assert_eq!(lodge.refused_call(twice.call("probe", &[id(ALICE)])), Error::BookingExists);
    ok(once.run_with(&mut lodge.world, &[id(ALICE)]));
}

#[test]
fn about_no_booking() {
    let mut lodge = Lodge::new();
    let none = Hash::ZERO;
    let calls = [
        pay(none, 1).call(&[id(ALICE)]),
        choose(none, "1").call(&[id(ALICE)]),
        Identify { booking: none, papers: PAPERS }.call(&[id(ALICE)]),
        AcceptIdentity { booking: none, papers: PAPERS }.call(&[id(HOTEL)]),
        CheckIn { booking: none }.call(&ids(&[HOTEL, ALICE])),
        CheckOut { booking: none }.call(&[id(ALICE)]),
        Cancel { booking: none }.call(&[id(ALICE)]),
        dispute(none).call(&[id(ALICE)]),
        resolve(none, 0, 1).call(&[id(ARBITER)]),
        Collect { booking: none }.call(&[id(ALICE)]),
    ];
    for call in calls {
        assert_eq!(lodge.refused_call(call), Error::UnknownBooking);
    }
    let refused = |error: Error| CallFault::Refused(countersign_interface::Refusal::code(error));
    assert_eq!(lodge.record(none).unwrap_err(), refused(Error::UnknownBooking));
    assert_eq!(
        lodge.ask::<()>(BookingOf::NAME, BookingOf { booking: none }).unwrap_err(),
        refused(Error::UnknownBooking)
    );
    let other = ListingOf { merchant: id(RIVAL), number: None };
    assert_eq!(lodge.ask::<ListingRecord>(ListingOf::NAME, other).unwrap_err(), refused(Error::NoListing));
}

#[test]
fn before_payment() {
    let mut lodge = Lodge::new();
    let booking = lodge.request(ALICE, lodge.from, lodge.until);
    assert_eq!(lodge.refused(&pay(booking, PRICE), &[BOB]), Error::NotTheCustomer);
    assert_eq!(lodge.refused(&pay(booking, PRICE - 1), &[ALICE]), Error::PriceDiffers);
    assert_eq!(lodge.refused(&choose(booking, "1"), &[ALICE]), Error::NotPaid);
    assert_eq!(lodge.refused(&Collect { booking }, &[ALICE]), Error::NotYetDue);
    ok(lodge.world.call(&SetFrozen { asset: eur(), frozen: true }, &["bank.example"]));
    assert_eq!(lodge.refused(&pay(booking, PRICE), &[ALICE]), Error::AssetUnavailable);
    ok(lodge.world.call(&SetFrozen { asset: eur(), frozen: false }, &["bank.example"]));
    // A hundred nights cost nearly all Alice has, and the second time more.
    let dear = Lodge::with(|terms| {
        terms.types = vec![rooms("single", BALANCE, ["1".into(), "2".into()])].try_into().unwrap();
    });
    let mut dear = dear;
    dear.paid(ALICE);
    let second = dear.request(ALICE, dear.from, dear.until);
    assert_eq!(dear.refused(&pay(second, BALANCE), &[ALICE]), Error::InsufficientFunds);
    ok(lodge.pay(ALICE, booking));
    assert_eq!(lodge.refused(&pay(booking, PRICE), &[ALICE]), Error::AlreadyPaid);
}

#[test]
fn choices() {
    let mut lodge = Lodge::new();
    let (alice, bob) = (lodge.paid(ALICE), lodge.paid(BOB));
    assert_eq!(lodge.refused(&choose(alice, "9"), &[ALICE]), Error::UnknownObject);
    ok(lodge.choose(BOB, bob, "1"));
    assert_eq!(lodge.refused(&choose(alice, "1"), &[ALICE]), Error::ObjectTaken);
    let mut lodge = Lodge::new();
    let (from, until) = (lodge.from, lodge.until);
    let alice = lodge.paid(ALICE);
    lodge.request(BOB, from + HOUR_MS, until + 2 * HOUR_MS);
    let carol = lodge.request(CAROL, until + HOUR_MS, until + 3 * HOUR_MS);
    ok(lodge.pay(CAROL, carol));
    ok(lodge.choose(CAROL, carol, "1"));
    assert_eq!(lodge.refused(&choose(alice, "2"), &[ALICE]), Error::ObjectNeeded);
}

#[test]
fn papers() {
    let mut lodge = Lodge::new();
    let booking = lodge.paid(ALICE);
    let identify = |booking| Identify { booking, papers: PAPERS };
    let accept = |booking, papers| AcceptIdentity { booking, papers };
    assert_eq!(lodge.refused(&identify(booking), &[ALICE]), Error::PapersNotAsked);
    let mut lodge = Lodge::with(|terms| terms.identity_required = true);
    let booking = lodge.paid(ALICE);
    assert_eq!(lodge.refused(&accept(booking, PAPERS), &[RIVAL]), Error::NotTheMerchant);
    assert_eq!(lodge.refused(&accept(booking, PAPERS), &[HOTEL]), Error::PapersMissing);
    ok(lodge.world.call(&identify(booking), &[ALICE]));
    assert_eq!(lodge.refused(&accept(booking, Hash::ZERO), &[HOTEL]), Error::PapersDiffer);
    lodge.pass_until(lodge.from - BLOCK_MS);
    assert_eq!(lodge.refused(&CheckIn { booking }, &[HOTEL, ALICE]), Error::IdentityNotAccepted);
    ok(lodge.world.call(&accept(booking, PAPERS), &[HOTEL]));
    assert_eq!(lodge.refused(&identify(booking), &[ALICE]), Error::AlreadyAccepted);
}

#[test]
fn stays() {
    let mut lodge = Lodge::new();
    let booking = lodge.paid(ALICE);
    assert_eq!(lodge.refused(&CheckIn { booking }, &[HOTEL, ALICE]), Error::TooEarly);
    assert_eq!(lodge.refused(&CheckOut { booking }, &[ALICE]), Error::NotCheckedIn);
    assert_eq!(lodge.refused(&resolve(booking, 0, PRICE), &[ARBITER]), Error::NotInDispute);
    assert_eq!(lodge.refused(&Cancel { booking }, &[BOB]), Error::NotAParty);
    lodge.pass_until(lodge.from - BLOCK_MS);
    ok(lodge.world.call(&CheckIn { booking }, &[HOTEL, ALICE]));
    assert_eq!(lodge.refused(&Cancel { booking }, &[ALICE]), Error::AlreadyCheckedIn);
    ok(lodge.world.call(&CheckOut { booking }, &[HOTEL]));
    assert_eq!(lodge.refused(&CheckOut { booking }, &[HOTEL]), Error::AlreadyCheckedOut);
    ok(lodge.world.call(&CheckOut { booking }, &[ALICE]));
    assert_eq!(lodge.refused(&CheckOut { booking }, &[ALICE]), Error::BookingEnded);
    assert_eq!(lodge.refused(&Collect { booking }, &[ALICE]), Error::AlreadySettled);
}

#[test]
fn late() {
    // The ledger has no time for the job; the time has come nevertheless.
    let mut lodge = Lodge::new();
    let booking = lodge.request(ALICE, lodge.from, lodge.until);
    let time = lodge.world.time + PAY_WITHIN_MS;
    lodge.pass_until(time);
    assert_eq!(lodge.refused(&pay(booking, PRICE), &[ALICE]), Error::BookingEnded);
    let suspend = |suspended| countersign_interface::code::SetSuspended { name: "booking".parse().unwrap(), suspended };
    let booking = lodge.paid(ALICE);
    ok(lodge.world.call(&suspend(true), &["bank.example", "books.example"]));
    lodge.pass_until(lodge.from + GRACE_MS);
    ok(lodge.world.call(&suspend(false), &["bank.example", "books.example"]));
    assert_eq!(lodge.refused(&CheckIn { booking }, &[HOTEL, ALICE]), Error::TooLate);
}

#[test]
fn disputes() {
    let mut lodge = Lodge::new();
    let booking = lodge.disputed(ALICE);
    assert_eq!(lodge.refused(&dispute(booking), &[HOTEL]), Error::InDispute);
    assert_eq!(lodge.refused(&resolve(booking, 0, PRICE), &[BOB]), Error::NotTheArbiter);
    assert_eq!(lodge.refused(&resolve(booking, 1, PRICE), &[ARBITER]), Error::SplitDiffers);
    let other = Resolve { asset: "NONE".parse().unwrap(), ..resolve(booking, 0, PRICE) };
    assert_eq!(lodge.refused(&other, &[ARBITER]), Error::PriceDiffers);
}

#[test]
fn nobody_but_the_ledger_runs_what_is_scheduled() {
    let mut lodge = Lodge::new();
    let booking = lodge.paid(ALICE);
    let interface = countersign_interface::booking::interface();
    for name in ["lapse", "no_show", "complete", "release"] {
        let method = interface.selector(interface.method_named(name).unwrap().0);
        let args = Lapse { booking }.encode().try_into().unwrap();
        let call = Call { method, args, ..Collect { booking }.call(&[id(BOB)]) };
        assert_eq!(fault(&lodge.world.run(vec![call])), CallFault::WrongParties);
    }
}

#[test]
fn malformed_arguments_end_the_call_and_move_nothing() {
    let mut lodge = Lodge::new();
    let booking = lodge.request(ALICE, lodge.from, lodge.until);
    let call = pay(booking, PRICE).call(&[id(ALICE)]);
    for args in [call.args[1..].to_vec(), [&call.args[..], &[0]].concat()] {
        let call = Call { args: args.try_into().unwrap(), ..call.clone() };
        let receipt = lodge.world.run(vec![call]);
        assert!(matches!(fault(&receipt), CallFault::Trap | CallFault::BadArguments));
    }
    assert_eq!(lodge.escrow(), 0);
}

/// A new error makes this list too short and asks for a test.
#[test]
fn every_refusal_is_tested_above() {
    let source = include_str!("booking_refusals.rs");
    for error in Error::ALL {
        assert!(source.contains(&format!("Error::{error:?})")) || source.contains(&format!("Error::{error:?},")));
    }
}
