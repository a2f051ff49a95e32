//! The card's side of the applet's protocol (`docs/card-applet.md`): a state machine from command to answer over a [`SoftwareCard`].
//! It keeps one rule above all: the secret leaves it only after the right PIN since the applet was last selected.
//!
//! ```text
//! power on ─→ idle ─SELECT→ selected ─VERIFY→ verified: secret, new PIN
//!               ▲              ▲ a wrong PIN, SELECT │
//!               └── power off, reset ────────────────┘
//! ```
use super::apdu::{self, Answer, Command, StatusWord};
use super::file::{PinVerdict, SoftwareCard};
use super::{CardError, PIN_TRIES, Pin};
use zeroize::Zeroizing;

/// A software card that takes commands.
#[derive(Debug)]
pub struct Applet {
    card: SoftwareCard,
    is_selected: bool,
    is_verified: bool,
}

impl Applet {
    /// The applet of a card that was just put into a reader.
    pub fn new(card: SoftwareCard) -> Self {
        Self { card, is_selected: false, is_verified: false }
    }

    /// The card.
    pub fn card(&self) -> &SoftwareCard {
        &self.card
    }

    /// Forgets all but the card: power off, power on or reset.
    pub fn reset(&mut self) {
        (self.is_selected, self.is_verified) = (false, false);
    }

    /// Answers a command of any bytes.
    pub fn answer(&mut self, command: &[u8]) -> Zeroizing<Vec<u8>> {
        let answer = Command::parse(command).and_then(|command| self.run(&command));
        answer.unwrap_or_else(Answer::bare).to_bytes()
    }

    fn run(&mut self, command: &Command) -> Result<Answer, StatusWord> {
        if command.class != apdu::CLASS {
            return Err(StatusWord::UNKNOWN_CLASS);
        }
        let known =
            [apdu::SELECT, apdu::GET_DATA, apdu::VERIFY, apdu::CHANGE_REFERENCE_DATA, apdu::INTERNAL_AUTHENTICATE];
        match command.instruction {
            other if !known.contains(&other) => Err(StatusWord::UNKNOWN_INSTRUCTION),
            apdu::SELECT => self.select(command),
            _ if !self.is_selected => Err(StatusWord::NOT_SELECTED),
            apdu::GET_DATA => self.get_data(command),
            apdu::VERIFY => self.verify(command),
            apdu::CHANGE_REFERENCE_DATA => self.change_pin(command),
            _ => self.authenticate(command),
        }
    }

    /// By its identifier only: first or only occurrence, template wanted.
    fn select(&mut self, command: &Command) -> Result<Answer, StatusWord> {
        self.reset();
        takes(command, [0x04, 0x00])?;
        if command.data.as_slice() != apdu::APPLICATION {
            return Err(StatusWord::NO_APPLICATION);
        }
        let objects = [
            apdu::object(apdu::TAG_APPLICATION, &apdu::APPLICATION),
            apdu::object(apdu::TAG_VERSION, &[apdu::VERSION]),
            apdu::object(apdu::TAG_NAME, self.card.card().as_str().as_bytes()),
        ];
        let answer = match command.expected {
            Some(_) => data(command, &apdu::object(apdu::TAG_TEMPLATE, &objects.concat()))?,
            None => Answer::bare(StatusWord::DONE),
        };
        self.is_selected = true;
        Ok(answer)
    }

    fn get_data(&mut self, command: &Command) -> Result<Answer, StatusWord> {
        if !command.data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        match command.parameters {
            [0, apdu::TAG_NAME] => data(command, self.card.card().as_str().as_bytes()),
            [0, apdu::TAG_KEY] => data(command, &self.card.key().0),
            [0, apdu::TAG_TRIES] => data(command, &[self.card.tries_left(), PIN_TRIES]),
            [0, apdu::TAG_SECRET] if !self.is_verified => Err(StatusWord::PIN_NOT_VERIFIED),
            [0, apdu::TAG_SECRET] => data(command, self.card.secret().0.as_slice()),
            _ => Err(StatusWord::NO_OBJECT),
        }
    }

