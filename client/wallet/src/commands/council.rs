//! `countersign council`: who governs and what they set; proposals of every call that takes the council's signatures.
//!
//! Whoever is named as a party must sign, so each proposal names the members who will: `--by`, or the whole council where all of it
//! must. It is tried on the newest state first, and told if it would be refused.
mod show;
mod wasm;

use super::propose::{ProposalOptions, finish_tried};
use crate::cli::parse_pair;
use crate::failure::Failure;
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::builder::CallDraft;
use countersign_client::types::params::Parameter;
use countersign_client::types::{AccountId, Params, Role};
use countersign_client::value::{role_named, role_word};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// Validity of a council's proposal unless told otherwise: its members are in different offices.
const EXPIRES: &str = "+1d";

/// What to do with the council.
#[derive(Subcommand, Debug)]
pub enum CouncilCommand {
    /// The council, parameters, validators, nodes and evidence
    Show,
    /// Admit an organisation as a member
    Admit {
        /// The member's name, shop.example
        name: String,
        /// Its public key csk1…, or the name of a key here
        public_key: String,
        /// A role: merchant, issuer, agent, arbiter, card_issuer, relay; may come several times
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Suspend a member with all its holders
    Suspend {
        /// Its name or id
        member: String,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Let a suspended member act again
    Resume {
        /// Its name or id
        member: String,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Replace a member's roles by these, or by none
    Roles {
        /// Its name or id
        member: String,
        /// merchant, issuer, agent, arbiter, card_issuer, relay
        roles: Vec<String>,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Replace the council
    SetCouncil {
        /// The members who govern from then on
        #[arg(required = true)]
        members: Vec<String>,
        /// How many of them must sign
        #[arg(long, value_name = "N")]
        threshold: u16,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Who votes on blocks
    #[command(subcommand)]
    Validator(ValidatorCommand),
    /// Who may connect to the network
    #[command(subcommand)]
    Node(NodeCommand),
    /// Change the chain's parameters, all at once or none
    Parameters {
        /// A parameter and its new value, as `council show` lists them
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = parse_pair)]
        changes: Vec<(String, String)>,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Put a new contract on the ledger, under the name in its interface
    Deploy {
        /// The compiled contract (.wasm)
        file: PathBuf,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Replace a contract's code; its `migrate`, if it declares one, runs at once
    Upgrade {
        /// The compiled contract (.wasm)
        file: PathBuf,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Stop a contract
    SuspendContract {
        /// Its name
        name: String,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Let a stopped contract run again
    ResumeContract {
        /// Its name
        name: String,
        #[command(flatten)]
        options: CouncilOptions,
    },
}

/// Changes of the validators.
#[derive(Subcommand, Debug)]
pub enum ValidatorCommand {
    /// Make a validator, or change its power; holds two blocks later
    Set {
        /// The public key of its votes, csk1…
        public_key: String,
        /// Weight of its votes
        #[arg(long, value_name = "N", default_value_t = 1)]
        power: u64,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Take a validator's vote; holds two blocks later
    Remove {
        /// The public key of its votes, csk1…
        public_key: String,
        #[command(flatten)]
        options: CouncilOptions,
    },
}

/// Changes of the nodes.
#[derive(Subcommand, Debug)]
pub enum NodeCommand {
    /// Let a node connect, or change what is listed of it
    Admit {
        /// Its network key, csk1…
        public_key: String,
        /// The member that runs it
        #[arg(long, value_name = "MEMBER")]
        member: String,
        /// Where peers reach it, /dns4/node.shop.example/tcp/26600 [default: it only dials]
        #[arg(long, value_name = "ADDRESS", default_value = "")]
        address: String,
        #[command(flatten)]
        options: CouncilOptions,
    },
    /// Stop a node from connecting; its validator's vote is another matter
    Remove {
        /// Its network key, csk1…
        public_key: String,
        #[command(flatten)]
        options: CouncilOptions,
    },
}

/// Who will sign, until when, and where the proposal goes.
#[derive(Args, Debug)]
pub struct CouncilOptions {
    /// Members of the council who will sign, all of them [default: the whole council, if all of it must]
    #[arg(long, value_name = "MEMBER,…", value_delimiter = ',')]
    by: Vec<String>,
    /// Until when it is valid: +3d, RFC 3339 or milliseconds
    #[arg(long, value_name = "TIME", default_value = EXPIRES)]
    expires: String,
    #[command(flatten)]
    proposal: ProposalOptions,
}

/// A call of the council: `module.method` and its arguments.
struct CouncilCall(&'static str, &'static str, Json);

/// Runs the command.
pub async fn run(session: &mut Session, command: CouncilCommand) -> Result<(), Failure> {
    let (call, options) = match command {
        CouncilCommand::Show => return show::show(session).await,
        CouncilCommand::Admit { name, public_key, roles, options } => {
            let args = json!({ "name": name, "key": key(session, &public_key)?, "roles": sorted_roles(&roles)? });
            (CouncilCall("registry", "admit", args), options)
        }
        CouncilCommand::Suspend { member, options } => (suspension(&member, true), options),
        CouncilCommand::Resume { member, options } => (suspension(&member, false), options),
        CouncilCommand::Roles { member, roles, options } => {
            let args = json!({ "member": member, "roles": sorted_roles(&roles)? });
            (CouncilCall("registry", "set_roles", args), options)
        }
        CouncilCommand::SetCouncil { members, threshold, options } => {
            let args = json!({ "members": members, "threshold": threshold });
            (CouncilCall("governance", "set_council", args), options)
        }
        CouncilCommand::Validator(command) => validator(session, command)?,
        CouncilCommand::Node(command) => node(session, command)?,
        CouncilCommand::Parameters { changes, options } => {
            let args = json!({ "changes": parameters(session, &changes).await? });
            (CouncilCall("governance", "set_parameters", args), options)
        }
        CouncilCommand::Deploy { file, options } => (code("deploy", &file)?, options),
        CouncilCommand::Upgrade { file, options } => (code("upgrade", &file)?, options),
        CouncilCommand::SuspendContract { name, options } => (contract_suspension(&name, true), options),
        CouncilCommand::ResumeContract { name, options } => (contract_suspension(&name, false), options),
    };
    propose(session, call, &options).await
}

fn suspension(member: &str, suspended: bool) -> CouncilCall {
    CouncilCall("registry", "set_member_suspended", json!({ "member": member, "suspended": suspended }))
}

fn contract_suspension(name: &str, suspended: bool) -> CouncilCall {
    CouncilCall("code", "set_suspended", json!({ "name": name, "suspended": suspended }))
}

fn validator(session: &Session, command: ValidatorCommand) -> Result<(CouncilCall, CouncilOptions), Failure> {
    Ok(match command {
        ValidatorCommand::Set { public_key, power, options } => {
            let args = json!({ "key": key(session, &public_key)?, "power": power });
            (CouncilCall("governance", "set_validator", args), options)
        }
        ValidatorCommand::Remove { public_key, options } => {
            let args = json!({ "key": key(session, &public_key)? });
            (CouncilCall("governance", "remove_validator", args), options)
        }
    })
}

fn node(session: &Session, command: NodeCommand) -> Result<(CouncilCall, CouncilOptions), Failure> {
    Ok(match command {
        NodeCommand::Admit { public_key, member, address, options } => {
            let args = json!({ "key": key(session, &public_key)?, "member": member, "address": address });
            (CouncilCall("governance", "admit_node", args), options)
        }
        NodeCommand::Remove { public_key, options } => {
            let args = json!({ "key": key(session, &public_key)? });
            (CouncilCall("governance", "remove_node", args), options)
        }
    })
}

fn code(method: &'static str, file: &Path) -> Result<CouncilCall, Failure> {
    let contract = wasm::read(file)?;
    Ok(CouncilCall("code", method, json!({ "name": contract.name, "code": contract.code })))
}

/// Draws up the call for the council, tries it, and writes it.
async fn propose(session: &mut Session, call: CouncilCall, options: &CouncilOptions) -> Result<(), Failure> {
    let CouncilCall(module, method, args) = call;
    let parties = signers(session, &options.by).await?;
    let parties = parties.into_iter().map(|id| ("council".to_owned(), id)).collect();
    let draft = CallDraft { module: module.into(), method: method.into(), parties, args };
    let call = session.call(&draft).await?;
    let expires_at = session.time(&options.expires)?;
    let proposal = session.transaction(vec![call], Some(expires_at)).await?;
    finish_tried(session, proposal, &options.proposal).await
}

/// The members of the council who will sign.
async fn signers(session: &mut Session, by: &[String]) -> Result<Vec<AccountId>, Failure> {
    let mut signers = Vec::new();
    for member in by {
        signers.push(session.account(member).await?);
    }
    if !signers.is_empty() {
        return Ok(signers);
    }
    let council = session.client("finding the council (name its members by --by)")?.council().await?;
    let active: Vec<_> = council.members.iter().filter(|member| member.status == "active").collect();
    if active.len() > council.threshold.into() {
        let members = active.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Failure::WhichCouncil { threshold: council.threshold, members });
    }
    active.iter().map(|member| Ok(member.id.parse()?)).collect()
}

/// A public key, or that of a key in this wallet.
pub fn key(session: &Session, text: &str) -> Result<String, Failure> {
    if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("csk1")) {
        return Ok(text.into());
    }
    Ok(session.keystore.record(text)?.key.to_string())
}

/// The roles in the ledger's order, each once.
fn sorted_roles(words: &[String]) -> Result<Vec<&'static str>, Failure> {
    let read = |word: &String| {
        role_named(&word.replace('-', "_")).ok_or_else(|| Failure::BadOption {
            given: word.chars().take(60).collect(),
            wanted: "a role: merchant, issuer, agent, arbiter, card_issuer or relay",
        })
    };
    let mut roles: Vec<Role> = words.iter().map(read).collect::<Result<_, _>>()?;
    roles.sort_unstable();
    roles.dedup();
    Ok(roles.into_iter().map(role_word).collect())
}

/// The changes as arguments. With a node they are checked against the parameters that hold, so that the range is named.
async fn parameters(session: &Session, changes: &[(String, String)]) -> Result<Vec<Json>, Failure> {
    let mut params = Params::default();
    if let Some(node) = session.node() {
        for (name, value) in node.council().await?.parameters.iter().map(|one| (&one.name, one.value)) {
            // One that this wallet does not know is the ledger's to check.
            if let Some(parameter) = Parameter::named(name) {
                parameter.set(&mut params, value)?;
            }
        }
    }
    let mut args = Vec::new();
    for (name, text) in changes {
        let value: u64 = text.replace('_', "").parse().map_err(|_| Failure::BadOption {
            given: format!("{name}={}", text.chars().take(40).collect::<String>()),
            wanted: "NAME=VALUE with a whole number",
        })?;
        if let Some(parameter) = Parameter::named(name) {
            parameter.set(&mut params, value)?;
        }
        args.push(json!({ "name": name, "value": value }));
    }
    if session.node().is_some() {
        params.check()?;
    }
    Ok(args)
}
