//! Any bytes at any door give a value or an error: no panic, and no memory beyond a bound that follows from the input's length.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
#[path = "frozen/sample.rs"]
mod sample;

use countersign_types::*;
use parity_scale_codec::{Decode, Encode, Error, Input};
use proptest::prelude::*;
use sample::{Draw, Sample};

/// An input that adds up the memory its decoder asks for.
struct Metered<'a> {
    bytes: &'a [u8],
    asked: usize,
}

impl Input for Metered<'_> {
    fn remaining_len(&mut self) -> Result<Option<usize>, Error> {
        self.bytes.remaining_len()
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), Error> {
        self.bytes.read(into)
    }

    fn on_before_alloc_mem(&mut self, size: usize) -> Result<(), Error> {
        self.asked = self.asked.saturating_add(size);
        Ok(())
    }
}

/// A list is asked for in pieces of at most this many bytes, before its first item is seen.
const PIECE_BYTES: usize = 16 * 1024;
/// Levels of lists in lists: transactions of a block, calls, parties.
const LEVELS: usize = 4;
/// Memory of a decoded item over its encoding: three words for an empty list whose length is one byte, and growth by doubling.
const FACTOR: usize = 64;

fn decode_metered<T: Decode>(bytes: &[u8]) {
    let mut input = Metered { bytes, asked: 0 };
    let _ = T::decode(&mut input);
    let bound = LEVELS * PIECE_BYTES + FACTOR * bytes.len();
    assert!(
        input.asked <= bound,
        "{} asked for {} bytes from {}",
        std::any::type_name::<T>(),
        input.asked,
        bytes.len()
    );
}

fn at_every_door(bytes: &[u8]) {
    let _ = SignedTransaction::from_bytes(bytes);
    let _ = Block::from_bytes(bytes);
    let _ = Proposal::from_bytes(bytes);
    let _ = Proposal::from_bytes(&[b"CSP\x01", bytes].concat());
    decode_metered::<Transaction>(bytes);
    decode_metered::<SignedTransaction>(bytes);
    decode_metered::<Block>(bytes);
    decode_metered::<Certificate>(bytes);
    decode_metered::<SignedDocument>(bytes);
    decode_metered::<Receipt>(bytes);
    decode_metered::<Genesis>(bytes);
    decode_metered::<ValidatorSet>(bytes);
    decode_metered::<merkle::ListProof>(bytes);
    decode_metered::<Job>(bytes);
    decode_metered::<Account>(bytes);
    decode_metered::<Site>(bytes);
    let text = String::from_utf8_lossy(bytes);
    let _ = endpoint::Endpoint::parse(&text);
    let _ = endpoint::Endpoint::parse(&format!("https://{text}"));
    let _ = endpoint::Endpoint::parse(&format!("https://[{text}"));
}

/// The encoding of `count` as the length of a list.
fn length(count: u32) -> Vec<u8> {
    parity_scale_codec::Compact(count).encode()
}

proptest! {
    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        at_every_door(&bytes);
    }

    /// What announces more than follows, or more than its bound, is refused without the memory for it.
    #[test]
    fn announced_lengths_are_not_believed(count in prop_oneof![Just(u32::MAX), Just(1 << 30), 0..100_000_u32], seed: u64) {
        let header = Header::sample(&mut Draw::new(&seed.to_string()));
        at_every_door(&length(count));
        at_every_door(&[header.encode(), length(count)].concat());
        let transaction = Transaction { calls: BoundedVec::empty(), ..Sample::sample(&mut Draw::new(&seed.to_string())) };
        let mut bytes = transaction.encode();
        bytes.pop();
        at_every_door(&[bytes, length(count)].concat());
    }

    /// Valid encodings with a byte changed, cut or added.
    #[test]
    fn damaged_encodings(seed: u64, at: usize, byte: u8, cut: bool) {
        let mut draw = Draw::new(&seed.to_string());
        let encodings = [
            SignedTransaction::sample(&mut draw).encode(), Block::sample(&mut draw).encode(), Receipt::sample(&mut draw).encode(),
            Genesis::sample(&mut draw).encode(), Proposal::sample(&mut draw).to_bytes(), SignedDocument::sample(&mut draw).encode(),
        ];
        for mut bytes in encodings {
            let at = at % bytes.len();
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
            }
            at_every_door(&bytes);
        }
    }

    /// No two byte strings are the same value: what decodes encodes to the bytes it came from.
    #[test]
    fn decoding_is_canonical(seed: u64, at: usize, byte: u8) {
        let mut bytes = SignedTransaction::sample(&mut Draw::new(&seed.to_string())).encode();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(transaction) = SignedTransaction::from_bytes(&bytes) {
            prop_assert_eq!(transaction.encode(), bytes);
        }
    }

    #[test]
    fn texts_of_ids(text in "\\PC{0,100}", bech in "(csa|cst|csk|CSA|x)1[02-9ac-hj-np-z]{0,90}", bytes: [u8; 32]) {
        for text in [&text, &bech] {
            let _ = text.parse::<AccountId>();
            let _ = text.parse::<PublicKey>();
            let _ = text.parse::<Hash>();
            let _ = text.parse::<transaction::TransactionId>();
            let _ = text.parse::<Name>().map(|name| assert_eq!(name.as_str(), text));
            let _ = text.parse::<ModuleName>().map(|name| assert_eq!(name.as_str(), text));
            let _ = text.parse::<AssetId>().map(|name| assert_eq!(name.as_str(), text));
            let _ = text.parse::<Text>();
            let _ = Amount::from_decimal(text, 2);
        }
        let account = AccountId(bytes);
        prop_assert_eq!(account.to_string().parse(), Ok(account));
        prop_assert_eq!(account.to_string().to_uppercase().parse(), Ok(account));
    }

    /// One mistyped character is always noticed.
    #[test]
    fn a_mistyped_id_is_refused(bytes: [u8; 32], at in 4..60_usize, replacement in "[02-9ac-hj-np-z]") {
        let text = AccountId(bytes).to_string();
        let mistyped = format!("{}{replacement}{}", &text[..at], &text[at + 1..]);
        prop_assert_eq!(mistyped.parse::<AccountId>().is_ok(), mistyped == text);
    }

    #[test]
    fn amounts_come_back_from_their_texts(minor: u128, decimals in 0..=18_u8) {
        let amount = Amount::new(minor);
        prop_assert_eq!(Amount::from_decimal(&amount.to_decimal(decimals).to_string(), decimals), Ok(amount));
    }
}

