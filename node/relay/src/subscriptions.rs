//! Wallets that are connected: told of new posts and messages until their session ends.
//!
//! ```text
//! connect ─┬→ one watch per session ─posts: one request at the site at a time, which waits ─┬→ a bounded queue per wallet
//!          └→ the session's wallets  messages: Messages::changed ───────────────────────────┘
//! ```
//!
//! Nothing is lost if a wallet is cut off: posts and messages have numbers, by which it fetches what it missed.
#[cfg(test)]
mod tests;

use crate::fault::RelayFault;
use crate::limits;
use crate::reading::token_of;
use crate::relay::Relay;
use crate::sessions::{Session, lock};
use crate::site::SiteError;
use crate::standing::{self, Merchant, NotRelayed};
use countersign_rpc_types::relay::{Nothing, RelayNotice, SessionAuth};
use countersign_rpc_types::site::{POSTS_PAGE_MAX, PostsAsk, PostsPage, SessionToken, SiteFault, WAIT_MS_MAX};
use countersign_types::{AccountId, Hash};
use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};

/// The wallets that are connected.
pub(crate) struct Subscriptions {
    places: Arc<Semaphore>,
    /// By session.
    wallets: Mutex<HashMap<Hash, Wallets>>,
}

/// Those of one session.
#[derive(Default)]
struct Wallets {
    connected: Vec<Wallet>,
    /// One more has come: it is to be told the newest message.
    joined: Arc<Notify>,
}

struct Wallet {
    notices: mpsc::Sender<RelayNotice>,
    _place: OwnedSemaphorePermit,
}

impl Default for Subscriptions {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(limits::SUBSCRIPTIONS_MAX)), wallets: Mutex::default() }
    }
}

impl Subscriptions {
    /// How many wallets are connected.
    pub fn count(&self) -> usize {
        limits::SUBSCRIPTIONS_MAX - self.places.available_permits()
    }

    /// Connects a wallet; with its queue, the sign for those who join if it is the first of its session.
    fn join(&self, session: &Hash) -> Result<(mpsc::Receiver<RelayNotice>, Option<Arc<Notify>>), RelayFault> {
        let mut wallets = lock(&self.wallets);
        let is_first = !wallets.contains_key(session);
        if let Some(of_session) = wallets.get_mut(session) {
            of_session.connected.retain(|wallet| !wallet.notices.is_closed());
            if of_session.connected.len() >= limits::SESSION_SUBSCRIPTIONS_MAX {
                return Err(RelayFault::Full { what: "connections of this session" });
            }
        }
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| RelayFault::Full { what: "connected wallets" })?;
        let (notices, queue) = mpsc::channel(limits::NOTICES_MAX);
        let of_session = wallets.entry(*session).or_default();
        of_session.connected.push(Wallet { notices, _place: place });
        if is_first {
            return Ok((queue, Some(of_session.joined.clone())));
        }
        // Kept for the watch even if it does not wait at the moment.
        of_session.joined.notify_one();
        Ok((queue, None))
    }

    /// Tells a session's wallets. One that does not read is cut off.
    async fn tell(&self, session: &Hash, notice: &RelayNotice) {
        let connected: Vec<_> = {
            let wallets = lock(&self.wallets);
            let of_session = wallets.get(session).map_or(&[][..], |wallets| &wallets.connected);
            of_session.iter().map(|wallet| wallet.notices.clone()).collect()
        };
        for notices in connected {
            let told = notices.send_timeout(notice.clone(), limits::NOTICE_PATIENCE).await;
            if let Err(SendTimeoutError::Timeout(_)) = told
                && let Some(wallets) = lock(&self.wallets).get_mut(session)
            {
                wallets.connected.retain(|wallet| !wallet.notices.same_channel(&notices));
            }
        }
    }

    /// Forgets a session's wallets if all have gone; true then. Whoever joins later is the first again.
    fn forget_if_gone(&self, session: &Hash) -> bool {
        let mut wallets = lock(&self.wallets);
        let Some(of_session) = wallets.get_mut(session) else { return true };
        of_session.connected.retain(|wallet| !wallet.notices.is_closed());
        let is_gone = of_session.connected.is_empty();
        if is_gone {
            wallets.remove(session);
        }
        is_gone
    }

    /// Closes a session's queues, with a last notice for those who have room for it.
    fn close(&self, session: &Hash, last: Option<RelayNotice>) {
        let of_session = lock(&self.wallets).remove(session);
        let (Some(of_session), Some(last)) = (of_session, last) else { return };
        for wallet in of_session.connected {
            // A queue without room is closed too, which the wallet sees.
            let _ = wallet.notices.try_send(last.clone());
        }
    }
}

