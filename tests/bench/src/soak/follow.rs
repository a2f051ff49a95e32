//! Reads every block of the first node and keeps the book of what was taken and is not final.
use anyhow::{Context as _, ensure};
use countersign_harness::{Made, Rpc};
use countersign_types::Block;
use hdrhistogram::Histogram;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two looks for a new block.
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Instant,
    /// The node that took it and how often it had lost its memory then; nothing if no node said so.
    taken: Option<(usize, u32)>,
}

/// Transactions offered and not final.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    waiting: Mutex<HashMap<String, Waiting>>,
    taken: AtomicU64,
    finals: AtomicU64,
    ended: AtomicBool,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().expect("no panic under the lock")
    }

    /// Notes them before they are handed over: they may be final before the answer is here.
    pub fn offered(&self, batch: &[Made], since: Instant) {
        let mut waiting = self.lock();
        waiting.extend(batch.iter().map(|made| (made.id.clone(), Waiting { since, taken: None })));
    }

    /// A node took it.
    pub fn took(&self, id: &str, node: usize, losses: u32) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        if let Some(waiting) = self.lock().get_mut(id) {
            waiting.taken = Some((node, losses));
        }
    }

    /// Transactions nodes took.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Transactions in blocks so far.
    pub fn finals(&self) -> u64 {
        self.finals.load(Ordering::Relaxed)
    }

    /// No more blocks are wanted than there are now.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Transactions whose node was ended after it took them and before they were in a block. `losses` is how often each node has
    /// lost its memory by now.
    ///
    /// # Errors
    /// If one was lost by a node that lost nothing.
    pub fn lost(&self, losses: &[u32]) -> anyhow::Result<u64> {
        let mut lost = 0;
        for (id, waiting) in self.lock().iter() {
            let Some((node, before)) = waiting.taken else { continue };
            ensure!(losses[node] > before, "{id} was taken by node {node}, which lost nothing, and is in no block");
            lost += 1;
        }
        Ok(lost)
    }
}

/// What was seen.
pub(super) struct Followed {
    pub finals: u64,
    pub blocks: u64,
    /// From handing a transaction over to seeing it in a block.
    pub latency_ms: Histogram<u64>,
}

/// Reads the blocks above `height` until the ledger has ended and there are no more.
pub(super) fn follow(
    address: &str,
    height: u64,
    ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
) -> JoinHandle<anyhow::Result<Followed>> {
    let rpc = Rpc::new(address);
    std::thread::spawn(move || {
        let read = read_all(rpc, height, &ledger);
        // Nobody needs to be fed any more.
        stop.store(true, Ordering::Relaxed);
        read
    })
}

fn read_all(mut rpc: Rpc, first: u64, ledger: &Ledger) -> anyhow::Result<Followed> {
    let (mut height, mut finals) = (first, 0);
    let mut latency_ms = Histogram::new_with_bounds(1, 3_600_000, 3)?;
    let mut seen = HashSet::new();
    loop {
        let ended = ledger.ended.load(Ordering::Relaxed);
        let head = rpc.call("chain_head", &json!([]))?["height"].as_u64().context("a head has a height")?;
        while height < head {
            height += 1;
            let bytes = rpc.call("chain_block", &json!([height]))?;
            let bytes = bytes.as_str().and_then(|text| hex::decode(text.strip_prefix("0x")?).ok());
            let block = Block::from_bytes(&bytes.context("a block is bytes")?)?;
            let now = Instant::now();
            let mut waiting = ledger.lock();
            for transaction in &block.transactions {
                let id = transaction.transaction.id();
                let short: [u8; 8] = id.0.0[..8].try_into().expect("a hash is longer");
                ensure!(seen.insert(u64::from_le_bytes(short)), "{id} stands in two blocks, the second is {height}");
                finals += 1;
                if let Some(waited) = waiting.remove(&id.to_string()) {
                    let waited = now.duration_since(waited.since).as_millis();
                    latency_ms.saturating_record(u64::try_from(waited).unwrap_or(u64::MAX));
                }
            }
            drop(waiting);
            ledger.finals.store(finals, Ordering::Relaxed);
        }
        if ended {
            return Ok(Followed { finals, blocks: height - first, latency_ms });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
