//! Receipts, events and failures as wire types: made by the node, and again by a client from the bytes that were
//! proven.
use crate::HexBytes;
use crate::view::{EventView, FailureView, ReceiptView};
use countersign_types::evidence::Step;
use countersign_types::receipt::Subject;
use countersign_types::transaction::TransactionId;
use countersign_types::{CallFault, Event, Failure, Interface, ModuleName, Receipt, Transaction};
use parity_scale_codec::Encode;
use std::sync::Arc;

impl ReceiptView {
    /// A receipt; `transaction` is the one it is about, if it is about one. `interface` finds the declarations by which
    /// events and refusals get their names.
    pub fn of(
        receipt: &Receipt,
        transaction: Option<&Transaction>,
        interface: impl Fn(&ModuleName) -> Option<Arc<Interface>>,
    ) -> Self {
        let failed = receipt.outcome.err().map(|cause| {
            let module = failed_module(&cause, transaction);
            FailureView::of(&cause, module.and_then(&interface).as_deref())
        });
        Self {
            subject: subject_text(&receipt.subject),
            ok: receipt.outcome.is_ok(),
            failure: failed,
            gas: receipt.gas.get(),
            events: receipt
                .events
                .iter()
                .map(|event| EventView::of(event, interface(&event.module).as_deref()))
                .collect(),
            receipt: HexBytes(receipt.encode()),
        }
    }
}

/// The module whose call failed.
fn failed_module<'a>(cause: &Failure, transaction: Option<&'a Transaction>) -> Option<&'a ModuleName> {
    match cause {
        Failure::Call { index, .. } => Some(&transaction?.calls.get(usize::from(*index))?.module),
        _ => None,
    }
}

/// What a receipt is about: `cst1…`, `job:<number>`, or `evidence:<validator>:<height>:<round>:<step>`.
pub fn subject_text(subject: &Subject) -> String {
    match subject {
        Subject::Transaction(id) => TransactionId(*id).to_string(),
        Subject::Job(number) => format!("job:{number}"),
        Subject::Evidence { validator, height, round, step } => {
            format!("evidence:{validator}:{height}:{round}:{}", step_name(*step))
        }
    }
}

/// The name of a kind of statement.
pub const fn step_name(step: Step) -> &'static str {
    match step {
        Step::Offer => "offer",
        Step::Proposal => "proposal",
        Step::Prevote => "prevote",
        Step::Precommit => "precommit",
    }
}

impl EventView {
    /// An event; `interface` is that of its module, where it is known.
    pub fn of(event: &Event, interface: Option<&Interface>) -> Self {
        let declared = interface.and_then(|interface| interface.events.get(usize::from(event.kind)));
        Self {
            module: event.module.to_string(),
            // A kind that is no longer declared keeps its number.
            name: declared.map_or_else(|| event.kind.to_string(), |event| event.name.clone()),
            accounts: event.accounts.iter().map(ToString::to_string).collect(),
            data: HexBytes(event.data.to_vec()),
        }
    }
}

impl FailureView {
    /// A transaction's failure. `interface` is that of the module whose call failed, where it is known.
    pub fn of(failure: &Failure, interface: Option<&Interface>) -> Self {
        match failure {
            Failure::Call { index, fault } => Self { call: Some(*index), ..Self::of_call(fault, interface) },
            other => Self { name: failure_name(other).into(), message: other.to_string(), call: None, code: None },
        }
    }

    /// A failed call or query.
    pub fn of_call(fault: &CallFault, interface: Option<&Interface>) -> Self {
        let plain = |name: &str| Self { name: name.into(), message: fault.to_string(), call: None, code: None };
        let CallFault::Refused(code) = fault else {
            return plain(fault_name(fault));
        };
        let declared = interface.and_then(|interface| Some((interface, interface.error(*code)?)));
        match declared {
            Some((interface, error)) => Self {
                name: format!("{}.{}", interface.module, error.name),
                message: error.text.clone(),
                call: None,
                code: Some(*code),
            },
            None => Self { code: Some(*code), ..plain("refused") },
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contracts_refusal_has_the_name_its_interface_gives_it() {
        let interface = Interface::parse("module rebate;\nerror 3 PriceNotLower \"The price is not lower.\";").unwrap();
        let refused = Failure::Call { index: 2, fault: CallFault::Refused(3) };
        let view = FailureView::of(&refused, Some(&interface));
        assert_eq!((view.name.as_str(), view.call, view.code), ("rebate.PriceNotLower", Some(2), Some(3)));
        assert_eq!(view.message, "The price is not lower.");
        let unknown = FailureView::of(&Failure::Call { index: 0, fault: CallFault::Refused(99) }, Some(&interface));
        assert_eq!((unknown.name.as_str(), unknown.code), ("refused", Some(99)));
        let fault = Failure::Call { index: 0, fault: CallFault::InsufficientBalance };
        assert_eq!(FailureView::of(&fault, None).name, "insufficient_balance");
    }
}
