//! What a block checks before a transaction's calls run: every failure beside its success, and what each leaves behind.
use crate::probe::Script;
use crate::world::{BLOCK_MS, VALIDITY_MS, World, eur, fault, id, key, ms, ok};
use countersign_executor::{BYTE_GAS, SIGNATURE_GAS, TRANSACTION_GAS, VALIDITY_HOUR_GAS};
use countersign_interface::Method;
use countersign_interface::assets::Transfer;
use countersign_interface::registry::{Enrol, SetAuthority, SetHolderSuspended, SetMemberSuspended};
use countersign_state::StateRead;
use countersign_types::account::QuotaUse;
use countersign_types::{
    AccountId, Amount, Authority, Call, CallFault, Failure, Gas, Hash, Transaction, VerifiedTransaction, state_key,
};

const ALICE: &str = "alice@hotel.example";
const BOB: &str = "bob@hotel.example";

fn pay(amount: u128) -> Call {
    let transfer = Transfer { asset: eur(), to: id(BOB), amount: Amount::new(amount), reference: "".parse().unwrap() };
    transfer.call(&[id(ALICE)])
}

fn quota(world: &World) -> u64 {
    world.read::<QuotaUse>(&state_key::quota(&id("hotel.example"))).map_or(0, |used| used.gas.get())
}

/// Runs a transaction that must not be admitted, and checks that it leaves no trace and that `check` foresaw it.
#[track_caller]
fn refused(world: &mut World, transaction: VerifiedTransaction, time: u64) -> Failure {
    let before = (world.balance(id(ALICE)), world.balance(id(BOB)), quota(world));
    let foreseen = world.executor.check(&world.state, &transaction, ms(time)).unwrap_err();
    let seen_before = world.state.seen(transaction.transaction().expires_at.minute(), &transaction.id());
    let expires_at = transaction.transaction().expires_at;
    let receipt = world.block_at(time, std::slice::from_ref(&transaction)).receipts.pop().unwrap();
    let failure = receipt.outcome.unwrap_err();
    assert_eq!(foreseen, failure);
    assert!(!receipt.is_admitted());
    assert_eq!((world.balance(id(ALICE)), world.balance(id(BOB)), quota(world)), before);
    if time / 60_000 <= expires_at.minute() {
        assert_eq!(world.state.seen(expires_at.minute(), &transaction.id()), seen_before);
    }
    failure
}

#[test]
fn a_transaction_runs_from_the_first_to_the_last_moment_of_its_validity() {
    let mut world = World::new();
    let from = world.time + 5_000;
    let until = from + 100_000;
    let draft =
        |world: &mut World| Transaction { valid_from: ms(from), expires_at: ms(until), ..world.draft(vec![pay(1)]) };
    let (one, other) = (draft(&mut world), draft(&mut world));
    let early = world.sign(&one);
    assert_eq!(refused(&mut world, early.clone(), from - 1), Failure::NotYetValid);
    assert!(world.executor.check(&world.state, &early, ms(from)).is_ok());
    ok(world.block_at(from, &[early]).receipts.pop().unwrap());
    let late = world.sign(&other);
    ok(world.block_at(until, &[late]).receipts.pop().unwrap());
}

#[test]
fn an_expired_transaction_is_refused() {
    let mut world = World::new();
    let draft = world.draft(vec![pay(1)]);
    let signed = world.sign(&draft);
    let time = draft.expires_at.millis() + 1;
    assert_eq!(refused(&mut world, signed, time), Failure::Expired);
}

#[test]
fn a_transaction_valid_for_longer_than_the_chain_allows_is_refused() {
    let mut world = World::with(|genesis| genesis.params.validity_ms_max = 60_000);
    let draft = world.draft(vec![pay(1)]);
    let longest = Transaction { expires_at: ms(draft.valid_from.millis() + 60_000), ..draft.clone() };
    let too_long = Transaction { expires_at: ms(draft.valid_from.millis() + 60_001), ..draft };
    let (longest, too_long) = (world.sign(&longest), world.sign(&too_long));
    let time = world.time + BLOCK_MS;
    assert_eq!(refused(&mut world, too_long, time), Failure::ValidityTooLong);
    ok(world.block(&[longest]).receipts.pop().unwrap());
}

