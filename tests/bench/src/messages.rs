//! Messages kept by a relay: so many for so many holders, sent, fetched in pages and acknowledged, over the RPC of a real node.
//!
//! The holders are users of a real site and log in there by their passwords, through the relay, before anything is measured: most of
//! a log-in is the wallet's Argon2. What is sealed is random: a relay cannot tell it from letters.
//!
//! ```text
//! site: users imported → log-ins → encryption keys on the ledger │ send → stored → fetch → acknowledge
//!                                                       unmeasured │ measured, by CLIENTS connections
//! ```
use crate::report::{cores, hardware};
use crate::usage::Usage;
use anyhow::Context as _;
use countersign_harness::{Asker, MERCHANT, Made, Network, Person, Plan as NetworkPlan, Rpc, Town, now_ms, signed};
use countersign_interface::Method as _;
use countersign_interface::registry::SetEncryptionKey;
use countersign_rpc_types::HexBytes;
use countersign_rpc_types::relay::{Acknowledgement, Envelope, InboxQuery, Posting};
use countersign_types::{Hash, PublicKey, Timestamp};
use hdrhistogram::Histogram;
use parity_scale_codec::Encode as _;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Wallets that talk to the relay at the same time.
const CLIENTS: usize = 4;
/// Messages in a page: fewer than an inbox holds, so that it takes several.
const PAGE: u32 = 4;
/// Users that one import adds; several run at once.
const IMPORTED_AT_ONCE: usize = 50;
/// Transactions in one request.
const BATCH: usize = 250;
/// How long a message may wait: longer than any run.
const LIFE_MS: u64 = 24 * 60 * 60 * 1000;
/// The passwords are all alike; nothing is measured of them.
const PASSWORD: &str = "correct horse battery staple";

/// How many of what.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Messages in all.
    pub messages: u64,
    /// Holders; each sends and receives the same number.
    pub holders: u32,
    /// Bytes of a sealed message.
    pub bytes: usize,
}

/// All figures of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    hardware: String,
    cores: usize,
    validators: usize,
    holders: u32,
    messages: u64,
    envelope_bytes: usize,
    clients: usize,
    log_ins_s: f64,
    send: Step,
    fetch: Step,
    page_messages: u32,
    acknowledge: Step,
    /// Of the node: when all are logged in, when all messages are kept, when all are fetched, when all are forgotten.
    memory_mb: [f64; 4],
    /// What the node's folder grew by while messages were sent.
    disk_bytes_per_message: f64,
}

/// One kind of request.
#[derive(Debug, Serialize)]
struct Step {
    requests: u64,
    per_second: f64,
    latency_ms_p50: f64,
    latency_ms_p99: f64,
    latency_ms_max: f64,
}

/// A holder that has logged in.
struct Wallet {
    person: Person,
    asker: Asker,
}

/// Starts a node with its relay and a site in `dir`, and measures.
pub fn run(dir: &Path, validators: usize, plan: Plan) -> anyhow::Result<Report> {
    anyhow::ensure!(plan.holders > 1, "somebody must be written to");
    let network = NetworkPlan { holders: plan.holders, links: false, ..NetworkPlan::of(validators) };
    let people = network.people();
    let town = Town::open(dir, network, &[(MERCHANT, &[0])]).context("starting the node and the site")?;
    eprintln!("importing {} users, logging them in", plan.holders);
    let started = Instant::now();
    import(&town, people.len())?;
    let mut wallets = log_in(&town, &people)?;
    let log_ins_s = started.elapsed().as_secs_f64();
    set_keys(&town.network, &people)?;

    let chain = town.network.chain();
    let usage = || Usage::of(&town.network, 0);
    let memory = |usage: &Usage| usage.memory_bytes as f64 / 1e6;
    let home = town.home(MERCHANT)?;
    let each = plan.messages.div_ceil(u64::from(plan.holders));
    let envelope_bytes = envelope(chain, &people[0], plan.bytes, 0)?.len();
    eprintln!("sending {} messages", each * u64::from(plan.holders));
    let before = usage()?;
    let send = step(&mut wallets, &home, |n, wallet, rpc, latency| {
        send(&people, chain, (n, each), plan.bytes, wallet, rpc, latency)
    })?;
    let kept = usage()?;
    let fetch = step(&mut wallets, &home, |_, wallet, rpc, latency| fetch(each, wallet, rpc, latency))?;
    let fetched = usage()?;
    let acknowledge = step(&mut wallets, &home, |_, wallet, rpc, latency| {
        let told =
            timed(latency, || wallet.asker.ask_over(rpc, "relay_acknowledge", &Acknowledgement { up_to: u64::MAX }))?;
        anyhow::ensure!(told["count"] == json!(each), "{} were fetched: {told}", each);
        Ok(())
    })?;
    let forgotten = usage()?;
    let grown = kept.disk_bytes.saturating_sub(before.disk_bytes) as f64;
    Ok(Report {
        hardware: hardware(),
        cores: cores(),
        validators,
        holders: plan.holders,
        messages: send.requests,
        envelope_bytes,
        clients: CLIENTS,
        log_ins_s,
        disk_bytes_per_message: grown / send.requests.max(1) as f64,
        send,
        fetch,
        page_messages: PAGE,
        acknowledge,
        memory_mb: [&before, &kept, &fetched, &forgotten].map(memory),
    })
}

