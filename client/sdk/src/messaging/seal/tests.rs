//! Letters sealed and opened; everything that must not be believed; the frozen bytes.
use super::*;
use crate::keystore::{Keystore, Protection, UnlockedKey};
use crate::messaging::letter::{BadLetter, Body, FileName};
use crate::messaging::limits::{FILE_NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::rpc_types::relay::{ATTACHMENT_BYTES_MAX, ENVELOPE_BYTES_MAX};
use crate::types::signature::{development_secret, public_key};
use crate::types::{BoundedVec, Proposal};
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::single_shot_seal_with_rng;
use proptest::prelude::*;
use std::convert::Infallible;

const CHAIN: Hash = Hash([9; 32]);
const NOW_MS: u64 = 1_780_000_000_000;
const HOUR_MS: u64 = 3_600_000;

fn unlocked(name: &str) -> UnlockedKey {
    let folder = tempfile::tempdir().unwrap();
    let keystore = Keystore::new(folder.path().join("keys"));
    keystore.create_development(name, &Protection::None).unwrap();
    keystore.unlock(name, None).unwrap()
}

fn account(name: &str) -> AccountId {
    AccountId::of_key(&public_key(&development_secret(name)))
}

fn encryption(name: &str) -> EncryptionKey {
    EncryptionKey::from_secret(&development_secret(name))
}

fn letter(body: Body) -> Letter {
    Letter {
        chain: CHAIN,
        from: account("alice"),
        to: account("bob"),
        sent_at: Timestamp::from_millis(NOW_MS),
        number: 7,
        body,
    }
}

fn hello() -> Letter {
    letter(Body::text("Hello Bob,\n\tsee you at nine.").unwrap())
}

fn sealed(letter: Letter) -> Envelope {
    seal(letter, &unlocked("alice"), &encryption("bob").public(), HOUR_MS).unwrap()
}

/// Seals any bytes as an envelope's content, padded or not.
fn sealed_bytes(padded: &[u8], like: &Envelope, rng: &mut Counting) -> Envelope {
    let receiver = <Encapsulation as Kem>::PublicKey::from_bytes(&like.key).unwrap();
    let (encapsulated, ciphertext) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Encapsulation>(
        &OpModeS::Base,
        &receiver,
        INFO,
        padded,
        &like.associated_data(),
        rng,
    )
    .unwrap();
    let sealed = [&encapsulated.to_bytes()[..], &ciphertext].concat();
    Envelope { sealed: sealed.try_into().unwrap(), ..like.clone() }
}

/// Bytes that count up: random to nobody, the same every time.
#[derive(Default)]
struct Counting(u8);

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

#[test]
fn what_is_sealed_is_opened_by_its_receiver_alone() {
    let envelope = sealed(hello());
    let opened = open(&envelope, &encryption("bob")).unwrap();
    assert_eq!(opened.signed.letter, hello());
    assert_eq!(opened.signed.key, public_key(&development_secret("alice")));
    assert_eq!(opened.id, envelope.id());
    assert_eq!(open(&envelope, &encryption("carol")), Err(OpenError::NotForThisKey));
    let claimed = Envelope { key: encryption("carol").public(), ..envelope.clone() };
    assert_eq!(open(&claimed, &encryption("carol")), Err(OpenError::Altered));
    assert_ne!(sealed(hello()).sealed, envelope.sealed, "the same letter twice is two messages");
}

#[test]
fn the_largest_letter_fits_an_envelope_and_more_is_told() {
    let name = "x".repeat(FILE_NAME_BYTES_MAX);
    let note = "y".repeat(TEXT_BYTES_MAX);
    let body = |bytes: usize, name: &str, note: &str| Body::file(name, vec![5; bytes], note);
    let envelope = sealed(letter(body(ATTACHMENT_BYTES_MAX, &name, &note).unwrap()));
    assert!(envelope.encode().len() <= ENVELOPE_BYTES_MAX);
    assert!(matches!(open(&envelope, &encryption("bob")), Ok(opened) if opened.signed.letter.body.words() == note));
    assert_eq!(body(ATTACHMENT_BYTES_MAX + 1, "a", ""), Err(BadLetter::LongFile { size: ATTACHMENT_BYTES_MAX + 1 }));
    let long = body(1, "a", &format!("{note}."));
    assert_eq!(long, Err(BadLetter::LongText { size: TEXT_BYTES_MAX + 1 }));
}

#[test]
fn what_deceives_is_not_written() {
    for name in ["", ".", "..", ".bashrc", "a/b", "a\\b", "/etc/passwd", "a\nb", "a\u{202E}fdp", " a", "a "] {
        assert!(matches!(FileName::new(name), Err(BadLetter::FileName { .. })), "{name:?}");
    }
    assert!(matches!(FileName::new(&"x".repeat(FILE_NAME_BYTES_MAX + 1)), Err(BadLetter::FileName { .. })));
    for name in ["passport.pdf", "Ausweis Vorderseite.jpg", "a.tar.gz", "账单.pdf"] {
        assert_eq!(FileName::new(name).unwrap().as_str(), name);
    }
    for text in ["a\u{1b}[2J", "a\rb", "a\u{0}", "a\u{202E}b", "a\u{200B}b"] {
        assert!(matches!(Body::text(text), Err(BadLetter::Text(_))), "{text:?}");
    }
    assert_eq!(Body::text(" \n"), Err(BadLetter::Empty));
    assert_eq!(Body::text("one\n\ttwo").unwrap().words(), "one\n\ttwo");
    let debug = format!("{:?} {:?}", hello(), Body::file("passport.pdf", vec![1, 2], "mine").unwrap());
    assert!(!debug.contains("nine") && !debug.contains("mine"), "{debug}");
}

#[test]
fn an_altered_envelope_is_refused_wherever_it_is_altered() {
    let good = sealed(hello());
    let bob = encryption("bob");
    let altered = |envelope: Envelope| assert_eq!(open(&envelope, &bob), Err(OpenError::Altered));
    altered(Envelope { chain: Hash([8; 32]), ..good.clone() });
    altered(Envelope { to: account("carol"), ..good.clone() });
    altered(Envelope { sent_at: Timestamp::from_millis(NOW_MS + 1), ..good.clone() });
    altered(Envelope { expires_at: Timestamp::from_millis(NOW_MS + HOUR_MS + 1), ..good.clone() });
    for at in [0, 31, 32, 33, good.sealed.len() - 17, good.sealed.len() - 1] {
        let mut bytes = good.sealed.to_vec();
        bytes[at] ^= 1;
        altered(Envelope { sealed: bytes.try_into().unwrap(), ..good.clone() });
    }
    for length in [0, 1, 32, 47, 48, good.sealed.len() - 1] {
        altered(Envelope { sealed: good.sealed[..length].to_vec().try_into().unwrap(), ..good.clone() });
    }
}

#[test]
fn padding_is_as_the_rule_says_or_refused() {
    let like = sealed(hello());
    let signed = hello().sign(&unlocked("alice"), &like.key).unwrap().encode();
    let content = |padded: &[u8]| open(&sealed_bytes(padded, &like, &mut Counting::default()), &encryption("bob"));
    let good = pad(Zeroizing::new(signed.clone()));
    assert!(content(&good).is_ok());
    let bad = |padded: &[u8]| assert_eq!(content(padded), Err(OpenError::BadPadding));
    bad(&[]);
    bad(&signed);
    bad(&[0; 1024]);
    bad(&good[..good.len() - 1]);
    bad(&[&good[..], &[0; 64]].concat());
    let mut marked = good.to_vec();
    *marked.last_mut().unwrap() = 1;
    bad(&marked);
    marked[1023] = PADDING_BEGINS;
    assert!(matches!(content(&marked), Err(OpenError::NotALetter(_))), "the letter is followed by something");
    assert!(matches!(content(&pad(Zeroizing::new(vec![7; 40]))), Err(OpenError::NotALetter(_))));
}

#[test]
fn a_letter_for_somebody_else_is_not_believed() {
    let like = sealed(hello());
    let seal_signed =
        |signed: &SignedLetter| sealed_bytes(&pad(Zeroizing::new(signed.encode())), &like, &mut Counting::default());
    let opened = |signed: &SignedLetter| open(&seal_signed(signed), &encryption("bob"));
    let sign = |letter: Letter, key: &[u8; 32]| letter.sign(&unlocked("alice"), key).unwrap();

    // Carol, to whom Alice wrote, seals Alice's letter to Bob: it names Carol.
    let to_carol = sign(Letter { to: account("carol"), ..hello() }, &encryption("carol").public());
    assert_eq!(opened(&to_carol), Err(OpenError::OtherLetter));
    // She writes Bob's account into it: Alice has not signed that.
    let letter = Letter { to: account("bob"), ..to_carol.letter.clone() };
    let readdressed = SignedLetter { letter, ..to_carol };
    let key = public_key(&development_secret("alice"));
    assert_eq!(opened(&readdressed), Err(OpenError::BadSignature { key }));
    // A letter to Bob under a key he had before does not pass as one under his key of today.
    assert_eq!(opened(&sign(hello(), &[1; 32])), Err(OpenError::BadSignature { key }));
    // Nor one of another chain, or of another time.
    assert_eq!(opened(&sign(Letter { chain: Hash([8; 32]), ..hello() }, &like.key)), Err(OpenError::OtherLetter));
    let later = Letter { sent_at: Timestamp::from_millis(NOW_MS + 1), ..hello() };
    assert_eq!(opened(&sign(later, &like.key)), Err(OpenError::OtherLetter));
    // Who signed is who is named as the key.
    let by_alice = sign(hello(), &like.key);
    let other = public_key(&development_secret("carol"));
    assert_eq!(opened(&SignedLetter { key: other, ..by_alice.clone() }), Err(OpenError::BadSignature { key: other }));
    assert!(opened(&by_alice).is_ok());
}

#[test]
fn what_is_not_for_here_and_now_is_refused() {
    let envelope = sealed(hello());
    let check = |account: &AccountId, chain: &Hash, now_ms: u64| {
        check_fresh(&envelope, account, chain, Timestamp::from_millis(now_ms))
    };
    let bob = account("bob");
    assert_eq!(check(&bob, &CHAIN, NOW_MS), Ok(()));
    assert_eq!(check(&account("carol"), &CHAIN, NOW_MS), Err(OpenError::OtherReceiver { to: bob }));
    assert_eq!(check(&bob, &Hash([8; 32]), NOW_MS), Err(OpenError::OtherChain { chain: CHAIN }));
    assert_eq!(check(&bob, &CHAIN, NOW_MS + HOUR_MS - 1), Ok(()));
    assert_eq!(check(&bob, &CHAIN, NOW_MS + HOUR_MS), Err(OpenError::Expired));
    assert_eq!(check(&bob, &CHAIN, NOW_MS - CLOCK_AHEAD_MS_MAX), Ok(()));
    assert_eq!(check(&bob, &CHAIN, NOW_MS - CLOCK_AHEAD_MS_MAX - 1), Err(OpenError::NotYetSent));
}

#[test]
fn what_cannot_be_sealed_is_told() {
    let alice = unlocked("alice");
    // The point of order two: every secret shared with it is zero.
    assert!(matches!(seal(hello(), &alice, &[0; 32], HOUR_MS), Err(SealError::BadReceiverKey)));
    let key = encryption("bob").public();
    for life_ms in [0, MESSAGE_LIFE_MS_MAX + 1] {
        assert!(matches!(seal(hello(), &alice, &key, life_ms), Err(SealError::BadLife(_))));
    }
    assert!(seal(hello(), &alice, &key, MESSAGE_LIFE_MS_MAX).is_ok());
}

#[test]
fn a_file_that_is_no_proposal_is_told_when_it_is_opened() {
    let file: BoundedVec<u8, { crate::types::limits::PROPOSAL_BYTES_MAX }> = vec![1, 2, 3].try_into().unwrap();
    let body = Body::Proposal { file, note: Default::default() };
    assert!(matches!(body.to_proposal(), Err(BadLetter::Proposal(_))));
    let transaction = crate::types::Transaction {
        chain: CHAIN,
        valid_from: Timestamp::ZERO,
        expires_at: Timestamp::MAX,
        salt: [0; 8],
        calls: Default::default(),
    };
    let proposal = Proposal::new(crate::types::proposal::Subject::Transaction(transaction));
    let body = Body::proposal(&proposal, "please sign").unwrap();
    assert_eq!(body.to_proposal(), Ok(Some(proposal)));
    assert_eq!(Body::text("x").unwrap().to_proposal(), Ok(None));
}

#[test]
fn the_bytes_of_letters_and_envelopes_are_frozen() {
    let body = Body::file("passport.pdf", vec![1, 2, 3], "mine").unwrap();
    let like = Envelope { sealed: Default::default(), ..sealed(hello()) };
    let signed = letter(body).sign(&unlocked("alice"), &like.key).unwrap();
    let envelope = sealed_bytes(&pad(Zeroizing::new(signed.encode())), &like, &mut Counting::default());
    assert_eq!(open(&envelope, &encryption("bob")).unwrap().signed, signed);
    let pinned = [
        Hash::of("test", &hello().encode()),
        hello().digest(&like.key),
        Hash::of("test", &signed.encode()),
        envelope.id(),
    ];
    let frozen = ["5a4a62d588cf3e4e", "9be8ea8f81e9d36b", "5b1dddd0026cf7a7", "f26127330fb2ebec"];
    assert_eq!(pinned.map(|hash| hash.to_string()[..16].to_string()), frozen);
}

proptest! {
    #[test]
    fn any_letter_comes_back_as_it_was(
        text in "[a-z \n\t]{1,2000}",
        number: u64,
        bytes in prop::collection::vec(any::<u8>(), 0..3_000),
    ) {
        prop_assume!(!text.trim().is_empty());
        for body in [Body::text(&text).unwrap(), Body::file("a.bin", bytes.clone(), &text).unwrap()] {
            let written = Letter { number, ..letter(body) };
            let envelope = sealed(written.clone());
            let read = Envelope::read(&envelope.encode()).unwrap();
            prop_assert_eq!(open(&read, &encryption("bob")).unwrap().signed.letter, written);
        }
    }

    #[test]
    fn padding_grows_little_and_tells_little(length in 0_usize..LETTER_BYTES_MAX) {
        let padded = padded_length(length);
        prop_assert!(padded >= length.max(PADDED_BYTES_MIN));
        prop_assert!(padded - length.max(PADDED_BYTES_MIN) <= length / 16);
        prop_assert!(padded_length(length + 1) >= padded);
        prop_assert_eq!(padded_length(padded), padded);
    }

    #[test]
    fn any_bytes_in_an_envelope_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let like = Envelope { sealed: Default::default(), ..sealed(hello()) };
        let unsealed = Envelope { sealed: bytes.clone().try_into().unwrap(), ..like.clone() };
        prop_assert_eq!(open(&unsealed, &encryption("bob")), Err(OpenError::Altered));
        let inside = sealed_bytes(&pad(Zeroizing::new(bytes)), &like, &mut Counting::default());
        prop_assert!(matches!(open(&inside, &encryption("bob")), Err(OpenError::NotALetter(_))));
    }
}

#[test]
fn sizes_of_letters_fall_into_few_classes() {
    let classes: std::collections::BTreeSet<usize> = (0..=LETTER_BYTES_MAX).map(padded_length).collect();
    assert!(classes.len() < 300, "{}", classes.len());
    assert_eq!((padded_length(0), padded_length(1024), padded_length(1025)), (1024, 1024, 1088));
}
