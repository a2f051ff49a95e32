//! What a relay and a merchant's site say to each other over HTTPS: paths, JSON bodies and faults; who said it is in [`signature`].
//!
//! Every body is JSON, every path but `/openapi.json` and `/livez` is asked by POST. `client/site` is the server, a node's relay
//! the asker; a merchant can put its own user base behind the same paths.
//!
//! ```text
//! wallet ─KE1→ relay ─login/start→ site      the password stays in the wallet: the relay carries messages of OPAQUE (RFC 9807),
//! wallet ←KE2─ relay ←─────────── site       from which nothing about it can be learned
//! wallet ─KE3→ relay ─login/finish→ site     the site's verdict, a session, the user's account
//! ```
mod fault;
pub mod signature;

pub use fault::{FaultBody, SiteFault};

use crate::HexBytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of a request's body: the largest is an enrolment, some kilobytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an answer's body: a page of the largest posts.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How far a request's time may be from the site's clock; as long its nonce is remembered.
pub const REQUEST_AGE_MS_MAX: u64 = 60_000;
/// Longest wait for new posts in one request, below the patience of usual proxies.
pub const WAIT_MS_MAX: u64 = 30_000;
/// Contacts in one page.
pub const CONTACTS_PAGE_MAX: u32 = 200;
/// Posts in one page.
pub const POSTS_PAGE_MAX: u32 = 50;
/// Bytes of OPAQUE's first message of a login, from the wallet.
pub const KE1_BYTES: usize = 96;
/// Bytes of its second, from the site.
pub const KE2_BYTES: usize = 320;
/// Bytes of its third, from the wallet.
pub const KE3_BYTES: usize = 64;

/// Begins a login.
pub const LOGIN_START: &str = "/v1/login/start";
/// Ends it with the site's verdict.
pub const LOGIN_FINISH: &str = "/v1/login/finish";
/// Tells whose a session is and until when.
pub const SESSION: &str = "/v1/session";
/// Ends a session.
pub const LOGOUT: &str = "/v1/logout";
/// The contacts of the session's user.
pub const CONTACTS: &str = "/v1/contacts";
/// Posts after a cursor, waiting for new ones if asked to.
pub const POSTS: &str = "/v1/posts";
/// Signs the enrolment of the session's user.
pub const ENROL: &str = "/v1/enrol";

/// A session's token: who holds it and is the relay it was given to reads the user's contacts. Not shown in logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionToken(pub [u8; 32]);

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

impl Serialize for SessionToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        HexBytes(self.0.to_vec()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SessionToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = HexBytes::deserialize(deserializer)?;
        let wrong = |_| serde::de::Error::custom("a session's token is 32 bytes");
        bytes.0.as_slice().try_into().map(Self).map_err(wrong)
    }
}

/// Asks to begin a login.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginStart {
    /// Who logs in: `alice@harbor-hotel.example`.
    pub user: String,
    /// The wallet's key, `csk1…`. The session and an enrolment are for this key: it is part of what wallet and site prove to each
    /// other, so a relay cannot put another in its place.
    pub key: String,
    /// OPAQUE's KE1, [`KE1_BYTES`].
    pub ke1: HexBytes,
}

/// A login that has begun. It looks the same whether there is such a user or not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoginStarted {
    /// The login's number, 16 random bytes.
    pub login: HexBytes,
    /// OPAQUE's KE2, [`KE2_BYTES`].
    pub ke2: HexBytes,
    /// When it is forgotten, milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
}

/// Asks for the verdict on a login.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginFinish {
    /// The login's number.
    pub login: HexBytes,
    /// OPAQUE's KE3, [`KE3_BYTES`].
    pub ke3: HexBytes,
}

/// The verdict: the password was right. Anything else is a fault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoggedIn {
    /// The session's token.
    pub session: SessionToken,
    /// Whose it is.
    #[serde(flatten)]
    pub holder: SessionHolder,
}

