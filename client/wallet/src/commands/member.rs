//! `countersign member`: the members of the consortium, and what one may change of itself.
mod site;

use super::council::key;
use super::propose::{ProposalOptions, call, finish_tried, pair};
use crate::failure::Failure;
use crate::output::{facts, table};
use crate::session::Session;
use clap::Subcommand;

/// Members on one page.
const PAGE: u32 = 200;

/// What to know of members.
#[derive(Subcommand, Debug)]
pub enum MemberCommand {
    /// All members
    List {
        /// Continue after this cursor
        #[arg(long)]
        cursor: Option<String>,
    },
    /// One member
    Show {
        /// Its name or id
        member: String,
    },
    /// Tell where peers reach a node that the council admitted for the member whose key is in use
    NodeAddress {
        /// The node's network key, csk1…
        public_key: String,
        /// /dns4/node.shop.example/tcp/26600; empty: it only dials
        address: String,
        #[command(flatten)]
        options: ProposalOptions,
    },
    /// Where a member's users log in, and which nodes relay for them
    #[command(subcommand)]
    Site(site::SiteCommand),
}

/// Runs the command.
pub async fn run(session: &mut Session, command: MemberCommand) -> Result<(), Failure> {
    match command {
        MemberCommand::List { cursor } => {
            let client = session.client("looking up members")?;
            let page = client.members(cursor.as_deref(), PAGE).await?;
            session.output.result(&page, || {
                let rows = page.items.iter().map(|member| {
                    let council = if member.council { "council" } else { "" };
                    [
                        member.name.clone(),
                        member.status.clone(),
                        member.roles.join(","),
                        council.into(),
                        member.id.clone(),
                    ]
                });
                let listed = table(["NAME", "STATUS", "ROLES", "COUNCIL", "ACCOUNT"], rows);
                match &page.next {
                    Some(next) => format!("{listed}\n\nMore with --cursor {next}"),
                    None => listed,
                }
            });
        }
        MemberCommand::NodeAddress { public_key, address, options } => {
            let texts = [pair("key", key(session, &public_key)?), pair("address", address)];
            let own = session.key()?.account;
            let call = call(session, "governance.set_node_address", &[pair("member", own)], &texts).await?;
            let proposal = session.transaction(vec![call], None).await?;
            finish_tried(session, proposal, &options).await?;
        }
        MemberCommand::Site(command) => Box::pin(site::run(session, command)).await?,
        MemberCommand::Show { member } => {
            let client = session.client("looking up members")?;
            let view = client.member(&member).await?;
            session.output.result(&view, || {
                facts([
                    ("member", view.name.clone()),
                    ("account", view.id.clone()),
                    ("status", view.status.clone()),
                    ("roles", view.roles.join(", ")),
                    ("council", if view.council { "yes" } else { "no" }.into()),
                    ("quota", format!("{} of {} gas used in this window", view.quota_used, view.quota)),
                ])
            });
        }
    }
    Ok(())
}
