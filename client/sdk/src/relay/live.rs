//! A session with the key that signs its requests.
use super::{NoticeStream, RelayClient, RelayError, next_count};
use crate::messaging::session::StoredSession;
use crate::rpc::ClientError;
use crate::rpc_types::relay::api::RelayRpcClient;
use crate::rpc_types::relay::{
    Acknowledged, Acknowledgement, ContactsQuery, Enrolment, Envelope, InboxPage, InboxQuery, Nothing, Posted, Posting,
    PostsQuery, RelayNotice, RelaySession, SentPage, SentQuery, SessionAuth, request_digest,
};
use crate::rpc_types::site::{ContactsPage, PostsPage};
use crate::rpc_types::{ErrorCode, HexBytes};
use crate::signer::{Signer, SignerError};
use crate::types::text::{MESSAGE, encode};
use crate::types::{Proposal, PublicKey};
use jsonrpsee::core::ClientError as WireError;
use jsonrpsee::core::client::Subscription;
use jsonrpsee::ws_client::WsClient;
use parity_scale_codec::Encode;
use std::future::Future;
use std::sync::Arc;

/// A session that can be used: what is known of it, and who signs.
#[derive(Clone)]
pub struct LiveSession<'a> {
    relay: RelayClient,
    session: StoredSession,
    signer: &'a dyn Signer,
}

impl std::fmt::Debug for LiveSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.session.fmt(f)
    }
}

impl<'a> LiveSession<'a> {
    /// The session at a relay, with the signer of its key.
    pub fn new(relay: RelayClient, session: StoredSession, signer: &'a dyn Signer) -> Self {
        Self { relay, session, signer }
    }

    /// What the wallet keeps of it.
    pub fn stored(&self) -> &StoredSession {
        &self.session
    }

