//! The story step by step: what each move changes.
use super::scene::{CARD, DAY_MAX, FUNDS, PAYMENT_MAX, START, Scene, card_name, name, refused, text};
use crate::limits::{CARDS_PER_ANSWER, DAY_MS, RECLAIM_AFTER_MS};
use countersign_interface::card::{
    AuthChanged, Blocked, CARDS, CardRecord, DeviceChanged, Error, HELD, LimitsChanged, Loaded, PAYMENTS, Paid,
    PaymentRecord, Register, Registered, Unblocked, Unloaded, card_key, order_key,
};
use countersign_types::{Amount, Timestamp};
use parity_scale_codec::{DecodeAll, Encode};

#[test]
fn a_card_is_registered_with_nothing_on_it() {
    let mut scene = Scene::new();
    let (issuer, holder) = (scene.bank.account, scene.holder.account);
    let (device, auth, asset) = (scene.phone.account, scene.auth.account, scene.eur);
    let (payment_max, day_max, card) = (PAYMENT_MAX, DAY_MAX, name(CARD));
    let told = Registered { card: card.clone(), issuer, holder, device, auth, asset, payment_max, day_max };
    assert_eq!(scene.last_event::<Registered>(), told);
    let record = CardRecord {
        card: card.clone(),
        issuer,
        holder,
        device,
        auth,
        asset,
        balance: Amount::ZERO,
        payment_max,
        day_max,
        day: START,
        spent: Amount::ZERO,
        blocked_since: None,
        registered_at: START,
    };
    assert_eq!(scene.card(), record);
    assert_eq!(scene.cards_of(holder, None), [card]);
    assert_eq!(scene.cards_of(issuer, None), []);
}

/// Who proves a card or a payment finds its record by these keys.
#[test]
fn records_stand_where_the_interface_says() {
    let mut scene = Scene::loaded(1_000);
    scene.pay("order-1", 250).unwrap();
    let stored = scene.host.storage();
    let card: CardRecord = decoded(&stored[&(CARDS, card_key(&name(CARD))).encode()]);
    assert_eq!(card.balance, Amount::new(750));
    let payment: PaymentRecord = decoded(&stored[&(PAYMENTS, order_key(&scene.phone.account, "order-1")).encode()]);
    assert_eq!(payment.amount, Amount::new(250));
    let held: Amount = decoded(&stored[&(HELD, scene.eur).encode()]);
    assert_eq!(held, card.balance);
}

fn decoded<T: DecodeAll>(bytes: &[u8]) -> T {
    T::decode_all(&mut &bytes[..]).unwrap()
}

#[test]
fn the_holder_may_be_the_associated_device() {
    let mut scene = Scene::empty();
    let args = scene.registration();
    scene.register_as([scene.bank, scene.holder, scene.holder, scene.auth], args).unwrap();
    scene.load(100).unwrap();
    scene.pay_as(scene.auth, scene.holder, scene.order("1", 100)).unwrap();
}

#[test]
fn anybody_loads_a_card() {
    let mut scene = Scene::loaded(3_000);
    let (payer, holder, asset) = (scene.stranger, scene.holder.account, scene.eur);
    let amount = Amount::new(500);
    let load = countersign_interface::card::Load { card: name(CARD), asset, amount };
    scene.load_as(payer, load).unwrap();
    assert_eq!(scene.last_event::<Loaded>(), Loaded { card: name(CARD), payer: payer.account, holder, asset, amount });
    assert_eq!(scene.card().balance, Amount::new(3_500));
    assert_eq!((scene.held(), scene.balances()), (3_500, [FUNDS.get() - 3_000, FUNDS.get(), 3_500]));
}

#[test]
fn the_associated_device_pays_with_the_pin_alone() {
    let mut scene = Scene::loaded(10_000);
    scene.wait(7_000);
    scene.pay("A-1", 4_000).unwrap();
    assert_eq!(scene.balances(), [FUNDS.get() - 10_000, FUNDS.get() + 4_000, 6_000]);
    let (device, account, asset) = (scene.phone.account, scene.shop.account, scene.eur);
    let (card, payee, order, amount) = (name(CARD), name("shop.example"), text("A-1"), Amount::new(4_000));
    let told = Paid {
        card: card.clone(),
        holder: scene.holder.account,
        device,
        confirmed_by: None,
        payee: payee.clone(),
        account,
        asset,
        amount,
        order: order.clone(),
    };
    assert_eq!(scene.last_event::<Paid>(), told);
    let at = Timestamp::from_millis(START.millis() + 7_000);
    let payment = PaymentRecord { card, device, order, payee, account, asset, amount, confirmed_by: None, at };
    assert_eq!(scene.payment_of(scene.phone, "A-1"), Ok(payment));
    let record = scene.card();
    assert_eq!((record.balance, record.spent, record.day), (Amount::new(6_000), Amount::new(4_000), START));
}

