//! `countersign tx`: transactions from the first draft to the final receipt.
use super::inbox;
use super::propose::{self, ProposalOptions, draft, finish, parse_json};
use super::qr::Forms;
use super::send::{self, SendProposalArgs};
use super::sign;
use crate::cli::parse_pair;
use crate::failure::Failure;
use crate::files;
use crate::intake::{self, Given, Wanted};
use crate::session::Session;
use crate::show;
use clap::{Args, Subcommand, ValueEnum};
use countersign_client::builder::CallDraft;
use countersign_client::display;
use countersign_client::rpc::Finality;
use countersign_client::rpc_types::TxStatus;
use countersign_client::types::transaction::TransactionId;
use countersign_client::types::{AccountId, Proposal};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Seconds a submission is waited for unless told otherwise: several rounds of a network that is catching up.
pub const WAIT_SECONDS: u64 = 60;

/// What to do with transactions.
#[derive(Subcommand, Debug)]
pub enum TxCommand {
    /// Draw up a transaction
    Propose(Box<ProposeArgs>),
    /// Tell in words what a proposal does, who has signed, and what would move
    Show(Given),
    /// Sign a proposal, after it has been shown
    Sign(SignArgs),
    /// Put the signatures of several copies together
    Merge(MergeArgs),
    /// Send a proposal as a message to those who still have to sign
    Send(SendProposalArgs),
    /// Try a proposal on the newest state, with or without all signatures
    Simulate(Given),
    /// Hand in a proposal that everybody has signed
    Submit(SubmitArgs),
    /// Where a transaction stands
    Status {
        /// Its id, cst1…
        id: TransactionId,
    },
    /// Wait until a transaction is final
    Watch {
        /// Its id, cst1…
        id: TransactionId,
        /// Seconds to wait
        #[arg(long, default_value_t = WAIT_SECONDS, value_name = "SECONDS")]
        timeout: u64,
    },
}

/// A new transaction.
#[derive(Args, Debug)]
pub struct ProposeArgs {
    /// The method, as module.method
    #[arg(required_unless_present = "call")]
    method: Option<String>,
    /// Who stands in a role: role=account, by id, name, or name of a key here
    #[arg(long, value_name = "ROLE=ACCOUNT", value_parser = parse_pair)]
    party: Vec<(String, String)>,
    /// An argument: name=value. Documents by their file, lists as JSON, bytes as 0x… or @file
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    arg: Vec<(String, String)>,
    /// Arguments as a JSON object
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// A further call: {"call":"module.method","parties":{"role":"account"},"args":{…}}
    #[arg(long, value_name = "JSON")]
    call: Vec<String>,
    /// Until when it is valid: +10m, RFC 3339 or milliseconds [default: +10m]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A signature.
#[derive(Args, Debug)]
pub struct SignArgs {
    /// The proposal, as `show` takes it; with --from inbox the id of a message, or its beginning [default there: the newest proposal]
    #[arg(required_unless_present = "from", value_name = "PROPOSAL")]
    pub proposal: Vec<PathBuf>,
    /// Sign what came as a message
    #[arg(long, value_enum)]
    pub from: Option<Source>,
    /// Where the signed proposal goes; what came as a message is put together with what is there [default: the file it came from]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Sign for this account, whose authority lists the key [default: the key's own]
    #[arg(long = "for", value_name = "ACCOUNT")]
    pub for_account: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub forms: Forms,
}

/// Where proposals come from besides files, texts and images.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The messages of this wallet
    Inbox,
}

/// Copies of one proposal.
#[derive(Args, Debug)]
pub struct MergeArgs {
    #[command(flatten)]
    pub given: Given,
    /// Where the merged proposal goes
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub forms: Forms,
}

/// A submission.
#[derive(Args, Debug)]
pub struct SubmitArgs {
    #[command(flatten)]
    given: Given,
    /// Wait until it is final
    #[arg(long)]
    wait: bool,
    /// Seconds to wait
    #[arg(long, default_value_t = WAIT_SECONDS, value_name = "SECONDS")]
    timeout: u64,
}

/// A call as `--call` takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallJson {
    call: String,
    parties: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    args: Json,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Runs the command.
