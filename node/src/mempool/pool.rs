//! The waiting transactions: bounded, fair between members, in memory. Knows no clock, no state and no threads.
use countersign_types::{AccountId, Hash, Timestamp, VerifiedTransaction};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Ids of finished transactions that are remembered, so that a copy still travelling between nodes is not taken in again
/// while the state it is checked against is a block old: some blocks' worth at the highest rate.
const FINISHED_MAX: usize = 65_536;

/// How much may wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolLimits {
    /// Bytes of all waiting transactions.
    pub bytes_max: usize,
    /// Waiting transactions.
    pub transactions_max: usize,
    /// Of either, in percent, what one member may fill while others' transactions wait.
    pub share_percent_max: u8,
}

impl PoolLimits {
    /// What part of the pool that many bytes and transactions are, in millionths: the larger of both.
    fn part(&self, bytes: usize, count: usize) -> u128 {
        let of = |used: usize, most: usize| used as u128 * 1_000_000 / most.max(1) as u128;
        of(bytes, self.bytes_max).max(of(count, self.transactions_max))
    }

    fn holds(&self, bytes: usize, count: usize) -> bool {
        bytes <= self.bytes_max && count <= self.transactions_max
    }
}

/// Why a transaction does not wait here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PoolError {
    /// It waits already, or ran a moment ago.
    #[error("the transaction is known already")]
    Known,
    /// The pool is full and the transaction's member holds at least as much of it as any other.
    #[error("the mempool is full: {transactions} transactions, {bytes} bytes")]
    Full {
        /// Transactions waiting.
        transactions: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// The transaction's member holds its share of the pool, and others' transactions wait too.
    #[error("the member that pays holds its share of the mempool, {percent} percent")]
    Share {
        /// What one member may hold.
        percent: u8,
    },
}

/// What one member's transactions take.
#[derive(Default, Debug)]
struct Queue {
    /// In the order of arrival.
    waiting: BTreeMap<u64, Arc<VerifiedTransaction>>,
    bytes: usize,
}

#[derive(Debug)]
struct Place {
    member: AccountId,
    arrival: u64,
}

/// The waiting transactions.
#[derive(Debug)]
pub struct Pool {
    limits: PoolLimits,
    places: HashMap<Hash, Place>,
    queues: BTreeMap<AccountId, Queue>,
    by_expiry: BTreeSet<(Timestamp, Hash)>,
    /// Those that clients of this node handed in.
    own: HashSet<Hash>,
    bytes: usize,
    arrivals: u64,
    /// The member whose turn is first in the next block.
    turn: Option<AccountId>,
    finished: HashSet<Hash>,
    finished_order: VecDeque<Hash>,
}

