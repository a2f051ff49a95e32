//! Every rule for uploads: what breaks it is refused by its own error, and what barely keeps it passes and runs.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod ledger;

use countersign_types::limits::CODE_BYTES_MAX;
use countersign_vm::{UploadError, limits};
use ledger::{bare, contract, engine};
use proptest::prelude::*;

const ENTRY: &str = r#"(func (export "call") (param i32))"#;
const MEMORY: &str = r#"(memory (export "memory") 1)"#;

fn refusal(wasm: &[u8]) -> UploadError {
    engine().check(wasm).unwrap_err()
}

macro_rules! assert_refused {
    ($wasm:expr, $pattern:pat $(if $guard:expr)?) => {
        let error = refusal(&$wasm);
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
    };
}

/// Checks, compiles and runs once.
fn assert_runs(wasm: &[u8]) {
    let outcome = ledger::call(&engine(), wasm);
    assert_eq!(outcome.result, Ok(vec![]), "{outcome:?}");
}

#[test]
fn the_smallest_contract_passes() {
    assert_runs(&contract(ENTRY));
}

#[test]
fn an_upload_carries_its_hash_and_interface() {
    let wasm = contract(ENTRY);
    let upload = engine().check(&wasm).unwrap();
    assert_eq!(upload.code, countersign_types::Hash::of("code", &wasm));
    assert_eq!(upload.interface.module.as_str(), "test");
}

#[test]
fn bytes_that_are_no_module_are_refused() {
    assert_refused!([], UploadError::Malformed { .. });
    assert_refused!(*b"\0asm\x01\0\0", UploadError::Malformed { .. });
    assert_refused!(*b"\0asm\x0d\0\x01\0", UploadError::Malformed { .. });
    let mut cut = contract(ENTRY);
    cut.truncate(cut.len() - 3);
    assert_refused!(cut, UploadError::Malformed { .. });
}

#[test]
fn more_bytes_than_a_module_may_have_are_refused_unread() {
    assert_refused!(vec![0; CODE_BYTES_MAX + 1], UploadError::TooLarge { size, limit: CODE_BYTES_MAX } if *size == CODE_BYTES_MAX + 1);
    assert_refused!(vec![0; CODE_BYTES_MAX], UploadError::Malformed { .. });
}

