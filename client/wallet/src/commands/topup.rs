//! `countersign topup`: requests for cash at an agent's counter, from either side of it; each command writes a `.csp` file.
//!
//! ```text
//! holder  request ─→ request.csp ─submit─→ countersign:request?…, shown to the agent
//! agent   show, execute ─→ execute.csp ─submit─→ a top-up or payment is done
//! holder  confirm ─→ confirm.csp ─submit─→ a cash-out is paid; the agent lets go of the cash
//! ```
mod licence;
mod list;
mod show;

use super::propose::{ProposalOptions, call, finish_with, own, pair};
use crate::failure::Failure;
use crate::session::Session;
use clap::{Args, Subcommand, ValueEnum};
use countersign_client::interface::topup::{Kind, RequestRecord, State};
use countersign_client::request::{RequestCode, call_id};
use countersign_client::types::Hash;
use countersign_client::types::proposal::Subject;
use countersign_client::value::show_amount;

/// Requests and licences.
#[derive(Subcommand, Debug)]
pub enum TopupCommand {
    /// Ask for a top-up, a cash-out or a payment; prints the code to show to an agent
    Request(RequestArgs),
    /// A request as the ledger has it, and what happens next
    Show {
        /// The code the holder's wallet shows (countersign:request?… or an image of it), or the business id (csr1…)
        request: String,
    },
    /// Requests of an account, as its holder or as the one they name
    List(list::ListArgs),
    /// As its agent, carry out a request: pays a top-up or payment, takes a cash-out on
    Execute(AboutArgs),
    /// As the holder of a cash-out, confirm the cash before you: pays the agent
    Confirm(AboutArgs),
    /// As its holder, take back a request no agent has taken on
    Cancel(AboutArgs),
    /// As the agent it names or that took it on, refuse a request
    Reject(RejectArgs),
    /// Ask for a request to be closed that the ledger could not close at its time
    Collect(AboutArgs),
    /// Let an account carry out requests, within limits: signed by the member and the account
    License(licence::LicenseArgs),
    /// End a licence, as the member that gave it or the account that holds it
    Withdraw(licence::WithdrawArgs),
    /// The licence of an account, and what it may still do today
    Limits(licence::LimitsArgs),
}

/// What is asked for.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Wanted {
    /// Cash becomes money on the ledger
    TopUp,
    /// Money on the ledger becomes cash
    CashOut,
    /// Cash becomes a payment to somebody
    Payment,
}

impl Wanted {
    const fn word(self) -> &'static str {
        match self {
            Self::TopUp => "TopUp",
            Self::CashOut => "CashOut",
            Self::Payment => "Payment",
        }
    }
}

