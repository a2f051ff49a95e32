//! The rules once more, as plainly as they can be said: numbers in vectors, people by index. Says whether a move is taken, not
//! by which name it is refused.
use alloc::vec::Vec;

/// Who can be named in any part.
pub const PEOPLE: usize = 8;
pub const BANK: usize = 0;
pub const HANNA: usize = 1;
pub const STAN: usize = 2;
pub const PHONE: usize = 3;
pub const TILL: usize = 4;
pub const AUTH_A: usize = 5;
pub const AUTH_B: usize = 6;
pub const SHOP: usize = 7;

const DAY: u64 = 86_400_000;
const THIRTY_DAYS: u64 = 30 * DAY;

#[derive(Clone, Debug)]
pub struct Card {
    pub holder: usize,
    pub device: usize,
    pub auth: usize,
    pub balance: u128,
    pub payment_max: u128,
    pub day_max: u128,
    /// Every payment: the day's number and the amount.
    pub payments: Vec<(u64, u128)>,
    pub blocked_since: Option<u64>,
}

impl Card {
    pub fn new(holder: usize, device: usize, auth: usize, payment_max: u128, day_max: u128) -> Self {
        Self { holder, device, auth, balance: 0, payment_max, day_max, payments: Vec::new(), blocked_since: None }
    }

    pub fn paid_on(&self, day: u64) -> u128 {
        self.payments.iter().filter(|(on, _)| *on == day).map(|(_, amount)| amount).sum()
    }
}

/// A payment as somebody tries it.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub card: usize,
    pub auth: usize,
    pub device: usize,
    pub associated: Option<usize>,
    pub amount: u128,
    /// Whose name is the payee's.
    pub payee: usize,
    /// Whose account was shown.
    pub account: usize,
    pub order: u8,
}

/// How a balance returns to its holder.
#[derive(Clone, Copy, Debug)]
pub enum Back {
    Unload { auth: usize },
    Recover { issuer: usize },
    Reclaim,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub now: u64,
    pub frozen: bool,
    pub bank_suspended: bool,
    pub shop_suspended: bool,
    pub balances: [u128; PEOPLE],
    pub cards: Vec<Card>,
    /// Device and id of every order that was paid.
    pub orders: Vec<(usize, u8)>,
}

impl Model {
    pub fn held_by_contract(&self) -> u128 {
        self.cards.iter().map(|card| card.balance).sum()
    }

    /// The bank's suspension holds for the PIN keys it enrolled, the shop's for its till.
    fn is_active(&self, person: usize) -> bool {
        match person {
            BANK | AUTH_A | AUTH_B => !self.bank_suspended,
            SHOP | TILL => !self.shop_suspended,
            _ => true,
        }
    }

    fn sign(&self, people: &[usize]) -> bool {
        people.iter().all(|person| self.is_active(*person))
    }

    pub fn load(&mut self, payer: usize, card: usize, amount: u128) -> bool {
        let taken = self.sign(&[payer])
            && !self.frozen
            && amount > 0
            && self.balances[payer] >= amount
            && self.cards[card].blocked_since.is_none();
        if taken {
            self.balances[payer] -= amount;
            self.cards[card].balance += amount;
        }
        taken
    }

    pub fn pay(&mut self, attempt: &Attempt) -> bool {
        let Attempt { card, auth, device, associated, amount, payee, account, order } = *attempt;
        let day = self.now / DAY;
        let of = &self.cards[card];
        let confirmed = match associated {
            None => device == of.device,
            Some(associated) => device != of.device && associated == of.device && self.sign(&[associated]),
        };
        let within = amount <= of.payment_max && of.paid_on(day) + amount <= of.day_max;
        let taken = self.sign(&[auth, device])
            && of.auth == auth
            && confirmed
            && of.blocked_since.is_none()
            && !self.frozen
            && within
            && (1..=of.balance).contains(&amount)
            && payee == account
            && self.is_active(account)
            && !self.orders.contains(&(device, order));
        if taken {
            let of = &mut self.cards[card];
            of.balance -= amount;
            of.payments.push((day, amount));
            self.balances[account] += amount;
            self.orders.push((device, order));
        }
        taken
    }

    pub fn give_back(&mut self, back: Back, card: usize, holder: usize, amount: u128) -> bool {
        let of = &self.cards[card];
        let allowed = match back {
            Back::Unload { auth } => self.sign(&[auth]) && of.auth == auth,
            Back::Recover { issuer } => self.sign(&[issuer]) && issuer == BANK,
            Back::Reclaim => {
                self.bank_suspended || of.blocked_since.is_some_and(|since| self.now - since >= THIRTY_DAYS)
            }
        };
        let taken = allowed
            && self.sign(&[holder])
            && holder == of.holder
            && !self.frozen
            && (1..=of.balance).contains(&amount);
        if taken {
            self.cards[card].balance -= amount;
            self.balances[holder] += amount;
        }
        taken
    }

    pub fn block(&mut self, by: usize, card: usize) -> bool {
        let of = &self.cards[card];
        let taken = self.sign(&[by]) && (by == BANK || by == of.holder) && of.blocked_since.is_none();
        if taken {
            self.cards[card].blocked_since = Some(self.now);
        }
        taken
    }

    /// Issuer and holder agree on something about a card, and `with` signs too.
    fn agree(&self, issuer: usize, holder: usize, with: &[usize], card: usize) -> bool {
        self.sign(&[issuer, holder]) && self.sign(with) && issuer == BANK && holder == self.cards[card].holder
    }

    pub fn unblock(&mut self, issuer: usize, holder: usize, card: usize) -> bool {
        let taken = self.agree(issuer, holder, &[], card) && self.cards[card].blocked_since.is_some();
        if taken {
            self.cards[card].blocked_since = None;
        }
        taken
    }

    pub fn change_auth(&mut self, issuer: usize, holder: usize, auth: usize, card: usize) -> bool {
        let others = [BANK, self.cards[card].holder, self.cards[card].device];
        let taken = self.agree(issuer, holder, &[auth], card) && !others.contains(&auth);
        if taken {
            self.cards[card].auth = auth;
        }
        taken
    }

    pub fn change_device(&mut self, issuer: usize, holder: usize, device: usize, card: usize) -> bool {
        let taken = self.agree(issuer, holder, &[device], card) && device != self.cards[card].auth;
        if taken {
            self.cards[card].device = device;
        }
        taken
    }

    pub fn set_limits(&mut self, issuer: usize, holder: usize, card: usize, payment_max: u128, day_max: u128) -> bool {
        let taken = self.agree(issuer, holder, &[], card) && payment_max > 0 && payment_max <= day_max;
        if taken {
            let of = &mut self.cards[card];
            (of.payment_max, of.day_max) = (payment_max, day_max);
        }
        taken
    }
}
