//! `countersign lock`: a door's lock, kept in a file. What it knows is put into a lock of hardware by the same means; this one serves
//! to try keys, and doors whose lock is a small computer.
//!
//! ```text
//! new ─→ lock.json ─challenge→ countersign:challenge?… → wallet: booking key ─→ countersign:key?… ─verify→ opens, once
//!            ▲ update: the validators' changes, by a node
//! ```
mod file;

use super::booking::key;
use crate::failure::Failure;
use crate::files;
use crate::intake;
use crate::output::facts;
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::display::account_words;
use countersign_client::lock::{Bounds, Credential, Lock, text};
use countersign_client::types::{Text, Timestamp};
use countersign_client::{clock, door};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// Locks.
#[derive(Subcommand, Debug)]
pub enum LockCommand {
    /// Make a lock for some objects of a merchant: it believes the validators of today
    New(NewArgs),
    /// Ask whoever stands before the door; the text is for `booking key --challenge`
    Challenge {
        /// The lock's file
        lock: PathBuf,
        #[command(flatten)]
        clock: ClockArgs,
    },
    /// Check a key, without a network: exit 0 opens, exit 9 stays shut
    Verify {
        /// The lock's file
        lock: PathBuf,
        /// The key (countersign:key?…), a file or an image of a QR code with it, or - for standard input
        credential: String,
        #[command(flatten)]
        clock: ClockArgs,
    },
    /// Follow the changes of the validators since the lock was made or updated
    Update {
        /// The lock's file
        lock: PathBuf,
    },
    /// What a lock knows
    Show {
        /// The lock's file
        lock: PathBuf,
    },
}

/// A new lock.
#[derive(Args, Debug)]
pub struct NewArgs {
    /// Whose objects it is for
    #[arg(long, value_name = "ACCOUNT")]
    merchant: String,
    /// An object it opens, as the listing names it; may come several times
    #[arg(long = "object", value_name = "NAME", required = true)]
    objects: Vec<String>,
    /// How old what the ledger says may be: so long a key opens after its booking was cancelled
    #[arg(long, value_name = "SPAN", default_value = "15m")]
    fresh: String,
    /// How far the ledger's time may be ahead of the lock's clock
    #[arg(long, value_name = "SPAN", default_value = "2m")]
    ahead: String,
    /// The lock's file
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// The lock's clock.
#[derive(Args, Debug)]
pub struct ClockArgs {
    /// The lock's time [default: this machine's]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Runs the command.
pub async fn run(session: &mut Session, command: LockCommand) -> Result<(), Failure> {
    match command {
        LockCommand::New(args) => new(session, args).await,
        LockCommand::Challenge { lock, clock } => challenge(session, &lock, &clock),
        LockCommand::Verify { lock, credential, clock } => verify(session, &lock, &credential, &clock),
        LockCommand::Update { lock } => update(session, &lock).await,
        LockCommand::Show { lock } => {
            let kept = file::read(&lock)?;
            show(session, &lock, &kept);
            Ok(())
        }
    }
}

/// The text that was given, or that a file, an image of a QR code or standard input holds.
pub fn read_text(given: &str) -> Result<String, Failure> {
    if text::is_one(given) { Ok(given.into()) } else { intake::only_text(Path::new(given)) }
}

async fn new(session: &mut Session, args: NewArgs) -> Result<(), Failure> {
    files::check_new(&args.output, args.force)?;
    let merchant = session.account(&args.merchant).await?;
    let chain = session.chain().await?;
    if session.options().chain.is_none() {
        session.output.warn(&format!("that this is the chain {chain} is the node's word; name yours with --chain"));
    }
    let trust = session.client("making a lock")?.lock_trust(chain).await?;
    let bad = |given: &str, wanted| Failure::BadOption { given: given.chars().take(60).collect(), wanted };
    let name = |object: &String| Text::new(object).map_err(|_| bad(object, "the name of an object"));
    let objects: Vec<Text> = args.objects.iter().map(name).collect::<Result<_, _>>()?;
    let objects = objects.try_into().map_err(|_| bad("--object", "at most 64 objects"))?;
    let span = |text: &String| clock::parse_span(text).map_err(|_| bad(text, "a span of time, such as 15m"));
    let bounds = Bounds { fresh_ms: span(&args.fresh)?, ahead_ms: span(&args.ahead)? };
    let lock = Lock::new(trust, merchant, objects, bounds)?;
    file::write(&args.output, &lock)?;
    show(session, &args.output, &lock);
    Ok(())
}

fn now(session: &Session, clock: &ClockArgs) -> Result<Timestamp, Failure> {
    clock.at.as_deref().map_or_else(|| Ok(clock::now()), |at| session.time(at))
}

fn challenge(session: &Session, path: &Path, clock: &ClockArgs) -> Result<(), Failure> {
    let now = now(session, clock)?;
    let mut lock = file::read(path)?;
    let text = lock.challenge(door::nonce()?, now).to_text();
    file::write(path, &lock)?;
    session.output.result(&json!({ "challenge": text, "made_at": clock::to_utc(now) }), || text.clone());
    Ok(())
}

fn verify(session: &Session, path: &Path, credential: &str, clock: &ClockArgs) -> Result<(), Failure> {
    let now = now(session, clock)?;
    let mut lock = file::read(path)?;
    let credential = Credential::from_text(&read_text(credential)?)?;
    let admission = lock.open(&credential, now)?;
    // Before it opens: a key that could not be noted down would open again.
    file::write(path, &lock)?;
    let mut told = key::as_json(&admission);
    told["opens"] = Json::Bool(true);
    session.output.result(&told, || facts(key::words(session, &admission)));
    Ok(())
}

async fn update(session: &mut Session, path: &Path) -> Result<(), Failure> {
    let mut lock = file::read(path)?;
    let found = session.chain().await?;
    if found != *lock.trust().chain() {
        let wanted = lock.trust().chain().to_string();
        return Err(Failure::OtherChain { found: found.to_string(), wanted });
    }
    let news = session.client("updating a lock")?.lock_news(lock.trust()).await?;
    for handover in &news {
        lock.follow(handover)?;
    }
    file::write(path, &lock)?;
    show(session, path, &lock);
    Ok(())
}

fn show(session: &Session, path: &Path, lock: &Lock) {
    let objects: Vec<&str> = lock.objects().iter().map(Text::as_str).collect();
    let (trust, bounds) = (lock.trust(), lock.bounds());
    let count = trust.validators().0.len();
    let told = json!({
        "file": path.display().to_string(), "chain": trust.chain().to_string(), "since": trust.since().get(),
        "validators": count, "merchant": lock.merchant().to_string(), "objects": objects,
        "fresh_ms": bounds.fresh_ms, "ahead_ms": bounds.ahead_ms, "waits": lock.waiting().is_some()
    });
    session.output.result(&told, || {
        facts([
            ("lock", path.display().to_string()),
            ("opens", objects.join(", ")),
            ("of", account_words(lock.merchant(), &session.directory)),
            ("chain", trust.chain().to_string()),
            ("believes", format!("{count} validators, since height {}", trust.since())),
            ("takes keys of", format!("the last {} s", bounds.fresh_ms / 1000)),
        ])
    });
}
