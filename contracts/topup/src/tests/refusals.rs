//! Every refusal: nothing moves, and the story goes on afterwards.
use super::scene::{AMOUNT, ENDS, Outcome, Scene, after, refused};
use crate::Topup;
use crate::execute::CONFIRM_MS;
use crate::request::OPEN_MS_MAX;
use alloc::vec::Vec;
use countersign_contract_sdk::testing::Stopped;
use countersign_interface::topup::{
    Confirm, Error, Execute, Expire, Kind, LicenceOf, Request, RequestOf, Rules, dispatch, scheduled,
};
use countersign_interface::{DispatchFault, Refusal};
use countersign_types::{Amount, Failure, Hash};
use parity_scale_codec::Encode;

/// Runs a move that must be refused, and sees that it left nothing behind.
#[track_caller]
fn refuses<T: core::fmt::Debug + PartialEq>(
    scene: &mut Scene,
    error: Error,
    run: impl FnOnce(&mut Scene) -> Outcome<T>,
) {
    let seen = |scene: &Scene| {
        let jobs: Vec<_> = scene.host.waiting_jobs().cloned().collect();
        (scene.gains(), scene.host.storage().clone(), scene.host.events().len(), jobs)
    };
    let before = seen(scene);
    assert_eq!(run(scene), refused(error));
    assert!(before == seen(scene), "{error:?}");
}

/// The usual request of a kind, changed, is refused.
#[track_caller]
fn refuses_request(scene: &mut Scene, error: Error, kind: Kind, change: impl FnOnce(&Scene, &mut Request)) {
    let mut args = scene.ask(kind);
    change(scene, &mut args);
    refuses(scene, error, |scene| scene.request(args));
}

/// A scene with a cash-out that the bank has taken on.
fn handing_over() -> (Scene, Hash) {
    let mut scene = Scene::licensed();
    let request = scene.asked(Kind::CashOut);
    scene.execute(scene.bank, request).unwrap();
    (scene, request)
}

#[test]
fn amount_zero() {
    for kind in [Kind::TopUp, Kind::CashOut, Kind::Payment] {
        refuses_request(&mut Scene::new(), Error::AmountZero, kind, |_, args| args.amount = Amount::ZERO);
    }
}

#[test]
fn same_account() {
    let mut scene = Scene::new();
    refuses_request(&mut scene, Error::SameAccount, Kind::TopUp, |scene, args| {
        args.agent = Some(scene.holder.account);
    });
    refuses_request(&mut scene, Error::SameAccount, Kind::Payment, |scene, args| {
        args.payee = Some(scene.holder.account);
    });
    refuses_request(&mut scene, Error::SameAccount, Kind::Payment, |_, args| args.agent = args.payee);
    let (bank, rival) = (scene.bank, scene.rival);
    refuses(&mut scene, Error::SameAccount, |scene| scene.license(bank, bank, 1, 1));
    // An agent does not pay itself, nor carry out what it asked for.
    let args = Request { payee: Some(bank.account), ..scene.ask(Kind::Payment) };
    let request = scene.request(args).unwrap();
    refuses(&mut scene, Error::SameAccount, |scene| scene.execute(bank, request));
    scene.execute(rival, request).unwrap();
    let request = scene.request_by(bank, scene.ask(Kind::TopUp)).unwrap();
    refuses(&mut scene, Error::SameAccount, |scene| scene.execute(bank, request));
}

#[test]
fn bad_payee() {
    let mut scene = Scene::new();
    refuses_request(&mut scene, Error::BadPayee, Kind::Payment, |_, args| args.payee = None);
    for kind in [Kind::TopUp, Kind::CashOut] {
        refuses_request(&mut scene, Error::BadPayee, kind, |scene, args| args.payee = Some(scene.payee.account));
    }
}

