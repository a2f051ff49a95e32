//! The rules of the records: whose signatures suffice, which validators' do, what a parameter may be, how value is divided.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
use countersign_types::account::BadAuthority;
use countersign_types::block::{BadCertificate, precommit_bytes};
use countersign_types::evidence::Step;
use countersign_types::signature::{public_key, sign};
use countersign_types::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn key(n: u8) -> PublicKey {
    PublicKey([n; 32])
}

fn authority(threshold: u32, keys: &[(u8, u16)]) -> Authority {
    let keys: Vec<_> = keys.iter().map(|(n, weight)| (key(*n), *weight)).collect();
    Authority { threshold, keys: keys.try_into().unwrap() }
}

#[test]
fn an_authority_can_be_met_and_is_written_one_way() {
    assert_eq!(Authority::single(key(1)).check(), Ok(()));
    assert_eq!(authority(5, &[(1, 2), (2, 3)]).check(), Ok(()));
    assert_eq!(authority(1, &[]).check(), Err(BadAuthority::Keys));
    assert_eq!(authority(1, &[(2, 1), (1, 1)]).check(), Err(BadAuthority::Keys));
    assert_eq!(authority(1, &[(1, 1), (1, 1)]).check(), Err(BadAuthority::Keys));
    assert_eq!(authority(1, &[(1, 1), (2, 0)]).check(), Err(BadAuthority::Weight));
    assert_eq!(authority(0, &[(1, 1)]).check(), Err(BadAuthority::Threshold));
    assert_eq!(authority(6, &[(1, 2), (2, 3)]).check(), Err(BadAuthority::Threshold));
    let heaviest: Vec<_> = (0..limits::AUTHORITY_KEYS_MAX as u8).map(|n| (n, u16::MAX)).collect();
    assert_eq!(authority(16 * 65_535, &heaviest).check(), Ok(()));
}

proptest! {
    /// Met exactly if the listed keys among the signers weigh enough; strangers weigh nothing.
    #[test]
    fn an_authority_counts_listed_keys_only(
        weights in proptest::collection::btree_map(0..20_u8, 1..5_u16, 1..8),
        signers in proptest::collection::btree_set(0..24_u8, 0..10),
        threshold in 1..20_u32,
    ) {
        let listed: Vec<_> = weights.iter().map(|(n, weight)| (*n, *weight)).collect();
        let expected: u32 = signers.iter().filter_map(|n| weights.get(n)).map(|weight| u32::from(*weight)).sum();
        let keys: Vec<_> = signers.into_iter().map(key).collect();
        prop_assert_eq!(authority(threshold, &listed).is_met_by(keys.iter()), expected >= threshold);
    }

    /// Against the same division of numbers small enough to multiply.
    #[test]
    fn parts_of_amounts_are_rounded_down(amount: u64, numerator: u64, denominator: u64) {
        let [value, n, d] = [amount, numerator, denominator].map(u128::from);
        let expected = (value * n).checked_div(d).map(Amount::new);
        prop_assert_eq!(Amount::new(value).checked_ratio(n, d), expected);
    }

    /// A part of the whole never fails for want of room, is at most the whole, and the parts add up to at most it.
    #[test]
    fn a_fraction_of_any_amount_exists(amount: u128, a: u128, b: u128) {
        let whole = Amount::new(amount);
        let Some(denominator) = a.checked_add(b).filter(|sum| *sum > 0) else {
            return Ok(());
        };
        let [left, right] = [a, b].map(|part| whole.checked_ratio(part, denominator).unwrap());
        let sum = left.checked_add(right).unwrap();
        prop_assert!(sum <= whole && whole.checked_sub(sum).unwrap() <= Amount::new(1));
    }

    #[test]
    fn amounts_never_wrap(left: u128, right: u128) {
        let (a, b) = (Amount::new(left), Amount::new(right));
        prop_assert_eq!(a.checked_add(b).map(Amount::get), left.checked_add(right));
        prop_assert_eq!(a.checked_sub(b).map(Amount::get), left.checked_sub(right));
        prop_assert_eq!(a.checked_mul(right).map(Amount::get), left.checked_mul(right));
    }
}

#[test]
fn the_default_parameters_are_allowed() {
    assert_eq!(Params::default().check(), Ok(()));
}

