//! What happens when two things are done with a card at once: whichever comes first in the block decides, and nothing is paid twice.
use crate::card_scene::{
    AUTH, BANK, CARD, HOLDER, LOADED, OTHER_AUTH, PHONE, SHOP, STRANGER, Scene, TILL, block, change_auth,
    change_device, confirmed, enrol, name, order, pay, pay_at_till, set_limits, unload,
};
use crate::world::{BALANCE, World, eur, id, ids, ms, ok};
use countersign_interface::Method;
use countersign_interface::assets::SetFrozen;
use countersign_interface::card::{Error, Load, Pay, Register};
use countersign_interface::registry::{SetAuthority, SetHolderSuspended, SetMemberSuspended};
use countersign_types::interface::{Basic, Type};
use countersign_types::{Amount, Authority, Failure};

#[test]
fn a_card_pays_while_it_is_being_blocked() {
    let blocking = block().call(&ids(&[HOLDER]));
    let mut scene = Scene::new();
    assert_eq!(scene.block_of(&[pay("1", 100), blocking.clone()]), [Ok(()), Ok(())]);
    assert_eq!((scene.balance(), scene.balances()[1]), (LOADED - 100, BALANCE + 100));
    let mut scene = Scene::new();
    assert_eq!(scene.block_of(&[blocking, pay("1", 100)]), [Ok(()), Err(Error::CardBlocked)]);
    assert_eq!((scene.balance(), scene.balances()[1]), (LOADED, BALANCE));
}

#[test]
fn two_payments_that_together_exceed_the_days_limit() {
    let mut scene = Scene::new();
    ok(scene.world.run(vec![pay("0", 4_000)]));
    assert_eq!(scene.block_of(&[pay("1", 5_000), pay("2", 3_001)]), [Ok(()), Err(Error::OverDayLimit)]);
    let mut scene = Scene::new();
    ok(scene.world.run(vec![pay("0", 4_000)]));
    assert_eq!(scene.block_of(&[pay("2", 3_001), pay("1", 5_000)]), [Ok(()), Err(Error::OverDayLimit)]);
    // Together they meet it, in either way to pay.
    assert_eq!(scene.block_of(&[pay("3", 4_000), pay_at_till("4", 999)]), [Ok(()), Ok(())]);
}

#[test]
fn an_order_that_is_twice_in_one_block_is_paid_once() {
    let mut scene = Scene::new();
    let twice = [pay_at_till("A-1", 700), pay_at_till("A-1", 700)];
    assert_eq!(scene.block_of(&twice), [Ok(()), Err(Error::OrderPaid)]);
    assert_eq!(scene.balances()[1], BALANCE + 700);
    // Twice in one transaction: then not at all.
    let receipt = scene.world.run(vec![pay_at_till("A-2", 700), pay_at_till("A-2", 700)]);
    assert!(matches!(receipt.outcome, Err(Failure::Call { index: 1, .. })));
    assert_eq!(scene.balances()[1], BALANCE + 700);
    ok(scene.world.run(vec![pay_at_till("A-2", 700)]));
}

#[test]
fn an_order_that_two_cards_pay_in_one_block_is_paid_once() {
    let mut scene = Scene::new();
    let card = name("card-2@bank.example");
    let register = Register { card: card.clone(), ..crate::card_scene::registration() };
    let register = register.call(&ids(&[BANK, STRANGER, TILL, OTHER_AUTH]));
    let load = Load { card: card.clone(), asset: eur(), amount: Amount::new(1_000) }.call(&ids(&[STRANGER]));
    ok(scene.world.run(vec![enrol(BANK, OTHER_AUTH), register, load]));
    let other = Pay { card, ..order("A-1", 700) }.call(&ids(&[OTHER_AUTH, TILL]));
    assert_eq!(scene.block_of(&[other, pay_at_till("A-1", 700)]), [Ok(()), Err(Error::OrderPaid)]);
    assert_eq!((scene.balance(), scene.held()), (LOADED, LOADED + 300));
}

#[test]
fn nobody_uses_up_the_order_ids_of_anothers_device() {
    let mut scene = Scene::new();
    // A stranger with a device of its own, or none, tries the till's order first: that is another order.
    let squat = confirmed(order("A-1", 1)).call(&ids(&[AUTH, STRANGER, PHONE]));
    assert_eq!(scene.block_of(&[squat, pay_at_till("A-1", 700)]), [Ok(()), Ok(())]);
}

