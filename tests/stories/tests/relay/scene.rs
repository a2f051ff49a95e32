//! Two merchants with a relay each, and those who log in at them.
use anyhow::Context as _;
use countersign_harness::{Asker, CallError, Network, Outcome, Person, Plan, Town, Wallet, wait_for};
use countersign_interface::Method as _;
use countersign_interface::registry::SetEncryptionKey;
use countersign_rpc_types::ErrorCode;
use countersign_types::{AccountId, PublicKey};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A merchant; the first node keeps the messages of its users, and the second relays for it too.
pub const HOTEL: &str = "harbor-hotel.example";
/// A merchant whose only relay is the second node.
pub const BOOKS: &str = "city-books.example";
/// Governs too; has no site.
pub const BANK: &str = "harbor-bank.example";
/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery staple";
/// Holders of the hotel since the beginning of the chain, without encryption keys.
pub const HOLDERS: [&str; 3] =
    ["holder-0@harbor-hotel.example", "holder-1@harbor-hotel.example", "holder-2@harbor-hotel.example"];

/// A town for one test.
pub struct Scene {
    pub town: Town,
    folder: tempfile::TempDir,
}

impl Scene {
    /// The first node makes the blocks, the second follows; both relay.
    pub fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let plan = Plan { holders: HOLDERS.len() as u32, links: false, ..Plan::of(1).and_node(None) };
        let town = Town::open(folder.path(), plan, &[(HOTEL, &[0, 1]), (BOOKS, &[1])])?;
        Ok(Self { town, folder })
    }

    pub fn network(&self) -> &Network {
        &self.town.network
    }

    /// A path that no program uses by itself.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A file with that password.
    pub fn password_file(&self, password: &str) -> anyhow::Result<String> {
        let mut file = tempfile::NamedTempFile::new_in(self.folder.path())?;
        std::io::Write::write_all(&mut file, format!("{password}\n").as_bytes())?;
        Ok(file.into_temp_path().keep()?.display().to_string())
    }

    /// The wallet with the development key of that name, at the relay that keeps its messages.
    pub fn wallet(&self, name: &str) -> anyhow::Result<Wallet> {
        let url = format!("ws://{}", self.town.home(name)?);
        Wallet::of_development_key(&self.folder.path().join("wallets").join(name), &url, name)
    }

    /// The wallet of a user that its site has added and that has never logged in.
    pub fn newcomer(&self, name: &str) -> anyhow::Result<Wallet> {
        let (user, _) = name.split_once('@').context("a user is at a site")?;
        self.town.place(name)?.site.add_user(user, PASSWORD)?;
        self.wallet(name)
    }

    /// Logs in, whatever comes of it.
    pub fn log_in(&self, wallet: &Wallet, name: &str, password: &str) -> anyhow::Result<Outcome> {
        let file = self.password_file(password)?;
        wallet.try_run(&["login", name, "--password-file", &file, "--yes"])
    }

    /// The wallet of a user that has logged in: with an account, an encryption key and a session.
    pub fn user(&self, name: &str) -> anyhow::Result<Wallet> {
        let wallet = self.newcomer(name)?;
        done(self.log_in(&wallet, name, PASSWORD)?)?;
        Ok(wallet)
    }

    /// The wallet of a member that has logged in by its key.
    pub fn member(&self, name: &str) -> anyhow::Result<Wallet> {
        let wallet = self.wallet(name)?;
        wallet.run(&["login", name, "--yes"])?;
        Ok(wallet)
    }

    /// A session of one of [`HOLDERS`] without a wallet around it, at the relay that keeps its messages.
    pub fn holder(&self, name: &str) -> anyhow::Result<Asker> {
        let place = self.town.place(name)?;
        let (user, _) = name.split_once('@').context("a holder is at a site")?;
        place.site.add_user(user, PASSWORD)?;
        Asker::user(&self.town.home(name)?, name, PASSWORD)
    }

    /// Sets the key to which messages to a holder are sealed.
    pub fn set_encryption_key(&self, name: &str, key: [u8; 32]) -> anyhow::Result<AccountId> {
        let holder = Person::named(name);
        let call = SetEncryptionKey { key: PublicKey(key) }.call(&[holder.account]);
        self.network().decide(call, &[holder])?;
        self.network().until_level()?;
        Ok(holder.account)
    }

    /// The folder of a relay's files.
    pub fn relay_files(&self, n: usize) -> PathBuf {
        self.network().dir(n).join("relay")
    }
}

/// What a command printed that must have succeeded.
pub fn done(outcome: Outcome) -> anyhow::Result<Value> {
    anyhow::ensure!(outcome.code == 0, "{outcome:#?}");
    outcome.json()
}

/// The text of a refusal of the relay, which must have this code.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(answer: Result<T, CallError>, code: ErrorCode) -> Value {
    match answer {
        Err(CallError::Refused(refusal)) => {
            assert_eq!(refusal["code"], json!(code as i32), "{refusal:#}");
            let is_clear = refusal["message"].as_str().is_some_and(|text| text.split(' ').count() >= 3);
            assert!(is_clear, "a refusal says what is wrong: {refusal:#}");
            refusal
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// The same of a log-in.
#[track_caller]
pub fn login_refused(login: anyhow::Result<Asker>, code: ErrorCode) -> Value {
    match login.map_err(anyhow::Error::downcast::<CallError>) {
        Err(Ok(error)) => refused(Err::<(), _>(error), code),
        other => panic!("not refused: {other:?}"),
    }
}

/// The error of a wallet's command that the relay has refused with this code.
pub fn wallet_refused(outcome: &Outcome, code: ErrorCode) -> anyhow::Result<Value> {
    let error = outcome.error()?;
    anyhow::ensure!(error["details"]["code"] == json!(code as i32), "{error:#}");
    Ok(error)
}

/// Fetches until the wallet has so many messages from somebody, and gives them in its order.
pub fn until_has(wallet: &Wallet, count: usize, from: &str) -> anyhow::Result<Vec<Value>> {
    let mut last = None;
    let has = wait_for(&format!("{count} messages from {from}"), || {
        let listed = wallet.run(&["inbox"]);
        let found = listed.and_then(|listed| messages(&listed, from));
        let enough = found.as_ref().is_ok_and(|found| found.len() >= count);
        last = Some(found);
        enough.then_some(())
    });
    match (has, last) {
        (Ok(()), Some(Ok(found))) => Ok(found),
        (has, last) => anyhow::bail!("{has:?}: {last:?}"),
    }
}

/// Those of a list of messages that are from somebody.
pub fn messages(listed: &Value, from: &str) -> anyhow::Result<Vec<Value>> {
    let all = listed.as_array().with_context(|| format!("a list of messages: {listed}"))?;
    Ok(all.iter().filter(|message| message["from_name"] == json!(from)).cloned().collect())
}
