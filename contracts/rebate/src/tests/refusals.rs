//! Every refusal: nothing moves, and the story goes on afterwards.
use super::scene::{DEADLINE, Outcome, PRICE, REBATE, REBATE_TIME, Scene, refused, text};
use crate::Rebate;
use countersign_contract_sdk::testing::Stopped;
use countersign_interface::rebate::{
    Error, Offer, Purchase, PurchaseOf, RebateOf, Refund, Rules, Settle, dispatch, scheduled,
};
use countersign_interface::{DispatchFault, Refusal};
use countersign_types::{Amount, Document, DocumentKind, Failure, Hash, Timestamp};
use parity_scale_codec::Encode;

/// A scene after the first purchase, with the usual terms.
fn offered() -> (Scene, Offer) {
    let mut scene = Scene::new();
    let first = scene.first();
    let offer = scene.terms(first);
    (scene, offer)
}

/// Runs a move that must be refused, and sees that it left nothing behind.
fn refuses<T: core::fmt::Debug + PartialEq>(
    scene: &mut Scene,
    error: Error,
    run: impl FnOnce(&mut Scene) -> Outcome<T>,
) {
    let before = (scene.balances(), scene.host.storage().clone(), scene.host.events().len());
    assert_eq!(run(scene), refused(error));
    assert!(before == (scene.balances(), scene.host.storage().clone(), scene.host.events().len()), "{error:?}");
}

/// Both calls that show an offer refuse these terms.
fn refuses_terms(error: Error, change: impl Fn(&Scene, &mut Offer)) {
    let (mut scene, mut offer) = offered();
    change(&scene, &mut offer);
    refuses(&mut scene, error, |scene| scene.redeem(&offer));
    refuses(&mut scene, error, |scene| scene.claim(&offer));
}

/// Both calls that show an offer refuse this document, even with its parties' signatures.
fn refuses_document(error: Error, change: impl Fn(&Scene, &mut Document)) {
    let (mut scene, offer) = offered();
    let mut document = scene.document(&offer);
    change(&scene, &mut document);
    let signers = [scene.merchant, scene.customer, scene.newcomer, scene.stranger, scene.rival];
    let signers =
        signers.iter().filter(|actor| document.parties.contains(&actor.account)).collect::<alloc::vec::Vec<_>>();
    let signed = scene.host.signed(document.clone(), &signers);
    refuses(&mut scene, error, |scene| scene.redeem_with(signed));
    refuses(&mut scene, error, |scene| scene.claim_with(document, offer.rebate, offer.rebate_time));
}

#[test]
fn amount_zero() {
    let (mut scene, _) = offered();
    refuses(&mut scene, Error::AmountZero, |scene| scene.purchase(0));
    let (mut scene, offer) = offered();
    let second = scene.redeem(&offer).unwrap();
    refuses(&mut scene, Error::AmountZero, |scene| scene.refund(second, 0));
    refuses_terms(Error::AmountZero, |_, offer| offer.price = Amount::ZERO);
    refuses_terms(Error::AmountZero, |_, offer| offer.rebate = Amount::ZERO);
}

#[test]
fn not_a_merchant() {
    let (mut scene, offer) = offered();
    let (customer, newcomer) = (scene.customer.account, scene.newcomer.account);
    refuses(&mut scene, Error::NotAMerchant, |scene| scene.purchase_between(customer, newcomer, 5));
    scene.host.set_roles(scene.merchant.account, &[]);
    refuses(&mut scene, Error::NotAMerchant, |scene| scene.redeem(&offer));
}

#[test]
fn same_account() {
    let (mut scene, _) = offered();
    let merchant = scene.merchant.account;
    refuses(&mut scene, Error::SameAccount, |scene| scene.purchase_between(merchant, merchant, 5));
    for (from, to) in [(0, 1), (0, 2), (1, 2)] {
        let (mut scene, offer) = offered();
        let mut parties = [scene.merchant, scene.customer, scene.newcomer].map(|actor| actor.account);
        parties[to] = parties[from];
        let document = offer.document(scene.host.chain_id(), parties, offer.rebate_time);
        let signed = scene.host.signed(document.clone(), &[]);
        if parties[0] == scene.merchant.account {
            refuses(&mut scene, Error::SameAccount, |scene| scene.redeem_as(parties, signed));
        }
        refuses(&mut scene, Error::SameAccount, |scene| {
            scene.claim_as(parties, document, offer.rebate, offer.rebate_time)
        });
    }
}

