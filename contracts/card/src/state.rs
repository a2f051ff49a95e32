//! What the contract keeps, and the one way it leaves events.
use countersign_contract_sdk::{Host, Map};
use countersign_interface::Event;
use countersign_interface::card::{self, CardRecord, PaymentRecord};
use countersign_types::{AccountId, Amount, AssetId, Hash, Name};
use parity_scale_codec::Encode;

/// Cards by the hash of their name: names are long, and a key need not tell them.
pub const CARDS: Map<Hash, CardRecord> = Map::new(card::CARDS);
/// Payments by the hash of device and order.
pub const PAYMENTS: Map<Hash, PaymentRecord> = Map::new(card::PAYMENTS);
/// First byte of the keys of [`CARDS_OF`], which are read as a range too.
pub const CARDS_OF_PREFIX: u8 = 2;
/// The names of a holder's cards, by holder and hash of the name.
pub const CARDS_OF: Map<(AccountId, Hash), Name> = Map::new(CARDS_OF_PREFIX);
/// The sum of the cards' balances.
pub const HELD: Map<AssetId, Amount> = Map::new(card::HELD);

/// Where a card stands.
pub fn card_key(host: &mut impl Host, card: &Name) -> Hash {
    host.hash(card.encode())
}

/// Where the payment of an order stands.
pub fn order_key(host: &mut impl Host, device: &AccountId, order: &str) -> Hash {
    host.hash((device, order).encode())
}

/// Adds to the sum of the cards' balances of an asset.
pub fn hold_more(host: &mut impl Host, asset: &AssetId, amount: Amount) {
    let held = HELD.get(host, asset).unwrap_or_default();
    let held = held.checked_add(amount).expect("the contract holds no more than the asset's supply");
    HELD.set(host, asset, &held);
}

/// Takes from the sum of the cards' balances of an asset.
pub fn hold_less(host: &mut impl Host, asset: &AssetId, amount: Amount) {
    let held = HELD.get(host, asset).unwrap_or_default();
    let held = held.checked_sub(amount).expect("what leaves a card is part of the sum");
    HELD.set(host, asset, &held);
}

/// Leaves an event, listed under the accounts it names.
pub fn emit<E: Event>(host: &mut impl Host, event: &E) {
    host.emit(E::KIND, event.accounts(), event.encode());
}
