//! Command and response APDUs of ISO 7816-4, and the words of the applet's protocol (`docs/card-applet.md`): pure bytes, both ways
//! bounded. Everything the applet says fits a short APDU, so nothing is ever chained.
use zeroize::Zeroizing;

/// The applet's identifier: a proprietary one (first byte F0), then `CSIGN` and the version of the protocol.
pub const APPLICATION: [u8; 7] = *b"\xF0CSIGN\x01";
/// The version of the protocol.
pub const VERSION: u8 = 1;
/// Bytes of data in a command or answer of the applet: what a short APDU carries.
pub const DATA_BYTES_MAX: usize = 255;
/// Bytes of an answer: its data and the status word.
pub const ANSWER_BYTES_MAX: usize = DATA_BYTES_MAX + 2;
/// Bytes of the random challenge a card signs.
pub const CHALLENGE_BYTES: usize = 32;

/// The class of all commands: interindustry, no chaining, no secure messaging, channel 0.
pub const CLASS: u8 = 0x00;
/// SELECT.
pub const SELECT: u8 = 0xA4;
/// GET DATA.
pub const GET_DATA: u8 = 0xCA;
/// VERIFY.
pub const VERIFY: u8 = 0x20;
/// CHANGE REFERENCE DATA.
pub const CHANGE_REFERENCE_DATA: u8 = 0x24;
/// INTERNAL AUTHENTICATE.
pub const INTERNAL_AUTHENTICATE: u8 = 0x88;

/// P2 of commands about the PIN: the card's only reference data.
pub const PIN_REFERENCE: u8 = 0x01;
/// Tag of the card's name in the answer to SELECT, and the object of GET DATA.
pub const TAG_NAME: u8 = 0xC1;
/// Object: the card's public key.
pub const TAG_KEY: u8 = 0xC2;
/// Object: tries left for the PIN, and how many there are after a right one.
pub const TAG_TRIES: u8 = 0xC3;
/// Object: the card's secret; only after VERIFY.
pub const TAG_SECRET: u8 = 0xC4;
/// Tag of the template that answers SELECT.
pub const TAG_TEMPLATE: u8 = 0x6F;
/// Tag of the applet's identifier in it.
pub const TAG_APPLICATION: u8 = 0x84;
/// Tag of the protocol's version in it.
pub const TAG_VERSION: u8 = 0xC0;

/// What a card answers beside data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// Done.
    pub const DONE: Self = Self(0x9000);
    /// The card could not write to its memory.
    pub const MEMORY_FAILURE: Self = Self(0x6581);
    /// Lc, Le or the number of bytes does not fit the command.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// The PIN was not verified since the applet was selected.
    pub const PIN_NOT_VERIFIED: Self = Self(0x6982);
    /// No tries are left.
    pub const PIN_BLOCKED: Self = Self(0x6983);
    /// The applet is not selected.
    pub const NOT_SELECTED: Self = Self(0x6985);
    /// The data are not what the command takes.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// There is no such applet on the card.
    pub const NO_APPLICATION: Self = Self(0x6A82);
    /// P1 or P2 is not one the command takes.
    pub const WRONG_PARAMETERS: Self = Self(0x6A86);
    /// There is no such data object.
    pub const NO_OBJECT: Self = Self(0x6A88);
    /// The applet does not know the instruction.
    pub const UNKNOWN_INSTRUCTION: Self = Self(0x6D00);
    /// The applet does not know the class.
    pub const UNKNOWN_CLASS: Self = Self(0x6E00);

    /// The PIN is wrong, and this many tries are left: `63Cx`. More than 15 are told as 15.
    pub fn tries(left: u8) -> Self {
        Self(0x63C0 | u16::from(left.min(15)))
    }

    /// The tries left, if this is `63Cx`.
    pub fn tries_left(self) -> Option<u8> {
        (self.0 & 0xFFF0 == 0x63C0).then_some((self.0 & 0x0F) as u8)
    }

    /// Fewer bytes were asked for than there are: `6Cxx` tells how many there are.
    pub fn exact_length(length: usize) -> Self {
        Self(0x6C00 | (length & 0xFF) as u16)
    }

    /// What it means, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::DONE => "done",
            Self::MEMORY_FAILURE => "it could not write to its memory",
            Self::WRONG_LENGTH => "wrong length",
            Self::PIN_NOT_VERIFIED => "the PIN was not verified",
            Self::PIN_BLOCKED => "no tries are left for the PIN",
            Self::NOT_SELECTED => "the applet is not selected",
            Self::WRONG_DATA => "wrong data",
            Self::NO_APPLICATION => "there is no such applet on it",
            Self::WRONG_PARAMETERS => "wrong parameters",
            Self::NO_OBJECT => "it has no such data",
            Self::UNKNOWN_INSTRUCTION => "it does not know the instruction",
            Self::UNKNOWN_CLASS => "it does not know the class",
            _ if self.tries_left().is_some() => "the PIN is wrong",
            _ => "a status this program does not know",
        }
    }
}

