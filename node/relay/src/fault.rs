//! Why the relay does not do what it was asked, as the stable codes of the RPC.
//!
//! What a wallet is told follows from what it may know: whose session a token is, or whether there is such a user, is
//! told by nothing.
use crate::site::SiteError;
use crate::standing::{NoAccount, NotRelayed};
use crate::store::StoreError;
use countersign_rpc_types::relay::COUNT_AGE_US_MAX;
use countersign_rpc_types::site::SiteFault;
use countersign_rpc_types::{ErrorCode, RpcFault};
use countersign_types::PublicKey;
use serde_json::json;

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayFault {
    /// A field is not what it must be.
    #[error("`{field}` {rule}")]
    BadField {
        /// The field.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The relay is closed, or its disk failed.
    #[error("{what}; ask another relay, or try again later")]
    Unavailable {
        /// Why.
        what: &'static str,
    },
    /// As many of something as the relay keeps.
    #[error("the relay has as many {what} as it keeps; try again later")]
    Full {
        /// What.
        what: &'static str,
    },
    /// Not here, or not for that site.
    #[error(transparent)]
    NotRelayed(#[from] NotRelayed),
    /// The password, the user or the key.
    #[error("user name and password do not fit")]
    LoginRefused,
    /// The key is not the member's.
    #[error("this key does not sign for the member's account")]
    NotTheMembersKey,
    /// No such log-in is open.
    #[error("no such log-in is open: it has expired or was finished; begin again")]
    UnknownLogin,
    /// Wait.
    #[error("too many attempts or requests; try again in {} s", retry_after_ms.div_ceil(1_000))]
    TooMany {
        /// When it makes sense.
        retry_after_ms: u64,
    },
    /// The site's fault.
    #[error("the site {site}: {error}")]
    Site {
        /// The site.
        site: String,
        /// What it did.
        error: SiteError,
    },
    /// The site gave a session of somebody else, or one that is over.
    #[error(
        "the site {site} answered with a session of another user or key, or one that is over; its operator has to look"
    )]
    OtherHolder {
        /// The site.
        site: String,
    },
    /// A member's own session is no user's of a site.
    #[error("a member's own session has no contacts, posts or enrolment: only users of a site have")]
    NoSiteSession,
    /// No such session.
    #[error("there is no such session any more; log in again")]
    SessionEnded,
    /// The signature is not by the session's key over this request.
    #[error("the request is not signed by the session's key for this relay, method and content")]
    BadSignature,
    /// Another time than the relay's.
    #[error(
        "the request's count is {count}, the relay's clock shows {now}: at most {COUNT_AGE_US_MAX} microseconds apart; set the clock"
    )]
    WrongClock {
        /// The count.
        count: u64,
        /// The clock, microseconds.
        now: u64,
    },
    /// Sent before, or behind another.
    #[error("the request's count is {count}, but must be greater than {last}: each request counts once")]
    OldCount {
        /// The count.
        count: u64,
        /// The greatest that may have been accepted.
        last: u64,
    },
    /// The site does not sign it.
    #[error("the site {site} does not sign this enrolment: {message}")]
    EnrolmentRefused {
        /// The site.
        site: String,
        /// Its code.
        code: String,
        /// Its words.
        message: String,
    },
    /// Messages need an account.
    #[error(transparent)]
    NoAccount(#[from] NoAccount),
    /// Messages are at another relay.
    #[error("the messages to this account are kept by the relay {home}; ask there")]
    NotHome {
        /// The first relay of the site's entry.
        home: PublicKey,
    },
}

impl From<StoreError> for RelayFault {
    /// What failed stands in the log, which the store writes: it is for the relay's operator.
    fn from(error: StoreError) -> Self {
        let stopped = matches!(error, StoreError::Stopped);
        let what = if stopped { "the relay is stopping" } else { "the relay cannot read or write its disk" };
        Self::Unavailable { what }
    }
}

impl RelayFault {
    /// The site's fault, as a wallet is told it.
    pub fn of_site(site: &str, error: SiteError) -> Self {
        // Its causes stand in the log only: they are for the operators of relay and site.
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::info!(site, %error, cause, "a site did not do what it was asked");
        match &error {
            SiteError::Refused { fault: Some(SiteFault::LoginRefused), .. } => Self::LoginRefused,
            SiteError::Refused { fault: Some(SiteFault::UnknownSession), .. } => Self::SessionEnded,
            SiteError::Refused { fault: Some(SiteFault::TooManyAttempts), retry_after_ms, .. } => {
                Self::TooMany { retry_after_ms: retry_after_ms.unwrap_or(1_000) }
            }
            _ => Self::Site { site: site.to_owned(), error },
        }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::BadField { .. } => ErrorCode::BadInput,
            Self::Unavailable { .. } | Self::Full { .. } => ErrorCode::Unavailable,
            Self::NotRelayed(_) => ErrorCode::NotRelayed,
            Self::LoginRefused | Self::NotTheMembersKey => ErrorCode::LoginRefused,
            Self::UnknownLogin | Self::NoSiteSession => ErrorCode::NotFound,
            Self::TooMany { .. } => ErrorCode::TooManyAttempts,
            Self::Site { error: SiteError::TooLarge { .. }, .. } => ErrorCode::TooMuch,
            Self::Site { .. } | Self::OtherHolder { .. } => ErrorCode::SiteFailed,
            Self::SessionEnded => ErrorCode::SessionEnded,
            Self::BadSignature | Self::WrongClock { .. } | Self::OldCount { .. } => ErrorCode::BadProof,
            Self::EnrolmentRefused { .. } => ErrorCode::EnrolmentRefused,
            Self::NoAccount(_) | Self::NotHome { .. } => ErrorCode::MessageRefused,
        }
    }
}

impl From<RelayFault> for RpcFault {
    fn from(fault: RelayFault) -> Self {
        let data = match &fault {
            RelayFault::BadField { field, rule } => json!({ "what": field, "rule": rule }),
            RelayFault::NotRelayed(why) => json!({ "reason": why.reason() }),
            RelayFault::NoAccount(why) => json!({ "reason": why.reason() }),
            RelayFault::NotHome { home } => json!({ "reason": "not_home", "home": home.to_string() }),
            RelayFault::TooMany { retry_after_ms } => json!({ "retry_after_ms": retry_after_ms }),
            RelayFault::Site { error: SiteError::Refused { code, .. }, .. } => json!({ "code": code }),
            RelayFault::Site { error, .. } => json!({ "reason": error.reason() }),
            RelayFault::OtherHolder { .. } => json!({ "reason": "other_holder" }),
            RelayFault::NoSiteSession => json!({ "reason": "no_site_session" }),
            RelayFault::BadSignature => json!({ "reason": "signature" }),
            RelayFault::WrongClock { now, .. } => json!({ "reason": "clock", "now": now }),
            RelayFault::OldCount { last, .. } => json!({ "reason": "count", "last": last }),
            RelayFault::EnrolmentRefused { code, .. } => json!({ "code": code }),
            RelayFault::Unavailable { .. }
            | RelayFault::Full { .. }
            | RelayFault::LoginRefused
            | RelayFault::NotTheMembersKey
            | RelayFault::UnknownLogin
            | RelayFault::SessionEnded => return Self::new(fault.code(), fault.to_string()),
        };
        Self::new(fault.code(), fault.to_string()).with(data)
    }
}
