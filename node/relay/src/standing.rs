//! What the ledger says of a name now: whether this relay may relay for it, where its messages are kept, which account
//! it is.
use crate::{Ledger, SiteStanding};
use countersign_types::{AccountId, Name, PublicKey, Site, Status};

/// Why this relay does nothing for a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotRelayed {
    /// Its node is not admitted, or its member has not the role.
    #[error(
        "this node may not relay: on the ledger it is not an admitted node of an active member with the role `relay`"
    )]
    NotARelay,
    /// There is no such member.
    #[error("there is no member `{site}` on the ledger")]
    UnknownSite {
        /// The member.
        site: String,
    },
    /// The member is suspended.
    #[error("the member `{site}` is suspended")]
    SiteSuspended {
        /// The member.
        site: String,
    },
    /// The member has no site's entry.
    #[error("the member `{site}` has no site on the ledger; its operator sets it (`countersign member site set`)")]
    NoSite {
        /// The member.
        site: String,
    },
    /// The entry does not list this relay.
    #[error("`{site}` does not let this relay work for it; its site's entry lists those that may")]
    NotGranted {
        /// The member.
        site: String,
    },
    /// The entry has no address: the member has no users.
    #[error("`{site}` has no users: only the member itself logs in, by its key")]
    NoUsers {
        /// The member.
        site: String,
    },
}

impl NotRelayed {
    /// For programs; never changes its meaning.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotARelay => "not_a_relay",
            Self::UnknownSite { .. } => "unknown_site",
            Self::SiteSuspended { .. } => "site_suspended",
            Self::NoSite { .. } => "no_site",
            Self::NotGranted { .. } => "relay_not_granted",
            Self::NoUsers { .. } => "no_users",
        }
    }
}

/// Why a session acts for no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAccount {
    /// The name leads to no account.
    #[error("this name has no account on the ledger yet; enrol it first")]
    NotEnrolled,
    /// The account or its member is suspended.
    #[error("the account of this name is suspended")]
    Suspended,
    /// The account is signed for by other keys.
    #[error("the session's key does not sign for the account of this name; log in with its key")]
    OtherKey,
}

impl NoAccount {
    /// For programs; never changes its meaning.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotEnrolled => "not_enrolled",
            Self::Suspended => "suspended",
            Self::OtherKey => "other_key",
        }
    }
}

/// A member that is active and lets this relay work for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Merchant {
    /// Its name, `harbor-hotel.example`.
    pub name: Name,
    /// Its account.
    pub member: AccountId,
    /// Its site's entry.
    pub site: Site,
}

impl Merchant {
    /// The relay that keeps the messages to the member and its users.
    pub fn home(&self) -> Option<&PublicKey> {
        self.site.relays.first()
    }
}

/// The member of `name`, or at whose site it is, if `relay` may relay for it now.
///
/// # Errors
/// [`NotRelayed`], all but `NoUsers`.
pub(crate) fn merchant(ledger: &dyn Ledger, relay: &PublicKey, name: &Name) -> Result<Merchant, NotRelayed> {
    if !ledger.is_relay(relay) {
        return Err(NotRelayed::NotARelay);
    }
    let site = || name.site().to_owned();
    let member_name = || name.site().parse::<Name>().ok();
    let (Some(SiteStanding { member, status, site: entry }), Some(member_name)) = (ledger.site(name), member_name())
    else {
        return Err(NotRelayed::UnknownSite { site: site() });
    };
    if status != Status::Active {
        return Err(NotRelayed::SiteSuspended { site: site() });
    }
    let entry = entry.ok_or_else(|| NotRelayed::NoSite { site: site() })?;
    if !entry.relays.contains(relay) {
        return Err(NotRelayed::NotGranted { site: site() });
    }
    Ok(Merchant { name: member_name, member, site: entry })
}

/// The account that `name` at this merchant's site leads to now, if `key` signs for it.
///
/// # Errors
/// [`NoAccount`].
pub(crate) fn account(
    ledger: &dyn Ledger,
    merchant: &Merchant,
    name: &Name,
    key: &PublicKey,
) -> Result<AccountId, NoAccount> {
    let id = ledger.resolve(name).ok_or(NoAccount::NotEnrolled)?;
    let account = ledger.account(&id).ok_or(NoAccount::NotEnrolled)?;
    // The merchant was found active. An account that another member enrolled is not this site's user's.
    if account.member != merchant.member {
        return Err(NoAccount::NotEnrolled);
    }
    if account.status != Status::Active {
        return Err(NoAccount::Suspended);
    }
    let signs = account.authority.keys.iter().any(|(listed, _)| listed == key);
    if signs { Ok(id) } else { Err(NoAccount::OtherKey) }
}
