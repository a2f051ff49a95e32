//! What the database keeps, as JSON: fields may be added with a default, none may change its meaning.
use crate::limits;
use countersign_client::rpc_types::HexBytes;
use countersign_client::rpc_types::site::{PostKind, PostView};
use countersign_client::types::{AccountId, Hash, Name, Proposal, PublicKey};
use serde::{Deserialize, Serialize};

/// A user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct User {
    /// What OPAQUE keeps of the password. Useless to a guesser without the site's key file.
    pub registration: HexBytes,
    /// The account enrolled under the user's name, `csa1…`.
    #[serde(default)]
    pub account: Option<String>,
    /// Since when, milliseconds since the Unix epoch.
    pub added_at_ms: u64,
}

impl User {
    /// Changes with the password: sessions of another one are over.
    pub fn edition(&self) -> Hash {
        Hash::of("site-registration", &self.registration.0)
    }
}

/// Somebody a user knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// What the user calls them.
    pub label: String,
}

/// What was published to the site's users.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Post {
    /// Offer or notice.
    pub kind: PostKind,
    /// A user of the site, or the site.
    pub author: String,
    /// One line.
    pub title: String,
    /// The text.
    pub text: String,
    /// A proposal's file.
    #[serde(default)]
    pub proposal: Option<HexBytes>,
    /// When, milliseconds since the Unix epoch.
    pub published_at_ms: u64,
}

/// A relay that may ask.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Relay {
    /// The key it signs requests with, `csk1…`.
    pub key: String,
    /// What the operator calls it.
    pub label: String,
    /// Since when, milliseconds since the Unix epoch.
    pub granted_at_ms: u64,
}

/// A value that is not what a record holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// A text too long, empty, or with control characters.
    #[error("{what} has 1 to {limit} bytes and no line breaks or control characters")]
    BadText {
        /// Which.
        what: &'static str,
        /// Bytes it may have.
        limit: usize,
    },
    /// A member's name, or that of a user elsewhere.
    #[error("`{given}` is no user of {site}: give `alice` or `alice@{site}`")]
    NotAUserHere {
        /// What was given.
        given: String,
        /// The site.
        site: String,
    },
    /// The attached file is no proposal.
    #[error("the post's proposal is none: {cause}")]
    BadProposal {
        /// What is wrong with it.
        cause: String,
    },
    /// The attached file is too long.
    #[error("a post's proposal has at most {limit} bytes")]
    LongProposal {
        /// Bytes it may have.
        limit: usize,
    },
    /// Not a relay's key.
    #[error("`{given}` is no relay's key: give the network key of its node, csk1…")]
    BadRelay {
        /// What was given.
        given: String,
    },
    /// Not a name on the ledger.
    #[error("`{given}` is not a name on the ledger, such as bob@city-books.example")]
    BadName {
        /// What was given.
        given: String,
    },
}