impl std::fmt::Display for StatusWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04X}, {}", self.0, self.words())
    }
}

/// A command to a card. Its data may be a PIN: wiped from memory when dropped, and not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// CLA.
    pub class: u8,
    /// INS.
    pub instruction: u8,
    /// P1 and P2.
    pub parameters: [u8; 2],
    /// The data; none if empty.
    pub data: Zeroizing<Vec<u8>>,
    /// Le: bytes of data that the answer may have; `None` if none are expected.
    pub expected: Option<usize>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [p1, p2] = self.parameters;
        write!(f, "Command({:02X} {:02X} {p1:02X} {p2:02X}, {} bytes)", self.class, self.instruction, self.data.len())
    }
}

impl Command {
    /// A command without data to which none are expected.
    pub fn new(instruction: u8, parameters: [u8; 2]) -> Self {
        Self { class: CLASS, instruction, parameters, data: Zeroizing::default(), expected: None }
    }

    /// With at most [`DATA_BYTES_MAX`] bytes of data.
    #[must_use]
    pub fn with(self, data: &[u8]) -> Self {
        Self { data: Zeroizing::new(data.to_vec()), ..self }
    }

    /// That takes whatever data there are.
    #[must_use]
    pub fn expecting_data(self) -> Self {
        Self { expected: Some(256), ..self }
    }

    /// The bytes of the short form.
    ///
    /// # Panics
    /// With more than [`DATA_BYTES_MAX`] bytes of data: this program makes no such command.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        assert!(self.data.len() <= DATA_BYTES_MAX, "a command of this program fits the short form");
        // Room for the longest, so that a PIN is not left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(6 + DATA_BYTES_MAX));
        bytes.extend([self.class, self.instruction, self.parameters[0], self.parameters[1]]);
        if !self.data.is_empty() {
            bytes.push(self.data.len() as u8);
            bytes.extend(self.data.iter());
        }
        if let Some(expected) = self.expected {
            // 256 is written as 0.
            bytes.push(expected.min(256) as u8);
        }
        bytes
    }

    /// Reads a command of the short or the extended form, as a card does.
    ///
    /// # Errors
    /// [`StatusWord::WRONG_LENGTH`] if Lc and Le do not account for all bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatusWord> {
        let wrong = StatusWord::WRONG_LENGTH;
        let (head, body) = bytes.split_first_chunk::<4>().ok_or(wrong)?;
        let (data, expected): (&[u8], Option<usize>) = match body {
            [] => (&[], None),
            [le] => (&[], Some(short(*le))),
            [0, a, b] => (&[], Some(extended([*a, *b]))),
            [0, a, b, rest @ ..] => {
                let length = usize::from(u16::from_be_bytes([*a, *b]));
                let (data, rest) = rest.split_at_checked(length).filter(|_| length > 0).ok_or(wrong)?;
                match rest {
                    [] => (data, None),
                    [a, b] => (data, Some(extended([*a, *b]))),
                    _ => return Err(wrong),
                }
            }
            [length, rest @ ..] => {
                let length = usize::from(*length);
                let (data, rest) = rest.split_at_checked(length).filter(|_| length > 0).ok_or(wrong)?;
                match rest {
                    [] => (data, None),
                    [le] => (data, Some(short(*le))),
                    _ => return Err(wrong),
                }
            }
        };
        let [class, instruction, p1, p2] = *head;
        Ok(Self { class, instruction, parameters: [p1, p2], data: Zeroizing::new(data.to_vec()), expected })
    }
}

/// Le of one byte: 0 stands for 256.
fn short(le: u8) -> usize {
    if le == 0 { 256 } else { usize::from(le) }
}

/// Le of two bytes: 0 stands for 65536.
fn extended(le: [u8; 2]) -> usize {
    match u16::from_be_bytes(le) {
        0 => 65_536,
        le => usize::from(le),
    }
}

/// A card's answer. Its data may be a secret: wiped from memory when dropped, and not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The data.
    pub data: Zeroizing<Vec<u8>>,
    /// The status word.
    pub status: StatusWord,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({} bytes, {})", self.data.len(), self.status)
    }
}

impl Answer {
    /// An answer without data.
    pub fn bare(status: StatusWord) -> Self {
        Self { data: Zeroizing::default(), status }
    }

    /// The bytes.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.data.len() + 2));
        bytes.extend(self.data.iter());
        bytes.extend(self.status.0.to_be_bytes());
        bytes
    }

    /// Reads an answer; `None` if it is shorter than a status word or longer than [`ANSWER_BYTES_MAX`].
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > ANSWER_BYTES_MAX {
            return None;
        }
        let (data, status) = bytes.split_last_chunk::<2>()?;
        Some(Self { data: Zeroizing::new(data.to_vec()), status: StatusWord(u16::from_be_bytes(*status)) })
    }
}

