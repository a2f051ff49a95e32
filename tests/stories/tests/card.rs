//! Story 1.4 through the real programs: what `countersign-node demo` tells must come out right, whatever happens to the node.
use anyhow::Context as _;
use countersign_harness::{Binary, binary};
use serde_json::Value;
use std::process::Command;

/// Plays the demonstration and gives its exit code and summary.
fn demo(args: &[&str]) -> anyhow::Result<(i32, Value)> {
    let dir = tempfile::tempdir()?;
    let mut command = Command::new(binary(Binary::Node)?);
    command.args(["demo", "--json", "--story", "card", "--dir"]).arg(dir.path()).args(args);
    command.arg("--wallet").arg(binary(Binary::Wallet)?);
    let output = command.output().context("starting the demonstration")?;
    let told = String::from_utf8_lossy(&output.stderr);
    let summary = serde_json::from_slice(&output.stdout).with_context(|| format!("no summary; it told:\n{told}"))?;
    eprintln!("{told}");
    Ok((output.status.code().unwrap_or(-1), summary))
}

fn assert_complete(summary: &Value) {
    let card = &summary["stories"]["card"];
    assert_eq!(card["ok"], true, "{card:#}");
    let steps = card["steps"].as_array().into_iter().flatten();
    let steps: Vec<&str> = steps.filter_map(|step| step["step"].as_str()).collect();
    for step in ["1", "2", "3", "3a", "3b", "4", "4a", "5", "5a", "5b", "6", "6a", "7", "7a", "8", "8a"] {
        assert!(steps.contains(&step), "step {step} is missing from {steps:?}");
    }
    assert_eq!(summary["network"]["ok"], true, "the nodes do not agree: {:#}", summary["network"]);
}

#[test]
fn the_card_story_comes_out_right() -> anyhow::Result<()> {
    let (code, summary) = demo(&[])?;
    assert_complete(&summary);
    assert_eq!(code, 0);
    Ok(())
}

#[test]
fn the_card_story_survives_a_kill_after_every_step() -> anyhow::Result<()> {
    let (code, summary) = demo(&["--restart-at", "all"])?;
    assert_complete(&summary);
    assert_eq!(code, 0);
    Ok(())
}
