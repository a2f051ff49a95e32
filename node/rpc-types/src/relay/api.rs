//! The relay's methods, served by nodes whose operator has turned it on.
use super::*;
use crate::site::{ContactsPage, Enrolled, LoginStart, LoginStarted, PostsPage};
#[cfg(feature = "server")]
use jsonrpsee::core::{RpcResult, SubscriptionResult};
use jsonrpsee::proc_macros::rpc;

/// The relay's methods.
#[cfg_attr(all(feature = "server", feature = "client"), rpc(server, client))]
#[cfg_attr(all(feature = "server", not(feature = "client")), rpc(server))]
#[cfg_attr(all(feature = "client", not(feature = "server")), rpc(client))]
pub trait RelayRpc {
    /// Who the relay is.
    #[method(name = "relay_info")]
    async fn relay_info(&self) -> RpcResult<RelayInfo>;

    /// Begins the log-in of a user of a site that grants this relay.
    #[method(name = "relay_login_start")]
    async fn relay_login_start(&self, start: LoginStart) -> RpcResult<LoginStarted>;

    /// Ends it: a session, if the site says that the password was right.
    #[method(name = "relay_login_finish")]
    async fn relay_login_finish(&self, finish: RelayLoginFinish) -> RpcResult<RelaySession>;

    /// Opens a session for a member's own account.
    #[method(name = "relay_member_login")]
    async fn relay_member_login(&self, login: MemberLogin) -> RpcResult<RelaySession>;

    /// Whose a session is now, and until when.
    #[method(name = "relay_session")]
    async fn relay_session(&self, auth: SessionAuth, ask: Nothing) -> RpcResult<RelaySession>;

    /// Ends a session, here and at the site.
    #[method(name = "relay_logout")]
    async fn relay_logout(&self, auth: SessionAuth, ask: Nothing) -> RpcResult<Nothing>;

    /// The contacts of the session's user, from the site.
    #[method(name = "relay_contacts")]
    async fn relay_contacts(&self, auth: SessionAuth, ask: ContactsQuery) -> RpcResult<ContactsPage>;

    /// What the site's users have published.
    #[method(name = "relay_posts")]
    async fn relay_posts(&self, auth: SessionAuth, ask: PostsQuery) -> RpcResult<PostsPage>;

    /// Lets the site sign the enrolment of the session's user.
    #[method(name = "relay_enrol")]
    async fn relay_enrol(&self, auth: SessionAuth, ask: Enrolment) -> RpcResult<Enrolled>;

    /// Hands a message in; answers when it is on this relay's disk.
    #[method(name = "relay_send")]
    async fn relay_send(&self, auth: SessionAuth, ask: Posting) -> RpcResult<Posted>;

    /// What became of messages the session's account has sent.
    #[method(name = "relay_sent")]
    async fn relay_sent(&self, auth: SessionAuth, ask: SentQuery) -> RpcResult<SentPage>;

    /// Messages that wait for the session's account.
    #[method(name = "relay_inbox")]
    async fn relay_inbox(&self, auth: SessionAuth, ask: InboxQuery) -> RpcResult<InboxPage>;

    /// Lets the relay forget messages that the wallet has on disk.
    #[method(name = "relay_acknowledge")]
    async fn relay_acknowledge(&self, auth: SessionAuth, ask: Acknowledgement) -> RpcResult<Acknowledged>;

    /// New posts and messages, until the session ends.
    #[subscription(name = "relay_subscribe" => "relay", unsubscribe = "relay_unsubscribe", item = RelayNotice)]
    async fn relay_subscribe(&self, auth: SessionAuth, ask: Nothing) -> SubscriptionResult;
}
