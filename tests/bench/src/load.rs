//! Offers transactions to the node and sees them become final in the blocks the node announces.
use crate::chain::Chain;
use crate::workload::Made;
use anyhow::Context as _;
use countersign_rpc_types::{CountersignRpcClient as _, HexBytes};
use hdrhistogram::Histogram;
use jsonrpsee::ws_client::WsClient;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Transactions in one request when no rate is given.
const BATCH: usize = 250;
/// Connections that submit.
const CONNECTIONS: usize = 4;
/// How long the last transactions are waited for after the time is up.
const DRAIN: Duration = Duration::from_secs(30);
/// Final transactions whose receipts are looked at afterwards: each so manieth.
const SAMPLE_EVERY: u64 = 997;

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// Transactions that became final while the time ran.
    pub finals: u64,
    /// Transactions refused at the door.
    pub refused: u64,
    /// Blocks in which they became final.
    pub blocks: u64,
    /// How long was measured.
    pub elapsed: Duration,
    /// From handing a transaction to the client to the announcement of its block, in microseconds.
    pub latency_us: Histogram<u64>,
    /// Bytes of the transactions that became final.
    pub bytes: u64,
    /// Some of the ids.
    pub sample: Vec<String>,
}

impl Measured {
    /// Final transactions per second.
    pub fn throughput(&self) -> f64 {
        self.finals as f64 / self.elapsed.as_secs_f64()
    }
}

type Waiting = Arc<Mutex<HashMap<String, (Instant, usize)>>>;

/// Offers `transactions` for `time`, at `rate` per second or with at most `in_flight` not final, and measures.
pub async fn run(
    chain: &Chain,
    transactions: Vec<Made>,
    rate: Option<u32>,
    in_flight: usize,
    time: Duration,
) -> anyhow::Result<Measured> {
    let waiting: Waiting = Arc::default();
    let permits = Arc::new(Semaphore::new(in_flight));
    let start = Instant::now();
    let blocks = chain.connect().await?;
    let watcher = tokio::spawn(watch(blocks, waiting.clone(), permits.clone(), start, time));
    let refused = match rate {
        Some(rate) => offer_at_rate(chain, transactions, rate, &waiting, start, time).await?,
        None => offer_all(chain, transactions, &waiting, &permits, start, time).await?,
    };
    let mut measured = watcher.await.context("the watcher ended early")??;
    measured.refused = refused;
    Ok(measured)
}

/// As many as the window allows, from several connections.
async fn offer_all(
    chain: &Chain,
    transactions: Vec<Made>,
    waiting: &Waiting,
    permits: &Arc<Semaphore>,
    start: Instant,
    time: Duration,
) -> anyhow::Result<u64> {
    let queue = Arc::new(Mutex::new(transactions.into_iter()));
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let (client, queue, waiting, permits) =
            (chain.connect().await?, queue.clone(), waiting.clone(), permits.clone());
        tasks.push(tokio::spawn(async move {
            let mut refused = 0;
            while start.elapsed() < time {
                let batch: Vec<Made> = queue.lock().expect("no panic under the lock").by_ref().take(BATCH).collect();
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

async fn submit(client: &WsClient, batch: Vec<Made>, waiting: &Waiting, permits: &Semaphore) -> anyhow::Result<u64> {
    let now = Instant::now();
    let mut ids = Vec::with_capacity(batch.len());
    let mut encoded = Vec::with_capacity(batch.len());
    {
        let mut waiting = waiting.lock().expect("no panic under the lock");
        for made in batch {
            waiting.insert(made.id.clone(), (now, made.bytes.len()));
            ids.push(made.id);
            encoded.push(HexBytes(made.bytes));
        }
    }
    let answers = client.tx_submit_batch(encoded).await?;
    let mut refused = 0;
    let mut waiting = waiting.lock().expect("no panic under the lock");
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

/// One at a time, evenly spaced, whatever the answers: an open loop.
async fn offer_at_rate(
    chain: &Chain,
    transactions: Vec<Made>,
    rate: u32,
    waiting: &Waiting,
    start: Instant,
    time: Duration,
) -> anyhow::Result<u64> {
    let client = Arc::new(chain.connect().await?);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut tasks = Vec::new();
    for made in transactions {
        ticks.tick().await;
        if start.elapsed() >= time {
            break;
        }
        let (client, waiting) = (client.clone(), waiting.clone());
        tasks.push(tokio::spawn(async move {
            waiting
                .lock()
                .expect("no panic under the lock")
                .insert(made.id.clone(), (Instant::now(), made.bytes.len()));
            let answer = client.tx_submit(HexBytes(made.bytes)).await;
            if answer.is_err() {
                waiting.lock().expect("no panic under the lock").remove(&made.id);
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

/// Counts what becomes final until the time is up, then waits until nothing is on the way.
async fn watch(
    client: WsClient,
    waiting: Waiting,
    permits: Arc<Semaphore>,
    start: Instant,
    time: Duration,
) -> anyhow::Result<Measured> {
    let mut blocks = client.blocks_subscribe().await?;
    let latency_us = Histogram::new_with_bounds(1, 600_000_000, 3)?;
    let mut measured = Measured {
        finals: 0,
        refused: 0,
        blocks: 0,
        elapsed: Duration::ZERO,
        latency_us,
        bytes: 0,
        sample: Vec::new(),
    };
    let mut seen = 0_u64;
    while start.elapsed() < time + DRAIN {
        let over = start.elapsed() >= time;
        if over && waiting.lock().expect("no panic under the lock").is_empty() {
            break;
        }
        let Ok(notice) = tokio::time::timeout(Duration::from_secs(1), blocks.next()).await else { continue };
        let notice = notice.context("the node closed the subscription")??;
        let now = Instant::now();
        let mut waiting = waiting.lock().expect("no panic under the lock");
        let mut counted = false;
        for id in notice.transactions {
            let Some((sent, bytes)) = waiting.remove(&id) else { continue };
            permits.add_permits(1);
            seen += 1;
            if now.duration_since(start) > time {
                continue;
            }
            counted = true;
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
        measured.blocks += u64::from(counted);
    }
    let lost = waiting.lock().expect("no panic under the lock").len();
    anyhow::ensure!(lost == 0, "{lost} transactions were taken but did not become final within {} s", DRAIN.as_secs());
    Ok(measured)
}