#[test]
fn a_transaction_runs_once_within_a_block_and_across_blocks() {
    let mut world = World::new();
    let draft = world.draft(vec![pay(7)]);
    let signed = world.sign(&draft);
    let outcome = world.block(&[signed.clone(), signed.clone()]);
    assert_eq!(outcome.receipts[0].outcome, Ok(()));
    assert_eq!(outcome.receipts[1].outcome, Err(Failure::Replayed));
    let last = draft.expires_at.millis();
    for time in [world.time + 1, last] {
        assert_eq!(refused(&mut world, signed.clone(), time), Failure::Replayed);
    }
    assert_eq!(world.balance(id(BOB)), 1_000_007);
    // Once its bucket is forgotten, it has expired.
    let forgotten = (draft.expires_at.minute() + 1) * 60_000;
    assert_eq!(refused(&mut world, signed, forgotten), Failure::Expired);
}

#[test]
fn ids_are_remembered_with_a_rolling_hash_until_their_minute_is_over() {
    let mut world = World::new();
    let drafts = [world.draft(vec![pay(1)]), world.draft(vec![pay(2)])];
    let signed = drafts.each_ref().map(|draft| world.sign(draft));
    let minute = drafts[0].expires_at.minute();
    let bucket = state_key::seen(minute);
    world.block(&signed[..1]);
    let one = countersign_state::seen_hash(Hash::ZERO, &[signed[0].id()]);
    assert_eq!(world.read::<Hash>(&bucket), Some(one));
    world.block(&signed[1..]);
    assert_eq!(world.read::<Hash>(&bucket), Some(countersign_state::seen_hash(one, &[signed[1].id()])));
    world.block_at(minute * 60_000 + 59_999, &[]);
    assert!(world.read::<Hash>(&bucket).is_some());
    world.block_at((minute + 1) * 60_000, &[]);
    assert_eq!(world.read::<Hash>(&bucket), None);
    assert_eq!(world.state.seen_from(), minute + 1);
}

#[test]
fn many_buckets_are_forgotten_at_once_after_a_long_pause() {
    let mut world = World::new();
    for minutes in 1..=130_u64 {
        let draft = world.draft(vec![pay(1)]);
        let draft = Transaction { expires_at: ms(world.time + minutes * 60_000), ..draft };
        let signed = world.sign(&draft);
        ok(world.block(&[signed]).receipts.pop().unwrap());
    }
    assert!(world.state.range(&state_key::all_seen(), None, 200).len() >= 128);
    world.block_at(world.time + 86_400_000, &[]);
    assert!(world.state.range(&state_key::all_seen(), None, 200).is_empty());
}

#[test]
fn every_party_must_be_enrolled() {
    let mut world = World::new();
    world.knows("stranger");
    let call = Script::new().call("probe", &[id(ALICE), id("stranger")]);
    let draft = world.draft(vec![call]);
    let signed = world.sign(&draft);
    let time = world.time + BLOCK_MS;
    assert_eq!(refused(&mut world, signed, time), Failure::UnknownAccount(id("stranger")));
}

#[test]
fn suspended_accounts_and_those_of_suspended_members_cannot_sign_but_receive() {
    let mut world = World::new();
    let hold = |suspended| SetHolderSuspended { holder: id(ALICE), suspended };
    let member = |suspended| SetMemberSuspended { member: id("hotel.example"), suspended };
    let council = ["bank.example", "books.example"];
    for suspension in [true, false] {
        ok(world.call(&hold(suspension), &["hotel.example"]));
        pays_if(&mut world, !suspension);
    }
    for suspension in [true, false] {
        ok(world.call(&member(suspension), &council));
        pays_if(&mut world, !suspension);
        let to_alice = Transfer { asset: eur(), to: id(ALICE), amount: Amount::new(5), reference: "".parse().unwrap() };
        ok(world.call(&to_alice, &["carol@books.example"]));
    }
}

#[track_caller]
fn pays_if(world: &mut World, active: bool) {
    let draft = world.draft(vec![pay(1)]);
    let signed = world.sign(&draft);
    if active {
        ok(world.block(&[signed]).receipts.pop().unwrap());
    } else {
        let time = world.time + BLOCK_MS;
        assert_eq!(refused(world, signed, time), Failure::Suspended(id(ALICE)));
    }
}

#[test]
fn signatures_must_satisfy_the_authority_and_others_leave_the_id_usable() {
    let mut world = World::new();
    ["k1", "k2", "k3"].iter().for_each(|name| world.knows(name));
    let mut keys = vec![(key("k1"), 1), (key("k2"), 1), (key("k3"), 2)];
    keys.sort_unstable();
    let authority = Authority { threshold: 2, keys: keys.try_into().unwrap() };
    ok(world.call(&SetAuthority { authority }, &[ALICE]));
    let draft = world.draft(vec![pay(1)]);
    let with = |world: &World, names: &[&str]| {
        let pairs: Vec<_> = names.iter().map(|name| (id(ALICE), key(name))).collect();
        world.sign_with(&draft, &pairs)
    };
    for too_few in [&["k1"][..], &[ALICE], &[ALICE, "k2"], &[ALICE, "bank.example"]] {
        let signed = with(&world, too_few);
        let time = world.time + BLOCK_MS;
        assert_eq!(refused(&mut world, signed, time), Failure::AuthorityNotMet(id(ALICE)), "{too_few:?}");
    }
    let enough = with(&world, &["k1", "k2"]);
    ok(world.block(&[enough]).receipts.pop().unwrap());
    let alone = with(&world, &["k3"]);
    let time = world.time + BLOCK_MS;
    assert_eq!(refused(&mut world, alone, time), Failure::Replayed);
}

