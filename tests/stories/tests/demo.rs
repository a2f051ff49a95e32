//! Stories 1.1 to 1.4 through the real programs: what `countersign-node demo` tells must come out right, whatever happens to the node.
use anyhow::Context as _;
use countersign_harness::{Binary, binary};
use serde_json::Value;
use std::process::Command;

/// A story, and the least it must tell.
struct Story {
    name: &'static str,
    /// Its numbered steps.
    steps: u8,
    /// Refusals it shows, as steps with a letter.
    refusals: usize,
    /// What it must have seen somewhere.
    seen: Option<&'static str>,
}

const REBATE: Story = Story { name: "rebate", steps: 8, refusals: 6, seen: None };
const BOOKING: Story = Story { name: "booking", steps: 14, refusals: 12, seen: None };
const TOPUP: Story = Story { name: "topup", steps: 12, refusals: 11, seen: None };
const CARD: Story = Story { name: "card", steps: 8, refusals: 8, seen: Some("the card is in a PC/SC reader") };

impl Story {
    /// Plays it on four validators and checks every row it told.
    fn comes_out_right(&self, args: &[&str]) -> anyhow::Result<()> {
        let (code, summary) = self.play(args)?;
        let told = &summary["stories"][self.name];
        assert_eq!(told["ok"], true, "{told:#}");
        let steps = told["steps"].as_array().into_iter().flatten();
        let steps: Vec<&str> = steps.filter_map(|step| step["step"].as_str()).collect();
        for step in 1..=self.steps {
            assert!(steps.contains(&step.to_string().as_str()), "step {step} is missing from {steps:?}");
        }
        let refusals = steps.iter().filter(|step| step.ends_with(char::is_alphabetic)).count();
        assert!(refusals >= self.refusals, "too few refusals were shown: {steps:?}");
        if let Some(seen) = self.seen {
            assert!(told.to_string().contains(seen), "it did not see that {seen}: {told:#}");
        }
        let network = &summary["network"];
        assert_eq!(network["ok"], true, "the nodes do not agree: {network:#}");
        assert_eq!(network["nodes"].as_array().map(Vec::len), Some(4), "{network:#}");
        assert_eq!(code, 0);
        Ok(())
    }

    /// Plays it and gives the exit code and the summary.
    fn play(&self, args: &[&str]) -> anyhow::Result<(i32, Value)> {
        let dir = tempfile::tempdir()?;
        let mut command = Command::new(binary(Binary::Node)?);
        command.args(["demo", "--json", "--story", self.name, "--dir"]).arg(dir.path()).args(args);
        command.arg("--wallet").arg(binary(Binary::Wallet)?);
        // Unoptimised programs on a busy machine need more time for the steps before something falls due.
        command.args(["--rebate-in", "90"]);
        let output = command.output().context("starting the demonstration")?;
        let told = String::from_utf8_lossy(&output.stderr);
        let summary =
            serde_json::from_slice(&output.stdout).with_context(|| format!("no summary; it told:\n{told}"))?;
        eprintln!("{told}");
        Ok((output.status.code().unwrap_or(-1), summary))
    }
}

#[test]
fn the_rebate_story_comes_out_right() -> anyhow::Result<()> {
    REBATE.comes_out_right(&[])
}

#[test]
fn the_rebate_story_survives_a_kill_after_every_step() -> anyhow::Result<()> {
    REBATE.comes_out_right(&["--restart-at", "all"])
}

#[test]
fn the_booking_story_comes_out_right() -> anyhow::Result<()> {
    BOOKING.comes_out_right(&[])
}

#[test]
fn the_booking_story_survives_a_kill_after_every_step() -> anyhow::Result<()> {
    BOOKING.comes_out_right(&["--restart-at", "all"])
}

#[test]
fn the_top_up_story_comes_out_right() -> anyhow::Result<()> {
    TOPUP.comes_out_right(&[])
}

#[test]
fn the_top_up_story_survives_a_kill_after_every_step() -> anyhow::Result<()> {
    TOPUP.comes_out_right(&["--restart-at", "all"])
}

#[test]
fn the_card_story_comes_out_right() -> anyhow::Result<()> {
    CARD.comes_out_right(&[])
}

#[test]
fn the_card_story_survives_a_kill_after_every_step() -> anyhow::Result<()> {
    CARD.comes_out_right(&["--restart-at", "all"])
}
