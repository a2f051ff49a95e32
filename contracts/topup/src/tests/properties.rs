//! Random moves at random times: the contract agrees with the model, value is conserved, nothing is stuck.
use super::model::{Licence, MEMBERS, Model, PEOPLE, Request};
use super::scene::{FUNDS, START, Scene};
use alloc::vec;
use alloc::vec::Vec;
use countersign_contract_sdk::testing::Actor;
use countersign_interface::topup::{self, Kind, Mode, State};
use countersign_types::account::Role;
use countersign_types::{Amount, Hash, Timestamp};
use proptest::prelude::*;

/// The one who is licensed in the beginning.
const SHOP: usize = 2;
const MINUTE: u64 = 60_000;
/// Later than every request's end.
const THE_END: u64 = START.millis() + 1_000 * 86_400_000;

#[derive(Clone, Debug)]
enum Move {
    Request(Request),
    Execute { agent: usize, request: usize },
    Confirm { holder: usize, request: usize },
    Cancel { person: usize, request: usize },
    Reject { person: usize, request: usize },
    Collect { request: usize },
    License { member: usize, agent: usize, per_request: u128, per_day: u128 },
    Withdraw { person: usize, agent: usize },
    Block { later: u64 },
    Freeze { frozen: bool },
    Role { member: usize, has: bool },
}

fn person() -> impl Strategy<Value = usize> {
    0..PEOPLE
}

/// Mostly those who may: the licensed one first, for it alone has limits.
fn agent() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(SHOP), 2 => 0..MEMBERS, 1 => person()]
}

/// Counted back from the newest, and mostly that.
fn recent() -> impl Strategy<Value = usize> {
    prop_oneof![2 => 0..2_usize, 1 => 0..64_usize]
}

/// Times from now: few different ones, so that what must be before something else often falls together with it; now and then the
/// next day.
fn later(least: u64) -> impl Strategy<Value = u64> {
    prop_oneof![8 => (least..12).prop_map(|steps| steps * 10 * MINUTE), 1 => Just(12 * 60 * MINUTE)]
}

fn request() -> impl Strategy<Value = Request> {
    let kind = prop_oneof![1 => Just(Kind::TopUp), 3 => Just(Kind::CashOut), 1 => Just(Kind::Payment)];
    let mode = prop_oneof![4 => Just(Mode::Proxy), 1 => Just(Mode::Own)];
    let agent = prop_oneof![3 => Just(None), 1 => person().prop_map(Some)];
    // Mostly as a payment needs it; now and then somebody where nobody belongs, or nobody where somebody does.
    let fit = prop::bool::weighted(0.9);
    let amount = prop_oneof![8 => 1..12_000_u128, 1 => 0..150_000_u128];
    (person(), mode, kind, amount, 0..500_u128, (person(), fit), agent, later(0)).prop_map(
        |(holder, mode, kind, amount, fee, (payee, fit), agent, ends_at)| {
            let payee = ((kind == Kind::Payment) == fit).then_some(payee);
            Request { holder, mode, kind, amount, fee, payee, agent, ends_at, state: State::Open }
        },
    )
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        6 => request().prop_map(Move::Request),
        12 => (agent(), recent()).prop_map(|(agent, request)| Move::Execute { agent, request }),
        8 => (person(), recent()).prop_map(|(holder, request)| Move::Confirm { holder, request }),
        3 => (person(), recent()).prop_map(|(person, request)| Move::Cancel { person, request }),
        3 => (person(), recent()).prop_map(|(person, request)| Move::Reject { person, request }),
        1 => recent().prop_map(|request| Move::Collect { request }),
        2 => (person(), person(), 0..20_000_u128, 0..40_000_u128)
            .prop_map(|(member, agent, per_request, per_day)| Move::License { member, agent, per_request, per_day }),
        1 => (person(), person()).prop_map(|(person, agent)| Move::Withdraw { person, agent }),
        4 => later(1).prop_map(|later| Move::Block { later }),
        1 => prop::bool::weighted(0.25).prop_map(|frozen| Move::Freeze { frozen }),
        1 => (0..MEMBERS, prop::bool::weighted(0.7)).prop_map(|(member, has)| Move::Role { member, has }),
    ];
    prop::collection::vec(one, 1..60)
}

/// The contract and the model side by side.
struct Pair {
    scene: Scene,
    model: Model,
    people: [Actor; PEOPLE],
    requests: Vec<Hash>,
}

