//! A lock's file: JSON that people can read and check, `lock.json`.
use crate::failure::Failure;
use crate::files;
use countersign_client::lock::{Bounds, Challenge, Lock, LockTrust};
use countersign_client::types::{Height, Text, Validator, ValidatorSet};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of the file.
const VERSION: u32 = 1;
/// Bytes of the file: a hundred validators, sixty-four objects, and a challenge.
const FILE_BYTES_MAX: usize = 128 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    chain: String,
    since: u64,
    validators: Vec<Believed>,
    merchant: String,
    objects: Vec<String>,
    fresh_ms: u64,
    ahead_ms: u64,
    /// The challenge that waits for its answer.
    waiting: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Believed {
    key: String,
    power: u64,
}

/// Reads a lock.
pub fn read(path: &Path) -> Result<Lock, Failure> {
    let bytes = files::read(path, FILE_BYTES_MAX)?;
    let shown = || path.display().to_string();
    let file: File = serde_json::from_slice(&bytes).map_err(|source| Failure::BadJson { what: shown(), source })?;
    if file.version != VERSION {
        return Err(Failure::OtherVersion { path: shown(), found: file.version, wanted: VERSION });
    }
    let damaged = || Failure::Damaged { path: shown(), what: "a lock" };
    let lock = rebuild(&file).ok_or_else(damaged)?;
    let waiting = file.waiting.as_deref().map(Challenge::from_text).transpose().map_err(|_| damaged())?;
    Ok(lock.waiting_for(waiting))
}

/// The lock that a file describes; `None` if something of it is not what it should be.
fn rebuild(file: &File) -> Option<Lock> {
    let believed = |one: &Believed| Some(Validator { key: one.key.parse().ok()?, power: one.power });
    let validators: Vec<_> = file.validators.iter().map(believed).collect::<Option<_>>()?;
    let validators = ValidatorSet(validators.try_into().ok()?);
    let trust = LockTrust::new(file.chain.parse().ok()?, validators, Height::new(file.since))?;
    let objects: Vec<_> = file.objects.iter().map(|object| Text::new(object).ok()).collect::<Option<_>>()?;
    let bounds = Bounds { fresh_ms: file.fresh_ms, ahead_ms: file.ahead_ms };
    Lock::new(trust, file.merchant.parse().ok()?, objects.try_into().ok()?, bounds).ok()
}

/// Writes a lock.
pub fn write(path: &Path, lock: &Lock) -> Result<(), Failure> {
    let (trust, bounds) = (lock.trust(), lock.bounds());
    let believed = |one: &Validator| Believed { key: one.key.to_string(), power: one.power };
    let file = File {
        version: VERSION,
        chain: trust.chain().to_string(),
        since: trust.since().get(),
        validators: trust.validators().0.iter().map(believed).collect(),
        merchant: lock.merchant().to_string(),
        objects: lock.objects().iter().map(|object| object.to_string()).collect(),
        fresh_ms: bounds.fresh_ms,
        ahead_ms: bounds.ahead_ms,
        waiting: lock.waiting().map(Challenge::to_text),
    };
    let text = serde_json::to_vec_pretty(&file).map_err(|source| Failure::BadJson { what: "a lock".into(), source })?;
    files::write(path, &text)
}
