//! The session at a relay in which a command works: who has logged in, where the relay is, and the key that signs the requests.
use crate::failure::Failure;
use crate::session::Session;
use clap::Args;
use countersign_client::keystore::{Custody, KeyRecord};
use countersign_client::messaging::encryption::check_custody;
use countersign_client::messaging::{EncryptionKey, MessageStore, SessionError, SessionStore, StoredSession};
use countersign_client::relay::{LiveSession, RelayClient};
use countersign_client::rpc::Patience;
use countersign_client::types::{Name, Timestamp};
use countersign_client::{Signer, clock};

/// Whose session a command works in.
#[derive(Args, Clone, Debug)]
pub struct Who {
    /// Who has logged in, if there are several: alice@shop.example or shop.example [default: who has with --key, or the only one]
    #[arg(long, value_name = "NAME")]
    pub account: Option<Name>,
}

/// A session that is open, by this wallet's clock.
pub struct LoggedIn {
    /// What the wallet keeps of it.
    pub stored: StoredSession,
    key: OpenKey,
    relay: RelayClient,
}

/// A key that signs, and opens messages if its secret is in this wallet.
pub struct OpenKey {
    record: KeyRecord,
    signer: Box<dyn Signer>,
    encryption: Option<EncryptionKey>,
}

impl OpenKey {
    /// Asks for the key's passphrase, if it has one.
    pub fn open(session: &Session, record: KeyRecord) -> Result<Self, Failure> {
        if record.custody == Custody::Program {
            let signer = session.signer(&record)?;
            return Ok(Self { record, signer, encryption: None });
        }
        let key = session.unlock(&record)?;
        let encryption = Some(EncryptionKey::of(&key));
        Ok(Self { record, signer: Box::new(key), encryption })
    }

    /// Who signs.
    pub fn signer(&self) -> &dyn Signer {
        &*self.signer
    }

    /// The key that opens messages; `None` if a program keeps the secret.
    pub fn encryption(&self) -> Option<&EncryptionKey> {
        self.encryption.as_ref()
    }
}

/// The sessions of this wallet.
pub fn sessions(session: &Session) -> SessionStore {
    SessionStore::new(session.options().home_folder().join("sessions"))
}

/// The relay at an address; that of the node in use is asked over the same connection.
pub fn relay_at(session: &Session, url: &str) -> Result<RelayClient, Failure> {
    let node = session.client("a relay")?;
    match node.url() == url {
        true => Ok(RelayClient::of(node)),
        false => Ok(RelayClient::new(url, Patience::default())?.heard_by(node)),
    }
}

/// What is kept of the session to work in, which may be over.
pub fn stored(session: &Session, who: &Who) -> Result<StoredSession, SessionError> {
    // No session is over at the beginning of time.
    sessions(session).open(who.account.as_ref(), session.options().key.as_deref(), Timestamp::from_millis(0))
}

/// The messages of an account that are kept here.
pub fn messages(session: &Session, stored: &StoredSession) -> MessageStore {
    MessageStore::new(&session.options().home_folder(), &stored.account)
}

impl LoggedIn {
    /// Opens the session to work in, with its key.
    pub fn open(session: &Session, who: &Who) -> Result<Self, Failure> {
        let stored = stored(session, who)?;
        stored.check(clock::now())?;
        let relay = relay_at(session, &stored.relay_url)?;
        let record = session.keystore.record(&stored.key_name)?;
        if record.key != stored.key {
            let (user, key_name) = (stored.user, stored.key_name);
            return Err(SessionError::OtherKey { user, key_name, name: record.name }.into());
        }
        Ok(Self { stored, key: OpenKey::open(session, record)?, relay })
    }

    /// The session, to ask the relay with.
    pub fn live(&self) -> LiveSession<'_> {
        LiveSession::new(self.relay.clone(), self.stored.clone(), self.key.signer())
    }

    /// The key that opens messages.
    pub fn encryption_key(&self) -> Result<&EncryptionKey, Failure> {
        check_custody(&self.key.record)?;
        Ok(self.key.encryption().expect("a key of this custody was unlocked, which makes it"))
    }

    /// The messages of the account that are kept here.
    pub fn messages(&self, session: &Session) -> MessageStore {
        messages(session, &self.stored)
    }
}
