//! A hotel with two single rooms and a suite, customers with money, an arbiter, and their usual moves.
use crate::Booking;
use alloc::vec::Vec;
use countersign_contract_sdk::testing::{Actor, Stopped, TestHost};
use countersign_interface::booking::{
    AcceptIdentity, Bind, BookingOf, BookingRecord, Cancel, CheckIn, CheckOut, Choices, Choose, CloseListing, Collect,
    Dispute, Error, Escrow, FreeObjects, Identify, ObjectType, OpenListing, Pay, Request, Requested, Resolve, Rules,
    Tier, Unit, dispatch,
};
use countersign_interface::{DispatchFault, Event};
use countersign_types::account::Role;
use countersign_types::{AccountId, Amount, AssetId, Hash, Text, Timestamp};
use parity_scale_codec::{Decode, DecodeAll};

pub type Outcome<T> = Result<T, Stopped<Error>>;

/// What everybody has in the beginning.
pub const FUNDS: Amount = Amount::new(100_000);
/// An hour in milliseconds.
pub const HOUR: u64 = 3_600_000;
/// Midnight of some day, so that nights cross one.
pub const START: u64 = 20_000 * 24 * HOUR;
/// The usual night: from 15:00 of the first day to 11:00 of the second.
pub const FROM: u64 = START + 15 * HOUR;
pub const UNTIL: u64 = START + 35 * HOUR;
/// A night in a single room.
pub const PRICE: u128 = 8_000;
pub const GRACE: u64 = 2 * HOUR;
pub const PAY_WITHIN: u64 = HOUR;
pub const DECIDE_WITHIN: u64 = 48 * HOUR;

pub struct Scene {
    pub host: TestHost,
    pub eur: AssetId,
    pub hotel: Actor,
    pub rival: Actor,
    pub judge: Actor,
    pub carla: Actor,
    pub nils: Actor,
    pub stan: Actor,
}

impl Scene {
    /// Nobody has opened anything.
    pub fn bare() -> Self {
        let mut host = TestHost::new("booking", ms(START));
        let eur = host.add_asset("EUR");
        let hotel = host.add_member("hotel.example", &[Role::Merchant]);
        let rival = host.add_member("rival.example", &[Role::Merchant]);
        let judge = host.add_member("judge.example", &[Role::Arbiter]);
        let bank = host.add_member("bank.example", &[Role::Issuer]);
        let [carla, nils, stan] =
            ["carla@bank.example", "nils@bank.example", "stan@bank.example"].map(|name| host.add_holder(name, &bank));
        for actor in [hotel, rival, judge, carla, nils, stan] {
            host.issue(actor.account, eur, FUNDS);
        }
        Self { host, eur, hotel, rival, judge, carla, nils, stan }
    }

    /// The hotel is open and all customers use its service.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// Open under changed terms.
    pub fn with(change: impl FnOnce(&mut OpenListing)) -> Self {
        let mut scene = Self::bare();
        let mut terms = scene.terms();
        change(&mut terms);
        scene.open(terms).unwrap();
        for customer in [scene.carla, scene.nils, scene.stan] {
            scene.bind(customer).unwrap();
        }
        scene
    }

    /// The usual terms.
    pub fn terms(&self) -> OpenListing {
        let nights = |name, price, objects: &[&str]| ObjectType {
            name: text(name),
            unit: Unit::Night,
            price: Amount::new(price),
            objects: objects.iter().map(|object| text(object)).collect::<Vec<_>>().try_into().unwrap(),
        };
        let tier = |hours: u32, refund_percent| Tier { before_s: hours * 3_600, refund_percent };
        OpenListing {
            title: text("Harbour Hotel"),
            asset: self.eur,
            types: [nights("single", PRICE, &["1", "2"]), nights("suite", 30_000, &["9"])].to_vec().try_into().unwrap(),
            refunds: [tier(12, 100), tier(6, 33)].to_vec().try_into().unwrap(),
            grace_s: secs(GRACE),
            pay_within_s: secs(PAY_WITHIN),
            decide_within_s: secs(DECIDE_WITHIN),
            undecided_percent: 50,
            arbiter: None,
            identity_required: false,
        }
    }

