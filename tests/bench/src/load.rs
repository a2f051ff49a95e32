//! Offers transactions to the nodes, to each its part, and sees them become final in the blocks that node announces.
use crate::chain::Chain;
use anyhow::Context as _;
use countersign_harness::Made;
use countersign_rpc_types::{BlockNotice, CountersignRpcClient as _, HexBytes};
use hdrhistogram::Histogram;
use jsonrpsee::core::client::Subscription;
use jsonrpsee::ws_client::WsClient;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Transactions in one request when no rate is given.
const BATCH: usize = 250;
/// Connections that submit, at least; one to each node.
const CONNECTIONS: usize = 4;
/// How long the last transactions are waited for after the time is up.
const DRAIN: Duration = Duration::from_secs(30);
/// Final transactions whose receipts are looked at afterwards: each so manieth.
const SAMPLE_EVERY: u64 = 997;

/// How transactions are offered.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Per second; without it, as many as the window lets through.
    pub rate: Option<u32>,
    /// Transactions on the way at once when no rate is given.
    pub in_flight: usize,
    /// How long.
    pub time: Duration,
}

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// Transactions that became final while the time ran.
    pub finals: u64,
    /// Transactions refused at the door.
    pub refused: u64,
    /// Heights of the blocks in which they became final.
    pub blocks: BTreeSet<u64>,
    /// How long was measured.
    pub elapsed: Duration,
    /// From handing a transaction to the client to the announcement of its block by the same node, in microseconds.
    pub latency_us: Histogram<u64>,
    /// Bytes of the transactions that became final.
    pub bytes: u64,
    /// Some of the ids.
    pub sample: Vec<String>,
}

impl Measured {
    fn nothing() -> anyhow::Result<Self> {
        Ok(Self {
            finals: 0,
            refused: 0,
            blocks: BTreeSet::new(),
            elapsed: Duration::ZERO,
            latency_us: Histogram::new_with_bounds(1, 600_000_000, 3)?,
            bytes: 0,
            sample: Vec::new(),
        })
    }

    /// Adds what was measured at another node.
    fn add(&mut self, other: Self) -> anyhow::Result<()> {
        self.finals += other.finals;
        self.bytes += other.bytes;
        self.blocks.extend(other.blocks);
        self.sample.extend(other.sample);
        self.elapsed = self.elapsed.max(other.elapsed);
        Ok(self.latency_us.add(other.latency_us)?)
    }

    /// Final transactions per second.
    pub fn throughput(&self) -> f64 {
        self.finals as f64 / self.elapsed.as_secs_f64()
    }
}

/// Transactions handed to one node that are not final: when, and their bytes.
#[derive(Clone, Debug, Default)]
struct Waiting(Arc<Mutex<HashMap<String, (Instant, usize)>>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, usize)>> {
        self.0.lock().expect("no panic under the lock")
    }
}

struct Offering<'c> {
    chain: &'c Chain,
    offer: Offer,
    /// By node.
    waiting: Vec<Waiting>,
    permits: Arc<Semaphore>,
    start: Instant,
}

/// Offers `transactions` as told, and measures.
pub async fn run(chain: &Chain, transactions: Vec<Made>, offer: Offer) -> anyhow::Result<Measured> {
    let nodes = chain.network.running().len();
    let permits = Arc::new(Semaphore::new(offer.in_flight));
    let waiting: Vec<Waiting> = (0..nodes).map(|_| Waiting::default()).collect();
    let mut subscribed = Vec::new();
    for node in 0..nodes {
        let client = chain.connect(node).await?;
        subscribed.push((client.blocks_subscribe().await?, client));
    }
    let start = Instant::now();
    let watchers = subscribed.into_iter().zip(&waiting).map(|((blocks, client), waiting)| {
        let (waiting, permits) = (waiting.clone(), permits.clone());
        tokio::spawn(async move {
            let measured = watch(blocks, &waiting, &permits, start, offer.time).await;
            // Its connection carries the subscription.
            drop(client);
            measured
        })
    });
    let watchers: Vec<_> = watchers.collect();
    let offering = Offering { chain, offer, waiting, permits, start };
    let refused = match offer.rate {
        Some(rate) => offering.at_rate(transactions, rate).await?,
        None => offering.all(transactions).await?,
    };
    let mut measured = Measured { refused, ..Measured::nothing()? };
    for watcher in watchers {
        measured.add(watcher.await.context("a watcher ended early")??)?;
    }
    Ok(measured)
}