#[test]
fn a_holder_signs_its_own_enrolment_with_its_first_key_and_nobody_else_may_be_unknown() {
    let mut world = World::new();
    ["erin@hotel.example", "other"].iter().for_each(|name| world.knows(name));
    let erin = id("erin@hotel.example");
    let enrol = Enrol { name: "erin@hotel.example".parse().unwrap() };
    let call = enrol.call(&[id("hotel.example"), erin]);
    // With another key it is not the holder who signs.
    let draft = world.draft(vec![call.clone()]);
    let forged = world.sign_with(&draft, &[(id("hotel.example"), key("hotel.example")), (erin, key("other"))]);
    let time = world.time + BLOCK_MS;
    assert_eq!(refused(&mut world, forged, time), Failure::AuthorityNotMet(erin));
    // Being enrolled by a later call does not make one known before.
    let act = Script::new().call("probe", &[id(ALICE), erin]);
    let draft = world.draft(vec![act.clone(), call.clone()]);
    let signed = world.sign(&draft);
    let time = world.time + BLOCK_MS;
    assert_eq!(refused(&mut world, signed, time), Failure::UnknownAccount(erin));
    // Nor does standing in another role of the call.
    let reversed = enrol.call(&[erin, id("hotel.example")]);
    let draft = world.draft(vec![reversed]);
    let signed = world.sign(&draft);
    let time = world.time + BLOCK_MS;
    assert_eq!(refused(&mut world, signed, time), Failure::UnknownAccount(erin));
    // Enrolled first, it acts in the same transaction.
    ok(world.run(vec![call, act]));
}

#[test]
fn gas_is_paid_by_the_member_of_the_first_party_also_on_failure() {
    let mut world = World::new();
    let draft = world.draft(vec![pay(1)]);
    let signed = world.sign(&draft);
    let hours = VALIDITY_MS.div_ceil(3_600_000);
    let base = TRANSACTION_GAS + BYTE_GAS * signed.size_bytes() as u64 + SIGNATURE_GAS + VALIDITY_HOUR_GAS * hours;
    let receipt = ok(world.block(&[signed]).receipts.pop().unwrap());
    assert!(receipt.gas.get() > base && receipt.gas.get() < base + 40_000, "{base} {}", receipt.gas);
    assert!(receipt.is_admitted());
    assert_eq!(quota(&world), receipt.gas.get());
    let before = quota(&world);
    let receipt = world.run(vec![pay(u128::MAX)]);
    assert_eq!(fault(&receipt), CallFault::InsufficientBalance);
    assert_eq!(quota(&world), before + receipt.gas.get());
    assert_eq!(world.balance(id(ALICE)), 999_999);
}

#[test]
fn longer_validity_costs_more() {
    let mut world = World::new();
    let short = ok(world.run(vec![pay(1)]));
    let draft = world.draft(vec![pay(1)]);
    let long = Transaction { expires_at: ms(draft.valid_from.millis() + 90 * 86_400_000), ..draft };
    let signed = world.sign(&long);
    let long = ok(world.block(&[signed]).receipts.pop().unwrap());
    assert_eq!(long.gas.get() - short.gas.get(), (90 * 24 - 1) * VALIDITY_HOUR_GAS);
}

#[test]
fn a_member_without_quota_waits_for_the_next_window_and_others_do_not() {
    let mut world = World::with(|genesis| genesis.params.quota_gas = Gas::new(1_000_000));
    while quota(&world) + 60_000 <= 1_000_000 {
        let receipt = world.run(vec![pay(1)]);
        if receipt.outcome.is_err() {
            // The last one began with less left than its calls need.
            assert_eq!(receipt.outcome, Err(Failure::QuotaExceeded(id("hotel.example"))));
        }
    }
    let draft = world.draft(vec![Script::new().spin().call("probe", &[id(ALICE)])]);
    let signed = world.sign(&draft);
    let receipt = world.block(std::slice::from_ref(&signed)).receipts.pop().unwrap();
    assert_eq!(receipt.outcome, Err(Failure::QuotaExceeded(id("hotel.example"))));
    let draft = world.draft(vec![pay(1)]);
    let draft = Transaction { expires_at: ms(world.time + 7_200_000), ..draft };
    let signed = world.sign(&draft);
    let time = world.time + BLOCK_MS;
    assert_eq!(refused(&mut world, signed.clone(), time), Failure::QuotaExceeded(id("hotel.example")));
    let carol = Transfer { asset: eur(), to: id(BOB), amount: Amount::new(5), reference: "".parse().unwrap() };
    ok(world.call(&carol, &["carol@books.example"]));
    ok(world.block_at(world.time + 3_600_000, &[signed]).receipts.pop().unwrap());
}

