//! Random moves at random times: the contract agrees with the model, no object is taken twice, value is conserved, every booking ends.
use super::model::{
    DECIDE_WITHIN, GRACE, HOUR, MERCHANT, Model, OBJECTS, PAY_WITHIN, PEOPLE, PRICE, Stage, TIERS, UNDECIDED_PERCENT,
    Verdict,
};
use super::scene::{START, Scene, ms, secs, text};
use crate::places::Floor;
use crate::state::PLACES;
use alloc::vec;
use alloc::vec::Vec;
use countersign_contract_sdk::testing::Actor;
use countersign_interface::booking::{Error, ObjectType, Tier, Unit};
use countersign_types::account::Role;
use countersign_types::{Amount, Hash};
use proptest::prelude::*;

/// Little enough that money runs out now and then.
const FUNDS: u128 = 3_000;
/// The number of the only listing.
const LISTING: u32 = 1;
const NAMES: [&str; OBJECTS] = ["1", "2", "3"];

#[derive(Clone, Debug)]
enum Move {
    Request { customer: usize, later: u64, hours: u64, odd: u64 },
    Pay { stay: usize },
    Choose { stay: usize, object: usize },
    CheckIn { stay: usize },
    CheckOut { stay: usize, by_customer: bool },
    Cancel { stay: usize, by_customer: bool },
    Dispute { stay: usize, by_customer: bool },
    Resolve { stay: usize, to_customer: u128 },
    Collect { stay: usize },
    Block { later: u64 },
    Freeze { frozen: bool },
    License { licensed: bool },
}

/// `moves` of which a part `chooses`: without any, bookings are never bound before their time.
fn moves(chooses: bool, count: core::ops::Range<usize>) -> impl Strategy<Value = Vec<Move>> {
    // The newest stays are the most interesting; indices count from the end.
    let stay = || prop_oneof![3 => Just(0_usize), 2 => 1..4_usize, 1 => 0..40_usize];
    // Few different times, so that many fall together; now and then a millisecond beside them.
    let odd = prop_oneof![4 => Just(0_u64), 1 => Just(1_u64)];
    let one = prop_oneof![
        8 => (1..PEOPLE, 0..14_u64, 1..7_u64, odd)
            .prop_map(|(customer, later, hours, odd)| Move::Request { customer, later, hours, odd }),
        7 => stay().prop_map(|stay| Move::Pay { stay }),
        5 => (stay(), 0..OBJECTS).prop_map(move |(stay, object)| match chooses {
            true => Move::Choose { stay, object },
            false => Move::Pay { stay },
        }),
        3 => stay().prop_map(|stay| Move::CheckIn { stay }),
        2 => (stay(), any::<bool>()).prop_map(|(stay, by_customer)| Move::CheckOut { stay, by_customer }),
        3 => (stay(), any::<bool>()).prop_map(|(stay, by_customer)| Move::Cancel { stay, by_customer }),
        1 => (stay(), any::<bool>()).prop_map(|(stay, by_customer)| Move::Dispute { stay, by_customer }),
        1 => (stay(), 0..700_u128).prop_map(|(stay, to_customer)| Move::Resolve { stay, to_customer }),
        1 => stay().prop_map(|stay| Move::Collect { stay }),
        3 => (1..4_u64).prop_map(|later| Move::Block { later }),
        1 => prop_oneof![3 => Just(false), 1 => Just(true)].prop_map(|frozen| Move::Freeze { frozen }),
        1 => prop_oneof![3 => Just(true), 1 => Just(false)].prop_map(|licensed| Move::License { licensed }),
    ];
    prop::collection::vec(one, count)
}

/// The contract and the model side by side.
struct Pair {
    scene: Scene,
    model: Model,
    people: [Actor; PEOPLE],
    bookings: Vec<Hash>,
}

