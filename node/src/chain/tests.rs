//! The chain without an engine: blocks are made, judged, committed and executed by hand.
use super::evidence::tests::{contradiction, recorded};
use super::execute::{Decided, Task};
use super::judge::{Refusal, judge};
use super::*;
use crate::index::{self, Cursor, EventQuery};
use crate::mempool::{Mempool, PoolLimits};
use crate::metrics::Metrics;
use countersign_executor::{Engine, EngineConfig};
use countersign_state::MemoryStore;
use countersign_types::signature::{development_secret, public_key, sign};
use countersign_types::transaction::{SIGNING, signing_bytes};
use countersign_types::*;
use parity_scale_codec::Encode;
use prometheus_client::metrics::counter::Counter;
use std::time::Duration;

const NEVER: Duration = Duration::from_secs(3_600);

fn engine() -> Engine {
    Engine::new(EngineConfig::default()).unwrap()
}

pub(crate) fn mempool() -> Arc<Mempool> {
    Arc::new(Mempool::new(
        PoolLimits { bytes_max: 1 << 20, transactions_max: 100, share_percent_max: 50 },
        Counter::default(),
    ))
}

pub(crate) async fn opened<S: Store + 'static>(store: &Arc<S>, mempool: &Arc<Mempool>) -> Opened {
    let options = Options {
        genesis: countersign_chain_spec::dev(),
        store: store.clone(),
        engine: engine(),
        checkpoint_blocks: 10_000,
        checkpoint_age: NEVER,
        evidence_file: None,
        clock: Clock::default(),
        index: true,
    };
    open(options, mempool.clone(), Metrics::new()).await.unwrap()
}

fn holder(name: &str) -> ([u8; 32], AccountId) {
    let secret = development_secret(name);
    (secret, AccountId::of_key(&public_key(&secret)))
}

/// Alice pays Bob; valid for a while from a time on.
pub(crate) fn payment(chain: &Chain, salt: u64, valid_from: Timestamp) -> SignedTransaction {
    let (secret, alice) = holder("alice@harbor-hotel.example");
    let (_, bob) = holder("bob@harbor-hotel.example");
    let assets = countersign_executor::native_interfaces().find(|native| native.module.as_str() == "assets").unwrap();
    let (index, _) = assets.method_named("transfer").unwrap();
    let asset: AssetId = "EUR".parse().unwrap();
    let args = (asset, bob, Amount::new(1), Text::new("").unwrap()).encode();
    let call = Call {
        module: assets.module.clone(),
        method: assets.selector(index),
        parties: vec![alice].try_into().unwrap(),
        args: args.try_into().unwrap(),
    };
    let transaction = Transaction {
        chain: chain.id(),
        valid_from,
        expires_at: valid_from.checked_add_millis(1_000_000).unwrap(),
        salt: salt.to_le_bytes(),
        calls: vec![call].try_into().unwrap(),
    };
    let message = signing_bytes(SIGNING, &transaction.chain, &transaction.id().0);
    let signature = PartySignature { account: 0, key: public_key(&secret), signature: sign(&secret, &message) };
    SignedTransaction { transaction, signatures: vec![signature].try_into().unwrap() }
}

/// One that is valid in the chain's first minutes.
pub(crate) fn early_payment(chain: &Chain, salt: u64) -> SignedTransaction {
    payment(chain, salt, chain.genesis().time)
}

pub(crate) fn submit(chain: &Chain, mempool: &Mempool, transaction: SignedTransaction) {
    let verified = VerifiedTransaction::verify(transaction, &chain.id()).unwrap();
    mempool.insert(Arc::new(verified), AccountId([1; 32])).unwrap();
}

/// Verifies a block's transactions as judging it does.
pub(crate) fn verify(mempool: &Mempool, chain: &Chain, block: &[SignedTransaction]) -> Result<(), Refusal> {
    let head = chain.head();
    let mut made = propose::build(&head, &crate::chain::tests::mempool(), Vec::new(), proposer(), clock(chain)).block;
    made.transactions = block.to_vec().try_into().unwrap();
    judge(&head, mempool, &made, None).map(drop)
}

