//! A merchant, a customer and a newcomer with money, and their usual moves.
use crate::Rebate;
use alloc::vec::Vec;
use countersign_contract_sdk::testing::{Actor, Stopped, TestHost};
use countersign_interface::Event;
use countersign_interface::rebate::{
    Claim, Collect, Error, Offer, Purchase, PurchaseOf, PurchaseRecord, Purchased, RebateOf, RebateRecord, Redeem,
    Redeemed, Refund, Rules, SetAside, dispatch,
};
use countersign_interface::{DispatchFault, rebate};
use countersign_types::account::Role;
use countersign_types::{AccountId, Amount, AssetId, Document, Hash, SignedDocument, Text, Timestamp};
use parity_scale_codec::{Decode, DecodeAll};

pub type Outcome<T> = Result<T, Stopped<Error>>;

/// What everybody has in the beginning.
pub const FUNDS: Amount = Amount::new(100_000);
pub const START: Timestamp = Timestamp::from_millis(1_000_000);
pub const DEADLINE: Timestamp = Timestamp::from_millis(2_000_000);
pub const REBATE_TIME: Timestamp = Timestamp::from_millis(3_000_000);
pub const PRICE: Amount = Amount::new(8_000);
pub const REBATE: Amount = Amount::new(1_500);

pub struct Scene {
    pub host: TestHost,
    pub eur: AssetId,
    pub merchant: Actor,
    pub rival: Actor,
    pub customer: Actor,
    pub newcomer: Actor,
    pub stranger: Actor,
}

impl Scene {
    pub fn new() -> Self {
        let mut host = TestHost::new("rebate", START);
        let eur = host.add_asset("EUR");
        let merchant = host.add_member("shop.example", &[Role::Merchant]);
        let rival = host.add_member("rival.example", &[Role::Merchant]);
        let bank = host.add_member("bank.example", &[Role::Issuer]);
        let [customer, newcomer, stranger] =
            ["carla@bank.example", "nils@bank.example", "stan@bank.example"].map(|name| host.add_holder(name, &bank));
        for actor in [merchant, rival, customer, newcomer, stranger] {
            host.issue(actor.account, eur, FUNDS);
        }
        Self { host, eur, merchant, rival, customer, newcomer, stranger }
    }

    /// The usual first purchase, of 10 000.
    pub fn first(&mut self) -> Hash {
        self.purchase(10_000).unwrap()
    }

    pub fn purchase(&mut self, amount: u128) -> Outcome<Hash> {
        self.purchase_between(self.merchant.account, self.customer.account, amount)
    }

    pub fn purchase_between(&mut self, merchant: AccountId, customer: AccountId, amount: u128) -> Outcome<Hash> {
        let args = Purchase { asset: self.eur, amount: Amount::new(amount), reference: text("two nights") };
        self.host.call(&[merchant, customer], |host| Rebate::purchase(host, merchant, customer, args))?;
        Ok(self.last_event::<Purchased>().purchase)
    }

    /// The usual terms.
    pub fn terms(&self, purchase: Hash) -> Offer {
        Offer {
            purchase,
            asset: self.eur,
            price: PRICE,
            deadline: DEADLINE,
            rebate: REBATE,
            rebate_time: REBATE_TIME,
            purchase_required: true,
        }
    }

    pub fn document(&self, offer: &Offer) -> Document {
        let parties = [self.merchant, self.customer, self.newcomer].map(|actor| actor.account);
        offer.document(self.host.chain_id(), parties, offer.rebate_time)
    }

    pub fn sign(&self, document: Document) -> SignedDocument {
        self.host.signed(document, &[&self.merchant, &self.customer, &self.newcomer])
    }

    pub fn redeem(&mut self, offer: &Offer) -> Outcome<Hash> {
        self.redeem_with(self.sign(self.document(offer)))
    }

    pub fn redeem_with(&mut self, offer: SignedDocument) -> Outcome<Hash> {
        let parties = [self.merchant, self.customer, self.newcomer].map(|actor| actor.account);
        self.redeem_as(parties, offer)
    }

    pub fn redeem_as(&mut self, [merchant, customer, third]: [AccountId; 3], offer: SignedDocument) -> Outcome<Hash> {
        let args = Redeem { offer, reference: text("one night") };
        self.host.call(&[merchant, customer, third], |host| Rebate::redeem(host, merchant, customer, third, args))?;
        let redeemed = self.host.events().iter().rev().find(|event| event.kind == Redeemed::KIND).unwrap();
        Ok(Redeemed::decode_all(&mut &redeemed.data[..]).unwrap().purchase)
    }

