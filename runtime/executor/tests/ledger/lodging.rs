//! A hotel on the ledger, its guests, and their usual calls.
use crate::world::{BLOCK_MS, World, eur, id, ids, ms, ok, refusal};
use countersign_interface::Method;
use countersign_interface::booking::{
    Bind, BookingOf, BookingRecord, Choose, Error, Escrow, ObjectType, OpenListing, Pay, Request, Tier, Unit,
};
use countersign_types::{AccountId, Amount, Call, CallFault, Hash, ModuleName, Receipt, Text};
use parity_scale_codec::{Decode, DecodeAll, Encode};

pub const HOTEL: &str = "hotel.example";
pub const ALICE: &str = "alice@hotel.example";
pub const BOB: &str = "bob@hotel.example";
pub const CAROL: &str = "carol@books.example";
pub const DAVE: &str = "dave@books.example";
/// Decides disputes by name.
pub const ARBITER: &str = "tours.example";
pub const GUESTS: [&str; 4] = [ALICE, BOB, CAROL, DAVE];

pub const HOUR_MS: u64 = 3_600_000;
/// A night in a single room.
pub const PRICE: u128 = 8_000;
pub const GRACE_MS: u64 = 2 * HOUR_MS;
pub const PAY_WITHIN_MS: u64 = HOUR_MS;
pub const DECIDE_WITHIN_MS: u64 = 48 * HOUR_MS;
/// The hash of sealed papers.
pub const PAPERS: Hash = Hash([7; 32]);

fn module() -> ModuleName {
    "booking".parse().unwrap()
}

pub fn contract() -> AccountId {
    AccountId::of_contract(&module())
}

pub fn text(text: &str) -> Text {
    text.parse().unwrap()
}

/// A type of rooms by the night.
pub fn rooms(name: &str, price: u128, objects: impl IntoIterator<Item = String>) -> ObjectType {
    let objects: Vec<Text> = objects.into_iter().map(|object| text(&object)).collect();
    ObjectType { name: text(name), unit: Unit::Night, price: Amount::new(price), objects: objects.try_into().unwrap() }
}

/// The usual terms: two single rooms and a suite.
pub fn terms() -> OpenListing {
    let tier = |hours: u32, refund_percent| Tier { before_s: hours * 3_600, refund_percent };
    let secs = |millis: u64| u32::try_from(millis / 1_000).unwrap();
    let singles = rooms("single", PRICE, ["1", "2"].map(String::from));
    OpenListing {
        title: text("Harbour Hotel"),
        asset: eur(),
        types: vec![singles, rooms("suite", 30_000, ["9".into()])].try_into().unwrap(),
        refunds: vec![tier(12, 100), tier(6, 33)].try_into().unwrap(),
        grace_s: secs(GRACE_MS),
        pay_within_s: secs(PAY_WITHIN_MS),
        decide_within_s: secs(DECIDE_WITHIN_MS),
        undecided_percent: 50,
        arbiter: Some(id(ARBITER)),
        identity_required: false,
    }
}

/// The booking a request's receipt tells of.
pub fn booking_id(receipt: &Receipt) -> Hash {
    Hash::decode(&mut &receipt.events[0].data[..]).unwrap()
}

/// A world whose hotel is open and used by all guests.
#[derive(Clone)]
pub struct Lodge {
    pub world: World,
    /// The usual night: from 15:00 to 11:00.
    pub from: u64,
    pub until: u64,
}

impl Lodge {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// Open under changed terms.
    pub fn with(change: impl FnOnce(&mut OpenListing)) -> Self {
        let mut terms = terms();
        change(&mut terms);
        let mut lodge = Self::closed(World::new());
        ok(lodge.world.call(&terms, &[HOTEL]));
        for guest in GUESTS {
            ok(lodge.world.call(&Bind { merchant: id(HOTEL) }, &[guest]));
        }
        lodge
    }

    /// Nobody has opened anything.
    pub fn closed(world: World) -> Self {
        let from = world.time + 15 * HOUR_MS;
        Self { world, from, until: from + 20 * HOUR_MS }
    }

    pub fn ask_for(&self, kind: &str, from: u64, until: u64) -> Request {
        Request { merchant: id(HOTEL), kind: text(kind), from: ms(from), until: ms(until) }
    }

    pub fn request(&mut self, guest: &str, from: u64, until: u64) -> Hash {
        let ask = self.ask_for("single", from, until);
        booking_id(&ok(self.world.call(&ask, &[guest])))
    }

    pub fn pay(&mut self, guest: &str, booking: Hash) -> Receipt {
        let amount = self.record(booking).unwrap().price;
        self.world.call(&Pay { booking, asset: eur(), amount }, &[guest])
    }

    pub fn choose(&mut self, guest: &str, booking: Hash, object: &str) -> Receipt {
        self.world.call(&Choose { booking, object: text(object) }, &[guest])
    }

    /// A guest's usual night, paid.
    pub fn paid(&mut self, guest: &str) -> Hash {
        let booking = self.request(guest, self.from, self.until);
        ok(self.pay(guest, booking));
        booking
    }

    /// A guest's usual night, begun.
    pub fn checked_in(&mut self, guest: &str) -> Hash {
        let booking = self.paid(guest);
        self.pass_until(self.from - BLOCK_MS);
        ok(self.world.call(&countersign_interface::booking::CheckIn { booking }, &[HOTEL, guest]));
        booking
    }

    /// A guest's usual night, in dispute.
    pub fn disputed(&mut self, guest: &str) -> Hash {
        let booking = self.checked_in(guest);
        let dispute = countersign_interface::booking::Dispute { booking, reason: text("cold") };
        ok(self.world.call(&dispute, &[guest]));
        booking
    }

    /// Lets time pass with an empty block; returns the receipts of the jobs.
    pub fn pass_until(&mut self, time: u64) -> Vec<Receipt> {
        self.world.block_at(time, &[]).receipts
    }

    pub fn ask<T: Decode>(&self, query: &str, args: impl Encode) -> Result<T, CallFault> {
        let world = &self.world;
        let answer = world.executor.query(&world.state, &module(), query, &args.encode(), world.place())?;
        Ok(T::decode_all(&mut &answer[..]).unwrap())
    }

    pub fn record(&self, booking: Hash) -> Result<BookingRecord, CallFault> {
        self.ask(BookingOf::NAME, BookingOf { booking })
    }

    pub fn escrow(&self) -> u128 {
        self.ask::<Amount>(Escrow::NAME, Escrow { asset: eur() }).unwrap().get()
    }

    /// Balances of the hotel, Alice and the contract.
    pub fn balances(&self) -> [u128; 3] {
        [id(HOTEL), id(ALICE), contract()].map(|account| self.world.balance(account))
    }

    /// Runs what must be refused, and checks that nothing moved.
    #[track_caller]
    pub fn refused(&mut self, method: &impl Method, parties: &[&str]) -> Error {
        self.refused_call(method.call(&ids(parties)))
    }

    #[track_caller]
    pub fn refused_call(&mut self, call: Call) -> Error {
        let before = (self.balances(), self.escrow());
        let receipt = self.world.run(vec![call]);
        assert_eq!((self.balances(), self.escrow()), before);
        Error::from_code(refusal(&receipt)).unwrap()
    }
}
