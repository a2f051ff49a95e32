//! A store in memory, for tests and for nodes that keep nothing: the same rules as on disk, nothing durable.
use crate::range;
use crate::snapshot::Snapshot;
use crate::store::{Checkpoint, Entries, Store, StoreError};
use countersign_types::{Hash, Height};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

/// Keeps everything as long as it lives.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    genesis: Option<Vec<u8>>,
    proposals: BTreeMap<(Height, u32, Hash), Vec<u8>>,
    blocks: BTreeMap<Height, Vec<u8>>,
    certificates: BTreeMap<Height, Vec<u8>>,
    checkpoint: Option<(Snapshot, Hash)>,
    receipts: BTreeMap<Height, Vec<u8>>,
    index: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl MemoryStore {
    /// A store that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().expect("no thread panics with the tables in hand")
    }
}

impl Tables {
    fn tip(&self) -> Option<Height> {
        self.certificates.keys().next_back().copied()
    }

    fn checkpoint_height(&self) -> Option<Height> {
        self.checkpoint.as_ref().map(|(snapshot, _)| snapshot.height())
    }
}

impl Store for MemoryStore {
    fn put_genesis(&self, bytes: &[u8]) -> Result<(), StoreError> {
        match &mut self.tables().genesis {
            Some(held) if held != bytes => Err(StoreError::OtherGenesis),
            held => {
                *held = Some(bytes.to_vec());
                Ok(())
            }
        }
    }

    fn genesis(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tables().genesis.clone())
    }

    fn put_proposal(&self, height: Height, round: u32, hash: Hash, block: &[u8]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.tip().is_some_and(|tip| height <= tip) {
            return Err(StoreError::Decided { height });
        }
        tables.proposals.insert((height, round, hash), block.to_vec());
        Ok(())
    }

    fn proposals(&self, height: Height) -> Result<Vec<(u32, Hash)>, StoreError> {
        let tables = self.tables();
        let at_height = tables.proposals.range((height, 0, Hash::ZERO)..);
        Ok(at_height.take_while(|((at, ..), _)| *at == height).map(|((_, round, hash), _)| (*round, *hash)).collect())
    }

    fn proposal_bytes(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        let tables = self.tables();
        Ok(tables.proposals.iter().find(|((.., of), _)| of == hash).map(|(_, block)| block.clone()))
    }

    fn commit_block(&self, height: Height, block: &[u8], certificate: &[u8]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.tip().is_some_and(|tip| height <= tip) {
            return match tables.blocks.get(&height) {
                Some(held) if held != block => Err(StoreError::OtherBlock { height }),
                _ => Ok(()),
            };
        }
        if let Some(last) = tables.tip().or(tables.checkpoint_height())
            && height != last.next()
        {
            return Err(StoreError::OutOfOrder { given: height, expected: last.next() });
        }
        tables.blocks.insert(height, block.to_vec());
        tables.certificates.insert(height, certificate.to_vec());
        tables.proposals = tables.proposals.split_off(&(height.next(), 0, Hash::ZERO));
        Ok(())
    }

    fn block(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tables().blocks.get(&height).cloned())
    }

    fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tables().certificates.get(&height).cloned())
    }

    fn first(&self) -> Result<Option<Height>, StoreError> {
        Ok(self.tables().certificates.keys().next().copied())
    }

    fn tip(&self) -> Result<Option<Height>, StoreError> {
        Ok(self.tables().tip())
    }

    fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let mut tables = self.tables();
        checkpoint.follows(tables.checkpoint_height(), tables.tip())?;
        let receipts = checkpoint.receipts_after(tables.receipts.keys().next_back().copied())?;
        let before = tables.checkpoint.take().map_or_else(Snapshot::empty, |(snapshot, _)| snapshot);
        tables.checkpoint = Some((before.apply(checkpoint.height, &checkpoint.changes), checkpoint.root));
        tables.receipts.extend(receipts.iter().cloned());
        tables.index.extend(checkpoint.index.iter().cloned());
        Ok(())
    }

    fn checkpoint_height(&self) -> Result<Option<Height>, StoreError> {
        Ok(self.tables().checkpoint_height())
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        let Some((snapshot, root)) = self.tables().checkpoint.clone() else {
            return Ok(Snapshot::empty());
        };
        snapshot.check(&root)?;
        Ok(snapshot)
    }

    fn receipts(&self, height: Height) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tables().receipts.get(&height).cloned())
    }

    fn index_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tables().index.get(key).cloned())
    }

    fn index_range(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
        reverse: bool,
    ) -> Result<Entries, StoreError> {
        let tables = self.tables();
        let beyond = range::successor(prefix);
        let within = |(key, _): &(&Vec<u8>, &Vec<u8>)| key.starts_with(prefix);
        let entry = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        Ok(if reverse {
            let entries = tables.index.range::<[u8], _>(range::descending(beyond.as_deref(), after)).rev();
            entries.take_while(within).take(limit).map(entry).collect()
        } else {
            let entries = tables.index.range::<[u8], _>(range::ascending(prefix, after));
            entries.take_while(within).take(limit).map(entry).collect()
        })
    }

    fn prune_below(&self, height: Height) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let below = height.min(tables.checkpoint_height().min(tables.tip()).unwrap_or(Height::ZERO));
        let kept = tables.blocks.split_off(&below);
        let dropped = std::mem::replace(&mut tables.blocks, kept).len();
        tables.certificates = tables.certificates.split_off(&below);
        tables.receipts = tables.receipts.split_off(&below);
        Ok(dropped as u64)
    }
}
