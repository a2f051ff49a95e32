//! The rules once more, as plainly as they can be said: numbers in vectors, people by index. Says whether a move is taken, not
//! by which name it is refused.
use alloc::vec::Vec;

/// Who can be named: the merchant is the first, the others are holders.
pub const PEOPLE: usize = 4;
pub const MERCHANT: usize = 0;

#[derive(Clone, Debug)]
pub struct Purchase {
    pub buyer: usize,
    pub amount: u128,
    pub refunded: u128,
}

#[derive(Clone, Debug)]
pub struct Offer {
    pub purchase: usize,
    pub third_party: usize,
    pub price: u128,
    pub rebate: u128,
    pub deadline: u64,
    pub rebate_time: u64,
    pub required: bool,
    /// The purchase that redeemed it.
    pub redeemed: Option<usize>,
    pub claimed: bool,
    /// What the customer got.
    pub settled: Option<u128>,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub now: u64,
    pub frozen: bool,
    pub balances: [u128; PEOPLE],
    pub purchases: Vec<Purchase>,
    pub offers: Vec<Offer>,
}

impl Model {
    pub fn held_by_contract(&self) -> u128 {
        let open = self.offers.iter().filter(|offer| offer.claimed && offer.settled.is_none());
        open.map(|offer| offer.rebate).sum()
    }

    fn pay(&mut self, from: usize, to: usize, amount: u128) -> bool {
        let paid = !self.frozen && amount > 0 && self.balances[from] >= amount;
        if paid {
            self.balances[from] -= amount;
            self.balances[to] += amount;
        }
        paid
    }

    pub fn purchase(&mut self, buyer: usize, amount: u128) -> bool {
        let paid = self.pay(buyer, MERCHANT, amount);
        if paid {
            self.purchases.push(Purchase { buyer, amount, refunded: 0 });
        }
        paid
    }

    fn is_sound(&self, offer: &Offer) -> bool {
        let first = &self.purchases[offer.purchase];
        offer.third_party != first.buyer
            && (1..first.amount).contains(&offer.price)
            && (1..=offer.price).contains(&offer.rebate)
            && offer.deadline < offer.rebate_time
            // Offers expire at their rebate time.
            && self.now <= offer.rebate_time
    }

    pub fn redeem(&mut self, index: usize) -> bool {
        let offer = self.offers[index].clone();
        let fits = self.is_sound(&offer) && offer.redeemed.is_none() && self.now < offer.deadline;
        let taken = fits && self.purchase(offer.third_party, offer.price);
        if taken {
            self.offers[index].redeemed = Some(self.purchases.len() - 1);
        }
        taken
    }

    pub fn claim(&mut self, index: usize) -> bool {
        let offer = &self.offers[index];
        let fits = self.is_sound(offer) && !offer.claimed && self.now < offer.rebate_time;
        let taken = fits && !self.frozen && self.balances[MERCHANT] >= offer.rebate;
        if taken {
            self.balances[MERCHANT] -= self.offers[index].rebate;
            self.offers[index].claimed = true;
        }
        taken
    }

    pub fn refund(&mut self, index: usize, amount: u128) -> bool {
        let Purchase { buyer, amount: price, refunded } = self.purchases[index];
        let paid = refunded + amount <= price && self.pay(MERCHANT, buyer, amount);
        if paid {
            self.purchases[index].refunded += amount;
        }
        paid
    }

    /// The end of an offer's rebate, by the ledger or by request.
    pub fn settle(&mut self, index: usize) -> bool {
        let offer = &self.offers[index];
        if self.frozen || !offer.claimed || offer.settled.is_some() || self.now < offer.rebate_time {
            return false;
        }
        let paid = match (offer.required, offer.redeemed) {
            (false, _) => offer.rebate,
            (true, None) => 0,
            (true, Some(second)) => {
                let Purchase { amount, refunded, .. } = self.purchases[second];
                offer.rebate * (amount - refunded) / amount
            }
        };
        let customer = self.purchases[offer.purchase].buyer;
        let rebate = offer.rebate;
        self.balances[customer] += paid;
        self.balances[MERCHANT] += rebate - paid;
        self.offers[index].settled = Some(paid);
        true
    }

    /// A block at `time`: what fell due since the last one is settled, or, if nothing can move, waits for a request.
    pub fn block(&mut self, time: u64) {
        let before = core::mem::replace(&mut self.now, time);
        for index in 0..self.offers.len() {
            if self.offers[index].rebate_time > before {
                self.settle(index);
            }
        }
    }
}
