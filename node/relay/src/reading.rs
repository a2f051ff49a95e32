//! What a session's user reads at its site and has signed there: contacts, posts, the enrolment. Whose they are follows
//! from the site's token, which is bound to the session: a user can ask for nobody else's.
#[cfg(test)]
mod tests;

use crate::fault::RelayFault;
use crate::relay::Relay;
use crate::sessions::{Asked, SiteToken};
use crate::site::SiteError;
use crate::standing::Merchant;
use countersign_rpc_types::relay::{ContactsQuery, Enrolment, Nothing, PostsQuery, SessionAuth};
use countersign_rpc_types::site::{
    CONTACTS, CONTACTS_PAGE_MAX, ContactsAsk, ContactsPage, ENROL, EnrolAsk, Enrolled, LOGOUT, LoggedOut,
    POSTS_PAGE_MAX, PostsAsk, PostsPage, SessionAsk, SessionToken, SiteFault,
};
use countersign_types::limits::NAME_BYTES_MAX;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A page's size, within its bound.
fn check_limit(limit: Option<u32>, most: u32, rule: &'static str) -> Result<(), RelayFault> {
    if (1..=most).contains(&limit.unwrap_or(most)) {
        Ok(())
    } else {
        Err(RelayFault::BadField { field: "limit", rule })
    }
}

/// The token of the site's session; a member's own session has none.
pub(crate) fn token_of(asked: &Asked) -> Result<SessionToken, RelayFault> {
    let token: &SiteToken = asked.site_token.as_ref().ok_or(RelayFault::NoSiteSession)?;
    Ok(SessionToken(**token))
}

impl Relay {
    /// Asks the site in a session. If it has ended there, it ends here.
    async fn ask_in<A: DeserializeOwned>(
        &self,
        asked: &Asked,
        merchant: &Merchant,
        path: &'static str,
        ask: &impl Serialize,
    ) -> Result<A, RelayFault> {
        let answer = self.sites.ask(merchant, path, ask).await;
        self.heard(asked, answer).await
    }

    async fn heard<A>(&self, asked: &Asked, answer: Result<A, SiteError>) -> Result<A, RelayFault> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let fault = RelayFault::of_site(asked.session.user.site(), error);
                if matches!(fault, RelayFault::SessionEnded) {
                    self.sessions.end(&asked.session.id).await?;
                }
                Err(fault)
            }
        }
    }

    pub(crate) async fn end_session(&self, auth: SessionAuth, ask: Nothing) -> Result<Nothing, RelayFault> {
        let asked = self.sessions.accept(&auth, "relay_logout", &ask).await?;
        self.sessions.end(&asked.session.id).await?;
        // Here it is over. The site is told if it can be; there too it ends by its time at the latest.
        if let (Ok(session), Ok(merchant)) = (token_of(&asked), self.merchant_of(&asked.session).await) {
            let told = self.sites.ask::<LoggedOut>(&merchant, LOGOUT, &SessionAsk { session }).await;
            if let Err(error) = told {
                tracing::info!(site = merchant.name.as_str(), %error, "the site was not told of a session's end");
            }
        }
        Ok(Nothing {})
    }

    pub(crate) async fn read_contacts(
        &self,
        auth: SessionAuth,
        ask: ContactsQuery,
    ) -> Result<ContactsPage, RelayFault> {
        let (asked, merchant) = self.asked(&auth, "relay_contacts", &ask).await?;
        check_limit(ask.limit, CONTACTS_PAGE_MAX, "is 1 to 200")?;
        let ContactsQuery { after, limit } = ask;
        if after.as_ref().is_some_and(|after| after.len() > NAME_BYTES_MAX) {
            return Err(RelayFault::BadField { field: "after", rule: "is the name of a contact" });
        }
        let ask = ContactsAsk { session: token_of(&asked)?, after, limit };
        self.ask_in(&asked, &merchant, CONTACTS, &ask).await
    }

    pub(crate) async fn read_posts(&self, auth: SessionAuth, ask: PostsQuery) -> Result<PostsPage, RelayFault> {
        let (asked, merchant) = self.asked(&auth, "relay_posts", &ask).await?;
        check_limit(ask.limit, POSTS_PAGE_MAX, "is 1 to 50")?;
        let PostsQuery { after, limit } = ask;
        let ask = PostsAsk { session: token_of(&asked)?, after, limit, wait_ms: 0 };
        let answer = self.sites.posts(&merchant, &ask).await;
        let page = self.heard(&asked, answer).await?;
        asked.session.has_read(page.next);
        Ok(page)
    }

    pub(crate) async fn have_enrolled(&self, auth: SessionAuth, ask: Enrolment) -> Result<Enrolled, RelayFault> {
        let (asked, merchant) = self.asked(&auth, "relay_enrol", &ask).await?;
        let ask = EnrolAsk { session: token_of(&asked)?, proposal: ask.proposal };
        let answer = self.ask_in(&asked, &merchant, ENROL, &ask).await;
        answer.map_err(|fault| match fault {
            RelayFault::Site { site, error: SiteError::Refused { fault: Some(fault), code, message, .. } }
                if is_about_enrolment(fault) =>
            {
                RelayFault::EnrolmentRefused { site, code, message }
            }
            other => other,
        })
    }
}

/// True for what asking again later does not change.
fn is_about_enrolment(fault: SiteFault) -> bool {
    match fault {
        SiteFault::BadRequest | SiteFault::AccountBound | SiteFault::EnrolRefused | SiteFault::EnrolUnavailable => true,
        // The relay's doing, or the site's.
        SiteFault::BadSignature
        | SiteFault::StaleRequest
        | SiteFault::ReplayedRequest
        | SiteFault::UnknownRelay
        | SiteFault::LoginRefused
        | SiteFault::UnknownLogin
        | SiteFault::UnknownSession
        | SiteFault::NotFound
        | SiteFault::MethodNotAllowed
        | SiteFault::TooSlow
        | SiteFault::TooLarge
        | SiteFault::WrongSite
        | SiteFault::TooManyAttempts
        | SiteFault::TooManyRequests
        | SiteFault::Internal
        | SiteFault::Busy => false,
    }
}
