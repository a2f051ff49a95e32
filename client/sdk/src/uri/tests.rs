//! Proposals as texts and in parts: what is written is read, in any order, and damage is told by its place.
use super::*;
use crate::types::proposal::Subject;
use crate::types::signature::{development_secret, public_key};
use crate::types::{AccountId, Call, Document, Selector, Timestamp, Transaction};
use proptest::prelude::*;

const NAMES: [&str; 3] = ["merchant", "customer", "newcomer"];

fn account(name: &str) -> AccountId {
    AccountId::of_key(&public_key(&development_secret(name)))
}

fn transaction(args: Vec<u8>, salt: [u8; 8]) -> Subject {
    Subject::Transaction(Transaction {
        chain: Hash([9; 32]),
        valid_from: Timestamp::from_millis(1),
        expires_at: Timestamp::from_millis(2),
        salt,
        calls: vec![Call {
            module: "rebate".parse().unwrap(),
            method: Selector([3; 8]),
            parties: NAMES.map(account).to_vec().try_into().unwrap(),
            args: args.try_into().unwrap(),
        }]
        .try_into()
        .unwrap(),
    })
}

fn document(body: Vec<u8>) -> Subject {
    Subject::Document(Document {
        chain: Hash([9; 32]),
        kind: "rebate/Offer".parse().unwrap(),
        parties: NAMES.map(account).to_vec().try_into().unwrap(),
        body: body.try_into().unwrap(),
        expires_at: Timestamp::from_millis(2),
    })
}

fn signed(subject: Subject, by: &[usize]) -> Proposal {
    let mut proposal = Proposal::new(subject);
    for index in by {
        proposal.sign(&account(NAMES[*index]), &development_secret(NAMES[*index])).unwrap();
    }
    proposal
}

fn any_proposal() -> impl Strategy<Value = Proposal> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..6_000);
    let by = proptest::sample::subsequence(vec![0, 1, 2], 0..=3);
    (any::<bool>(), bytes, any::<[u8; 8]>(), by).prop_map(|(is_transaction, bytes, salt, by)| {
        signed(if is_transaction { transaction(bytes, salt) } else { document(bytes) }, &by)
    })
}

fn joined(parts: &[String]) -> Result<Vec<String>, BadUri> {
    let mut collector = Collector::default();
    parts.iter().try_for_each(|part| collector.add(part))?;
    collector.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_proposal_is_its_text_and_its_parts_in_any_order(
        proposal in any_proposal(), order in any::<proptest::sample::Index>(), twice in any::<proptest::sample::Index>()
    ) {
        let text = of_proposal(&proposal);
        prop_assert_eq!(to_proposal(&text), Ok(proposal.clone()));
        prop_assert_eq!(to_proposal(&text.to_uppercase()), Ok(proposal.clone()));
        let mut parts = parts(&text).unwrap();
        prop_assert!(parts.iter().all(|part| part.len() <= WHOLE_CHARS_MAX), "each fits one code");
        let (start, again) = (order.index(parts.len()), parts[twice.index(parts.len())].to_uppercase());
        parts.rotate_left(start);
        parts.reverse();
        parts.push(again);
        prop_assert_eq!(joined(&parts), Ok(vec![text.clone()]));
        let message = format!("Sign this:\n{}", parts.join("\n"));
        prop_assert_eq!(joined(&in_message(&message)), Ok(vec![text]));
    }

    #[test]
    fn a_lost_part_is_told_by_its_number(proposal in any_proposal(), lost in any::<proptest::sample::Index>()) {
        let mut parts = parts(&of_proposal(&proposal)).unwrap();
        prop_assume!(parts.len() > 1);
        let (count, lost) = (parts.len(), lost.index(parts.len()));
        parts.remove(lost);
        let missing = vec![u16::try_from(lost + 1).unwrap()];
        prop_assert_eq!(joined(&parts), Err(BadUri::MissingParts { count: u16::try_from(count).unwrap(), missing }));
    }

    /// Any one character changed, dropped or doubled, in a whole text or in a part.
    #[test]
    fn a_changed_character_is_noticed(
        proposal in any_proposal(), place in any::<proptest::sample::Index>(), kind in 0..3_u8, part: bool
    ) {
        let text = of_proposal(&proposal);
        let good = if part { parts(&text).unwrap().remove(0) } else { text.clone() };
        let mut bytes = good.clone().into_bytes();
        let at = place.index(bytes.len());
        match kind {
            0 => bytes[at] = if bytes[at] == b'q' { b'p' } else { b'q' },
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, if bytes[at] == b'q' { b'p' } else { b'q' }),
        }
        let bad = String::from_utf8(bytes).unwrap();
        if good == text {
            prop_assert!(to_proposal(&bad).is_err(), "{bad}");
        } else {
            // The kind may have become an unknown one: then it is taken as a whole text, and is no proposal.
            let read = joined(&[bad]).and_then(|texts| texts.iter().try_for_each(|text| to_proposal(text).map(drop)));
            prop_assert!(read.is_err());
        }
    }

    #[test]
    fn no_text_brings_it_down(text: String, kind in "(tx|doc|part|request|[A-Z]{0,20})", dots in "[0-9a-z.?]{0,60}") {
        for text in [text.clone(), format!("{BEGINNING}{kind}?{text}"), format!("{BEGINNING}{kind}?{dots}")] {
            drop(to_proposal(&text));
            drop(parts(&text));
            drop(joined(&in_message(&text)));
            drop(joined(&[text]));
        }
    }

    #[test]
    fn any_bytes_are_their_text(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(decode("door", &encode("door", &bytes), 200), Ok(bytes));
    }
}

