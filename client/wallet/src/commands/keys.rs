//! `countersign keys`: the wallet's keys.
mod external;
mod words;

use crate::confirm;
use crate::failure::Failure;
use crate::files;
use crate::output::{facts, table};
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::keystore::{Custody, KeyRecord, Protection};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What to do with keys.
#[derive(Subcommand, Debug)]
pub enum KeysCommand {
    /// Make a key
    New(NewArgs),
    /// The keys of this wallet
    List,
    /// One key: its account and public key
    Show {
        /// The key's name [default: the key in use]
        name: Option<String>,
    },
    /// Store the development key of a name, which anybody can compute. Encrypted only if a passphrase is given
    Dev(NewArgs),
    /// Copy a key's file as a backup, encrypted as it is
    Export {
        /// The key's name
        name: String,
        /// The new file
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// Take over a file made by `keys export`
    Import {
        /// The file
        file: PathBuf,
    },
    /// Show a key as 24 words for paper (BIP-39): whoever reads them can sign. At a terminal, or into a file
    Words {
        /// The key's name
        name: String,
        /// A new file for the words, which only you can read, instead of the terminal
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Make a key again from its 24 words
    Restore(words::RestoreArgs),
    /// Sign with a key that is kept elsewhere: a program signs, such as that of a hardware module or an agent
    External(external::ExternalArgs),
}

/// A new key.
#[derive(Args, Debug)]
pub struct NewArgs {
    /// The key's name: lower-case letters, digits, `-_.@+`
    name: String,
    /// Keep the secret unencrypted. For development only
    #[arg(long)]
    no_passphrase: bool,
}

/// Runs the command.
pub fn run(session: &Session, command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::New(args) => make(session, &args, false),
        KeysCommand::Dev(args) => make(session, &args, true),
        KeysCommand::List => {
            let keys = session.keystore.list()?;
            let rows = || keys.iter().map(|key| [key.name.clone(), key.account.to_string(), protection(key).into()]);
            session.output.result(&keys.iter().map(to_json).collect::<Vec<_>>(), || {
                table(["NAME", "ACCOUNT", "PROTECTION"], rows())
            });
            Ok(())
        }
        KeysCommand::Show { name } => {
            let record = match name {
                Some(name) => session.keystore.record(&name)?,
                None => session.key()?,
            };
            show(session, &record);
            Ok(())
        }
        KeysCommand::Export { name, output } => export(session, &name, &output),
        KeysCommand::Import { file } => {
            show(session, &session.keystore.import(&file)?);
            Ok(())
        }
        KeysCommand::Words { name, output } => words::show(session, &name, output.as_deref()),
        KeysCommand::Restore(args) => words::restore(session, &args),
        KeysCommand::External(args) => external::add(session, &args),
    }
}

fn make(session: &Session, args: &NewArgs, development: bool) -> Result<(), Failure> {
    if development {
        session.output.warn("anybody can compute this key: it guards nothing and belongs on development networks only");
    }
    let passphrase = match (args.no_passphrase, development) {
        (true, _) => None,
        // Its secret is public: a passphrase protects nothing, so none is asked for.
        (false, true) => confirm::given(session.options().passphrase_file.as_deref())?,
        (false, false) => new_passphrase(session, args)?,
    };
    let protection = protected_by(session, passphrase.as_ref());
    let record = match development {
        true => session.keystore.create_development(&args.name, &protection)?,
        false => session.keystore.create(&args.name, &protection)?,
    };
    show(session, &record);
    Ok(())
}

/// The passphrase of a new key, unless it shall have none.
fn new_passphrase(session: &Session, args: &NewArgs) -> Result<Option<Zeroizing<String>>, Failure> {
    if args.no_passphrase {
        return Ok(None);
    }
    let file = session.options().passphrase_file.as_deref();
    confirm::new_passphrase(file, &format!("Passphrase for the new key {}", args.name)).map(Some)
}

fn protected_by<'a>(session: &Session, passphrase: Option<&'a Zeroizing<String>>) -> Protection<'a> {
    if passphrase.is_none() {
        session.output.warn("the secret lies in its file unencrypted");
    }
    passphrase.map_or(Protection::None, |passphrase| Protection::Passphrase(passphrase))
}

fn export(session: &Session, name: &str, output: &Path) -> Result<(), Failure> {
    files::check_new(output, false)?;
    let content = session.keystore.export(name)?;
    if session.keystore.record(name)?.custody == Custody::Plain {
        session.output.warn("this key is not encrypted, and so is its copy not");
    }
    files::write_private(output, content.as_bytes(), false)?;
    let file = output.display().to_string();
    session.output.result(&json!({ "name": name, "file": file }), || format!("Key {name} copied to {file}"));
    Ok(())
}

fn protection(key: &KeyRecord) -> &'static str {
    match key.custody {
        Custody::Encrypted => "passphrase",
        Custody::Plain => "none",
        Custody::Program => "program",
    }
}

fn to_json(key: &KeyRecord) -> Json {
    json!({
        "name": key.name, "account": key.account.to_string(), "key": key.key.to_string(), "protection": protection(key)
    })
}

fn show(session: &Session, key: &KeyRecord) {
    session.output.result(&to_json(key), || {
        facts([
            ("name", key.name.clone()),
            ("account", key.account.to_string()),
            ("key", key.key.to_string()),
            ("protection", protection(key).into()),
        ])
    });
}
