//! Making a node's chain of a snapshot, which is trusted in nothing: the spec leads to the validators of today, they certify the
//! header after the snapshot's block, and that header names all the rest.
use super::format::{Chunk, Reader};
use super::{SnapshotError, Summary, file_error, sync_parent};
use crate::chain::receipts;
use crate::index::ValidatorsFrom;
use crate::inspect::chain_folder;
use crate::trail::{Link, Trust};
use bytes::Bytes;
use countersign_consensus::ReceivedBlock;
use countersign_state::{DiskOptions, Import, Imported};
use countersign_types::receipt::receipts_root;
use countersign_types::{Block, Certificate, Genesis, Header, Height, Receipt, ValidatorSet, state_key};
use parity_scale_codec::{DecodeAll, Encode};
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

/// Bytes of a block's receipts: those of the largest record a node keeps.
const RECEIPTS_BYTES_MAX: usize = 256 << 20;

/// Makes the chain of a node in the folder `dir` of the snapshot in the file `from`, which must be one of the chain of `genesis`.
/// The node goes on with the block after it.
///
/// # Errors
/// [`SnapshotError`]; the folder is as before.
pub fn restore(genesis: &Genesis, dir: &Path, from: &Path) -> Result<Summary, SnapshotError> {
    let target = chain_folder(dir);
    if target.exists() {
        return Err(SnapshotError::HoldsChain { dir: dir.to_path_buf() });
    }
    let file = File::open(from).map_err(file_error("open", from))?;
    let bytes = file.metadata().map_err(file_error("read", from))?.len();
    let mut reader = Reader::new(BufReader::new(file), from)?;
    let verified = Verified::read(&mut reader, genesis)?;
    let draft = dir.join("chain.draft");
    if draft.exists() {
        // Left by one that was interrupted.
        fs::remove_dir_all(&draft).map_err(file_error("remove", &draft))?;
    }
    let summary = fill(&mut reader, genesis, verified, &draft).and_then(|summary| {
        fs::rename(&draft, &target).map_err(file_error("rename", &draft))?;
        sync_parent(&target)?;
        Ok(Summary { bytes, ..summary })
    });
    if summary.is_err() {
        // Best effort: it is removed by the next attempt otherwise.
        let _ = fs::remove_dir_all(&draft);
    }
    summary
}