/// For each parameter a value below and above its range.
#[test]
fn parameters_out_of_range_are_named() {
    type Change = fn(&mut Params, u64);
    #[rustfmt::skip]
    let cases: [(&str, Change, u64, u64); 14] = [
        ("validity_ms_max", |p, n| p.validity_ms_max = n, 59_999, 366 * 86_400_000),
        ("block_time_ahead_ms_max", |p, n| p.block_time_ahead_ms_max = n, 99, 60_001),
        ("idle_interval_ms", |p, n| p.idle_interval_ms = n, 99, 86_400_001),
        ("block_bytes_max", |p, n| p.block_bytes_max = n as u32, limits::TRANSACTION_BYTES_MAX as u64 - 1, limits::BLOCK_BYTES_MAX as u64),
        ("block_transactions_max", |p, n| p.block_transactions_max = n as u32, 0, limits::BLOCK_TRANSACTIONS_MAX as u64 + 1),
        ("block_gas_max", |p, n| p.block_gas_max = Gas::new(n), 199_999_999, 1_000_000_000_000_001),
        ("transaction_gas_max", |p, n| p.transaction_gas_max = Gas::new(n), 999_999, 10_000_000_001),
        ("lane_gas_max", |p, n| p.lane_gas_max = Gas::new(n), 499_999, 1_000_000_000_001),
        ("job_gas", |p, n| p.job_gas = Gas::new(n), 99_999, 100_000_001),
        ("quota_window_ms", |p, n| p.quota_window_ms = n, 59_999, 31 * 86_400_000 + 1),
        ("quota_gas", |p, n| p.quota_gas = Gas::new(n), 999_999, 0),
        ("timeout_propose_ms", |p, n| p.timeout_propose_ms = n as u32, 49, 60_001),
        ("timeout_vote_ms", |p, n| p.timeout_vote_ms = n as u32, 49, 60_001),
        ("timeout_ms_max", |p, n| p.timeout_ms_max = n as u32, 399, 60_001),
    ];
    let names: BTreeSet<_> = cases.iter().map(|case| case.0).collect();
    assert_eq!(names.len(), 14);
    for (name, change, below, above) in cases {
        for value in [below, above] {
            let mut params = Params::default();
            change(&mut params, value);
            let error = params.check().expect_err(name);
            assert_eq!((error.name, error.value), (name, value), "{error}");
        }
    }
}

const POWERS: [u64; 4] = [1, 2, 3, 4];

fn secret(n: usize) -> [u8; 32] {
    [n as u8 + 1; 32]
}

/// Four validators of different power, in the order of their keys, with their secrets.
fn validators() -> (ValidatorSet, Vec<[u8; 32]>) {
    let mut all: Vec<_> =
        (0..4).map(|n| (Validator { key: public_key(&secret(n)), power: POWERS[n] }, secret(n))).collect();
    all.sort_by_key(|(validator, _)| validator.key);
    let (validators, secrets): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    (ValidatorSet(validators.try_into().unwrap()), secrets)
}

fn header(validators: &ValidatorSet) -> Header {
    let zero = Hash::ZERO;
    Header {
        chain: Hash([9; 32]),
        height: Height::new(7),
        parent: zero,
        time: Timestamp::from_millis(1),
        proposer: validators.0[0].key,
        tx_root: zero,
        evidence_hash: zero,
        state_root: zero,
        receipts_root: zero,
        validators_hash: validators.hash(),
        next_validators_hash: validators.hash(),
        params_hash: zero,
    }
}

fn certificate(header: &Header, validators: &ValidatorSet, secrets: &[[u8; 32]], signers: &[usize]) -> Certificate {
    let (round, block) = (2, header.hash());
    let message = precommit_bytes(&header.chain, header.height, round, &block);
    let signatures: Vec<_> = signers.iter().map(|at| (validators.0[*at].key, sign(&secrets[*at], &message))).collect();
    Certificate { height: header.height, round, block, signatures: signatures.try_into().unwrap() }
}

#[test]
fn more_than_two_thirds_of_the_power_vouch_for_a_header() {
    let (validators, secrets) = validators();
    let header = header(&validators);
    let total: u64 = POWERS.iter().sum();
    for subset in 0..16_usize {
        let signers: Vec<_> = (0..4).filter(|at| subset & (1 << at) != 0).collect();
        let power: u64 = signers.iter().map(|at| validators.0[*at].power).sum();
        let verdict = certificate(&header, &validators, &secrets, &signers).verify(&header, &validators);
        let expected = if power * 3 > total * 2 { Ok(()) } else { Err(BadCertificate::TooFew { power, total }) };
        assert_eq!(verdict, expected);
    }
}

