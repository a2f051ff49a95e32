//! Story 1.2.6 through the real programs: a guest books a room of a hotel on a running chain, and opens its door with a key that the
//! lock checks offline; what is not that key stays outside.
use anyhow::Context as _;
use countersign_harness::{Node, Outcome, Wallet, now_ms, wait_for};
use countersign_interface::booking;
use countersign_lock::{Answer, Challenge, Credential, LockTrust, Pass, Seal};
use countersign_types::signature::{development_secret, public_key, sign};
use countersign_types::{Certificate, Genesis, Hash, Header, Height, state_key};
use parity_scale_codec::DecodeAll;
use serde_json::{Value, json};
use std::fs;

const BANK: &str = "harbor-bank.example";
const HOTEL: &str = "harbor-hotel.example";
const ALICE: &str = "alice@harbor-hotel.example";
const CAROL: &str = "carol@city-books.example";
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// A hotel with two rooms on a development network of one validator. What happens at a door is told by the lock's clock, which is the
/// test's, so that nobody waits for a time.
struct Hotel {
    node: Node,
    folder: tempfile::TempDir,
    hotel: Wallet,
    alice: Wallet,
    carol: Wallet,
    from_ms: u64,
    until_ms: u64,
}

impl Hotel {
    fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let node = Node::start(&folder.path().join("node"), &["dev", "--rpc-port", "0"])?;
        let url = node.url();
        let wallet = |name| Wallet::of_development_key(&folder.path().join(name), &url, name);
        let (hotel, alice, carol) = (wallet(HOTEL)?, wallet(ALICE)?, wallet(CAROL)?);
        let from_ms = now_ms() + 2 * HOUR_MS;
        let inn = Self { node, folder, hotel, alice, carol, from_ms, until_ms: from_ms + 4 * HOUR_MS };
        let terms =
            ["--title", "Harbour Hotel", "--asset", "EUR", "--type", "room:hour:20.00:1,2", "--refund", "1s=50"];
        let times = ["--pay-within", "1h", "--grace", "2h", "--identity-required"];
        inn.act(&inn.hotel, &[&["booking", "listing", "open"][..], &terms, &times].concat())?;
        for guest in [&inn.alice, &inn.carol] {
            inn.act(guest, &["booking", "bind", "--merchant", HOTEL])?;
        }
        Ok(inn)
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Draws up a call, signs and submits it; what drawing it up printed.
    fn act(&self, who: &Wallet, args: &[&str]) -> anyhow::Result<Value> {
        let file = self.file("act.csp");
        let told = who.run(&[args, &["-o", &file, "--force", "--sign", "--yes"]].concat())?;
        who.run(&["tx", "submit", &file, "--wait"])?;
        Ok(told)
    }

    /// A paid booking of any room.
    fn booked(&self, who: &Wallet) -> anyhow::Result<String> {
        let (from, until) = (self.from_ms.to_string(), self.until_ms.to_string());
        let args = ["booking", "request", "--merchant", HOTEL, "--type", "room", "--from", &from, "--until", &until];
        let told = self.act(who, &args)?;
        let booking = told["booking"].as_str().context("a request prints the booking's id")?.to_string();
        self.act(who, &["booking", "pay", &booking])?;
        Ok(booking)
    }

    /// Papers shown and accepted.
    fn identified(&self, who: &Wallet, booking: &str) -> anyhow::Result<()> {
        let papers = self.file("papers");
        fs::write(&papers, "sealed")?;
        self.act(who, &["booking", "identify", booking, "--papers", &papers])?;
        self.act(&self.hotel, &["booking", "accept-identity", booking, "--papers", &papers])?;
        Ok(())
    }

    /// Alice's booking of room 2, with all that a key needs.
    fn alices(&self) -> anyhow::Result<String> {
        let booking = self.booked(&self.alice)?;
        self.act(&self.alice, &["booking", "choose", &booking, "--object", "2"])?;
        self.identified(&self.alice, &booking)?;
        Ok(booking)
    }

    /// The lock of a room, with a bound that lets the test choose the lock's time within the booked span.
    fn lock(&self, room: &str) -> anyhow::Result<String> {
        let file = self.file(&format!("lock-{room}.json"));
        let made = ["lock", "new", "--merchant", HOTEL, "--object", room, "--fresh", "5h", "-o", &file];
        let told = self.hotel.run(&made)?;
        assert_eq!((&told["objects"], &told["validators"]), (&json!([room]), &json!(1)), "{told:#}");
        Ok(file)
    }

    /// What a lock asks at a time.
    fn asked(&self, lock: &str, at_ms: u64) -> anyhow::Result<String> {
        let told = self.hotel.run(&["--offline", "lock", "challenge", lock, "--at", &at_ms.to_string()])?;
        Ok(told["challenge"].as_str().context("a challenge")?.to_string())
    }

    /// Shows a key to a lock at a time, without a network.
    fn show(&self, lock: &str, key: &str, at_ms: u64) -> anyhow::Result<Outcome> {
        self.hotel.try_run(&["--offline", "lock", "verify", lock, key, "--at", &at_ms.to_string()])
    }
}

