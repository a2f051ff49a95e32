//! A contract for tests that does what its argument says: a script of host functions with raw arguments.
use crate::world::{World, id};
use countersign_types::{AccountId, Bytes, Call, Interface, ModuleName, Receipt};
use parity_scale_codec::Encode;

/// Contracts of this kind on the ledger: as many as calls may nest, and one more.
pub const NAMES: [&str; 10] = ["probe", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"];

/// Host functions in the order of the contract's table.
const FUNCTIONS: [&str; 25] = [
    "input",
    "give_back",
    "fail",
    "get",
    "set",
    "remove",
    "range",
    "now",
    "height",
    "chain",
    "transaction",
    "this",
    "caller",
    "transfer",
    "balance",
    "resolve",
    "account",
    "has_role",
    "asset_is_active",
    "verify_document",
    "hash",
    "emit",
    "schedule",
    "cancel",
    "call_module",
];

/// Steps that are no host functions.
const TRAP: u8 = 255;
const SPIN: u8 = 254;
const RECURSE: u8 = 253;
const ANSWER: u8 = 252;

pub fn declaration(module: &str) -> String {
    format!(
        "module {module};\n\
         error 1 Any \"Any refusal.\";\n\
         event Noted {{ note: Bytes }};\n\
         call act(actor*) {{ script: Bytes }} \"Let {{actor}} act\";\n\
         scheduled tick {{ script: Bytes }};\n\
         query look {{ script: Bytes }} -> Bytes;\n"
    )
}

/// The contract called `module`.
pub fn wasm(module: &str) -> Vec<u8> {
    wasm_with(module, "")
}

/// The contract with further module items, such as data that makes it other code.
pub fn wasm_with(module: &str, items: &str) -> Vec<u8> {
    let text = declaration(module).replace('"', "\\22").replace('\n', "\\n");
    let imports: String = FUNCTIONS
        .iter()
        .map(|name| format!("(import \"countersign\" \"{name}\" (func ${name} (type $host)))\n"))
        .collect();
    let table: String = FUNCTIONS.iter().map(|name| format!(" ${name}")).collect();
    let count = FUNCTIONS.len();
    let wat = format!(
        r#"(module
        (@custom "countersign.interface" "{text}")
        (type $host (func (param i32 i32) (result i32)))
        {imports}
        (import "countersign" "take_result" (func $take (param i32)))
        (memory (export "memory") 4)
        (table {count} funcref) (elem (i32.const 0){table})
        {items}
        ;; The address after the compact length at $at.
        (func $after_length (param $at i32) (result i32) (local $mode i32)
            (local.set $mode (i32.and (i32.load8_u (local.get $at)) (i32.const 3)))
            (if (result i32) (i32.eqz (local.get $mode))
                (then (i32.add (local.get $at) (i32.const 1)))
                (else (if (result i32) (i32.eq (local.get $mode) (i32.const 1))
                    (then (i32.add (local.get $at) (i32.const 2)))
                    (else (i32.add (local.get $at) (i32.const 4)))))))
        (func $recurse (call $recurse))
        ;; Gives back the last host function's result of $length bytes.
        (func $answer (param $length i32)
            (call $take (i32.const 131072))
            (if (i32.lt_u (local.get $length) (i32.const 64))
                (then
                    (i32.store8 (i32.const 131071) (i32.shl (local.get $length) (i32.const 2)))
                    (drop (call $give_back (i32.const 131071) (i32.add (local.get $length) (i32.const 1)))))
                (else
                    (i32.store16 (i32.const 131070)
                        (i32.or (i32.shl (local.get $length) (i32.const 2)) (i32.const 1)))
                    (drop (call $give_back (i32.const 131070) (i32.add (local.get $length) (i32.const 2)))))))
        (func (export "call") (param $method i32)
            (local $at i32) (local $end i32) (local $length i32) (local $step i32) (local $result i32)
            (local.set $end (i32.add (i32.const 1024) (call $input (i32.const 0) (i32.const 0))))
            (call $take (i32.const 1024))
            ;; Parties, fewer than 64, then the arguments, then the script in them.
            (local.set $at (i32.add (i32.const 1025)
                (i32.shl (i32.shr_u (i32.load8_u (i32.const 1024)) (i32.const 2)) (i32.const 5))))
            (local.set $at (call $after_length (local.get $at)))
            (local.set $at (call $after_length (local.get $at)))
            (block $done (loop $steps
                (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
                (local.set $step (i32.load8_u (local.get $at)))
                (local.set $length (i32.load16_u offset=1 (local.get $at)))
                (local.set $at (i32.add (local.get $at) (i32.const 3)))
                (if (i32.eq (local.get $step) (i32.const {TRAP})) (then unreachable))
                (if (i32.eq (local.get $step) (i32.const {SPIN})) (then (loop $forever (br $forever))))
                (if (i32.eq (local.get $step) (i32.const {RECURSE})) (then (call $recurse)))
                (if (i32.eq (local.get $step) (i32.const {ANSWER}))
                    (then (call $answer (local.get $result)))
                    (else (local.set $result (call_indirect (type $host)
                        (local.get $at) (local.get $length) (local.get $step)))))
                (local.set $at (i32.add (local.get $at) (local.get $length)))
                (br $steps)))))"#
    );
    wat::parse_str(wat).unwrap()
}

/// Steps for the contract, in order.
#[derive(Clone, Default)]
pub struct Script(Vec<u8>);

impl Script {
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls a host function with its arguments as a tuple.
    pub fn host(self, function: &str, arguments: impl Encode) -> Self {
        self.raw_named(function, &arguments.encode())
    }

    /// Calls a host function with any bytes.
    pub fn raw_named(self, function: &str, bytes: &[u8]) -> Self {
        let number = FUNCTIONS.iter().position(|name| *name == function).unwrap();
        self.raw(number, bytes)
    }

    /// Calls a host function by its number.
    pub fn raw(self, function: usize, bytes: &[u8]) -> Self {
        self.step(function.try_into().unwrap(), bytes)
    }

    pub fn trap(self) -> Self {
        self.step(TRAP, &[])
    }

    pub fn spin(self) -> Self {
        self.step(SPIN, &[])
    }

    pub fn recurse(self) -> Self {
        self.step(RECURSE, &[])
    }

    /// Gives back what the last host function returned.
    pub fn answer(self) -> Self {
        self.step(ANSWER, &[])
    }

    fn step(mut self, step: u8, bytes: &[u8]) -> Self {
        self.0.push(step);
        self.0.extend_from_slice(&u16::try_from(bytes.len()).unwrap().to_le_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// The method's encoded arguments.
    pub fn args(&self) -> Vec<u8> {
        Bytes::try_from(self.0.clone()).unwrap().encode()
    }

    /// Calls `act` of another probe within this one.
    pub fn nested(self, module: &str, parties: &[AccountId], script: &Self) -> Self {
        let method = interface(module).selector(0);
        self.host("call_module", (name(module), method, parties.to_vec(), script.args()))
    }

    /// A call of `act` in a transaction.
    pub fn call(&self, module: &str, parties: &[AccountId]) -> Call {
        Call {
            module: name(module),
            method: interface(module).selector(0),
            parties: parties.to_vec().try_into().unwrap(),
            args: self.args().try_into().unwrap(),
        }
    }

    /// Runs it in a block, alice acting.
    pub fn run(&self, world: &mut World) -> Receipt {
        self.run_with(world, &[id("alice@hotel.example")])
    }

    pub fn run_with(&self, world: &mut World, parties: &[AccountId]) -> Receipt {
        world.run(vec![self.call("probe", parties)])
    }
}

pub fn interface(module: &str) -> Interface {
    Interface::parse(&declaration(module)).unwrap()
}

pub fn name(module: &str) -> ModuleName {
    module.parse().unwrap()
}

/// The account of the contract called `module`.
pub fn account(module: &str) -> AccountId {
    AccountId::of_contract(&name(module))
}
