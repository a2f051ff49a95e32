//! Failures by stable names, and refusals at the door by stable codes.
use crate::mempool::{AdmissionError, PoolError};
use countersign_rpc_types::{ErrorCode, FailureView, RpcFault};
use countersign_types::transaction::TransactionError;
use countersign_types::{CallFault, DecodeError, Failure, Interface};
use serde_json::json;

/// A failure for the wire. `interface` is that of the module whose call failed, where it is known.
pub fn failure(failure: &Failure, interface: Option<&Interface>) -> FailureView {
    match failure {
        Failure::Call { index, fault } => FailureView { call: Some(*index), ..call_fault(fault, interface) },
        other => FailureView { name: failure_name(other).into(), message: other.to_string(), call: None, code: None },
    }
}

/// A failed call or query for the wire.
pub fn call_fault(fault: &CallFault, interface: Option<&Interface>) -> FailureView {
    let plain = |name: &str| FailureView { name: name.into(), message: fault.to_string(), call: None, code: None };
    let CallFault::Refused(code) = fault else {
        return plain(fault_name(fault));
    };
    let declared = interface.and_then(|interface| Some((interface, interface.error(*code)?)));
    match declared {
        Some((interface, error)) => FailureView {
            name: format!("{}.{}", interface.module, error.name),
            message: error.text.clone(),
            call: None,
            code: Some(*code),
        },
        None => FailureView { code: Some(*code), ..plain("refused") },
    }
}

fn failure_name(failure: &Failure) -> &'static str {
    match failure {
        Failure::NotYetValid => "not_yet_valid",
        Failure::Expired => "expired",
        Failure::Replayed => "replayed",
        Failure::UnknownAccount(_) => "unknown_account",
        Failure::Suspended(_) => "suspended",
        Failure::AuthorityNotMet(_) => "authority_not_met",
        Failure::QuotaExceeded(_) => "quota_exceeded",
        Failure::PutOff => "put_off",
        Failure::ValidityTooLong => "validity_too_long",
        Failure::Call { fault, .. } => fault_name(fault),
    }
}

fn fault_name(fault: &CallFault) -> &'static str {
    match fault {
        CallFault::UnknownModule => "unknown_module",
        CallFault::UnknownMethod => "unknown_method",
        CallFault::WrongParties => "wrong_parties",
        CallFault::BadArguments => "bad_arguments",
        CallFault::OutOfGas => "out_of_gas",
        CallFault::StackExhausted => "stack_exhausted",
        CallFault::Trap => "trap",
        CallFault::HostArgument => "host_argument",
        CallFault::LimitExceeded => "limit_exceeded",
        CallFault::InsufficientBalance => "insufficient_balance",
        CallFault::UnknownAsset => "unknown_asset",
        CallFault::AssetFrozen => "asset_frozen",
        CallFault::UnknownAccount => "unknown_account",
        CallFault::NotAParty => "not_a_party",
        CallFault::CallDepth => "call_depth",
        CallFault::Reentry => "reentry",
        CallFault::BadSchedule => "bad_schedule",
        CallFault::ReadOnly => "read_only",
        CallFault::Overflow => "overflow",
        CallFault::Refused(_) => "refused",
    }
}

/// A transaction that was not taken, for the wire. `id` is its `cst1…`.
pub fn admission(error: &AdmissionError, id: &str) -> RpcFault {
    match error {
        AdmissionError::Malformed(cause) => transaction(cause),
        AdmissionError::Refused(Failure::Replayed) | AdmissionError::Pool(PoolError::Known) => {
            RpcFault::new(ErrorCode::AlreadyKnown, "the transaction waits or is decided already; watch it")
                .with(json!({ "id": id }))
        }
        AdmissionError::Refused(cause) => {
            RpcFault::new(ErrorCode::Refused, cause.to_string()).with(failure(cause, None))
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
    fn a_contracts_refusal_has_the_name_its_interface_gives_it() {
        let interface = Interface::parse("module rebate;\nerror 3 PriceNotLower \"The price is not lower.\";").unwrap();
        let refused = Failure::Call { index: 2, fault: CallFault::Refused(3) };
        let view = failure(&refused, Some(&interface));
        assert_eq!((view.name.as_str(), view.call, view.code), ("rebate.PriceNotLower", Some(2), Some(3)));
        assert_eq!(view.message, "The price is not lower.");
        let unknown = failure(&Failure::Call { index: 0, fault: CallFault::Refused(99) }, Some(&interface));
        assert_eq!((unknown.name.as_str(), unknown.code), ("refused", Some(99)));
        let fault = Failure::Call { index: 0, fault: CallFault::InsufficientBalance };
        assert_eq!(failure(&fault, None).name, "insufficient_balance");
    }

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
