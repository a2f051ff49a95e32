//! Charging gas.
use countersign_types::{CallFault, Gas};

/// Takes `units` from what is left.
///
/// # Errors
/// `OutOfGas` if there is less; then nothing is left.
pub(crate) fn charge(left: &mut Gas, units: u64) -> Result<(), CallFault> {
    match left.checked_sub(Gas::new(units)) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => {
            *left = Gas::ZERO;
            Err(CallFault::OutOfGas)
        }
    }
}
