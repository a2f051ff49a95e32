//! Text forms of ids: bech32m, one prefix per kind, so that a transaction id is never taken for an account.
//! Upper case is valid too (QR codes have a denser mode for it); mixed case is not.
use alloc::string::String;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};

/// Prefix of an account: `csa1…`.
pub const ACCOUNT: &str = "csa";
/// Prefix of a transaction id: `cst1…`.
pub const TRANSACTION: &str = "cst";
/// Prefix of a block's hash: `csb1…`.
pub const BLOCK: &str = "csb";
/// Prefix of a document's hash: `csd1…`.
pub const DOCUMENT: &str = "csd";
/// Prefix of a public key: `csk1…`.
pub const KEY: &str = "csk";
/// Prefix of a chain's id: `csc1…`.
pub const CHAIN: &str = "csc";
/// Prefix of a request's business id: `csr1…`.
pub const REQUEST: &str = "csr";
/// Prefix of a message's id: `csm1…`.
pub const MESSAGE: &str = "csm";

/// A text that is not the form it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Not bech32m, or a wrong checksum: mistyped.
    #[error("`{text}` is mistyped: its checksum does not fit; copy it again")]
    Mistyped {
        /// The beginning of what was given.
        text: String,
    },
    /// The right form of another kind.
    #[error("`{found}1…` names {}, but {} (`{wanted}1…`) is wanted", kind(.found), kind(.wanted))]
    WrongKind {
        /// Prefix found.
        found: String,
        /// Prefix wanted.
        wanted: &'static str,
    },
    /// Not 32 bytes.
    #[error("an id holds 32 bytes, this one {length}")]
    WrongLength {
        /// Bytes found.
        length: usize,
    },
    /// Not 64 hexadecimal digits.
    #[error("a hash is 64 hexadecimal digits, this has {length} characters")]
    NotAHash {
        /// Characters given.
        length: usize,
    },
    /// Not an asset's symbol.
    #[error("an asset's symbol is 1 to 12 upper-case letters or digits, a letter first, such as EUR")]
    NotASymbol,
    /// Not a module's name.
    #[error("a module's name is at most 32 lower-case letters, digits and `-`, a letter first, such as rebate")]
    NotAModuleName,
    /// Not a member's or holder's name.
    #[error("`{name}` is not a name: a member is `shop.example`, a holder `alice@shop.example`, all lower case")]
    NotAName {
        /// The beginning of what was given.
        name: String,
    },
}

fn kind(prefix: &str) -> &'static str {
    match prefix {
        ACCOUNT => "an account",
        TRANSACTION => "a transaction",
        BLOCK => "a block",
        DOCUMENT => "a document",
        KEY => "a public key",
        CHAIN => "a chain",
        REQUEST => "a request",
        MESSAGE => "a message",
        _ => "something else",
    }
}

/// The text form of 32 bytes.
pub fn encode(prefix: &'static str, bytes: &[u8; 32]) -> String {
    let hrp = Hrp::parse_unchecked(prefix);
    bech32::encode::<Bech32m>(hrp, bytes).expect("32 bytes are within bech32m's length")
}

/// The 32 bytes of a text form.
///
/// # Errors
/// [`TextError`] if it is mistyped, of another kind, or holds another number of bytes.
pub fn decode(prefix: &'static str, text: &str) -> Result<[u8; 32], TextError> {
    let mistyped = || TextError::Mistyped { text: text.chars().take(80).collect() };
    let checked = CheckedHrpstring::new::<Bech32m>(text).map_err(|_| mistyped())?;
    let found = checked.hrp().to_lowercase();
    if found != prefix {
        return Err(TextError::WrongKind { found, wanted: prefix });
    }
    let mut bytes = [0; 32];
    let mut length = 0;
    for byte in checked.byte_iter() {
        if length < 32 {
            bytes[length] = byte;
        }
        length += 1;
    }
    if length == 32 { Ok(bytes) } else { Err(TextError::WrongLength { length }) }
}
