//! `countersign-node demo`: plays the product's stories on a running network with real wallets, every one a process of its own.
//!
//! ```text
//! setup.rs: sites.rs (two merchants) + network.rs (four validators, two relays) ─→ stage.rs: a wallet for each person
//! login.rs, rebate.rs, booking.rs, topup.rs, card.rs: the stories ─mail.rs: sealed messages─→ narrate.rs
//! ```
mod booking;
mod card;
mod fault;
mod join;
mod login;
mod mail;
mod narrate;
mod network;
mod process;
mod reader;
mod rebate;
mod setup;
mod sites;
mod stage;
mod topup;

pub use fault::DemoError;
use fault::doing;
use narrate::{Story, Summary};
use process::Programs;
use stage::Stage;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A story that can be played.
struct Play {
    /// How it is chosen, and its name in the summary.
    name: &'static str,
    /// Steps after which the first node can be killed.
    steps: &'static [&'static str],
    /// Plays it; the time is from its beginning to the time its people agree on, when the ledger acts by itself.
    play: fn(&mut Stage, Duration) -> Result<Story, DemoError>,
}

/// In the order they are played: first the log-ins that the others need.
const STORIES: &[Play] = &[
    Play { name: "login", steps: &login::STEPS, play: login::play },
    Play { name: "rebate", steps: &rebate::STEPS, play: rebate::play },
    Play { name: "booking", steps: &booking::STEPS, play: booking::play },
    Play { name: "topup", steps: &topup::STEPS, play: topup::play },
    Play { name: "card", steps: &card::STEPS, play: card::play },
];

/// What of the demonstration can be chosen.
#[derive(clap::Args, Clone, Debug)]
pub struct DemoArgs {
    /// Print the summary as one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Leave everything running at the end, until interrupted, and tell how to join with a wallet of one's own
    #[arg(long)]
    keep: bool,
    /// Play this story; can be given several times [default: all]
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(STORIES.iter().map(|play| play.name)))]
    story: Vec<String>,
    /// Validators of the network, each a process of its own
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=crate::local::VALIDATORS_MAX as i64))]
    validators: u8,
    /// Kill the first node, which is a validator and a relay (SIGKILL), after this step, as 3 or rebate:3, and start it again; `all` for every step
    #[arg(long, value_name = "STEP")]
    restart_at: Option<String>,
    /// Empty folder for the nodes', the sites' and the wallets' files [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The wallet's program [default: `countersign` beside this one; in a source tree it is built first]
    #[arg(long, value_name = "FILE")]
    wallet: Option<PathBuf>,
    /// The program of a merchant's site [default: `countersign-site` beside this one; in a source tree it is built first]
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    /// Seconds from a story's beginning to the time at which the ledger acts by itself, such as the rebate time
    #[arg(long, value_name = "SECONDS", default_value_t = 45, value_parser = clap::value_parser!(u64).range(15..=600))]
    rebate_in: u64,
}

impl DemoArgs {
    fn chosen(&self) -> Vec<&'static Play> {
        let is_chosen = |play: &&Play| self.story.is_empty() || self.story.iter().any(|name| name == play.name);
        STORIES.iter().filter(is_chosen).collect()
    }

    /// A step that no story has is most likely mistyped.
    fn check_restart(&self, plays: &[&Play]) -> Result<(), DemoError> {
        let Some(given) = self.restart_at.as_deref().filter(|given| *given != "all") else {
            return Ok(());
        };
        let names = |play: &Play| play.steps.iter().map(|step| format!("{}:{step}", play.name)).collect::<Vec<_>>();
        let has = |play: &Play| play.steps.contains(&given) || names(play).iter().any(|name| name == given);
        if plays.iter().any(|play| has(play)) {
            return Ok(());
        }
        let known: Vec<String> = plays.iter().flat_map(|play| names(play)).collect();
        Err(DemoError::NoSuchStep { given: given.into(), known: known.join(", ") })
    }
}

/// Plays the stories. True if every step and every refusal came out right, and all nodes agree at the end.
///
/// # Errors
/// If a process cannot be started or a step cannot be played at all.
pub fn run(args: &DemoArgs) -> Result<bool, DemoError> {
    let plays = args.chosen();
    args.check_restart(&plays)?;
    let temporary;
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => {
            temporary = tempfile::tempdir().map_err(doing("making a temporary folder"))?;
            temporary.path().to_path_buf()
        }
    };
    std::fs::create_dir_all(&dir).map_err(doing("making the folder"))?;
    if std::fs::read_dir(&dir).map_err(doing("reading the folder"))?.next().is_some() {
        return Err(DemoError::NotEmpty { dir });
    }
    let dir = dir.canonicalize().map_err(doing("finding the folder"))?;
    // Before anything is built: the path of a program that was replaced meanwhile cannot be found any more.
    let node = std::env::current_exe().map_err(doing("finding this program"))?;
    let programs = Programs::find(&node, args.wallet.as_deref(), args.site.as_deref())?;
    let mut stage = setup::stage(&node, &dir, args.validators.into(), programs)?;
    stage.restart_at(args.restart_at.clone());
    let mut stories = BTreeMap::new();
    for play in plays {
        stage.open(play.name);
        let story = (play.play)(&mut stage, Duration::from_secs(args.rebate_in))?;
        stories.insert(play.name.into(), story);
    }
    let summary = Summary { stories, network: stage.network().agreement()? };
    tell(&summary, args.json)?;
    if args.keep {
        eprintln!("{}", join::words(&mut stage, &dir)?);
        stage.network().wait()?;
    }
    Ok(summary.ok())
}

fn tell(summary: &Summary, json: bool) -> Result<(), DemoError> {
    for (name, story) in &summary.stories {
        let right = story.steps.iter().filter(|step| step.ok).count();
        let verdict = if story.ok { "came out right" } else { "did NOT come out right" };
        eprintln!("━━ {name}: {right} of {} steps came out right; the story {verdict}", story.steps.len());
        for step in story.steps.iter().filter(|step| !step.ok) {
            eprintln!("   ✗ {} {}", step.step, step.title);
        }
    }
    eprintln!("━━ network: {}", summary.network);
    if json {
        println!("{}", serde_json::to_string(summary)?);
    }
    Ok(())
}
