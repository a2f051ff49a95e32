//! Logging in, step by step; each is a function of its own, so that a person can be asked in between.
//!
//! ```text
//! check_relay: is the relay's key granted by the member's site on the ledger? ─→ GrantedRelay
//! log_in (user and password, OPAQUE bound to that key) or log_in_member (key alone) ─→ StoredSession
//! standing: is the name enrolled, under which encryption key? ─not yet→ draw_enrolment, sign, enrol, submit
//!                                                             └another→ draw_encryption_key, sign, submit
//! ```
//! The relay's word counts for nothing here but where it carries what others have signed.
use super::correspondent::{Correspondent, CorrespondentError};
use super::encryption::EncryptionKey;
use super::session::StoredSession;
use crate::builder::{self, BuildError};
use crate::interface::Method;
use crate::interface::registry::{Enrol, SetEncryptionKey};
use crate::login::{Binding, LoginError, OpenLogin};
use crate::relay::{LiveSession, RelayClient, RelayError};
use crate::rpc::{ClientError, Finality};
use crate::rpc_types::HexBytes;
use crate::rpc_types::relay::{RelayLoginFinish, RelaySession, login_digest};
use crate::rpc_types::site::LoginStart;
use crate::signer::{Signer, SignerError};
use crate::types::{AccountId, Call, Hash, Name, Proposal, PublicKey, Timestamp};
use crate::{Client, Directory, clock};
use std::time::Duration;

/// A relay that the ledger lets relay for a member's site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantedRelay {
    /// The relay's key.
    pub relay: PublicKey,
    /// The relay that keeps the messages to the member and its users; another one only logs in and sends.
    pub home: PublicKey,
    /// The chain.
    pub chain: Hash,
    /// The member's account, which enrols its users.
    pub member: AccountId,
    /// Where the site verifies log-ins; empty if it has no users.
    pub endpoint: String,
}

impl GrantedRelay {
    /// True if messages are fetched here.
    pub fn is_home(&self) -> bool {
        self.relay == self.home
    }
}

/// The wallet's key with which somebody logs in.
#[derive(Clone, Copy)]
pub struct LogInKey<'a> {
    /// Who signs: the log-in, and every request of the session.
    pub signer: &'a dyn Signer,
    /// Its name in the keystore.
    pub name: &'a str,
    /// The key it receives sealed messages under ([`EncryptionKey::public`]); `None` if its secret is not here.
    pub encryption_key: Option<[u8; 32]>,
}

/// What the ledger has of somebody who logs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The name is free: the account of the wallet's key has to be enrolled under it.
    NotEnrolled,
    /// The name leads to an account for which the wallet's key signs.
    Enrolled {
        /// The account.
        account: AccountId,
        /// The key it receives sealed messages under.
        encryption_key: Option<[u8; 32]>,
    },
}

/// Why a log-in does not go on.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// The ledger could not be asked, or refused.
    #[error(transparent)]
    Ledger(#[from] ClientError),
    /// The relay was not reached, or refused.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The password, or what the site answered.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The wallet's key does not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The proposal cannot be drawn up.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The relay's node is of another chain.
    #[error("the relay is on chain {found}, the wallet on {wanted}: name a relay of that chain")]
    OtherChain {
        /// The relay's.
        found: String,
        /// The wallet's.
        wanted: Hash,
    },
    /// No such member.
    #[error("there is no member {member} on the ledger: compare the name with what the site says")]
    UnknownMember {
        /// The name.
        member: Name,
    },
    /// It may not act.
    #[error("the member {member} is suspended: its users cannot log in")]
    MemberSuspended {
        /// The name.
        member: Name,
    },
    /// The member has set no site.
    #[error(
        "{member} has no site on the ledger, so that no relay serves it; its operator sets one \
         (`countersign member site set`)"
    )]
    NoSite {
        /// The member.
        member: Name,
    },
    /// The member's site has no users.
    #[error("the site of {member} has no users: only {member} itself logs in there")]
    NoUsers {
        /// The member.
        member: Name,
    },
    /// The ledger does not let this relay serve the site.
    #[error(
        "{member} does not grant the relay {relay} on the ledger; those that it grants are {granted}: \
         name one with --relay"
    )]
    NotGranted {
        /// The member.
        member: Name,
        /// The relay that was asked.
        relay: PublicKey,
        /// Those that are granted.
        granted: String,
    },
    /// Somebody else has the name.
    #[error(
        "{user} is the account {account} on the ledger, for which the wallet's key does not sign: use the \
         key it was enrolled with"
    )]
    OtherAccount {
        /// The name.
        user: Name,
        /// Whose it is.
        account: AccountId,
    },
    /// A key that signs for another account cannot be enrolled.
    #[error("the wallet's key signs for the account {account}; an account is enrolled with its own first key")]
    NotOwnAccount {
        /// The account it signs for.
        account: AccountId,
    },
    /// A member logs in by its key.
    #[error("{name} is a member: it logs in by its key, without a password")]
    NotAUser {
        /// The name.
        name: Name,
    },
    /// A user logs in with a password.
    #[error("{name} is a user of a site, who logs in with a password")]
    NotAMember {
        /// The name.
        name: Name,
    },
}

