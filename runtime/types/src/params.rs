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
    /// Gas of a block's transactions together; those that do not fit are put off (default 4 × 10^9: about a second of
    /// the engine's work, at 0.15 to 0.3 ns a unit).
    pub block_gas_max: Gas,
    /// Gas of one transaction (default 200 × 10^6).
    pub transaction_gas_max: Gas,
    /// Gas of all jobs run in one block; the rest runs in the next (default 10^9).
    pub lane_gas_max: Gas,
    /// Gas a job is given and its scheduler pays ahead (default 10^6).
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
            block_gas_max: Gas::new(4_000_000_000),
            transaction_gas_max: Gas::new(200_000_000),
            lane_gas_max: Gas::new(1_000_000_000),
            job_gas: Gas::new(1_000_000),
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

impl Params {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`BadParam`] names the first one out of its range.
    pub fn check(&self) -> Result<(), BadParam> {
        let ranges = [
            ("validity_ms_max", self.validity_ms_max, 60_000, 365 * DAY_MS),
            ("block_time_ahead_ms_max", self.block_time_ahead_ms_max, 100, 60_000),
            ("idle_interval_ms", self.idle_interval_ms, 100, DAY_MS),
            // The largest transaction must fit a block.
            (
                "block_bytes_max",
                self.block_bytes_max.into(),
                limits::TRANSACTION_BYTES_MAX as u64,
                limits::BLOCK_BYTES_MAX as u64 - 64 * 1024,
            ),
            ("block_transactions_max", self.block_transactions_max.into(), 1, limits::BLOCK_TRANSACTIONS_MAX as u64),
            // What others depend on comes before them, so that the cause is named.
            ("transaction_gas_max", self.transaction_gas_max.get(), 1_000_000, 10_000_000_000),
            ("block_gas_max", self.block_gas_max.get(), self.transaction_gas_max.get(), 1_000_000_000_000_000),
            ("lane_gas_max", self.lane_gas_max.get(), self.job_gas.get(), 1_000_000_000_000),
            ("job_gas", self.job_gas.get(), 100_000, 100_000_000),
            ("quota_window_ms", self.quota_window_ms, 60_000, 31 * DAY_MS),
            ("quota_gas", self.quota_gas.get(), 1_000_000, u64::MAX),
            ("timeout_propose_ms", self.timeout_propose_ms.into(), 50, 60_000),
            ("timeout_vote_ms", self.timeout_vote_ms.into(), 50, 60_000),
            ("timeout_ms_max", self.timeout_ms_max.into(), self.timeout_propose_ms.into(), 60_000),
        ];
        match ranges.into_iter().find(|(_, value, least, most)| value < least || value > most) {
            Some((name, value, least, most)) => Err(BadParam { name, value, least, most }),
            None => Ok(()),
        }
    }

    /// What the header names as `params_hash`.
    pub fn hash(&self) -> Hash {
        Hash::of_encoded("params", self)
    }
}