#[test]
fn the_texts_are_frozen() {
    assert_eq!(encode("door", b"Countersign"), FROZEN_TEXT);
    let long = encode("door", &[7; 400]);
    let parts = parts(&long).unwrap();
    assert_eq!(parts.len(), 2);
    assert!(
        parts[1].starts_with("countersign:part?lm07ddgm.2.2.rswpc8qurswpc8")
            && parts[1].ends_with("c84mafeazv.kntuyrs")
    );
    assert_eq!(Hash::of("frozen", parts.concat().as_bytes()).to_string()[..24], *FROZEN_PART);
}

const FROZEN_TEXT: &str = "countersign:door?gdhh2mn5v4e8x6t8d68pwvqq5q";
/// The beginning of the hash of its parts.
const FROZEN_PART: &str = "ae9cae1163fa006c8c9cd3da";

#[test]
fn what_is_short_stays_in_one_piece() {
    let request = "countersign:request?id=csr1q&chain=abababab";
    assert_eq!(parts(request), Ok(vec![request.to_string()]));
    assert_eq!(joined(&[request.to_uppercase()]), Ok(vec![request.to_string()]));
}

#[test]
fn other_kinds_and_foreign_texts_are_told_apart() {
    let proposal = signed(transaction(vec![1], [0; 8]), &[0]);
    let text = of_proposal(&proposal);
    assert_eq!(kind(&text), Ok("tx".into()));
    let wanted = decode("door", &text, BYTES_MAX);
    assert_eq!(wanted, Err(BadUri::OtherKind { found: "tx".into(), wanted: "door" }));
    // Renamed, the checksum does not fit.
    assert_eq!(to_proposal(&text.replacen("tx?", "doc?", 1)), Err(BadUri::Damaged));
    assert_eq!(
        to_proposal(&encode(DOCUMENT, &proposal.to_bytes())),
        Err(BadUri::OtherKind { found: "doc".into(), wanted: "tx" })
    );
    assert!(matches!(to_proposal("https://shop.example"), Err(BadUri::NotOne { .. })));
    assert!(matches!(
        to_proposal(&encode(TRANSACTION, b"CSP\x02")),
        Err(BadUri::Proposal(ProposalError::NotAProposal))
    ));
    assert!(matches!(decode("door", &encode("door", &[1; 40]), 39), Err(BadUri::TooLong { .. })));
}

