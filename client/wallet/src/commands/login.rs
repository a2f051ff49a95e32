//! `countersign login` and `logout`: sessions at relays. The first log-in enrols the wallet's account under the user's name, and whoever
//! logs in can receive messages afterwards: both are transactions, shown and asked about like any other.
//!
//! ```text
//! ledger: is the relay granted? ─→ password, or a member's key ─→ session kept ─→ enrolled? ─→ encryption key on the ledger?
//! ```
use super::sign;
use super::tx::WAIT_SECONDS;
use crate::confirm;
use crate::failure::Failure;
use crate::logged_in::{self, LoggedIn, OpenKey, Who};
use crate::output::facts;
use crate::session::Session;
use clap::Args;
use countersign_client::messaging::login::{self, GrantedRelay, LogInKey, Standing, standing};
use countersign_client::messaging::{EncryptionKey, StoredSession};
use countersign_client::relay::{LiveSession, RelayError};
use countersign_client::rpc::Finality;
use countersign_client::rpc_types::ErrorCode;
use countersign_client::types::Name;
use countersign_client::{Signer, clock};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// How long a transaction of a log-in is waited for.
const PATIENCE: Duration = Duration::from_secs(WAIT_SECONDS);

/// A log-in.
#[derive(Args, Debug)]
pub struct LoginArgs {
    /// A user at a member's site, alice@shop.example, or a member, shop.example
    name: Name,
    /// The relay to log in at: the address of its node [default: that of --node]
    #[arg(long, value_name = "URL")]
    relay: Option<String>,
    /// File whose first line is the user's password, which only you can read (else COUNTERSIGN_PASSWORD or the terminal)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Do not ask before an enrolment or an encryption key is submitted
    #[arg(long, short)]
    yes: bool,
}

/// The end of a session.
#[derive(Args, Debug)]
pub struct LogoutArgs {
    #[command(flatten)]
    who: Who,
}

/// Runs the command.
pub async fn login(session: &mut Session, args: LoginArgs) -> Result<(), Failure> {
    let record = session.key()?;
    let client = session.client("logging in")?.clone();
    let relay = logged_in::relay_at(session, args.relay.as_deref().unwrap_or(client.url()))?;
    // Nobody types a password for a relay that could not use it, or a name that is somebody else's.
    let granted = login::check_relay(&client, &relay, &args.name).await?;
    let before = standing(&client, &args.name, &record.key).await?;
    let key = OpenKey::open(session, record.clone())?;
    let encryption_key = key.encryption().map(EncryptionKey::public);
    let by = LogInKey { signer: key.signer(), name: &record.name, encryption_key };
    let stored = match args.name.user() {
        Some(_) => {
            let password = confirm::password(args.password_file.as_deref(), &format!("Password of {}", args.name))?;
            login::log_in(&client, &relay, &granted, &by, &args.name, &password).await?
        }
        None => login::log_in_member(&client, &relay, &granted, &by, &args.name).await?,
    };
    logged_in::sessions(session).save(&stored)?;
    let live = LiveSession::new(relay, stored.clone(), key.signer());
    let enrolled = before == Standing::NotEnrolled;
    if enrolled {
        session.output.note(&format!("Logged in. {} is not on the ledger yet:", args.name));
        enrol(session, &granted, &live, key.signer(), args.yes).await?;
    }
    let on_ledger = match before {
        Standing::Enrolled { encryption_key, .. } => encryption_key,
        Standing::NotEnrolled => None,
    };
    let own = key.encryption().filter(|own| on_ledger != Some(own.public()));
    if let Some(own) = own {
        session.output.note(match on_ledger {
            None => "Nobody can write to this account before its encryption key is on the ledger:",
            Some(_) => "This account receives messages under another wallet's key; from now on under this one's:",
        });
        set_encryption_key(session, &stored, key.signer(), own, args.yes).await?;
    }
    tell(session, &stored, &granted, enrolled, own.is_some());
    Ok(())
}

