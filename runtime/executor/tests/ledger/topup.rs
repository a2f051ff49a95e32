//! Top-up, cash-out and payment as real wasm, from the request to the end; gas, events and records are frozen.
use crate::counter::{
    AMOUNT, BANK, CONFIRM_MS, COUNCIL, Counter, FEE, HOLDER, HOUR_MS, OWN, PER_DAY, PER_REQUEST, SHOP, contract,
    licence, request_id,
};
use crate::frozen;
use crate::journal::{Journal, named_world};
use crate::world::{BALANCE, eur, id, ms, ok, refusal};
use countersign_interface::assets::SetFrozen;
use countersign_interface::registry::{SetMemberSuspended, SetRoles};
use countersign_interface::topup::{Cancel, Collect, Error, Kind, Mode, Reject, Request, State, Withdraw};
use countersign_types::receipt::Subject;
use countersign_types::{Amount, Params, Receipt, Role};

/// What no call may use, what it pays ahead for a job apart.
const GAS_MAX: u64 = 1_000_000;

/// Counts the steps' gas and notes them.
struct Steps {
    journal: Journal,
    /// The most gas of a step, without what it paid ahead.
    most: u64,
}

impl Steps {
    fn note(&mut self, step: &str, counter: &Counter, receipt: &Receipt, jobs: u64) {
        let ahead = jobs * Params::default().job_gas.get();
        self.most = self.most.max(receipt.gas.get() - ahead);
        self.journal.note(step, &counter.world, receipt);
    }
}

#[test]
fn the_whole_story_with_frozen_gas_events_and_records() {
    let mut steps = Steps { journal: Journal::new(countersign_interface::topup::interface()), most: 0 };
    let mut counter = Counter { world: named_world("topup") };
    let receipt = ok(counter.world.call(&licence(PER_REQUEST, PER_DAY), &[BANK, SHOP]));
    steps.note("license", &counter, &receipt, 0);
    // A top-up by the bank, a payment by the shop.
    for (kind, agent) in [(Kind::TopUp, BANK), (Kind::Payment, SHOP)] {
        let ask = counter.ask(kind);
        let receipt = ok(counter.world.call(&ask, &[HOLDER]));
        steps.note("request", &counter, &receipt, 1);
        let receipt = ok(counter.execute(agent, request_id(&receipt)));
        steps.note("execute", &counter, &receipt, 0);
    }
    assert_eq!(counter.balances(), [BALANCE + AMOUNT, BALANCE - AMOUNT, BALANCE - AMOUNT, BALANCE + AMOUNT, 0]);
    // A cash-out at the shop, confirmed.
    let ask = counter.ask(Kind::CashOut);
    let receipt = ok(counter.world.call(&ask, &[HOLDER]));
    steps.note("request a cash-out", &counter, &receipt, 1);
    let request = request_id(&receipt);
    assert_eq!(counter.set_aside(eur()), Amount::new(AMOUNT + FEE));
    let receipt = ok(counter.execute(SHOP, request));
    steps.note("take it on", &counter, &receipt, 1);
    let receipt = ok(counter.confirm(SHOP, request));
    steps.note("confirm", &counter, &receipt, 0);
    assert_eq!(counter.balances(), [BALANCE - FEE, BALANCE - AMOUNT, BALANCE + FEE, BALANCE + AMOUNT, 0]);
    assert_eq!(counter.licence_of(SHOP).unwrap().used, Amount::new(2 * AMOUNT));
    // One taken back, one given up.
    let (taken_back, given_up) = (counter.asked(Kind::CashOut), counter.asked(Kind::CashOut));
    let receipt = ok(counter.world.call(&Cancel { request: taken_back }, &[HOLDER]));
    steps.note("cancel", &counter, &receipt, 0);
    ok(counter.execute(BANK, given_up));
    let reject = Reject { request: given_up, reason: "the till is empty".parse().unwrap() };
    let receipt = ok(counter.world.call(&reject, &[BANK]));
    steps.note("reject", &counter, &receipt, 0);
    // One nobody takes on: the ledger itself returns the money.
    let request = counter.asked(Kind::CashOut);
    let receipt = ok(counter.world.block_at(counter.world.time + HOUR_MS, &[]).receipts.pop().unwrap());
    assert!(matches!(receipt.subject, Subject::Job(_)));
    steps.note("expire", &counter, &receipt, 0);
    assert_eq!((counter.state(request), counter.set_aside(eur())), (State::Expired, Amount::ZERO));
    let receipt = counter.world.call(&Collect { request }, &[HOLDER]);
    steps.note("collect after it", &counter, &receipt, 0);
    let receipt = ok(counter.world.call(&Withdraw { agent: id(SHOP), asset: eur() }, &[SHOP]));
    steps.note("withdraw", &counter, &receipt, 0);
    assert!(steps.most < GAS_MAX, "{}", steps.most);
    frozen::check("topup-fuel.txt", &steps.journal.text);
}