#[test]
fn another_device_pays_once_the_associated_one_has_confirmed() {
    let mut scene = Scene::loaded(10_000);
    scene.pay_at_till("A-1", 4_000).unwrap();
    assert_eq!(scene.balances(), [FUNDS.get() - 10_000, FUNDS.get() + 4_000, 6_000]);
    let paid: Paid = scene.last_event();
    assert_eq!((paid.device, paid.confirmed_by), (scene.till.account, Some(scene.phone.account)));
    assert_eq!(scene.payment_of(scene.till, "A-1").unwrap().confirmed_by, Some(scene.phone.account));
}

#[test]
fn order_ids_are_each_devices_own() {
    let mut scene = Scene::loaded(10_000);
    scene.pay_at_till("A-1", 1_000).unwrap();
    // The phone can use the same id: it is no order of the till's, whose ids nobody else uses up.
    scene.pay("A-1", 1_000).unwrap();
    assert_eq!(scene.pay_at_till("A-1", 1_000), refused(Error::OrderPaid));
    scene.pay_at_till("A-2", 1_000).unwrap();
    assert_eq!(scene.held(), 7_000);
}

#[test]
fn limits_are_reached_but_not_passed_and_begin_anew_at_midnight_utc() {
    let mut scene = Scene::loaded(60_000);
    let midnight = Timestamp::from_millis(START.millis() + DAY_MS);
    for (order, amount) in [("1", 5_000), ("2", 5_000), ("3", 2_000)] {
        scene.pay(order, amount).unwrap();
    }
    assert_eq!(scene.pay("4", 1), refused(Error::OverDayLimit));
    scene.block_at(Timestamp::from_millis(midnight.millis() - 1));
    assert_eq!(scene.pay("4", 1), refused(Error::OverDayLimit));
    scene.block_at(midnight);
    scene.pay("4", 5_000).unwrap();
    let record = scene.card();
    assert_eq!((record.day, record.spent), (midnight, Amount::new(5_000)));
    scene.wait(40 * DAY_MS);
    scene.pay("5", 5_000).unwrap();
    assert_eq!(scene.card().spent, Amount::new(5_000));
}

#[test]
fn new_limits_count_from_the_next_payment_with_what_was_paid_today() {
    let mut scene = Scene::loaded(60_000);
    scene.pay("1", 5_000).unwrap();
    scene.set_limits(4_000, 8_000).unwrap();
    let changed: LimitsChanged = scene.last_event();
    assert_eq!((changed.payment_max, changed.day_max), (Amount::new(4_000), Amount::new(8_000)));
    assert_eq!(scene.pay("2", 4_001), refused(Error::OverPaymentLimit));
    assert_eq!(scene.pay("2", 3_001), refused(Error::OverDayLimit));
    scene.pay("2", 3_000).unwrap();
    scene.set_limits(1, 1).unwrap();
    assert_eq!(scene.pay("3", 1), refused(Error::OverDayLimit));
}

#[test]
fn a_lost_card_is_blocked_and_its_balance_moves_to_a_new_one() {
    let mut scene = Scene::loaded(9_000);
    scene.block(scene.holder).unwrap();
    let (issuer, holder) = (scene.bank.account, scene.holder.account);
    assert_eq!(scene.last_event::<Blocked>(), Blocked { card: name(CARD), issuer, holder, by: holder });
    assert_eq!(scene.pay("1", 10), refused(Error::CardBlocked));
    assert_eq!(scene.pay_at_till("1", 10), refused(Error::CardBlocked));

    let card = card_name(2);
    let args = Register { card: card.clone(), ..scene.registration() };
    scene.register_as([scene.bank, scene.holder, scene.phone, scene.other_auth], args).unwrap();
    scene.recover(9_000).unwrap();
    let (asset, amount) = (scene.eur, Amount::new(9_000));
    assert_eq!(scene.last_event::<Unloaded>(), Unloaded { card: name(CARD), holder, asset, amount });
    let load = countersign_interface::card::Load { card: card.clone(), asset, amount };
    scene.load_as(scene.holder, load).unwrap();
    let order = countersign_interface::card::Pay { card: card.clone(), ..scene.order("1", 10) };
    scene.pay_as(scene.other_auth, scene.phone, order).unwrap();
    assert_eq!((scene.held(), scene.card().balance), (8_990, Amount::ZERO));
    let mut cards = scene.cards_of(holder, None);
    cards.sort();
    assert_eq!(cards, [name(CARD), card]);
}

