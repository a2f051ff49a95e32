//! The referral rebate as real wasm, from the first purchase to the settled rebate; its gas, events and records are frozen.
use crate::deal::{CUSTOMER, DAY_MS, Deal, LOWER, MERCHANT, NEWCOMER, PRICE, REBATE, contract, purchase_id};
use crate::frozen;
use crate::journal::{Journal, named_world};
use crate::world::{BALANCE, World, eur, fault, id, key, ok, refusal};
use countersign_interface::Method;
use countersign_interface::assets::SetFrozen;
use countersign_interface::rebate::{Collect, Error, State};
use countersign_interface::registry::{SetMemberSuspended, SetRoles};
use countersign_types::receipt::Subject;
use countersign_types::transaction::TransactionError;
use countersign_types::{Amount, CallFault, Failure, List, SignedTransaction, Transaction, VerifiedTransaction};

#[test]
fn the_whole_story_with_frozen_gas_events_and_records() {
    let mut journal = Journal::new(countersign_interface::rebate::interface());
    let mut world = named_world("rebate");
    // 1. The first purchase.
    let receipt = ok(world.call(&crate::deal::purchase(PRICE), &[MERCHANT, CUSTOMER]));
    assert_eq!(world.balance(id(MERCHANT)), BALANCE + PRICE);
    let mut deal = Deal::in_world(named_world("rebate"));
    assert_eq!(deal.world.state.root(), world.state.root());
    journal.note("purchase", &deal.world, &receipt);
    // 2. The merchant draws up the offer and the rebate transaction and signs both. 3. to 5. The others sign.
    let offer = deal.signed_offer();
    assert!(offer.verify_signatures());
    let call = deal.of_all(&deal.claim());
    let claim = deal.long_draft(call);
    let merchants = deal.world.half_signed(&claim, &[(id(MERCHANT), key(MERCHANT))]);
    let simulation = deal.world.executor.simulate(&deal.world.state, &merchants, deal.place()).unwrap();
    assert_eq!(simulation.receipt.outcome, Ok(()));
    assert_eq!(simulation.missing.len(), 2);
    // 6. The newcomer buys at the lower price, before the deadline.
    deal.world.block_at(deal.offer.deadline.millis() - 2_000, &[]);
    let redeem = deal.redeem();
    let receipt = ok(deal.run(&redeem));
    let second = purchase_id(&receipt);
    journal.note("redeem", &deal.world, &receipt);
    assert_eq!(deal.balances(), [BALANCE + PRICE + LOWER, BALANCE - PRICE, BALANCE - LOWER, 0]);
    assert_eq!(deal.purchase_of(second).unwrap().offer, Some(deal.document().hash()));
    // 7. The customer broadcasts the rebate transaction before the rebate time.
    deal.world.block_at(deal.offer.rebate_time.millis() - 5_000, &[]);
    let signed = deal.world.sign(&claim);
    let receipt = ok(deal.world.block(&[signed]).receipts.pop().unwrap());
    journal.note("claim", &deal.world, &receipt);
    assert_eq!(deal.balances()[3], REBATE);
    assert_eq!(deal.set_aside(eur()), Amount::new(REBATE));
    assert_eq!(deal.rebate().unwrap().state, State::Locked);
    // 8. A refund of a quarter before the rebate time.
    let refund = deal.refund(second, LOWER / 4);
    let receipt = ok(deal.world.call(&refund, &[MERCHANT, NEWCOMER]));
    journal.note("refund", &deal.world, &receipt);
    // At the rebate time the ledger itself pays.
    let receipt = ok(deal.world.block_at(deal.offer.rebate_time.millis() + 5, &[]).receipts.pop().unwrap());
    assert_eq!(receipt.subject, Subject::Job(0));
    journal.note("settle", &deal.world, &receipt);
    let paid = REBATE * 3 / 4;
    let merchant = BALANCE + PRICE + LOWER - LOWER / 4 - paid;
    assert_eq!(deal.balances(), [merchant, BALANCE - PRICE + paid, BALANCE - LOWER + LOWER / 4, 0]);
    let rebate = deal.rebate().unwrap();
    assert_eq!((rebate.state, rebate.paid), (State::Paid, Amount::new(paid)));
    let receipt = deal.world.call(&Collect { rebate: deal.document().hash() }, &[CUSTOMER]);
    journal.note("collect after it", &deal.world, &receipt);
    frozen::check("rebate-fuel.txt", &journal.text);
}

