//! A bank that issues cards, a customer with a card and a phone, a shop with a till, and their usual moves.
use crate::Card;
use crate::limits::DAY_MS;
use alloc::format;
use alloc::vec::Vec;
use countersign_contract_sdk::testing::{Actor, Stopped, TestHost};
use countersign_interface::Event;
use countersign_interface::card::{
    Block, CardOf, CardRecord, CardsOf, ChangeAuth, ChangeDevice, Error, Held, Load, Pay, PayConfirmed, PaymentOf,
    PaymentRecord, Reclaim, Recover, Register, Rules, SetLimits, Unblock, Unload,
};
use countersign_types::account::Role;
use countersign_types::{AccountId, Amount, AssetId, Name, Text, Timestamp};
use parity_scale_codec::Decode;

pub type Outcome<T> = Result<T, Stopped<Error>>;

/// What everybody has in the beginning.
pub const FUNDS: Amount = Amount::new(100_000);
/// The beginning of a UTC day.
pub const START: Timestamp = Timestamp::from_millis(20_000 * DAY_MS);
pub const PAYMENT_MAX: Amount = Amount::new(5_000);
pub const DAY_MAX: Amount = Amount::new(12_000);
pub const CARD: &str = "card-1234@bank.example";

pub struct Scene {
    pub host: TestHost,
    pub eur: AssetId,
    pub usd: AssetId,
    pub bank: Actor,
    pub rival: Actor,
    pub shop: Actor,
    pub holder: Actor,
    pub stranger: Actor,
    pub phone: Actor,
    pub till: Actor,
    pub auth: Actor,
    /// The key of another PIN.
    pub other_auth: Actor,
}

impl Scene {
    /// Everybody is there; no card is issued yet.
    pub fn empty() -> Self {
        let mut host = TestHost::new("card", START);
        let (eur, usd) = (host.add_asset("EUR"), host.add_asset("USD"));
        let bank = host.add_member("bank.example", &[Role::CardIssuer]);
        let rival = host.add_member("rival.example", &[Role::CardIssuer]);
        let shop = host.add_member("shop.example", &[Role::Merchant]);
        let club = host.add_member("club.example", &[]);
        let [holder, stranger, phone] =
            ["hanna@club.example", "stan@club.example", "hanna.phone@club.example"].map(|n| host.add_holder(n, &club));
        let till = host.add_holder("till-7@shop.example", &shop);
        let [auth, other_auth] =
            ["card-1234+a@bank.example", "card-1234+b@bank.example"].map(|name| host.add_holder(name, &bank));
        for actor in [bank, shop, holder, stranger] {
            host.issue(actor.account, eur, FUNDS);
            host.issue(actor.account, usd, FUNDS);
        }
        Self { host, eur, usd, bank, rival, shop, holder, stranger, phone, till, auth, other_auth }
    }

    /// The card is issued, with nothing on it.
    pub fn new() -> Self {
        let mut scene = Self::empty();
        scene.register().unwrap();
        scene
    }

    /// The card is issued, with `amount` on it.
    pub fn loaded(amount: u128) -> Self {
        let mut scene = Self::new();
        scene.load(amount).unwrap();
        scene
    }

    pub fn registration(&self) -> Register {
        Register { card: name(CARD), asset: self.eur, payment_max: PAYMENT_MAX, day_max: DAY_MAX }
    }

    pub fn register(&mut self) -> Outcome<()> {
        let parties = [self.bank, self.holder, self.phone, self.auth];
        self.register_as(parties, self.registration())
    }

    pub fn register_as(&mut self, parties: [Actor; 4], args: Register) -> Outcome<()> {
        let parties @ [issuer, holder, device, auth] = parties.map(|actor| actor.account);
        self.host.call(&parties, |host| Card::register(host, issuer, holder, device, auth, args))
    }

    pub fn load(&mut self, amount: u128) -> Outcome<()> {
        self.load_as(self.holder, Load { card: name(CARD), asset: self.eur, amount: Amount::new(amount) })
    }

