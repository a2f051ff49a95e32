//! The story step by step: what each move changes.
use super::scene::{AMOUNT, ENDS, FEE, PER_DAY, PER_REQUEST, START, Scene, after, refused, text};
use crate::execute::CONFIRM_MS;
use countersign_contract_sdk::testing::Stopped;
use countersign_interface::topup::{
    Cancelled, CarriedOut, Error, Expired, HandingOver, Kind, LicenceStatus, LicenceWithdrawn, Licensed, Mode,
    Rejected, RequestRecord, Requested, State,
};
use countersign_types::{Amount, Failure, Timestamp};

const KINDS: [Kind; 3] = [Kind::TopUp, Kind::CashOut, Kind::Payment];
const NOTHING: [i128; 5] = [0; 5];
/// A cash-out whose amount and fee are set aside.
const SET_ASIDE: [i128; 5] = [-5_050, 0, 0, 0, 5_050];
const HOUR_MS: u64 = 60 * 60 * 1000;

const fn just_before(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.millis() - 1)
}

#[test]
fn a_request_is_on_record_and_only_a_cash_out_sets_money_aside() {
    for kind in KINDS {
        let mut scene = Scene::new();
        let request = scene.asked(kind);
        let Requested { request: told, holder, amount, expires_at, .. } = scene.last_event();
        assert_eq!((told, holder, amount, expires_at), (request, scene.holder.account, AMOUNT, ENDS));
        let asked = scene.ask(kind);
        let record = RequestRecord {
            holder: scene.holder.account,
            mode: Mode::Proxy,
            kind,
            asset: scene.eur,
            amount: AMOUNT,
            fee: FEE,
            payee: asked.payee,
            reference: text("market day"),
            agent: None,
            requested_at: START,
            ends_at: ENDS,
            job: 0,
            state: State::Open,
        };
        assert_eq!(scene.record(request), record);
        let expected = if kind == Kind::CashOut { SET_ASIDE } else { NOTHING };
        assert_eq!(scene.gains(), expected);
        assert_eq!(scene.set_aside().get(), expected[4] as u128);
    }
}

#[test]
fn requests_of_different_transactions_have_different_ids() {
    let mut scene = Scene::new();
    assert_ne!(scene.asked(Kind::TopUp), scene.asked(Kind::TopUp));
}

#[test]
fn a_top_up_moves_the_amount_from_agent_to_holder() {
    let mut scene = Scene::new();
    let request = scene.asked(Kind::TopUp);
    scene.execute(scene.bank, request).unwrap();
    assert_eq!(scene.gains(), [5_000, -5_000, 0, 0, 0]);
    let record = scene.record(request);
    assert_eq!((record.state, record.agent), (State::Done, Some(scene.bank.account)));
    let told: CarriedOut = scene.last_event();
    assert_eq!((told.payer, told.receiver), (scene.bank.account, scene.holder.account));
    assert_eq!((told.paid, told.fee, told.kind), (AMOUNT, FEE, Kind::TopUp));
    assert_eq!(scene.host.waiting_jobs().count(), 0, "nothing is left to happen");
}

#[test]
fn a_payment_moves_the_amount_from_agent_to_payee() {
    let mut scene = Scene::new();
    let request = scene.asked(Kind::Payment);
    scene.execute(scene.bank, request).unwrap();
    assert_eq!(scene.gains(), [0, -5_000, 0, 5_000, 0]);
    let told: CarriedOut = scene.last_event();
    assert_eq!((told.payer, told.receiver), (scene.bank.account, scene.payee.account));
    assert_eq!(told.reference, text("market day"));
    assert_eq!(scene.record(request).state, State::Done);
}

