//! Each call of `code`: what it does, and each of its refusals.
use crate::probe::{self, Script};
use crate::world::{World, fault, id, ok, refusal};
use countersign_interface::code::{Deploy, Deployed, Error, SetSuspended, Upgrade, Upgraded, hash};
use countersign_state::StateRead;
use countersign_types::{CallFault, Contract, ModuleName, Receipt, Status, state_key};
use parity_scale_codec::DecodeAll;

const TWO: [&str; 2] = ["bank.example", "hotel.example"];

#[track_caller]
fn is(receipt: &Receipt, error: Error) {
    assert_eq!(Error::from_code(refusal(receipt)), Some(error));
}

fn deploy(name: &str, wasm: &[u8]) -> Deploy {
    Deploy { name: probe::name(name), code: wasm.to_vec().try_into().unwrap() }
}

fn upgrade(name: &str, wasm: &[u8]) -> Upgrade {
    Upgrade { name: probe::name(name), code: wasm.to_vec().try_into().unwrap() }
}

fn suspend(name: &str, suspended: bool) -> SetSuspended {
    SetSuspended { name: probe::name(name), suspended }
}

fn record(world: &World, name: &ModuleName) -> Contract {
    world.read(&state_key::contract(name)).unwrap()
}

#[test]
fn a_deployed_contract_runs_also_later_in_its_own_transaction() {
    let mut world = World::new();
    let wasm = probe::wasm("fresh");
    let act = Script::new().host("set", (b"k".to_vec(), b"v".to_vec())).call("fresh", &[id(TWO[0])]);
    let calls = [countersign_interface::Method::call(&deploy("fresh", &wasm), &crate::world::ids(&TWO)), act];
    let receipt = ok(world.run(calls.to_vec()));
    let event = Deployed::decode_all(&mut &receipt.events[0].data[..]).unwrap();
    assert_eq!((event.code, event.version, event.account), (hash(&wasm), 1, probe::account("fresh")));
    let record = record(&world, &probe::name("fresh"));
    assert_eq!((record.code, record.version, record.since.get()), (hash(&wasm), 1, world.height));
    let account = probe::account("fresh");
    assert_eq!(world.read::<ModuleName>(&state_key::contract_name(&account)), Some(probe::name("fresh")));
    assert!(receipt.gas.get() > 300 * wasm.len() as u64, "compiling is paid for");
}

#[test]
fn an_undone_deployment_leaves_nothing() {
    let mut world = World::new();
    let wasm = probe::wasm("fresh");
    let act = Script::new().trap().call("fresh", &[id(TWO[0])]);
    let calls = [countersign_interface::Method::call(&deploy("fresh", &wasm), &crate::world::ids(&TWO)), act];
    assert!(world.run(calls.to_vec()).outcome.is_err());
    let act = Script::new().call("fresh", &[id(TWO[0])]);
    assert_eq!(fault(&world.run(vec![act])), CallFault::UnknownModule);
}

#[test]
fn code_is_put_on_the_ledger_by_the_council_under_a_free_name() {
    let mut world = World::new();
    let wasm = probe::wasm("fresh");
    is(&world.call(&deploy("fresh", &wasm), &["bank.example"]), Error::NotTheCouncil);
    is(&world.call(&upgrade("probe", &probe::wasm("probe")), &["bank.example"]), Error::NotTheCouncil);
    is(&world.call(&suspend("probe", true), &["bank.example"]), Error::NotTheCouncil);
    is(&world.call(&deploy("probe", &probe::wasm("probe")), &TWO), Error::NameTaken);
    for native in ["assets", "code", "governance", "registry"] {
        is(&world.call(&deploy(native, &probe::wasm(native)), &TWO), Error::NameTaken);
    }
}

#[test]
fn code_that_breaks_a_rule_or_names_another_module_is_refused() {
    let mut world = World::new();
    is(&world.call(&deploy("fresh", b"no wasm"), &TWO), Error::RefusedByTheEngine);
    let float = probe::wasm_with("fresh", "(func (result f32) (f32.const 1))");
    is(&world.call(&deploy("fresh", &float), &TWO), Error::RefusedByTheEngine);
    is(&world.call(&deploy("fresh", &probe::wasm("other")), &TWO), Error::InterfaceMismatch);
    let twice = probe::wasm_with("fresh", "(@custom \"countersign.interface\" \"module fresh;\")");
    is(&world.call(&deploy("fresh", &twice), &TWO), Error::InterfaceMismatch);
    is(&world.call(&upgrade("probe", &probe::wasm("other")), &TWO), Error::InterfaceMismatch);
    is(&world.call(&upgrade("probe", b"no wasm"), &TWO), Error::RefusedByTheEngine);
}

