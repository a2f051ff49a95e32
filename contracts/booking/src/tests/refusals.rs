//! Every refusal: nothing moves, and the story goes on afterwards.
use super::scene::{
    DECIDE_WITHIN, FROM, GRACE, HOUR, Outcome, PAY_WITHIN, PRICE, START, Scene, UNTIL, change, refused, text,
};
use crate::Booking;
use countersign_contract_sdk::testing::Stopped;
use countersign_interface::booking::{
    BookingOf, Error, ListingOf, OpenListing, Pay, Request, Resolve, Rules, Tier, TypeOf, scheduled,
};
use countersign_types::{Amount, Failure, Hash};

const PAPERS: Hash = Hash([7; 32]);

/// Runs a move that must be refused, and sees that it left nothing behind.
#[track_caller]
fn refuses<T: core::fmt::Debug + PartialEq>(
    scene: &mut Scene,
    error: Error,
    run: impl FnOnce(&mut Scene) -> Outcome<T>,
) {
    let before = (scene.balances(), scene.host.storage().clone(), scene.host.events().len());
    assert_eq!(run(scene), refused(error));
    assert!(before == (scene.balances(), scene.host.storage().clone(), scene.host.events().len()), "{error:?}");
}

/// A listing with these terms is refused, and the usual one is not.
#[track_caller]
fn refuses_terms(error: Error, change: impl FnOnce(&mut OpenListing)) {
    let scene = &mut Scene::bare();
    let usual = scene.terms();
    let mut terms = usual.clone();
    change(&mut terms);
    refuses(scene, error, |scene| scene.open(terms));
    scene.open(usual).unwrap();
}

#[test]
fn not_a_merchant() {
    let scene = &mut Scene::bare();
    let terms = scene.terms();
    refuses(scene, Error::NotAMerchant, |scene| scene.open_as(scene.carla, terms));
    let scene = &mut Scene::new();
    let booking = scene.usual();
    scene.host.set_roles(scene.hotel.account, &[]);
    refuses(scene, Error::NotAMerchant, |scene| scene.request(scene.nils, FROM, UNTIL));
    refuses(scene, Error::NotAMerchant, |scene| scene.pay(booking));
}

#[test]
fn same_account() {
    let hotel = Scene::bare().hotel.account;
    refuses_terms(Error::SameAccount, |terms| terms.arbiter = Some(hotel));
    let scene = &mut Scene::new();
    refuses(scene, Error::SameAccount, |scene| scene.bind(scene.hotel));
    let stan = scene.stan;
    let scene = &mut Scene::with(|terms| terms.arbiter = Some(stan.account));
    refuses(scene, Error::SameAccount, |scene| scene.request(stan, FROM, UNTIL));
}

#[test]
fn listing_is_open() {
    let scene = &mut Scene::new();
    let terms = scene.terms();
    refuses(scene, Error::ListingIsOpen, |scene| scene.open(terms.clone()));
    scene.open_as(scene.rival, terms).unwrap();
}

#[test]
fn no_listing() {
    let scene = &mut Scene::bare();
    let (merchant, number) = (scene.hotel.account, None);
    refuses(scene, Error::NoListing, |scene| scene.bind(scene.carla));
    refuses(scene, Error::NoListing, Scene::close);
    let answer = scene.host.query(|host| Booking::listing_of(host, ListingOf { merchant, number }));
    assert_eq!(answer, refused(Error::NoListing));
    let scene = &mut Scene::new();
    scene.close().unwrap();
    refuses(scene, Error::NoListing, |scene| scene.request(scene.carla, FROM, UNTIL));
    refuses(scene, Error::NoListing, Scene::close);
    let answer = scene.host.query(|host| Booking::listing_of(host, ListingOf { merchant, number: Some(2) }));
    assert_eq!(answer, refused(Error::NoListing));
}

