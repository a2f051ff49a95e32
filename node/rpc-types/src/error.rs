//! The stable codes of errors. A client decides by the code; the text is for people and may change.
use jsonrpsee::types::ErrorObjectOwned;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:expr])+ $name:ident = $code:literal),+ $(,)?) => {
        /// What went wrong, as a number that never changes its meaning.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(i32)]
        pub enum ErrorCode { $($(#[doc = $doc])+ $name = $code),+ }

        impl ErrorCode {
            /// Every code with its name and meaning: the documented list.
            pub const ALL: &'static [(Self, &'static str, &'static str)] =
                &[$((Self::$name, stringify!($name), concat!($($doc),+))),+];
        }
    };
}

codes! {
    /// The bytes or the JSON are not what the method takes. Data: what and where.
    BadInput = -32602,
    /// The node cannot answer now (starting, stopping, storage fault). Try again, or another node.
    Unavailable = -32001,
    /// Nothing has this id, name or height.
    NotFound = -32002,
    /// The transaction's shape or a signature is wrong. Data: the rule broken.
    BadTransaction = -32010,
    /// The transaction would fail now: expired, replayed, a party unknown or suspended, authority or quota. Data: the failure.
    Refused = -32011,
    /// The mempool is full, or the member that pays holds its share of it; try again later.
    MempoolFull = -32012,
    /// The transaction waits or is decided already. Not a fault: watch it.
    AlreadyKnown = -32013,
    /// The query failed. Data: the call's fault and the module's error.
    QueryFailed = -32020,
    /// More items or bytes were asked for or sent than one answer or request holds.
    TooMuch = -32021,
    /// The block or state of that height is not kept here; ask for a newer one or an archive node.
    Pruned = -32022,
    /// This node relays nothing, or not for that site: its operator has not turned the relay on, or the ledger does not let it. Data: why.
    NotRelayed = -32030,
    /// User name and password do not fit; nobody can tell which.
    LoginRefused = -32031,
    /// Too many log-ins that did not succeed, or too many requests. Data: when to try again.
    TooManyAttempts = -32032,
    /// The site did not answer in time, or not as it must. Data: its code, if it sent one.
    SiteFailed = -32033,
    /// There is no such session any more. Log in again.
    SessionEnded = -32034,
    /// The request is not signed by the session's key, is too old, or was sent before.
    BadProof = -32035,
    /// The site does not sign this enrolment. Data: its code.
    EnrolmentRefused = -32036,
    /// The message cannot be carried: expired, of another chain, its receiver unknown, without an encryption key, or without a relay. Data: why.
    MessageRefused = -32037,
    /// The sender or the receiver has as many messages waiting as a relay keeps. Try again when some are fetched. Data: whose.
    QuotaReached = -32038,
}

/// An error with data for programs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RpcFault {
    /// The code's number.
    pub code: i32,
    /// For people: what failed, where, what to do.
    pub message: String,
    /// For programs; what it holds is told at the code.
    pub data: Option<serde_json::Value>,
}

impl RpcFault {
    /// An error of this code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code: code as i32, message: message.into(), data: None }
    }

    /// With data.
    #[must_use]
    pub fn with(mut self, data: impl Serialize) -> Self {
        self.data = serde_json::to_value(data).ok();
        self
    }
}

impl From<RpcFault> for ErrorObjectOwned {
    fn from(fault: RpcFault) -> Self {
        Self::owned(fault.code, fault.message, fault.data)
    }
}
