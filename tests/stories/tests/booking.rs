//! Story 1.2 through the real programs: what `countersign-node demo` tells must come out right, whatever happens to the node.
use anyhow::Context as _;
use countersign_harness::{Binary, binary};
use serde_json::Value;
use std::process::Command;

/// Plays the story and gives its exit code and summary.
fn demo(args: &[&str]) -> anyhow::Result<(i32, Value)> {
    let dir = tempfile::tempdir()?;
    let mut command = Command::new(binary(Binary::Node)?);
    command.args(["demo", "--json", "--story", "booking", "--dir"]).arg(dir.path()).args(args);
    command.arg("--wallet").arg(binary(Binary::Wallet)?);
    // Unoptimised programs on a busy machine need more time before the booked time begins.
    command.args(["--rebate-in", "90"]);
    let output = command.output().context("starting the demonstration")?;
    let told = String::from_utf8_lossy(&output.stderr);
    let summary = serde_json::from_slice(&output.stdout).with_context(|| format!("no summary; it told:\n{told}"))?;
    eprintln!("{told}");
    Ok((output.status.code().unwrap_or(-1), summary))
}

fn assert_complete(summary: &Value) {
    let story = &summary["stories"]["booking"];
    assert_eq!(story["ok"], true, "{story:#}");
    let steps = story["steps"].as_array().into_iter().flatten();
    let steps: Vec<&str> = steps.filter_map(|step| step["step"].as_str()).collect();
    for step in 1..=12 {
        assert!(steps.contains(&step.to_string().as_str()), "step {step} is missing from {steps:?}");
    }
    let refusals = steps.iter().filter(|step| step.ends_with(char::is_alphabetic)).count();
    assert!(refusals >= 9, "too few refusals were shown: {steps:?}");
    assert_eq!(summary["network"]["ok"], true, "the nodes do not agree: {:#}", summary["network"]);
}

#[test]
fn the_booking_story_comes_out_right() -> anyhow::Result<()> {
    let (code, summary) = demo(&[])?;
    assert_complete(&summary);
    assert_eq!(code, 0);
    Ok(())
}

#[test]
fn the_booking_story_survives_a_kill_after_every_step() -> anyhow::Result<()> {
    let (code, summary) = demo(&["--restart-at", "all"])?;
    assert_complete(&summary);
    assert_eq!(code, 0);
    Ok(())
}
