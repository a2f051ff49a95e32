//! Snapshots of real folders: taken, carried over and refused.
use super::format::{Chunk, Reader, Writer};
use super::*;
use crate::chain::tests::{advance, certified, clock, commit, early_payment, mempool, opened, submit};
use crate::chain::{Head, Opened};
use crate::inspect::{OpenError, chain_folder, inspect};
use crate::mempool::Mempool;
use crate::trail::{BadTrail, Link};
use countersign_state::{Corruption, DiskOptions, DiskStore, StateRead, Store, StoreError};
use countersign_types::block::BadCertificate;
use countersign_types::signature::{development_secret, public_key, sign};
use countersign_types::transaction::{SIGNING, signing_bytes};
use countersign_types::*;
use parity_scale_codec::Encode;
use std::fs;
use std::sync::Arc;

/// A node's folder and a chain that runs in it.
struct Place {
    dir: tempfile::TempDir,
    store: Arc<DiskStore>,
    pool: Arc<Mempool>,
    chain: Opened,
}

impl Place {
    async fn open(dir: tempfile::TempDir) -> Self {
        let (path, pool) = (chain_folder(dir.path()), mempool());
        let store = Arc::new(DiskStore::open(&path, DiskOptions::default()).unwrap());
        let chain = opened(&store, &pool).await;
        Self { dir, store, pool, chain }
    }

    /// A chain of some blocks with payments in each; the validator's power changes by block 3, from block 5 on.
    async fn with_blocks(blocks: u64) -> Self {
        let place = Self::open(tempfile::tempdir().unwrap()).await;
        for block in 1..=blocks {
            submit(&place.chain.chain, &place.pool, early_payment(&place.chain.chain, block));
            if block == 3 {
                submit(&place.chain.chain, &place.pool, power(&place.chain.chain, 5));
            }
            place.advance().await;
        }
        place
    }

    async fn advance(&self) -> Hash {
        advance(&self.chain, &self.store, &self.pool).await.hash
    }

    fn head(&self) -> Arc<Head> {
        self.chain.chain.head()
    }

    /// Stops it; a snapshot of it.
    fn snapshot(self) -> (tempfile::TempDir, PathBuf, Summary) {
        let Self { dir, store, chain, .. } = self;
        let file = dir.path().join(format!("{}.snapshot", chain.chain.head().height()));
        chain.close();
        drop(store);
        let summary = create(dir.path(), &file).unwrap();
        (dir, file, summary)
    }
}

/// The council gives the validator another power.
fn power(chain: &crate::chain::Chain, power: u64) -> SignedTransaction {
    let mut signers: Vec<_> = ["city-books.example", "harbor-bank.example"]
        .map(development_secret)
        .map(|secret| (AccountId::of_key(&public_key(&secret)), secret))
        .to_vec();
    signers.sort_by_key(|(account, _)| *account);
    let native =
        countersign_executor::native_interfaces().find(|native| native.module.as_str() == "governance").unwrap();
    let (index, _) = native.method_named("set_validator").unwrap();
    let call = Call {
        module: native.module.clone(),
        method: native.selector(index),
        parties: signers.iter().map(|(account, _)| *account).collect::<Vec<_>>().try_into().unwrap(),
        args: (public_key(&development_secret("validator-1")), power).encode().try_into().unwrap(),
    };
    let now = clock(chain);
    let transaction = Transaction {
        chain: chain.id(),
        valid_from: chain.genesis().time,
        expires_at: now.checked_add_millis(100_000).unwrap(),
        salt: power.to_le_bytes(),
        calls: vec![call].try_into().unwrap(),
    };
    let message = signing_bytes(SIGNING, &transaction.chain, &transaction.id().0);
    let signatures = signers.iter().zip(0..).map(|((_, secret), account)| PartySignature {
        account,
        key: public_key(secret),
        signature: sign(secret, &message),
    });
    SignedTransaction { signatures: signatures.collect::<Vec<_>>().try_into().unwrap(), transaction }
}

fn genesis() -> Genesis {
    countersign_chain_spec::dev()
}

fn chunks(file: &Path) -> Vec<Chunk> {
    let mut reader = Reader::new(fs::File::open(file).unwrap(), file).unwrap();
    let mut chunks = Vec::new();
    loop {
        match reader.next().unwrap() {
            Chunk::End { .. } => return chunks,
            chunk => chunks.push(chunk),
        }
    }
}

/// Writes chunks as a snapshot without damage.
fn write(file: &Path, chunks: &[Chunk]) {
    let mut writer = Writer::new(Vec::new()).unwrap();
    chunks.iter().for_each(|chunk| writer.put(chunk).unwrap());
    fs::write(file, writer.finish().unwrap().0).unwrap();
}