fn user(n: usize) -> String {
    format!("holder-{n}")
}

/// Adds the users to the site, from several files at once: each password is stretched.
fn import(town: &Town, count: usize) -> anyhow::Result<()> {
    let site = &town.place(MERCHANT)?.site;
    let users: Vec<(String, String)> = (0..count).map(|n| (user(n), PASSWORD.to_owned())).collect();
    users.par_chunks(IMPORTED_AT_ONCE).try_for_each(|some| site.import_users(some.iter().cloned()))
}

fn log_in(town: &Town, people: &[Person]) -> anyhow::Result<Vec<Wallet>> {
    let home = town.home(MERCHANT)?;
    let one = |(n, person): (usize, &Person)| {
        let mut asker = Asker::user(&home, &format!("{}@{MERCHANT}", user(n)), PASSWORD)?;
        asker.hang_up();
        Ok(Wallet { person: *person, asker })
    };
    people.par_iter().enumerate().map(one).collect()
}

/// The key that messages to somebody are sealed to.
fn key_of(person: &Person) -> [u8; 32] {
    Hash::of("bench-encryption-key", &person.account.0).0
}

fn set_keys(network: &Network, people: &[Person]) -> anyhow::Result<()> {
    let chain = network.chain();
    let set = |person: &Person| {
        let call = SetEncryptionKey { key: PublicKey(key_of(person)) }.call(&[person.account]);
        signed(&chain, call, 0, now_ms(), &[*person])
    };
    let made: Vec<Made> = people.par_iter().map(set).collect();
    for batch in made.chunks(BATCH) {
        let bytes: Vec<Value> = batch.iter().map(|made| json!(format!("0x{}", hex::encode(&made.bytes)))).collect();
        network.call(0, "tx_submit_batch", &json!([bytes]))?;
    }
    for made in made {
        network.until("an encryption key to be set", |network| {
            Ok(network.call(0, "tx_status", &json!([made.id]))?["state"] == "final")
        })?;
    }
    Ok(())
}

/// Does a step for all holders, by [`CLIENTS`] at a time, each with a connection of its own.
fn step(
    wallets: &mut [Wallet],
    home: &str,
    run: impl Fn(usize, &mut Wallet, &mut Rpc, &mut Histogram<u64>) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<Step> {
    let share = wallets.len().div_ceil(CLIENTS);
    let started = Instant::now();
    let measured = std::thread::scope(|scope| {
        let clients = wallets.chunks_mut(share).enumerate().map(|(client, own)| {
            let run = &run;
            scope.spawn(move || {
                let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
                let mut rpc = Rpc::new(home);
                for (n, wallet) in own.iter_mut().enumerate() {
                    run(client * share + n, wallet, &mut rpc, &mut latency)?;
                }
                anyhow::Ok(latency)
            })
        });
        let clients: Vec<_> = clients.collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("a client does not panic"))
            .collect::<anyhow::Result<Vec<_>>>()
    })?;
    let elapsed = started.elapsed();
    let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    measured.into_iter().try_for_each(|own| latency.add(own))?;
    Ok(Step::new(&latency, elapsed))
}

