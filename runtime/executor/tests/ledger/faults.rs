//! Every way a call can fail, brought about by a real contract where a contract can.
use crate::probe::{self, Script};
use crate::world::{BALANCE, World, eur, executor, fault, id, ids, ok};
use countersign_executor::STACK_BYTES;
use countersign_interface::Method;
use countersign_interface::assets::{SetFrozen, Transfer};
use countersign_types::interface::MethodKind;
use countersign_types::limits::{CALL_DEPTH_MAX, EVENT_BYTES_MAX, EVENTS_MAX, STATE_KEY_BYTES_MAX};
use countersign_types::{AccountId, Amount, AssetId, Call, CallFault, Gas, Selector, Timestamp};
use parity_scale_codec::Encode;

const ALICE: &str = "alice@hotel.example";
const BOB: &str = "bob@hotel.example";

/// Runs a script and tells how it failed.
#[track_caller]
fn fails(script: &Script) -> CallFault {
    fault(&script.run(&mut World::new()))
}

fn transfer(from: AccountId, to: AccountId, amount: u128) -> Script {
    Script::new().host("transfer", (from, to, eur(), Amount::new(amount)))
}

fn emit(accounts: usize, bytes: usize) -> Script {
    Script::new().host("emit", (0_u8, vec![id(ALICE); accounts], vec![0_u8; bytes]))
}

#[test]
fn unknown_module() {
    let call = Script::new().call("probe", &[id(ALICE)]);
    let call = Call { module: probe::name("missing"), ..call };
    assert_eq!(fault(&World::new().run(vec![call])), CallFault::UnknownModule);
    let method = Selector([0; 8]);
    let nested =
        Script::new().host("call_module", (probe::name("missing"), method, Vec::<AccountId>::new(), b"".to_vec()));
    assert_eq!(fails(&nested), CallFault::UnknownModule);
}

#[test]
fn unknown_method() {
    let mut world = World::new();
    let call = Script::new().call("probe", &[id(ALICE)]);
    // A transaction reaches calls only, a contract calls and queries.
    let interface = probe::interface("probe");
    let methods = interface.methods.iter().enumerate().filter(|(_, method)| method.kind != MethodKind::Call);
    let selectors: Vec<_> = methods.map(|(index, _)| interface.selector(index)).collect();
    for method in selectors.iter().copied().chain([Selector([0; 8]), probe::interface("p1").selector(0)]) {
        let receipt = world.run(vec![Call { method, ..call.clone() }]);
        let expected = if selectors.contains(&method) { CallFault::WrongParties } else { CallFault::UnknownMethod };
        assert_eq!(fault(&receipt), expected);
    }
    let scheduled = probe::interface("p1").selector(1);
    let nested = Script::new()
        .host("call_module", (probe::name("p1"), scheduled, Vec::<AccountId>::new(), Script::new().args()));
    assert_eq!(fails(&nested), CallFault::UnknownMethod);
}

#[test]
fn wrong_parties() {
    let pay = Transfer { asset: eur(), to: id(BOB), amount: Amount::new(1), reference: "".parse().unwrap() };
    let call = pay.call(&[id(ALICE)]);
    let call = Call { parties: ids(&[ALICE, BOB]).try_into().unwrap(), ..call };
    assert_eq!(fault(&World::new().run(vec![call])), CallFault::WrongParties);
    let nobody = Script::new().nested("p1", &[], &Script::new());
    assert_eq!(fails(&nobody), CallFault::WrongParties);
}

#[test]
fn bad_arguments() {
    let pay = Transfer { asset: eur(), to: id(BOB), amount: Amount::new(1), reference: "".parse().unwrap() };
    let call = pay.call(&[id(ALICE)]);
    for args in [call.args[1..].to_vec(), [&call.args[..], &[0]].concat()] {
        let call = Call { args: args.try_into().unwrap(), ..call.clone() };
        assert_eq!(fault(&World::new().run(vec![call])), CallFault::BadArguments);
    }
}

#[test]
fn out_of_gas() {
    let mut world = World::with(|genesis| genesis.params.transaction_gas_max = Gas::new(2_000_000));
    let receipt = Script::new().spin().run(&mut world);
    assert_eq!((fault(&receipt), receipt.gas), (CallFault::OutOfGas, Gas::new(2_000_000)));
}

#[test]
fn stack_exhausted_and_trap_cost_all_gas() {
    for (script, expected) in
        [(Script::new().recurse(), CallFault::StackExhausted), (Script::new().trap(), CallFault::Trap)]
    {
        let mut world = World::with(|genesis| genesis.params.transaction_gas_max = Gas::new(2_000_000));
        let receipt = script.run(&mut world);
        assert_eq!((fault(&receipt), receipt.gas), (expected, Gas::new(2_000_000)));
    }
}

#[test]
fn host_argument() {
    assert_eq!(fails(&Script::new().host("transfer", (1_u8,))), CallFault::HostArgument);
    assert_eq!(fails(&Script::new().host("get", (vec![1_u8], 0_u8))), CallFault::HostArgument);
    // An event that is not declared.
    let undeclared = Script::new().host("emit", (1_u8, Vec::<AccountId>::new(), b"".to_vec()));
    assert_eq!(fails(&undeclared), CallFault::HostArgument);
}