#[test]
fn a_cash_out_pays_the_agent_amount_and_fee_when_the_holder_confirms() {
    let mut scene = Scene::new();
    let request = scene.asked(Kind::CashOut);
    scene.execute(scene.bank, request).unwrap();
    assert_eq!(scene.gains(), SET_ASIDE, "the agent has nothing yet");
    let record = scene.record(request);
    assert_eq!((record.state, record.agent), (State::HandingOver, Some(scene.bank.account)));
    assert_eq!(record.ends_at, after(CONFIRM_MS));
    assert_eq!(scene.last_event::<HandingOver>().confirm_until, after(CONFIRM_MS));

    scene.confirm(request, scene.bank).unwrap();
    assert_eq!(scene.gains(), [-5_050, 5_050, 0, 0, 0]);
    let told: CarriedOut = scene.last_event();
    assert_eq!((told.payer, told.receiver), (scene.holder.account, scene.bank.account));
    assert_eq!((told.paid, told.fee), (Amount::new(5_050), FEE));
    assert_eq!((scene.record(request).state, scene.set_aside()), (State::Done, Amount::ZERO));
    assert_eq!(scene.host.waiting_jobs().count(), 0);
}

#[test]
fn a_cash_out_taken_on_just_before_its_end_can_still_be_confirmed() {
    let mut scene = Scene::new();
    let request = scene.asked(Kind::CashOut);
    scene.block(just_before(ENDS));
    scene.execute(scene.bank, request).unwrap();
    assert_eq!(scene.block(ENDS), [], "the first job is gone");
    scene.block(Timestamp::from_millis(ENDS.millis() + CONFIRM_MS - 2));
    scene.confirm(request, scene.bank).unwrap();
    assert_eq!(scene.gains(), [-5_050, 5_050, 0, 0, 0]);
}

#[test]
fn an_unconfirmed_cash_out_returns_to_the_holder() {
    let mut scene = Scene::new();
    let request = scene.asked(Kind::CashOut);
    scene.execute(scene.bank, request).unwrap();
    assert_eq!(scene.block(just_before(after(CONFIRM_MS))), []);
    assert_eq!(scene.block(after(CONFIRM_MS)), [Ok(())]);
    assert_eq!(scene.gains(), NOTHING);
    let told: Expired = scene.last_event();
    assert_eq!((told.returned, told.agent), (Amount::new(5_050), Some(scene.bank.account)));
    assert_eq!(scene.record(request).state, State::Expired);
    assert_eq!(scene.block(Timestamp::MAX), [], "the ledger closes it once");
}

#[test]
fn a_request_nobody_carries_out_expires() {
    for kind in KINDS {
        let mut scene = Scene::new();
        let request = scene.asked(kind);
        assert_eq!(scene.block(just_before(ENDS)), []);
        assert_eq!(scene.block(ENDS), [Ok(())]);
        assert_eq!(scene.gains(), NOTHING);
        let returned = if kind == Kind::CashOut { Amount::new(5_050) } else { Amount::ZERO };
        assert_eq!(scene.last_event::<Expired>().returned, returned);
        assert_eq!(scene.record(request).state, State::Expired);
    }
}

#[test]
fn the_holder_takes_an_open_request_back() {
    for kind in KINDS {
        let mut scene = Scene::new();
        let request = scene.asked(kind);
        scene.cancel(scene.holder, request).unwrap();
        assert_eq!(scene.gains(), NOTHING);
        assert_eq!(scene.last_event::<Cancelled>().request, request);
        assert_eq!(scene.record(request).state, State::Cancelled);
        assert_eq!(scene.host.waiting_jobs().count(), 0);
    }
}

#[test]
fn a_named_agent_rejects_and_any_agent_gives_up_a_cash_out_it_took_on() {
    let mut scene = Scene::new();
    let named = scene.request(countersign_interface::topup::Request {
        agent: Some(scene.rival.account),
        ..scene.ask(Kind::CashOut)
    });
    let named = named.unwrap();
    scene.reject(scene.rival, named).unwrap();
    assert_eq!(scene.last_event::<Rejected>().reason, text("the till is empty"));
    let taken = scene.asked(Kind::CashOut);
    scene.execute(scene.bank, taken).unwrap();
    scene.reject(scene.bank, taken).unwrap();
    assert_eq!(scene.gains(), NOTHING);
    assert_eq!([named, taken].map(|request| scene.record(request).state), [State::Rejected; 2]);
    assert_eq!(scene.host.waiting_jobs().count(), 0);
}

