//! `countersign asset`: assets, balances, and payments by one signer.
use super::account::balance_words;
use super::propose::draft;
use super::sign;
use super::tx::{WAIT_SECONDS, submit};
use crate::failure::Failure;
use crate::output::{facts, table};
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::types::Amount;
use countersign_client::value::show_amount;
use std::time::Duration;

/// Assets on one page.
const PAGE: u32 = 200;

/// What to do with assets.
#[derive(Subcommand, Debug)]
pub enum AssetCommand {
    /// All assets
    List {
        /// Continue after this cursor
        #[arg(long)]
        cursor: Option<String>,
    },
    /// One asset
    Show {
        /// Its symbol, such as EUR
        asset: String,
    },
    /// What an account holds
    Balance {
        /// Id or name [default: the account of the key in use]
        account: Option<String>,
        /// Of this asset only, such as EUR
        asset: Option<String>,
    },
    /// Pay an account: draw up, show, sign, submit, wait
    Transfer(TransferArgs),
    /// Issue new value of an asset of one's own
    Issue(TransferArgs),
}

/// A payment.
#[derive(Args, Debug)]
pub struct TransferArgs {
    /// Who receives: id, name, or name of a key here
    #[arg(long, value_name = "ACCOUNT")]
    to: String,
    /// The asset, such as EUR
    #[arg(long)]
    asset: String,
    /// How much, such as 12.50
    #[arg(long)]
    amount: String,
    /// What for; a payment's receiver reads it
    #[arg(long, default_value = "")]
    reference: String,
    /// Sign without asking
    #[arg(long, short)]
    yes: bool,
    /// Hand in and do not wait until it is final
    #[arg(long)]
    no_wait: bool,
    /// Seconds to wait
    #[arg(long, default_value_t = WAIT_SECONDS, value_name = "SECONDS")]
    timeout: u64,
}

/// Runs the command.
pub async fn run(session: &mut Session, command: AssetCommand) -> Result<(), Failure> {
    match command {
        AssetCommand::List { cursor } => list(session, cursor.as_deref()).await,
        AssetCommand::Show { asset } => show(session, &asset).await,
        AssetCommand::Balance { account, asset } => balance(session, account.as_deref(), asset.as_deref()).await,
        AssetCommand::Transfer(args) => {
            let reference = ("reference".to_string(), args.reference.clone());
            pay(session, "assets.transfer", "payer", &args, Some(reference)).await
        }
        AssetCommand::Issue(args) => pay(session, "assets.issue", "issuer", &args, None).await,
    }
}

async fn list(session: &Session, cursor: Option<&str>) -> Result<(), Failure> {
    let page = session.client("looking up assets")?.assets(cursor, PAGE).await?;
    session.output.result(&page, || {
        let rows = page.items.iter().map(|asset| {
            let supply = asset.supply.parse().map(|n| show_amount(Amount::new(n), Some(asset.decimals)));
            [asset.asset.clone(), supply.unwrap_or_default(), asset.status.clone(), asset.title.clone()]
        });
        let listed = table(["ASSET", "SUPPLY", "STATUS", "TITLE"], rows);
        match &page.next {
            Some(next) => format!("{listed}\n\nMore with --cursor {next}"),
            None => listed,
        }
    });
    Ok(())
}

async fn show(session: &Session, asset: &str) -> Result<(), Failure> {
    let view = session.client("looking up an asset")?.asset(asset).await?;
    session.output.result(&view, || {
        let supply = view.supply.parse().map(|n| show_amount(Amount::new(n), Some(view.decimals)));
        facts([
            ("asset", view.asset.clone()),
            ("title", view.title.clone()),
            ("issuer", view.issuer.clone()),
            ("decimals", view.decimals.to_string()),
            ("supply", supply.unwrap_or_default()),
            ("status", view.status.clone()),
        ])
    });
    Ok(())
}

async fn balance(session: &mut Session, account: Option<&str>, asset: Option<&str>) -> Result<(), Failure> {
    let account = session.account_or_own(account).await?.to_string();
    let client = session.client("looking up a balance")?;
    if let Some(asset) = asset {
        let balance = client.balance(&account, asset).await?;
        session.output.result(&balance, || format!("{} {}", balance_words(&balance), balance.asset));
        return Ok(());
    }
    let balances = client.account(&account).await?.balances;
    session.output.result(&balances, || {
        table(["ASSET", "BALANCE"], balances.iter().map(|b| [b.asset.clone(), balance_words(b)]))
    });
    Ok(())
}

async fn pay(
    session: &mut Session,
    call: &str,
    role: &str,
    args: &TransferArgs,
    reference: Option<(String, String)>,
) -> Result<(), Failure> {
    session.client("a payment")?;
    let own = session.key()?.account.to_string();
    let mut texts = vec![
        ("asset".to_string(), args.asset.clone()),
        ("to".to_string(), args.to.clone()),
        ("amount".to_string(), args.amount.clone()),
    ];
    texts.extend(reference);
    let draft = draft(session, call, &[(role.to_string(), own)], &texts, None).await?;
    let call = session.call(&draft).await?;
    let mut proposal = session.transaction(vec![call], None).await?;
    sign::sign(session, &mut proposal, None, args.yes).await?;
    let patience = (!args.no_wait).then(|| Duration::from_secs(args.timeout));
    submit(session, &proposal, patience).await
}
