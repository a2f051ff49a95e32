//! The WASM host: checks uploaded code, counts its stack and its work, compiles it, calls it. Knows no state and no rules of the ledger.
//!
//! ```text
//! upload ──check.rs: rules──▶ Upload ──engine.rs: compile, cache──▶ Module ──call.rs: a fresh instance──▶ CallOutcome
//!          scan.rs: validate   depth.rs: stack counter                        linker.rs ⇄ the caller's Host
//! ```
//!
//! The same code, call, gas and answers of the host give the same outcome and gas on every machine. What that rests
//! on is [`PROTOCOL`]. It is the only crate that names the engine and the only one with `unsafe`.

mod cache;
mod call;
mod check;
mod depth;
mod engine;
mod gas;
mod host;
pub mod limits;
mod linker;
mod module;
mod scan;
mod slots;

pub use call::CallOutcome;
pub use check::{Upload, UploadError};
pub use engine::{Engine, EngineConfig, EngineError, LoadError};
pub use host::Host;
pub use limits::STACK_BYTES;
pub use module::Module;

/// Version of everything here that decides an outcome or its gas: the engine's version and settings ([`Engine`]), the costs of
/// operators and host functions, the upload rules, the stack counter and its budget, the limits. A change of one of
/// them is a new version and, on a running chain, a decision of all validators. Tests freeze what it stands for.
pub const PROTOCOL: u32 = 1;
