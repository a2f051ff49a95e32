//! Logins and sessions. Whether there is such a user is told by nothing: not by codes, fields, sizes, or the work done.
use super::{Answer, Api, Refusal, busy, lock, to_json, too_many};
use crate::logins::LoginId;
use crate::opaque::{BadMessage, read_ke3};
use crate::record::{User, user_name};
use crate::sessions::{self, Session};
use countersign_client::login::Binding;
use countersign_client::rpc_types::HexBytes;
use countersign_client::rpc_types::site::{
    LoggedIn, LoggedOut, LoginFinish, LoginStart, LoginStarted, SessionAsk, SessionHolder, SessionToken, SiteFault,
};
use countersign_client::types::signature::check_key;
use countersign_client::types::{AccountId, PublicKey};

fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::new(SiteFault::Internal, "the system gives no random bytes"))?;
    Ok(bytes)
}

fn bad_message(bad: BadMessage) -> Refusal {
    Refusal::new(SiteFault::BadRequest, bad.to_string())
}

fn refused() -> Refusal {
    Refusal::new(SiteFault::LoginRefused, "user name and password do not fit")
}

fn holder(session: &Session, user: &User) -> SessionHolder {
    SessionHolder {
        user: session.user.to_string(),
        key: session.key.to_string(),
        account: user.account.clone(),
        expires_at_ms: session.expires_at_ms,
    }
}

impl Api {
    pub(super) fn login_start(&self, relay: AccountId, asked: &LoginStart, now_ms: u64) -> Answer {
        let user = user_name(&asked.user, self.site())?;
        let usable = |key: &PublicKey| check_key(key).is_ok();
        let key = asked.key.parse::<PublicKey>().ok().filter(usable);
        let key = key.ok_or_else(|| Refusal::new(SiteFault::BadRequest, "`key` is an ed25519 key, csk1…"))?;
        lock(&self.relay_attempts).take(&relay, now_ms).map_err(|refused| too_many(refused, "through this relay"))?;
        lock(&self.user_attempts).take(&user, now_ms).map_err(|refused| too_many(refused, "as this user"))?;
        let record = self.store.user(&user)?;
        let registration = record.as_ref().map(|record| record.registration.0.as_slice());
        let edition = record.as_ref().map(User::edition);
        let started = self.keys.verifier.start(Binding { user, key, relay }, registration, &asked.ke1.0);
        let (begun, ke2) = match started {
            Err(bad @ BadMessage::Registration) => {
                tracing::error!("the database is damaged: {bad}");
                return Err(Refusal::new(SiteFault::Internal, "the site cannot answer now; its log says why"));
            }
            other => other.map_err(bad_message)?,
        };
        let login: LoginId = random()?;
        let expires_at_ms = now_ms.saturating_add(self.settings.login_ms);
        let kept = lock(&self.logins).insert(login, begun, edition, now_ms, expires_at_ms);
        kept.map_err(|_| busy("open logins"))?;
        Ok(to_json(&LoginStarted { login: HexBytes(login.to_vec()), ke2: HexBytes(ke2), expires_at_ms }))
    }

    pub(super) fn login_finish(&self, relay: AccountId, asked: &LoginFinish, now_ms: u64) -> Answer {
        let ke3 = read_ke3(&asked.ke3.0).map_err(bad_message)?;
        let id = LoginId::try_from(asked.login.0.as_slice()).ok();
        let open = id.and_then(|id| lock(&self.logins).take(&id, &relay, now_ms));
        let unknown = "no such login is open for this relay: it has expired or was finished; begin again";
        let open = open.ok_or_else(|| Refusal::new(SiteFault::UnknownLogin, unknown))?;
        let Binding { user, key, .. } = open.begun.binding().clone();
        let verified = open.begun.verify(ke3);
        // The password may have been changed, or the user removed, since the login began.
        let record = self.store.user(&user)?.filter(|record| Some(record.edition()) == open.edition);
        let (true, Some(record), Some(edition)) = (verified, record, open.edition) else {
            tracing::info!(%user, %relay, "login refused");
            return Err(refused());
        };
        lock(&self.user_attempts).forgive(&user);
        let token = SessionToken(random()?);
        let expires_at_ms = now_ms.saturating_add(self.settings.session_ms);
        let session = Session { user, key, relay, edition, expires_at_ms };
        let hash = sessions::hash(&token);
        let ended = lock(&self.sessions).insert(hash, session.clone(), now_ms).map_err(|_| busy("sessions"))?;
        self.store.keep_session(&hash, &session, &ended).inspect_err(|_| lock(&self.sessions).remove(&hash))?;
        tracing::info!(user = %session.user, %relay, "logged in");
        Ok(to_json(&LoggedIn { session: token, holder: holder(&session, &record) }))
    }

    pub(super) fn session(&self, relay: AccountId, asked: &SessionAsk, now_ms: u64) -> Answer {
        let (session, user) = self.open_session(&asked.session, &relay, now_ms)?;
        Ok(to_json(&holder(&session, &user)))
    }

    pub(super) fn logout(&self, relay: AccountId, asked: &SessionAsk, now_ms: u64) -> Answer {
        self.open_session(&asked.session, &relay, now_ms)?;
        self.end_session(&asked.session)?;
        Ok(to_json(&LoggedOut {}))
    }
}