impl Pair {
    fn new() -> Self {
        let mut scene = Scene::with(|terms| {
            let objects = NAMES.map(text).to_vec().try_into().unwrap();
            let kind = ObjectType { name: text("single"), unit: Unit::Hour, price: Amount::new(PRICE), objects };
            let tier = |(hours, percent): (u64, u128)| Tier {
                before_s: secs(hours * HOUR),
                refund_percent: u8::try_from(percent).unwrap(),
            };
            terms.types = [kind].to_vec().try_into().unwrap();
            terms.refunds = TIERS.map(tier).to_vec().try_into().unwrap();
            terms.grace_s = secs(GRACE);
            terms.pay_within_s = secs(PAY_WITHIN);
            terms.decide_within_s = secs(DECIDE_WITHIN);
            terms.undecided_percent = u8::try_from(UNDECIDED_PERCENT).unwrap();
        });
        let people = [scene.hotel, scene.carla, scene.nils, scene.stan];
        let balances = people.map(|person| scene.host.held(person.account, scene.eur).get().min(FUNDS));
        // What is too much goes to somebody who does not play.
        let (away, eur) = (scene.rival.account, scene.eur);
        for person in people {
            let from = person.account;
            let more = scene.host.held(from, eur).checked_sub(Amount::new(FUNDS)).unwrap();
            scene
                .host
                .call::<_, Error>(&[from], |host| {
                    countersign_contract_sdk::Host::transfer(host, from, away, eur, more);
                    Ok(())
                })
                .unwrap();
        }
        let model = Model { now: START, frozen: false, licensed: true, balances, stays: Vec::new() };
        Self { scene, model, people, bookings: Vec::new() }
    }

    /// Makes one move on both sides; both take it or both refuse it.
    fn make(&mut self, step: &Move) {
        match *step {
            Move::Request { customer, later, hours, odd } => self.request(customer, later, hours, odd),
            Move::Block { later } => self.block(self.model.now + later * HOUR),
            Move::Freeze { frozen } => {
                self.scene.host.set_frozen(self.scene.eur, frozen);
                self.model.frozen = frozen;
            }
            Move::License { licensed } => {
                let roles: &[Role] = if licensed { &[Role::Merchant] } else { &[] };
                self.scene.host.set_roles(self.people[MERCHANT].account, roles);
                self.model.licensed = licensed;
            }
            Move::Pay { stay }
            | Move::Choose { stay, .. }
            | Move::CheckIn { stay }
            | Move::CheckOut { stay, .. }
            | Move::Cancel { stay, .. }
            | Move::Dispute { stay, .. }
            | Move::Resolve { stay, .. }
            | Move::Collect { stay } => {
                if let Some(back) = stay.checked_rem(self.bookings.len()) {
                    self.treat(self.bookings.len() - 1 - back, step);
                }
            }
        }
    }

    /// A move about one stay.
    fn treat(&mut self, stay: usize, step: &Move) {
        let (scene, model, booking) = (&mut self.scene, &mut self.model, self.bookings[stay]);
        let customer = self.people[model.stays[stay].customer];
        let party = |by_customer: bool| if by_customer { customer } else { self.people[MERCHANT] };
        let (outcome, expected) = match *step {
            Move::Pay { .. } => (scene.pay(booking), model.pay(stay)),
            Move::Choose { object, .. } => (scene.choose(booking, NAMES[object]), model.choose(stay, object)),
            Move::CheckIn { .. } => (scene.check_in(booking), model.check_in(stay)),
            Move::CheckOut { by_customer, .. } => {
                (scene.check_out(party(by_customer), booking), model.check_out(stay, by_customer))
            }
            Move::Cancel { by_customer, .. } => {
                (scene.cancel(party(by_customer), booking), model.cancel(stay, by_customer))
            }
            Move::Dispute { by_customer, .. } => (scene.dispute(party(by_customer), booking), model.dispute(stay)),
            Move::Resolve { to_customer, .. } => {
                let to_merchant = model.stays[stay].price.saturating_sub(to_customer);
                (scene.resolve(scene.judge, booking, to_customer, to_merchant), model.resolve(stay, to_customer))
            }
            _ => (scene.collect(scene.judge, booking), model.collect(stay)),
        };
        assert_eq!(outcome.is_ok(), expected, "{step:?}: {outcome:?}");
    }

    fn request(&mut self, customer: usize, later: u64, hours: u64, odd: u64) {
        let from = self.model.now + later * HOUR;
        let until = from + hours * HOUR + odd;
        let outcome = self.scene.request(self.people[customer], from, until);
        match self.model.request(customer, from, until) {
            Verdict::Taken => {
                assert!(outcome.is_ok() || self.only_bounds_refuse(from, until), "{outcome:?}");
            }
            Verdict::Refused => assert!(outcome.is_err()),
            Verdict::Open => {}
        }
        if let Ok(booking) = outcome {
            self.bookings.push(booking);
            self.model.add(customer, from, until);
            // Where all lie now is the contract's choice; that nobody who is bound has moved and none lie on each other is checked.
            for stay in 0..self.bookings.len() {
                let place = self.place(stay);
                let known = &mut self.model.stays[stay];
                assert!(!known.bound || known.place == place, "a bound booking stays where it is");
                known.place = place;
            }
        }
    }

