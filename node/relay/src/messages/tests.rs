//! Messages on a real disk: what is taken and refused, kept and forgotten, and how much.
mod crash;
mod forwarding;
mod refusals;

use super::*;
use crate::testing::{START_MS, TestClock, TestLedger, Wires, content};
use countersign_rpc_types::ErrorCode;
use parity_scale_codec::Encode;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

const HOTEL: PublicKey = PublicKey([1; 32]);
const BOOKS: PublicKey = PublicKey([2; 32]);

/// Pauses as short as a test's.
const QUICK: Pace = Pace {
    retry: (Duration::from_millis(1), Duration::from_millis(20)),
    fresh: Duration::from_millis(1),
    lane: (Duration::from_millis(1), Duration::from_millis(20)),
    sweep: Duration::from_millis(5),
};

/// Opens a folder that another instance may just be leaving.
async fn open_store(dir: &Path) -> Arc<Store> {
    soon("the folder is free", async {
        loop {
            match Store::open(dir) {
                Ok(store) => return Arc::new(store),
                Err(StoreError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(1)).await,
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await
}

/// What comes to its end, or the test fails.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(Duration::from_secs(120), future).await;
    ended.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Waits until `condition` holds.
async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    soon(what, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Two relays, a site at each, and two users at each site.
struct World {
    ledger: Arc<TestLedger>,
    clock: TestClock,
    wires: Arc<Wires>,
    hotel: Node,
    books: Node,
    alice: AccountId,
    anna: AccountId,
    bob: AccountId,
    ben: AccountId,
}

struct Node {
    key: PublicKey,
    dir: TempDir,
    messages: Option<Arc<Messages>>,
    task: Option<JoinHandle<()>>,
    pace: Pace,
}

impl Node {
    fn new(key: PublicKey, pace: Pace) -> Self {
        Self { key, dir: tempfile::tempdir().unwrap(), messages: None, task: None, pace }
    }

    async fn start(&mut self, ledger: &Arc<TestLedger>, clock: &TestClock, wires: &Arc<Wires>) {
        let store = open_store(self.dir.path()).await;
        let messages = Messages::open(store, ledger.clone(), wires.end(self.key), self.key, clock.clock()).unwrap();
        let messages = Arc::new(messages);
        wires.join(&messages);
        self.task = Some(tokio::spawn(Arc::clone(&messages).run_at(self.pace)));
        self.messages = Some(messages);
    }

    async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        self.messages = None;
    }
}

impl std::ops::Deref for Node {
    type Target = Messages;
    fn deref(&self) -> &Messages {
        self.messages.as_ref().unwrap()
    }
}

impl World {
    async fn new() -> Self {
        Self::at(QUICK).await
    }

    async fn at(pace: Pace) -> Self {
        let (ledger, clock, wires) = (Arc::new(TestLedger::default()), TestClock::new(), Wires::new());
        ledger.add_member("harbor-hotel.example", &[HOTEL]);
        ledger.add_member("city-books.example", &[BOOKS]);
        let (mut hotel, mut books) = (Node::new(HOTEL, pace), Node::new(BOOKS, pace));
        hotel.start(&ledger, &clock, &wires).await;
        books.start(&ledger, &clock, &wires).await;
        let [alice, anna] = ["alice", "anna"].map(|user| ledger.add_user(&format!("{user}@harbor-hotel.example")));
        let [bob, ben] = ["bob", "ben"].map(|user| ledger.add_user(&format!("{user}@city-books.example")));
        Self { ledger, clock, wires, hotel, books, alice, anna, bob, ben }
    }

    fn sealed(&self, to: &AccountId, content: u64) -> Vec<u8> {
        self.ledger.sealed(to, content, self.clock.ms())
    }

    /// A message as `to` has it from now, of so many bytes.
    fn sized(&self, to: &AccountId, content: u64, bytes: usize) -> Vec<u8> {
        self.ledger.seal(to, content, bytes, self.clock.ms()).encode()
    }

    async fn restart_hotel(&mut self) {
        self.hotel.stop().await;
        self.hotel.start(&self.ledger, &self.clock, &self.wires).await;
    }

    async fn restart_books(&mut self) {
        self.books.stop().await;
        self.books.start(&self.ledger, &self.clock, &self.wires).await;
    }
}

/// What an inbox holds, by number.
async fn contents(node: &Messages, account: AccountId) -> Vec<(u64, u64)> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = node.inbox(account, after, None).await.unwrap();
        all.extend(page.messages.iter().map(|message| (message.number, content(&message.envelope.0))));
        if !page.more {
            return all;
        }
        after = page.next;
    }
}

/// Hands in small messages with these contents all at once; the first refusal, if there is one.
async fn accept_all(
    world: &World,
    node: &Node,
    sender: AccountId,
    to: AccountId,
    contents: std::ops::Range<u64>,
) -> Result<(), Refusal> {
    let mut running = tokio::task::JoinSet::new();
    for content in contents {
        let (node, message) = (Arc::clone(node.messages.as_ref().unwrap()), world.sealed(&to, content));
        running.spawn(async move { node.accept(sender, message).await });
    }
    running.join_all().await.into_iter().try_for_each(|accepted| accepted.map(|_| ()))
}

async fn states(node: &Messages, sender: AccountId) -> Vec<SentState> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = node.sent(sender, after, None).await.unwrap();
        all.extend(page.messages.iter().map(|sent| sent.state));
        if !page.more {
            return all;
        }
        after = page.next;
    }
}

