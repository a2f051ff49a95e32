//! `countersign doc`: documents, which are signed like transactions but shown to a contract instead of submitted.
use super::propose::{ProposalOptions, finish, parse_json};
use super::send::{self, SendProposalArgs};
use super::tx::{MergeArgs, SignArgs, merge, show_given, sign_given};
use crate::cli::parse_pair;
use crate::failure::Failure;
use crate::intake::{Given, Wanted};
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::builder::DocumentDraft;
use countersign_client::rpc::with_needs;
use countersign_client::types::Proposal;
use serde_json::{Map, Value as Json, json};

/// What to do with documents.
#[derive(Subcommand, Debug)]
pub enum DocCommand {
    /// Draw up a document
    Propose(Box<ProposeArgs>),
    /// Tell in words what a document says and who has signed
    Show(Given),
    /// Sign a document, after it has been shown
    Sign(SignArgs),
    /// Put the signatures of several copies together
    Merge(MergeArgs),
    /// Send a document as a message to those who still have to sign
    Send(SendProposalArgs),
}

/// A new document.
#[derive(Args, Debug)]
pub struct ProposeArgs {
    /// What it is: module/Type, such as rebate/Offer
    kind: String,
    /// A party, in the order of the kind; may come several times
    #[arg(long, required = true, value_name = "ACCOUNT")]
    party: Vec<String>,
    /// A field of its body: name=value
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    arg: Vec<(String, String)>,
    /// Its body as a JSON object
    #[arg(long, value_name = "JSON")]
    body: Option<String>,
    /// Until when contracts accept it
    #[arg(long, value_name = "TIME")]
    expires: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Runs the command.
pub async fn run(session: &mut Session, command: DocCommand) -> Result<(), Failure> {
    match command {
        DocCommand::Propose(args) => propose(session, *args).await,
        DocCommand::Show(given) => show_given(session, &given, Wanted::Document).await,
        DocCommand::Sign(args) => sign_given(session, &args, Wanted::Document).await,
        DocCommand::Merge(args) => merge(session, &args, Wanted::Document).await,
        DocCommand::Send(args) => send::send_proposal(session, &args, Wanted::Document).await,
    }
}

async fn propose(session: &mut Session, args: ProposeArgs) -> Result<(), Failure> {
    let mut body = match args.body.as_deref().map(parse_json).transpose()? {
        Some(Json::Object(object)) => object,
        Some(_) => return Err(Failure::BadOption { given: "--body".into(), wanted: "a JSON object" }),
        None => Map::new(),
    };
    body.extend(args.arg.iter().map(|(name, value)| (name.clone(), json!(value))));
    let mut parties = Vec::new();
    for party in &args.party {
        parties.push(session.account(party).await?);
    }
    let expires_at = session.time(&args.expires)?;
    let draft = DocumentDraft { kind: args.kind, parties, body: Json::Object(body), expires_at };
    let proposal = document(session, &draft).await?;
    finish(session, proposal, &args.options).await
}

/// Draws up a document on this chain, looking up what it names.
pub async fn document(session: &mut Session, draft: &DocumentDraft) -> Result<Proposal, Failure> {
    let chain = session.chain().await?;
    let node = session.node().cloned();
    with_needs(node.as_ref(), &mut session.directory, |directory| draft.build(chain, directory)).await
}
