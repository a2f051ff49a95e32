//! A small ledger in memory, six blocks high, served as a node serves it; a test may alter what is answered.
use super::super::*;
use crate::Client;
use crate::rpc::Patience;
use crate::rpc_types::*;
use crate::types::block::{precommit_bytes, transactions_root};
use crate::types::genesis::Council;
use crate::types::merkle::prove;
use crate::types::receipt::{Subject, receipts_root};
use crate::types::signature::{development_secret, public_key, sign};
use crate::types::transaction::TransactionId;
use crate::types::{
    Account, AccountId, Amount, Asset, AssetId, Authority, BoundedText, Failure, Gas, Member, NodeRecord, Params,
    PublicKey, Receipt, Role, SignedTransaction, Site, Status, Text, Transaction, Validator, block, state_key,
};
use countersign_interface::topup::{Kind, Mode, RequestRecord, State};
use countersign_interface::{storage, topup};
use countersign_state::{Changes, Snapshot};
use jsonrpsee::server::{RpcModule, Server, ServerHandle};
use jsonrpsee::types::ErrorObjectOwned;
use parity_scale_codec::Encode;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Height of the block with the transaction; the next one certifies its outcome.
pub const BLOCK: u64 = 5;
/// The newest block, which changed nothing.
pub const HEAD: u64 = 6;
/// The last block of the first validators.
const LAST_OF_OLD: u64 = 3;

pub fn names(prefix: &str) -> Vec<String> {
    (0..4).map(|i| format!("{prefix}-{i}")).collect()
}

pub fn set(names: &[String]) -> ValidatorSet {
    let mut validators: Vec<_> =
        names.iter().map(|name| Validator { key: public_key(&development_secret(name)), power: 1 }).collect();
    validators.sort();
    ValidatorSet(validators.try_into().unwrap())
}

pub fn genesis(validators: &[String]) -> Genesis {
    Genesis {
        title: Text::new("a small ledger").unwrap(),
        time: Timestamp::ZERO,
        params: Params::default(),
        council: Council { members: Default::default(), threshold: 1 },
        validators: set(validators),
        nodes: Default::default(),
        members: Default::default(),
        holders: Default::default(),
        assets: Default::default(),
        contracts: Default::default(),
    }
}

pub fn header(chain: Hash, height: u64, validators: &ValidatorSet, next: &ValidatorSet) -> Header {
    Header {
        chain,
        height: Height::new(height),
        parent: Hash::ZERO,
        time: Timestamp::from_millis(height),
        proposer: validators.0[0].key,
        tx_root: Hash::ZERO,
        evidence_hash: Hash::ZERO,
        state_root: Hash::ZERO,
        receipts_root: Hash::ZERO,
        validators_hash: validators.hash(),
        next_validators_hash: next.hash(),
        params_hash: Hash::ZERO,
    }
}

pub fn certificate(header: &Header, signers: &[String]) -> Certificate {
    let block = header.hash();
    let message = precommit_bytes(&header.chain, header.height, 0, &block);
    let secrets = signers.iter().map(|name| development_secret(name));
    let mut signatures: Vec<_> = secrets.map(|secret| (public_key(&secret), sign(&secret, &message))).collect();
    signatures.sort();
    Certificate { height: header.height, round: 0, block, signatures: signatures.try_into().unwrap() }
}

/// A view of the header, certified by these.
pub fn view(header: &Header, signers: &[String], validators: &ValidatorSet) -> HeaderView {
    HeaderView {
        height: header.height.get(),
        hash: String::new(),
        time_ms: header.time.millis(),
        transactions: 0,
        header: HexBytes(header.encode()),
        certificate: Some(HexBytes(certificate(header, signers).encode())),
        validators: HexBytes(validators.encode()),
    }
}

/// A change of the validators, certified by these.
pub fn handover(header: &Header, signers: &[String], next: &ValidatorSet) -> HandoverView {
    HandoverView {
        height: header.height.get(),
        header: HexBytes(header.encode()),
        certificate: HexBytes(certificate(header, signers).encode()),
        next: HexBytes(next.encode()),
    }
}

/// What is altered in the answers to a method.
pub type Lie = Arc<dyn Fn(&mut Json) + Send + Sync>;

/// The ledger.
pub struct World {
    pub genesis: Genesis,
    pub headers: Vec<Header>,
    pub old: Vec<String>,
    pub new: Vec<String>,
    pub state: Snapshot,
    pub transactions: Vec<SignedTransaction>,
    pub receipts: Vec<Receipt>,
    pub lies: BTreeMap<&'static str, Lie>,
}

pub fn alice() -> AccountId {
    AccountId([1; 32])
}