#[test]
fn a_licensed_account_is_an_agent_within_its_limits() {
    let mut scene = Scene::licensed();
    let told: Licensed = scene.last_event();
    assert_eq!((told.member, told.agent), (scene.bank.account, scene.shop.account));
    let ask = |scene: &Scene, amount: u128| countersign_interface::topup::Request {
        amount: Amount::new(amount),
        ..scene.ask(Kind::TopUp)
    };
    for (amount, outcome) in [
        (10_001, Err(Error::OverRequestLimit)),
        (10_000, Ok(())),
        (5_001, Err(Error::OverDayLimit)),
        (5_000, Ok(())),
        (1, Err(Error::OverDayLimit)),
    ] {
        let request = scene.request(ask(&scene, amount)).unwrap();
        let executed = scene.execute(scene.shop, request);
        assert_eq!(executed, outcome.map_err(Stopped::Refused), "{amount}");
    }
    let status = LicenceStatus {
        member: scene.bank.account,
        per_request: PER_REQUEST,
        per_day: PER_DAY,
        used: PER_DAY,
        valid: true,
    };
    assert_eq!(scene.licence(scene.shop), Ok(status));
}

#[test]
fn a_day_begins_at_midnight_utc() {
    let mut scene = Scene::licensed();
    let execute = |scene: &mut Scene, amount: u128| {
        let expires_at = Timestamp::from_millis(scene.host.time().millis() + HOUR_MS);
        let ask = scene.ask(Kind::TopUp);
        let ask = countersign_interface::topup::Request { amount: Amount::new(amount), expires_at, ..ask };
        let request = scene.request(ask).unwrap();
        scene.execute(scene.shop, request)
    };
    execute(&mut scene, 10_000).unwrap();
    scene.block(just_before(after(12 * HOUR_MS)));
    assert_eq!(execute(&mut scene, 5_001), refused(Error::OverDayLimit));
    scene.block(after(12 * HOUR_MS));
    assert_eq!(scene.licence(scene.shop).unwrap().used, Amount::ZERO);
    execute(&mut scene, 10_000).unwrap();
    execute(&mut scene, 5_000).unwrap();
    assert_eq!(execute(&mut scene, 1), refused(Error::OverDayLimit));
}

#[test]
fn a_new_licence_does_not_make_the_day_start_again() {
    let mut scene = Scene::licensed();
    let request = scene.asked(Kind::CashOut);
    scene.execute(scene.shop, request).unwrap();
    scene.reject(scene.shop, request).unwrap();
    assert_eq!(scene.licence(scene.shop).unwrap().used, AMOUNT, "executed counts, whatever comes of it");
    scene.withdraw(scene.shop, scene.shop).unwrap();
    assert_eq!(scene.last_event::<LicenceWithdrawn>().agent, scene.shop.account);
    scene.license(scene.bank, scene.shop, 5_000, 9_999).unwrap();
    let request = scene.asked(Kind::TopUp);
    assert_eq!(scene.execute(scene.shop, request), refused(Error::OverDayLimit));
    scene.license(scene.bank, scene.shop, 5_000, 10_000).unwrap();
    scene.execute(scene.shop, request).unwrap();
}

#[test]
fn a_members_own_account_has_no_limits_also_if_another_licensed_it() {
    let mut scene = Scene::new();
    scene.license(scene.bank, scene.rival, 1, 1).unwrap();
    let request = scene.asked(Kind::TopUp);
    scene.execute(scene.rival, request).unwrap();
    assert_eq!(scene.licence(scene.rival).unwrap().used, Amount::ZERO);
}

#[test]
fn mode_own_is_for_the_holders_member_and_its_agents() {
    for by_licensed in [false, true] {
        let mut scene = Scene::licensed();
        let own = countersign_interface::topup::Request { mode: Mode::Own, ..scene.ask(Kind::TopUp) };
        let request = scene.request(own).unwrap();
        assert_eq!(scene.execute(scene.rival, request), refused(Error::OtherMember));
        let agent = if by_licensed { scene.shop } else { scene.bank };
        scene.execute(agent, request).unwrap();
    }
}

