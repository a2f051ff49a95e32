//! Killed at any instant, a store loses nothing that it acknowledged, and its state is that of the checkpoint's height.
//!
//! The test runs itself again as a child that commits blocks and makes checkpoints from two threads, as a node does, and says
//! so on its output; it kills the child, looks at the store, and lets the next child go on from there.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod chain;

use chain::{assert_is, block, changes, h};
use countersign_state::{Changes, Checkpoint, DiskOptions, DiskStore, Snapshot, Store};
use countersign_types::Hash;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

/// Names the store's directory to a child.
const DIRECTORY: &str = "COUNTERSIGN_STATE_CRASH_DIRECTORY";
const KILLS: usize = 12;
/// A child ends by itself after this many blocks, so that none is left behind.
const BLOCKS_PER_CHILD: u64 = 5_000;

/// Small segments, so that they are closed while children die.
fn open(directory: &Path) -> DiskStore {
    DiskStore::open(directory, DiskOptions { segment_bytes: 4_000, ..DiskOptions::default() }).unwrap()
}

fn hash_of(height: u64) -> Hash {
    Hash::of("proposal", &height.to_le_bytes())
}

#[test]
fn a_killed_store_has_all_it_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut states = vec![Snapshot::empty()];
    for kill in 0..KILLS {
        let acknowledged = run_and_kill(directory.path(), 5 + kill * 17 % 60);
        let store = open(directory.path());
        let tip = store.tip().unwrap().unwrap_or_default();
        assert!(tip.get() >= acknowledged.committed, "{tip} is the tip, {acknowledged:?}");
        for height in 1..=tip.get() {
            assert_eq!(store.block(h(height)).unwrap(), Some(block(height)));
            assert_eq!(store.certificate(h(height)).unwrap(), Some(height.to_le_bytes().to_vec()));
        }
        if acknowledged.proposed > tip.get() {
            let bytes = store.proposal_bytes(&hash_of(acknowledged.proposed)).unwrap();
            assert_eq!(bytes, Some(block(acknowledged.proposed)));
        }
        let checkpoint = store.checkpoint_height().unwrap().unwrap_or_default().get();
        assert!(
            (acknowledged.checkpoint..=tip.get()).contains(&checkpoint),
            "checkpoint {checkpoint}, {acknowledged:?}"
        );
        while states.len() as u64 <= checkpoint {
            let last = &states[states.len() - 1];
            let height = states.len() as u64;
            states.push(last.apply(h(height), &changes(last, height)));
        }
        assert_is(&store.load().unwrap(), &states[checkpoint as usize]);
        assert!((1..=checkpoint).all(|height| store.receipts(h(height)).unwrap() == Some(block(height))));
        assert!((1..=checkpoint).all(|height| store.index_get(&height.to_be_bytes()).unwrap() == Some(block(height))));
    }
}

/// The last heights a child spoke of.
#[derive(Debug, Default)]
struct Acknowledged {
    proposed: u64,
    committed: u64,
    checkpoint: u64,
}

impl Acknowledged {
    fn read(&mut self, line: &str) {
        // The test runner writes lines of its own.
        let Some((what, height)) = line.split_once(' ').and_then(|(what, n)| Some((what, n.parse().ok()?))) else {
            return;
        };
        match what {
            "proposed" => self.proposed = height,
            "committed" => self.committed = height,
            "checkpoint" => self.checkpoint = height,
            _ => {}
        }
    }
}

/// Kills a child once it has written `lines` lines; what it wrote until it died counts.
fn run_and_kill(directory: &Path, lines: usize) -> Acknowledged {
    let mut child = Reaped(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut output = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut acknowledged = Acknowledged::default();
    let mut read = 0;
    while let Some(Ok(line)) = output.next() {
        acknowledged.read(&line);
        read += 1;
        if read == lines {
            child.0.kill().unwrap();
        }
    }
    assert!(read >= lines, "the child failed after {read} lines");
    acknowledged
}

struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // It may have died already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does nothing unless it is run by the test above.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let store = open(Path::new(&directory));
    let mut state = store.load().unwrap();
    let tip = store.tip().unwrap().unwrap_or_default().get();
    let (send, executed) = mpsc::channel();
    std::thread::scope(|scope| {
        let from = state.height().get();
        scope.spawn(|| make_checkpoints(&store, executed));
        for height in from + 1..=tip + BLOCKS_PER_CHILD {
            if height > tip {
                store.put_proposal(h(height), 0, hash_of(height), &block(height)).unwrap();
                say("proposed", height);
                store.commit_block(h(height), &block(height), &height.to_le_bytes()).unwrap();
                say("committed", height);
            }
            let changes = changes(&state, height);
            state = state.apply(h(height), &changes);
            send.send((state.clone(), changes)).unwrap();
        }
        drop(send);
    });
}

/// Makes a checkpoint of all blocks executed since the last.
fn make_checkpoints(store: &DiskStore, executed: mpsc::Receiver<(Snapshot, Changes)>) {
    while let Ok(first) = executed.recv() {
        let mut checkpoint = Checkpoint::default();
        for (state, changes) in std::iter::once(first).chain(executed.try_iter()) {
            checkpoint.height = state.height();
            checkpoint.root = state.root();
            checkpoint.changes.merge(changes);
            let height = state.height().get();
            checkpoint.receipts.push((state.height(), block(height)));
            checkpoint.index.push((height.to_be_bytes().to_vec(), block(height)));
        }
        store.checkpoint(&checkpoint).unwrap();
        say("checkpoint", checkpoint.height.get());
    }
}

fn say(what: &str, height: u64) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{what} {height}").unwrap();
    output.flush().unwrap();
}
