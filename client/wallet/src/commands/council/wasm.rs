//! A contract's file: its code, and the name its interface section gives it. What else the ledger asks of code is told by
//! simulation.
use crate::failure::Failure;
use crate::files;
use countersign_client::types::limits;
use std::path::Path;

/// A contract that can be proposed.
pub struct Contract {
    /// Its name in calls.
    pub name: String,
    /// Its code, `0x` and hexadecimal digits.
    pub code: String,
}

/// Reads a contract.
pub fn read(path: &Path) -> Result<Contract, Failure> {
    let wasm = files::read(path, limits::CODE_BYTES_MAX)?;
    let interface = countersign_client::wasm::interface(&wasm)
        .ok_or_else(|| Failure::NotAContract { path: path.display().to_string() })?;
    let digits: String = wasm.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Contract { name: interface.module.to_string(), code: format!("0x{digits}") })
}
