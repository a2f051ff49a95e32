//! The stage: the network with its relays, the merchants' sites, and a wallet for each person. A story is one file
//! beside this one, with its people as [`Person`] constants; it lets them [`Stage::enter`], and ends each step by
//! [`Stage::end`]. What they send to each other goes by message (`mail.rs`).
use super::fault::{DemoError, doing};
use super::narrate::Narrator;
use super::network::{Network, Relay};
use super::process::{Outcome, Programs, Wallet};
use super::sites::{Folder, Site};
use crate::clock::Clock;
use countersign_rpc_types::ErrorCode;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Who plays: somebody with a well-known key on the development network, by the name on the ledger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Person(pub &'static str);

impl Person {
    /// The member at whose site this is a user; a member itself.
    pub fn member(self) -> &'static str {
        self.0.split_once('@').map_or(self.0, |(_, member)| member)
    }

    /// True for a member's own account, which logs in by its key.
    pub fn is_member(self) -> bool {
        self.member() == self.0
    }
}

/// Who refuses, and by what the refusal is recognised.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// The wallet, before anything is sent; its message contains this.
    Wallet(&'static str),
    /// The wallet, or a relay through it: a refusal of this kind, whose message contains this.
    Kind(&'static str, &'static str),
    /// The node at its door; the failure has this name.
    Node(&'static str),
    /// The node or its relay, with this code.
    Code(ErrorCode),
    /// A door's lock, or the wallet by the lock's own checks; the refusal has this name.
    Lock(&'static str),
    /// The ledger: the transaction ran, failed with this name, and moved nothing.
    Ledger(&'static str),
}

/// Balances in minor units of the stories' asset, of those who play.
pub type Balances = BTreeMap<Person, i128>;

/// The asset that the stories are told in.
const ASSET: &str = "EUR";

/// A running demonstration. Each wallet talks to the node whose relay keeps its messages.
#[derive(Debug)]
pub struct Stage {
    network: Network,
    programs: Programs,
    /// The sites that run, in the order of the relays that keep their users' messages.
    sites: Vec<Site>,
    /// Certificates and passwords.
    folder: Folder,
    homes: PathBuf,
    wallets: BTreeMap<Person, Wallet>,
    /// Who is logged in.
    present: BTreeSet<Person>,
    /// Whose balances the running story follows.
    cast: Vec<Person>,
    /// The running story.
    story: &'static str,
    /// The step after which the first node is killed: `<step>`, `<story>:<step>`, or `all`.
    restart_at: Option<String>,
}

impl Stage {
    /// Takes the network; wallets keep their files under `dir`.
    pub fn new(network: Network, programs: Programs, folder: Folder, dir: &Path) -> Self {
        Self {
            network,
            programs,
            sites: Vec::new(),
            folder,
            homes: dir.join("wallets"),
            wallets: BTreeMap::new(),
            present: BTreeSet::new(),
            cast: Vec::new(),
            story: "setup",
            restart_at: None,
        }
    }

    /// Adds a running site. Its users' messages are kept by the relay at the same place among the network's.
    pub fn add_site(&mut self, site: Site) {
        self.sites.push(site);
    }

    /// Names the step after which the first node is killed.
    pub fn restart_at(&mut self, step: Option<String>) {
        self.restart_at = step;
    }

    /// Names the story that is played next.
    pub fn open(&mut self, story: &'static str) {
        self.story = story;
    }

    /// Lets people have their wallets. Each is kept from story to story, and in it a folder for the files of this one.
    pub fn open_wallets(&mut self, people: &[Person]) -> Result<(), DemoError> {
        for person in people {
            let wallet = Wallet::open(&self.programs.wallet, &self.homes, person.0, self.story)?;
            self.wallets.insert(*person, wallet);
        }
        Ok(())
    }

    /// The people of the story, whose balances it follows. Each has a wallet and is logged in.
    pub fn enter(&mut self, told: &mut Narrator, cast: &[Person]) -> Result<(), DemoError> {
        self.open_wallets(cast)?;
        for person in cast {
            if !self.present.contains(person) {
                self.log_in(told, *person)?;
            }
        }
        self.cast = cast.to_vec();
        Ok(())
    }

    /// The people whose balances the story follows.
    pub fn follow(&mut self, cast: &[Person]) {
        self.cast = cast.to_vec();
    }

    /// Logs a wallet in at the relay that keeps its messages. Returns what it printed.
    pub fn log_in(&mut self, told: &mut Narrator, person: Person) -> Result<Value, DemoError> {
        let words = self.login_words(person);
        let session = self.run(person, &words.iter().map(String::as_str).collect::<Vec<_>>())?;
        self.network.level()?;
        let how = if person.is_member() { "by its key" } else { "with its password" };
        told.see(format!("{} is logged in {how} at the relay of {}", person.0, self.home_of(person)));
        self.present.insert(person);
        Ok(session)
    }

    /// The words by which a person logs in.
    pub fn login_words(&self, person: Person) -> Vec<String> {
        let password = self.folder.password(person.0).display().to_string();
        let words = match person.is_member() {
            true => vec!["login", person.0, "--yes"],
            false => vec!["login", person.0, "--password-file", &password, "--yes"],
        };
        words.into_iter().map(Into::into).collect()
    }

    /// The folder of the wallets, each called as its person.
    pub fn homes(&self) -> &Path {
        &self.homes
    }

    /// Where certificates and passwords are.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The network.
    pub fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The sites that run.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The site of a member that has one.
    pub fn site(&self, member: Person) -> &Site {
        self.sites.iter().find(|site| site.member() == member.0).expect("a story names members that have a site")
    }

    /// The relay that keeps a person's messages.
    pub fn home_of(&self, person: Person) -> Relay {
        let relays = self.network.relays();
        let at = self.sites.iter().position(|site| site.member() == person.member()).unwrap_or_default();
        relays[at.min(relays.len() - 1)]
    }

    /// RPC of the node that a person's wallet talks to.
    pub fn url_of(&self, person: Person) -> String {
        self.network.url(self.home_of(person))
    }

    /// A person's wallet.
    pub fn wallet(&self, person: Person) -> &Wallet {
        self.wallets.get(&person).expect("a story lets enter whom it lets act")
    }

    /// The programs that are run.
    pub fn programs(&self) -> &Programs {
        &self.programs
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
        self.wallet(person).run(&self.url_of(person), args)
    }

    /// Runs a wallet's command, whatever comes of it.
    pub fn try_run(&self, person: Person, args: &[&str]) -> Result<Outcome, DemoError> {
        self.wallet(person).try_run(&self.url_of(person), args)
    }

    /// Signs a proposal, a `tx` or a `doc`.
    pub fn sign(&self, person: Person, kind: &str, file: &str) -> Result<(), DemoError> {
        self.run(person, &[kind, "sign", file, "--yes"]).map(drop)
    }

    /// Submits a transaction and waits until it is final.
    pub fn submit(&self, told: &mut Narrator, person: Person, file: &str) -> Result<Value, DemoError> {
        let receipt = self.run(person, &["tx", "submit", file, "--wait"])?;
        self.network.level()?;
        told.see(format!("{} in block {}", text(&receipt["id"]), receipt["height"]));
        Ok(receipt)
    }

    /// Hands a thing over that people carry, as a card or what a lock reads off a screen: no message.
    pub fn hand(&self, from: Person, to: Person, file: &str) -> Result<(), DemoError> {
        fs::copy(self.wallet(from).file(file), self.wallet(to).file(file))
            .map(drop)
            .map_err(doing("handing a thing over"))
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
        let outcome = self.try_run(person, args)?;
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
        self.network.level()?;
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
        Expect::Kind(kind, part) => return error["kind"] == kind && text(&error["message"]).contains(part),
        Expect::Code(code) => return error["details"]["code"] == code as i32,
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

/// A value as it is told.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), Into::into)
}
