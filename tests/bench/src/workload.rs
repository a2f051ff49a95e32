//! The transactions: distinct, signed beforehand on all cores, so that making them costs nothing while measuring.
use crate::chain::Chain;
use anyhow::Context as _;
use countersign_harness::{Made, Person, asset, now_ms, signatures, signed, signed_until};
use countersign_interface::{Method as _, rebate};
use countersign_types::{Amount, Call, Hash, SignedDocument, Text, Timestamp, document, transaction};
use rayon::prelude::*;
use serde_json::json;
use std::time::Duration;

/// Customers whose first purchases all offers of `redeem` follow from.
const CUSTOMERS: usize = 200;
/// Minor units of a first purchase, and of what a newcomer pays.
const FIRST_PRICE: u128 = 2;
const NEWCOMERS_PRICE: u128 = 1;
/// How long offers stand: longer than any run.
const OFFERED_MS: u64 = 24 * 60 * 60 * 1000;
/// From an offer's deadline to its rebate time.
const SETTLED_MS: u64 = 60 * 60 * 1000;

/// What a transaction does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// A holder pays another: one signature, native module.
    Transfer,
    /// A holder buys from the merchant by the rebate contract: two signatures, WASM.
    Purchase,
    /// A newcomer buys at an offer's price by the rebate contract: three signatures on the transaction and three on the offer it
    /// shows, WASM.
    Redeem,
}

/// Makes transactions that are all different.
#[derive(Debug)]
pub struct Maker {
    workload: Workload,
    chain: Hash,
    holders: Vec<Person>,
    /// First purchases, by customer; the n-th is that of the n-th holder.
    purchases: Vec<Hash>,
    /// When the maker was made.
    since: u64,
    /// How long a transaction is valid after it was made.
    validity_ms: u64,
    made: u64,
}

impl Maker {
    /// For a chain whose merchant is the first of its holders. Makes the purchases that offers follow from, if there are offers.
    pub fn new(workload: Workload, chain: &Chain, validity: Duration) -> anyhow::Result<Self> {
        let (id, holders) = (chain.id, chain.holders.clone());
        let validity_ms = u64::try_from(validity.as_millis()).context("a validity of at most centuries")?;
        let (purchases, since) = (Vec::new(), now_ms());
        let mut maker = Self { workload, chain: id, holders, purchases, since, validity_ms, made: 0 };
        if workload == Workload::Redeem {
            maker.purchases = maker.first_purchases(chain)?;
        }
        Ok(maker)
    }

    /// The next `count` transactions.
    pub fn make(&mut self, count: usize) -> Vec<Made> {
        let (now, first) = (now_ms(), self.made);
        self.made += count as u64;
        (first..self.made).into_par_iter().map(|number| self.one(number, now)).collect()
    }

    fn one(&self, number: u64, now: u64) -> Made {
        let people = &self.holders[1..];
        let at = |number: u64| people[usize::try_from(number % people.len() as u64).expect("a small remainder")];
        let (payer, payee) = (at(number), at(number + 1));
        let merchant = self.holders[0];
        match self.workload {
            Workload::Transfer => self.signed(payer.pay(&payee, 1), number, now, &[payer]),
            Workload::Purchase => self.signed(self.purchase(&payer, 1), number, now, &[payer, merchant]),
            Workload::Redeem => self.redeem(number, now),
        }
    }

    fn signed(&self, call: Call, number: u64, now: u64, signers: &[Person]) -> Made {
        signed_until(now + self.validity_ms, &self.chain, call, number, now, signers)
    }

    fn purchase(&self, customer: &Person, amount: u128) -> Call {
        let (asset, amount, reference) = (asset(), Amount::new(amount), Text::default());
        rebate::Purchase { asset, amount, reference }.call(&[self.holders[0].account, customer.account])
    }

    /// Another offer for each number, redeemed by another newcomer than its customer.
    fn redeem(&self, number: u64, now: u64) -> Made {
        let people = &self.holders[1..];
        let which = usize::try_from(number % self.purchases.len() as u64).expect("a small remainder");
        let step = 1 + usize::try_from(number % (people.len() as u64 - 1)).expect("a small remainder");
        let (merchant, customer, newcomer) = (self.holders[0], people[which], people[(which + step) % people.len()]);
        let deadline = self.since + OFFERED_MS + number;
        let rebate_time = Timestamp::from_millis(deadline + SETTLED_MS);
        let offer = rebate::Offer {
            purchase: self.purchases[which],
            asset: asset(),
            price: Amount::new(NEWCOMERS_PRICE),
            deadline: Timestamp::from_millis(deadline),
            rebate: Amount::new(1),
            rebate_time,
            purchase_required: true,
        };
        let parties = [merchant.account, customer.account, newcomer.account];
        let document = offer.document(self.chain, parties, rebate_time);
        let message = transaction::signing_bytes(document::SIGNING, &self.chain, &document.hash());
        let signers = [merchant, customer, newcomer];
        let signatures = signatures(&message, &signers).try_into().expect("three are within the bound");
        let redeem = rebate::Redeem { offer: SignedDocument { document, signatures }, reference: Text::default() };
        self.signed(redeem.call(&parties), number, now, &signers)
    }

    fn first_purchases(&self, chain: &Chain) -> anyhow::Result<Vec<Hash>> {
        let customers = &self.holders[1..self.holders.len().min(CUSTOMERS + 1)];
        anyhow::ensure!(self.holders.len() > 3, "offers need at least three holders");
        let now = now_ms();
        let buy = |(number, customer): (u64, &Person)| {
            // Salts from the other end: none is that of a measured transaction.
            let call = self.purchase(customer, FIRST_PRICE);
            signed(&self.chain, call, u64::MAX - number, now, &[*customer, self.holders[0]])
        };
        let made: Vec<Made> = (0..).zip(customers).map(buy).collect();
        let network = &chain.network;
        for made in &made {
            network.call(0, "tx_submit", &json!([format!("0x{}", hex::encode(&made.bytes))]))?;
        }
        let mut purchases = Vec::new();
        for made in &made {
            let mut purchase = None;
            network.until("a first purchase to be final", |network| {
                let status = network.call(0, "tx_status", &json!([made.id]))?;
                purchase = purchase_of(&status);
                Ok(status["state"] == "final")
            })?;
            purchases.push(purchase.context("a purchase leaves an event with its id")?);
        }
        Ok(purchases)
    }
}

/// The id in the event of a purchase: its first field.
fn purchase_of(status: &serde_json::Value) -> Option<Hash> {
    let events = status["receipt"]["events"].as_array()?;
    let event = events.iter().find(|event| event["name"] == "Purchased")?;
    let fields = hex::decode(event["data"].as_str()?.strip_prefix("0x")?).ok()?;
    Some(Hash(fields.get(..32)?.try_into().ok()?))
}
