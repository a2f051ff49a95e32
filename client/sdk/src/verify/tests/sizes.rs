//! How many bytes a proof takes and how long it is checked. Printed, not asserted but for the bytes: run with
//! `cargo test --release -p countersign-client sizes -- --ignored --nocapture`.
use super::super::*;
use super::world::*;
use crate::rpc_types::{HexBytes, TxProofView};
use crate::types::merkle::prove;
use crate::types::{AccountId, Amount, Receipt, SignedTransaction, block, receipt, state_key};
use countersign_state::{Changes, Snapshot};
use parity_scale_codec::Encode;
use std::time::{Duration, Instant};

/// Accounts in the state that is proven from.
const ACCOUNTS: u32 = 100_000;
/// Transactions of the block whose receipt is proven.
const TRANSACTIONS: usize = 1_000;
/// Times each check is run.
const ROUNDS: u32 = 200;
/// Bytes that a proof of a value may take beside header and certificate.
const PROOF_BYTES_WANTED: usize = 1_024;

fn account(n: u32) -> AccountId {
    AccountId(Hash::of("account", &n.to_le_bytes()).0)
}

fn validators(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("validator-{n}")).collect()
}

fn mean(run: impl Fn()) -> Duration {
    let began = Instant::now();
    (0..ROUNDS).for_each(|_| run());
    began.elapsed() / ROUNDS
}

#[test]
#[ignore = "prints figures; takes seconds and means something in a release build only"]
#[allow(clippy::print_stdout, reason = "it is run for what it prints")]
fn sizes_and_times() {
    let values = (0..ACCOUNTS).map(|n| (state_key::balance(&account(n), &eur()), Some(Amount::new(7).encode())));
    let changes = Changes { values: values.collect(), ..Changes::default() };
    let state = Snapshot::empty().apply(Height::new(1), &changes);
    let key = state_key::balance(&account(5), &eur());
    let (value, proof) = (Amount::new(7).encode(), state.prove(&key).encode());
    let world = World::new();
    let transactions: Vec<SignedTransaction> = vec![world.transactions[0].clone(); TRANSACTIONS];
    let receipts: Vec<Receipt> = vec![world.receipts[0].clone(); TRANSACTIONS];
    let leaves: Vec<Hash> = receipts.iter().map(Receipt::hash).collect();
    for count in [4, 7] {
        let names = validators(count);
        let (set, chain) = (set(&names), world.chain());
        let below = Header { tx_root: block::transactions_root(&transactions), ..header(chain, 1, &set, &set) };
        let roots = (state.root(), receipt::receipts_root(&receipts));
        let (state_root, receipts_root) = roots;
        let above = Header { parent: below.hash(), state_root, receipts_root, ..header(chain, 2, &set, &set) };
        let quorum = &names[..count * 2 / 3 + 1];
        let view = view(&above, quorum, &set);
        let trust = Trust { chain, title: String::new(), validators: set, since: Height::new(1), newest: None };
        let place = |leaves: &[Hash]| HexBytes(prove(leaves, TRANSACTIONS / 2).unwrap().encode());
        let told = TxProofView {
            height: 1,
            index: TRANSACTIONS as u32 / 2,
            header: HexBytes(below.encode()),
            transaction: HexBytes(transactions[0].encode()),
            transaction_proof: place(&block::transaction_leaves(&transactions)),
            receipt: HexBytes(receipts[0].encode()),
            receipt_proof: place(&leaves),
        };
        let id = match receipts[0].subject {
            receipt::Subject::Transaction(id) => id,
            _ => panic!("a transaction's"),
        };
        let balance = mean(|| {
            let header = trust.check(2, &view).unwrap();
            check_proof(&header.state_root, &key, Some(&value), &proof).unwrap();
        });
        let receipt = mean(|| {
            let header = trust.check(2, &view).unwrap();
            check_receipt(&header, &id, &told).unwrap();
        });
        let certificate = view.certificate.as_ref().unwrap().0.len();
        let list = told.receipt_proof.0.len();
        println!(
            "{count} validators: header {} B, certificate of {} {certificate} B; balance among {ACCOUNTS}: proof {} B, \
             checked in {balance:?}; receipt among {TRANSACTIONS}: proof {list} B, checked in {receipt:?}",
            view.header.0.len(),
            quorum.len(),
            proof.len(),
        );
    }
    assert!(proof.len() <= PROOF_BYTES_WANTED, "{} bytes", proof.len());
}
