//! An agent carries a request out, or takes a cash-out on.
use crate::licence::{self, Standing};
use crate::payment;
use crate::state::{REQUESTS, emit};
use countersign_contract_sdk::Host;
use countersign_interface::topup::{
    CarriedOut, DayUse, Error, Execute, Expire, HandingOver, Kind, Mode, RequestRecord, State, scheduled,
};
use countersign_types::{AccountId, Hash, Timestamp};
use parity_scale_codec::Encode;

/// How long after a cash-out was taken on its holder can confirm it: enough to count money at a counter with a bad network, and
/// the same hour a holder whose agent vanished has it back.
pub const CONFIRM_MS: u64 = 30 * 60 * 1000;

pub fn execute(host: &mut impl Host, agent: AccountId, args: Execute) -> Result<(), Error> {
    let request = args.request;
    let record = REQUESTS.get(host, &request).ok_or(Error::UnknownRequest)?;
    check_is_seen(&record, &args)?;
    check_is_open(host, &record)?;
    let standing = check_agent(host, &record, agent)?;
    let used = licence::check_limits(host, agent, record.asset, record.amount, &standing)?;
    let receiver = match record.kind {
        Kind::TopUp => record.holder,
        Kind::Payment => record.payee.expect("a payment has a payee"),
        Kind::CashOut => return take_on(host, request, record, agent, used),
    };
    if record.kind == Kind::Payment {
        payment::check_payee(host, receiver)?;
    }
    payment::check(host, agent, record.asset, record.amount)?;

    // Everything is checked; from here on it must succeed.
    host.transfer(agent, receiver, record.asset, record.amount);
    host.cancel(record.job);
    licence::note(host, agent, record.asset, used);
    close(host, request, record, agent, Moved { payer: agent, receiver });
    Ok(())
}

/// The agent signs what the holder asked for, not only its id: a node cannot show it something else.
fn check_is_seen(record: &RequestRecord, seen: &Execute) -> Result<(), Error> {
    let asked = (record.kind, record.holder, record.payee, record.asset, record.amount, record.fee);
    let signed = (seen.kind, seen.holder, seen.payee, seen.asset, seen.amount, seen.fee);
    if asked == signed { Ok(()) } else { Err(Error::RequestDiffers) }
}

fn check_is_open(host: &mut impl Host, record: &RequestRecord) -> Result<(), Error> {
    if record.state != State::Open {
        return Err(Error::NotOpen);
    }
    // Its job has not run or was refused; in either case the time is over.
    if host.now() >= record.ends_at { Err(Error::RequestExpired) } else { Ok(()) }
}

/// Checks that this account may carry this request out, its limits apart.
fn check_agent(host: &mut impl Host, record: &RequestRecord, agent: AccountId) -> Result<Standing, Error> {
    if record.agent.is_some_and(|only| only != agent) {
        return Err(Error::NotTheAgent);
    }
    if agent == record.holder || Some(agent) == record.payee {
        return Err(Error::SameAccount);
    }
    let Some((_, own_member, true)) = host.account(record.holder) else {
        return Err(Error::HolderSuspended);
    };
    let standing = licence::standing(host, agent, record.asset)?;
    if record.mode == Mode::Own && standing.member != own_member {
        return Err(Error::OtherMember);
    }
    Ok(standing)
}

/// A cash-out: from now on it is this agent's, until the holder confirms or the time to do so is over.
fn take_on(
    host: &mut impl Host,
    request: Hash,
    mut record: RequestRecord,
    agent: AccountId,
    used: Option<DayUse>,
) -> Result<(), Error> {
    if !host.asset_is_active(record.asset) {
        return Err(Error::AssetUnavailable);
    }
    let confirm_until = host.now().checked_add_millis(CONFIRM_MS).unwrap_or(Timestamp::MAX);

    // Everything is checked; from here on it must succeed.
    host.cancel(record.job);
    record.job = host.schedule(confirm_until, scheduled::expire, Expire { request }.encode());
    record.ends_at = confirm_until;
    record.agent = Some(agent);
    record.state = State::HandingOver;
    REQUESTS.set(host, &request, &record);
    licence::note(host, agent, record.asset, used);
    let RequestRecord { holder, asset, amount, fee, .. } = record;
    emit(host, &HandingOver { request, holder, agent, asset, amount, fee, confirm_until });
    Ok(())
}

/// Between whom the value moved.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// Whose it was.
    pub payer: AccountId,
    /// Whose it is.
    pub receiver: AccountId,
}

/// Notes that a request was carried out; its value has moved already.
pub fn close(host: &mut impl Host, request: Hash, mut record: RequestRecord, agent: AccountId, moved: Moved) {
    record.agent = Some(agent);
    record.state = State::Done;
    REQUESTS.set(host, &request, &record);
    let RequestRecord { kind, holder, asset, amount, fee, reference, .. } = record;
    let paid =
        if kind == Kind::CashOut { amount.checked_add(fee).expect("checked when it was asked for") } else { amount };
    let Moved { payer, receiver } = moved;
    emit(host, &CarriedOut { request, kind, holder, agent, payer, receiver, asset, paid, fee, reference });
}
