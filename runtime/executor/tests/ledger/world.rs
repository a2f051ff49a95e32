//! A small consortium on a state in memory, and the way to run blocks on it.
use crate::probe;
use countersign_executor::{BlockInput, BlockOutcome, BlockPlace, Executor};
use countersign_interface::Method;
use countersign_state::Snapshot;
use countersign_types::document::SIGNING as DOCUMENT_SIGNING;
use countersign_types::genesis::{Council, Genesis, GenesisAsset, GenesisContract, GenesisHolder, GenesisMember};
use countersign_types::signature::{PartySignature, development_secret, public_key, sign};
use countersign_types::transaction::{SIGNING, signing_bytes};
use countersign_types::{
    AccountId, Amount, AssetId, Authority, BoundedVec, Call, CallFault, Document, Evidence, Failure, Hash, Height,
    Params, PublicKey, Receipt, Role, SignedDocument, SignedTransaction, Timestamp, Transaction, Validator,
    ValidatorSet, VerifiedTransaction,
};
use countersign_vm::{Engine, EngineConfig};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// 2026-01-01T00:00:00Z.
pub const START_MS: u64 = 1_767_225_600_000;
/// Time from one block to the next.
pub const BLOCK_MS: u64 = 1_000;
/// Validity of the transactions made here.
pub const VALIDITY_MS: u64 = 600_000;

/// Members of the council of [`World::new`], of which two must sign.
pub const COUNCIL: [&str; 3] = ["bank.example", "books.example", "hotel.example"];
const MEMBERS: [(&str, &[Role]); 4] = [
    ("bank.example", &[Role::Issuer, Role::Agent]),
    ("books.example", &[Role::Merchant]),
    ("hotel.example", &[Role::Merchant]),
    ("tours.example", &[]),
];
const HOLDERS: [&str; 4] = ["alice@hotel.example", "bob@hotel.example", "carol@books.example", "dave@books.example"];
/// What every member and holder begins with.
pub const BALANCE: u128 = 1_000_000;

pub fn key(name: &str) -> PublicKey {
    public_key(&development_secret(name))
}

pub fn id(name: &str) -> AccountId {
    AccountId::of_key(&key(name))
}

pub fn ids(names: &[&str]) -> Vec<AccountId> {
    names.iter().map(|name| id(name)).collect()
}

pub fn eur() -> AssetId {
    "EUR".parse().unwrap()
}

