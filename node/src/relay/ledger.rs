//! The ledger as relays ask it: the newest executed block's state, in memory.
use crate::chain::{Chain, read};
use countersign_relay::{Ledger, SiteStanding};
use countersign_types::{Account, AccountId, Hash, Name, PublicKey, Status};
use std::sync::Arc;

/// The state after the newest block of a chain.
pub(super) struct NewestState(pub Arc<Chain>);

impl Ledger for NewestState {
    fn chain(&self) -> Hash {
        self.0.id()
    }

    fn site(&self, name: &Name) -> Option<SiteStanding> {
        let head = self.0.head();
        // What follows the @ of a name is a name.
        let member = read::name(&head.state, &name.site().parse().ok()?)?;
        read::member(&head.state, &member)?;
        let is_active = countersign_executor::is_active_member(&head.state, &member);
        let status = if is_active { Status::Active } else { Status::Suspended };
        Some(SiteStanding { member, status, site: countersign_executor::site(&head.state, &member) })
    }

    fn resolve(&self, name: &Name) -> Option<AccountId> {
        read::name(&self.0.head().state, name)
    }

    fn account(&self, id: &AccountId) -> Option<Account> {
        read::account(&self.0.head().state, id)
    }

    fn is_relay(&self, node: &PublicKey) -> bool {
        countersign_executor::is_relay(&self.0.head().state, node)
    }
}
