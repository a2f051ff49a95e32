//! Proposals collect signatures in any order, from anybody, and nothing that is not a party's valid signature gets in.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
mod crafted;
#[path = "frozen/sample.rs"]
mod sample;

use countersign_types::proposal::{ProposalError, Subject};
use countersign_types::signature::{public_key, sign};
use countersign_types::transaction::{self, TransactionError, signing_bytes};
use countersign_types::*;
use crafted::Crafted;
use parity_scale_codec::Encode;
use proptest::prelude::*;
use sample::{Draw, Sample};

/// A subject with at least one party.
fn subject(seed: u64) -> Subject {
    (0_u64..)
        .map(|attempt| Subject::sample(&mut Draw::new(&format!("{seed}/{attempt}"))))
        .find(|subject| !subject.signers().is_empty())
        .expect("one in a few has parties")
}

/// The subject with signatures of `picks`: each a party and one of a few keys.
fn signed(subject: &Subject, picks: &[(usize, u8)]) -> Proposal {
    let signers = subject.signers();
    let mut proposal = Proposal::new(subject.clone());
    for (party, key) in picks {
        proposal.sign(&signers[party % signers.len()], &[*key; 32]).unwrap();
    }
    proposal
}

fn merged(left: &Proposal, right: &Proposal) -> Proposal {
    let mut merged = left.clone();
    merged.merge(right).unwrap();
    merged
}

