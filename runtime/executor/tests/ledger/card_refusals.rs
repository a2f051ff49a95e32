//! Each refusal of the card contract, by the real wasm, and that nothing moves with it.
use crate::card_scene::{
    AUTH, BANK, CARD, HOLDER, LOADED, OTHER_AUTH, PAYMENT_MAX, PHONE, SHOP, STRANGER, Scene, TILL, block, change_auth,
    change_device, confirmed, enrol, load, name, order, pay, pay_at_till, reclaim, recover, registration, set_limits,
    unblock, unload,
};
use crate::world::{BALANCE, eur, id, ids, ok};
use countersign_interface::Method;
use countersign_interface::assets::{Create, SetFrozen};
use countersign_interface::card::{
    Block, CardOf, ChangeAuth, ChangeDevice, Error, Load, Pay, Reclaim, Recover, Register, SetLimits, Unblock, Unload,
};
use countersign_interface::registry::SetHolderSuspended;
use countersign_types::{Amount, Call, CallFault};

const GONE: &str = "card-9@bank.example";

/// Each of these calls is refused.
#[track_caller]
fn all_refused(scene: &mut Scene, error: Error, calls: impl IntoIterator<Item = Call>) {
    for call in calls {
        let method = call.method;
        assert_eq!(scene.refused(call), error, "{method:?}");
    }
}

/// Both ways to pay an order.
fn both_ways(order: &Pay) -> [Call; 2] {
    [order.call(&ids(&[AUTH, PHONE])), confirmed(order.clone()).call(&ids(&[AUTH, TILL, PHONE]))]
}

#[test]
fn registrations() {
    let mut scene = Scene::new();
    ok(scene.world.run(vec![enrol(BANK, OTHER_AUTH)]));
    let fresh = Register { card: name(GONE), ..registration() };
    let usual = [BANK, HOLDER, PHONE, OTHER_AUTH];
    let with = |args: Register| args.call(&ids(&usual));
    let zero = Amount::ZERO;
    for (call, error) in [
        (fresh.call(&ids(&["hotel.example", HOLDER, PHONE, OTHER_AUTH])), Error::NotACardIssuer),
        (fresh.call(&ids(&[STRANGER, HOLDER, PHONE, OTHER_AUTH])), Error::NotACardIssuer),
        (fresh.call(&ids(&[BANK, HOLDER, PHONE, PHONE])), Error::AuthNotItsOwn),
        (fresh.call(&ids(&[BANK, HOLDER, PHONE, HOLDER])), Error::AuthNotItsOwn),
        (with(Register { card: name("card-9@books.example"), ..fresh.clone() }), Error::BadCardName),
        (with(Register { card: name(BANK), ..fresh.clone() }), Error::BadCardName),
        (with(Register { card: name(CARD), ..fresh.clone() }), Error::CardExists),
        (with(Register { payment_max: zero, ..fresh.clone() }), Error::BadLimits),
        (with(Register { day_max: Amount::new(PAYMENT_MAX - 1), ..fresh.clone() }), Error::BadLimits),
        (with(Register { asset: "NONE".parse().unwrap(), ..fresh.clone() }), Error::AssetUnavailable),
    ] {
        assert_eq!(scene.refused(call), error);
    }
    ok(scene.world.run(vec![with(fresh)]));
}

#[test]
fn cards_that_do_not_exist() {
    let mut scene = Scene::new();
    let (card, asset, amount) = (name(GONE), eur(), Amount::new(5));
    let both = ids(&[BANK, HOLDER]);
    let mut calls = vec![
        Load { card: card.clone(), asset, amount }.call(&ids(&[HOLDER])),
        Unload { card: card.clone(), asset, amount }.call(&ids(&[AUTH, HOLDER])),
        Recover { card: card.clone(), asset, amount }.call(&both),
        Reclaim { card: card.clone(), asset, amount }.call(&ids(&[HOLDER])),
        Block { card: card.clone() }.call(&ids(&[HOLDER])),
        Unblock { card: card.clone() }.call(&both),
        ChangeAuth { card: card.clone() }.call(&ids(&[BANK, HOLDER, AUTH])),
        ChangeDevice { card: card.clone() }.call(&ids(&[BANK, HOLDER, PHONE])),
        SetLimits { card: card.clone(), asset, payment_max: amount, day_max: amount }.call(&both),
    ];
    calls.extend(both_ways(&Pay { card: card.clone(), ..order("1", 5) }));
    all_refused(&mut scene, Error::UnknownCard, calls);
    let unknown = scene.ask::<countersign_interface::card::CardRecord>(CardOf::NAME, CardOf { card });
    assert_eq!(unknown.unwrap_err(), CallFault::Refused(Error::UnknownCard as u16));
}

