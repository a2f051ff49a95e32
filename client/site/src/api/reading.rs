//! What a logged-in user's relay reads and has signed: contacts, posts, the enrolment. Whose they are follows from the session only.
use super::{Answer, Api, Refusal, busy, page_size, to_json};
use crate::record::view;
use crate::store::{Page, StoreError};
use countersign_client::clock;
use countersign_client::rpc_types::HexBytes;
use countersign_client::rpc_types::site::{
    CONTACTS_PAGE_MAX, ContactView, ContactsAsk, ContactsPage, EnrolAsk, Enrolled, POSTS_PAGE_MAX, PostsAsk, PostsPage,
    SiteFault, WAIT_MS_MAX,
};
use countersign_client::types::{AccountId, limits};
use std::time::Duration;
use tokio::time::sleep;

impl Api {
    pub(super) fn contacts(&self, relay: AccountId, asked: &ContactsAsk, now_ms: u64) -> Answer {
        let limit = page_size(asked.limit, CONTACTS_PAGE_MAX)?;
        let after = asked.after.as_deref().unwrap_or_default();
        if after.len() > limits::NAME_BYTES_MAX {
            return Err(Refusal::new(SiteFault::BadRequest, "`after` is the name of a contact"));
        }
        let (session, _) = self.open_session(&asked.session, &relay, now_ms)?;
        let mut found = self.store.contacts(&session.user, after, limit + 1)?;
        let is_last = found.len() <= limit;
        found.truncate(limit);
        let contacts: Vec<_> =
            found.into_iter().map(|(name, contact)| ContactView { name, label: contact.label }).collect();
        let next = contacts.last().filter(|_| !is_last).map(|contact| contact.name.clone());
        Ok(to_json(&ContactsPage { contacts, next }))
    }

    pub(super) async fn posts(&self, relay: AccountId, asked: &PostsAsk, now_ms: u64) -> Answer {
        let limit = page_size(asked.limit, POSTS_PAGE_MAX)?;
        if asked.wait_ms > WAIT_MS_MAX {
            return Err(Refusal::new(SiteFault::BadRequest, format!("`wait_ms` is at most {WAIT_MS_MAX}")));
        }
        self.open_session(&asked.session, &relay, now_ms)?;
        let mut page = self.store.posts(asked.after, limit)?;
        if page.posts.is_empty() && asked.wait_ms > 0 {
            page = self.wait_for_posts(asked.after, limit, Duration::from_millis(asked.wait_ms)).await?;
            // The session may have ended in the meantime.
            self.open_session(&asked.session, &relay, clock::now().millis())?;
        }
        let next = page.posts.last().map_or(asked.after, |(number, _)| *number);
        let more = page.more;
        Ok(to_json(&PostsPage { posts: page.posts.into_iter().map(view).collect(), next, more }))
    }

    /// The first posts after `after`, or an empty page when the time is over or the server stops.
    async fn wait_for_posts(&self, after: u64, limit: usize, wait: Duration) -> Result<Page, Refusal> {
        let _place = self.waiting.try_acquire().map_err(|_| busy("waiting requests"))?;
        let mut published = self.published.subscribe();
        let mut stopped = std::pin::pin!(self.stopped());
        let mut late = std::pin::pin!(sleep(wait));
        loop {
            // Marked as seen before the database is read: what is published after that ends the wait.
            published.borrow_and_update();
            let page = self.store.posts(after, limit)?;
            if !page.posts.is_empty() {
                return Ok(page);
            }
            tokio::select! {
                changed = published.changed() => if changed.is_err() { return Ok(page) },
                () = late.as_mut() => return Ok(page),
                () = stopped.as_mut() => return Ok(page),
            }
        }
    }

    pub(super) fn enrol(&self, relay: AccountId, asked: &EnrolAsk, now_ms: u64) -> Answer {
        let (session, _) = self.open_session(&asked.session, &relay, now_ms)?;
        let unavailable = "this site signs no enrolments; its operator sets up [enrol] in site.toml";
        let enroller = self.enroller.as_ref();
        let enroller = enroller.ok_or_else(|| Refusal::new(SiteFault::EnrolUnavailable, unavailable))?;
        let refused = |error: crate::enrol::EnrolRefused| Refusal::new(SiteFault::EnrolRefused, error.to_string());
        let proposal = enroller.check(&asked.proposal.0, &session.user, &session.key, now_ms).map_err(refused)?;
        // Bound before it is signed: a name is never signed for two accounts, whenever the process ends.
        match self.store.bind(&session.user, &AccountId::of_key(&session.key)) {
            Ok(()) => {}
            Err(error @ StoreError::Bound { .. }) => {
                return Err(Refusal::new(SiteFault::AccountBound, error.to_string()));
            }
            Err(other) => return Err(other.into()),
        }
        let proposal = enroller.sign(proposal).map_err(|error| {
            tracing::error!(%error, "the enrolment was not signed");
            Refusal::new(SiteFault::Internal, "the site cannot sign now; its log says why")
        })?;
        tracing::info!(user = %session.user, "enrolment signed");
        Ok(to_json(&Enrolled { proposal: HexBytes(proposal.to_bytes()) }))
    }
}
