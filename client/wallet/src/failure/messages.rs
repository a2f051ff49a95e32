//! Failures of log-ins and messages: each goes where its like is already, and gets the exit code of its like.
use super::Failure;
use countersign_client::login::LoginError;
use countersign_client::messaging::correspondent::CorrespondentError;
use countersign_client::messaging::encryption::NoSecretHere;
use countersign_client::messaging::inbox::FetchError;
use countersign_client::messaging::letter::BadLetter;
use countersign_client::messaging::login::LogInError;
use countersign_client::messaging::seal::SealError;
use countersign_client::messaging::send::SendError;
use countersign_client::messaging::store::StoreError;
use countersign_client::messaging::{DiskError, SessionError};
use countersign_client::relay::RelayError;
use countersign_client::rpc_types::ErrorCode;
use serde_json::{Value as Json, json};

/// Why a log-in or a message came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum MessagingFailure {
    /// The relay.
    #[error(transparent)]
    Relay(RelayError),
    /// Who writes or is written to.
    #[error(transparent)]
    Correspondent(CorrespondentError),
    /// The log-in.
    #[error(transparent)]
    LogIn(LogInError),
    /// The password, or what the site answered.
    #[error(transparent)]
    Password(LoginError),
    /// What was to be sent.
    #[error(transparent)]
    Letter(BadLetter),
    /// A letter is not sealed.
    #[error(transparent)]
    Seal(SealError),
    /// The key opens no messages.
    #[error(transparent)]
    Key(NoSecretHere),
    /// The messages that are kept here.
    #[error(transparent)]
    Store(StoreError),
    /// A file of a session or message.
    #[error(transparent)]
    Disk(DiskError),
}

impl MessagingFailure {
    /// One of [`super::EXIT_CODES`].
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Relay(RelayError::SessionEnded { .. }) => 10,
            Self::Relay(_) => 4,
            Self::Correspondent(CorrespondentError::OtherKey { .. }) => 7,
            Self::Correspondent(_) => 4,
            Self::LogIn(error) => log_in_exit_code(error),
            Self::Password(LoginError::Malformed { .. }) => 4,
            Self::Password(LoginError::NotAUser) => 2,
            Self::Password(LoginError::BadPassword | LoginError::Refused) | Self::Key(_) => 5,
            Self::Disk(DiskError::Access(_)) | Self::Store(StoreError::Disk(DiskError::Access(_))) => 5,
            Self::Letter(_) | Self::Seal(_) | Self::Store(_) | Self::Disk(_) => 2,
        }
    }

    /// The relay's code, where it stands for one.
    pub fn data(&self) -> Json {
        match self {
            Self::Relay(RelayError::OtherHome { home, .. }) => {
                json!({"code": ErrorCode::MessageRefused as i32, "data": {"relay": home.to_string()}})
            }
            Self::Relay(error) => error.code().map_or(Json::Null, |code| json!({"code": code as i32, "data": null})),
            _ => Json::Null,
        }
    }
}

fn log_in_exit_code(error: &LogInError) -> u8 {
    match error {
        LogInError::NotGranted { .. } => 7,
        LogInError::OtherChain { .. } | LogInError::NotAUser { .. } | LogInError::NotAMember { .. } => 2,
        LogInError::OtherAccount { .. } | LogInError::NotOwnAccount { .. } => 5,
        _ => 4,
    }
}

impl From<MessagingFailure> for Failure {
    fn from(failure: MessagingFailure) -> Self {
        Self::Messaging(Box::new(failure))
    }
}

impl From<RelayError> for Failure {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Client(error) => Self::Client(error),
            RelayError::Signer(error) => Self::Signer(error),
            other => MessagingFailure::Relay(other).into(),
        }
    }
}

impl From<CorrespondentError> for Failure {
    fn from(error: CorrespondentError) -> Self {
        match error {
            CorrespondentError::Ledger(error) => Self::Client(error),
            other => MessagingFailure::Correspondent(other).into(),
        }
    }
}

impl From<LogInError> for Failure {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::Ledger(error) => Self::Client(error),
            LogInError::Relay(error) => error.into(),
            LogInError::Signer(error) => Self::Signer(error),
            LogInError::Build(error) => Self::Build(error),
            LogInError::Login(error) => MessagingFailure::Password(error).into(),
            other => MessagingFailure::LogIn(other).into(),
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Receiver(error) => error.into(),
            SendError::Seal(SealError::Signer(error)) => Self::Signer(error),
            SendError::Seal(error) => MessagingFailure::Seal(error).into(),
            SendError::Relay(error) => error.into(),
            SendError::Disk(error) => error.into(),
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Relay(error) => error.into(),
            FetchError::Ledger(error) => Self::Client(error),
            FetchError::Store(error) => error.into(),
        }
    }
}

impl From<BadLetter> for Failure {
    fn from(error: BadLetter) -> Self {
        MessagingFailure::Letter(error).into()
    }
}

impl From<NoSecretHere> for Failure {
    fn from(error: NoSecretHere) -> Self {
        MessagingFailure::Key(error).into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        MessagingFailure::Store(error).into()
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        MessagingFailure::Disk(error).into()
    }
}

/// 10 if a log-in helps, 5 if it is another key, 2 if it is not said which session.
pub fn session_exit_code(error: &SessionError) -> u8 {
    match error {
        SessionError::NotLoggedIn { .. } | SessionError::NobodyLoggedIn | SessionError::Ended { .. } => 10,
        SessionError::OtherKey { .. } | SessionError::Disk(DiskError::Access(_)) => 5,
        SessionError::Several { .. } | SessionError::Disk(_) => 2,
    }
}

/// What a node's refusal is to a script.
pub fn refusal_exit_code(code: Option<ErrorCode>) -> u8 {
    match code {
        Some(ErrorCode::LoginRefused) => 5,
        Some(ErrorCode::SessionEnded) => 10,
        _ => 4,
    }
}