impl Pool {
    /// An empty pool.
    pub fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            places: HashMap::new(),
            queues: BTreeMap::new(),
            by_expiry: BTreeSet::new(),
            own: HashSet::new(),
            bytes: 0,
            arrivals: 0,
            turn: None,
            finished: HashSet::new(),
            finished_order: VecDeque::new(),
        }
    }

    /// Waiting transactions.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True if none waits.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of the waiting transactions.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// True if the transaction waits or finished a moment ago.
    pub fn knows(&self, id: &Hash) -> bool {
        self.places.contains_key(id) || self.finished.contains(id)
    }

    /// The waiting transaction with this id.
    pub fn get(&self, id: &Hash) -> Option<&Arc<VerifiedTransaction>> {
        let place = self.places.get(id)?;
        self.queues.get(&place.member)?.waiting.get(&place.arrival)
    }

    /// All waiting transactions, members in turn, each member's in the order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<VerifiedTransaction>> {
        self.queues.values().flat_map(|queue| queue.waiting.values())
    }

    /// The waiting transactions that clients of this node handed in, in no order.
    pub fn own(&self) -> impl Iterator<Item = &Arc<VerifiedTransaction>> {
        self.own.iter().filter_map(|id| self.get(id))
    }

    /// Marks a waiting transaction as handed in by a client of this node.
    pub fn mark_own(&mut self, id: Hash) {
        if self.places.contains_key(&id) {
            self.own.insert(id);
        }
    }

    /// Lets a transaction wait that `member` pays for. Alone, a member may fill the pool; while others' transactions wait it may
    /// not go beyond its share. In a full pool the newest of the member that holds the most make room, unless that is `member`
    /// itself; they are returned. So a member that filled the pool while it was alone keeps what nobody else needs.
    ///
    /// # Errors
    /// [`PoolError`]; the pool is unchanged.
    pub fn insert(
        &mut self,
        transaction: Arc<VerifiedTransaction>,
        member: AccountId,
    ) -> Result<Vec<Arc<VerifiedTransaction>>, PoolError> {
        let id = transaction.id();
        if self.knows(&id) {
            return Err(PoolError::Known);
        }
        let displaced = self.room_for(transaction.size_bytes(), member)?;
        let displaced = displaced.iter().filter_map(|id| self.take(id)).collect();
        self.bytes += transaction.size_bytes();
        self.by_expiry.insert((transaction.transaction().expires_at, id));
        self.places.insert(id, Place { member, arrival: self.arrivals });
        let queue = self.queues.entry(member).or_default();
        queue.bytes += transaction.size_bytes();
        queue.waiting.insert(self.arrivals, transaction);
        self.arrivals += 1;
        Ok(displaced)
    }

    /// The transactions that must go so that `size` more bytes of `member` fit; none if there is room.
    fn room_for(&self, size: usize, member: AccountId) -> Result<Vec<Hash>, PoolError> {
        let limits = &self.limits;
        let held = |queue: &Queue| limits.part(queue.bytes, queue.waiting.len());
        let (my_bytes, my_count) = self.queues.get(&member).map_or((0, 0), |queue| (queue.bytes, queue.waiting.len()));
        let mine = limits.part(my_bytes + size, my_count + 1);
        let others_wait = self.queues.keys().any(|other| *other != member);
        let percent = limits.share_percent_max;
        // One transaction may always wait, however large it is.
        if others_wait && my_count > 0 && mine > u128::from(percent) * 10_000 {
            return Err(PoolError::Share { percent });
        }
        let (mut bytes, mut count) = (self.bytes + size, self.places.len() + 1);
        if limits.holds(bytes, count) {
            return Ok(Vec::new());
        }
        let full = PoolError::Full { transactions: self.places.len(), bytes: self.bytes };
        let (largest, queue) = self.queues.iter().max_by_key(|(_, queue)| held(queue)).ok_or(full)?;
        let (mut left_bytes, mut left_count) = (queue.bytes, queue.waiting.len());
        let mut leaving = Vec::new();
        for transaction in queue.waiting.values().rev().take_while(|_| *largest != member) {
            if limits.holds(bytes, count) {
                break;
            }
            let size = transaction.size_bytes();
            (bytes, count) = (bytes - size, count - 1);
            (left_bytes, left_count) = (left_bytes - size, left_count - 1);
            leaving.push(transaction.id());
        }
        // Whoever makes room still holds as much as who gets it, or both would displace each other for ever.
        let is_fair = limits.part(left_bytes, left_count) >= mine;
        if limits.holds(bytes, count) && is_fair { Ok(leaving) } else { Err(full) }
    }

    /// Transactions for a block at `time`: members in turn, each member's in the order of arrival, within both limits.
    /// They stay in the pool until they are finished.
    pub fn select(&mut self, time: Timestamp, bytes_max: usize, count_max: usize) -> Vec<Arc<VerifiedTransaction>> {
        let mut members: Vec<AccountId> = self.queues.keys().copied().collect();
        if let Some(turn) = self.turn {
            let first = members.partition_point(|member| *member < turn);
            let count = members.len().max(1);
            members.rotate_left(first % count);
        }
        self.turn = members.get(1).copied();
        let mut lines: VecDeque<_> = members.iter().map(|member| self.queues[member].waiting.values()).collect();
        let mut chosen = Vec::new();
        let mut bytes = 0;
        while let Some(mut line) = lines.pop_front() {
            if chosen.len() >= count_max {
                break;
            }
            let Some(next) = line.find(|tx| runs_at(tx, time)) else {
                continue;
            };
            // A member whose next one does not fit waits for the next block: a smaller one behind it must not overtake.
            if bytes + next.size_bytes() > bytes_max {
                continue;
            }
            bytes += next.size_bytes();
            chosen.push(next.clone());
            lines.push_back(line);
        }
        chosen
    }

    /// True if a block at `time` would hold at least one of the waiting transactions.
    pub fn has_work(&self, time: Timestamp) -> bool {
        self.iter().any(|tx| runs_at(tx, time))
    }

    /// Takes out a transaction that ran, here or elsewhere, and remembers its id for a while.
    pub fn finish(&mut self, id: Hash) {
        self.take(&id);
        if self.finished.insert(id) {
            self.finished_order.push_back(id);
        }
        if self.finished_order.len() > FINISHED_MAX
            && let Some(oldest) = self.finished_order.pop_front()
        {
            self.finished.remove(&oldest);
        }
    }

    /// Takes out a transaction that can no longer run.
    pub fn take(&mut self, id: &Hash) -> Option<Arc<VerifiedTransaction>> {
        let place = self.places.remove(id)?;
        self.own.remove(id);
        let queue = self.queues.get_mut(&place.member).expect("a place names a queue");
        let transaction = queue.waiting.remove(&place.arrival).expect("a place names a waiting transaction");
        queue.bytes -= transaction.size_bytes();
        if queue.waiting.is_empty() {
            self.queues.remove(&place.member);
        }
        self.bytes -= transaction.size_bytes();
        self.by_expiry.remove(&(transaction.transaction().expires_at, *id));
        Some(transaction)
    }

    /// Takes out what no block after `time` would run; returns how many left.
    pub fn expire(&mut self, time: Timestamp) -> usize {
        let expired: Vec<Hash> =
            self.by_expiry.iter().take_while(|(expires_at, _)| *expires_at <= time).map(|(_, id)| *id).collect();
        expired.iter().filter_map(|id| self.take(id)).count()
    }
}