pub fn eur() -> AssetId {
    "EUR".parse().unwrap()
}

pub const REQUEST: Hash = Hash([5; 32]);
/// A member with a site, and its only node.
pub const HOTEL: AccountId = AccountId([7; 32]);
pub const HOTELS_NODE: PublicKey = PublicKey([8; 32]);
/// The hotel's name.
pub const HOTELS_NAME: &str = "harbor-hotel.example";

/// The hotel's site: its own node relays for it, and one that was never admitted.
pub fn site() -> Site {
    Site {
        endpoint: "https://login.harbor-hotel.example".parse().unwrap(),
        key: PublicKey([9; 32]),
        relays: vec![HOTELS_NODE, PublicKey([10; 32])].try_into().unwrap(),
    }
}

/// The records of the hotel and of its node.
fn hotel() -> [(Vec<u8>, Vec<u8>); 5] {
    let name: crate::types::Name = HOTELS_NAME.parse().unwrap();
    let account = Account {
        authority: Authority::single(PublicKey(HOTEL.0)),
        member: HOTEL,
        name: name.clone(),
        status: Status::Active,
        encryption_key: Some([11; 32]),
    };
    let roles = vec![Role::Relay].try_into().unwrap();
    let member = Member { name: name.clone(), status: Status::Active, roles, admitted_at: Timestamp::ZERO };
    let address = BoundedText::default();
    let node = NodeRecord { member: HOTEL, address, status: Status::Active, since: Height::new(1) };
    [
        (state_key::name(&name), HOTEL.encode()),
        (state_key::account(&HOTEL), account.encode()),
        (state_key::member(&HOTEL), member.encode()),
        (state_key::node(&HOTELS_NODE), node.encode()),
        (state_key::site(&HOTEL), site().encode()),
    ]
}

fn state() -> Snapshot {
    let asset = Asset {
        issuer: AccountId([9; 32]),
        decimals: 2,
        title: Text::new("Euro").unwrap(),
        supply: Amount::new(5_000),
        status: Status::Active,
    };
    let request = RequestRecord {
        holder: alice(),
        mode: Mode::Proxy,
        kind: Kind::TopUp,
        asset: eur(),
        amount: Amount::new(500),
        fee: Amount::new(5),
        payee: None,
        reference: Text::default(),
        agent: None,
        requested_at: Timestamp::ZERO,
        ends_at: Timestamp::MAX,
        job: 1,
        state: State::Open,
    };
    let mut values = BTreeMap::from([
        (state_key::balance(&alice(), &eur()), Some(Amount::new(1_250).encode())),
        (state_key::asset(&eur()), Some(asset.encode())),
        (state_key::params(), Some(Params::default().encode())),
        (storage::record_key("topup", topup::REQUESTS, &REQUEST), Some(request.encode())),
    ]);
    values.extend(hotel().map(|(key, value)| (key, Some(value))));
    Snapshot::empty().apply(Height::new(4), &Changes { values, ..Changes::default() })
}

fn transaction(chain: Hash, salt: u8) -> SignedTransaction {
    let (valid_from, expires_at) = (Timestamp::ZERO, Timestamp::MAX);
    let transaction = Transaction { chain, valid_from, expires_at, salt: [salt; 8], calls: Default::default() };
    SignedTransaction { transaction, signatures: Default::default() }
}

fn receipt(of: &SignedTransaction, outcome: Result<(), Failure>) -> Receipt {
    let TransactionId(id) = of.transaction.id();
    Receipt { subject: Subject::Transaction(id), outcome, gas: Gas::new(7), events: Default::default() }
}

impl World {
    /// The first transaction of block 5 succeeded, the second failed, the third was put off.
    pub fn new() -> Self {
        let (old, new) = (names("old"), names("new"));
        let genesis = genesis(&old);
        let (chain, state) = (genesis.chain(), state());
        let transactions: Vec<_> = (0..3).map(|salt| transaction(chain, salt)).collect();
        let outcomes = [Ok(()), Err(Failure::Expired), Err(Failure::PutOff)];
        let receipts: Vec<_> = transactions.iter().zip(outcomes).map(|(tx, outcome)| receipt(tx, outcome)).collect();
        let (old_set, new_set) = (set(&old), set(&new));
        let mut headers: Vec<Header> = Vec::new();
        for height in 1..=HEAD {
            let by = if height <= LAST_OF_OLD { &old_set } else { &new_set };
            let next = if height < LAST_OF_OLD { &old_set } else { &new_set };
            let mut header = header(chain, height, by, next);
            header.parent = headers.last().map(Header::hash).unwrap_or_default();
            if height >= BLOCK {
                header.state_root = state.root();
            }
            if height == BLOCK {
                header.tx_root = transactions_root(&transactions);
            }
            if height == BLOCK + 1 {
                header.receipts_root = receipts_root(&receipts);
            }
            headers.push(header);
        }
        Self { genesis, headers, old, new, state, transactions, receipts, lies: BTreeMap::new() }
    }