#[test]
fn the_bytes_on_disk_are_frozen() {
    let totals = Totals { inbox_count: 1, inbox_bytes: 2, outbox_count: 3, outbox_bytes: 4, outbox_newest: 5 }.encode();
    let dues =
        [expiry::Due::Kept(Hash([1; 32])), expiry::Due::Waiting([2; 16], 3), expiry::Due::Sent(AccountId([4; 32]), 5)];
    let dues = dues.iter().map(Encode::encode);
    let all = [inbox::rows(), outbox::rows(), sent::rows(), vec![totals], dues.collect()].concat().concat();
    assert_eq!(
        Hash::of("relay-disk", &all).to_string(),
        "3150a1fa9c9590bbd3d06cda4cf1371ef0c9dacb9cc7bc9d732b4a4f551b1b76"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_kept_until_it_is_acknowledged_and_its_number_is_never_given_again() {
    let mut world = World::new().await;
    let anna = world.anna;
    for content in 1..=3 {
        let posted = world.hotel.accept(world.alice, world.sealed(&anna, content)).await.unwrap();
        assert!(posted.id.starts_with("csm1"), "{posted:?}");
        assert_eq!(posted.state, SentState::Delivered);
    }
    assert_eq!(contents(&world.hotel, anna).await, [(1, 1), (2, 2), (3, 3)]);
    world.restart_hotel().await;
    assert_eq!(contents(&world.hotel, anna).await, [(1, 1), (2, 2), (3, 3)]);
    assert_eq!(world.hotel.acknowledge(anna, 2).await.unwrap().count, 2);
    assert_eq!(world.hotel.acknowledge(anna, 2).await.unwrap().count, 0);
    assert_eq!(contents(&world.hotel, anna).await, [(3, 3)]);
    assert_eq!(world.hotel.acknowledge(anna, u64::MAX).await.unwrap().count, 1);
    world.restart_hotel().await;
    assert_eq!(contents(&world.hotel, anna).await, []);
    world.hotel.accept(world.alice, world.sealed(&anna, 4)).await.unwrap();
    assert_eq!(contents(&world.hotel, anna).await, [(4, 4)]);
    let totals = world.hotel.totals().unwrap();
    assert_eq!((totals.inbox_count, totals.outbox_count, totals.outbox_bytes), (1, 0, 0));
    assert_eq!(totals.inbox_bytes, world.sealed(&anna, 4).len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_twice_is_one_even_after_it_was_fetched() {
    let mut world = World::new().await;
    let (alice, anna) = (world.alice, world.anna);
    let message = world.sealed(&anna, 1);
    let first = world.hotel.accept(alice, message.clone()).await.unwrap();
    assert_eq!(world.hotel.accept(alice, message.clone()).await.unwrap(), first);
    world.hotel.acknowledge(anna, 1).await.unwrap();
    world.restart_hotel().await;
    assert_eq!(world.hotel.accept(alice, message.clone()).await.unwrap(), first);
    // Somebody else who has got hold of it.
    assert_eq!(world.hotel.accept(world.bob, message.clone()).await.unwrap().state, SentState::Delivered);
    assert_eq!(contents(&world.hotel, anna).await, []);
    assert_eq!(states(&world.hotel, alice).await, [SentState::Delivered]);
    // It was taken: that the ledger would refuse it now does not make it untaken.
    world.ledger.records().accounts.get_mut(&anna).unwrap().encryption_key = None;
    assert_eq!(world.hotel.accept(alice, message.clone()).await.unwrap(), first);
    assert!(matches!(world.hotel.accept(world.ben, message).await, Err(Refusal::Receiver(ReceiverFault::OtherKey))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_is_read_in_pages_bounded_by_count_and_bytes() {
    let world = World::new().await;
    let anna = world.anna;
    let large = INBOX_PAGE_BYTES / 2 - 100_000;
    for content in 0..5 {
        world.hotel.accept(world.alice, world.sized(&anna, content, large)).await.unwrap();
    }
    let page = world.hotel.inbox(anna, 0, Some(1)).await.unwrap();
    assert_eq!((page.messages.len(), page.next, page.more), (1, 1, true));
    let page = world.hotel.inbox(anna, 1, None).await.unwrap();
    assert_eq!((page.messages.len(), page.next, page.more), (2, 3, true));
    let page = world.hotel.inbox(anna, 3, None).await.unwrap();
    assert_eq!((page.messages.len(), page.next, page.more), (2, 5, false));
    let page = world.hotel.inbox(anna, 5, None).await.unwrap();
    assert_eq!((page.messages.len(), page.next, page.more), (0, 5, false));
    let page = world.hotel.inbox(anna, u64::MAX, None).await.unwrap();
    assert_eq!((page.messages.len(), page.more), (0, false));
    accept_all(&world, &world.hotel, world.alice, anna, 10..200).await.unwrap();
    let page = world.hotel.inbox(anna, 5, Some(u32::MAX)).await.unwrap();
    assert_eq!((page.messages.len(), page.next, page.more), (INBOX_PAGE_MAX as usize, 105, true));
    let sent = world.hotel.sent(world.alice, 0, Some(7)).await.unwrap();
    assert_eq!((sent.messages.len(), sent.next, sent.more), (7, 7, true));
    let sent = world.hotel.sent(world.alice, 190, None).await.unwrap();
    assert_eq!((sent.messages.len(), sent.next, sent.more), (5, 195, false));
    assert_eq!((sent.messages[0].number, &sent.messages[0].to), (191, &anna.to_string()));
}

const INBOX_PAGE_BYTES: usize = countersign_rpc_types::relay::INBOX_PAGE_BYTES_MAX;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_told_of_new_messages() {
    let mut world = World::new().await;
    let mut watched = world.hotel.changed(world.anna).await.unwrap();
    assert_eq!(*watched.borrow_and_update(), 0);
    world.hotel.accept(world.alice, world.sealed(&world.anna, 1)).await.unwrap();
    soon("whoever watches is told", watched.changed()).await.unwrap();
    assert_eq!(*watched.borrow_and_update(), 1);
    world.books.accept(world.bob, world.sealed(&world.anna, 2)).await.unwrap();
    soon("whoever watches is told", watched.changed()).await.unwrap();
    assert_eq!(*watched.borrow_and_update(), 2);
    drop(watched);
    world.restart_hotel().await;
    assert_eq!(*world.hotel.changed(world.anna).await.unwrap().borrow(), 2, "told at once of what waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_forgotten_and_its_sender_told() {
    let world = World::new().await;
    world.wires.set(crate::testing::Wire::Cut);
    world.hotel.accept(world.alice, world.sealed(&world.anna, 1)).await.unwrap();
    let lost = world.sealed(&world.bob, 2);
    let waiting = world.hotel.accept(world.alice, lost.clone()).await.unwrap();
    assert_eq!(waiting.state, SentState::Waiting);
    assert_eq!(states(&world.hotel, world.alice).await, [SentState::Delivered, SentState::Waiting]);
    world.clock.advance_ms(3_600_000);
    assert_eq!(contents(&world.hotel, world.anna).await, [], "expired ones are not shown, forgotten or not");
    world.clock.advance_ms(60_000);
    let hotel = &world.hotel;
    until("the message expires", || async { states(hotel, world.alice).await[1] == SentState::Expired }).await;
    until("both are gone", || async { hotel.totals().unwrap().bytes() == 0 }).await;
    let totals = hotel.totals().unwrap();
    assert_eq!((totals.inbox_count, totals.outbox_count), (0, 0));
    assert_eq!(hotel.accept(world.alice, lost.clone()).await.unwrap().state, SentState::Expired);
    assert!(matches!(hotel.accept(world.anna, lost).await, Err(Refusal::Expired)));
    world.clock.advance_ms(limits::SENT_KEPT_MS);
    until("its fate is forgotten", || async { states(hotel, world.alice).await.is_empty() }).await;
    // Its numbers go on.
    hotel.accept(world.alice, world.sealed(&world.anna, 3)).await.unwrap();
    assert_eq!(hotel.sent(world.alice, 0, None).await.unwrap().messages[0].number, 3);
    assert_eq!(contents(hotel, world.anna).await, [(2, 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_fills_an_inbox_alone_and_nobody_overfills_it() {
    let world = World::new().await;
    let anna = world.anna;
    let quarter = u64::from(limits::INBOX_SHARE_MAX);
    accept_all(&world, &world.hotel, world.alice, anna, 0..quarter).await.unwrap();
    let refused = world.hotel.accept(world.alice, world.sealed(&anna, quarter)).await.unwrap_err();
    assert!(matches!(refused, Refusal::Quota(Whose::Receiver)));
    assert_eq!(refused.fault().code, ErrorCode::QuotaReached as i32);
    assert_eq!(refused.fault().data.unwrap()["whose"], "receiver");
    assert_eq!(states(&world.hotel, world.alice).await.len() as u64, quarter, "what was refused is not recorded");
    for (sender, first) in [(world.bob, 1_000), (world.ben, 2_000), (anna, 3_000)] {
        accept_all(&world, &world.hotel, sender, anna, first..first + quarter).await.unwrap();
    }
    let carol = world.ledger.add_user("carol@harbor-hotel.example");
    let refused = world.hotel.accept(carol, world.sealed(&anna, 4_000)).await;
    assert!(matches!(refused, Err(Refusal::Quota(Whose::Receiver))));
    world.hotel.accept(carol, world.sealed(&world.alice, 4_001)).await.unwrap();
    world.hotel.acknowledge(anna, 1).await.unwrap();
    world.hotel.accept(world.alice, world.sealed(&anna, 5_000)).await.unwrap();
    assert_eq!(contents(&world.hotel, anna).await.len(), limits::INBOX_COUNT_MAX as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_an_inbox_and_of_a_senders_share_are_bounded() {
    let world = World::new().await;
    let large = 1024 * 1024;
    let fits = limits::INBOX_SHARE_BYTES_MAX / (large as u64 + 200);
    for content in 0..fits {
        world.hotel.accept(world.alice, world.sized(&world.anna, content, large)).await.unwrap();
    }
    let refused = world.hotel.accept(world.alice, world.sized(&world.anna, fits, large)).await;
    assert!(matches!(refused, Err(Refusal::Quota(Whose::Receiver))));
    world.hotel.accept(world.alice, world.sealed(&world.anna, 99)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_has_so_much_waiting_and_sends_so_much_an_hour() {
    let world = World::new().await;
    world.wires.set(crate::testing::Wire::Cut);
    let alice = world.alice;
    let most = u64::from(limits::SENDER_WAITING_MAX);
    accept_all(&world, &world.hotel, alice, world.bob, 0..most).await.unwrap();
    let refused = world.hotel.accept(alice, world.sealed(&world.bob, most)).await.unwrap_err();
    assert!(matches!(refused, Refusal::Quota(Whose::Sender)));
    assert_eq!(refused.fault().data.unwrap()["whose"], "sender");
    world.hotel.accept(world.anna, world.sealed(&world.bob, most)).await.unwrap();
    // The rest of the hour goes to an inbox that is emptied all the time.
    let hourly = u64::from(limits::SENDER_HOURLY_MAX);
    for first in (most..hourly).step_by(200) {
        accept_all(&world, &world.hotel, alice, world.anna, first..hourly.min(first + 200)).await.unwrap();
        world.hotel.acknowledge(world.anna, u64::MAX).await.unwrap();
    }
    let refused = world.hotel.accept(alice, world.sealed(&world.anna, hourly)).await;
    assert!(matches!(refused, Err(Refusal::Quota(Whose::Sender))));
    world.clock.advance_ms(3_600_000 - START_MS % 3_600_000);
    world.hotel.accept(alice, world.sealed(&world.anna, hourly)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_a_sender_has_waiting_are_bounded() {
    let world = World::new().await;
    world.wires.set(crate::testing::Wire::Cut);
    let large = 1024 * 1024;
    let fits = limits::SENDER_WAITING_BYTES_MAX / (large as u64 + 200);
    for content in 0..fits {
        world.hotel.accept(world.alice, world.sized(&world.bob, content, large)).await.unwrap();
    }
    let refused = world.hotel.accept(world.alice, world.sized(&world.bob, fits, large)).await;
    assert!(matches!(refused, Err(Refusal::Quota(Whose::Sender))));
    world.hotel.accept(world.alice, world.sealed(&world.bob, fits)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_holds_so_much_and_no_more() {
    let world = World::new().await;
    world.wires.set(crate::testing::Wire::Cut);
    let message = world.sealed(&world.anna, 1);
    let set = async |totals: Totals| {
        world.hotel.store.write(0, move |transaction| totals.save(transaction)).await.unwrap();
    };
    let room = limits::STORED_BYTES_MAX - message.len() as u64;
    set(Totals { inbox_bytes: room + 1, ..Totals::default() }).await;
    let refused = world.hotel.accept(world.alice, message.clone()).await.unwrap_err();
    assert_eq!(refused.fault().data.unwrap()["whose"], "relay");
    let refused = world.hotel.accept(world.alice, world.sealed(&world.bob, 2)).await;
    assert!(matches!(refused, Err(Refusal::Quota(Whose::Relay))));
    let brought = Question::Deliver { tag: [3; 16], envelope: message.clone().try_into().unwrap() }.write();
    let answer = Answer::read(&world.hotel.answer(&BOOKS, &brought).await).unwrap();
    assert_eq!(answer, Answer::Full(Full::Relay));
    set(Totals { inbox_bytes: room, ..Totals::default() }).await;
    world.hotel.accept(world.alice, message).await.unwrap();
    set(Totals { outbox_count: limits::OUTBOX_COUNT_MAX, ..Totals::default() }).await;
    let refused = world.hotel.accept(world.alice, world.sealed(&world.bob, 3)).await;
    assert!(matches!(refused, Err(Refusal::Quota(Whose::Relay))));
    world.hotel.accept(world.alice, world.sealed(&world.anna, 4)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_sent_messages_the_oldest_are_forgotten_unless_they_wait() {
    let world = World::new().await;
    let (alice, bob) = (world.alice, world.bob);
    let (at, expires_at) = (Timestamp::from_millis(START_MS), Timestamp::from_millis(START_MS + 3_600_000));
    let many = limits::SENT_REMEMBERED_MAX + 10;
    let send = move |transaction: &WriteTransaction| {
        for n in 1..=many {
            let id = Hash::of_encoded("test-message", &n);
            // In so many hours that no quota is reached.
            let at = Timestamp::from_millis(at.millis() + n * 3_600_000);
            let message = HandedIn { sender: alice, id, to: bob, at, expires_at, bytes: 1 };
            let sender = sent::check(transaction, &message, false)?.unwrap();
            let state = if n == 5 { State::Waiting } else { State::Delivered };
            assert_eq!(sent::record(transaction, &message, sender, state)?, n);
        }
        let known = |n: u64| sent::known(transaction, &alice, &Hash::of_encoded("test-message", &n));
        assert_eq!((known(1)?, known(5)?, known(10)?), (None, Some(State::Waiting), None));
        assert_eq!((known(11)?, known(many)?), (Some(State::Delivered), Some(State::Delivered)));
        Ok(())
    };
    world.hotel.store.write(0, send).await.unwrap();
    let first = world.hotel.sent(alice, 0, Some(2)).await.unwrap().messages;
    assert_eq!([first[0].number, first[1].number], [5, 11]);
}
