//! The transactions: distinct, signed beforehand on all cores, so that making them costs nothing while measuring.
use crate::chain::Holder;
use countersign_interface::{Method as _, assets, rebate};
use countersign_types::signature::{public_key, sign};
use countersign_types::transaction::{SIGNING, signing_bytes};
use countersign_types::{Amount, AssetId, Call, Hash, PartySignature, SignedTransaction, Text, Timestamp, Transaction};
use parity_scale_codec::Encode as _;
use rayon::prelude::*;
use std::time::{SystemTime, UNIX_EPOCH};

/// How long the transactions stay valid: longer than any run, shorter than a chain's default maximum.
const VALIDITY_MS: u64 = 6 * 60 * 60 * 1000;

/// What a transaction does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// A holder pays another: one signature, native module.
    Transfer,
    /// A holder buys from the merchant by the rebate contract: two signatures, WASM.
    Purchase,
}

/// A signed transaction, encoded, with its id.
#[derive(Clone, Debug)]
pub struct Made {
    /// `cst1…`.
    pub id: String,
    /// The encoded `SignedTransaction`.
    pub bytes: Vec<u8>,
}

/// Makes transactions that are all different.
#[derive(Debug)]
pub struct Maker {
    workload: Workload,
    chain: Hash,
    holders: Vec<Holder>,
    asset: AssetId,
    made: u64,
}

impl Maker {
    /// For a chain whose merchant is the first of `holders`.
    pub fn new(workload: Workload, chain: Hash, holders: Vec<Holder>) -> Self {
        Self { workload, chain, holders, asset: "EUR".parse().expect("a valid symbol"), made: 0 }
    }

    /// The next `count` transactions.
    pub fn make(&mut self, count: usize) -> Vec<Made> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970").as_millis();
        let now = u64::try_from(now).expect("milliseconds since 1970 fit u64");
        let first = self.made;
        self.made += count as u64;
        (first..self.made).into_par_iter().map(|number| self.one(number, now)).collect()
    }

    fn one(&self, number: u64, now: u64) -> Made {
        let people = &self.holders[1..];
        let at = usize::try_from(number % people.len() as u64).expect("a small remainder");
        let (payer, payee) = (people[at], people[(at + 1) % people.len()]);
        let (call, signers) = match self.workload {
            Workload::Transfer => (self.transfer(&payer, &payee), vec![payer]),
            Workload::Purchase => (self.purchase(&payer), vec![payer, self.holders[0]]),
        };
        let transaction = Transaction {
            chain: self.chain,
            // A little in the past: the block's time may be behind the clock of this process.
            valid_from: Timestamp::from_millis(now - 60_000),
            expires_at: Timestamp::from_millis(now + VALIDITY_MS),
            salt: number.to_le_bytes(),
            calls: vec![call].try_into().expect("one call is within the bound"),
        };
        signed(transaction, signers)
    }

    fn transfer(&self, payer: &Holder, payee: &Holder) -> Call {
        let reference = Text::default();
        assets::Transfer { asset: self.asset, to: payee.account, amount: Amount::new(1), reference }
            .call(&[payer.account])
    }

    fn purchase(&self, customer: &Holder) -> Call {
        let reference = Text::default();
        let merchant = self.holders[0].account;
        rebate::Purchase { asset: self.asset, amount: Amount::new(1), reference }.call(&[merchant, customer.account])
    }
}

fn signed(transaction: Transaction, mut signers: Vec<Holder>) -> Made {
    signers.sort_by_key(|signer| signer.account);
    let id = transaction.id();
    let message = signing_bytes(SIGNING, &transaction.chain, &id.0);
    let signatures: Vec<PartySignature> = (0_u16..)
        .zip(&signers)
        .map(|(account, signer)| PartySignature {
            account,
            key: public_key(&signer.secret),
            signature: sign(&signer.secret, &message),
        })
        .collect();
    let signatures = signatures.try_into().expect("two signatures are within the bound");
    Made { id: id.to_string(), bytes: SignedTransaction { transaction, signatures }.encode() }
}
