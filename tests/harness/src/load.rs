//! People who keep paying each other through whatever nodes run, and a book of every payment: who took it, who called it final.
use crate::network::Directory;
use crate::{CallError, LOOK_EVERY, Person, Plan, Rpc, now_ms, signed, wait_for};
use countersign_types::Hash;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a worker looks after one payment before it makes the next: a network that halts must not stop the load.
const FOLLOWED: Duration = Duration::from_secs(2);

/// A payment that was offered to a node.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub id: String,
    pub from: usize,
    pub to: usize,
    pub amount: u128,
    /// The node that took it, and how often that had lost its memory then.
    pub taken: Option<(usize, u32)>,
    /// What a node told when it called it final.
    pub told: Option<Value>,
}

/// Every payment of all loads of a network.
#[derive(Debug)]
pub(crate) struct Book {
    pub people: Vec<Person>,
    pub payments: Vec<Payment>,
    /// Payments refused at the door, with what the node said: none should be.
    pub refused: Vec<String>,
}

impl Book {
    pub fn new(plan: &Plan) -> Self {
        Self { people: plan.people(), payments: Vec::new(), refused: Vec::new() }
    }
}

/// Payments that go on until it is dropped.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    finals: Arc<AtomicU64>,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(
        directory: &Directory,
        book: &Arc<Mutex<Book>>,
        chain: Hash,
        people: Vec<Person>,
        workers: usize,
    ) -> Self {
        let (stop, finals) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let worker = |number: usize| {
            let worker = Worker {
                directory: directory.clone(),
                book: book.clone(),
                stop: stop.clone(),
                finals: finals.clone(),
                chain,
                people: people.clone(),
                number,
            };
            std::thread::spawn(move || worker.run())
        };
        let workers = (0..workers).map(worker).collect();
        Self { stop, finals, workers }
    }

    /// Payments nodes have called final so far.
    pub fn finals(&self) -> u64 {
        self.finals.load(Ordering::Relaxed)
    }

    /// Waits until nodes have called `more` payments final.
    ///
    /// # Errors
    /// If they do not in time.
    pub fn until_finals(&self, more: u64) -> anyhow::Result<()> {
        let target = self.finals() + more;
        wait_for(&format!("{more} more payments to be final"), || (self.finals() >= target).then_some(()))
    }

    /// Ends it: no payment is offered after this.
    pub fn end(self) {}
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers.drain(..) {
            // The verdict reports a worker that panicked: its lock is poisoned, or its payments are missing.
            let _ = worker.join();
        }
    }
}

struct Worker {
    directory: Directory,
    book: Arc<Mutex<Book>>,
    stop: Arc<AtomicBool>,
    finals: Arc<AtomicU64>,
    chain: Hash,
    people: Vec<Person>,
    number: usize,
}

impl Worker {
    fn run(self) {
        let mut turn = self.number;
        while !self.stop.load(Ordering::Relaxed) {
            turn += 1;
            let nodes = self.directory.list().clone();
            let node = turn % nodes.len();
            let Some(address) = &nodes[node].address else {
                // Another node next; if none runs, this is what keeps the worker from spinning.
                std::thread::sleep(LOOK_EVERY);
                continue;
            };
            self.pay(node, nodes[node].losses, address);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no holder of the book panics")
    }

    /// Makes a payment at a node and looks after it.
    fn pay(&self, node: usize, losses: u32, address: &str) {
        let (place, made) = {
            let mut book = self.book();
            let place = book.payments.len();
            let (from, to) = (place % self.people.len(), (place * 7 + 1) % self.people.len());
            let to = if to == from { (to + 1) % self.people.len() } else { to };
            let amount = 1 + place as u128 % 97;
            let call = self.people[from].pay(&self.people[to], amount);
            let made = signed(&self.chain, call, place as u64, now_ms(), &[self.people[from]]);
            book.payments.push(Payment { id: made.id.clone(), from, to, amount, taken: None, told: None });
            (place, made)
        };
        let mut rpc = Rpc::new(address);
        match rpc.call("tx_submit", &json!([format!("0x{}", hex::encode(&made.bytes))])) {
            Ok(_) => self.book().payments[place].taken = Some((node, losses)),
            Err(CallError::Refused(error)) => return self.book().refused.push(format!("{}: {error}", made.id)),
            Err(CallError::NoAnswer(_)) => return,
        }
        let began = Instant::now();
        while began.elapsed() < FOLLOWED && !self.stop.load(Ordering::Relaxed) {
            // A node that is gone is no longer asked.
            let Ok(status) = rpc.call("tx_status", &json!([made.id])) else { return };
            if status["state"] == "final" {
                self.book().payments[place].told = Some(status);
                self.finals.fetch_add(1, Ordering::Relaxed);
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}