    /// Without data it tells how many tries are left, or that the PIN was verified.
    fn verify(&mut self, command: &Command) -> Result<Answer, StatusWord> {
        takes(command, [0x00, apdu::PIN_REFERENCE])?;
        takes_no_answer(command)?;
        if command.data.is_empty() {
            return match self.card.tries_left() {
                _ if self.is_verified => Ok(Answer::bare(StatusWord::DONE)),
                0 => Err(StatusWord::PIN_BLOCKED),
                left => Err(StatusWord::tries(left)),
            };
        }
        self.is_verified = false;
        match self.card.try_pin(&pin(&command.data)?) {
            Ok(PinVerdict::Right) => {
                self.is_verified = true;
                Ok(Answer::bare(StatusWord::DONE))
            }
            Ok(PinVerdict::Wrong { tries_left }) => Err(StatusWord::tries(tries_left)),
            Ok(PinVerdict::Blocked) => Err(StatusWord::PIN_BLOCKED),
            Err(_) => Err(StatusWord::MEMORY_FAILURE),
        }
    }

    /// The PIN was verified already (P1 = 01): the data are the new one.
    fn change_pin(&mut self, command: &Command) -> Result<Answer, StatusWord> {
        takes(command, [0x01, apdu::PIN_REFERENCE])?;
        takes_no_answer(command)?;
        if !self.is_verified {
            return Err(StatusWord::PIN_NOT_VERIFIED);
        }
        let new = pin(&command.data)?;
        self.card.set_pin(&new).map_err(|_| StatusWord::MEMORY_FAILURE)?;
        Ok(Answer::bare(StatusWord::DONE))
    }