#[test]
fn people_who_have_no_say() {
    let mut scene = Scene::new();
    let by_both = |issuer: &str, holder: &str| {
        let (two, with_device) = (ids(&[issuer, holder]), ids(&[issuer, holder, TILL]));
        [
            recover(5).call(&two),
            unblock().call(&two),
            set_limits(5, 5).call(&two),
            change_auth().call(&with_device),
            change_device().call(&with_device),
        ]
    };
    all_refused(&mut scene, Error::NotTheIssuer, by_both(SHOP, HOLDER));
    all_refused(&mut scene, Error::NotTheHolder, by_both(BANK, STRANGER));
    let strangers = [unload(5).call(&ids(&[AUTH, STRANGER])), reclaim(5).call(&ids(&[STRANGER]))];
    all_refused(&mut scene, Error::NotTheHolder, strangers);
    let blocks = [STRANGER, SHOP, PHONE, AUTH].map(|by| block().call(&ids(&[by])));
    all_refused(&mut scene, Error::NeitherHolderNorIssuer, blocks);
    let auths = [PHONE, HOLDER, BANK].map(|auth| change_auth().call(&ids(&[BANK, HOLDER, auth])));
    all_refused(&mut scene, Error::AuthNotItsOwn, auths);
    all_refused(&mut scene, Error::AuthNotItsOwn, [change_device().call(&ids(&[BANK, HOLDER, AUTH]))]);
}

#[test]
fn a_wrong_pin_and_wrong_devices() {
    let mut scene = Scene::new();
    ok(scene.world.run(vec![enrol(BANK, OTHER_AUTH)]));
    let one = order("1", 5);
    let wrong_pin = [
        one.call(&ids(&[OTHER_AUTH, PHONE])),
        confirmed(one.clone()).call(&ids(&[OTHER_AUTH, TILL, PHONE])),
        unload(5).call(&ids(&[OTHER_AUTH, HOLDER])),
    ];
    all_refused(&mut scene, Error::NotTheAuth, wrong_pin);
    all_refused(&mut scene, Error::NeedsConfirmation, [TILL, HOLDER].map(|device| one.call(&ids(&[AUTH, device]))));
    let others = [HOLDER, TILL, BANK].map(|other| confirmed(one.clone()).call(&ids(&[AUTH, TILL, other])));
    all_refused(&mut scene, Error::NotTheAssociated, others);
    all_refused(&mut scene, Error::NeedsNoConfirmation, [confirmed(one).call(&ids(&[AUTH, PHONE, PHONE]))]);
}

#[test]
fn blocked_and_not_blocked() {
    let mut scene = Scene::new();
    let unblocking = unblock().call(&ids(&[BANK, HOLDER]));
    assert_eq!(scene.refused(unblocking.clone()), Error::NotBlocked);
    ok(scene.call(&block(), &[BANK]));
    let mut calls = both_ways(&order("1", 5)).to_vec();
    calls.extend([load(5).call(&ids(&[HOLDER])), block().call(&ids(&[HOLDER])), block().call(&ids(&[BANK]))]);
    all_refused(&mut scene, Error::CardBlocked, calls);
    all_refused(&mut scene, Error::NotYetReclaimable, [reclaim(5).call(&ids(&[HOLDER]))]);
    ok(scene.world.run(vec![unblocking]));
    all_refused(&mut scene, Error::NotYetReclaimable, [reclaim(5).call(&ids(&[HOLDER]))]);
    ok(scene.world.run(vec![pay("1", 5)]));
}

/// Every call that moves `amount` of an asset.
fn moving(asset: &str, amount: u128) -> Vec<Call> {
    let (card, asset, amount) = (name(CARD), asset.parse().unwrap(), Amount::new(amount));
    let mut calls = vec![
        Load { card: card.clone(), asset, amount }.call(&ids(&[HOLDER])),
        Unload { card: card.clone(), asset, amount }.call(&ids(&[AUTH, HOLDER])),
        Recover { card, asset, amount }.call(&ids(&[BANK, HOLDER])),
    ];
    calls.extend(both_ways(&Pay { asset, amount, ..order("1", 5) }));
    calls
}