#[test]
fn a_transaction_that_uses_up_the_quota_is_paid_for_and_used() {
    let mut world = World::with(|genesis| genesis.params.quota_gas = Gas::new(1_000_000));
    let draft = world.draft(vec![Script::new().spin().call("probe", &[id(ALICE)])]);
    let signed = world.sign(&draft);
    let receipt = world.block(std::slice::from_ref(&signed)).receipts.pop().unwrap();
    assert_eq!(receipt.outcome, Err(Failure::QuotaExceeded(id("hotel.example"))));
    assert_eq!(receipt.gas, Gas::new(1_000_000));
    assert_eq!(quota(&world), 1_000_000);
    assert!(world.state.seen(draft.expires_at.minute(), &signed.id()));
}

#[test]
fn transactions_that_do_not_fit_the_block_are_put_off_in_order_and_run_later() {
    let mut world = World::with(|genesis| {
        genesis.params.transaction_gas_max = Gas::new(1_000_000);
        genesis.params.block_gas_max = Gas::new(1_000_000);
    });
    let drafts: Vec<_> = (0..40).map(|_| world.draft(vec![pay(1)])).collect();
    let signed: Vec<_> = drafts.iter().map(|draft| world.sign(draft)).collect();
    let outcome = world.block(&signed);
    let ran = outcome.receipts.iter().filter(|receipt| receipt.outcome.is_ok()).count();
    assert!((10..30).contains(&ran), "{ran}");
    let gas: u64 = outcome.receipts.iter().map(|receipt| receipt.gas.get()).sum();
    assert!(gas <= 1_000_000);
    assert!(outcome.receipts[ran..].iter().all(|receipt| receipt.outcome == Err(Failure::PutOff)));
    let put_off: Vec<_> = signed[ran..].iter().map(VerifiedTransaction::id).collect();
    assert_eq!(outcome.put_off, put_off);
    assert_eq!(world.balance(id(BOB)), 1_000_000 + ran as u128);
    let outcome = world.block(&signed[ran..]);
    assert_eq!(outcome.receipts[0].outcome, Ok(()));
}

#[test]
fn a_transaction_beyond_its_own_limit_is_out_of_gas_and_not_put_off() {
    let mut world = World::with(|genesis| {
        genesis.params.transaction_gas_max = Gas::new(1_000_000);
        genesis.params.block_gas_max = Gas::new(1_000_000);
    });
    let receipt = world.run(vec![Script::new().spin().call("probe", &[id(ALICE)])]);
    assert_eq!(fault(&receipt), CallFault::OutOfGas);
    assert_eq!(receipt.gas, Gas::new(1_000_000));
}

#[test]
fn calls_take_effect_together_or_not_at_all() {
    let mut world = World::new();
    let receipt = world.run(vec![pay(10), pay(20), pay(u128::MAX), pay(30)]);
    assert_eq!(receipt.outcome, Err(Failure::Call { index: 2, fault: CallFault::InsufficientBalance }));
    assert!(receipt.events.is_empty());
    assert_eq!(world.balance(id(BOB)), 1_000_000);
    let receipt = ok(world.run(vec![pay(10), pay(20)]));
    assert_eq!(receipt.events.len(), 2);
    assert_eq!(world.balance(id(BOB)), 1_000_030);
}

#[test]
fn a_contracts_own_account_cannot_be_a_party() {
    let mut world = World::new();
    let probe: AccountId = crate::probe::account("probe");
    let call = Transfer { asset: eur(), to: id(BOB), amount: Amount::new(1), reference: "".parse().unwrap() }
        .call(&[id(ALICE)]);
    let call = Call { parties: vec![probe].try_into().unwrap(), ..call };
    let draft = world.draft(vec![call]);
    let signed = world.sign_with(&draft, &[(probe, key(ALICE))]);
    let time = world.time + BLOCK_MS;
    assert_eq!(refused(&mut world, signed, time), Failure::UnknownAccount(probe));
}