#[test]
fn claimed_before_the_new_purchase_a_rebate_is_pending_then_locked_then_paid() {
    let mut deal = Deal::new();
    let claim = deal.claim();
    ok(deal.run(&claim));
    assert_eq!(deal.rebate().unwrap().state, State::Pending);
    let redeem = deal.redeem();
    ok(deal.run(&redeem));
    assert_eq!(deal.rebate().unwrap().state, State::Locked);
    ok(deal.pass_rebate_time());
    assert_eq!(deal.rebate().unwrap().state, State::Paid);
    assert_eq!(deal.balances(), [BALANCE + PRICE + LOWER - REBATE, BALANCE - PRICE + REBATE, BALANCE - LOWER, 0]);
}

#[test]
fn without_the_new_purchase_the_amount_returns_to_the_merchant() {
    let mut deal = Deal::new();
    let claim = deal.claim();
    ok(deal.run(&claim));
    ok(deal.pass_rebate_time());
    assert_eq!(deal.rebate().unwrap().state, State::Reversed);
    assert_eq!(deal.balances(), [BALANCE + PRICE, BALANCE - PRICE, BALANCE, 0]);
}

#[test]
fn unless_the_offer_says_that_none_is_required() {
    let mut deal = Deal::new().with(|offer| offer.purchase_required = false);
    let claim = deal.claim();
    ok(deal.run(&claim));
    ok(deal.pass_rebate_time());
    assert_eq!(deal.balances(), [BALANCE + PRICE - REBATE, BALANCE - PRICE + REBATE, BALANCE, 0]);
}

#[test]
fn a_new_purchase_refunded_in_full_reverses_the_rebate() {
    let mut deal = Deal::new();
    let (claim, redeem) = (deal.claim(), deal.redeem());
    ok(deal.run(&claim));
    let second = purchase_id(&ok(deal.run(&redeem)));
    for part in [LOWER / 2, LOWER / 2] {
        let refund = deal.refund(second, part);
        ok(deal.world.call(&refund, &[MERCHANT, NEWCOMER]));
    }
    ok(deal.pass_rebate_time());
    assert_eq!(deal.rebate().unwrap().state, State::Reversed);
    assert_eq!(deal.balances(), [BALANCE + PRICE, BALANCE - PRICE, BALANCE, 0]);
}

#[test]
fn late_short_altered_or_twice_nothing_moves() {
    let mut deal = Deal::new();
    let call = deal.of_all(&deal.claim());
    let claim = deal.long_draft(call);
    let chain = deal.world.chain;
    let before = deal.balances();
    // Short of a signature: it is no transaction yet.
    let short = deal.world.half_signed(&claim, &[(id(MERCHANT), key(MERCHANT)), (id(CUSTOMER), key(CUSTOMER))]);
    let error = VerifiedTransaction::verify(short, &chain).unwrap_err();
    assert_eq!(error, TransactionError::MissingSignature { account: id(NEWCOMER) });
    // Altered: the signatures are of something else.
    let signed = deal.world.sign(&claim);
    let altered = SignedTransaction {
        transaction: Transaction { salt: [9; 8], ..claim.clone() },
        signatures: signed.signed().signatures.clone(),
    };
    assert!(matches!(VerifiedTransaction::verify(altered, &chain), Err(TransactionError::BadSignature { .. })));
    // Altered and signed anew: it differs from the offer.
    let more = countersign_interface::rebate::Claim { amount: Amount::new(REBATE + 1), ..deal.claim() };
    let call = deal.of_all(&more);
    assert_eq!(Error::from_code(deal.refused(call)), Some(Error::RebateDiffers));
    assert_eq!(deal.balances(), before);
    // Twice: once as the same transaction, once as another with the same offer.
    ok(deal.world.block(std::slice::from_ref(&signed)).receipts.pop().unwrap());
    let after = deal.balances();
    assert_eq!(deal.world.block(std::slice::from_ref(&signed)).receipts[0].outcome, Err(Failure::Replayed));
    let call = deal.of_all(&deal.claim());
    assert_eq!(Error::from_code(deal.refused(call)), Some(Error::RebateExists));
    assert_eq!(deal.balances(), after);
    // Late.
    let mut late = Deal::new();
    late.pass_until(late.offer.rebate_time.millis() - 1_000);
    let call = late.of_all(&late.claim());
    assert_eq!(Error::from_code(late.refused(call)), Some(Error::RebateTimePassed));
}

