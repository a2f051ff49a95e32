//! The story step by step: what each move changes.
use super::scene::{DEADLINE, FUNDS, PRICE, REBATE, REBATE_TIME, START, Scene, kind, text};
use countersign_interface::rebate::{Claimed, Locked, PurchaseRecord, Purchased, Refunded, Settled, State};
use countersign_types::{Amount, Authority, Timestamp};

/// Balances after the first purchase of 10 000, before anything else.
const AFTER_FIRST: [u128; 4] = [110_000, 90_000, 100_000, 0];

const fn just_before(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.millis() - 1)
}

#[test]
fn a_purchase_pays_the_merchant_and_is_on_record() {
    let mut scene = Scene::new();
    let purchase = scene.first();
    assert_eq!(scene.balances(), AFTER_FIRST);
    let (merchant, customer, asset) = (scene.merchant.account, scene.customer.account, scene.eur);
    let amount = Amount::new(10_000);
    let reference = text("two nights");
    assert_eq!(
        scene.last_event::<Purchased>(),
        Purchased { purchase, merchant, customer, asset, amount, reference: reference.clone() }
    );
    let record = PurchaseRecord {
        merchant,
        buyer: customer,
        asset,
        amount,
        refunded: Amount::ZERO,
        at: START,
        reference,
        offer: None,
    };
    assert_eq!(scene.purchase_record(purchase), record);
}

#[test]
fn purchases_of_different_transactions_have_different_ids() {
    let mut scene = Scene::new();
    assert_ne!(scene.first(), scene.first());
}

#[test]
fn a_rebate_that_was_earned_is_paid_at_its_time() {
    let mut scene = Scene::new();
    let first = scene.first();
    let offer = scene.terms(first);

    let second = scene.redeem(&offer).unwrap();
    assert_eq!(scene.balances(), [118_000, 90_000, 92_000, 0]);
    assert_eq!(scene.purchase_record(second).offer, Some(scene.document(&offer).hash()));

    let rebate = scene.claim(&offer).unwrap();
    assert_eq!(scene.balances(), [116_500, 90_000, 92_000, 1_500]);
    assert_eq!(scene.set_aside(), REBATE);
    let record = scene.rebate(rebate);
    assert_eq!((record.state, record.purchase, record.amount), (State::Locked, Some(second), REBATE));
    assert_eq!((record.settles_at, record.third_party), (REBATE_TIME, scene.newcomer.account));

    assert_eq!(scene.block(just_before(REBATE_TIME)), []);
    assert_eq!(scene.block(REBATE_TIME), [Ok(())]);
    assert_eq!(scene.balances(), [116_500, 91_500, 92_000, 0]);
    assert_eq!(scene.set_aside(), Amount::ZERO);
    let record = scene.rebate(rebate);
    assert_eq!((record.state, record.paid), (State::Paid, REBATE));
    assert_eq!(scene.event_kinds(), [kind::PURCHASED, kind::REDEEMED, kind::CLAIMED, kind::LOCKED, kind::SETTLED]);
    let settled: Settled = scene.last_event();
    assert_eq!((settled.rebate, settled.paid, settled.returned), (rebate, REBATE, Amount::ZERO));
    assert_eq!((settled.customer, settled.state), (scene.customer.account, State::Paid));
    assert_eq!(scene.block(Timestamp::MAX), [], "the ledger settles once");
}

#[test]
fn a_rebate_may_be_claimed_before_the_newcomer_buys() {
    let mut scene = Scene::new();
    let first = scene.first();
    let offer = scene.terms(first);

    let rebate = scene.claim(&offer).unwrap();
    assert_eq!(scene.rebate(rebate).state, State::Pending);
    assert_eq!(scene.last_event::<Claimed>().settles_at, REBATE_TIME);

    scene.block(just_before(DEADLINE));
    let second = scene.redeem(&offer).unwrap();
    let record = scene.rebate(rebate);
    assert_eq!((record.state, record.purchase), (State::Locked, Some(second)));
    let locked: Locked = scene.last_event();
    assert_eq!((locked.rebate, locked.purchase), (rebate, second));

    assert_eq!(scene.block(REBATE_TIME), [Ok(())]);
    assert_eq!(scene.balances(), [116_500, 91_500, 92_000, 0]);
}

