//! A small ledger for tests: a map of entries, and contracts written as text.
#![allow(dead_code, clippy::unwrap_used, reason = "each test uses its own part and may fail where it stands")]

use countersign_types::account::Role;
use countersign_types::{
    AccountId, Amount, AssetId, CallFault, Gas, Hash, Height, ModuleName, Name, Selector, SignedDocument, Timestamp,
};
use countersign_vm::{CallOutcome, Engine, EngineConfig, Host, Module};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Imports, one page of memory and an interface; the test adds the rest.
pub fn contract(items: &str) -> Vec<u8> {
    bare(&format!(
        r#"
        (import "countersign" "input" (func $input (param i32 i32) (result i32)))
        (import "countersign" "give_back" (func $give_back (param i32 i32) (result i32)))
        (import "countersign" "fail" (func $fail (param i32 i32) (result i32)))
        (import "countersign" "get" (func $get (param i32 i32) (result i32)))
        (import "countersign" "set" (func $set (param i32 i32) (result i32)))
        (import "countersign" "now" (func $now (param i32 i32) (result i32)))
        (import "countersign" "emit" (func $emit (param i32 i32) (result i32)))
        (import "countersign" "call_module" (func $call_module (param i32 i32) (result i32)))
        (import "countersign" "take_result" (func $take_result (param i32)))
        (memory (export "memory") 1)
        {items}"#
    ))
}

/// Only an interface; the test adds the rest.
pub fn bare(items: &str) -> Vec<u8> {
    wat::parse_str(format!(r#"(module (@custom "countersign.interface" "module test;") {items})"#)).unwrap()
}

/// One engine for all tests of a binary: each reserves address space for a hundred instances.
pub fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineConfig::default()).unwrap()).clone()
}

pub fn load(engine: &Engine, wasm: &[u8]) -> Module {
    let code = engine.check(wasm).unwrap().code;
    engine.load(code, || Some(wasm.to_vec())).unwrap()
}

pub const GAS: Gas = Gas::new(10_000_000);

/// Runs method 0 without parties and arguments on an empty ledger.
pub fn call(engine: &Engine, wasm: &[u8]) -> CallOutcome {
    load(engine, wasm).call(0, &[], &[], GAS, &mut Ledger::default())
}

/// What every contract of a test sees.
#[derive(Default)]
pub struct Ledger {
    pub entries: BTreeMap<Vec<u8>, Vec<u8>>,
    pub events: Vec<(u8, Vec<AccountId>, Vec<u8>)>,
    /// What `call_module` runs, if anything.
    pub callee: Option<Module>,
    /// Makes `call_module` panic.
    pub panics: bool,
    /// How deeply calls have nested, and nest now.
    pub deepest: usize,
    pub depth: usize,
}

impl Host for Ledger {
    fn get(&mut self, _: &mut Gas, key: Vec<u8>) -> Result<Option<Vec<u8>>, CallFault> {
        Ok(self.entries.get(&key).cloned())
    }
    fn set(&mut self, _: &mut Gas, key: Vec<u8>, value: Vec<u8>) -> Result<(), CallFault> {
        self.entries.insert(key, value);
        Ok(())
    }
    fn remove(&mut self, _: &mut Gas, key: Vec<u8>) -> Result<(), CallFault> {
        self.entries.remove(&key);
        Ok(())
    }
    fn range(
        &mut self,
        _: &mut Gas,
        prefix: Vec<u8>,
        _: Option<Vec<u8>>,
        limit: u32,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, CallFault> {
        let entries = self.entries.iter().filter(|(key, _)| key.starts_with(&prefix)).take(limit as usize);
        Ok(entries.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
    fn now(&mut self, _: &mut Gas) -> Result<Timestamp, CallFault> {
        Ok(Timestamp::from_millis(1_700_000_000_000))
    }
    fn height(&mut self, _: &mut Gas) -> Result<Height, CallFault> {
        Ok(Height::new(7))
    }
    fn chain(&mut self, _: &mut Gas) -> Result<Hash, CallFault> {
        Ok(Hash([1; 32]))
    }
    fn transaction(&mut self, _: &mut Gas) -> Result<(Hash, u8), CallFault> {
        Ok((Hash([2; 32]), 0))
    }
    fn this(&mut self, _: &mut Gas) -> Result<AccountId, CallFault> {
        Ok(AccountId([3; 32]))
    }
    fn caller(&mut self, _: &mut Gas) -> Result<Option<AccountId>, CallFault> {
        Ok(None)
    }
    fn transfer(&mut self, _: &mut Gas, _: AccountId, _: AccountId, _: AssetId, _: Amount) -> Result<(), CallFault> {
        Err(CallFault::InsufficientBalance)
    }
    fn balance(&mut self, _: &mut Gas, _: AccountId, _: AssetId) -> Result<Amount, CallFault> {
        Ok(Amount::ZERO)
    }
    fn resolve(&mut self, _: &mut Gas, _: Name) -> Result<Option<AccountId>, CallFault> {
        Ok(None)
    }
    fn account(&mut self, _: &mut Gas, _: AccountId) -> Result<Option<(Name, AccountId, bool)>, CallFault> {
        Ok(None)
    }
    fn has_role(&mut self, _: &mut Gas, _: AccountId, _: Role) -> Result<bool, CallFault> {
        Ok(false)
    }
    fn asset_is_active(&mut self, _: &mut Gas, _: AssetId) -> Result<bool, CallFault> {
        Ok(false)
    }
    fn verify_document(&mut self, _: &mut Gas, document: SignedDocument) -> Result<bool, CallFault> {
        Ok(document.verify_signatures())
    }
    fn hash(&mut self, _: &mut Gas, bytes: Vec<u8>) -> Result<Hash, CallFault> {
        Ok(Hash::of("contract-data", &bytes))
    }
    fn emit(&mut self, _: &mut Gas, kind: u8, accounts: Vec<AccountId>, data: Vec<u8>) -> Result<(), CallFault> {
        self.events.push((kind, accounts, data));
        Ok(())
    }
    fn schedule(&mut self, gas: &mut Gas, _: Timestamp, _: u32, _: Vec<u8>) -> Result<u64, CallFault> {
        *gas = gas.checked_sub(Gas::new(1_000_000)).ok_or(CallFault::OutOfGas)?;
        Ok(1)
    }
    fn cancel(&mut self, _: &mut Gas, _: u64) -> Result<bool, CallFault> {
        Ok(false)
    }
    fn call_module(
        &mut self,
        gas: &mut Gas,
        _: ModuleName,
        _: Selector,
        parties: Vec<AccountId>,
        args: Vec<u8>,
    ) -> Result<Vec<u8>, CallFault> {
        assert!(!self.panics, "as the test wants it");
        let callee = self.callee.clone().ok_or(CallFault::UnknownModule)?;
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let outcome = callee.call(0, &parties, &args, *gas, self);
        self.depth -= 1;
        *gas = gas.saturating_sub(outcome.gas_used);
        outcome.result
    }
}
