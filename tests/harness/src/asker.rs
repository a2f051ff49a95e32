//! A session at a relay without a wallet around it: what a wallet would not ask can be asked, and a request be kept and sent again.
use crate::{CallError, Person, Rpc};
use anyhow::Context as _;
use countersign_client::login::{Binding, OpenLogin};
use countersign_client::rpc_types::HexBytes;
use countersign_client::rpc_types::relay::{
    MemberLogin, RelayInfo, RelayLoginFinish, RelaySession, SessionAuth, login_digest, member_login_digest,
    request_digest,
};
use countersign_client::rpc_types::site::{LoginStart, LoginStarted, SessionToken};
use countersign_types::signature::{public_key, sign};
use countersign_types::{AccountId, Hash, PublicKey};
use parity_scale_codec::Encode;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Somebody who asks a relay.
#[derive(Debug)]
pub struct Asker {
    rpc: Rpc,
    relay: PublicKey,
    secret: [u8; 32],
    session: SessionToken,
    /// Of the last request.
    count: u64,
}

/// Microseconds since 1970 by this machine's clock.
fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970").as_micros();
    u64::try_from(now).expect("microseconds since 1970 fit u64")
}

fn relay_of(rpc: &mut Rpc) -> anyhow::Result<PublicKey> {
    let info: RelayInfo = serde_json::from_value(rpc.call("relay_info", &json!([]))?)?;
    Ok(info.key.parse()?)
}

impl Asker {
    /// Logs a member in by its development key, at the relay of the node that serves at `host:port`.
    ///
    /// # Errors
    /// With a [`CallError`] if the relay refuses.
    pub fn member(node: &str, chain: &Hash, name: &str) -> anyhow::Result<Self> {
        let mut rpc = Rpc::new(node);
        let (relay, secret, count) = (relay_of(&mut rpc)?, Person::named(name).secret, now_us());
        let key = public_key(&secret);
        let signature = sign(&secret, &member_login_digest(&relay, chain, name, &key, count).0);
        let signature = HexBytes(signature.0.to_vec());
        let login = MemberLogin { member: name.into(), key: key.to_string(), count, signature };
        let session = rpc.call("relay_member_login", &json!([login]))?;
        Self::of(rpc, relay, secret, session)
    }

    /// Logs a user in with the development key of that name.
    ///
    /// # Errors
    /// With a [`CallError`] if the relay refuses.
    pub fn user(node: &str, user: &str, password: &str) -> anyhow::Result<Self> {
        let mut rpc = Rpc::new(node);
        let (relay, secret) = (relay_of(&mut rpc)?, Person::named(user).secret);
        let (open, started) = begin(&mut rpc, &relay, &secret, user, password)?;
        let ke3 = open.finish(&started.ke2.0)?;
        let session = finish(&mut rpc, &relay, &secret, started.login, ke3)?;
        Self::of(rpc, relay, secret, session)
    }

    fn of(rpc: Rpc, relay: PublicKey, secret: [u8; 32], session: Value) -> anyhow::Result<Self> {
        let session: RelaySession = serde_json::from_value(session)?;
        Ok(Self { rpc, relay, secret, session: session.session, count: 0 })
    }

    /// The session's token.
    pub fn token(&self) -> SessionToken {
        self.session
    }

    /// A thief of a token: asks for that session, with this one's key.
    #[must_use]
    pub fn with_token(self, session: SessionToken) -> Self {
        Self { session, ..self }
    }

    /// The proof of a request; each is another.
    pub fn auth(&mut self, method: &str, ask: &impl Encode) -> SessionAuth {
        self.count = now_us().max(self.count + 1);
        self.auth_at(self.count, method, ask)
    }

    /// The proof of a request with a count of one's choice.
    pub fn auth_at(&self, count: u64, method: &str, ask: &impl Encode) -> SessionAuth {
        let digest = request_digest(&self.relay, &self.session, count, method, ask);
        SessionAuth { session: self.session, count, signature: HexBytes(sign(&self.secret, &digest.0).0.to_vec()) }
    }

    /// Asks.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn ask(&mut self, method: &str, ask: &(impl Encode + Serialize)) -> Result<Value, CallError> {
        let auth = self.auth(method, ask);
        self.send(method, &auth, ask)
    }

    /// Asks over a connection of somebody else's.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn ask_over(
        &mut self,
        rpc: &mut Rpc,
        method: &str,
        ask: &(impl Encode + Serialize),
    ) -> Result<Value, CallError> {
        let auth = self.auth(method, ask);
        rpc.call(method, &json!([auth, ask]))
    }

    /// Closes the connection, until it asks again.
    pub fn hang_up(&mut self) {
        self.rpc = Rpc::new(self.rpc.address());
    }

    /// Asks with a proof that was made before.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn send(&mut self, method: &str, auth: &SessionAuth, ask: &impl Serialize) -> Result<Value, CallError> {
        self.rpc.call(method, &json!([auth, ask]))
    }
}

/// The first half of a log-in.
fn begin(
    rpc: &mut Rpc,
    relay: &PublicKey,
    secret: &[u8; 32],
    user: &str,
    password: &str,
) -> anyhow::Result<(OpenLogin, LoginStarted)> {
    let key = public_key(secret);
    let binding = Binding { user: user.parse()?, key, relay: AccountId::of_key(relay) };
    let (open, ke1) = OpenLogin::start(password, binding)?;
    let start = LoginStart { user: user.into(), key: key.to_string(), ke1: HexBytes(ke1) };
    let started = rpc.call("relay_login_start", &json!([start]))?;
    Ok((open, serde_json::from_value(started).context("a login that has begun")?))
}

/// The second half; the session.
fn finish(
    rpc: &mut Rpc,
    relay: &PublicKey,
    secret: &[u8; 32],
    login: HexBytes,
    ke3: Vec<u8>,
) -> Result<Value, CallError> {
    let signature = HexBytes(sign(secret, &login_digest(relay, &login.0, &ke3).0).0.to_vec());
    rpc.call("relay_login_finish", &json!([RelayLoginFinish { login, ke3: HexBytes(ke3), signature }]))
}

/// What the relay answers to both halves of a log-in that cannot succeed, by a wallet that goes on although it sees that.
///
/// # Errors
/// If the relay refuses the first half, or takes the second.
pub fn hopeless_login(node: &str, user: &str, password: &str) -> anyhow::Result<[Value; 2]> {
    let mut rpc = Rpc::new(node);
    let (relay, secret) = (relay_of(&mut rpc)?, Person::named(user).secret);
    let (open, started) = begin(&mut rpc, &relay, &secret, user, password)?;
    anyhow::ensure!(open.finish(&started.ke2.0).is_err(), "the wallet sees that the password does not fit");
    let forged = vec![7; countersign_client::rpc_types::site::KE3_BYTES];
    match finish(&mut rpc, &relay, &secret, started.login.clone(), forged) {
        Err(CallError::Refused(refusal)) => Ok([serde_json::to_value(started)?, refusal]),
        other => anyhow::bail!("not refused: {other:?}"),
    }
}