#[test]
fn an_unconfirmed_cash_out_returns_to_the_holder() {
    let mut counter = Counter::new();
    let request = counter.asked(Kind::CashOut);
    ok(counter.execute(BANK, request));
    let taken_on_at = counter.world.time;
    assert_eq!(counter.record(request).unwrap().ends_at, ms(taken_on_at + CONFIRM_MS));
    assert!(counter.world.block_at(taken_on_at + CONFIRM_MS - 1, &[]).receipts.is_empty());
    assert_eq!(counter.balances()[4], AMOUNT + FEE);
    ok(counter.world.block_at(taken_on_at + CONFIRM_MS, &[]).receipts.pop().unwrap());
    assert_eq!(counter.balances()[..2], [BALANCE, BALANCE]);
    // The job at the end of the request itself is gone.
    assert!(counter.world.block_at(taken_on_at + 2 * HOUR_MS, &[]).receipts.is_empty());
}

#[test]
fn an_agent_suspended_between_execution_and_confirmation_is_paid() {
    let mut counter = Counter::new();
    let request = counter.asked(Kind::CashOut);
    ok(counter.execute(BANK, request));
    ok(counter.world.call(&SetMemberSuspended { member: id(BANK), suspended: true }, &[SHOP, OWN]));
    ok(counter.confirm(BANK, request));
    assert_eq!(counter.balances()[..2], [BALANCE - AMOUNT - FEE, BALANCE + AMOUNT + FEE]);
}

#[test]
fn a_request_whose_asset_is_frozen_at_its_end_is_closed_later() {
    for taken_on in [false, true] {
        let mut counter = Counter::new();
        let request = counter.asked(Kind::CashOut);
        if taken_on {
            ok(counter.execute(BANK, request));
        }
        ok(counter.world.call(&SetFrozen { asset: eur(), frozen: true }, &[BANK]));
        let receipt = counter.world.block_at(counter.world.time + HOUR_MS, &[]).receipts.pop().unwrap();
        assert_eq!(Error::from_code(refusal(&receipt)), Some(Error::AssetUnavailable));
        ok(counter.world.call(&SetFrozen { asset: eur(), frozen: false }, &[BANK]));
        ok(counter.world.call(&Collect { request }, &["carol@books.example"]));
        assert_eq!((counter.state(request), counter.world.balance(contract())), (State::Expired, 0));
        assert_eq!(counter.world.balance(id(HOLDER)), BALANCE);
    }
}

#[test]
fn mode_own_is_for_the_holders_member() {
    let mut counter = Counter::new();
    let roles = vec![Role::Merchant, Role::Agent].try_into().unwrap();
    ok(counter.world.call(&SetRoles { member: id(OWN), roles }, &COUNCIL));
    let ask = Request { mode: Mode::Own, ..counter.ask(Kind::TopUp) };
    let request = counter.request(&ask);
    let receipt = counter.execute(BANK, request);
    assert_eq!(Error::from_code(refusal(&receipt)), Some(Error::OtherMember));
    ok(counter.execute(OWN, request));
    assert_eq!(counter.world.balance(id(HOLDER)), BALANCE + AMOUNT);
}

#[test]
fn requests_are_listed_under_everybody_they_name() {
    let mut counter = Counter::new();
    let ask = Request { agent: Some(id(SHOP)), ..counter.ask(Kind::Payment) };
    let receipt = ok(counter.world.call(&ask, &[HOLDER]));
    let listed = &receipt.events[0].accounts;
    assert_eq!(listed[..], [id(HOLDER), id(crate::counter::PAYEE), id(SHOP)]);
}