#[test]
fn each_way_a_certificate_fails() {
    let (validators, secrets) = validators();
    let header = header(&validators);
    let good = certificate(&header, &validators, &secrets, &[0, 1, 2, 3]);
    let verify = |certificate: &Certificate| certificate.verify(&header, &validators);
    assert_eq!(verify(&good), Ok(()));

    let other = Header { time: Timestamp::from_millis(2), ..header.clone() };
    assert_eq!(good.verify(&other, &validators), Err(BadCertificate::OtherBlock));
    assert_eq!(verify(&Certificate { height: Height::new(8), ..good.clone() }), Err(BadCertificate::OtherBlock));
    assert_eq!(
        verify(&Certificate { round: 3, ..good.clone() }),
        Err(BadCertificate::Signature),
        "votes name their round"
    );

    type Votes = Vec<(PublicKey, Signature)>;
    let with = |change: &dyn Fn(&mut Votes)| {
        let mut signatures = good.signatures.to_vec();
        change(&mut signatures);
        verify(&Certificate { signatures: signatures.try_into().unwrap(), ..good.clone() })
    };
    assert_eq!(with(&|signatures| signatures.reverse()), Err(BadCertificate::Order));
    assert_eq!(
        with(&|signatures| signatures.insert(1, signatures[0])),
        Err(BadCertificate::Order),
        "one vote counted twice"
    );
    assert_eq!(with(&|signatures| signatures[3].1.0[9] ^= 1), Err(BadCertificate::Signature));
    let fewer = ValidatorSet(validators.0[1..].to_vec().try_into().unwrap());
    assert_eq!(good.verify(&header, &fewer), Err(BadCertificate::Stranger));
}

#[test]
fn a_validator_set_is_sorted_distinct_and_weighted() {
    let set = |validators: &[(u8, u64)]| {
        let validators: Vec<_> =
            validators.iter().map(|(n, power)| Validator { key: key(*n), power: *power }).collect();
        ValidatorSet(validators.try_into().unwrap()).is_well_formed()
    };
    assert!(set(&[(1, 1)]));
    assert!(set(&[(1, 1 << 32), (2, 1)]));
    assert!(!set(&[]));
    assert!(!set(&[(2, 1), (1, 1)]));
    assert!(!set(&[(1, 1), (1, 1)]));
    assert!(!set(&[(1, 0)]));
    assert!(!set(&[(1, (1 << 32) + 1)]));
}

#[test]
fn times_and_heights_stop_at_their_ends() {
    assert_eq!(Timestamp::MAX.checked_add_millis(1), None);
    assert_eq!(Timestamp::from_millis(5).saturating_since(Timestamp::from_millis(9)), 0);
    assert_eq!(Timestamp::from_millis(119_999).minute(), 1);
    assert_eq!(Height::ZERO.previous(), None);
    assert_eq!(Height::ZERO.next(), Height::new(1));
    assert_eq!(Gas::MAX.saturating_add(Gas::new(1)), Gas::MAX);
    assert_eq!(Gas::new(1).checked_sub(Gas::new(2)), None);
}

/// Records of different kinds never share a key, and a contract cannot name a key outside its space.
#[test]
fn state_keys_of_different_records_differ() {
    let (account, name) = (AccountId([b'a'; 32]), "rebate".parse::<ModuleName>().unwrap());
    let contract = AccountId::of_contract(&name);
    let keys = [
        state_key::account(&account),
        state_key::member(&account),
        state_key::site(&account),
        state_key::quota(&account),
        state_key::code(&Hash(account.0)),
        state_key::data(&account, b""),
        state_key::data(&contract, &account.0),
        state_key::balance(&account, &"EUR".parse().unwrap()),
        state_key::asset(&"EUR".parse().unwrap()),
        state_key::contract(&name),
        state_key::name(&"re.bate".parse().unwrap()),
        state_key::job(Timestamp::ZERO, 1),
        state_key::job_time(1),
        state_key::seen(1),
        state_key::node(&PublicKey(account.0)),
        state_key::proposed(&PublicKey(account.0)),
        state_key::evidence(&PublicKey(account.0), Height::ZERO, 0, Step::Prevote),
        state_key::params(),
        state_key::council(),
        state_key::working_blocks(),
        state_key::validators(),
        state_key::next_job(),
    ];
    let distinct: BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
    assert!(state_key::data(&contract, b"x").starts_with(&state_key::data(&contract, b"")));
    assert!(state_key::job(Timestamp::from_millis(255), 0) < state_key::job(Timestamp::from_millis(256), 0));
    assert!(state_key::job(Timestamp::from_millis(9), 255) < state_key::job(Timestamp::from_millis(9), 256));
}