    pub fn load_as(&mut self, payer: Actor, args: Load) -> Outcome<()> {
        self.host.call(&[payer.account], |host| Card::load(host, payer.account, args))
    }

    /// An order of the shop's.
    pub fn order(&self, id: &str, amount: u128) -> Pay {
        Pay {
            card: name(CARD),
            asset: self.eur,
            amount: Amount::new(amount),
            payee: name("shop.example"),
            account: self.shop.account,
            order: text(id),
        }
    }

    /// Pays the shop with the phone.
    pub fn pay(&mut self, id: &str, amount: u128) -> Outcome<()> {
        self.pay_as(self.auth, self.phone, self.order(id, amount))
    }

    pub fn pay_as(&mut self, auth: Actor, device: Actor, args: Pay) -> Outcome<()> {
        let (auth, device) = (auth.account, device.account);
        self.host.call(&[auth, device], |host| Card::pay(host, auth, device, args))
    }

    /// Pays the shop at its till, confirmed by the phone.
    pub fn pay_at_till(&mut self, id: &str, amount: u128) -> Outcome<()> {
        self.pay_confirmed_as(self.auth, self.till, self.phone, self.order(id, amount))
    }

    pub fn pay_confirmed_as(&mut self, auth: Actor, device: Actor, associated: Actor, args: Pay) -> Outcome<()> {
        let Pay { card, asset, amount, payee, account, order } = args;
        let args = PayConfirmed { card, asset, amount, payee, account, order };
        let parties @ [auth, device, associated] = [auth, device, associated].map(|actor| actor.account);
        self.host.call(&parties, |host| Card::pay_confirmed(host, auth, device, associated, args))
    }

    pub fn unload(&mut self, amount: u128) -> Outcome<()> {
        self.unload_as(self.auth, self.holder, CARD, amount)
    }

    pub fn unload_as(&mut self, auth: Actor, holder: Actor, card: &str, amount: u128) -> Outcome<()> {
        let args = Unload { card: name(card), asset: self.eur, amount: Amount::new(amount) };
        let (auth, holder) = (auth.account, holder.account);
        self.host.call(&[auth, holder], |host| Card::unload(host, auth, holder, args))
    }

    pub fn recover(&mut self, amount: u128) -> Outcome<()> {
        self.recover_as(self.bank, self.holder, CARD, amount)
    }

    pub fn recover_as(&mut self, issuer: Actor, holder: Actor, card: &str, amount: u128) -> Outcome<()> {
        let args = Recover { card: name(card), asset: self.eur, amount: Amount::new(amount) };
        let (issuer, holder) = (issuer.account, holder.account);
        self.host.call(&[issuer, holder], |host| Card::recover(host, issuer, holder, args))
    }

    pub fn reclaim(&mut self, amount: u128) -> Outcome<()> {
        self.reclaim_as(self.holder, CARD, amount)
    }

    pub fn reclaim_as(&mut self, holder: Actor, card: &str, amount: u128) -> Outcome<()> {
        let args = Reclaim { card: name(card), asset: self.eur, amount: Amount::new(amount) };
        self.host.call(&[holder.account], |host| Card::reclaim(host, holder.account, args))
    }

    pub fn block(&mut self, by: Actor) -> Outcome<()> {
        self.block_card(by, CARD)
    }

    pub fn block_card(&mut self, by: Actor, card: &str) -> Outcome<()> {
        let args = Block { card: name(card) };
        self.host.call(&[by.account], |host| Card::block(host, by.account, args))
    }

    pub fn unblock(&mut self) -> Outcome<()> {
        self.unblock_as(self.bank, self.holder, CARD)
    }

    pub fn unblock_as(&mut self, issuer: Actor, holder: Actor, card: &str) -> Outcome<()> {
        let args = Unblock { card: name(card) };
        let (issuer, holder) = (issuer.account, holder.account);
        self.host.call(&[issuer, holder], |host| Card::unblock(host, issuer, holder, args))
    }

