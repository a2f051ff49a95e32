//! What calls, loads and checks take, and what prices rest on: the time of one unit of gas, of crossing the boundary, of a byte, of a page.
#![allow(missing_docs, reason = "criterion's macro makes a public function")]

#[path = "../tests/ledger/mod.rs"]
mod ledger;

use countersign_types::{AccountId, Gas, Hash};
use countersign_vm::{Engine, EngineConfig, Module, limits};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ledger::{Ledger, contract, engine, load};
use parity_scale_codec::Encode;
use std::hint::black_box;

const GAS: Gas = Gas::new(1_000_000_000);

/// Runs once; the call must succeed. Returns the gas.
fn run(module: &Module, parties: &[AccountId], args: &[u8], ledger: &mut Ledger) -> u64 {
    let outcome = black_box(module.call(0, parties, args, GAS, ledger));
    outcome.result.expect("the bench's contracts succeed");
    outcome.gas_used.get()
}

fn data(at: usize, bytes: &[u8]) -> String {
    let bytes: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {at}) \"{bytes}\")")
}

/// A transfer's worth of host functions: input, two reads, two writes, an event, the time, an answer.
fn eight_host_calls() -> Vec<u8> {
    let key = vec![1_u8; 40];
    let entry = (key.clone(), vec![2_u8; 100]).encode();
    let event = (0_u8, vec![AccountId([0; 32]), AccountId([1; 32])], vec![3_u8; 40]).encode();
    let (key, answer) = (key.encode(), vec![4_u8; 8].encode());
    let call = |function: &str, at: usize, length: usize| {
        format!(
            "(if (call ${function} (i32.const {at}) (i32.const {length})) (then (call $take_result (i32.const 4096))))"
        )
    };
    contract(&format!(
        r#"{} {} {} {} (func (export "call") (param i32) {} {} {} {} {} {} {} {})"#,
        data(0, &key),
        data(256, &entry),
        data(512, &event),
        data(768, &answer),
        call("input", 0, 0),
        call("get", 0, key.len()),
        call("get", 0, key.len()),
        call("set", 256, entry.len()),
        call("set", 256, entry.len()),
        call("emit", 512, event.len()),
        call("now", 0, 0),
        call("give_back", 768, answer.len()),
    ))
}

/// Repeats `body` in a loop; local 1 counts down.
fn repeated(times: u32, setup: &str, body: &str) -> Vec<u8> {
    contract(&format!(
        r#"{setup} (func (export "call") (param i32) (local i32 i64)
            (local.set 1 (i32.const {times}))
            (loop $again
                {body}
                (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
                (br_if $again (local.get 1))))"#
    ))
}

fn calls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call");
    let parties = [AccountId([5; 32]), AccountId([6; 32])];
    let mut ledger = Ledger::default();
    let mut measure = |name: &str, wasm: &[u8]| {
        let module = load(&engine(), wasm);
        println!("{name}: {} gas", run(&module, &parties, &[7; 64], &mut ledger));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                ledger.events.clear();
                run(&module, &parties, &[7; 64], &mut ledger)
            });
        });
    };
    measure("of an empty method", &contract(r#"(func (export "call") (param i32))"#));
    measure("with 8 host functions", &eight_host_calls());
    group.finish();
}

/// Time per element is time per unit of gas where the price is that of operators, and per use elsewhere.
fn prices(criterion: &mut Criterion) {
    const TIMES: u32 = 10_000;
    let mut group = criterion.benchmark_group("price");
    let mut measure = |name: &str, uses: u64, wasm: &[u8]| {
        let module = load(&engine(), wasm);
        let mut ledger = Ledger::default();
        ledger.entries.insert(vec![1; 40], vec![2; 60_000]);
        let gas = run(&module, &[], &[], &mut ledger);
        println!("{name}: {} gas per use", gas / uses);
        group.throughput(Throughput::Elements(uses));
        group.bench_function(name, |bencher| bencher.iter(|| run(&module, &[], &[], &mut ledger)));
    };
    let arithmetic =
        "(local.set 2 (i64.xor (i64.mul (i64.add (local.get 2) (i64.const 7)) (i64.const 31)) (i64.const 5)))";
    let gas_of_arithmetic = 14;
    measure("unit of gas, arithmetic", gas_of_arithmetic * u64::from(TIMES), &repeated(TIMES, "", arithmetic));
    let memory = "(i64.store (i32.and (i32.mul (local.get 1) (i32.const 832)) (i32.const 0xfff8)) (i64.load (i32.and (i32.mul (local.get 1) (i32.const 64)) (i32.const 0xfff8))))";
    let gas_of_memory = 15;
    measure("unit of gas, memory", gas_of_memory * u64::from(TIMES), &repeated(TIMES, "", memory));
    let division = "(local.set 2 (i64.div_u (i64.sub (local.get 2) (i64.const 1)) (i64.extend_i32_u (local.get 1))))";
    measure("division", TIMES.into(), &repeated(TIMES, "", division));
    let now = "(drop (call $now (i32.const 0) (i32.const 0))) (call $take_result (i32.const 0))";
    measure("host function", TIMES.into(), &repeated(TIMES, "", now));
    let key = vec![1_u8; 40].encode();
    let get = format!("(drop (call $get (i32.const 0) (i32.const {}))) (call $take_result (i32.const 128))", key.len());
    measure("byte of a result", 200 * 60_000, &repeated(200, &data(0, &key), &get));
    let touch = "(i32.store (i32.sub (i32.mul (local.get 1) (i32.const 4096)) (i32.const 4)) (i32.const 1))";
    let pages = limits::PAGES_MAX;
    let system_pages = (limits::PAGE_BYTES as u64 / 4096 * pages) as u32;
    let grow = contract(&format!(
        r#"(func (export "call") (param i32) (local i32)
            (drop (memory.grow (i32.const {})))
            (local.set 1 (i32.const {system_pages}))
            (loop $again {touch}
                (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
                (br_if $again (local.get 1))))"#,
        pages - 1
    ));
    measure("page of memory", pages, &grow);
    group.finish();
}

fn loads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    let wasm = eight_host_calls();
    let code = Hash::of("code", &wasm);
    let directory = tempfile::tempdir().expect("the system has room for files");
    let config = || EngineConfig { cache_dir: Some(directory.path().to_owned()) };
    let fresh = || Engine::new(config()).expect("the engine starts");
    fresh().load(code, || Some(wasm.clone())).expect("the code is good");
    group.bench_function("from disk", |bencher| {
        bencher.iter_batched(
            fresh,
            |engine| engine.load(code, || None).expect("the file is there"),
            criterion::BatchSize::PerIteration,
        );
    });
    let engine = engine();
    engine.load(code, || Some(wasm.clone())).expect("the code is good");
    group.bench_function("from memory", |bencher| bencher.iter(|| engine.load(code, || None)));
    group.throughput(Throughput::Bytes(wasm.len() as u64));
    group.bench_function("check", |bencher| bencher.iter(|| engine.check(black_box(&wasm))));
    group.finish();
}

criterion_group!(benches, calls, prices, loads);
criterion_main!(benches);