#[test]
fn an_upgrade_replaces_the_code_and_keeps_the_state() {
    let mut world = World::new();
    ok(Script::new().host("set", (b"k".to_vec(), b"kept".to_vec())).run(&mut world));
    let old = probe::wasm("probe");
    let new = probe::wasm_with("probe", "(data (i32.const 0) \"version 2\")");
    is(&world.call(&upgrade("probe", &old), &TWO), Error::SameCode);
    is(&world.call(&upgrade("missing", &probe::wasm("missing")), &TWO), Error::NoSuchContract);
    let receipt = ok(world.call(&upgrade("probe", &new), &TWO));
    let event = Upgraded::decode_all(&mut &receipt.events[0].data[..]).unwrap();
    assert_eq!((event.code, event.version), (hash(&new), 2));
    assert_eq!(world.state.get(&state_key::code(&hash(&old))), None);
    assert_eq!(world.state.get(&state_key::code(&hash(&new))), Some(new.clone()));
    let stored = world.state.get(&state_key::data(&probe::account("probe"), b"k"));
    assert_eq!(stored, Some(b"kept".to_vec()));
    ok(Script::new().host("get", (b"k".to_vec(),)).run(&mut world));
    // And back again.
    ok(world.call(&upgrade("probe", &old), &TWO));
    assert_eq!(record(&world, &probe::name("probe")).version, 3);
}

#[test]
fn calls_of_an_interface_that_changed_are_void() {
    let mut world = World::new();
    let call = Script::new().call("probe", &[id("alice@hotel.example")]);
    let text = probe::declaration("probe").replace("Let {actor} act", "Let {actor} do something else");
    let wasm = probe::wasm("probe");
    // The display line has another length, so the section is built anew.
    let other = replace_interface(&wasm, &text);
    ok(world.call(&upgrade("probe", &other), &TWO));
    assert_eq!(fault(&world.run(vec![call])), CallFault::UnknownMethod);
}

