//! The holder takes a request back that no agent has taken on.
use crate::escrow;
use crate::state::{REQUESTS, emit};
use countersign_contract_sdk::Host;
use countersign_interface::topup::{Cancel, Cancelled, Error, State};
use countersign_types::AccountId;

pub fn cancel(host: &mut impl Host, holder: AccountId, args: Cancel) -> Result<(), Error> {
    let request = args.request;
    let record = REQUESTS.get(host, &request).ok_or(Error::UnknownRequest)?;
    if record.holder != holder {
        return Err(Error::NotTheHolder);
    }
    if record.state != State::Open {
        return Err(Error::NotOpen);
    }
    let returned = escrow::check_release(host, &record)?;

    // Everything is checked; from here on it must succeed.
    let (agent, asset) = (record.agent, record.asset);
    escrow::give_back(host, request, record, returned, State::Cancelled);
    emit(host, &Cancelled { request, holder, agent, asset, returned });
    Ok(())
}