#[test]
fn limit_exceeded() {
    let key = vec![0_u8; STATE_KEY_BYTES_MAX + 1];
    let longest = vec![0_u8; STATE_KEY_BYTES_MAX];
    assert_eq!(fails(&Script::new().host("get", (key.clone(),))), CallFault::LimitExceeded);
    assert_eq!(fails(&Script::new().host("set", (key.clone(), b"".to_vec()))), CallFault::LimitExceeded);
    assert_eq!(fails(&Script::new().host("remove", (key.clone(),))), CallFault::LimitExceeded);
    let range = |prefix: &[u8], after: Option<Vec<u8>>| Script::new().host("range", (prefix.to_vec(), after, 1_u32));
    assert_eq!(fails(&range(&key, None)), CallFault::LimitExceeded);
    assert_eq!(fails(&range(b"", Some(key))), CallFault::LimitExceeded);
    ok(Script::new().host("set", (longest.clone(), b"".to_vec())).run(&mut World::new()));
    assert_eq!(fails(&emit(17, 0)), CallFault::LimitExceeded);
    assert_eq!(fails(&emit(0, EVENT_BYTES_MAX + 1)), CallFault::LimitExceeded);
    ok(emit(16, EVENT_BYTES_MAX).run(&mut World::new()));
}

#[test]
fn events_of_one_transaction_are_limited_over_all_its_calls() {
    let many = |count: usize| {
        let step = || ("emit", (0_u8, Vec::<AccountId>::new(), b"".to_vec()));
        (0..count).fold(Script::new(), |script, _| script.host(step().0, step().1)).call("probe", &[id(ALICE)])
    };
    let receipt = ok(World::new().run(vec![many(EVENTS_MAX / 2), many(EVENTS_MAX / 2)]));
    assert_eq!(receipt.events.len(), EVENTS_MAX);
    let receipt = World::new().run(vec![many(EVENTS_MAX / 2), many(EVENTS_MAX / 2 + 1)]);
    let expected = countersign_types::Failure::Call { index: 1, fault: CallFault::LimitExceeded };
    assert_eq!(receipt.outcome, Err(expected));
}

#[test]
fn insufficient_balance() {
    assert_eq!(fails(&transfer(id(ALICE), id(BOB), BALANCE + 1)), CallFault::InsufficientBalance);
    // From an account to itself nothing moves, but it must be there.
    assert_eq!(fails(&transfer(id(ALICE), id(ALICE), BALANCE + 1)), CallFault::InsufficientBalance);
    let mut world = World::new();
    ok(transfer(id(ALICE), id(ALICE), BALANCE).run(&mut world));
    assert_eq!(world.balance(id(ALICE)), BALANCE);
}

#[test]
fn unknown_asset_and_frozen_asset() {
    let none: AssetId = "NONE".parse().unwrap();
    let script = Script::new().host("transfer", (id(ALICE), id(BOB), none, Amount::new(1)));
    assert_eq!(fails(&script), CallFault::UnknownAsset);
    let mut world = World::new();
    ok(world.call(&SetFrozen { asset: eur(), frozen: true }, &["bank.example"]));
    assert_eq!(fault(&transfer(id(ALICE), id(BOB), 1).run(&mut world)), CallFault::AssetFrozen);
}

#[test]
fn unknown_account() {
    assert_eq!(fails(&transfer(id(ALICE), id("nobody"), 1)), CallFault::UnknownAccount);
}

#[test]
fn not_a_party() {
    assert_eq!(fails(&transfer(id(BOB), id(ALICE), 1)), CallFault::NotAParty);
    assert_eq!(fails(&transfer(probe::account("p1"), id(ALICE), 0)), CallFault::NotAParty);
    // A contract passes on only parties it was itself given.
    assert_eq!(fails(&Script::new().nested("p1", &[id(BOB)], &Script::new())), CallFault::NotAParty);
    // The callee moves value of a party only if it was passed on.
    let inner = transfer(id(BOB), id(ALICE), 1);
    let mut world = World::new();
    let outer = Script::new().nested("p1", &[id(ALICE)], &inner);
    assert_eq!(fault(&outer.run_with(&mut world, &ids(&[ALICE, BOB]))), CallFault::NotAParty);
    let outer = Script::new().nested("p1", &ids(&[ALICE, BOB]), &inner);
    ok(outer.run_with(&mut world, &ids(&[ALICE, BOB])));
    assert_eq!(world.balance(id(ALICE)), BALANCE + 1);
}

#[test]
fn keys_members_and_code_are_out_of_a_contracts_reach() {
    use countersign_interface::registry::{SetAuthority, SetEncryptionKey};
    let authority = countersign_types::Authority::single(crate::world::key("thief"));
    let calls = [
        SetAuthority { authority }.call(&[id(ALICE)]),
        SetEncryptionKey { key: crate::world::key("thief") }.call(&[id(ALICE)]),
    ];
    for Call { module, method, parties, args } in calls {
        let script = Script::new().host("call_module", (module, method, parties.to_vec(), args.to_vec()));
        assert_eq!(fails(&script), CallFault::NotAParty);
    }
}