#[test]
fn oversized_input_is_refused_before_it_is_looked_at() {
    let oversized = |size, limit, what| DecodeError::Oversized { what, size, limit };
    let bytes = vec![0; limits::BLOCK_BYTES_MAX + 1];
    assert_eq!(Block::from_bytes(&bytes), Err(oversized(bytes.len(), limits::BLOCK_BYTES_MAX, "block")));
    let bytes = vec![0; limits::TRANSACTION_BYTES_MAX + 1];
    let error = oversized(bytes.len(), limits::TRANSACTION_BYTES_MAX, "transaction");
    assert_eq!(SignedTransaction::from_bytes(&bytes), Err(error.into()));
    let bytes = [b"CSP\x01".to_vec(), vec![0; limits::PROPOSAL_BYTES_MAX + 1]].concat();
    let error = oversized(bytes.len() - 4, limits::PROPOSAL_BYTES_MAX, "proposal");
    assert_eq!(Proposal::from_bytes(&bytes), Err(error.into()));
}

#[test]
fn trailing_bytes_are_refused() {
    let mut bytes = SignedTransaction::sample(&mut Draw::new("trailing")).encode();
    assert!(SignedTransaction::from_bytes(&bytes).is_ok());
    bytes.push(0);
    let error = SignedTransaction::from_bytes(&bytes).unwrap_err();
    assert!(matches!(error, transaction::TransactionError::Decode(DecodeError::Malformed { what: "transaction", .. })));
}

#[test]
fn texts_that_could_deceive_do_not_decode() {
    for text in ["a\nb", "a\u{202E}b", "a\u{200B}b", "a\u{7f}b"] {
        assert!(decode::<Text>("text", &text.encode(), 100).is_err(), "{text:?}");
        assert!(matches!(Text::new(text), Err(bounded::BadText::Character { .. })));
    }
    assert!(decode::<Text>("text", &vec![0xff_u8, 0xfe].encode(), 100).is_err(), "not UTF-8");
    assert!(matches!(
        Text::new(&"é".repeat(129)),
        Err(bounded::BadText::TooLong(bounded::TooLong { size: 258, limit: 256 }))
    ));
}

#[test]
fn asset_symbols_have_one_encoding() {
    let padded = |symbol: &[u8]| {
        let mut bytes = [0; 12];
        bytes[..symbol.len()].copy_from_slice(symbol);
        decode::<AssetId>("asset", &bytes, 12)
    };
    assert_eq!(padded(b"EUR").unwrap().as_str(), "EUR");
    for refused in [&b"EUR\0X"[..], b"\0EUR", b"eur", b"1EUR", b"", b"EU\xff", b"E R"] {
        assert!(padded(refused).is_err(), "{refused:?}");
    }
}

#[test]
fn names_are_lower_case_and_of_one_form() {
    for name in ["harbor-hotel.example", "alice@harbor-hotel.example", "a.b+c_d@x.y", "0.1"] {
        assert_eq!(name.parse::<Name>().map(|name| name.to_string()), Ok(name.to_owned()));
    }
    let long_label = format!("{}.example", "a".repeat(64));
    let long = format!("{}.example", vec!["a"; 100].join("."));
    for name in [
        "",
        "harbor",
        "Harbor.example",
        "harbor..example",
        ".example",
        "-a.example",
        "a-.example",
        "a@b",
        "@b.example",
        "a@@b.example",
        "a@b@c.example",
        ".a@b.example",
        "a.@b.example",
        "ä.example",
        "a b.example",
        &long_label,
        &long,
    ] {
        assert!(matches!(name.parse::<Name>(), Err(text::TextError::NotAName { .. })), "{name}");
    }
    for name in ["", "Rebate", "1rebate", "-rebate", "re_bate", "a b", &"a".repeat(33)] {
        assert_eq!(name.parse::<ModuleName>(), Err(text::TextError::NotAModuleName), "{name}");
    }
}

#[test]
fn texts_of_another_kind_are_named_as_such() {
    let account = AccountId([7; 32]).to_string();
    let error = account.parse::<PublicKey>().unwrap_err();
    assert_eq!(error.to_string(), "`csa1…` names an account, but a public key (`csk1…`) is wanted");
    let short = "csa1qqqqqqqqqqqqqq".parse::<AccountId>().unwrap_err();
    assert!(matches!(short, text::TextError::Mistyped { .. }));
    assert_eq!("00".parse::<Hash>(), Err(text::TextError::NotAHash { length: 2 }));
    assert!("zz".repeat(32).parse::<Hash>().is_err());
}