#[test]
fn insufficient_funds() {
    let (mut scene, mut offer) = offered();
    refuses(&mut scene, Error::InsufficientFunds, |scene| scene.purchase(90_001));
    scene.purchase(90_000).unwrap();

    let first = scene.purchase_between(scene.merchant.account, scene.stranger.account, 100_000).unwrap();
    let mut dear = scene.terms(first);
    dear.price = Amount::new(99_999);
    let customer = scene.customer;
    scene.customer = scene.stranger;
    scene.newcomer = scene.rival;
    scene.purchase_between(scene.merchant.account, scene.rival.account, 2).unwrap();
    refuses(&mut scene, Error::InsufficientFunds, |scene| scene.redeem(&dear));
    scene.customer = customer;

    // The merchant gives away all but one less than the rebate.
    let (merchant, rival) = (scene.merchant.account, scene.rival.account);
    let held = scene.balances()[0];
    let purchase = scene.purchase_between(rival, merchant, held - REBATE.get() + 1).unwrap();
    offer.rebate = REBATE;
    refuses(&mut scene, Error::InsufficientFunds, |scene| scene.claim(&offer));
    let (first, stranger) = (first, scene.stranger.account);
    refuses(&mut scene, Error::InsufficientFunds, |scene| scene.refund_between(merchant, stranger, first, 1_500));
    scene.refund_between(rival, merchant, purchase, 1).unwrap();
    scene.claim(&offer).unwrap();
}

#[test]
fn unknown_purchase() {
    refuses_terms(Error::UnknownPurchase, |_, offer| offer.purchase = Hash::ZERO);
    let (mut scene, _) = offered();
    refuses(&mut scene, Error::UnknownPurchase, |scene| scene.refund(Hash::ZERO, 1));
    let purchase = Hash::ZERO;
    let answer = scene.host.query(|host| Rebate::purchase_of(host, PurchaseOf { purchase }));
    assert_eq!(answer, refused(Error::UnknownPurchase));
}

#[test]
fn not_the_merchant() {
    refuses_document(Error::NotTheMerchant, |scene, document| {
        let parties = [scene.rival, scene.customer, scene.newcomer].map(|actor| actor.account);
        document.parties = parties.to_vec().try_into().unwrap();
    });
    let (mut scene, offer) = offered();
    scene.merchant = scene.rival;
    refuses(&mut scene, Error::NotTheMerchant, |scene| scene.redeem(&offer));
    refuses(&mut scene, Error::NotTheMerchant, |scene| scene.claim(&offer));
    let (merchant, customer) = (scene.merchant.account, scene.customer.account);
    refuses(&mut scene, Error::NotTheMerchant, |scene| scene.refund_between(merchant, customer, offer.purchase, 1));
}

#[test]
fn not_the_customer() {
    refuses_document(Error::NotTheCustomer, |scene, document| {
        let parties = [scene.merchant, scene.stranger, scene.newcomer].map(|actor| actor.account);
        document.parties = parties.to_vec().try_into().unwrap();
    });
    let (mut scene, offer) = offered();
    scene.customer = scene.stranger;
    refuses(&mut scene, Error::NotTheCustomer, |scene| scene.redeem(&offer));
    refuses(&mut scene, Error::NotTheCustomer, |scene| scene.claim(&offer));
    refuses(&mut scene, Error::NotTheCustomer, |scene| scene.refund(offer.purchase, 1));
}

#[test]
fn not_the_third_party() {
    refuses_document(Error::NotTheThirdParty, |scene, document| {
        let parties = [scene.merchant, scene.customer, scene.stranger].map(|actor| actor.account);
        document.parties = parties.to_vec().try_into().unwrap();
    });
}

#[test]
fn bad_offer() {
    refuses_document(Error::BadOffer, |_, document| document.kind = DocumentKind::new("rebate/Other").unwrap());
    refuses_document(Error::BadOffer, |_, document| document.chain = Hash::ZERO);
    refuses_document(Error::BadOffer, |_, document| {
        document.parties = document.parties[..2].to_vec().try_into().unwrap();
    });
    refuses_document(Error::BadOffer, |scene, document| document.parties.push(scene.stranger.account).unwrap());
    refuses_document(Error::BadOffer, |_, document| document.body.push(0).unwrap());
    refuses_document(Error::BadOffer, |_, document| document.body = document.body[1..].to_vec().try_into().unwrap());
    refuses_terms(Error::BadOffer, |_, offer| offer.asset = "USD".parse().unwrap());
}

