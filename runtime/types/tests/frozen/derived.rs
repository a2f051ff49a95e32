//! What is computed from the types and ends in state, headers or signatures: ids, roots, keys of records, bytes to sign.
use crate::frozen;
use crate::sample::{Draw, Sample};
use countersign_types::*;

const CASES: usize = 64;

/// A row: the hash over what `compute` gives for generated cases.
fn row<T: Sample, R: AsRef<[u8]>>(name: &str, compute: impl Fn(T) -> R) -> String {
    let mut draw = Draw::new(name);
    let mut hasher = Hasher::new("frozen");
    for _ in 0..CASES {
        let result = compute(T::sample(&mut draw));
        let bytes = result.as_ref();
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    format!("{name} {}\n", hasher.finish())
}

#[test]
fn hashes_and_signing_bytes_are_frozen() {
    let rows = [
        row("transaction.id", |value: Transaction| value.id().0.0),
        row("document.hash", |value: Document| value.hash().0),
        row("transaction.signing_bytes", |(chain, id): (Hash, Hash)| {
            transaction::signing_bytes(transaction::SIGNING, &chain, &id)
        }),
        row("document.signing_bytes", |(chain, id): (Hash, Hash)| {
            transaction::signing_bytes(document::SIGNING, &chain, &id)
        }),
        row("header.hash", |value: Header| value.hash().0),
        row("block.transactions_root", |value: Vec<SignedTransaction>| block::transactions_root(&value).0),
        row("block.evidence_hash", |value: Vec<Evidence>| block::evidence_hash(&value).0),
        row("receipt.hash", |value: Receipt| value.hash().0),
        row("receipt.receipts_root", |value: Vec<Receipt>| receipt::receipts_root(&value).0),
        row("block.precommit_bytes", |((chain, block), (height, round)): ((Hash, Hash), (Height, u32))| {
            block::precommit_bytes(&chain, height, round, &block)
        }),
        row("validators.hash", |value: ValidatorSet| value.hash().0),
        row("params.hash", |value: Params| value.hash().0),
        row("genesis.chain", |value: Genesis| value.chain().0),
        row("account.of_contract", |value: ModuleName| AccountId::of_contract(&value).0),
        row("merkle.root", |value: Vec<Hash>| merkle::root(&value).0),
    ];
    frozen::check("derived.txt", &format!("# Hash over what is computed from generated cases.\n{}", rows.concat()));
}

#[test]
fn keys_of_records_are_frozen() {
    let rows = [
        row("account", |id: AccountId| state_key::account(&id)),
        row("member", |id: AccountId| state_key::member(&id)),
        row("site", |id: AccountId| state_key::site(&id)),
        row("name", |name: Name| state_key::name(&name)),
        row("asset", |id: AssetId| state_key::asset(&id)),
        row("balance", |(account, asset): (AccountId, AssetId)| state_key::balance(&account, &asset)),
        row("contract", |name: ModuleName| state_key::contract(&name)),
        row("code", |hash: Hash| state_key::code(&hash)),
        row("data", |(contract, key): (AccountId, Vec<u8>)| state_key::data(&contract, &key)),
        row("job", |(at, sequence): (Timestamp, u64)| state_key::job(at, sequence)),
        row("job_time", |sequence: u64| state_key::job_time(sequence)),
        row("quota", |member: AccountId| state_key::quota(&member)),
        row("seen", |minute: u64| state_key::seen(minute)),
        row("node", |key: PublicKey| state_key::node(&key)),
        row("evidence", |evidence: Evidence| evidence.state_key()),
        row("proposed", |key: PublicKey| state_key::proposed(&key)),
        format!("params {}\n", hex::encode(state_key::params())),
        format!("council {}\n", hex::encode(state_key::council())),
        format!("working_blocks {}\n", hex::encode(state_key::working_blocks())),
        format!("validators {}\n", hex::encode(state_key::validators())),
        format!("next_job {}\n", hex::encode(state_key::next_job())),
    ];
    frozen::check(
        "state_keys.txt",
        &format!("# Hash over the keys of generated records; single records in hex.\n{}", rows.concat()),
    );
}

macro_rules! host_table {
    ($($(#[doc = $doc:expr])+ fn $name:ident($($argument:ident: $ty:ty),*) -> $result:ty, $base:literal + $byte:literal;)+) => {
        [$(concat!(stringify!($name), "(", $(stringify!($argument), ": ", stringify!($ty), ", ",)* ") -> ", stringify!($result), "; ", $base, "+", $byte, "\n")),+]
    };
}

/// Contracts on the ledger import these by name, and their prices decide how far a call gets.
#[test]
fn host_functions_and_their_prices_are_frozen() {
    // How a compiler spaces the words of a type is not part of the format.
    let rows = host_functions!(host_table).concat().replace(' ', "");
    frozen::check(
        "host_functions.txt",
        &format!("# What a contract may ask of the ledger; gas + gas per byte.\n{rows}"),
    );
}
