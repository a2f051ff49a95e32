//! Every wrong key is refused, each by its own reason, and the challenge waits on for the right one.
use crate::scene::{CERTIFIED, COME_BY, FROM, NOW, Scene, UNTIL, Validators, asked, ms, text};
use countersign_interface::booking::{Identity, Status};
use countersign_lock::{BadText, Bounds, Challenge, Credential, Refusal, Seal, limits};
use countersign_state::ProofError;
use countersign_types::block::BadCertificate;
use countersign_types::signature::{development_secret, public_key};
use countersign_types::{AccountId, Authority, DecodeError, Hash, account};
use std::collections::BTreeSet;

/// What the lock says to a scene's credential at a time. Whatever it is, the right credential still opens.
fn refused_at(now: u64, change: impl FnOnce(&mut Scene)) -> Refusal {
    let mut lock = Scene::of(7).lock();
    lock.challenge([42; 16], ms(now));
    let wrong = Scene::with(7, change);
    let refusal = lock.open(&wrong.credential(&lock), ms(now)).unwrap_err();
    let right = Scene::with(7, |scene| {
        scene.certified_at = now;
        scene.record.from = scene.record.from.min(ms(now));
        scene.record.until = scene.record.until.max(ms(now + 1));
        scene.record.due_at = scene.record.until;
    });
    assert!(lock.open(&right.credential(&lock), ms(now)).is_ok(), "after {refusal}");
    refusal
}

fn refused(change: impl FnOnce(&mut Scene)) -> Refusal {
    refused_at(NOW, change)
}

/// What the lock says to a credential that was changed after it was made.
fn altered(change: impl FnOnce(&mut Credential)) -> Refusal {
    let (mut lock, mut credential) = asked(&Scene::of(7));
    change(&mut credential);
    lock.open(&credential, ms(NOW)).unwrap_err()
}

#[test]
fn another_door_stays_shut() {
    let scene = Scene::of(7);
    let mut lock = scene.lock_of("215");
    lock.challenge([42; 16], ms(NOW));
    assert_eq!(lock.open(&scene.credential(&lock), ms(NOW)), Err(Refusal::OtherObject));
    assert_eq!(refused(|scene| scene.record.merchant = AccountId([99; 32])), Refusal::OtherMerchant);
    assert_eq!(refused(|scene| scene.record.object = None), Refusal::NoObject);
}

#[test]
fn before_and_after_the_booked_time_it_stays_shut() {
    let at = |now: u64| refused_at(now, |scene| scene.certified_at = now - 1_000);
    assert_eq!(at(FROM - 1), Refusal::TooEarly { wait_ms: 1 });
    // Who has paid and did not check in is a no-show by then, whatever the last header says.
    assert_eq!(at(COME_BY), Refusal::NoShow { since_ms: 0 });
    let checked_in = |now: u64| {
        refused_at(now, |scene| {
            scene.certified_at = now - 1_000;
            scene.record.status = Status::CheckedIn;
            scene.record.due_at = ms(UNTIL);
        })
    };
    assert_eq!(checked_in(UNTIL), Refusal::TooLate { since_ms: 0 });
    assert_eq!(checked_in(UNTIL + 5), Refusal::TooLate { since_ms: 5 });
}

#[test]
fn a_booking_that_is_not_in_force_opens_nothing() {
    let with = |status: Status| refused(|scene| scene.record.status = status);
    assert_eq!(with(Status::Requested), Refusal::Unpaid);
    assert_eq!(with(Status::CheckedOut), Refusal::CheckedOut);
    assert_eq!(with(Status::Disputed), Refusal::InDispute);
    for status in [
        Status::Lapsed,
        Status::Cancelled,
        Status::Withdrawn,
        Status::NoShow,
        Status::Completed,
        Status::Resolved,
        Status::Undecided,
    ] {
        assert_eq!(with(status), Refusal::Ended { status });
    }
    for identity in [Identity::Missing, Identity::Shown] {
        assert_eq!(refused(|scene| scene.record.identity = identity), Refusal::NotIdentified);
    }
}

