//! When the next block is due. An idle chain makes one only for work, or once per idle interval.
use super::evidence::WaitingEvidence;
use super::{Head, propose, read};
use crate::clock::Clock;
use crate::mempool::Mempool;
use countersign_types::{Height, Timestamp};
use std::time::Duration;
use tokio::sync::watch;

/// What a block is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work<'w> {
    pub mempool: &'w Mempool,
    pub evidence: &'w WaitingEvidence,
}

/// Returns when a block should follow `head`: at once if it left something to certify, else when a transaction or evidence waits, a job
/// is due, the idle interval is over, or others have gone on.
pub(super) async fn next_block_due(head: &Head, work: Work<'_>, clock: Clock, mut seen: watch::Receiver<Height>) {
    if head.uncertified {
        return;
    }
    let idle = head.header.time.checked_add_millis(head.params.idle_interval_ms).unwrap_or(Timestamp::MAX);
    let due = read::next_job(&head.state).map_or(idle, |job| job.at.min(idle));
    tokio::select! {
        () = work.mempool.work(|| propose::block_time(head, clock.now())) => {}
        () = work.evidence.work(head) => {}
        () = sleep_until(clock, due) => {}
        // An error means that the network has stopped, and with it the engine that waits for this.
        _ = seen.wait_for(|height| *height > head.height()) => {}
    }
}

async fn sleep_until(clock: Clock, due: Timestamp) {
    // Clocks are set while nodes run: look again from time to time instead of trusting one long sleep.
    const STEP_MS: u64 = 1_000;
    loop {
        let left = due.saturating_since(clock.now());
        if left == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(left.min(STEP_MS))).await;
    }
}