    /// Alters the answers to a method.
    pub fn lie(mut self, method: &'static str, lie: impl Fn(&mut Json) + Send + Sync + 'static) -> Self {
        self.lies.insert(method, Arc::new(lie));
        self
    }

    pub fn chain(&self) -> Hash {
        self.genesis.chain()
    }

    pub fn signers(&self, height: u64) -> &[String] {
        if height <= LAST_OF_OLD { &self.old } else { &self.new }
    }

    pub fn header(&self, height: u64) -> &Header {
        &self.headers[usize::try_from(height).unwrap() - 1]
    }

    pub fn view(&self, height: u64) -> HeaderView {
        let signers = self.signers(height);
        view(self.header(height), signers, &set(signers))
    }

    pub fn id(&self, index: usize) -> String {
        self.transactions[index].transaction.id().to_string()
    }

    pub fn proof(&self, index: usize) -> TxProofView {
        let leaves: Vec<Hash> = self.receipts.iter().map(Receipt::hash).collect();
        let receipt_proof = prove(&leaves, index).unwrap();
        let transaction_proof = prove(&block::transaction_leaves(&self.transactions), index).unwrap();
        TxProofView {
            height: BLOCK,
            index: index as u32,
            header: HexBytes(self.header(BLOCK).encode()),
            transaction: HexBytes(self.transactions[index].encode()),
            transaction_proof: HexBytes(transaction_proof.encode()),
            receipt: HexBytes(self.receipts[index].encode()),
            receipt_proof: HexBytes(receipt_proof.encode()),
        }
    }

    fn index_of(&self, id: &Json) -> usize {
        (0..3).find(|index| *id == self.id(*index)).unwrap()
    }

    pub fn status(&self, index: usize) -> TxStatus {
        let receipt = &self.receipts[index];
        let receipt = ReceiptView::of(receipt, Some(&self.transactions[index].transaction), |_| None);
        TxStatus::Final { height: BLOCK, index: index as u32, receipt }
    }

    pub fn value(&self, key: &[u8]) -> ProofView {
        use countersign_state::StateRead;
        ProofView {
            height: HEAD,
            root: self.state.root().to_string(),
            value: self.state.get(key).map(HexBytes),
            proof: HexBytes(self.state.prove(key).encode()),
        }
    }

    fn answer(&self, method: &str, params: &Json) -> Json {
        let number = |index: usize| params[index].as_u64().unwrap();
        let mut answer = match method {
            "chain_head" => json!(ChainHead {
                chain: self.chain().to_string(),
                title: "as the node says".into(),
                height: HEAD,
                hash: String::new(),
                time_ms: HEAD,
                state_root: self.state.root().to_string(),
            }),
            "chain_spec" => json!(HexBytes(self.genesis.encode())),
            "chain_header" => json!(self.view(number(0))),
            "chain_validators" if number(0) < LAST_OF_OLD => {
                json!([handover(self.header(LAST_OF_OLD), &self.old, &set(&self.new))])
            }
            "chain_validators" => json!([]),
            "state_proof" => {
                let key: HexBytes = serde_json::from_value(params[0].clone()).unwrap();
                json!(self.value(&key.0))
            }
            "tx_status" => json!(self.status(self.index_of(&params[0]))),
            "tx_proof" => json!(self.proof(self.index_of(&params[0]))),
            other => panic!("{other} is not asked for"),
        };
        if let Some(lie) = self.lies.get(method) {
            lie(&mut answer);
        }
        answer
    }

    /// A client that believes `chain` with proof only, and the node it asks.
    pub async fn serve(self, verification: Verification) -> (Client, ServerHandle) {
        let mut module = RpcModule::new(self);
        for method in
            ["chain_head", "chain_spec", "chain_header", "chain_validators", "state_proof", "tx_status", "tx_proof"]
        {
            module
                .register_method(method, move |params, world, _| {
                    let params: Json = params.parse().unwrap_or_default();
                    Ok::<_, ErrorObjectOwned>(world.answer(method, &params))
                })
                .unwrap();
        }
        let server = Server::builder().build("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", server.local_addr().unwrap());
        let patience = Patience { attempts: 3, certify: Duration::from_millis(100), ..Patience::default() };
        (Client::new(&url, patience).unwrap().verifying(verification), server.start(module))
    }
}
