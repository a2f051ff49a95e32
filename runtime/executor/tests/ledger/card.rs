//! Smart cards as real wasm, from the first registration to the last cent unloaded; gas, events and records are frozen.
use crate::card_scene::{
    AUTH, BANK, CARD, DAY_MS, HOLDER, LOADED, OTHER_AUTH, PHONE, SHOP, STRANGER, Scene, TILL, block, change_auth,
    change_device, contract, enrol, load, name, order, pay, pay_at_till, reclaim, recover, set_limits, unblock, unload,
};
use crate::frozen;
use crate::journal::Journal;
use crate::world::{BALANCE, eur, fault, id, ids, ok};
use countersign_interface::Method;
use countersign_interface::assets::SetFrozen;
use countersign_interface::card::{Error, Load, Pay, Register};
use countersign_interface::registry::{SetMemberSuspended, SetRoles};
use countersign_types::{AccountId, Amount, Call, CallFault, Failure, List, VerifiedTransaction, state_key};

/// No call of a card is dearer, with its signatures and bytes.
const GAS_MAX: u64 = 1_000_000;

#[test]
fn the_whole_story_with_frozen_gas_events_and_records() {
    let mut journal = Journal::new(countersign_interface::card::interface());
    let mut scene = Scene::empty();
    let receipt = ok(scene.world.run(Scene::registering()));
    journal.note("register, with two enrolments", &scene.world, &receipt);
    let steps: Vec<(&str, Call)> = vec![
        ("load", load(LOADED).call(&ids(&[HOLDER]))),
        ("pay with the phone", pay("1", 4_000)),
        ("pay at the till", pay_at_till("1", 4_000)),
        ("pay above the day's limit", pay("2", 4_001)),
        ("set limits", set_limits(6_000, 20_000).call(&ids(&[BANK, HOLDER]))),
        ("pay up to the new limit", pay("2", 6_000)),
        ("pay the same order again", pay("2", 1)),
        ("change the device to the till", change_device().call(&ids(&[BANK, HOLDER, TILL]))),
        ("unload", unload(1_000).call(&ids(&[AUTH, HOLDER]))),
        ("block", block().call(&ids(&[HOLDER]))),
        ("pay when blocked", order("3", 1).call(&ids(&[AUTH, TILL]))),
        ("recover", recover(5_000).call(&ids(&[BANK, HOLDER]))),
        ("unblock", unblock().call(&ids(&[BANK, HOLDER]))),
    ];
    for (step, call) in steps {
        let receipt = scene.world.run(vec![call]);
        assert!(receipt.gas.get() < GAS_MAX, "{step}: {}", receipt.gas);
        journal.note(step, &scene.world, &receipt);
    }
    let new_pin = vec![enrol(BANK, OTHER_AUTH), change_auth().call(&ids(&[BANK, HOLDER, OTHER_AUTH]))];
    let receipt = ok(scene.world.run(new_pin));
    journal.note("change the PIN, with an enrolment", &scene.world, &receipt);
    let receipt = ok(scene.call(&block(), &[BANK]));
    journal.note("block by the issuer", &scene.world, &receipt);
    scene.world.block_at(scene.world.time + 30 * DAY_MS, &[]);
    let receipt = ok(scene.call(&reclaim(30_000), &[HOLDER]));
    journal.note("reclaim", &scene.world, &receipt);
    assert_eq!(scene.balances(), [BALANCE - 14_000, BALANCE + 14_000, 0]);
    assert_eq!((scene.balance(), scene.held()), (0, 0));
    frozen::check("card-fuel.txt", &journal.text);
}

#[test]
fn a_card_its_key_and_its_device_come_to_be_in_one_transaction() {
    let mut scene = Scene::empty();
    // Without its enrolment the PIN's key has no account.
    let receipt = scene.world.run(Scene::registering()[1..].to_vec());
    assert_eq!(receipt.outcome, Err(Failure::UnknownAccount(id(AUTH))));
    // A name at another's site is not the bank's to give, and then nothing of the transaction holds.
    let foreign = vec![enrol(BANK, AUTH), enrol(SHOP, PHONE), Scene::registering()[2].clone()];
    assert!(scene.world.run(foreign).outcome.is_err());
    ok(scene.world.run(Scene::registering()));
    let card = scene.card().unwrap();
    assert_eq!((card.issuer, card.holder), (id(BANK), id(HOLDER)));
    assert_eq!((card.device, card.auth), (id(PHONE), id(AUTH)));
    assert_eq!(scene.cards_of(HOLDER)[..], [name(CARD)]);
}

#[test]
fn a_card_needs_the_signatures_of_all_who_serve_it() {
    let mut scene = Scene::empty();
    let draft = scene.world.draft(Scene::registering());
    let signers = draft.signers();
    for missing in &signers {
        let pairs: Vec<_> = signers
            .iter()
            .filter(|signer| *signer != missing)
            .map(|signer| (*signer, countersign_types::PublicKey(signer.0)))
            .collect();
        let short = scene.world.half_signed(&draft, &pairs);
        assert!(VerifiedTransaction::verify(short, &scene.world.chain).is_err(), "{missing}");
    }
    let signed = scene.world.sign(&draft);
    ok(scene.world.block(&[signed]).receipts.pop().unwrap());
}