pub(crate) fn proposer() -> PublicKey {
    public_key(&development_secret("validator-1"))
}

/// Signed by these validators, in any order.
pub(crate) fn certified(header: &Header, validators: &[&str]) -> Certificate {
    let (height, block) = (header.height, header.hash());
    let message = block::precommit_bytes(&header.chain, height, 0, &block);
    let mut signatures: Vec<_> = validators
        .iter()
        .map(|name| development_secret(name))
        .map(|secret| (public_key(&secret), sign(&secret, &message)))
        .collect();
    signatures.sort_by_key(|(key, _)| *key);
    Certificate { height, round: 0, block, signatures: signatures.try_into().unwrap() }
}

/// A second after the newest block.
pub(crate) fn clock(chain: &Chain) -> Timestamp {
    chain.head().header.time.checked_add_millis(1_000).unwrap()
}

/// Makes, judges, commits and executes the next block.
pub(crate) async fn advance<S: Store>(opened: &Opened, store: &Arc<S>, mempool: &Mempool) -> Arc<Head> {
    let chain = &opened.chain;
    let head = chain.head();
    let draft = propose::build(&head, mempool, chain.evidence.select(&head), proposer(), clock(chain));
    commit(opened, store, mempool, draft.block).await
}

/// Judges, commits and executes a block.
pub(crate) async fn commit<S: Store>(opened: &Opened, store: &Arc<S>, mempool: &Mempool, block: Block) -> Arc<Head> {
    let chain = &opened.chain;
    let head = chain.head();
    let transactions = judge(&head, mempool, &block, Some(clock(chain))).unwrap();
    let (height, hash, bytes) = (head.height().next(), block.header.hash(), block.encode());
    let certificate = certified(&block.header, &["validator-1"]);
    store.commit_block(height, &bytes, &certificate.encode()).unwrap();
    let decided = Decided { block, hash, certificate, transactions, size_bytes: bytes.len() };
    assert!(opened.service().tasks.send(Task::Execute(Box::new(decided))).is_ok());
    let mut heads = chain.heads();
    tokio::time::timeout(NEVER, heads.wait_for(|head| head.height() >= height)).await.unwrap().unwrap().clone()
}

fn summary(head: &Head) -> (Height, Hash, Hash, Hash, ValidatorSet, ValidatorSet, Params, bool) {
    let (validators, next) = (head.validators.clone(), head.next_validators.clone());
    let (root, receipts) = (head.state.root(), head.receipts_root);
    (head.height(), head.hash, root, receipts, validators, next, head.params.clone(), head.uncertified)
}

#[tokio::test]
async fn a_chain_without_a_checkpoint_is_replayed_to_the_same_tip_and_one_with_it_is_loaded() {
    let (store, pool) = (Arc::new(MemoryStore::default()), mempool());
    let first = opened(&store, &pool).await;
    assert!(first.chain.head().uncertified, "the first block certifies the genesis");
    for salt in 0..3 {
        submit(&first.chain, &pool, early_payment(&first.chain, salt));
        let head = advance(&first, &store, &pool).await;
        assert!(head.uncertified && pool.lock().is_empty());
    }
    let tip = advance(&first, &store, &pool).await;
    assert!(!tip.uncertified, "a block that changed nothing leaves nothing to certify");
    assert_eq!(first.chain.checkpoint_height(), Height::ZERO);
    // As if the power were cut: nothing of it ends in order.
    std::mem::forget(first);

    let second = opened(&store, &mempool()).await;
    assert_eq!(summary(&second.chain.head()), summary(&tip));
    second.close();
    assert_eq!(store.checkpoint_height().unwrap(), Some(Height::new(3)), "the newest height that a header certifies");

    let third = opened(&store, &mempool()).await;
    assert_eq!(summary(&third.chain.head()), summary(&tip));
    let next = advance(&third, &store, &mempool()).await;
    assert_eq!(next.height(), Height::new(5));
}

