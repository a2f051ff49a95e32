//! The stack counter changes nothing but that it stops deep recursion: the same random programs run with it, through
//! this crate, and without it, on a plain engine.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod ledger;

use countersign_types::CallFault;
use countersign_vm::{CallOutcome, limits};
use ledger::{bare, call, engine};
use proptest::prelude::*;
use wasmtime::{Caller, Config, Engine, Extern, Linker, Module, Store, Trap};

/// An expression of type i32 in a function with the parameters 0 and 1 and the local 2.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|n| format!("(i32.const {n})")),
        (0..5_i32).prop_map(|n| format!("(i32.const {n})")),
        (0..3_u32).prop_map(|n| format!("(local.get {n})")),
        Just("(global.get $g)".to_owned()),
    ];
    leaf.prop_recursive(5, 60, 4, |inner| {
        let pair = || (inner.clone(), inner.clone());
        let operator = prop::sample::select(vec![
            "add", "sub", "mul", "xor", "and", "or", "lt_s", "eq", "shl", "div_u", "rem_s",
        ]);
        prop_oneof![
            4 => (operator, pair()).prop_map(|(operator, (a, b))| format!("(i32.{operator} {a} {b})")),
            2 => (inner.clone(), pair()).prop_map(|(c, (a, b))| {
                format!("(if (result i32) {c} (then {a}) (else {b}))")
            }),
            // A `return` inside blocks, with more on the operand stack than it takes.
            2 => (inner.clone(), pair()).prop_map(|(c, (a, b))| {
                format!("(block (result i32) {a} (if {c} (then {a} {b} return)))")
            }),
            1 => pair().prop_map(|(a, b)| format!("(block (result i32) (return (i32.add {a} {b})))")),
            1 => pair().prop_map(|(a, c)| format!("(block $out (result i32) (br_if $out {a} {c}))")),
            1 => pair().prop_map(|(a, c)| {
                format!("(block $out (result i32) (i32.add (i32.const 1) (block $in (result i32) \
                    (br_table $in $out {a} {c}))))")
            }),
            1 => inner.clone().prop_map(|a| format!("(local.tee 2 {a})")),
            1 => inner.clone().prop_map(|a| format!("(block (result i32) (global.set $g {a}) (global.get $g))")),
            // Recursion on a smaller number.
            2 => pair().prop_map(|(a, b)| format!(
                "(if (result i32) (i32.gt_s (local.get 0) (i32.const 0)) \
                 (then (call_indirect (type $f) (i32.sub (local.get 0) (i32.const 1)) {a} (i32.and {b} (i32.const 1)))) \
                 (else (i32.const 7)))"
            )),
        ]
    })
}

/// Two functions that call each other through a table, and an entry that gives back the result and the global.
fn program(first: &str, second: &str) -> Vec<u8> {
    bare(&format!(
        r#"(import "countersign" "give_back" (func $give_back (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (type $f (func (param i32 i32) (result i32)))
        (table 2 funcref) (elem (i32.const 0) $first $second)
        (global $g (mut i32) (i32.const 3))
        (func $first (type $f) (local i32) {first})
        (func $second (type $f) (local i32) {second})
        (func (export "call") (param i32)
            (i32.store8 (i32.const 0) (i32.const 32))
            (i32.store (i32.const 1) (call $first (i32.const 4) (i32.const 9)))
            (i32.store (i32.const 5) (global.get $g))
            (drop (call $give_back (i32.const 0) (i32.const 9))))"#
    ))
}

const FUEL: u64 = 10_000_000;