/// The lock opened for this room.
#[track_caller]
fn opened(outcome: &Outcome, room: &str) {
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    let told = outcome.json().expect("the lock tells");
    assert_eq!((&told["opens"], &told["object"]), (&json!(true), &json!(room)), "{told:#}");
}

/// It stayed shut, by this reason.
#[track_caller]
fn shut(outcome: &Outcome, name: &str) {
    assert_eq!(outcome.code, 9, "{}{}", outcome.stdout, outcome.stderr);
    let error: Value = serde_json::from_str(outcome.stderr.lines().last().unwrap_or_default()).expect("JSON");
    let error = &error["error"];
    assert_eq!((&error["kind"], &error["details"]["name"]), (&json!("refused_by_lock"), &json!(name)), "{error:#}");
}

#[test]
fn the_guest_opens_the_booked_door_and_nobody_else_does() -> anyhow::Result<()> {
    let inn = Hotel::open()?;
    let (door, other_door) = (inn.lock("2")?, inn.lock("1")?);
    let inside = inn.from_ms + MINUTE_MS;
    let key = |who: &Wallet, booking: &str, challenge: &str| {
        who.try_run(&["booking", "key", booking, "--challenge", challenge])
    };
    let text = |made: &Outcome| -> anyhow::Result<String> {
        Ok(made.json()?["text"].as_str().context("a key's text")?.to_string())
    };

    // A key needs a room and accepted papers, which the ledger tells.
    let booking = inn.booked(&inn.alice)?;
    shut(&key(&inn.alice, &booking, &inn.asked(&door, inside)?)?, "no_object");
    inn.act(&inn.alice, &["booking", "choose", &booking, "--object", "2"])?;
    shut(&key(&inn.alice, &booking, &inn.asked(&door, inside)?)?, "not_identified");
    inn.identified(&inn.alice, &booking)?;

    let made = key(&inn.alice, &booking, &inn.asked(&door, inside)?)?;
    opened(&inn.show(&door, &text(&made)?, inside + 5_000)?, "2");
    // Whoever has read the code from the screen comes too late, for this question and the next.
    shut(&inn.show(&door, &text(&made)?, inside + 6_000)?, "no_challenge");
    inn.asked(&door, inside + 7_000)?;
    shut(&inn.show(&door, &text(&made)?, inside + 8_000)?, "other_challenge");

    // Another door, before the time and after it, somebody else's booking: the guest's own wallet says so.
    shut(&key(&inn.alice, &booking, &inn.asked(&other_door, inside)?)?, "other_object");
    shut(&key(&inn.alice, &booking, &inn.asked(&door, inn.from_ms - 1)?)?, "too_early");
    let asked = inn.asked(&door, inside)?;
    let stranger = key(&inn.carol, &booking, &asked)?;
    assert_eq!(stranger.code, 5, "{stranger:?}");
    let nonsense = key(&inn.alice, &booking, "countersign:challenge?0")?;
    assert_eq!(nonsense.code, 2, "{nonsense:?}");
    shut(&inn.show(&door, "countersign:key?00", inside)?, "text");

    // From a file, and carried to a door without a network.
    let (carried, file) = (inn.file("carried.json"), inn.file("key.txt"));
    inn.alice.run(&["booking", "key", &booking, "-o", &carried])?;
    let asked = inn.asked(&door, inside)?;
    inn.alice.run(&["--offline", "booking", "key", "--carried", &carried, "--challenge", &asked, "-o", &file])?;
    opened(&inn.show(&door, &file, inside)?, "2");

    // As one QR code, read from its picture; and so is what the lock asks.
    let (question, picture) = (inn.file("question.png"), inn.file("key.png"));
    inn.hotel.run(&["qr", "show", &inn.asked(&door, inside)?, "--single", "--png", &question])?;
    let made = inn.alice.run(&["booking", "key", &booking, "--challenge", &question])?;
    let text = made["text"].as_str().context("a key's text")?;
    inn.alice.run(&["qr", "show", text, "--single", "--png", &picture])?;
    opened(&inn.show(&door, &picture, inside)?, "2");
    Ok(())
}

