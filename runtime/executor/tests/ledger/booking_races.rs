//! What happens at one time: the last room twice, cancelling against checking in, frozen money, many bookings due in one minute.
use crate::lodging::{ALICE, BOB, GRACE_MS, GUESTS, HOTEL, HOUR_MS, Lodge, PRICE, booking_id, rooms, terms, text};
use crate::probe::Script;
use crate::world::{BALANCE, BLOCK_MS, COUNCIL, World, eur, id, ids, key, ms, ok, refusal};
use countersign_interface::Method;
use countersign_interface::assets::{SetFrozen, Transfer};
use countersign_interface::booking::{Bind, Cancel, CheckIn, Choose, Collect, Error, Pay, Request, Status};
use countersign_interface::code::SetSuspended;
use countersign_interface::registry::{Admit, SetMemberSuspended, SetRoles};
use countersign_types::receipt::Subject;
use countersign_types::{Amount, Call, Gas, Hash, List, Receipt, Role};

/// Runs one transaction for each call, all in one block.
fn at_once(world: &mut World, calls: Vec<Call>) -> Vec<Receipt> {
    let signed: Vec<_> = calls
        .into_iter()
        .map(|call| {
            let draft = world.draft(vec![call]);
            world.sign(&draft)
        })
        .collect();
    world.block(&signed).receipts
}

#[test]
fn the_last_room_goes_to_the_first_of_two_requests_in_one_block() {
    let mut lodge = Lodge::new();
    let ask = lodge.ask_for("suite", lodge.from, lodge.until);
    let receipts = at_once(&mut lodge.world, vec![ask.call(&[id(ALICE)]), ask.call(&[id(BOB)])]);
    let booking = booking_id(&ok(receipts[0].clone()));
    assert_eq!(Error::from_code(refusal(&receipts[1])), Some(Error::NoneFree));
    assert_eq!(lodge.record(booking).unwrap().customer, id(ALICE));
}

#[test]
fn a_room_goes_to_the_first_of_two_who_choose_it_in_one_block() {
    let mut lodge = Lodge::new();
    let [alice, bob] = [ALICE, BOB].map(|guest| lodge.paid(guest));
    let choose = |booking, guest| Choose { booking, object: text("1") }.call(&[id(guest)]);
    let receipts = at_once(&mut lodge.world, vec![choose(bob, BOB), choose(alice, ALICE)]);
    ok(receipts[0].clone());
    assert_eq!(Error::from_code(refusal(&receipts[1])), Some(Error::ObjectTaken));
    ok(lodge.choose(ALICE, alice, "2"));
}

#[test]
fn of_cancelling_and_checking_in_in_one_block_the_first_counts() {
    for cancels_first in [false, true] {
        let mut lodge = Lodge::new();
        let booking = lodge.paid(ALICE);
        lodge.pass_until(lodge.from - BLOCK_MS);
        let mut calls = vec![CheckIn { booking }.call(&ids(&[HOTEL, ALICE])), Cancel { booking }.call(&[id(HOTEL)])];
        if cancels_first {
            calls.reverse();
        }
        let receipts = at_once(&mut lodge.world, calls);
        ok(receipts[0].clone());
        let error = if cancels_first { Error::BookingEnded } else { Error::AlreadyCheckedIn };
        assert_eq!(Error::from_code(refusal(&receipts[1])), Some(error));
        let status = if cancels_first { Status::Withdrawn } else { Status::CheckedIn };
        assert_eq!(lodge.record(booking).unwrap().status, status);
    }
}

