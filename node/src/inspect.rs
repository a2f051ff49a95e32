//! Whether what a stopped node has on disk is right: its blocks against their certificates, its state against the certified root,
//! its balances against the supplies.
//!
//! Nothing is changed but what every start does too: an append that a crash cut short is cut off, an interrupted checkpoint completed.
use crate::chain::{Fault, stored_certificate, stored_receipts};
use crate::trail::{BadTrail, Link, Trust};
use bytes::Bytes;
use countersign_consensus::{BadBlock, ReceivedBlock};
use countersign_executor::{SupplyMismatch, audit_supply, genesis_header};
use countersign_state::{DiskOptions, DiskStore, Snapshot, Store, StoreError};
use countersign_types::receipt::receipts_root;
use countersign_types::{Block, Genesis, Hash, Height, state_key};
use std::path::{Path, PathBuf};

/// Damages that are reported: where so many are, more say nothing new.
const DAMAGES_MAX: usize = 20;
/// Assets of a chain that are counted.
const ASSETS_MAX: usize = 100_000;

/// Where a node's folder keeps its chain.
pub fn chain_folder(dir: &Path) -> PathBuf {
    dir.join("chain")
}

/// Why a folder cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No node ran in it.
    #[error("{} holds no chain; is it a node's folder in which the node has run?", dir.display())]
    NoChain {
        /// The folder.
        dir: PathBuf,
    },
    /// The node is running.
    #[error("the node of {} is running; stop it first: the others go on without it", dir.display())]
    Running {
        /// The folder.
        dir: PathBuf,
    },
    /// Its chain is another than the spec's.
    #[error("{} belongs to chain {found}, the spec is that of {wanted}", dir.display())]
    OtherChain {
        /// The folder.
        dir: PathBuf,
        /// Its chain.
        found: Hash,
        /// The spec's.
        wanted: Hash,
    },
    /// Its storage cannot be opened.
    #[error("the storage of {} cannot be opened", dir.display())]
    Store {
        /// The folder.
        dir: PathBuf,
        /// Why.
        #[source]
        cause: StoreError,
    },
}

/// Opens the chain of the stopped node in `dir`.
///
/// # Errors
/// [`OpenError`].
pub fn open_stopped(dir: &Path) -> Result<DiskStore, OpenError> {
    let path = chain_folder(dir);
    if !path.join("format").exists() {
        return Err(OpenError::NoChain { dir: dir.to_path_buf() });
    }
    DiskStore::open(&path, DiskOptions::default()).map_err(|cause| match cause {
        StoreError::Locked { .. } => OpenError::Running { dir: dir.to_path_buf() },
        cause => OpenError::Store { dir: dir.to_path_buf(), cause },
    })
}

/// What was looked at and found.
#[derive(Debug)]
pub struct Inspection {
    /// The lowest and the newest block that are kept; `None` if the chain has none yet.
    pub blocks: Option<(Height, Height)>,
    /// Blocks that were checked, the newest ones.
    pub checked: u64,
    /// Height and root of the state on disk, and how many entries it has; `None` if it cannot be read.
    pub state: Option<(Height, Hash, usize)>,
    /// Assets whose balances add up to their supplies; all or none are counted.
    pub assets: usize,
    /// What is wrong, at most 20.
    pub damages: Vec<Damage>,
}

/// Something that is wrong with a node's data. The remedy is the same for each: restore the folder from a snapshot or from a copy.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The storage fails, or says itself that it is damaged.
    #[error("the storage fails at {what}")]
    Store {
        /// What was read.
        what: &'static str,
        /// How.
        #[source]
        cause: StoreError,
    },
    /// Something that must be there is not, or is no such thing.
    #[error("{0}")]
    Record(Fault),
    /// A block's bytes are not those its header stands for.
    #[error("block {height} is damaged")]
    Block {
        /// Its height.
        height: Height,
        /// How.
        #[source]
        cause: BadBlock,
    },
    /// A block does not follow the one before.
    #[error("block {height} does not follow the block before it")]
    Parent {
        /// Its height.
        height: Height,
    },
    /// A block is not certified by those who had to.
    #[error("block {height} is not certified")]
    Trail {
        /// Its height.
        height: Height,
        /// Why.
        #[source]
        cause: BadTrail,
    },
    /// The receipts of a block are not those that the next header certifies.
    #[error("the receipts of block {height} are not those that the next header certifies")]
    Receipts {
        /// Its height.
        height: Height,
    },
    /// The state is not the one that the next header certifies.
    #[error("the state after block {height} has the root {found}, the next header certifies {expected}")]
    State {
        /// The height.
        height: Height,
        /// Root of the state on disk.
        found: Hash,
        /// Root in the header.
        expected: Hash,
    },
    /// Value appeared or vanished.
    #[error(transparent)]
    Supply(#[from] SupplyMismatch),
}

