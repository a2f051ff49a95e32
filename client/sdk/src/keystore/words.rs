//! A key's secret as 24 words, to be kept on paper (BIP-39, the English list).
//!
//! The words encode the 32 bytes of the ed25519 seed themselves and a checksum of 8 bits: the seed is BIP-39's entropy. What other
//! wallets do next, stretching the words with a passphrase into the root of a tree of keys, does not happen here: the same words
//! give another key there.
use bip39::{Error, Language, Mnemonic};
use zeroize::{Zeroize, Zeroizing};

/// Words of a secret of 32 bytes.
pub const WORDS: usize = 24;
/// Bytes of a text of words: 24 words of at most 8 letters, with as much space around them as people leave.
pub const TEXT_BYTES_MAX: usize = 1024;

/// Why words give no secret. Tells places only: the words are the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Too few or too many.
    #[error("there are {found} words; a key has {WORDS}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// More text than words are.
    #[error("this is longer than {TEXT_BYTES_MAX} bytes, which {WORDS} words are not")]
    TooLong,
    /// A word that is not on the list.
    #[error("word {place} is not on the list of words (BIP-39, English): look at its spelling")]
    Unknown {
        /// Its place, from 1.
        place: usize,
    },
    /// Each word is on the list, but they do not fit each other.
    #[error("the words do not fit each other: one of them is another, or two have changed places")]
    Checksum,
}

/// The words of a secret, separated by spaces.
pub fn to_words(secret: &[u8; 32]) -> Zeroizing<String> {
    let words = Mnemonic::from_entropy_in(Language::English, secret).expect("32 bytes are entropy of 24 words");
    let mut text = Zeroizing::new(String::with_capacity(TEXT_BYTES_MAX));
    for word in words.words() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// The secret of words, which may be in capitals and apart by any space.
///
/// # Errors
/// [`WordsError`].
pub fn from_words(text: &str) -> Result<Zeroizing<[u8; 32]>, WordsError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(WordsError::TooLong);
    }
    let text = Zeroizing::new(text.to_ascii_lowercase());
    let found = text.split_whitespace().count();
    if found != WORDS {
        return Err(WordsError::Count { found });
    }
    let words = Mnemonic::parse_in_normalized(Language::English, &text).map_err(|error| match error {
        Error::UnknownWord(index) => WordsError::Unknown { place: index + 1 },
        Error::InvalidChecksum => WordsError::Checksum,
        Error::BadWordCount(_) | Error::BadEntropyBitCount(_) | Error::AmbiguousLanguages(_) => {
            WordsError::Count { found }
        }
    })?;
    let (mut entropy, length) = words.to_entropy_array();
    let mut secret = Zeroizing::new([0; 32]);
    let fits = length == secret.len();
    secret.copy_from_slice(&entropy[..32]);
    entropy.zeroize();
    if fits { Ok(secret) } else { Err(WordsError::Count { found }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of BIP-39's own test vectors (github.com/trezor/python-mnemonic, vectors.json) those of 256 bits.
    const VECTORS: [(&str, &str); 8] = [
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
             abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
        ),
        (
            "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
            "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal \
             winner thank year wave sausage worth title",
        ),
        (
            "8080808080808080808080808080808080808080808080808080808080808080",
            "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic \
             avoid letter advice cage absurd amount doctor acoustic bless",
        ),
        (
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
        ),
        (
            "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
            "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis \
             maple dilemma loan word shrug inflict delay length",
        ),
        (
            "9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863",
            "panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich alcohol speed nation flash \
             devote level hobby quick inner drive ghost inside",
        ),
        (
            "066dca1a2bb7e8a1db2832148ce9933eea0f3ac9548d793112d9a95c9407efad",
            "all hour make first leader extend hole alien behind guard gospel lava path output census museum junior \
             mass reopen famous sing advance salt reform",
        ),
        (
            "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
            "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol \
             group space point ten exist slush involve unfold",
        ),
    ];

    fn bytes(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn the_vectors_of_bip_39_hold() {
        for (secret, words) in VECTORS {
            assert_eq!(*to_words(&bytes(secret)), *words);
            assert_eq!(*from_words(words).unwrap(), bytes(secret));
        }
    }

    #[test]
    fn capitals_and_space_do_not_matter() {
        let written = format!("\n {} \t\n", VECTORS[4].1.replace(' ', "\n  ").to_uppercase());
        assert_eq!(*from_words(&written).unwrap(), bytes(VECTORS[4].0));
    }

    #[test]
    fn wrong_words_are_told_by_their_place() {
        let words = VECTORS[4].1;
        assert_eq!(from_words(""), Err(WordsError::Count { found: 0 }));
        assert_eq!(from_words(&words.replace("hamster ", "")), Err(WordsError::Count { found: 23 }));
        assert_eq!(from_words(&format!("{words} length")), Err(WordsError::Count { found: 25 }));
        assert_eq!(from_words(&words.replace("slide", "slyde")), Err(WordsError::Unknown { place: 9 }));
        assert_eq!(from_words(&words.replace("length", "länge")), Err(WordsError::Unknown { place: 24 }));
        assert_eq!(from_words(&words.replace("slide", "slim")), Err(WordsError::Checksum));
        assert_eq!(from_words(&words.replace("hamster diagram", "diagram hamster")), Err(WordsError::Checksum));
        assert_eq!(from_words(&"zoo ".repeat(1_000)), Err(WordsError::TooLong));
        let told = from_words(&words.replace("slide", "slyde")).unwrap_err().to_string();
        assert!(!told.contains("slyde"), "an error gives no word away: {told}");
    }

    proptest! {
        #[test]
        fn every_secret_comes_back_from_its_words(secret in any::<[u8; 32]>()) {
            prop_assert_eq!(*from_words(&to_words(&secret)).unwrap(), secret);
        }
    }
}
