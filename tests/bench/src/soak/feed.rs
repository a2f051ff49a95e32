//! Hands transactions to the nodes that run, at a steady rate.
use super::Choices;
use super::follow::Ledger;
use crate::workload::Maker;
use countersign_harness::{CallError, Directory, Made, Rpc};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Time between two batches.
const TICK: Duration = Duration::from_millis(100);
/// Transactions in one request: what a node takes at once.
const BATCH_MAX: usize = 1_000;

/// Feeds until told to stop.
pub(super) struct Feed {
    pub directory: Directory,
    pub ledger: Arc<Ledger>,
    pub stop: Arc<AtomicBool>,
    /// Transactions per second.
    pub rate: u32,
}

/// What became of what was fed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fed {
    pub refused: u64,
    pub unanswered: u64,
}

impl Feed {
    pub fn run(self, mut maker: Maker, mut choices: Choices) -> Fed {
        let (mut fed, mut connections) = (Fed::default(), HashMap::new());
        let (began, mut made) = (Instant::now(), 0);
        while !self.stop.load(Ordering::Relaxed) {
            let wanted = (began.elapsed().as_secs_f64() * f64::from(self.rate)) as usize;
            let count = wanted.saturating_sub(made).min(BATCH_MAX);
            made += count;
            if count > 0 {
                self.hand_over(maker.make(count), &mut choices, &mut connections, &mut fed);
            }
            // Behind its rate it goes on at once.
            if wanted <= made {
                std::thread::sleep(TICK);
            }
        }
        fed
    }

    fn hand_over(
        &self,
        batch: Vec<Made>,
        choices: &mut Choices,
        connections: &mut HashMap<String, Rpc>,
        fed: &mut Fed,
    ) {
        let list = self.directory.list().clone();
        let running: Vec<_> =
            (0..).zip(&list).filter_map(|(n, node)| Some((n, node.address.as_ref()?, node.losses))).collect();
        if running.is_empty() {
            return;
        }
        let choice = usize::try_from(choices.below(running.len() as u64)).expect("a small number");
        let (node, address, losses) = running[choice];
        connections.retain(|known, _| running.iter().any(|(_, address, _)| *address == known));
        let rpc = connections.entry(address.clone()).or_insert_with(|| Rpc::new(address));
        let encoded: Vec<_> = batch.iter().map(|made| format!("0x{}", hex::encode(&made.bytes))).collect();
        let now = Instant::now();
        self.ledger.offered(&batch, now);
        match rpc.call("tx_submit_batch", &json!([encoded])) {
            Ok(answers) => {
                for (made, answer) in batch.iter().zip(answers.as_array().into_iter().flatten()) {
                    match answer.get("Ok") {
                        Some(_) => self.ledger.took(&made.id, node, losses),
                        None => {
                            if fed.refused == 0 {
                                eprintln!("refused: {answer}");
                            }
                            fed.refused += 1;
                        }
                    }
                }
            }
            Err(error) => {
                if let CallError::Refused(error) = error {
                    eprintln!("a batch was refused: {error}");
                }
                fed.unanswered += batch.len() as u64;
            }
        }
    }
}
