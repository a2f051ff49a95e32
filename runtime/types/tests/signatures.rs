//! The rule by which signatures are valid (ZIP-215) and its point: a batch gives every signature the verdict it has alone,
//! also when an attacker makes keys and signatures with torsion parts to tell the two apart.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
mod crafted;

use countersign_types::signature::{Claim, KeyError, check_key, public_key, sign, verify, verify_batch};
use countersign_types::{PublicKey, Signature};
use crafted::Crafted;
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::scalar::Scalar;
use proptest::prelude::*;

/// Order of the base point, little-endian (RFC 8032, 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

struct Case {
    key: PublicKey,
    message: Vec<u8>,
    signature: Signature,
}

fn alone(case: &Case) -> bool {
    verify(&case.key, &case.message, &case.signature)
}

fn together(cases: &[Case]) -> Vec<bool> {
    let claims: Vec<_> =
        cases.iter().map(|case| Claim { key: &case.key, message: &case.message, signature: &case.signature }).collect();
    verify_batch(&claims)
}

fn honest(n: u8) -> Case {
    let message = vec![n; 32];
    Case { key: public_key(&[n; 32]), signature: sign(&[n; 32], &message), message }
}

/// The encodings of small-order points: the eight canonical ones, and those with y or the sign of zero written another way.
fn small_order_encodings() -> Vec<[u8; 32]> {
    let mut encodings: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
    // p = 2^255 - 19: y = p is 0, y = p + 1 is 1; x of y = ±1 is 0, whose sign bit means nothing.
    for y in [0xed_u8, 0xee] {
        for top in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (y, top);
            encodings.push(bytes);
        }
    }
    let mut one = [0; 32];
    (one[0], one[31]) = (1, 0x80);
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    encodings.extend([one, minus_one]);
    encodings
}

/// RFC 8032, 7.1, test 2.
#[test]
fn a_published_signature_verifies() {
    let array = |text: &str| hex::decode(text).unwrap();
    let key = PublicKey(array("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c").try_into().unwrap());
    let signature = Signature(
        array(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        )
        .try_into()
        .unwrap(),
    );
    assert!(verify(&key, &[0x72], &signature));
    assert!(!verify(&key, &[0x73], &signature));
}

#[test]
fn torsion_in_the_key_or_the_nonce_changes_no_verdict() {
    let mut cases = Vec::new();
    for (key_torsion, nonce_torsion) in (0..8).flat_map(|key| (0..8).map(move |nonce| (key, nonce))) {
        let key = Crafted::key(3, key_torsion);
        let message = vec![key_torsion as u8, nonce_torsion as u8];
        cases.push(Case { key: key.public(), signature: key.sign(&message, 11, nonce_torsion), message });
    }
    assert!(cases.iter().all(alone), "valid by the rule, in whatever group they are checked");
    assert_eq!(together(&cases), vec![true; 64]);
    for case in cases {
        let neighbours = [honest(1), case, honest(2)];
        assert_eq!(together(&neighbours), [true; 3]);
    }
}

/// The test vectors of ZIP-215: every encoding of a small-order point as key and as nonce, with a response of zero, is valid
/// for any message. That is why such keys are refused where keys enter.
#[test]
fn small_order_keys_sign_everything_and_are_refused_at_the_door() {
    let encodings = small_order_encodings();
    assert_eq!(encodings.len(), 14);
    let mut cases = Vec::new();
    for key in &encodings {
        for commitment in &encodings {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(commitment);
            cases.push(Case { key: PublicKey(*key), message: b"Zcash".to_vec(), signature: Signature(signature) });
        }
        assert!(check_key(&PublicKey(*key)).is_err(), "{}", hex::encode(key));
    }
    assert!(cases.iter().all(alone));
    assert!(together(&cases).into_iter().all(|verdict| verdict));
    assert_eq!(check_key(&PublicKey(encodings[1])), Err(KeyError::SmallOrder));
}

#[test]
fn keys_enter_if_they_are_points_of_large_order() {
    assert_eq!(check_key(&public_key(&[1; 32])), Ok(()));
    let not_a_point = (0_u8..).map(|n| PublicKey([n; 32])).find(|key| check_key(key) == Err(KeyError::NotAKey));
    assert!(not_a_point.is_some_and(|key| !verify(&key, b"", &Signature([0; 64]))));
}

/// A response not below the group's order would be a second signature made from the first by anybody.
#[test]
fn responses_are_canonical() {
    let case = honest(7);
    let mut shifted = case.signature;
    let mut carry = 0;
    for (byte, order) in shifted.0[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    let shifted = Case { signature: shifted, ..case };
    assert!(!alone(&shifted));
    assert_eq!(together(&[honest(7), shifted]), [true, false]);
}

#[test]
fn verdicts_keep_their_order_across_several_batches() {
    let mut cases: Vec<_> = (0..600_u32).map(|n| honest(n as u8)).collect();
    let bad = [0, 255, 256, 511, 512, 599];
    for index in bad {
        cases[index].message[0] ^= 0x80;
    }
    let verdicts = together(&cases);
    assert!(verdicts.iter().enumerate().all(|(index, verdict)| *verdict != bad.contains(&index)));
    assert_eq!(together(&[]), Vec::<bool>::new());
}

/// One claim of a kind an attacker might choose.
fn any_case() -> impl Strategy<Value = Case> {
    let torsion = || 0..8_usize;
    let honest_case = any::<u8>().prop_map(honest);
    let altered = (any::<u8>(), 0..64_usize, 1..=255_u8).prop_map(|(n, at, flip)| {
        let mut case = honest(n);
        case.signature.0[at] ^= flip;
        case
    });
    let swapped = (any::<u8>(), any::<u8>()).prop_map(|(n, other)| Case { key: honest(other).key, ..honest(n) });
    // Torsion that cancels in some equations and not in others, with small secrets so that keys repeat within a batch.
    let crafted =
        (0..3_u64, torsion(), 0..3_u64, torsion(), any::<u8>()).prop_map(|(secret, key, nonce, commitment, n)| {
            let key = Crafted::key(secret, key);
            let message = vec![n % 4];
            Case { key: key.public(), signature: key.sign(&message, nonce, commitment), message }
        });
    let off_by_torsion = (0..3_u64, torsion(), proptest::sample::select(small_order_encodings())).prop_map(
        |(secret, key, commitment)| {
            let key = Crafted::key(secret, key);
            Case { key: key.public(), signature: key.sign_with(b"m", commitment, Scalar::ZERO), message: b"m".to_vec() }
        },
    );
    let noise = (any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(key, left, right)| {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&left);
        signature[32..].copy_from_slice(&right);
        signature[63] &= 0x0f;
        Case { key: PublicKey(key), message: Vec::new(), signature: Signature(signature) }
    });
    prop_oneof![4 => honest_case, 1 => altered, 1 => swapped, 4 => crafted, 2 => off_by_torsion, 1 => noise]
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", hex::encode(self.key.0), hex::encode(&self.message), hex::encode(self.signature.0))
    }
}

proptest! {
    #[test]
    fn a_batch_agrees_with_single_verification(cases in proptest::collection::vec(any_case(), 0..24)) {
        let expected: Vec<_> = cases.iter().map(alone).collect();
        prop_assert_eq!(together(&cases), expected);
    }
}
