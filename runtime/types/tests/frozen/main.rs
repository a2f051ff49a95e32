//! Frozen bytes: every type on wire or disk has a hash over generated cases, and a few cases stand in hex.
//!
//! A hash that changes is a change of the format, which is a decision and not a repair of a test: see `frozen::check`.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
mod derived;
mod examples;
#[path = "../../../../tests/vectors/frozen.rs"]
mod frozen;
mod sample;

use countersign_types::account::QuotaUse;
use countersign_types::block::LastProposal;
use countersign_types::evidence::{RecordedEvidence, SignedStatement, Statement, Step};
use countersign_types::genesis::{Council, GenesisAsset, GenesisContract, GenesisHolder, GenesisMember, GenesisNode};
use countersign_types::merkle::ListProof;
use countersign_types::quantity::{Amount, Gas, Height, Timestamp};
use countersign_types::*;
use parity_scale_codec::{Decode, Encode};
use sample::{Draw, Sample};
use std::collections::BTreeMap;

/// Enough that every variant of every enum and every empty and full option is among them.
const CASES: u32 = 256;

/// The hash over the encodings of all cases of `T`, each of which must decode to the value it came from.
fn hash_of_cases<T: Sample + Encode + Decode + PartialEq + std::fmt::Debug>(name: &str) -> Hash {
    let mut draw = Draw::new(name);
    let mut hasher = Hasher::new("frozen");
    for _ in 0..CASES {
        let value = T::sample(&mut draw);
        let bytes = value.encode();
        assert_eq!(decode::<T>("sample", &bytes, usize::MAX).as_ref(), Ok(&value), "{name}");
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
    }
    hasher.finish()
}

macro_rules! hashes {
    ($($name:ident = $ty:ty),+ $(,)?) => {
        BTreeMap::from([$((stringify!($name), hash_of_cases::<$ty>(stringify!($name)))),+])
    };
}

/// One row for each type; the rows are named as the types are in the source.
fn hashes() -> BTreeMap<&'static str, Hash> {
    let mut hashes = hashes! {
        Account = Account, AccountId = AccountId, Amount = Amount, Asset = Asset, AssetId = AssetId, Authority = Authority,
        Block = Block, BoundedText = Text, BoundedVec = List<u32>, Call = Call, CallFault = CallFault,
        Certificate = Certificate, Contract = Contract, Council = Council, Document = Document, Event = Event,
        Evidence = Evidence, Failure = Failure, Gas = Gas, Genesis = Genesis, GenesisAsset = GenesisAsset, GenesisContract = GenesisContract,
        GenesisHolder = GenesisHolder, GenesisMember = GenesisMember, GenesisNode = GenesisNode, Hash = Hash, Header = Header, Height = Height,
        Job = Job, LastProposal = LastProposal, ListProof = ListProof, Member = Member, ModuleName = ModuleName, Name = Name, Params = Params,
        NodeRecord = NodeRecord, PartySignature = PartySignature, PublicKey = PublicKey, QuotaUse = QuotaUse, Receipt = Receipt, RecordedEvidence = RecordedEvidence, Role = Role,
        Selector = Selector, Signature = Signature, SignedDocument = SignedDocument,
        Site = Site, SignedStatement = SignedStatement, SignedTransaction = SignedTransaction, Statement = Statement, Step = Step, Status = Status, Timestamp = Timestamp, Transaction = Transaction,
        Validator = Validator, ValidatorSet = ValidatorSet,
    };
    hashes.insert("Subject", hash_of_cases::<receipt::Subject>("receipt::Subject"));
    hashes.insert("Proposal", hash_of_proposals());
    hashes
}

/// Proposal files: a proposal only decodes if its signatures are valid, so it goes through its own door.
fn hash_of_proposals() -> Hash {
    let mut draw = Draw::new("Proposal");
    let mut hasher = Hasher::new("frozen");
    // Signing and checking cost more than encoding; variants here are few.
    for _ in 0..CASES / 8 {
        let proposal = Proposal::sample(&mut draw);
        let bytes = proposal.to_bytes();
        assert_eq!(Proposal::from_bytes(&bytes), Ok(proposal));
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
    }
    hasher.finish()
}

#[test]
fn encodings_are_frozen() {
    let mut text = String::from("# Hash over the encodings of generated cases of each type.\n");
    for (name, hash) in hashes() {
        text += &format!("{name} {hash}\n");
    }
    frozen::check("types.txt", &text);
}

/// A type that is encoded but has no row could change unseen.
#[test]
fn every_encoded_type_of_the_crate_has_a_row() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rows = hashes();
    let mut found = 0;
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut derived = false;
        for line in text.lines().map(str::trim) {
            derived |= line.starts_with("#[derive(") && line.contains("Encode");
            let declared = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
            let Some(declared) = declared.filter(|_| std::mem::take(&mut derived)) else {
                continue;
            };
            let name = declared.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            assert!(rows.contains_key(name), "{}: `{name}` is encoded but not frozen here", path.display());
            found += 1;
        }
    }
    assert!(found > 40, "the search still finds the types: {found}");
}
