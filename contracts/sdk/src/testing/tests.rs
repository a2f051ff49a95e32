//! The double keeps the ledger's rules, and storage keeps its types apart.
use super::{Actor, Stopped, TestHost};
use crate::{Cell, Host, Map, call_id};
use alloc::vec;
use alloc::vec::Vec;
use countersign_types::account::Role;
use countersign_types::{
    AccountId, Amount, AssetId, CallFault, Document, DocumentKind, Failure, Hash, Timestamp, limits,
};

const NOW: Timestamp = Timestamp::from_millis(1_000);
const LATER: Timestamp = Timestamp::from_millis(2_000);

type Outcome<T> = Result<T, Stopped<&'static str>>;

fn fault<T>(fault: CallFault) -> Outcome<T> {
    Err(Stopped::Failed(Failure::Call { index: 0, fault }))
}

fn scene() -> (TestHost, AssetId, Actor, Actor) {
    let mut host = TestHost::new("probe", NOW);
    let asset = host.add_asset("EUR");
    let member = host.add_member("shop.example", &[Role::Merchant]);
    let holder = host.add_holder("hugo@shop.example", &member);
    host.issue(member.account, asset, Amount::new(100));
    host.issue(holder.account, asset, Amount::new(100));
    (host, asset, member, holder)
}

/// Tries one transfer in a call signed by `party`.
fn transfer(
    host: &mut TestHost,
    party: Actor,
    from: AccountId,
    to: AccountId,
    asset: AssetId,
    amount: u128,
) -> Outcome<()> {
    host.call(&[party.account], |host| {
        host.transfer(from, to, asset, Amount::new(amount));
        Ok(())
    })
}

#[test]
fn value_moves_from_parties_and_the_contract_only() {
    let (mut host, asset, member, holder) = scene();
    let contract = host.contract();
    assert_eq!(transfer(&mut host, member, member.account, contract, asset, 40), Ok(()));
    assert_eq!(transfer(&mut host, member, contract, holder.account, asset, 15), Ok(()));
    assert_eq!(transfer(&mut host, member, holder.account, member.account, asset, 1), fault(CallFault::NotAParty));
    let held = [member.account, holder.account, contract].map(|account| host.held(account, asset).get());
    assert_eq!(held, [60, 115, 25]);
    assert_eq!(host.supply(asset), Amount::new(200));
}

#[test]
fn transfers_that_cannot_be_made_end_the_call() {
    let (mut host, asset, member, holder) = scene();
    let (from, to) = (member.account, holder.account);
    let nobody = AccountId([7; 32]);
    let unknown = "NONE".parse().unwrap();
    assert_eq!(transfer(&mut host, member, from, to, asset, 101), fault(CallFault::InsufficientBalance));
    assert_eq!(transfer(&mut host, member, from, nobody, asset, 1), fault(CallFault::UnknownAccount));
    assert_eq!(transfer(&mut host, member, from, to, unknown, 1), fault(CallFault::UnknownAsset));
    host.set_frozen(asset, true);
    assert_eq!(transfer(&mut host, member, from, to, asset, 1), fault(CallFault::AssetFrozen));
    host.set_frozen(asset, false);
    host.issue(to, asset, Amount::new(u128::MAX - 100));
    assert_eq!(transfer(&mut host, member, from, to, asset, 1), fault(CallFault::Overflow));
    assert_eq!(transfer(&mut host, member, from, from, asset, 100), Ok(()));
    assert_eq!(host.held(from, asset), Amount::new(100));
}

#[test]
fn a_call_that_stops_leaves_nothing_behind() {
    let (mut host, asset, member, holder) = scene();
    let effects = |host: &mut TestHost| {
        host.set(vec![1], vec![2]);
        host.transfer(member.account, holder.account, asset, Amount::new(5));
        host.emit(0, vec![member.account], vec![]);
        host.schedule(LATER, 0, vec![]);
    };
    let refused: Outcome<()> = host.call(&[member.account], |host| {
        effects(host);
        Err("no")
    });
    assert_eq!(refused, Err(Stopped::Refused("no")));
    let faulty: Outcome<()> = host.call(&[member.account], |host| {
        effects(host);
        host.fail(9);
        unreachable!("the call has ended")
    });
    assert_eq!(faulty, fault(CallFault::Refused(9)));
    assert!(host.storage().is_empty() && host.events().is_empty());
    assert_eq!(host.waiting_jobs().count(), 0);
    assert_eq!(host.held(holder.account, asset), Amount::new(100));
}

