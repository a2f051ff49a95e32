//! Top-up, cash-out and payment through an agent: a holder without a bank card uses an agent's account, and cash goes the
//! other way.
//!
//! 1. `request`: a holder asks for one of the three until a time, from any licensed agent or from one it names. The request's
//!    business id is [`countersign_contract_sdk::call_id`]; the holder's device shows it, an agent's device reads it.
//! 2. `execute`: the agent signs exactly what it saw (kind, holder, payee, asset, amount, fee). A top-up moves the amount from
//!    agent to holder, a payment from agent to payee, and the request is done. A cash-out is taken on: state `HandingOver`.
//! 3. `confirm`, for a cash-out: the holder says that it has the cash, and the agent is paid.
//! 4. `cancel` by the holder while the request is open; `reject` by the agent it names or, of a cash-out, by the one that took
//!    it on; `expire` by the ledger itself. Each returns to the holder what was set aside.
//! 5. `license`: a member with the role agent lets another account carry out requests in an asset, up to an amount in one
//!    request and in one day; `withdraw` by either ends it.
//!
//! Who can cheat whom:
//! - Of a cash-out, amount and fee are set aside when the holder asks, not when the agent executes: only the holder's own
//!   signature may move them, and the agent that scans the request knows that they are there.
//! - Nothing but the holder's confirmation pays the agent. Were it paid after some time without one, any agent could take on
//!   a request and wait. So the agent counts the cash out and lets go of it once the confirmation is final on the ledger, a
//!   block later; the holder confirms with the cash before it. If no confirmation comes within half an hour (`CONFIRM_MS`), be it
//!   that the agent never handed the cash over or that the holder walked off, the money returns to the holder.
//! - Taken on, a cash-out is no longer the holder's to cancel: the agent is fetching the money. The agent may give it up.
//! - Of a top-up or payment the ledger moves everything at once; the holder hands over amount and fee when that is final.
//!
//! Rules that are not obvious from the calls:
//! - The fee is the holder's offer, on top of the amount: in cash for a top-up or payment, set aside and paid with the
//!   amount for a cash-out.
//! - Mode `Proxy` is open to any licensed agent, mode `Own` to the member that enrolled the holder and the agents it licensed.
//! - A member's own account is bounded by its role only; an account it licensed by the licence of the request's asset. The limits
//!   are for the amount without the fee and count what was executed, whatever comes of it; a day is one of UTC by the
//!   block's time. A licence counts while its member is active and has the role. Both sign it: an account is licensed by one
//!   member per asset, so nobody else may take that place unasked.
//! - A suspended holder's request waits; a suspended payee is not paid. Who was suspended after a cash-out was taken on
//!   still receives what it is owed.
//! - If the asset is frozen when a cash-out's time comes, the job is refused and the money stays set aside; once the asset moves
//!   again anyone calls `collect`.
//!
//! Invariants: the contract's account holds amount and fee of every cash-out that is open or being handed over (and what somebody
//! gives it by an ordinary transfer, which no rule touches); a request is carried out at most once; a closed one never
//! moves again.
#![no_std]

#[cfg(test)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod cancel;
mod confirm;
mod escrow;
mod execute;
mod expire;
mod licence;
mod payment;
mod queries;
mod reject;
mod request;
mod state;
#[cfg(test)]
mod tests;

use countersign_contract_sdk::Host;
use countersign_interface::topup::{
    Cancel, Collect, Confirm, Error, Execute, Expire, LicenceOf, LicenceStatus, License, Reject, Request, RequestOf,
    RequestRecord, Rules, SetAside, Withdraw,
};
use countersign_types::{AccountId, Amount};

/// The contract's rules.
#[derive(Debug)]
pub struct Topup;

#[cfg(target_arch = "wasm32")]
countersign_contract_sdk::entry!(Topup, topup);

impl<H: Host> Rules<H> for Topup {
    fn request(host: &mut H, holder: AccountId, args: Request) -> Result<(), Error> {
        request::request(host, holder, args)
    }

    fn execute(host: &mut H, agent: AccountId, args: Execute) -> Result<(), Error> {
        execute::execute(host, agent, args)
    }

    fn confirm(host: &mut H, holder: AccountId, args: Confirm) -> Result<(), Error> {
        confirm::confirm(host, holder, args)
    }

    fn cancel(host: &mut H, holder: AccountId, args: Cancel) -> Result<(), Error> {
        cancel::cancel(host, holder, args)
    }

    fn reject(host: &mut H, agent: AccountId, args: Reject) -> Result<(), Error> {
        reject::reject(host, agent, args)
    }

    fn collect(host: &mut H, _asker: AccountId, args: Collect) -> Result<(), Error> {
        expire::expire(host, args.request)
    }

    fn license(host: &mut H, member: AccountId, agent: AccountId, args: License) -> Result<(), Error> {
        licence::license(host, member, agent, args)
    }

    fn withdraw(host: &mut H, party: AccountId, args: Withdraw) -> Result<(), Error> {
        licence::withdraw(host, party, args)
    }

    fn expire(host: &mut H, args: Expire) -> Result<(), Error> {
        expire::expire(host, args.request)
    }

    fn request_of(host: &mut H, args: RequestOf) -> Result<RequestRecord, Error> {
        queries::request_of(host, args)
    }

    fn licence_of(host: &mut H, args: LicenceOf) -> Result<LicenceStatus, Error> {
        queries::licence_of(host, args)
    }

    fn set_aside(host: &mut H, args: SetAside) -> Result<Amount, Error> {
        queries::set_aside(host, args)
    }
}