#[test]
fn parts_of_two_texts_are_told_by_number() {
    let [one, other] = [vec![1; 900], vec![2; 900]].map(|args| parts(&encode("door", &args)).unwrap());
    assert_eq!(one.len(), 4);
    let mixed = [&one[..], &other[1..2]].concat();
    let refused = joined(&mixed).unwrap_err();
    let BadUri::ForeignParts { count: 4, present, missing, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!((&present[..], &missing[..]), (&[2][..], &[1, 3, 4][..]));
    let words = refused.to_string();
    assert!(words.starts_with("part 2 is of another text"), "{words}");
    assert!(words.ends_with("parts 1, 3 and 4 are missing"), "{words}");
    // Both whole: two texts.
    assert_eq!(joined(&[one, other].concat()).map(|texts| texts.len()), Ok(2));
}

#[test]
fn forged_parts_are_refused() {
    let good = parts(&encode("door", &[1; 900])).unwrap();
    let fields = |part: &str| -> Vec<String> {
        part.trim_start_matches("countersign:part?").split('.').map(str::to_string).collect()
    };
    let part = |id: &str, number: &str, count: &str, chunk: &str| {
        let covered = format!("{id}.{number}.{count}.{chunk}");
        format!("countersign:part?{covered}.{}", parts::check(&covered))
    };
    let [id, _, count, chunk, _] = &fields(&good[0])[..] else { panic!("{good:?}") };
    assert_eq!(part(id, "1", count, chunk), good[0]);
    for (number, count) in [("0", "4"), ("5", "4"), ("01", "4"), ("1", "100"), ("+1", "4"), ("", "4"), ("1", "")] {
        let refused = joined(&[part(id, number, count, chunk)]);
        assert!(matches!(refused, Err(BadUri::DamagedPart { .. })), "{number} of {count}: {refused:?}");
    }
    // Another piece under the same number, and pieces that fit each other but not the text they name.
    let other = part(id, "1", count, "door?qqqq");
    assert_eq!(joined(&[good[0].clone(), other.clone()]), Err(BadUri::Contradiction { number: 1, count: 4 }));
    let swapped = [&[other][..], &good[1..]].concat();
    assert_eq!(joined(&swapped), Err(BadUri::NotTheWhole { count: 4 }));
    // Parts of a part.
    let inner = good[0].trim_start_matches(BEGINNING);
    let nested = part(&parts::id(&good[0]), "1", "1", inner);
    assert_eq!(joined(&[nested]), Err(BadUri::NotTheWhole { count: 1 }));
}

#[test]
fn every_bound_is_held() {
    assert!(matches!(to_proposal(&format!("countersign:tx?{}", "q".repeat(CHARS_MAX))), Err(BadUri::TooLong { .. })));
    let mut collector = Collector::default();
    let long = format!("countersign:tx?{}", "q".repeat(CHARS_MAX));
    assert!(matches!(collector.add(&long), Err(BadUri::TooLong { .. })));
    assert!(matches!(parts(&long[..60_000]), Err(BadUri::TooLongForParts { limit: 39_600, .. })));
    for number in 0..TEXTS_MAX {
        collector.add(&encode("door", &[u8::try_from(number).unwrap()])).unwrap();
    }
    assert_eq!(collector.add(&encode("door", b"one more")), Err(BadUri::TooManyTexts));
    collector.add(&encode("door", &[0])).expect("one that is there already");
    let mut collector = Collector::default();
    for number in 0..=TEXTS_MAX {
        let part = parts(&encode("door", &vec![u8::try_from(number).unwrap(); 900])).unwrap().remove(0);
        let taken = collector.add(&part);
        assert_eq!(taken.is_err(), number == TEXTS_MAX, "{taken:?}");
    }
    let largest = encode("door", &vec![0; BYTES_MAX]);
    assert!(largest.len() <= CHARS_MAX);
    assert_eq!(decode("door", &largest, BYTES_MAX).map(|bytes| bytes.len()), Ok(BYTES_MAX));
}