#[test]
fn amounts_and_assets() {
    let mut scene = Scene::new();
    all_refused(&mut scene, Error::AmountZero, moving("EUR", 0));
    let dollars = Create { asset: "USD".parse().unwrap(), decimals: 2, title: "Dollar".parse().unwrap() };
    ok(scene.call(&dollars, &[BANK]));
    all_refused(&mut scene, Error::OtherAsset, moving("USD", 5));
    let limits = SetLimits { asset: "USD".parse().unwrap(), ..set_limits(5, 5) };
    all_refused(&mut scene, Error::OtherAsset, [limits.call(&ids(&[BANK, HOLDER]))]);
    all_refused(
        &mut scene,
        Error::BadLimits,
        [(0, 0), (2, 1)].map(|(p, d)| set_limits(p, d).call(&ids(&[BANK, HOLDER]))),
    );
    all_refused(&mut scene, Error::InsufficientFunds, [load(BALANCE).call(&ids(&[HOLDER]))]);
    ok(scene.call(&set_limits(BALANCE, BALANCE), &[BANK, HOLDER]));
    let mut too_much = moving("EUR", LOADED + 1);
    too_much.remove(0);
    all_refused(&mut scene, Error::CardBalanceTooLow, too_much);
    ok(scene.call(&SetFrozen { asset: eur(), frozen: true }, &[BANK]));
    all_refused(&mut scene, Error::AssetUnavailable, moving("EUR", 5));
}

#[test]
fn limits() {
    let mut scene = Scene::new();
    all_refused(&mut scene, Error::OverPaymentLimit, both_ways(&order("1", PAYMENT_MAX + 1)));
    all_refused(&mut scene, Error::OverPaymentLimit, both_ways(&order("1", u128::MAX)));
    for order in ["1", "2"] {
        ok(scene.world.run(vec![pay(order, PAYMENT_MAX)]));
    }
    all_refused(&mut scene, Error::OverDayLimit, both_ways(&order("3", 2_001)));
    ok(scene.world.run(vec![pay("3", 2_000)]));
    all_refused(&mut scene, Error::OverDayLimit, both_ways(&order("4", 1)));
}

#[test]
fn orders_and_payees() {
    let mut scene = Scene::new();
    all_refused(&mut scene, Error::OrderMissing, both_ways(&order("", 5)));
    assert_eq!(scene.payment(TILL, "1").unwrap_err(), CallFault::Refused(Error::UnknownPayment as u16));
    ok(scene.world.run(vec![pay("1", 5)]));
    ok(scene.world.run(vec![pay_at_till("1", 5)]));
    assert_eq!(scene.payment(TILL, "1").unwrap().confirmed_by, Some(id(PHONE)));
    all_refused(&mut scene, Error::OrderPaid, both_ways(&order("1", 6)));
    let changed = Pay { account: id(STRANGER), ..order("2", 5) };
    all_refused(&mut scene, Error::PayeeChanged, both_ways(&changed));
    let nobody = Pay { payee: name("nobody@books.example"), ..order("2", 5) };
    all_refused(&mut scene, Error::PayeeChanged, both_ways(&nobody));
    ok(scene.call(&SetHolderSuspended { holder: id(STRANGER), suspended: true }, &[SHOP]));
    let suspended = Pay { payee: name(STRANGER), account: id(STRANGER), ..order("2", 5) };
    all_refused(&mut scene, Error::PayeeSuspended, both_ways(&suspended));
}

#[test]
fn every_refusal_is_tested_above() {
    // A new error makes this list too short and asks for a test.
    let tested = [
        Error::AmountZero,
        Error::NotACardIssuer,
        Error::AuthNotItsOwn,
        Error::BadCardName,
        Error::CardExists,
        Error::BadLimits,
        Error::UnknownCard,
        Error::NotTheIssuer,
        Error::NotTheHolder,
        Error::NeitherHolderNorIssuer,
        Error::NotTheAuth,
        Error::NotTheAssociated,
        Error::NeedsConfirmation,
        Error::NeedsNoConfirmation,
        Error::CardBlocked,
        Error::NotBlocked,
        Error::OtherAsset,
        Error::AssetUnavailable,
        Error::InsufficientFunds,
        Error::CardBalanceTooLow,
        Error::OverPaymentLimit,
        Error::OverDayLimit,
        Error::OrderMissing,
        Error::OrderPaid,
        Error::PayeeChanged,
        Error::PayeeSuspended,
        Error::NotYetReclaimable,
        Error::UnknownPayment,
    ];
    assert_eq!(tested, Error::ALL);
}