#[test]
fn a_merchant_suspended_meanwhile_sells_nothing_and_keeps_nothing() {
    let mut lodge = Lodge::new();
    let booking = lodge.paid(ALICE);
    let unpaid = lodge.request(ALICE, lodge.until, lodge.until + HOUR_MS);
    let council = [COUNCIL[0], COUNCIL[1]];
    ok(lodge.world.call(&SetRoles { member: id(HOTEL), roles: List::empty() }, &council));
    let ask = lodge.ask_for("single", lodge.from, lodge.until);
    assert_eq!(lodge.refused(&ask, &[BOB]), Error::NotAMerchant);
    let pay = Pay { booking: unpaid, asset: eur(), amount: Amount::new(PRICE) };
    assert_eq!(lodge.refused(&pay, &[ALICE]), Error::NotAMerchant);
    ok(lodge.world.call(&SetMemberSuspended { member: id(HOTEL), suspended: true }, &council));
    let receipts = lodge.pass_until(lodge.from + GRACE_MS);
    assert!(receipts.into_iter().all(|receipt| receipt.outcome.is_ok()));
    assert_eq!(lodge.record(booking).unwrap().status, Status::Withdrawn);
    assert_eq!(lodge.record(unpaid).unwrap().status, Status::Lapsed);
    assert_eq!(lodge.balances(), [BALANCE, BALANCE, 0]);
}

#[test]
fn money_frozen_at_the_end_is_collected_later() {
    let mut lodge = Lodge::new();
    let booking = lodge.checked_in(ALICE);
    let freeze = |frozen| SetFrozen { asset: eur(), frozen };
    ok(lodge.world.call(&freeze(true), &["bank.example"]));
    ok(lodge.pass_until(lodge.until).pop().unwrap());
    let record = lodge.record(booking).unwrap();
    assert_eq!((record.status, record.settled), (Status::Completed, false));
    assert_eq!(lodge.balances()[2], PRICE);
    assert_eq!(lodge.refused(&Collect { booking }, &[BOB]), Error::AssetUnavailable);
    ok(lodge.world.call(&freeze(false), &["bank.example"]));
    ok(lodge.world.call(&Collect { booking }, &[BOB]));
    assert_eq!(lodge.balances(), [BALANCE + PRICE, BALANCE - PRICE, 0]);
}

#[test]
fn a_suspended_contract_does_what_is_due_when_it_resumes() {
    let mut lodge = Lodge::new();
    let booking = lodge.paid(ALICE);
    let council = [COUNCIL[0], COUNCIL[1]];
    let suspend = |suspended| SetSuspended { name: "booking".parse().unwrap(), suspended };
    ok(lodge.world.call(&suspend(true), &council));
    lodge.pass_until(lodge.from + GRACE_MS);
    ok(lodge.world.call(&suspend(false), &council));
    // Before its job comes again anybody may ask.
    assert_eq!(lodge.record(booking).unwrap().status, Status::Paid);
    ok(lodge.world.call(&Collect { booking }, &[BOB]));
    assert_eq!(lodge.record(booking).unwrap().status, Status::NoShow);
    assert_eq!(lodge.pass_until(lodge.from + 2 * GRACE_MS), [], "the job is gone");
}

/// Houses in that test: each has the most rooms a listing holds.
const HOUSES: usize = 40;
const KINDS: usize = 16;
/// Bookings that fall due together.
const MANY: usize = HOUSES * KINDS * 16;
/// Gas of the lane in that test: some 1,100 of them fit a block.
const LANE: u64 = 200_000_000;

/// Houses whose guests have booked `MANY` rooms for the same time.
fn full_houses() -> (Lodge, Vec<Hash>) {
    let world = World::with(|genesis| genesis.params.lane_gas_max = Gas::new(LANE));
    let mut lodge = Lodge::closed(world);
    let council = [COUNCIL[0], COUNCIL[1]];
    let kind = |kind: usize| rooms(&format!("{kind:02}"), 10, (0..16).map(move |room| format!("{kind:02}-{room:02}")));
    let types: Vec<_> = (0..KINDS).map(kind).collect();
    let mut bookings = Vec::new();
    for house in 0..HOUSES {
        let house = format!("house-{house}.example");
        lodge.world.knows(&house);
        let roles = vec![Role::Merchant].try_into().unwrap();
        ok(lodge.world.call(&Admit { name: house.parse().unwrap(), key: key(&house), roles }, &council));
        let types = types.clone().try_into().unwrap();
        let listing = countersign_interface::booking::OpenListing { types, arbiter: None, ..terms() };
        ok(lodge.world.call(&listing, &[&house]));
        for guest in GUESTS {
            ok(lodge.world.call(&Bind { merchant: id(&house) }, &[guest]));
        }
        for kind in 0..KINDS {
            bookings.extend(book_by_all(&mut lodge, &house, &format!("{kind:02}")));
        }
    }
    (lodge, bookings)
}