#[test]
fn bad_types() {
    let objects = |count: usize| {
        let names = (0..count).map(|index| text(&alloc::format!("{index:03}")));
        names.collect::<alloc::vec::Vec<_>>().try_into().unwrap()
    };
    refuses_terms(Error::BadTypes, |terms| terms.types = [].to_vec().try_into().unwrap());
    refuses_terms(Error::BadTypes, |terms| terms.types = alloc::vec![terms.types[1].clone(); 17].try_into().unwrap());
    refuses_terms(Error::BadTypes, |terms| change(terms, 1, |kind| kind.name = text("single")));
    refuses_terms(Error::BadTypes, |terms| change(terms, 0, |kind| kind.name = text("")));
    refuses_terms(Error::BadTypes, |terms| change(terms, 0, |kind| kind.name = text(&"x".repeat(33))));
    refuses_terms(Error::BadTypes, |terms| change(terms, 0, |kind| kind.price = Amount::ZERO));
    refuses_terms(Error::BadTypes, |terms| change(terms, 0, |kind| kind.price = Amount::new(u128::MAX / 2_207)));
    refuses_terms(Error::BadTypes, |terms| change(terms, 0, |kind| kind.objects = objects(0)));
    refuses_terms(Error::BadTypes, |terms| change(terms, 0, |kind| kind.objects = objects(17)));
    for names in [&["1", "1"][..], &["2", "1"], &["1", "9"], &[""], &["0123456789abcdef0123456789abcdefX"]] {
        let names: alloc::vec::Vec<_> = names.iter().map(|name| text(name)).collect();
        refuses_terms(Error::BadTypes, |terms| change(terms, 0, |kind| kind.objects = names.try_into().unwrap()));
    }
    let scene = &mut Scene::bare();
    let mut terms = scene.terms();
    change(&mut terms, 0, |kind| kind.objects = objects(16));
    change(&mut terms, 0, |kind| kind.price = Amount::new(u128::MAX / 2_208));
    scene.open(terms).unwrap();
}

#[test]
fn bad_refunds() {
    let tier = |before_s, refund_percent| Tier { before_s, refund_percent };
    for tiers in [&[tier(1, 101)][..], &[tier(1, 5), tier(1, 5)], &[tier(1, 5), tier(2, 4)], &[tier(2, 5), tier(1, 6)]]
    {
        refuses_terms(Error::BadRefunds, |terms| terms.refunds = tiers.to_vec().try_into().unwrap());
    }
    let nine: alloc::vec::Vec<_> = (0..9).rev().map(|index| tier(index, 5)).collect();
    refuses_terms(Error::BadRefunds, |terms| terms.refunds = nine.try_into().unwrap());
}

#[test]
fn bad_terms() {
    refuses_terms(Error::BadTerms, |terms| terms.grace_s = 0);
    refuses_terms(Error::BadTerms, |terms| terms.grace_s = 92 * 86_400 + 1);
    refuses_terms(Error::BadTerms, |terms| terms.pay_within_s = 0);
    refuses_terms(Error::BadTerms, |terms| terms.pay_within_s = 7 * 86_400 + 1);
    refuses_terms(Error::BadTerms, |terms| terms.decide_within_s = 0);
    refuses_terms(Error::BadTerms, |terms| terms.decide_within_s = 90 * 86_400 + 1);
    refuses_terms(Error::BadTerms, |terms| terms.undecided_percent = 101);
}

#[test]
fn asset_unavailable() {
    refuses_terms(Error::AssetUnavailable, |terms| terms.asset = "NONE".parse().unwrap());
    let scene = &mut Scene::new();
    let booking = scene.usual();
    scene.host.set_frozen(scene.eur, true);
    refuses(scene, Error::AssetUnavailable, |scene| scene.pay(booking));
}

#[test]
fn already_bound() {
    let scene = &mut Scene::new();
    refuses(scene, Error::AlreadyBound, |scene| scene.bind(scene.carla));
}

