//! A chain that was never run: validators with well-known keys, and a state with a booking, its customer, and strangers.
use countersign_interface::booking::{self, BookingRecord, Identity, Status};
use countersign_lock::{Answer, Bounds, Challenge, Credential, Handover, Lock, LockTrust, Pass, Seal};
use countersign_state::Proof;
use countersign_state::tree::{Tree, Update, key_hash, value_hash};
use countersign_types::block::precommit_bytes;
use countersign_types::signature::{development_secret, public_key, sign};
use countersign_types::{
    Account, AccountId, Amount, Authority, Certificate, Hash, Header, Height, Text, Timestamp, Validator, ValidatorSet,
    account, state_key,
};
use parity_scale_codec::Encode;

pub const CHAIN: Hash = Hash([7; 32]);
pub const BOOKING: Hash = Hash([11; 32]);
pub const MERCHANT: AccountId = AccountId([12; 32]);
pub const HOUR: u64 = 3_600_000;
/// The booked time.
pub const FROM: u64 = 1_000 * HOUR;
pub const UNTIL: u64 = FROM + 20 * HOUR;
/// By when the guest has to check in.
pub const COME_BY: u64 = FROM + 6 * HOUR;
/// When the guest stands before the door; the header is a minute old then.
pub const NOW: u64 = FROM + HOUR;
pub const CERTIFIED: u64 = NOW - 60_000;
/// Height of the header.
pub const HEIGHT: u64 = 500;