fn bad_answer(method: &'static str, cause: &dyn std::fmt::Display) -> RelayError {
    ClientError::BadAnswer { method, cause: cause.to_string() }.into()
}

/// The member at whose site a name is.
fn member_of(name: &Name) -> Name {
    name.site().parse().expect("the part of a name after @ is a member's name")
}

/// Asks the relay for its key, and the ledger whether the member's site grants it. Of a verifying client the answer is
/// proven.
///
/// # Errors
/// [`LogInError`].
pub async fn check_relay(client: &Client, relay: &RelayClient, name: &Name) -> Result<GrantedRelay, LogInError> {
    let info = relay.info().await?;
    let chain = client.chain().await?;
    if info.chain != chain.to_string() {
        return Err(LogInError::OtherChain { found: info.chain.chars().take(64).collect(), wanted: chain });
    }
    let key: PublicKey = info.key.parse().map_err(|error| bad_answer("relay_info", &error))?;
    let member = member_of(name);
    let found = match Correspondent::find(client, member.as_str()).await {
        Ok(found) => found,
        Err(CorrespondentError::Ledger(error)) => return Err(error.into()),
        Err(_) => return Err(LogInError::UnknownMember { member }),
    };
    if !found.is_active {
        return Err(LogInError::MemberSuspended { member });
    }
    let no_site = || LogInError::NoSite { member: member.clone() };
    let site = client.site(member.as_str()).await?.ok_or_else(no_site)?;
    let home = *site.relays.first().ok_or_else(no_site)?;
    if name.user().is_some() && site.endpoint.is_empty() {
        return Err(LogInError::NoUsers { member });
    }
    if !site.relays.contains(&key) {
        let granted = site.relays.iter().map(PublicKey::to_string).collect::<Vec<_>>().join(", ");
        return Err(LogInError::NotGranted { member, relay: key, granted });
    }
    Ok(GrantedRelay { relay: key, home, chain, member: found.account, endpoint: site.endpoint.to_string() })
}

/// What the ledger has of a name and the wallet's key.
///
/// # Errors
/// [`LogInError::OtherAccount`] if the name is somebody else's.
pub async fn standing(client: &Client, user: &Name, key: &PublicKey) -> Result<Standing, LogInError> {
    match Correspondent::find(client, user.as_str()).await {
        Ok(found) if found.keys.contains(key) => {
            Ok(Standing::Enrolled { account: found.account, encryption_key: found.encryption_key })
        }
        Ok(found) => Err(LogInError::OtherAccount { user: user.clone(), account: found.account }),
        Err(CorrespondentError::Ledger(error)) => Err(error.into()),
        Err(_) => Ok(Standing::NotEnrolled),
    }
}

/// Logs a user in with the password. The session is for the signer's key, and for the account that the name leads to
/// or, before the enrolment, will lead to. Takes some tenths of a second and 64 MiB: that is what slows a guesser down.
///
/// # Errors
/// [`LogInError`]; [`LogInError::Login`] or a refusal with [`crate::rpc_types::ErrorCode::LoginRefused`] if the
/// password is wrong.
pub async fn log_in(
    client: &Client,
    relay: &RelayClient,
    granted: &GrantedRelay,
    key: &LogInKey<'_>,
    user: &Name,
    password: &str,
) -> Result<StoredSession, LogInError> {
    if user.user().is_none() {
        return Err(LogInError::NotAUser { name: user.clone() });
    }
    let LogInKey { signer, .. } = *key;
    let public = signer.public_key();
    let account = account_of(client, user, signer).await?;
    let binding = Binding { user: user.clone(), key: public, relay: AccountId::of_key(&granted.relay) };
    let (open, ke1) = OpenLogin::start(password, binding)?;
    let start = LoginStart { user: user.to_string(), key: public.to_string(), ke1: HexBytes(ke1) };
    let started = relay.login_start(&start).await?;
    let ke3 = open.finish(&started.ke2.0)?;
    let signature = signer.try_sign(&login_digest(&granted.relay, &started.login.0, &ke3).0)?;
    let signature = HexBytes(signature.0.to_vec());
    let finish = RelayLoginFinish { login: started.login, ke3: HexBytes(ke3), signature };
    let session = relay.login_finish(&finish).await?;
    stored("relay_login_finish", (relay, granted), key, (user, account), &session)
}