#[test]
fn not_bound() {
    let scene = &mut Scene::new();
    refuses(scene, Error::NotBound, |scene| scene.request(scene.judge, FROM, UNTIL));
    scene.bind(scene.judge).unwrap();
    scene.request(scene.judge, FROM, UNTIL).unwrap();
}

#[test]
fn unknown_type() {
    let scene = &mut Scene::new();
    refuses(scene, Error::UnknownType, |scene| scene.request_kind(scene.carla, "double", FROM, UNTIL));
    let args = TypeOf { merchant: scene.hotel.account, listing: 1, kind: text("double") };
    assert_eq!(scene.host.query(|host| Booking::type_of(host, args)), refused(Error::UnknownType));
}

#[test]
fn bad_span() {
    let scene = &mut Scene::new();
    let days = 92 * 24 * HOUR;
    for until in [FROM, FROM - 1, 0, FROM + days + 1, u64::MAX] {
        refuses(scene, Error::BadSpan, |scene| scene.request(scene.carla, FROM, until));
    }
    scene.request(scene.carla, FROM, FROM + days).unwrap();
}

#[test]
fn start_passed() {
    let scene = &mut Scene::new();
    refuses(scene, Error::StartPassed, |scene| scene.request(scene.carla, START, UNTIL));
    refuses(scene, Error::StartPassed, |scene| scene.request(scene.carla, START - 1, UNTIL));
    scene.request(scene.carla, START + 1, UNTIL).unwrap();
}

#[test]
fn none_free() {
    let scene = &mut Scene::new();
    scene.usual();
    scene.request(scene.nils, FROM, UNTIL).unwrap();
    refuses(scene, Error::NoneFree, |scene| scene.request(scene.stan, UNTIL - 1, UNTIL + HOUR));
    // Two customers ask for the last suite at once: the first gets it.
    scene.request_kind(scene.stan, "suite", FROM, UNTIL).unwrap();
    refuses(scene, Error::NoneFree, |scene| scene.request_kind(scene.carla, "suite", FROM, UNTIL));
}

#[test]
fn too_many_unpaid() {
    let scene = &mut Scene::new();
    let at = |day: u64| (FROM + day * 24 * HOUR, UNTIL + day * 24 * HOUR);
    let bookings: alloc::vec::Vec<_> =
        (0..4).map(|day| scene.request(scene.carla, at(day).0, at(day).1).unwrap()).collect();
    let (from, until) = at(4);
    refuses(scene, Error::TooManyUnpaid, |scene| scene.request(scene.carla, from, until));
    scene.pay(bookings[0]).unwrap();
    scene.request(scene.carla, from, until).unwrap();
    refuses(scene, Error::TooManyUnpaid, |scene| scene.request(scene.carla, from, until));
    scene.cancel(scene.carla, bookings[1]).unwrap();
    scene.request(scene.carla, from, until).unwrap();
    scene.block(START + PAY_WITHIN);
    for day in 5..9 {
        scene.request(scene.carla, at(day).0, at(day).1).unwrap();
    }
}

#[test]
fn booking_exists() {
    let scene = &mut Scene::new();
    let customer = scene.carla.account;
    let args = Request {
        merchant: scene.hotel.account,
        kind: text("single"),
        from: super::scene::ms(FROM),
        until: super::scene::ms(UNTIL),
    };
    refuses(scene, Error::BookingExists, |scene| {
        scene.host.call(&[customer], |host| {
            Booking::request(host, customer, args.clone())?;
            Booking::request(host, customer, args)
        })
    });
}

