//! Everything that can go wrong, each with the exit code scripts decide by.
use countersign_client::keystore::KeyError;
use countersign_client::login::LoginError;
use countersign_site::admin::Refused;
use countersign_site::admin::socket::AccessError;
use countersign_site::record::BadRecord;
use countersign_site::settings::SettingsError;
use countersign_site::store::StoreError;
use countersign_site::tls::TlsError;
use std::io;

/// The exit codes, as `--help` tells them.
pub const EXIT_CODES: &str = "Exit codes:
  0  done
  1  refused: there is such a thing already, there is none, or a bound is reached; nothing has changed
  2  bad usage, input or file
  3  settings, keys or certificate
  4  the database, the running server, or the network";

/// Why a command ends without success.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command was refused.
    #[error("{}", .0.message)]
    Refused(Refused),
    /// A name or text.
    #[error(transparent)]
    Record(#[from] BadRecord),
    /// A password.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The way to the database.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system, the terminal or the network refused.
    #[error("cannot use {what}")]
    Io {
        /// File, folder, address or terminal.
        what: String,
        /// What it answered.
        #[source]
        source: io::Error,
    },
    /// There is a site already.
    #[error("there is a site in {path} already; nothing was changed")]
    SiteExists {
        /// Its settings.
        path: String,
    },
    /// The two passwords typed differ.
    #[error("the two passwords differ")]
    PasswordsDiffer,
    /// A file is longer than it may be.
    #[error("{path} is longer than {limit} bytes")]
    TooLong {
        /// The file.
        path: String,
        /// Bytes it may have.
        limit: u64,
    },
    /// The file to import is not what it should be.
    #[error("{path}, line {line}: {wanted}; nothing of it was added")]
    BadImport {
        /// The file.
        path: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        wanted: String,
    },
    /// An import ended in the middle.
    #[error("{added} users were added, then: {}", .refused.message)]
    ImportStopped {
        /// How many.
        added: usize,
        /// Why the next ones were not.
        refused: Refused,
    },
}

impl Failure {
    /// A stable word for programs.
    pub fn kind(&self) -> &str {
        match self {
            Self::Refused(refused) | Self::ImportStopped { refused, .. } => &refused.kind,
            _ => match self.exit_code() {
                1 => "exists",
                2 => "bad_input",
                3 => "settings",
                _ => "database",
            },
        }
    }

    /// One of [`EXIT_CODES`].
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(refused) | Self::ImportStopped { refused, .. } => match refused.kind.as_str() {
                "bad_input" => 2,
                "database" => 4,
                _ => 1,
            },
            Self::SiteExists { .. } => 1,
            Self::Record(_)
            | Self::Login(_)
            | Self::PasswordsDiffer
            | Self::TooLong { .. }
            | Self::BadImport { .. }
            | Self::Io { .. } => 2,
            Self::Settings(_) | Self::Key(_) | Self::Tls(_) => 3,
            Self::Access(_) | Self::Store(_) => 4,
        }
    }
}
