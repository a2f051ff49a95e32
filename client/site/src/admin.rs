//! What an operator does with a site's database: commands and their outcomes. A command runs on the database itself, or, while the
//! server has it, in the server, which it reaches by a socket only the owner of the folder can use.
pub mod socket;

use crate::limits;
use crate::opaque::{BadMessage, check_registration};
use crate::record::{BadRecord, Contact, Post, Relay, User, ledger_name, relay_account, user_name};
use crate::store::{Store, StoreError};
use countersign_client::rpc_types::HexBytes;
use countersign_client::rpc_types::site::{PostKind, PostView};
use serde::{Deserialize, Serialize};

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Add users, all or none.
    UserAdd {
        /// At most [`limits::REGISTRATIONS_MAX`].
        users: Vec<NewUser>,
    },
    /// Give a user another password.
    UserSetPassword(NewUser),
    /// Remove a user with its contacts.
    UserRemove {
        /// The user.
        user: String,
    },
    /// Free a user's name of the account enrolled under it.
    UserUnbind {
        /// The user.
        user: String,
    },
    /// A page of the users.
    UserList {
        /// The last name of the page before.
        after: String,
    },
    /// Add a contact of a user, or rename it.
    ContactPut {
        /// The user.
        user: String,
        /// The contact's name on the ledger.
        name: String,
        /// What the user calls them.
        label: String,
    },
    /// Remove a contact of a user.
    ContactRemove {
        /// The user.
        user: String,
        /// The contact's name.
        name: String,
    },
    /// A page of a user's contacts.
    ContactList {
        /// The user.
        user: String,
        /// The last name of the page before.
        after: String,
    },
    /// Publish a post.
    PostAdd {
        /// Offer or notice.
        kind: PostKind,
        /// A user; the site if absent.
        author: Option<String>,
        /// One line.
        title: String,
        /// The text.
        text: String,
        /// A proposal's file.
        proposal: Option<HexBytes>,
    },
    /// Remove a post.
    PostRemove {
        /// Its number.
        number: u64,
    },
    /// A page of the posts.
    PostList {
        /// The last number of the page before.
        after: u64,
    },
    /// Grant a relay, or replace what it is called.
    RelayGrant {
        /// Its key, `csk1…`: the network key of its node.
        key: String,
        /// What the operator calls it.
        label: String,
    },
    /// Revoke a relay.
    RelayRevoke {
        /// Its key, or the account by which it asks.
        relay: String,
    },
    /// The relays granted.
    RelayList,
    /// Whether it answers.
    Status,
}

/// A user with what is kept of the password. The password itself stays in the program it was given to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewUser {
    /// `alice` or `alice@site`.
    pub user: String,
    /// OPAQUE's registration.
    pub registration: HexBytes,
}

/// What came of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is done, and on disk.
    Done,
    /// A post was published.
    Published {
        /// Its number.
        number: u64,
    },
    /// Users.
    Users {
        /// In the order of their names.
        users: Vec<UserLine>,
        /// What to give as `after` for the next page.
        next: Option<String>,
    },
    /// Contacts.
    Contacts {
        /// In the order of their names.
        contacts: Vec<ContactLine>,
        /// What to give as `after` for the next page.
        next: Option<String>,
    },
    /// Posts.
    Posts {
        /// In the order of their numbers.
        posts: Vec<PostView>,
        /// What to give as `after` for the next page.
        next: Option<u64>,
    },
    /// Relays.
    Relays {
        /// In the order of the accounts by which they ask.
        relays: Vec<RelayLine>,
    },
    /// It answers.
    Status {
        /// The site.
        site: String,
        /// Number of the last post.
        last_post: u64,
        /// Number of relays granted.
        relays: usize,
    },
}

/// A user, as listed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserLine {
    /// The name.
    pub user: String,
    /// The account enrolled under it.
    pub account: Option<String>,
    /// Since when, milliseconds since the Unix epoch.
    pub added_at_ms: u64,
}

/// A contact, as listed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContactLine {
    /// The name on the ledger.
    pub name: String,
    /// What the user calls them.
    pub label: String,
}

/// A relay, as listed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RelayLine {
    /// The account by which it asks: that of its key.
    pub relay: String,
    /// Its key, what it is called, since when.
    #[serde(flatten)]
    pub record: Relay,
}

/// Why a command had no effect, with a word for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refused {
    /// `bad_input`, `exists`, `not_found`, `bound`, `full` or `database`.
    pub kind: String,
    /// For people.
    pub message: String,
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::BadRecord(_) => "bad_input",
            StoreError::Exists { .. } => "exists",
            StoreError::NotFound { .. } => "not_found",
            StoreError::Bound { .. } => "bound",
            StoreError::Full { .. } => "full",
            StoreError::InUse
            | StoreError::OtherSite { .. }
            | StoreError::ForeignFormat { .. }
            | StoreError::Damaged { .. }
            | StoreError::Database(_) => "database",
        };
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self { kind: kind.into(), message: format!("{error}{cause}") }
    }
}