#[test]
#[should_panic = "a mistake of the rules"]
fn a_mistake_of_the_rules_is_no_refusal() {
    let (mut host, ..) = scene();
    let _: Outcome<()> = host.call(&[], |_| panic!("a mistake of the rules"));
}

#[test]
fn queries_do_not_write() {
    let (mut host, asset, ..) = scene();
    let contract = host.contract();
    let writes: [fn(&mut TestHost, AccountId, AssetId); 6] = [
        |host, _, _| host.set(vec![1], vec![]),
        |host, _, _| host.remove(vec![1]),
        |host, contract, asset| host.transfer(contract, contract, asset, Amount::ZERO),
        |host, _, _| host.emit(0, vec![], vec![]),
        |host, _, _| {
            host.schedule(LATER, 0, vec![]);
        },
        |host, _, _| {
            host.cancel(0);
        },
    ];
    for write in writes {
        let outcome: Outcome<()> = host.query(|host| {
            write(host, contract, asset);
            Ok(())
        });
        assert_eq!(outcome, fault(CallFault::ReadOnly));
    }
    assert_eq!(host.query(|host| Ok::<_, ()>(host.get(vec![1]))), Ok(None));
}

#[test]
fn only_enrolled_and_active_parties_sign() {
    let (mut host, _, member, holder) = scene();
    let nobody = AccountId([7; 32]);
    let nothing = |host: &mut TestHost, party| host.call(&[party], |_| Ok::<_, ()>(()));
    assert_eq!(nothing(&mut host, nobody), Err(Stopped::Failed(Failure::UnknownAccount(nobody))));
    host.set_suspended(member.account, true);
    let suspended = Err(Stopped::Failed(Failure::Suspended(holder.account)));
    assert_eq!(nothing(&mut host, holder.account), suspended, "with its member");
    host.set_suspended(member.account, false);
    assert_eq!(nothing(&mut host, holder.account), Ok(()));
}

#[test]
fn jobs_run_once_in_the_order_of_their_times() {
    let (mut host, _, member, _) = scene();
    let scheduled: Outcome<()> = host.call(&[member.account], |host| {
        for (millis, method) in [(3_000, 0), (2_000, 1), (2_000, 2), (9_000, 3), (4_000, 4)] {
            host.schedule(Timestamp::from_millis(millis), method, vec![]);
        }
        assert!(host.cancel(4));
        assert!(!host.cancel(4));
        Ok(())
    });
    assert_eq!(scheduled, Ok(()));
    let mut ran = Vec::new();
    let outcomes = host.block(Timestamp::from_millis(3_500), |host, method, _| {
        ran.push(method);
        host.set(vec![u8::try_from(method).unwrap()], vec![]);
        if method == 2 { Err("no") } else { Ok(()) }
    });
    assert_eq!(ran, [1, 2, 0]);
    assert_eq!(outcomes, [(1, Ok(())), (2, Err(Stopped::Refused("no"))), (0, Ok(()))]);
    assert_eq!(host.storage().keys().cloned().collect::<Vec<_>>(), [vec![0], vec![1]], "a failure is one job's own");
    assert_eq!(host.waiting_jobs().map(|job| job.method).collect::<Vec<_>>(), [3]);
    let late: Outcome<u64> =
        host.call(&[member.account], |host| Ok(host.schedule(Timestamp::from_millis(3_500), 0, vec![])));
    assert_eq!(late, fault(CallFault::BadSchedule));
}

#[test]
fn documents_need_every_party_this_chain_and_time() {
    let (mut host, _, member, holder) = scene();
    let document = Document {
        chain: host.chain_id(),
        kind: DocumentKind::new("probe/Note").unwrap(),
        parties: vec![member.account, holder.account].try_into().unwrap(),
        body: vec![1].try_into().unwrap(),
        expires_at: LATER,
    };
    let both = host.signed(document.clone(), &[&member, &holder]);
    let one = host.signed(document.clone(), &[&member]);
    let elsewhere = host.signed(Document { chain: Hash::ZERO, ..document.clone() }, &[&member, &holder]);
    let mut altered = both.clone();
    altered.document.body = vec![2].try_into().unwrap();
    let thief = Actor { account: holder.account, secret: member.secret };
    let stolen = host.signed(document, &[&member, &thief]);
    let holds = |host: &mut TestHost, document| host.query(|host| Ok::<_, ()>(host.verify_document(document))).unwrap();
    assert!(holds(&mut host, both.clone()));
    for document in [one, elsewhere, altered, stolen] {
        assert!(!holds(&mut host, document));
    }
    host.set_suspended(holder.account, true);
    assert!(!holds(&mut host, both.clone()));
    host.set_suspended(holder.account, false);
    host.block(LATER, |_, _, _| Ok::<_, ()>(()));
    assert!(holds(&mut host, both.clone()));
    host.block(Timestamp::from_millis(2_001), |_, _, _| Ok::<_, ()>(()));
    assert!(!holds(&mut host, both));
}

