//! Killed at any instant, a relay has everything it has answered for.
//!
//! The test runs itself again as a child that takes messages, several at a time, and says so on its output; it kills
//! the child, looks at what is on disk, and lets the next child go on from there.
use super::*;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Names the folder to a child, and the number of its first message.
const FOLDER: &str = "COUNTERSIGN_RELAY_CRASH_FOLDER";
const FIRST: &str = "COUNTERSIGN_RELAY_CRASH_FIRST";
const KILLS: u64 = 8;
/// Messages of one child at most, so that none is left behind; no quota is reached.
const MESSAGES_PER_CHILD: u64 = 120;

/// Users of the hotel and one of the books, whose relay nobody reaches.
fn ledger() -> (Arc<TestLedger>, Vec<AccountId>, AccountId, AccountId) {
    let ledger = Arc::new(TestLedger::default());
    ledger.add_member("harbor-hotel.example", &[HOTEL]);
    ledger.add_member("city-books.example", &[BOOKS]);
    let senders = (0..4).map(|n| ledger.add_user(&format!("sender-{n}@harbor-hotel.example"))).collect();
    let (near, far) = (ledger.add_user("near@harbor-hotel.example"), ledger.add_user("far@city-books.example"));
    (ledger, senders, near, far)
}

async fn open(dir: &Path, ledger: &Arc<TestLedger>) -> Arc<Messages> {
    let store = open_store(dir).await;
    let clock = TestClock::new().clock();
    Arc::new(Messages::open(store, ledger.clone(), Wires::new().end(HOTEL), HOTEL, clock).unwrap())
}

/// What a child has said.
#[derive(Debug, Default)]
struct Said {
    near: BTreeSet<u64>,
    far: BTreeSet<u64>,
    fetched: BTreeSet<u64>,
    /// The last number acknowledged.
    acknowledged: u64,
}

impl Said {
    /// True if something was answered.
    fn hear(&mut self, line: &str) -> bool {
        // The test runner writes lines of its own.
        let Some((what, n)) = line.split_once(' ').and_then(|(what, n)| Some((what, n.parse().ok()?))) else {
            return false;
        };
        match what {
            "near" => self.near.insert(n),
            "far" => self.far.insert(n),
            "fetched" => {
                self.fetched.insert(n);
                false
            }
            "acknowledged" => {
                self.acknowledged = self.acknowledged.max(n);
                true
            }
            _ => false,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_relay_has_all_it_answered_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    for kill in 0..KILLS {
        run_and_kill(dir.path(), kill * MESSAGES_PER_CHILD, 10 + (kill * 37 % 90) as usize, &mut said);
        let (ledger, senders, near, _) = ledger();
        let messages = open(dir.path(), &ledger).await;
        let kept = contents(&messages, near).await;
        let contents: BTreeSet<u64> = kept.iter().map(|(_, content)| *content).collect();
        assert_eq!(contents.len(), kept.len(), "each once");
        assert!(kept.iter().all(|(number, _)| *number > said.acknowledged), "{said:?}");
        let lost: Vec<_> = said.near.iter().filter(|n| !contents.contains(n) && !said.fetched.contains(n)).collect();
        assert!(lost.is_empty(), "{lost:?} are lost: {said:?}");
        let mut waiting = 0;
        for sender in &senders {
            let states = states(&messages, *sender).await;
            waiting += states.iter().filter(|state| **state == SentState::Waiting).count() as u64;
        }
        let totals = messages.totals().unwrap();
        assert!(waiting >= said.far.len() as u64, "{waiting}: {said:?}");
        assert_eq!((totals.outbox_count, totals.inbox_count), (waiting, kept.len() as u64));
        assert_eq!(messages.lanes().await.unwrap().is_empty(), waiting == 0);
    }
    assert!(said.near.len() > 50 && said.far.len() > 20 && said.acknowledged > 0, "{said:?}");
}

/// Kills a child once it has said so many answers; what it said until it died counts.
fn run_and_kill(dir: &Path, first: u64, answers: usize, said: &mut Said) {
    let mut child = Reaped(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "messages::tests::crash::child", "--nocapture"])
            .env(FOLDER, dir)
            .env(FIRST, first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut output = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut heard = 0;
    while let Some(Ok(line)) = output.next() {
        if said.hear(&line) {
            heard += 1;
        }
        if heard == answers {
            child.0.kill().unwrap();
        }
    }
    assert!(heard >= answers, "the child failed after {heard} answers");
}

struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // It may have died already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does nothing unless the test above runs it.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let (ledger, senders, near, far) = ledger();
    let messages = open(Path::new(&dir), &ledger).await;
    // A wallet that has had no answer before the crash hands in again.
    for n in (first.saturating_sub(MESSAGES_PER_CHILD)..first).filter(|n| n % 7 == 0) {
        let (sender, to) = (senders[(n % 4) as usize], if n % 3 == 0 { far } else { near });
        messages.accept(sender, ledger.sealed(&to, n, START_MS)).await.unwrap();
    }
    for four in (first..first + MESSAGES_PER_CHILD).step_by(4) {
        let mut running = tokio::task::JoinSet::new();
        for n in four..four + 4 {
            let (messages, sender) = (Arc::clone(&messages), senders[(n % 4) as usize]);
            let to = if n % 3 == 0 { far } else { near };
            let message = ledger.sealed(&to, n, START_MS);
            running.spawn(async move {
                messages.accept(sender, message).await.unwrap();
                println!("{} {n}", if to == far { "far" } else { "near" });
            });
        }
        running.join_all().await;
        if four % 40 == 20 {
            let kept = contents(&messages, near).await;
            kept.iter().for_each(|(_, content)| println!("fetched {content}"));
            let newest = kept.last().map_or(0, |(number, _)| *number);
            messages.acknowledge(near, newest).await.unwrap();
            println!("acknowledged {newest}");
        }
    }
}
