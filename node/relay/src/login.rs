//! Log-ins: the relay carries OPAQUE's messages between wallet and site and decides on the site's signed verdict alone.
//! A member proves the key of its account, which the ledger knows.
//!
//! ```text
//! start:  user@site ─ledger: active, grants this relay→ the site ─KE2→ wallet         open: number ↔ user, key, the site's number
//! finish: KE3, signed by the wallet's key ─→ the site ─verdict for this user and key→ a session
//! ```
#[cfg(test)]
mod tests;

use crate::fault::RelayFault;
use crate::limits;
use crate::relay::Relay;
use crate::sessions::{NewSession, Session, is_signed, lock};
use crate::site::SiteError;
use crate::standing::{self, Merchant, NotRelayed};
use countersign_rpc_types::HexBytes;
use countersign_rpc_types::relay::{MemberLogin, RelayLoginFinish, RelaySession, login_digest, member_login_digest};
use countersign_rpc_types::site::{
    KE1_BYTES, KE2_BYTES, KE3_BYTES, LOGIN_FINISH, LOGIN_START, LoggedIn, LoginFinish, LoginStart, LoginStarted,
    SessionToken,
};
use countersign_types::signature::check_key;
use countersign_types::{Name, PublicKey};
use std::collections::HashMap;
use std::sync::Mutex;

/// A log-in's number.
type LoginId = [u8; 16];

/// Log-ins that were begun and are not finished: in memory, since the site keeps its half there too.
#[derive(Default)]
pub(crate) struct Logins {
    open: Mutex<HashMap<LoginId, Open>>,
}

/// A log-in that was begun.
#[derive(Clone)]
struct Open {
    user: Name,
    key: PublicKey,
    /// The site's number of it: another site could choose the same.
    at_site: HexBytes,
    expires_at_ms: u64,
}

impl Logins {
    /// Refuses a log-in at `site` if no more are kept.
    fn check_room(&self, site: &str, now_ms: u64) -> Result<(), RelayFault> {
        let mut open = lock(&self.open);
        let at_site = |open: &HashMap<LoginId, Open>| open.values().filter(|open| open.user.site() == site).count();
        let is_full =
            |open: &HashMap<_, _>| open.len() >= limits::LOGINS_MAX || at_site(open) >= limits::SITE_LOGINS_MAX;
        if is_full(&open) {
            open.retain(|_, open| open.expires_at_ms > now_ms);
        }
        if is_full(&open) { Err(RelayFault::Full { what: "open log-ins" }) } else { Ok(()) }
    }

    fn insert(&self, login: Open, now_ms: u64) -> Result<LoginId, RelayFault> {
        let mut id = LoginId::default();
        getrandom::fill(&mut id).map_err(|_| RelayFault::Unavailable { what: "the system gives no random bytes" })?;
        self.check_room(login.user.site(), now_ms)?;
        lock(&self.open).insert(id, login);
        Ok(id)
    }

    fn get(&self, id: &LoginId, now_ms: u64) -> Option<Open> {
        lock(&self.open).get(id).filter(|open| open.expires_at_ms > now_ms).cloned()
    }

    /// Takes a log-in out, whatever its verdict will be: it has one try.
    fn take(&self, id: &LoginId, now_ms: u64) -> Option<Open> {
        lock(&self.open).remove(id).filter(|open| open.expires_at_ms > now_ms)
    }

    /// Forgets those whose time is over.
    pub fn sweep(&self, now_ms: u64) {
        lock(&self.open).retain(|_, open| open.expires_at_ms > now_ms);
    }
}

fn user_name(text: &str) -> Result<Name, RelayFault> {
    let name = text.parse::<Name>().ok().filter(|name| name.user().is_some());
    name.ok_or(RelayFault::BadField { field: "user", rule: "is a user at a site, such as alice@harbor-hotel.example" })
}

fn usable_key(text: &str) -> Result<PublicKey, RelayFault> {
    let key = text.parse::<PublicKey>().ok().filter(|key| check_key(key).is_ok());
    key.ok_or(RelayFault::BadField { field: "key", rule: "is an ed25519 key, csk1…" })
}

fn of_length(field: &'static str, bytes: &HexBytes, length: usize) -> Result<(), RelayFault> {
    let rule = "has the length of OPAQUE's message";
    if bytes.0.len() == length { Ok(()) } else { Err(RelayFault::BadField { field, rule }) }
}

impl Relay {
    /// The user's site, if it is active, lets this relay work for it, and has users.
    fn merchant_with_users(&self, user: &Name) -> Result<Merchant, RelayFault> {
        let merchant = standing::merchant(&*self.ledger, &self.key, user)?;
        if merchant.site.endpoint.is_empty() {
            return Err(NotRelayed::NoUsers { site: merchant.name.to_string() }.into());
        }
        Ok(merchant)
    }