#[test]
fn payee_unavailable() {
    let mut scene = Scene::new();
    refuses_request(&mut scene, Error::PayeeUnavailable, Kind::Payment, |scene, args| {
        args.payee = Some(scene.host.contract());
    });
    let request = scene.asked(Kind::Payment);
    // Its member's suspension is the payee's.
    for account in [scene.payee.account, scene.shop.account] {
        scene.host.set_suspended(account, true);
        refuses_request(&mut scene, Error::PayeeUnavailable, Kind::Payment, |_, _| {});
        refuses(&mut scene, Error::PayeeUnavailable, |scene| scene.execute(scene.bank, request));
        scene.host.set_suspended(account, false);
    }
    scene.execute(scene.bank, request).unwrap();
}

#[test]
fn asset_unavailable() {
    let mut scene = Scene::new();
    refuses_request(&mut scene, Error::AssetUnavailable, Kind::TopUp, |_, args| args.asset = "USD".parse().unwrap());
    let top_up = scene.asked(Kind::TopUp);
    let open = scene.asked(Kind::CashOut);
    let taken = scene.asked(Kind::CashOut);
    let (holder, bank) = (scene.holder, scene.bank);
    scene.execute(bank, taken).unwrap();
    scene.host.set_frozen(scene.eur, true);
    refuses_request(&mut scene, Error::AssetUnavailable, Kind::CashOut, |_, _| {});
    for request in [top_up, open] {
        refuses(&mut scene, Error::AssetUnavailable, |scene| scene.execute(bank, request));
    }
    refuses(&mut scene, Error::AssetUnavailable, |scene| scene.confirm(taken, bank));
    refuses(&mut scene, Error::AssetUnavailable, |scene| scene.cancel(holder, open));
    refuses(&mut scene, Error::AssetUnavailable, |scene| scene.reject(bank, taken));
    // What holds nothing can be taken back.
    scene.cancel(holder, top_up).unwrap();
    assert_eq!(scene.block(ENDS), [refused(Error::AssetUnavailable), refused(Error::AssetUnavailable)]);
    refuses(&mut scene, Error::AssetUnavailable, |scene| scene.collect(scene.stranger, open));
}

#[test]
fn insufficient_funds() {
    let mut scene = Scene::new();
    refuses_request(&mut scene, Error::InsufficientFunds, Kind::CashOut, |_, args| args.amount = Amount::new(99_951));
    for kind in [Kind::TopUp, Kind::Payment] {
        let args = Request { amount: Amount::new(100_001), ..scene.ask(kind) };
        let request = scene.request(args).unwrap();
        refuses(&mut scene, Error::InsufficientFunds, |scene| scene.execute(scene.bank, request));
    }
    let args = Request { amount: Amount::new(99_950), ..scene.ask(Kind::CashOut) };
    scene.request(args).unwrap();
}

#[test]
fn amount_too_large() {
    for kind in [Kind::TopUp, Kind::CashOut, Kind::Payment] {
        refuses_request(&mut Scene::new(), Error::AmountTooLarge, kind, |_, args| args.fee = Amount::MAX);
    }
}

#[test]
fn bad_expiry() {
    let mut scene = Scene::new();
    for expires_at in [after(0), after(OPEN_MS_MAX + 1), countersign_types::Timestamp::ZERO] {
        refuses_request(&mut scene, Error::BadExpiry, Kind::TopUp, |_, args| args.expires_at = expires_at);
    }
    for expires_at in [after(1), after(OPEN_MS_MAX)] {
        let args = Request { expires_at, ..scene.ask(Kind::TopUp) };
        scene.request(args).unwrap();
    }
}

#[test]
fn request_exists() {
    let mut scene = Scene::new();
    let (holder, args) = (scene.holder.account, scene.ask(Kind::TopUp));
    refuses(&mut scene, Error::RequestExists, |scene| {
        scene.host.call(&[holder], |host| {
            Topup::request(host, holder, args.clone())?;
            Topup::request(host, holder, args)
        })
    });
}

