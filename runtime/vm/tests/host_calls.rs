//! The boundary between contract and ledger: what goes over it arrives unchanged, and is paid for by the table.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod ledger;

use countersign_types::{AccountId, CallFault, Gas};
use ledger::{GAS, Ledger, contract, engine, load};
use parity_scale_codec::{Decode, Encode};

/// Bytes as they stand in a text module.
fn data(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Calls a host function with `args` and gives back its encoded result.
fn asking(function: &str, args: &[u8]) -> Vec<u8> {
    // The result goes behind four bytes for its length, written as SCALE's four-byte form.
    contract(&format!(
        r#"(data (i32.const 0) "{}")
        (func (export "call") (param i32) (local $length i32)
            (local.set $length (call ${function} (i32.const 0) (i32.const {})))
            (call $take_result (i32.const 20004))
            (i32.store (i32.const 20000) (i32.or (i32.shl (local.get $length) (i32.const 2)) (i32.const 2)))
            (drop (call $give_back (i32.const 20000) (i32.add (local.get $length) (i32.const 4)))))"#,
        data(args),
        args.len(),
    ))
}

/// A result of this size is written in the four-byte form by every encoder.
const LONG: usize = 20_000;

#[test]
fn a_value_comes_back_as_it_is_stored() {
    let value: Vec<u8> = (0..LONG).map(|i| (i * 7) as u8).collect();
    let mut ledger = Ledger::default();
    ledger.entries.insert(b"k".to_vec(), value.clone());
    let outcome = load(&engine(), &asking("get", &b"k".to_vec().encode())).call(0, &[], &[], GAS, &mut ledger);
    let returned = outcome.result.unwrap();
    assert_eq!(Option::<Vec<u8>>::decode(&mut &returned[..]).unwrap(), Some(value));
}

#[test]
fn results_are_paid_by_the_byte() {
    let module = load(&engine(), &asking("get", &b"k".to_vec().encode()));
    let used = |bytes: usize| {
        let mut ledger = Ledger::default();
        ledger.entries.insert(b"k".to_vec(), vec![1; bytes]);
        let outcome = module.call(0, &[], &[], GAS, &mut ledger);
        assert!(outcome.result.is_ok());
        outcome.gas_used.get()
    };
    // Both lengths take the same form; each byte is paid by `get` and by `give_back`.
    assert_eq!(used(LONG + 1_000) - used(LONG), 2_000);
}

#[test]
fn the_input_is_the_parties_and_the_arguments() {
    let parties: Vec<AccountId> = (0..3).map(|i| AccountId([i; 32])).collect();
    let args = vec![9_u8; LONG];
    let module = load(&engine(), &asking("input", &[]));
    let outcome = module.call(0, &parties, &args, GAS, &mut Ledger::default());
    assert_eq!(outcome.result.unwrap(), (parties, args).encode());
}

#[test]
fn the_method_reaches_the_contract() {
    let wasm = contract(
        r#"(func (export "call") (param $method i32)
            (i32.store8 (i32.const 0) (i32.const 16))
            (i32.store (i32.const 1) (local.get $method))
            (drop (call $give_back (i32.const 0) (i32.const 5))))"#,
    );
    for method in [0, 5, u32::MAX] {
        let outcome = load(&engine(), &wasm).call(method, &[], &[], GAS, &mut Ledger::default());
        assert_eq!(outcome.result, Ok(method.to_le_bytes().to_vec()));
    }
}

#[test]
fn the_last_value_given_back_counts() {
    let wasm = contract(
        r#"(data (i32.const 0) "\04a\04b")
        (func (export "call") (param i32)
            (drop (call $give_back (i32.const 0) (i32.const 2)))
            (drop (call $give_back (i32.const 2) (i32.const 2))))"#,
    );
    assert_eq!(ledger::call(&engine(), &wasm).result, Ok(b"b".to_vec()));
}

#[test]
fn writes_and_events_reach_the_ledger() {
    let set = (b"key".to_vec(), b"value".to_vec()).encode();
    let emit = (3_u8, vec![AccountId([4; 32])], b"data".to_vec()).encode();
    let wasm = contract(&format!(
        r#"(data (i32.const 0) "{}") (data (i32.const 100) "{}")
        (func (export "call") (param i32)
            (drop (call $set (i32.const 0) (i32.const {})))
            (drop (call $emit (i32.const 100) (i32.const {}))))"#,
        data(&set),
        data(&emit),
        set.len(),
        emit.len(),
    ));
    let mut ledger = Ledger::default();
    let outcome = load(&engine(), &wasm).call(0, &[], &[], GAS, &mut ledger);
    assert_eq!(outcome.result, Ok(vec![]));
    assert_eq!(ledger.entries[&b"key".to_vec()], b"value");
    assert_eq!(ledger.events, [(3, vec![AccountId([4; 32])], b"data".to_vec())]);
    let host_gas = 12_000 + 4 * set.len() + 3_000 + 4 * emit.len();
    assert_eq!(outcome.gas_used, Gas::new(host_gas as u64 + 19));
}

#[test]
fn a_fault_of_the_ledger_ends_the_call() {
    let calling = asking("call_module", b"\x14other\0\0\0\0\0\0\0\0\0\0");
    let outcome = ledger::call(&engine(), &calling);
    assert_eq!(outcome.result, Err(CallFault::UnknownModule));
    assert_eq!(outcome.gas_used, Gas::new(10_000 + 2 * 16 + 12));
}

#[test]
fn the_ledger_may_charge_more_than_the_table() {
    let schedule = (0_u64, 0_u32, Vec::<u8>::new()).encode();
    let wasm = ledger::bare(&format!(
        r#"(import "countersign" "schedule" (func $schedule (param i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 0) "{}")
        (func (export "call") (param i32) (drop (call $schedule (i32.const 0) (i32.const {}))))"#,
        data(&schedule),
        schedule.len()
    ));
    let module = load(&engine(), &wasm);
    let price = 38_000 + 4 * schedule.len() as u64 + 1_000_000 + 4 * 8;
    let outcome = module.call(0, &[], &[], GAS, &mut Ledger::default());
    assert_eq!((outcome.result, outcome.gas_used), (Ok(vec![]), Gas::new(price + 16)));
    let outcome = module.call(0, &[], &[], Gas::new(1_000_000), &mut Ledger::default());
    assert_eq!(outcome.result, Err(CallFault::OutOfGas));
}
