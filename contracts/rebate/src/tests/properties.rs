//! Random moves at random times: the contract agrees with the model, value is conserved, nothing is stuck.
use super::model::{MERCHANT, Model, Offer, PEOPLE};
use super::scene::{FUNDS, START, Scene};
use alloc::vec::Vec;
use countersign_contract_sdk::testing::Actor;
use countersign_interface::rebate::{self, State};
use countersign_types::{Amount, Document, Hash, Timestamp};
use proptest::prelude::*;

/// Later than every rebate time.
const THE_END: u64 = 1_000_000_000;
/// More than anybody has, now and then.
const AMOUNT_MAX: u128 = 150_000;

#[derive(Clone, Debug)]
enum Move {
    Purchase {
        buyer: usize,
        amount: u128,
    },
    Draw {
        purchase: usize,
        third_party: usize,
        price: u128,
        rebate: u128,
        deadline: u64,
        rebate_time: u64,
        required: bool,
    },
    Redeem {
        offer: usize,
    },
    Claim {
        offer: usize,
    },
    Refund {
        purchase: usize,
        amount: u128,
    },
    Collect {
        offer: usize,
    },
    Block {
        later: u64,
    },
    Freeze {
        frozen: bool,
    },
}

/// Holders only: what a merchant may not do is among the refusals' tests.
fn holder() -> impl Strategy<Value = usize> {
    MERCHANT + 1..PEOPLE
}

/// Times from now: few different ones, so that what must be before something else often falls together with it.
fn time(least: u64) -> impl Strategy<Value = u64> {
    (least..12).prop_map(|steps| steps * 100)
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let index = 0..64_usize;
    let draw = (index.clone(), holder(), 1..20_000_u128, 1..10_000_u128, time(0), time(1), any::<bool>());
    let one = prop_oneof![
        3 => (holder(), prop_oneof![4 => 1..30_000_u128, 1 => 0..AMOUNT_MAX])
            .prop_map(|(buyer, amount)| Move::Purchase { buyer, amount }),
        5 => draw.prop_map(|(purchase, third_party, price, rebate, deadline, rebate_time, required)| {
            Move::Draw { purchase, third_party, price, rebate, deadline, rebate_time, required }
        }),
        4 => index.clone().prop_map(|offer| Move::Redeem { offer }),
        4 => index.clone().prop_map(|offer| Move::Claim { offer }),
        2 => (index.clone(), 0..20_000_u128).prop_map(|(purchase, amount)| Move::Refund { purchase, amount }),
        1 => index.prop_map(|offer| Move::Collect { offer }),
        3 => time(1).prop_map(|later| Move::Block { later }),
        1 => prop_oneof![3 => Just(false), 1 => Just(true)].prop_map(|frozen| Move::Freeze { frozen }),
    ];
    prop::collection::vec(one, 1..60)
}

/// The contract and the model side by side.
struct Pair {
    scene: Scene,
    model: Model,
    people: [Actor; PEOPLE],
    purchases: Vec<Hash>,
    documents: Vec<(Document, Hash)>,
}

impl Pair {
    fn new() -> Self {
        let scene = Scene::new();
        let people = [scene.merchant, scene.customer, scene.newcomer, scene.stranger];
        let balances = [FUNDS.get(); PEOPLE];
        let model = Model { now: START.millis(), frozen: false, balances, purchases: Vec::new(), offers: Vec::new() };
        Self { scene, model, people, purchases: Vec::new(), documents: Vec::new() }
    }

    /// Makes one move on both sides; both take it or both refuse it.
    fn make(&mut self, step: Move) {
        let merchant = self.people[MERCHANT].account;
        match step {
            Move::Purchase { buyer, amount } => {
                let id = self.scene.purchase_between(merchant, self.people[buyer].account, amount);
                assert_eq!(id.is_ok(), self.model.purchase(buyer, amount), "{id:?}");
                self.purchases.extend(id);
            }
            Move::Draw { .. } => self.draw(&step),
            Move::Redeem { offer } => {
                let Some(offer) = self.some_offer(offer) else { return };
                let document = self.documents[offer].0.clone();
                let signed = self.scene.host.signed(document, &self.signers(offer).iter().collect::<Vec<_>>());
                let id = self.scene.redeem_as(self.signers(offer).map(|actor| actor.account), signed);
                assert_eq!(id.is_ok(), self.model.redeem(offer), "{id:?}");
                self.purchases.extend(id);
            }
            Move::Claim { offer } => {
                let Some(offer) = self.some_offer(offer) else { return };
                let Offer { rebate, rebate_time, .. } = self.model.offers[offer];
                let parties = self.signers(offer).map(|actor| actor.account);
                let (document, time) = (self.documents[offer].0.clone(), Timestamp::from_millis(rebate_time));
                let id = self.scene.claim_as(parties, document, Amount::new(rebate), time);
                assert_eq!(id.is_ok(), self.model.claim(offer), "{id:?}");
            }
            Move::Refund { purchase, amount } => {
                if self.purchases.is_empty() {
                    return;
                }
                let purchase = purchase % self.purchases.len();
                let buyer = self.people[self.model.purchases[purchase].buyer].account;
                let outcome = self.scene.refund_between(merchant, buyer, self.purchases[purchase], amount);
                assert_eq!(outcome.is_ok(), self.model.refund(purchase, amount), "{outcome:?}");
            }
            Move::Collect { offer } => {
                let Some(offer) = self.some_offer(offer) else { return };
                let outcome = self.scene.collect(self.people[2], self.documents[offer].1);
                assert_eq!(outcome.is_ok(), self.model.settle(offer), "{outcome:?}");
            }
            Move::Block { later } => self.block(self.model.now + later),
            Move::Freeze { frozen } => {
                self.scene.host.set_frozen(self.scene.eur, frozen);
                self.model.frozen = frozen;
            }
        }
    }