#[test]
fn a_rebate_returns_to_the_merchant_if_the_newcomer_never_bought() {
    let mut scene = Scene::new();
    let first = scene.first();
    let rebate = scene.claim(&scene.terms(first)).unwrap();
    assert_eq!(scene.balances(), [108_500, 90_000, 100_000, 1_500]);
    assert_eq!(scene.block(REBATE_TIME), [Ok(())]);
    assert_eq!(scene.balances(), AFTER_FIRST);
    let record = scene.rebate(rebate);
    assert_eq!((record.state, record.paid), (State::Reversed, Amount::ZERO));
    let settled: Settled = scene.last_event();
    assert_eq!((settled.paid, settled.returned, settled.state), (Amount::ZERO, REBATE, State::Reversed));
}

#[test]
fn a_rebate_that_requires_no_purchase_is_paid_in_full() {
    for buys in [false, true] {
        let mut scene = Scene::new();
        let first = scene.first();
        let mut offer = scene.terms(first);
        offer.purchase_required = false;
        let rebate = scene.claim(&offer).unwrap();
        if buys {
            let second = scene.redeem(&offer).unwrap();
            scene.refund(second, PRICE.get()).unwrap();
        }
        assert_eq!(scene.block(REBATE_TIME), [Ok(())]);
        assert_eq!(scene.balances(), [108_500, 91_500, 100_000, 0]);
        assert_eq!(scene.rebate(rebate).state, State::Paid);
    }
}

#[test]
fn a_refund_pays_the_buyer_back_in_parts() {
    let mut scene = Scene::new();
    let purchase = scene.first();
    let (merchant, customer) = (scene.merchant.account, scene.customer.account);
    for (amount, refunded) in [(4_000, 4_000), (6_000, 10_000)] {
        scene.refund_between(merchant, customer, purchase, amount).unwrap();
        assert_eq!(scene.purchase_record(purchase).refunded, Amount::new(refunded));
        assert_eq!(scene.last_event::<Refunded>().amount, Amount::new(amount));
    }
    assert_eq!(scene.balances(), [100_000, 100_000, 100_000, 0]);
}

#[test]
fn refunds_of_the_new_purchase_shrink_the_rebate_pro_rata_rounded_down() {
    // Of a price of 8 000: what is refunded in parts, and what of the 1 500 remains.
    for (refunds, paid) in
        [(&[4_000][..], 750), (&[1], 1_499), (&[2_000, 2_000], 750), (&[1, 1, 1], 1_499), (&[7_999], 0), (&[8_000], 0)]
    {
        let mut scene = Scene::new();
        let first = scene.first();
        let offer = scene.terms(first);
        let second = scene.redeem(&offer).unwrap();
        let rebate = scene.claim(&offer).unwrap();
        for amount in refunds {
            scene.refund(second, *amount).unwrap();
        }
        scene.block(REBATE_TIME);
        let settled: Settled = scene.last_event();
        assert_eq!((settled.paid.get(), settled.returned.get()), (paid, 1_500 - paid), "{refunds:?}");
        let state = if paid == 0 { State::Reversed } else { State::Paid };
        assert_eq!(scene.rebate(rebate).state, state);
        assert_eq!(scene.balances()[3], 0);
    }
}

#[test]
fn a_refund_after_settlement_leaves_the_rebate_as_it_is() {
    let mut scene = Scene::new();
    let first = scene.first();
    let offer = scene.terms(first);
    let second = scene.redeem(&offer).unwrap();
    let rebate = scene.claim(&offer).unwrap();
    scene.block(REBATE_TIME);
    scene.refund(second, 8_000).unwrap();
    assert_eq!(scene.rebate(rebate).paid, REBATE);
    assert_eq!(scene.balances(), [108_500, 91_500, 100_000, 0]);
}

#[test]
fn a_refund_of_the_first_purchase_leaves_the_rebate_as_it_is() {
    let mut scene = Scene::new();
    let first = scene.first();
    let offer = scene.terms(first);
    scene.redeem(&offer).unwrap();
    scene.claim(&offer).unwrap();
    scene.refund_between(scene.merchant.account, scene.customer.account, first, 10_000).unwrap();
    scene.block(REBATE_TIME);
    assert_eq!(scene.balances(), [106_500, 101_500, 92_000, 0]);
}