pub fn ms(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

/// Validators of power 1 with well-known keys.
#[derive(Clone)]
pub struct Validators(pub Vec<String>);

impl Validators {
    pub fn named(prefix: &str, count: usize) -> Self {
        Self((0..count).map(|n| format!("{prefix}-{n}")).collect())
    }

    pub fn set(&self) -> ValidatorSet {
        let key = |name: &String| Validator { key: public_key(&development_secret(name)), power: 1 };
        let mut validators: Vec<_> = self.0.iter().map(key).collect();
        validators.sort();
        ValidatorSet(validators.try_into().unwrap())
    }

    /// The first `count` of them sign a header.
    pub fn certify(&self, header: &Header, count: usize) -> Certificate {
        let block = header.hash();
        let message = precommit_bytes(&header.chain, header.height, 3, &block);
        let secrets = self.0[..count].iter().map(|name| development_secret(name));
        let mut signatures: Vec<_> = secrets.map(|secret| (public_key(&secret), sign(&secret, &message))).collect();
        signatures.sort();
        Certificate { height: header.height, round: 3, block, signatures: signatures.try_into().unwrap() }
    }

    pub fn seal(&self, header: &Header) -> Seal {
        Seal::of(&self.certify(header, self.0.len()), &self.set()).unwrap()
    }
}

/// What can be changed before a pass is made of it.
#[derive(Clone)]
pub struct Scene {
    pub validators: Validators,
    pub booking: Hash,
    pub record: BookingRecord,
    pub holder: Account,
    /// Whose keys sign the challenge.
    pub guests: Vec<String>,
    pub chain: Hash,
    pub height: u64,
    pub certified_at: u64,
    /// Entries of the state beside the two.
    pub strangers: u32,
}

impl Scene {
    pub fn of(validators: usize) -> Self {
        let key = public_key(&development_secret("guest"));
        let record = BookingRecord {
            customer: AccountId::of_key(&key),
            merchant: MERCHANT,
            listing: 1,
            kind: text("double room"),
            from: ms(FROM),
            until: ms(UNTIL),
            asset: "EUR".parse().unwrap(),
            price: Amount::new(12_000),
            object: Some(text("214")),
            identity: Identity::Accepted,
            papers: Some(Hash([9; 32])),
            status: Status::Paid,
            due_at: ms(COME_BY),
            job: 88,
            to_customer: Amount::ZERO,
            to_merchant: Amount::ZERO,
            settled: false,
        };
        let holder = Account {
            authority: Authority::single(key),
            member: AccountId([13; 32]),
            name: "alice@harbor-hotel.example".parse().unwrap(),
            status: account::Status::Active,
            encryption_key: Some([14; 32]),
        };
        Self {
            validators: Validators::named("validator", validators),
            booking: BOOKING,
            record,
            holder,
            guests: vec!["guest".into()],
            chain: CHAIN,
            height: HEIGHT,
            certified_at: CERTIFIED,
            strangers: 100,
        }
    }

    /// With something changed.
    pub fn with(validators: usize, change: impl FnOnce(&mut Self)) -> Self {
        let mut scene = Self::of(validators);
        change(&mut scene);
        scene
    }

    pub fn trust(&self) -> LockTrust {
        LockTrust::new(CHAIN, self.validators.set(), Height::new(1)).unwrap()
    }

    /// The lock of room 214.
    pub fn lock(&self) -> Lock {
        self.lock_of("214")
    }

    pub fn lock_of(&self, object: &str) -> Lock {
        let objects = vec![text(object)].try_into().unwrap();
        Lock::new(self.trust(), MERCHANT, objects, Bounds::default()).unwrap()
    }

    fn entries(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let own = [
            (booking::record_key(&self.booking), self.record.encode()),
            (state_key::account(&self.record.customer), self.holder.encode()),
        ];
        let stranger = |n: u32| (n.to_be_bytes().to_vec(), vec![1]);
        own.into_iter().chain((0..self.strangers).map(stranger)).collect()
    }

    /// Root and proofs of the two records.
    pub fn proofs(&self) -> (Hash, [Proof; 2]) {
        let update = |(key, value): &(Vec<u8>, Vec<u8>)| -> Update { (key_hash(key), Some(value_hash(value))) };
        let entries = self.entries();
        let tree = Tree::default().update(entries.iter().map(update).collect());
        (tree.root(), [&entries[0], &entries[1]].map(|(key, _)| tree.prove(&key_hash(key))))
    }

    pub fn header(&self, state_root: Hash) -> Header {
        let set = self.validators.set();
        Header {
            chain: self.chain,
            height: Height::new(self.height),
            parent: Hash([1; 32]),
            time: ms(self.certified_at),
            proposer: set.0[0].key,
            tx_root: Hash([2; 32]),
            evidence_hash: Hash([3; 32]),
            state_root,
            receipts_root: Hash([4; 32]),
            validators_hash: set.hash(),
            next_validators_hash: set.hash(),
            params_hash: Hash([5; 32]),
        }
    }

    pub fn pass(&self) -> Pass {
        let (root, [record_proof, holder_proof]) = self.proofs();
        let header = self.header(root);
        Pass {
            handovers: Default::default(),
            seal: self.validators.seal(&header),
            header,
            booking: self.booking,
            record: self.record.clone(),
            record_proof,
            holder: self.holder.clone(),
            holder_proof,
        }
    }

    /// The guests' answer to a challenge.
    pub fn answer(&self, challenge: &Challenge) -> Answer {
        let message = challenge.message(&self.booking);
        let keys = &self.holder.authority.keys;
        let one = |guest: &String| {
            let secret = development_secret(guest);
            // Who is no signatory says to be the first.
            let place = keys.iter().position(|(key, _)| *key == public_key(&secret)).unwrap_or(0);
            (u8::try_from(place).unwrap(), sign(&secret, &message))
        };
        let mut signatures: Vec<_> = self.guests.iter().map(one).collect();
        signatures.sort();
        Answer { nonce: challenge.nonce, signatures: signatures.try_into().unwrap() }
    }

    /// The credential for what a lock asks.
    pub fn credential(&self, lock: &Lock) -> Credential {
        Credential { pass: self.pass(), answer: self.answer(lock.waiting().unwrap()) }
    }

    /// The hand-over from these validators to others at a height.
    pub fn handover(&self, height: u64, next: &Validators) -> Handover {
        let header = Header {
            height: Height::new(height),
            next_validators_hash: next.set().hash(),
            ..self.header(Hash([6; 32]))
        };
        Handover { seal: self.validators.seal(&header), header, next: next.set() }
    }
}

/// A lock that has asked a moment ago, and the scene's answer.
pub fn asked(scene: &Scene) -> (Lock, Credential) {
    let mut lock = scene.lock();
    lock.challenge([42; 16], ms(NOW));
    let credential = scene.credential(&lock);
    (lock, credential)
}
