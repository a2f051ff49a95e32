//! Real folders, whole and damaged.
use super::*;
use crate::chain::tests::{advance, certified, early_payment, mempool, opened, submit};
use countersign_state::{Changes, Checkpoint};
use countersign_types::{AccountId, Amount, Text};
use parity_scale_codec::Encode as _;
use std::sync::Arc;

fn open(dir: &Path) -> Arc<DiskStore> {
    Arc::new(DiskStore::open(&chain_folder(dir), DiskOptions::default()).unwrap())
}

/// Lets a chain run for some blocks with payments in them, and stop.
async fn run_chain(dir: &Path, blocks: u64) {
    let (store, pool) = (open(dir), mempool());
    let chain = opened(&store, &pool).await;
    for block in 0..blocks {
        for n in 0..3 {
            submit(&chain.chain, &pool, early_payment(&chain.chain, 3 * block + n));
        }
        advance(&chain, &store, &pool).await;
    }
    chain.close();
}

#[tokio::test]
async fn a_sound_folder_is_found_sound() {
    let dir = tempfile::tempdir().unwrap();
    run_chain(dir.path(), 5).await;
    let genesis = countersign_chain_spec::dev();
    let found = inspect(dir.path(), &genesis, u64::MAX).unwrap();
    assert!(found.damages.is_empty(), "{:?}", found.damages);
    assert_eq!((found.blocks, found.checked), (Some((Height::new(1), Height::new(5))), 5));
    assert_eq!(found.state.map(|(height, ..)| height), Some(Height::new(4)));
    assert!(found.assets > 0);
    assert_eq!(inspect(dir.path(), &genesis, 2).unwrap().checked, 2);
}

#[tokio::test]
async fn a_folder_without_a_chain_one_in_use_and_one_of_another_chain_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = countersign_chain_spec::dev();
    assert!(matches!(inspect(dir.path(), &genesis, 1), Err(OpenError::NoChain { .. })));
    assert!(!chain_folder(dir.path()).exists(), "looking makes nothing");
    run_chain(dir.path(), 1).await;
    let mut other = genesis.clone();
    other.title = Text::new("another").unwrap();
    assert!(matches!(inspect(dir.path(), &other, 1), Err(OpenError::OtherChain { .. })));
    let _held = open(dir.path());
    assert!(matches!(inspect(dir.path(), &genesis, 1), Err(OpenError::Running { .. })));
}

#[tokio::test]
async fn each_damage_is_named_with_its_height() {
    let genesis = countersign_chain_spec::dev();
    let damages = async |damage: &dyn Fn(&DiskStore)| {
        let dir = tempfile::tempdir().unwrap();
        run_chain(dir.path(), 3).await;
        damage(&open(dir.path()));
        inspect(dir.path(), &genesis, u64::MAX).unwrap().damages
    };
    let checked = |store: &DiskStore, height: u64| {
        let bytes = store.block(Height::new(height)).unwrap().unwrap();
        ReceivedBlock::check(bytes.into()).unwrap().into_parts().0
    };
    let four = Height::new(4);
    let found = damages(&|store| store.commit_block(four, b"no block", b"").unwrap()).await;
    assert!(matches!(found[..], [Damage::Block { height, .. }] if height == four), "{found:?}");

    let found = damages(&|store| {
        let block = checked(store, 3);
        let certificate = store.certificate(Height::new(3)).unwrap().unwrap();
        store.commit_block(four, &block.encode(), &certificate).unwrap();
    })
    .await;
    assert!(matches!(found[..], [Damage::Parent { height }] if height == four), "{found:?}");

    // A header that is certified for another place, and one that nobody signed.
    let found = damages(&|store| {
        let mut block = checked(store, 3);
        block.header.height = four;
        block.header.parent = block.header.hash();
        let certificate = store.certificate(Height::new(3)).unwrap().unwrap();
        store.commit_block(four, &block.encode(), &certificate).unwrap();
    })
    .await;
    assert!(matches!(found[..], [Damage::Trail { height, .. }] if height == four), "{found:?}");

    // Value that nobody issued, in a state with a root of its own.
    let found = damages(&|store| issue_secretly(store, Vec::new())).await;
    assert!(matches!(found[..], [Damage::Supply(_)]), "{found:?}");

    let three = Height::new(3);
    let found = damages(&|store| {
        issue_secretly(store, vec![(three, crate::chain::receipts::pack(&checked(store, 3), &[], &[]))]);
        let mut block = checked(store, 3);
        block.header.height = four;
        block.header.parent = checked(store, 3).header.hash();
        let certificate = certified(&block.header, &["validator-1"]);
        store.commit_block(four, &block.encode(), &certificate.encode()).unwrap();
    })
    .await;
    assert!(
        matches!(found[..], [Damage::Receipts { height }, Damage::State { height: at, .. }] if height == three && at == three),
        "{found:?}"
    );
}

/// A checkpoint at height 3 in which somebody holds what was never issued.
fn issue_secretly(store: &DiskStore, receipts: Vec<(Height, Vec<u8>)>) {
    let state = store.load().unwrap();
    let mut changes = Changes { seen_from: state.seen_from(), ..Changes::default() };
    let key = state_key::balance(&AccountId([9; 32]), &"EUR".parse().unwrap());
    changes.values.insert(key, Some(Amount::new(5).encode()));
    let height = Height::new(3);
    let root = state.apply(height, &changes).root();
    store.checkpoint(&Checkpoint { height, root, changes, receipts, index: Vec::new() }).unwrap();
}
