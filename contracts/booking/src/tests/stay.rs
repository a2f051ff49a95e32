//! Every way a booking ends, and who gets what.
use super::scene::{
    DECIDE_WITHIN, FROM, GRACE, HOUR, Outcome, PAY_WITHIN, PRICE, START, Scene, UNTIL, change, ms, refused, text,
};
use countersign_interface::booking::{CheckedIn, CheckedOut, Disputed, Ended, Error, Settled, Status};
use countersign_types::Hash;

/// The hotel has `to_merchant` more than in the beginning, Carla what is left of her money, the contract nothing; the object is free.
#[track_caller]
fn ends(scene: &mut Scene, booking: Hash, status: Status, to_merchant: u128) {
    let record = scene.record(booking);
    assert_eq!((record.status, record.settled), (status, true));
    assert_eq!(record.to_merchant.get(), to_merchant);
    assert_eq!(scene.balances(), [100_000 + to_merchant, 100_000 - to_merchant, 0]);
    assert_eq!(scene.escrow(), 0);
    assert_eq!(scene.host.waiting_jobs().count(), 0);
    assert_eq!(scene.free(FROM, UNTIL).len(), 2);
    let event: Ended = scene.last_event();
    assert_eq!((event.booking, event.status, event.settled), (booking, status, true));
    assert_eq!((event.to_customer, event.to_merchant), (record.to_customer, record.to_merchant));
    assert_eq!(scene.block(u64::MAX), [], "nothing happens any more");
}

#[test]
fn an_unpaid_booking_lapses() {
    let scene = &mut Scene::new();
    let booking = scene.usual();
    assert_eq!(scene.block(START + PAY_WITHIN - 1), []);
    assert_eq!(scene.block(START + PAY_WITHIN), [Ok(())]);
    ends(scene, booking, Status::Lapsed, 0);
}

#[test]
fn an_unpaid_booking_lapses_at_the_latest_when_it_begins() {
    let scene = &mut Scene::new();
    let booking = scene.request(scene.carla, START + 1_000, START + HOUR).unwrap();
    assert_eq!(scene.record(booking).due_at, ms(START + 1_000));
    assert_eq!(scene.block(START + 1_000), [Ok(())]);
    ends(scene, booking, Status::Lapsed, 0);
}

#[test]
fn the_customers_check_out_pays_the_merchant_at_once() {
    let scene = &mut Scene::new();
    let booking = scene.checked_in();
    let checked_in: CheckedIn = scene.last_event();
    assert_eq!((checked_in.booking, checked_in.object), (booking, text("1")), "its place is bound to it");
    assert_eq!(scene.record(booking).object, Some(text("1")));
    scene.check_out(scene.carla, booking).unwrap();
    ends(scene, booking, Status::Completed, PRICE);
}

#[test]
fn the_merchants_check_out_frees_the_object_and_pays_at_the_end() {
    let scene = &mut Scene::new();
    let booking = scene.checked_in();
    scene.check_out(scene.hotel, booking).unwrap();
    assert_eq!(scene.last_event::<CheckedOut>().by, scene.hotel.account);
    assert_eq!(scene.free(FROM, UNTIL).len(), 2);
    assert_eq!(scene.escrow(), PRICE);
    assert_eq!(scene.block(UNTIL), [Ok(())]);
    ends(scene, booking, Status::Completed, PRICE);
}

#[test]
fn after_the_merchants_check_out_the_customer_confirms_or_objects() {
    let scene = &mut Scene::new();
    let booking = scene.checked_in();
    scene.check_out(scene.hotel, booking).unwrap();
    scene.check_out(scene.carla, booking).unwrap();
    ends(scene, booking, Status::Completed, PRICE);

    let scene = &mut Scene::new();
    let booking = scene.checked_in();
    scene.check_out(scene.hotel, booking).unwrap();
    scene.dispute(scene.carla, booking).unwrap();
    scene.resolve(scene.judge, booking, PRICE, 0).unwrap();
    ends(scene, booking, Status::Resolved, 0);
}

#[test]
fn at_the_end_of_the_time_the_ledger_pays_by_itself() {
    let scene = &mut Scene::new();
    let booking = scene.checked_in();
    assert_eq!(scene.block(UNTIL - 1), []);
    assert_eq!(scene.block(UNTIL), [Ok(())]);
    ends(scene, booking, Status::Completed, PRICE);
}

#[test]
fn who_does_not_come_pays() {
    let scene = &mut Scene::new();
    let booking = scene.paid();
    assert_eq!(scene.block(FROM + GRACE - 1), []);
    assert_eq!(scene.block(FROM + GRACE), [Ok(())]);
    ends(scene, booking, Status::NoShow, PRICE);
}

