//! Each refusal of the rebate contract, by the real wasm, and that nothing moves with it.
use crate::deal::{ALL, CUSTOMER, DAY_MS, Deal, LOWER, MERCHANT, NEWCOMER, PRICE, purchase, purchase_id};
use crate::world::{BALANCE, eur, id, ids, ms, ok};
use countersign_interface::Method;
use countersign_interface::assets::{SetFrozen, Transfer};
use countersign_interface::rebate::{Claim, Collect, Error, Purchase, Redeem, Refund, Settle};
use countersign_types::{Amount, Call, CallFault, Document, Hash};
use parity_scale_codec::Encode;

const BOB: &str = "bob@hotel.example";

#[track_caller]
fn refused(deal: &mut Deal, call: Call) -> Error {
    Error::from_code(deal.refused(call)).unwrap()
}

/// Both calls that read an offer refuse it for the same reason.
#[track_caller]
fn offer_refused(mut deal: Deal, expected: Error) {
    let (redeem, claim) = (deal.of_all(&deal.redeem()), deal.of_all(&deal.claim()));
    assert_eq!(refused(&mut deal, redeem), expected);
    assert_eq!(refused(&mut deal, claim), expected);
}

fn buys(amount: u128, merchant: &str, customer: &str) -> Call {
    purchase(amount).call(&ids(&[merchant, customer]))
}

#[test]
fn purchases() {
    let mut deal = Deal::new();
    for (call, error) in [
        (buys(0, MERCHANT, CUSTOMER), Error::AmountZero),
        (buys(1, "tours.example", CUSTOMER), Error::NotAMerchant),
        (buys(1, BOB, CUSTOMER), Error::NotAMerchant),
        (buys(1, MERCHANT, MERCHANT), Error::SameAccount),
        (buys(BALANCE, MERCHANT, CUSTOMER), Error::InsufficientFunds),
    ] {
        assert_eq!(refused(&mut deal, call), error);
    }
    let none = Purchase { asset: "NONE".parse().unwrap(), ..purchase(1) };
    let call = none.call(&ids(&[MERCHANT, CUSTOMER]));
    assert_eq!(refused(&mut deal, call), Error::AssetUnavailable);
    ok(deal.world.call(&SetFrozen { asset: eur(), frozen: true }, &["bank.example"]));
    assert_eq!(refused(&mut deal, buys(1, MERCHANT, CUSTOMER)), Error::AssetUnavailable);
}

#[test]
fn one_call_makes_one_purchase() {
    use crate::probe::Script;
    let mut deal = Deal::new();
    let call = buys(1, MERCHANT, CUSTOMER);
    let step = (call.module.clone(), call.method, call.parties.to_vec(), call.args.to_vec());
    let once = Script::new().host("call_module", step.clone());
    let twice = once.clone().host("call_module", step);
    let parties = ids(&[MERCHANT, CUSTOMER]);
    assert_eq!(refused(&mut deal, twice.call("probe", &parties)), Error::PurchaseExists);
    ok(once.run_with(&mut deal.world, &parties));
}

#[test]
fn offers_about_other_purchases_and_people() {
    offer_refused(Deal::new().with(|offer| offer.purchase = Hash::ZERO), Error::UnknownPurchase);
    let mut deal = Deal::new();
    let (redeem, claim) = (deal.redeem(), deal.claim());
    for (parties, error) in [
        (["books.example", CUSTOMER, NEWCOMER], Error::NotTheMerchant),
        ([MERCHANT, BOB, NEWCOMER], Error::NotTheCustomer),
        ([MERCHANT, CUSTOMER, BOB], Error::NotTheThirdParty),
    ] {
        assert_eq!(refused(&mut deal, redeem.call(&ids(&parties))), error);
        assert_eq!(refused(&mut deal, claim.call(&ids(&parties))), error);
    }
    // Of a purchase by another customer, or from another merchant.
    for (merchant, customer, error) in
        [(MERCHANT, BOB, Error::NotTheCustomer), ("books.example", CUSTOMER, Error::NotTheMerchant)]
    {
        let mut deal = Deal::new();
        let other = ok(deal.world.call(&purchase(PRICE), &[merchant, customer]));
        offer_refused(deal.with(|offer| offer.purchase = purchase_id(&other)), error);
    }
    let mut deal = Deal::new();
    let call = Redeem { offer: deal.signed_offer(), reference: "".parse().unwrap() };
    let parties = ids(&["tours.example", CUSTOMER, NEWCOMER]);
    assert_eq!(refused(&mut deal, call.call(&parties)), Error::NotAMerchant);
}

#[test]
fn offers_with_bad_terms() {
    offer_refused(Deal::new().with(|offer| offer.price = Amount::new(PRICE)), Error::PriceNotLower);
    offer_refused(Deal::new().with(|offer| offer.price = Amount::ZERO), Error::AmountZero);
    offer_refused(Deal::new().with(|offer| offer.rebate = Amount::ZERO), Error::AmountZero);
    offer_refused(Deal::new().with(|offer| offer.rebate = Amount::new(LOWER + 1)), Error::RebateTooLarge);
    offer_refused(Deal::new().with(|offer| offer.deadline = offer.rebate_time), Error::DeadlineAfterRebate);
    offer_refused(Deal::new().with(|offer| offer.asset = "NONE".parse().unwrap()), Error::BadOffer);
}