#[test]
fn amounts_whose_product_exceeds_128_bits_are_settled() {
    let mut scene = Scene::new();
    let eighteen_decimals = 1_000_000_000_000_000_000;
    for actor in [scene.customer, scene.newcomer] {
        scene.host.issue(actor.account, scene.eur, Amount::new(1_000_000 * eighteen_decimals));
    }
    let first = scene.purchase(1_000 * eighteen_decimals).unwrap();
    let mut offer = scene.terms(first);
    offer.price = Amount::new(900 * eighteen_decimals);
    offer.rebate = Amount::new(300 * eighteen_decimals);
    let second = scene.redeem(&offer).unwrap();
    let rebate = scene.claim(&offer).unwrap();
    scene.refund(second, 600 * eighteen_decimals).unwrap();
    assert_eq!(scene.block(REBATE_TIME), [Ok(())]);
    assert_eq!(scene.rebate(rebate).paid, Amount::new(100 * eighteen_decimals));
}

#[test]
fn a_purchase_that_redeemed_an_offer_can_be_the_first_of_another() {
    let mut scene = Scene::new();
    let first = scene.first();
    let second = scene.redeem(&scene.terms(first)).unwrap();
    (scene.customer, scene.newcomer) = (scene.newcomer, scene.stranger);
    let mut offer = scene.terms(second);
    offer.price = Amount::new(7_999);
    scene.redeem(&offer).unwrap();
    scene.claim(&offer).unwrap();
}

#[test]
fn one_purchase_earns_a_rebate_for_each_newcomer() {
    let mut scene = Scene::new();
    let first = scene.first();
    let offer = scene.terms(first);
    scene.redeem(&offer).unwrap();
    scene.claim(&offer).unwrap();
    scene.newcomer = scene.stranger;
    scene.redeem(&offer).unwrap();
    scene.claim(&offer).unwrap();
    assert_eq!(scene.set_aside(), Amount::new(3_000));
    assert_eq!(scene.block(REBATE_TIME), [Ok(()), Ok(())]);
    assert_eq!(scene.balances()[1], 93_000);
}

#[test]
fn a_frozen_asset_delays_a_rebate_until_somebody_collects_it() {
    let mut scene = Scene::new();
    let first = scene.first();
    let offer = scene.terms(first);
    scene.redeem(&offer).unwrap();
    let rebate = scene.claim(&offer).unwrap();
    scene.host.set_frozen(scene.eur, true);
    scene.block(REBATE_TIME);
    assert_eq!(scene.balances()[3], 1_500, "nothing moved");
    assert_eq!(scene.rebate(rebate).state, State::Locked);
    scene.host.set_frozen(scene.eur, false);
    scene.collect(scene.stranger, rebate).unwrap();
    assert_eq!(scene.balances(), [116_500, 91_500, 92_000, 0]);
    assert_eq!(scene.rebate(rebate).state, State::Paid);
}

#[test]
fn suspended_parties_receive_what_is_settled() {
    for required in [false, true] {
        let mut scene = Scene::new();
        let first = scene.first();
        let mut offer = scene.terms(first);
        offer.purchase_required = required;
        scene.claim(&offer).unwrap();
        for actor in [scene.merchant, scene.customer, scene.newcomer] {
            scene.host.set_suspended(actor.account, true);
        }
        assert_eq!(scene.block(REBATE_TIME), [Ok(())]);
        assert_eq!(scene.set_aside(), Amount::ZERO);
    }
}

#[test]
fn a_merchant_without_a_licence_still_pays_what_it_owes() {
    let mut scene = Scene::new();
    let first = scene.first();
    let offer = scene.terms(first);
    let second = scene.redeem(&offer).unwrap();
    scene.host.set_roles(scene.merchant.account, &[]);
    scene.claim(&offer).unwrap();
    scene.refund(second, 4_000).unwrap();
    scene.block(REBATE_TIME);
    assert_eq!(scene.last_event::<Settled>().paid, Amount::new(750));
}

#[test]
fn an_offer_signed_by_new_keys_of_a_party_counts() {
    let mut scene = Scene::new();
    let first = scene.first();
    let key = countersign_types::signature::public_key(&scene.stranger.secret);
    scene.host.set_authority(scene.customer.account, Authority::single(key));
    scene.customer.secret = scene.stranger.secret;
    scene.redeem(&scene.terms(first)).unwrap();
}

#[test]
fn calls_conserve_value() {
    let mut scene = Scene::new();
    let supply = scene.host.supply(scene.eur);
    assert_eq!(supply.get(), 5 * FUNDS.get());
    let first = scene.first();
    let offer = scene.terms(first);
    let second = scene.redeem(&offer).unwrap();
    scene.claim(&offer).unwrap();
    scene.refund(second, 3).unwrap();
    scene.block(REBATE_TIME);
    assert_eq!(scene.host.supply(scene.eur), supply);
}
