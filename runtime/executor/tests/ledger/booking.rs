//! Bookings as real wasm, from the listing to the end; gas, events and records are frozen.
use crate::frozen;
use crate::journal::{Journal, named_world};
use crate::lodging::{
    ALICE, ARBITER, BOB, CAROL, GRACE_MS, GUESTS, HOTEL, HOUR_MS, Lodge, PAPERS, PRICE, booking_id, rooms, terms, text,
};
use crate::world::{BALANCE, BLOCK_MS, eur, id, ok};
use countersign_interface::booking::{
    AcceptIdentity, Bind, Cancel, CheckIn, CheckOut, Choices, Choose, CloseListing, Dispute, FreeObjects, Identify,
    ListingOf, ListingRecord, ObjectType, OpenListing, Pay, Resolve, Status, TypeOf,
};
use countersign_types::receipt::Subject;
use countersign_types::{Amount, Hash, List, Params, Receipt, Text};

/// What no call but the opening of a listing may use, what it pays ahead for a job apart.
const GAS_MAX: u64 = 1_000_000;

/// Objects a type may have.
const OBJECTS_MAX: usize = 16;

/// Counts the steps' gas and notes them.
struct Steps {
    journal: Journal,
    /// The most gas of a step, without what it paid ahead.
    most: u64,
}

impl Steps {
    fn note(&mut self, step: &str, lodge: &Lodge, receipt: &Receipt, jobs: u64) {
        let own = receipt.gas.get() - jobs * Params::default().job_gas.get();
        self.most = self.most.max(own);
        self.journal.note(step, &lodge.world, receipt);
    }
}

#[test]
fn the_whole_story_with_frozen_gas_events_and_records() {
    let mut steps = Steps { journal: Journal::new(countersign_interface::booking::interface()), most: 0 };
    let mut lodge = Lodge::closed(named_world("booking"));
    let listing = OpenListing { identity_required: true, ..terms() };
    // 1. The service and who uses it.
    let receipt = ok(lodge.world.call(&listing, &[HOTEL]));
    steps.note("open", &lodge, &receipt, 0);
    for guest in [ALICE, BOB] {
        let receipt = ok(lodge.world.call(&Bind { merchant: id(HOTEL) }, &[guest]));
        steps.note("bind", &lodge, &receipt, 0);
    }
    // 2. The order. 3. The payment.
    let mut bookings = Vec::new();
    for guest in [ALICE, BOB] {
        let ask = lodge.ask_for("single", lodge.from, lodge.until);
        let receipt = ok(lodge.world.call(&ask, &[guest]));
        steps.note("request", &lodge, &receipt, 1);
        bookings.push(booking_id(&receipt));
        let receipt = ok(lodge.pay(guest, booking_id(&receipt)));
        steps.note("pay", &lodge, &receipt, 1);
    }
    let [alice, bob] = bookings[..] else { unreachable!() };
    assert_eq!(lodge.balances(), [BALANCE, BALANCE - PRICE, 2 * PRICE]);
    // 4. Bob takes the room Alice lay on, and she moves.
    let receipt = ok(lodge.choose(BOB, bob, "1"));
    steps.note("choose with an exchange", &lodge, &receipt, 0);
    let receipt = ok(lodge.choose(ALICE, alice, "2"));
    steps.note("choose", &lodge, &receipt, 0);
    assert_eq!(lodge.record(bob).unwrap().object, Some(text("1")));
    // 5. Papers.
    let receipt = ok(lodge.world.call(&Identify { booking: alice, papers: PAPERS }, &[ALICE]));
    steps.note("identify", &lodge, &receipt, 0);
    let receipt = ok(lodge.world.call(&AcceptIdentity { booking: alice, papers: PAPERS }, &[HOTEL]));
    steps.note("accept", &lodge, &receipt, 0);
    // 7. Alice stays; Bob does not come.
    lodge.pass_until(lodge.from - BLOCK_MS);
    let receipt = ok(lodge.world.call(&CheckIn { booking: alice }, &[HOTEL, ALICE]));
    steps.note("check in", &lodge, &receipt, 1);
    let receipt = ok(lodge.pass_until(lodge.from + GRACE_MS).pop().unwrap());
    assert!(matches!(receipt.subject, Subject::Job(_)));
    steps.note("no-show", &lodge, &receipt, 0);
    let receipt = ok(lodge.world.call(&CheckOut { booking: alice }, &[ALICE]));
    steps.note("check out", &lodge, &receipt, 0);
    assert_eq!(lodge.balances(), [BALANCE + 2 * PRICE, BALANCE - PRICE, 0]);
    assert_eq!(lodge.record(bob).unwrap().status, Status::NoShow);
    endings(&mut steps, &mut lodge);
    let receipt = ok(lodge.world.call(&CloseListing {}, &[HOTEL]));
    steps.note("close", &lodge, &receipt, 0);
    assert!(steps.most < GAS_MAX, "{}", steps.most);
    frozen::check("booking-fuel.txt", &steps.journal.text);
}

