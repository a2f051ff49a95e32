//! Certificates, changes of validators, receipts and proofs, honest and forged; and a node that lies.
mod letters;
mod liar;
mod sizes;
mod world;

use super::*;
use crate::types::{AccountId, Amount, state_key};
use countersign_state::{Changes, Snapshot};
use parity_scale_codec::Encode;
use std::collections::BTreeMap;
use world::{handover, names, set, view};

const CHAIN: Hash = Hash([7; 32]);

fn trust(names: &[String]) -> Trust {
    Trust { chain: CHAIN, title: "t".into(), validators: set(names), since: Height::new(1), newest: None }
}

fn header(height: u64, validators: &ValidatorSet, next: &ValidatorSet) -> Header {
    world::header(CHAIN, height, validators, next)
}

#[test]
fn a_header_needs_more_than_two_thirds_of_the_trusted_validators() {
    let (ours, others) = (names("ours"), names("others"));
    let (trust, set) = (trust(&ours), set(&ours));
    let header = header(5, &set, &set);
    assert_eq!(trust.check(5, &view(&header, &ours[..3], &set)), Ok(header.clone()));
    let few = trust.check(5, &view(&header, &ours[..2], &set));
    assert!(matches!(few, Err(VerifyError::Certificate(BadCertificate::TooFew { .. }))));
    let strangers = trust.check(5, &view(&header, &others, &set));
    assert!(matches!(strangers, Err(VerifyError::Certificate(BadCertificate::Stranger))));
    assert_eq!(trust.check(6, &view(&header, &ours, &set)), Err(VerifyError::OtherHeader));
    let none = HeaderView { certificate: None, ..view(&header, &ours, &set) };
    assert_eq!(trust.check(5, &none), Err(VerifyError::NoCertificate { height: 5 }));
    let foreign = Header { chain: Hash([8; 32]), ..header };
    assert_eq!(trust.check(5, &view(&foreign, &ours, &set)), Err(VerifyError::OtherHeader));
}

#[test]
fn validators_change_only_by_a_certified_header() {
    let (old, new) = (names("old"), names("new"));
    let (old_set, new_set) = (set(&old), set(&new));
    let mut trust = trust(&old);
    let last = header(5, &old_set, &new_set);
    let first = view(&header(6, &new_set, &new_set), &new, &new_set);
    assert_eq!(trust.check(6, &first), Err(VerifyError::OtherValidators { height: 6 }));
    let before = trust.clone();
    let forged = handover(&last, &new, &new_set);
    assert!(matches!(trust.follow(&forged), Err(VerifyError::Certificate(BadCertificate::Stranger))));
    let unannounced = handover(&header(5, &old_set, &old_set), &old, &new_set);
    assert_eq!(trust.follow(&unannounced), Err(VerifyError::OtherValidators { height: 6 }));
    assert_eq!(trust, before, "nothing is changed");
    let good = handover(&last, &old, &new_set);
    trust.follow(&good).unwrap();
    assert!(trust.check(6, &first).is_ok());
    assert_eq!(trust.since, Height::new(6));
    assert_eq!(trust.follow(&good), Err(VerifyError::OtherHeader), "there is no way back");
}

#[test]
fn two_certified_headers_of_one_height_are_a_split() {
    let ours = names("ours");
    let (mut trust, set) = (trust(&ours), set(&ours));
    let seen = header(5, &set, &set);
    trust.note(&seen).unwrap();
    trust.note(&seen).unwrap();
    let other = Header { state_root: Hash([1; 32]), ..seen };
    assert_eq!(trust.note(&other), Err(VerifyError::Split { height: 5 }));
    trust.note(&header(4, &set, &set)).unwrap();
    assert_eq!(trust.newest.map(|mark| mark.height), Some(Height::new(5)), "an older one changes nothing");
}

#[test]
fn a_value_is_believed_only_with_its_proof() {
    let (alice, eur) = (AccountId([1; 32]), "EUR".parse().unwrap());
    let key = state_key::balance(&alice, &eur);
    let value = Amount::new(1250).encode();
    let values = BTreeMap::from([(key.clone(), Some(value.clone())), (vec![1], Some(vec![2]))]);
    let state = Snapshot::empty().apply(Height::new(1), &Changes { values, ..Changes::default() });
    let proof = state.prove(&key).encode();
    check_proof(&state.root(), &key, Some(&value), &proof).unwrap();
    let more = Amount::new(1251).encode();
    assert!(matches!(check_proof(&state.root(), &key, Some(&more), &proof), Err(VerifyError::Proof(_))));
    assert!(matches!(check_proof(&state.root(), &key, None, &proof), Err(VerifyError::Proof(_))));
    assert!(check_proof(&Hash([9; 32]), &key, Some(&value), &proof).is_err());
    let absent = state_key::balance(&AccountId([2; 32]), &eur);
    check_proof(&state.root(), &absent, None, &state.prove(&absent).encode()).unwrap();
    assert!(matches!(check_proof(&state.root(), &key, Some(&value), b"x"), Err(VerifyError::Decode(_))));
}

#[test]
fn a_genesis_is_the_one_whose_hash_is_the_chain() {
    let genesis = world::genesis(&names("v"));
    let trust = Trust::from_genesis(genesis.chain(), &genesis.encode()).unwrap();
    assert_eq!(trust.validators, genesis.validators);
    let other = Trust::from_genesis(CHAIN, &genesis.encode());
    assert_eq!(other, Err(VerifyError::OtherGenesis { found: genesis.chain(), wanted: CHAIN }));
    assert!(matches!(Trust::from_genesis(CHAIN, b""), Err(VerifyError::Decode(_))));
}

/// What is trusted of the world of these tests, before any header is seen.
pub(super) fn world_trust() -> Trust {
    let genesis = world::genesis(&names("v"));
    Trust::from_genesis(genesis.chain(), &genesis.encode()).unwrap()
}