/// Whose a session is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SessionHolder {
    /// The user: `alice@harbor-hotel.example`.
    pub user: String,
    /// The wallet's key the login was made with, `csk1…`.
    pub key: String,
    /// The account the site has enrolled under the user's name, `csa1…`; absent before the first enrolment.
    pub account: Option<String>,
    /// When the session ends, milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
}

/// Asks with nothing but a session: its holder, or its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionAsk {
    /// The session's token.
    pub session: SessionToken,
}

/// The session is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoggedOut {}

/// Asks for contacts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactsAsk {
    /// The session's token.
    pub session: SessionToken,
    /// The last name of the page before.
    #[serde(default)]
    pub after: Option<String>,
    /// At most so many, 1 to [`CONTACTS_PAGE_MAX`].
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Contacts in the order of their names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContactsPage {
    /// The contacts.
    pub contacts: Vec<ContactView>,
    /// What to give as `after` for the next page; absent on the last.
    pub next: Option<String>,
}

/// Somebody a user knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContactView {
    /// The name on the ledger: `bob@city-books.example` or `city-books.example`.
    pub name: String,
    /// What the user calls them; may be empty.
    pub label: String,
}

/// Asks for posts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostsAsk {
    /// The session's token.
    pub session: SessionToken,
    /// Posts with a greater number; 0 for all.
    #[serde(default)]
    pub after: u64,
    /// At most so many, 1 to [`POSTS_PAGE_MAX`].
    #[serde(default)]
    pub limit: Option<u32>,
    /// If there is none, wait so long for one, at most [`WAIT_MS_MAX`].
    #[serde(default)]
    pub wait_ms: u64,
}

/// Posts in the order of their numbers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PostsPage {
    /// The posts.
    pub posts: Vec<PostView>,
    /// What to give as `after` next time.
    pub next: u64,
    /// True if there are more already.
    pub more: bool,
}

/// What a post is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostKind {
    /// Something to buy or take part in; may carry a proposal.
    Offer,
    /// Something to know.
    Notice,
}

/// What somebody at the site has published to its users.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PostView {
    /// Its number; grows, and is never given twice.
    pub number: u64,
    /// Offer or notice.
    pub kind: PostKind,
    /// A registered user, or the site itself.
    pub author: String,
    /// One line.
    pub title: String,
    /// The text.
    pub text: String,
    /// A proposal's file (`.csp`) that belongs to it.
    pub proposal: Option<HexBytes>,
    /// When it was published, milliseconds since the Unix epoch.
    pub published_at_ms: u64,
}

/// Asks the site to sign an enrolment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolAsk {
    /// The session's token.
    pub session: SessionToken,
    /// A proposal's file (`.csp`) of one call `registry.enrol` for the user's name and the session's key, signed by that key.
    pub proposal: HexBytes,
}

/// The enrolment with the site's signature: complete, to be submitted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Enrolled {
    /// The proposal's file (`.csp`).
    pub proposal: HexBytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_text_on_the_wire_and_hidden_in_logs() {
        let asked = SessionAsk { session: SessionToken([7; 32]) };
        let json = serde_json::to_string(&asked).unwrap();
        assert_eq!(json, format!(r#"{{"session":"0x{}"}}"#, "07".repeat(32)));
        assert_eq!(serde_json::from_str::<SessionAsk>(&json).unwrap(), asked);
        assert!(!format!("{asked:?}").contains("07"), "{asked:?}");
        assert!(serde_json::from_str::<SessionAsk>(r#"{"session":"0x07"}"#).is_err());
    }

    #[test]
    fn what_a_request_does_not_have_is_refused() {
        let token = format!("0x{}", "07".repeat(32));
        assert!(serde_json::from_str::<SessionAsk>(&format!(r#"{{"session":"{token}","user":"bob"}}"#)).is_err());
        let posts: PostsAsk = serde_json::from_str(&format!(r#"{{"session":"{token}"}}"#)).unwrap();
        assert_eq!((posts.after, posts.limit, posts.wait_ms), (0, None, 0));
    }
}