#[test]
fn unknown_booking() {
    let scene = &mut Scene::new();
    let (carla, hotel, judge, none) = (scene.carla, scene.hotel, scene.judge, Hash::ZERO);
    let (asset, amount) = (scene.eur, Amount::new(PRICE));
    let args = Pay { booking: none, asset, amount };
    refuses(scene, Error::UnknownBooking, |scene| scene.pay_as(carla.account, args));
    refuses(scene, Error::UnknownBooking, |scene| scene.choose_as(carla.account, none, "1"));
    refuses(scene, Error::UnknownBooking, |scene| scene.identify(carla, none, PAPERS));
    refuses(scene, Error::UnknownBooking, |scene| scene.accept(hotel, none, PAPERS));
    refuses(scene, Error::UnknownBooking, |scene| scene.check_in_as(hotel.account, carla.account, none));
    refuses(scene, Error::UnknownBooking, |scene| scene.check_out(carla, none));
    refuses(scene, Error::UnknownBooking, |scene| scene.cancel(carla, none));
    refuses(scene, Error::UnknownBooking, |scene| scene.dispute(carla, none));
    refuses(scene, Error::UnknownBooking, |scene| scene.resolve(judge, none, 0, PRICE));
    refuses(scene, Error::UnknownBooking, |scene| scene.collect(carla, none));
    let answer = scene.host.query(|host| Booking::booking_of(host, BookingOf { booking: none }));
    assert_eq!(answer, refused(Error::UnknownBooking));
}

#[test]
fn not_the_customer() {
    let scene = &mut Scene::with(|terms| terms.identity_required = true);
    let booking = scene.usual();
    let (nils, hotel) = (scene.nils.account, scene.hotel.account);
    let args = Pay { booking, asset: scene.eur, amount: Amount::new(PRICE) };
    refuses(scene, Error::NotTheCustomer, |scene| scene.pay_as(nils, args));
    refuses(scene, Error::NotTheCustomer, |scene| scene.choose_as(nils, booking, "1"));
    refuses(scene, Error::NotTheCustomer, |scene| scene.identify(scene.nils, booking, PAPERS));
    refuses(scene, Error::NotTheCustomer, |scene| scene.check_in_as(hotel, nils, booking));
}

#[test]
fn not_the_merchant() {
    let scene = &mut Scene::with(|terms| terms.identity_required = true);
    let booking = scene.paid();
    let (rival, carla) = (scene.rival.account, scene.carla.account);
    refuses(scene, Error::NotTheMerchant, |scene| scene.accept(scene.rival, booking, PAPERS));
    refuses(scene, Error::NotTheMerchant, |scene| scene.check_in_as(rival, carla, booking));
}

#[test]
fn not_a_party() {
    let scene = &mut Scene::new();
    let booking = scene.checked_in();
    for other in [scene.nils, scene.rival, scene.judge] {
        refuses(scene, Error::NotAParty, |scene| scene.check_out(other, booking));
        refuses(scene, Error::NotAParty, |scene| scene.cancel(other, booking));
        refuses(scene, Error::NotAParty, |scene| scene.dispute(other, booking));
    }
}

#[test]
fn too_late() {
    let scene = &mut Scene::with(|terms| terms.identity_required = true);
    // The lane of the ledger is full: the job has not run, but its time has come.
    let late = |scene: &mut Scene, time: u64| {
        let none = |_: &mut _, _, _: &[u8]| Err::<(), _>(());
        scene.host.block(super::scene::ms(time), none);
    };
    let booking = scene.usual();
    late(scene, START + PAY_WITHIN);
    refuses(scene, Error::TooLate, |scene| scene.pay(booking));
    refuses(scene, Error::TooLate, |scene| scene.cancel(scene.carla, booking));
    refuses(scene, Error::TooLate, |scene| scene.identify(scene.carla, booking, PAPERS));
    scene.collect(scene.stan, booking).unwrap();
    let booking = scene.paid();
    late(scene, FROM + GRACE);
    refuses(scene, Error::TooLate, |scene| scene.choose(booking, "2"));
    refuses(scene, Error::TooLate, |scene| scene.check_in(booking));
    refuses(scene, Error::TooLate, |scene| scene.cancel(scene.hotel, booking));
    refuses(scene, Error::TooLate, |scene| scene.dispute(scene.carla, booking));
    refuses(scene, Error::TooLate, |scene| scene.accept(scene.hotel, booking, PAPERS));
    scene.collect(scene.stan, booking).unwrap();
    let scene = &mut Scene::new();
    let booking = scene.checked_in();
    late(scene, UNTIL);
    refuses(scene, Error::TooLate, |scene| scene.check_out(scene.carla, booking));
    scene.collect(scene.stan, booking).unwrap();
    let scene = &mut Scene::new();
    let booking = scene.disputed();
    late(scene, FROM + DECIDE_WITHIN);
    refuses(scene, Error::TooLate, |scene| scene.resolve(scene.judge, booking, 0, PRICE));
    scene.collect(scene.stan, booking).unwrap();
}