/// What the program gives back on an engine without the counter.
fn run_plain(wasm: &[u8]) -> Result<Vec<u8>, CallFault> {
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config).unwrap();
    let mut linker = Linker::new(&engine);
    let give_back = |mut caller: Caller<'_, Vec<u8>>, pointer: u32, length: u32| {
        let memory = caller.get_export("memory").and_then(Extern::into_memory).unwrap();
        let (bytes, returned) = memory.data_and_store_mut(&mut caller);
        // Without the prefix that says how many bytes follow.
        *returned = bytes[pointer as usize + 1..(pointer + length) as usize].to_vec();
        0_i32
    };
    linker.func_wrap("countersign", "give_back", give_back).unwrap();
    let mut store = Store::new(&engine, Vec::new());
    store.set_fuel(FUEL).unwrap();
    let instance = linker.instantiate(&mut store, &Module::new(&engine, wasm).unwrap()).unwrap();
    let entry = instance.get_typed_func::<i32, ()>(&mut store, "call").unwrap();
    match entry.call(&mut store, 0) {
        Ok(()) => Ok(store.into_data()),
        Err(error) if error.downcast_ref() == Some(&Trap::OutOfFuel) => Err(CallFault::OutOfGas),
        Err(_) => Err(CallFault::Trap),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_counter_changes_no_result(first in expression(), second in expression()) {
        let wasm = program(&first, &second);
        prop_assert_eq!(call(&engine(), &wasm).result, run_plain(&wasm));
    }
}

#[test]
fn a_branch_to_the_function_itself_returns() {
    let bodies = [
        "(br 0 (i32.const 5))",
        "(block (result i32) (br 1 (local.get 1)))",
        "(loop (result i32) (br_table 1 1 (i32.const 6) (i32.const 0)))",
        "(if (local.get 0) (then (br_if 1 (i32.const 4) (local.get 1)) (drop))) (i32.const 7)",
    ];
    for body in bodies {
        let wasm = program(body, "(i32.const 0)");
        assert_eq!(call(&engine(), &wasm).result, run_plain(&wasm), "{body}");
    }
}

/// How deep a function of this shape goes before the counter stops it.
fn depth_of(locals: &str, before: &str, after: &str) -> usize {
    let survives = |depth: usize| {
        let wasm = bare(&format!(
            r#"(memory (export "memory") 1)
            (func $down (param $n i32) {locals}
                {before}
                (if (local.get $n) (then (call $down (i32.sub (local.get $n) (i32.const 1)))))
                {after})
            (func (export "call") (param i32) (call $down (i32.const {depth})))"#
        ));
        match call(&engine(), &wasm) {
            CallOutcome { result: Ok(_), .. } => true,
            CallOutcome { result: Err(CallFault::StackExhausted), .. } => false,
            other => panic!("{other:?}"),
        }
    };
    let (mut low, mut high) = (0, limits::STACK_BUDGET as usize / 128);
    while low + 1 < high {
        let middle = usize::midpoint(low, high);
        if survives(middle) { low = middle } else { high = middle }
    }
    low
}

/// Frozen: the depth is decided by the counter alone, so it is the same for every compiler and setting.
#[test]
fn depths_are_those_of_the_costs() {
    assert_eq!(depth_of("", "", ""), 5138);
    let locals = format!("(local {})", "i64 ".repeat(1000));
    assert_eq!(depth_of(&locals, "", ""), 126);
}

#[test]
fn a_thousand_values_kept_over_a_call_stop_in_time() {
    // Each is loaded before the call and used after it, so the compiler keeps all of them on the machine's stack.
    let locals = format!("(local {})", "i64 ".repeat(1000));
    let before: String =
        (1..=1000).map(|i| format!("(local.set {i} (i64.load offset={} (i32.const 0)))", i * 8)).collect();
    let after: String =
        (1..=1000).map(|i| format!("(i64.store offset={} (i32.const 0) (local.get {i}))", i * 8)).collect();
    assert_eq!(depth_of(&locals, &before, &after), 12);
}

#[test]
fn the_entry_point_is_counted_too() {
    let wasm = bare(
        r#"(memory (export "memory") 1)
        (func $call (export "call") (param i32) (call $call (local.get 0)))"#,
    );
    assert_eq!(call(&engine(), &wasm).result, Err(CallFault::StackExhausted));
}