    fn block(&mut self, time: u64) {
        self.scene.block(Timestamp::from_millis(time));
        self.model.block(time);
    }

    fn some_offer(&self, index: usize) -> Option<usize> {
        index.checked_rem(self.documents.len())
    }

    /// Merchant, customer and third party of an offer.
    fn signers(&self, offer: usize) -> [Actor; 3] {
        let Offer { purchase, third_party, .. } = self.model.offers[offer];
        [MERCHANT, self.model.purchases[purchase].buyer, third_party].map(|person| self.people[person])
    }

    fn draw(&mut self, step: &Move) {
        let &Move::Draw { purchase, third_party, price, rebate, deadline, rebate_time, required } = step else {
            return;
        };
        let Some(purchase) = purchase.checked_rem(self.purchases.len()) else { return };
        // One account in two roles is no document anybody can sign.
        if third_party == self.model.purchases[purchase].buyer {
            return;
        }
        let (deadline, rebate_time) = (self.model.now + deadline, self.model.now + rebate_time);
        let terms = rebate::Offer {
            purchase: self.purchases[purchase],
            asset: self.scene.eur,
            price: Amount::new(price),
            deadline: Timestamp::from_millis(deadline),
            rebate: Amount::new(rebate),
            rebate_time: Timestamp::from_millis(rebate_time),
            purchase_required: required,
        };
        let offer = Offer {
            purchase,
            third_party,
            price,
            rebate,
            deadline,
            rebate_time,
            required,
            redeemed: None,
            claimed: false,
            settled: None,
        };
        self.model.offers.push(offer);
        let parties = self.signers(self.model.offers.len() - 1).map(|actor| actor.account);
        let document = terms.document(self.scene.host.chain_id(), parties, terms.rebate_time);
        let id = document.hash();
        if self.documents.iter().any(|(_, known)| *known == id) {
            // The same terms are the same offer.
            self.model.offers.pop();
        } else {
            self.documents.push((document, id));
        }
    }

    fn check(&mut self) {
        let host = &self.scene.host;
        let held = self.people.map(|person| host.held(person.account, self.scene.eur).get());
        assert_eq!(held, self.model.balances);
        let set_aside = host.held(host.contract(), self.scene.eur);
        assert_eq!(set_aside.get(), self.model.held_by_contract());
        assert_eq!(set_aside, self.scene.set_aside());
    }

    /// Lets everything move again, waits for the last rebate time and collects what the ledger could not settle.
    fn finish(&mut self) {
        self.make(Move::Freeze { frozen: false });
        self.block(THE_END);
        for index in 0..self.documents.len() {
            let Offer { claimed, settled, .. } = self.model.offers[index];
            if claimed && settled.is_none() {
                self.make(Move::Collect { offer: index });
            }
            if claimed {
                let record = self.scene.rebate(self.documents[index].1);
                let paid = self.model.offers[index].settled.expect("all are settled in the end");
                assert_eq!(record.paid.get(), paid);
                assert_eq!(record.state, if paid == 0 { State::Reversed } else { State::Paid });
            }
        }
        assert_eq!(self.scene.set_aside(), Amount::ZERO);
        assert_eq!(self.scene.host.waiting_jobs().count(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_contract_agrees_with_the_model(moves in moves()) {
        let mut pair = Pair::new();
        let supply = pair.scene.host.supply(pair.scene.eur);
        for step in moves {
            pair.make(step);
            pair.check();
        }
        pair.finish();
        pair.check();
        prop_assert_eq!(pair.scene.host.supply(pair.scene.eur), supply);
    }
}