#[test]
fn a_cancelled_booking_opens_no_longer_than_the_bound_on_freshness() -> anyhow::Result<()> {
    let inn = Hotel::open()?;
    let door = inn.lock("2")?;
    let inside = inn.from_ms + MINUTE_MS;
    let booking = inn.alices()?;
    let carried = inn.file("carried.json");
    inn.alice.run(&["booking", "key", &booking, "-o", &carried])?;
    inn.act(&inn.alice, &["booking", "cancel", &booking])?;
    let refused = inn.alice.try_run(&["booking", "key", &booking, "--challenge", &inn.asked(&door, inside)?])?;
    shut(&refused, "ended");

    // A wallet that does not look at what it sends: the newest state tells the lock.
    let asked = inn.asked(&door, inside)?;
    let credential = unlooked_at(&inn.node, &booking, &asked)?;
    shut(&inn.show(&door, &credential.to_text(), inside)?, "ended");

    // What was true before opens until it is too old: that is what a lock without a network costs.
    let late = ["--offline", "booking", "key", "--carried", &carried, "--challenge"];
    let answer = |at_ms: u64| -> anyhow::Result<Outcome> {
        let asked = inn.asked(&door, at_ms)?;
        inn.alice.try_run(&[&late[..], &[&asked]].concat())
    };
    let made = answer(inside)?;
    let text = made.json()?["text"].as_str().context("a key's text")?.to_string();
    opened(&inn.show(&door, &text, inside)?, "2");
    // Within the booked time still, but five hours after the header.
    let stale = inn.until_ms - MINUTE_MS;
    shut(&answer(stale)?, "stale");
    let old = Challenge::from_text(&inn.asked(&door, stale)?).map_err(anyhow::Error::msg)?;
    let Credential { pass, .. } = Credential::from_text(&text).map_err(anyhow::Error::msg)?;
    let answer = answered(&old, &pass);
    shut(&inn.show(&door, &Credential { pass, answer }.to_text(), stale)?, "stale");
    Ok(())
}

#[test]
fn a_lock_follows_the_validators_from_a_key_or_an_update() -> anyhow::Result<()> {
    let inn = Hotel::open()?;
    let (door, updated) = (inn.lock("2")?, inn.lock("1")?);
    let inside = inn.from_ms + MINUTE_MS;
    let bank = Wallet::of_development_key(&inn.folder.path().join(BANK), &inn.node.url(), BANK)?;
    let (draft, by) = (inn.file("power.csp"), format!("{BANK},{HOTEL}"));
    let validator = public_key(&development_secret("validator-1")).to_string();
    bank.run(&["council", "validator", "set", &validator, "--power", "3", "--by", &by, "-o", &draft])?;
    for member in [&bank, &inn.hotel] {
        member.run(&["tx", "sign", &draft, "--yes"])?;
    }
    bank.run(&["tx", "submit", &draft, "--wait"])?;
    // The change takes effect two blocks later, and booking a room makes some.
    let booking = inn.alices()?;
    let since = wait_for("the lock to hear of the change", || {
        let told = inn.hotel.run(&["lock", "update", &updated]).ok()?;
        told["since"].as_u64().filter(|since| *since > 1)
    })?;

    let asked = inn.asked(&door, inside)?;
    let text = inn.alice.run(&["booking", "key", &booking, "--challenge", &asked])?["text"].clone();
    opened(&inn.show(&door, text.as_str().context("a key's text")?, inside)?, "2");
    assert_eq!(inn.hotel.run(&["lock", "show", &door])?["since"].as_u64(), Some(since));
    Ok(())
}

fn bytes(value: &Value) -> anyhow::Result<Vec<u8>> {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x")).context("bytes begin with 0x")?;
    (0..text.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&text[at..at + 2], 16)?)).collect()
}

fn decoded<T: DecodeAll>(value: &Value) -> anyhow::Result<T> {
    Ok(T::decode_all(&mut &bytes(value)?[..])?)
}

/// Alice's answer to a challenge.
fn answered(challenge: &Challenge, pass: &Pass) -> Answer {
    let signature = sign(&development_secret(ALICE), &challenge.message(&pass.booking));
    Answer { nonce: challenge.nonce, signatures: vec![(0, signature)].try_into().expect("one signature") }
}

/// A credential of what the newest state says about a booking, whatever that is.
fn unlooked_at(node: &Node, booking: &str, asked: &str) -> anyhow::Result<Credential> {
    let ask = |method: &str, params: Value| node.call(method, &params).map_err(anyhow::Error::new);
    let height = ask("chain_head", json!([]))?["height"].as_u64().context("a height")?;
    let view = ask("chain_header", json!([height]))?;
    let header: Header = decoded(&view["header"])?;
    let certificate: Certificate = decoded(&view["certificate"])?;
    let genesis: Genesis = decoded(&ask("chain_spec", json!([]))?)?;
    let trust = LockTrust::new(genesis.chain(), genesis.validators, Height::new(1)).context("a set of validators")?;
    let seal = Seal::of(&certificate, trust.validators()).context("validators signed it")?;
    let proof = |key: Vec<u8>| {
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        ask("state_proof", json!([format!("0x{key}"), height - 1]))
    };
    let booking: Hash = booking.parse()?;
    let record = proof(booking::record_key(&booking))?;
    let (record, record_proof) = (decoded::<booking::BookingRecord>(&record["value"])?, decoded(&record["proof"])?);
    let holder = proof(state_key::account(&record.customer))?;
    let (holder, holder_proof) = (decoded(&holder["value"])?, decoded(&holder["proof"])?);
    let handovers = Default::default();
    let pass = Pass { handovers, header, seal, booking, record, record_proof, holder, holder_proof };
    let challenge = Challenge::from_text(asked).map_err(anyhow::Error::msg)?;
    Ok(Credential { answer: answered(&challenge, &pass), pass })
}