impl Offering<'_> {
    /// As many as the window allows, from several connections.
    async fn all(&self, transactions: Vec<Made>) -> anyhow::Result<u64> {
        let queue = Arc::new(Mutex::new(transactions.into_iter()));
        let (start, time, nodes) = (self.start, self.offer.time, self.waiting.len());
        let mut tasks = Vec::new();
        for connection in 0..CONNECTIONS.max(nodes) {
            let client = self.chain.connect(connection % nodes).await?;
            let (queue, permits) = (queue.clone(), self.permits.clone());
            let waiting = self.waiting[connection % nodes].clone();
            tasks.push(tokio::spawn(async move {
                let mut refused = 0;
                while start.elapsed() < time {
                    let batch: Vec<Made> =
                        queue.lock().expect("no panic under the lock").by_ref().take(BATCH).collect();
                    if batch.is_empty() {
                        break;
                    }
                    let size = u32::try_from(batch.len()).expect("a batch is small");
                    permits.acquire_many(size).await?.forget();
                    refused += submit(&client, batch, &waiting, &permits).await?;
                }
                anyhow::Ok(refused)
            }));
        }
        let mut refused = 0;
        for task in tasks {
            refused += task.await??;
        }
        Ok(refused)
    }

    /// One at a time, evenly spaced, to each node in turn, whatever the answers: an open loop.
    async fn at_rate(&self, transactions: Vec<Made>, rate: u32) -> anyhow::Result<u64> {
        let mut clients = Vec::new();
        for node in 0..self.waiting.len() {
            clients.push(Arc::new(self.chain.connect(node).await?));
        }
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        let mut tasks = Vec::new();
        for (made, node) in transactions.into_iter().zip((0..clients.len()).cycle()) {
            ticks.tick().await;
            if self.start.elapsed() >= self.offer.time {
                break;
            }
            let (client, waiting) = (clients[node].clone(), self.waiting[node].clone());
            tasks.push(tokio::spawn(async move {
                waiting.lock().insert(made.id.clone(), (Instant::now(), made.bytes.len()));
                let answer = client.tx_submit(HexBytes(made.bytes)).await;
                if answer.is_err() {
                    waiting.lock().remove(&made.id);
                }
                answer.is_err()
            }));
        }
        let mut refused = 0;
        for task in tasks {
            refused += u64::from(task.await?);
        }
        Ok(refused)
    }
}

async fn submit(client: &WsClient, batch: Vec<Made>, waiting: &Waiting, permits: &Semaphore) -> anyhow::Result<u64> {
    let now = Instant::now();
    let mut ids = Vec::with_capacity(batch.len());
    let mut encoded = Vec::with_capacity(batch.len());
    {
        let mut waiting = waiting.lock();
        for made in batch {
            waiting.insert(made.id.clone(), (now, made.bytes.len()));
            ids.push(made.id);
            encoded.push(HexBytes(made.bytes));
        }
    }
    let answers = client.tx_submit_batch(encoded).await?;
    let mut refused = 0;
    let mut waiting = waiting.lock();
    for (id, answer) in ids.iter().zip(answers) {
        if let Err(fault) = answer
            && waiting.remove(id).is_some()
        {
            if refused == 0 {
                eprintln!("refused: {} ({})", fault.message, fault.code);
            }
            refused += 1;
            permits.add_permits(1);
        }
    }
    Ok(refused)
}

/// Counts what becomes final at a node until the time is up, then waits until nothing is on the way.
async fn watch(
    mut blocks: Subscription<BlockNotice>,
    waiting: &Waiting,
    permits: &Semaphore,
    start: Instant,
    time: Duration,
) -> anyhow::Result<Measured> {
    let mut measured = Measured::nothing()?;
    let mut seen = 0_u64;
    while start.elapsed() < time + DRAIN {
        let over = start.elapsed() >= time;
        if over && waiting.lock().is_empty() {
            break;
        }
        let Ok(notice) = tokio::time::timeout(Duration::from_secs(1), blocks.next()).await else { continue };
        let notice = notice.context("the node closed the subscription")??;
        let now = Instant::now();
        let mut waiting = waiting.lock();
        for id in notice.transactions {
            let Some((sent, bytes)) = waiting.remove(&id) else { continue };
            permits.add_permits(1);
            seen += 1;
            if now.duration_since(start) > time {
                continue;
            }
            measured.blocks.insert(notice.height);
            measured.finals += 1;
            measured.bytes += bytes as u64;
            measured
                .latency_us
                .saturating_record(u64::try_from(now.duration_since(sent).as_micros()).unwrap_or(u64::MAX));
            measured.elapsed = now.duration_since(start);
            if seen % SAMPLE_EVERY == 1 {
                measured.sample.push(id);
            }
        }
    }
    let lost = waiting.lock().len();
    anyhow::ensure!(lost == 0, "{lost} transactions were taken but did not become final within {} s", DRAIN.as_secs());
    Ok(measured)
}
