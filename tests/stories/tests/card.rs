//! Story 1.4 over the real PC/SC stack: Debian's pcscd with the virtual reader, the software card as a process in it, and real wallets
//! on a real node. Each test has a card service of its own; none is skipped where one is missing.
use anyhow::Context as _;
use countersign_harness::{Node, Outcome, Slot, VirtualReader, Wallet, wait_for};
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

const BANK: &str = "harbor-bank.example";
const HOLDER: &str = "alice@harbor-hotel.example";
const SHOP: &str = "city-books.example";
const PHONE: &str = "card-9.phone@harbor-bank.example";
const TILL: &str = "till-9@city-books.example";
const CARD: &str = "card-9@harbor-bank.example";
/// `O_NONBLOCK` of Linux: opening a pipe to write fails until somebody reads it.
const NONBLOCKING: i32 = 0o4000;

/// A development network, a card reader, and the wallets of those who use it.
struct Counter {
    _node: Node,
    folder: tempfile::TempDir,
    reader: VirtualReader,
    bank: Wallet,
    holder: Wallet,
    shop: Wallet,
    phone: Wallet,
    till: Wallet,
}

impl Counter {
    fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let reader = VirtualReader::start()?;
        let node = Node::start(&folder.path().join("node"), &["dev", "--rpc-port", "0"])?;
        let url = node.url();
        let wallet = |name: &str| {
            let made = Wallet::of_development_key(&folder.path().join(name), &url, name)?;
            anyhow::Ok(made.with_card_service(reader.socket()))
        };
        let (bank, holder, shop) = (wallet(BANK)?, wallet(HOLDER)?, wallet(SHOP)?);
        let (phone, till) = (wallet(PHONE)?, wallet(TILL)?);
        Ok(Self { _node: node, folder, reader, bank, holder, shop, phone, till })
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A file with a PIN, named after it.
    fn pin(&self, digits: &str) -> anyhow::Result<String> {
        let file = self.file(&format!("pin-{digits}"));
        fs::write(&file, format!("{digits}\n"))?;
        Ok(file)
    }

    /// A new software card with that PIN.
    fn make(&self, file: &str, digits: &str) -> anyhow::Result<String> {
        let path = self.file(file);
        self.bank.run(&["card", "new", CARD, "-o", &path, "--pin-file", &self.pin(digits)?])?;
        Ok(path)
    }

    /// Registers the card in the reader, enrols the till, and loads 80 EUR onto the card.
    fn register(&self, digits: &str) -> anyhow::Result<()> {
        let (register, till, load) = (self.file("register.csp"), self.file("till.csp"), self.file("load.csp"));
        let phone = account(&self.phone)?;
        let pin = self.pin(digits)?;
        let card = ["card", "register", "--reader", "--pin-file", &pin, "--device", &phone, "--device-name", PHONE];
        let limits = ["--asset", "EUR", "--payment-max", "50.00", "--day-max", "70.00"];
        self.holder.run(&[&card[..], &limits, &["-o", &register, "--sign", "--yes"]].concat())?;
        sign(&[&self.phone, &self.bank], &register)?;
        submit(&self.bank, &register)?;
        let (member, holder) = (format!("member={SHOP}"), format!("holder={}", account(&self.till)?));
        let enrol = ["tx", "propose", "registry.enrol", "--party", &member, "--party", &holder];
        let name = format!("name={TILL}");
        self.shop.run(&[&enrol[..], &["--arg", &name, "-o", &till, "--sign", "--yes"]].concat())?;
        sign(&[&self.till], &till)?;
        submit(&self.till, &till)?;
        self.holder.run(&["card", "load", "--card", CARD, "--amount", "80.00", "-o", &load, "--sign", "--yes"])?;
        submit(&self.holder, &load)
    }

    fn order(&self, id: &str, amount: &str) -> anyhow::Result<String> {
        let file = self.file(&format!("order-{id}.json"));
        let what = ["--payee", SHOP, "--asset", "EUR", "--amount", amount, "--order", id];
        self.till.run(&[&["card", "order"][..], &what, &["-o", &file]].concat())?;
        Ok(file)
    }

    /// Pays an order at the till with the card in the reader, whatever comes of it.
    fn pay(&self, order: &str, pin_file: &str, payment: &str) -> anyhow::Result<Outcome> {
        let card = ["card", "pay", "--order", order, "--reader", "--pin-file", pin_file];
        self.till.try_run(&[&card[..], &["-o", payment, "--force", "--yes"]].concat())
    }

