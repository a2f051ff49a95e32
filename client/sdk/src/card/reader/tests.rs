//! The reader's side against the software card and against cards that lie, break off or answer anything.
use super::super::PIN_TRIES;
use super::super::file::SoftwareCard;
use super::super::tests::pin;
use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;
use tempfile::TempDir;

const CARD: &str = "card-1234@bank.example";

/// A card's software with the PIN 4711, and its folder.
fn card() -> (TempDir, Applet) {
    let folder = tempfile::tempdir().unwrap();
    let card = SoftwareCard::create(&folder.path().join("card.json"), CARD.parse().unwrap(), &pin("4711")).unwrap();
    (folder, Applet::new(card))
}

/// Stands between reader and card and sees each command before the card does; `Some` is answered in the card's place.
struct Between<F>(Applet, F);

impl<F: FnMut(&Command) -> Option<Result<Vec<u8>, ReaderError>>> Transport for Between<F> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        let parsed = Command::parse(command).expect("this program sends commands");
        match (self.1)(&parsed) {
            Some(answer) => answer.map(Zeroizing::new),
            None => Ok(self.0.answer(command)),
        }
    }
}

fn registered(selected: &SelectedCard<impl Transport>, auth: &AccountId) -> String {
    auth_name(selected.card(), &selected.key, auth).unwrap().to_string()
}

#[test]
fn pin_and_card_make_the_same_key_each_time() {
    let (folder, applet) = card();
    let new = SelectedCard::select(applet).unwrap();
    assert_eq!(new.card().as_str(), CARD);
    let mut new = new.prove().unwrap();
    let auth = new.enter(&pin("4711")).unwrap().account;
    // Another device later, which knows the card by the ledger.
    let applet = Applet::new(SoftwareCard::open(&folder.path().join("card.json")).unwrap());
    let selected = SelectedCard::select(applet).unwrap();
    let name = registered(&selected, &auth);
    let mut proven = selected.prove_registered(&auth, Some(&name)).unwrap();
    assert_eq!((proven.enter(&pin("4711")).unwrap().account, proven.tries_left().unwrap()), (auth, PIN_TRIES));
}

#[test]
fn wrong_pins_tell_the_tries_left_until_the_card_is_blocked() {
    let (_folder, applet) = card();
    let mut proven = SelectedCard::select(applet).unwrap().prove().unwrap();
    for left in [2, 1] {
        assert!(
            matches!(proven.enter(&pin("0000")), Err(CardError::WrongPin { tries_left, .. }) if tries_left == left)
        );
        assert_eq!(proven.tries_left().unwrap(), left);
    }
    assert!(matches!(proven.enter(&pin("0000")), Err(CardError::PinBlocked { .. })));
    assert!(matches!(proven.enter(&pin("4711")), Err(CardError::PinBlocked { .. })));
}

#[test]
fn a_new_pin_makes_another_key_and_the_old_one_none() {
    let (_folder, applet) = card();
    let mut proven = SelectedCard::select(applet).unwrap().prove().unwrap();
    let old = proven.enter(&pin("4711")).unwrap().account;
    assert!(matches!(proven.change_pin(&pin("0000"), &pin("081500")), Err(CardError::WrongPin { .. })));
    let new = proven.change_pin(&pin("4711"), &pin("081500")).unwrap().account;
    assert_ne!(old, new);
    assert!(matches!(proven.enter(&pin("4711")), Err(CardError::WrongPin { .. })));
    assert_eq!(proven.enter(&pin("081500")).unwrap().account, new);
}