#[test]
fn the_grace_ends_with_the_booked_time() {
    let scene = &mut Scene::new();
    let booking = scene.request(scene.carla, FROM, FROM + HOUR).unwrap();
    scene.pay(booking).unwrap();
    assert_eq!(scene.record(booking).due_at, ms(FROM + HOUR));
}

#[test]
fn cancelling_gives_back_what_the_tiers_say_rounded_down() {
    // Full until 12 hours before, a third until 6 hours before, then nothing.
    for (before, back) in [(12 * HOUR, PRICE), (12 * HOUR - 1, 2_640), (6 * HOUR, 2_640), (6 * HOUR - 1, 0), (0, 0)] {
        let scene = &mut Scene::new();
        let booking = scene.paid();
        scene.block(FROM - before);
        scene.cancel(scene.carla, booking).unwrap();
        ends(scene, booking, Status::Cancelled, PRICE - back);
    }
    let scene = &mut Scene::with(|terms| change(terms, 0, |kind| kind.price = countersign_types::Amount::new(101)));
    let booking = scene.paid();
    scene.block(FROM - 7 * HOUR);
    scene.cancel(scene.carla, booking).unwrap();
    assert_eq!(scene.record(booking).to_customer.get(), 33);
}

#[test]
fn a_tier_of_no_time_holds_until_the_beginning() {
    for (later, back) in [(0, PRICE), (1, 0)] {
        let scene = &mut Scene::with(|terms| {
            let always = countersign_interface::booking::Tier { before_s: 0, refund_percent: 100 };
            terms.refunds = [always].to_vec().try_into().unwrap();
        });
        let booking = scene.paid();
        scene.block(FROM + later);
        scene.cancel(scene.carla, booking).unwrap();
        ends(scene, booking, Status::Cancelled, PRICE - back);
    }
}

#[test]
fn parts_of_large_amounts_are_exact() {
    for amount in [0, 1, 99, 100, 101, u128::from(u64::MAX) * 7 + 3, u128::MAX / 100] {
        for percent in [0, 1, 33, 99, 100] {
            let part = crate::end::percent(countersign_types::Amount::new(amount), percent);
            assert_eq!(part.get(), amount * u128::from(percent) / 100, "{amount} {percent}");
        }
    }
    assert_eq!(crate::end::percent(countersign_types::Amount::MAX, 100), countersign_types::Amount::MAX);
}

#[test]
fn the_merchants_cancellation_gives_everything_back() {
    for time in [START + 1, FROM, FROM + GRACE - 1] {
        let scene = &mut Scene::new();
        let booking = scene.paid();
        scene.block(time);
        scene.cancel(scene.hotel, booking).unwrap();
        ends(scene, booking, Status::Withdrawn, 0);
    }
}

#[test]
fn either_side_cancels_what_is_not_paid() {
    for (by_customer, status) in [(true, Status::Cancelled), (false, Status::Withdrawn)] {
        let scene = &mut Scene::new();
        let booking = scene.usual();
        let party = if by_customer { scene.carla } else { scene.hotel };
        scene.cancel(party, booking).unwrap();
        ends(scene, booking, status, 0);
    }
}

#[test]
fn an_arbiter_splits_what_is_in_dispute() {
    for to_customer in [0, 1, PRICE] {
        let scene = &mut Scene::new();
        let booking = scene.disputed();
        let disputed: Disputed = scene.last_event();
        assert_eq!((disputed.by, disputed.reason), (scene.carla.account, text("no warm water")));
        assert_eq!(disputed.decide_by, ms(FROM + DECIDE_WITHIN));
        assert_eq!(scene.block(UNTIL), [], "the escrow is frozen");
        assert_eq!(scene.balances()[2], PRICE);
        scene.resolve(scene.judge, booking, to_customer, PRICE - to_customer).unwrap();
        ends(scene, booking, Status::Resolved, PRICE - to_customer);
    }
}

#[test]
fn a_named_arbiter_decides_and_no_other() {
    let mut named = None;
    let scene = &mut Scene::with(|terms| {
        named = Some(Scene::bare().stan);
        terms.arbiter = named.map(|actor| actor.account);
    });
    let booking = scene.disputed();
    assert_eq!(scene.resolve(scene.judge, booking, 0, PRICE), refused(Error::NotTheArbiter));
    scene.resolve(scene.stan, booking, 0, PRICE).unwrap();
    ends(scene, booking, Status::Resolved, PRICE);
}

#[test]
fn a_dispute_nobody_decides_is_split_as_the_listing_says() {
    let scene = &mut Scene::with(|terms| terms.undecided_percent = 25);
    let booking = scene.disputed();
    assert_eq!(scene.block(FROM + DECIDE_WITHIN - 1), []);
    assert_eq!(scene.block(FROM + DECIDE_WITHIN), [Ok(())]);
    ends(scene, booking, Status::Undecided, PRICE - PRICE / 4);
}

