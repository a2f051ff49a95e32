//! `site.toml`: read with a bound, checked as a whole, every mistake told with its key.
use crate::enrol::Enroller;
use crate::limits;
use countersign_client::keystore::{KeyError, Keystore, UnlockedKey, check_mode, read_bounded};
use countersign_client::types::{AccountId, Hash, Name};
use serde::Deserialize;
use std::fs;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Name of the settings in the site's folder.
pub const FILE: &str = "site.toml";
/// Name of the socket by which commands reach the running server.
pub const SOCKET: &str = "site.sock";

/// What the file holds.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The site's name, that of its member on the ledger.
    pub site: String,
    /// Address to listen at.
    pub listen: SocketAddr,
    /// The database.
    #[serde(default = "default_database")]
    pub database: PathBuf,
    /// The file of the site's own keys.
    #[serde(default = "default_keys")]
    pub keys: PathBuf,
    /// Certificate and key, or `"off"` behind a proxy on the same machine.
    pub tls: TlsSettings,
    /// Who may try how often, and how long things stay open.
    #[serde(default)]
    pub limits: LimitSettings,
    /// How enrolments are signed; without it none are.
    pub enrol: Option<EnrolSettings>,
}

fn default_database() -> PathBuf {
    "site.redb".into()
}

fn default_keys() -> PathBuf {
    "site.key".into()
}

/// How connections are encrypted.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
pub enum TlsSettings {
    /// By this server.
    Files {
        /// The certificate and those above it, PEM.
        certificate: PathBuf,
        /// Its key, PEM.
        key: PathBuf,
    },
    /// `"off"`: by a proxy in front of it.
    Word(String),
}

/// Who may try how often, and how long things stay open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// How long a login may take.
    pub login_ms: u64,
    /// How long a session lasts.
    pub session_ms: u64,
    /// Logins of one user in a window that do not succeed.
    pub attempts_per_user: u32,
    /// Logins through one relay in a window.
    pub attempts_per_relay: u32,
    /// The window.
    pub window_ms: u64,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            login_ms: 60_000,
            session_ms: 12 * 60 * 60 * 1000,
            attempts_per_user: 10,
            attempts_per_relay: 6_000,
            window_ms: 15 * 60 * 1000,
        }
    }
}

/// How enrolments are signed.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolSettings {
    /// The chain's id.
    pub chain: String,
    /// Folder of keys, as the wallet's `keys` makes them.
    pub keystore: PathBuf,
    /// Name of the key in it.
    pub key: String,
    /// The member's account, if it is not the one the key was made for.
    pub account: Option<String>,
    /// File whose first line is the key's passphrase.
    pub passphrase_file: Option<PathBuf>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file system refused.
    #[error("cannot use {path}")]
    Io {
        /// The file.
        path: String,
        /// What it answered.
        #[source]
        source: io::Error,
    },
    /// Longer than settings are.
    #[error("{path} is longer than {} bytes", limits::SETTINGS_BYTES_MAX)]
    TooLong {
        /// The file.
        path: String,
    },
    /// Not TOML, or not these keys.
    #[error("{path} is not what settings are")]
    Malformed {
        /// The file.
        path: String,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value is out of its range.
    #[error("{path}: `{key}` {wanted}")]
    BadValue {
        /// The file.
        path: String,
        /// The key.
        key: &'static str,
        /// What it must be.
        wanted: String,
    },
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The settings of a folder, checked; paths are resolved against it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// The site.
    pub site: Name,
    /// What the file holds.
    pub settings: Settings,
    folder: PathBuf,
}

/// Reads and checks the settings of a site's folder.
///
/// # Errors
/// [`SettingsError`].
pub fn read(folder: &Path) -> Result<Checked, SettingsError> {
    read_as(folder, &folder.join(FILE))
}

/// The same from a file of another name: settings that are being made.
///
/// # Errors
/// [`SettingsError`].
pub fn read_as(folder: &Path, path: &Path) -> Result<Checked, SettingsError> {
    // The database and the socket are for whoever can enter the folder.
    if folder.exists() {
        check_mode(folder, 0o700)?;
    }
    let io_error = |source| SettingsError::Io { path: path.display().to_string(), source };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(io_error)?;
    file.take(limits::SETTINGS_BYTES_MAX + 1).read_to_string(&mut text).map_err(io_error)?;
    if text.len() as u64 > limits::SETTINGS_BYTES_MAX {
        return Err(SettingsError::TooLong { path: path.display().to_string() });
    }
    let malformed = |source| SettingsError::Malformed { path: path.display().to_string(), source: Box::new(source) };
    check(toml::from_str(&text).map_err(malformed)?, folder)
}