/// Shows a document in place of the offer to both calls.
#[track_caller]
fn document_refused(change: impl Fn(&mut Document), parties: &[&str], expected: Error) {
    let mut deal = Deal::new();
    let mut document = deal.document();
    change(&mut document);
    let offer = deal.world.sign_document(document.clone(), &[]);
    let redeem = Redeem { offer, reference: "".parse().unwrap() }.call(&ids(parties));
    let claim = Claim { offer: document, ..deal.claim() }.call(&ids(parties));
    assert_eq!(refused(&mut deal, redeem), expected);
    assert_eq!(refused(&mut deal, claim), expected);
}

#[test]
fn documents_that_are_no_offer() {
    document_refused(|offer| offer.kind = "rebate/Other".parse().unwrap(), &ALL, Error::BadOffer);
    document_refused(|offer| offer.chain = Hash::ZERO, &ALL, Error::BadOffer);
    document_refused(|offer| offer.body = vec![1, 2, 3].try_into().unwrap(), &ALL, Error::BadOffer);
    let two = |offer: &mut Document| offer.parties = ids(&[MERCHANT, CUSTOMER]).try_into().unwrap();
    document_refused(two, &ALL, Error::BadOffer);
    let itself = [MERCHANT, CUSTOMER, CUSTOMER];
    document_refused(|offer| offer.parties = ids(&itself).try_into().unwrap(), &itself, Error::SameAccount);
}

#[test]
fn offers_without_a_signature_or_expired() {
    let mut deal = Deal::new();
    for without in ALL {
        let offer = deal.world.sign_document(deal.document(), &[id(without)]);
        let call = deal.of_all(&Redeem { offer, reference: "".parse().unwrap() });
        assert_eq!(refused(&mut deal, call), Error::OfferNotSigned, "{without}");
    }
    let now = Deal::new().world.time;
    document_refused(|offer| offer.expires_at = ms(now), &ALL, Error::OfferNotSigned);
}

#[test]
fn redeeming_late_or_twice_or_without_money() {
    let mut deal = Deal::new();
    let redeem = deal.of_all(&deal.redeem());
    ok(deal.world.run(vec![redeem.clone()]));
    assert_eq!(refused(&mut deal, redeem), Error::OfferUsed);
    let mut deal = Deal::new();
    deal.pass_until(deal.offer.deadline.millis() - 1_000);
    let redeem = deal.of_all(&deal.redeem());
    assert_eq!(refused(&mut deal, redeem), Error::DeadlinePassed);
    let mut deal = Deal::new();
    let gift = Transfer {
        asset: eur(),
        to: id(BOB),
        amount: Amount::new(BALANCE - LOWER + 1),
        reference: "".parse().unwrap(),
    };
    ok(deal.world.call(&gift, &[NEWCOMER]));
    let redeem = deal.of_all(&deal.redeem());
    assert_eq!(refused(&mut deal, redeem), Error::InsufficientFunds);
}

#[test]
fn claiming_something_else_or_late_or_twice_or_without_money() {
    let mut deal = Deal::new();
    for claim in [
        Claim { amount: Amount::new(1), ..deal.claim() },
        Claim { asset: "NONE".parse().unwrap(), ..deal.claim() },
        Claim { settles_at: ms(deal.offer.rebate_time.millis() + DAY_MS), ..deal.claim() },
    ] {
        let call = deal.of_all(&claim);
        assert_eq!(refused(&mut deal, call), Error::RebateDiffers);
    }
    let claim = deal.of_all(&deal.claim());
    ok(deal.world.run(vec![claim.clone()]));
    assert_eq!(refused(&mut deal, claim), Error::RebateExists);
    let mut deal = Deal::new();
    deal.pass_until(deal.offer.rebate_time.millis() - 1_000);
    let claim = deal.of_all(&deal.claim());
    assert_eq!(refused(&mut deal, claim), Error::RebateTimePassed);
    let mut deal = Deal::new();
    let gift = Transfer {
        asset: eur(),
        to: id(BOB),
        amount: Amount::new(BALANCE + PRICE - 1),
        reference: "".parse().unwrap(),
    };
    ok(deal.world.call(&gift, &[MERCHANT]));
    let claim = deal.of_all(&deal.claim());
    assert_eq!(refused(&mut deal, claim), Error::InsufficientFunds);
}

