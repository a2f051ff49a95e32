//! The chain's parameters under the names a specification uses: those of the fields of [`Params`].
use countersign_types::{Gas, Params};

/// Sets a parameter; `None` if the number does not fit its type.
type Set = fn(&mut Params, u64) -> Option<()>;

macro_rules! fields {
    ($($field:ident: $read:expr, $write:expr;)+) => {
        /// Each parameter's name and how it is set.
        pub(crate) const FIELDS: &[(&str, Set)] = &[$((stringify!($field), |params, number| {
            params.$field = $read(number)?;
            Some(())
        })),+];

        /// Each parameter's name and value. Naming every field, it does not compile when one is forgotten.
        pub(crate) fn values(params: &Params) -> Vec<(&'static str, u64)> {
            let Params { $($field),+ } = params;
            vec![$((stringify!($field), $write(*$field))),+]
        }
    };
}

fn narrow(number: u64) -> Option<u32> {
    number.try_into().ok()
}

fn gas(number: u64) -> Option<Gas> {
    Some(Gas::new(number))
}

fields! {
    validity_ms_max: Some, u64::from;
    block_time_ahead_ms_max: Some, u64::from;
    idle_interval_ms: Some, u64::from;
    block_bytes_max: narrow, u64::from;
    block_transactions_max: narrow, u64::from;
    block_gas_max: gas, Gas::get;
    transaction_gas_max: gas, Gas::get;
    lane_gas_max: gas, Gas::get;
    job_gas: gas, Gas::get;
    quota_window_ms: Some, u64::from;
    quota_gas: gas, Gas::get;
    timeout_propose_ms: narrow, u64::from;
    timeout_vote_ms: narrow, u64::from;
    timeout_ms_max: narrow, u64::from;
}