/// Between the second confirmation and the block a name could lead elsewhere only if it could move: no call of the registry gives
/// an enrolled account another name, and a name that is taken is not given again.
#[test]
fn a_name_does_not_move() {
    let scene = Scene::new();
    let interface = countersign_interface::registry::interface();
    let naming = interface.methods.iter().filter(|m| m.fields.iter().any(|f| f.ty == Type::Basic(Basic::Name)));
    let naming: Vec<_> = naming.map(|method| method.name.as_str()).collect();
    assert_eq!(naming, ["admit", "enrol"], "another call takes a name: test what it does to a waiting payment");
    let mut world: World = scene.world.clone();
    world.knows("anybody");
    let again = countersign_interface::registry::Enrol { name: name(STRANGER) };
    let receipt = world.call(&again, &[SHOP, "anybody"]);
    assert_eq!(crate::world::refusal(&receipt), countersign_interface::registry::Error::NameTaken as u16);
}

#[test]
fn what_the_signers_were_shown_is_what_must_still_hold() {
    let mut scene = Scene::new();
    let elsewhere = Pay { account: id(STRANGER), ..order("1", 10) };
    assert_eq!(scene.refused(elsewhere.call(&ids(&[AUTH, PHONE]))), Error::PayeeChanged);
    // Other keys that sign for the payee change nothing of whom the name means.
    let authority = Authority::single(crate::world::key(STRANGER));
    ok(scene.call(&SetAuthority { authority }, &[SHOP]));
    ok(scene.world.run(vec![pay("1", 10)]));
}

#[test]
fn the_payee_is_suspended_between_confirmation_and_block() {
    let mut scene = Scene::new();
    let suspend = |suspended| SetMemberSuspended { member: id(SHOP), suspended };
    let council = ids(&[BANK, "hotel.example"]);
    let outcomes = scene.block_of(&[suspend(true).call(&council), pay("1", 10)]);
    assert_eq!(outcomes, [Ok(()), Err(Error::PayeeSuspended)]);
    let outcomes = scene.block_of(&[suspend(false).call(&council), pay("1", 10)]);
    assert_eq!(outcomes, [Ok(()), Ok(())]);
}

#[test]
fn the_associated_device_is_suspended_or_replaced_between_confirmation_and_block() {
    let mut scene = Scene::new();
    let draft = scene.world.draft(vec![pay_at_till("1", 10)]);
    let signed = scene.world.sign(&draft);
    ok(scene.call(&SetHolderSuspended { holder: id(PHONE), suspended: true }, &[BANK]));
    let outcome = scene.world.block(std::slice::from_ref(&signed)).receipts[0].outcome;
    assert_eq!(outcome, Err(Failure::Suspended(id(PHONE))));
    ok(scene.call(&SetHolderSuspended { holder: id(PHONE), suspended: false }, &[BANK]));
    let change = change_device().call(&ids(&[BANK, HOLDER, STRANGER]));
    assert_eq!(scene.block_of(&[change, pay_at_till("2", 10)]), [Ok(()), Err(Error::NotTheAssociated)]);
}

#[test]
fn the_pin_changes_while_a_payment_is_under_way() {
    let mut scene = Scene::new();
    ok(scene.world.run(vec![enrol(BANK, OTHER_AUTH)]));
    let change = change_auth().call(&ids(&[BANK, HOLDER, OTHER_AUTH]));
    assert_eq!(scene.block_of(&[change, pay("1", 10)]), [Ok(()), Err(Error::NotTheAuth)]);
}

#[test]
fn limits_and_balance_shrink_while_a_payment_is_under_way() {
    let mut scene = Scene::new();
    let lower = set_limits(50, 50).call(&ids(&[BANK, HOLDER]));
    assert_eq!(scene.block_of(&[lower, pay("1", 51)]), [Ok(()), Err(Error::OverPaymentLimit)]);
    let empty = unload(LOADED - 9).call(&ids(&[AUTH, HOLDER]));
    assert_eq!(scene.block_of(&[empty, pay("1", 10)]), [Ok(()), Err(Error::CardBalanceTooLow)]);
}

#[test]
fn the_asset_is_frozen_in_the_same_block() {
    let mut scene = Scene::new();
    let freeze = SetFrozen { asset: eur(), frozen: true }.call(&ids(&[BANK]));
    assert_eq!(scene.block_of(&[freeze, pay("1", 10)]), [Ok(()), Err(Error::AssetUnavailable)]);
}

#[test]
fn a_confirmation_that_comes_too_late_counts_for_nothing() {
    let mut scene = Scene::new();
    let draft = scene.world.draft(vec![pay_at_till("1", 10)]);
    let signed = scene.world.sign(&draft);
    scene.world.block_at(draft.expires_at.millis() + 1, &[]);
    assert_eq!(scene.world.block(&[signed]).receipts[0].outcome, Err(Failure::Expired));
    assert!(scene.world.time > ms(0).millis());
    assert_eq!(scene.card().unwrap().card, name(CARD));
    assert_eq!(scene.balance(), LOADED);
}