/// Looks at the folder `dir` of a stopped node of the chain of `genesis`: its newest blocks, at most `blocks_max`, and its state.
///
/// # Errors
/// [`OpenError`] if it cannot be looked at. What is wrong with it is in the result.
pub fn inspect(dir: &Path, genesis: &Genesis, blocks_max: u64) -> Result<Inspection, OpenError> {
    let store = open_stopped(dir)?;
    let failed = |cause| OpenError::Store { dir: dir.to_path_buf(), cause };
    let found = store.genesis().map_err(failed)?.map(|bytes| Hash::of("genesis", &bytes));
    if let Some(found) = found.filter(|found| *found != genesis.chain()) {
        return Err(OpenError::OtherChain { dir: dir.to_path_buf(), found, wanted: genesis.chain() });
    }
    let mut inspection = Inspection { blocks: None, checked: 0, state: None, assets: 0, damages: Vec::new() };
    let outcome = check(&store, genesis, blocks_max, &mut inspection);
    inspection.damages.extend(outcome.err());
    Ok(inspection)
}

fn check(store: &DiskStore, genesis: &Genesis, blocks_max: u64, inspection: &mut Inspection) -> Result<(), Damage> {
    let failed = |what| move |cause| Damage::Store { what, cause };
    let kept = store.first().and_then(|first| Ok(first.zip(store.tip()?)));
    inspection.blocks = kept.map_err(failed("the blocks"))?;
    if let Some((first, tip)) = inspection.blocks {
        let from = Height::new(first.get().max((tip.get() + 1).saturating_sub(blocks_max)));
        check_blocks(store, genesis, from, tip, inspection)?;
    }
    let state = store.load().map_err(failed("the state"))?;
    check_state(store, &state, inspection)
}

/// Checks each block with its certificate and its receipts, from the genesis' validators on.
fn check_blocks(
    store: &DiskStore,
    genesis: &Genesis,
    from: Height,
    tip: Height,
    inspection: &mut Inspection,
) -> Result<(), Damage> {
    let mut trust = Trust::of_genesis(genesis);
    let links = Link::stored(store, tip).map_err(Damage::Record)?;
    let mut links = links.iter().peekable();
    let mut before: Option<Block> = None;
    let mut height = from;
    while height <= tip && inspection.damages.len() < DAMAGES_MAX {
        while let Some(link) = links.next_if(|link| link.header.height < height) {
            let followed = trust.follow(link).map_err(|cause| Damage::Trail { height: link.header.height, cause });
            inspection.damages.extend(followed.err());
        }
        match check_block(store, genesis, &trust, height, before.as_ref()) {
            Ok(block) => before = Some(block),
            Err(damage) => {
                inspection.damages.push(damage);
                before = None;
            }
        }
        inspection.checked += 1;
        height = height.next();
    }
    Ok(())
}

fn check_block(
    store: &DiskStore,
    genesis: &Genesis,
    trust: &Trust,
    height: Height,
    before: Option<&Block>,
) -> Result<Block, Damage> {
    let failed = |cause| Damage::Store { what: "a block", cause };
    let bytes = store.block(height).map_err(failed)?;
    let bytes = bytes.ok_or(Damage::Record(Fault::Missing { what: "block's bytes", height }))?;
    let checked = ReceivedBlock::check(Bytes::from(bytes)).map_err(|cause| Damage::Block { height, cause })?;
    let (block, _) = checked.into_parts();
    let header = &block.header;
    let certificate = stored_certificate(store, height).map_err(Damage::Record)?;
    trust.check(header, &certificate).map_err(|cause| Damage::Trail { height, cause })?;
    let parent = match before {
        Some(before) => Some(before.header.hash()),
        None if height == Height::new(1) => Some(genesis_header(genesis, header.state_root).hash()),
        None => None,
    };
    if header.height != height || parent.is_some_and(|parent| parent != header.parent) {
        return Err(Damage::Parent { height });
    }
    if let Some(before) = before
        && store.receipts(before.header.height).map_err(failed)?.is_some()
    {
        let receipts = stored_receipts(store, before).map_err(Damage::Record)?;
        if receipts_root(&receipts) != header.receipts_root {
            return Err(Damage::Receipts { height: before.header.height });
        }
    }
    Ok(block)
}

/// Checks the root that was just computed against the next header, and the balances against the supplies.
fn check_state(store: &DiskStore, state: &Snapshot, inspection: &mut Inspection) -> Result<(), Damage> {
    let height = state.height();
    inspection.state = Some((height, state.root(), state.entries().count()));
    if state.entries().next().is_none() {
        return Ok(());
    }
    let next = store.block(height.next()).map_err(|cause| Damage::Store { what: "a block", cause })?;
    if let Some(bytes) = next {
        let next =
            ReceivedBlock::check(Bytes::from(bytes)).map_err(|cause| Damage::Block { height: height.next(), cause })?;
        let (found, expected) = (state.root(), next.block().header.state_root);
        if found != expected {
            return Err(Damage::State { height, found, expected });
        }
    }
    audit_supply(state)?;
    inspection.assets = assets(state);
    Ok(())
}

fn assets(state: &Snapshot) -> usize {
    countersign_state::StateRead::range(state, &state_key::assets(), None, ASSETS_MAX).len()
}

#[cfg(test)]
mod tests;