/// Why a watch ends.
enum End {
    /// The session is over.
    Over,
    /// All wallets have gone, and are forgotten.
    Left,
    /// The relay closes, or may not relay.
    Stopped,
}

/// What watches for one session.
struct Watch {
    relay: Arc<Relay>,
    session: Arc<Session>,
    site_token: Option<SessionToken>,
    joined: Arc<Notify>,
    /// Up to which post its wallets know all; `None` if the site has not said yet.
    read: Option<u64>,
}

impl Relay {
    pub(crate) async fn connect(
        self: &Arc<Self>,
        auth: SessionAuth,
        ask: Nothing,
    ) -> Result<mpsc::Receiver<RelayNotice>, RelayFault> {
        let (asked, merchant) = self.asked(&auth, "relay_subscribe", &ask).await?;
        let site_token = token_of(&asked).ok();
        if site_token.is_none() {
            // A member has messages only.
            self.account_at_home(&asked.session, &merchant)?;
        }
        // Found before the wallet is answered: it knows what was published before, and is told what is published after.
        let read = match (asked.session.read(), site_token) {
            (None, Some(token)) => {
                let newest = timeout(limits::SITE_ANSWER_WAIT, self.newest_post(&merchant, token)).await;
                newest.ok().and_then(Result::ok)
            }
            (read, _) => read,
        };
        let session = asked.session.clone();
        let (queue, first) = self.subscriptions.join(&session.id)?;
        if let Some(joined) = first {
            let watch = Watch { relay: self.clone(), session, site_token, joined, read };
            tokio::spawn(watch.run());
        }
        Ok(queue)
    }

    /// The number of a site's newest post, by asking which posts there are beyond a number.
    async fn newest_post(&self, merchant: &Merchant, session: SessionToken) -> Result<u64, SiteError> {
        let page = |after, limit| {
            let ask = PostsAsk { session, after, limit: Some(limit), wait_ms: 0 };
            async move { self.sites.posts(merchant, &ask).await }
        };
        let first = page(0, POSTS_PAGE_MAX).await?;
        if !first.more {
            return Ok(first.next);
        }
        // There is a post of the number `below`, and none beyond `beyond`: far steps first, then halves.
        let (mut below, mut beyond, mut step) = (first.next, u64::MAX, u64::from(POSTS_PAGE_MAX));
        for _ in 0..limits::NEWEST_STEPS_MAX {
            if below == beyond {
                break;
            }
            let middle = below + step.min((beyond - below) / 2);
            let page = page(middle, 1).await?;
            match (page.posts.is_empty(), page.next) {
                (true, _) => beyond = middle,
                (false, next) if next <= beyond => below = next,
                (false, _) => return Err(SiteError::Malformed),
            }
            step = step.saturating_mul(2);
        }
        Ok(below)
    }

    /// The account that a session acts for, if its messages are kept here.
    pub(crate) fn account_at_home(&self, session: &Session, merchant: &Merchant) -> Result<AccountId, RelayFault> {
        let account = standing::account(&*self.ledger, merchant, &session.user, &session.key)?;
        match merchant.home() {
            Some(home) if *home != self.key => Err(RelayFault::NotHome { home: *home }),
            _ => Ok(account),
        }
    }
}