#[test]
fn too_early() {
    let scene = &mut Scene::new();
    let booking = scene.paid();
    scene.block(FROM - 1);
    refuses(scene, Error::TooEarly, |scene| scene.check_in(booking));
    scene.block(FROM);
    scene.check_in(booking).unwrap();
}

#[test]
fn not_paid() {
    let scene = &mut Scene::new();
    let booking = scene.usual();
    refuses(scene, Error::NotPaid, |scene| scene.choose(booking, "1"));
    refuses(scene, Error::NotPaid, |scene| scene.check_in(booking));
    refuses(scene, Error::NotPaid, |scene| scene.check_out(scene.carla, booking));
    refuses(scene, Error::NotPaid, |scene| scene.dispute(scene.carla, booking));
}

#[test]
fn already_paid() {
    let scene = &mut Scene::new();
    let booking = scene.paid();
    refuses(scene, Error::AlreadyPaid, |scene| scene.pay(booking));
}

#[test]
fn not_checked_in() {
    let scene = &mut Scene::new();
    let booking = scene.paid();
    refuses(scene, Error::NotCheckedIn, |scene| scene.check_out(scene.carla, booking));
    refuses(scene, Error::NotCheckedIn, |scene| scene.check_out(scene.hotel, booking));
}

#[test]
fn already_checked_in() {
    // Cancelling against checking in, in one block: what came first counts.
    let scene = &mut Scene::new();
    let booking = scene.checked_in();
    for party in [scene.carla, scene.hotel] {
        refuses(scene, Error::AlreadyCheckedIn, |scene| scene.cancel(party, booking));
    }
    refuses(scene, Error::AlreadyCheckedIn, |scene| scene.check_in(booking));
    refuses(scene, Error::AlreadyCheckedIn, |scene| scene.choose(booking, "2"));
}

#[test]
fn already_checked_out() {
    let scene = &mut Scene::new();
    let booking = scene.checked_in();
    scene.check_out(scene.hotel, booking).unwrap();
    refuses(scene, Error::AlreadyCheckedOut, |scene| scene.check_out(scene.hotel, booking));
    refuses(scene, Error::AlreadyCheckedOut, |scene| scene.check_in(booking));
    refuses(scene, Error::AlreadyCheckedOut, |scene| scene.cancel(scene.hotel, booking));
}

#[test]
fn in_dispute() {
    let scene = &mut Scene::new();
    let booking = scene.disputed();
    refuses(scene, Error::InDispute, |scene| scene.cancel(scene.carla, booking));
    refuses(scene, Error::InDispute, |scene| scene.check_out(scene.carla, booking));
    refuses(scene, Error::InDispute, |scene| scene.dispute(scene.hotel, booking));
    refuses(scene, Error::InDispute, |scene| scene.check_in(booking));
}

#[test]
fn not_in_dispute() {
    let scene = &mut Scene::new();
    let booking = scene.paid();
    refuses(scene, Error::NotInDispute, |scene| scene.resolve(scene.judge, booking, 0, PRICE));
}