impl Pair {
    fn new() -> Self {
        let mut scene = Scene::new();
        let people = [scene.bank, scene.rival, scene.shop, scene.holder, scene.stranger];
        scene.license(scene.bank, scene.shop, 10_000, 15_000).unwrap();
        let mut licences = [None; PEOPLE];
        licences[SHOP] = Some(Licence { member: 0, per_request: 10_000, per_day: 15_000 });
        let model = Model {
            now: START.millis(),
            frozen: false,
            has_role: [true; MEMBERS],
            balances: [FUNDS.get(); PEOPLE],
            licences,
            executed: Vec::new(),
            requests: Vec::new(),
        };
        Self { scene, model, people, requests: Vec::new() }
    }

    /// Makes one move on both sides; both take it or both refuse it.
    fn make(&mut self, step: Move) {
        match step {
            Move::Request(request) => self.request(request),
            Move::License { member, agent, per_request, per_day } => {
                let outcome = self.scene.license(self.people[member], self.people[agent], per_request, per_day);
                assert_eq!(outcome.is_ok(), self.model.license(member, agent, per_request, per_day), "{outcome:?}");
            }
            Move::Withdraw { person, agent } => {
                let outcome = self.scene.withdraw(self.people[person], self.people[agent]);
                assert_eq!(outcome.is_ok(), self.model.withdraw(person, agent), "{outcome:?}");
            }
            Move::Block { later } => self.block(self.model.now + later),
            Move::Freeze { frozen } => {
                self.scene.host.set_frozen(self.scene.eur, frozen);
                self.model.frozen = frozen;
            }
            Move::Role { member, has } => {
                let roles: &[Role] = if has { &[Role::Agent] } else { &[] };
                self.scene.host.set_roles(self.people[member].account, roles);
                self.model.has_role[member] = has;
            }
            Move::Execute { request, .. }
            | Move::Confirm { request, .. }
            | Move::Cancel { request, .. }
            | Move::Reject { request, .. }
            | Move::Collect { request } => {
                if let Some(back) = request.checked_rem(self.requests.len()) {
                    self.about(&step, self.requests.len() - 1 - back);
                }
            }
        }
    }

    /// A move about the request at `index`.
    fn about(&mut self, step: &Move, index: usize) {
        let id = self.requests[index];
        let (outcome, expected) = match *step {
            Move::Execute { agent, .. } => {
                (self.scene.execute(self.people[agent], id), self.model.execute(agent, index))
            }
            Move::Confirm { holder, .. } => {
                let agent = self.model.requests[index].agent.map_or(self.people[0], |agent| self.people[agent]);
                let args = self.scene.received(id, agent);
                (self.scene.confirm_as(self.people[holder], args), self.model.confirm(holder, index))
            }
            Move::Cancel { person, .. } => {
                (self.scene.cancel(self.people[person], id), self.model.cancel(person, index))
            }
            Move::Reject { person, .. } => {
                (self.scene.reject(self.people[person], id), self.model.reject(person, index))
            }
            _ => (self.scene.collect(self.people[2], id), self.model.expire(index)),
        };
        assert_eq!(outcome.is_ok(), expected, "{step:?}: {outcome:?}");
    }

    fn request(&mut self, mut request: Request) {
        request.ends_at += self.model.now;
        let account = |person: usize| self.people[person].account;
        let args = topup::Request {
            mode: request.mode,
            kind: request.kind,
            asset: self.scene.eur,
            amount: Amount::new(request.amount),
            fee: Amount::new(request.fee),
            payee: request.payee.map(account),
            agent: request.agent.map(account),
            reference: super::scene::text(""),
            expires_at: Timestamp::from_millis(request.ends_at),
        };
        let id = self.scene.request_by(self.people[request.holder], args);
        assert_eq!(id.is_ok(), self.model.request(request), "{id:?}");
        self.requests.extend(id);
    }

    fn block(&mut self, time: u64) {
        self.scene.block(Timestamp::from_millis(time));
        self.model.block(time);
    }

    fn check(&mut self) {
        let host = &self.scene.host;
        let held = self.people.map(|person| host.held(person.account, self.scene.eur).get());
        assert_eq!(held, self.model.balances);
        let set_aside = host.held(host.contract(), self.scene.eur);
        assert_eq!(set_aside.get(), self.model.obligations());
        assert_eq!(set_aside, self.scene.set_aside());
        for (index, request) in self.model.requests.iter().enumerate() {
            let record = self.scene.record(self.requests[index]);
            assert_eq!((record.state, record.ends_at.millis()), (request.state, request.ends_at));
        }
    }

    /// Lets everything move again, waits for the last end and collects what the ledger could not close.
    fn finish(&mut self) {
        self.make(Move::Freeze { frozen: false });
        self.block(THE_END);
        for index in 0..self.requests.len() {
            if matches!(self.model.requests[index].state, State::Open | State::HandingOver) {
                self.about(&Move::Collect { request: index }, index);
            }
        }
        assert_eq!(self.scene.set_aside(), Amount::ZERO);
        assert_eq!(self.scene.host.waiting_jobs().count(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

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