    pub fn open(&mut self, terms: OpenListing) -> Outcome<()> {
        self.open_as(self.hotel, terms)
    }

    pub fn open_as(&mut self, merchant: Actor, terms: OpenListing) -> Outcome<()> {
        self.host.call(&[merchant.account], |host| Booking::open_listing(host, merchant.account, terms))
    }

    pub fn close(&mut self) -> Outcome<()> {
        let hotel = self.hotel.account;
        self.host.call(&[hotel], |host| Booking::close_listing(host, hotel, CloseListing {}))
    }

    pub fn bind(&mut self, customer: Actor) -> Outcome<()> {
        let args = Bind { merchant: self.hotel.account };
        self.host.call(&[customer.account], |host| Booking::bind(host, customer.account, args))
    }

    /// Carla's usual night.
    pub fn usual(&mut self) -> Hash {
        self.request(self.carla, FROM, UNTIL).unwrap()
    }

    /// The usual night, paid.
    pub fn paid(&mut self) -> Hash {
        let booking = self.usual();
        self.pay(booking).unwrap();
        booking
    }

    /// The usual night, begun.
    pub fn checked_in(&mut self) -> Hash {
        let booking = self.paid();
        self.block(FROM);
        self.check_in(booking).unwrap();
        booking
    }

    /// The usual night, in dispute.
    pub fn disputed(&mut self) -> Hash {
        let booking = self.checked_in();
        self.dispute(self.carla, booking).unwrap();
        booking
    }

    pub fn request(&mut self, customer: Actor, from: u64, until: u64) -> Outcome<Hash> {
        self.request_kind(customer, "single", from, until)
    }

    pub fn request_kind(&mut self, customer: Actor, kind: &str, from: u64, until: u64) -> Outcome<Hash> {
        let args = Request { merchant: self.hotel.account, kind: text(kind), from: ms(from), until: ms(until) };
        self.host.call(&[customer.account], |host| Booking::request(host, customer.account, args))?;
        Ok(self.last_event::<Requested>().booking)
    }

    pub fn pay(&mut self, booking: Hash) -> Outcome<()> {
        let record = self.record(booking);
        self.pay_as(record.customer, Pay { booking, asset: record.asset, amount: record.price })
    }

    pub fn pay_as(&mut self, customer: AccountId, args: Pay) -> Outcome<()> {
        self.host.call(&[customer], |host| Booking::pay(host, customer, args))
    }

    /// The booking's customer chooses.
    pub fn choose(&mut self, booking: Hash, object: &str) -> Outcome<()> {
        let customer = self.record(booking).customer;
        self.choose_as(customer, booking, object)
    }

    pub fn choose_as(&mut self, customer: AccountId, booking: Hash, object: &str) -> Outcome<()> {
        let args = Choose { booking, object: text(object) };
        self.host.call(&[customer], |host| Booking::choose(host, customer, args))
    }

    pub fn identify(&mut self, customer: Actor, booking: Hash, papers: Hash) -> Outcome<()> {
        let args = Identify { booking, papers };
        self.host.call(&[customer.account], |host| Booking::identify(host, customer.account, args))
    }

    pub fn accept(&mut self, merchant: Actor, booking: Hash, papers: Hash) -> Outcome<()> {
        let args = AcceptIdentity { booking, papers };
        self.host.call(&[merchant.account], |host| Booking::accept_identity(host, merchant.account, args))
    }

    pub fn check_in(&mut self, booking: Hash) -> Outcome<()> {
        let record = self.record(booking);
        self.check_in_as(record.merchant, record.customer, booking)
    }

    pub fn check_in_as(&mut self, merchant: AccountId, customer: AccountId, booking: Hash) -> Outcome<()> {
        let args = CheckIn { booking };
        self.host.call(&[merchant, customer], |host| Booking::check_in(host, merchant, customer, args))
    }

    pub fn check_out(&mut self, party: Actor, booking: Hash) -> Outcome<()> {
        self.host.call(&[party.account], |host| Booking::check_out(host, party.account, CheckOut { booking }))
    }

