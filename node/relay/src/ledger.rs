//! What the relay asks of the ledger, always at the newest block.
use countersign_types::{Account, AccountId, Hash, Name, PublicKey, Site, Status};

/// A member and its site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SiteStanding {
    /// The member's account.
    pub member: AccountId,
    /// Suspended if the member or its account is.
    pub status: Status,
    /// Its site's entry; `None` until it has one.
    pub site: Option<Site>,
}

/// The newest state of the ledger.
pub trait Ledger: Send + Sync + 'static {
    /// The chain's id.
    fn chain(&self) -> Hash;
    /// The member of this name, `harbor-hotel.example`; of a user's name, the member at whose site it is.
    fn site(&self, name: &Name) -> Option<SiteStanding>;
    /// The account a name resolves to.
    fn resolve(&self, name: &Name) -> Option<AccountId>;
    /// An account's record.
    fn account(&self, id: &AccountId) -> Option<Account>;
    /// True for an admitted node of an active member that has the role `relay`.
    fn is_relay(&self, node: &PublicKey) -> bool;
}
