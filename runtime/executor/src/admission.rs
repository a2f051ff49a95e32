//! What is checked before a transaction's calls run. A transaction refused here leaves nothing but its receipt: nobody who could
//! answer for it has signed it, or it must not run now.
use crate::ledger::Ledger;
use crate::quota;
use countersign_interface::{Method, registry};
use countersign_types::account::QuotaUse;
use countersign_types::{AccountId, Authority, Call, Failure, Gas, Hash, Params, PublicKey, Timestamp, Transaction};

/// A transaction before it runs.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) id: Hash,
    pub(crate) transaction: &'a Transaction,
    /// Sorted.
    pub(crate) signers: &'a [AccountId],
    pub(crate) size_bytes: usize,
    pub(crate) signatures: usize,
}

/// What admission found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    /// The member whose quota pays.
    pub(crate) payer: AccountId,
    /// What the payer used in this window before.
    pub(crate) used: QuotaUse,
    /// What the payer has left in this window.
    pub(crate) quota_left: Gas,
    /// Gas before the first call.
    pub(crate) base: Gas,
}

/// Admits a transaction at `time`. `is_met` tells whether the signer at an index has satisfied an authority.
///
/// # Errors
/// Every [`Failure`] but `PutOff` and `Call`.
pub(crate) fn admit(
    ledger: &Ledger<'_>,
    params: &Params,
    candidate: Candidate<'_>,
    time: Timestamp,
    is_met: impl Fn(usize, &Authority) -> bool,
) -> Result<Admitted, Failure> {
    check_times(candidate.transaction, params, time)?;
    if ledger.seen(candidate.transaction.expires_at, &candidate.id) {
        return Err(Failure::Replayed);
    }
    for (index, signer) in candidate.signers.iter().enumerate() {
        let authority = authority_of(ledger, candidate.transaction, signer)?;
        if !is_met(index, &authority) {
            return Err(Failure::AuthorityNotMet(*signer));
        }
    }
    let payer = payer(ledger, candidate.transaction)?;
    let used = quota::used_in_window(ledger.quota_use(&payer), params, time);
    let quota_left = params.quota_gas.saturating_sub(used.gas);
    let base = quota::base_price(candidate.transaction, candidate.size_bytes, candidate.signatures);
    if base > quota_left {
        return Err(Failure::QuotaExceeded(payer));
    }
    Ok(Admitted { payer, used, quota_left, base })
}

fn check_times(transaction: &Transaction, params: &Params, time: Timestamp) -> Result<(), Failure> {
    if time < transaction.valid_from {
        return Err(Failure::NotYetValid);
    }
    if time > transaction.expires_at {
        return Err(Failure::Expired);
    }
    let validity_ms = transaction.expires_at.saturating_since(transaction.valid_from);
    if validity_ms > params.validity_ms_max { Err(Failure::ValidityTooLong) } else { Ok(()) }
}

/// Who signs for a party: what its account says, or, for the holder of an `enrol`, the key its account will begin with.
///
/// # Errors
/// `UnknownAccount`, `Suspended`.
pub(crate) fn authority_of(
    ledger: &Ledger<'_>,
    transaction: &Transaction,
    signer: &AccountId,
) -> Result<Authority, Failure> {
    match ledger.account(signer) {
        Some(account) if ledger.is_active(&account) => Ok(account.authority),
        Some(_) => Err(Failure::Suspended(*signer)),
        None if is_enrolled_by(transaction, signer) => Ok(Authority::single(PublicKey(signer.0))),
        None => Err(Failure::UnknownAccount(*signer)),
    }
}

/// True if the first call the account is a party of enrols it: the one case in which a party need not be enrolled before.
fn is_enrolled_by(transaction: &Transaction, holder: &AccountId) -> bool {
    let first = transaction.calls.iter().find(|call| call.parties.contains(holder));
    first.is_some_and(|call| enrolled_by(call) == Some(holder))
}

fn enrolled_by(call: &Call) -> Option<&AccountId> {
    if call.module.as_str() != registry::Enrol::MODULE {
        return None;
    }
    let (_, method) = registry::interface().method(call.method)?;
    if method.name != registry::Enrol::NAME {
        return None;
    }
    let role = method.roles.iter().position(|role| role.name == "holder")?;
    call.parties.get(role)
}

/// The member of the first party of the first call.
fn payer(ledger: &Ledger<'_>, transaction: &Transaction) -> Result<AccountId, Failure> {
    let first = transaction.calls.first().and_then(|call| call.parties.first());
    let first = first.expect("a verified transaction has a call and every call a party");
    ledger.account(first).map(|account| account.member).ok_or(Failure::UnknownAccount(*first))
}