/// Logs a member in: its key is proven to be there, no password is asked for.
///
/// # Errors
/// [`LogInError`].
pub async fn log_in_member(
    client: &Client,
    relay: &RelayClient,
    granted: &GrantedRelay,
    key: &LogInKey<'_>,
    member: &Name,
) -> Result<StoredSession, LogInError> {
    if member.user().is_some() {
        return Err(LogInError::NotAMember { name: member.clone() });
    }
    let Standing::Enrolled { account, .. } = standing(client, member, &key.signer.public_key()).await? else {
        return Err(LogInError::UnknownMember { member: member.clone() });
    };
    let session = relay.member_login(&granted.relay, &granted.chain, member, key.signer).await?;
    stored("relay_member_login", (relay, granted), key, (member, account), &session)
}

/// The account a session will be for.
async fn account_of(client: &Client, user: &Name, signer: &dyn Signer) -> Result<AccountId, LogInError> {
    match standing(client, user, &signer.public_key()).await? {
        Standing::Enrolled { account, .. } => Ok(account),
        Standing::NotEnrolled => own_account(signer),
    }
}

/// The account that is enrolled with a signer's key.
fn own_account(signer: &dyn Signer) -> Result<AccountId, LogInError> {
    let own = AccountId::of_key(&signer.public_key());
    let account = signer.account();
    if account == own { Ok(own) } else { Err(LogInError::NotOwnAccount { account }) }
}

fn stored(
    method: &'static str,
    (relay, granted): (&RelayClient, &GrantedRelay),
    key: &LogInKey<'_>,
    (user, account): (&Name, AccountId),
    session: &RelaySession,
) -> Result<StoredSession, LogInError> {
    if session.user != user.as_str() {
        return Err(bad_answer(method, &"it opened a session for somebody else").into());
    }
    Ok(StoredSession {
        user: user.clone(),
        account,
        chain: granted.chain,
        key_name: key.name.into(),
        key: key.signer.public_key(),
        encryption_key: key.encryption_key,
        relay_url: relay.url().into(),
        relay: granted.relay,
        token: session.session,
        expires_at: Timestamp::from_millis(session.expires_at_ms),
    })
}

/// The enrolment of the signer's account under the user's name, which nobody has signed yet: the wallet signs first.
///
/// # Errors
/// [`LogInError::NotOwnAccount`] or [`LogInError::Build`].
pub fn draw_enrolment(granted: &GrantedRelay, user: &Name, signer: &dyn Signer) -> Result<Proposal, LogInError> {
    let holder = own_account(signer)?;
    draw(granted.chain, Enrol { name: user.clone() }.call(&[granted.member, holder]))
}

/// Has the site sign an enrolment that the wallet has signed, hands it in and waits until it is final, at most
/// `patience`. The receipt says whether it took effect.
///
/// # Errors
/// [`LogInError`].
pub async fn enrol(
    client: &Client,
    session: &LiveSession<'_>,
    proposal: &Proposal,
    patience: Duration,
) -> Result<Finality, LogInError> {
    let signed = session.enrol(proposal).await?;
    let transaction = signed.to_transaction().ok_or_else(|| bad_answer("relay_enrol", &"it is no transaction"))?;
    Ok(client.submit_and_wait(&transaction, patience).await?)
}

/// A transaction by which an account receives sealed messages under this wallet's key, which nobody has signed yet.
///
/// # Errors
/// [`LogInError::Build`].
pub fn draw_encryption_key(chain: Hash, account: AccountId, key: &EncryptionKey) -> Result<Proposal, LogInError> {
    draw(chain, SetEncryptionKey { key: PublicKey(key.public()) }.call(&[account]))
}

fn draw(chain: Hash, call: Call) -> Result<Proposal, LogInError> {
    Ok(builder::transaction(chain, vec![call], None, &Directory::new(clock::now()))?)
}

#[cfg(test)]
mod tests;