impl From<BadRecord> for Refused {
    fn from(bad: BadRecord) -> Self {
        StoreError::from(bad).into()
    }
}

impl From<BadMessage> for Refused {
    fn from(bad: BadMessage) -> Self {
        Self { kind: "bad_input".into(), message: bad.to_string() }
    }
}

fn page<T>(mut found: Vec<T>) -> (Vec<T>, bool) {
    let more = found.len() > limits::LIST_PAGE_MAX;
    found.truncate(limits::LIST_PAGE_MAX);
    (found, more)
}

/// Does it.
///
/// # Errors
/// [`Refused`]; nothing has changed.
pub fn execute(store: &Store, command: Command, now_ms: u64) -> Result<Outcome, Refused> {
    let user = |given: &str| user_name(given, store.site());
    match command {
        Command::UserAdd { users } => add_users(store, users, now_ms)?,
        Command::UserSetPassword(new) => {
            check_registration(&new.registration.0)?;
            store.set_registration(&user(&new.user)?, new.registration.0)?;
        }
        Command::UserRemove { user: given } => store.remove_user(&user(&given)?)?,
        Command::UserUnbind { user: given } => store.unbind(&user(&given)?)?,
        Command::ContactPut { user: owner, name, label } => {
            store.put_contact(&user(&owner)?, &ledger_name(&name)?, &label)?;
        }
        Command::ContactRemove { user: owner, name } => store.remove_contact(&user(&owner)?, &ledger_name(&name)?)?,
        Command::PostRemove { number } => store.remove_post(number)?,
        Command::RelayGrant { key, label } => store.grant(&Relay { key, label, granted_at_ms: now_ms })?,
        Command::RelayRevoke { relay } => store.revoke(&relay_account(&relay)?)?,
        Command::PostAdd { kind, author, title, text, proposal } => {
            let author = author.map_or(Ok(store.site().clone()), |author| user(&author))?.to_string();
            let number = store.add_post(&Post { kind, author, title, text, proposal, published_at_ms: now_ms })?;
            return Ok(Outcome::Published { number });
        }
        Command::UserList { .. }
        | Command::ContactList { .. }
        | Command::PostList { .. }
        | Command::RelayList
        | Command::Status => return list(store, command),
    }
    Ok(Outcome::Done)
}

fn add_users(store: &Store, users: Vec<NewUser>, now_ms: u64) -> Result<(), Refused> {
    if users.len() > limits::REGISTRATIONS_MAX {
        let limit = limits::REGISTRATIONS_MAX as u64;
        return Err(StoreError::Full { what: "users in one command", limit }.into());
    }
    let checked = |new: NewUser| -> Result<_, Refused> {
        check_registration(&new.registration.0)?;
        Ok((user_name(&new.user, store.site())?, new.registration.0))
    };
    let users = users.into_iter().map(checked).collect::<Result<Vec<_>, _>>()?;
    Ok(store.add_users(&users, now_ms)?)
}

fn list(store: &Store, command: Command) -> Result<Outcome, Refused> {
    let asked = limits::LIST_PAGE_MAX + 1;
    Ok(match command {
        Command::UserList { after } => {
            let (found, more) = page(store.users(&after, asked)?);
            let line = |(user, User { account, added_at_ms, .. })| UserLine { user, account, added_at_ms };
            let users: Vec<_> = found.into_iter().map(line).collect();
            let next = users.last().filter(|_| more).map(|last| last.user.clone());
            Outcome::Users { users, next }
        }
        Command::ContactList { user, after } => {
            let owner = user_name(&user, store.site())?;
            if store.user(&owner)?.is_none() {
                return Err(StoreError::NotFound { what: "user", name: owner.to_string() }.into());
            }
            let (found, more) = page(store.contacts(&owner, &after, asked)?);
            let line = |(name, Contact { label })| ContactLine { name, label };
            let contacts: Vec<_> = found.into_iter().map(line).collect();
            let next = contacts.last().filter(|_| more).map(|last| last.name.clone());
            Outcome::Contacts { contacts, next }
        }
        Command::PostList { after } => {
            let page = store.posts(after, limits::LIST_PAGE_MAX)?;
            let posts: Vec<PostView> = page.posts.into_iter().map(crate::record::view).collect();
            let next = posts.last().filter(|_| page.more).map(|last| last.number);
            Outcome::Posts { posts, next }
        }
        Command::RelayList => {
            let line = |(relay, record)| RelayLine { relay, record };
            Outcome::Relays { relays: store.relays()?.into_iter().map(line).collect() }
        }
        _ => {
            let (site, relays) = (store.site().to_string(), store.relays()?.len());
            Outcome::Status { site, last_post: store.last_post()?, relays }
        }
    })
}
