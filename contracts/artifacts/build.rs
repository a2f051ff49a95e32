//! Compiles each contract of the workspace to wasm with a cargo of its own, so that no binary is kept in the repository.
//!
//! Nothing of the outer build reaches the inner one but the compiler: a contract's hash depends on its source alone.
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TARGET: &str = "wasm32v1-none";
/// The contracts: package `countersign-<name>` in `contracts/<name>`.
const CONTRACTS: &[&str] = &["booking", "card", "rebate", "topup"];
/// What contracts are made of besides their own folders, from the workspace's root.
const SOURCES: [&str; 5] = ["contracts/interface", "contracts/sdk", "runtime/types", "Cargo.lock", "Cargo.toml"];
/// Cargo's settings that say where packages come from; all others of the outer build are withheld.
const KEPT: [&str; 4] = ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_HTTP_CAINFO", "CARGO_HTTP_PROXY"];
/// How small: `s` is a fifth faster than `z`, and a contract must be at most 64 KiB.
const OPT_LEVEL: &str = "CARGO_PROFILE_RELEASE_OPT_LEVEL";
/// Those that are too large at `s`.
const SMALLEST: &[&str] = &["booking"];
/// The inner build's profile, whatever the workspace's is: small, and without the parts nobody calls.
const PROFILE: [(&str, &str); 6] = [
    ("CARGO_PROFILE_RELEASE_LTO", "fat"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_STRIP", "symbols"),
    ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "false"),
    ("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "false"),
];
/// Settings of the outer build that are not called `CARGO_…`.
const WITHHELD: [&str; 13] = [
    "RUSTFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "TARGET",
    "HOST",
    "PROFILE",
    "OPT_LEVEL",
    "DEBUG",
    "OUT_DIR",
    "MAKEFLAGS",
    "LD_LIBRARY_PATH",
];

fn main() {
    let out = PathBuf::from(variable("OUT_DIR"));
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().nth(2).unwrap_or_else(|| fail(&["this package stands two folders deep"]));
    let rustc = variable("RUSTC");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    for name in CONTRACTS {
        println!("cargo::rerun-if-changed={}", root.join("contracts").join(name).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    ensure_target(&rustc);
    build(root, &out, &rustc);
}

fn build(root: &Path, out: &Path, rustc: &str) {
    let target_dir = out.join("wasm");
    let flags = flags(root, &target_dir, rustc).join("\x1f");
    for name in CONTRACTS {
        let (package, file) = (format!("countersign-{name}"), format!("countersign_{name}.wasm"));
        let mut cargo = Command::new(variable("CARGO"));
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_") && !KEPT.contains(&&*name) || WITHHELD.contains(&&*name) {
                cargo.env_remove(&*name);
            }
        }
        cargo
            .env("RUSTC", rustc)
            .env("CARGO_ENCODED_RUSTFLAGS", &flags)
            .env("CARGO_INCREMENTAL", "0")
            .envs(PROFILE)
            .env(OPT_LEVEL, if SMALLEST.contains(name) { "z" } else { "s" })
            .current_dir(root)
            // The type is given here and not in the package, because link-time optimisation needs it to be the only one.
            .args(["rustc", "--release", "--locked", "--lib", "--crate-type", "cdylib", "-p", &package])
            .args(["--target", TARGET, "--target-dir"])
            .arg(&target_dir);
        let output = run(&mut cargo);
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            fail(&[&[&*format!("building {package} failed")], &*text.lines().collect::<Vec<_>>()].concat());
        }
        let built = target_dir.join(TARGET).join("release").join(&file);
        if let Err(error) = fs::copy(&built, out.join(file)) {
            fail(&[&format!("{} was not built: {error}", built.display())]);
        }
    }
}

/// Paths that reach the wasm through panics' locations are replaced by fixed ones.
fn flags(root: &Path, target_dir: &Path, rustc: &str) -> Vec<String> {
    let sysroot = run(Command::new(rustc).args(["--print", "sysroot"])).stdout;
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let map = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags = vec![
        // The machine stack of the guest comes first in its memory: an overflow traps instead of touching data.
        "-Clink-arg=-zstack-size=65536".to_owned(),
        map(root, "/workspace"),
        map(target_dir, "/target"),
        map(Path::new(String::from_utf8_lossy(&sysroot).trim()), "/rust"),
    ];
    flags.extend(cargo_home.map(|home| map(&home, "/cargo")));
    flags
}

/// Adds the target to the toolchain if it is missing.
fn ensure_target(rustc: &str) {
    if has_target(rustc) {
        return;
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]);
    if let Ok(toolchain) = env::var("RUSTUP_TOOLCHAIN") {
        rustup.args(["--toolchain", &toolchain]);
    }
    let added = rustup.output();
    if has_target(rustc) {
        return;
    }
    let cause = match added {
        Ok(output) => String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("no reason given").to_owned(),
        Err(error) => format!("rustup cannot be run: {error}"),
    };
    fail(&[
        &format!("the contracts need Rust's target {TARGET}, and adding it failed: {cause}"),
        &format!("run `rustup target add {TARGET}` once with a network, or install it with your system's Rust"),
    ]);
}

/// Asks the compiler in use, so that a toolchain chosen by hand is honoured.
fn has_target(rustc: &str) -> bool {
    let printed = run(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]));
    let folder = PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim());
    let is_core = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("libcore-");
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(is_core))
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| fail(&[&format!("cargo gives {name} to build scripts: {error}")]))
}

fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| fail(&[&format!("{} cannot be run: {error}", command.get_program().display())]))
}

/// Ends the build with these lines alone; a panic would bury them under its own.
fn fail(lines: &[&str]) -> ! {
    for line in lines {
        println!("cargo::error={line}");
    }
    std::process::exit(1)
}
