//! What a transaction costs before its calls run, and what is left to it: of its own limit, of its member's quota, of the block.
//!
//! Gas is paid by the member of the first party of the first call, so that one member's holders cannot crowd out the others'.
use countersign_types::account::QuotaUse;
use countersign_types::{Gas, Params, Timestamp, Transaction};

/// Every transaction: its receipt, its id in the memory of those that ran, the quota's own record.
pub const TRANSACTION_GAS: u64 = 20_000;
/// Every byte of it, with its signatures: it is gossiped, hashed twice and synced to every validator's disk.
pub const BYTE_GAS: u64 = 10;
/// Every signature: 25 to 30 microseconds in a batch, about one unit to the nanosecond.
pub const SIGNATURE_GAS: u64 = 30_000;
/// Every hour begun between `valid_from` and `expires_at`: its id is kept that long by every node. Ninety days cost about as
/// much as seven signatures.
pub const VALIDITY_HOUR_GAS: u64 = 100;

const HOUR_MS: u64 = 3_600_000;

/// Gas of a transaction before its first call.
pub(crate) fn base_price(transaction: &Transaction, size_bytes: usize, signatures: usize) -> Gas {
    let hours = transaction.expires_at.saturating_since(transaction.valid_from).div_ceil(HOUR_MS);
    // Size and signatures are bounded by their types, hours by the longest validity; saturating, as a refusal comes anyway.
    let units = TRANSACTION_GAS
        .saturating_add(BYTE_GAS.saturating_mul(size_bytes as u64))
        .saturating_add(SIGNATURE_GAS.saturating_mul(signatures as u64))
        .saturating_add(VALIDITY_HOUR_GAS.saturating_mul(hours));
    Gas::new(units)
}

/// What a member used in the window of `time`.
pub(crate) fn used_in_window(record: QuotaUse, params: &Params, time: Timestamp) -> QuotaUse {
    let window = time.millis() / params.quota_window_ms;
    if record.window == window { record } else { QuotaUse { window, gas: Gas::ZERO } }
}

/// What bounds a transaction's gas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bound {
    /// The chain's limit for one transaction.
    Transaction,
    /// What its member has left in this window.
    Quota,
    /// What the block has left.
    Block,
}

/// The least of the three limits, and which it is; of equal ones the first in the order of [`Bound`].
pub(crate) fn limit(params: &Params, quota_left: Gas, block_left: Gas) -> (Gas, Bound) {
    let mut least = (params.transaction_gas_max, Bound::Transaction);
    for (gas, bound) in [(quota_left, Bound::Quota), (block_left, Bound::Block)] {
        if gas < least.0 {
            least = (gas, bound);
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_types::{BoundedVec, Hash};

    fn transaction(validity_ms: u64) -> Transaction {
        Transaction {
            chain: Hash::ZERO,
            valid_from: Timestamp::from_millis(1),
            expires_at: Timestamp::from_millis(1 + validity_ms),
            salt: [0; 8],
            calls: BoundedVec::empty(),
        }
    }

    #[test]
    fn bytes_signatures_and_every_hour_begun_cost() {
        assert_eq!(base_price(&transaction(1), 300, 2).get(), 20_000 + 3_000 + 60_000 + 100);
        assert_eq!(base_price(&transaction(HOUR_MS), 300, 2).get(), 83_100);
        assert_eq!(base_price(&transaction(HOUR_MS + 1), 300, 2).get(), 83_200);
        assert_eq!(base_price(&transaction(u64::MAX - 1), usize::MAX, usize::MAX), Gas::MAX);
    }

    #[test]
    fn a_new_window_begins_empty() {
        let params = Params::default();
        let used = QuotaUse { window: 0, gas: Gas::new(7) };
        let end = Timestamp::from_millis(params.quota_window_ms - 1);
        assert_eq!(used_in_window(used, &params, end), used);
        let next = Timestamp::from_millis(params.quota_window_ms);
        assert_eq!(used_in_window(used, &params, next), QuotaUse { window: 1, gas: Gas::ZERO });
    }

    #[test]
    fn the_least_limit_names_itself() {
        let params = Params { transaction_gas_max: Gas::new(10), ..Params::default() };
        assert_eq!(limit(&params, Gas::new(10), Gas::new(10)), (Gas::new(10), Bound::Transaction));
        assert_eq!(limit(&params, Gas::new(9), Gas::new(9)), (Gas::new(9), Bound::Quota));
        assert_eq!(limit(&params, Gas::new(9), Gas::new(8)), (Gas::new(8), Bound::Block));
    }
}