#[test]
fn another_person_does_not_enter() {
    assert_eq!(refused(|scene| scene.guests = vec!["thief".into()]), Refusal::Signature);
    assert_eq!(refused(|scene| scene.guests.clear()), Refusal::NotTheHolder);
    assert_eq!(refused(|scene| scene.holder.status = account::Status::Suspended), Refusal::HolderSuspended);
    // The thief's own account in place of the customer's: it is on the ledger, but not under the customer's id.
    let thief = Scene::with(7, |scene| {
        let key = public_key(&development_secret("thief"));
        scene.holder.authority = Authority::single(key);
        scene.guests = vec!["thief".into()];
    });
    let (mut lock, credential) = asked(&Scene::of(7));
    let answer = thief.answer(lock.waiting().unwrap());
    let mut stolen = Credential { answer, ..credential };
    stolen.pass.holder = thief.holder;
    let refusal = lock.open(&stolen, ms(NOW)).unwrap_err();
    assert!(matches!(refusal, Refusal::Holder(ProofError::Root { .. })), "{refusal}");
    // A key that the account does not have.
    let beyond = altered(|credential| {
        let (_, signature) = credential.answer.signatures[0];
        credential.answer.signatures = vec![(1, signature)].try_into().unwrap();
    });
    assert_eq!(beyond, Refusal::NotTheHolder);
}

#[test]
fn what_is_not_in_the_certified_state_is_not_believed() {
    // Another booking's record or proof, and the own one with a longer stay.
    let other = Scene::with(7, |scene| scene.booking = Hash([77; 32])).pass();
    let refusal = altered(|credential| credential.pass.record_proof = other.record_proof.clone());
    assert!(matches!(refusal, Refusal::Booking(ProofError::Root { .. })), "{refusal}");
    let refusal = altered(|credential| credential.pass.booking = Hash([77; 32]));
    assert!(matches!(refusal, Refusal::Booking(_)), "{refusal}");
    let refusal = altered(|credential| credential.pass.record.until = ms(UNTIL + 1));
    assert!(matches!(refusal, Refusal::Booking(ProofError::Root { .. })), "{refusal}");
    let refusal = altered(|credential| credential.pass.holder_proof = other.holder_proof.clone());
    assert!(matches!(refusal, Refusal::Holder(_)), "{refusal}");
}

#[test]
fn a_header_that_the_validators_did_not_certify_is_not_believed() {
    let sealed_by =
        |validators: Validators| altered(|credential| credential.pass.seal = validators.seal(&credential.pass.header));
    assert_eq!(sealed_by(Validators::named("usurper", 7)), Refusal::Certificate(BadCertificate::Signature));
    // Four of seven is not more than two thirds; five is.
    let scene = Scene::of(7);
    let few = |count: usize| {
        let (mut lock, mut credential) = asked(&scene);
        let certificate = scene.validators.certify(&credential.pass.header, count);
        credential.pass.seal = Seal::of(&certificate, &scene.validators.set()).unwrap();
        lock.open(&credential, ms(NOW))
    };
    assert_eq!(few(4).unwrap_err(), Refusal::Certificate(BadCertificate::TooFew { power: 4, total: 7 }));
    assert!(few(5).is_ok());
    // A later time, so that the booking seems fresh.
    let refusal = altered(|credential| credential.pass.header.time = ms(NOW));
    assert_eq!(refusal, Refusal::Certificate(BadCertificate::Signature));
    // A larger set that the usurpers made up.
    let refusal = refused(|scene| scene.validators = Validators::named("usurper", 7));
    assert_eq!(refusal, Refusal::OtherValidators { height: 500 });
    assert_eq!(refused(|scene| scene.chain = Hash([8; 32])), Refusal::OtherChain);
}

#[test]
fn a_state_that_may_have_changed_is_not_believed() {
    let limit_ms = limits::FRESH_MS_DEFAULT;
    let aged = |age_ms: u64| {
        let (mut lock, credential) = asked(&Scene::with(7, |scene| scene.certified_at = NOW - age_ms));
        lock.open(&credential, ms(NOW))
    };
    assert!(aged(limit_ms).is_ok());
    assert_eq!(aged(limit_ms + 1), Err(Refusal::Stale { age_ms: limit_ms + 1, limit_ms }));
    let ahead = |ahead_ms: u64| {
        let (mut lock, credential) = asked(&Scene::with(7, |scene| scene.certified_at = NOW + ahead_ms));
        lock.open(&credential, ms(NOW))
    };
    let ahead_ms = limits::AHEAD_MS_DEFAULT;
    assert!(ahead(ahead_ms).is_ok());
    assert_eq!(ahead(ahead_ms + 1), Err(Refusal::FromTheFuture { ahead_ms: ahead_ms + 1 }));
    assert_eq!(CERTIFIED + 60_000, NOW);
}