/// What a customer with a swapped card would be asked for: the PIN. Neither another card of the same name nor one that repeats the real
/// card's public key gets so far.
#[test]
fn a_card_of_the_same_name_is_given_no_pin() {
    let (_folder, real) = card();
    let real_key = real.card().key();
    let mut proven = SelectedCard::select(real).unwrap().prove().unwrap();
    let auth = proven.enter(&pin("4711")).unwrap().account;
    let name = registered(&proven.0, &auth);

    let other = SelectedCard::select(card().1).unwrap().prove_registered(&auth, Some(&name));
    assert!(matches!(other, Err(CardError::OtherCard { .. })), "{other:?}");
    let parrot = Between(card().1, |command: &Command| {
        let asks_key = command.instruction == apdu::GET_DATA && command.parameters == [0, apdu::TAG_KEY];
        assert_ne!(command.instruction, apdu::VERIFY, "it got the PIN");
        asks_key.then(|| Ok([&real_key.0[..], &[0x90, 0]].concat()))
    });
    let parrot = SelectedCard::select(parrot).unwrap().prove_registered(&auth, Some(&name));
    assert!(matches!(parrot, Err(CardError::NotProven { .. })), "{parrot:?}");
    // A PIN key whose account has another name, or none: nobody vouches for the card.
    for name in [None, Some("alice@bank.example")] {
        let unknown = SelectedCard::select(card().1).unwrap().prove_registered(&auth, name);
        assert!(matches!(unknown, Err(CardError::OtherCard { .. })));
    }
}

#[test]
fn a_recorded_proof_is_of_no_use_later() {
    let (_folder, mut real) = card();
    let challenge = [7; apdu::CHALLENGE_BYTES];
    real.answer(&Command::new(apdu::SELECT, [4, 0]).with(&apdu::APPLICATION).to_bytes());
    let recorded =
        real.answer(&Command::new(apdu::INTERNAL_AUTHENTICATE, [0, 0]).with(&challenge).expecting_data().to_bytes());
    let replay = Between(real, |command: &Command| {
        (command.instruction == apdu::INTERNAL_AUTHENTICATE).then(|| Ok(recorded.to_vec()))
    });
    assert!(matches!(SelectedCard::select(replay).unwrap().prove(), Err(CardError::NotProven { .. })));
}

/// Plays the whole use of a card that answers `answer` to the instruction, and the real card's answers to all others.
fn use_with(instruction: u8, object: Option<u8>, answer: impl Fn() -> Result<Vec<u8>, ReaderError>) -> CardError {
    let (_folder, applet) = card();
    let between = Between(applet, |command: &Command| {
        let is_it = command.instruction == instruction && object.is_none_or(|object| command.parameters[1] == object);
        is_it.then(&answer)
    });
    let used = SelectedCard::select(between).and_then(SelectedCard::prove).and_then(|mut proven| {
        proven.tries_left()?;
        proven.change_pin(&pin("4711"), &pin("0815")).map(drop)
    });
    used.expect_err("a card that answers this is refused")
}