#[test]
fn features_beyond_webassembly_1_are_refused_with_their_place() {
    let bodies = [
        "(drop (f32.const 1))",
        "(drop (f64.add (f64.const 1) (f64.const 2)))",
        "(drop (i32.trunc_f32_s (f32.const 1)))",
        "(drop (v128.const i32x4 0 0 0 0))",
        "(memory.fill (i32.const 0) (i32.const 0) (i32.const 1))",
        "(memory.copy (i32.const 0) (i32.const 0) (i32.const 1))",
        "(drop (i32.extend8_s (i32.const 1)))",
        "(drop (i32.atomic.load (i32.const 0)))",
        "(drop (ref.null func))",
        "(drop (ref.null extern))",
        "(return_call $itself (i32.const 0))",
        "(drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)) (drop))",
    ];
    for body in bodies {
        let wasm = contract(&format!(r#"(func $itself (export "call") (param i32) {body})"#));
        assert_refused!(wasm, UploadError::Feature { offset, .. } if *offset > 0);
    }
    let items = [
        "(func (result i32 i32) (i32.const 1) (i32.const 2))",
        "(func (param f64))",
        "(global f32 (f32.const 0))",
        "(memory 1)",
        "(tag (param i32))",
        "(type (struct))",
        "(table 1 externref)",
        "(data \"passive\")",
        "(global i32 (i32.add (i32.const 1) (i32.const 1)))",
    ];
    for item in items {
        assert_refused!(contract(&format!("{ENTRY} {item}")), UploadError::Feature { .. });
    }
    for memory in ["i64 1", "1 1 shared", "1 1 (pagesize 1)"] {
        assert_refused!(bare(&format!(r#"(memory (export "memory") {memory}) {ENTRY}"#)), UploadError::Feature { .. });
    }
}

#[test]
fn a_start_function_is_refused() {
    assert_refused!(contract(&format!("{ENTRY} (func $first) (start $first)")), UploadError::Start);
}

#[test]
fn imports_are_host_functions_with_their_type() {
    let with = |import: &str| bare(&format!("{import} {MEMORY} {ENTRY}"));
    for import in [
        r#"(import "env" "get" (func (param i32 i32) (result i32)))"#,
        r#"(import "countersign" "launch" (func (param i32 i32) (result i32)))"#,
        r#"(import "countersign" "get" (global i32))"#,
        r#"(import "countersign" "table" (table 1 funcref))"#,
        r#"(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))"#,
    ] {
        assert_refused!(with(import), UploadError::UnknownImport { .. });
    }
    assert_refused!(
        bare(&format!(r#"(import "countersign" "memory" (memory 1)) (export "memory" (memory 0)) {ENTRY}"#)),
        UploadError::UnknownImport { .. }
    );
    for import in [
        r#"(import "countersign" "get" (func (param i32) (result i32)))"#,
        r#"(import "countersign" "get" (func (param i32 i32)))"#,
        r#"(import "countersign" "get" (func (param i32 i64) (result i32)))"#,
        r#"(import "countersign" "take_result" (func (param i32 i32) (result i32)))"#,
        r#"(import "countersign" "take_result" (func (param i32) (result i32)))"#,
    ] {
        assert_refused!(with(import), UploadError::ImportType { .. });
    }
    assert_runs(&with(r#"(import "countersign" "cancel" (func (param i32 i32) (result i32)))"#));
}

#[test]
fn the_exports_are_a_memory_and_an_entry_point_of_the_module() {
    assert_refused!(bare(&format!("(memory 1) {ENTRY}")), UploadError::ExportMissing { name: "memory" });
    assert_refused!(bare(ENTRY), UploadError::ExportMissing { name: "memory" });
    assert_refused!(bare(MEMORY), UploadError::ExportMissing { name: "call" });
    assert_refused!(
        bare(&format!(r#"(memory 1) (global (export "memory") i32 (i32.const 0)) {ENTRY}"#)),
        UploadError::ExportType { name: "memory", .. }
    );
    for entry in [
        r#"(func (export "call"))"#,
        r#"(func (export "call") (param i64))"#,
        r#"(func (export "call") (param i32 i32))"#,
        r#"(func (export "call") (param i32) (result i32) (i32.const 0))"#,
        r#"(global (export "call") i32 (i32.const 0))"#,
    ] {
        assert_refused!(bare(&format!("{MEMORY} {entry}")), UploadError::ExportType { name: "call", .. });
    }
    // The right type, but the host's function.
    assert_refused!(
        bare(&format!(r#"(import "countersign" "take_result" (func (param i32))) (export "call" (func 0)) {MEMORY}"#)),
        UploadError::ExportType { name: "call", .. }
    );
    assert_refused!(
        contract(&format!(r#"{ENTRY} (global (export "countersign.stack_left") i32 (i32.const 0))"#)),
        UploadError::ReservedExport { name: "countersign.stack_left" }
    );
}

#[test]
fn memory_starts_within_its_limit() {
    let with = |pages: u64| bare(&format!(r#"(memory (export "memory") {pages} 65536) {ENTRY}"#));
    assert_refused!(with(limits::PAGES_MAX + 1), UploadError::MemoryTooLarge { pages: 65, limit: 64 });
    assert_runs(&with(limits::PAGES_MAX));
    assert_runs(&with(0));
}

#[test]
fn segments_lie_within_what_they_fill() {
    assert_runs(&contract(&format!(r#"{ENTRY} (data (i32.const 65535) "x")"#)));
    assert_refused!(
        contract(&format!(r#"{ENTRY} (data (i32.const 65536) "x")"#)),
        UploadError::SegmentOutOfBounds { what: "data", end: 65_537, size: 65_536 }
    );
    assert_refused!(
        contract(&format!(r#"{ENTRY} (data (i32.const -1) "x")"#)),
        UploadError::SegmentOutOfBounds { what: "data", end: 4_294_967_296, .. }
    );
    assert_runs(&contract(&format!("{ENTRY} (table 2 funcref) (elem (i32.const 1) 0)")));
    assert_refused!(
        contract(&format!("{ENTRY} (table 2 funcref) (elem (i32.const 1) 0 0)")),
        UploadError::SegmentOutOfBounds { what: "element", end: 3, size: 2 }
    );
}

/// Items `count` times, each made from its number.
fn repeated(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect()
}

#[test]
fn counts_are_bounded_and_the_bounds_fit_the_engine() {
    let table = |elements: u64| contract(&format!("{ENTRY} (table {elements} funcref) (elem (i32.const 0) $get)"));
    assert_refused!(table(limits::TABLE_ELEMENTS_MAX + 1), UploadError::TooMany { what: "elements in its table", .. });
    assert_runs(&table(limits::TABLE_ELEMENTS_MAX));

    let globals = |count| contract(&format!("{ENTRY} {}", repeated(count, |_| "(global i64 (i64.const 1))".into())));
    assert_refused!(globals(limits::GLOBALS_MAX + 1), UploadError::TooMany { what: "globals", .. });
    assert_runs(&globals(limits::GLOBALS_MAX));

    let exports = |count| {
        contract(&format!("{ENTRY} {}", repeated(count, |i| format!(r#"(global (export "g{i}") i32 (i32.const 0))"#))))
    };
    assert_refused!(exports(limits::EXPORTS_MAX - 1), UploadError::TooMany { what: "exports", .. });
    assert_runs(&exports(limits::EXPORTS_MAX - 2));

    // All in the table, so that the engine needs a reference for each.
    let functions = |count| {
        let functions = repeated(count, |_| "(func)".into());
        let elements = repeated(count, |i| format!(" {}", i + 10));
        contract(&format!("{ENTRY} {functions} (table {count} funcref) (elem (i32.const 0) {elements})"))
    };
    assert_refused!(functions(limits::FUNCTIONS_MAX), UploadError::TooMany { what: "functions", .. });
    assert_runs(&functions(limits::FUNCTIONS_MAX - 1));

    let types = |count| {
        let param = |i: usize, bit: usize| if i >> bit & 1 == 0 { "i32" } else { "i64" };
        let params = |i| (0..11).map(|bit| param(i, bit)).collect::<Vec<_>>().join(" ");
        contract(&format!("{ENTRY} {}", repeated(count, |i| format!("(type (func (param {})))", params(i)))))
    };
    assert_refused!(types(limits::TYPES_MAX), UploadError::TooMany { what: "types", .. });
    assert_runs(&types(limits::TYPES_MAX - 4));
}

#[test]
fn parameters_and_locals_are_bounded() {
    let params = |count| contract(&format!("{ENTRY} (func (param {}))", repeated(count, |_| "i32 ".into())));
    assert_refused!(params(limits::PARAMS_MAX + 1), UploadError::TooMany { what: "parameters of one function", .. });
    assert_runs(&params(limits::PARAMS_MAX));

    // The entry point has one more.
    let locals = |last: usize| {
        let function = |count| format!("(func (local {}))", repeated(count, |_| "i32 ".into()));
        contract(&format!("{ENTRY} {} {}", function(10_000).repeat(6), function(last)))
    };
    let fitting = limits::LOCALS_MAX as usize - 60_000 - 1;
    assert_refused!(locals(fitting + 1), UploadError::TooMany { what: "locals and parameters", .. });
    assert_runs(&locals(fitting));
}

#[test]
fn what_compilers_find_hard_is_bounded() {
    let nested = |count: usize| contract(&format!("{ENTRY} (func {}{})", "(loop ".repeat(count), ")".repeat(count)));
    let bound = limits::LOOP_DEPTH_MAX as usize;
    assert_refused!(nested(bound + 1), UploadError::TooMany { what: "loops in one another", count: 65, .. });
    assert_runs(&nested(bound));
    // After one another they are not in one another.
    assert_runs(&contract(&format!("{ENTRY} (func {})", "(loop (block))".repeat(bound + 1))));

    let loops = |count| contract(&format!("{ENTRY} (func (local {}) {})", "i32 ".repeat(200), "(loop)".repeat(count)));
    assert_refused!(loops(1001), UploadError::TooMany { count: 200_200, .. });
    assert_runs(&loops(1000));

    let targets = |count| {
        let table = format!("(br_table {} (i32.const 0))", "0 ".repeat(1024));
        let rest = format!("(br_table {} (i32.const 0))", "0 ".repeat(count));
        contract(&format!("{ENTRY} {} (func {rest})", format!("(func {table})").repeat(15)))
    };
    assert_refused!(targets(1025), UploadError::TooMany { what: "targets of branch tables", count: 16_385, .. });
    assert_runs(&targets(1024));
}

#[test]
fn a_function_is_bounded_in_locals_and_in_code() {
    let locals = |count| {
        contract(&format!(r#"(func (export "call") (param i32) (local {}))"#, repeated(count, |_| "i64 ".into())))
    };
    // 128 for the frame, 8 for the parameter, 4 for the `end`.
    let fitting = (limits::FUNCTION_FRAME_BYTES_MAX as usize - 128 - 8 - 4) / 8;
    assert_refused!(locals(fitting + 1), UploadError::FunctionTooCostly { function: 0, limit: 131_072, .. });
    assert_runs(&locals(fitting));

    // Three bytes and one operand each.
    let code = |count| {
        contract(&format!(
            r#"(func (export "call") (param i32) {})"#,
            repeated(count, |_| "(drop (i32.const 1)) ".into())
        ))
    };
    assert_refused!(code(10_911), UploadError::FunctionTooCostly { .. });
    assert_runs(&code(10_910));
}

#[test]
fn all_bodies_together_are_bounded() {
    let body = repeated(10_000, |_| "(drop (i32.const 1)) ".into());
    let functions = |count| contract(&format!("{ENTRY} {}", repeated(count, |_| format!("(func {body})"))));
    assert_refused!(functions(9), UploadError::TooMany { what: "bytes of function bodies", .. });
    assert_runs(&functions(8));
}

#[test]
fn the_interface_stands_in_one_section_of_text_that_parses() {
    let with = |sections: &str| wat::parse_str(format!("(module {sections} {MEMORY} {ENTRY})")).unwrap();
    assert_refused!(with(""), UploadError::InterfaceSections { count: 0 });
    let section = r#"(@custom "countersign.interface" "module test;")"#;
    assert_refused!(with(&format!("{section}{section}")), UploadError::InterfaceSections { count: 2 });
    assert_refused!(with(r#"(@custom "countersign.interface" "\ff")"#), UploadError::InterfaceText(_));
    assert_refused!(with(r#"(@custom "countersign.interface" "modul test;")"#), UploadError::Interface(_));
    assert_refused!(with(r#"(@custom "countersign.interface" "")"#), UploadError::Interface(_));
}

/// A module that touches most of what the checks read.
fn sample() -> Vec<u8> {
    contract(
        r#"
        (type $binary (func (param i32 i32) (result i32)))
        (table 4 funcref)
        (elem (i32.const 0) $add $get)
        (global $g (mut i64) (i64.const 5))
        (data (i32.const 8) "\04k\04v")
        (func $add (type $binary) (local i64 i64) (if (result i32) (local.get 0)
            (then (return (i32.add (local.get 0) (local.get 1))))
            (else (i32.sub (local.get 0) (local.get 1)))))
        (func $loop (param $n i32) (result i32) (local $sum i32)
            (block $done (loop $again
                (br_if $done (i32.eqz (local.get $n)))
                (local.set $sum (call_indirect (type $binary) (local.get $sum) (local.get $n) (i32.const 0)))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br $again)))
            (local.get $sum))
        (func (export "call") (param i32)
            (drop (call $set (i32.const 8) (i32.const 4)))
            (drop (call $get (i32.const 8) (i32.const 2)))
            (call $take_result (i32.const 100))
            (i32.store (i32.const 0) (call $loop (i32.const 100))))"#,
    )
}

/// Whatever passes the checks compiles and runs to an outcome.
fn assert_harmless(wasm: &[u8]) {
    let engine = engine();
    if let Ok(upload) = engine.check(wasm) {
        let module = engine.load(upload.code, || Some(wasm.to_vec())).unwrap();
        let outcome = module.call(0, &[], &[], ledger::GAS, &mut ledger::Ledger::default());
        assert!(outcome.gas_used <= ledger::GAS);
    }
}

#[test]
fn the_sample_of_the_mutations_passes() {
    assert_runs(&sample());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_modules_never_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut wasm = sample();
        for (at, byte) in edits {
            let at = at.index(wasm.len());
            wasm[at] = byte;
        }
        assert_harmless(&wasm);
    }

    #[test]
    fn cut_and_spliced_modules_never_panic(from: prop::sample::Index, to: prop::sample::Index, at: prop::sample::Index) {
        let wasm = sample();
        let (from, to) = (from.index(wasm.len()), to.index(wasm.len()));
        let piece = wasm[from.min(to)..from.max(to)].to_vec();
        let mut spliced = wasm.clone();
        let at = at.index(wasm.len());
        spliced.splice(at..at, piece);
        assert_harmless(&spliced);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        wasm.extend_from_slice(&bytes);
        prop_assert!(engine().check(&wasm).is_err());
        prop_assert!(engine().check(&bytes).is_err());
    }
}
