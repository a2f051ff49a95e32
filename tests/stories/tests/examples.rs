//! The SDK's examples as processes, against a real node: they pay, follow, verify and sign, and refuse what they should.
use anyhow::Context as _;
use countersign_harness::{Node, Wallet, example, now_ms};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const ALICE: &str = "alice@harbor-hotel.example";
const HOTEL: &str = "harbor-hotel.example";
const BANK: &str = "harbor-bank.example";
const HOUR_MS: u64 = 3_600_000;

/// A development network, with the wallets of a customer and a merchant.
struct Town {
    folder: tempfile::TempDir,
    node: Node,
    url: String,
    chain: String,
    alice: Wallet,
    hotel: Wallet,
}

impl Town {
    fn open() -> anyhow::Result<Self> {
        Self::with(&[])
    }

    fn with(flags: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let node = Node::start(&folder.path().join("node"), &[&["dev", "--rpc-port", "0"], flags].concat())?;
        let url = node.url();
        let wallet = |name| Wallet::of_development_key(&folder.path().join(name), &url, name);
        let (alice, hotel) = (wallet(ALICE)?, wallet(HOTEL)?);
        let chain = alice.run(&["network", "status"])?["chain"].as_str().context("the chain's id")?.to_owned();
        Ok(Self { folder, node, url, chain, alice, hotel })
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Alice pays the hotel by the example.
    fn pay(&self, chain: &str, amount: &str) -> anyhow::Result<Output> {
        let keys = self.folder.path().join(ALICE).join("keys").display().to_string();
        run("pay", &[&self.url, chain, &keys, ALICE, HOTEL, "EUR", amount])
    }

    fn balance(&self, wallet: &Wallet) -> anyhow::Result<String> {
        let account = wallet.run(&["account", "show"])?["id"].as_str().context("an account")?.to_owned();
        let told = wallet.run(&["asset", "balance", &account, "EUR"])?;
        Ok(told["amount"].as_str().context("an amount")?.to_owned())
    }

    /// Draws up a proposal, signed by the wallet's key, and has it decided.
    fn decide(&self, wallet: &Wallet, args: &[&str]) -> anyhow::Result<Value> {
        let file = self.file("step.csp");
        let drawn = wallet.run(&[args, &["-o", &file, "--force", "--sign", "--yes"]].concat())?;
        wallet.run(&["tx", "submit", &file, "--wait"])?;
        Ok(drawn)
    }
}

fn run(name: &str, args: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(example(name)?);
    command.args(args).stdin(Stdio::null()).env_remove("COUNTERSIGN_PASSPHRASE");
    command.output().with_context(|| format!("starting the example {name}"))
}

fn stdout(output: &Output) -> anyhow::Result<String> {
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    anyhow::ensure!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    Ok(told)
}

/// What an example that must fail says.
fn refusal(output: &Output) -> anyhow::Result<String> {
    anyhow::ensure!(!output.status.success(), "it was not refused: {}", String::from_utf8_lossy(&output.stdout));
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_example_pays_and_the_other_follows() -> anyhow::Result<()> {
    let town = Town::open()?;
    let before: u128 = town.balance(&town.hotel)?.parse()?;
    let paid = stdout(&town.pay(&town.chain, "12.50")?)?;
    assert!(paid.contains("12.50 EUR") && paid.contains("paid by cst1"), "{paid}");
    assert_eq!(town.balance(&town.hotel)?.parse::<u128>()?, before + 1_250);
    // More than Alice holds; and a chain that is not the node's.
    assert!(refusal(&town.pay(&town.chain, "1000000.00")?)?.contains("refused"));
    refusal(&town.pay(&"11".repeat(32), "1.00")?)?;
    assert_eq!(town.balance(&town.hotel)?.parse::<u128>()?, before + 1_250);

    let alice = town.alice.run(&["account", "show"])?["id"].as_str().context("an account")?.to_owned();
    let cursor = town.file("events.cursor");
    let follow = || -> anyhow::Result<String> { stdout(&run("follow_events", &[&town.url, &alice, &cursor, "1"])?) };
    let first = follow()?;
    assert!(first.contains("assets.Transferred") && first.contains("amount 12.50"), "{first}");
    // It goes on where it stood: what happened in between is told, and nothing twice.
    stdout(&town.pay(&town.chain, "0.75")?)?;
    let second = follow()?;
    assert!(second.contains("amount 0.75") && second.lines().count() == 1, "{second}");
    Ok(())
}

#[test]
fn the_example_verifies_a_booking() -> anyhow::Result<()> {
    let town = Town::open()?;
    let listing = ["--title", "Harbour", "--asset", "EUR", "--type", "room:hour:20.00:1,2", "--pay-within", "1h"];
    town.decide(&town.hotel, &[&["booking", "listing", "open"], &listing[..]].concat())?;
    town.decide(&town.alice, &["booking", "bind", "--merchant", HOTEL])?;
    let (from, until) = ((now_ms() + HOUR_MS).to_string(), (now_ms() + 2 * HOUR_MS).to_string());
    let wish = ["--merchant", HOTEL, "--type", "room", "--from", &from, "--until", &until];
    let drawn = town.decide(&town.alice, &[&["booking", "request"], &wish[..]].concat())?;
    let booking = drawn["booking"].as_str().context("the booking's id")?.to_owned();
    let verify = |chain: &str, booking: &str| run("verify_booking", &[&town.url, chain, booking]);
    let told = stdout(&verify(&town.chain, &booking)?)?;
    assert!(told.contains("status Requested") && told.contains("object none chosen yet"), "{told}");
    town.decide(&town.alice, &["booking", "pay", &booking])?;
    town.decide(&town.alice, &["booking", "choose", &booking, "--object", "2"])?;
    let told = stdout(&verify(&town.chain, &booking)?)?;
    assert!(told.contains("status Paid") && told.contains("object 2"), "{told}");
    assert!(refusal(&verify(&town.chain, &"22".repeat(32))?)?.contains("there is no booking"));
    refusal(&verify(&"11".repeat(32), &booking)?)?;
    Ok(())
}

#[test]
fn the_example_exchanges_sealed_letters() -> anyhow::Result<()> {
    let town = Town::with(&["--relay"])?;
    let bank = Wallet::of_development_key(&town.folder.path().join(BANK), &town.url, BANK)?;
    let told = town.node.call("relay_info", &json!([])).map_err(|error| anyhow::anyhow!("relay_info: {error:?}"))?;
    let relay = told["key"].as_str().context("the relay's key")?;
    for (name, wallet) in [(HOTEL, &town.hotel), (BANK, &bank)] {
        let key = wallet.run(&["keys", "show"])?["key"].as_str().context("a public key")?.to_owned();
        town.decide(wallet, &["member", "site", "set", "--answer-key", &key, "--relay", relay])?;
        wallet.run(&["login", name, "--yes"])?;
    }
    let letters = |chain: &str, wallet: &Wallet, args: &[&str]| {
        let home = wallet.home().display().to_string();
        run("messages", &[&[town.url.as_str(), chain, &home], args].concat())
    };
    let sent = stdout(&letters(&town.chain, &town.hotel, &[HOTEL, BANK, "Shall we meet at nine?"])?)?;
    assert!(sent.starts_with("csm1") && sent.contains(BANK), "{sent}");
    assert_eq!(stdout(&letters(&town.chain, &bank, &[BANK])?)?, format!("{HOTEL}: Shall we meet at nine?\n"));
    assert_eq!(stdout(&letters(&town.chain, &bank, &[BANK])?)?, "", "nothing comes twice");
    assert_eq!(stdout(&letters(&town.chain, &town.hotel, &[HOTEL])?)?, "", "it is not the sender's to read");
    // Somebody who has never logged in; a chain that is not the node's; a wallet without a session.
    let unknown = refusal(&letters(&town.chain, &town.hotel, &[HOTEL, "city-books.example", "hello"])?)?;
    assert!(unknown.contains("NoEncryptionKey"), "{unknown}");
    refusal(&letters(&"11".repeat(32), &town.hotel, &[HOTEL, BANK, "hello"])?)?;
    assert!(refusal(&letters(&town.chain, &town.alice, &[ALICE])?)?.contains("NotLoggedIn"));
    Ok(())
}

#[test]
fn the_wallet_signs_by_the_program_of_the_example() -> anyhow::Result<()> {
    let town = Town::open()?;
    let key = town.alice.run(&["keys", "show"])?["key"].as_str().context("a public key")?.to_owned();
    let signer = example("signer")?.display().to_string();
    let home = town.file("external");
    // A wallet with the merchant's key, beside which Alice's stands without its secret.
    let both = Wallet::of_development_key(Path::new(&home), &town.url, HOTEL)?;
    let add = ["keys", "external", "alice", "--public-key", &key, "--program", &signer, "--program-arg"];
    let wrong = both.try_run(&[&add[..], &["bob@harbor-hotel.example"]].concat())?;
    assert_eq!(wrong.code, 5, "{}", wrong.stderr);
    assert_eq!(both.run(&[&add[..], &[ALICE]].concat())?["protection"], "program");
    let before: u128 = town.balance(&town.hotel)?.parse()?;
    let file = town.file("pay.csp");
    let pay = ["--merchant", HOTEL, "--customer", ALICE, "--asset", "EUR", "--amount", "3.00", "--reference", "tea"];
    both.run(&[&["rebate", "purchase"], &pay[..], &["-o", &file, "--sign", "--yes"]].concat())?;
    assert_eq!(both.run(&["tx", "sign", &file, "--yes", "--key", "alice"])?["complete"], true);
    both.run(&["tx", "submit", &file, "--wait"])?;
    assert_eq!(town.balance(&town.hotel)?.parse::<u128>()?, before + 300);
    Ok(())
}
