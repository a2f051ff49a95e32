//! What tests put in the place of the node: a ledger in memory, a clock that is set, wires between relays that can be
//! cut.
use crate::clock::Clock;
use crate::messages::Messages;
use crate::{Ledger, PeerError, Peers, SiteStanding};
use bytes::Bytes;
use countersign_rpc_types::relay::Envelope;
use countersign_types::account::Authority;
use countersign_types::{Account, AccountId, BoundedText, Hash, Name, PublicKey, Site, Status, Timestamp};
use parity_scale_codec::Encode;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// When tests begin, in milliseconds.
pub(crate) const START_MS: u64 = 1_800_000_000_000;

/// A clock that stands until it is set.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(START_MS)))
    }

    pub fn ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let own = Arc::clone(&self.0);
        Arc::new(move || own.load(Ordering::SeqCst) * 1000)
    }
}

/// A ledger in memory.
#[derive(Default)]
pub(crate) struct TestLedger(Mutex<Records>);

/// What is on it, to be changed at will.
#[derive(Default)]
pub(crate) struct Records {
    pub accounts: BTreeMap<AccountId, Account>,
    pub names: BTreeMap<String, AccountId>,
    pub sites: BTreeMap<String, SiteStanding>,
    pub relays: BTreeSet<PublicKey>,
}

/// The chain of all tests.
pub(crate) const CHAIN: Hash = Hash([0xc5; 32]);

impl TestLedger {
    pub fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap()
    }

    /// A member with a site that grants these relays; they are on the ledger too.
    pub fn add_member(&self, name: &str, relays: &[PublicKey]) -> AccountId {
        let member = self.add_account(name, AccountId([0; 32]));
        let mut records = self.records();
        records.accounts.get_mut(&member).unwrap().member = member;
        records.relays.extend(relays);
        let site = Site {
            endpoint: BoundedText::new(&format!("https://{name}")).unwrap(),
            key: PublicKey([1; 32]),
            relays: relays.to_vec().try_into().unwrap(),
        };
        let standing = SiteStanding { member, status: Status::Active, site: Some(site) };
        records.sites.insert(name.to_owned(), standing);
        member
    }

    /// A user of a member's site, with an encryption key.
    pub fn add_user(&self, name: &str) -> AccountId {
        let site = name.split_once('@').unwrap().1;
        let member = self.records().sites[site].member;
        self.add_account(name, member)
    }

    fn add_account(&self, name: &str, member: AccountId) -> AccountId {
        let id = AccountId(Hash::of("test-account", name.as_bytes()).0);
        let account = Account {
            authority: Authority::single(PublicKey(id.0)),
            member,
            name: name.parse().unwrap(),
            status: Status::Active,
            encryption_key: Some(Hash::of("test-encryption", name.as_bytes()).0),
        };
        let mut records = self.records();
        records.accounts.insert(id, account);
        records.names.insert(name.to_owned(), id);
        id
    }

    /// A message to an account, sealed now; `content` tells it from others.
    pub fn seal(&self, to: &AccountId, content: u64, bytes: usize, now_ms: u64) -> Envelope {
        let mut sealed = content.to_le_bytes().to_vec();
        sealed.resize(bytes.max(8), 0x5e);
        Envelope {
            chain: CHAIN,
            to: *to,
            key: self.records().accounts.get(to).and_then(|account| account.encryption_key).unwrap_or_default(),
            sent_at: Timestamp::from_millis(now_ms),
            expires_at: Timestamp::from_millis(now_ms + 3_600_000),
            sealed: sealed.try_into().unwrap(),
        }
    }

    /// Its bytes.
    pub fn sealed(&self, to: &AccountId, content: u64, now_ms: u64) -> Vec<u8> {
        self.seal(to, content, 100, now_ms).encode()
    }
}

/// What [`TestLedger::seal`] was given as `content`.
pub(crate) fn content(envelope: &[u8]) -> u64 {
    let envelope = Envelope::read(envelope).unwrap();
    u64::from_le_bytes(*envelope.sealed.first_chunk().unwrap())
}

impl Ledger for TestLedger {
    fn chain(&self) -> Hash {
        CHAIN
    }

    fn site(&self, name: &Name) -> Option<SiteStanding> {
        self.records().sites.get(name.site()).cloned()
    }

    fn resolve(&self, name: &Name) -> Option<AccountId> {
        self.records().names.get(name.as_str()).copied()
    }

    fn account(&self, id: &AccountId) -> Option<Account> {
        self.records().accounts.get(id).cloned()
    }

    fn is_relay(&self, node: &PublicKey) -> bool {
        self.records().relays.contains(node)
    }
}

/// What a wire does with a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wire {
    /// Question and answer arrive.
    Whole,
    /// There is no connection.
    Cut,
    /// The question is lost.
    LosesQuestions,
    /// The question arrives, the answer does not.
    LosesAnswers,
    /// The question arrives when whoever asked has given up.
    Late,
    /// One of the above each time, by chance from this seed.
    Unsteady(u64),
}

/// Wires between relays, by their keys.
pub(crate) struct Wires {
    ends: Mutex<HashMap<PublicKey, Weak<Messages>>>,
    wire: Mutex<Wire>,
    /// Questions asked so far.
    pub asked: AtomicU64,
}

impl Wires {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { ends: Mutex::default(), wire: Mutex::new(Wire::Whole), asked: AtomicU64::new(0) })
    }

    pub fn set(&self, wire: Wire) {
        *self.wire.lock().unwrap() = wire;
    }

    /// The end of the wires at a relay.
    pub fn end(self: &Arc<Self>, own: PublicKey) -> Arc<dyn Peers> {
        Arc::new(End { wires: Arc::clone(self), own })
    }

    /// Puts a relay at its end; until it is dropped.
    pub fn join(&self, messages: &Arc<Messages>) {
        self.ends.lock().unwrap().insert(messages.own(), Arc::downgrade(messages));
    }

    fn now(&self) -> Wire {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let mut wire = self.wire.lock().unwrap();
        let Wire::Unsteady(seed) = *wire else { return *wire };
        let chance = Hash::of_encoded("test-chance", &(seed, asked)).0;
        *wire = Wire::Unsteady(u64::from_le_bytes(*chance.first_chunk().unwrap()));
        match chance[31] % 8 {
            0 => Wire::Cut,
            1 => Wire::LosesQuestions,
            2 | 3 => Wire::LosesAnswers,
            4 => Wire::Late,
            _ => Wire::Whole,
        }
    }
}

struct End {
    wires: Arc<Wires>,
    own: PublicKey,
}

#[async_trait::async_trait]
impl Peers for End {
    async fn ask(&self, relay: &PublicKey, question: Bytes) -> Result<Bytes, PeerError> {
        let wire = self.wires.now();
        let other = self.wires.ends.lock().unwrap().get(relay).and_then(Weak::upgrade);
        let Some(other) = other else { return Err(PeerError::NotConnected) };
        let own = self.own;
        match wire {
            Wire::Cut => Err(PeerError::NotConnected),
            Wire::LosesQuestions => Err(PeerError::NoAnswer),
            Wire::Late => {
                tokio::spawn(async move {
                    for _ in 0..50 {
                        tokio::task::yield_now().await;
                    }
                    other.answer(&own, &question).await;
                });
                Err(PeerError::NoAnswer)
            }
            Wire::LosesAnswers => {
                other.answer(&own, &question).await;
                Err(PeerError::NoAnswer)
            }
            Wire::Whole | Wire::Unsteady(_) => Ok(other.answer(&own, &question).await),
        }
    }
}
