//! `countersign account`: accounts on the ledger.
use super::council;
use super::propose::{ProposalOptions, finish_tried};
use crate::failure::Failure;
use crate::output::{facts, table};
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::builder::CallDraft;
use countersign_client::clock;
use countersign_client::rpc_types::BalanceView;
use countersign_client::types::{Amount, Timestamp};
use countersign_client::value::show_amount;
use serde_json::json;

/// Entries of a history shown unless told otherwise: a screen full.
const HISTORY_ITEMS: u32 = 20;

/// What to know of accounts.
#[derive(Subcommand, Debug)]
pub enum AccountCommand {
    /// Who signs for an account, and what it holds
    Show {
        /// Id or name [default: the account of the key in use]
        account: Option<String>,
    },
    /// Transactions an account is party of, newest first
    History {
        /// Id or name [default: the account of the key in use]
        account: Option<String>,
        /// Continue after this cursor
        #[arg(long)]
        cursor: Option<String>,
        /// Entries to show
        #[arg(long, default_value_t = HISTORY_ITEMS, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Let other keys sign for an account: rotation, or a company's signatories
    Authority(AuthorityArgs),
    /// The account a name leads to
    Resolve {
        /// alice@shop.example, shop.example, or a contract's name
        name: String,
    },
}

/// New keys for an account.
#[derive(Args, Debug)]
pub struct AuthorityArgs {
    /// Id or name [default: the account of the key in use]
    account: Option<String>,
    /// A key that signs from then on, csk1… or the name of a key here, and its weight [default weight: 1]; may come several times
    #[arg(long = "signatory", required = true, value_name = "KEY[=WEIGHT]")]
    signatories: Vec<String>,
    /// The weight that the signatures must reach
    #[arg(long, value_name = "N", default_value_t = 1)]
    threshold: u32,
    /// Until when it is valid: +10m, RFC 3339 or milliseconds [default: +10m]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Minor units in words.
pub fn balance_words(balance: &BalanceView) -> String {
    match balance.amount.parse() {
        Ok(minor) => show_amount(Amount::new(minor), Some(balance.decimals)),
        Err(_) => balance.amount.clone(),
    }
}

/// Runs the command.
pub async fn run(session: &mut Session, command: AccountCommand) -> Result<(), Failure> {
    match command {
        AccountCommand::Show { account } => show(session, account.as_deref()).await,
        AccountCommand::History { account, cursor, limit } => {
            history(session, account.as_deref(), cursor.as_deref(), limit).await
        }
        AccountCommand::Authority(args) => Box::pin(authority(session, args)).await,
        AccountCommand::Resolve { name } => {
            let account = session.client("looking up a name")?.resolve(&name).await?;
            session.output.result(&json!({ "name": name, "account": account }), || account.clone());
            Ok(())
        }
    }
}

async fn show(session: &mut Session, account: Option<&str>) -> Result<(), Failure> {
    let account = session.account_or_own(account).await?.to_string();
    let view = session.client("looking up an account")?.account(&account).await?;
    session.output.result(&view, || {
        let keys: Vec<_> = view.keys.iter().map(|(key, weight)| format!("{key} (weight {weight})")).collect();
        let mut lines = facts([
            ("account", view.id.clone()),
            ("name", view.name.clone()),
            ("enrolled by", view.member.clone().unwrap_or_else(|| "none: a contract".into())),
            ("status", view.status.clone()),
            ("signs", format!("weight {} of {}", view.threshold, keys.join(", "))),
        ]);
        if !view.balances.is_empty() {
            let rows = view.balances.iter().map(|b| [b.asset.clone(), balance_words(b)]);
            lines.push_str("\n\n");
            lines.push_str(&table(["ASSET", "BALANCE"], rows));
        }
        lines
    });
    Ok(())
}

/// Draws up the change, which the keys that sign now must sign.
async fn authority(session: &mut Session, args: AuthorityArgs) -> Result<(), Failure> {
    let account = session.account_or_own(args.account.as_deref()).await?;
    let mut keys = Vec::new();
    for text in &args.signatories {
        let (name, weight) = text.rsplit_once('=').unwrap_or((text, "1"));
        let weight: u16 = weight.parse().ok().filter(|weight| *weight > 0).ok_or_else(|| Failure::BadOption {
            given: text.chars().take(80).collect(),
            wanted: "KEY=WEIGHT with a weight of 1 to 65535",
        })?;
        keys.push(json!({ "key": council::key(session, name)?, "weight": weight }));
    }
    let authority = json!({ "authority": { "threshold": args.threshold, "keys": keys } });
    let draft = CallDraft {
        module: "registry".into(),
        method: "set_authority".into(),
        parties: vec![("account".into(), account)],
        args: authority,
    };
    let call = session.call(&draft).await?;
    let expires_at = args.expires.as_deref().map(|text| session.time(text)).transpose()?;
    let proposal = session.transaction(vec![call], expires_at).await?;
    finish_tried(session, proposal, &args.options).await
}

async fn history(
    session: &mut Session,
    account: Option<&str>,
    cursor: Option<&str>,
    limit: u32,
) -> Result<(), Failure> {
    let account = session.account_or_own(account).await?.to_string();
    let page = session.client("a history")?.history(&account, cursor, limit).await?;
    session.output.result(&page, || {
        let rows = page.items.iter().map(|entry| {
            let outcome = if entry.ok { "done" } else { "failed" };
            let time = clock::to_local(Timestamp::from_millis(entry.time_ms));
            [entry.height.to_string(), time, outcome.into(), entry.calls.join(", "), entry.transaction.clone()]
        });
        let listed = table(["HEIGHT", "TIME", "OUTCOME", "CALLS", "TRANSACTION"], rows);
        match &page.next {
            Some(next) => format!("{listed}\n\nMore with --cursor {next}"),
            None => listed,
        }
    });
    Ok(())
}
