//! `countersign send`, `tx send` and `doc send`: messages to others, signed, sealed to their keys on the ledger, and handed to the relay.
use crate::failure::Failure;
use crate::files;
use crate::intake::{self, Given, Wanted};
use crate::logged_in::{LoggedIn, Who};
use crate::output::table;
use crate::session::Session;
use clap::{ArgGroup, Args};
use countersign_client::messaging::send::{Sent, send};
use countersign_client::messaging::{Body, Correspondent};
use countersign_client::rpc_types::relay::{ATTACHMENT_BYTES_MAX, SentState};
use countersign_client::types::proposal::Subject;
use countersign_client::types::text::{DOCUMENT, MESSAGE, encode};
use countersign_client::types::{AccountId, Proposal};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// A message.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("content").required(true).args(["text", "file", "proposal"])))]
pub struct SendArgs {
    /// Who gets it: a name on the ledger, an account's id, or the name of a key here
    #[arg(value_name = "ACCOUNT")]
    to: String,
    /// Send this text
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Send this file, of at most 1 MiB
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Send this proposal, of a transaction or document, in any form in which commands take one
    #[arg(long, value_name = "PROPOSAL")]
    proposal: Option<PathBuf>,
    /// Words beside a file or proposal
    #[arg(long, value_name = "TEXT", conflicts_with = "text")]
    note: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// A proposal for those who still have to sign.
#[derive(Args, Debug)]
pub struct SendProposalArgs {
    #[command(flatten)]
    given: Given,
    /// Who gets it, by name or id; may come several times [default: the parties that still have to sign, but oneself]
    #[arg(long, value_name = "ACCOUNT")]
    to: Vec<String>,
    /// Words beside it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// Where a sent message stands, for programs and for people.
pub fn state_words(state: SentState) -> (&'static str, &'static str) {
    match state {
        SentState::Waiting => ("waiting", "on its way to the receiver's relay"),
        SentState::Delivered => ("delivered", "waits for the receiver at their relay, or was fetched"),
        SentState::Expired => ("expired", "was not delivered in its time"),
        SentState::Refused => {
            ("refused", "refused by the receiver's relay: the receiver is gone or has another encryption key")
        }
    }
}

/// Runs the command.
pub async fn run(session: &mut Session, args: SendArgs) -> Result<(), Failure> {
    let note = args.note.as_deref().unwrap_or_default();
    let body = match (&args.text, &args.file, &args.proposal) {
        (Some(text), _, _) => Body::text(text)?,
        (_, Some(path), _) => file_body(path, note)?,
        (_, _, Some(given)) => Body::proposal(&proposal(session, &[given], Wanted::Any).await?, note)?,
        (None, None, None) => return Err(Failure::NothingGiven),
    };
    let logged_in = LoggedIn::open(session, &args.who)?;
    let to = correspondent(session, &args.to).await?;
    let sent = send_to(session, &logged_in, &to, body).await?;
    session.output.result(&to_json(&to, &sent), || {
        let (state, words) = state_words(sent.state);
        format!("Sent to {}: {}\n{state}: {words}", to.name, id_of(&sent))
    });
    Ok(())
}

/// Sends a proposal to those who still have to sign it, or to whom it is told to.
pub async fn send_proposal(session: &mut Session, args: &SendProposalArgs, wanted: Wanted) -> Result<(), Failure> {
    let proposal = proposal(session, &args.given.proposal, wanted).await?;
    let body = Body::proposal(&proposal, args.note.as_deref().unwrap_or_default())?;
    let logged_in = LoggedIn::open(session, &args.who)?;
    let names = match args.to.is_empty() {
        false => args.to.clone(),
        true => still_to_sign(session, &proposal, &logged_in).await?,
    };
    // Everybody is looked up before anybody gets it.
    let mut receivers = Vec::new();
    for name in &names {
        let to = correspondent(session, name).await?;
        to.receiving_key()?;
        receivers.push(to);
    }
    let (mut sent, mut failure) = (Vec::new(), None);
    for to in &receivers {
        match send_to(session, &logged_in, to, body.clone()).await {
            Ok(message) => sent.push((to, message)),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    if failure.is_none() || !sent.is_empty() {
        let messages: Vec<Json> = sent.iter().map(|(to, sent)| to_json(to, sent)).collect();
        session.output.result(&json!({ "proposal_id": proposal_id(&proposal), "sent": messages }), || {
            let rows = sent.iter().map(|(to, sent)| {
                let (state, words) = state_words(sent.state);
                [to.name.to_string(), id_of(sent), format!("{state}: {words}")]
            });
            table(["TO", "MESSAGE", "STATE"], rows)
        });
    }
    failure.map_or(Ok(()), Err)
}

/// The id of what a proposal is for, `cst1…` or `csd1…`.
pub fn proposal_id(proposal: &Proposal) -> String {
    match proposal.subject() {
        Subject::Transaction(transaction) => transaction.id().to_string(),
        Subject::Document(document) => encode(DOCUMENT, &document.hash().0),
    }
}

/// A proposal that can be sent: for this chain, with no signature that counts nothing.
async fn proposal(session: &Session, given: &[impl AsRef<Path>], wanted: Wanted) -> Result<Proposal, Failure> {
    let proposal = intake::merged(session, intake::take(given, wanted)?).await?;
    session.check_chain(&proposal).await?;
    Ok(proposal)
}

async fn correspondent(session: &mut Session, text: &str) -> Result<Correspondent, Failure> {
    let account = session.account(text).await?;
    Ok(Correspondent::find(session.client("sending a message")?, &account.to_string()).await?)
}

/// The parties that have to sign yet, but whoever sends.
async fn still_to_sign(session: &Session, proposal: &Proposal, own: &LoggedIn) -> Result<Vec<String>, Failure> {
    let own = [own.stored.account, AccountId::of_key(&own.stored.key)];
    let missing = session.missing(proposal).await?;
    let others: Vec<String> =
        missing.iter().filter(|account| !own.contains(account)).map(ToString::to_string).collect();
    if others.is_empty() { Err(Failure::NobodyToSend) } else { Ok(others) }
}

async fn send_to(session: &Session, own: &LoggedIn, to: &Correspondent, body: Body) -> Result<Sent, Failure> {
    Ok(send(&own.live(), &own.messages(session), to, body).await?)
}

fn file_body(path: &Path, note: &str) -> Result<Body, Failure> {
    let bytes = files::read(path, ATTACHMENT_BYTES_MAX).map_err(|failure| match failure {
        Failure::FileTooLong { path, limit } => Failure::LongAttachment { path, limit },
        other => other,
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Body::file(&name, bytes, note)?)
}

fn id_of(sent: &Sent) -> String {
    encode(MESSAGE, &sent.id.0)
}

fn to_json(to: &Correspondent, sent: &Sent) -> Json {
    json!({
        "id": id_of(sent), "to": to.account.to_string(), "to_name": to.name.as_str(), "state": state_words(sent.state).0
    })
}
