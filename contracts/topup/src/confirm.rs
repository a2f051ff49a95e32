//! The holder has the cash: the agent is paid.
use crate::escrow;
use crate::execute::{self, Moved};
use crate::state::REQUESTS;
use countersign_contract_sdk::Host;
use countersign_interface::topup::{Confirm, Error, State};
use countersign_types::AccountId;

/// The agent is paid also if it lost its licence or was suspended meanwhile: the cash is gone from it.
pub fn confirm(host: &mut impl Host, holder: AccountId, args: Confirm) -> Result<(), Error> {
    let Confirm { request, agent, asset, amount, fee } = args;
    let record = REQUESTS.get(host, &request).ok_or(Error::UnknownRequest)?;
    if record.holder != holder {
        return Err(Error::NotTheHolder);
    }
    if record.state != State::HandingOver {
        return Err(Error::NotHandingOver);
    }
    if (record.agent, record.asset, record.amount, record.fee) != (Some(agent), asset, amount, fee) {
        return Err(Error::RequestDiffers);
    }
    if host.now() >= record.ends_at {
        return Err(Error::ConfirmationLate);
    }
    let held = escrow::check_release(host, &record)?;

    // Everything is checked; from here on it must succeed.
    escrow::release(host, agent, asset, held);
    host.cancel(record.job);
    execute::close(host, request, record, agent, Moved { payer: holder, receiver: agent });
    Ok(())
}
