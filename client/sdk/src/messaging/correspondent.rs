//! Who one writes to and who has written, by the ledger: which keys sign for an account, which key it receives under,
//! whether it may act.
use super::letter::SignedLetter;
use super::store::Reason;
use crate::Client;
use crate::rpc::ClientError;
use crate::rpc_types::{AccountView, ErrorCode};
use crate::types::{AccountId, Hash, Name, PublicKey, Status};

/// An account that letters go to or come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Correspondent {
    /// The account.
    pub account: AccountId,
    /// Its name: `alice@harbor-hotel.example` or `harbor-hotel.example`.
    pub name: Name,
    /// The keys of its authority. Any of them writes letters for it.
    pub keys: Vec<PublicKey>,
    /// The X25519 key letters to it are sealed to; `None` until it has logged in.
    pub encryption_key: Option<[u8; 32]>,
    /// False while it, or the member that enrolled it, is suspended.
    pub is_active: bool,
}

/// Why a letter is not believed to be from whom it names, or one is not written to somebody.
#[derive(Debug, thiserror::Error)]
pub enum CorrespondentError {
    /// The ledger could not be asked: nothing is known yet.
    #[error(transparent)]
    Ledger(#[from] ClientError),
    /// There is no such account, or it is a contract's.
    #[error("there is nobody called {who} on the ledger")]
    Unknown {
        /// The name or id.
        who: String,
    },
    /// The key that signed the letter is not one of the sender's account.
    #[error("the letter names {name} as its sender, but is signed with the key {key}, which is none of theirs")]
    OtherKey {
        /// Whom it names.
        name: Name,
        /// Who signed.
        key: PublicKey,
    },
    /// It may not act.
    #[error("{name} is suspended")]
    Suspended {
        /// Who.
        name: Name,
    },
    /// Nothing can be sealed to it.
    #[error(
        "{name} has no encryption key on the ledger and so cannot receive messages: they have to log in first \
         (`countersign login {name}`)"
    )]
    NoEncryptionKey {
        /// Who.
        name: Name,
    },
}

impl Reason for CorrespondentError {
    fn name(&self) -> &'static str {
        match self {
            Self::Ledger(_) => "not_asked",
            Self::Unknown { .. } => "unknown_sender",
            Self::OtherKey { .. } => "other_key",
            Self::Suspended { .. } => "suspended",
            Self::NoEncryptionKey { .. } => "no_encryption_key",
        }
    }
}

impl CorrespondentError {
    /// True if the ledger was asked and says so; false if it may be asked again.
    pub fn is_verdict(&self) -> bool {
        !matches!(self, Self::Ledger(_))
    }
}

impl Correspondent {
    /// Reads who an account is, by id or name. A verifying client believes it with proof only.
    ///
    /// # Errors
    /// [`CorrespondentError::Unknown`] or [`CorrespondentError::Ledger`].
    pub async fn find(client: &Client, who: &str) -> Result<Self, CorrespondentError> {
        let unknown = || CorrespondentError::Unknown { who: who.chars().take(200).collect() };
        let account = match who.parse::<AccountId>() {
            Ok(account) => account,
            Err(_) => match client.resolve(who).await {
                Ok(text) => text.parse().map_err(|error| bad_answer("name_resolve", &error))?,
                Err(error) if error.code() == Some(ErrorCode::NotFound) => return Err(unknown()),
                Err(error) => return Err(error.into()),
            },
        };
        let found = match client.verifier() {
            Some(_) => Self::proven(client, account).await?,
            None => Self::told(client, account).await?,
        };
        found.ok_or_else(unknown)
    }

    async fn proven(client: &Client, account: AccountId) -> Result<Option<Self>, ClientError> {
        let Some(record) = client.verified_account(&account).await?.value else {
            return Ok(None);
        };
        let member = client.verified_member(&record.member).await?.value;
        let is_member_active = member.is_some_and(|member| member.status == Status::Active);
        Ok(Some(Self {
            account,
            name: record.name,
            keys: record.authority.keys.iter().map(|(key, _)| *key).collect(),
            encryption_key: record.encryption_key,
            is_active: record.status == Status::Active && is_member_active,
        }))
    }

    async fn told(client: &Client, account: AccountId) -> Result<Option<Self>, ClientError> {
        let view = match client.account(&account.to_string()).await {
            Ok(view) => view,
            Err(error) if error.code() == Some(ErrorCode::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let AccountView { name, member: Some(member), status, keys, encryption_key, .. } = view else {
            return Ok(None);
        };
        let is_active = |status: &str| status == ACTIVE;
        let is_member_active = is_active(&client.member(&member).await?.status);
        let bad = |error: &dyn std::fmt::Display| bad_answer("account_get", error);
        let key_of = |text: String| text.parse().map(|key: Hash| key.0).map_err(|error| bad(&error));
        Ok(Some(Self {
            account,
            name: name.parse().map_err(|error| bad(&error))?,
            keys: keys.iter().map(|(key, _)| key.parse().map_err(|e| bad(&e))).collect::<Result<_, _>>()?,
            encryption_key: encryption_key.map(key_of).transpose()?,
            is_active: is_active(&status) && is_member_active,
        }))
    }

    /// Checks that a letter is from this account, as it was read: its key is one of the account's, which may act.
    ///
    /// # Errors
    /// [`CorrespondentError::OtherKey`] or [`CorrespondentError::Suspended`].
    pub fn check_wrote(&self, signed: &SignedLetter) -> Result<(), CorrespondentError> {
        if signed.letter.from != self.account || !self.keys.contains(&signed.key) {
            return Err(CorrespondentError::OtherKey { name: self.name.clone(), key: signed.key });
        }
        if self.is_active { Ok(()) } else { Err(CorrespondentError::Suspended { name: self.name.clone() }) }
    }

    /// The key to seal letters to.
    ///
    /// # Errors
    /// [`CorrespondentError::Suspended`] or [`CorrespondentError::NoEncryptionKey`].
    pub fn receiving_key(&self) -> Result<[u8; 32], CorrespondentError> {
        if !self.is_active {
            return Err(CorrespondentError::Suspended { name: self.name.clone() });
        }
        self.encryption_key.ok_or_else(|| CorrespondentError::NoEncryptionKey { name: self.name.clone() })
    }
}

/// What an account's or member's view says of one that may act.
const ACTIVE: &str = "active";

fn bad_answer(method: &'static str, cause: &dyn std::fmt::Display) -> ClientError {
    ClientError::BadAnswer { method, cause: cause.to_string() }
}
