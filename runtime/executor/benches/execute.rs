//! What a block costs on one core: transfers by the native module, purchases by a contract. Signatures were verified before.
use countersign_executor::{BlockInput, BlockOutcome, Executor};
use countersign_interface::Method;
use countersign_interface::assets::Transfer;
use countersign_interface::rebate::Purchase;
use countersign_state::Snapshot;
use countersign_types::genesis::{Council, GenesisAsset, GenesisContract, GenesisHolder, GenesisMember};
use countersign_types::signature::{PartySignature, development_secret, public_key, sign};
use countersign_types::transaction::{SIGNING, signing_bytes};
use countersign_types::{
    AccountId, Amount, AssetId, Authority, BoundedVec, Call, Genesis, Hash, Height, Params, Role, SignedTransaction,
    Timestamp, Transaction, Validator, ValidatorSet, VerifiedTransaction,
};
use countersign_vm::{Engine, EngineConfig};
use criterion::{Criterion, Throughput, criterion_main};
use std::collections::BTreeMap;

/// Holders, each of which pays in one transaction of a block.
const HOLDERS: usize = 1_000;
const TRANSFERS: usize = 1_000;
const PURCHASES: usize = 500;
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const BLOCK: Timestamp = Timestamp::from_millis(1_767_225_601_000);
const EXPIRY: Timestamp = Timestamp::from_millis(1_767_226_200_000);
const MERCHANT: &str = "shop.example";

struct Chain {
    executor: Executor,
    chain: Hash,
    state: Snapshot,
    holders: Vec<AccountId>,
    secrets: BTreeMap<AccountId, [u8; 32]>,
}

fn eur() -> AssetId {
    "EUR".parse().expect("a symbol")
}

fn bounded<T, const MAX: usize>(items: Vec<T>) -> BoundedVec<T, MAX> {
    items.try_into().unwrap_or_else(|_| panic!("within {MAX}"))
}

fn chain() -> Chain {
    let names: Vec<String> = (0..HOLDERS).map(|number| format!("h{number}@{MERCHANT}")).collect();
    let secret_of = |name: &str| {
        let secret = development_secret(name);
        (AccountId::of_key(&public_key(&secret)), secret)
    };
    let (merchant, merchant_secret) = secret_of(MERCHANT);
    let key = public_key(&merchant_secret);
    let mut secrets: BTreeMap<_, _> = names.iter().map(|name| secret_of(name)).collect();
    secrets.insert(merchant, merchant_secret);
    let mut holders: Vec<_> = names
        .iter()
        .map(|name| {
            let (id, secret) = secret_of(name);
            GenesisHolder { id, name: name.parse().expect("a name"), key: public_key(&secret) }
        })
        .collect();
    holders.sort_by_key(|holder| holder.id);
    let asset = GenesisAsset {
        id: eur(),
        issuer: merchant,
        decimals: 2,
        title: "Euro".parse().expect("a title"),
        balances: bounded(secrets.keys().map(|id| (*id, Amount::new(1_000_000))).collect()),
    };
    let member = GenesisMember {
        id: merchant,
        name: MERCHANT.parse().expect("a name"),
        roles: bounded(vec![Role::Merchant, Role::Issuer]),
        authority: Authority::single(key),
    };
    let code = countersign_artifacts::REBATE.wasm.to_vec();
    let genesis = Genesis {
        title: "bench".parse().expect("a title"),
        time: START,
        params: Params::default(),
        council: Council { members: bounded(vec![merchant]), threshold: 1 },
        validators: ValidatorSet(bounded(vec![Validator { key, power: 1 }])),
        nodes: bounded(vec![]),
        members: bounded(vec![member]),
        assets: bounded(vec![asset]),
        contracts: bounded(vec![GenesisContract { name: "rebate".parse().expect("a name"), code: bounded(code) }]),
        holders: bounded(holders.clone()),
    };
    let executor = Executor::new(Engine::new(EngineConfig::default()).expect("the engine starts"));
    let changes = executor.genesis(&genesis).expect("the genesis keeps the rules");
    let state = Snapshot::empty().apply(Height::ZERO, &changes);
    let holders = holders.iter().map(|holder| holder.id).collect();
    Chain { executor, chain: genesis.chain(), state, holders, secrets }
}

impl Chain {
    fn signed(&self, number: usize, call: Call) -> VerifiedTransaction {
        let salt = (number as u64).to_le_bytes();
        let calls = bounded(vec![call]);
        let transaction = Transaction { chain: self.chain, valid_from: START, expires_at: EXPIRY, salt, calls };
        let message = signing_bytes(SIGNING, &self.chain, &transaction.id().0);
        let signatures = transaction.signers().into_iter().enumerate().map(|(index, signer)| {
            let secret = &self.secrets[&signer];
            let account = u16::try_from(index).expect("few signers");
            PartySignature { account, key: public_key(secret), signature: sign(secret, &message) }
        });
        let signatures = bounded(signatures.collect());
        VerifiedTransaction::verify(SignedTransaction { transaction, signatures }, &self.chain).expect("well signed")
    }

    fn transfers(&self) -> Vec<VerifiedTransaction> {
        let transfer = |number: usize| {
            let to = self.holders[(number + 1) % HOLDERS];
            let reference = "invoice 1".parse().expect("a text");
            let transfer = Transfer { asset: eur(), to, amount: Amount::new(10), reference };
            self.signed(number, transfer.call(&[self.holders[number % HOLDERS]]))
        };
        (0..TRANSFERS).map(transfer).collect()
    }

    fn purchases(&self) -> Vec<VerifiedTransaction> {
        let merchant = AccountId::of_key(&public_key(&development_secret(MERCHANT)));
        let purchase = |number: usize| {
            let reference = "order 1".parse().expect("a text");
            let purchase = Purchase { asset: eur(), amount: Amount::new(10), reference };
            self.signed(number, purchase.call(&[merchant, self.holders[number % HOLDERS]]))
        };
        (0..PURCHASES).map(purchase).collect()
    }

    fn execute(&self, transactions: &[VerifiedTransaction]) -> BlockOutcome {
        let proposer = public_key(&development_secret("validator-1"));
        let (chain, height, evidence) = (self.chain, Height::new(1), &[]);
        let input = BlockInput { chain, height, time: BLOCK, proposer, evidence, transactions };
        self.executor.execute_block(&self.state, input)
    }
}

fn blocks(criterion: &mut Criterion) {
    let chain = chain();
    let mut group = criterion.benchmark_group("execute_block");
    group.sample_size(20);
    for (name, transactions) in [("1000 transfers", chain.transfers()), ("500 rebate purchases", chain.purchases())] {
        let outcome = chain.execute(&transactions);
        assert!(outcome.receipts.iter().all(|receipt| receipt.outcome.is_ok()), "{:?}", outcome.receipts[0]);
        group.throughput(Throughput::Elements(transactions.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_with_large_drop(|| chain.execute(&transactions));
        });
    }
    group.finish();
}

mod group {
    #![allow(missing_docs)] // what the macro makes
    use super::blocks;
    criterion::criterion_group!(benches, blocks);
}
criterion_main!(group::benches);