impl Watch {
    async fn run(self) {
        let mut closed = self.relay.closed();
        let end = tokio::select! {
            end = self.until_over() => end,
            () = self.tell_posts() => End::Over,
            () = self.tell_messages() => End::Stopped,
            _ = closed.wait_for(|closed| *closed) => End::Stopped,
        };
        match end {
            End::Over => self.relay.subscriptions.close(&self.session.id, Some(RelayNotice::Ended)),
            End::Stopped => self.relay.subscriptions.close(&self.session.id, None),
            // Others may have joined since, and have a watch of their own.
            End::Left => {}
        }
    }

    /// Looks whether the session still holds, and whether anybody is still there.
    async fn until_over(&self) -> End {
        let mut ended = self.session.ended();
        loop {
            match timeout(limits::SESSION_CHECK, ended.wait_for(|ended| *ended)).await {
                Ok(_) => return End::Over,
                Err(_) if self.relay.subscriptions.forget_if_gone(&self.session.id) => return End::Left,
                Err(_) => {}
            }
            if self.session.is_over(self.relay.now_us()) {
                // A disk that fails does not lengthen it.
                let _ = self.relay.sessions.end(&self.session.id).await;
                return End::Over;
            }
            match self.relay.merchant_of(&self.session).await {
                Ok(_) => {}
                Err(RelayFault::NotRelayed(NotRelayed::NotARelay)) => return End::Stopped,
                Err(_) => return End::Over,
            }
        }
    }

    /// Returns when the site says that its session is over.
    async fn tell_posts(&self) {
        let Some(token) = self.site_token else { return pending().await };
        let (mut read, mut pause) = (self.read, limits::POLL_PAUSE);
        loop {
            let asked_at = Instant::now();
            let page = self.next_posts(token, &mut read).await;
            match page {
                Ok(page) => {
                    pause = limits::POLL_PAUSE;
                    let is_early = page.posts.is_empty() && asked_at.elapsed() < limits::POLL_PAUSE;
                    for post in page.posts {
                        self.relay.subscriptions.tell(&self.session.id, &RelayNotice::Post(post)).await;
                    }
                    if is_early {
                        // It does not wait, or stops: it is not asked more often for that.
                        sleep(limits::POLL_PAUSE).await;
                    }
                }
                Err(SiteError::Refused { fault: Some(SiteFault::UnknownSession), .. }) => {
                    let _ = self.relay.sessions.end(&self.session.id).await;
                    return;
                }
                Err(error) => {
                    tracing::debug!(site = self.session.user.site(), %error, "no posts from a site");
                    sleep(pause).await;
                    pause = Duration::min(pause * 2, limits::POLL_PAUSE_MAX);
                }
            }
        }
    }

    async fn next_posts(&self, session: SessionToken, read: &mut Option<u64>) -> Result<PostsPage, SiteError> {
        let Ok(merchant) = self.relay.merchant_of(&self.session).await else { return pending().await };
        let after = match read.or_else(|| self.session.read()) {
            Some(after) => after,
            None => self.relay.newest_post(&merchant, session).await?,
        };
        let ask = PostsAsk { session, after, limit: None, wait_ms: WAIT_MS_MAX };
        let page = self.relay.sites.posts(&merchant, &ask).await?;
        *read = Some(page.next);
        Ok(page)
    }

    /// Never returns. Whether there are messages for this session here is looked at anew as the ledger changes.
    async fn tell_messages(&self) {
        loop {
            if let Some(account) = self.account().await
                && let Ok(mut newest) = self.relay.messages.changed(account).await
            {
                let mut is_news = true;
                while self.account().await == Some(account) {
                    let number = *newest.borrow_and_update();
                    if is_news && number > 0 {
                        let notice = RelayNotice::Message { number };
                        self.relay.subscriptions.tell(&self.session.id, &notice).await;
                    }
                    is_news = tokio::select! {
                        changed = newest.changed() => changed.is_ok(),
                        () = self.joined.notified() => true,
                        () = sleep(limits::SESSION_CHECK) => false,
                    };
                }
            }
            sleep(limits::SESSION_CHECK).await;
        }
    }

    async fn account(&self) -> Option<AccountId> {
        let merchant = self.relay.merchant_of(&self.session).await.ok()?;
        self.relay.account_at_home(&self.session, &merchant).ok()
    }
}