#[test]
fn a_lost_card_is_replaced_in_one_transaction() {
    let mut scene = Scene::new();
    ok(scene.call(&block(), &[HOLDER]));
    let card = name("card-2@bank.example");
    let register = Register { card: card.clone(), ..crate::card_scene::registration() };
    let replacing = vec![
        enrol(BANK, OTHER_AUTH),
        register.call(&ids(&[BANK, HOLDER, PHONE, OTHER_AUTH])),
        recover(LOADED).call(&ids(&[BANK, HOLDER])),
        Load { card: card.clone(), ..load(LOADED) }.call(&ids(&[HOLDER])),
    ];
    ok(scene.world.run(replacing));
    assert_eq!((scene.balance(), scene.held()), (0, LOADED));
    ok(scene.call(&Pay { card, ..order("1", 10) }, &[OTHER_AUTH, PHONE]));
}

#[test]
fn a_day_is_a_utc_day_of_the_blocks_time() {
    let mut scene = Scene::new();
    let midnight = (scene.world.time / DAY_MS + 1) * DAY_MS;
    scene.world.block_at(midnight - 3_000, &[]);
    for (order, amount) in [("1", 5_000), ("2", 5_000)] {
        let call = pay(order, amount);
        ok(scene.world.run(vec![call]));
    }
    // The block of the last refusal is at midnight less nothing: a second later another day's limit counts.
    assert_eq!(scene.world.time, midnight - 1_000);
    ok(scene.world.run(vec![pay("3", 5_000)]));
    assert_eq!(scene.world.time, midnight);
    assert_eq!(scene.card().unwrap().spent, Amount::new(5_000));
}

#[test]
fn an_issuer_that_lost_its_licence_serves_its_cards_and_a_suspended_one_keeps_no_money() {
    let mut scene = Scene::new();
    let council = [SHOP, "hotel.example"];
    ok(scene.call(&SetRoles { member: id(BANK), roles: List::empty() }, &council));
    ok(scene.world.run(vec![pay("1", 10)]));
    ok(scene.call(&recover(10), &[BANK, HOLDER]));
    ok(scene.call(&SetMemberSuspended { member: id(BANK), suspended: true }, &council));
    let paid = scene.world.run(vec![pay("2", 10)]);
    assert!(matches!(paid.outcome, Err(Failure::Suspended(_))));
    ok(scene.call(&reclaim(LOADED - 20), &[HOLDER]));
    assert_eq!((scene.balance(), scene.held(), scene.world.balance(contract())), (0, 0, 0));
}

#[test]
fn a_frozen_asset_waits_and_is_not_lost() {
    let mut scene = Scene::new();
    let freeze = |frozen| SetFrozen { asset: eur(), frozen };
    ok(scene.call(&freeze(true), &[BANK]));
    assert_eq!(scene.refused(pay("1", 10)), Error::AssetUnavailable);
    assert_eq!(scene.refused(unload(10).call(&ids(&[AUTH, HOLDER]))), Error::AssetUnavailable);
    ok(scene.call(&freeze(false), &[BANK]));
    ok(scene.world.run(vec![pay("1", 10)]));
    ok(scene.call(&unload(LOADED - 10), &[AUTH, HOLDER]));
}

#[test]
fn what_a_card_holds_moves_by_the_cards_rules_only() {
    let mut scene = Scene::new();
    // The PIN's key is an account like any other, but nothing of the card's is in it.
    assert_eq!(scene.world.balance(id(AUTH)), 0);
    let transfer = countersign_interface::assets::Transfer {
        asset: eur(),
        to: id(STRANGER),
        amount: Amount::new(1),
        reference: "".parse().unwrap(),
    };
    assert_eq!(fault(&scene.call(&transfer, &[AUTH])), CallFault::InsufficientBalance);
    // A card's name is no account: nothing is sent to it by mistake.
    assert_eq!(scene.world.read::<AccountId>(&state_key::name(&name(CARD))), None);
    assert_eq!(scene.balances()[2], LOADED);
}

#[test]
fn malformed_arguments_end_the_call_and_move_nothing() {
    let mut scene = Scene::new();
    let call = pay("1", 10);
    let call = Call { args: call.args[1..].to_vec().try_into().unwrap(), ..call };
    let receipt = scene.world.run(vec![call]);
    assert!(matches!(fault(&receipt), CallFault::Trap | CallFault::BadArguments));
    assert_eq!((scene.balance(), scene.balances()[2]), (LOADED, LOADED));
    assert_eq!(scene.payment(PHONE, "1").unwrap_err(), CallFault::Refused(Error::UnknownPayment as u16));
}
