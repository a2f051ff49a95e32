//! Smart cards: a balance that pays orders at a counter, with a PIN, limits, and a second confirmation on devices other than its own.
//!
//! 1. `register`: a licensed issuer gives a holder a card. All who will sign for it sign: the holder, the *device* associated with
//!    it (the holder's phone or till), and *auth*, the account of the key that PIN and card make together.
//! 2. `load`: anybody puts value onto the card.
//! 3. `pay`: at the associated device, PIN key and device sign exactly what the device showed: card, amount, the payee's name and
//!    the account that name leads to. At any other device it is `pay_confirmed`, which the associated device signs as well.
//! 4. `unload`: with the PIN the holder takes value back. Without it: `recover` with the issuer, or `reclaim` alone.
//! 5. `block` by holder or issuer alone; `unblock`, `change_auth`, `change_device`, `set_limits` by both together.
//!
//! Rules that are not obvious from the calls:
//! - The card's money is in the contract's own account, as a balance in the card's record. In an account of its own the PIN key could
//!   move it by an ordinary transfer, past limits and blocks, and it would be lost with the key.
//! - A card is known by a name at its issuer's site (`card-1234@bank.example`), so nobody else takes it. The name is no account:
//!   nothing can be sent to it by mistake.
//! - Parties must be enrolled. The issuer enrols the PIN key's account (and a new device's) by `registry.enrol` calls before
//!   `register` or `change_auth` in the same transaction, countersigned by the new key. Devices of a shop are enrolled by the shop.
//! - An order is known by the device that made it and its id there. The device signs, so nobody can use up another's order ids; an
//!   order is paid once, whichever card tries.
//! - The payee's name must lead to the account shown at the moment of payment, and the account must not be suspended.
//! - A day is a UTC day, `00:00:00.000` to `23:59:59.999` of the block's time. Lower limits count from the next payment.
//! - What loosens a card takes issuer and holder; blocking takes either. A blocked card is neither loaded nor pays, but its balance
//!   goes to the holder at any time.
//! - Nothing is stuck: whoever is missing (the PIN, the card, the issuer), some call brings the balance to the holder. A holder
//!   enrolled by a suspended issuer waits until the council resumes that member. The licence is asked for where cards are issued,
//!   not where issued ones are served.
//!
//! Invariants: the contract's account holds the sum of the cards' balances (and what somebody gives it by an ordinary transfer,
//! which no rule touches); a card never pays more on a day than a limit in force at one of its payments; an order is paid at most once.
#![no_std]

#[cfg(test)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod access;
mod block;
mod change;
mod limits;
mod load;
mod pay;
mod queries;
mod register;
mod state;
#[cfg(test)]
mod tests;
mod unload;

use countersign_contract_sdk::Host;
use countersign_interface::card::{
    Block, CardOf, CardRecord, CardsOf, ChangeAuth, ChangeDevice, Error, Held, Load, Pay, PayConfirmed, PaymentOf,
    PaymentRecord, Reclaim, Recover, Register, Rules, SetLimits, Unblock, Unload,
};
use countersign_types::{AccountId, Amount, List, Name};

/// The contract's rules.
#[derive(Debug)]
pub struct Card;

#[cfg(target_arch = "wasm32")]
countersign_contract_sdk::entry!(Card, card);

impl<H: Host> Rules<H> for Card {
    fn register(
        host: &mut H,
        issuer: AccountId,
        holder: AccountId,
        device: AccountId,
        auth: AccountId,
        args: Register,
    ) -> Result<(), Error> {
        register::register(host, register::Parties { issuer, holder, device, auth }, args)
    }

    fn load(host: &mut H, payer: AccountId, args: Load) -> Result<(), Error> {
        load::load(host, payer, args)
    }

    fn pay(host: &mut H, auth: AccountId, device: AccountId, args: Pay) -> Result<(), Error> {
        pay::pay(host, pay::Parties { auth, device, associated: None }, args)
    }

    fn pay_confirmed(
        host: &mut H,
        auth: AccountId,
        device: AccountId,
        associated: AccountId,
        args: PayConfirmed,
    ) -> Result<(), Error> {
        let PayConfirmed { card, asset, amount, payee, account, order } = args;
        let args = Pay { card, asset, amount, payee, account, order };
        pay::pay(host, pay::Parties { auth, device, associated: Some(associated) }, args)
    }

    fn unload(host: &mut H, auth: AccountId, holder: AccountId, args: Unload) -> Result<(), Error> {
        unload::unload(host, auth, holder, args)
    }

    fn recover(host: &mut H, issuer: AccountId, holder: AccountId, args: Recover) -> Result<(), Error> {
        unload::recover(host, issuer, holder, args)
    }

    fn reclaim(host: &mut H, holder: AccountId, args: Reclaim) -> Result<(), Error> {
        unload::reclaim(host, holder, args)
    }

    fn block(host: &mut H, by: AccountId, args: Block) -> Result<(), Error> {
        block::block(host, by, args)
    }

    fn unblock(host: &mut H, issuer: AccountId, holder: AccountId, args: Unblock) -> Result<(), Error> {
        block::unblock(host, issuer, holder, args)
    }

    fn change_auth(
        host: &mut H,
        issuer: AccountId,
        holder: AccountId,
        auth: AccountId,
        args: ChangeAuth,
    ) -> Result<(), Error> {
        change::auth(host, issuer, holder, auth, args)
    }

    fn change_device(
        host: &mut H,
        issuer: AccountId,
        holder: AccountId,
        device: AccountId,
        args: ChangeDevice,
    ) -> Result<(), Error> {
        change::device(host, issuer, holder, device, args)
    }

    fn set_limits(host: &mut H, issuer: AccountId, holder: AccountId, args: SetLimits) -> Result<(), Error> {
        change::limits(host, issuer, holder, args)
    }

    fn card_of(host: &mut H, args: CardOf) -> Result<CardRecord, Error> {
        queries::card_of(host, args)
    }

    fn payment_of(host: &mut H, args: PaymentOf) -> Result<PaymentRecord, Error> {
        queries::payment_of(host, args)
    }

    fn cards_of(host: &mut H, args: CardsOf) -> Result<List<Name>, Error> {
        queries::cards_of(host, args)
    }

    fn held(host: &mut H, args: Held) -> Result<Amount, Error> {
        queries::held(host, args)
    }
}