#[tokio::test]
async fn histories_are_the_same_in_memory_and_on_disk() {
    let (store, pool) = (Arc::new(MemoryStore::default()), mempool());
    let first = opened(&store, &pool).await;
    for salt in 0..6 {
        submit(&first.chain, &pool, early_payment(&first.chain, salt));
        if salt % 2 == 1 {
            advance(&first, &store, &pool).await;
        }
    }
    let (_, alice) = holder("alice@harbor-hotel.example");
    let queries = [
        EventQuery { account: Some(alice), module: None },
        EventQuery { account: None, module: Some("assets".parse().unwrap()) },
        EventQuery { account: Some(alice), module: Some("rebate".parse().unwrap()) },
        EventQuery::default(),
    ];
    let read = |chain: &Chain| {
        let mut pages = Vec::new();
        for query in &queries {
            let (mut after, mut found) = (Cursor::after_block(0), Vec::new());
            while after < Cursor::after_block(3) {
                let (page, upto) = index::events(chain, query, after, Height::new(3), 4).unwrap();
                assert!(upto > after, "every page goes on");
                found.extend(page);
                after = upto;
            }
            pages.push(found);
        }
        (pages, index::history(chain, &alice, None, 100).unwrap())
    };
    let in_memory = read(&first.chain);
    assert_eq!(in_memory.0.iter().map(Vec::len).collect::<Vec<_>>(), [6, 6, 0, 6]);
    assert_eq!(in_memory.1.len(), 6);
    assert!(in_memory.1.windows(2).all(|pair| (pair[0].height, pair[0].index) > (pair[1].height, pair[1].index)));
    let older = index::history(&first.chain, &alice, Some(in_memory.1[2]), 2).unwrap();
    assert_eq!(older, in_memory.1[3..5]);
    first.close();
    let second = opened(&store, &mempool()).await;
    assert_eq!(read(&second.chain), in_memory);
    let id = early_payment(&second.chain, 4).transaction.id().0;
    let place = index::transaction(&second.chain, &id).unwrap().unwrap();
    assert_eq!((place.height, place.index), (Height::new(3), 0));
    assert_eq!(index::transaction(&second.chain, &Hash::ZERO).unwrap(), None);
}

#[tokio::test]
async fn a_block_that_breaks_a_rule_is_refused_by_that_rule() {
    let (store, pool) = (Arc::new(MemoryStore::default()), mempool());
    let opened = opened(&store, &pool).await;
    let chain = &opened.chain;
    let head = advance(&opened, &store, &pool).await;
    let good = propose::build(&head, &pool, Vec::new(), proposer(), clock(chain)).block;
    let verdict = |change: &dyn Fn(&mut Block)| {
        let mut block = good.clone();
        change(&mut block);
        judge(&head, &pool, &block, Some(clock(chain))).map(drop).unwrap_err()
    };
    let derived =
        |what| move |refusal: Refusal| matches!(refusal, Refusal::Derived { what: found, .. } if found == what);
    assert!(matches!(verdict(&|b| b.header.chain = Hash::ZERO), Refusal::OtherChain(_)));
    assert!(matches!(verdict(&|b| b.header.height = Height::new(9)), Refusal::Height { .. }));
    assert!(matches!(verdict(&|b| b.header.parent = Hash::ZERO), Refusal::Parent(_)));
    assert!(matches!(verdict(&|b| b.header.time = head.header.time), Refusal::NotLater { .. }));
    let late = clock(chain).checked_add_millis(head.params.block_time_ahead_ms_max + 1).unwrap();
    assert!(matches!(verdict(&|b| b.header.time = late), Refusal::Ahead { .. }));
    assert!(matches!(verdict(&|b| b.header.proposer = PublicKey([9; 32])), Refusal::Proposer));
    assert!(derived("state root")(verdict(&|b| b.header.state_root = Hash::ZERO)));
    assert!(derived("receipts root")(verdict(&|b| b.header.receipts_root = Hash::ZERO)));
    assert!(derived("validators' hash")(verdict(&|b| b.header.validators_hash = Hash::ZERO)));
    assert!(derived("next validators' hash")(verdict(&|b| b.header.next_validators_hash = Hash::ZERO)));
    assert!(derived("parameters' hash")(verdict(&|b| b.header.params_hash = Hash::ZERO)));
    let tx = early_payment(chain, 1);
    let twice: Vec<_> = vec![tx.clone(), tx.clone()];
    assert!(matches!(verdict(&|b| b.transactions = twice.clone().try_into().unwrap()), Refusal::Duplicate(_)));
    let mut forged = tx;
    forged.transaction.salt = [9; 8];
    let forged = vec![forged];
    assert!(matches!(
        verdict(&|b| b.transactions = forged.clone().try_into().unwrap()),
        Refusal::Transaction { index: 0, .. }
    ));
    let mut small = Head::clone(&head);
    small.params.block_transactions_max = 0;
    let mut block = good.clone();
    block.header.params_hash = small.params.hash();
    block.transactions = vec![early_payment(chain, 2)].try_into().unwrap();
    assert!(matches!(judge(&small, &pool, &block, None), Err(Refusal::TooMany { found: 1, limit: 0 })));
    small.params = Params { block_bytes_max: 10, ..head.params.clone() };
    block.header.params_hash = small.params.hash();
    assert!(matches!(judge(&small, &pool, &block, None), Err(Refusal::TooLarge { limit: 10, .. })));
    assert!(judge(&head, &pool, &good, None).is_ok());
}