/// What comes before the state, all of it certified.
struct Verified {
    height: Height,
    /// The header after the block.
    header: Header,
    block: Block,
    certificate: Certificate,
    /// Who certifies the header after the block.
    validators: ValidatorSet,
    index: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Verified {
    fn read(reader: &mut Reader<impl Read>, genesis: &Genesis) -> Result<Self, SnapshotError> {
        let Chunk::Start { chain, height } = reader.next()? else {
            return Err(reader.out_of_place("its beginning"));
        };
        if chain != genesis.chain() {
            return Err(SnapshotError::OtherChain { found: chain, wanted: genesis.chain() });
        }
        let mut index = vec![ValidatorsFrom::entry(Height::ZERO, &genesis.validators)];
        // Those of the block, and those of the header after it.
        let mut of_block = Trust::of_genesis(genesis);
        let mut trust = of_block.clone();
        let mut chunk = reader.next()?;
        while let Chunk::Link(link) = chunk {
            of_block = trust.clone();
            follow(&mut trust, &link, height)?;
            if link.header.height < height {
                of_block = trust.clone();
            }
            index.extend([ValidatorsFrom::entry(trust.since(), trust.validators()), link.entry()]);
            chunk = reader.next()?;
        }
        let Chunk::Certified { header, certificate } = chunk else {
            return Err(reader.out_of_place("the header after its block"));
        };
        check_height("certified header", header.height, height.next())?;
        trust.check(&header, &certificate)?;
        let Chunk::Block { bytes, certificate } = reader.next()? else {
            return Err(reader.out_of_place("its block"));
        };
        let received = ReceivedBlock::check(Bytes::from(bytes))?;
        check_named("block", received.hash(), header.parent)?;
        let (block, _) = received.into_parts();
        check_height("block", block.header.height, height)?;
        of_block.check(&block.header, &certificate)?;
        Ok(Self { height, header, block, certificate, validators: trust.validators().clone(), index })
    }
}

fn follow(trust: &mut Trust, link: &Link, height: Height) -> Result<(), SnapshotError> {
    if link.header.height > height {
        return Err(SnapshotError::Height {
            what: "last change of validators",
            found: link.header.height,
            wanted: height,
        });
    }
    Ok(trust.follow(link)?)
}

fn check_height(what: &'static str, found: Height, wanted: Height) -> Result<(), SnapshotError> {
    if found == wanted { Ok(()) } else { Err(SnapshotError::Height { what, found, wanted }) }
}

fn check_named(
    what: &'static str,
    found: countersign_types::Hash,
    expected: countersign_types::Hash,
) -> Result<(), SnapshotError> {
    if found == expected { Ok(()) } else { Err(SnapshotError::NotCertified { what, found, expected }) }
}

/// Writes the store into the folder `draft`.
fn fill(
    reader: &mut Reader<impl Read>,
    genesis: &Genesis,
    verified: Verified,
    draft: &Path,
) -> Result<Summary, SnapshotError> {
    let Verified { height, header, block, certificate, validators, mut index } = verified;
    let (list, chunk) = read_receipts(reader)?;
    check_named("receipts' root", receipts_root(&list), header.receipts_root)?;
    let mut import = Import::begin(draft, DiskOptions::default(), height).map_err(SnapshotError::State)?;
    let state = read_state(reader, chunk, &mut import)?;
    // Those of the block after the header are known by the state alone.
    let next = ValidatorSet::decode_all(&mut &state.validators[..]);
    index.extend(
        next.ok().filter(|next| *next != validators).map(|next| ValidatorsFrom::entry(header.height.next(), &next)),
    );
    let rest = Imported {
        genesis: genesis.encode(),
        root: header.state_root,
        // A block forgets what expires before its minute.
        seen_from: block.header.time.minute(),
        block: block.encode(),
        certificate: certificate.encode(),
        receipts: receipts::pack(&block, &crate::mempool::ids(&block.transactions), &list),
        index,
    };
    import.finish(rest).map_err(SnapshotError::State)?;
    let (chain, root) = (header.chain, header.state_root);
    Ok(Summary { chain, height, root, entries: state.entries, ids: state.ids, bytes: 0 })
}

/// The receipts, and the chunk after them.
fn read_receipts(reader: &mut Reader<impl Read>) -> Result<(Vec<Receipt>, Chunk), SnapshotError> {
    let mut bytes = Vec::new();
    let mut chunk = reader.next()?;
    while let Chunk::Receipts(part) = chunk {
        bytes.extend(part);
        if bytes.len() > RECEIPTS_BYTES_MAX {
            return Err(reader.out_of_place("the last of its receipts"));
        }
        chunk = reader.next()?;
    }
    let receipts = countersign_types::decode("receipts", &bytes, RECEIPTS_BYTES_MAX);
    Ok((receipts.map_err(|cause| SnapshotError::Unreadable { what: "receipts", cause })?, chunk))
}

/// What is told of the state, or used before it is checked.
#[derive(Default)]
struct State {
    entries: u64,
    ids: u64,
    validators: Vec<u8>,
}

/// Streams entries and ids into the store, from `chunk` on to the end.
fn read_state(reader: &mut Reader<impl Read>, mut chunk: Chunk, import: &mut Import) -> Result<State, SnapshotError> {
    let (mut state, mut last_key, mut last_minute) = (State::default(), None, 0);
    let of_validators = state_key::validators();
    while let Chunk::Values(values) = chunk {
        for (key, value) in &values {
            if last_key.as_ref().is_some_and(|last| key <= last) {
                return Err(reader.out_of_place("the entries after those before"));
            }
            if *key == of_validators {
                state.validators.clone_from(value);
            }
            last_key = Some(key.clone());
        }
        state.entries += values.len() as u64;
        import.values(&values).map_err(SnapshotError::State)?;
        chunk = reader.next()?;
    }
    while let Chunk::Ids { minute, ids } = chunk {
        if minute < last_minute {
            return Err(reader.out_of_place("the ids after those before"));
        }
        last_minute = minute;
        state.ids += ids.len() as u64;
        import.ids(minute, &ids).map_err(SnapshotError::State)?;
        chunk = reader.next()?;
    }
    match chunk {
        Chunk::End { .. } => Ok(state),
        _ => Err(reader.out_of_place("its end")),
    }
}