fn picks() -> impl Strategy<Value = Vec<(usize, u8)>> {
    proptest::collection::vec((any::<usize>(), 0..4_u8), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn merging_is_commutative_associative_and_idempotent(seed: u64, a in picks(), b in picks(), c in picks()) {
        let subject = subject(seed);
        let [a, b, c] = [a, b, c].map(|picks| signed(&subject, &picks));
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(&merged(&a, &a), &a);
        prop_assert_eq!(merged(&merged(&a, &b), &b), merged(&a, &b));
    }

    /// The same as one proposal that everybody signed in turn, and as its file says.
    #[test]
    fn merging_equals_signing_in_turn(seed: u64, a in picks(), b in picks()) {
        let subject = subject(seed);
        let together = signed(&subject, &[a.clone(), b.clone()].concat());
        let merged = merged(&signed(&subject, &a), &signed(&subject, &b));
        prop_assert_eq!(&merged, &together);
        prop_assert_eq!(Proposal::from_bytes(&merged.to_bytes()), Ok(merged));
    }

    #[test]
    fn those_who_have_not_signed_are_missing(seed: u64, picks in picks()) {
        let subject = subject(seed);
        let signers = subject.signers();
        let signed = signed(&subject, &picks);
        let expected: Vec<_> = signers
            .iter()
            .enumerate()
            .filter(|(index, _)| picks.iter().all(|(party, _)| party % signers.len() != *index))
            .map(|(_, account)| *account)
            .collect();
        prop_assert_eq!(signed.missing(), expected);
    }
}

#[test]
fn another_subject_is_not_merged() {
    let (left, right) = (signed(&subject(1), &[]), signed(&subject(2), &[(0, 0)]));
    let expected = ProposalError::DifferentSubjects { left: left.subject().id(), right: right.subject().id() };
    assert_eq!(left.clone().merge(&right), Err(expected));
}

#[test]
fn strangers_and_foreign_or_altered_signatures_are_refused() {
    let subject = subject(3);
    let party = subject.signers()[0];
    let secret = [9; 32];
    let key = public_key(&secret);
    let mut proposal = Proposal::new(subject.clone());

    let stranger = AccountId([0xee; 32]);
    assert_eq!(proposal.sign(&stranger, &secret), Err(ProposalError::NotAParty { account: stranger }));

    let good = sign(&secret, &subject.signing_bytes());
    let mut altered = good;
    altered.0[3] ^= 1;
    let elsewhere = sign(&secret, &crate::subject(4).signing_bytes());
    for bad in [altered, elsewhere, Signature([0; 64])] {
        assert_eq!(proposal.add(&party, key, bad), Err(ProposalError::BadSignature { key }));
    }
    assert_eq!(
        proposal.add(&party, public_key(&[8; 32]), good),
        Err(ProposalError::BadSignature { key: public_key(&[8; 32]) })
    );
    assert_eq!(proposal.signatures(), []);
    assert_eq!(proposal.add(&party, key, good), Ok(()));
}

#[test]
fn a_file_with_a_bad_or_stray_signature_is_refused() {
    let subject = subject(5);
    let good = signed(&subject, &[(0, 1)]);
    let bytes = good.to_bytes();
    assert_eq!(Proposal::from_bytes(&bytes).as_ref(), Ok(&good));
    let mut altered = bytes.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert!(matches!(Proposal::from_bytes(&altered), Err(ProposalError::BadSignature { .. })));

    let stray = PartySignature { account: u16::MAX, ..good.signatures()[0] };
    let file = [b"CSP\x01".to_vec(), subject.encode(), vec![stray].encode()].concat();
    assert!(matches!(Proposal::from_bytes(&file), Err(ProposalError::BadSignature { .. })));
    assert_eq!(Proposal::from_bytes(&bytes[1..]), Err(ProposalError::NotAProposal));
    assert_eq!(Proposal::from_bytes(b"CSP\x02"), Err(ProposalError::NotAProposal));
}

/// One key can sign one message in many ways, the nonce being its owner's choice: the same one is kept in any order.
#[test]
fn two_signatures_of_one_key_merge_the_same_in_any_order() {
    let subject = subject(7);
    let party = subject.signers()[0];
    let key = Crafted::key(5, 0);
    let with = |nonce| {
        let mut proposal = Proposal::new(subject.clone());
        proposal.add(&party, key.public(), key.sign(&subject.signing_bytes(), nonce, 0)).unwrap();
        proposal
    };
    let (left, right) = (with(1), with(2));
    assert_ne!(left, right);
    assert_eq!(merged(&left, &right), merged(&right, &left));
    assert_eq!(merged(&left, &right).signatures().len(), 1);
}

#[test]
fn a_full_proposal_refuses_more_signatures_and_keeps_what_it_has() {
    let subject = subject(6);
    let party = subject.signers()[0];
    let mut proposal = Proposal::new(subject);
    let secret = |n: usize| Hash::of("test-key", &n.to_le_bytes()).0;
    for n in 0..limits::SIGNATURES_MAX {
        proposal.sign(&party, &secret(n)).unwrap();
    }
    let full = proposal.clone();
    let other = signed(full.subject(), &[(0, 1), (0, 2)]);
    assert_eq!(proposal.merge(&other), Err(ProposalError::TooManySignatures));
    assert_eq!(proposal, full, "nothing was lost");
    for n in 0..8 {
        let result = proposal.sign(&party, &secret(limits::SIGNATURES_MAX + n));
        assert_eq!(result, Err(ProposalError::TooManySignatures));
        assert_eq!(proposal, full, "nothing was lost");
    }
    assert_eq!(proposal.sign(&party, &secret(0)), Ok(()), "what is there already is no more");
}

/// A transaction signed by all its parties, and the ways it can be refused before any state is looked at.
#[test]
fn each_way_a_transaction_is_refused() {
    let secrets = [[1; 32], [2; 32]];
    let accounts = secrets.map(|secret| AccountId::of_key(&public_key(&secret)));
    let call = Call {
        module: "assets".parse().unwrap(),
        method: Selector([0; 8]),
        parties: accounts.to_vec().try_into().unwrap(),
        args: BoundedVec::empty(),
    };
    let unsigned = Transaction {
        chain: Hash([5; 32]),
        valid_from: Timestamp::from_millis(10),
        expires_at: Timestamp::from_millis(20),
        salt: [0; 8],
        calls: vec![call.clone()].try_into().unwrap(),
    };
    let sign_all = |transaction: &Transaction| {
        let mut proposal = Proposal::new(Subject::Transaction(transaction.clone()));
        for (account, secret) in accounts.iter().zip(&secrets) {
            proposal.sign(account, secret).unwrap();
        }
        proposal.to_transaction().unwrap()
    };
    let verify = |transaction| VerifiedTransaction::verify(transaction, &unsigned.chain);
    let good = sign_all(&unsigned);
    let verified = verify(good.clone()).unwrap();
    assert_eq!(verified.signers(), unsigned.signers());
    assert_eq!(verified.size_bytes(), good.encode().len());
    assert_eq!(verified.id(), unsigned.id().0);

    let elsewhere = VerifiedTransaction::verify(good.clone(), &Hash([6; 32]));
    assert!(matches!(elsewhere, Err(TransactionError::WrongChain { .. })));
    let empty = Transaction { calls: BoundedVec::empty(), ..unsigned.clone() };
    let no_calls = SignedTransaction { transaction: empty, signatures: BoundedVec::empty() };
    assert!(matches!(verify(no_calls), Err(TransactionError::Shape { .. })));
    let lonely = Call { parties: BoundedVec::empty(), ..call.clone() };
    let no_parties = Transaction { calls: vec![call, lonely].try_into().unwrap(), ..unsigned.clone() };
    assert!(matches!(verify(sign_all(&no_parties)), Err(TransactionError::Shape { .. })));
    let never = Transaction { expires_at: unsigned.valid_from, ..unsigned.clone() };
    assert_eq!(verify(sign_all(&never)), Err(TransactionError::NeverValid));

    let with = |change: &dyn Fn(&mut Vec<PartySignature>)| {
        let mut signatures = good.signatures.to_vec();
        change(&mut signatures);
        verify(SignedTransaction { signatures: signatures.try_into().unwrap(), ..good.clone() })
    };
    let stray = |index| Err(TransactionError::StraySignature { index });
    assert_eq!(with(&|signatures| signatures.reverse()), stray(1));
    assert_eq!(with(&|signatures| signatures.insert(0, signatures[0])), stray(1));
    assert_eq!(with(&|signatures| signatures[1].account = 2), stray(1));
    let second = unsigned.signers()[1];
    assert_eq!(with(&|signatures| signatures.truncate(1)), Err(TransactionError::MissingSignature { account: second }));
    let bad = with(&|signatures| signatures[1].signature.0[0] ^= 1);
    assert!(matches!(bad, Err(TransactionError::BadSignature { account, .. }) if account == second));
    let message = signing_bytes(document::SIGNING, &unsigned.chain, &unsigned.id().0);
    let as_document = with(&|signatures| {
        let secret = secrets.iter().find(|secret| public_key(secret) == signatures[0].key).unwrap();
        signatures[0].signature = sign(secret, &message);
    });
    assert!(matches!(as_document, Err(TransactionError::BadSignature { .. })), "a document's signature is none here");
    assert_ne!(message, signing_bytes(transaction::SIGNING, &unsigned.chain, &unsigned.id().0));
}

#[test]
fn a_batch_of_transactions_gives_each_its_own_verdict() {
    let chain = Hash([5; 32]);
    let make = |n: u8| {
        let party = AccountId::of_key(&public_key(&[n; 32]));
        let call = Call { parties: vec![party].try_into().unwrap(), ..Sample::sample(&mut Draw::new("call")) };
        let transaction = Transaction {
            chain,
            valid_from: Timestamp::ZERO,
            expires_at: Timestamp::from_millis(1),
            salt: [n; 8],
            calls: vec![call].try_into().unwrap(),
        };
        let mut proposal = Proposal::new(Subject::Transaction(transaction));
        proposal.sign(&party, &[n; 32]).unwrap();
        proposal.to_transaction().unwrap()
    };
    let mut transactions: Vec<_> = (0..9).map(make).collect();
    transactions[2].signatures = BoundedVec::empty();
    let mut altered = transactions[5].signatures.to_vec();
    altered[0].signature.0[40] ^= 4;
    transactions[5].signatures = altered.try_into().unwrap();
    transactions[7].transaction.chain = Hash::ZERO;
    let verdicts = VerifiedTransaction::verify_batch(transactions.clone(), &chain);
    for (index, (verdict, transaction)) in verdicts.into_iter().zip(transactions).enumerate() {
        assert_eq!(verdict.is_ok(), ![2, 5, 7].contains(&index), "{index}");
        assert_eq!(verdict, VerifiedTransaction::verify(transaction, &chain), "{index}");
    }
}

#[test]
fn a_document_needs_each_party_once_and_signed() {
    let secrets = [[1; 32], [2; 32]];
    let accounts = secrets.map(|secret| AccountId::of_key(&public_key(&secret)));
    let document = Document {
        chain: Hash([5; 32]),
        kind: DocumentKind::new("rebate/Offer").unwrap(),
        parties: accounts.to_vec().try_into().unwrap(),
        body: vec![1, 2, 3].try_into().unwrap(),
        expires_at: Timestamp::MAX,
    };
    let mut proposal = Proposal::new(Subject::Document(document.clone()));
    proposal.sign(&accounts[0], &secrets[0]).unwrap();
    assert!(!proposal.to_document().unwrap().verify_signatures(), "one signature is missing");
    proposal.sign(&accounts[1], &secrets[1]).unwrap();
    let signed = proposal.to_document().unwrap();
    assert!(signed.verify_signatures());
    assert_eq!(proposal.to_transaction(), None);

    let mut altered = signed.clone();
    altered.document.body = vec![1, 2, 4].try_into().unwrap();
    assert!(!altered.verify_signatures());
    let twice = Document { parties: vec![accounts[0]; 2].try_into().unwrap(), ..document };
    let mut proposal = Proposal::new(Subject::Document(twice));
    proposal.sign(&accounts[0], &secrets[0]).unwrap();
    assert!(!proposal.to_document().unwrap().verify_signatures(), "the same account in two roles");
}
