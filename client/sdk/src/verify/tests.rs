//! Certificates, changes of validators and proofs, honest and forged.
use super::*;
use crate::rpc_types::HexBytes;
use crate::types::block::precommit_bytes;
use crate::types::signature::{development_secret, public_key, sign};
use crate::types::{Validator, state_key};
use countersign_state::{Changes, Snapshot};
use parity_scale_codec::Encode;
use std::collections::BTreeMap;

const CHAIN: Hash = Hash([7; 32]);

fn names(prefix: &str) -> Vec<String> {
    (0..4).map(|i| format!("{prefix}-{i}")).collect()
}

fn set(names: &[String]) -> ValidatorSet {
    let mut validators: Vec<_> =
        names.iter().map(|name| Validator { key: public_key(&development_secret(name)), power: 1 }).collect();
    validators.sort();
    ValidatorSet(validators.try_into().unwrap())
}

fn trust(names: &[String]) -> Trust {
    Trust { chain: CHAIN, validators: set(names), since: Height::new(1) }
}

fn header(height: u64, validators: &ValidatorSet, next: &ValidatorSet, state_root: Hash) -> Header {
    Header {
        chain: CHAIN,
        height: Height::new(height),
        parent: Hash::ZERO,
        time: Timestamp::from_millis(height),
        proposer: validators.0[0].key,
        tx_root: Hash::ZERO,
        evidence_hash: Hash::ZERO,
        state_root,
        receipts_root: Hash::ZERO,
        validators_hash: validators.hash(),
        next_validators_hash: next.hash(),
        params_hash: Hash::ZERO,
    }
}

/// A view of the header, certified by these.
fn view(header: &Header, signers: &[String], validators: &ValidatorSet) -> HeaderView {
    let block = header.hash();
    let message = precommit_bytes(&header.chain, header.height, 0, &block);
    let mut signatures: Vec<_> = signers
        .iter()
        .map(|name| development_secret(name))
        .map(|secret| (public_key(&secret), sign(&secret, &message)))
        .collect();
    signatures.sort();
    let signatures = signatures.try_into().unwrap();
    let certificate = Certificate { height: header.height, round: 0, block, signatures };
    HeaderView {
        height: header.height.get(),
        hash: String::new(),
        time_ms: header.time.millis(),
        transactions: 0,
        header: HexBytes(header.encode()),
        certificate: Some(HexBytes(certificate.encode())),
        validators: HexBytes(validators.encode()),
    }
}

#[test]
fn a_header_needs_more_than_two_thirds_of_the_trusted_validators() {
    let (ours, others) = (names("ours"), names("others"));
    let (trust, set) = (trust(&ours), set(&ours));
    let header = header(5, &set, &set, Hash::ZERO);
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
    let last = view(&header(5, &old_set, &new_set, Hash::ZERO), &old, &old_set);
    let first = view(&header(6, &new_set, &new_set, Hash::ZERO), &new, &new_set);
    assert_eq!(trust.check(6, &first), Err(VerifyError::OtherValidators { height: 6 }));
    let forged = view(&header(5, &old_set, &new_set, Hash::ZERO), &new, &old_set);
    assert!(trust.clone().follow(&forged, &first).is_err());
    let unannounced = view(&header(5, &old_set, &old_set, Hash::ZERO), &old, &old_set);
    assert!(trust.clone().follow(&unannounced, &first).is_err());
    trust.follow(&last, &first).unwrap();
    assert!(trust.check(6, &first).is_ok());
    assert_eq!(trust.since, Height::new(6));
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
    let genesis = Genesis {
        title: crate::types::Text::new("t").unwrap(),
        time: Timestamp::ZERO,
        params: crate::types::Params::default(),
        council: crate::types::genesis::Council { members: Default::default(), threshold: 1 },
        validators: set(&names("v")),
        nodes: Default::default(),
        members: Default::default(),
        holders: Default::default(),
        assets: Default::default(),
        contracts: Default::default(),
    };
    let trust = Trust::from_genesis(genesis.chain(), &genesis.encode()).unwrap();
    assert_eq!(trust.validators, genesis.validators);
    let other = Trust::from_genesis(CHAIN, &genesis.encode());
    assert_eq!(other, Err(VerifyError::OtherGenesis { found: genesis.chain(), wanted: CHAIN }));
    assert!(matches!(Trust::from_genesis(CHAIN, b""), Err(VerifyError::Decode(_))));
}