    fn shown(&self) -> anyhow::Result<Value> {
        self.holder.run(&["card", "show", CARD])
    }

    fn tries_left(&self) -> anyhow::Result<Option<u64>> {
        Ok(self.till.run(&["card", "readers"])?[0]["tries_left"].as_u64())
    }
}

fn account(wallet: &Wallet) -> anyhow::Result<String> {
    Ok(wallet.run(&["keys", "show"])?["account"].as_str().context("an account")?.into())
}

fn sign(wallets: &[&Wallet], file: &str) -> anyhow::Result<()> {
    wallets.iter().try_for_each(|wallet| wallet.run(&["tx", "sign", file, "--yes"]).map(drop))
}

fn submit(wallet: &Wallet, file: &str) -> anyhow::Result<()> {
    wallet.run(&["tx", "submit", file, "--wait"]).map(drop)
}

/// The error of a command that ended with this exit code.
#[track_caller]
fn refused(outcome: &Outcome, code: i32) -> Value {
    assert_eq!(outcome.code, code, "{}{}", outcome.stdout, outcome.stderr);
    let line = outcome.stderr.lines().last().unwrap_or_default();
    let error: Value = serde_json::from_str(line).expect("errors are JSON");
    error["error"].clone()
}

#[track_caller]
fn says(error: &Value, words: &str) {
    assert!(error["message"].as_str().is_some_and(|message| message.contains(words)), "{error:#}");
}

#[test]
fn a_card_in_a_reader_pays_once_both_devices_have_shown_and_signed_the_same() -> anyhow::Result<()> {
    let counter = Counter::open()?;
    let file = counter.make("card.json", "4711")?;
    let _card = counter.reader.insert(&counter.till, &file, Slot::First)?;
    counter.register("4711")?;

    let (order, payment) = (counter.order("A-1", "12.50")?, counter.file("pay.csp"));
    let signed = counter.pay(&order, &counter.pin("4711")?, &payment)?;
    let signed = signed.json().with_context(|| signed.stderr.clone())?;
    let shop = counter.bank.run(&["account", "show", SHOP])?;
    let facts = &signed["payment"];
    assert_eq!((&facts["card"], &facts["amount"], &facts["payee"]), (&CARD.into(), &"12.50".into(), &SHOP.into()));
    assert_eq!(facts["account"], shop["id"], "{shop:#}");
    assert_eq!(signed["complete"], false, "the phone has to confirm it");
    // What the phone shows and signs is the same, to the letter.
    let confirmed = counter.phone.run(&["card", "confirm", &payment, "--yes"])?;
    assert_eq!((&confirmed["payment"], &confirmed["complete"]), (facts, &true.into()));
    assert_eq!(confirmed["id"], signed["id"]);
    submit(&counter.phone, &payment)?;
    assert_eq!(counter.shown()?["balance"], "67.50");

    // At the phone itself the PIN is enough.
    let (order, payment, pin) = (counter.order("B-1", "7.50")?, counter.file("own.csp"), counter.pin("4711")?);
    let pay = ["card", "pay", "--order", &order, "--reader", "Virtual PCD 00 00", "--pin-file", &pin, "-o", &payment];
    assert_eq!(counter.phone.run(&[&pay[..], &["--yes"]].concat())?["complete"], true);
    submit(&counter.phone, &payment)?;
    assert_eq!(counter.shown()?["balance"], "60.00");
    Ok(())
}