#[test]
fn a_blocked_card_pays_again_when_issuer_and_holder_agree() {
    for by in [|scene: &Scene| scene.holder, |scene: &Scene| scene.bank] {
        let mut scene = Scene::loaded(1_000);
        let by = by(&scene);
        scene.block(by).unwrap();
        assert_eq!(scene.card().blocked_since, Some(START));
        scene.unblock().unwrap();
        let (issuer, holder) = (scene.bank.account, scene.holder.account);
        assert_eq!(scene.last_event::<Unblocked>(), Unblocked { card: name(CARD), issuer, holder });
        scene.pay("1", 10).unwrap();
    }
}

#[test]
fn a_blocked_card_is_unloaded_with_its_pin() {
    let mut scene = Scene::loaded(1_000);
    scene.block(scene.bank).unwrap();
    scene.unload(1_000).unwrap();
    assert_eq!(scene.balances(), [FUNDS.get(), FUNDS.get(), 0]);
}

#[test]
fn with_a_new_pin_the_old_one_no_longer_pays() {
    let mut scene = Scene::loaded(1_000);
    scene.change_auth(scene.other_auth).unwrap();
    assert_eq!(scene.last_event::<AuthChanged>().auth, scene.other_auth.account);
    assert_eq!(scene.pay("1", 10), refused(Error::NotTheAuth));
    assert_eq!(scene.unload(10), refused(Error::NotTheAuth));
    scene.pay_as(scene.other_auth, scene.phone, scene.order("1", 10)).unwrap();
}

#[test]
fn with_a_new_device_the_old_one_no_longer_confirms() {
    let mut scene = Scene::loaded(1_000);
    scene.change_device(scene.till).unwrap();
    assert_eq!(scene.last_event::<DeviceChanged>().device, scene.till.account);
    assert_eq!(scene.pay("1", 10), refused(Error::NeedsConfirmation));
    assert_eq!(scene.pay_at_till("1", 10), refused(Error::NeedsNoConfirmation));
    scene.pay_as(scene.auth, scene.till, scene.order("1", 10)).unwrap();
}

#[test]
fn without_pin_and_issuer_the_holder_waits_thirty_days_after_the_block() {
    let mut scene = Scene::loaded(1_000);
    assert_eq!(scene.reclaim(1_000), refused(Error::NotYetReclaimable));
    scene.block(scene.holder).unwrap();
    scene.wait(RECLAIM_AFTER_MS - 1);
    assert_eq!(scene.reclaim(1_000), refused(Error::NotYetReclaimable));
    scene.wait(1);
    scene.reclaim(1_000).unwrap();
    assert_eq!(scene.balances(), [FUNDS.get(), FUNDS.get(), 0]);
}

#[test]
fn while_the_issuer_is_suspended_the_holder_takes_the_balance_at_once() {
    let mut scene = Scene::loaded(1_000);
    scene.host.set_suspended(scene.bank.account, true);
    scene.reclaim(400).unwrap();
    scene.host.set_suspended(scene.bank.account, false);
    assert_eq!(scene.reclaim(600), refused(Error::NotYetReclaimable));
    scene.unload(600).unwrap();
    assert_eq!(scene.held(), 0);
}

#[test]
fn an_issuer_without_its_licence_serves_the_cards_it_issued() {
    let mut scene = Scene::loaded(1_000);
    scene.host.set_roles(scene.bank.account, &[]);
    scene.pay("1", 10).unwrap();
    scene.set_limits(10, 10).unwrap();
    scene.recover(990).unwrap();
}

#[test]
fn what_is_sent_to_the_contract_by_hand_is_on_no_card() {
    let mut scene = Scene::loaded(1_000);
    scene.host.issue(scene.host.contract(), scene.eur, Amount::new(50));
    scene.unload(1_000).unwrap();
    assert_eq!(scene.unload(50), refused(Error::CardBalanceTooLow));
    assert_eq!((scene.held(), scene.balances()[2]), (0, 50));
}

#[test]
fn a_holders_many_cards_are_told_page_by_page() {
    let mut scene = Scene::empty();
    let count = CARDS_PER_ANSWER as usize + 3;
    for number in 0..count {
        let args = Register { card: card_name(number), ..scene.registration() };
        scene.register_as([scene.bank, scene.holder, scene.phone, scene.auth], args).unwrap();
    }
    let first = scene.cards_of(scene.holder.account, None);
    assert_eq!(first.len(), CARDS_PER_ANSWER as usize);
    let rest = scene.cards_of(scene.holder.account, first.last().cloned());
    let mut all = [first, rest].concat();
    all.sort();
    let mut expected: alloc::vec::Vec<_> = (0..count).map(card_name).collect();
    expected.sort();
    assert_eq!(all, expected);
}
