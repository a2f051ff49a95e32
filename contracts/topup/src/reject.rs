//! An agent refuses a request that names it, or gives up a cash-out it took on.
use crate::escrow;
use crate::state::{REQUESTS, emit};
use countersign_contract_sdk::Host;
use countersign_interface::topup::{Error, Reject, Rejected, State};
use countersign_types::AccountId;

/// A request for any agent is nobody's to refuse: it waits for another.
pub fn reject(host: &mut impl Host, agent: AccountId, args: Reject) -> Result<(), Error> {
    let Reject { request, reason } = args;
    let record = REQUESTS.get(host, &request).ok_or(Error::UnknownRequest)?;
    if !matches!(record.state, State::Open | State::HandingOver) {
        return Err(Error::NotOpen);
    }
    if record.agent != Some(agent) {
        return Err(Error::NotTheAgent);
    }
    let returned = escrow::check_release(host, &record)?;

    // Everything is checked; from here on it must succeed.
    let (holder, asset) = (record.holder, record.asset);
    escrow::give_back(host, request, record, returned, State::Rejected);
    emit(host, &Rejected { request, holder, agent, asset, returned, reason });
    Ok(())
}