#[test]
fn offer_not_signed() {
    let (mut scene, offer) = offered();
    let document = scene.document(&offer);
    for signers in [
        &[][..],
        &[&scene.merchant, &scene.customer],
        &[&scene.merchant, &scene.newcomer],
        &[&scene.customer, &scene.newcomer],
    ] {
        let signed = scene.host.signed(document.clone(), signers);
        let mut scene = offered().0;
        refuses(&mut scene, Error::OfferNotSigned, |scene| scene.redeem_with(signed));
    }

    let mut altered = scene.sign(document.clone());
    altered.document = scene.document(&Offer { price: Amount::new(1), rebate: Amount::new(1), ..offer.clone() });
    refuses(&mut scene, Error::OfferNotSigned, |scene| scene.redeem_with(altered));

    let mut forged = scene.newcomer;
    forged.secret = scene.stranger.secret;
    let forged = scene.host.signed(document, &[&scene.merchant, &scene.customer, &forged]);
    refuses(&mut scene, Error::OfferNotSigned, |scene| scene.redeem_with(forged));
    scene.redeem(&offer).unwrap();
}

#[test]
fn an_expired_offer_is_as_good_as_unsigned() {
    let (mut scene, offer) = offered();
    let parties = [scene.merchant, scene.customer, scene.newcomer].map(|actor| actor.account);
    let expires_at = Timestamp::from_millis(1_500_000);
    let document = offer.document(scene.host.chain_id(), parties, expires_at);
    scene.block(Timestamp::from_millis(1_500_001));
    let signed = scene.sign(document.clone());
    refuses(&mut scene, Error::OfferNotSigned, |scene| scene.redeem_with(signed));
    refuses(&mut scene, Error::OfferNotSigned, |scene| scene.claim_with(document, offer.rebate, offer.rebate_time));
}

#[test]
fn price_not_lower() {
    refuses_terms(Error::PriceNotLower, |_, offer| offer.price = Amount::new(10_000));
    refuses_terms(Error::PriceNotLower, |_, offer| offer.price = Amount::MAX);
}

#[test]
fn deadline_after_rebate() {
    refuses_terms(Error::DeadlineAfterRebate, |_, offer| offer.deadline = REBATE_TIME);
    refuses_terms(Error::DeadlineAfterRebate, |_, offer| offer.deadline = Timestamp::MAX);
}

#[test]
fn deadline_passed() {
    let (mut scene, offer) = offered();
    scene.block(DEADLINE);
    refuses(&mut scene, Error::DeadlinePassed, |scene| scene.redeem(&offer));
    scene.claim(&offer).unwrap();
}

#[test]
fn offer_used() {
    let (mut scene, offer) = offered();
    let second = scene.redeem(&offer).unwrap();
    refuses(&mut scene, Error::OfferUsed, |scene| scene.redeem(&offer));
    scene.refund(second, PRICE.get()).unwrap();
    refuses(&mut scene, Error::OfferUsed, |scene| scene.redeem(&offer));
}

#[test]
fn rebate_time_passed() {
    let (mut scene, offer) = offered();
    scene.redeem(&offer).unwrap();
    scene.block(REBATE_TIME);
    refuses(&mut scene, Error::RebateTimePassed, |scene| scene.claim(&offer));
}

#[test]
fn rebate_exists() {
    let (mut scene, offer) = offered();
    scene.claim(&offer).unwrap();
    refuses(&mut scene, Error::RebateExists, |scene| scene.claim(&offer));
    scene.redeem(&offer).unwrap();
    refuses(&mut scene, Error::RebateExists, |scene| scene.claim(&offer));
}

#[test]
fn rebate_differs() {
    let (mut scene, offer) = offered();
    let later = Timestamp::from_millis(REBATE_TIME.millis() + 1);
    let document = scene.document(&offer);
    for (amount, time) in [(Amount::new(1_501), REBATE_TIME), (Amount::ZERO, REBATE_TIME), (REBATE, later)] {
        let document = document.clone();
        refuses(&mut scene, Error::RebateDiffers, |scene| scene.claim_with(document, amount, time));
    }
    scene.eur = scene.host.add_asset("USD");
    refuses(&mut scene, Error::RebateDiffers, |scene| scene.claim_with(document, REBATE, REBATE_TIME));
}

#[test]
fn unknown_rebate() {
    let (mut scene, _) = offered();
    let stranger = scene.stranger;
    refuses(&mut scene, Error::UnknownRebate, |scene| scene.collect(stranger, Hash::ZERO));
    let answer = scene.host.query(|host| Rebate::rebate_of(host, RebateOf { rebate: Hash::ZERO }));
    assert_eq!(answer, refused(Error::UnknownRebate));
}