#[test]
fn refunds() {
    let mut deal = Deal::new();
    let first = deal.first;
    let refund = |deal: &Deal, purchase: Hash, amount: u128, parties: [&str; 2]| {
        deal.refund(purchase, amount).call(&ids(&parties))
    };
    for (purchase, amount, parties, error) in [
        (Hash::ZERO, 1, [MERCHANT, CUSTOMER], Error::UnknownPurchase),
        (first, 1, ["books.example", CUSTOMER], Error::NotTheMerchant),
        (first, 1, [MERCHANT, BOB], Error::NotTheCustomer),
        (first, PRICE + 1, [MERCHANT, CUSTOMER], Error::RefundTooLarge),
        (first, u128::MAX, [MERCHANT, CUSTOMER], Error::RefundTooLarge),
        (first, 0, [MERCHANT, CUSTOMER], Error::AmountZero),
    ] {
        let call = refund(&deal, purchase, amount, parties);
        assert_eq!(refused(&mut deal, call), error);
    }
    let other_asset = Refund { asset: "NONE".parse().unwrap(), ..deal.refund(first, 1) };
    assert_eq!(refused(&mut deal, other_asset.call(&ids(&[MERCHANT, CUSTOMER]))), Error::OtherAsset);
    ok(deal.world.run(vec![refund(&deal, first, PRICE, [MERCHANT, CUSTOMER])]));
    let call = refund(&deal, first, 1, [MERCHANT, CUSTOMER]);
    assert_eq!(refused(&mut deal, call), Error::RefundTooLarge);
    assert_eq!(deal.purchase_of(first).unwrap().refunded, Amount::new(PRICE));
}

#[test]
fn settling_what_is_unknown_not_due_or_settled() {
    let mut deal = Deal::new();
    let rebate = deal.document().hash();
    let collect = |rebate: Hash| Collect { rebate }.call(&[id(BOB)]);
    assert_eq!(refused(&mut deal, collect(rebate)), Error::UnknownRebate);
    let claim = deal.claim();
    ok(deal.run(&claim));
    assert_eq!(refused(&mut deal, collect(rebate)), Error::NotYetDue);
    ok(deal.pass_rebate_time());
    assert_eq!(refused(&mut deal, collect(rebate)), Error::AlreadySettled);
}

#[test]
fn nobody_but_the_ledger_runs_what_is_scheduled() {
    let mut deal = Deal::new();
    let interface = countersign_interface::rebate::interface();
    let settle = interface.selector(interface.method_named("settle").unwrap().0);
    let call = Collect { rebate: Hash::ZERO }.call(&[id(BOB)]);
    let args = Settle { rebate: Hash::ZERO }.encode().try_into().unwrap();
    let receipt = deal.world.run(vec![Call { method: settle, args, ..call }]);
    assert_eq!(crate::world::fault(&receipt), CallFault::WrongParties);
}

#[test]
fn queries_about_the_unknown() {
    let deal = Deal::new();
    let refused = |code: Error| CallFault::Refused(countersign_interface::Refusal::code(code));
    assert_eq!(deal.purchase_of(Hash::ZERO).unwrap_err(), refused(Error::UnknownPurchase));
    assert_eq!(deal.rebate().unwrap_err(), refused(Error::UnknownRebate));
    assert_eq!(deal.set_aside("NONE".parse().unwrap()), Amount::ZERO);
}

#[test]
fn every_refusal_is_tested_above() {
    // A new error makes this list too short and asks for a test.
    let tested = [
        Error::AmountZero,
        Error::NotAMerchant,
        Error::SameAccount,
        Error::InsufficientFunds,
        Error::UnknownPurchase,
        Error::NotTheMerchant,
        Error::NotTheCustomer,
        Error::NotTheThirdParty,
        Error::BadOffer,
        Error::OfferNotSigned,
        Error::PriceNotLower,
        Error::DeadlineAfterRebate,
        Error::DeadlinePassed,
        Error::OfferUsed,
        Error::RebateTimePassed,
        Error::RebateExists,
        Error::RebateDiffers,
        Error::UnknownRebate,
        Error::RefundTooLarge,
        Error::AssetUnavailable,
        Error::RebateTooLarge,
        Error::NotYetDue,
        Error::AlreadySettled,
        Error::PurchaseExists,
        Error::OtherAsset,
    ];
    assert_eq!(tested, Error::ALL);
}

/// Documents of one block are checked together; each is judged by its own signatures.
#[test]
fn one_forged_offer_among_others_of_a_block() {
    let mut deal = Deal::new();
    let purchases = [deal.first].into_iter().chain([1, 2].map(|amount| {
        let receipt = ok(deal.world.call(&purchase(PRICE + amount), &[MERCHANT, CUSTOMER]));
        purchase_id(&receipt)
    }));
    let mut transactions = Vec::new();
    for (index, first) in purchases.collect::<Vec<_>>().into_iter().enumerate() {
        deal.offer.purchase = first;
        let mut redeem = deal.redeem();
        if index == 1 {
            let mut signatures = redeem.offer.signatures.to_vec();
            signatures[2].signature.0[0] ^= 1;
            redeem.offer.signatures = signatures.try_into().unwrap();
        }
        let call = deal.of_all(&redeem);
        let draft = deal.world.draft(vec![call]);
        transactions.push(deal.world.sign(&draft));
    }
    let receipts = deal.world.block(&transactions).receipts;
    ok(receipts[0].clone());
    assert_eq!(Error::from_code(crate::world::refusal(&receipts[1])), Some(Error::OfferNotSigned));
    ok(receipts[2].clone());
}
