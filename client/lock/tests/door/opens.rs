//! The right key opens, once, whoever certifies and whoever signs for the holder.
use crate::scene::{CHAIN, COME_BY, FROM, HEIGHT, MERCHANT, NOW, Scene, UNTIL, Validators, asked, ms, text};
use countersign_interface::booking::{Identity, Status};
use countersign_lock::{Answer, Bounds, Challenge, Credential, Lock, LockTrust, Pass, Refusal};
use countersign_types::signature::{development_secret, public_key};
use countersign_types::{Authority, Height, Text, ValidatorSet};
use parity_scale_codec::{DecodeAll, Encode};

#[test]
fn the_right_key_opens_once() {
    for validators in [1, 4, 7, 100] {
        let scene = Scene::of(validators);
        let (mut lock, credential) = asked(&scene);
        let admission = lock.open(&credential, ms(NOW)).unwrap();
        assert_eq!((admission.object.as_str(), admission.holder), ("214", scene.record.customer));
        assert_eq!((admission.from, admission.until), (ms(FROM), ms(UNTIL)));
        // Replayed, with or without a new challenge.
        assert_eq!(lock.open(&credential, ms(NOW)), Err(Refusal::NoChallenge));
        lock.challenge([43; 16], ms(NOW));
        assert_eq!(lock.open(&credential, ms(NOW)), Err(Refusal::OtherChallenge));
        let again = scene.credential(&lock);
        assert!(lock.open(&again, ms(NOW)).is_ok());
    }
}

#[test]
fn it_opens_from_the_first_moment_to_the_last() {
    let scene = Scene::with(4, |scene| {
        scene.record.status = Status::CheckedIn;
        scene.record.due_at = ms(UNTIL);
    });
    for now in [FROM, UNTIL - 1] {
        let scene = Scene { certified_at: now, ..scene.clone() };
        let mut lock = scene.lock();
        lock.challenge([42; 16], ms(now));
        let credential = scene.credential(&lock);
        assert!(lock.open(&credential, ms(now)).is_ok(), "{now}");
    }
    // Who has paid and not checked in has until the ledger calls it a no-show.
    let scene = Scene::with(4, |scene| scene.certified_at = COME_BY - 1);
    let mut lock = scene.lock();
    lock.challenge([42; 16], ms(COME_BY - 1));
    let credential = scene.credential(&lock);
    assert!(lock.open(&credential, ms(COME_BY - 1)).is_ok());
}

#[test]
fn papers_are_needed_only_where_they_are_asked_for() {
    let (mut lock, credential) = asked(&Scene::with(4, |scene| scene.record.identity = Identity::NotRequired));
    assert!(lock.open(&credential, ms(NOW)).is_ok());
}

#[test]
fn a_replaced_key_opens_in_place_of_the_first() {
    let scene = Scene::with(4, |scene| {
        scene.holder.authority = Authority::single(public_key(&development_secret("new phone")));
        scene.guests = vec!["new phone".into()];
    });
    let (mut lock, credential) = asked(&scene);
    assert!(lock.open(&credential, ms(NOW)).is_ok());
    let (mut lock, stolen) = asked(&Scene { guests: vec!["guest".into()], ..scene });
    assert_eq!(lock.open(&stolen, ms(NOW)), Err(Refusal::Signature));
}

#[test]
fn a_company_opens_with_as_many_keys_as_its_account_requires() {
    let keys = ["ann", "bob", "cyd"].map(|name| (public_key(&development_secret(name)), 1));
    let mut sorted = keys.to_vec();
    sorted.sort();
    let scene = |guests: &[&str]| {
        Scene::with(4, |scene| {
            scene.holder.authority = Authority { threshold: 2, keys: sorted.clone().try_into().unwrap() };
            scene.guests = guests.iter().map(|guest| (*guest).into()).collect();
        })
    };
    let (mut lock, credential) = asked(&scene(&["cyd", "ann"]));
    assert!(lock.open(&credential, ms(NOW)).is_ok());
    for too_few in [&["bob"][..], &[], &["bob", "bob"]] {
        let (mut lock, credential) = asked(&scene(too_few));
        assert_eq!(lock.open(&credential, ms(NOW)), Err(Refusal::NotTheHolder), "{too_few:?}");
    }
}

#[test]
fn a_common_door_opens_for_each_of_its_objects() {
    let scene = Scene::of(4);
    let objects: Vec<Text> = ["213", "214"].map(text).to_vec();
    let mut lock = Lock::new(scene.trust(), MERCHANT, objects.try_into().unwrap(), Bounds::default()).unwrap();
    lock.challenge([1; 16], ms(NOW));
    let credential = scene.credential(&lock);
    assert_eq!(lock.open(&credential, ms(NOW)).unwrap().object, text("214"));
}

