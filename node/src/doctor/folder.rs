//! The folder: settings, spec, keys, who may write into it, and whether there is room.
use super::{Finding, Patient};
use crate::config::{self, Config};
use crate::folder::{self, FolderError};
use crate::keys::{self, KeyFileError, NodeKeys};
use std::path::Path;

/// Free bytes below which a node is about to stop: a few minutes of full blocks.
const FREE_BYTES_LEAST: u64 = 256 * 1024 * 1024;
/// Free bytes below which there is time to act, but not much: a day of a busy chain.
const FREE_BYTES_LOW: u64 = 4 * 1024 * 1024 * 1024;

/// `None` if nothing more can be looked at.
pub(super) fn examine(
    dir: &Path,
    environment: impl Iterator<Item = (String, String)>,
    findings: &mut Vec<Finding>,
) -> Option<Patient> {
    let config = match config::load(dir, environment, &Vec::new()) {
        Ok(config) => config,
        Err(error) => {
            findings.push(Finding::failed("settings", &error, "correct the setting, or make the folder with `init`"));
            return None;
        }
    };
    findings.push(Finding::ok("settings", format!("{} can be read", dir.join(folder::SETTINGS_FILE).display())));
    findings.extend(others_can_write(dir));
    findings.extend(disk(dir));
    let genesis = match folder::take_spec(&config, None)
        .and_then(|()| countersign_chain_spec::load(&config.path(&config.spec)).map_err(FolderError::from))
    {
        Ok(genesis) => Some(genesis),
        Err(error) => {
            findings.push(Finding::failed("spec", &error, "every node needs the very same spec file"));
            None
        }
    };
    if let Some(genesis) = &genesis {
        findings.push(Finding::ok("spec", format!("{}: chain {}", genesis.title, genesis.chain())));
    }
    let keys = examine_keys(&config, findings);
    Some(Patient { config, genesis: genesis?, keys: keys? })
}

fn examine_keys(config: &Config, findings: &mut Vec<Finding>) -> Option<NodeKeys> {
    let keys = match NodeKeys::load(config) {
        Ok(keys) => keys,
        Err(error) => {
            findings.push(Finding::failed("keys", &error, key_advice(&error)));
            return None;
        }
    };
    let files = std::iter::once(&config.network_key).chain(&config.validator_key);
    let plain: Vec<String> = files
        .map(|file| config.path(file))
        .filter(|file| keys::is_encrypted(file).is_ok_and(|encrypted| !encrypted))
        .map(|file| file.display().to_string())
        .collect();
    findings
        .push(Finding::ok("keys", format!("peer id {}, node key {}", keys.network.peer_id(), keys.network.public())));
    if !plain.is_empty() {
        let text = format!("not encrypted: {}", plain.join(", "));
        findings.push(Finding::note("keys", format!("{text} (`keys copy` makes an encrypted copy)")));
    }
    Some(keys)
}

fn key_advice(error: &KeyFileError) -> &'static str {
    match error {
        KeyFileError::Open { .. } => "run the chmod it names; if others may have read the key, make a new one",
        KeyFileError::Encrypted { .. } | KeyFileError::WrongPassphrase { .. } => "give the passphrase of the key files",
        KeyFileError::PassphraseFile { .. } | KeyFileError::EmptyPassphrase { .. } => "correct keys.passphrase_file",
        _ => "put the key file back from its backup; a validator's key must never be in two nodes",
    }
}

#[cfg(unix)]
fn others_can_write(dir: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(dir).ok()?.permissions().mode();
    let text = format!("others can write into {} (mode {:o})", dir.display(), mode & 0o777);
    (mode & 0o022 != 0).then(|| Finding::warning("keys", text, format!("chmod go-w {}", dir.display())))
}

fn disk(dir: &Path) -> Option<Finding> {
    let found = rustix::fs::statvfs(dir).ok()?;
    Some(room(found.f_bavail.saturating_mul(found.f_frsize)))
}

/// What so many free bytes mean.
pub(super) fn room(bytes: u64) -> Finding {
    let text = format!("{:.1} GiB free", bytes as f64 / f64::from(1 << 30));
    let advice = "make room: a node whose disk is full stops (exit code 4), and goes on when there is room again";
    match bytes {
        0..FREE_BYTES_LEAST => Finding::error("disk", text, advice),
        FREE_BYTES_LEAST..FREE_BYTES_LOW => Finding::warning("disk", text, advice),
        _ => Finding::ok("disk", text),
    }
}