#[test]
fn booking_ended() {
    let scene = &mut Scene::new();
    let booking = scene.paid();
    scene.cancel(scene.carla, booking).unwrap();
    refuses(scene, Error::BookingEnded, |scene| scene.pay(booking));
    refuses(scene, Error::BookingEnded, |scene| scene.choose(booking, "1"));
    refuses(scene, Error::BookingEnded, |scene| scene.check_in(booking));
    refuses(scene, Error::BookingEnded, |scene| scene.check_out(scene.carla, booking));
    refuses(scene, Error::BookingEnded, |scene| scene.cancel(scene.hotel, booking));
    refuses(scene, Error::BookingEnded, |scene| scene.dispute(scene.carla, booking));
    refuses(scene, Error::BookingEnded, |scene| scene.resolve(scene.judge, booking, 0, PRICE));
    // A job that waits for an ended booking does nothing.
    let args = parity_scale_codec::Encode::encode(&countersign_interface::booking::Lapse { booking });
    let job = scene
        .host
        .call(&[], |host| countersign_interface::booking::dispatch::<_, Booking>(host, scheduled::lapse, &[], &args));
    let code = countersign_interface::Refusal::code(Error::BookingEnded);
    assert_eq!(job, Err(Stopped::Refused(countersign_interface::DispatchFault::Refused(code))));
}

#[test]
fn price_differs() {
    let scene = &mut Scene::new();
    let booking = scene.usual();
    let (carla, eur, usd) = (scene.carla.account, scene.eur, scene.host.add_asset("USD"));
    for (asset, amount) in [(eur, PRICE - 1), (eur, PRICE + 1), (eur, 0), (usd, PRICE)] {
        let args = Pay { booking, asset, amount: Amount::new(amount) };
        refuses(scene, Error::PriceDiffers, |scene| scene.pay_as(carla, args));
    }
    let booking = scene.disputed();
    let [to_customer, to_merchant] = [0, PRICE].map(Amount::new);
    let args = Resolve { booking, asset: usd, to_customer, to_merchant };
    refuses(scene, Error::PriceDiffers, |scene| scene.resolve_as(scene.judge, args));
}

#[test]
fn insufficient_funds() {
    let scene = &mut Scene::with(|terms| change(terms, 0, |kind| kind.price = Amount::new(60_000)));
    scene.paid();
    let booking = scene.usual();
    refuses(scene, Error::InsufficientFunds, |scene| scene.pay(booking));
}

#[test]
fn unknown_object() {
    let scene = &mut Scene::new();
    let booking = scene.paid();
    for object in ["3", "", "9"] {
        refuses(scene, Error::UnknownObject, |scene| scene.choose(booking, object));
    }
}

#[test]
fn object_taken() {
    let scene = &mut Scene::new();
    let first = scene.paid();
    scene.choose(first, "2").unwrap();
    let second = scene.request(scene.nils, FROM + HOUR, UNTIL + HOUR).unwrap();
    scene.pay(second).unwrap();
    refuses(scene, Error::ObjectTaken, |scene| scene.choose(second, "2"));
    scene.choose(second, "1").unwrap();
}

#[test]
fn object_needed() {
    let scene = &mut Scene::new();
    // Nils lies on room 2 beyond Carla's time, up to a booking that is bound to room 1: he cannot go there.
    let carla = scene.paid();
    let nils = scene.request(scene.nils, FROM + HOUR, UNTIL + 2 * HOUR).unwrap();
    let stan = scene.request(scene.stan, UNTIL + HOUR, UNTIL + 3 * HOUR).unwrap();
    scene.pay(stan).unwrap();
    scene.choose(stan, "1").unwrap();
    refuses(scene, Error::ObjectNeeded, |scene| scene.choose(carla, "2"));
    assert_eq!(scene.choices(carla), [text("1")]);
    scene.cancel(scene.nils, nils).unwrap();
    scene.choose(carla, "2").unwrap();
}

#[test]
fn papers_not_asked() {
    let scene = &mut Scene::new();
    let booking = scene.paid();
    refuses(scene, Error::PapersNotAsked, |scene| scene.identify(scene.carla, booking, PAPERS));
    refuses(scene, Error::PapersNotAsked, |scene| scene.accept(scene.hotel, booking, PAPERS));
}