/// Contracts that call each other, `depth` of them inside the first.
fn nest(depth: usize) -> Script {
    let actor = [id(ALICE)];
    (1..=depth).rev().fold(Script::new(), |inner, level| Script::new().nested(probe::NAMES[level], &actor, &inner))
}

#[test]
fn call_depth() {
    // As deep as it may be, it runs on the stack that the node's threads have.
    let deep = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        ok(nest(CALL_DEPTH_MAX).run(&mut World::new()));
        assert_eq!(fails(&nest(CALL_DEPTH_MAX + 1)), CallFault::CallDepth);
    });
    deep.unwrap().join().unwrap();
}

#[test]
fn reentry() {
    let again = Script::new().nested("probe", &[id(ALICE)], &Script::new());
    assert_eq!(fails(&again), CallFault::Reentry);
    let around = Script::new().nested("p1", &[id(ALICE)], &again);
    assert_eq!(fails(&around), CallFault::Reentry);
    // One after the other is no re-entry.
    let twice = Script::new().nested("p1", &[id(ALICE)], &Script::new()).nested("p1", &[id(ALICE)], &Script::new());
    ok(twice.run(&mut World::new()));
}

#[test]
fn bad_schedule() {
    let schedule = |at: u64, method: u32| {
        Script::new().host("schedule", (Timestamp::from_millis(at), method, Script::new().args()))
    };
    let mut world = World::new();
    let next = world.place().time.millis();
    assert_eq!(fault(&schedule(next, 1).run(&mut world)), CallFault::BadSchedule);
    let next = world.place().time.millis();
    ok(schedule(next + 1, 1).run(&mut world));
    for no_job in [0, 2, 3, u32::MAX] {
        let at = world.time + 1_000_000;
        assert_eq!(fault(&schedule(at, no_job).run(&mut world)), CallFault::BadSchedule);
    }
}

#[test]
fn read_only() {
    let world = World::new();
    let ask =
        |script: &Script| executor().query(&world.state, &probe::name("probe"), "look", &script.args(), world.place());
    let later = Timestamp::from_millis(world.time + 1_000_000);
    let this = probe::account("probe");
    let pay = Transfer { asset: eur(), to: id(BOB), amount: Amount::new(1), reference: "".parse().unwrap() };
    let native = pay.call(&[this]);
    for script in [
        Script::new().host("set", (b"k".to_vec(), b"v".to_vec())),
        Script::new().host("remove", (b"k".to_vec(),)),
        transfer(this, id(BOB), 0),
        emit(0, 0),
        Script::new().host("schedule", (later, 1_u32, Script::new().args())),
        Script::new().host("cancel", (0_u64,)),
        Script::new().nested("p1", &[this], &Script::new().host("set", (b"k".to_vec(), b"v".to_vec()))),
        Script::new()
            .host("call_module", (native.module, native.method, native.parties.to_vec(), native.args.to_vec())),
    ] {
        assert_eq!(ask(&script), Err(CallFault::ReadOnly));
    }
    // A query asked by a contract that may write cannot write either, and the contract still can afterwards.
    let look = probe::interface("p1").selector(2);
    let writes = Script::new().host("set", (b"k".to_vec(), b"v".to_vec()));
    let ask_p1 = |script: &Script| {
        Script::new().host("call_module", (probe::name("p1"), look, Vec::<AccountId>::new(), script.args()))
    };
    assert_eq!(fails(&ask_p1(&writes)), CallFault::ReadOnly);
    let then = ask_p1(&Script::new()).host("set", (b"k".to_vec(), b"v".to_vec()));
    ok(then.run(&mut World::new()));
}

#[test]
fn refused() {
    assert_eq!(fails(&Script::new().host("fail", (777_u16,))), CallFault::Refused(777));
    // A nested refusal ends the whole call with the inner module's code.
    let nested = Script::new().nested("p1", &[id(ALICE)], &Script::new().host("fail", (5_u16,)));
    assert_eq!(fails(&nested), CallFault::Refused(5));
}

#[test]
fn every_fault_has_a_test() {
    // `Overflow` is brought about in the tests of `assets`: no balance can exceed the supply.
    let tested = [
        CallFault::UnknownModule,
        CallFault::UnknownMethod,
        CallFault::WrongParties,
        CallFault::BadArguments,
        CallFault::OutOfGas,
        CallFault::StackExhausted,
        CallFault::Trap,
        CallFault::HostArgument,
        CallFault::LimitExceeded,
        CallFault::InsufficientBalance,
        CallFault::UnknownAsset,
        CallFault::AssetFrozen,
        CallFault::UnknownAccount,
        CallFault::NotAParty,
        CallFault::CallDepth,
        CallFault::Reentry,
        CallFault::BadSchedule,
        CallFault::ReadOnly,
        CallFault::Overflow,
    ];
    let numbers: Vec<u8> = tested.iter().map(|fault| fault.encode()[0]).collect();
    assert_eq!(numbers, (1..=19).collect::<Vec<u8>>());
}