fn check(settings: Settings, folder: &Path) -> Result<Checked, SettingsError> {
    let path = folder.join(FILE).display().to_string();
    let bad = |key, wanted: &str| Err(SettingsError::BadValue { path: path.clone(), key, wanted: wanted.into() });
    let site: Option<Name> = settings.site.parse().ok().filter(|name: &Name| name.user().is_none());
    let Some(site) = site else {
        return bad("site", "is a member's name, such as harbor-hotel.example");
    };
    match &settings.tls {
        TlsSettings::Word(word) if word != "off" => {
            return bad("tls", "is \"off\", or a table with certificate and key");
        }
        TlsSettings::Word(_) if !settings.listen.ip().is_loopback() => {
            return bad(
                "tls",
                "may be \"off\" only if `listen` is an address of this machine alone, such as 127.0.0.1",
            );
        }
        _ => {}
    }
    let given = &settings.limits;
    let ranges = [
        ("limits.login_ms", given.login_ms, 100, 10 * 60 * 1000),
        ("limits.session_ms", given.session_ms, 1_000, 31 * 24 * 60 * 60 * 1000),
        ("limits.attempts_per_user", given.attempts_per_user.into(), 1, 1_000),
        ("limits.attempts_per_relay", given.attempts_per_relay.into(), 1, limits::COUNTED_MAX as u64),
        ("limits.window_ms", given.window_ms, 1_000, 24 * 60 * 60 * 1000),
    ];
    if let Some((key, _, least, most)) = ranges.iter().find(|(_, value, least, most)| !(least..=most).contains(&value))
    {
        return bad(key, &format!("is a number from {least} to {most}"));
    }
    if let Some(enrol) = &settings.enrol {
        if enrol.chain.parse::<Hash>().is_err() {
            return bad("enrol.chain", "is a chain's id: 64 hexadecimal digits");
        }
        if enrol.account.as_ref().is_some_and(|account| account.parse::<AccountId>().is_err()) {
            return bad("enrol.account", "is an account, csa1…");
        }
    }
    Ok(Checked { site, settings, folder: folder.to_owned() })
}

impl Checked {
    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.folder.join(&self.settings.database)
    }

    /// The file of the site's keys.
    pub fn keys(&self) -> PathBuf {
        self.folder.join(&self.settings.keys)
    }

    /// The socket of the running server.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(SOCKET)
    }

    /// Certificate and key, unless a proxy has them.
    pub fn tls(&self) -> Option<(PathBuf, PathBuf)> {
        match &self.settings.tls {
            TlsSettings::Files { certificate, key } => Some((self.folder.join(certificate), self.folder.join(key))),
            TlsSettings::Word(_) => None,
        }
    }

    /// Unlocks the key that signs enrolments, if there is one.
    ///
    /// # Errors
    /// [`SettingsError::Key`].
    pub fn enroller(&self) -> Result<Option<Enroller>, SettingsError> {
        let Some(enrol) = &self.settings.enrol else {
            return Ok(None);
        };
        let passphrase = enrol.passphrase_file.as_ref().map(|path| self.passphrase(path)).transpose()?;
        let keystore = Keystore::new(self.folder.join(&enrol.keystore));
        let key: UnlockedKey = keystore.unlock(&enrol.key, passphrase.as_deref().map(String::as_str))?;
        let account = enrol.account.as_ref().and_then(|account| account.parse().ok()).unwrap_or(key.record.account);
        let chain = enrol.chain.parse().unwrap_or_default();
        Ok(Some(Enroller { chain, account, key }))
    }

    fn passphrase(&self, path: &Path) -> Result<Zeroizing<String>, SettingsError> {
        let path = self.folder.join(path);
        check_mode(&path, 0o600)?;
        let bytes = read_bounded(&path)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| KeyError::Damaged { path: path.display().to_string(), cause: "it is not text" })?;
        Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const LEAST: &str = "site = \"harbor-hotel.example\"\nlisten = \"127.0.0.1:8443\"\ntls = \"off\"\n";

    fn of(text: &str) -> Result<Checked, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        read(folder.path()).map_err(|error| {
            let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            format!("{error} {source}")
        })
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let checked = of(LEAST).unwrap();
        assert_eq!(checked.site.as_str(), "harbor-hotel.example");
        assert_eq!(checked.settings.limits, LimitSettings::default());
        assert_eq!((checked.tls(), checked.settings.enrol.is_none()), (None, true));
        assert!(checked.database().ends_with("site.redb") && checked.keys().ends_with("site.key"));
        let files = LEAST.replace("\"off\"", "{ certificate = \"a.pem\", key = \"b.pem\" }");
        let (certificate, key) = of(&files).unwrap().tls().unwrap();
        assert!(certificate.ends_with("a.pem") && key.ends_with("b.pem"));
    }

    #[test]
    fn a_folder_that_others_enter_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), LEAST).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o750)).unwrap();
        assert!(matches!(read(folder.path()), Err(SettingsError::Key(KeyError::OpenToOthers { .. }))));
    }

    #[test]
    fn mistakes_are_told_with_their_key() {
        let enrol = "[enrol]\nkeystore = \"k\"\nkey = \"k\"\n";
        for (text, told) in [
            (LEAST.replace("harbor-hotel.example", "alice@harbor-hotel.example"), "`site`"),
            (LEAST.replace("127.0.0.1", "0.0.0.0"), "`tls`"),
            (LEAST.replace("\"off\"", "\"on\""), "`tls`"),
            (LEAST.replace("listen", "listens"), "listens"),
            (format!("{LEAST}[limits]\nlogin_ms = 1\n"), "`limits.login_ms`"),
            (format!("{LEAST}[limits]\nattempts_per_user = 0\n"), "`limits.attempts_per_user`"),
            (format!("{LEAST}{enrol}chain = \"12\"\n"), "`enrol.chain`"),
            (format!("{LEAST}{enrol}chain = \"{}\"\naccount = \"x\"\n", "11".repeat(32)), "`enrol.account`"),
            ("site = ".into(), "site.toml"),
        ] {
            let error = of(&text).unwrap_err();
            assert!(error.contains(told), "{told}: {error}");
        }
        let long = "#".repeat(limits::SETTINGS_BYTES_MAX as usize + 1);
        assert!(of(&long).unwrap_err().contains("longer"));
    }
}