fn runs_at(transaction: &VerifiedTransaction, time: Timestamp) -> bool {
    let transaction = transaction.transaction();
    (transaction.valid_from..=transaction.expires_at).contains(&time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mempool::testing::{member, verified};

    const T: Timestamp = Timestamp::from_millis(1_000);

    fn pool(transactions_max: usize) -> Pool {
        Pool::new(PoolLimits { bytes_max: 1 << 20, transactions_max, share_percent_max: 50 })
    }

    fn ids(list: &[Arc<VerifiedTransaction>]) -> Vec<Hash> {
        list.iter().map(|tx| tx.id()).collect()
    }

    #[test]
    fn a_block_takes_members_in_turn_and_each_members_in_order_of_arrival() {
        let mut pool = pool(100);
        let a: Vec<_> = (0..5).map(|n| verified(n, 0, 9_000)).collect();
        let b = verified(50, 0, 9_000);
        for tx in &a {
            pool.insert(tx.clone(), member(1)).unwrap();
        }
        pool.insert(b.clone(), member(2)).unwrap();
        assert_eq!(ids(&pool.select(T, 1 << 20, 3)), ids(&[a[0].clone(), b.clone(), a[1].clone()]));
        assert_eq!(ids(&pool.select(T, 1 << 20, 1)), ids(&[b]), "the next block begins with the other member");
        assert_eq!(pool.len(), 6, "what is chosen stays until it is finished");
    }

    #[test]
    fn bytes_of_a_block_are_bounded_and_nothing_overtakes_within_a_member() {
        let mut pool = pool(100);
        let txs: Vec<_> = (0..4).map(|n| verified(n, 0, 9_000)).collect();
        txs.iter().for_each(|tx| assert!(pool.insert(tx.clone(), member(1)).unwrap().is_empty()));
        let size = txs[0].size_bytes();
        assert_eq!(pool.select(T, 2 * size, 100).len(), 2);
        assert!(pool.select(T, size - 1, 100).is_empty());
    }

    #[test]
    fn in_a_full_pool_the_newest_of_the_largest_member_make_room() {
        let mut pool = pool(4);
        let greedy: Vec<_> = (0..4).map(|n| verified(n, 0, 9_000)).collect();
        greedy.iter().for_each(|tx| assert!(pool.insert(tx.clone(), member(1)).is_ok()));
        assert!(matches!(pool.insert(verified(9, 0, 9_000), member(1)), Err(PoolError::Full { transactions: 4, .. })));
        let displaced = pool.insert(verified(10, 0, 9_000), member(2)).unwrap();
        assert_eq!(ids(&displaced), vec![greedy[3].id()]);
        let displaced = pool.insert(verified(11, 0, 9_000), member(2)).unwrap();
        assert_eq!(ids(&displaced), vec![greedy[2].id()]);
        let third = pool.insert(verified(12, 0, 9_000), member(3)).unwrap();
        assert_eq!(third.len(), 1, "two hold half each: one of them makes room");
        assert!(pool.insert(verified(13, 0, 9_000), member(4)).is_ok());
        assert!(
            matches!(pool.insert(verified(14, 0, 9_000), member(5)), Err(PoolError::Full { .. })),
            "each holds one"
        );
        assert_eq!(pool.len(), 4);
        assert_eq!(pool.bytes(), pool.iter().map(|tx| tx.size_bytes()).sum::<usize>());
    }

    #[test]
    fn a_member_alone_may_fill_the_pool_and_beside_others_holds_its_share_at_most() {
        let mut pool = pool(10);
        for n in 0..8 {
            pool.insert(verified(n, 0, 9_000), member(1)).unwrap();
        }
        pool.insert(verified(20, 0, 9_000), member(2)).unwrap();
        let share = Err(PoolError::Share { percent: 50 });
        assert_eq!(pool.insert(verified(9, 0, 9_000), member(1)), share, "there is room, but not for this member");
        for n in 21..25 {
            pool.insert(verified(n, 0, 9_000), member(2)).unwrap();
        }
        assert_eq!(pool.insert(verified(25, 0, 9_000), member(2)), share);
        assert_eq!((pool.len(), pool.queues[&member(1)].waiting.len()), (10, 5), "its newest made room");
        (20..25).for_each(|n| drop(pool.take(&verified(n, 0, 9_000).id())));
        pool.insert(verified(9, 0, 9_000), member(1)).unwrap();
    }

    #[test]
    fn the_share_is_of_bytes_too() {
        let size = verified(0, 0, 9_000).size_bytes();
        let mut pool = Pool::new(PoolLimits { bytes_max: 4 * size, transactions_max: 100, share_percent_max: 50 });
        pool.insert(verified(20, 0, 9_000), member(2)).unwrap();
        pool.insert(verified(0, 0, 9_000), member(1)).unwrap();
        pool.insert(verified(1, 0, 9_000), member(1)).unwrap();
        assert_eq!(pool.insert(verified(2, 0, 9_000), member(1)), Err(PoolError::Share { percent: 50 }));
        let mut tiny = Pool::new(PoolLimits { bytes_max: size - 1, transactions_max: 100, share_percent_max: 100 });
        let mut small = Pool::new(PoolLimits { bytes_max: 2 * size, transactions_max: 100, share_percent_max: 10 });
        for n in 1..=2 {
            small.insert(verified(n.into(), 0, 9_000), member(n)).unwrap();
        }
        assert!(matches!(tiny.insert(verified(1, 0, 9_000), member(1)), Err(PoolError::Full { .. })));
    }

    #[test]
    fn a_clients_transaction_is_marked_until_it_leaves() {
        let mut pool = pool(10);
        let (ours, theirs) = (verified(1, 0, 9_000), verified(2, 0, 9_000));
        for tx in [&ours, &theirs] {
            pool.insert(tx.clone(), member(1)).unwrap();
        }
        pool.mark_own(ours.id());
        pool.mark_own(Hash::ZERO);
        assert_eq!(pool.own().map(|tx| tx.id()).collect::<Vec<_>>(), [ours.id()]);
        pool.finish(ours.id());
        assert_eq!(pool.own().count(), 0);
    }

    #[test]
    fn known_finished_and_waiting_ones_are_refused() {
        let mut pool = pool(10);
        let tx = verified(1, 0, 9_000);
        pool.insert(tx.clone(), member(1)).unwrap();
        assert_eq!(pool.insert(tx.clone(), member(1)), Err(PoolError::Known));
        pool.finish(tx.id());
        assert!(pool.is_empty() && pool.bytes() == 0);
        assert_eq!(pool.insert(tx, member(1)), Err(PoolError::Known));
    }

    #[test]
    fn expired_ones_leave_and_early_ones_wait() {
        let mut pool = pool(10);
        pool.insert(verified(1, 0, 2_000), member(1)).unwrap();
        pool.insert(verified(2, 5_000, 9_000), member(1)).unwrap();
        assert_eq!(pool.select(T, 1 << 20, 10).len(), 1);
        assert_eq!(pool.expire(Timestamp::from_millis(2_000)), 1);
        assert!(!pool.has_work(T));
        assert!(pool.has_work(Timestamp::from_millis(5_000)));
    }

    #[test]
    fn the_memory_of_finished_ids_is_bounded() {
        let mut pool = pool(10);
        let ids: Vec<Hash> = (0..FINISHED_MAX as u64 + 10).map(|n| Hash::of("test", &n.to_le_bytes())).collect();
        ids.iter().for_each(|id| pool.finish(*id));
        assert!(!pool.knows(&ids[0]) && pool.knows(ids.last().unwrap()));
        assert_eq!(pool.finished.len(), FINISHED_MAX);
    }
}