/// The ways a booking ends that the story leaves out.
fn endings(steps: &mut Steps, lodge: &mut Lodge) {
    lodge.from = lodge.until;
    lodge.until = lodge.from + 20 * HOUR_MS;
    let lapses = lodge.request(ALICE, lodge.from, lodge.until);
    let receipt = ok(lodge.pass_until(lodge.world.time + HOUR_MS).pop().unwrap());
    steps.note("lapse", lodge, &receipt, 0);
    assert_eq!(lodge.record(lapses).unwrap().status, Status::Lapsed);
    let cancelled = lodge.paid(ALICE);
    let receipt = ok(lodge.world.call(&Cancel { booking: cancelled }, &[ALICE]));
    steps.note("cancel", lodge, &receipt, 0);
    let disputed = lodge.paid(ALICE);
    let receipt = ok(lodge.world.call(&Dispute { booking: disputed, reason: text("cold") }, &[ALICE]));
    steps.note("dispute", lodge, &receipt, 1);
    let [to_customer, to_merchant] = [3_000, 5_000].map(Amount::new);
    let resolve = Resolve { booking: disputed, asset: eur(), to_customer, to_merchant };
    let receipt = ok(lodge.world.call(&resolve, &[ARBITER]));
    steps.note("resolve", lodge, &receipt, 0);
    let undecided = lodge.paid(ALICE);
    ok(lodge.world.call(&Dispute { booking: undecided, reason: text("cold") }, &[ALICE]));
    let receipt = ok(lodge.pass_until(lodge.world.time + 48 * HOUR_MS).pop().unwrap());
    steps.note("undecided", lodge, &receipt, 0);
    assert_eq!(lodge.record(undecided).unwrap().to_customer, Amount::new(PRICE / 2));
    assert_eq!(lodge.escrow(), 0);
}

#[test]
fn at_the_end_of_the_time_the_ledger_pays_by_itself() {
    let mut lodge = Lodge::new();
    let booking = lodge.checked_in(ALICE);
    assert_eq!(lodge.pass_until(lodge.until - 1), []);
    ok(lodge.pass_until(lodge.until).pop().unwrap());
    assert_eq!(lodge.record(booking).unwrap().status, Status::Completed);
    assert_eq!(lodge.balances(), [BALANCE + PRICE, BALANCE - PRICE, 0]);
}

#[test]
fn what_can_be_asked() {
    let mut lodge = Lodge::new();
    let merchant = id(HOTEL);
    let listing: ListingRecord = lodge.ask(ListingOf::NAME, ListingOf { merchant, number: None }).unwrap();
    assert_eq!((listing.number, listing.title), (1, text("Harbour Hotel")));
    let suite: ObjectType = lodge.ask(TypeOf::NAME, TypeOf { merchant, listing: 1, kind: text("suite") }).unwrap();
    assert_eq!(suite, terms().types[1]);
    let booking = lodge.paid(ALICE);
    let span = [lodge.from, lodge.until].map(crate::world::ms);
    let free = FreeObjects { merchant, kind: text("single"), from: span[0], until: span[1] };
    assert_eq!(lodge.ask::<List<Text>>(FreeObjects::NAME, free).unwrap()[..], [text("2")]);
    assert_eq!(lodge.ask::<List<Text>>(Choices::NAME, Choices { booking }).unwrap()[..], [text("1"), text("2")]);
}