#[test]
fn a_pass_can_be_shown_ahead_and_answered_later() {
    let scene = Scene::of(7);
    let mut lock = scene.lock();
    // Before the time begins; what a lock keeps of it and what goes over NFC is small.
    let ahead = ms(scene.certified_at);
    let pass = Pass::from_bytes(&scene.pass().to_bytes()).unwrap();
    let admission = lock.admit(&pass, ahead).unwrap();
    let asked = lock.challenge([5; 16], ms(NOW)).to_bytes();
    let challenge = Challenge::from_bytes(&asked).unwrap();
    let answer = scene.answer(&challenge).to_bytes();
    assert!(answer.len() < 100 && asked.len() < 140, "{} and {} bytes", answer.len(), asked.len());
    let answer = Answer::from_bytes(&answer).unwrap();
    assert_eq!(lock.answer(&admission, &answer, ms(NOW)), Ok(()));
    assert_eq!(lock.answer(&admission, &answer, ms(NOW)), Err(Refusal::NoChallenge));
    // An admission is as old as its pass.
    let late = ms(scene.certified_at + lock.bounds().fresh_ms + 1);
    lock.challenge([6; 16], late);
    let answer = scene.answer(lock.waiting().unwrap());
    assert!(matches!(lock.answer(&admission, &answer, late), Err(Refusal::Stale { .. })));
}

#[test]
fn what_a_lock_keeps_survives_a_power_cut() {
    let scene = Scene::of(4);
    let (lock, credential) = asked(&scene);
    let mut restarted = Lock::decode_all(&mut &lock.encode()[..]).unwrap();
    assert_eq!(restarted, lock);
    assert!(restarted.open(&credential, ms(NOW)).is_ok());
    let mut restarted = Lock::decode_all(&mut &restarted.encode()[..]).unwrap();
    assert_eq!(restarted.open(&credential, ms(NOW)), Err(Refusal::NoChallenge));
}

#[test]
fn a_wallet_tries_its_credential_as_the_lock_will() {
    let scene = Scene::of(4);
    let (lock, credential) = asked(&scene);
    let challenge = Challenge::from_text(&lock.waiting().unwrap().to_text()).unwrap();
    let mut as_the_lock = Lock::asking(scene.trust(), challenge);
    let text = credential.to_text();
    assert!(as_the_lock.open(&Credential::from_text(&text).unwrap(), ms(NOW)).is_ok());
}

#[test]
fn changes_of_the_validators_are_followed_from_a_credential_or_an_update() {
    let (old, new) = (Scene::of(4), Validators::named("new", 7));
    let handover = old.handover(HEIGHT - 50, &new);
    let scene = Scene { validators: new, ..old.clone() };
    // The lock knows the old ones.
    let mut lock = old.lock();
    lock.challenge([42; 16], ms(NOW));
    let mut credential = scene.credential(&lock);
    assert_eq!(lock.open(&credential, ms(NOW)), Err(Refusal::OtherValidators { height: HEIGHT }));
    // Whoever makes up successors is not followed.
    let usurper = Scene { validators: Validators::named("usurper", 4), ..old.clone() };
    let mut forged = usurper.handover(HEIGHT - 50, &scene.validators);
    assert!(lock.clone().follow(&forged).is_err());
    forged = handover.clone();
    forged.next = usurper.validators.set();
    assert_eq!(lock.clone().follow(&forged), Err(Refusal::OtherNext { height: HEIGHT - 50 }));
    // By an update.
    let mut updated = lock.clone();
    updated.follow(&handover).unwrap();
    assert_eq!(updated.trust().since(), Height::new(HEIGHT - 49));
    assert!(updated.clone().open(&credential, ms(NOW)).is_ok());
    // From the credential: the lock remembers them, and does not mind to be told again.
    credential.pass.handovers.push(handover).unwrap();
    assert!(updated.open(&credential, ms(NOW)).is_ok());
    lock.open(&credential, ms(NOW)).unwrap();
    assert_eq!(lock.trust().since(), Height::new(HEIGHT - 49));
    // Those from before are not believed any more, nor headers from before.
    lock.challenge([44; 16], ms(NOW));
    let by_old = old.credential(&lock);
    assert_eq!(lock.open(&by_old, ms(NOW)), Err(Refusal::OtherValidators { height: HEIGHT }));
    let before = Scene { height: HEIGHT - 60, ..old };
    let refused = lock.open(&before.credential(&lock), ms(NOW));
    assert_eq!(refused, Err(Refusal::BeforeTrust { height: HEIGHT - 60, since: HEIGHT - 49 }));
}

#[test]
fn settings_that_make_no_lock_are_refused() {
    let scene = Scene::of(4);
    let lock = |objects: Vec<Text>, bounds| Lock::new(scene.trust(), MERCHANT, objects.try_into().unwrap(), bounds);
    assert!(lock(Vec::new(), Bounds::default()).is_err());
    let bounds = Bounds::default();
    for bad in [
        Bounds { fresh_ms: 0, ..bounds },
        Bounds { fresh_ms: u64::MAX, ..bounds },
        Bounds { ahead_ms: u64::MAX, ..bounds },
    ] {
        assert!(lock(vec![text("214")], bad).is_err(), "{bad:?}");
    }
    let none = ValidatorSet(Default::default());
    assert_eq!(LockTrust::new(CHAIN, none, Height::new(1)), None);
}