#[test]
fn only_the_challenge_that_waits_is_answered() {
    let scene = Scene::of(4);
    let mut lock = scene.lock();
    let (_, credential) = asked(&scene);
    assert_eq!(lock.open(&credential, ms(NOW)), Err(Refusal::NoChallenge));
    lock.challenge([7; 16], ms(NOW));
    assert_eq!(lock.open(&credential, ms(NOW)), Err(Refusal::OtherChallenge));
    // A new challenge replaces the one before.
    let first = scene.credential(&lock);
    lock.challenge([8; 16], ms(NOW));
    assert_eq!(lock.open(&first, ms(NOW)), Err(Refusal::OtherChallenge));
    let second = scene.credential(&lock);
    let late = ms(NOW + limits::CHALLENGE_MS + 1);
    let age_ms = limits::CHALLENGE_MS + 1;
    assert_eq!(lock.clone().open(&second, late), Err(Refusal::ChallengeExpired { age_ms }));
    // The same nonce, but any other fact of the challenge: another lock asked.
    let waiting = lock.waiting().unwrap().clone();
    let others = [
        Challenge { merchant: AccountId([1; 32]), ..waiting.clone() },
        Challenge { objects: vec![text("215")].try_into().unwrap(), ..waiting.clone() },
        Challenge { chain: Hash([1; 32]), ..waiting.clone() },
        Challenge { bounds: Bounds { fresh_ms: 1, ..waiting.bounds }, ..waiting.clone() },
        Challenge { made_at: ms(NOW + 1), ..waiting.clone() },
        Challenge { since: waiting.since.next(), ..waiting },
    ];
    for other in others {
        let answer = scene.answer(&other);
        let relayed = Credential { answer, ..second.clone() };
        assert_eq!(lock.open(&relayed, ms(NOW)), Err(Refusal::Signature), "{other:?}");
    }
    // Signed for another booking of the same guest.
    let elsewhere = Scene { booking: Hash([55; 32]), ..scene.clone() };
    let moved = Credential { answer: elsewhere.answer(lock.waiting().unwrap()), ..second.clone() };
    assert_eq!(lock.open(&moved, ms(NOW)), Err(Refusal::Signature));
    assert!(lock.open(&second, ms(NOW)).is_ok());
}

#[test]
fn every_reason_has_a_number_and_a_name_of_its_own() {
    let numbers: Vec<u8> = Refusal::ALL.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=29).collect::<Vec<u8>>());
    let names: BTreeSet<&str> = Refusal::ALL.iter().map(|(_, name)| *name).collect();
    assert_eq!(names.len(), Refusal::ALL.len());
    let root = ProofError::Absent;
    let format = DecodeError::Oversized { what: "x", size: 1, limit: 0 };
    let text = BadText::Damaged;
    let all = [
        Refusal::Text(text),
        Refusal::Format(format),
        Refusal::OtherVersion { found: 2 },
        Refusal::OtherChain,
        Refusal::BeforeTrust { height: 1, since: 2 },
        Refusal::OtherValidators { height: 1 },
        Refusal::OtherNext { height: 1 },
        Refusal::Certificate(BadCertificate::Order),
        Refusal::FromTheFuture { ahead_ms: 1 },
        Refusal::Stale { age_ms: 2, limit_ms: 1 },
        Refusal::Booking(root),
        Refusal::Holder(root),
        Refusal::OtherMerchant,
        Refusal::NoObject,
        Refusal::OtherObject,
        Refusal::Unpaid,
        Refusal::NotIdentified,
        Refusal::CheckedOut,
        Refusal::InDispute,
        Refusal::Ended { status: Status::Cancelled },
        Refusal::NoShow { since_ms: 1 },
        Refusal::TooEarly { wait_ms: 1 },
        Refusal::TooLate { since_ms: 1 },
        Refusal::HolderSuspended,
        Refusal::NoChallenge,
        Refusal::OtherChallenge,
        Refusal::ChallengeExpired { age_ms: 1 },
        Refusal::Signature,
        Refusal::NotTheHolder,
    ];
    let codes: Vec<(u8, &str)> = all.iter().map(|refusal| (refusal.code(), refusal.name())).collect();
    assert_eq!(codes, Refusal::ALL);
    let words: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), all.len());
}