#[tokio::test]
async fn evidence_in_a_block_is_ordered_decided_new_proven_and_against_a_validator() {
    let (store, pool) = (Arc::new(MemoryStore::default()), mempool());
    let opened = opened(&store, &pool).await;
    advance(&opened, &store, &pool).await;
    let head = advance(&opened, &store, &pool).await;
    let chain = head.header.chain;
    let by = |name: &str, height, round| contradiction(name, &chain, height, round);
    let verdict = |head: &Head, evidence: Vec<Evidence>| {
        let block = propose::build(head, &pool, evidence, proposer(), clock(&opened.chain)).block;
        judge(head, &pool, &block, None).map(drop)
    };
    let (first, second) = (by("validator-1", 1, 0), by("validator-1", 2, 0));
    assert_eq!(verdict(&head, vec![first, second]), Ok(()));
    assert_eq!(verdict(&head, vec![second, first]), Err(Refusal::EvidenceOrder { index: 1 }));
    let swapped = Evidence { first: first.second, second: first.first };
    assert_eq!(verdict(&head, vec![first, swapped]), Err(Refusal::EvidenceOrder { index: 1 }), "twice");
    let ahead = verdict(&head, vec![first, by("validator-1", 3, 0)]);
    assert_eq!(ahead, Err(Refusal::EvidenceAhead { index: 1, found: Height::new(3), parent: Height::new(2) }));
    let stranger = by("somebody", 1, 0);
    let refused = Refusal::EvidenceStranger { index: 0, validator: stranger.validator() };
    assert_eq!(verdict(&head, vec![stranger]), Err(refused));
    let known = recorded(&head, &[second]);
    assert_eq!(verdict(&known, vec![first, second]), Err(Refusal::EvidenceRecorded { index: 1 }));
    let rounds = 10..9 + limits::EVIDENCE_PER_VALIDATOR_MAX as u32;
    let many: Vec<_> = rounds.map(|round| by("validator-1", 1, round)).collect();
    let almost = recorded(&head, &many);
    let verdict_almost = |evidence| {
        let block = propose::build(&almost, &pool, evidence, proposer(), clock(&opened.chain)).block;
        judge(&almost, &pool, &block, None).map(drop)
    };
    assert_eq!(verdict_almost(vec![first]), Ok(()));
    let enough = Refusal::EvidenceEnough { index: 1, validator: first.validator() };
    assert_eq!(verdict_almost(vec![first, second]), Err(enough));
    let agreeing = Evidence { first: first.first, second: first.first };
    assert_eq!(verdict(&head, vec![agreeing]), Err(Refusal::EvidenceInvalid { index: 0 }));
    let mut forged = first;
    forged.second.signature.0[3] ^= 1;
    assert_eq!(verdict(&head, vec![forged]), Err(Refusal::EvidenceInvalid { index: 0 }));
}