fn beginning(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A user of `site` by `alice` or `alice@site`.
///
/// # Errors
/// [`BadRecord::NotAUserHere`].
pub fn user_name(given: &str, site: &Name) -> Result<Name, BadRecord> {
    let full = if given.contains('@') { given.to_owned() } else { format!("{given}@{site}") };
    let here = |name: &Name| name.user().is_some() && name.site() == site.as_str();
    let wrong = || BadRecord::NotAUserHere { given: beginning(given), site: site.to_string() };
    full.parse::<Name>().ok().filter(here).ok_or_else(wrong)
}

/// A name on the ledger, of a user or a member.
///
/// # Errors
/// [`BadRecord::BadName`].
pub fn ledger_name(given: &str) -> Result<Name, BadRecord> {
    given.parse().map_err(|_| BadRecord::BadName { given: beginning(given) })
}

/// A text of one line; may be empty.
///
/// # Errors
/// [`BadRecord::BadText`].
pub fn check_label(what: &'static str, text: &str) -> Result<(), BadRecord> {
    let ok = text.len() <= limits::LABEL_BYTES_MAX && !text.chars().any(char::is_control);
    if ok { Ok(()) } else { Err(BadRecord::BadText { what, limit: limits::LABEL_BYTES_MAX }) }
}

/// A post with its number, as it is told.
pub fn view((number, post): (u64, Post)) -> PostView {
    PostView {
        number,
        kind: post.kind,
        author: post.author,
        title: post.title,
        text: post.text,
        proposal: post.proposal,
        published_at_ms: post.published_at_ms,
    }
}

impl Post {
    /// Checks the bounds of what is published, and that a proposal is one.
    ///
    /// # Errors
    /// [`BadRecord`].
    pub fn check(&self) -> Result<(), BadRecord> {
        let line = |text: &str, limit| (1..=limit).contains(&text.len()) && !text.chars().any(char::is_control);
        if !line(&self.title, limits::TITLE_BYTES_MAX) {
            return Err(BadRecord::BadText { what: "a post's title", limit: limits::TITLE_BYTES_MAX });
        }
        let printable = |c: char| !c.is_control() || c == '\n' || c == '\t';
        if self.text.len() > limits::TEXT_BYTES_MAX || !self.text.chars().all(printable) {
            return Err(BadRecord::BadText { what: "a post's text", limit: limits::TEXT_BYTES_MAX });
        }
        let Some(proposal) = &self.proposal else {
            return Ok(());
        };
        if proposal.0.len() > limits::POST_PROPOSAL_BYTES_MAX {
            return Err(BadRecord::LongProposal { limit: limits::POST_PROPOSAL_BYTES_MAX });
        }
        let read = Proposal::from_bytes(&proposal.0);
        read.map(|_| ()).map_err(|error| BadRecord::BadProposal { cause: error.to_string() })
    }
}

impl Relay {
    /// Checks the relay's key and label; the account by which it asks, which is that of its key.
    ///
    /// # Errors
    /// [`BadRecord`].
    pub fn check(&self) -> Result<AccountId, BadRecord> {
        check_label("a relay's label", &self.label)?;
        let usable = |key: &PublicKey| countersign_client::types::signature::check_key(key).is_ok();
        let key: Option<PublicKey> = self.key.parse().ok().filter(usable);
        key.as_ref().map(AccountId::of_key).ok_or_else(|| BadRecord::BadRelay { given: beginning(&self.key) })
    }
}

/// The account by which a relay asks, from its key `csk1…` or from the account itself, `csa1…`.
///
/// # Errors
/// [`BadRecord::BadRelay`].
pub fn relay_account(given: &str) -> Result<AccountId, BadRecord> {
    let key: Option<PublicKey> = given.parse().ok();
    let account = key.as_ref().map(AccountId::of_key).or_else(|| given.parse().ok());
    account.ok_or_else(|| BadRecord::BadRelay { given: beginning(given) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_named_short_or_in_full() {
        let site: Name = "harbor-hotel.example".parse().unwrap();
        let alice: Name = "alice@harbor-hotel.example".parse().unwrap();
        assert_eq!(user_name("alice", &site), Ok(alice.clone()));
        assert_eq!(user_name("alice@harbor-hotel.example", &site), Ok(alice));
        for wrong in ["", "Alice", "alice@city-books.example", "harbor-hotel.example@x", "@harbor-hotel.example"] {
            assert!(user_name(wrong, &site).is_err(), "{wrong}");
        }
    }

    #[test]
    fn records_read_what_was_written_before() {
        let user: User = serde_json::from_str(r#"{"registration":"0x01","added_at_ms":5}"#).unwrap();
        assert_eq!(user, User { registration: HexBytes(vec![1]), account: None, added_at_ms: 5 });
        let post = r#"{"kind":"offer","author":"a@b.example","title":"t","text":"","published_at_ms":5}"#;
        let post: Post = serde_json::from_str(post).unwrap();
        assert_eq!((post.kind, post.proposal.clone(), post.check()), (PostKind::Offer, None, Ok(())));
        let relay: Relay = serde_json::from_str(r#"{"key":"csk1","label":"","granted_at_ms":5}"#).unwrap();
        assert_eq!(relay.check(), Err(BadRecord::BadRelay { given: "csk1".into() }));
    }

    #[test]
    fn a_relay_is_known_by_its_key() {
        let key = countersign_client::types::signature::public_key(&[7; 32]);
        let account = AccountId::of_key(&key);
        let relay = Relay { key: key.to_string(), label: String::new(), granted_at_ms: 1 };
        assert_eq!(relay.check(), Ok(account));
        assert_eq!(relay_account(&key.to_string()), Ok(account));
        assert_eq!(relay_account(&account.to_string()), Ok(account));
        for wrong in ["", "csk1", "harbor-bank.example"] {
            assert!(relay_account(wrong).is_err() && Relay { key: wrong.into(), ..relay.clone() }.check().is_err());
        }
        // Anybody can sign for a key of small order.
        assert!(Relay { key: PublicKey([0; 32]).to_string(), ..relay }.check().is_err());
    }

    #[test]
    fn posts_are_bounded() {
        let post = Post {
            kind: PostKind::Notice,
            author: "harbor-hotel.example".into(),
            title: "Open".into(),
            text: "Line one\nline two".into(),
            proposal: None,
            published_at_ms: 1,
        };
        assert_eq!(post.check(), Ok(()));
        for title in ["", "two\nlines", "x".repeat(limits::TITLE_BYTES_MAX + 1).as_str()] {
            assert!(Post { title: title.into(), ..post.clone() }.check().is_err(), "{title}");
        }
        assert!(Post { text: "x".repeat(limits::TEXT_BYTES_MAX + 1), ..post.clone() }.check().is_err());
        assert!(Post { text: "\u{1b}[2J".into(), ..post.clone() }.check().is_err());
        let attached = Post { proposal: Some(HexBytes(b"CSP".to_vec())), ..post };
        assert!(matches!(attached.check(), Err(BadRecord::BadProposal { .. })));
    }
}
