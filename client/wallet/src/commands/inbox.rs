//! `countersign inbox`: messages, fetched from the relay, opened, their senders checked on the ledger, kept in this wallet, listed.
//!
//! ```text
//! relay ─fetch→ messages of this wallet ┬→ list, follow: what came          message.rs: what there is to tell of one
//!                                       ├→ one.rs: show, save, remove      sent.rs: what became of those one has sent
//!                                       └→ given.rs: `tx sign --from inbox`
//! ```
mod given;
mod message;
mod one;
mod sent;

pub use given::take;

use crate::failure::Failure;
use crate::logged_in::{self, LoggedIn, Who};
use crate::output::table;
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::messaging::inbox::fetch;
use countersign_client::messaging::store::{Wanted, id_text};
use countersign_client::messaging::{MessageHead, MessageStore, SessionError};
use countersign_client::relay::{Notice, NoticeStream, RelayError};
use countersign_client::types::Hash;
use message::Message;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Messages that are listed unless told otherwise: a screen full.
const LISTED: u32 = 20;
/// The exit code of a relay that cannot be reached.
const UNREACHABLE: u8 = 3;
/// Longest wait for a message: a day, after which a session is over anyway.
const WAIT_SECONDS_MAX: u64 = 24 * 60 * 60;

/// Messages.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct InboxArgs {
    #[command(subcommand)]
    command: Option<InboxCommand>,
    #[command(flatten)]
    list: ListArgs,
}

/// What to do with messages besides fetching and listing them.
#[derive(Subcommand, Debug)]
pub enum InboxCommand {
    /// Show a message: its words, or its proposal as `tx show` does
    Show(one::OneArgs),
    /// Write what a message brought into a file: its proposal, file or text
    Save(one::SaveArgs),
    /// Remove a message from this wallet for good
    Remove(one::OneArgs),
    /// What became of messages one has sent
    Sent(sent::SentArgs),
}

/// What is listed.
#[derive(Args, Debug)]
struct ListArgs {
    /// Wait until a new message has come, at most so long; if none has, the exit code is 11
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=WAIT_SECONDS_MAX))]
    wait: Option<u64>,
    /// Keep listening, also over broken connections, and list new messages as they come
    #[arg(long, short, conflicts_with_all = ["wait", "limit"])]
    follow: bool,
    /// Messages to list, the newest
    #[arg(long, default_value_t = LISTED, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    #[command(flatten)]
    who: Who,
}

/// Runs the command.
pub async fn run(session: &mut Session, args: InboxArgs) -> Result<(), Failure> {
    match args.command {
        Some(InboxCommand::Show(args)) => Box::pin(one::show(session, &args)).await,
        Some(InboxCommand::Save(args)) => one::save(session, &args),
        Some(InboxCommand::Remove(args)) => one::remove(session, &args),
        Some(InboxCommand::Sent(args)) => sent::run(session, &args).await,
        None if args.list.follow => follow(session, &args.list).await,
        None => Box::pin(list(session, &args.list)).await,
    }
}

/// The messages kept here: those of whoever has logged in, or else of the account of the key in use.
pub(super) fn kept(session: &Session, who: &Who) -> Result<MessageStore, Failure> {
    match logged_in::stored(session, who) {
        Ok(stored) => Ok(logged_in::messages(session, &stored)),
        Err(SessionError::NobodyLoggedIn) => {
            Ok(MessageStore::new(&session.options().home_folder(), &session.key()?.account))
        }
        Err(error) => Err(error.into()),
    }
}

