//! `countersign member site`: where a member's site is asked, who signs its answers, and which nodes relay for its users.
use crate::commands::council::key;
use crate::commands::propose::{ProposalOptions, finish_tried};
use crate::failure::Failure;
use crate::output::{facts, table};
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::builder::CallDraft;
use countersign_client::rpc_types::SiteView;
use countersign_client::types::endpoint::Endpoint;
use serde_json::json;

/// What to do with a member's site.
#[derive(Subcommand, Debug)]
pub enum SiteCommand {
    /// What the ledger says of a member's site, and whether each of its relays may relay
    Show {
        /// The member's name or id
        member: String,
    },
    /// Tell where a member's site is asked, who signs its answers, and which nodes relay for it; replaces what was told before
    Set(SetArgs),
}

/// A member's site.
#[derive(Args, Debug)]
pub struct SetArgs {
    /// Where relays ask the site, `https://login.shop.example` [default: the member has no users]
    #[arg(long, value_name = "URL", default_value = "")]
    endpoint: String,
    /// The public key that signs the site's answers, csk1…, as `countersign-site check` tells it
    #[arg(long, value_name = "KEY")]
    answer_key: String,
    /// Network key of a node that may relay, csk1…; may come several times: the first keeps the messages to the member and its users
    #[arg(long = "relay", value_name = "KEY")]
    relays: Vec<String>,
    /// The member, by name or id [default: the account of the key in use]
    #[arg(long, value_name = "MEMBER")]
    member: Option<String>,
    #[command(flatten)]
    options: ProposalOptions,
}

/// Runs the command.
pub async fn run(session: &mut Session, command: SiteCommand) -> Result<(), Failure> {
    match command {
        SiteCommand::Show { member } => {
            let view = session.client("looking up a member's site")?.site_view(&member).await?;
            session.output.result(&view, || words(&view));
            Ok(())
        }
        SiteCommand::Set(args) => set(session, args).await,
    }
}

async fn set(session: &mut Session, args: SetArgs) -> Result<(), Failure> {
    if !args.endpoint.is_empty() {
        Endpoint::parse(&args.endpoint).map_err(|_| Failure::BadOption {
            given: args.endpoint.chars().take(80).collect(),
            wanted: "a site's endpoint: https://host or https://host:port",
        })?;
    }
    let relays = args.relays.iter().map(|relay| key(session, relay)).collect::<Result<Vec<_>, _>>()?;
    let answer_key = key(session, &args.answer_key)?;
    let member = session.account_or_own(args.member.as_deref()).await?;
    let draft = CallDraft {
        module: "registry".into(),
        method: "set_site".into(),
        parties: vec![("member".into(), member)],
        args: json!({ "endpoint": args.endpoint, "key": answer_key, "relays": relays }),
    };
    let call = session.call(&draft).await?;
    let proposal = session.transaction(vec![call], None).await?;
    finish_tried(session, proposal, &args.options).await
}

fn words(site: &SiteView) -> String {
    let endpoint = if site.endpoint.is_empty() { "none: it has no users" } else { &site.endpoint };
    let told = facts([
        ("member", site.name.clone()),
        ("account", site.member.clone()),
        ("endpoint", endpoint.into()),
        ("answer key", site.key.clone()),
    ]);
    if site.relays.is_empty() {
        return format!("{told}\n\nNo node relays for it.");
    }
    let rows = site.relays.iter().enumerate().map(|(place, relay)| {
        let run_by = relay.member.clone().unwrap_or_else(|| "nobody".into());
        let may = if relay.can_relay { "yes" } else { "no" };
        let home = if place == 0 { "home relay: keeps the messages" } else { "" };
        [relay.key.clone(), run_by, may.into(), home.into()]
    });
    format!("{told}\n\n{}", table(["RELAY", "RUN BY", "MAY RELAY", ""], rows))
}
