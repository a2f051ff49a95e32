//! `countersign keys`: the wallet's keys.
use crate::confirm;
use crate::failure::Failure;
use crate::files;
use crate::output::{facts, table};
use crate::session::Session;
use clap::{Args, Subcommand};
use countersign_client::keystore::{KeyRecord, Protection};
use serde_json::{Value as Json, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

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
    }
}

fn make(session: &Session, args: &NewArgs, development: bool) -> Result<(), Failure> {
    if development {
        session.output.warn("anybody can compute this key: it guards nothing and belongs on development networks only");
    }
    let file = session.options().passphrase_file.as_deref();
    let passphrase = match (args.no_passphrase, development) {
        (true, _) => None,
        // Its secret is public: a passphrase protects nothing, so none is asked for.
        (false, true) => confirm::given(file)?,
        (false, false) => Some(confirm::new_passphrase(file, &format!("Passphrase for the new key {}", args.name))?),
    };
    if passphrase.is_none() {
        session.output.warn("the secret lies in its file unencrypted");
    }
    let protection = passphrase.as_ref().map_or(Protection::None, |passphrase| Protection::Passphrase(passphrase));
    let record = match development {
        true => session.keystore.create_development(&args.name, &protection)?,
        false => session.keystore.create(&args.name, &protection)?,
    };
    show(session, &record);
    Ok(())
}

fn export(session: &Session, name: &str, output: &PathBuf) -> Result<(), Failure> {
    files::check_new(output, false)?;
    let record = session.keystore.record(name)?;
    if !record.encrypted {
        session.output.warn("this key is not encrypted, and so is its copy not");
    }
    let content = session.keystore.export(name)?;
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(output);
    let written = written.and_then(|mut file| file.write_all(content.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|source| Failure::Io { path: output.display().to_string(), source })?;
    let file = output.display().to_string();
    session.output.result(&json!({ "name": name, "file": file }), || format!("Key {name} copied to {file}"));
    Ok(())
}

fn protection(key: &KeyRecord) -> &'static str {
    if key.encrypted { "passphrase" } else { "none" }
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