/// Each guest books and pays four rooms, in one block each.
fn book_by_all(lodge: &mut Lodge, house: &str, kind: &str) -> Vec<Hash> {
    let ask = Request { merchant: id(house), kind: text(kind), from: ms(lodge.from), until: ms(lodge.until) };
    let four = |world: &mut World, guest: &str, calls: Vec<Call>| {
        assert!(calls.iter().all(|call| call.parties[..] == [id(guest)]));
        let draft = world.draft(calls);
        world.sign(&draft)
    };
    let asked: Vec<_> =
        GUESTS.iter().map(|guest| four(&mut lodge.world, guest, vec![ask.call(&[id(guest)]); 4])).collect();
    let receipts = lodge.world.block(&asked).receipts;
    let told = receipts.into_iter().map(|receipt| {
        let events = ok(receipt).events;
        events.iter().map(|event| parity_scale_codec::Decode::decode(&mut &event.data[..]).unwrap()).collect()
    });
    let bookings: Vec<Vec<Hash>> = told.collect();
    let paid: Vec<_> = GUESTS
        .iter()
        .zip(&bookings)
        .map(|(guest, own)| {
            let pay = |booking: &Hash| Pay { booking: *booking, asset: eur(), amount: Amount::new(10) };
            let calls = own.iter().map(|booking| pay(booking).call(&[id(guest)])).collect();
            four(&mut lodge.world, guest, calls)
        })
        .collect();
    lodge.world.block(&paid).receipts.into_iter().for_each(|receipt| drop(ok(receipt)));
    bookings.concat()
}

#[test]
fn many_bookings_due_together_spread_over_blocks_in_order_and_delay_nobody() {
    let (mut lodge, bookings) = full_houses();
    assert_eq!(bookings.len(), MANY);
    let due = lodge.from + GRACE_MS;
    // A job that fails stands among them.
    let steals = Script::new().host("transfer", (id(ALICE), id(BOB), eur(), Amount::new(1)));
    ok(Script::new().host("schedule", (ms(due - 1), 1_u32, steals.args())).run(&mut lodge.world));
    lodge.world.block_at(due - BLOCK_MS, &[]);
    let (mut ran, mut blocks) = (Vec::new(), 0);
    while ran.len() <= MANY {
        let gift = Transfer { asset: eur(), to: id(BOB), amount: Amount::new(1), reference: text("") };
        let draft = lodge.world.draft(vec![gift.call(&[id("bank.example")])]);
        let signed = lodge.world.sign(&draft);
        let mut receipts = lodge.world.block(&[signed]).receipts;
        ok(receipts.pop().unwrap());
        let gas: u64 = receipts.iter().map(|receipt| receipt.gas.get()).sum();
        assert!(gas <= LANE && !receipts.is_empty(), "{gas}");
        ran.extend(receipts);
        blocks += 1;
    }
    assert!((3..30).contains(&blocks), "{blocks}");
    assert!(ran[0].outcome.is_err(), "the one that fails comes first and stops nobody");
    assert!(ran[1..].iter().all(|receipt| receipt.outcome.is_ok()));
    let number = |receipt: &Receipt| match receipt.subject {
        Subject::Job(number) => number,
        other => panic!("only jobs ran: {other:?}"),
    };
    let numbers: Vec<u64> = ran[1..].iter().map(number).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "in the order they were scheduled");
    assert!(bookings.iter().all(|booking| lodge.record(*booking).unwrap().status == Status::NoShow));
    assert_eq!(lodge.escrow(), 0);
}