    /// Who signs its requests.
    pub fn signer(&self) -> &'a dyn Signer {
        self.signer
    }

    async fn ask<A, T, F>(
        &self,
        method: &'static str,
        ask: A,
        run: impl Fn(Arc<WsClient>, SessionAuth, A) -> F,
    ) -> Result<T, RelayError>
    where
        A: Encode + Clone,
        F: Future<Output = Result<T, WireError>>,
    {
        let StoredSession { relay, token, .. } = &self.session;
        let sign = || -> Result<SessionAuth, SignerError> {
            let count = next_count();
            let signature = self.signer.try_sign(&request_digest(relay, token, count, method, &ask).0)?;
            Ok(SessionAuth { session: *token, count, signature: HexBytes(signature.0.to_vec()) })
        };
        let answer = self.relay.signed(method, sign, |client, auth| run(client, auth, ask.clone())).await;
        answer.map_err(|error| self.explain(error))
    }

    fn explain(&self, error: RelayError) -> RelayError {
        let user = self.session.user.clone();
        match error {
            RelayError::Client(ClientError::Refused(refusal)) => match refusal.code {
                Some(ErrorCode::SessionEnded) => RelayError::SessionEnded { user },
                Some(ErrorCode::MessageRefused) => match refusal.data.as_ref().and_then(home_in) {
                    Some(home) if home != self.session.relay => RelayError::OtherHome { user, home },
                    _ => ClientError::Refused(refusal).into(),
                },
                _ => ClientError::Refused(refusal).into(),
            },
            other => other,
        }
    }

    /// Whose the session is now, and until when.
    ///
    /// # Errors
    /// [`RelayError`], as for every method here.
    pub async fn session(&self) -> Result<RelaySession, RelayError> {
        self.ask("relay_session", Nothing {}, |c, auth, ask| async move { c.relay_session(auth, ask).await }).await
    }

    /// Ends the session, at the relay and at the site.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn logout(&self) -> Result<(), RelayError> {
        let run = |c: Arc<WsClient>, auth, ask| async move { c.relay_logout(auth, ask).await };
        self.ask("relay_logout", Nothing {}, run).await.map(|Nothing {}| ())
    }

    /// The contacts of the session's user, from the site.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn contacts(&self, query: ContactsQuery) -> Result<ContactsPage, RelayError> {
        self.ask("relay_contacts", query, |c, auth, ask| async move { c.relay_contacts(auth, ask).await }).await
    }

    /// What the site's users have published.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn posts(&self, query: PostsQuery) -> Result<PostsPage, RelayError> {
        self.ask("relay_posts", query, |c, auth, ask| async move { c.relay_posts(auth, ask).await }).await
    }

    /// The enrolment with the site's signature. It is the proposal that was given, with one signature more; anything
    /// else is an error.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn enrol(&self, proposal: &Proposal) -> Result<Proposal, RelayError> {
        const METHOD: &str = "relay_enrol";
        let ask = Enrolment { proposal: HexBytes(proposal.to_bytes()) };
        let answer = self.ask(METHOD, ask, |c, auth, ask| async move { c.relay_enrol(auth, ask).await }).await?;
        let bad = |cause: String| ClientError::BadAnswer { method: METHOD, cause };
        let signed = Proposal::from_bytes(&answer.proposal.0).map_err(|error| bad(error.to_string()))?;
        if signed.subject() != proposal.subject() {
            return Err(bad("the site signed something else than it was asked to".into()).into());
        }
        if !signed.missing().is_empty() {
            return Err(bad("a signature is still missing".into()).into());
        }
        Ok(signed)
    }

    /// Hands a message in. When this returns, it is on the relay's disk; handing the same envelope in again changes
    /// nothing.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn send(&self, envelope: &Envelope) -> Result<Posted, RelayError> {
        const METHOD: &str = "relay_send";
        let ask = Posting { envelope: HexBytes(envelope.encode()) };
        let posted = self.ask(METHOD, ask, |c, auth, ask| async move { c.relay_send(auth, ask).await }).await?;
        let id = encode(MESSAGE, &envelope.id().0);
        if posted.id == id {
            return Ok(posted);
        }
        let called: String = posted.id.chars().take(80).collect();
        Err(ClientError::BadAnswer {
            method: METHOD,
            cause: format!("the relay calls the message {called}, it is {id}"),
        }
        .into())
    }

    /// What became of messages that the account has sent.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn sent(&self, query: SentQuery) -> Result<SentPage, RelayError> {
        self.ask("relay_sent", query, |c, auth, ask| async move { c.relay_sent(auth, ask).await }).await
    }

    /// Messages that wait for the account, still sealed. [`crate::messaging::inbox::fetch`] does what is to be done
    /// with them.
    ///
    /// # Errors
    /// [`RelayError`]; [`RelayError::OtherHome`] if another relay keeps them.
    pub async fn inbox(&self, query: InboxQuery) -> Result<InboxPage, RelayError> {
        self.ask("relay_inbox", query, |c, auth, ask| async move { c.relay_inbox(auth, ask).await }).await
    }

    /// Lets the relay forget messages up to a number: they are on this wallet's disk.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn acknowledge(&self, up_to: u64) -> Result<Acknowledged, RelayError> {
        let run = |c: Arc<WsClient>, auth, ask| async move { c.relay_acknowledge(auth, ask).await };
        self.ask("relay_acknowledge", Acknowledgement { up_to }, run).await
    }

    /// What happens from now on: new messages and posts, until the session ends. Connects with the first look.
    pub fn notices(&self) -> NoticeStream<'a> {
        NoticeStream::new(self.clone())
    }

    pub(super) async fn subscribe(&self) -> Result<Subscription<RelayNotice>, RelayError> {
        let run = |c: Arc<WsClient>, auth, ask| async move { c.relay_subscribe(auth, ask).await };
        self.ask("relay_subscribe", Nothing {}, run).await
    }
}

/// The home relay's key in a refusal's data: the text itself, or a field of it.
fn home_in(data: &serde_json::Value) -> Option<PublicKey> {
    let key = |value: &serde_json::Value| value.as_str()?.parse().ok();
    key(data).or_else(|| data.as_object()?.values().find_map(key))
}