#[test]
fn papers_missing_differing_or_accepted() {
    let scene = &mut Scene::with(|terms| terms.identity_required = true);
    let booking = scene.paid();
    refuses(scene, Error::PapersMissing, |scene| scene.accept(scene.hotel, booking, PAPERS));
    scene.identify(scene.carla, booking, PAPERS).unwrap();
    scene.identify(scene.carla, booking, Hash::ZERO).unwrap();
    refuses(scene, Error::PapersDiffer, |scene| scene.accept(scene.hotel, booking, PAPERS));
    scene.accept(scene.hotel, booking, Hash::ZERO).unwrap();
    refuses(scene, Error::AlreadyAccepted, |scene| scene.accept(scene.hotel, booking, Hash::ZERO));
    refuses(scene, Error::AlreadyAccepted, |scene| scene.identify(scene.carla, booking, PAPERS));
}

#[test]
fn identity_not_accepted() {
    let scene = &mut Scene::with(|terms| terms.identity_required = true);
    let booking = scene.paid();
    scene.block(FROM);
    refuses(scene, Error::IdentityNotAccepted, |scene| scene.check_in(booking));
    scene.identify(scene.carla, booking, PAPERS).unwrap();
    refuses(scene, Error::IdentityNotAccepted, |scene| scene.check_in(booking));
    scene.accept(scene.hotel, booking, PAPERS).unwrap();
    scene.check_in(booking).unwrap();
}

#[test]
fn not_the_arbiter() {
    let scene = &mut Scene::new();
    let booking = scene.disputed();
    for other in [scene.stan, scene.rival, scene.carla, scene.hotel] {
        refuses(scene, Error::NotTheArbiter, |scene| scene.resolve(other, booking, 0, PRICE));
    }
    // Nobody decides in a matter of its own.
    scene.host.set_roles(scene.hotel.account, &[countersign_types::Role::Merchant, countersign_types::Role::Arbiter]);
    refuses(scene, Error::NotTheArbiter, |scene| scene.resolve(scene.hotel, booking, 0, PRICE));
    scene.host.set_roles(scene.judge.account, &[]);
    refuses(scene, Error::NotTheArbiter, |scene| scene.resolve(scene.judge, booking, 0, PRICE));
}

#[test]
fn split_differs() {
    let scene = &mut Scene::new();
    let booking = scene.disputed();
    for (to_customer, to_merchant) in [(0, 0), (PRICE, 1), (1, PRICE - 2), (u128::MAX, PRICE + 1)] {
        refuses(scene, Error::SplitDiffers, |scene| scene.resolve(scene.judge, booking, to_customer, to_merchant));
    }
}

#[test]
fn not_yet_due() {
    let scene = &mut Scene::new();
    let booking = scene.usual();
    refuses(scene, Error::NotYetDue, |scene| scene.collect(scene.stan, booking));
    scene.pay(booking).unwrap();
    scene.block(FROM + GRACE - 1);
    refuses(scene, Error::NotYetDue, |scene| scene.collect(scene.stan, booking));
}

#[test]
fn already_settled() {
    let scene = &mut Scene::new();
    let booking = scene.paid();
    scene.block(FROM + GRACE);
    refuses(scene, Error::AlreadySettled, |scene| scene.collect(scene.carla, booking));
}

#[test]
fn a_suspended_party_signs_nothing() {
    let scene = &mut Scene::new();
    scene.host.set_suspended(scene.carla.account, true);
    let suspended = Stopped::Failed(Failure::Suspended(scene.carla.account));
    assert_eq!(scene.request(scene.carla, FROM, UNTIL), Err(suspended));
}

/// A refusal that is added to the interface gets a test here.
#[test]
fn every_refusal_has_a_test() {
    let source = include_str!("refusals.rs");
    for error in Error::ALL {
        assert!(source.contains(&alloc::format!("Error::{error:?}")), "{error:?} has no test");
    }
}
