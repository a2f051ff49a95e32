//! The methods as a table: what the OpenRPC document is made from. A test holds it to the trait.

/// How a method answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MethodKind {
    /// Once.
    Call,
    /// As often as something happens, until unsubscribed.
    Subscription {
        /// Name of the notifications.
        notification: &'static str,
        /// The method that ends it.
        unsubscribe: &'static str,
    },
}

/// A method's description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MethodDoc {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// How it answers.
    pub kind: MethodKind,
    /// Names and types of its parameters; a type ending in `?` may be left out.
    pub params: &'static [(&'static str, &'static str)],
    /// Type of its answer, or of each of its notifications: `string`, `integer`, `bytes`, a record's name, or `[…]` of one.
    pub result: &'static str,
}

const fn call(
    name: &'static str,
    params: &'static [(&'static str, &'static str)],
    result: &'static str,
    summary: &'static str,
) -> MethodDoc {
    MethodDoc { name, summary, kind: MethodKind::Call, params, result }
}

const PAGE: [(&str, &str); 2] = [("cursor", "string?"), ("limit", "integer?")];

/// What is asked in a relay's session.
const fn session(ask: &'static str) -> [(&'static str, &'static str); 2] {
    [("auth", "SessionAuth"), ("ask", ask)]
}

/// Every method of [`crate::CountersignRpcServer`], and of [`crate::relay::api::RelayRpcServer`].
pub const METHODS: &[MethodDoc] = &[
    call("chain_head", &[], "ChainHead", "The newest executed block."),
    call("chain_spec", &[], "bytes", "The encoded genesis."),
    call("chain_block", &[("height", "integer")], "bytes", "The encoded block at a height."),
    call("chain_header", &[("height", "integer")], "HeaderView", "A header with its certificate and validators."),
    call(
        "chain_validators",
        &[("after", "integer"), ("limit", "integer?")],
        "[HandoverView]",
        "The changes of the validators that headers above a height announce, oldest first.",
    ),
    call(
        "tx_submit",
        &[("transaction", "bytes")],
        "string",
        "Takes a signed transaction; answers its id once it waits.",
    ),
    call(
        "tx_submit_batch",
        &[("transactions", "[bytes]")],
        "[string]",
        "Takes several; each answer is an id or a refusal.",
    ),
    call("tx_status", &[("id", "string")], "TxStatus", "Where a transaction stands."),
    call("tx_proof", &[("id", "string")], "TxProofView", "A decided transaction with proofs of its place and receipt."),
    call("tx_simulate", &[("transaction", "bytes")], "SimulationView", "Tries a transaction, fully signed or not."),
    call("account_get", &[("account", "string")], "AccountView", "An account by id or name."),
    call(
        "account_history",
        &[("account", "string"), PAGE[0], PAGE[1]],
        "Page<HistoryEntry>",
        "Transactions an account is party of, newest first.",
    ),
    call("name_resolve", &[("name", "string")], "string", "The account of a member's, holder's or contract's name."),
    call("member_get", &[("member", "string")], "MemberView", "A member by id or name."),
    call("member_list", &PAGE, "Page<MemberView>", "All members, by id."),
    call("site_get", &[("member", "string")], "SiteView", "A member's site, and the nodes that it lets relay."),
    call("asset_get", &[("asset", "string")], "AssetView", "An asset by its symbol."),
    call("asset_list", &PAGE, "Page<AssetView>", "All assets, by symbol."),
    call(
        "balance_get",
        &[("account", "string"), ("asset", "string")],
        "BalanceView",
        "What an account holds of an asset.",
    ),
    call("contract_list", &[], "[ContractView]", "All contracts and native modules."),
    call("contract_interface", &[("module", "string")], "InterfaceView", "A module's interface."),
    call(
        "contract_query",
        &[("module", "string"), ("query", "string"), ("args", "bytes")],
        "bytes",
        "Runs a query of a contract on the newest state.",
    ),
    call(
        "state_proof",
        &[("key", "bytes"), ("height", "integer?")],
        "ProofView",
        "A raw state key with its proof, at a recent height or the newest.",
    ),
    call(
        "schedule_list",
        &[("module", "string?"), PAGE[0], PAGE[1]],
        "Page<JobView>",
        "Jobs that will run, soonest first; of one contract if named.",
    ),
    call(
        "events_history",
        &[("filter", "EventFilter"), PAGE[0], PAGE[1]],
        "Page<PlacedEvent>",
        "Events after a cursor, oldest first.",
    ),
    call("council_get", &[], "CouncilView", "Who governs, how many must sign, and the chain's parameters."),
    call("validator_list", &[], "[ValidatorView]", "The validators of the next block and those decided on."),
    call("node_list", &PAGE, "Page<NodeView>", "The nodes the council admitted or removed, by key."),
    call("evidence_list", &PAGE, "Page<EvidenceView>", "Recorded proofs that a validator contradicted itself."),
    call("node_status", &[], "NodeStatus", "The node's own state."),
    call("node_peers", &[], "[PeerView]", "The peers this node lists, and whether they are there."),
    call("consensus_explain", &[], "ConsensusExplanation", "Why the next block is not there yet, in words."),
    call("relay_info", &[], "RelayInfo", "Who the relay is."),
    call("relay_login_start", &[("start", "LoginStart")], "LoginStarted", "Begins a user's log-in at its site."),
    call("relay_login_finish", &[("finish", "RelayLoginFinish")], "RelaySession", "Ends it with a session."),
    call("relay_member_login", &[("login", "MemberLogin")], "RelaySession", "A session for a member's own account."),
    call("relay_session", &session("Nothing"), "RelaySession", "Whose a session is, and until when."),
    call("relay_logout", &session("Nothing"), "Nothing", "Ends a session, here and at the site."),
    call("relay_contacts", &session("ContactsQuery"), "ContactsPage", "The contacts of the session's user."),
    call("relay_posts", &session("PostsQuery"), "PostsPage", "What the site's users have published."),
    call("relay_enrol", &session("Enrolment"), "Enrolled", "Lets the site sign the user's enrolment."),
    call("relay_send", &session("Posting"), "Posted", "Hands a message in; answers when it is on disk."),
    call("relay_sent", &session("SentQuery"), "SentPage", "What became of messages that were sent."),
    call("relay_inbox", &session("InboxQuery"), "InboxPage", "Messages that wait for the session's account."),
    call("relay_acknowledge", &session("Acknowledgement"), "Acknowledged", "Lets the relay forget messages."),
    MethodDoc {
        name: "blocks_subscribe",
        summary: "Every block from now on.",
        kind: MethodKind::Subscription { notification: "blocks", unsubscribe: "blocks_unsubscribe" },
        params: &[],
        result: "BlockNotice",
    },
    MethodDoc {
        name: "events_subscribe",
        summary: "Events after a cursor, or from now on, without a gap between history and live.",
        kind: MethodKind::Subscription { notification: "events", unsubscribe: "events_unsubscribe" },
        params: &[("filter", "EventFilter"), ("cursor", "string?")],
        result: "PlacedEvent",
    },
    MethodDoc {
        name: "tx_watch",
        summary: "The status of a transaction now and at each change, until it is final.",
        kind: MethodKind::Subscription { notification: "tx", unsubscribe: "tx_unwatch" },
        params: &[("id", "string")],
        result: "TxStatus",
    },
    MethodDoc {
        name: "relay_subscribe",
        summary: "New posts and messages, until the session ends.",
        kind: MethodKind::Subscription { notification: "relay", unsubscribe: "relay_unsubscribe" },
        params: &session("Nothing"),
        result: "RelayNotice",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The names in an attribute of the trait's methods.
    fn in_trait(attribute: &str) -> BTreeSet<&'static str> {
        let sources = [include_str!("api.rs"), include_str!("relay/api.rs")];
        let in_source =
            |source: &'static str| source.split(attribute).skip(1).filter_map(|rest| rest.split('"').nth(1));
        sources.into_iter().flat_map(in_source).collect()
    }

    #[test]
    fn the_table_lists_the_methods_of_the_trait() {
        let of = |is_call: bool| METHODS.iter().filter(move |doc| (doc.kind == MethodKind::Call) == is_call);
        assert_eq!(of(true).map(|doc| doc.name).collect::<BTreeSet<_>>(), in_trait("#[method(name ="));
        assert_eq!(of(false).map(|doc| doc.name).collect::<BTreeSet<_>>(), in_trait("#[subscription(name ="));
    }
}
