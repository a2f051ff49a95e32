//! The story step by step: what each move changes. How a booking ends is in [`super::stay`].
use super::scene::{FROM, GRACE, HOUR, PAY_WITHIN, PRICE, START, Scene, UNTIL, change, ms, refused, text};
use crate::Booking;
use countersign_interface::booking::{
    BookingRecord, Bound, BoundSince, Chosen, Error, Identity, ListingClosed, ListingOf, ListingOpened, ObjectType,
    Paid, PapersAccepted, PapersShown, Requested, Rules, Status, TypeOf, Unit,
};
use countersign_types::{Amount, Hash};

const PAPERS: Hash = Hash([7; 32]);

#[test]
fn a_listing_is_open_until_it_is_closed() {
    let mut scene = Scene::bare();
    let terms = scene.terms();
    scene.open(terms.clone()).unwrap();
    let opened: ListingOpened = scene.last_event();
    assert_eq!((opened.listing, opened.types.len()), (1, 2));
    let merchant = scene.hotel.account;
    let ask = |scene: &mut Scene, number| {
        scene.host.query(|host| Booking::listing_of(host, ListingOf { merchant, number })).unwrap()
    };
    let listing = ask(&mut scene, None);
    assert_eq!((listing.number, listing.opened_at, listing.closed_at), (1, ms(START), None));
    let kind = text("suite");
    let suite = scene.host.query(|host| Booking::type_of(host, TypeOf { merchant, listing: 1, kind })).unwrap();
    assert_eq!(suite, terms.types[1]);

    scene.close().unwrap();
    assert_eq!(scene.last_event::<ListingClosed>().listing, 1);
    assert_eq!(ask(&mut scene, None).closed_at, Some(ms(START)));
    scene.open(terms).unwrap();
    assert_eq!(ask(&mut scene, None).number, 2);
    assert_eq!(ask(&mut scene, Some(1)).number, 1);
}

#[test]
fn which_account_uses_which_service_is_on_record() {
    let scene = &mut Scene::new();
    let (customer, merchant) = (scene.stan.account, scene.hotel.account);
    assert_eq!(scene.last_event::<Bound>(), Bound { customer, merchant });
    let since = scene.host.query(|host| Booking::bound_since(host, BoundSince { customer, merchant }));
    assert_eq!(since, Ok(ms(START)));
    let args = BoundSince { customer: scene.rival.account, merchant };
    assert_eq!(scene.host.query(|host| Booking::bound_since(host, args)), refused(Error::NotBound));
}

#[test]
fn a_request_is_answered_with_the_order() {
    let scene = &mut Scene::new();
    let booking = scene.usual();
    let (customer, merchant) = (scene.carla.account, scene.hotel.account);
    let pay_by = ms(START + PAY_WITHIN);
    let order = Requested {
        booking,
        customer,
        merchant,
        kind: text("single"),
        from: ms(FROM),
        until: ms(UNTIL),
        asset: scene.eur,
        price: Amount::new(PRICE),
        pay_by,
    };
    assert_eq!(scene.last_event::<Requested>(), order);
    let record: BookingRecord = scene.record(booking);
    assert_eq!((record.status, record.due_at, record.listing), (Status::Requested, pay_by, 1));
    assert_eq!((record.object, record.identity), (None, Identity::NotRequired));
    assert_eq!(scene.free(FROM, UNTIL), [text("2")]);
    assert_eq!(scene.balances()[2], 0);
}

#[test]
fn every_unit_that_has_begun_is_paid() {
    for (unit, span, units) in [
        (Unit::Night, 20 * HOUR, 1),
        (Unit::Night, 24 * HOUR, 1),
        (Unit::Night, 24 * HOUR + 1, 2),
        (Unit::Night, 44 * HOUR, 2),
        (Unit::Hour, 1, 1),
        (Unit::Hour, 3 * HOUR, 3),
        (Unit::Day, 25 * HOUR, 2),
        (Unit::Week, 6 * 24 * HOUR, 1),
        (Unit::Week, 92 * 24 * HOUR, 14),
    ] {
        let mut scene = Scene::with(|terms| {
            terms.types = [ObjectType { unit, ..terms.types[0].clone() }].to_vec().try_into().unwrap();
        });
        let booking = scene.request(scene.carla, FROM, FROM + span).unwrap();
        assert_eq!(scene.record(booking).price.get(), PRICE * units, "{unit:?} {span}");
    }
}

#[test]
fn payment_goes_into_escrow() {
    let scene = &mut Scene::new();
    let booking = scene.paid();
    assert_eq!(scene.balances(), [100_000, 92_000, PRICE]);
    assert_eq!(scene.escrow(), PRICE);
    let paid: Paid = scene.last_event();
    assert_eq!((paid.booking, paid.amount.get(), paid.come_by), (booking, PRICE, ms(FROM + GRACE)));
    let record = scene.record(booking);
    assert_eq!((record.status, record.due_at), (Status::Paid, ms(FROM + GRACE)));
    assert_eq!(scene.host.waiting_jobs().count(), 1, "the job that would end it unpaid is gone");
}

