//! The trait of the relay, each method leading to the node's relay, if it has one.
use super::{Api, subscriptions};
use countersign_relay::Relay;
use countersign_rpc_types::relay::api::RelayRpcServer;
use countersign_rpc_types::relay::{
    Acknowledged, Acknowledgement, ContactsQuery, ENVELOPE_BYTES_MAX, Enrolment, INBOX_PAGE_BYTES_MAX, InboxPage,
    InboxQuery, MemberLogin, Nothing, Posted, Posting, PostsQuery, RelayInfo, RelayLoginFinish, RelaySession, SentPage,
    SentQuery, SessionAuth,
};
use countersign_rpc_types::site::{ContactsPage, Enrolled, LoginStart, LoginStarted, PostsPage};
use countersign_rpc_types::{REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, RpcFault};
use jsonrpsee::PendingSubscriptionSink;
use jsonrpsee::core::{RpcResult, SubscriptionResult, async_trait};
use std::sync::Arc;

/// Bytes of JSON around an envelope or a page of them: keys, a session's proof, numbers.
const AROUND_BYTES_MAX: usize = 64 * 1024;
// In hexadecimal, the largest message fits into a request, and the largest page into an answer.
const _: () = assert!(2 * ENVELOPE_BYTES_MAX + AROUND_BYTES_MAX <= REQUEST_BYTES_MAX as usize);
const _: () = assert!(2 * INBOX_PAGE_BYTES_MAX + AROUND_BYTES_MAX <= RESPONSE_BYTES_MAX as usize);

/// The server side of the relay's trait.
pub(super) struct RelayServer(pub Arc<Api>);

impl RelayServer {
    fn relay(&self) -> Result<&Arc<Relay>, RpcFault> {
        self.0.relay.relay()
    }
}

#[async_trait]
impl RelayRpcServer for RelayServer {
    async fn relay_info(&self) -> RpcResult<RelayInfo> {
        Ok(self.relay()?.info())
    }

    async fn relay_login_start(&self, start: LoginStart) -> RpcResult<LoginStarted> {
        Ok(self.relay()?.login_start(start).await?)
    }

    async fn relay_login_finish(&self, finish: RelayLoginFinish) -> RpcResult<RelaySession> {
        Ok(self.relay()?.login_finish(finish).await?)
    }

    async fn relay_member_login(&self, login: MemberLogin) -> RpcResult<RelaySession> {
        Ok(self.relay()?.member_login(login).await?)
    }

    async fn relay_session(&self, auth: SessionAuth, ask: Nothing) -> RpcResult<RelaySession> {
        Ok(self.relay()?.session(auth, ask).await?)
    }

    async fn relay_logout(&self, auth: SessionAuth, ask: Nothing) -> RpcResult<Nothing> {
        Ok(self.relay()?.logout(auth, ask).await?)
    }

    async fn relay_contacts(&self, auth: SessionAuth, ask: ContactsQuery) -> RpcResult<ContactsPage> {
        Ok(self.relay()?.contacts(auth, ask).await?)
    }

    async fn relay_posts(&self, auth: SessionAuth, ask: PostsQuery) -> RpcResult<PostsPage> {
        Ok(self.relay()?.posts(auth, ask).await?)
    }

    async fn relay_enrol(&self, auth: SessionAuth, ask: Enrolment) -> RpcResult<Enrolled> {
        Ok(self.relay()?.enrol(auth, ask).await?)
    }

    async fn relay_send(&self, auth: SessionAuth, ask: Posting) -> RpcResult<Posted> {
        Ok(self.relay()?.send(auth, ask).await?)
    }

    async fn relay_sent(&self, auth: SessionAuth, ask: SentQuery) -> RpcResult<SentPage> {
        Ok(self.relay()?.sent(auth, ask).await?)
    }

    async fn relay_inbox(&self, auth: SessionAuth, ask: InboxQuery) -> RpcResult<InboxPage> {
        Ok(self.relay()?.inbox(auth, ask).await?)
    }

    async fn relay_acknowledge(&self, auth: SessionAuth, ask: Acknowledgement) -> RpcResult<Acknowledged> {
        Ok(self.relay()?.acknowledge(auth, ask).await?)
    }

    async fn relay_subscribe(
        &self,
        pending: PendingSubscriptionSink,
        auth: SessionAuth,
        ask: Nothing,
    ) -> SubscriptionResult {
        let notices = match self.relay() {
            Ok(relay) => relay.subscribe(auth, ask).await,
            Err(fault) => Err(fault),
        };
        match notices {
            Ok(notices) => subscriptions::notices(&self.0, pending, notices).await,
            Err(fault) => {
                pending.reject(fault).await;
                Ok(())
            }
        }
    }
}