#[test]
fn the_merchant_can_give_in_to_a_dispute() {
    let scene = &mut Scene::new();
    let booking = scene.disputed();
    scene.cancel(scene.hotel, booking).unwrap();
    ends(scene, booking, Status::Withdrawn, 0);
}

#[test]
fn a_merchant_that_may_not_sell_any_more_gives_everything_back() {
    // Without its role or suspended; by cancelling late or by not coming.
    for suspended in [false, true] {
        for cancels in [false, true] {
            let scene = &mut Scene::new();
            let booking = scene.paid();
            scene.block(FROM + 1);
            if suspended {
                scene.host.set_suspended(scene.hotel.account, true);
            } else {
                scene.host.set_roles(scene.hotel.account, &[]);
            }
            let status = if cancels {
                scene.cancel(scene.carla, booking).unwrap();
                Status::Cancelled
            } else {
                assert_eq!(scene.block(FROM + GRACE), [Ok(())]);
                Status::Withdrawn
            };
            scene.host.set_suspended(scene.hotel.account, false);
            ends(scene, booking, status, 0);
        }
    }
}

#[test]
fn a_merchant_suspended_during_the_stay_is_paid_for_it() {
    let scene = &mut Scene::new();
    let booking = scene.checked_in();
    scene.host.set_suspended(scene.hotel.account, true);
    assert_eq!(scene.block(UNTIL), [Ok(())]);
    ends(scene, booking, Status::Completed, PRICE);
}

/// Each way to an end, with the asset frozen at that moment.
#[test]
fn a_frozen_asset_keeps_back_the_money_and_nothing_else() {
    type Way = fn(&mut Scene) -> (Hash, Outcome<()>);
    let ways: [(Way, u128); 5] = [
        (
            |scene| {
                let booking = scene.paid();
                scene.host.set_frozen(scene.eur, true);
                (booking, scene.block(FROM + GRACE).remove(0))
            },
            PRICE,
        ),
        (
            |scene| {
                let booking = scene.checked_in();
                scene.host.set_frozen(scene.eur, true);
                (booking, scene.block(UNTIL).remove(0))
            },
            PRICE,
        ),
        (
            |scene| {
                let booking = scene.paid();
                scene.host.set_frozen(scene.eur, true);
                (booking, scene.cancel(scene.hotel, booking))
            },
            0,
        ),
        (
            |scene| {
                let booking = scene.disputed();
                scene.host.set_frozen(scene.eur, true);
                (booking, scene.resolve(scene.judge, booking, 3_000, 5_000))
            },
            5_000,
        ),
        (
            |scene| {
                let booking = scene.disputed();
                scene.host.set_frozen(scene.eur, true);
                (booking, scene.block(FROM + DECIDE_WITHIN).remove(0))
            },
            PRICE / 2,
        ),
    ];
    for (way, to_merchant) in ways {
        let scene = &mut Scene::new();
        let (booking, outcome) = way(scene);
        assert_eq!(outcome, Ok(()));
        assert!(!scene.last_event::<Ended>().settled);
        assert_eq!(scene.balances(), [100_000, 92_000, PRICE], "nothing moved");
        assert_eq!(scene.free(FROM, UNTIL).len(), 2, "the object is free");
        assert_eq!(scene.collect(scene.stan, booking), refused(Error::AssetUnavailable));
        scene.host.set_frozen(scene.eur, false);
        scene.collect(scene.stan, booking).unwrap();
        assert_eq!(scene.last_event::<Settled>().to_merchant.get(), to_merchant);
        assert_eq!(scene.balances(), [100_000 + to_merchant, 100_000 - to_merchant, 0]);
        assert_eq!((scene.escrow(), scene.record(booking).settled), (0, true));
        assert_eq!(scene.collect(scene.stan, booking), refused(Error::AlreadySettled));
    }
}

#[test]
fn a_failing_job_leaves_the_others_alone() {
    let scene = &mut Scene::new();
    let first = scene.paid();
    let second = scene.request(scene.nils, FROM, UNTIL).unwrap();
    scene.pay(second).unwrap();
    // What somebody did already is refused to the job, and the next one runs.
    let key = crate::state::BOOKINGS;
    let mut record = scene.record(first);
    record.due_at = ms(u64::MAX);
    let change = |host: &mut _| {
        key.set(host, &first, &record);
        Ok::<(), Error>(())
    };
    scene.host.call(&[], change).unwrap();
    assert_eq!(scene.block(FROM + GRACE), [refused(Error::NotYetDue), Ok(())]);
    assert_eq!(scene.record(second).status, Status::NoShow);
}