pub async fn run(session: &mut Session, command: TxCommand) -> Result<(), Failure> {
    match command {
        TxCommand::Propose(args) => propose(session, *args).await,
        TxCommand::Show(given) => show_given(session, &given, Wanted::Transaction).await,
        TxCommand::Sign(args) => sign_given(session, &args, Wanted::Transaction).await,
        TxCommand::Merge(args) => merge(session, &args, Wanted::Transaction).await,
        TxCommand::Send(args) => send::send_proposal(session, &args, Wanted::Transaction).await,
        TxCommand::Simulate(given) => simulate(session, &given).await,
        TxCommand::Submit(args) => submit_file(session, &args).await,
        TxCommand::Status { id } => status(session, &id.to_string()).await,
        TxCommand::Watch { id, timeout } => {
            let client = session.client("watching a transaction")?.clone();
            let finality = client.wait(&id.to_string(), Duration::from_secs(timeout)).await?;
            tell_final(session, &finality).await
        }
    }
}

async fn propose(session: &mut Session, args: ProposeArgs) -> Result<(), Failure> {
    let mut drafts = Vec::new();
    if let Some(method) = &args.method {
        let further = args.args.as_deref().map(parse_json).transpose()?;
        drafts.push(draft(session, method, &args.party, &args.arg, further).await?);
    }
    for text in &args.call {
        let bad = |source| Failure::BadJson { what: "--call".into(), source };
        drafts.push(further_call(session, serde_json::from_str(text).map_err(bad)?).await?);
    }
    let mut calls = Vec::new();
    for draft in &drafts {
        calls.push(session.call(draft).await?);
    }
    let expires_at = args.expires.as_deref().map(|text| session.time(text)).transpose()?;
    let proposal = session.transaction(calls, expires_at).await?;
    finish(session, proposal, &args.options).await
}

async fn further_call(session: &mut Session, call: CallJson) -> Result<CallDraft, Failure> {
    let (module, method) = propose::split_call(&call.call)?;
    let mut parties: Vec<(String, AccountId)> = Vec::new();
    for (role, accounts) in call.parties {
        let accounts = match accounts {
            OneOrMany::One(account) => vec![account],
            OneOrMany::Many(accounts) => accounts,
        };
        for account in accounts {
            parties.push((role.clone(), session.account(&account).await?));
        }
    }
    let args = if call.args.is_null() { json!({}) } else { call.args };
    Ok(CallDraft { module, method, parties, args })
}

/// Shows a proposal with what it would do.
pub async fn show_given(session: &mut Session, given: &Given, wanted: Wanted) -> Result<(), Failure> {
    let proposal = intake::merged(session, intake::take(&given.proposal, wanted)?).await?;
    session.check_chain(&proposal).await?;
    let told = session.describe(&proposal).await?;
    let simulation = session.simulate(&proposal).await?;
    let result = json!({
        "proposal": told, "simulation": show::simulation_json(simulation.as_ref(), &session.directory)
    });
    session.output.result(&result, || show::proposal(&told, simulation.as_ref(), &session.directory));
    Ok(())
}

/// Signs a proposal and writes it.
pub async fn sign_given(session: &mut Session, args: &SignArgs, wanted: Wanted) -> Result<(), Failure> {
    let (taken, message) = match args.from {
        None => (intake::take(&args.proposal, wanted)?, None),
        Some(Source::Inbox) => {
            let (taken, message) = inbox::take(session, &args.proposal, args.output.as_deref(), wanted)?;
            (taken, Some(message))
        }
    };
    let output = args.output.clone().or_else(|| taken.file.clone());
    if output.is_none() && !args.forms.any() {
        return Err(Failure::NoOutput);
    }
    let mut proposal = intake::merged(session, taken).await?;
    let signed = sign::sign(session, &mut proposal, args.for_account.as_deref(), args.yes).await?;
    let missing = session.missing(&proposal).await?;
    let file = output.as_ref().map(|path| path.display().to_string());
    let mut result = json!({
        "id": signed.told.id, "file": file, "key": signed.key.name, "account": signed.account.to_string(),
        "complete": missing.is_empty(), "missing": missing.iter().map(ToString::to_string).collect::<Vec<_>>(), "proposal": signed.told,
        "simulation": show::simulation_json(signed.simulation.as_ref(), &session.directory),
        "message": message.as_ref().map(|message| message.id.clone())
    });
    let forms = args.forms.add(&proposal, &mut result)?;
    if let Some(path) = &output {
        files::write_proposal(path, &proposal)?;
    }
    if let Some(message) = message {
        message.set_handled()?;
    }
    session.output.result(&result, || {
        let left = match missing.len() {
            0 => "Everybody has signed".into(),
            _ => format!("Still missing: {}", account_list(session, &missing)),
        };
        let who = display::account_words(&signed.account, &session.directory);
        let written = file.map(|file| format!(" and written to {file}")).unwrap_or_default();
        format!("Signed for {who}{written}. {left}{forms}")
    });
    Ok(())
}