#[test]
fn every_wrong_answer_is_a_clear_error() {
    let described = |objects: &[(u8, &[u8])]| {
        let inner: Vec<u8> = objects.iter().flat_map(|(tag, value)| apdu::object(*tag, value)).collect();
        [apdu::object(apdu::TAG_TEMPLATE, &inner), vec![0x90, 0]].concat()
    };
    let (aid, name) = ((apdu::TAG_APPLICATION, &apdu::APPLICATION[..]), (apdu::TAG_NAME, CARD.as_bytes()));
    let version = (apdu::TAG_VERSION, &[1][..]);
    let long = vec![0x11; 300];
    let wrong: Vec<(u8, Option<u8>, Vec<u8>, &str)> = vec![
        (apdu::SELECT, None, vec![0x6A, 0x82], "6A82, there is no such applet on it"),
        (apdu::SELECT, None, vec![0x12, 0x34], "1234, a status this program does not know"),
        (apdu::SELECT, None, vec![], "status word"),
        (apdu::SELECT, None, vec![0x90], "status word"),
        (apdu::SELECT, None, long.clone(), "status word"),
        (apdu::SELECT, None, vec![0x90, 0], "no description"),
        (apdu::SELECT, None, vec![0x6F, 9, 0x84, 0x90, 0], "no list of objects"),
        (apdu::SELECT, None, described(&[version, name]), "another applet"),
        (apdu::SELECT, None, described(&[aid, name]), "no version"),
        (apdu::SELECT, None, described(&[aid, (apdu::TAG_VERSION, &[2]), name]), "version 2"),
        (apdu::SELECT, None, described(&[aid, version]), "no name"),
        (apdu::SELECT, None, described(&[aid, version, name, name]), "no name"),
        (apdu::SELECT, None, described(&[aid, version, (apdu::TAG_NAME, b"no name")]), "no name"),
        (apdu::SELECT, None, described(&[aid, version, (apdu::TAG_NAME, b"bank.example")]), "no card's name"),
        (apdu::GET_DATA, Some(apdu::TAG_KEY), vec![1, 2, 0x90, 0], "not 32 bytes"),
        (apdu::GET_DATA, Some(apdu::TAG_KEY), [&[0; 32][..], &[0x90, 0]].concat(), "could prove anything"),
        (apdu::GET_DATA, Some(apdu::TAG_TRIES), vec![3, 0x90, 0], "counts its tries"),
        (apdu::GET_DATA, Some(apdu::TAG_TRIES), vec![4, 3, 0x90, 0], "counts its tries"),
        (apdu::GET_DATA, Some(apdu::TAG_SECRET), vec![0x69, 0x82], "6982, the PIN was not verified"),
        (apdu::GET_DATA, Some(apdu::TAG_SECRET), vec![7, 0x90, 0], "secret is 32 bytes"),
        (apdu::INTERNAL_AUTHENTICATE, None, vec![7, 0x90, 0], "64 bytes"),
        (apdu::INTERNAL_AUTHENTICATE, None, [&[7; 64][..], &[0x90, 0]].concat(), "does not hold the key"),
        (apdu::VERIFY, None, vec![0x6F, 0x00], "6F00"),
        (apdu::VERIFY, None, long, "status word"),
        (apdu::CHANGE_REFERENCE_DATA, None, vec![0x65, 0x81], "write to its memory"),
    ];
    for (instruction, object, answer, expected) in wrong {
        let error = use_with(instruction, object, || Ok(answer.clone())).to_string();
        assert!(error.contains(expected), "{instruction:02X} {answer:02X?}: {error}");
    }
}

#[test]
fn a_card_that_is_removed_is_told_at_every_command() {
    let commands = [
        (apdu::SELECT, None),
        (apdu::GET_DATA, Some(apdu::TAG_KEY)),
        (apdu::INTERNAL_AUTHENTICATE, None),
        (apdu::VERIFY, None),
        (apdu::GET_DATA, Some(apdu::TAG_SECRET)),
        (apdu::CHANGE_REFERENCE_DATA, None),
    ];
    for (instruction, object) in commands {
        let error = use_with(instruction, object, || Err(ReaderError::Removed));
        assert!(matches!(error, CardError::Reader(ReaderError::Removed)), "{error}");
    }
}

static FILE: LazyLock<TempDir> = LazyLock::new(|| card().0);

proptest! {
    /// Whatever a card answers, and to whichever command: an error or a success, no panic; and no PIN for a card that did not prove its key.
    #[test]
    fn a_card_can_answer_anything(answers in proptest::collection::vec(
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(Some),
            proptest::collection::vec(any::<u8>(), 0..80).prop_map(|data| Some([data, vec![0x90, 0]].concat())),
            Just(None),
        ],
        6,
    )) {
        let applet = Applet::new(SoftwareCard::open(&FILE.path().join("card.json")).unwrap());
        let mut answers = answers.into_iter();
        let mut asked = Vec::new();
        let between = Between(applet, |command: &Command| {
            asked.push(command.instruction);
            answers.next().flatten().map(Ok)
        });
        let proven = SelectedCard::select(between).and_then(SelectedCard::prove);
        let is_proven = proven.is_ok();
        drop(proven);
        prop_assert!(is_proven || !asked.contains(&apdu::VERIFY));
    }
}
