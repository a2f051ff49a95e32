//! Submitting a transaction and waiting until it is final.
use super::{Client, ClientError};
use crate::rpc_types::{CountersignRpcClient, ErrorCode, ReceiptView, TxStatus};
use crate::types::SignedTransaction;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Pause before a transaction the node has forgotten is handed in again.
const AGAIN: Duration = Duration::from_millis(200);
/// A subscription that says nothing for so long is renewed: its node may have ended it without a word.
const QUIET_MAX: Duration = Duration::from_secs(10);

/// A transaction that was decided and executed.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Finality {
    /// `cst1…`.
    pub id: String,
    /// Height of its block.
    pub height: u64,
    /// Index among the block's transactions.
    pub index: u32,
    /// What became of it: final, but not necessarily a success.
    pub receipt: ReceiptView,
}

enum Outcome {
    Final(Finality),
    /// The node does not know it: it restarted, or another one answers now.
    Forgotten,
}

impl Client {
    /// Hands in a transaction and waits until it is final, at most `patience`. One that the node forgets is handed in again.
    ///
    /// # Errors
    /// [`ClientError::NotFinal`] when the time is over; what the node refuses.
    pub async fn submit_and_wait(
        &self,
        transaction: &SignedTransaction,
        patience: Duration,
    ) -> Result<Finality, ClientError> {
        let deadline = Instant::now() + patience;
        let id = self.submit(transaction).await?;
        loop {
            match self.watch_until(&id, deadline, patience).await? {
                Outcome::Final(finality) => return self.believe(finality, deadline, patience).await,
                Outcome::Forgotten => sleep(AGAIN).await,
            }
            match self.submit(transaction).await {
                Err(error) if error.code() != Some(ErrorCode::AlreadyKnown) => return Err(error),
                _ => {}
            }
        }
    }

    /// Waits until a transaction handed in before is final, at most `patience`.
    ///
    /// # Errors
    /// [`ClientError::NotFinal`] when the time is over.
    pub async fn wait(&self, id: &str, patience: Duration) -> Result<Finality, ClientError> {
        let deadline = Instant::now() + patience;
        loop {
            match self.watch_until(id, deadline, patience).await? {
                Outcome::Final(finality) => return self.believe(finality, deadline, patience).await,
                Outcome::Forgotten => sleep(AGAIN).await,
            }
        }
    }

    /// A receipt as told; by a verifying client with proof only.
    async fn believe(&self, told: Finality, deadline: Instant, patience: Duration) -> Result<Finality, ClientError> {
        match self.verifier() {
            Some(_) => self.prove_final(told, deadline, patience).await,
            None => Ok(told),
        }
    }

    async fn watch_until(&self, id: &str, deadline: Instant, patience: Duration) -> Result<Outcome, ClientError> {
        let late = || ClientError::NotFinal { id: id.into(), seconds: patience.as_secs() };
        loop {
            if Instant::now() >= deadline {
                return Err(late());
            }
            let watch = self.call("tx_watch", |c| async move { c.tx_watch(id.into()).await });
            let mut watch = timeout_at(deadline, watch).await.map_err(|_| late())??;
            // Ends when the connection breaks or it is quiet for long; then the next round watches again.
            while let Ok(Some(status)) = timeout_at(deadline.min(Instant::now() + QUIET_MAX), watch.next()).await {
                let bad =
                    |error: serde_json::Error| ClientError::BadAnswer { method: "tx_watch", cause: error.to_string() };
                match status.map_err(bad)? {
                    TxStatus::Final { height, index, receipt } => {
                        return Ok(Outcome::Final(Finality { id: id.into(), height, index, receipt }));
                    }
                    TxStatus::Unknown => return Ok(Outcome::Forgotten),
                    TxStatus::Pending => {}
                }
            }
            sleep(AGAIN).await;
        }
    }
}
