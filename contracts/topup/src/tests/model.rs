//! The rules once more, as plainly as they can be said: a ledger of who owes what to whom, people by index. Says whether a move is
//! taken, not by which name it is refused.
use alloc::vec::Vec;
use countersign_interface::topup::{Kind, Mode, State};

/// Who can be named: two members with the role agent, one without, a holder of the first and one of the third.
pub const PEOPLE: usize = 5;
/// Those who can lose the role and get it back.
pub const MEMBERS: usize = 2;
/// The member behind each.
const MEMBER_OF: [usize; PEOPLE] = [0, 1, 2, 0, 2];

const DAY: u64 = 86_400_000;
const HALF_AN_HOUR: u64 = 1_800_000;

#[derive(Clone, Debug)]
pub struct Request {
    pub holder: usize,
    pub mode: Mode,
    pub kind: Kind,
    pub amount: u128,
    pub fee: u128,
    pub payee: Option<usize>,
    pub agent: Option<usize>,
    pub ends_at: u64,
    pub state: State,
}

impl Request {
    fn is_closed(&self) -> bool {
        !matches!(self.state, State::Open | State::HandingOver)
    }

    /// What is owed because of it: to the holder, unless it confirms.
    pub fn owed(&self) -> u128 {
        if self.kind == Kind::CashOut && !self.is_closed() { self.amount + self.fee } else { 0 }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Licence {
    pub member: usize,
    pub per_request: u128,
    pub per_day: u128,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub now: u64,
    pub frozen: bool,
    pub has_role: [bool; MEMBERS],
    pub balances: [u128; PEOPLE],
    pub licences: [Option<Licence>; PEOPLE],
    /// Everything ever executed under a licence: agent, time, amount.
    pub executed: Vec<(usize, u64, u128)>,
    pub requests: Vec<Request>,
}

impl Model {
    pub fn obligations(&self) -> u128 {
        self.requests.iter().map(Request::owed).sum()
    }

    fn is_agent_member(&self, person: usize) -> bool {
        self.has_role.get(person).copied().unwrap_or(false)
    }

    pub fn request(&mut self, request: Request) -> bool {
        let Request { holder, kind, amount, payee, agent, ends_at, .. } = request;
        let people_fit = payee.is_some() == (kind == Kind::Payment)
            && payee != Some(holder)
            && agent != Some(holder)
            && (agent.is_none() || agent != payee);
        let owed = request.owed();
        let taken = people_fit && amount > 0 && ends_at > self.now && !self.frozen && self.balances[holder] >= owed;
        if taken {
            self.balances[holder] -= owed;
            self.requests.push(request);
        }
        taken
    }

    /// The member by whose right `agent` acts, and what its licence leaves it today.
    fn right(&self, agent: usize, amount: u128) -> Option<usize> {
        if self.is_agent_member(agent) {
            return Some(agent);
        }
        let licence = self.licences[agent].filter(|licence| self.is_agent_member(licence.member))?;
        let today = self.executed.iter().filter(|(who, at, _)| *who == agent && at / DAY == self.now / DAY);
        let used: u128 = today.map(|(_, _, amount)| amount).sum();
        (amount <= licence.per_request && used + amount <= licence.per_day).then_some(licence.member)
    }

    pub fn execute(&mut self, agent: usize, index: usize) -> bool {
        let request = self.requests[index].clone();
        let Request { holder, mode, kind, amount, payee, .. } = request;
        let fits = request.state == State::Open
            && self.now < request.ends_at
            && !self.frozen
            && request.agent.is_none_or(|only| only == agent)
            && agent != holder
            && payee != Some(agent)
            && (kind == Kind::CashOut || self.balances[agent] >= amount);
        let Some(member) = self.right(agent, amount).filter(|_| fits) else { return false };
        if mode == Mode::Own && member != MEMBER_OF[holder] {
            return false;
        }
        if !self.is_agent_member(agent) {
            self.executed.push((agent, self.now, amount));
        }
        let request = &mut self.requests[index];
        request.agent = Some(agent);
        if kind == Kind::CashOut {
            request.state = State::HandingOver;
            request.ends_at = self.now + HALF_AN_HOUR;
        } else {
            request.state = State::Done;
            self.balances[agent] -= amount;
            self.balances[payee.unwrap_or(holder)] += amount;
        }
        true
    }

    pub fn confirm(&mut self, holder: usize, index: usize) -> bool {
        let request = &mut self.requests[index];
        let fits = request.holder == holder && request.state == State::HandingOver && self.now < request.ends_at;
        let Some(agent) = request.agent.filter(|_| fits && !self.frozen) else { return false };
        self.balances[agent] += request.owed();
        request.state = State::Done;
        true
    }

    pub fn cancel(&mut self, person: usize, index: usize) -> bool {
        let request = &self.requests[index];
        let may = request.holder == person && request.state == State::Open;
        may && self.give_back(index, State::Cancelled)
    }

    pub fn reject(&mut self, person: usize, index: usize) -> bool {
        self.requests[index].agent == Some(person) && self.give_back(index, State::Rejected)
    }

    /// By the ledger or by request.
    pub fn expire(&mut self, index: usize) -> bool {
        self.now >= self.requests[index].ends_at && self.give_back(index, State::Expired)
    }

    fn give_back(&mut self, index: usize, state: State) -> bool {
        let request = &mut self.requests[index];
        let owed = request.owed();
        if request.is_closed() || owed > 0 && self.frozen {
            return false;
        }
        self.balances[request.holder] += owed;
        request.state = state;
        true
    }

    pub fn license(&mut self, member: usize, agent: usize, per_request: u128, per_day: u128) -> bool {
        let other = self.licences[agent].filter(|licence| licence.member != member);
        let taken = member != agent
            && self.is_agent_member(member)
            && (1..=per_day).contains(&per_request)
            && other.is_none_or(|licence| !self.is_agent_member(licence.member));
        if taken {
            self.licences[agent] = Some(Licence { member, per_request, per_day });
        }
        taken
    }

    pub fn withdraw(&mut self, person: usize, agent: usize) -> bool {
        let Some(licence) = self.licences[agent] else { return false };
        let may = person == agent || person == licence.member;
        if may {
            self.licences[agent] = None;
        }
        may
    }

    /// A block at `time`: what fell due since the last one is closed, or, if nothing can move, waits for somebody to ask.
    pub fn block(&mut self, time: u64) {
        let before = core::mem::replace(&mut self.now, time);
        for index in 0..self.requests.len() {
            if self.requests[index].ends_at > before {
                self.expire(index);
            }
        }
    }
}