    /// Claims with the amount and time of the offer. Returns the rebate's id.
    pub fn claim(&mut self, offer: &Offer) -> Outcome<Hash> {
        self.claim_with(self.document(offer), offer.rebate, offer.rebate_time)
    }

    pub fn claim_with(&mut self, offer: Document, amount: Amount, settles_at: Timestamp) -> Outcome<Hash> {
        let parties = [self.merchant, self.customer, self.newcomer].map(|actor| actor.account);
        self.claim_as(parties, offer, amount, settles_at)
    }

    pub fn claim_as(
        &mut self,
        [merchant, customer, third]: [AccountId; 3],
        offer: Document,
        amount: Amount,
        settles_at: Timestamp,
    ) -> Outcome<Hash> {
        let id = offer.hash();
        let args = Claim { offer, asset: self.eur, amount, settles_at };
        self.host.call(&[merchant, customer, third], |host| Rebate::claim(host, merchant, customer, third, args))?;
        Ok(id)
    }

    /// Pays the newcomer back.
    pub fn refund(&mut self, purchase: Hash, amount: u128) -> Outcome<()> {
        self.refund_between(self.merchant.account, self.newcomer.account, purchase, amount)
    }

    pub fn refund_between(
        &mut self,
        merchant: AccountId,
        buyer: AccountId,
        purchase: Hash,
        amount: u128,
    ) -> Outcome<()> {
        self.refund_as(merchant, buyer, Refund { purchase, asset: self.eur, amount: Amount::new(amount) })
    }

    pub fn refund_as(&mut self, merchant: AccountId, buyer: AccountId, args: Refund) -> Outcome<()> {
        self.host.call(&[merchant, buyer], |host| Rebate::refund(host, merchant, buyer, args))
    }

    pub fn collect(&mut self, asker: Actor, rebate: Hash) -> Outcome<()> {
        self.host.call(&[asker.account], |host| Rebate::collect(host, asker.account, Collect { rebate }))
    }

    /// Makes a block and returns how the jobs in it ended.
    pub fn block(&mut self, time: Timestamp) -> Vec<Outcome<()>> {
        let run = |host: &mut TestHost, method, args: &[u8]| match dispatch::<_, Rebate>(host, method, &[], args) {
            Ok(_) => Ok(()),
            Err(DispatchFault::Refused(code)) => Err(Error::from_code(code).unwrap()),
            Err(fault) => panic!("a job is of a declared method: {fault:?}"),
        };
        self.host.block(time, run).into_iter().map(|(_, outcome)| outcome).collect()
    }

    pub fn rebate(&mut self, rebate: Hash) -> RebateRecord {
        self.host.query(|host| Rebate::rebate_of(host, RebateOf { rebate })).unwrap()
    }

    pub fn purchase_record(&mut self, purchase: Hash) -> PurchaseRecord {
        self.host.query(|host| Rebate::purchase_of(host, PurchaseOf { purchase })).unwrap()
    }

    pub fn set_aside(&mut self) -> Amount {
        let asset = self.eur;
        self.host.query(|host| Rebate::set_aside(host, SetAside { asset })).unwrap()
    }

    /// What merchant, customer, newcomer and contract hold.
    pub fn balances(&self) -> [u128; 4] {
        let accounts = [self.merchant.account, self.customer.account, self.newcomer.account, self.host.contract()];
        accounts.map(|account| self.host.held(account, self.eur).get())
    }

    pub fn last_event<E: Event + Decode>(&self) -> E {
        let event = self.host.events().last().unwrap();
        assert_eq!((event.module.as_str(), event.kind), ("rebate", E::KIND));
        let decoded = E::decode_all(&mut &event.data[..]).unwrap();
        assert_eq!(&event.accounts[..], decoded.accounts());
        decoded
    }

    /// The kinds of all events so far.
    pub fn event_kinds(&self) -> Vec<u8> {
        self.host.events().iter().map(|event| event.kind).collect()
    }
}

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub fn refused<T>(error: Error) -> Outcome<T> {
    Err(Stopped::Refused(error))
}

/// Kinds in the order a whole story leaves them.
pub mod kind {
    use super::rebate;
    use countersign_interface::Event;

    pub const PURCHASED: u8 = rebate::Purchased::KIND;
    pub const REDEEMED: u8 = rebate::Redeemed::KIND;
    pub const CLAIMED: u8 = rebate::Claimed::KIND;
    pub const LOCKED: u8 = rebate::Locked::KIND;
    pub const SETTLED: u8 = rebate::Settled::KIND;
}
