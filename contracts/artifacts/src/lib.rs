//! The contracts as wasm, compiled from source by the build script. Knows nothing of what is in them.
//!
//! The same source and compiler give the same bytes, whatever the folder, profile or flags of the build around it.
#![no_std]
#![forbid(unsafe_code)]

/// A contract as it is put on the ledger.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Artifact {
    /// The module's name, the one in its interface.
    pub name: &'static str,
    /// The module's bytes, with the interface in the section `countersign.interface`.
    pub wasm: &'static [u8],
}

impl core::fmt::Debug for Artifact {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({} bytes)", self.name, self.wasm.len())
    }
}

macro_rules! artifact {
    ($name:literal) => {
        Artifact { name: $name, wasm: include_bytes!(concat!(env!("OUT_DIR"), "/countersign_", $name, ".wasm")) }
    };
}

/// Bookings paid through escrow.
pub const BOOKING: Artifact = artifact!("booking");

/// Smart cards.
pub const CARD: Artifact = artifact!("card");
/// Referral rebates.
pub const REBATE: Artifact = artifact!("rebate");

/// Top-up, cash-out and payment through an agent.
pub const TOPUP: Artifact = artifact!("topup");

/// Every contract, in the order of their names.
pub const CONTRACTS: &[Artifact] = &[BOOKING, CARD, REBATE, TOPUP];

/// The contract called `name`.
pub fn by_name(name: &str) -> Option<Artifact> {
    CONTRACTS.iter().copied().find(|artifact| artifact.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Far below what the ledger takes: every call starts from a fresh copy of the module.
    const WASM_BYTES_MAX: usize = 64 * 1024;

    #[test]
    fn contracts_are_small_wasm_modules_with_an_interface() {
        for artifact in CONTRACTS {
            assert_eq!(&artifact.wasm[..8], b"\0asm\x01\0\0\0", "{artifact:?}");
            assert!(artifact.wasm.len() <= WASM_BYTES_MAX, "{artifact:?}");
            let declaration = b"countersign.interfacemodule ";
            assert!(artifact.wasm.windows(declaration.len()).any(|bytes| bytes == declaration), "{artifact:?}");
        }
    }

    #[test]
    fn contracts_are_found_by_name_only() {
        for artifact in CONTRACTS {
            assert_eq!(by_name(artifact.name), Some(*artifact));
        }
        assert_eq!(by_name("Rebate"), None);
        assert!(CONTRACTS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
