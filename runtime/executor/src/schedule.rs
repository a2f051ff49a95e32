//! Jobs: contract methods that the ledger itself runs. A job is due in the first block whose time is at or after its own.
use crate::ledger::Ledger;
use countersign_types::{Hash, Job, Timestamp, state_key};

/// Jobs of one block at most, whatever their gas: they share the receipts' tree with the transactions.
pub(crate) const JOBS_PER_BLOCK_MAX: usize = countersign_types::limits::BLOCK_TRANSACTIONS_MAX;
/// Jobs read from the state at once.
const JOBS_PER_READ: usize = 64;
/// A job of a suspended contract waits this long before it is looked at again: an hour keeps a thousand of them from being read
/// in every block.
pub(crate) const SUSPENDED_RETRY_MS: u64 = 3_600_000;

/// Gas of moving a job: its record is removed and written under another time, and so is the index, by the host table's prices. The
/// lane pays.
pub(crate) const MOVING_GAS: u64 = 40_000;

/// Adds a job and returns its sequence number; `sequence` of `job` is set to it.
pub(crate) fn add(ledger: &mut Ledger<'_>, mut job: Job) -> u64 {
    let sequence: u64 = ledger.read(&state_key::next_job()).unwrap_or(0);
    let next = sequence.checked_add(1).expect("2^64 jobs are never made");
    ledger.write(state_key::next_job(), &next);
    job.sequence = sequence;
    put(ledger, &job);
    sequence
}

/// Puts a job under its time and number.
pub(crate) fn put(ledger: &mut Ledger<'_>, job: &Job) {
    ledger.write(state_key::job_time(job.sequence), &job.at);
    ledger.write(state_key::job(job.at, job.sequence), job);
}

/// The job with this number, if it has not run.
pub(crate) fn find(ledger: &Ledger<'_>, sequence: u64) -> Option<Job> {
    let at: Timestamp = ledger.read(&state_key::job_time(sequence))?;
    ledger.read(&state_key::job(at, sequence))
}

/// Removes a job.
pub(crate) fn remove(ledger: &mut Ledger<'_>, job: &Job) {
    ledger.remove(state_key::job_time(job.sequence));
    ledger.remove(state_key::job(job.at, job.sequence));
}

/// The jobs due at `time` that come after the job `after`, by time and number, at most [`JOBS_PER_READ`].
pub(crate) fn due(ledger: &Ledger<'_>, time: Timestamp, after: Option<(Timestamp, u64)>) -> Vec<Job> {
    let after = after.map(|(at, sequence)| state_key::job(at, sequence));
    let next = ledger.range_of::<Job>(&state_key::jobs(), after.as_deref(), JOBS_PER_READ);
    next.into_iter().take_while(|job| job.at <= time).collect()
}

/// What stands for the transaction's id while a job runs.
pub(crate) fn origin_id(sequence: u64) -> Hash {
    Hash::of("job", &sequence.to_le_bytes())
}
