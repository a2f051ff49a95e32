//! The end of a request that nobody carried out, or whose cash nobody confirmed.
use crate::escrow;
use crate::state::{REQUESTS, emit};
use countersign_contract_sdk::Host;
use countersign_interface::topup::{Error, Expired, State};
use countersign_types::Hash;

/// Closes a request whose time has come: called by the ledger then, or by anyone if that was refused.
pub fn expire(host: &mut impl Host, request: Hash) -> Result<(), Error> {
    let record = REQUESTS.get(host, &request).ok_or(Error::UnknownRequest)?;
    if !matches!(record.state, State::Open | State::HandingOver) {
        return Err(Error::NotOpen);
    }
    if host.now() < record.ends_at {
        return Err(Error::NotYetDue);
    }
    let returned = escrow::check_release(host, &record)?;

    // Everything is checked; from here on it must succeed.
    let (holder, agent, asset) = (record.holder, record.agent, record.asset);
    escrow::give_back(host, request, record, returned, State::Expired);
    emit(host, &Expired { request, holder, agent, asset, returned });
    Ok(())
}