/// A house with as many rooms of a type as there may be, in which at each hour half of them are taken, but never the same ones.
fn crowded() -> Lodge {
    let mut lodge = Lodge::with(|terms| {
        terms.types =
            vec![rooms("single", 100, (0..OBJECTS_MAX).map(|index| format!("{index:02}")))].try_into().unwrap();
    });
    let (first, second, end) = (lodge.from, lodge.from + HOUR_MS, lodge.from + 2 * HOUR_MS);
    let book = |lodge: &mut Lodge, index: usize, from, until| {
        let guest = GUESTS[index % GUESTS.len()];
        let booking = lodge.request(guest, from, until);
        ok(lodge.pay(guest, booking));
        booking
    };
    let late: Vec<Hash> = (0..OBJECTS_MAX).map(|index| book(&mut lodge, index, second, end)).collect();
    for booking in &late[..OBJECTS_MAX / 2] {
        ok(lodge.world.call(&Cancel { booking: *booking }, &[HOTEL]));
    }
    for index in 0..OBJECTS_MAX / 2 {
        book(&mut lodge, index, first, second);
    }
    lodge
}

#[test]
fn the_dearest_calls_stay_below_a_million() {
    let mut lodge = crowded();
    let job = Params::default().job_gas.get();
    let end = lodge.from + 2 * HOUR_MS;
    // Every room is read, and half of them again; then two change places.
    let ask = lodge.ask_for("single", lodge.from, end);
    let receipt = ok(lodge.world.call(&ask, &[ALICE]));
    let request = receipt.gas.get() - job;
    let booking = booking_id(&receipt);
    let amount = lodge.record(booking).unwrap().price;
    ok(lodge.world.call(&Pay { booking, asset: eur(), amount }, &[ALICE]));
    let object = lodge.ask::<List<Text>>(Choices::NAME, Choices { booking }).unwrap().into_inner().pop().unwrap();
    let receipt = ok(lodge.world.call(&Choose { booking, object }, &[ALICE]));
    let choose = receipt.gas.get();
    assert!(request < GAS_MAX && choose < GAS_MAX, "{request} {choose}");
    // Until nothing is free.
    let ask = lodge.ask_for("single", lodge.from, end);
    for index in 0.. {
        let receipt = lodge.world.call(&ask, &[GUESTS[index % GUESTS.len()]]);
        let dearest = receipt.gas.get() - if receipt.outcome.is_ok() { job } else { 0 };
        assert!(dearest < GAS_MAX, "{dearest}");
        if receipt.outcome.is_err() {
            break;
        }
        let booking = booking_id(&receipt);
        ok(lodge.pay(GUESTS[index % GUESTS.len()], booking));
    }
}

#[test]
fn the_largest_listing_opens() {
    let mut lodge = Lodge::closed(crate::world::World::new());
    let kind = |kind: usize| rooms(&format!("{kind:032}"), 1, (0..16).map(move |room| format!("{kind:016}{room:016}")));
    let types: Vec<_> = (0..16).map(kind).collect();
    let listing = OpenListing { types: types.try_into().unwrap(), ..terms() };
    let receipt = ok(lodge.world.call(&listing, &[HOTEL]));
    assert!(receipt.gas.get() < 15_000_000, "{}", receipt.gas);
    ok(lodge.world.call(&Bind { merchant: id(HOTEL) }, &[CAROL]));
    let ask = lodge.ask_for(&format!("{:032}", 15), lodge.from, lodge.until);
    ok(lodge.world.call(&ask, &[CAROL]));
}
