//! `countersign feed`: what the site of the user that is logged in has published, and with `--follow` what it publishes now. A post may
//! carry a proposal: it is told in words like any other, and `feed save` takes it.
use crate::failure::Failure;
use crate::files;
use crate::logged_in::{LoggedIn, Who};
use crate::session::Session;
use crate::show;
use clap::{Args, Subcommand};
use countersign_client::clock;
use countersign_client::display::Description;
use countersign_client::relay::{LiveSession, Notice, RelayError};
use countersign_client::rpc_types::relay::PostsQuery;
use countersign_client::rpc_types::site::{PostKind, PostView};
use countersign_client::types::{Proposal, Timestamp};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Posts that are listed at once: some screens full.
const LISTED_MAX: usize = 200;

/// What was published.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct FeedArgs {
    #[command(subcommand)]
    command: Option<FeedCommand>,
    #[command(flatten)]
    list: ListArgs,
}

/// What to do with a post.
#[derive(Subcommand, Debug)]
pub enum FeedCommand {
    /// Write the proposal of a post into a file
    Save(SaveArgs),
}

/// Which posts.
#[derive(Args, Debug)]
struct ListArgs {
    /// Only posts with a greater number
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// Keep listening, also over broken connections, and list new posts as they come
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    who: Who,
}

/// A post's proposal.
#[derive(Args, Debug)]
pub struct SaveArgs {
    /// The post's number
    number: u64,
    /// Where its proposal goes (.csp)
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    who: Who,
}

/// A post's proposal in words, or why it cannot be told.
type Told = Result<Description, Failure>;

/// Runs the command.
pub async fn run(session: &mut Session, args: FeedArgs) -> Result<(), Failure> {
    match args.command {
        Some(FeedCommand::Save(args)) => save(session, &args).await,
        None if args.list.follow => follow(session, &args.list).await,
        None => list(session, &args.list).await,
    }
}

async fn list(session: &mut Session, args: &ListArgs) -> Result<(), Failure> {
    let logged_in = LoggedIn::open(session, &args.who)?;
    let (posts, more) = posts_after(&logged_in.live(), args.after.unwrap_or(0)).await?;
    let mut told = Vec::new();
    for post in posts {
        let proposal = describe(session, &post).await;
        told.push((post, proposal));
    }
    let result: Vec<Json> = told.iter().map(|(post, proposal)| to_json(post, proposal.as_ref())).collect();
    session.output.result(&result, || match told.is_empty() {
        true => "Nothing was published".into(),
        false => told.iter().map(|(post, told)| words(post, told.as_ref())).collect::<Vec<_>>().join("\n\n"),
    });
    if let (true, Some((last, _))) = (more, told.last()) {
        session.output.note(&format!("More with --after {}", last.number));
    }
    Ok(())
}

async fn follow(session: &mut Session, args: &ListArgs) -> Result<(), Failure> {
    let logged_in = LoggedIn::open(session, &args.who)?;
    let live = logged_in.live();
    let mut notices = live.notices();
    let mut last = args.after.unwrap_or(0);
    loop {
        let posts = match notices.next().await? {
            Notice::Post(post) => vec![post],
            Notice::Listening => all_after(&live, last).await?,
            Notice::Message { .. } => Vec::new(),
            Notice::Ended => return Err(RelayError::SessionEnded { user: logged_in.stored.user.clone() }.into()),
        };
        for post in posts {
            if post.number <= last {
                continue;
            }
            last = post.number;
            let told = describe(session, &post).await;
            session.output.item(&to_json(&post, told.as_ref()), || words(&post, told.as_ref()) + "\n");
        }
    }
}

