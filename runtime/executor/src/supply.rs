//! Supply is the sum of all balances: a block changes it only by what it issues and burns.
use crate::ledger::{Ledger, record};
use countersign_state::StateRead;
use countersign_types::{Amount, Asset, AssetId, state_key};
use parity_scale_codec::DecodeAll;
use std::collections::BTreeMap;

/// Entries read at once while all balances are summed.
const ENTRIES_PER_READ: usize = 1_000;

/// Checks every asset whose balances were written in the block.
///
/// # Panics
/// If value appeared or vanished: a bug of this crate.
pub(crate) fn assert_constant(ledger: &Ledger<'_>) {
    let mut gained_lost: BTreeMap<AssetId, (u128, u128)> = BTreeMap::new();
    for (_, asset, before, after) in ledger.balance_changes() {
        let (gained, lost) = gained_lost.entry(asset).or_default();
        *gained += after.get().saturating_sub(before.get());
        *lost += before.get().saturating_sub(after.get());
    }
    for (asset, (gained, lost)) in gained_lost {
        let (before, after) = ledger.supply_change(&asset);
        // Sums of balances are at most the supply, which an amount holds; before + gained may exceed it, so compare differences.
        let (issued, burnt) = (after.get().saturating_sub(before.get()), before.get().saturating_sub(after.get()));
        let (gained, lost) = (gained - gained.min(lost), lost - gained.min(lost));
        assert!(gained == issued && lost == burnt, "{asset}: balances +{gained} -{lost}, supply +{issued} -{burnt}");
    }
}

/// An asset whose balances do not add up to its supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{asset}: the balances add up to {balances:?}, the supply is {supply}")]
pub struct SupplyMismatch {
    /// The asset.
    pub asset: AssetId,
    /// Sum of all balances; `None` if it exceeds an amount.
    pub balances: Option<Amount>,
    /// Supply in the asset's record; zero if there is no such asset.
    pub supply: Amount,
}

/// Sums all balances of a state and compares them with the supplies. Reads the whole state's balances: for an operator's check.
///
/// # Errors
/// [`SupplyMismatch`] names the first asset by symbol that does not add up.
pub fn audit_supply(state: &dyn StateRead) -> Result<(), SupplyMismatch> {
    let mut sums: BTreeMap<AssetId, Option<Amount>> = BTreeMap::new();
    each(state, &state_key::assets(), |key, _| {
        sums.entry(asset_at_end(key, 1)).or_insert(Some(Amount::ZERO));
    });
    each(state, &state_key::all_balances(), |key, value| {
        let amount = Amount::decode_all(&mut &value[..]).expect("a record of the state is damaged");
        let sum = sums.entry(asset_at_end(key, 33)).or_insert(Some(Amount::ZERO));
        *sum = sum.and_then(|sum| sum.checked_add(amount));
    });
    for (asset, balances) in sums {
        let supply = record::<Asset>(state, &state_key::asset(&asset)).map_or(Amount::ZERO, |asset| asset.supply);
        if balances != Some(supply) {
            return Err(SupplyMismatch { asset, balances, supply });
        }
    }
    Ok(())
}

fn each(state: &dyn StateRead, prefix: &[u8], mut visit: impl FnMut(&[u8], &[u8])) {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let entries = state.range(prefix, after.as_deref(), ENTRIES_PER_READ);
        entries.iter().for_each(|(key, value)| visit(key, value));
        match entries.into_iter().next_back() {
            Some((key, _)) => after = Some(key),
            None => return,
        }
    }
}

/// The asset of a key, which begins after `skip` bytes: the space, and for a balance the account.
fn asset_at_end(key: &[u8], skip: usize) -> AssetId {
    AssetId::decode_all(&mut &key[skip..]).expect("a key of the state is damaged")
}
