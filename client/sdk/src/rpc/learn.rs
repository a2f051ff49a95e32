//! Fills the directory from the node: what a reading or showing lacks is asked for, then it is tried again.
use super::{Client, ClientError};
use crate::builder::BuildError;
use crate::directory::{Directory, Need};
use crate::display::DisplayError;
use crate::rpc_types::ErrorCode;
use crate::types::Interface;
use crate::value::ValueError;
use std::sync::Arc;

/// Rounds of asking and trying again: each brings one fact, and a list of arguments names no more than these.
const ROUNDS_MAX: usize = 2_000;

/// An error that more knowledge may cure.
pub trait Needy {
    /// The knowledge.
    fn need(&self) -> Option<&Need>;
}

macro_rules! needy {
    ($($name:ty),+) => {
        $(impl Needy for $name {
            fn need(&self) -> Option<&Need> {
                <$name>::need(self)
            }
        })+
    };
}
needy!(ValueError, BuildError, DisplayError);

/// Runs `attempt`, learning from the node what it lacks, until it succeeds or fails for another reason. Without a node it
/// runs once.
///
/// # Errors
/// The attempt's own error, or [`ClientError`] as `E`.
pub async fn with_needs<T, F: Needy, E: From<F> + From<ClientError>>(
    client: Option<&Client>,
    directory: &mut Directory,
    attempt: impl Fn(&Directory) -> Result<T, F>,
) -> Result<T, E> {
    for _ in 0..ROUNDS_MAX {
        let error = match attempt(directory) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let (Some(client), Some(need)) = (client, error.need()) else {
            return Err(error.into());
        };
        let need = need.clone();
        if directory.has(&need) {
            return Err(error.into());
        }
        client.learn(directory, &need).await?;
        if !directory.has(&need) {
            return Err(error.into());
        }
    }
    attempt(directory).map_err(Into::into)
}

impl Client {
    /// Asks the node for one fact, which a verifying client believes with proof only. What the ledger does not have
    /// stays unknown, or is noted as absent.
    ///
    /// # Errors
    /// [`ClientError`] for everything but "not found".
    pub async fn learn(&self, directory: &mut Directory, need: &Need) -> Result<(), ClientError> {
        let is_verifying = self.verifier().is_some();
        match need {
            Need::Account(name) => {
                if let Some(text) = found(self.resolve(name).await)? {
                    directory.set_account(name, text.parse().map_err(|e| bad("name_resolve", &e))?);
                }
            }
            Need::NameOf(account) if is_verifying => {
                let name = self.verified_name_of(account).await?;
                directory.set_name(*account, name.as_deref());
            }
            Need::Interface(module) if is_verifying => {
                let found = self.verified_interface(module).await?;
                directory.set_interface(module.clone(), found.map(Arc::unwrap_or_clone));
            }
            Need::NameOf(account) => {
                let view = found(self.account(&account.to_string()).await)?;
                directory.set_name(*account, view.as_ref().map(|view| view.name.as_str()));
            }
            Need::Decimals(asset) => {
                if let Some(view) = found(self.asset(asset.as_str()).await)? {
                    directory.set_decimals(*asset, view.decimals);
                }
            }
            Need::Interface(module) => {
                let interface = match found(self.contract_interface(module.as_str()).await)? {
                    Some(view) => {
                        let parsed = Interface::parse(&view.text).map_err(|e| bad("contract_interface", &e))?;
                        if parsed.module != *module {
                            return Err(bad("contract_interface", &"it is the interface of another module"));
                        }
                        Some(parsed)
                    }
                    None => None,
                };
                directory.set_interface(module.clone(), interface);
            }
        }
        Ok(())
    }

    /// Asks the node for several facts.
    ///
    /// # Errors
    /// [`ClientError`] for everything but "not found".
    pub async fn learn_all(&self, directory: &mut Directory, needs: Vec<Need>) -> Result<(), ClientError> {
        for need in needs.into_iter().take(ROUNDS_MAX) {
            if !directory.has(&need) {
                self.learn(directory, &need).await?;
            }
        }
        Ok(())
    }
}

fn bad(method: &'static str, cause: &impl std::fmt::Display) -> ClientError {
    ClientError::BadAnswer { method, cause: cause.to_string() }
}

fn found<T>(result: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