#[test]
fn wrong_pins_are_counted_by_the_card_until_it_takes_none() -> anyhow::Result<()> {
    let counter = Counter::open()?;
    let file = counter.make("card.json", "4711")?;
    let card = counter.reader.insert(&counter.till, &file, Slot::First)?;
    counter.register("4711")?;
    let (order, payment) = (counter.order("A-1", "1.00")?, counter.file("pay.csp"));
    let (right, wrong) = (counter.pin("4711")?, counter.pin("4712")?);
    let attempt = |pin: &str| counter.pay(&order, pin, &payment);

    let error = refused(&attempt(&wrong)?, 5);
    says(&error, "tries left: 2");
    assert_eq!((&error["details"]["tries_left"], counter.tries_left()?), (&2.into(), Some(2)));
    assert_eq!(attempt(&right)?.code, 0);
    assert_eq!(counter.tries_left()?, Some(3));
    refused(&attempt(&wrong)?, 5);
    refused(&attempt(&wrong)?, 5);
    // Another process with the same card, as after a power cut.
    counter.reader.take_out(&counter.till, card, Slot::First)?;
    let card = counter.reader.insert(&counter.till, &file, Slot::First)?;
    assert_eq!(counter.tries_left()?, Some(1));
    says(&refused(&attempt(&wrong)?, 5), "takes no PIN any more");
    says(&refused(&attempt(&right)?, 5), "takes no PIN any more");
    assert_eq!(counter.tries_left()?, Some(0));

    // The bank gives out another card, which takes its place.
    counter.reader.take_out(&counter.till, card, Slot::First)?;
    let second = counter.make("second.json", "081500")?;
    let _second = counter.reader.insert(&counter.till, &second, Slot::First)?;
    let (change, pin) = (counter.file("change.csp"), counter.pin("081500")?);
    says(&refused(&attempt(&pin)?, 5), "not the card that is registered");
    let command = ["card", "change-auth", "--reader", "--keep-pin", "--pin-file", &pin, "-o", &change];
    counter.holder.run(&[&command[..], &["--sign", "--yes"]].concat())?;
    sign(&[&counter.bank], &change)?;
    submit(&counter.bank, &change)?;
    assert_eq!(attempt(&pin)?.code, 0);
    Ok(())
}

/// What changes on the ledger with the PIN is the public key, and what follows from it; without the card's secret there is no telling
/// which PIN it belongs to (`client/sdk/src/card.rs` tests that).
#[test]
fn the_ledger_tells_nothing_of_a_pin_but_the_key_it_makes_with_the_card() -> anyhow::Result<()> {
    let counter = Counter::open()?;
    let file = counter.make("card.json", "4711")?;
    let _card = counter.reader.insert(&counter.till, &file, Slot::First)?;
    counter.register("4711")?;
    let before = counter.shown()?;
    let (change, order, payment) = (counter.file("change.csp"), counter.order("A-1", "1.00")?, counter.file("pay.csp"));
    let (old, new) = (counter.pin("4711")?, counter.pin("0815")?);
    let command = ["card", "change-auth", "--reader", "--pin-file", &old, "--new-pin-file", &new, "-o", &change];
    counter.holder.run(&[&command[..], &["--sign", "--yes"]].concat())?;
    // The card has its new PIN; the ledger not yet.
    says(&refused(&counter.pay(&order, &old, &payment)?, 5), "tries left: 2");
    says(&refused(&counter.pay(&order, &new, &payment)?, 5), "change of the PIN was not submitted");
    sign(&[&counter.bank], &change)?;
    submit(&counter.bank, &change)?;
    assert_eq!(counter.pay(&order, &new, &payment)?.code, 0);

    let after = counter.shown()?;
    let fields = before.as_object().context("a record")?;
    let changed: Vec<&String> = fields.keys().filter(|name| before[*name] != after[*name]).collect();
    // The block by which the answer was proven is another one.
    assert_eq!(changed, ["auth", "verified"]);
    let name = |shown: &Value| -> anyhow::Result<String> {
        let auth = counter.bank.run(&["account", "show", shown["auth"].as_str().context("an account")?])?;
        Ok(auth["name"].as_str().context("a name")?.into())
    };
    let (old, new) = (name(&before)?, name(&after)?);
    // card-9+ and twenty digits of the card's key, the same card; then eight of the account.
    let same = "card-9+".len() + 20;
    assert_eq!((&old[..same], &old[same + 8..]), (&new[..same], "@harbor-bank.example"));
    assert_ne!(old, new);
    Ok(())
}

#[test]
fn another_card_of_the_same_name_is_asked_for_no_pin() -> anyhow::Result<()> {
    let counter = Counter::open()?;
    let (real, other) = (counter.make("card.json", "4711")?, counter.make("other.json", "4711")?);
    let card = counter.reader.insert(&counter.till, &real, Slot::First)?;
    counter.register("4711")?;
    let (order, payment) = (counter.order("A-1", "1.00")?, counter.file("pay.csp"));
    counter.reader.take_out(&counter.till, card, Slot::First)?;
    let card = counter.reader.insert(&counter.till, &other, Slot::First)?;
    // A file that is not there would be the failure if the PIN were asked for.
    let refusal = refused(&counter.pay(&order, &counter.file("no-pin"), &payment)?, 5);
    says(&refusal, "not the card that is registered");
    assert_eq!(counter.tries_left()?, Some(3));
    assert!(!Path::new(&payment).exists());

    // With both in the reader it must be said which is meant.
    let _real = counter.reader.insert(&counter.till, &real, Slot::Second)?;
    let pin = counter.pin("4711")?;
    says(&refused(&counter.pay(&order, &pin, &payment)?, 2), "several readers");
    let pay = ["card", "pay", "--order", &order, "--pin-file", &pin, "-o", &payment, "--yes", "--reader"];
    refused(&counter.till.try_run(&[&pay[..], &[Slot::First.name()]].concat())?, 5);
    assert_eq!(counter.till.try_run(&[&pay[..], &[Slot::Second.name()]].concat())?.code, 0);
    drop(card);
    Ok(())
}

