//! From words to commands, and from outcomes to words.
mod import;

use crate::cli::{Cli, Command as Words, ContactCommand, PostCommand, RelayCommand, UserCommand};
use crate::failure::Failure;
use crate::output::{Output, table};
use crate::{password, server, setup};
use countersign_client::clock;
use countersign_client::rpc_types::HexBytes;
use countersign_client::types::Timestamp;
use countersign_site::admin::socket::Access;
use countersign_site::admin::{Command, NewUser, Outcome};
use countersign_site::keys::SiteKeys;
use countersign_site::limits::POST_PROPOSAL_BYTES_MAX;
use countersign_site::record::user_name;
use countersign_site::settings::{self, Checked};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Does what the words say.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let output = Output { json: cli.json };
    let command = match cli.command {
        Words::Init(args) => return setup::init(&cli.dir, &args, output),
        Words::Run(args) => return server::run(&cli.dir, args, output),
        Words::Check => return setup::check(&cli.dir, output),
        Words::User(words) => match user(words, &settings::read(&cli.dir)?, output)? {
            Some(command) => command,
            None => return Ok(()),
        },
        Words::Contact(words) => contact(words),
        Words::Post(words) => post(words)?,
        Words::Relay(words) => relay(words),
    };
    let access = Access::open(&settings::read(&cli.dir)?)?;
    let outcome = access.run(command)?.map_err(Failure::Refused)?;
    output.result(&outcome, || words(&outcome));
    Ok(())
}

/// Registers a chosen password; it leaves this function only as what a database may keep.
fn registered(checked: &Checked, user: &str, file: Option<&Path>) -> Result<NewUser, Failure> {
    let name = user_name(user, &checked.site)?;
    let keys = SiteKeys::read(&checked.keys())?;
    let password = password::chosen(file, user)?;
    Ok(NewUser { user: name.to_string(), registration: HexBytes(keys.verifier.register(&name, &password)?) })
}

/// The command; `None` if it took several and they are done.
fn user(words: UserCommand, checked: &Checked, output: Output) -> Result<Option<Command>, Failure> {
    Ok(Some(match words {
        UserCommand::Add { user, password_file } => {
            Command::UserAdd { users: vec![registered(checked, &user, password_file.as_deref())?] }
        }
        UserCommand::SetPassword { user, password_file } => {
            Command::UserSetPassword(registered(checked, &user, password_file.as_deref())?)
        }
        UserCommand::Remove { user } => Command::UserRemove { user },
        UserCommand::Unbind { user } => Command::UserUnbind { user },
        UserCommand::List { after } => Command::UserList { after },
        UserCommand::Import { file } => {
            import::run(checked, &file, output)?;
            return Ok(None);
        }
    }))
}

fn contact(words: ContactCommand) -> Command {
    match words {
        ContactCommand::Add { user, name, label } => Command::ContactPut { user, name, label },
        ContactCommand::List { user, after } => Command::ContactList { user, after },
        ContactCommand::Remove { user, name } => Command::ContactRemove { user, name },
    }
}

fn post(words: PostCommand) -> Result<Command, Failure> {
    Ok(match words {
        PostCommand::Add { kind, title, text, author, proposal } => {
            let proposal = proposal.as_deref().map(|path| read(path, POST_PROPOSAL_BYTES_MAX as u64)).transpose()?;
            Command::PostAdd { kind: kind.into(), author, title, text, proposal: proposal.map(HexBytes) }
        }
        PostCommand::List { after } => Command::PostList { after },
        PostCommand::Remove { number } => Command::PostRemove { number },
    })
}

fn relay(words: RelayCommand) -> Command {
    match words {
        RelayCommand::Grant { key, label } => Command::RelayGrant { key, label },
        RelayCommand::Revoke { relay } => Command::RelayRevoke { relay },
        RelayCommand::List => Command::RelayList,
    }
}

/// Reads a file of at most `limit` bytes.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let io_failure = |source| Failure::Io { what: path.display().to_string(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io_failure)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io_failure)?;
    if bytes.len() as u64 > limit {
        return Err(Failure::TooLong { path: path.display().to_string(), limit });
    }
    Ok(bytes)
}

fn time(ms: u64) -> String {
    clock::to_local(Timestamp::from_millis(ms))
}

fn continued(rows: String, next: Option<String>) -> String {
    match next {
        Some(next) => format!("{rows}\n… more with --after {next}"),
        None => rows,
    }
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "Done.".into(),
        Outcome::Published { number } => format!("Published as number {number}."),
        Outcome::Users { users, next } => {
            let rows = users.iter().map(|user| {
                [user.user.clone(), time(user.added_at_ms), user.account.clone().unwrap_or_else(|| "-".into())]
            });
            continued(table(["user", "since", "account"], rows), next.clone())
        }
        Outcome::Contacts { contacts, next } => {
            let rows = contacts.iter().map(|contact| [contact.name.clone(), contact.label.clone()]);
            continued(table(["name", "label"], rows), next.clone())
        }
        Outcome::Posts { posts, next } => {
            let rows = posts.iter().map(|post| {
                let kind = format!("{:?}", post.kind).to_lowercase();
                [post.number.to_string(), kind, time(post.published_at_ms), post.author.clone(), post.title.clone()]
            });
            let rows = table(["number", "kind", "published", "author", "title"], rows);
            continued(rows, next.map(|next| next.to_string()))
        }
        Outcome::Relays { relays } => {
            let rows = relays.iter().map(|relay| {
                let record = &relay.record;
                [record.key.clone(), time(record.granted_at_ms), record.label.clone()]
            });
            table(["relay", "since", "label"], rows)
        }
        Outcome::Status { site, last_post, relays } => format!("{site}: {relays} relays, last post {last_post}"),
    }
}