#[test]
fn unknown_request() {
    let mut scene = Scene::new();
    let known = scene.asked(Kind::TopUp);
    let (bank, holder) = (scene.bank, scene.holder);
    let execute = Execute { request: Hash::ZERO, ..scene.seen(known) };
    let confirm = Confirm { request: Hash::ZERO, ..scene.received(known, bank) };
    refuses(&mut scene, Error::UnknownRequest, |scene| scene.execute_as(bank, execute));
    refuses(&mut scene, Error::UnknownRequest, |scene| scene.confirm_as(holder, confirm));
    refuses(&mut scene, Error::UnknownRequest, |scene| scene.cancel(holder, Hash::ZERO));
    refuses(&mut scene, Error::UnknownRequest, |scene| scene.reject(bank, Hash::ZERO));
    refuses(&mut scene, Error::UnknownRequest, |scene| scene.collect(bank, Hash::ZERO));
    let answer = scene.host.query(|host| Topup::request_of(host, RequestOf { request: Hash::ZERO }));
    assert_eq!(answer, refused(Error::UnknownRequest));
}

#[test]
fn request_differs() {
    let mut scene = Scene::new();
    let request = scene.asked(Kind::Payment);
    let (bank, seen) = (scene.bank, scene.seen(request));
    let usd = "USD".parse().unwrap();
    for other in [
        Execute { kind: Kind::TopUp, ..seen.clone() },
        Execute { holder: scene.stranger.account, ..seen.clone() },
        Execute { payee: Some(scene.stranger.account), ..seen.clone() },
        Execute { payee: None, ..seen.clone() },
        Execute { asset: usd, ..seen.clone() },
        Execute { amount: Amount::new(4_999), ..seen.clone() },
        Execute { fee: Amount::new(51), ..seen.clone() },
    ] {
        refuses(&mut scene, Error::RequestDiffers, |scene| scene.execute_as(bank, other));
    }
    let (mut scene, request) = handing_over();
    let (holder, received) = (scene.holder, scene.received(request, bank));
    for other in [
        Confirm { agent: scene.rival.account, ..received.clone() },
        Confirm { asset: usd, ..received.clone() },
        Confirm { amount: Amount::new(5_001), ..received.clone() },
        Confirm { fee: Amount::ZERO, ..received.clone() },
    ] {
        refuses(&mut scene, Error::RequestDiffers, |scene| scene.confirm_as(holder, other));
    }
    scene.confirm_as(holder, received).unwrap();
}

#[test]
fn not_the_holder() {
    let (mut scene, request) = handing_over();
    let (bank, stranger) = (scene.bank, scene.stranger);
    let args = scene.received(request, bank);
    for other in [bank, stranger] {
        let args = args.clone();
        refuses(&mut scene, Error::NotTheHolder, |scene| scene.confirm_as(other, args));
    }
    let open = scene.asked(Kind::TopUp);
    refuses(&mut scene, Error::NotTheHolder, |scene| scene.cancel(stranger, open));
}

#[test]
fn not_the_agent() {
    let mut scene = Scene::licensed();
    let (bank, shop, rival) = (scene.bank, scene.shop, scene.rival);
    let args = Request { agent: Some(shop.account), ..scene.ask(Kind::TopUp) };
    let named = scene.request(args).unwrap();
    let open = scene.asked(Kind::TopUp);
    // Not even the member that licensed the one named.
    refuses(&mut scene, Error::NotTheAgent, |scene| scene.execute(bank, named));
    refuses(&mut scene, Error::NotTheAgent, |scene| scene.reject(bank, named));
    refuses(&mut scene, Error::NotTheAgent, |scene| scene.reject(bank, open));
    scene.execute(shop, named).unwrap();
    let (mut scene, taken) = handing_over();
    refuses(&mut scene, Error::NotTheAgent, |scene| scene.reject(rival, taken));
}

#[test]
fn not_open() {
    let (mut scene, taken) = handing_over();
    let (holder, bank, rival) = (scene.holder, scene.bank, scene.rival);
    for agent in [bank, rival] {
        refuses(&mut scene, Error::NotOpen, |scene| scene.execute(agent, taken));
    }
    refuses(&mut scene, Error::NotOpen, |scene| scene.cancel(holder, taken));
    let done = scene.asked(Kind::TopUp);
    scene.execute(bank, done).unwrap();
    let cancelled = scene.asked(Kind::CashOut);
    scene.cancel(holder, cancelled).unwrap();
    let args = Request { agent: Some(bank.account), ..scene.ask(Kind::CashOut) };
    let rejected = scene.request(args).unwrap();
    scene.reject(bank, rejected).unwrap();
    let expired = scene.asked(Kind::CashOut);
    scene.block(ENDS);
    for closed in [done, cancelled, rejected, expired] {
        refuses(&mut scene, Error::NotOpen, |scene| scene.execute(bank, closed));
        refuses(&mut scene, Error::NotOpen, |scene| scene.cancel(holder, closed));
        refuses(&mut scene, Error::NotOpen, |scene| scene.reject(bank, closed));
        refuses(&mut scene, Error::NotOpen, |scene| scene.collect(bank, closed));
    }
}