/// Enrols the wallet's account under the user's name: the wallet signs, then the site.
async fn enrol(
    session: &mut Session,
    granted: &GrantedRelay,
    live: &LiveSession<'_>,
    key: &dyn Signer,
    yes: bool,
) -> Result<(), Failure> {
    let client = session.client("an enrolment")?.clone();
    let mut proposal = login::draw_enrolment(granted, &live.stored().user, key)?;
    sign::sign_with(session, &mut proposal, None, yes, Some(key)).await?;
    took_effect(login::enrol(&client, live, &proposal, PATIENCE).await?)
}

/// Puts the key on the ledger to which others seal what they write to the account.
async fn set_encryption_key(
    session: &mut Session,
    stored: &StoredSession,
    key: &dyn Signer,
    own: &EncryptionKey,
    yes: bool,
) -> Result<(), Failure> {
    let client = session.client("an encryption key")?.clone();
    let mut proposal = login::draw_encryption_key(stored.chain, stored.account, own)?;
    let account = stored.account.to_string();
    sign::sign_with(session, &mut proposal, Some(&account), yes, Some(key)).await?;
    match proposal.to_transaction() {
        Some(transaction) => took_effect(client.submit_and_wait(&transaction, PATIENCE).await?),
        None => Ok(()),
    }
}

fn took_effect(finality: Finality) -> Result<(), Failure> {
    finality.receipt.failure.map_or(Ok(()), |failure| Err(Failure::Ledger(failure)))
}

fn tell(session: &Session, stored: &StoredSession, granted: &GrantedRelay, enrolled: bool, set: bool) {
    let (account, relay) = (stored.account.to_string(), stored.relay.to_string());
    let result = json!({
        "user": stored.user.as_str(), "account": account, "key": stored.key_name, "relay": relay, "relay_url": stored.relay_url,
        "is_home": granted.is_home(), "expires_at": clock::to_utc(stored.expires_at), "expires_at_ms": stored.expires_at.millis(),
        "enrolled": enrolled, "encryption_key_set": set
    });
    session.output.result(&result, || {
        let until = clock::to_local(stored.expires_at);
        let mut lines = facts([
            ("logged in", format!("{} with the key {}", stored.user, stored.key_name)),
            ("account", account.clone()),
            ("relay", format!("{relay} at {}", stored.relay_url)),
            ("until", format!("{until} ({})", clock::relative(stored.expires_at, session.directory.now()))),
        ]);
        if enrolled {
            lines.push_str("\n\nThe account was enrolled.");
        }
        if set {
            lines.push_str("\n\nThe account receives messages from now on.");
        }
        if !granted.is_home() {
            let home = granted.home;
            lines.push_str(&format!("\n\nMessages are kept at another relay, {home}: log in there to fetch them."));
        }
        lines
    });
}

/// Ends a session at its relay and forgets it here. One that is over, and any with `--offline`, is only forgotten here.
pub async fn logout(session: &mut Session, args: LogoutArgs) -> Result<(), Failure> {
    let stored = logged_in::stored(session, &args.who)?;
    let is_over = stored.check(clock::now()).is_err();
    let ended = !is_over && session.node().is_some() && end(session, &args.who).await?;
    logged_in::sessions(session).remove(&stored.user)?;
    let user = stored.user.as_str();
    session.output.result(&json!({ "user": user, "ended": ended }), || match ended {
        true => format!("{user} is logged out"),
        false => format!("The session of {user} is forgotten here; no relay was told of it"),
    });
    Ok(())
}

/// True if the relay ended the session; false if it knows of none.
async fn end(session: &Session, who: &Who) -> Result<bool, Failure> {
    match LoggedIn::open(session, who)?.live().logout().await {
        Ok(()) => Ok(true),
        Err(RelayError::SessionEnded { .. }) => Ok(false),
        Err(error) if error.code() == Some(ErrorCode::SessionEnded) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