#[test]
fn other_asset() {
    let (mut scene, offer) = offered();
    let second = scene.redeem(&offer).unwrap();
    let (merchant, buyer) = (scene.merchant.account, scene.newcomer.account);
    let other = scene.host.add_asset("USD");
    let args = Refund { purchase: second, asset: other, amount: Amount::new(1) };
    refuses(&mut scene, Error::OtherAsset, |scene| scene.refund_as(merchant, buyer, args));
    scene.refund(second, 1).unwrap();
}

#[test]
fn refund_too_large() {
    let (mut scene, offer) = offered();
    let second = scene.redeem(&offer).unwrap();
    refuses(&mut scene, Error::RefundTooLarge, |scene| scene.refund(second, 8_001));
    scene.refund(second, 8_000).unwrap();
    refuses(&mut scene, Error::RefundTooLarge, |scene| scene.refund(second, 1));
    refuses(&mut scene, Error::RefundTooLarge, |scene| scene.refund(second, u128::MAX));
}

#[test]
fn asset_unavailable() {
    let (mut scene, offer) = offered();
    let rebate = scene.claim(&offer).unwrap();
    let eur = scene.eur;
    scene.host.set_frozen(eur, true);
    refuses(&mut scene, Error::AssetUnavailable, |scene| scene.purchase(1));
    refuses(&mut scene, Error::AssetUnavailable, |scene| scene.redeem(&offer));
    refuses(&mut scene, Error::AssetUnavailable, |scene| {
        scene.refund_between(scene.merchant.account, scene.customer.account, offer.purchase, 1)
    });
    let other = Offer { rebate: Amount::new(1), ..offer };
    refuses(&mut scene, Error::AssetUnavailable, |scene| scene.claim(&other));
    assert_eq!(scene.block(REBATE_TIME), [refused(Error::AssetUnavailable)]);
    let stranger = scene.stranger;
    refuses(&mut scene, Error::AssetUnavailable, |scene| scene.collect(stranger, rebate));
    scene.eur = "NONE".parse().unwrap();
    refuses(&mut scene, Error::AssetUnavailable, |scene| scene.purchase(1));
}

#[test]
fn rebate_too_large() {
    refuses_terms(Error::RebateTooLarge, |_, offer| offer.rebate = Amount::new(8_001));
    let (mut scene, offer) = offered();
    scene.claim(&Offer { rebate: PRICE, ..offer }).unwrap();
}

#[test]
fn not_yet_due() {
    let (mut scene, offer) = offered();
    let rebate = scene.claim(&offer).unwrap();
    let customer = scene.customer;
    refuses(&mut scene, Error::NotYetDue, |scene| scene.collect(customer, rebate));
}

#[test]
fn already_settled() {
    for buys in [false, true] {
        let (mut scene, offer) = offered();
        let rebate = scene.claim(&offer).unwrap();
        if buys {
            scene.redeem(&offer).unwrap();
        }
        scene.block(REBATE_TIME);
        let customer = scene.customer;
        refuses(&mut scene, Error::AlreadySettled, |scene| scene.collect(customer, rebate));
    }
}

#[test]
fn purchase_exists() {
    let (mut scene, _) = offered();
    let (merchant, customer) = (scene.merchant.account, scene.customer.account);
    let args = Purchase { asset: scene.eur, amount: Amount::new(1), reference: text("twice") };
    refuses(&mut scene, Error::PurchaseExists, |scene| {
        scene.host.call(&[merchant, customer], |host| {
            Rebate::purchase(host, merchant, customer, args.clone())?;
            Rebate::purchase(host, merchant, customer, args)
        })
    });
}

#[test]
fn a_suspended_party_signs_nothing() {
    let (mut scene, _) = offered();
    scene.host.set_suspended(scene.customer.account, true);
    let suspended = Stopped::Failed(Failure::Suspended(scene.customer.account));
    assert_eq!(scene.purchase(1), Err(suspended));
}

#[test]
fn a_job_for_a_rebate_that_is_not_there_is_refused() {
    let mut scene = Scene::new();
    let args = Settle { rebate: Hash::ZERO }.encode();
    let outcome = scene.host.call(&[], |host| dispatch::<_, Rebate>(host, scheduled::settle, &[], &args));
    assert_eq!(outcome, Err(Stopped::Refused(DispatchFault::Refused(Error::UnknownRebate.code()))));
}

/// A refusal that is added to the interface gets a test here.
#[test]
fn every_refusal_has_a_test() {
    let source = include_str!("refusals.rs");
    for error in Error::ALL {
        assert!(source.contains(&alloc::format!("Error::{error:?}")), "{error:?} has no test");
    }
}
