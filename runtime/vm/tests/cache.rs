//! Compiled code on disk: found again by the next engine, and never believed when it is not exactly what was written.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod ledger;

use countersign_types::Hash;
use countersign_vm::{Engine, EngineConfig, EngineError, LoadError};
use ledger::{GAS, Ledger, contract};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const ENTRY: &str = r#"(func (export "call") (param i32))"#;

fn engine_at(directory: &Path) -> Engine {
    Engine::new(EngineConfig { cache_dir: Some(directory.to_owned()) }).unwrap()
}

/// Loads through a new engine and runs; true if it had to ask for the wasm.
fn load_anew(directory: &Path, wasm: &[u8]) -> bool {
    let mut asked = false;
    let load = || {
        asked = true;
        Some(wasm.to_vec())
    };
    let module = engine_at(directory).load(Hash::of("code", wasm), load).unwrap();
    assert_eq!(module.interface().module.as_str(), "test");
    assert_eq!(module.call(0, &[], &[], GAS, &mut Ledger::default()).result, Ok(vec![]));
    asked
}

fn only_file(directory: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[test]
fn code_is_compiled_once() {
    let directory = tempfile::tempdir().unwrap();
    let wasm = contract(ENTRY);
    assert!(load_anew(directory.path(), &wasm));
    assert!(!load_anew(directory.path(), &wasm));
}

#[test]
fn only_the_owner_may_read_or_write() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("compiled");
    load_anew(&directory, &contract(ENTRY));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&only_file(&directory))), (0o700, 0o600));
}

#[test]
fn a_damaged_file_is_written_anew() {
    let directory = tempfile::tempdir().unwrap();
    let wasm = contract(ENTRY);
    load_anew(directory.path(), &wasm);
    let file = only_file(directory.path());
    let good = fs::read(&file).unwrap();
    for at in [0, 40, 65, 70, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&file, bad).unwrap();
        assert!(load_anew(directory.path(), &wasm), "byte {at} was not missed");
        assert!(!load_anew(directory.path(), &wasm));
    }
    for length in [0, 31, 32, 64, 66, 68, good.len() - 1] {
        fs::write(&file, &good[..length]).unwrap();
        assert!(load_anew(directory.path(), &wasm), "{length} bytes were enough");
    }
    assert_eq!(fs::read(&file).unwrap(), good);
}

#[test]
fn what_a_crash_left_is_cleared() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("0.1.2.unfinished"), b"half").unwrap();
    load_anew(directory.path(), &contract(ENTRY));
    only_file(directory.path());
}

#[test]
fn a_file_of_other_code_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (contract(ENTRY), contract(&format!("{ENTRY} (func)")));
    load_anew(directory.path(), &one);
    let file = only_file(directory.path());
    let renamed = directory.path().join(format!("{}.compiled", Hash::of("code", &other)));
    fs::rename(file, renamed).unwrap();
    assert!(load_anew(directory.path(), &other));
}

#[test]
fn loaded_code_stays_in_memory_within_its_bound() {
    let engine = ledger::engine();
    let contract_number = |i: usize| contract(&format!("{ENTRY} (global i32 (i32.const {i}))"));
    let mut compiled = 0;
    let mut load = |i: usize| {
        let wasm = contract_number(i);
        let code = Hash::of("code", &wasm);
        engine.load(code, || {
            compiled += 1;
            Some(wasm)
        })
    };
    let bound = countersign_vm::limits::LOADED_MODULES_MAX;
    for i in 0..bound {
        load(i).unwrap();
        load(0).unwrap();
    }
    load(bound).unwrap();
    // The first is used most recently; the second left for the last.
    load(0).unwrap();
    load(1).unwrap();
    assert_eq!(compiled, bound + 2);
}

#[test]
fn code_that_is_missing_other_or_against_the_rules_is_not_loaded() {
    let engine = ledger::engine();
    let code = Hash([7; 32]);
    assert!(matches!(engine.load(code, || None), Err(LoadError::Missing { .. })));
    assert!(matches!(engine.load(code, || Some(contract(ENTRY))), Err(LoadError::WrongCode { .. })));
    assert!(matches!(engine.load(code, || Some(vec![])), Err(LoadError::Refused { .. })));
}

#[test]
fn a_directory_that_cannot_be_made_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let inside = file.path().join("compiled");
    let error = Engine::new(EngineConfig { cache_dir: Some(inside.clone()) }).unwrap_err();
    assert!(matches!(error, EngineError::CacheDirectory { path, .. } if path == inside));
}