pub fn ms(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The shared machine: contracts are compiled once for all tests.
pub fn executor() -> Executor {
    static EXECUTOR: OnceLock<Executor> = OnceLock::new();
    EXECUTOR.get_or_init(|| Executor::new(Engine::new(EngineConfig::default()).unwrap())).clone()
}

fn sorted<T, K: Ord, const MAX: usize>(mut items: Vec<T>, key: impl Fn(&T) -> K) -> BoundedVec<T, MAX>
where
    BoundedVec<T, MAX>: TryFrom<Vec<T>>,
    <BoundedVec<T, MAX> as TryFrom<Vec<T>>>::Error: std::fmt::Debug,
{
    items.sort_by_key(key);
    items.try_into().unwrap()
}

pub fn genesis() -> Genesis {
    let members: Vec<_> = MEMBERS
        .iter()
        .map(|(name, roles)| GenesisMember {
            id: id(name),
            name: name.parse().unwrap(),
            roles: roles.to_vec().try_into().unwrap(),
            authority: Authority::single(key(name)),
        })
        .collect();
    let holders: Vec<_> = HOLDERS
        .iter()
        .map(|name| GenesisHolder { id: id(name), name: name.parse().unwrap(), key: key(name) })
        .collect();
    let accounts = MEMBERS.iter().map(|(name, _)| *name).chain(HOLDERS);
    let balances = accounts.map(|name| (id(name), Amount::new(BALANCE))).collect();
    let asset = GenesisAsset {
        id: eur(),
        issuer: id("bank.example"),
        decimals: 2,
        title: "Euro".parse().unwrap(),
        balances: sorted(balances, |(account, _)| *account),
    };
    let contracts: Vec<_> = probe::NAMES
        .iter()
        .map(|name| (*name, probe::wasm(name)))
        .chain(countersign_artifacts::CONTRACTS.iter().map(|contract| (contract.name, contract.wasm.to_vec())))
        .map(|(name, wasm)| GenesisContract { name: name.parse().unwrap(), code: wasm.try_into().unwrap() })
        .collect();
    let validator = Validator { key: key("validator-1"), power: 1 };
    Genesis {
        title: "test".parse().unwrap(),
        time: ms(START_MS),
        params: Params::default(),
        council: Council { members: sorted(ids(&COUNCIL), |id| *id), threshold: 2 },
        validators: ValidatorSet(vec![validator].try_into().unwrap()),
        nodes: BoundedVec::empty(),
        members: sorted(members, |member| member.id),
        holders: sorted(holders, |holder| holder.id),
        assets: vec![asset].try_into().unwrap(),
        contracts: sorted(contracts, |contract| contract.name.clone()),
    }
}

/// A chain that grows by one block at a time.
#[derive(Clone)]
pub struct World {
    pub executor: Executor,
    pub chain: Hash,
    pub state: Snapshot,
    pub height: u64,
    /// Time of the newest block.
    pub time: u64,
    salt: u64,
    secrets: BTreeMap<PublicKey, [u8; 32]>,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A world whose genesis is changed first.
    pub fn with(edit: impl FnOnce(&mut Genesis)) -> Self {
        let mut genesis = genesis();
        edit(&mut genesis);
        let executor = executor();
        let changes = executor.genesis(&genesis).unwrap();
        let state = Snapshot::empty().apply(Height::ZERO, &changes);
        let mut world = Self {
            executor,
            chain: genesis.chain(),
            state,
            height: 0,
            time: genesis.time.millis(),
            salt: 0,
            secrets: BTreeMap::new(),
        };
        MEMBERS.iter().map(|(name, _)| *name).chain(HOLDERS).for_each(|name| world.knows(name));
        world
    }

    /// Lets transactions be signed with the key called `name`.
    pub fn knows(&mut self, name: &str) {
        self.secrets.insert(key(name), development_secret(name));
    }

    pub fn place(&self) -> BlockPlace {
        BlockPlace { chain: self.chain, height: Height::new(self.height + 1), time: ms(self.time + BLOCK_MS) }
    }

    /// A transaction of these calls, valid from now.
    pub fn draft(&mut self, calls: Vec<Call>) -> Transaction {
        self.salt += 1;
        Transaction {
            chain: self.chain,
            valid_from: ms(self.time),
            expires_at: ms(self.time + VALIDITY_MS),
            salt: self.salt.to_le_bytes(),
            calls: calls.try_into().unwrap(),
        }
    }

    /// Signs for each account with the key its id is made of.
    pub fn sign(&self, transaction: &Transaction) -> VerifiedTransaction {
        let signers = transaction.signers();
        let pairs: Vec<_> = signers.iter().map(|signer| (*signer, PublicKey(signer.0))).collect();
        self.sign_with(transaction, &pairs)
    }

    /// Signs for accounts with given keys.
    pub fn sign_with(&self, transaction: &Transaction, pairs: &[(AccountId, PublicKey)]) -> VerifiedTransaction {
        VerifiedTransaction::verify(self.half_signed(transaction, pairs), &self.chain).unwrap()
    }

    /// Signs for some of the parties only.
    pub fn half_signed(&self, transaction: &Transaction, pairs: &[(AccountId, PublicKey)]) -> SignedTransaction {
        let message = signing_bytes(SIGNING, &transaction.chain, &transaction.id().0);
        let signatures = self.signatures(&transaction.signers(), &message, pairs);
        SignedTransaction { transaction: transaction.clone(), signatures: signatures.try_into().unwrap() }
    }

    /// A document signed by all its parties but those in `without`.
    pub fn sign_document(&self, document: Document, without: &[AccountId]) -> SignedDocument {
        let message = signing_bytes(DOCUMENT_SIGNING, &document.chain, &document.hash());
        let signers = document.signers();
        let signing = signers.iter().filter(|signer| !without.contains(signer));
        let pairs: Vec<_> = signing.map(|signer| (*signer, PublicKey(signer.0))).collect();
        let signatures = self.signatures(&signers, &message, &pairs).try_into().unwrap();
        SignedDocument { document, signatures }
    }

    fn signatures(
        &self,
        signers: &[AccountId],
        message: &[u8],
        pairs: &[(AccountId, PublicKey)],
    ) -> Vec<PartySignature> {
        let mut signatures: Vec<_> = pairs
            .iter()
            .map(|(account, key)| PartySignature {
                account: signers.binary_search(account).unwrap().try_into().unwrap(),
                key: *key,
                signature: sign(&self.secrets[key], message),
            })
            .collect();
        signatures.sort_by_key(|signature| (signature.account, signature.key));
        signatures
    }

    /// Runs the next block, a block's time later.
    pub fn block(&mut self, transactions: &[VerifiedTransaction]) -> BlockOutcome {
        self.block_at(self.time + BLOCK_MS, transactions)
    }

    pub fn block_at(&mut self, time: u64, transactions: &[VerifiedTransaction]) -> BlockOutcome {
        self.block_of("validator-1", &[], time, transactions)
    }

    /// Runs a block that the validator called `proposer` made.
    pub fn block_of(
        &mut self,
        proposer: &str,
        evidence: &[Evidence],
        time: u64,
        transactions: &[VerifiedTransaction],
    ) -> BlockOutcome {
        assert!(time > self.time, "time moves on");
        self.time = time;
        self.height += 1;
        let height = Height::new(self.height);
        let input =
            BlockInput { chain: self.chain, height, time: ms(time), proposer: key(proposer), evidence, transactions };
        let outcome = self.executor.execute_block(&self.state, input);
        self.state = self.state.apply(height, &outcome.changes);
        outcome
    }

    /// Runs a block of one transaction, signed by all its parties.
    pub fn run(&mut self, calls: Vec<Call>) -> Receipt {
        let transaction = self.draft(calls);
        let signed = self.sign(&transaction);
        let mut outcome = self.block(&[signed]);
        outcome.receipts.pop().unwrap()
    }

    /// Runs one call.
    pub fn call(&mut self, method: &impl Method, parties: &[&str]) -> Receipt {
        self.run(vec![method.call(&ids(parties))])
    }

    pub fn balance(&self, account: AccountId) -> u128 {
        self.balance_of(account, eur())
    }

    pub fn balance_of(&self, account: AccountId, asset: AssetId) -> u128 {
        self.read::<Amount>(&countersign_types::state_key::balance(&account, &asset)).map_or(0, Amount::get)
    }

    pub fn read<T: parity_scale_codec::DecodeAll>(&self, key: &[u8]) -> Option<T> {
        use countersign_state::StateRead;
        self.state.get(key).map(|bytes| T::decode_all(&mut &bytes[..]).unwrap())
    }
}

/// The receipt of a transaction that succeeded.
#[track_caller]
pub fn ok(receipt: Receipt) -> Receipt {
    assert_eq!(receipt.outcome, Ok(()));
    receipt
}

/// The fault of the transaction's first call.
#[track_caller]
pub fn fault(receipt: &Receipt) -> CallFault {
    assert!(receipt.events.is_empty(), "a failure leaves no events");
    match receipt.outcome {
        Err(Failure::Call { index: 0, fault }) => fault,
        other => panic!("no fault of the first call: {other:?}"),
    }
}

/// The module's own refusal by the first call.
#[track_caller]
pub fn refusal(receipt: &Receipt) -> u16 {
    match fault(receipt) {
        CallFault::Refused(code) => code,
        other => panic!("not refused by the module: {other:?}"),
    }
}