    fn authenticate(&mut self, command: &Command) -> Result<Answer, StatusWord> {
        takes(command, [0x00, 0x00])?;
        if command.data.len() != apdu::CHALLENGE_BYTES {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let signature = self.card.sign(&apdu::proof(self.card.card().as_str(), &command.data));
        data(command, &signature.0)
    }
}

fn takes(command: &Command, parameters: [u8; 2]) -> Result<(), StatusWord> {
    if command.parameters == parameters { Ok(()) } else { Err(StatusWord::WRONG_PARAMETERS) }
}

/// Le where nothing is answered. Some readers add it, with 0, to every command.
fn takes_no_answer(command: &Command) -> Result<(), StatusWord> {
    if matches!(command.expected, None | Some(256 | 65_536)) { Ok(()) } else { Err(StatusWord::WRONG_LENGTH) }
}

/// The PIN in a command: digits in ASCII, no padding.
fn pin(digits: &[u8]) -> Result<Pin, StatusWord> {
    if !(super::PIN_DIGITS_MIN..=super::PIN_DIGITS_MAX).contains(&digits.len()) {
        return Err(StatusWord::WRONG_LENGTH);
    }
    let text = std::str::from_utf8(digits).map_err(|_| StatusWord::WRONG_DATA)?;
    Pin::new(Zeroizing::new(text.into())).map_err(|_: CardError| StatusWord::WRONG_DATA)
}

/// An answer with data, if as many were asked for.
fn data(command: &Command, data: &[u8]) -> Result<Answer, StatusWord> {
    match command.expected {
        None => Err(StatusWord::WRONG_LENGTH),
        Some(expected) if expected < data.len() => Err(StatusWord::exact_length(data.len())),
        Some(_) => Ok(Answer { data: Zeroizing::new(data.to_vec()), status: StatusWord::DONE }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::pin;
    use super::*;
    use crate::types::Name;
    use crate::types::signature::{Signature, verify};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const CARD: &str = "card-1234@bank.example";
    const SELECT: &str = "00 A4 04 00 07 F0 43 53 49 47 4E 01 00";
    const VERIFY: &str = "00 20 00 01 04 34 37 31 31";
    const WRONG: &str = "00 20 00 01 04 34 37 31 32";
    const GET_SECRET: &str = "00 CA 00 C4 00";

    /// A card with the PIN 4711, and its folder.
    fn applet() -> (tempfile::TempDir, Applet) {
        let folder = tempfile::tempdir().unwrap();
        let name: Name = CARD.parse().unwrap();
        let card = SoftwareCard::create(&folder.path().join("card.json"), name, &pin("4711")).unwrap();
        (folder, Applet::new(card))
    }

    fn send(applet: &mut Applet, command: &str) -> (Vec<u8>, u16) {
        let answer = applet.answer(&hex::decode(command.replace(' ', "")).unwrap());
        let answer = Answer::parse(&answer).unwrap();
        (answer.data.to_vec(), answer.status.0)
    }

    fn status(applet: &mut Applet, command: &str) -> u16 {
        let (data, status) = send(applet, command);
        assert!(data.is_empty() || status == 0x9000, "{command}");
        status
    }

    #[test]
    fn the_secret_is_given_only_after_the_right_pin_since_select() {
        let (_folder, mut applet) = applet();
        let secret = applet.card().secret().0.to_vec();
        assert_eq!(status(&mut applet, GET_SECRET), 0x6985);
        assert_eq!(status(&mut applet, SELECT), 0x9000);
        assert_eq!(status(&mut applet, GET_SECRET), 0x6982);
        assert_eq!(status(&mut applet, WRONG), 0x63C2);
        assert_eq!(status(&mut applet, GET_SECRET), 0x6982);
        assert_eq!(status(&mut applet, VERIFY), 0x9000);
        assert_eq!(send(&mut applet, GET_SECRET), (secret, 0x9000));
        // What ends it: a wrong PIN, SELECT, reset.
        assert_eq!((status(&mut applet, WRONG), status(&mut applet, GET_SECRET)), (0x63C2, 0x6982));
        assert_eq!((status(&mut applet, VERIFY), status(&mut applet, SELECT)), (0x9000, 0x9000));
        assert_eq!((status(&mut applet, GET_SECRET), status(&mut applet, VERIFY)), (0x6982, 0x9000));
        applet.reset();
        assert_eq!((status(&mut applet, GET_SECRET), status(&mut applet, VERIFY)), (0x6985, 0x6985));
    }

    #[test]
    fn three_wrong_pins_block_the_card_for_the_right_one_too() {
        let (folder, mut applet) = applet();
        status(&mut applet, SELECT);
        assert_eq!(status(&mut applet, "00 20 00 01"), 0x63C3);
        assert_eq!([WRONG; 3].map(|wrong| status(&mut applet, wrong)), [0x63C2, 0x63C1, 0x63C0]);
        assert_eq!((status(&mut applet, VERIFY), status(&mut applet, "00 20 00 01")), (0x6983, 0x6983));
        let mut again = Applet::new(SoftwareCard::open(&folder.path().join("card.json")).unwrap());
        status(&mut again, SELECT);
        assert_eq!((status(&mut again, VERIFY), status(&mut again, GET_SECRET)), (0x6983, 0x6982));
    }

    #[test]
    fn a_pin_is_changed_by_who_has_verified_the_old_one() {
        let (_folder, mut applet) = applet();
        let change = "00 24 01 01 06 30 38 31 35 30 30";
        status(&mut applet, SELECT);
        assert_eq!(status(&mut applet, change), 0x6982);
        status(&mut applet, VERIFY);
        assert_eq!(status(&mut applet, "00 24 00 01 06 30 38 31 35 30 30"), 0x6A86);
        assert_eq!(status(&mut applet, "00 24 01 01 03 30 38 31"), 0x6700);
        assert_eq!(status(&mut applet, change), 0x9000);
        assert_eq!(status(&mut applet, VERIFY), 0x63C2);
        assert_eq!(status(&mut applet, "00 20 00 01 06 30 38 31 35 30 30"), 0x9000);
    }

    #[test]
    fn what_a_card_tells_of_itself() {
        let (_folder, mut applet) = applet();
        let (told, done) = send(&mut applet, SELECT);
        let outer = apdu::objects(&told).unwrap();
        let inner = apdu::objects(outer[0].1).unwrap();
        assert_eq!((done, outer[0].0), (0x9000, 0x6F));
        assert_eq!(inner, [(0x84, &apdu::APPLICATION[..]), (0xC0, &[1]), (0xC1, CARD.as_bytes())]);
        assert_eq!(send(&mut applet, "00 CA 00 C1 00"), (CARD.into(), 0x9000));
        assert_eq!(send(&mut applet, "00 CA 00 C2 20"), (applet.card().key().0.to_vec(), 0x9000));
        assert_eq!(send(&mut applet, "00 CA 00 C3 02"), (vec![3, 3], 0x9000));
        // Without Le it is selected and tells nothing.
        assert_eq!(send(&mut applet, &SELECT[..SELECT.len() - 3]), (vec![], 0x9000));
    }

    #[test]
    fn a_challenge_is_signed_with_the_cards_key_and_name() {
        let (_folder, mut applet) = applet();
        status(&mut applet, SELECT);
        let challenge = [7; apdu::CHALLENGE_BYTES];
        let command = format!("00 88 00 00 20 {} 00", hex::encode(challenge));
        let (signature, done) = send(&mut applet, &command);
        let signature = Signature(signature.try_into().unwrap());
        let key = applet.card().key();
        assert_eq!(done, 0x9000);
        assert!(verify(&key, &apdu::proof(CARD, &challenge), &signature));
        assert!(!verify(&key, &apdu::proof("card-1235@bank.example", &challenge), &signature));
        assert!(!verify(&key, &challenge, &signature));
    }

    #[test]
    fn every_wrong_command_has_its_status_word() {
        let (_folder, mut applet) = applet();
        for (command, expected, why) in [
            ("00 CA 00 C1 00", 0x6985, "before SELECT"),
            ("00 88 00 00", 0x6985, "before SELECT"),
            ("00 A4 04 00 07 F0 43 53 49 47 4E 02 00", 0x6A82, "another applet"),
            ("00 A4 04 00 00", 0x6A82, "no applet"),
            ("00 A4 00 00 07 F0 43 53 49 47 4E 01 00", 0x6A86, "another way to select"),
            ("00 A4 04 00 07 F0 43 53 49 47 4E 01 05", 0x6C26, "fewer bytes than there are"),
            ("00 CA 00 C1 00", 0x6985, "after a SELECT that failed"),
            (SELECT, 0x9000, ""),
            ("80 CA 00 C1 00", 0x6E00, "another class"),
            ("10 CA 00 C1 00", 0x6E00, "chaining"),
            ("00 B0 00 00 00", 0x6D00, "another instruction"),
            ("00 CA 00 C5 00", 0x6A88, "another object"),
            ("00 CA 01 C1 00", 0x6A88, "another object"),
            ("00 CA 00 C1", 0x6700, "no Le"),
            ("00 CA 00 C1 01 00 00", 0x6700, "data where none are taken"),
            ("00 CA 00 C1 05", 0x6C16, "fewer bytes than there are"),
            ("00 20 00 02 04 34 37 31 31", 0x6A86, "another PIN"),
            ("00 20 01 01 04 34 37 31 31", 0x6A86, "another P1"),
            ("00 20 00 01 03 34 37 31", 0x6700, "three digits"),
            ("00 20 00 01 0D 34 37 31 31 34 37 31 31 34 37 31 31 34", 0x6700, "thirteen digits"),
            ("00 20 00 01 04 34 37 31 41", 0x6A80, "a letter"),
            ("00 20 00 01 04 FF FF FF FF", 0x6A80, "no text"),
            ("00 20 00 01 04 34 37 31", 0x6700, "Lc of more than there is"),
            ("00 88 00 00 04 01 02 03 04 00", 0x6700, "a short challenge"),
            ("00 88 01 00 04 01 02 03 04 00", 0x6A86, "another P1"),
            ("00 CA", 0x6700, "no command at all"),
            ("00 20 00 01", 0x63C3, "and no try was spent"),
        ] {
            assert_eq!(format!("{:04X}", status(&mut applet, command)), format!("{expected:04X}"), "{command}: {why}");
        }
    }

    static SHARED: LazyLock<(tempfile::TempDir, Vec<u8>)> = LazyLock::new(|| {
        let (folder, applet) = applet();
        let secret = applet.card().secret().0.to_vec();
        (folder, secret)
    });

    proptest! {
        /// Commands of any bytes, and commands that are nearly right: never a panic, never more than an answer holds, never the secret.
        #[test]
        fn no_bytes_get_the_secret_without_the_pin(
            commands in proptest::collection::vec(
                prop_oneof![
                    proptest::collection::vec(any::<u8>(), 0..300),
                    (any::<u8>(), any::<[u8; 2]>(), proptest::collection::vec(any::<u8>(), 0..3)).prop_map(|(ins, p, data)| {
                        Command::new(ins, p).with(&data).expecting_data().to_bytes().to_vec()
                    }),
                    any::<u8>().prop_map(|object| vec![0, apdu::GET_DATA, 0, object, 0]),
                    Just(hex::decode(SELECT.replace(' ', "")).unwrap()),
                ],
                0..20,
            )
        ) {
            let (folder, secret) = &*SHARED;
            let mut applet = Applet::new(SoftwareCard::open(&folder.path().join("card.json")).unwrap());
            for command in commands {
                let answer = applet.answer(&command);
                prop_assert!((2..=apdu::ANSWER_BYTES_MAX).contains(&answer.len()));
                prop_assert!(!answer.windows(secret.len()).any(|window| window == secret.as_slice()));
            }
        }
    }
}