/// A request.
#[derive(Args, Debug)]
pub struct RequestArgs {
    /// What is asked for
    kind: Wanted,
    /// The asset, such as EUR
    #[arg(long)]
    asset: String,
    /// How much, such as 100.00
    #[arg(long)]
    amount: String,
    /// What the agent gets for it, on top of the amount
    #[arg(long, default_value = "0")]
    fee: String,
    /// Who is paid: for a payment only
    #[arg(long, value_name = "ACCOUNT")]
    to: Option<String>,
    /// What for
    #[arg(long, default_value = "")]
    reference: String,
    /// The only agent that may carry it out [default: any licensed one]
    #[arg(long, value_name = "ACCOUNT")]
    agent: Option<String>,
    /// Only by the member that enrolled the holder, and its agents: no proxy
    #[arg(long)]
    own: bool,
    /// Until when an agent may carry it out, at most 30 days
    #[arg(long, value_name = "TIME", default_value = "+1h")]
    until: String,
    /// Who asks [default: the account of the key in use]
    #[arg(long, value_name = "ACCOUNT")]
    holder: Option<String>,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A move about a request.
#[derive(Args, Debug)]
pub struct AboutArgs {
    /// The code the holder's wallet shows (countersign:request?… or an image of it), or the business id (csr1…)
    request: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// A refusal.
#[derive(Args, Debug)]
pub struct RejectArgs {
    /// The code the holder's wallet shows (countersign:request?… or an image of it), or the business id (csr1…)
    request: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    options: ProposalOptions,
}

/// `none` where there is nothing, as options are written.
fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".into(), |value| value.to_string())
}

/// Runs the command.
pub async fn run(session: &mut Session, command: TopupCommand) -> Result<(), Failure> {
    match command {
        TopupCommand::Request(args) => request(session, args).await,
        TopupCommand::Show { request } => show::show(session, &request).await,
        TopupCommand::List(args) => list::list(session, args).await,
        TopupCommand::Execute(args) => execute(session, args).await,
        TopupCommand::Confirm(args) => confirm(session, args).await,
        TopupCommand::Cancel(args) => about(session, "topup.cancel", "holder", args).await,
        TopupCommand::Collect(args) => about(session, "topup.collect", "asker", args).await,
        TopupCommand::Reject(args) => {
            let request = show::request_id(session, &args.request).await?;
            let texts = [pair("request", request), pair("reason", args.reason)];
            own(session, "topup.reject", "agent", &texts, &args.options).await
        }
        TopupCommand::License(args) => licence::license(session, args).await,
        TopupCommand::Withdraw(args) => licence::withdraw(session, args).await,
        TopupCommand::Limits(args) => licence::limits(session, args).await,
    }
}

async fn request(session: &mut Session, args: RequestArgs) -> Result<(), Failure> {
    let holder = session.account_or_own(args.holder.as_deref()).await?;
    let payee = match &args.to {
        Some(text) => Some(session.account(text).await?),
        None => None,
    };
    let agent = match &args.agent {
        Some(text) => Some(session.account(text).await?),
        None => None,
    };
    let texts = [
        pair("mode", if args.own { "Own" } else { "Proxy" }),
        pair("kind", args.kind.word()),
        pair("asset", args.asset),
        pair("amount", args.amount),
        pair("fee", args.fee),
        pair("payee", optional(payee)),
        pair("agent", optional(agent)),
        pair("reference", args.reference),
        pair("expires_at", session.time(&args.until)?),
    ];
    let call = call(session, "topup.request", &[pair("holder", holder)], &texts).await?;
    let proposal = session.transaction(vec![call], None).await?;
    // The business id follows from the transaction: it counts once that is in a block.
    let more = match proposal.subject() {
        Subject::Transaction(transaction) => {
            let code = RequestCode::new(call_id(&transaction.id(), 0), &transaction.chain);
            vec![("code", code.to_string()), ("request", code.request.to_string())]
        }
        Subject::Document(_) => Vec::new(),
    };
    finish_with(session, proposal, &args.options, &more).await
}

async fn execute(session: &mut Session, args: AboutArgs) -> Result<(), Failure> {
    let request = show::request_id(session, &args.request).await?;
    let record = show::record(session, request).await?;
    let decimals = show::learn(session, &record).await?;
    let amount = |amount| show_amount(amount, decimals);
    let texts = [
        pair("request", request),
        pair("kind", format!("{:?}", record.kind)),
        pair("holder", record.holder),
        pair("payee", optional(record.payee)),
        pair("asset", record.asset),
        pair("amount", amount(record.amount)),
        pair("fee", amount(record.fee)),
    ];
    session.output.note(&cash_words(session, &record, decimals));
    own(session, "topup.execute", "agent", &texts, &args.options).await
}

/// What changes hands off the ledger, for the agent.
fn cash_words(session: &Session, record: &RequestRecord, decimals: Option<u8>) -> String {
    let holder = countersign_client::display::account_words(&record.holder, &session.directory);
    let with_fee = record.amount.checked_add(record.fee).unwrap_or(record.amount);
    let money = |amount| format!("{} {}", show_amount(amount, decimals), record.asset);
    match record.kind {
        Kind::CashOut => format!(
            "You will count out {} in cash for {holder}. Let go of it when the confirmation is final, not before: \
             without one the {} set aside return to the holder.",
            money(record.amount),
            money(with_fee)
        ),
        Kind::TopUp | Kind::Payment => format!("{holder} hands you {} in cash for this.", money(with_fee)),
    }
}

async fn confirm(session: &mut Session, args: AboutArgs) -> Result<(), Failure> {
    let request = show::request_id(session, &args.request).await?;
    let record = show::record(session, request).await?;
    let decimals = show::learn(session, &record).await?;
    let Some(agent) = record.agent.filter(|_| record.state == State::HandingOver) else {
        return Err(Failure::NotHandingOver { state: show::state_words(record.state) });
    };
    let texts = [
        pair("request", request),
        pair("agent", agent),
        pair("asset", record.asset),
        pair("amount", show_amount(record.amount, decimals)),
        pair("fee", show_amount(record.fee, decimals)),
    ];
    own(session, "topup.confirm", "holder", &texts, &args.options).await
}

/// A call about a request that takes nothing but its id.
async fn about(session: &mut Session, method: &str, role: &str, args: AboutArgs) -> Result<(), Failure> {
    let request: Hash = show::request_id(session, &args.request).await?;
    own(session, method, role, &[pair("request", request)], &args.options).await
}
