//! Tells the story: each step with what was done and seen on standard error as it happens, the summary at the end.
use super::network::Agreement;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Instant;

/// A step or a refusal of a story, and whether it came out right.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its number in the story; refusals have a letter too.
    pub step: String,
    /// What it shows.
    pub title: String,
    /// True if it came out right.
    pub ok: bool,
    /// What was seen: ids, balances, the error of a refusal.
    pub seen: Vec<String>,
    /// Milliseconds it took.
    pub took_ms: u64,
}

/// A story with its steps.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Story {
    /// True if every step and refusal came out right.
    pub ok: bool,
    /// In the order they were played.
    pub steps: Vec<Step>,
}

/// All stories played; printed as one JSON object with `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// By name.
    pub stories: BTreeMap<String, Story>,
    /// Whether the nodes agree at the end.
    pub network: Agreement,
}

impl Summary {
    /// True if there is a story, all came out right, and the nodes agree.
    pub fn ok(&self) -> bool {
        !self.stories.is_empty() && self.stories.values().all(|story| story.ok) && self.network.ok
    }
}

/// Collects the steps of one story.
#[derive(Debug)]
pub struct Narrator {
    steps: Vec<Step>,
    /// The running steps, the outermost first: a refusal is shown within the step it belongs to.
    running: Vec<(usize, Instant)>,
}

impl Narrator {
    /// Announces a story.
    pub fn new(title: &str) -> Self {
        eprintln!("\n━━ {title}\n");
        Self { steps: Vec::new(), running: Vec::new() }
    }

    /// Announces a step.
    pub fn begin(&mut self, step: &str, title: &str) {
        eprintln!("{step:>3}  {title}");
        self.running.push((self.steps.len(), Instant::now()));
        self.steps.push(Step { step: step.into(), title: title.into(), ok: false, seen: Vec::new(), took_ms: 0 });
    }

    /// Tells something seen in the running step.
    pub fn see(&mut self, seen: impl Into<String>) {
        let seen = seen.into();
        eprintln!("       {seen}");
        if let Some((at, _)) = self.running.last() {
            self.steps[*at].seen.push(seen);
        }
    }

    /// What was seen first in the newest step: of a refusal, its words.
    pub fn first_seen(&self) -> String {
        self.steps.last().and_then(|step| step.seen.first()).cloned().unwrap_or_default()
    }

    /// True if the running step has this number.
    pub fn is_at(&self, step: &str) -> bool {
        self.running.last().is_some_and(|(at, _)| self.steps[*at].step == step)
    }

    /// Ends the running step.
    pub fn end(&mut self, ok: bool) {
        if let Some((at, begun)) = self.running.pop() {
            self.steps[at].ok = ok;
            self.steps[at].took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        }
        eprintln!("       {}\n", if ok { "✓" } else { "✗ this did not come out right" });
    }

    /// The story as it stands.
    pub fn finish(self) -> Story {
        Story { ok: !self.steps.is_empty() && self.steps.iter().all(|step| step.ok), steps: self.steps }
    }
}
