//! `countersign-node demo`: plays the product's stories on a running node with real wallets, every one a process of its own.
mod fault;
mod narrate;
mod process;
mod rebate;
mod stage;

pub use fault::DemoError;
use fault::doing;
use narrate::Summary;
use stage::Stage;
use std::path::PathBuf;
use std::time::Duration;

/// What of the demonstration can be chosen.
#[derive(clap::Args, Clone, Debug)]
pub struct DemoArgs {
    /// Print the summary as one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Leave the network running at the end, until interrupted
    #[arg(long)]
    keep: bool,
    /// Kill the node (SIGKILL) after this step and start it again; `all` for every step
    #[arg(long, value_name = "STEP")]
    restart_at: Option<String>,
    /// Empty folder for the node's and the wallets' files [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The wallet's program [default: `countersign` beside this one; in a source tree it is built first]
    #[arg(long, value_name = "FILE")]
    wallet: Option<PathBuf>,
    /// Seconds from the beginning to the rebate time
    #[arg(long, value_name = "SECONDS", default_value_t = 45, value_parser = clap::value_parser!(u64).range(15..=600))]
    rebate_in: u64,
}

/// Plays the stories. True if every step and every refusal came out right.
///
/// # Errors
/// If a process cannot be started or a step cannot be played at all.
pub fn run(args: &DemoArgs) -> Result<bool, DemoError> {
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
    if let Some(step) = args.restart_at.as_deref().filter(|step| *step != "all" && !rebate::STEPS.contains(step)) {
        return Err(DemoError::NoSuchStep { given: step.into(), known: rebate::STEPS.join(", ") });
    }
    // Before anything is built: the path of a program that was replaced meanwhile cannot be found any more.
    let node = std::env::current_exe().map_err(doing("finding this program"))?;
    let wallet = match &args.wallet {
        Some(program) => program.canonicalize().map_err(doing("finding the wallet"))?,
        None => process::wallet_program(&node)?,
    };
    let mut stage = Stage::set(&dir, &node, &wallet, args.restart_at.clone())?;
    let mut summary = Summary::default();
    let story = rebate::play(&mut stage, Duration::from_secs(args.rebate_in))?;
    summary.stories.insert("rebate".into(), story);
    tell(&summary, args.json)?;
    if args.keep {
        let pid = stage.node().pid();
        let url = stage.node().url();
        eprintln!("the network stays: node {url} (process {pid}), files in {}", dir.display());
        eprintln!("interrupt to end it");
        stage.node().wait()?;
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
    if json {
        println!("{}", serde_json::to_string(summary)?);
    }
    Ok(())
}