#[tokio::test]
async fn a_restored_chain_goes_on_as_the_one_it_was_taken_of() {
    // The change of validators stands behind the snapshot's header, at its block, before it, and long before it.
    for blocks in 4..=8 {
        let (source, file, taken) = Place::with_blocks(blocks).await.snapshot();
        assert_eq!(taken.height, Height::new(blocks - 1));
        assert_eq!(taken.bytes, fs::metadata(&file).unwrap().len());
        assert!(taken.entries > 10 && taken.ids >= blocks - 1, "{taken:?}");
        let links = chunks(&file).iter().filter(|chunk| matches!(chunk, Chunk::Link(_))).count();
        assert_eq!(links, usize::from(blocks > 4));

        let target = tempfile::tempdir().unwrap();
        assert_eq!(restore(&genesis(), target.path(), &file).unwrap(), taken);
        let (old, new) = (Place::open(source).await, Place::open(target).await);
        assert_eq!(new.head().height(), taken.height);
        assert_eq!(new.chain.chain.first_kept().unwrap(), taken.height, "its own block is kept, to be served");
        assert_eq!(old.chain.chain.first_kept().unwrap(), Height::new(1));
        // What came after the snapshot comes again, as from a peer, and then both go on.
        for height in taken.height.get() + 1..=blocks {
            let block = Block::from_bytes(&old.store.block(Height::new(height)).unwrap().unwrap()).unwrap();
            commit(&new.chain, &new.store, &new.pool, block).await;
        }
        assert_eq!(old.advance().await, new.advance().await);
        assert_eq!(old.head().state.root(), new.head().state.root());
        let replayed = early_payment(&new.chain.chain, 1).transaction;
        assert!(new.head().state.seen(replayed.expires_at.minute(), &replayed.id().0), "what ran does not run again");
        for height in taken.height.get()..=blocks + 2 {
            let validators = |place: &Place| place.chain.chain.validators_at(Height::new(height)).unwrap();
            assert_eq!(validators(&new), validators(&old), "height {height}");
        }
        // A snapshot of the restored chain is as good.
        let (_old, _, of_old) = old.snapshot();
        let (new, file, of_new) = new.snapshot();
        assert_eq!(of_old, of_new);
        let found = inspect(new.path(), &genesis(), u64::MAX).unwrap();
        assert!(found.damages.is_empty() && found.checked == 3, "{found:?}");
        restore(&genesis(), tempfile::tempdir().unwrap().path(), &file).unwrap();
    }
}

#[tokio::test]
async fn a_snapshot_is_made_of_a_stopped_node_with_a_certified_state_only() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.snapshot");
    assert!(matches!(create(dir.path(), &file), Err(SnapshotError::Folder(OpenError::NoChain { .. }))));
    let place = Place::with_blocks(1).await;
    let running = create(place.dir.path(), &file).unwrap_err();
    assert!(matches!(running, SnapshotError::Folder(OpenError::Running { .. })));
    assert!(running.to_string().contains("stop it first"), "{running}");
    let Place { dir, store, chain, .. } = place;
    chain.close();
    drop(store);
    assert!(matches!(create(dir.path(), &file), Err(SnapshotError::TooYoung { .. })));
    fs::write(&file, b"mine").unwrap();
    assert!(matches!(create(dir.path(), &file), Err(SnapshotError::Exists { .. })));
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    fs::remove_file(&file).unwrap();
    // A log without the block that certifies the state: made of nothing but the checkpoint.
    let nowhere = dir.path().join("no such folder").join("x");
    let (source, ..) = Place::with_blocks(3).await.snapshot();
    assert!(matches!(create(source.path(), &nowhere), Err(SnapshotError::File { .. })));
}

/// Restores `file` into a new folder, which must be left empty if that is refused.
fn restored(genesis: &Genesis, file: &Path) -> Result<Summary, SnapshotError> {
    let target = tempfile::tempdir().unwrap();
    let result = restore(genesis, target.path(), file);
    if result.is_err() {
        assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0, "nothing is left of a refused snapshot");
    }
    result
}