    /// True if there is room once the bounds for moves and readings are set aside.
    fn only_bounds_refuse(&mut self, from: u64, until: u64) -> bool {
        let (merchant, objects) = (self.people[MERCHANT].account, NAMES.map(text));
        let mut found = None;
        let undone = self.scene.host.call::<(), _>(&[], |host| {
            found = Floor::unbounded(host, &merchant, LISTING).make_room(&objects, ms(from), ms(until));
            Err(Error::NoneFree)
        });
        assert!(undone.is_err());
        found.is_some()
    }

    fn place(&mut self, stay: usize) -> Option<usize> {
        let booking = self.bookings[stay];
        let place = self.scene.host.query::<_, Error>(|host| Ok(PLACES.get(host, &booking))).unwrap()?;
        NAMES.iter().position(|name| *name == place.as_str())
    }

    fn block(&mut self, time: u64) {
        let outcomes = self.scene.block(time);
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        self.model.block(time);
    }

    fn check(&mut self) {
        assert!(self.model.is_sound(), "{:#?}", self.model.stays);
        for stay in 0..self.bookings.len() {
            assert_eq!(self.place(stay), self.model.stays[stay].place, "stay {stay}");
        }
        let host = &self.scene.host;
        let held = self.people.map(|person| host.held(person.account, self.scene.eur).get());
        assert_eq!(held, self.model.balances);
        let escrow = host.held(host.contract(), self.scene.eur).get();
        assert_eq!(escrow, self.model.held_by_contract());
        assert_eq!(escrow, self.scene.escrow());
        let open = self.model.stays.iter().filter(|stay| stay.stage != Stage::Ended).count();
        assert_eq!(self.scene.host.waiting_jobs().count(), open, "one job for each booking that has not ended");
    }

    /// Lets everything move again, waits for the last time and collects what a frozen asset kept back.
    fn finish(&mut self) {
        self.make(&Move::Freeze { frozen: false });
        self.block(u64::MAX);
        for stay in 0..self.bookings.len() {
            assert_eq!(self.model.stays[stay].stage, Stage::Ended);
            if self.model.stays[stay].owed != [0; 2] {
                self.treat(stay, &Move::Collect { stay });
            }
            assert!(self.scene.record(self.bookings[stay]).settled);
        }
        assert_eq!(self.scene.escrow(), 0);
        // Nothing is left in the calendar, of places and of unpaid bookings.
        let left = [6, 8, 4].map(|prefix| self.scene.host.storage().keys().filter(|key| key[0] == prefix).count());
        assert_eq!(left, [0; 3]);
    }
}

fn agree(moves: &[Move]) {
    let mut pair = Pair::new();
    let supply = pair.scene.host.supply(pair.scene.eur);
    for step in moves {
        pair.make(step);
        pair.check();
    }
    pair.finish();
    pair.check();
    assert_eq!(pair.scene.host.supply(pair.scene.eur), supply);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_contract_agrees_with_the_model(moves in moves(true, 1..60)) {
        agree(&moves);
    }

    /// But for the bounds for moves and readings.
    #[test]
    fn while_nobody_chooses_only_a_full_house_refuses(moves in moves(false, 1..60)) {
        agree(&moves);
    }
}

/// Requests after which one more would have to move more than one call may.
#[test]
fn a_house_that_is_not_full_may_need_more_moves_than_one_call_has() {
    let mut pair = Pair::new();
    let request = |customer, later, hours| Move::Request { customer, later, hours, odd: 0 };
    let (pay, block) = (Move::Pay { stay: 0 }, |later| Move::Block { later });
    let before = [
        request(1, 8, 6),
        pay.clone(),
        request(1, 0, 1),
        request(1, 0, 1),
        block(3),
        request(1, 0, 1),
        request(1, 0, 1),
        request(1, 12, 4),
        pay,
        request(1, 0, 1),
        block(2),
        block(3),
        request(1, 1, 1),
        request(1, 9, 5),
        request(1, 1, 6),
        request(2, 8, 1),
        request(2, 6, 2),
    ];
    for step in &before {
        pair.make(step);
        pair.check();
    }
    let (from, until) = (pair.model.now + 4 * HOUR, pair.model.now + 8 * HOUR);
    assert!(pair.scene.request(pair.people[1], from, until).is_err());
    assert!(pair.only_bounds_refuse(from, until), "there is room");
    pair.finish();
}