fn timed<T, E>(latency: &mut Histogram<u64>, ask: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let started = Instant::now();
    let answer = ask();
    latency.saturating_record(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
    answer
}

/// An encoded envelope of random content; another for each `number`.
fn envelope(chain: Hash, to: &Person, bytes: usize, number: u64) -> anyhow::Result<Vec<u8>> {
    let block = |part: usize| Hash::of_encoded("bench-message", &(to.account, number, part as u64)).0;
    let sealed: Vec<u8> = (0..bytes.div_ceil(32)).flat_map(block).take(bytes).collect();
    let now = now_ms();
    let envelope = Envelope {
        chain,
        to: to.account,
        key: key_of(to),
        sent_at: Timestamp::from_millis(now),
        expires_at: Timestamp::from_millis(now + LIFE_MS),
        sealed: sealed.try_into().map_err(|_| anyhow::anyhow!("a sealed message is not so long"))?,
    };
    Ok(envelope.encode())
}

/// Sends `each` messages: to the next holder, and so on, so that everybody receives the same number.
fn send(
    people: &[Person],
    chain: Hash,
    (n, each): (usize, u64),
    bytes: usize,
    wallet: &mut Wallet,
    rpc: &mut Rpc,
    latency: &mut Histogram<u64>,
) -> anyhow::Result<()> {
    for number in 0..each {
        let step = 1 + usize::try_from(number).unwrap_or_default() % (people.len() - 1);
        let to = &people[(n + step) % people.len()];
        // Distinct from whatever others write to the same holder.
        let number = number + each * n as u64;
        let posting = Posting { envelope: HexBytes(envelope(chain, to, bytes, number)?) };
        timed(latency, || wallet.asker.ask_over(rpc, "relay_send", &posting))?;
    }
    Ok(())
}

/// Fetches a whole inbox by pages, and checks that nothing is missing.
fn fetch(each: u64, wallet: &mut Wallet, rpc: &mut Rpc, latency: &mut Histogram<u64>) -> anyhow::Result<()> {
    let (mut after, mut found) = (0, 0);
    loop {
        let page =
            timed(latency, || wallet.asker.ask_over(rpc, "relay_inbox", &InboxQuery { after, limit: Some(PAGE) }))?;
        found += page["messages"].as_array().context("a page of messages")?.len() as u64;
        after = page["next"].as_u64().context("a page says where the next begins")?;
        if page["more"] != json!(true) {
            anyhow::ensure!(found == each, "{}: {found} messages of {each}", wallet.person.account);
            return Ok(());
        }
    }
}

impl Step {
    fn new(latency: &Histogram<u64>, elapsed: Duration) -> Self {
        let quantile = |q| latency.value_at_quantile(q) as f64 / 1000.0;
        Self {
            requests: latency.len(),
            per_second: latency.len() as f64 / elapsed.as_secs_f64(),
            latency_ms_p50: quantile(0.5),
            latency_ms_p99: quantile(0.99),
            latency_ms_max: latency.max() as f64 / 1000.0,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0}/s, p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
            self.per_second, self.latency_ms_p50, self.latency_ms_p99, self.latency_ms_max
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, kept, fetched, forgotten] = self.memory_mb;
        writeln!(f, "hardware       {} cores, {}", self.cores, self.hardware)?;
        writeln!(
            f,
            "workload       {} messages of {} bytes between {} holders by {} clients, one relay; validators: {}, all on this machine",
            self.messages, self.envelope_bytes, self.holders, self.clients, self.validators
        )?;
        writeln!(f, "log-ins        {:.0} s for all users, with their import", self.log_ins_s)?;
        writeln!(f, "send           {}", self.send)?;
        writeln!(f, "fetch          {} (pages of {})", self.fetch, self.page_messages)?;
        writeln!(f, "acknowledge    {} (whole inboxes)", self.acknowledge)?;
        writeln!(
            f,
            "memory         {before:.0} MB logged in, {kept:.0} MB with all messages kept, {fetched:.0} MB fetched, {forgotten:.0} MB acknowledged"
        )?;
        write!(f, "disk           {:.0} bytes per message", self.disk_bytes_per_message)
    }
}