#[tokio::test]
async fn every_altered_or_missing_byte_is_noticed() {
    let (_source, file, _) = Place::with_blocks(7).await.snapshot();
    let whole = fs::read(&file).unwrap();
    let altered = file.with_extension("altered");
    // Everywhere in what is small, here and there in the wasm of the contracts.
    let stride = whole.len() / 60;
    let places = (0..60).map(|n| n * stride).chain((0..30).map(|n| n * 3)).chain(whole.len() - 30..whole.len());
    for at in places {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&altered, &bytes).unwrap();
        let refused = restored(&genesis(), &altered).unwrap_err();
        let is_named = match refused {
            SnapshotError::NoSnapshot { .. } | SnapshotError::OtherVersion { .. } => at < 23,
            SnapshotError::Damaged { at: from, .. } | SnapshotError::Truncated { at: from, .. } => from <= at as u64,
            _ => false,
        };
        assert!(is_named, "byte {at}: {refused}");
        fs::write(&altered, &whole[..at]).unwrap();
        let refused = restored(&genesis(), &altered).unwrap_err();
        assert!(matches!(refused, SnapshotError::Truncated { .. }), "cut at {at}: {refused}");
    }
    fs::write(&altered, [&whole[..], &[0]].concat()).unwrap();
    assert!(matches!(restored(&genesis(), &altered), Err(SnapshotError::Damaged { .. })), "something follows");
    let newer = [b"countersign-snapshot 2\n", &whole[23..]].concat();
    fs::write(&altered, newer).unwrap();
    assert!(matches!(restored(&genesis(), &altered), Err(SnapshotError::OtherVersion { .. })));
    restored(&genesis(), &file).unwrap();
}

/// Makes another snapshot of a good one, without damage, and tries to restore it.
async fn forged(change: impl Fn(&mut Vec<Chunk>)) -> SnapshotError {
    let (_source, file, _) = Place::with_blocks(7).await.snapshot();
    let mut chunks = chunks(&file);
    change(&mut chunks);
    write(&file, &chunks);
    restored(&genesis(), &file).unwrap_err()
}

fn find<'c, T>(chunks: &'c mut [Chunk], part: impl Fn(&'c mut Chunk) -> Option<T>) -> T {
    chunks.iter_mut().find_map(part).unwrap()
}

fn certified_header(chunks: &mut [Chunk]) -> (&mut Header, &mut Certificate) {
    find(chunks, |chunk| match chunk {
        Chunk::Certified { header, certificate } => Some((header, certificate)),
        _ => None,
    })
}

fn block(chunks: &mut [Chunk]) -> (&mut Vec<u8>, &mut Certificate) {
    find(chunks, |chunk| match chunk {
        Chunk::Block { bytes, certificate } => Some((bytes, certificate)),
        _ => None,
    })
}

fn values(chunks: &mut [Chunk]) -> &mut Vec<(Vec<u8>, Vec<u8>)> {
    find(chunks, |chunk| if let Chunk::Values(values) = chunk { Some(values) } else { None })
}

fn ids(chunks: &mut [Chunk]) -> (&mut u64, &mut Vec<Hash>) {
    find(chunks, |chunk| match chunk {
        Chunk::Ids { minute, ids } if ids.len() > 1 => Some((minute, ids)),
        _ => None,
    })
}

fn link(chunks: &mut [Chunk]) -> &mut Link {
    find(chunks, |chunk| if let Chunk::Link(link) = chunk { Some(link) } else { None })
}

#[tokio::test]
async fn what_the_validators_did_not_certify_is_refused() {
    let refused = forged(|chunks| {
        let (header, certificate) = certified_header(chunks);
        header.state_root = Hash::ZERO;
        certificate.block = header.hash();
    });
    let bad = |refused: &SnapshotError, wanted: BadCertificate| matches!(refused, SnapshotError::Trail(BadTrail::Certificate { cause, .. }) if *cause == wanted);
    assert!(bad(&refused.await, BadCertificate::Signature));
    let refused = forged(|chunks| certified_header(chunks).1.signatures = BoundedVec::empty()).await;
    assert!(bad(&refused, BadCertificate::TooFew { power: 0, total: 5 }), "{refused}");
    let refused = forged(|chunks| {
        let (header, certificate) = certified_header(chunks);
        *certificate = certified(header, &["a stranger"]);
    });
    assert!(bad(&refused.await, BadCertificate::Stranger));
    let refused = forged(|chunks| block(chunks).1.signatures = BoundedVec::empty()).await;
    assert!(bad(&refused, BadCertificate::TooFew { power: 0, total: 5 }), "{refused}");
    let refused = forged(|chunks| link(chunks).certificate.signatures = BoundedVec::empty()).await;
    assert!(bad(&refused, BadCertificate::TooFew { power: 0, total: 1 }), "{refused}");
    let refused = forged(|chunks| chunks.retain(|chunk| !matches!(chunk, Chunk::Link(_)))).await;
    assert!(matches!(refused, SnapshotError::Trail(BadTrail::OtherValidators { .. })), "{refused}");
    let refused = forged(|chunks| {
        let late =
            Link { header: Header { height: Height::new(7), ..link(chunks).header.clone() }, ..link(chunks).clone() };
        chunks.insert(2, Chunk::Link(late));
    });
    let refused = refused.await;
    assert!(matches!(refused, SnapshotError::Height { what: "last change of validators", .. }), "{refused}");
}