/// Fetches what has come, unless `--offline`, and lists the newest messages.
async fn list(session: &mut Session, args: &ListArgs) -> Result<(), Failure> {
    let new = match (session.node().is_some(), args.wait) {
        (true, None) => fetch_new(session, &LoggedIn::open(session, &args.who)?).await?,
        (true, Some(seconds)) => wait(session, &args.who, seconds).await?,
        (false, None) => Vec::new(),
        (false, Some(_)) => return Err(Failure::NeedsNode { what: "waiting for messages" }),
    };
    let new: BTreeSet<Hash> = new.into_iter().map(|head| head.id).collect();
    let store = kept(session, &args.who)?;
    let listing = store.list(&Wanted::default(), None, args.limit as usize)?;
    let mut messages = Vec::new();
    for head in listing.messages.into_iter().rev() {
        let is_new = new.contains(&head.id);
        messages.push(Message::read(session, &store, head, is_new).await?);
    }
    let result: Vec<Json> = messages.iter().map(Message::to_json).collect();
    session.output.result(&result, || match messages.is_empty() {
        true => "There is no message".into(),
        false => rows(&messages),
    });
    if listing.next.is_some() {
        session.output.note("There are older ones: --limit lists more");
    }
    Ok(())
}

/// Messages as people see them, the refused ones with their reason below.
fn rows(messages: &[Message]) -> String {
    let rows = messages.iter().map(|message| {
        [
            message.short_id(),
            message.time(),
            message.sender(),
            message.kind().into(),
            message.state().into(),
            message.line(),
        ]
    });
    table(["MESSAGE", "SENT", "FROM", "KIND", "STATE", "WHAT"], rows)
}

async fn fetch_new(session: &Session, logged_in: &LoggedIn) -> Result<Vec<MessageHead>, Failure> {
    let client = session.client("fetching messages")?;
    let store = logged_in.messages(session);
    let fetched = fetch(client, &logged_in.live(), logged_in.encryption_key()?, &store).await?;
    Ok([fetched.new, fetched.aside].concat())
}

/// Fetches until at least one message has come that is to be believed. A relay that starts again in the meantime is waited for.
async fn wait(session: &Session, who: &Who, seconds: u64) -> Result<Vec<MessageHead>, Failure> {
    let until = Instant::now() + Duration::from_secs(seconds);
    let logged_in = LoggedIn::open(session, who)?;
    let live = logged_in.live();
    let mut notices = live.notices();
    let mut all = Vec::new();
    let mut unreachable = None;
    loop {
        // Only the listening is given up: what is being fetched is told when it is here.
        let came = match timeout_at(until, looked_for(&mut notices, &logged_in)).await {
            Ok(Ok(())) => fetch_new(session, &logged_in).await,
            Ok(Err(failure)) => Err(failure),
            Err(_) => return Err(unreachable.unwrap_or(Failure::NothingCame { seconds })),
        };
        unreachable = match came {
            Ok(new) => {
                let has_come = new.iter().any(|head| head.aside.is_none());
                all.extend(new);
                if has_come {
                    return Ok(all);
                }
                None
            }
            Err(failure) if failure.exit_code() == UNREACHABLE && Instant::now() < until => Some(failure),
            Err(failure) => return Err(failure),
        };
    }
}

/// Returns when there may be messages.
async fn looked_for(notices: &mut NoticeStream<'_>, logged_in: &LoggedIn) -> Result<(), Failure> {
    loop {
        match notices.next().await? {
            Notice::Listening | Notice::Message { .. } => return Ok(()),
            Notice::Post(_) => {}
            Notice::Ended => return Err(RelayError::SessionEnded { user: logged_in.stored.user.clone() }.into()),
        }
    }
}

async fn follow(session: &mut Session, args: &ListArgs) -> Result<(), Failure> {
    let logged_in = LoggedIn::open(session, &args.who)?;
    let store = logged_in.messages(session);
    let live = logged_in.live();
    let mut notices = live.notices();
    loop {
        looked_for(&mut notices, &logged_in).await?;
        for head in fetch_new(session, &logged_in).await? {
            let message = Message::read(session, &store, head, true).await?;
            session.output.item(&message.to_json(), || message.on_one_line());
        }
    }
}

/// A message's id as it is named in tables: long enough to name it by.
fn short(id: &Hash) -> String {
    id_text(id).chars().take(SHORT_ID_CHARS).collect()
}

/// Characters of an id in tables: its prefix and twelve more, of which no two messages have the same by chance.
const SHORT_ID_CHARS: usize = 16;
