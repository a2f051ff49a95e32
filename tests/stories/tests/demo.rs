//! The five stories through the real programs: what `countersign-node demo` tells must come out right, whatever
//! happens to the node that the wallets, the relays and the messages are on; and what `--keep` tells a newcomer to do
//! must work.
use anyhow::Context as _;
use countersign_harness::{Binary, binary};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A story, and the least it must tell.
struct Story {
    name: &'static str,
    /// Its numbered steps.
    steps: u8,
    /// Refusals it shows, as steps with a letter.
    refusals: usize,
    /// What it must have seen somewhere.
    seen: Option<&'static str>,
    /// Seconds until something falls due: unoptimised programs on a busy machine need more for the steps before.
    due_in: &'static str,
}

const LOGIN: Story = Story { name: "login", steps: 7, refusals: 9, seen: Some("pushed after"), due_in: "90" };
const REBATE: Story = Story { name: "rebate", steps: 8, refusals: 6, seen: None, due_in: "150" };
const BOOKING: Story = Story { name: "booking", steps: 14, refusals: 12, seen: None, due_in: "90" };
const TOPUP: Story = Story { name: "topup", steps: 12, refusals: 11, seen: None, due_in: "90" };
const CARD: Story =
    Story { name: "card", steps: 8, refusals: 8, seen: Some("the card is in a PC/SC reader"), due_in: "90" };

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

    /// The demonstration of it in an empty folder.
    fn command(&self, dir: &Path) -> anyhow::Result<Command> {
        let mut command = Command::new(binary(Binary::Node)?);
        command.args(["demo", "--story", self.name, "--rebate-in", self.due_in, "--dir"]).arg(dir);
        command.arg("--wallet").arg(binary(Binary::Wallet)?).arg("--site").arg(binary(Binary::Site)?);
        Ok(command)
    }

    /// Plays it and gives the exit code and the summary.
    fn play(&self, args: &[&str]) -> anyhow::Result<(i32, Value)> {
        let dir = tempfile::tempdir()?;
        let mut command = self.command(dir.path())?;
        command.arg("--json").args(args);
        let output = command.output().context("starting the demonstration")?;
        let told = String::from_utf8_lossy(&output.stderr);
        let summary =
            serde_json::from_slice(&output.stdout).with_context(|| format!("no summary; it told:\n{told}"))?;
        eprintln!("{told}");
        Ok((output.status.code().unwrap_or(-1), summary))
    }
}

/// Ends a process when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_login_story_comes_out_right() -> anyhow::Result<()> {
    LOGIN.comes_out_right(&[])
}

#[test]
fn the_login_story_survives_a_kill_after_every_step() -> anyhow::Result<()> {
    LOGIN.comes_out_right(&["--restart-at", "all"])
}

#[test]
fn who_does_what_keep_tells_has_joined() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut command = LOGIN.command(dir.path())?;
    let mut demo = Running(command.arg("--keep").stderr(Stdio::piped()).spawn()?);
    let told = BufReader::new(demo.0.stderr.take().context("standard error is piped")?);
    let (mut join, mut first_node) = (Vec::new(), None);
    for line in told.lines() {
        let line = line?;
        eprintln!("{line}");
        if line.starts_with("  node 1 ") {
            first_node = line.rsplit(' ').next().map(str::to_owned);
        }
        // What is to be typed is set off; the last of it is for whoever wants more users.
        match line.strip_prefix("    ") {
            Some(command) if command.starts_with("countersign-site") => break,
            Some(command) if command.starts_with("countersign ") || command.starts_with("export ") => {
                join.push(command.to_owned());
            }
            _ => {}
        }
    }
    anyhow::ensure!(join.len() > 5, "it told no way to join: {join:?}");
    let typed = Command::new("sh").args(["-e", "-c", &join.join("\n")]).current_dir(dir.path()).output()?;
    let (said, errors) = (String::from_utf8_lossy(&typed.stdout), String::from_utf8_lossy(&typed.stderr));
    anyhow::ensure!(typed.status.success(), "{join:#?}\n{said}\n{errors}");
    for part in ["Alice", "Two nights", "guest@harbor-hotel.example"] {
        anyhow::ensure!(said.contains(part), "no `{part}` in what the newcomer's wallet printed:\n{said}\n{errors}");
    }
    // It stays no longer than its first node.
    let first_node = first_node.context("it told no process of node 1")?;
    anyhow::ensure!(Command::new("kill").arg(first_node).status()?.success(), "node 1 is gone already");
    assert_eq!(demo.0.wait()?.code(), Some(0));
    Ok(())
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
