//! Making a snapshot of a stopped node's folder, written beside and renamed into place when it is whole.
use super::format::{Chunk, PART_BYTES, Writer};
use super::{SnapshotError, Summary, file_error, sync_parent};
use crate::chain::{Fault, stored_block, stored_certificate, stored_receipts};
use crate::inspect::{OpenError, open_stopped};
use crate::trail::{Link, Trust};
use countersign_state::{DiskStore, Snapshot, Store, StoreError};
use countersign_types::{Certificate, Genesis, Hash, Header, Height, limits};
use parity_scale_codec::Encode as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes the newest certified state of the stopped node in `dir` to the file `out`.
///
/// # Errors
/// [`SnapshotError`]; there is no file then.
pub fn create(dir: &Path, out: &Path) -> Result<Summary, SnapshotError> {
    if out.exists() {
        return Err(SnapshotError::Exists { path: out.to_path_buf() });
    }
    let store = open_stopped(dir)?;
    let failed = |cause: StoreError| OpenError::Store { dir: dir.to_path_buf(), cause };
    let height = store.checkpoint_height().map_err(failed)?.unwrap_or(Height::ZERO);
    let is_certified = store.tip().map_err(failed)?.is_some_and(|tip| tip > height);
    if height == Height::ZERO || !is_certified {
        return Err(SnapshotError::TooYoung { dir: dir.to_path_buf() });
    }
    let unsound = |cause| SnapshotError::Source { dir: dir.to_path_buf(), cause: Box::new(cause) };
    let source = Source::read(&store, height).map_err(unsound)?;
    let draft = out.with_extension("draft");
    let made = source.write(&draft).and_then(|summary| {
        fs::rename(&draft, out).map_err(file_error("rename", &draft))?;
        sync_parent(out)?;
        Ok(summary)
    });
    if made.is_err() {
        // Best effort: the error that is told is why there is a draft at all.
        let _ = fs::remove_file(&draft);
    }
    made
}

/// What goes into the file.
struct Source {
    genesis: Genesis,
    links: Vec<Link>,
    header: Header,
    certificate: Certificate,
    block: Vec<u8>,
    block_certificate: Certificate,
    receipts: Vec<u8>,
    state: Snapshot,
}

impl Source {
    /// Reads it, and checks what whoever restores it will check.
    fn read(store: &DiskStore, height: Height) -> Result<Self, SnapshotError> {
        let missing = |what| SnapshotError::Chain(Fault::Missing { what, height });
        let bytes = store.genesis().map_err(Fault::from)?.ok_or_else(|| missing("genesis"))?;
        let genesis: Genesis = countersign_types::decode("genesis", &bytes, limits::GENESIS_BYTES_MAX)
            .map_err(|cause| SnapshotError::Unreadable { what: "genesis", cause })?;
        let header = stored_block(store, height.next())?.0.header;
        let certificate = stored_certificate(store, height.next())?;
        let (block, _) = stored_block(store, height)?;
        let block_certificate = stored_certificate(store, height)?;
        let receipts = stored_receipts(store, &block)?.encode();
        let block = block.encode();
        let state = store.load().map_err(SnapshotError::State)?;
        let links = Link::stored(store, height)?;
        let mut trust = Trust::of_genesis(&genesis);
        links.iter().try_for_each(|link| trust.follow(link))?;
        trust.check(&header, &certificate)?;
        if state.root() != header.state_root {
            let (found, expected) = (state.root(), header.state_root);
            return Err(SnapshotError::NotCertified { what: "state root", found, expected });
        }
        Ok(Self { genesis, links, header, certificate, block, block_certificate, receipts, state })
    }

    fn write(self, draft: &Path) -> Result<Summary, SnapshotError> {
        let file = File::create(draft).map_err(file_error("create", draft))?;
        let write = || -> io::Result<Summary> {
            let (chain, height, root) = (self.genesis.chain(), self.state.height(), self.state.root());
            let mut writer = Writer::new(BufWriter::new(file))?;
            writer.put(&Chunk::Start { chain, height })?;
            for link in self.links {
                writer.put(&Chunk::Link(link))?;
            }
            writer.put(&Chunk::Certified { header: self.header, certificate: self.certificate })?;
            writer.put(&Chunk::Block { bytes: self.block, certificate: self.block_certificate })?;
            for part in self.receipts.chunks(PART_BYTES) {
                writer.put(&Chunk::Receipts(part.to_vec()))?;
            }
            let entries = write_values(&mut writer, &self.state)?;
            let ids = write_ids(&mut writer, &self.state)?;
            let (file, bytes) = writer.finish()?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            Ok(Summary { chain, height, root, entries, ids, bytes })
        };
        write().map_err(file_error("write", draft))
    }
}

fn write_values(writer: &mut Writer<impl Write>, state: &Snapshot) -> io::Result<u64> {
    let (mut part, mut size, mut count) = (Vec::new(), 0, 0);
    for (key, value) in state.entries() {
        size += key.len() + value.len();
        count += 1;
        part.push((key.to_vec(), value.to_vec()));
        if size >= PART_BYTES {
            writer.put(&Chunk::Values(std::mem::take(&mut part)))?;
            size = 0;
        }
    }
    if !part.is_empty() {
        writer.put(&Chunk::Values(part))?;
    }
    Ok(count)
}

fn write_ids(writer: &mut Writer<impl Write>, state: &Snapshot) -> io::Result<u64> {
    let mut count = 0;
    for (minute, ids) in state.remembered() {
        let ids: Vec<Hash> = ids.copied().collect();
        count += ids.len() as u64;
        for part in ids.chunks(PART_BYTES / size_of::<Hash>()) {
            writer.put(&Chunk::Ids { minute, ids: part.to_vec() })?;
        }
    }
    Ok(count)
}