async fn save(session: &mut Session, args: &SaveArgs) -> Result<(), Failure> {
    files::check_new(&args.output, args.force)?;
    let logged_in = LoggedIn::open(session, &args.who)?;
    let query = PostsQuery { after: args.number.saturating_sub(1), limit: Some(1) };
    let page = logged_in.live().posts(query).await?;
    let post = page.posts.into_iter().find(|post| post.number == args.number);
    let post = post.ok_or(Failure::NoPost { number: args.number })?;
    let proposal = proposal_of(&post)?.ok_or(Failure::PostWithoutProposal { number: args.number })?;
    files::write_proposal(&args.output, &proposal)?;
    let file = args.output.display().to_string();
    session.output.result(&json!({ "number": args.number, "file": file }), || {
        format!("Written to {file}. `countersign tx show {file}` tells what it does, for a document `doc show`")
    });
    Ok(())
}

/// Posts after a number, as many as are listed at once; true if there are more.
async fn posts_after(live: &LiveSession<'_>, after: u64) -> Result<(Vec<PostView>, bool), Failure> {
    let mut posts: Vec<PostView> = Vec::new();
    let mut after = after;
    while posts.len() < LISTED_MAX {
        let page = live.posts(PostsQuery { after, limit: None }).await?;
        // One that turns in circles is stopped.
        let is_onward = page.next > after && !page.posts.is_empty();
        posts.extend(page.posts);
        if !page.more || !is_onward {
            return Ok((posts, false));
        }
        after = page.next;
    }
    Ok((posts, true))
}

/// All posts after a number.
async fn all_after(live: &LiveSession<'_>, after: u64) -> Result<Vec<PostView>, Failure> {
    let mut all: Vec<PostView> = Vec::new();
    loop {
        let after = all.last().map_or(after, |post| post.number);
        let (posts, more) = posts_after(live, after).await?;
        let is_onward = posts.last().is_some_and(|post| post.number > after);
        all.extend(posts);
        if !more || !is_onward {
            return Ok(all);
        }
    }
}

fn proposal_of(post: &PostView) -> Result<Option<Proposal>, Failure> {
    let place = || format!("the proposal of post {}", post.number);
    let read =
        |bytes: &[u8]| Proposal::from_bytes(bytes).map_err(|source| Failure::BadProposal { path: place(), source });
    post.proposal.as_ref().map(|bytes| read(&bytes.0)).transpose()
}

/// The proposal of a post in words; `None` if it has none. One that cannot be told does not keep the others from being listed.
async fn describe(session: &mut Session, post: &PostView) -> Option<Told> {
    let proposal = match proposal_of(post) {
        Ok(proposal) => proposal?,
        Err(failure) => return Some(Err(failure)),
    };
    Some(match session.check_chain(&proposal).await {
        Ok(()) => session.describe(&proposal).await,
        Err(failure) => Err(failure),
    })
}

fn kind(post: &PostView) -> &'static str {
    match post.kind {
        PostKind::Offer => "offer",
        PostKind::Notice => "notice",
    }
}

fn to_json(post: &PostView, told: Option<&Told>) -> Json {
    let at = Timestamp::from_millis(post.published_at_ms);
    json!({
        "number": post.number, "kind": kind(post), "author": post.author, "title": post.title, "text": post.text,
        "published_at": clock::to_utc(at), "published_at_ms": post.published_at_ms,
        "proposal": told.and_then(|told| told.as_ref().ok()),
        "unreadable": told.and_then(|told| told.as_ref().err()).map(ToString::to_string)
    })
}

fn words(post: &PostView, told: Option<&Told>) -> String {
    let at = clock::to_local(Timestamp::from_millis(post.published_at_ms));
    let mut lines = vec![
        format!("{}  {}  {}  {at}", post.number, kind(post), show::foreign_line(&post.author)),
        format!("   {}", show::foreign_line(&post.title)),
    ];
    lines.extend(show::foreign_text(&post.text).lines().map(|line| format!("   {line}")));
    match told {
        None => {}
        Some(Err(failure)) => lines.push(format!("   The proposal in it cannot be told: {failure}")),
        Some(Ok(told)) => {
            lines.extend(show::summary(told).into_iter().map(|line| format!("   Proposes: {line}")));
            lines.push(format!("   `countersign feed save {} -o FILE.csp` takes it", post.number));
        }
    }
    lines.join("\n")
}
