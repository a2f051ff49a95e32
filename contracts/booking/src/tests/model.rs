//! The rules once more, as plainly as they can be said: a list of stays, people and objects by index. Says whether a move is taken, not
//! by which name it is refused. Where a request lies is the contract's to find; that it could is said here by counting.
use alloc::vec::Vec;

/// Who can be named: the merchant is the first, the others are customers.
pub const PEOPLE: usize = 4;
pub const MERCHANT: usize = 0;
pub const OBJECTS: usize = 3;
pub const HOUR: u64 = 3_600_000;
pub const PRICE: u128 = 101;
pub const PAY_WITHIN: u64 = 2 * HOUR;
pub const GRACE: u64 = HOUR;
pub const DECIDE_WITHIN: u64 = 3 * HOUR;
pub const UNDECIDED_PERCENT: u128 = 50;
/// Hours before the beginning, and the percentage given back.
pub const TIERS: [(u64, u128); 2] = [(3, 100), (1, 33)];
const UNPAID_MAX: usize = 4;
const MOVES_MAX: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Requested,
    Paid,
    In,
    Out,
    Disputed,
    Ended,
}

#[derive(Clone, Debug)]
pub struct Stay {
    pub customer: usize,
    pub from: u64,
    pub until: u64,
    pub price: u128,
    pub stage: Stage,
    pub due: u64,
    /// The object it lies on; `None` when it has left.
    pub place: Option<usize>,
    pub bound: bool,
    /// What is still owed to the customer and to the merchant after the end.
    pub owed: [u128; 2],
}

#[derive(Clone, Debug)]
pub struct Model {
    pub now: u64,
    pub frozen: bool,
    pub licensed: bool,
    pub balances: [u128; PEOPLE],
    pub stays: Vec<Stay>,
}

/// What is known of a request beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Taken,
    Refused,
    /// Bound objects stand in the way, and whether the others can be placed around them is not said.
    Open,
}

fn overlap(one: (u64, u64), other: (u64, u64)) -> bool {
    one.0 < other.1 && other.0 < one.1
}

impl Stay {
    pub fn span(&self) -> (u64, u64) {
        (self.from, self.until)
    }

    fn escrowed(&self) -> u128 {
        match self.stage {
            Stage::Requested => 0,
            Stage::Ended => self.owed[0] + self.owed[1],
            _ => self.price,
        }
    }
}

impl Model {
    pub fn held_by_contract(&self) -> u128 {
        self.stays.iter().map(Stay::escrowed).sum()
    }

    /// The stays that lie on an object.
    pub fn lying(&self) -> impl Iterator<Item = (usize, &Stay)> {
        self.stays.iter().enumerate().filter(|(_, stay)| stay.place.is_some())
    }

    /// True if nobody lies on what another lies on at the same time.
    pub fn is_sound(&self) -> bool {
        self.lying().all(|(index, stay)| {
            let mut others = self.lying().filter(|(other, _)| *other != index);
            others.all(|(_, other)| other.place != stay.place || !overlap(stay.span(), other.span()))
        })
    }

    pub fn request(&self, customer: usize, from: u64, until: u64) -> Verdict {
        let unpaid = self.stays.iter().filter(|stay| stay.stage == Stage::Requested && stay.customer == customer);
        if !self.licensed || from <= self.now || unpaid.count() >= UNPAID_MAX {
            return Verdict::Refused;
        }
        let span = (from, until);
        let near: Vec<&Stay> = self.lying().map(|(_, stay)| stay).filter(|stay| overlap(stay.span(), span)).collect();
        // The most at one moment are there when one of them begins, or at the beginning.
        let moments = near.iter().map(|stay| stay.from.max(from));
        let at = |moment: u64| near.iter().filter(|stay| stay.from <= moment && moment < stay.until).count();
        if moments.map(at).max().unwrap_or(0) >= OBJECTS {
            return Verdict::Refused;
        }
        let is_free = |object: usize| near.iter().all(|stay| stay.place != Some(object));
        if (0..OBJECTS).any(is_free) || self.lying().all(|(_, stay)| !stay.bound) {
            Verdict::Taken
        } else {
            Verdict::Open
        }
    }

    pub fn add(&mut self, customer: usize, from: u64, until: u64) {
        let price = PRICE * u128::from((until - from).div_ceil(HOUR));
        let due = (self.now + PAY_WITHIN).min(from);
        let stage = Stage::Requested;
        self.stays.push(Stay { customer, from, until, price, stage, due, place: None, bound: false, owed: [0; 2] });
    }

    fn at(&self, stay: usize, stages: &[Stage]) -> bool {
        stages.contains(&self.stays[stay].stage) && self.now < self.stays[stay].due
    }

