//! Credentials as bytes and texts: they fit a QR code, and no bytes bring a lock down or open it.
use crate::scene::{NOW, Scene, Validators, asked, ms};
use countersign_lock::{Challenge, Credential, Lock, Refusal, limits};
use countersign_state::Proof;
use countersign_types::{Authority, PublicKey, Signature};
use parity_scale_codec::{DecodeAll, Encode};
use proptest::prelude::*;

/// Characters of a QR code's dense mode at the lowest level of correction, in the largest code (ISO/IEC 18004, 40-L).
const QR_CHARACTERS_MAX: usize = 4_296;
/// The dense mode has no `?`: the beginning of a text is written as bytes, which costs as much as this many characters of the rest.
const QR_BEGINNING_CHARACTERS: usize = 27;

#[test]
fn with_seven_validators_it_fits_one_qr_code() {
    // As many keys as a busy year leaves behind, long names, and an encryption key.
    let scene = Scene::with(7, |scene| scene.strangers = 200_000);
    let (mut lock, credential) = asked(&scene);
    let (bytes, text) = (credential.to_bytes(), credential.to_text());
    let challenge = lock.waiting().unwrap().to_text();
    println!(
        "credential {} bytes, {} characters; of it proofs {} and {}, seal {}; challenge {} characters; answer {} bytes",
        bytes.len(),
        text.len(),
        credential.pass.record_proof.encode().len(),
        credential.pass.holder_proof.encode().len(),
        credential.pass.seal.encode().len(),
        challenge.len(),
        credential.answer.to_bytes().len(),
    );
    let dense = text.len() - "countersign:key?".len();
    assert!(dense + QR_BEGINNING_CHARACTERS <= QR_CHARACTERS_MAX, "{dense} characters");
    assert!(text["countersign:key?".len()..].bytes().all(|c| c.is_ascii_alphanumeric()));
    assert!(lock.open(&Credential::from_text(&text.to_ascii_uppercase()).unwrap(), ms(NOW)).is_ok());
}

#[test]
fn as_many_signatures_as_needed_are_carried_and_no_more() {
    // Four of five sevenths and so on: the fewest that are more than two thirds.
    for (validators, needed) in [(1, 1), (3, 3), (4, 3), (7, 5), (100, 67)] {
        let seal = Scene::of(validators).pass().seal;
        assert_eq!(seal.encode().len(), 4 + if needed < 64 { 1 } else { 2 } + needed * 65, "of {validators}");
    }
}

#[test]
fn the_largest_credential_is_within_its_bound() {
    let mut scene = Scene::of(100);
    let keys: Vec<(PublicKey, u16)> = (0..16).map(|n| (PublicKey([n; 32]), 1)).collect();
    scene.holder.authority = Authority { threshold: 16, keys: keys.try_into().unwrap() };
    let longest = countersign_types::Text::new(&"o".repeat(256)).unwrap();
    scene.record.kind = longest.clone();
    scene.record.object = Some(longest);
    let (_, mut credential) = asked(&scene);
    let seal = scene.validators.certify(&credential.pass.header, 100);
    assert!(seal.signatures.len() == 100, "all may sign");
    let handover = scene.handover(1, &Validators::named("next", 100));
    credential.pass.handovers = vec![handover; limits::HANDOVERS_MAX].try_into().unwrap();
    credential.answer.signatures = vec![(0, Signature([0; 64])); 16].try_into().unwrap();
    // What is not at its largest here: five seals with 33 signatures more, and the proofs.
    let more = 5 * 33 * 65 + 2 * Proof::BYTES_MAX;
    assert!(credential.to_bytes().len() + more <= limits::CREDENTIAL_BYTES_MAX);
    let answer = credential.answer.to_bytes();
    assert!(answer.len() <= limits::ANSWER_BYTES_MAX + 1, "{}", answer.len());
    assert!(Credential::from_bytes(&credential.to_bytes()).is_ok());
}

#[test]
fn what_is_too_long_or_of_another_version_is_refused_unread() {
    let long = vec![1; limits::CREDENTIAL_BYTES_MAX + 2];
    assert!(matches!(Credential::from_bytes(&long), Err(Refusal::Format(_))));
    let text = "countersign:key?".to_string() + &"0".repeat(limits::CREDENTIAL_BYTES_MAX * 2);
    assert!(matches!(Credential::from_text(&text), Err(Refusal::Text(_))));
    let (_, credential) = asked(&Scene::of(1));
    let mut newer = credential.to_bytes();
    newer[0] = 2;
    assert_eq!(Credential::from_bytes(&newer), Err(Refusal::OtherVersion { found: 2 }));
    assert!(matches!(Credential::from_bytes(&[]), Err(Refusal::Format(_))));
    let challenge = asked(&Scene::of(1)).0.waiting().unwrap().to_text();
    assert!(matches!(Credential::from_text(&challenge), Err(Refusal::Text(_))));
}

#[test]
fn every_shorter_text_is_refused() {
    let (mut lock, credential) = asked(&Scene::of(4));
    let text = credential.to_text();
    for length in 0..text.len() {
        let opened = Credential::from_text(&text[..length]).and_then(|cut| lock.open(&cut, ms(NOW)));
        assert!(opened.is_err(), "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// A changed byte anywhere is noticed.
    #[test]
    fn no_changed_byte_opens(at: prop::sample::Index, by in 1_u8..) {
        let (mut lock, credential) = asked(&Scene::of(4));
        let mut bytes = credential.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let opened = Credential::from_bytes(&bytes).and_then(|changed| lock.open(&changed, ms(NOW)));
        prop_assert!(opened.is_err(), "byte {} of {}", at, bytes.len());
        prop_assert!(lock.open(&credential, ms(NOW)).is_ok());
    }

    #[test]
    fn no_bytes_bring_a_lock_down(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let (mut lock, _) = asked(&Scene::of(1));
        let versioned = [&[1][..], &bytes].concat();
        for bytes in [&bytes, &versioned] {
            let opened = Credential::from_bytes(bytes).and_then(|random| lock.open(&random, ms(NOW)));
            prop_assert!(opened.is_err());
            drop(Challenge::from_bytes(bytes));
            drop(Lock::decode_all(&mut &bytes[..]));
        }
    }

    #[test]
    fn no_text_brings_a_lock_down(text: String) {
        drop(Credential::from_text(&text));
        drop(Credential::from_text(&format!("countersign:key?{text}")));
        drop(Challenge::from_text(&format!("countersign:challenge?{text}")));
    }
}
