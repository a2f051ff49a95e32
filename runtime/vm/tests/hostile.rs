//! Contracts that mean harm while they run: each ends with its fault, at the same gas every time. The numbers are frozen: a change of
//! one is a new protocol version.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod ledger;

use countersign_types::limits::CALL_DEPTH_MAX;
use countersign_types::{AccountId, CallFault, Gas, ModuleName, Selector};
use countersign_vm::{CallOutcome, STACK_BYTES, limits};
use ledger::{GAS, Ledger, bare, call, contract, engine, load};
use parity_scale_codec::Encode;

/// Runs `wasm` three times and expects the same end.
#[track_caller]
fn assert_ends(wasm: &[u8], result: Result<Vec<u8>, CallFault>, gas_used: u64) {
    let expected = CallOutcome { result, gas_used: Gas::new(gas_used) };
    for _ in 0..3 {
        assert_eq!(call(&engine(), wasm), expected);
    }
}

fn entry(body: &str) -> Vec<u8> {
    contract(&format!(r#"(func (export "call") (param i32) {body})"#))
}

/// A call of a host function with `args` at address 0.
fn host_call(function: &str, args: &impl Encode) -> Vec<u8> {
    let args = args.encode();
    let data: String = args.iter().map(|byte| format!("\\{byte:02x}")).collect();
    contract(&format!(
        r#"(data (i32.const 0) "{data}")
        (func (export "call") (param i32) (drop (call ${function} (i32.const 0) (i32.const {}))))"#,
        args.len()
    ))
}

#[test]
fn an_empty_call_costs_its_counter() {
    assert_ends(&entry(""), Ok(vec![]), 13);
}

#[test]
fn an_endless_loop_uses_up_the_gas() {
    assert_ends(&entry("(loop $again (br $again))"), Err(CallFault::OutOfGas), GAS.get());
}

#[test]
fn endless_mutual_recursion_exhausts_the_stack() {
    let wasm = contract(
        r#"(func $ping (call $pong)) (func $pong (call $ping))
        (func (export "call") (param i32) (call $ping))"#,
    );
    assert_ends(&wasm, Err(CallFault::StackExhausted), GAS.get());
}

#[test]
fn recursion_with_a_stack_in_memory_traps_at_the_end_of_the_memory() {
    // As compilers lay it out: frames go down from the top of the first page.
    let wasm = contract(
        r#"(global $sp (mut i32) (i32.const 65536))
        (func $recurse (param $n i32)
            (global.set $sp (i32.sub (global.get $sp) (i32.const 128)))
            (i32.store (global.get $sp) (local.get $n))
            (call $recurse (i32.add (local.get $n) (i32.const 1))))
        (func (export "call") (param i32) (call $recurse (i32.const 0)))"#,
    );
    assert_ends(&wasm, Err(CallFault::Trap), GAS.get());
}

#[test]
fn traps_use_all_gas() {
    for body in [
        "unreachable",
        "(drop (i32.div_s (i32.const 1) (i32.const 0)))",
        "(drop (i32.div_s (i32.const -2147483648) (i32.const -1)))",
        "(drop (i64.rem_u (i64.const 1) (i64.const 0)))",
        "(drop (i32.load (i32.const 65533)))",
        "(drop (i32.load offset=4294967295 (i32.const -1)))",
        "(i64.store (i32.const -1) (i64.const 0))",
    ] {
        assert_ends(&entry(body), Err(CallFault::Trap), GAS.get());
    }
}

#[test]
fn calls_through_the_table_trap_beyond_it_or_with_another_type() {
    for index in [0, 1, 2, -1] {
        let wasm = contract(&format!(
            r#"(table 2 funcref) (elem (i32.const 0) $other) (func $other (param i64))
            (func (export "call") (param i32) (call_indirect (i32.const {index})))"#
        ));
        assert_ends(&wasm, Err(CallFault::Trap), GAS.get());
    }
}

#[test]
fn memory_grows_to_its_limit_for_its_price_and_no_further() {
    // Gives back what the two growths return.
    let grow = |first: i32, second: i32| {
        contract(&format!(
            r#"(func (export "call") (param i32)
                (i32.store (i32.const 1) (memory.grow (i32.const {first})))
                (i32.store (i32.const 5) (memory.grow (i32.const {second})))
                (i32.store8 (i32.const 0) (i32.const 32))
                (drop (call $give_back (i32.const 0) (i32.const 9))))"#
        ))
    };
    let returned = |first: i32, second: i32| Ok((first, second).encode());
    let base = 644;
    assert_ends(&grow(0, 0), returned(1, 1), base);
    assert_ends(&grow(1, 2), returned(1, 2), base);
    let page = limits::PAGE_GAS.get();
    assert_ends(&grow(3, 1), returned(1, 4), base + page);
    assert_ends(&grow(63, 1), returned(1, -1), base + 60 * page);
    assert_ends(&grow(64, 63), returned(-1, 1), base + 60 * page);
    assert_ends(&grow(-1, 65_535), returned(-1, -1), base);
}

#[test]
fn operators_cost_by_what_they_take() {
    for (operator, gas) in
        [("add", 1), ("mul", 1), ("shl", 1), ("div_s", 32), ("div_u", 32), ("rem_s", 32), ("rem_u", 32)]
    {
        for ty in ["i32", "i64"] {
            let body = format!("(drop ({ty}.{operator} ({ty}.const 7) ({ty}.const 3)))");
            assert_ends(&entry(&body), Ok(vec![]), 13 + 2 + gas);
        }
    }
}

#[test]
fn memory_declared_or_grown_is_paid_for() {
    let page = limits::PAGE_GAS.get();
    let declared = |pages| bare(&format!(r#"(memory (export "memory") {pages}) (func (export "call") (param i32))"#));
    assert_ends(&declared(4), Ok(vec![]), 13);
    assert_ends(&declared(64), Ok(vec![]), 13 + 60 * page);
    let module = load(&engine(), &declared(64));
    let outcome = module.call(0, &[], &[], Gas::new(60 * page - 1), &mut Ledger::default());
    assert_eq!(outcome, CallOutcome { result: Err(CallFault::OutOfGas), gas_used: Gas::new(60 * page - 1) });

    let grown = load(&engine(), &entry("(drop (memory.grow (i32.const 63)))"));
    let outcome = grown.call(0, &[], &[], Gas::new(60 * page), &mut Ledger::default());
    assert_eq!(outcome, CallOutcome { result: Err(CallFault::OutOfGas), gas_used: Gas::new(60 * page) });
}

#[test]
fn a_declared_maximum_holds() {
    let wasm = bare(
        r#"(memory (export "memory") 1 2)
        (func (export "call") (param i32)
            (if (i32.ne (memory.grow (i32.const 2)) (i32.const -1)) (then unreachable))
            (if (i32.ne (memory.grow (i32.const 1)) (i32.const 1)) (then unreachable)))"#,
    );
    assert_ends(&wasm, Ok(vec![]), 531);
}

#[test]
fn arguments_outside_the_memory_are_refused() {
    for (pointer, length) in [(65_536, 1), (65_530, 7), (-1, 2), (-8, 8), (0, 65_537)] {
        let body = format!("(drop (call $get (i32.const {pointer}) (i32.const {length})))");
        let outcome = call(&engine(), &entry(&body));
        assert_eq!(outcome.result, Err(CallFault::HostArgument), "{pointer} {length}");
        let per_byte = u64::try_from(length).unwrap();
        assert_eq!(outcome.gas_used, Gas::new(2_000 + per_byte + 12), "{pointer} {length}");
    }
}

#[test]
fn lengths_beyond_the_limit_are_refused_at_no_price() {
    for length in [-1, i32::MIN, limits::HOST_ARGUMENT_BYTES_MAX as i32 + 1] {
        let body = format!("(drop (call $get (i32.const 0) (i32.const {length})))");
        assert_ends(&entry(&body), Err(CallFault::HostArgument), 12);
    }
}

#[test]
fn arguments_that_do_not_decode_are_refused() {
    // A key of 2^30-1 bytes in four; one of 2^536-1; one followed by another byte; none.
    for (bytes, length) in [(r"\fe\ff\ff\ff", 4), (r"\ff\ff\ff\ff", 4), (r"\04k\00", 3), ("", 0)] {
        let wasm = contract(&format!(
            r#"(data (i32.const 0) "{bytes}")
            (func (export "call") (param i32) (drop (call $get (i32.const 0) (i32.const {length}))))"#
        ));
        assert_ends(&wasm, Err(CallFault::HostArgument), 2_000 + length + 12);
    }
    // A list of accounts that announces 2^30-1 of them.
    let wasm = contract(
        r#"(data (i32.const 0) "\00\fe\ff\ff\ff")
        (func (export "call") (param i32) (drop (call $emit (i32.const 0) (i32.const 60000))))"#,
    );
    assert_ends(&wasm, Err(CallFault::HostArgument), 3_000 + 4 * 60_000 + 12);
    // A function without arguments that is given some.
    assert_ends(&entry("(drop (call $now (i32.const 0) (i32.const 1)))"), Err(CallFault::HostArgument), 100 + 12);
}

#[test]
fn a_result_is_taken_once_and_into_the_memory() {
    let take = |pointer: i32| format!("(call $take_result (i32.const {pointer}))");
    let now = "(drop (call $now (i32.const 0) (i32.const 0)))";
    assert_ends(&entry(&take(0)), Err(CallFault::HostArgument), 11);
    assert_ends(&entry(&format!("{now} {} {}", take(0), take(0))), Err(CallFault::HostArgument), 116);
    assert_ends(&entry(&format!("{now} {}", take(65_528))), Ok(vec![]), 118);
    assert_ends(&entry(&format!("{now} {}", take(65_529))), Err(CallFault::HostArgument), 114);
    assert_ends(&entry(&format!("{now} {}", take(-1))), Err(CallFault::HostArgument), 114);
}

#[test]
fn a_contract_fails_with_its_own_code_for_what_it_used() {
    assert_ends(&host_call("fail", &7_u16), Err(CallFault::Refused(7)), 112);
    assert_ends(&host_call("fail", &7_u8), Err(CallFault::HostArgument), 112);
}

#[test]
fn gas_short_of_a_host_function_is_used_up() {
    let module = load(&engine(), &host_call("set", &(b"k".to_vec(), vec![7_u8; 100])));
    let args_bytes = 2 + 101;
    let enough = 12 + 12_000 + 4 * args_bytes + 4;
    for (gas, result) in [(enough, Ok(vec![])), (enough - 5, Err(CallFault::OutOfGas)), (100, Err(CallFault::OutOfGas))]
    {
        let outcome = module.call(0, &[], &[], Gas::new(gas), &mut Ledger::default());
        assert_eq!(outcome, CallOutcome { result, gas_used: Gas::new(gas) });
    }
    let outcome = module.call(0, &[], &[], Gas::ZERO, &mut Ledger::default());
    assert_eq!(outcome, CallOutcome { result: Err(CallFault::OutOfGas), gas_used: Gas::ZERO });
}

/// Calls whatever `call_module` runs.
fn calling() -> Vec<u8> {
    let name: ModuleName = "other".parse().unwrap();
    host_call("call_module", &(name, Selector([0; 8]), Vec::<AccountId>::new(), Vec::<u8>::new()))
}

/// Runs on a thread with the stack that nested calls need.
fn with_stack<R: Send>(run: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        thread.spawn_scoped(scope, run).unwrap().join().unwrap()
    })
}

#[test]
fn contracts_nest_to_the_limit_and_no_deeper() {
    with_stack(|| {
        let module = load(&engine(), &calling());
        let mut ledger = Ledger { callee: Some(module.clone()), ..Ledger::default() };
        let outcome = module.call(0, &[], &[], GAS, &mut ledger);
        assert_eq!(outcome.result, Err(CallFault::CallDepth));
        // Eight nest in the first; the ninth attempt is refused.
        assert_eq!(ledger.deepest, 9);
        assert_eq!(outcome.gas_used, Gas::new(9 * (10_000 + 2 * 16 + 12)));
    });
}

#[test]
fn every_nested_call_has_a_whole_stack() {
    // Goes down some four thousand calls, then calls the next contract from there.
    let name: ModuleName = "other".parse().unwrap();
    let args = (name, Selector([0; 8]), Vec::<AccountId>::new(), Vec::<u8>::new()).encode();
    assert_eq!(args.len(), 16);
    let data: String = args.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let wasm = contract(&format!(
        r#"(data (i32.const 0) "{data}")
        (func $down (param $n i32)
            (if (local.get $n)
                (then (call $down (i32.sub (local.get $n) (i32.const 1))))
                (else (drop (call $call_module (i32.const 0) (i32.const 16))))))
        (func (export "call") (param i32) (call $down (i32.const 3500)))"#
    ));
    with_stack(|| {
        let module = load(&engine(), &wasm);
        let mut ledger = Ledger { callee: Some(module.clone()), ..Ledger::default() };
        let outcome = module.call(0, &[], &[], GAS, &mut ledger);
        assert_eq!((outcome.result, ledger.deepest), (Err(CallFault::CallDepth), 9));
    });
}

#[test]
fn a_trap_in_a_nested_call_uses_all_gas_of_the_outer() {
    with_stack(|| {
        let trapping = load(&engine(), &entry("unreachable"));
        let mut ledger = Ledger { callee: Some(trapping), ..Ledger::default() };
        let outcome = load(&engine(), &calling()).call(0, &[], &[], GAS, &mut ledger);
        assert_eq!(outcome, CallOutcome { result: Err(CallFault::Trap), gas_used: GAS });
    });
}

#[test]
fn a_refusal_in_a_nested_call_costs_what_was_used() {
    with_stack(|| {
        let refusing = load(&engine(), &host_call("fail", &9_u16));
        let mut ledger = Ledger { callee: Some(refusing), ..Ledger::default() };
        let outcome = load(&engine(), &calling()).call(0, &[], &[], GAS, &mut ledger);
        assert_eq!(outcome.result, Err(CallFault::Refused(9)));
        assert_eq!(outcome.gas_used, Gas::new(10_000 + 2 * 16 + 12 + 112));
    });
}

#[test]
fn a_panic_of_the_ledger_passes_through_and_leaves_the_engine_whole() {
    with_stack(|| {
        let module = load(&engine(), &calling());
        let call = || module.call(0, &[], &[], GAS, &mut Ledger { panics: true, ..Ledger::default() });
        for _ in 0..2 * CALL_DEPTH_MAX {
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
        }
    });
    assert_eq!(call(&engine(), &entry("")).result, Ok(vec![]));
}

#[test]
fn instances_share_nothing() {
    // Refuses if anything of an earlier call is left.
    let wasm = contract(
        r#"(global $g (mut i32) (i32.const 0))
        (func (export "call") (param i32)
            (if (i32.or (global.get $g) (i32.load (i32.const 40000))) (then unreachable))
            (if (i32.ne (memory.size) (i32.const 1)) (then unreachable))
            (drop (memory.grow (i32.const 2)))
            (if (i32.load (i32.const 180000)) (then unreachable))
            (i32.store (i32.const 180000) (i32.const 1))
            (global.set $g (i32.const 1))
            (i32.store (i32.const 40000) (i32.const 1)))"#,
    );
    for _ in 0..200 {
        assert_eq!(call(&engine(), &wasm).result, Ok(vec![]));
    }
}

#[test]
fn more_threads_than_places_wait_their_turn() {
    let module = load(
        &engine(),
        &entry(
            "(local i32) (loop $again (br_if $again (i32.ne (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 10000))))",
        ),
    );
    let outcomes: Vec<CallOutcome> = std::thread::scope(|scope| {
        let run = || (0..20).map(|_| module.call(0, &[], &[], GAS, &mut Ledger::default())).collect::<Vec<_>>();
        let threads: Vec<_> = (0..limits::CONCURRENT_CALLS_MAX * 2).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0] && outcome.result.is_ok()));
}
