//! What happens at a counter at the same time: the order in the block decides, and nobody is paid twice.
use crate::counter::{AMOUNT, BANK, COUNCIL, Counter, FEE, HOLDER, PER_REQUEST, SHOP};
use crate::world::{BALANCE, eur, fault, id, ok, refusal};
use countersign_interface::assets::SetFrozen;
use countersign_interface::code::Upgrade;
use countersign_interface::topup::{Cancel, Error, Kind, Reject, Request, State, Withdraw};
use countersign_types::{Amount, CallFault, Receipt, VerifiedTransaction};

/// Runs two transactions in one block; the first must succeed. Returns the refusal of the second.
#[track_caller]
fn first_wins(counter: &mut Counter, first: VerifiedTransaction, second: VerifiedTransaction) -> Error {
    let [first, second]: [Receipt; 2] = counter.world.block(&[first, second]).receipts.try_into().unwrap();
    ok(first);
    Error::from_code(refusal(&second)).unwrap()
}

const KINDS: [Kind; 3] = [Kind::TopUp, Kind::CashOut, Kind::Payment];

#[test]
fn the_agent_executes_while_the_holder_cancels() {
    for kind in KINDS {
        let mut counter = Counter::new();
        let request = counter.asked(kind);
        let (seen, back) = (counter.seen(request), Cancel { request });
        let (execute, cancel) = (counter.signed(&seen, &[BANK]), counter.signed(&back, &[HOLDER]));
        assert_eq!(first_wins(&mut counter, execute, cancel), Error::NotOpen);
        let expected = if kind == Kind::CashOut { State::HandingOver } else { State::Done };
        assert_eq!(counter.state(request), expected);

        let mut counter = Counter::new();
        let request = counter.asked(kind);
        let (execute, cancel) = (counter.signed(&seen, &[BANK]), counter.signed(&back, &[HOLDER]));
        assert_eq!(first_wins(&mut counter, cancel, execute), Error::NotOpen);
        assert_eq!(
            (counter.state(request), counter.balances()),
            (State::Cancelled, [BALANCE, BALANCE, BALANCE, BALANCE, 0])
        );
    }
}

#[test]
fn two_agents_execute_one_request() {
    for kind in KINDS {
        for [first, second] in [[BANK, SHOP], [SHOP, BANK]] {
            let mut counter = Counter::new();
            let request = counter.asked(kind);
            let seen = counter.seen(request);
            let (a, b) = (counter.signed(&seen, &[first]), counter.signed(&seen, &[second]));
            assert_eq!(first_wins(&mut counter, a, b), Error::NotOpen);
            assert_eq!(counter.record(request).unwrap().agent, Some(id(first)));
            let paid = counter.world.balance(id(second));
            assert_eq!(paid, BALANCE, "the second neither paid nor was paid");
        }
    }
}

#[test]
fn the_holder_confirms_while_the_agent_gives_up() {
    for confirms_first in [true, false] {
        let mut counter = Counter::new();
        let request = counter.asked(Kind::CashOut);
        ok(counter.execute(BANK, request));
        let received = counter.received(BANK, request);
        let reject = Reject { request, reason: "".parse().unwrap() };
        let (confirm, reject) = (counter.signed(&received, &[HOLDER]), counter.signed(&reject, &[BANK]));
        if confirms_first {
            assert_eq!(first_wins(&mut counter, confirm, reject), Error::NotOpen);
            assert_eq!(counter.balances()[..2], [BALANCE - AMOUNT - FEE, BALANCE + AMOUNT + FEE]);
        } else {
            assert_eq!(first_wins(&mut counter, reject, confirm), Error::NotHandingOver);
            assert_eq!(counter.balances()[..2], [BALANCE, BALANCE]);
        }
    }
}

#[test]
fn two_requests_that_together_exceed_the_days_limit() {
    let mut counter = Counter::new();
    let ask = Request { amount: Amount::new(PER_REQUEST), ..counter.ask(Kind::TopUp) };
    let requests = [counter.request(&ask), counter.request(&ask)];
    let seen = requests.map(|request| counter.seen(request));
    let [a, b] = seen.map(|seen| counter.signed(&seen, &[SHOP]));
    assert_eq!(first_wins(&mut counter, a, b), Error::OverDayLimit);
    assert_eq!(requests.map(|request| counter.state(request)), [State::Done, State::Open]);
}

#[test]
fn the_licence_ends_or_the_asset_freezes_just_before_the_agent_executes() {
    let mut counter = Counter::new();
    let request = counter.asked(Kind::TopUp);
    let seen = counter.seen(request);
    let withdraw = counter.signed(&Withdraw { agent: id(SHOP), asset: eur() }, &[BANK]);
    let execute = counter.signed(&seen, &[SHOP]);
    assert_eq!(first_wins(&mut counter, withdraw, execute), Error::NotLicensed);
    let freeze = counter.signed(&SetFrozen { asset: eur(), frozen: true }, &[BANK]);
    let execute = counter.signed(&seen, &[BANK]);
    assert_eq!(first_wins(&mut counter, freeze, execute), Error::AssetUnavailable);
}

/// The contract as other code: with a section of its own, and with other bytes of the same length where `from` stands.
fn other_code(from: &str, to: &str) -> Upgrade {
    let mut wasm = countersign_artifacts::TOPUP.wasm.to_vec();
    let at = wasm.windows(from.len()).position(|bytes| bytes == from.as_bytes()).unwrap();
    wasm[at..at + from.len()].copy_from_slice(to.as_bytes());
    wasm.extend_from_slice(&[0, 3, 2, b'v', b'2']);
    Upgrade { name: "topup".parse().unwrap(), code: wasm.try_into().unwrap() }
}

#[test]
fn signatures_outlive_an_upgrade_that_keeps_the_interface() {
    let mut counter = Counter::new();
    let request = counter.asked(Kind::CashOut);
    let seen = counter.seen(request);
    let execute = counter.signed(&seen, &[BANK]);
    ok(counter.world.call(&other_code("carries out the", "carries out the"), &COUNCIL));
    ok(counter.world.block(&[execute]).receipts.pop().unwrap());
    ok(counter.confirm(BANK, request));
    assert_eq!(counter.balances()[..2], [BALANCE - AMOUNT - FEE, BALANCE + AMOUNT + FEE]);
}

#[test]
fn an_upgrade_that_shows_signers_something_else_voids_what_they_signed() {
    let mut counter = Counter::new();
    let request = counter.asked(Kind::CashOut);
    let seen = counter.seen(request);
    let (execute, cancel) = (counter.signed(&seen, &[BANK]), counter.signed(&Cancel { request }, &[HOLDER]));
    ok(counter.world.call(&other_code("carries out the", "cannot do with "), &COUNCIL));
    let receipt = counter.world.block(&[execute]).receipts.pop().unwrap();
    assert_eq!(fault(&receipt), CallFault::UnknownMethod);
    // Calls whose declaration stayed are still good: the holder has its money back.
    ok(counter.world.block(&[cancel]).receipts.pop().unwrap());
    assert_eq!(counter.world.balance(id(HOLDER)), BALANCE);
}