    /// A session as the wallet is told it.
    pub(crate) fn told(&self, token: SessionToken, session: &Session, merchant: &Merchant) -> RelaySession {
        let account = standing::account(&*self.ledger, merchant, &session.user, &session.key);
        RelaySession {
            session: token,
            user: session.user.to_string(),
            account: account.ok().map(|id| id.to_string()),
            expires_at_ms: session.expires_at_ms,
        }
    }

    pub(crate) async fn start_login(&self, asked: LoginStart) -> Result<LoginStarted, RelayFault> {
        let user = user_name(&asked.user)?;
        let key = usable_key(&asked.key)?;
        of_length("ke1", &asked.ke1, KE1_BYTES)?;
        let merchant = self.merchant_with_users(&user)?;
        let now_ms = self.now_us() / 1_000;
        self.logins.check_room(user.site(), now_ms)?;
        let asked = LoginStart { user: user.to_string(), key: key.to_string(), ke1: asked.ke1 };
        let told = self.sites.ask(&merchant, LOGIN_START, &asked).await;
        let LoginStarted { login: at_site, ke2, expires_at_ms } =
            told.map_err(|error| RelayFault::of_site(user.site(), error))?;
        let usable = ke2.0.len() == KE2_BYTES && (1..=limits::SITE_LOGIN_BYTES_MAX).contains(&at_site.0.len());
        if !usable {
            return Err(RelayFault::of_site(user.site(), SiteError::Malformed));
        }
        let now_ms = self.now_us() / 1_000;
        let within = |life_ms: u64| now_ms.saturating_add(life_ms);
        let expires_at_ms = expires_at_ms.clamp(within(limits::LOGIN_LIFE_MS_MIN), within(limits::LOGIN_LIFE_MS_MAX));
        let login = self.logins.insert(Open { user, key, at_site, expires_at_ms }, now_ms)?;
        Ok(LoginStarted { login: HexBytes(login.to_vec()), ke2, expires_at_ms })
    }

    pub(crate) async fn finish_login(&self, asked: RelayLoginFinish) -> Result<RelaySession, RelayFault> {
        let id = LoginId::try_from(asked.login.0.as_slice()).map_err(|_| RelayFault::UnknownLogin)?;
        let now_ms = self.now_us() / 1_000;
        let open = self.logins.get(&id, now_ms).ok_or(RelayFault::UnknownLogin)?;
        of_length("ke3", &asked.ke3, KE3_BYTES)?;
        // Before the log-in is used up: who knows its number, but has not the key, cannot spoil it.
        if !is_signed(&open.key, &login_digest(&self.key, &asked.login.0, &asked.ke3.0), &asked.signature) {
            return Err(RelayFault::BadSignature);
        }
        let Open { user, key, at_site, .. } = self.logins.take(&id, now_ms).ok_or(RelayFault::UnknownLogin)?;
        let merchant = self.merchant_with_users(&user)?;
        let verdict = self.sites.ask(&merchant, LOGIN_FINISH, &LoginFinish { login: at_site, ke3: asked.ke3 }).await;
        let LoggedIn { session: site_token, holder } =
            verdict.map_err(|error| RelayFault::of_site(user.site(), error))?;
        let now_ms = self.now_us() / 1_000;
        let is_the_same = holder.user == user.as_str() && holder.key.parse() == Ok(key);
        if !is_the_same || holder.expires_at_ms <= now_ms {
            tracing::warn!(site = user.site(), "a site opened a session for somebody else, or one that is over");
            return Err(RelayFault::OtherHolder { site: user.site().to_owned() });
        }
        let expires_at_ms = holder.expires_at_ms.min(now_ms.saturating_add(limits::SESSION_LIFE_MS_MAX));
        let new = NewSession { user, key, expires_at_ms, site_token: Some(site_token), count: 0 };
        let (token, session) = self.sessions.open(new).await?;
        Ok(self.told(token, &session, &merchant))
    }

    pub(crate) async fn login_member(&self, asked: MemberLogin) -> Result<RelaySession, RelayFault> {
        let rule = "is a member, such as harbor-hotel.example; its users log in by password";
        let member = asked.member.parse::<Name>().ok().filter(|name| name.user().is_none());
        let member = member.ok_or(RelayFault::BadField { field: "member", rule })?;
        let key = usable_key(&asked.key)?;
        let merchant = standing::merchant(&*self.ledger, &self.key, &member)?;
        let digest = member_login_digest(&self.key, &self.ledger.chain(), member.as_str(), &key, asked.count);
        if !is_signed(&key, &digest, &asked.signature) {
            return Err(RelayFault::BadSignature);
        }
        standing::account(&*self.ledger, &merchant, &member, &key).map_err(|_| RelayFault::NotTheMembersKey)?;
        // Only now, so that nobody else can use up what is remembered.
        self.sessions.count_member_login(&key, asked.count)?;
        let expires_at_ms = (self.now_us() / 1_000).saturating_add(limits::SESSION_LIFE_MS_MAX);
        let new = NewSession { user: member, key, expires_at_ms, site_token: None, count: asked.count };
        let (token, session) = self.sessions.open(new).await?;
        Ok(self.told(token, &session, &merchant))
    }
}
