//! The stage: the node, three wallets, and the files they pass to each other.
use super::fault::{DemoError, doing};
use super::narrate::Narrator;
use super::process::{NodeProcess, Outcome, Wallet};
use countersign_rpc_types::ErrorCode;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Who plays.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Person {
    /// `harbor-hotel.example`.
    Merchant,
    /// `alice@harbor-hotel.example`.
    Customer,
    /// `carol@city-books.example`.
    ThirdParty,
}

impl Person {
    const ALL: [Self; 3] = [Self::Merchant, Self::Customer, Self::ThirdParty];

    const fn name(self) -> &'static str {
        match self {
            Self::Merchant => "harbor-hotel.example",
            Self::Customer => "alice@harbor-hotel.example",
            Self::ThirdParty => "carol@city-books.example",
        }
    }
}

/// Who refuses, and by what the refusal is recognised.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// The wallet, before anything is sent; its message contains this.
    Wallet(&'static str),
    /// The node at its door; the failure has this name.
    Node(&'static str),
    /// The node, because it has the transaction already.
    AlreadyKnown,
    /// The ledger: the transaction ran, failed with this name, and moved nothing.
    Ledger(&'static str),
}

/// Balances in minor units.
pub type Balances = BTreeMap<Person, i128>;

/// A running demonstration.
#[derive(Debug)]
pub struct Stage {
    node: NodeProcess,
    wallets: BTreeMap<Person, Wallet>,
    /// The step after which the node is killed, or `all`.
    restart_at: Option<String>,
}

impl Stage {
    /// Starts the node and makes the wallets under `dir`.
    pub fn set(dir: &Path, node: &Path, wallet: &Path, restart_at: Option<String>) -> Result<Self, DemoError> {
        eprintln!("starting a node with the development network in {}", dir.display());
        let node = NodeProcess::start(node, &dir.join("node"))?;
        eprintln!("it serves RPC at {}", node.url());
        let mut wallets = BTreeMap::new();
        for person in Person::ALL {
            wallets.insert(person, Wallet::new(wallet, &dir.join("wallets"), person.name())?);
        }
        Ok(Self { node, wallets, restart_at })
    }

    /// The node.
    pub fn node(&mut self) -> &mut NodeProcess {
        &mut self.node
    }

    /// The person's name on the ledger.
    pub fn name(&self, person: Person) -> String {
        person.name().into()
    }

    fn wallet(&self, person: Person) -> &Wallet {
        &self.wallets[&person]
    }

    /// Runs a wallet's command that must succeed.
    pub fn run(&self, person: Person, args: &[&str]) -> Result<Value, DemoError> {
        self.wallet(person).run(self.node.url(), args)
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
        let outcome = self.wallet(person).try_run(self.node.url(), args)?;
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
        Person::ALL.into_iter().map(|person| Ok((person, self.balance(person)?))).collect()
    }

    fn balance(&self, person: Person) -> Result<i128, DemoError> {
        let balance = self.run(person, &["asset", "balance", person.name(), "EUR"])?;
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

    /// State of a rebate, told.
    pub fn rebate(&self, told: &mut Narrator, id: &str) -> Result<String, DemoError> {
        let state = self.rebate_state(id)?;
        told.see(format!("rebate {id} is {state}"));
        Ok(state)
    }

    /// State of a rebate.
    pub fn rebate_state(&self, id: &str) -> Result<String, DemoError> {
        let shown = self.run(Person::Customer, &["rebate", "show", id])?;
        Ok(text(&shown["state"]))
    }

    /// Ends a step; kills the node and starts it again if that was asked for.
    pub fn end(&mut self, told: &mut Narrator, ok: bool) -> Result<(), DemoError> {
        let here = self.restart_at.as_deref().is_some_and(|at| at == "all" || told.is_at(at));
        if !here {
            told.end(ok);
            return Ok(());
        }
        let before = (self.head()?, self.balances_quietly()?);
        self.node.kill_and_restart()?;
        let after = (self.head()?, self.balances_quietly()?);
        told.see(format!("node killed (SIGKILL) at height {} and started again at height {}", before.0, after.0));
        told.end(ok && after.0 >= before.0 && after.1 == before.1);
        Ok(())
    }

    fn head(&self) -> Result<u64, DemoError> {
        let status = self.run(Person::Merchant, &["network", "status"])?;
        status["height"].as_u64().ok_or(DemoError::Printed { wanted: "height".into(), found: status })
    }
}

fn matches(outcome: &Outcome, expect: Expect) -> bool {
    let error = &outcome.json["error"];
    let (kind, wanted, found) = match expect {
        Expect::Wallet(part) => return error["kind"] == "bad_input" && text(&error["message"]).contains(part),
        Expect::AlreadyKnown => return error["details"]["code"] == ErrorCode::AlreadyKnown as i32,
        Expect::Node(name) => ("refused_by_node", name, &error["details"]["data"]["name"]),
        Expect::Ledger(name) => ("failed_on_ledger", name, &error["details"]["name"]),
    };
    error["kind"] == kind && found == wanted
}

fn in_words(balances: &Balances) -> String {
    let euros = |minor: i128| format!("{}.{:02}", minor / 100, minor % 100);
    let words: Vec<_> =
        balances.iter().map(|(person, minor)| format!("{} {} EUR", person.name(), euros(*minor))).collect();
    words.join(", ")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), Into::into)
}
