//! The stack counter: rewrites a valid module so that it stops itself, at the same call on every machine, long before the machine's
//! stack ends (whose depth differs by compiler and settings).
//!
//! Every function charges its cost against a hidden global on entry and gives it back on exit. The global is appended
//! after the module's own, so no index moves and valid code cannot name it. At the limit it is set to [`EXHAUSTED`], by
//! which the host tells this trap from others. Bodies are copied byte for byte but for `return`:
//!
//! ```text
//! if left < cost { left = -1; unreachable }
//! left -= cost
//! block result { body, each `return` now a `br` to this block }
//! left += cost
//! ```
use crate::limits;
use crate::scan::{Body, Scan, Section};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, Encode, ExportKind, GlobalSection, GlobalType, Instruction, Module, RawSection,
    ValType,
};

/// Export of the counter. A module that exports this name itself is refused.
pub(crate) const STACK_LEFT: &str = "countersign.stack_left";
/// What the counter is set to when it does not suffice.
pub(crate) const EXHAUSTED: i32 = -1;

const GLOBAL_SECTION: u8 = 6;
const EXPORT_SECTION: u8 = 7;
const CODE_SECTION: u8 = 10;

/// What one running invocation of a function costs: at least the bytes of its compiled frame. The term for the body is
/// essential: the compiler keeps hoisted values that no count of locals bounds.
pub(crate) fn cost(body: &Body) -> u64 {
    const BASE: u64 = 128;
    const PER_SLOT: u64 = 8;
    const PER_BODY_BYTE: u64 = 4;
    let code_bytes = (body.range.end - body.code_start) as u64;
    BASE + PER_SLOT * (body.locals + body.operands) + PER_BODY_BYTE * code_bytes
}

/// Puts the counter into `wasm`, of which `scan` is the scan. Custom sections are dropped.
///
/// # Panics
/// If the upload rules were not checked: there must be exports and bodies, and each body's cost must be within
/// [`limits::FUNCTION_FRAME_BYTES_MAX`].
pub(crate) fn instrument(wasm: &[u8], scan: &Scan<'_>) -> Vec<u8> {
    let mut module = Module::new();
    let mut has_globals = false;
    let mut has_code = false;
    for section in &scan.sections {
        if section.id > GLOBAL_SECTION && !has_globals {
            module.section(GlobalSection::new().global(counter_type(), &counter_start()));
            has_globals = true;
        }
        if section.id > CODE_SECTION && !has_code {
            module.section(&code(wasm, scan));
            has_code = true;
        }
        match section.id {
            GLOBAL_SECTION => {
                raw(&mut module, section, &with_counter(wasm, section));
                has_globals = true;
            }
            EXPORT_SECTION => raw(&mut module, section, &with_export(wasm, section, scan.globals)),
            _ => raw(&mut module, section, &wasm[section.contents.clone()]),
        }
    }
    if !has_code {
        module.section(&code(wasm, scan));
    }
    module.finish()
}

fn raw(module: &mut Module, section: &Section, data: &[u8]) {
    module.section(&RawSection { id: section.id, data });
}

fn counter_type() -> GlobalType {
    GlobalType { val_type: ValType::I32, mutable: true, shared: false }
}

fn counter_start() -> ConstExpr {
    ConstExpr::i32_const(limits::STACK_BUDGET.cast_signed())
}

/// The section's list with one more item, whose bytes `append` writes.
fn with_item(wasm: &[u8], section: &Section, append: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let (items_start, count) = section.items.expect("globals and exports are lists");
    let mut data = Vec::with_capacity(section.contents.len() + 48);
    (count + 1).encode(&mut data);
    data.extend_from_slice(&wasm[items_start..section.contents.end]);
    append(&mut data);
    data
}

fn with_counter(wasm: &[u8], section: &Section) -> Vec<u8> {
    with_item(wasm, section, |data| {
        counter_type().encode(data);
        counter_start().encode(data);
    })
}

fn with_export(wasm: &[u8], section: &Section, global: u32) -> Vec<u8> {
    with_item(wasm, section, |data| {
        STACK_LEFT.encode(data);
        ExportKind::Global.encode(data);
        global.encode(data);
    })
}

fn code(wasm: &[u8], scan: &Scan<'_>) -> CodeSection {
    let mut section = CodeSection::new();
    for body in &scan.bodies {
        section.raw(&counted(wasm, body, scan.globals));
    }
    section
}