    pub fn pay(&mut self, index: usize) -> bool {
        let Stay { customer, price, .. } = self.stays[index];
        let fits = self.at(index, &[Stage::Requested]) && self.licensed && !self.frozen;
        let taken = fits && self.balances[customer] >= price;
        if taken {
            self.balances[customer] -= price;
            let stay = &mut self.stays[index];
            (stay.stage, stay.due) = (Stage::Paid, (stay.from + GRACE).min(stay.until));
        }
        taken
    }

    /// All that hangs together on two objects with the stay moves to the other one.
    pub fn choose(&mut self, index: usize, object: usize) -> bool {
        if !self.at(index, &[Stage::Paid]) {
            return false;
        }
        let place = self.stays[index].place.expect("a paid stay lies somewhere");
        if place != object {
            let mut moving = alloc::vec![index];
            let mut reached = 0;
            while let Some(one) = moving.get(reached).copied() {
                reached += 1;
                let span = self.stays[one].span();
                for (other, stay) in self.lying() {
                    let is_near = stay.place == Some(place) || stay.place == Some(object);
                    if is_near && overlap(stay.span(), span) && !moving.contains(&other) {
                        moving.push(other);
                    }
                }
            }
            if moving.len() > MOVES_MAX || moving.iter().any(|one| *one != index && self.stays[*one].bound) {
                return false;
            }
            for one in moving {
                let stay = &mut self.stays[one];
                stay.place = Some(if stay.place == Some(place) { object } else { place });
            }
        }
        self.stays[index].bound = true;
        true
    }

    pub fn check_in(&mut self, index: usize) -> bool {
        let taken = self.at(index, &[Stage::Paid]) && self.now >= self.stays[index].from;
        if taken {
            let stay = &mut self.stays[index];
            (stay.stage, stay.due, stay.bound) = (Stage::In, stay.until, true);
        }
        taken
    }

    pub fn check_out(&mut self, index: usize, by_customer: bool) -> bool {
        let taken = self.at(index, &[Stage::In]) || by_customer && self.at(index, &[Stage::Out]);
        if taken && by_customer {
            self.end(index, 0);
        } else if taken {
            self.stays[index].stage = Stage::Out;
            self.stays[index].place = None;
        }
        taken
    }

    pub fn cancel(&mut self, index: usize, by_customer: bool) -> bool {
        let taken =
            self.at(index, &[Stage::Requested, Stage::Paid]) || !by_customer && self.at(index, &[Stage::Disputed]);
        if taken {
            let Stay { from, price, stage, .. } = self.stays[index];
            let tier = TIERS.iter().find(|(hours, _)| self.now + hours * HOUR <= from);
            let back = match tier {
                _ if stage == Stage::Requested => 0,
                _ if !by_customer || !self.licensed => price,
                Some((_, percent)) => price * percent / 100,
                None => 0,
            };
            self.end(index, back);
        }
        taken
    }

    pub fn dispute(&mut self, index: usize) -> bool {
        let taken = self.at(index, &[Stage::Paid, Stage::In, Stage::Out]);
        if taken {
            self.stays[index].stage = Stage::Disputed;
            self.stays[index].due = self.now + DECIDE_WITHIN;
        }
        taken
    }

    pub fn resolve(&mut self, index: usize, to_customer: u128) -> bool {
        let taken = self.at(index, &[Stage::Disputed]) && to_customer <= self.stays[index].price;
        if taken {
            self.end(index, to_customer);
        }
        taken
    }

    /// What the ledger does when the time has come.
    fn fall_due(&mut self, index: usize) {
        let Stay { price, stage, .. } = self.stays[index];
        let back = match stage {
            Stage::Paid if !self.licensed => price,
            Stage::Disputed => price * UNDECIDED_PERCENT / 100,
            _ => 0,
        };
        self.end(index, back);
    }

    fn end(&mut self, index: usize, back: u128) {
        let escrowed = self.stays[index].escrowed();
        let stay = &mut self.stays[index];
        (stay.stage, stay.place, stay.owed) = (Stage::Ended, None, [back, escrowed - back]);
        self.pay_out(index);
    }

    fn pay_out(&mut self, index: usize) -> bool {
        let Stay { customer, owed: [back, earned], .. } = self.stays[index];
        let paid = !self.frozen && back + earned > 0;
        if paid {
            self.balances[customer] += back;
            self.balances[MERCHANT] += earned;
            self.stays[index].owed = [0; 2];
        }
        paid
    }

    pub fn collect(&mut self, index: usize) -> bool {
        if self.stays[index].stage == Stage::Ended {
            return self.pay_out(index);
        }
        // The ledger has done what was due.
        false
    }

    /// A block at `time`.
    pub fn block(&mut self, time: u64) {
        self.now = time;
        for index in 0..self.stays.len() {
            if self.stays[index].stage != Stage::Ended && self.stays[index].due <= time {
                self.fall_due(index);
            }
        }
    }
}