#[test]
fn a_rebate_whose_asset_is_frozen_at_its_time_is_collected_later() {
    let mut deal = Deal::new();
    let (claim, redeem) = (deal.claim(), deal.redeem());
    ok(deal.run(&claim));
    ok(deal.run(&redeem));
    let freeze = |frozen| SetFrozen { asset: eur(), frozen };
    ok(deal.world.call(&freeze(true), &["bank.example"]));
    assert_eq!(Error::from_code(refusal(&deal.pass_rebate_time())), Some(Error::AssetUnavailable));
    ok(deal.world.call(&freeze(false), &["bank.example"]));
    ok(deal.world.call(&Collect { rebate: deal.document().hash() }, &["dave@books.example"]));
    assert_eq!(deal.rebate().unwrap().state, State::Paid);
    assert_eq!(deal.world.balance(contract()), 0);
}

#[test]
fn a_merchant_that_lost_its_licence_and_was_suspended_still_pays_what_it_owes() {
    let mut deal = Deal::new();
    let (claim, redeem) = (deal.claim(), deal.redeem());
    ok(deal.run(&claim));
    ok(deal.run(&redeem));
    let council = ["bank.example", "books.example"];
    ok(deal.world.call(&SetRoles { member: id(MERCHANT), roles: List::empty() }, &council));
    ok(deal.world.call(&SetMemberSuspended { member: id(MERCHANT), suspended: true }, &council));
    ok(deal.pass_rebate_time());
    assert_eq!(deal.world.balance(id(CUSTOMER)), BALANCE - PRICE + REBATE);
}

#[test]
fn two_offers_settle_apart_and_what_is_held_is_the_sum_of_the_open_ones() {
    let mut deal = Deal::new();
    let claim = deal.claim();
    ok(deal.run(&claim));
    let mut other = Deal { world: deal.world.clone(), first: deal.first, offer: deal.offer.clone() }.with(|offer| {
        offer.rebate = Amount::new(300);
        offer.rebate_time = crate::world::ms(offer.rebate_time.millis() + DAY_MS);
    });
    let claim = other.claim();
    ok(other.run(&claim));
    assert_eq!(other.set_aside(eur()), Amount::new(REBATE + 300));
    assert_eq!(other.balances()[3], REBATE + 300);
    other.pass_until(deal.offer.rebate_time.millis());
    assert_eq!((other.set_aside(eur()), other.balances()[3]), (Amount::new(300), 300));
    ok(other.pass_rebate_time());
    assert_eq!((other.set_aside(eur()), other.balances()[3]), (Amount::ZERO, 0));
}

#[test]
fn an_ordinary_purchase_is_cheap_enough_for_a_busy_chain() {
    let mut world = World::new();
    let receipt = ok(world.call(&crate::deal::purchase(PRICE), &[MERCHANT, CUSTOMER]));
    // 20 x 10^9 gas a block hold tens of thousands of them.
    assert!(receipt.gas.get() < 400_000, "{}", receipt.gas);
    assert_eq!(receipt.events[0].accounts[..], [id(MERCHANT), id(CUSTOMER)]);
}

#[test]
fn malformed_arguments_end_the_call_and_move_nothing() {
    let mut deal = Deal::new();
    let call = crate::deal::purchase(1).call(&[id(MERCHANT), id(CUSTOMER)]);
    let call = countersign_types::Call { args: call.args[1..].to_vec().try_into().unwrap(), ..call };
    let before = deal.balances();
    let receipt = deal.world.run(vec![call]);
    assert!(matches!(fault(&receipt), CallFault::Trap | CallFault::BadArguments));
    assert_eq!(deal.balances(), before);
}