#[test]
fn a_card_removed_while_the_pin_is_typed_signs_nothing() -> anyhow::Result<()> {
    let counter = Counter::open()?;
    let file = counter.make("card.json", "4711")?;
    let card = counter.reader.insert(&counter.till, &file, Slot::First)?;
    counter.register("4711")?;
    let (order, payment, pipe) = (counter.order("A-1", "1.00")?, counter.file("pay.csp"), counter.file("pipe"));
    anyhow::ensure!(Command::new("mkfifo").arg(&pipe).status()?.success(), "mkfifo failed");

    let outcome = std::thread::scope(|scope| {
        let paying = scope.spawn(|| counter.pay(&order, &pipe, &payment));
        // Opens once the wallet reads the PIN: it has proved the card and shown the payment by then.
        let open = || OpenOptions::new().write(true).custom_flags(NONBLOCKING).open(&pipe).ok();
        let mut typed = wait_for("the wallet to ask for the PIN", open)?;
        counter.reader.take_out(&counter.till, card, Slot::First)?;
        writeln!(typed, "4711")?;
        drop(typed);
        paying.join().expect("the thread runs a program only")
    })?;
    says(&refused(&outcome, 2), "removed");
    assert!(!Path::new(&payment).exists());

    let _card = counter.reader.insert(&counter.till, &file, Slot::First)?;
    assert_eq!(counter.tries_left()?, Some(3), "the PIN never reached it");
    assert_eq!(counter.pay(&order, &counter.pin("4711")?, &payment)?.code, 0);
    Ok(())
}

#[test]
fn without_a_card_a_reader_or_a_card_service_the_wallet_says_what_to_do() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let wallet = Wallet::of_development_key(folder.path(), "ws://127.0.0.1:1", HOLDER)?;
    let out = folder.path().join("out.csp").display().to_string();
    let unload = |wallet: &Wallet, reader: &[&str]| {
        wallet.try_run(&[&["card", "unload", "-o", &out, "--reader"][..], reader].concat())
    };

    let nowhere = wallet.with_card_service(&folder.path().join("pcscd.comm"));
    for outcome in [nowhere.try_run(&["card", "readers"])?, unload(&nowhere, &[])?] {
        let error = refused(&outcome, 2);
        says(&error, "pcscd does not run");
        says(&error, "apt install pcscd");
    }

    let reader = VirtualReader::start()?;
    let here = wallet.with_card_service(reader.socket());
    let listed = here.run(&["card", "readers"])?;
    let empty = |reader: &Value| reader["has_card"] == false && reader["card"] == Value::Null;
    assert!(listed.as_array().is_some_and(|readers| readers.len() == 2 && readers.iter().all(empty)), "{listed:#}");
    says(&refused(&unload(&here, &["Omnikey"])?, 2), "no card reader's name contains `Omnikey`");
    says(&refused(&unload(&here, &[])?, 2), "no card was put into");

    let card = folder.path().join("card.json").display().to_string();
    let pin = folder.path().join("pin").display().to_string();
    fs::write(&pin, "4711")?;
    here.run(&["card", "new", CARD, "-o", &card, "--pin-file", &pin])?;
    let inserted = reader.insert(&here, &card, Slot::First)?;
    let listed = here.run(&["card", "readers"])?;
    assert_eq!((&listed[0]["card"], &listed[0]["tries_left"]), (&CARD.into(), &3.into()), "{listed:#}");
    drop(inserted);

    let emulate = ["card", "emulate", "--card-file", &card, "--vpcd", "127.0.0.1:1"];
    let error = refused(&here.try_run(&emulate)?, 2);
    says(&error, "no virtual card reader listens at 127.0.0.1:1");
    says(&error, "vsmartcard-vpcd");
    Ok(())
}