/// Tag, length and value. The length is one byte, or 81 and one byte from 128 on.
///
/// # Panics
/// With a value of more than 255 bytes: names and numbers of the applet are shorter.
pub fn object(tag: u8, value: &[u8]) -> Vec<u8> {
    let head = match u8::try_from(value.len()).expect("an object of the applet is short") {
        length @ 0..=0x7F => vec![tag, length],
        length => vec![tag, 0x81, length],
    };
    [&head, value].concat()
}

/// The objects in a row of tags, lengths and values; `None` unless they account for all bytes.
pub fn objects(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    while let [tag, rest @ ..] = bytes {
        let (length, rest) = match rest {
            [0x81, length @ 0x80..=0xFF, rest @ ..] => (*length, rest),
            [length @ 0..=0x7F, rest @ ..] => (*length, rest),
            _ => return None,
        };
        let (value, after) = rest.split_at_checked(usize::from(length))?;
        found.push((*tag, value));
        bytes = after;
    }
    Some(found)
}

/// What a card signs to prove that it holds its key: no transaction and no document begins like this.
pub fn proof(card: &str, challenge: &[u8]) -> Vec<u8> {
    [b"countersign/card-proof/1\0", card.as_bytes(), b"\0", challenge].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(hex_digits: &str) -> Vec<u8> {
        hex::decode(hex_digits.replace(' ', "")).unwrap()
    }

    #[test]
    fn commands_are_read_in_all_forms_of_the_standard() {
        for (form, data, expected) in [
            ("00 A4 04 00", "", None),
            ("00 A4 04 00 05", "", Some(5)),
            ("00 A4 04 00 00", "", Some(256)),
            ("00 A4 04 00 02 AABB", "AABB", None),
            ("00 A4 04 00 02 AABB 00", "AABB", Some(256)),
            ("00 A4 04 00 00 0005", "", Some(5)),
            ("00 A4 04 00 00 0000", "", Some(65_536)),
            ("00 A4 04 00 00 0002 AABB", "AABB", None),
            ("00 A4 04 00 00 0002 AABB 0100", "AABB", Some(256)),
        ] {
            let read = Command::parse(&bytes(form)).unwrap();
            assert_eq!((read.data.as_slice(), read.expected), (bytes(data).as_slice(), expected), "{form}");
            assert_eq!((read.class, read.instruction, read.parameters), (0, SELECT, [4, 0]), "{form}");
        }
    }

    #[test]
    fn lengths_that_do_not_account_for_all_bytes_are_refused() {
        for form in [
            "",
            "00 A4 04",
            "00 A4 04 00 02 AA",
            "00 A4 04 00 02 AABBCC DD",
            "00 A4 04 00 00 00",
            "00 A4 04 00 00 0000 AA",
            "00 A4 04 00 00 0002 AA",
            "00 A4 04 00 00 0002 AABB 01",
            "00 A4 04 00 00 0002 AABB 010000",
        ] {
            assert_eq!(Command::parse(&bytes(form)), Err(StatusWord::WRONG_LENGTH), "{form}");
        }
    }

    proptest! {
        #[test]
        fn what_this_program_sends_is_read_back(
            instruction: u8, parameters: [u8; 2], data in proptest::collection::vec(any::<u8>(), 0..=DATA_BYTES_MAX), expects: bool
        ) {
            let command = Command::new(instruction, parameters).with(&data);
            let command = if expects { command.expecting_data() } else { command };
            prop_assert_eq!(Command::parse(&command.to_bytes()), Ok(command));
        }

        #[test]
        fn answers_are_read_back_and_bounded(data in proptest::collection::vec(any::<u8>(), 0..300), status: u16) {
            let answer = Answer { data: Zeroizing::new(data.clone()), status: StatusWord(status) };
            let read = Answer::parse(&answer.to_bytes());
            prop_assert_eq!(read, (data.len() <= DATA_BYTES_MAX).then_some(answer));
        }

        #[test]
        fn any_bytes_are_read_as_objects_or_refused(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(found) = objects(&data) {
                let written: Vec<u8> = found.iter().flat_map(|(tag, value)| object(*tag, value)).collect();
                prop_assert_eq!(written, data);
            }
        }
    }

    #[test]
    fn an_answer_without_a_status_word_is_none() {
        assert_eq!((Answer::parse(&[]), Answer::parse(&[0x90])), (None, None));
    }

    #[test]
    fn tries_are_told_in_the_status_word() {
        assert_eq!((StatusWord::tries(2), StatusWord::tries(200)), (StatusWord(0x63C2), StatusWord(0x63CF)));
        assert_eq!((StatusWord(0x63C0).tries_left(), StatusWord(0x6300).tries_left()), (Some(0), None));
    }

    #[test]
    fn neither_commands_nor_answers_show_their_data() {
        let command = Command::new(VERIFY, [0, PIN_REFERENCE]).with(b"4711");
        let answer = Answer { data: Zeroizing::new(b"4711".to_vec()), status: StatusWord::DONE };
        let shown = format!("{command:?} {answer:?}");
        assert!(!shown.contains("4711") && !shown.contains("34, 37"), "{shown}");
    }
}
