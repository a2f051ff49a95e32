//! The stage: the network, a wallet for each person, and the files they pass to each other. A story is one file beside this one, with
//! its people as [`Person`] constants; it lets them [`Stage::enter`], and ends each step by [`Stage::end`].
use super::fault::{DemoError, doing};
use super::narrate::Narrator;
use super::network::Network;
use super::process::{Outcome, Wallet};
use crate::clock::Clock;
use countersign_rpc_types::ErrorCode;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Who plays: somebody with a well-known key on the development network, by the name on the ledger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Person(pub &'static str);

/// Who refuses, and by what the refusal is recognised.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// The wallet, before anything is sent; its message contains this.
    Wallet(&'static str),
    /// The node at its door; the failure has this name.
    Node(&'static str),
    /// The node, because it has the transaction already.
    AlreadyKnown,
    /// A door's lock, or the wallet by the lock's own checks; the refusal has this name.
    Lock(&'static str),
    /// The ledger: the transaction ran, failed with this name, and moved nothing.
    Ledger(&'static str),
}

/// Balances in minor units of the stories' asset, of those who play.
pub type Balances = BTreeMap<Person, i128>;

/// The asset that the stories are told in.
const ASSET: &str = "EUR";

/// A running demonstration. Wallets talk to the network's first node.
#[derive(Debug)]
pub struct Stage {
    network: Network,
    homes: PathBuf,
    wallet: PathBuf,
    wallets: BTreeMap<Person, Wallet>,
    /// Whose balances the running story follows.
    cast: Vec<Person>,
    /// The running story.
    story: &'static str,
    /// The step after which the first node is killed: `<step>`, `<story>:<step>`, or `all`.
    restart_at: Option<String>,
}

impl Stage {
    /// Takes the network; wallets run `wallet` and keep their files under `dir`.
    pub fn new(network: Network, dir: &Path, wallet: &Path, restart_at: Option<String>) -> Self {
        Self {
            network,
            homes: dir.join("wallets"),
            wallet: wallet.into(),
            wallets: BTreeMap::new(),
            cast: Vec::new(),
            story: "",
            restart_at,
        }
    }

    /// Names the story that is played next.
    pub fn open(&mut self, story: &'static str) {
        self.story = story;
    }

    /// The people of the story, whose balances it follows. Each has a wallet of its own, kept from story to story, and in it a folder for
    /// the files of this one.
    pub fn enter(&mut self, cast: &[Person]) -> Result<(), DemoError> {
        for person in cast {
            self.wallets.insert(*person, Wallet::open(&self.wallet, &self.homes, person.0, self.story)?);
        }
        self.cast = cast.to_vec();
        Ok(())
    }

    /// The network.
    pub fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    fn wallet(&self, person: Person) -> &Wallet {
        self.wallets.get(&person).expect("a story lets enter whom it lets act")
    }

    /// The wallets' program.
    pub fn program(&self) -> &Path {
        &self.wallet
    }

    /// Path of a file in a person's folder.
    pub fn file(&self, person: Person, file: &str) -> PathBuf {
        self.wallet(person).file(file)
    }

    /// Lets all who play find cards in the readers of the card service at `socket`.
    pub fn use_card_service(&mut self, socket: &Path) {
        self.wallets.values_mut().for_each(|wallet| wallet.use_card_service(socket));
    }

    /// Runs a wallet's command that must succeed.
    pub fn run(&self, person: Person, args: &[&str]) -> Result<Value, DemoError> {
        self.wallet(person).run(&self.network.url(), args)
    }

    /// Signs a proposal, a `tx` or a `doc`.
    pub fn sign(&self, person: Person, kind: &str, file: &str) -> Result<(), DemoError> {
        self.run(person, &[kind, "sign", file, "--yes"]).map(drop)
    }

    /// Submits a transaction and waits until it is final.
    pub fn submit(&self, told: &mut Narrator, person: Person, file: &str) -> Result<Value, DemoError> {
        let receipt = self.run(person, &["tx", "submit", file, "--wait"])?;
        told.see(format!("{} in block {}", text(&receipt["id"]), receipt["height"]));
        Ok(receipt)
    }

    /// Hands a file from one wallet's folder to another's.
    pub fn send(&self, from: Person, to: Person, file: &str) -> Result<(), DemoError> {
        fs::copy(self.wallet(from).file(file), self.wallet(to).file(file)).map(drop).map_err(doing("passing a file"))
    }

    /// Writes a line to a file in a person's folder, such as a PIN that is typed there.
    pub fn write(&self, person: Person, file: &str, line: &str) -> Result<(), DemoError> {
        fs::write(self.wallet(person).file(file), format!("{line}\n")).map_err(doing("writing a file"))
    }

    /// Copies a file with one bit turned in its middle.
    pub fn alter(&self, person: Person, file: &str, altered: &str) -> Result<(), DemoError> {
        let mut bytes = fs::read(self.wallet(person).file(file)).map_err(doing("reading a proposal"))?;
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        fs::write(self.wallet(person).file(altered), bytes).map_err(doing("writing an altered proposal"))
    }

    /// A step in which a command must be refused as expected, and nothing may move.
    pub fn refuse(
        &mut self,
        told: &mut Narrator,
        person: Person,
        args: &[&str],
        expect: Expect,
        step: &str,
        what: &str,
    ) -> Result<(), DemoError> {
        told.begin(step, &format!("Refused: {what}"));
        let before = self.balances_quietly()?;
        let outcome = self.wallet(person).try_run(&self.network.url(), args)?;
        let as_expected = !outcome.ok && matches(&outcome, expect);
        told.see(text(&outcome.json["error"]["message"]));
        let still = self.balances_quietly()? == before;
        if !as_expected {
            told.see(format!("expected {expect:?}, got {}", outcome.json));
        }
        told.end(as_expected && still);
        Ok(())
    }

    /// Balances of all, told.
    pub fn balances(&self, told: &mut Narrator) -> Result<Balances, DemoError> {
        let balances = self.balances_quietly()?;
        told.see(format!("before: {}", in_words(&balances)));
        Ok(balances)
    }

    fn balances_quietly(&self) -> Result<Balances, DemoError> {
        self.cast.iter().map(|person| Ok((*person, self.balance(*person)?))).collect()
    }

    fn balance(&self, person: Person) -> Result<i128, DemoError> {
        let balance = self.run(person, &["asset", "balance", person.0, ASSET])?;
        let minor = balance["amount"].as_str().and_then(|minor| minor.parse().ok());
        minor.ok_or(DemoError::Printed { wanted: "amount".into(), found: balance })
    }

    /// True if exactly `moves` (minor units) happened since `before`; tells the balances now.
    pub fn moved(&self, told: &mut Narrator, before: &Balances, moves: &[(Person, i128)]) -> Result<bool, DemoError> {
        let after = self.balances_quietly()?;
        told.see(format!("after:  {}", in_words(&after)));
        let expected = |person: &Person| moves.iter().filter(|(who, _)| who == person).map(|(_, by)| by).sum::<i128>();
        Ok(before.iter().all(|(person, balance)| after[person] == balance + expected(person)))
    }

    /// Ends a step: tells which nodes agree, and kills the first and starts it again if that was asked for.
    pub fn end(&mut self, told: &mut Narrator, ok: bool) -> Result<(), DemoError> {
        let mut ok = ok;
        if self.is_restart_due(told) {
            let before = self.balances_quietly()?;
            let restarted = self.network.restart_first()?;
            told.see(restarted.to_string());
            ok &= restarted.kept_its_chain() && self.balances_quietly()? == before;
        }
        let agreement = self.network.agreement()?;
        told.see(agreement.to_string());
        told.end(ok && agreement.ok);
        Ok(())
    }

    fn is_restart_due(&self, told: &Narrator) -> bool {
        self.restart_at.as_deref().is_some_and(|at| match at.split_once(':') {
            Some((story, step)) => story == self.story && told.is_at(step),
            None => at == "all" || told.is_at(at),
        })
    }
}

/// A field of the first event called `event` in what a submission printed.
pub fn field(receipt: &Value, event: &str, name: &str) -> Result<String, DemoError> {
    let events = receipt["receipt"]["events"].as_array();
    let found = events.into_iter().flatten().find(|e| e["name"] == event).and_then(|e| e["fields"][name].as_str());
    found
        .map(Into::into)
        .ok_or_else(|| DemoError::Printed { wanted: format!("event {event} with {name}"), found: receipt.clone() })
}

/// This machine's clock in milliseconds: what people go by who write times into their offers.
pub fn now_ms() -> u64 {
    Clock::default().now().millis()
}

fn matches(outcome: &Outcome, expect: Expect) -> bool {
    let error = &outcome.json["error"];
    let (kind, wanted, found) = match expect {
        Expect::Wallet(part) => {
            return (error["kind"] == "bad_input" || error["kind"] == "key") && text(&error["message"]).contains(part);
        }
        Expect::AlreadyKnown => return error["details"]["code"] == ErrorCode::AlreadyKnown as i32,
        Expect::Node(name) => ("refused_by_node", name, &error["details"]["data"]["name"]),
        Expect::Lock(name) => ("refused_by_lock", name, &error["details"]["name"]),
        Expect::Ledger(name) => ("failed_on_ledger", name, &error["details"]["name"]),
    };
    error["kind"] == kind && found == wanted
}

fn in_words(balances: &Balances) -> String {
    let euros = |minor: i128| format!("{}.{:02}", minor / 100, minor % 100);
    let words: Vec<_> =
        balances.iter().map(|(person, minor)| format!("{} {} {ASSET}", person.0, euros(*minor))).collect();
    words.join(", ")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), Into::into)
}
