//! What work costs: operators by the engine's fuel, host functions by the table, memory by the page.
use crate::limits;
use countersign_types::{CallFault, Gas};
use wasmtime::OperatorCost;

/// The price of a host function.
#[derive(Clone, Copy)]
pub(crate) struct Price {
    /// Of every call of it.
    pub base: u64,
    /// Of each byte of encoded arguments and result.
    pub per_byte: u64,
}

/// Takes `units` out of `gas`.
///
/// # Errors
/// [`CallFault::OutOfGas`] if there is less; nothing is left.
pub(crate) fn charge(gas: &mut Gas, units: u64) -> Result<(), CallFault> {
    match gas.checked_sub(Gas::new(units)) {
        Some(left) => {
            *gas = left;
            Ok(())
        }
        None => {
            *gas = Gas::ZERO;
            Err(CallFault::OutOfGas)
        }
    }
}

impl Price {
    /// Of `bytes` beyond the base price.
    pub fn of_bytes(self, bytes: usize) -> u64 {
        self.per_byte.saturating_mul(bytes as u64)
    }
}

/// The price of growing memory from nothing to `pages`.
pub(crate) fn memory_price(pages: u64) -> u64 {
    pages.saturating_sub(limits::FREE_PAGES) * limits::PAGE_GAS.get()
}

/// One unit for each operator that makes code, more for those that take a processor longer. Written out so that a new
/// default of the engine changes nothing.
pub(crate) fn operator_costs() -> OperatorCost {
    /// A 64-bit division that waits for the one before takes some 8 ns, an operator of a simple loop 0.15 to 0.3.
    const DIVISION: u8 = 32;
    OperatorCost {
        Nop: 0,
        Drop: 0,
        Block: 0,
        Loop: 0,
        Unreachable: 0,
        Return: 0,
        Else: 0,
        End: 0,
        I32DivS: DIVISION,
        I32DivU: DIVISION,
        I32RemS: DIVISION,
        I32RemU: DIVISION,
        I64DivS: DIVISION,
        I64DivU: DIVISION,
        I64RemS: DIVISION,
        I64RemU: DIVISION,
        // A system call; the pages themselves are charged by `memory_price`.
        MemoryGrow: u8::MAX,
        ..OperatorCost::new()
    }
}
