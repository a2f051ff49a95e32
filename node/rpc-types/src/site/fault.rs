//! What a site refuses, by codes that never change their meaning. The text is for people and may change.
use serde::{Deserialize, Serialize};

macro_rules! faults {
    ($($(#[doc = $doc:expr])+ $name:ident = $code:literal, $status:literal);+ $(;)?) => {
        /// Why a site does not do what it was asked.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum SiteFault { $($(#[doc = $doc])+ $name),+ }

        impl SiteFault {
            /// Every fault with its meaning: the documented list.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, concat!($($doc),+))),+];

            /// The stable code, as in [`FaultBody::code`].
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The HTTP status it is answered with.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }

            /// The fault of this code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().map(|(fault, _)| *fault).find(|fault| fault.code() == code)
            }
        }
    };
}

faults! {
    /// The body is not the JSON this path takes, or a field of it is wrong; the message names it.
    BadRequest = "bad_request", 400;
    /// The signature's headers are missing or malformed, the digest is not the body's, or the signature is not the relay's.
    BadSignature = "bad_signature", 401;
    /// The request's time is too far from the site's clock. Set the relay's clock.
    StaleRequest = "stale_request", 401;
    /// The request's nonce was used already. Sign every request anew.
    ReplayedRequest = "replayed_request", 401;
    /// This relay is not granted here. The site's operator grants it (`relay grant`).
    UnknownRelay = "unknown_relay", 403;
    /// Name and password do not fit: no such user, or another password. Which of the two is not told.
    LoginRefused = "login_refused", 403;
    /// No such login is open for this relay: it has expired, or was finished. Begin again.
    UnknownLogin = "unknown_login", 403;
    /// No such session is open for this relay: it has ended, or the user's password was changed. Log in again.
    UnknownSession = "unknown_session", 403;
    /// There is nothing at this path.
    NotFound = "not_found", 404;
    /// The path is asked by another method.
    MethodNotAllowed = "method_not_allowed", 405;
    /// The body did not arrive in time.
    TooSlow = "too_slow", 408;
    /// The user's name belongs to another account. The site's operator frees it (`user unbind`).
    AccountBound = "account_bound", 409;
    /// The body is longer than any request's.
    TooLarge = "too_large", 413;
    /// The request was signed for another site.
    WrongSite = "wrong_site", 421;
    /// The proposal is not the enrolment of the session's user with its key; the message names the difference.
    EnrolRefused = "enrol_refused", 422;
    /// Too many attempts to log in, by the user or through the relay. Wait for `retry_after_ms`.
    TooManyAttempts = "too_many_attempts", 429;
    /// The relay sends more requests than the site remembers. Send fewer.
    TooManyRequests = "too_many_requests", 429;
    /// A fault of the site itself; its log says which. Try again later.
    Internal = "internal", 500;
    /// The site has no key to sign enrolments with. Its operator sets it up (`[enrol]` in `site.toml`).
    EnrolUnavailable = "enrol_unavailable", 501;
    /// The site holds as many open logins, sessions or waiting requests as it can. Try again later.
    Busy = "busy", 503;
}

/// The body of every answer that is not a success.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FaultBody {
    /// The stable code, such as `login_refused`.
    pub code: String,
    /// For people: what is wrong and what to do.
    pub message: String,
    /// When it makes sense to try again; given with `too_many_attempts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_found_again() {
        let codes: BTreeSet<&str> = SiteFault::ALL.iter().map(|(fault, _)| fault.code()).collect();
        assert_eq!(codes.len(), SiteFault::ALL.len());
        for (fault, meaning) in SiteFault::ALL {
            assert_eq!(SiteFault::from_code(fault.code()), Some(*fault));
            assert!((400..600).contains(&fault.status()) && meaning.trim().ends_with('.'), "{fault:?}");
        }
        assert_eq!(SiteFault::from_code("no_such"), None);
    }
}