#[test]
fn a_licence_counts_while_its_member_has_the_role_and_is_active() {
    let mut scene = Scene::licensed();
    let request = scene.asked(Kind::TopUp);
    scene.host.set_roles(scene.bank.account, &[]);
    assert_eq!(scene.execute(scene.shop, request), refused(Error::NotLicensed));
    assert!(!scene.licence(scene.shop).unwrap().valid);
    // Then another member may license the account.
    scene.license(scene.rival, scene.shop, 5_000, 5_000).unwrap();
    scene.execute(scene.shop, request).unwrap();
    assert_eq!(scene.licence(scene.shop).unwrap().member, scene.rival.account);
}

#[test]
fn who_was_suspended_after_a_cash_out_was_taken_on_is_still_paid() {
    let mut scene = Scene::licensed();
    let request = scene.asked(Kind::CashOut);
    scene.execute(scene.shop, request).unwrap();
    scene.withdraw(scene.bank, scene.shop).unwrap();
    scene.host.set_suspended(scene.shop.account, true);
    scene.confirm(request, scene.shop).unwrap();
    assert_eq!(scene.gains(), [-5_050, 0, 5_050, 0, 0]);
}

#[test]
fn a_holder_suspended_meanwhile_confirms_nothing_and_gets_its_money_back() {
    let mut scene = Scene::new();
    let request = scene.asked(Kind::CashOut);
    scene.execute(scene.bank, request).unwrap();
    scene.host.set_suspended(scene.holder.account, true);
    let failure = Failure::Suspended(scene.holder.account);
    assert_eq!(scene.confirm(request, scene.bank), Err(Stopped::Failed(failure)));
    assert_eq!(scene.block(after(CONFIRM_MS)), [Ok(())]);
    assert_eq!(scene.gains(), NOTHING);
}

#[test]
fn a_frozen_asset_delays_the_return_until_somebody_collects_it() {
    for taken_on in [false, true] {
        let mut scene = Scene::new();
        let request = scene.asked(Kind::CashOut);
        if taken_on {
            scene.execute(scene.bank, request).unwrap();
        }
        scene.host.set_frozen(scene.eur, true);
        assert_eq!(scene.block(after(2 * HOUR_MS)), [refused(Error::AssetUnavailable)]);
        assert_eq!(scene.gains(), SET_ASIDE, "nothing moved");
        scene.host.set_frozen(scene.eur, false);
        scene.collect(scene.stranger, request).unwrap();
        assert_eq!(scene.gains(), NOTHING);
        assert_eq!(scene.record(request).state, State::Expired);
    }
}

#[test]
fn a_frozen_asset_does_not_keep_a_request_open_that_holds_nothing() {
    let mut scene = Scene::new();
    let request = scene.asked(Kind::TopUp);
    scene.host.set_frozen(scene.eur, true);
    assert_eq!(scene.block(ENDS), [Ok(())]);
    assert_eq!(scene.record(request).state, State::Expired);
}

#[test]
fn a_holder_without_money_asks_for_a_top_up() {
    let mut scene = Scene::new();
    let nobody = scene.host.add_holder("new@bank.example", &scene.bank);
    let request = scene.request_by(nobody, scene.ask(Kind::TopUp)).unwrap();
    scene.execute(scene.bank, request).unwrap();
    assert_eq!(scene.held(nobody), 5_000);
}

#[test]
fn requests_are_closed_apart_and_what_is_set_aside_is_the_sum_of_the_open_ones() {
    let mut scene = Scene::new();
    let first = scene.asked(Kind::CashOut);
    let fee = Amount::ZERO;
    let second = countersign_interface::topup::Request { fee, ..scene.ask(Kind::CashOut) };
    let second = scene.request(second).unwrap();
    assert_eq!(scene.set_aside(), Amount::new(10_050));
    scene.cancel(scene.holder, first).unwrap();
    assert_eq!(scene.set_aside(), Amount::new(5_000));
    scene.execute(scene.rival, second).unwrap();
    scene.confirm(second, scene.rival).unwrap();
    assert_eq!(scene.set_aside(), Amount::ZERO);
}
