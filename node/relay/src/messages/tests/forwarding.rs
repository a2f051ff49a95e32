//! Between two relays, over wires that fail in every way: each message arrives once and in order, and none holds up
//! others.
use super::*;
use crate::testing::Wire;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_the_other_relay_and_its_sender_learns_it() {
    let world = World::new().await;
    let posted = world.hotel.accept(world.alice, world.sealed(&world.bob, 1)).await.unwrap();
    assert_eq!(posted.state, SentState::Waiting);
    until("it is delivered", || async { states(&world.hotel, world.alice).await == [SentState::Delivered] }).await;
    assert_eq!(contents(&world.books, world.bob).await, [(1, 1)]);
    let totals = world.hotel.totals().unwrap();
    assert_eq!((totals.outbox_count, totals.outbox_bytes), (0, 0));
    assert_eq!(world.books.totals().unwrap().inbox_count, 1);
    let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    let (sender, receiver) = (world.hotel.done(), world.books.done());
    until("it is counted", || async { count(&sender.delivered) == 1 }).await;
    assert_eq!((count(&receiver.received), count(&sender.unanswered)), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_a_restart_and_goes_when_the_other_relay_is_back() {
    let mut world = World::new().await;
    world.books.stop().await;
    for content in 0..5 {
        world.hotel.accept(world.alice, world.sealed(&world.bob, content)).await.unwrap();
        world.hotel.accept(world.anna, world.sealed(&world.ben, 10 + content)).await.unwrap();
    }
    world.restart_hotel().await;
    assert_eq!(states(&world.hotel, world.alice).await, [SentState::Waiting; 5]);
    world.restart_books().await;
    until("all are delivered", || async { world.hotel.totals().unwrap().outbox_count == 0 }).await;
    assert_eq!(states(&world.hotel, world.alice).await, [SentState::Delivered; 5]);
    assert_eq!(contents(&world.books, world.bob).await, [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]);
    assert_eq!(contents(&world.books, world.ben).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_receive_messages_as_their_users_do() {
    let world = World::new().await;
    let books = world.ledger.records().names["city-books.example"];
    world.hotel.accept(world.alice, world.sealed(&books, 1)).await.unwrap();
    until("it is delivered", || async { states(&world.hotel, world.alice).await == [SentState::Delivered] }).await;
    assert_eq!(contents(&world.books, books).await, [(1, 1)]);
}

/// Pauses longer than any test after a relay gave no answer.
const PATIENT: Pace = Pace { retry: (Duration::from_secs(3_600), Duration::from_secs(3_600)), ..QUICK };

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_relay_is_tried_again_when_something_is_new_for_it() {
    let world = World::at(PATIENT).await;
    world.wires.set(Wire::LosesQuestions);
    world.hotel.accept(world.alice, world.sealed(&world.bob, 1)).await.unwrap();
    until("it is tried", || async { world.wires.asked.load(Ordering::SeqCst) == 1 }).await;
    world.wires.set(Wire::Whole);
    // From another sender to another receiver, but to the same relay.
    world.hotel.accept(world.anna, world.sealed(&world.ben, 2)).await.unwrap();
    until("both are delivered", || async { world.hotel.totals().unwrap().outbox_count == 0 }).await;
    assert_eq!(contents(&world.books, world.bob).await, [(1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_relay_is_tried_again_when_it_is_heard_of() {
    let world = World::at(PATIENT).await;
    world.wires.set(Wire::LosesQuestions);
    world.hotel.accept(world.alice, world.sealed(&world.bob, 1)).await.unwrap();
    until("it is tried", || async { world.wires.asked.load(Ordering::SeqCst) == 1 }).await;
    world.wires.set(Wire::Whole);
    world.books.accept(world.bob, world.sealed(&world.alice, 2)).await.unwrap();
    until("both are delivered", || async {
        world.hotel.totals().unwrap().outbox_count + world.books.totals().unwrap().outbox_count == 0
    })
    .await;
    assert_eq!(contents(&world.books, world.bob).await, [(1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_does_not_deliver_twice() {
    let world = World::new().await;
    world.wires.set(Wire::LosesAnswers);
    for content in 0..3 {
        world.hotel.accept(world.alice, world.sealed(&world.bob, content)).await.unwrap();
    }
    until("it is tried several times", || async { world.hotel.done().unanswered.load(Ordering::SeqCst) > 5 }).await;
    assert_eq!(states(&world.hotel, world.alice).await, [SentState::Waiting; 3]);
    // Fetched before the sender's relay knows that it was stored.
    assert_eq!(contents(&world.books, world.bob).await, [(1, 0)]);
    world.books.acknowledge(world.bob, 1).await.unwrap();
    world.wires.set(Wire::Whole);
    until("all are delivered", || async { states(&world.hotel, world.alice).await == [SentState::Delivered; 3] }).await;
    assert_eq!(contents(&world.books, world.bob).await, [(2, 1), (3, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_holds_up_its_own_lane_and_no_other() {
    let world = World::new().await;
    let share = u64::from(limits::INBOX_SHARE_MAX);
    accept_all(&world, &world.hotel, world.alice, world.bob, 0..share + 1).await.unwrap();
    until("his share is used up", || async { world.hotel.totals().unwrap().outbox_count == 1 }).await;
    world.hotel.accept(world.anna, world.sealed(&world.bob, 1_000)).await.unwrap();
    world.hotel.accept(world.alice, world.sealed(&world.ben, 1_001)).await.unwrap();
    until("the others arrive", || async {
        let ben = contents(&world.books, world.ben).await;
        contents(&world.books, world.bob).await.len() as u64 == share + 1 && ben == [(1, 1_001)]
    })
    .await;
    until("only the one waits", || async { world.hotel.totals().unwrap().outbox_count == 1 }).await;
    world.books.acknowledge(world.bob, 10).await.unwrap();
    until("the last one arrives", || async { world.hotel.totals().unwrap().outbox_count == 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_key_that_is_no_longer_the_receivers_is_refused_for_good() {
    let world = World::new().await;
    world.wires.set(Wire::Cut);
    world.hotel.accept(world.alice, world.sealed(&world.bob, 1)).await.unwrap();
    world.ledger.records().accounts.get_mut(&world.bob).unwrap().encryption_key = Some([9; 32]);
    world.hotel.accept(world.alice, world.sealed(&world.bob, 2)).await.unwrap();
    world.wires.set(Wire::Whole);
    until("both are settled", || async { world.hotel.totals().unwrap().outbox_count == 0 }).await;
    assert_eq!(states(&world.hotel, world.alice).await, [SentState::Refused, SentState::Delivered]);
    assert_eq!(contents(&world.books, world.bob).await, [(1, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_suspended_receiver_goes_when_it_is_resumed() {
    let world = World::new().await;
    world.wires.set(Wire::Cut);
    world.hotel.accept(world.alice, world.sealed(&world.bob, 1)).await.unwrap();
    let suspend = |status| world.ledger.records().sites.get_mut("city-books.example").unwrap().status = status;
    suspend(countersign_types::Status::Suspended);
    world.wires.set(Wire::Whole);
    world.hotel.accept(world.bob, world.sealed(&world.anna, 2)).await.unwrap();
    assert_eq!(states(&world.hotel, world.alice).await, [SentState::Waiting]);
    suspend(countersign_types::Status::Active);
    until("it is delivered", || async { states(&world.hotel, world.alice).await == [SentState::Delivered] }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_follows_its_receivers_site_to_another_relay() {
    let world = World::new().await;
    world.wires.set(Wire::Cut);
    world.hotel.accept(world.alice, world.sealed(&world.bob, 1)).await.unwrap();
    let granted = vec![HOTEL, BOOKS].try_into().unwrap();
    let grant = |relays| {
        let mut records = world.ledger.records();
        records.sites.get_mut("city-books.example").unwrap().site.as_mut().unwrap().relays = relays;
    };
    grant(granted);
    // Behind what waits already, although it could be kept here at once.
    world.hotel.accept(world.alice, world.sealed(&world.bob, 2)).await.unwrap();
    until("both are delivered", || async { states(&world.hotel, world.alice).await == [SentState::Delivered; 2] })
        .await;
    assert_eq!(contents(&world.hotel, world.bob).await, [(1, 1), (2, 2)]);
    assert!(matches!(world.books.inbox(world.bob, 0, None).await, Err(Refusal::OtherRelay { home: HOTEL })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_follows_its_receivers_site_to_another_relay_and_back() {
    let world = World::new().await;
    let bob = world.bob;
    for content in 1..=3 {
        world.books.accept(world.ben, world.sealed(&bob, content)).await.unwrap();
    }
    world.books.acknowledge(bob, 1).await.unwrap();
    let grant = |relays: Vec<PublicKey>| {
        let mut records = world.ledger.records();
        let standing = records.sites.get_mut("city-books.example").unwrap();
        standing.site.as_mut().unwrap().relays = relays.try_into().unwrap();
    };
    grant(vec![HOTEL, BOOKS]);
    let kept = |node: &Node| (node.totals().unwrap().inbox_count, node.totals().unwrap().outbox_count);
    until("they are at the hotel's relay", || async { kept(&world.hotel) == (2, 0) && kept(&world.books) == (0, 0) })
        .await;
    assert_eq!(contents(&world.hotel, bob).await, [(1, 2), (2, 3)]);
    grant(vec![BOOKS]);
    until("they are back", || async { kept(&world.books) == (2, 0) && kept(&world.hotel) == (0, 0) }).await;
    assert_eq!(contents(&world.books, bob).await, [(4, 2), (5, 3)]);
}

/// A source of chance that a seed decides.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = u64::from_le_bytes(*Hash::of_encoded("test-chance", &self.0).0.first_chunk().unwrap());
        self.0 % limit
    }
}

/// What was sent and what arrived.
#[derive(Default)]
struct Journal {
    /// By sender and receiver: what was taken, in order.
    accepted: BTreeMap<(AccountId, AccountId), Vec<u64>>,
    /// By receiver: what was fetched, in order.
    fetched: BTreeMap<AccountId, Vec<u64>>,
    /// By receiver: the last number it has acknowledged.
    acknowledged: BTreeMap<AccountId, u64>,
}

impl Journal {
    /// Fetches what is new for an account, and acknowledges it or has not come to that when it fetches next.
    async fn fetch(&mut self, node: &Messages, account: AccountId, acknowledges: bool) {
        let seen = self.acknowledged.get(&account).copied().unwrap_or(0);
        let new = contents(node, account).await;
        assert!(new.iter().all(|(number, _)| *number > seen), "{seen} was acknowledged, but: {new:?}");
        if let Some((newest, _)) = new.last().filter(|_| acknowledges) {
            node.acknowledge(account, *newest).await.unwrap();
            self.acknowledged.insert(account, *newest);
            self.fetched.entry(account).or_default().extend(new.iter().map(|(_, content)| content));
        }
    }

    fn check(&self) {
        for ((sender, receiver), accepted) in &self.accepted {
            let fetched = self.fetched.get(receiver).map(Vec::as_slice).unwrap_or_default();
            let from: Vec<u64> = fetched.iter().copied().filter(|content| accepted.contains(content)).collect();
            assert_eq!(&from, accepted, "from {sender:?} to {receiver:?}");
        }
        let fetched: usize = self.fetched.values().map(Vec::len).sum();
        assert_eq!(fetched, self.accepted.values().map(Vec::len).sum::<usize>());
    }
}

async fn run_script(seed: u64) {
    let mut world = World::new().await;
    let (mut chance, mut journal) = (Chance(seed), Journal::default());
    let users = [world.alice, world.anna, world.bob, world.ben];
    world.wires.set(Wire::Unsteady(seed));
    for step in 0..150 {
        match chance.below(20) {
            0 => world.restart_hotel().await,
            1 => world.restart_books().await,
            2 => world.wires.set(Wire::Cut),
            3 => world.wires.set(Wire::Unsteady(chance.below(u64::MAX))),
            4..8 => {
                let at = chance.below(4) as usize;
                let node = if at < 2 { &world.hotel } else { &world.books };
                journal.fetch(node, users[at], chance.below(2) == 0).await;
            }
            _ => {
                let (from, to) = (users[chance.below(4) as usize], users[chance.below(4) as usize]);
                let at_home = [world.alice, world.anna].contains(&from);
                let node = if at_home { &world.hotel } else { &world.books };
                let message = world.sealed(&to, step);
                node.accept(from, message.clone()).await.unwrap();
                if chance.below(5) == 0 {
                    node.accept(from, message).await.unwrap();
                }
                journal.accepted.entry((from, to)).or_default().push(step);
            }
        }
    }
    world.wires.set(Wire::Whole);
    let waiting = |node: &Node| node.totals().unwrap().outbox_count;
    until("all are delivered", || async { waiting(&world.hotel) + waiting(&world.books) == 0 }).await;
    for (at, account) in users.into_iter().enumerate() {
        let node = if at < 2 { &world.hotel } else { &world.books };
        journal.fetch(node, account, true).await;
    }
    journal.check();
    for node in [&world.hotel, &world.books] {
        assert_eq!(node.totals().unwrap().bytes(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_arrives_once_and_in_order_whatever_fails() {
    for seed in 0..8 {
        run_script(seed).await;
    }
}