fn account_list(session: &Session, accounts: &[AccountId]) -> String {
    accounts.iter().map(|a| display::account_words(a, &session.directory)).collect::<Vec<_>>().join(", ")
}

/// Puts the signatures of copies together.
pub async fn merge(session: &mut Session, args: &MergeArgs, wanted: Wanted) -> Result<(), Failure> {
    let merged = intake::merged(session, intake::take(&args.given.proposal, wanted)?).await?;
    let missing: Vec<String> = merged.missing().iter().map(ToString::to_string).collect();
    let file = args.output.display().to_string();
    let mut result = json!({ "file": file, "complete": missing.is_empty(), "missing": missing });
    let forms = args.forms.add(&merged, &mut result)?;
    files::write_proposal(&args.output, &merged)?;
    session.output.result(&result, || {
        let left =
            if missing.is_empty() { "Everybody has signed".into() } else { format!("Missing: {}", missing.join(", ")) };
        format!("Merged into {file}. {left}{forms}")
    });
    Ok(())
}

async fn simulate(session: &mut Session, given: &Given) -> Result<(), Failure> {
    let taken = intake::take(&given.proposal, Wanted::Transaction)?;
    session.client("a simulation")?;
    let proposal = intake::merged(session, taken).await?;
    session.check_chain(&proposal).await?;
    let Some(simulation) = session.simulate(&proposal).await? else {
        return Ok(());
    };
    let result = show::simulation_json(Some(&simulation), &session.directory);
    session.output.result(&result, || show::simulation(&simulation, &session.directory));
    match simulation.receipt.failure {
        Some(failure) => Err(Failure::Ledger(failure)),
        None => Ok(()),
    }
}

async fn submit_file(session: &mut Session, args: &SubmitArgs) -> Result<(), Failure> {
    let proposal = intake::merged(session, intake::take(&args.given.proposal, Wanted::Transaction)?).await?;
    session.check_chain(&proposal).await?;
    submit(session, &proposal, args.wait.then(|| Duration::from_secs(args.timeout))).await
}

/// Hands in a proposal and, with a patience, waits until it is final.
pub async fn submit(session: &mut Session, proposal: &Proposal, patience: Option<Duration>) -> Result<(), Failure> {
    if !proposal.missing().is_empty() {
        return Err(Failure::Incomplete { missing: account_list(session, &proposal.missing()) });
    }
    let Some(transaction) = proposal.to_transaction() else {
        return Ok(());
    };
    let client = session.client("submitting")?.clone();
    let Some(patience) = patience else {
        let id = client.submit(&transaction).await?;
        session.output.result(&json!({ "id": id, "state": "pending" }), || format!("Submitted: {id}"));
        return Ok(());
    };
    session.output.note("Handed in; waiting until it is final …");
    let finality = client.submit_and_wait(&transaction, patience).await?;
    tell_final(session, &finality).await
}

/// Tells what became of a transaction; a failure on the ledger is the command's failure.
async fn tell_final(session: &mut Session, finality: &Finality) -> Result<(), Failure> {
    session.learn_for_events(&finality.receipt.events).await?;
    let result = show::finality_json(finality, &session.directory);
    session.output.result(&result, || show::finality(finality, &session.directory));
    match &finality.receipt.failure {
        Some(failure) => Err(Failure::Ledger(failure.clone())),
        None => Ok(()),
    }
}

async fn status(session: &mut Session, id: &str) -> Result<(), Failure> {
    match session.client("the status of a transaction")?.status(id).await? {
        TxStatus::Unknown => {
            session.output.result(&json!({ "id": id, "state": "unknown" }), || {
                "The node does not know it: it was never submitted there, or has expired and been forgotten".into()
            });
        }
        TxStatus::Pending => {
            session
                .output
                .result(&json!({ "id": id, "state": "pending" }), || "It waits to be put into a block".into());
        }
        TxStatus::Final { height, index, receipt } => {
            let finality = Finality { id: id.into(), height, index, receipt };
            session.learn_for_events(&finality.receipt.events).await?;
            let result = show::finality_json(&finality, &session.directory);
            session.output.result(&result, || show::finality(&finality, &session.directory));
        }
    }
    Ok(())
}