/// A body that charges the counter in `global`.
fn counted(wasm: &[u8], body: &Body, global: u32) -> Vec<u8> {
    use Instruction as I;
    let cost = i32::try_from(cost(body)).expect("costs were checked");
    let block = match body.result {
        None => BlockType::Empty,
        Some(ty) => BlockType::Result(value_type(ty)),
    };
    let mut out = Vec::with_capacity(body.range.len() + 48);
    out.extend_from_slice(&wasm[body.range.start..body.code_start]);
    let prologue = [
        I::GlobalGet(global),
        I::I32Const(cost),
        I::I32LtU,
        I::If(BlockType::Empty),
        I::I32Const(EXHAUSTED),
        I::GlobalSet(global),
        I::Unreachable,
        I::End,
        I::GlobalGet(global),
        I::I32Const(cost),
        I::I32Sub,
        I::GlobalSet(global),
        I::Block(block),
    ];
    prologue.iter().for_each(|instruction| instruction.encode(&mut out));
    let mut copied = body.code_start;
    for (at, blocks) in &body.returns {
        out.extend_from_slice(&wasm[copied..*at]);
        I::Br(*blocks).encode(&mut out);
        copied = at + 1;
    }
    // The body's last `end` now closes the block.
    out.extend_from_slice(&wasm[copied..body.range.end]);
    let epilogue = [I::GlobalGet(global), I::I32Const(cost), I::I32Add, I::GlobalSet(global), I::End];
    epilogue.iter().for_each(|instruction| instruction.encode(&mut out));
    out
}

/// The only two types of values under the allowed features.
fn value_type(ty: wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        other => unreachable!("{other} is refused by the validator"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan;

    /// A module without globals of its own, one with them, one with a section behind the code.
    const SAMPLES: [&str; 3] = [
        r#"(module (memory (export "memory") 1) (func (export "call") (param i32)))"#,
        r#"(module (memory (export "memory") 1) (global (mut i64) (i64.const 1))
            (func $f (param i64) (result i64)
                (if (i64.eqz (local.get 0)) (then (block (return (i64.const 5)))))
                (local.get 0))
            (func (export "call") (param i32) (global.set 0 (call $f (i64.const 3)))))"#,
        r#"(module (import "countersign" "get" (func (param i32 i32) (result i32)))
            (memory (export "memory") 1) (table 1 funcref) (elem (i32.const 0) 0)
            (data (i32.const 0) "x") (func (export "call") (param i32)))"#,
    ];

    fn instrumented(text: &str) -> Vec<u8> {
        let wasm = wat::parse_str(text).unwrap();
        instrument(&wasm, &scan::scan(&wasm).unwrap())
    }

    /// The counter decides where a contract stops and how much gas it uses: other bytes are another protocol.
    #[test]
    fn the_bytes_of_the_counter_are_frozen() {
        let mut hasher = countersign_types::Hasher::new("frozen");
        for text in SAMPLES {
            hasher.update(&instrumented(text));
        }
        assert_eq!(hasher.finish().to_string(), "77ae338a944f79aff2df369c2f8fdb26bbbb2efac2fe8186dfb37e4cc5bb1507");
    }

    #[test]
    fn what_comes_out_is_valid_and_exports_the_counter() {
        for text in SAMPLES {
            let out = instrumented(text);
            let scan = scan::scan(&out).unwrap();
            let (_, kind, index) = *scan.exports.last().unwrap();
            assert_eq!((kind, index), (wasmparser::ExternalKind::Global, scan.globals - 1));
        }
    }

    #[test]
    fn costs_follow_the_formula() {
        let cost_of = |text: &str| {
            let wasm = wat::parse_str(text).unwrap();
            cost(&scan::scan(&wasm).unwrap().bodies[0])
        };
        // 128, and 4 for the one byte of `end`.
        assert_eq!(cost_of("(module (func))"), 132);
        // Two parameters and three locals.
        assert_eq!(cost_of("(module (func (param i32 i64) (local i32 i32 i64)))"), 132 + 5 * 8);
        // Two operands at once, and six bytes more.
        assert_eq!(cost_of("(module (func (drop (i32.add (i32.const 1) (i32.const 2)))))"), 132 + 2 * 8 + 6 * 4);
    }
}