#[tokio::test]
async fn what_a_validator_proposes_holds_the_evidence_that_waits() {
    let (store, pool) = (Arc::new(MemoryStore::default()), mempool());
    let opened = opened(&store, &pool).await;
    let head = advance(&opened, &store, &pool).await;
    let found = contradiction("validator-1", &head.header.chain, 1, 0);
    assert_eq!(opened.chain.evidence.add(vec![found], &head), [found]);
    advance(&opened, &store, &pool).await;
    let executed = opened.chain.executed(Height::new(2)).unwrap().unwrap();
    assert_eq!(executed.block.evidence[..], [found]);
    let after = opened.chain.head();
    assert!(countersign_executor::is_recorded(&after.state, &found) && after.uncertified);
    assert!(opened.chain.evidence.select(&after).is_empty());
}

#[tokio::test]
async fn a_signature_altered_after_the_mempool_verified_it_is_found() {
    let (store, pool) = (Arc::new(MemoryStore::default()), mempool());
    let opened = opened(&store, &pool).await;
    let tx = early_payment(&opened.chain, 1);
    submit(&opened.chain, &pool, tx.clone());
    let head = opened.chain.head();
    let mut block = propose::build(&head, &pool, Vec::new(), proposer(), clock(&opened.chain)).block;
    assert_eq!(block.transactions.len(), 1);
    let mut altered = tx;
    let mut signature = altered.signatures[0];
    signature.signature.0[5] ^= 1;
    altered.signatures = vec![signature].try_into().unwrap();
    block.transactions = vec![altered].try_into().unwrap();
    assert!(matches!(judge(&head, &pool, &block, None), Err(Refusal::Transaction { index: 0, .. })));
}

#[tokio::test]
async fn a_certified_block_with_another_root_stops_the_node_and_says_where_to_look() {
    let (store, pool) = (Arc::new(MemoryStore::default()), mempool());
    let opened = opened(&store, &pool).await;
    let head = opened.chain.head();
    let mut block = propose::build(&head, &pool, Vec::new(), proposer(), clock(&opened.chain)).block;
    block.header.state_root = Hash([7; 32]);
    let hash = block.header.hash();
    let certificate = Certificate { height: Height::new(1), round: 0, block: hash, signatures: BoundedVec::empty() };
    let decided = Decided { block, hash, certificate, transactions: Vec::new(), size_bytes: 100 };
    assert!(opened.service().tasks.send(Task::Execute(Box::new(decided))).is_ok());
    let fault = tokio::time::timeout(NEVER, opened.chain.stopped()).await.unwrap();
    let text = fault.to_string();
    assert!(matches!(*fault, Fault::Diverged { height: Height::ZERO, .. }), "{text}");
    assert!(text.contains(&head.state.root().to_string()) && text.contains(&Hash([7; 32]).to_string()), "{text}");
    assert_eq!(opened.chain.head().height(), Height::ZERO);
}

#[tokio::test]
async fn a_store_of_another_chain_is_refused() {
    let store = Arc::new(MemoryStore::default());
    opened(&store, &mempool()).await.close();
    let mut genesis = countersign_chain_spec::dev();
    genesis.title = Text::new("another").unwrap();
    let options = Options {
        genesis,
        store: store.clone(),
        engine: engine(),
        checkpoint_blocks: 1,
        checkpoint_age: NEVER,
        evidence_file: None,
        clock: Clock::default(),
        index: true,
    };
    let refused = open(options, mempool(), Metrics::new()).await;
    assert!(matches!(refused.map(drop), Err(Fault::OtherChain { .. })));
}