/// A contract whose `migrate` keeps its argument under `m` and then does what `then` says.
fn migrating(fields: &str, then: &str) -> Vec<u8> {
    let text = format!(
        "module probe;\nerror 9 Unready \"Not yet.\";\nevent Noted {{ note: Bytes }};\n\
         call act(actor*) {{ script: Bytes }} \"Let {{actor}} act\";\nscheduled migrate {{ {fields} }};\n"
    );
    let text = text.replace('"', "\\22").replace('\n', "\\n");
    let wat = format!(
        r#"(module
        (@custom "countersign.interface" "{text}")
        (import "countersign" "input" (func $input (param i32 i32) (result i32)))
        (import "countersign" "set" (func $set (param i32 i32) (result i32)))
        (import "countersign" "fail" (func $fail (param i32 i32) (result i32)))
        (import "countersign" "take_result" (func $take (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\04m\10")
        (data (i32.const 64) "\09\00")
        (func (export "call") (param $method i32)
            (drop (call $input (i32.const 0) (i32.const 0)))
            (call $take (i32.const 1024))
            (if (i32.eq (local.get $method) (i32.const 1)) (then
                ;; No parties (one byte), the arguments' length (one byte), the version.
                (i32.store (i32.const 3) (i32.load (i32.const 1026)))
                (drop (call $set (i32.const 0) (i32.const 7)))
                {then}))))"#
    );
    wat::parse_str(wat).unwrap()
}

#[test]
fn new_code_takes_over_what_the_old_left_before_anything_else_runs() {
    let mut world = World::new();
    let migrated = |world: &World| world.read::<u32>(&state_key::data(&probe::account("probe"), b"m"));
    ok(world.call(&upgrade("probe", &migrating("from: u32", "")), &TWO));
    assert_eq!(migrated(&world), Some(1));
    // It runs while the contract is suspended: nobody acts on half of the old and half of the new.
    ok(world.call(&suspend("probe", true), &TWO));
    ok(world.call(&upgrade("probe", &migrating("from: u32", "nop")), &TWO));
    assert_eq!(migrated(&world), Some(2));
    // Code that declares none just runs.
    ok(world.call(&upgrade("probe", &probe::wasm("probe")), &TWO));
    assert_eq!(record(&world, &probe::name("probe")).version, 4);
    // A new contract has nothing to take over.
    ok(world.call(&suspend("probe", false), &TWO));
    assert_eq!(migrated(&world), Some(2));
}

#[test]
fn a_migration_that_refuses_or_fails_undoes_the_upgrade() {
    let mut world = World::new();
    let before =
        (record(&world, &probe::name("probe")), world.state.get(&state_key::code(&hash(&probe::wasm("probe")))));
    let refuses = migrating("from: u32", "(drop (call $fail (i32.const 64) (i32.const 2)))");
    is(&world.call(&upgrade("probe", &refuses), &TWO), Error::MigrationRefused);
    let traps = migrating("from: u32", "unreachable");
    assert_eq!(fault(&world.call(&upgrade("probe", &traps), &TWO)), CallFault::Trap);
    let spins = migrating("from: u32", "(loop $forever (br $forever))");
    assert_eq!(fault(&world.call(&upgrade("probe", &spins), &TWO)), CallFault::OutOfGas);
    let after = (record(&world, &probe::name("probe")), world.state.get(&state_key::code(&before.0.code)));
    assert_eq!(before, after);
    assert_eq!(world.state.get(&state_key::data(&probe::account("probe"), b"m")), None);
    ok(Script::new().run(&mut world));
    // Nobody signs for what simulation shows to be refused.
    let draft =
        world.draft(vec![countersign_interface::Method::call(&upgrade("probe", &refuses), &crate::world::ids(&TWO))]);
    let unsigned = world.half_signed(&draft, &[]);
    let told = world.executor.simulate(&world.state, &unsigned, world.place()).unwrap();
    is(&told.receipt, Error::MigrationRefused);
}

#[test]
fn a_migrate_that_the_ledger_could_not_run_is_refused_at_upload() {
    let mut world = World::new();
    for fields in ["", "from: u64", "since: u32", "from: u32, to: u32"] {
        is(&world.call(&upgrade("probe", &migrating(fields, "")), &TWO), Error::InterfaceMismatch);
    }
}

/// The module with another interface section, which comes first in it.
fn replace_interface(wasm: &[u8], text: &str) -> Vec<u8> {
    let text = text.replace('"', "\\22").replace('\n', "\\n");
    let empty = wat::parse_str(format!("(module (@custom \"countersign.interface\" \"{text}\"))")).unwrap();
    let old = probe::declaration("probe");
    let at = wasm.windows(old.len()).position(|bytes| bytes == old.as_bytes()).unwrap();
    let mut replaced = wasm[..section_start(wasm, at)].to_vec();
    replaced.extend_from_slice(&wasm[at + old.len()..]);
    replaced.extend_from_slice(&empty[8..]);
    replaced
}

/// Where the custom section begins whose data begins at `data`.
fn section_start(wasm: &[u8], data: usize) -> usize {
    let name = b"countersign.interface";
    // Before the name: its length (one byte), the section's length (two bytes for this size), the section's id.
    let start = data - name.len() - 4;
    assert_eq!(wasm[start], 0);
    start
}

#[test]
fn a_suspended_contract_does_not_run_until_it_is_resumed() {
    let mut world = World::new();
    is(&world.call(&suspend("missing", true), &TWO), Error::NoSuchContract);
    ok(world.call(&suspend("probe", true), &TWO));
    assert_eq!(record(&world, &probe::name("probe")).status, Status::Suspended);
    assert_eq!(fault(&Script::new().run(&mut world)), CallFault::UnknownModule);
    let nested = Script::new().nested("probe", &[], &Script::new());
    let receipt = world.run(vec![nested.call("p1", &[id("alice@hotel.example")])]);
    assert_eq!(fault(&receipt), CallFault::UnknownModule);
    ok(world.call(&suspend("probe", false), &TWO));
    ok(Script::new().run(&mut world));
}

#[test]
fn every_refusal_is_tested_above() {
    // A new error makes this list too short and asks for a test.
    let tested = [
        Error::NotTheCouncil,
        Error::NameTaken,
        Error::NoSuchContract,
        Error::RefusedByTheEngine,
        Error::InterfaceMismatch,
        Error::SameCode,
        Error::MigrationRefused,
    ];
    assert_eq!(tested, Error::ALL);
}