#[test]
fn request_expired() {
    let mut scene = Scene::new();
    let request = scene.asked(Kind::CashOut);
    scene.host.set_frozen(scene.eur, true);
    scene.block(ENDS);
    scene.host.set_frozen(scene.eur, false);
    refuses(&mut scene, Error::RequestExpired, |scene| scene.execute(scene.bank, request));
    scene.cancel(scene.holder, request).unwrap();
}

#[test]
fn holder_suspended() {
    let mut scene = Scene::new();
    let request = scene.asked(Kind::TopUp);
    let (bank, rival) = (scene.bank, scene.rival);
    for account in [scene.holder.account, bank.account] {
        scene.host.set_suspended(account, true);
        refuses(&mut scene, Error::HolderSuspended, |scene| scene.execute(rival, request));
        scene.host.set_suspended(account, false);
    }
    scene.execute(rival, request).unwrap();
}

#[test]
fn not_licensed() {
    let mut scene = Scene::licensed();
    let request = scene.asked(Kind::TopUp);
    let (bank, shop, stranger) = (scene.bank, scene.shop, scene.stranger);
    refuses(&mut scene, Error::NotLicensed, |scene| scene.execute(stranger, request));
    // For another asset the licence counts nothing.
    let usd = scene.host.add_asset("USD");
    scene.host.issue(shop.account, usd, AMOUNT);
    let args = Request { asset: usd, ..scene.ask(Kind::TopUp) };
    let other = scene.request(args).unwrap();
    refuses(&mut scene, Error::NotLicensed, |scene| scene.execute(shop, other));
    scene.host.set_suspended(bank.account, true);
    let strangers = scene.request_by(stranger, scene.ask(Kind::TopUp)).unwrap();
    refuses(&mut scene, Error::NotLicensed, |scene| scene.execute(shop, strangers));
    scene.host.set_suspended(bank.account, false);
    scene.withdraw(bank, shop).unwrap();
    refuses(&mut scene, Error::NotLicensed, |scene| scene.execute(shop, request));
    scene.host.set_roles(bank.account, &[]);
    refuses(&mut scene, Error::NotLicensed, |scene| scene.execute(bank, request));
}

#[test]
fn other_member() {
    use countersign_interface::topup::Mode;
    let mut scene = Scene::new();
    let rival = scene.rival;
    scene.license(rival, scene.shop, 10_000, 10_000).unwrap();
    let args = Request { mode: Mode::Own, ..scene.ask(Kind::TopUp) };
    let request = scene.request(args).unwrap();
    for agent in [rival, scene.shop] {
        refuses(&mut scene, Error::OtherMember, |scene| scene.execute(agent, request));
    }
    scene.execute(scene.bank, request).unwrap();
}

#[test]
fn over_the_limits() {
    let mut scene = Scene::licensed();
    let shop = scene.shop;
    for kind in [Kind::TopUp, Kind::CashOut, Kind::Payment] {
        let args = Request { amount: Amount::new(10_001), ..scene.ask(kind) };
        let request = scene.request(args).unwrap();
        refuses(&mut scene, Error::OverRequestLimit, |scene| scene.execute(shop, request));
    }
    for (kind, amount) in [(Kind::Payment, 9_999), (Kind::CashOut, 5_001)] {
        let args = Request { amount: Amount::new(amount), ..scene.ask(kind) };
        let request = scene.request(args).unwrap();
        scene.execute(shop, request).unwrap();
    }
    let args = Request { amount: Amount::new(1), ..scene.ask(Kind::TopUp) };
    let request = scene.request(args).unwrap();
    refuses(&mut scene, Error::OverDayLimit, |scene| scene.execute(shop, request));
}

