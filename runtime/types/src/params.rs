//! What a chain chooses for itself, within [`crate::limits`]. Part of the genesis and of the state.
use crate::hash::Hash;
use crate::limits;
use crate::quantity::Gas;
use parity_scale_codec::{Decode, Encode};

/// Parameters of a chain. Times are milliseconds.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Params {
    /// Longest `expires_at - valid_from` of a transaction (default 90 days: rebates are claimed weeks after signing).
    pub validity_ms_max: u64,
    /// How far a block's time may be ahead of a validator's clock (default 2 s).
    pub block_time_ahead_ms_max: u64,
    /// An idle chain makes a block at least this often (default 60 s).
    pub idle_interval_ms: u64,
    /// Bytes of transactions in a block (default 2 MiB).
    pub block_bytes_max: u32,
    /// Transactions in a block (default 5000).
    pub block_transactions_max: u32,
    /// Gas of a block's transactions together; those that do not fit are put off (default 2 × 10^9: two seconds of
    /// one core at most, as a unit is at most a nanosecond; five thousand purchases use half of it).
    pub block_gas_max: Gas,
    /// Gas of one transaction (default 200 × 10^6).
    pub transaction_gas_max: Gas,
    /// Gas of all jobs run in one block; the rest runs in the next (default 10^9).
    pub lane_gas_max: Gas,
    /// Gas a job is given and its scheduler pays ahead (default 500,000: the dearest job of the contracts here uses half of it).
    pub job_gas: Gas,
    /// Length of a quota window (default one hour).
    pub quota_window_ms: u64,
    /// Gas a member's holders and itself may use in a window (default 10^15: no limit in practice).
    pub quota_gas: Gas,
    /// Time a proposer is waited for in round 0 (default 400 ms).
    pub timeout_propose_ms: u32,
    /// Time votes are waited for in round 0 (default 200 ms).
    pub timeout_vote_ms: u32,
    /// No round waits longer (default 5 s).
    pub timeout_ms_max: u32,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Default for Params {
    fn default() -> Self {
        Self {
            validity_ms_max: 90 * DAY_MS,
            block_time_ahead_ms_max: 2_000,
            idle_interval_ms: 60_000,
            block_bytes_max: 2 * 1024 * 1024,
            block_transactions_max: 5_000,
            block_gas_max: Gas::new(2_000_000_000),
            transaction_gas_max: Gas::new(200_000_000),
            lane_gas_max: Gas::new(1_000_000_000),
            job_gas: Gas::new(500_000),
            quota_window_ms: 3_600_000,
            quota_gas: Gas::new(1_000_000_000_000_000),
            timeout_propose_ms: 400,
            timeout_vote_ms: 200,
            timeout_ms_max: 5_000,
        }
    }
}

/// A parameter outside what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{name}` is {value}, but must be {least} to {most}")]
pub struct BadParam {
    /// The field.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// Least allowed.
    pub least: u64,
    /// Most allowed.
    pub most: u64,
}

/// A parameter, as governance and specifications name it.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The field's name.
    pub name: &'static str,
    get: fn(&Params) -> u64,
    set: fn(&mut Params, u64) -> bool,
    least: fn(&Params) -> u64,
    most: u64,
}

/// A field of [`Params`] as a number.
trait Field: Sized {
    fn to_u64(&self) -> u64;
    fn from_u64(value: u64) -> Option<Self>;
}

impl Field for u64 {
    fn to_u64(&self) -> u64 {
        *self
    }

    fn from_u64(value: u64) -> Option<Self> {
        Some(value)
    }
}

impl Field for u32 {
    fn to_u64(&self) -> u64 {
        (*self).into()
    }

    fn from_u64(value: u64) -> Option<Self> {
        value.try_into().ok()
    }
}

impl Field for Gas {
    fn to_u64(&self) -> u64 {
        self.get()
    }

    fn from_u64(value: u64) -> Option<Self> {
        Some(Self::new(value))
    }
}

fn assign<F: Field>(field: &mut F, value: u64) -> bool {
    F::from_u64(value).map(|value| *field = value).is_some()
}

macro_rules! parameters {
    ($($field:ident: $least:expr, $most:expr;)+) => {
        {
            // Naming every field, it does not compile when one is forgotten.
            const _: fn(&Params) = |params| {
                let Params { $($field: _),+ } = params;
            };
            &[$(Parameter {
                name: stringify!($field),
                get: |params| params.$field.to_u64(),
                set: |params, value| assign(&mut params.$field, value),
                least: $least,
                most: $most,
            }),+]
        }
    };
}

/// Every parameter with its range. What others depend on comes before them, so that the cause is named.
pub const PARAMETERS: &[Parameter] = parameters! {
    validity_ms_max: |_| 60_000, 365 * DAY_MS;
    block_time_ahead_ms_max: |_| 100, 60_000;
    idle_interval_ms: |_| 100, DAY_MS;
    // The largest transaction must fit a block.
    block_bytes_max: |_| limits::TRANSACTION_BYTES_MAX as u64, limits::BLOCK_BYTES_MAX as u64 - 64 * 1024;
    block_transactions_max: |_| 1, limits::BLOCK_TRANSACTIONS_MAX as u64;
    transaction_gas_max: |_| 1_000_000, 10_000_000_000;
    block_gas_max: |params| params.transaction_gas_max.get(), 1_000_000_000_000_000;
    lane_gas_max: |params| params.job_gas.get(), 1_000_000_000_000;
    job_gas: |_| 100_000, 100_000_000;
    quota_window_ms: |_| 60_000, 31 * DAY_MS;
    quota_gas: |_| 1_000_000, u64::MAX;
    timeout_propose_ms: |_| 50, 60_000;
    timeout_vote_ms: |_| 50, 60_000;
    timeout_ms_max: |params| params.timeout_propose_ms.into(), 60_000;
};

impl Parameter {
    /// The parameter with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PARAMETERS.iter().find(|parameter| parameter.name == name)
    }

    /// Its value.
    pub fn get(&self, params: &Params) -> u64 {
        (self.get)(params)
    }

    /// Sets it. Whether the parameters fit together is for [`Params::check`], once all are set.
    ///
    /// # Errors
    /// [`BadParam`] if no field holds the value; nothing changed.
    pub fn set(&self, params: &mut Params, value: u64) -> Result<(), BadParam> {
        if (self.set)(params, value) { Ok(()) } else { Err(self.out_of_range(params, value)) }
    }

    fn out_of_range(&self, params: &Params, value: u64) -> BadParam {
        BadParam { name: self.name, value, least: (self.least)(params), most: self.most }
    }
}

impl Params {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`BadParam`] names the first one out of its range.
    pub fn check(&self) -> Result<(), BadParam> {
        PARAMETERS.iter().try_for_each(|parameter| {
            let value = parameter.get(self);
            let allowed = (parameter.least)(self)..=parameter.most;
            if allowed.contains(&value) { Ok(()) } else { Err(parameter.out_of_range(self, value)) }
        })
    }

    /// What the header names as `params_hash`.
    pub fn hash(&self) -> Hash {
        Hash::of_encoded("params", self)
    }
}
