//! Whether the node is admitted and votes, keeps up, goes by the right time, and whether what it has on disk is right.
use super::view::View;
use super::{Finding, Patient};
use crate::inspect;
use countersign_types::{NodeRecord, PublicKey, Status, Timestamp};
use std::process::Command;

/// Blocks of a stopped node's folder that are checked, the newest ones: some seconds of work.
const BLOCKS_CHECKED_MAX: u64 = 10_000;
/// Blocks behind the highest peer within which a node keeps up.
const BLOCKS_BEHIND_MAX: u64 = 5;
/// A clock that disagrees with the blocks' times by less than this harms nothing.
const CLOCK_TOLERANCE_MS: u64 = 500;
const CLOCK_ADVICE: &str = "let the machine's clock be set by NTP (`timedatectl set-ntp true`)";

pub(super) fn examine(patient: &Patient, view: &View, findings: &mut Vec<Finding>) {
    findings.push(admission(&patient.keys.network.public(), view.own.as_ref(), view.no_registry));
    findings.push(validator(patient, view));
    let now = patient.config.clock().now();
    findings.push(clock(
        now,
        view.time,
        patient.genesis.params.block_time_ahead_ms_max,
        patient.config.clock_offset_ms,
    ));
    findings.extend(synchronised(&timedatectl()));
    findings.extend(height(view));
    findings.extend(storage(patient, view));
}

pub(super) fn admission(key: &PublicKey, own: Option<&NodeRecord>, no_registry: bool) -> Finding {
    match own {
        Some(node) if node.status == Status::Active => {
            Finding::ok("admission", format!("the council has admitted this node since block {}", node.since))
        }
        Some(_) => Finding::error(
            "admission",
            "the council has removed this node: no peer lets it in",
            format!("ask the council to admit {key} again (`countersign council node admit`)"),
        ),
        None if no_registry => {
            Finding::ok("admission", "the ledger lists no nodes: peers are those that the operators' settings list")
        }
        None => Finding::warning(
            "admission",
            "the council has not admitted this node: only peers whose settings list it let it in",
            format!("ask the council to admit {key} (`countersign council node admit`)"),
        ),
    }
}

fn validator(patient: &Patient, view: &View) -> Finding {
    let Some(key) = patient.keys.validator.as_ref().map(crate::keys::NodeKey::public) else {
        return Finding::note("validator", "none: this node follows the chain");
    };
    match view.validators.0.iter().find(|validator| validator.key == key) {
        Some(validator) => {
            let all: u64 = view.validators.0.iter().map(|validator| validator.power).sum();
            Finding::ok("validator", format!("{key} votes with {} of {all}", validator.power))
        }
        None => Finding::warning(
            "validator",
            format!("{key} is no validator's key at height {}", view.height),
            "ask the council for it (`countersign council validator set`), or take validator.key out of node.toml",
        ),
    }
}

/// `offset_ms` is what the settings add to the machine's clock, `ahead_max_ms` how far validators let a block's time be ahead.
pub(super) fn clock(now: Timestamp, block: Option<Timestamp>, ahead_max_ms: u64, offset_ms: i64) -> Finding {
    let ahead = block.map_or(0, |block| block.saturating_since(now));
    if ahead > ahead_max_ms {
        let text = format!("is {ahead} ms behind the newest block: this node refuses the others' blocks");
        return Finding::error("clock", text, CLOCK_ADVICE);
    }
    if ahead > CLOCK_TOLERANCE_MS {
        return Finding::warning("clock", format!("is {ahead} ms behind the newest block"), CLOCK_ADVICE);
    }
    if offset_ms != 0 {
        let text = format!("is set {offset_ms} ms apart from the machine's (clock.offset_ms)");
        return Finding::warning("clock", text, "set it to 0 unless the machine's clock is wrong and cannot be set");
    }
    match block {
        Some(_) => Finding::ok("clock", "is not behind the newest block"),
        None => Finding::note("clock", "there is no block to compare it with"),
    }
}

/// Whether systemd says that the clock is kept right: one that is ahead of the others' is not seen in the blocks.
pub(super) fn synchronised(said: &str) -> Option<Finding> {
    (said.trim() == "no").then(|| {
        let text =
            "the machine's clock is not synchronised; ahead of the others', it would have this node's blocks refused";
        Finding::warning("clock", text, CLOCK_ADVICE)
    })
}

/// `yes` or `no`; empty where there is no systemd.
fn timedatectl() -> String {
    let said = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output();
    said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

fn height(view: &View) -> Option<Finding> {
    let running = view.running.as_ref()?;
    let highest = running.peers.iter().filter_map(|peer| peer.height).max();
    let own = view.height.get();
    if let Some(highest) = highest.filter(|highest| *highest > own + BLOCKS_BEHIND_MAX) {
        let text = format!("{own}, {} behind the highest peer", highest - own);
        return Some(Finding::warning(
            "height",
            text,
            "it catches up by itself; if the distance grows, look at its log",
        ));
    }
    let words = running.explanation.words.join("; ");
    if running.explanation.is_normal {
        return Some(Finding::ok("height", format!("{own}: {words}")));
    }
    Some(Finding::warning("height", format!("{own}: {words}"), "see which validators are missing, and their doctor"))
}

fn storage(patient: &Patient, view: &View) -> Vec<Finding> {
    if view.running.is_some() {
        return vec![Finding::note("storage", "is checked when the node is stopped")];
    }
    if !view.is_readable {
        return Vec::new();
    }
    match inspect::inspect(&patient.config.dir, &patient.genesis, BLOCKS_CHECKED_MAX) {
        Ok(found) if found.damages.is_empty() => {
            let (checked, assets) = (found.checked, found.assets);
            let text = format!("{checked} newest blocks and the state are certified, {assets} assets add up");
            vec![Finding::ok("storage", text)]
        }
        Ok(found) => {
            let advice = "restore the folder from a snapshot or a copy, but keep the folder `consensus`";
            found.damages.iter().map(|damage| Finding::failed("storage", damage, advice)).collect()
        }
        Err(error) => vec![Finding::failed("storage", &error, "see what holds the folder")],
    }
}
