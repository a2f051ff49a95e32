//! The business id of a request as a text short enough for a QR code: a holder's device shows it, an agent's device reads it.
//!
//! ```text
//! countersign:request?id=csr1…&chain=0f3b9a2c     the id with its checksum, the first digits of the chain's id
//! ```
//! Upper case means the same, so that a QR code may use its denser mode for most of it. The text proves nothing: what the request is
//! stands on the ledger.
use crate::types::Hash;
use crate::types::text::{self, REQUEST, TextError};
use crate::types::transaction::TransactionId;
use std::fmt;
use std::str::FromStr;

/// What every request's text begins with.
const BEGINNING: &str = "countersign:request?";
/// Bytes of the chain's id in the text: enough to tell a network from another by mistake, not by malice.
const CHAIN_BYTES: usize = 4;
/// Bytes of a text that can be one: this form is about 100.
const TEXT_BYTES_MAX: usize = 200;

/// A request's business id and the chain it stands on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestCode {
    /// The business id.
    pub request: Hash,
    chain: [u8; CHAIN_BYTES],
}

/// A text that is no request's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequestCode {
    /// Something else, or cut off.
    #[error("a request is `countersign:request?id=csr1…&chain=…`, as the holder's wallet shows it; this is not")]
    NotARequest,
    /// The chain's digits are not eight.
    #[error("the chain in a request's text is the first 8 hexadecimal digits of its id")]
    BadChain,
    /// The id is mistyped or of another kind.
    #[error(transparent)]
    BadId(#[from] TextError),
}

impl RequestCode {
    /// Of a request on a chain.
    pub fn new(request: Hash, chain: &Hash) -> Self {
        let mut first = [0; CHAIN_BYTES];
        first.copy_from_slice(&chain.0[..CHAIN_BYTES]);
        Self { request, chain: first }
    }

    /// True if the request stands on this chain, as far as the text tells.
    pub fn is_on(&self, chain: &Hash) -> bool {
        chain.0.starts_with(&self.chain)
    }

    /// The digits of the chain in the text.
    pub fn chain_digits(&self) -> String {
        hex::encode(self.chain)
    }
}

impl fmt::Display for RequestCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = text::encode(REQUEST, &self.request.0);
        write!(f, "{BEGINNING}id={id}&chain={}", self.chain_digits())
    }
}

impl FromStr for RequestCode {
    type Err = BadRequestCode;

    /// Reads both cases, spaces around it, and the two fields in any order; further fields are refused.
    fn from_str(text: &str) -> Result<Self, BadRequestCode> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(BadRequestCode::NotARequest);
        }
        let text = text.trim().to_ascii_lowercase();
        let fields = text.strip_prefix(BEGINNING).ok_or(BadRequestCode::NotARequest)?;
        let (mut id, mut chain) = (None, None);
        for field in fields.split('&') {
            let place = match field.split_once('=') {
                Some(("id", value)) => (&mut id, value),
                Some(("chain", value)) => (&mut chain, value),
                _ => return Err(BadRequestCode::NotARequest),
            };
            if place.0.replace(place.1).is_some() {
                return Err(BadRequestCode::NotARequest);
            }
        }
        let (Some(id), Some(digits)) = (id, chain) else {
            return Err(BadRequestCode::NotARequest);
        };
        let mut chain = [0; CHAIN_BYTES];
        hex::decode_to_slice(digits, &mut chain).map_err(|_| BadRequestCode::BadChain)?;
        Ok(Self { request: Hash(text::decode(REQUEST, id)?), chain })
    }
}

/// The id a contract gives to what the call at `index` of a transaction makes, such as a request's business id or a purchase's: it
/// is known before the transaction is in a block.
pub fn call_id(transaction: &TransactionId, index: u8) -> Hash {
    use parity_scale_codec::Encode;
    Hash::of("contract-data", &(transaction.0, index).encode())
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_contract_sdk::testing::TestHost;
    use proptest::prelude::*;

    const CHAIN: Hash = Hash([0xab; 32]);

    fn code() -> RequestCode {
        RequestCode::new(Hash([7; 32]), &CHAIN)
    }

    #[test]
    fn the_text_is_frozen() {
        let text =
            "countersign:request?id=csr1qurswpc8qurswpc8qurswpc8qurswpc8qurswpc8qurswpc8qurs46xyyl&chain=abababab";
        assert_eq!(code().to_string(), text);
        assert!(code().is_on(&CHAIN));
        assert!(!code().is_on(&Hash([0; 32])));
    }

    #[test]
    fn both_cases_and_orders_are_read() {
        let text = code().to_string();
        let id = text::encode(REQUEST, &[7; 32]);
        for form in [text.to_uppercase(), format!(" {text}\n"), format!("Countersign:Request?chain=ABABABAB&id={id}")] {
            assert_eq!(form.parse(), Ok(code()), "{form}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_its_cause() {
        let text = code().to_string();
        let id = text::encode(REQUEST, &[7; 32]);
        let with = |rest: &str| format!("countersign:request?{rest}");
        for form in [
            String::new(),
            id.clone(),
            text.replace("request", "tx"),
            with(""),
            with(&format!("id={id}")),
            with("chain=abababab"),
            format!("{text}&id={id}"),
            format!("{text}&amount=1"),
            "x".repeat(10_000),
        ] {
            assert_eq!(form.parse::<RequestCode>(), Err(BadRequestCode::NotARequest), "{form}");
        }
        for digits in ["", "ab", "ababababab", "ababababz"] {
            let form = with(&format!("id={id}&chain={digits}"));
            assert_eq!(form.parse::<RequestCode>(), Err(BadRequestCode::BadChain), "{form}");
        }
        let mistyped = text.replacen("qurs", "qurr", 1).parse::<RequestCode>();
        assert!(matches!(mistyped, Err(BadRequestCode::BadId(TextError::Mistyped { .. }))), "{mistyped:?}");
        let account = text::encode(text::ACCOUNT, &[7; 32]);
        let other = with(&format!("id={account}&chain=abababab")).parse::<RequestCode>();
        assert!(matches!(other, Err(BadRequestCode::BadId(TextError::WrongKind { .. }))), "{other:?}");
    }

    #[test]
    fn the_id_is_the_one_contracts_give() {
        let mut host = TestHost::new("topup", crate::types::Timestamp::ZERO);
        // A query's transaction has the id of zeros.
        let given = host.query::<_, ()>(|host| Ok(countersign_contract_sdk::call_id(host))).unwrap();
        assert_eq!(call_id(&TransactionId(Hash::ZERO), 0), given);
        assert_ne!(call_id(&TransactionId(Hash::ZERO), 1), given);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(request: [u8; 32], chain: [u8; 32]) {
            let code = RequestCode::new(Hash(request), &Hash(chain));
            prop_assert_eq!(code.to_string().parse(), Ok(code));
            prop_assert_eq!(code.to_string().to_uppercase().parse(), Ok(code));
        }

        #[test]
        fn no_text_brings_it_down(text: String) {
            drop(text.parse::<RequestCode>());
            drop(format!("{BEGINNING}{text}").parse::<RequestCode>());
        }
    }
}
