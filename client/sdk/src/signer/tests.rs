//! Signers against proposals, and programs that do not answer as they should.
use super::*;
use crate::card::{CardSecret, Pin};
use crate::keystore::{Keystore, Protection};
use crate::types::proposal::Subject;
use crate::types::signature::{development_secret, verify};
use crate::types::{BoundedVec, Document, DocumentKind, Hash, Timestamp};
use std::time::Duration;
use zeroize::Zeroizing;

const MESSAGE: &[u8] = b"a hash of domain, chain and id";

fn key(name: &str) -> PublicKey {
    public_key(&development_secret(name))
}

/// A document that all `parties` are to sign.
fn document(parties: &[AccountId]) -> Proposal {
    let kind = DocumentKind::new("rebate/Offer").unwrap();
    let (parties, body) = (parties.to_vec().try_into().unwrap(), BoundedVec::empty());
    let expires_at = Timestamp::from_millis(1_000);
    Proposal::new(Subject::Document(Document { chain: Hash([1; 32]), kind, parties, body, expires_at }))
}

/// A signer with the key `alice` that is this script of a shell.
fn script(script: &str) -> ProgramSigner {
    let program = Program { path: "/bin/sh".into(), args: vec!["-c".into(), script.into()] };
    ProgramSigner::new(AccountId::of_key(&key("alice")), key("alice"), program)
}

/// A script that signs `message` as `name`, after it has checked what it is given.
fn signing(name: &str, message: &[u8]) -> ProgramSigner {
    let signature = hex::encode(sign(&development_secret(name), message).0);
    let (given, asked_for) = (hex::encode(MESSAGE), key("alice"));
    script(&format!(
        "test \"$(od -An -v -tx1 | tr -d ' \\n')\" = {given} || exit 9; \
         test \"$COUNTERSIGN_SIGNER_KEY\" = {asked_for} || exit 8; echo {signature}"
    ))
}

#[test]
fn every_signer_signs_a_proposal_for_its_account() {
    let home = tempfile::tempdir().unwrap();
    let store = Keystore::new(home.path().join("keys"));
    store.create("alice", &Protection::None).unwrap();
    let unlocked = store.unlock("alice", None).unwrap();
    let secret = CardSecret::new(Zeroizing::new([7; 32]));
    let card = AuthKey::derive(
        &Pin::new(Zeroizing::new("4711".into())).unwrap(),
        &secret,
        &"card-1@bank.example".parse().unwrap(),
    );
    let signers: [&dyn Signer; 2] = [&unlocked, &card];
    let accounts = signers.map(|signer| signer.account());
    let mut proposal = document(&accounts);
    for signer in signers {
        let made = signer.sign_proposal(&mut proposal, &signer.account()).unwrap();
        assert_eq!(made.key, signer.public_key());
        assert!(verify(&made.key, &proposal.subject().signing_bytes(), &made.signature));
    }
    assert!(proposal.missing().is_empty());
    let stranger = AccountId([9; 32]);
    let refused = unlocked.sign_proposal(&mut proposal, &stranger).unwrap_err();
    assert!(matches!(refused, SignError::Proposal(ProposalError::NotAParty { account }) if account == stranger));
}

#[test]
fn a_program_signs_what_it_is_given_with_the_key_it_is_asked_for() {
    let signature = signing("alice", MESSAGE).try_sign(MESSAGE).unwrap();
    assert!(verify(&key("alice"), MESSAGE, &signature));
}

#[test]
fn signatures_of_other_keys_or_over_other_bytes_are_not_used() {
    for other in [signing("bob", MESSAGE), signing("alice", b"something else")] {
        assert!(matches!(other.try_sign(MESSAGE), Err(SignerError::WrongSignature { .. })));
    }
    let mut proposal = document(&[AccountId::of_key(&key("alice"))]);
    let account = AccountId::of_key(&key("alice"));
    let zeros = script(&format!("echo {}", "0".repeat(128)));
    let refused = zeros.sign_proposal(&mut proposal, &account).unwrap_err();
    assert!(matches!(refused, SignError::Signer(SignerError::WrongSignature { .. })));
    assert!(proposal.signatures().is_empty());
}

#[test]
fn who_is_no_party_is_not_asked_to_sign() {
    let mut proposal = document(&[AccountId([1; 32])]);
    let signer = ProgramSigner::new(
        AccountId([2; 32]),
        key("alice"),
        Program { path: "/nowhere/signer".into(), args: Vec::new() },
    );
    let refused = signer.sign_proposal(&mut proposal, &AccountId([2; 32])).unwrap_err();
    assert!(matches!(refused, SignError::Proposal(ProposalError::NotAParty { .. })), "{refused:?}");
    let refused = signer.sign_proposal(&mut proposal, &AccountId([1; 32])).unwrap_err();
    assert!(matches!(refused, SignError::Signer(SignerError::NotStarted { .. })), "{refused:?}");
}

#[test]
fn programs_that_answer_something_else_are_refused() {
    let endless = "while :; do echo 00000000000000000000000000000000; done";
    for bad in ["", "echo", "echo yes", "echo 0x00", &format!("echo {}", "0".repeat(126)), endless] {
        assert!(matches!(script(bad).try_sign(MESSAGE), Err(SignerError::NotASignature { .. })), "{bad}");
    }
    let failed = script("echo 00; exit 3").try_sign(MESSAGE).unwrap_err();
    assert!(matches!(&failed, SignerError::Failed { status, .. } if status.code() == Some(3)), "{failed:?}");
    let long = script("exit 0").try_sign(&[0; MESSAGE_BYTES_MAX + 1]);
    assert!(matches!(long, Err(SignerError::TooLong { .. })));
}

#[test]
fn programs_that_do_not_end_are_given_up() {
    // One that says nothing, one that says it has nothing more to say and stays, one that does not read.
    for silent in ["exec sleep 1000", "exec >&-; exec sleep 1000", "exec <&-; exec sleep 1000"] {
        let answer = script(silent).with_patience(Duration::from_millis(100)).try_sign(MESSAGE);
        assert!(matches!(answer, Err(SignerError::Timeout { .. })), "{silent}: {answer:?}");
    }
}