#[test]
fn accounts_roles_and_names_are_those_of_the_registry() {
    let (mut host, asset, member, holder) = scene();
    let name: countersign_types::Name = "hugo@shop.example".parse().unwrap();
    let facts = host.query(|host| {
        let resolved = (host.resolve(name.clone()), host.resolve("x.example".parse().unwrap()));
        let roles = (host.has_role(member.account, Role::Merchant), host.has_role(member.account, Role::Issuer));
        Ok::<_, ()>((resolved, roles, host.account(holder.account), host.account(AccountId([7; 32]))))
    });
    let account = Some((name, member.account, true));
    assert_eq!(facts, Ok(((Some(holder.account), None), (true, false), account, None)));
    host.set_suspended(member.account, true);
    host.set_frozen(asset, true);
    let facts = host.query(|host| {
        let active = host.account(holder.account).map(|(_, _, active)| active);
        Ok::<_, ()>((host.has_role(member.account, Role::Merchant), active, host.asset_is_active(asset)))
    });
    assert_eq!(facts, Ok((false, Some(false), false)));
}

#[test]
fn limits_end_the_call() {
    let (mut host, _, member, _) = scene();
    let beyond: [fn(&mut TestHost); 4] = [
        |host| host.set(vec![0; limits::STATE_KEY_BYTES_MAX + 1], vec![]),
        |host| host.set(vec![0], vec![0; limits::STATE_VALUE_BYTES_MAX + 1]),
        |host| host.emit(0, vec![], vec![0; limits::EVENT_BYTES_MAX + 1]),
        |host| host.emit(0, vec![AccountId([0; 32]); limits::EVENT_ACCOUNTS_MAX + 1], vec![]),
    ];
    for write in beyond {
        let outcome: Outcome<()> = host.call(&[member.account], |host| {
            write(host);
            Ok(())
        });
        assert_eq!(outcome, fault(CallFault::LimitExceeded));
    }
}

#[test]
fn ranges_are_in_order_after_a_key_and_bounded() {
    let (mut host, _, member, _) = scene();
    let entries: Outcome<_> = host.call(&[member.account], |host| {
        for key in [[1, 3], [1, 1], [2, 0], [1, 2], [0, 9]] {
            host.set(key.to_vec(), vec![key[1]]);
        }
        let all = host.range(vec![1], None, 10);
        let rest = host.range(vec![1], Some(vec![1, 1]), 1);
        Ok((all, rest, host.range(vec![1], Some(vec![9]), 10)))
    });
    let entry = |last: u8| (vec![1, last], vec![last]);
    assert_eq!(entries, Ok((vec![entry(1), entry(2), entry(3)], vec![entry(2)], vec![])));
}

#[test]
fn records_of_different_prefixes_do_not_meet() {
    const ONE: Map<u16, u64> = Map::new(1);
    const OTHER: Map<u16, u64> = Map::new(2);
    const SINGLE: Cell<u64> = Cell::new(3);
    let (mut host, _, member, _) = scene();
    let outcome: Outcome<()> = host.call(&[member.account], |host| {
        assert_eq!((ONE.get(host, &5), SINGLE.get(host)), (None, None));
        ONE.set(host, &5, &10);
        OTHER.set(host, &5, &20);
        SINGLE.set(host, &30);
        assert_eq!((ONE.get(host, &5), OTHER.get(host, &5), SINGLE.get(host)), (Some(10), Some(20), Some(30)));
        ONE.remove(host, &5);
        assert!(!ONE.contains(host, &5) && OTHER.contains(host, &5));
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
    assert_eq!(host.storage().keys().cloned().collect::<Vec<_>>(), [vec![2, 5, 0], vec![3]]);
}

#[test]
fn calls_have_different_ids() {
    let (mut host, _, member, _) = scene();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id: Outcome<Hash> = host.call(&[member.account], |host| Ok(call_id(host)));
        ids.extend(id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
