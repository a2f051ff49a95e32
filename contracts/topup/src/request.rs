//! What a holder asks for.
use crate::state::{REQUESTS, emit};
use crate::{escrow, payment};
use countersign_contract_sdk::{Host, call_id};
use countersign_interface::topup::{Error, Expire, Kind, Request, RequestRecord, Requested, State, scheduled};
use countersign_types::{AccountId, Timestamp};
use parity_scale_codec::Encode;

/// The longest a request may wait for an agent: it is asked for at or near a counter, and money set aside is not forgotten in it.
pub const OPEN_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1000;

pub fn request(host: &mut impl Host, holder: AccountId, args: Request) -> Result<(), Error> {
    let Request { mode, kind, asset, amount, fee, payee, agent, reference, expires_at } = args;
    if amount.is_zero() {
        return Err(Error::AmountZero);
    }
    let held = escrow::amount(kind, amount, fee)?;
    if (kind == Kind::Payment) != payee.is_some() {
        return Err(Error::BadPayee);
    }
    if payee == Some(holder) || agent == Some(holder) || agent.is_some() && agent == payee {
        return Err(Error::SameAccount);
    }
    if let Some(payee) = payee {
        payment::check_payee(host, payee)?;
    }
    check_expiry(host.now(), expires_at)?;
    payment::check(host, holder, asset, held)?;
    let request = call_id(host);
    if REQUESTS.contains(host, &request) {
        return Err(Error::RequestExists);
    }

    // Everything is checked; from here on it must succeed.
    escrow::take(host, holder, asset, held);
    let job = host.schedule(expires_at, scheduled::expire, Expire { request }.encode());
    let requested_at = host.now();
    let record = RequestRecord {
        holder,
        mode,
        kind,
        asset,
        amount,
        fee,
        payee,
        reference: reference.clone(),
        agent,
        requested_at,
        ends_at: expires_at,
        job,
        state: State::Open,
    };
    REQUESTS.set(host, &request, &record);
    emit(host, &Requested { request, holder, mode, kind, asset, amount, fee, payee, agent, reference, expires_at });
    Ok(())
}

fn check_expiry(now: Timestamp, expires_at: Timestamp) -> Result<(), Error> {
    let waits = (1..=OPEN_MS_MAX).contains(&expires_at.saturating_since(now));
    if waits { Ok(()) } else { Err(Error::BadExpiry) }
}
