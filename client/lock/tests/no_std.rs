//! A lock has no operating system: the crate and all it uses compile for a target that has no standard library.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::env;
use std::path::Path;
use std::process::Command;

/// The target that contracts are compiled for too: rustup has it from `rust-toolchain.toml`.
const TARGET: &str = "wasm32v1-none";
/// Cargo's settings that say where packages come from; others would bring the features of the whole workspace.
const KEPT: [&str; 4] = ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_HTTP_CAINFO", "CARGO_HTTP_PROXY"];

#[test]
fn it_compiles_without_a_standard_library() {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_") && !KEPT.contains(&&*name) || name == "RUSTFLAGS" {
            cargo.env_remove(&*name);
        }
    }
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_INCREMENTAL", "0");
    cargo.args(["check", "--locked", "--lib", "--target", TARGET, "--target-dir"]);
    cargo.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-std"));
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