#[tokio::test]
async fn what_is_not_the_certified_header_s_is_refused() {
    let refused = forged(|chunks| {
        let (header, certificate) = certified_header(chunks);
        header.height = Height::new(9);
        *certificate = certified(header, &["validator-1"]);
    });
    assert!(matches!(refused.await, SnapshotError::Height { what: "certified header", .. }));
    let refused = forged(|chunks| {
        let (bytes, _) = block(chunks);
        let mut other = Block::from_bytes(bytes).unwrap();
        other.header.time = Timestamp::ZERO;
        *bytes = other.encode();
    });
    assert!(matches!(refused.await, SnapshotError::NotCertified { what: "block", .. }));
    let refused = forged(|chunks| block(chunks).0.truncate(9)).await;
    assert!(matches!(refused, SnapshotError::Block(_)), "{refused}");
    let refused = forged(|chunks| {
        chunks.iter_mut().for_each(|chunk| {
            if let Chunk::Receipts(part) = chunk {
                *part = Vec::<Receipt>::new().encode();
            }
        })
    });
    assert!(matches!(refused.await, SnapshotError::NotCertified { what: "receipts' root", .. }));
    let refused = forged(|chunks| chunks.retain(|chunk| !matches!(chunk, Chunk::Receipts(_)))).await;
    assert!(matches!(refused, SnapshotError::Unreadable { what: "receipts", .. }), "{refused}");
    let is_root = |refused: SnapshotError| {
        matches!(refused, SnapshotError::State(StoreError::Corrupted(Corruption::Root { .. })))
    };
    assert!(is_root(forged(|chunks| values(chunks)[7].1.push(1)).await));
    assert!(is_root(forged(|chunks| drop(values(chunks).pop())).await));
    assert!(is_root(forged(|chunks| values(chunks).insert(0, (vec![0], vec![]))).await));
    let is_seen = |refused: SnapshotError| {
        matches!(refused, SnapshotError::State(StoreError::Corrupted(Corruption::Seen { .. })))
    };
    assert!(is_seen(forged(|chunks| ids(chunks).1.reverse()).await), "another order is another hash");
    assert!(is_seen(forged(|chunks| ids(chunks).1.truncate(1)).await));
    assert!(is_seen(forged(|chunks| *ids(chunks).0 += 1).await));
    assert!(is_seen(forged(|chunks| chunks.push(Chunk::Ids { minute: u64::MAX, ids: vec![Hash::ZERO] })).await));
}

#[tokio::test]
async fn parts_out_of_place_are_refused() {
    let is_order = |refused: SnapshotError| matches!(refused, SnapshotError::Order { .. });
    assert!(is_order(forged(|chunks| drop(chunks.remove(0))).await));
    assert!(is_order(forged(|chunks| chunks.retain(|chunk| !matches!(chunk, Chunk::Certified { .. }))).await));
    assert!(is_order(forged(|chunks| chunks.retain(|chunk| !matches!(chunk, Chunk::Block { .. }))).await));
    assert!(is_order(forged(|chunks| values(chunks).swap(3, 4)).await));
    assert!(is_order(forged(|chunks| chunks.push(chunks[0].clone())).await));
    assert!(is_order(forged(|chunks| chunks.push(Chunk::Ids { minute: 0, ids: vec![] })).await));
    let more = |chunks: &mut Vec<Chunk>| chunks.push(Chunk::Values(vec![(vec![0xff], vec![])]));
    assert!(is_order(forged(more).await));
}

#[tokio::test]
async fn another_chain_and_a_folder_with_a_chain_are_refused() {
    let (source, file, _) = Place::with_blocks(3).await.snapshot();
    let mut other = genesis();
    other.title = Text::new("another").unwrap();
    assert!(matches!(restored(&other, &file), Err(SnapshotError::OtherChain { .. })));
    assert!(matches!(restore(&genesis(), source.path(), &file), Err(SnapshotError::HoldsChain { .. })));
    inspect(source.path(), &genesis(), u64::MAX).unwrap();
    // What an interrupted restoring left is no chain.
    let target = tempfile::tempdir().unwrap();
    fs::create_dir_all(target.path().join("chain.draft/db")).unwrap();
    restore(&genesis(), target.path(), &file).unwrap();
    assert!(matches!(restored(&genesis(), &source.path().join("none")), Err(SnapshotError::File { .. })));
}
