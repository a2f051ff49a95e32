//! The words of the command line. Passwords are none of them: they come from a file, the terminal or standard input.
use crate::failure::EXIT_CODES;
use clap::{Args, Parser, Subcommand, ValueEnum};
use countersign_client::rpc_types::site::PostKind;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A merchant's site for the relays of a Countersign ledger: users, contacts, posts.
#[derive(Parser, Debug)]
#[command(name = "countersign-site", version, after_help = EXIT_CODES, max_term_width = 120)]
pub struct Cli {
    /// Folder of the site
    #[arg(long, global = true, env = "COUNTERSIGN_SITE", default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// Results as JSON on standard output, errors as JSON on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make a site's folder: settings, keys, an empty database
    Init(InitArgs),
    /// Serve relays until stopped
    Run(RunArgs),
    /// Say whether settings, keys, certificate and database can be used
    Check,
    /// Users and their passwords
    #[command(subcommand)]
    User(UserCommand),
    /// Whom users know
    #[command(subcommand)]
    Contact(ContactCommand),
    /// What is published to the users
    #[command(subcommand)]
    Post(PostCommand),
    /// Relays that may ask
    #[command(subcommand)]
    Relay(RelayCommand),
}

/// What a new site is.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// The site's name: that of its member on the ledger
    #[arg(long, value_name = "NAME")]
    pub site: String,
    /// Address to listen at
    #[arg(long, default_value = "127.0.0.1:26900", value_name = "IP:PORT")]
    pub listen: SocketAddr,
    /// The certificate and those above it, PEM; without it a proxy on this machine must encrypt
    #[arg(long, requires = "tls_key", value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, requires = "tls_certificate", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// The chain's id, to sign enrolments
    #[arg(long, requires_all = ["keystore", "key"], value_name = "HEX")]
    pub chain: Option<String>,
    /// Folder of keys, as `countersign keys` makes them
    #[arg(long, requires = "chain", value_name = "DIR")]
    pub keystore: Option<PathBuf>,
    /// Name of the key in it that signs for the site's member
    #[arg(long, requires = "chain", value_name = "NAME")]
    pub key: Option<String>,
    /// File whose first line is that key's passphrase
    #[arg(long, requires = "chain", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// How the site runs.
#[derive(Args, Clone, Copy, Debug)]
pub struct RunArgs {
    /// Stop when standard input is closed: for a program that runs this one, and may itself be killed
    #[arg(long)]
    pub stop_with_stdin: bool,
}

/// Users.
#[derive(Subcommand, Debug)]
pub enum UserCommand {
    /// Add a user; asks for the password
    Add {
        /// `alice` or `alice@site`
        user: String,
        /// File whose first line is the password; else the terminal, or the first line of standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List users
    List {
        /// The last name of the page before
        #[arg(long, default_value = "", value_name = "NAME")]
        after: String,
    },
    /// Remove a user with its contacts; its sessions end
    Remove {
        /// `alice` or `alice@site`
        user: String,
    },
    /// Give a user another password; its sessions end
    SetPassword {
        /// `alice` or `alice@site`
        user: String,
        /// File whose first line is the password; else the terminal, or the first line of standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Free a user's name of the account enrolled under it, so that another can be
    Unbind {
        /// `alice` or `alice@site`
        user: String,
    },
    /// Add users from a CSV file with the columns user and password, which only you can read
    Import {
        /// The file
        file: PathBuf,
    },
}

/// Contacts.
#[derive(Subcommand, Debug)]
pub enum ContactCommand {
    /// Add a contact of a user, or rename it
    Add {
        /// The user
        user: String,
        /// The contact's name on the ledger
        name: String,
        /// What the user calls them
        #[arg(long, default_value = "", value_name = "TEXT")]
        label: String,
    },
    /// List a user's contacts
    List {
        /// The user
        user: String,
        /// The last name of the page before
        #[arg(long, default_value = "", value_name = "NAME")]
        after: String,
    },
    /// Remove a contact of a user
    Remove {
        /// The user
        user: String,
        /// The contact's name on the ledger
        name: String,
    },
}

/// Posts.
#[derive(Subcommand, Debug)]
pub enum PostCommand {
    /// Publish a post to the site's users
    Add {
        /// What it is
        #[arg(long, value_enum, default_value = "notice")]
        kind: Kind,
        /// One line
        #[arg(long, value_name = "TEXT")]
        title: String,
        /// The text
        #[arg(long, default_value = "", value_name = "TEXT")]
        text: String,
        /// The user who publishes it; without it the site
        #[arg(long, value_name = "USER")]
        author: Option<String>,
        /// A proposal's file (.csp) that belongs to it
        #[arg(long, value_name = "FILE")]
        proposal: Option<PathBuf>,
    },
    /// List posts
    List {
        /// The last number of the page before
        #[arg(long, default_value_t = 0, value_name = "NUMBER")]
        after: u64,
    },
    /// Remove a post; who has it already keeps it
    Remove {
        /// Its number
        number: u64,
    },
}

/// What a post is.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Kind {
    /// Something to buy or take part in
    Offer,
    /// Something to know
    Notice,
}

impl From<Kind> for PostKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Offer => Self::Offer,
            Kind::Notice => Self::Notice,
        }
    }
}

/// Relays.
#[derive(Subcommand, Debug)]
pub enum RelayCommand {
    /// Let a relay ask, or replace what it is called
    Grant {
        /// The network key of its node, csk1…, by which it signs requests
        key: String,
        /// What you call it
        #[arg(long, default_value = "", value_name = "TEXT")]
        label: String,
    },
    /// Answer a relay no more
    Revoke {
        /// Its key, csk1…, or the account by which it asks, csa1…
        relay: String,
    },
    /// List the relays that may ask
    List,
}
