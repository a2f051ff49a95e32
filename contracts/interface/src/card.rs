//! Contract `card`: smart cards that pay at a counter from a balance of their own, with a PIN, limits and second confirmations.
use crate::storage;
use countersign_types::{AccountId, Amount, AssetId, Hash, List, Name, Text, Timestamp};

crate::interface! {
    module "card";
    types {
        /// A card. `auth` is the account of the key that PIN and card make together. `spent` was paid on the UTC day that begins at
        /// `day`; on a later day it counts as nothing.
        struct CardRecord { card: Name, issuer: AccountId, holder: AccountId, device: AccountId, auth: AccountId, asset: AssetId, balance: Amount, payment_max: Amount, day_max: Amount, day: Timestamp, spent: Amount, blocked_since: Option<Timestamp>, registered_at: Timestamp }
        /// A payment that took place. An order is known by the device that made it and its id there.
        struct PaymentRecord { card: Name, device: AccountId, order: Text, payee: Name, account: AccountId, asset: AssetId, amount: Amount, confirmed_by: Option<AccountId>, at: Timestamp }
    }
    errors {
        1 AmountZero "The amount is zero.";
        2 NotACardIssuer "The issuer is not an active member with the role card_issuer.";
        3 AuthNotItsOwn "The PIN's key must have an account of its own, not that of the issuer, the holder or the device.";
        4 BadCardName "A card's name is one at its issuer's site, such as card-1234@bank.example.";
        5 CardExists "There is a card with this name already.";
        6 BadLimits "Limits are above zero, and a payment's is not above a day's.";
        7 UnknownCard "There is no such card.";
        8 NotTheIssuer "The card is another issuer's.";
        9 NotTheHolder "The card is another holder's.";
        10 NeitherHolderNorIssuer "Only the card's holder or its issuer blocks it.";
        11 NotTheAuth "The PIN does not fit: the card is registered with another key.";
        12 NotTheAssociated "The second confirmation must come from the device associated with the card.";
        13 NeedsConfirmation "This device is not the one associated with the card: the payment needs a second confirmation from that one.";
        14 NeedsNoConfirmation "This device is the one associated with the card: it pays without a second confirmation.";
        15 CardBlocked "The card is blocked.";
        16 NotBlocked "The card is not blocked.";
        17 OtherAsset "The card holds another asset.";
        18 AssetUnavailable "The asset does not exist or is frozen.";
        19 InsufficientFunds "The paying account holds too little.";
        20 CardBalanceTooLow "The card holds too little.";
        21 OverPaymentLimit "The amount is above the card's limit for one payment.";
        22 OverDayLimit "With this payment the card would be above its limit for one day (UTC).";
        23 OrderMissing "The order has no id.";
        24 OrderPaid "This order of the device was paid already.";
        25 PayeeChanged "The payee's name does not lead to the account shown.";
        26 PayeeSuspended "The payee is suspended.";
        27 NotYetReclaimable "The holder alone empties a card 30 days after it was blocked, or while its issuer is suspended.";
        28 UnknownPayment "No such order was paid.";
    }
    events {
        /// A card was issued.
        Registered { card: Name, issuer: AccountId, holder: AccountId, device: AccountId, auth: AccountId, asset: AssetId, payment_max: Amount, day_max: Amount }
        /// Value went onto a card.
        Loaded { card: Name, payer: AccountId, holder: AccountId, asset: AssetId, amount: Amount }
        /// A card paid an order.
        Paid { card: Name, holder: AccountId, device: AccountId, confirmed_by: Option<AccountId>, payee: Name, account: AccountId, asset: AssetId, amount: Amount, order: Text }
        /// Value went from a card back to its holder.
        Unloaded { card: Name, holder: AccountId, asset: AssetId, amount: Amount }
        /// A card pays nothing any more.
        Blocked { card: Name, issuer: AccountId, holder: AccountId, by: AccountId }
        /// A card pays again.
        Unblocked { card: Name, issuer: AccountId, holder: AccountId }
        /// A card has another PIN, or its secret was replaced.
        AuthChanged { card: Name, issuer: AccountId, holder: AccountId, auth: AccountId }
        /// Another device gives a card's second confirmations.
        DeviceChanged { card: Name, issuer: AccountId, holder: AccountId, device: AccountId }
        /// A card's limits changed.
        LimitsChanged { card: Name, issuer: AccountId, holder: AccountId, asset: AssetId, payment_max: Amount, day_max: Amount }
    }
    calls {
        /// Issues a card, on which nothing is loaded yet. `auth` is the account of the PIN's key; `device` gives second confirmations.
        /// Accounts that are new are enrolled by calls before this one in the same transaction.
        Register = register(issuer, holder, device, auth) { card: Name, asset: AssetId, payment_max: Amount, day_max: Amount } "{issuer} issues the card {card} to {holder}: at most {payment_max} {asset} a payment and {day_max} {asset} a day (UTC), PIN key {auth}, second confirmations by {device}";
        /// Puts value onto a card. Anyone may.
        Load = load(payer) { card: Name, asset: AssetId, amount: Amount } "{payer} loads {amount} {asset} onto the card {card}";
        /// Pays an order at the device associated with the card. `account` is the one the payee's name leads to, as the device showed
        /// it. The order's id is the device's own and is paid once.
        Pay = pay(auth, device) { card: Name, asset: AssetId, amount: Amount, payee: Name, account: AccountId, order: Text } "The card {card} pays {amount} {asset} to {payee} (account {account}) for the order {order} of {device}";
        /// Pays an order at any other device: the associated one confirms the same facts with its signature.
        PayConfirmed = pay_confirmed(auth, device, associated) { card: Name, asset: AssetId, amount: Amount, payee: Name, account: AccountId, order: Text } "The card {card} pays {amount} {asset} to {payee} (account {account}) for the order {order} of {device}, confirmed by {associated}";
        /// Takes value off a card, to its holder; a blocked one too.
        Unload = unload(auth, holder) { card: Name, asset: AssetId, amount: Amount } "{holder} takes {amount} {asset} off the card {card}";
        /// Takes value off a card without its PIN, to its holder: for a card that is lost or a PIN that is forgotten.
        Recover = recover(issuer, holder) { card: Name, asset: AssetId, amount: Amount } "{issuer} lets {holder} take {amount} {asset} off the card {card} without its PIN";
        /// Takes value off a card without PIN and issuer, to its holder: 30 days after it was blocked, or while its issuer is suspended.
        Reclaim = reclaim(holder) { card: Name, asset: AssetId, amount: Amount } "{holder} takes {amount} {asset} off the card {card} without its PIN and its issuer";
        /// Lets a card pay nothing until it is unblocked. Its holder or its issuer decides alone.
        Block = block(by) { card: Name } "{by} blocks the card {card}: it pays nothing until issuer and holder unblock it";
        /// Lets a blocked card pay again.
        Unblock = unblock(issuer, holder) { card: Name } "{issuer} and {holder} unblock the card {card}: it pays again";
        /// Replaces the key of a card's PIN: after a new PIN, or a new secret in the card. The new key signs too.
        ChangeAuth = change_auth(issuer, holder, auth) { card: Name } "{issuer} and {holder} give the card {card} the new PIN key {auth}; the old PIN no longer pays";
        /// Replaces the device that gives a card's second confirmations. The new device signs too.
        ChangeDevice = change_device(issuer, holder, device) { card: Name } "{issuer} and {holder} let {device} give the second confirmations of the card {card}";
        /// Replaces a card's limits, from the next payment on.
        SetLimits = set_limits(issuer, holder) { card: Name, asset: AssetId, payment_max: Amount, day_max: Amount } "{issuer} and {holder} set the limits of the card {card} to {payment_max} {asset} a payment and {day_max} {asset} a day (UTC)";
    }
    scheduled {}
    queries {
        /// A card by its name.
        CardOf = card_of { card: Name } -> CardRecord;
        /// A payment by its order.
        PaymentOf = payment_of { device: AccountId, order: Text } -> PaymentRecord;
        /// A holder's cards, at most 50 at once; `after` is the last one of the answer before.
        CardsOf = cards_of { holder: AccountId, after: Option<Name> } -> List<Name>;
        /// What the contract holds for all cards together.
        Held = held { asset: AssetId } -> Amount;
    }
}

/// The map of [`CardRecord`]s by [`card_key`].
pub const CARDS: u8 = 0;
/// The map of [`PaymentRecord`]s by [`order_key`].
pub const PAYMENTS: u8 = 1;
/// The map of the sums of the cards' balances, by asset.
pub const HELD: u8 = 3;

/// What a card's record stands under, as the contract's host makes it: the hash of its encoded name.
pub fn card_key(card: &Name) -> Hash {
    storage::content_hash(card)
}

/// What the payment of an order stands under.
pub fn order_key(device: &AccountId, order: &str) -> Hash {
    storage::content_hash(&(device, order))
}
