//! What the wallet prints as JSON, on a real node: the keys and types of every command are those that are written down in
//! `tests/vectors/wallet-json.txt`, so that a change is a decision. docs/wallet-json.md tells what they mean.
#[path = "../../../vectors/frozen.rs"]
mod frozen;
mod messages;
mod shape;

use anyhow::Context as _;
use countersign_harness::{Node, Site, Slot, VirtualReader, Wallet, example, now_ms};
use serde_json::Value;
use shape::Shapes;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

const ALICE: &str = "alice@harbor-hotel.example";
const BANK: &str = "harbor-bank.example";
const BOOKS: &str = "city-books.example";
const CAROL: &str = "carol@city-books.example";
const HOTEL: &str = "harbor-hotel.example";
const HOUR_MS: u64 = 3_600_000;
/// The longest PIN, so that it stands nowhere by chance.
const PIN: &str = "471108152342";
/// Commands that print no JSON.
const OTHERWISE: &[&str] = &["completions"];

/// A development network whose people run the wallet, with what it printed.
struct Recorder {
    folder: tempfile::TempDir,
    node: Node,
    site: Site,
    wallets: Vec<(&'static str, Wallet)>,
    /// The commands, each as its manual page is called.
    commands: Vec<String>,
    seen: BTreeSet<String>,
    shapes: Shapes,
}

impl Recorder {
    fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (node, site) = messages::open(folder.path())?;
        let (home, url) = (folder.path().join("home"), node.url());
        let mut wallets = Vec::new();
        for name in [ALICE, BANK, BOOKS, CAROL, HOTEL] {
            wallets.push((name, Wallet::of_development_key(&home, &url, name)?));
        }
        let (commands, seen, shapes) = (Vec::new(), BTreeSet::from(["man".to_owned()]), Shapes::default());
        let mut this = Self { folder, node, site, wallets, commands, seen, shapes };
        let pages = this.path("pages");
        let made = this.wallet(ALICE)?.run(&["man", "--dir", &pages.display().to_string()])?;
        for page in made["pages"].as_array().context("a list of pages")?.iter().filter_map(Value::as_str) {
            // A page with subcommands is of no command by itself, unless it does without one.
            let told = fs::read_to_string(pages.join(page))?;
            let is_last = !told.contains(".SH SUBCOMMANDS") || told.contains(r"[\fIsubcommands\fR]");
            let name = page.strip_prefix("countersign-").and_then(|name| name.strip_suffix(".1"));
            this.commands.extend(name.filter(|_| is_last).map(str::to_owned));
        }
        this.shapes.record("man", &made);
        Ok(this)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn wallet(&self, who: &str) -> anyhow::Result<Wallet> {
        let found = self.wallets.iter().find(|(name, _)| *name == who);
        Ok(found.with_context(|| format!("{who} has a wallet"))?.1.clone())
    }

    /// The command that a line begins with.
    fn command(&mut self, words: &[String]) -> anyhow::Result<String> {
        let found = (1..=words.len().min(3)).rev().find(|count| self.commands.contains(&words[..*count].join("-")));
        let command = &words[..found.with_context(|| format!("{words:?} begins with no command"))?];
        self.seen.insert(command.join("-"));
        Ok(command.join(" "))
    }

    /// Runs a line, in which `{}` stands for the folder; what it printed, line by line if it is no single document.
    fn run(&mut self, who: &str, line: &str) -> anyhow::Result<Value> {
        let folder = self.folder.path().display().to_string();
        let words: Vec<String> = line.split_whitespace().map(|word| word.replace("{}", &folder)).collect();
        let command = self.command(&words)?;
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let outcome = self.wallet(who)?.try_run(&args)?;
        anyhow::ensure!(outcome.code == 0, "`{line}` exited with {}:\n{}", outcome.code, outcome.stderr);
        let tells_pin = outcome.stdout.contains(PIN) || outcome.stderr.contains(PIN);
        anyhow::ensure!(!tells_pin, "`{line}` tells the PIN:\n{}{}", outcome.stdout, outcome.stderr);
        let printed: Vec<Value> = match outcome.json() {
            Ok(document) => vec![document],
            Err(_) => outcome.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>()?,
        };
        printed.iter().for_each(|value| self.shapes.record(&command, value));
        Ok(printed.into_iter().next().unwrap_or_default())
    }

