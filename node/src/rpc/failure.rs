//! Refusals at the door by stable codes.
use crate::mempool::{AdmissionError, PoolError};
use countersign_rpc_types::{ErrorCode, FailureView, RpcFault};
use countersign_types::transaction::TransactionError;
use countersign_types::{DecodeError, Failure};
use serde_json::json;

/// A transaction that was not taken, for the wire. `id` is its `cst1…`.
pub fn admission(error: &AdmissionError, id: &str) -> RpcFault {
    match error {
        AdmissionError::Malformed(cause) => transaction(cause),
        AdmissionError::Refused(Failure::Replayed) | AdmissionError::Pool(PoolError::Known) => {
            RpcFault::new(ErrorCode::AlreadyKnown, "the transaction waits or is decided already; watch it")
                .with(json!({ "id": id }))
        }
        AdmissionError::Refused(cause) => {
            RpcFault::new(ErrorCode::Refused, cause.to_string()).with(FailureView::of(cause, None))
        }
        AdmissionError::Pool(PoolError::Full { transactions, bytes }) => {
            RpcFault::new(ErrorCode::MempoolFull, "the mempool is full; submit the transaction again later")
                .with(json!({ "transactions": transactions, "bytes": bytes }))
        }
        AdmissionError::Pool(PoolError::Share { percent }) => RpcFault::new(
            ErrorCode::MempoolFull,
            "the member that pays holds its share of the mempool; submit the transaction again later",
        )
        .with(json!({ "share_percent": percent })),
        AdmissionError::Journal => {
            RpcFault::new(ErrorCode::Unavailable, "the node cannot keep the transaction on disk; ask another node")
        }
        AdmissionError::Stopping => super::stopping(),
    }
}

/// A transaction that is none, for the wire.
pub fn transaction(error: &TransactionError) -> RpcFault {
    let rule = match error {
        TransactionError::Decode(DecodeError::Oversized { .. }) => "oversized",
        TransactionError::Decode(DecodeError::Malformed { .. }) => "malformed",
        TransactionError::WrongChain { .. } => "wrong_chain",
        TransactionError::Shape { .. } => "shape",
        TransactionError::NeverValid => "never_valid",
        TransactionError::StraySignature { .. } => "stray_signature",
        TransactionError::MissingSignature { .. } => "missing_signature",
        TransactionError::BadSignature { .. } => "bad_signature",
    };
    RpcFault::new(ErrorCode::BadTransaction, error.to_string()).with(json!({ "rule": rule }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_or_waits_is_no_fault_of_the_transaction() {
        let replayed = admission(&AdmissionError::Refused(Failure::Replayed), "cst1x");
        assert_eq!(replayed.code, ErrorCode::AlreadyKnown as i32);
        let expired = admission(&AdmissionError::Refused(Failure::Expired), "cst1x");
        assert_eq!(
            (expired.code, expired.data.unwrap()["name"].as_str()),
            (ErrorCode::Refused as i32, Some("expired"))
        );
    }
}