    pub fn cancel(&mut self, party: Actor, booking: Hash) -> Outcome<()> {
        self.host.call(&[party.account], |host| Booking::cancel(host, party.account, Cancel { booking }))
    }

    pub fn dispute(&mut self, party: Actor, booking: Hash) -> Outcome<()> {
        let args = Dispute { booking, reason: text("no warm water") };
        self.host.call(&[party.account], |host| Booking::dispute(host, party.account, args))
    }

    pub fn resolve(&mut self, arbiter: Actor, booking: Hash, to_customer: u128, to_merchant: u128) -> Outcome<()> {
        let [to_customer, to_merchant] = [to_customer, to_merchant].map(Amount::new);
        let args = Resolve { booking, asset: self.eur, to_customer, to_merchant };
        self.resolve_as(arbiter, args)
    }

    pub fn resolve_as(&mut self, arbiter: Actor, args: Resolve) -> Outcome<()> {
        self.host.call(&[arbiter.account], |host| Booking::resolve(host, arbiter.account, args))
    }

    pub fn collect(&mut self, asker: Actor, booking: Hash) -> Outcome<()> {
        self.host.call(&[asker.account], |host| Booking::collect(host, asker.account, Collect { booking }))
    }

    /// Makes a block and returns how the jobs in it ended.
    pub fn block(&mut self, time: u64) -> Vec<Outcome<()>> {
        let run = |host: &mut TestHost, method, args: &[u8]| match dispatch::<_, Booking>(host, method, &[], args) {
            Ok(_) => Ok(()),
            Err(DispatchFault::Refused(code)) => Err(Error::from_code(code).unwrap()),
            Err(fault) => panic!("a job is of a declared method: {fault:?}"),
        };
        self.host.block(ms(time), run).into_iter().map(|(_, outcome)| outcome).collect()
    }

    pub fn record(&mut self, booking: Hash) -> BookingRecord {
        self.host.query(|host| Booking::booking_of(host, BookingOf { booking })).unwrap()
    }

    pub fn escrow(&mut self) -> u128 {
        let asset = self.eur;
        self.host.query(|host| Booking::escrow(host, Escrow { asset })).unwrap().get()
    }

    pub fn free(&mut self, from: u64, until: u64) -> Vec<Text> {
        let args = FreeObjects { merchant: self.hotel.account, kind: text("single"), from: ms(from), until: ms(until) };
        self.host.query(|host| Booking::free_objects(host, args)).unwrap().into_inner()
    }

    pub fn choices(&mut self, booking: Hash) -> Vec<Text> {
        self.host.query(|host| Booking::choices(host, Choices { booking })).unwrap().into_inner()
    }

    /// What hotel, Carla and contract hold.
    pub fn balances(&self) -> [u128; 3] {
        let accounts = [self.hotel.account, self.carla.account, self.host.contract()];
        accounts.map(|account| self.host.held(account, self.eur).get())
    }

    /// The last event, read whole: what is told in pieces is what the interface declares.
    pub fn last_event<E: Event + Decode>(&self) -> E {
        let event = self.host.events().last().unwrap();
        assert_eq!((event.module.as_str(), event.kind), ("booking", E::KIND));
        let decoded = E::decode_all(&mut &event.data[..]).unwrap();
        let mut listed = event.accounts.to_vec();
        listed.sort_unstable();
        let mut named = decoded.accounts();
        named.sort_unstable();
        assert_eq!(listed, named);
        decoded
    }
}

/// Changes a type of a listing's terms.
pub fn change(terms: &mut OpenListing, index: usize, change: impl FnOnce(&mut ObjectType)) {
    let mut types = terms.types.to_vec();
    change(&mut types[index]);
    terms.types = types.try_into().unwrap();
}

pub const fn ms(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn secs(millis: u64) -> u32 {
    u32::try_from(millis / 1_000).unwrap()
}

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub fn refused<T>(error: Error) -> Outcome<T> {
    Err(Stopped::Refused(error))
}