    /// Draws up a proposal into `{}/draft.csp`.
    fn draw(&mut self, who: &str, line: &str) -> anyhow::Result<Value> {
        self.run(who, &format!("{line} -o {{}}/draft.csp --force"))
    }

    /// Draws up a proposal that all `signers` sign, and has it decided; what was drawn up, and what came of it.
    fn decide(&mut self, signers: &[&str], line: &str) -> anyhow::Result<(Value, Value)> {
        let drawn = self.run(signers[0], &format!("{line} -o {{}}/step.csp --force --sign --yes"))?;
        for signer in &signers[1..] {
            self.run(signer, "tx sign {}/step.csp --yes")?;
        }
        Ok((drawn, self.run(signers[0], "tx submit {}/step.csp --wait")?))
    }

    /// Runs a line that fails, with this exit code.
    fn refuse(&mut self, who: &str, line: &str, exit: i32) -> anyhow::Result<()> {
        let folder = self.folder.path().display().to_string();
        let words: Vec<String> = line.split_whitespace().map(|word| word.replace("{}", &folder)).collect();
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let outcome = self.wallet(who)?.try_run(&args)?;
        anyhow::ensure!(outcome.code == exit, "`{line}` exited with {}:\n{}", outcome.code, outcome.stderr);
        let last = outcome.stderr.lines().last().context("an error on standard error")?;
        self.shapes.record("(failure)", &serde_json::from_str(last)?);
        Ok(())
    }
}

fn text(value: &Value, key: &str) -> anyhow::Result<String> {
    Ok(value[key].as_str().with_context(|| format!("`{key}` in {value:#}"))?.to_owned())
}

/// The text of a field of the first event that has it.
fn told(finality: &Value, field: &str) -> anyhow::Result<String> {
    let events = finality["receipt"]["events"].as_array().context("a receipt with events")?;
    let found = events.iter().find_map(|event| event["fields"][field].as_str());
    Ok(found.with_context(|| format!("no event tells `{field}`: {finality:#}"))?.to_owned())
}

#[test]
fn what_commands_print_is_as_it_is_written_down() -> anyhow::Result<()> {
    let mut all = Recorder::open()?;
    keys(&mut all)?;
    ledger(&mut all)?;
    council(&mut all)?;
    transactions(&mut all)?;
    rebate(&mut all)?;
    booking(&mut all)?;
    topup(&mut all)?;
    card(&mut all)?;
    history(&mut all)?;
    messages::messages(&mut all)?;
    failures(&mut all)?;
    let is_seen = |command: &&String| OTHERWISE.contains(&command.as_str()) || all.seen.contains(*command);
    let unseen: Vec<&String> = all.commands.iter().filter(|command| !is_seen(command)).collect();
    anyhow::ensure!(unseen.is_empty(), "run these too, so that what they print is written down: {unseen:?}");
    frozen::check("wallet-json.txt", &all.shapes.render());
    Ok(())
}

fn keys(all: &mut Recorder) -> anyhow::Result<()> {
    all.run(ALICE, "keys new spare --no-passphrase")?;
    all.run(ALICE, "keys dev phone --no-passphrase")?;
    all.run(ALICE, "keys dev till --no-passphrase")?;
    all.run(ALICE, "keys list")?;
    let shown = all.run(ALICE, "keys show")?;
    all.run(ALICE, "keys export spare -o {}/spare.json")?;
    all.run(ALICE, "keys words spare -o {}/spare.words")?;
    all.run(ALICE, "keys restore again --words-file {}/spare.words --no-passphrase")?;
    fs::remove_file(all.path("home/keys/spare.key.json"))?;
    all.run(ALICE, "keys import {}/spare.json")?;
    let (key, signer) = (text(&shown, "key")?, example("signer")?.display().to_string());
    all.run(ALICE, &format!("keys external device --public-key {key} --program {signer} --program-arg {ALICE}"))?;
    all.run(ALICE, "doctor")?;
    Ok(())
}

fn ledger(all: &mut Recorder) -> anyhow::Result<()> {
    for line in [
        "network status",
        "network peers",
        "network explain",
        "network trust",
        "network forget",
        "account show",
        "account resolve harbor-bank.example",
        "asset list",
        "asset show EUR",
        "asset balance",
        "asset balance harbor-hotel.example EUR",
        "member list",
        "member show harbor-hotel.example",
        "contract list",
        "contract interface rebate",
    ] {
        all.run(ALICE, line)?;
    }
    all.run(BANK, &format!("asset issue --to {BANK} --asset EUR --amount 100.00 --yes"))?;
    all.run(ALICE, &format!("asset transfer --to {HOTEL} --asset EUR --amount 1.00 --yes"))?;
    all.run(ALICE, &format!("asset transfer --to {HOTEL} --asset EUR --amount 1.00 --yes --no-wait"))?;
    all.draw(HOTEL, &format!("account authority --signatory {HOTEL}=2 --signatory {BANK}=1 --threshold 2"))?;
    Ok(())
}

fn council(all: &mut Recorder) -> anyhow::Result<()> {
    let shown = all.run(BANK, "keys show")?;
    let key = text(&shown, "key")?;
    fs::write(all.path("contract.wasm"), countersign_artifacts::REBATE.wasm)?;
    let council = all.run(BANK, "council show")?;
    for line in [
        format!("admit new.example {key} --role merchant"),
        format!("suspend {BOOKS}"),
        format!("resume {BOOKS}"),
        format!("roles {BOOKS} merchant arbiter"),
        format!("set-council {BANK} {HOTEL} --threshold 2"),
        format!("validator set {key} --power 1"),
        format!("validator remove {key}"),
        format!("node admit {key} --member {BANK}"),
        format!("node remove {key}"),
        "parameters timeout_vote_ms=250".to_owned(),
        "deploy {}/contract.wasm".to_owned(),
        "upgrade {}/contract.wasm".to_owned(),
        "suspend-contract rebate".to_owned(),
        "resume-contract rebate".to_owned(),
    ] {
        all.draw(BANK, &format!("council {line} --by {BANK},{HOTEL}"))?;
    }
    all.draw(BANK, &format!("member node-address {key} /dns4/node.example/tcp/26600"))?;
    let relay = text(&council["nodes"][0], "key")?;
    let site = format!("--endpoint https://login.harbor-hotel.example --answer-key {key} --relay {relay}");
    all.decide(&[HOTEL], &format!("member site set {site}"))?;
    all.run(ALICE, &format!("member site show {HOTEL}"))?;
    Ok(())
}

fn transactions(all: &mut Recorder) -> anyhow::Result<()> {
    let transfer = format!(
        "tx propose assets.transfer --party payer={ALICE} --arg asset=EUR --arg to={HOTEL} --arg amount=1.00 --arg reference=tea"
    );
    let drawn = all.run(ALICE, &format!("{transfer} -o {{}}/tea.csp --text --qr"))?;
    let id = text(&drawn, "id")?;
    for line in [
        "qr show",
        "qr show {}/tea.csp --single --png {}/tea.png --svg {}/tea.svg",
        "qr read {}/tea.png",
        "qr read {}/tea.png -o {}/read.csp",
        "tx sign {}/tea.png --yes --text --qr",
        "tx merge {}/tea.csp {}/tea.png -o {}/merged.csp --text --qr",
        "tx show {}/tea.csp",
        "tx simulate {}/tea.csp",
        "tx sign {}/tea.csp --yes",
        "tx merge {}/tea.csp {}/tea.csp -o {}/merged.csp",
        "tx show {}/merged.csp",
        "tx simulate {}/merged.csp",
    ] {
        all.run(ALICE, line)?;
    }
    all.run(ALICE, &format!("tx status {id}"))?;
    all.run(ALICE, "tx submit {}/merged.csp")?;
    all.run(ALICE, &format!("tx watch {id}"))?;
    all.run(ALICE, &format!("tx status {id}"))?;
    all.run(ALICE, "account history")?;
    Ok(())
}

fn rebate(all: &mut Recorder) -> anyhow::Result<()> {
    let purchase =
        format!("rebate purchase --merchant {HOTEL} --customer {ALICE} --asset EUR --amount 100.00 --reference room");
    let (_, bought) = all.decide(&[HOTEL, ALICE], &purchase)?;
    let purchase = told(&bought, "purchase")?;
    all.run(ALICE, &format!("rebate show {purchase}"))?;
    let terms = "--price 80.00 --deadline +1h --rebate 10.00 --rebate-time +2h";
    let offer = format!("rebate offer --purchase {purchase} --third-party {CAROL} {terms}");
    all.run(HOTEL, &format!("{offer} -o {{}}/offer.csp --sign --yes"))?;
    all.run(ALICE, "doc show {}/offer.csp")?;
    all.run(ALICE, "doc sign {}/offer.csp --yes")?;
    all.run(CAROL, "doc sign {}/offer.csp -o {}/signed.csp --yes")?;
    all.run(HOTEL, "doc merge {}/offer.csp {}/signed.csp -o {}/offer.csp")?;
    all.decide(&[HOTEL, ALICE, CAROL], "rebate claim --offer {}/offer.csp")?;
    all.run(ALICE, "rebate status {}/offer.csp")?;
    all.run(ALICE, "rebate show {}/offer.csp")?;
    all.decide(&[HOTEL, ALICE, CAROL], "rebate redeem --offer {}/offer.csp --reference room")?;
    all.run(ALICE, "rebate status {}/offer.csp")?;
    all.draw(HOTEL, &format!("rebate refund --purchase {purchase} --amount 5.00"))?;
    all.draw(ALICE, "rebate collect --offer {}/offer.csp")?;
    let query = format!("contract query rebate.purchase_of --arg purchase={purchase}");
    all.run(ALICE, &query)?;
    Ok(())
}

fn booking(all: &mut Recorder) -> anyhow::Result<()> {
    let listing = "--title Harbour --asset EUR --type room:hour:20.00:1,2 --refund 1h=50 --arbiter city-books.example";
    all.decide(&[HOTEL], &format!("booking listing open {listing} --identity-required"))?;
    all.run(ALICE, &format!("booking listing show {HOTEL}"))?;
    all.decide(&[ALICE], &format!("booking bind --merchant {HOTEL}"))?;
    let (from, until) = (now_ms() + HOUR_MS, now_ms() + 2 * HOUR_MS);
    let wish = format!("--merchant {HOTEL} --type room --from {from} --until {until}");
    all.run(ALICE, &format!("booking free {wish}"))?;
    let (drawn, _) = all.decide(&[ALICE], &format!("booking request {wish}"))?;
    let booking = text(&drawn, "booking")?;
    all.run(ALICE, &format!("booking show {booking}"))?;
    all.decide(&[ALICE], &format!("booking pay {booking}"))?;
    all.run(ALICE, &format!("booking free {booking}"))?;
    all.decide(&[ALICE], &format!("booking choose {booking} --object 2"))?;
    fs::write(all.path("papers"), "sealed")?;
    all.decide(&[ALICE], &format!("booking identify {booking} --papers {{}}/papers"))?;
    all.run(HOTEL, &format!("booking show {booking}"))?;
    all.decide(&[HOTEL], &format!("booking accept-identity {booking} --papers {{}}/papers"))?;
    door(all, &booking, from)?;
    all.run(ALICE, "booking list")?;
    all.run(ALICE, "calendar --account alice@harbor-hotel.example")?;
    for line in ["check-in", "check-out", "cancel", "collect"] {
        all.draw(ALICE, &format!("booking {line} {booking}"))?;
    }
    all.draw(ALICE, &format!("booking dispute {booking} --reason cold"))?;
    all.draw(BOOKS, &format!("booking resolve {booking} --to-customer 5.00"))?;
    all.draw(HOTEL, "booking listing close")?;
    Ok(())
}

/// The door of a booked room opens a minute after the time begins, by the lock's clock.
fn door(all: &mut Recorder, booking: &str, from_ms: u64) -> anyhow::Result<()> {
    let at_ms = from_ms + 60_000;
    all.run(HOTEL, &format!("lock new --merchant {HOTEL} --object 2 --fresh 3h -o {{}}/lock.json"))?;
    let asked = all.run(HOTEL, &format!("lock challenge {{}}/lock.json --at {at_ms}"))?;
    let asked = text(&asked, "challenge")?;
    all.run(ALICE, &format!("booking key {booking} -o {{}}/carried.json"))?;
    all.run(ALICE, &format!("booking key {booking} --challenge {asked}"))?;
    all.run(ALICE, &format!("booking key --carried {{}}/carried.json --challenge {asked} -o {{}}/key"))?;
    all.run(HOTEL, "lock show {}/lock.json")?;
    all.run(HOTEL, &format!("lock verify {{}}/lock.json {{}}/key --at {at_ms}"))?;
    all.refuse(HOTEL, &format!("lock verify {{}}/lock.json {{}}/key --at {at_ms}"), 9)?;
    all.run(HOTEL, "lock update {}/lock.json")?;
    Ok(())
}

fn topup(all: &mut Recorder) -> anyhow::Result<()> {
    let license =
        format!("topup license --agent {CAROL} --member {BANK} --asset EUR --per-request 90.00 --per-day 100.00");
    all.decide(&[BANK, CAROL], &license)?;
    all.run(CAROL, "topup limits --asset EUR")?;
    let ask = "topup request cash-out --asset EUR --amount 20.00 --fee 0.20";
    let (drawn, _) = all.decide(&[ALICE], ask)?;
    let code = text(&drawn, "code")?;
    all.run(CAROL, &format!("topup show {code}"))?;
    all.run(ALICE, "topup list")?;
    all.decide(&[CAROL], &format!("topup execute {code}"))?;
    all.run(ALICE, &format!("topup show {code}"))?;
    all.decide(&[ALICE], &format!("topup confirm {code}"))?;
    all.draw(ALICE, &format!("topup cancel {code}"))?;
    all.draw(CAROL, &format!("topup reject {code} --reason closed"))?;
    all.draw(ALICE, &format!("topup collect {code}"))?;
    all.draw(CAROL, "topup withdraw --asset EUR")?;
    Ok(())
}

fn card(all: &mut Recorder) -> anyhow::Result<()> {
    for (file, digits) in [("pin", PIN), ("new-pin", "081500"), ("wrong-pin", "471200")] {
        fs::write(all.path(file), digits)?;
    }
    let held = "--card-file {}/card.json --pin-file {}/pin";
    all.run(BANK, "card new card-1@harbor-bank.example -o {}/card.json --pin-file {}/pin")?;
    reader(all)?;
    let device = "--device phone --device-name card-1.phone@harbor-bank.example";
    let register = format!(
        "card register {held} --holder {ALICE} {device} --asset EUR --payment-max 50.00 --day-max 100.00 -o {{}}/card.csp"
    );
    all.run(BANK, &register)?;
    for key in [ALICE, BANK, "phone"] {
        all.run(BANK, &format!("tx sign {{}}/card.csp --yes --key {key}"))?;
    }
    all.run(BANK, "tx submit {}/card.csp --wait")?;
    all.decide(&[ALICE], "card load --card card-1@harbor-bank.example --amount 80.00")?;
    all.run(ALICE, "card show card-1@harbor-bank.example")?;
    all.run(ALICE, "card list")?;
    all.run(BOOKS, &format!("card order --payee {BOOKS} --asset EUR --amount 12.50 -o {{}}/order.json"))?;
    all.run(BOOKS, &format!("card pay --order {{}}/order.json {held} -o {{}}/pay.csp --yes"))?;
    all.run(ALICE, "card confirm {}/pay.csp --yes --key phone")?;
    all.run(BOOKS, "tx submit {}/pay.csp --wait")?;
    all.draw(ALICE, &format!("card unload {held}"))?;
    let card = "--card card-1@harbor-bank.example";
    all.draw(ALICE, &format!("card block {card}"))?;
    all.draw(ALICE, &format!("card unblock {card}"))?;
    let wrong = "--card-file {}/card.json --pin-file {}/wrong-pin";
    all.refuse(BOOKS, &format!("card pay --order {{}}/order.json {wrong} -o {{}}/wrong.csp --yes"), 5)?;
    all.draw(BANK, &format!("card change-auth {held} --new-pin-file {{}}/new-pin"))?;
    all.draw(BANK, &format!("card change-device {card} --device till --device-name till@harbor-bank.example"))?;
    all.draw(BANK, &format!("card limits {card} --payment-max 10.00 --day-max 20.00"))?;
    Ok(())
}

/// The card in a reader, and the commands that go on for as long as it is there.
fn reader(all: &mut Recorder) -> anyhow::Result<()> {
    let reader = VirtualReader::start()?;
    let wallet = all.wallet(BANK)?.with_card_service(reader.socket());
    let card = reader.insert(&wallet, &all.path("card.json").display().to_string(), Slot::First)?;
    all.shapes.record("card virtual-reader", reader.told());
    all.shapes.record("card emulate", card.told());
    all.shapes.record("card readers", &wallet.run(&["card", "readers"])?);
    all.seen.extend(["virtual-reader", "emulate", "readers"].map(|command| format!("card-{command}")));
    Ok(())
}

fn history(all: &mut Recorder) -> anyhow::Result<()> {
    all.run(ALICE, "events --account alice@harbor-hotel.example --limit 100")?;
    all.run(ALICE, "calendar --ics {}/all.ics")?;
    all.run(
        ALICE,
        &format!("doc propose rebate/Offer --party {ALICE} --expires +1h --body {} -o {{}}/doc.csp", OFFER),
    )?;
    Ok(())
}

/// The body of an offer, without spaces.
const OFFER: &str = concat!(
    r#"{"purchase":"1111111111111111111111111111111111111111111111111111111111111111","asset":"EUR","price":"1.00","#,
    r#""deadline":"+1h","rebate":"0.10","rebate_time":"+2h","purchase_required":true}"#
);

fn failures(all: &mut Recorder) -> anyhow::Result<()> {
    all.refuse(ALICE, "tx show {}/absent.csp", 2)?;
    all.refuse(ALICE, "network status --node ws://127.0.0.1:1", 3)?;
    all.refuse(ALICE, "account resolve nobody.example", 4)?;
    all.refuse(ALICE, "tx submit {}/merged.csp", 4)?;
    let shown = all.run(ALICE, "qr show {}/signed.csp")?;
    let codes = shown["codes"].as_array().context("codes")?;
    let part = codes.first().and_then(|code| code["text"].as_str()).context("the first of several codes")?;
    all.refuse(ALICE, &format!("doc show {part}"), 2)?;
    all.refuse(ALICE, "keys import {}/spare.json", 5)?;
    all.draw(ALICE, &format!("tx propose assets.burn --party owner={ALICE} --arg asset=EUR --arg amount=9999999"))?;
    all.refuse(ALICE, "tx simulate {}/draft.csp", 1)?;
    Ok(())
}