    pub fn change_auth(&mut self, auth: Actor) -> Outcome<()> {
        self.change_auth_as([self.bank, self.holder, auth], CARD)
    }

    pub fn change_auth_as(&mut self, parties: [Actor; 3], card: &str) -> Outcome<()> {
        let args = ChangeAuth { card: name(card) };
        let parties @ [issuer, holder, auth] = parties.map(|actor| actor.account);
        self.host.call(&parties, |host| Card::change_auth(host, issuer, holder, auth, args))
    }

    pub fn change_device(&mut self, device: Actor) -> Outcome<()> {
        self.change_device_as([self.bank, self.holder, device], CARD)
    }

    pub fn change_device_as(&mut self, parties: [Actor; 3], card: &str) -> Outcome<()> {
        let args = ChangeDevice { card: name(card) };
        let parties @ [issuer, holder, device] = parties.map(|actor| actor.account);
        self.host.call(&parties, |host| Card::change_device(host, issuer, holder, device, args))
    }

    pub fn set_limits(&mut self, payment_max: u128, day_max: u128) -> Outcome<()> {
        let (payment_max, day_max) = (Amount::new(payment_max), Amount::new(day_max));
        let args = SetLimits { card: name(CARD), asset: self.eur, payment_max, day_max };
        self.set_limits_as(self.bank, self.holder, args)
    }

    pub fn set_limits_as(&mut self, issuer: Actor, holder: Actor, args: SetLimits) -> Outcome<()> {
        let (issuer, holder) = (issuer.account, holder.account);
        self.host.call(&[issuer, holder], |host| Card::set_limits(host, issuer, holder, args))
    }

    /// Makes a block; nothing of a card is ever due by itself.
    pub fn block_at(&mut self, time: Timestamp) {
        let jobs = self.host.block(time, |_, _, _| Ok::<(), Error>(()));
        assert!(jobs.is_empty());
    }

    /// Makes a block `millis` later.
    pub fn wait(&mut self, millis: u64) {
        let time = Timestamp::from_millis(self.host.time().millis() + millis);
        self.block_at(time);
    }

    pub fn card(&mut self) -> CardRecord {
        self.card_of(CARD).unwrap()
    }

    pub fn card_of(&mut self, card: &str) -> Outcome<CardRecord> {
        self.host.query(|host| Card::card_of(host, CardOf { card: name(card) }))
    }

    pub fn payment_of(&mut self, device: Actor, order: &str) -> Outcome<PaymentRecord> {
        let args = PaymentOf { device: device.account, order: text(order) };
        self.host.query(|host| Card::payment_of(host, args))
    }

    pub fn cards_of(&mut self, holder: AccountId, after: Option<Name>) -> Vec<Name> {
        self.host.query(|host| Card::cards_of(host, CardsOf { holder, after })).unwrap().into_inner()
    }

    pub fn held(&mut self) -> u128 {
        let asset = self.eur;
        self.host.query(|host| Card::held(host, Held { asset })).unwrap().get()
    }

    /// What holder, shop and contract hold.
    pub fn balances(&self) -> [u128; 3] {
        let accounts = [self.holder.account, self.shop.account, self.host.contract()];
        accounts.map(|account| self.host.held(account, self.eur).get())
    }

    pub fn last_event<E: Event + Decode>(&self) -> E {
        let event = self.host.events().last().unwrap();
        assert_eq!((event.module.as_str(), event.kind), ("card", E::KIND));
        let decoded = E::decode(&mut &event.data[..]).unwrap();
        assert_eq!(&event.accounts[..], decoded.accounts());
        decoded
    }
}

pub fn name(name: &str) -> Name {
    name.parse().unwrap()
}

/// The name of one of several cards.
pub fn card_name(number: usize) -> Name {
    name(&format!("card-{number}@bank.example"))
}

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub fn refused<T>(error: Error) -> Outcome<T> {
    Err(Stopped::Refused(error))
}
