//! Records of the ledger as wire types.
use super::Api;
use crate::chain::{Head, read};
use crate::index::Placed;
use countersign_rpc_types::*;
use countersign_state::{Snapshot, StateRead};
use countersign_types::transaction::TransactionId;
use countersign_types::{
    AccountId, Event, Hash, Interface, Member, ModuleName, PublicKey, Receipt, Site, Transaction, text,
};
use std::sync::Arc;

pub(super) fn block_hash(hash: &Hash) -> String {
    text::encode(text::BLOCK, &hash.0)
}

pub(super) fn transaction_id(id: &Hash) -> String {
    TransactionId(*id).to_string()
}

pub(super) fn head(api: &Api, head: &Head) -> ChainHead {
    ChainHead {
        chain: api.chain.id().to_string(),
        title: api.chain.genesis().title.to_string(),
        height: head.height().get(),
        hash: block_hash(&head.hash),
        time_ms: head.header.time.millis(),
        state_root: head.state.root().to_string(),
    }
}

impl Api {
    fn interface(&self, state: &Snapshot, module: &ModuleName) -> Option<Arc<Interface>> {
        self.interfaces.get(self.chain.executor(), state, module)
    }

    /// A receipt; `transaction` is the one it is about, if it is about one.
    pub(super) fn receipt(
        &self,
        state: &Snapshot,
        receipt: &Receipt,
        transaction: Option<&Transaction>,
    ) -> ReceiptView {
        ReceiptView::of(receipt, transaction, |module| self.interface(state, module))
    }

    pub(super) fn event(&self, state: &Snapshot, event: &Event) -> EventView {
        EventView::of(event, self.interface(state, &event.module).as_deref())
    }

    pub(super) fn placed(&self, state: &Snapshot, placed: &Placed, time_ms: u64) -> PlacedEvent {
        PlacedEvent {
            cursor: placed.cursor.to_string(),
            height: placed.cursor.height,
            time_ms,
            subject: subject_text(&placed.subject),
            event: self.event(state, &placed.event),
        }
    }

    /// `module.method` of each call, by today's interfaces.
    pub(super) fn calls(&self, state: &Snapshot, transaction: &Transaction) -> Vec<String> {
        let name = |call: &countersign_types::Call| {
            let interface = self.interface(state, &call.module);
            let method = interface.as_ref().and_then(|i| i.method(call.method)).map(|(_, method)| method.name.clone());
            format!("{}.{}", call.module, method.unwrap_or_else(|| format!("{:?}", call.method)))
        };
        transaction.calls.iter().map(name).collect()
    }
}

pub(super) fn balances(state: &dyn StateRead, id: &AccountId) -> Vec<BalanceView> {
    let known = |(asset, amount)| Some(BalanceView::of(&asset, amount, &read::asset(state, &asset)?));
    read::balances(state, id).into_iter().filter_map(known).collect()
}

pub(super) fn member(head: &Head, id: &AccountId, member: &Member) -> MemberView {
    let (council, used) = (read::council(&head.state), read::quota(&head.state, id));
    MemberView::of(id, member, council.as_ref(), used, &head.params, head.header.time)
}

pub(super) fn site(state: &dyn StateRead, id: &AccountId, member: &Member, site: &Site) -> SiteView {
    let relay = |key: &PublicKey| {
        let node = read::node(state, key);
        let run_by =
            node.as_ref().and_then(|node| read::member(state, &node.member).zip(read::account(state, &node.member)));
        RelayView::of(key, node.as_ref().zip(run_by.as_ref()).map(|(node, (member, account))| (node, member, account)))
    };
    SiteView::of(id, member, site, site.relays.iter().map(relay).collect())
}