#[test]
fn an_object_is_free_again_at_the_moment_a_booking_ends() {
    let scene = &mut Scene::with(|terms| {
        change(terms, 0, |kind| kind.objects = [text("1")].to_vec().try_into().unwrap());
    });
    scene.usual();
    let (nils, stan) = (scene.nils, scene.stan);
    assert_eq!(scene.request(nils, UNTIL - 1, UNTIL + HOUR), refused(Error::NoneFree));
    assert_eq!(scene.request(nils, FROM - HOUR, FROM + 1), refused(Error::NoneFree));
    assert_eq!(scene.request(nils, FROM + 1, UNTIL - 1), refused(Error::NoneFree));
    assert_eq!(scene.request(nils, FROM - HOUR, UNTIL + HOUR), refused(Error::NoneFree));
    scene.request(nils, UNTIL, UNTIL + HOUR).unwrap();
    scene.request(stan, FROM - HOUR, FROM).unwrap();
}

#[test]
fn a_chosen_object_is_bound_and_those_who_did_not_choose_make_room() {
    let scene = &mut Scene::new();
    let carla = scene.paid();
    let nils = scene.request(scene.nils, FROM, UNTIL).unwrap();
    scene.pay(nils).unwrap();
    assert_eq!(scene.choices(carla), [text("1"), text("2")]);
    // Carla lies on the first room, Nils on the second; he takes hers and she moves.
    scene.choose(nils, "1").unwrap();
    let chosen: Chosen = scene.last_event();
    assert_eq!((chosen.booking, chosen.object), (nils, text("1")));
    assert_eq!(scene.record(nils).object, Some(text("1")));
    assert_eq!(scene.choices(carla), [text("2")]);
    assert_eq!(scene.choose(carla, "1"), refused(Error::ObjectTaken));
    // He may change his mind, and she may not any more once both are bound.
    scene.choose(nils, "2").unwrap();
    scene.choose(carla, "1").unwrap();
    assert_eq!(scene.choose(carla, "2"), refused(Error::ObjectTaken));
    assert_eq!(scene.choose(carla, "1"), Ok(()));
}

#[test]
fn a_request_makes_room_among_those_who_did_not_choose() {
    let at = |hour: u64| FROM + hour * HOUR;
    for bound in [false, true] {
        let scene = &mut Scene::new();
        let [carla, nils, stan] = [scene.carla, scene.nils, scene.stan];
        // Stan on the first room in [1, 2), Nils on the second in [2, 3): at each moment one room is free, but never the same one.
        let gone = scene.request(carla, at(2), at(3)).unwrap();
        let second = scene.request(nils, at(2), at(3)).unwrap();
        scene.cancel(carla, gone).unwrap();
        scene.request(stan, at(1), at(2)).unwrap();
        assert_eq!((scene.free(at(1), at(2)), scene.free(at(2), at(3))), ([text("2")].into(), [text("1")].into()));
        if bound {
            scene.pay(second).unwrap();
            scene.choose(second, "2").unwrap();
            assert_eq!(scene.request(carla, at(1), at(3)), refused(Error::NoneFree));
        } else {
            scene.request(carla, at(1), at(3)).unwrap();
            assert_eq!(scene.free(at(1), at(2)), []);
            assert_eq!(scene.free(at(2), at(3)), []);
        }
    }
}

#[test]
fn another_listing_of_the_same_rooms_does_not_free_them() {
    let scene = &mut Scene::new();
    let old = scene.paid();
    scene.close().unwrap();
    let mut terms = scene.terms();
    // The rooms change their types: room 1 is a suite now.
    change(&mut terms, 0, |kind| kind.objects = [text("2"), text("9")].to_vec().try_into().unwrap());
    change(&mut terms, 1, |kind| kind.objects = [text("1")].to_vec().try_into().unwrap());
    scene.open(terms).unwrap();
    let nils = scene.nils;
    assert_eq!(scene.request_kind(nils, "suite", FROM, UNTIL), refused(Error::NoneFree));
    let new = scene.request(nils, FROM, UNTIL).unwrap();
    scene.pay(new).unwrap();
    // Bookings keep the terms they were made under; across listings nobody makes room.
    assert_eq!(scene.choose(new, "1"), refused(Error::UnknownObject));
    assert_eq!(scene.choose(old, "2"), refused(Error::ObjectTaken));
    assert_eq!(scene.choose(old, "9"), refused(Error::UnknownObject));
    scene.choose(new, "9").unwrap();
    scene.choose(old, "2").unwrap();
    scene.request_kind(nils, "suite", FROM, UNTIL).unwrap();
}

#[test]
fn papers_are_shown_by_their_hash_and_accepted() {
    let scene = &mut Scene::with(|terms| terms.identity_required = true);
    let booking = scene.paid();
    assert_eq!(scene.record(booking).identity, Identity::Missing);
    scene.identify(scene.carla, booking, Hash::ZERO).unwrap();
    scene.identify(scene.carla, booking, PAPERS).unwrap();
    assert_eq!(scene.last_event::<PapersShown>().papers, PAPERS);
    scene.accept(scene.hotel, booking, PAPERS).unwrap();
    assert_eq!(scene.last_event::<PapersAccepted>().papers, PAPERS);
    assert_eq!(scene.record(booking).identity, Identity::Accepted);
    scene.block(FROM);
    scene.check_in(booking).unwrap();
}

#[test]
fn bookings_of_different_transactions_have_different_ids() {
    let scene = &mut Scene::new();
    assert_ne!(scene.usual(), scene.usual());
}