#[test]
fn not_handing_over() {
    let mut scene = Scene::new();
    let bank = scene.bank;
    for kind in [Kind::TopUp, Kind::CashOut] {
        let request = scene.asked(kind);
        refuses(&mut scene, Error::NotHandingOver, |scene| scene.confirm(request, bank));
    }
    let (mut scene, request) = handing_over();
    scene.confirm(request, bank).unwrap();
    refuses(&mut scene, Error::NotHandingOver, |scene| scene.confirm(request, bank));
}

#[test]
fn confirmation_late() {
    let (mut scene, request) = handing_over();
    scene.host.set_frozen(scene.eur, true);
    scene.block(after(CONFIRM_MS));
    scene.host.set_frozen(scene.eur, false);
    refuses(&mut scene, Error::ConfirmationLate, |scene| scene.confirm(request, scene.bank));
    scene.collect(scene.bank, request).unwrap();
}

#[test]
fn not_yet_due() {
    let (mut scene, taken) = handing_over();
    let open = scene.asked(Kind::CashOut);
    for request in [taken, open] {
        refuses(&mut scene, Error::NotYetDue, |scene| scene.collect(scene.stranger, request));
    }
}

#[test]
fn not_an_agent_member() {
    let mut scene = Scene::new();
    let (shop, holder, stranger) = (scene.shop, scene.holder, scene.stranger);
    for member in [shop, holder] {
        refuses(&mut scene, Error::NotAnAgentMember, |scene| scene.license(member, stranger, 1, 1));
    }
}

#[test]
fn licensed_elsewhere() {
    let mut scene = Scene::licensed();
    let (bank, rival, shop) = (scene.bank, scene.rival, scene.shop);
    refuses(&mut scene, Error::LicensedElsewhere, |scene| scene.license(rival, shop, 1, 1));
    scene.withdraw(bank, shop).unwrap();
    scene.license(rival, shop, 1, 1).unwrap();
}

#[test]
fn bad_limits() {
    let mut scene = Scene::new();
    let (bank, shop) = (scene.bank, scene.shop);
    for (per_request, per_day) in [(0, 0), (0, 5), (6, 5)] {
        refuses(&mut scene, Error::BadLimits, |scene| scene.license(bank, shop, per_request, per_day));
    }
}

#[test]
fn unknown_licence() {
    let mut scene = Scene::licensed();
    let (bank, stranger) = (scene.bank, scene.stranger);
    refuses(&mut scene, Error::UnknownLicence, |scene| scene.withdraw(bank, stranger));
    refuses(&mut scene, Error::UnknownLicence, |scene| {
        let args = LicenceOf { agent: stranger.account, asset: scene.eur };
        scene.host.query(|host| Topup::licence_of(host, args))
    });
}

#[test]
fn not_your_licence() {
    let mut scene = Scene::licensed();
    let (rival, shop) = (scene.rival, scene.shop);
    refuses(&mut scene, Error::NotYourLicence, |scene| scene.withdraw(rival, shop));
}

#[test]
fn a_suspended_party_signs_nothing() {
    let mut scene = Scene::new();
    scene.host.set_suspended(scene.holder.account, true);
    let suspended = Stopped::Failed(Failure::Suspended(scene.holder.account));
    assert_eq!(scene.request(scene.ask(Kind::TopUp)), Err(suspended));
}

#[test]
fn a_job_for_a_request_that_is_not_there_is_refused() {
    let mut scene = Scene::new();
    let args = Expire { request: Hash::ZERO }.encode();
    let outcome = scene.host.call(&[], |host| dispatch::<_, Topup>(host, scheduled::expire, &[], &args));
    assert_eq!(outcome, Err(Stopped::Refused(DispatchFault::Refused(Error::UnknownRequest.code()))));
}

/// A refusal that is added to the interface gets a test here.
#[test]
fn every_refusal_has_a_test() {
    let source = include_str!("refusals.rs");
    for error in Error::ALL {
        assert!(source.contains(&alloc::format!("Error::{error:?}")), "{error:?} has no test");
    }
}
