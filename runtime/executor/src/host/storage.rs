//! A contract's own keys.
use super::Frame;
use crate::gas::charge;
use countersign_types::limits::{RANGE_ITEMS_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX};
use countersign_types::{CallFault, Gas, state_key};

/// Each entry read from a range, besides its bytes: half a `get`, as the search for the next key is shared.
const RANGE_ITEM_GAS: u64 = 500;

/// Keys and values.
type Entries = Vec<(Vec<u8>, Vec<u8>)>;

impl Frame<'_, '_, '_> {
    /// # Errors
    /// `LimitExceeded` for a key that cannot be there.
    pub(super) fn stored(&self, key: &[u8]) -> Result<Option<Vec<u8>>, CallFault> {
        check_key(key)?;
        Ok(self.run.ledger.get(&state_key::data(&self.this, key)))
    }

    /// # Errors
    /// `ReadOnly`, `LimitExceeded`.
    pub(super) fn store(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), CallFault> {
        self.check_writes()?;
        check_key(key)?;
        if value.len() > STATE_VALUE_BYTES_MAX {
            return Err(CallFault::LimitExceeded);
        }
        self.run.ledger.set(state_key::data(&self.this, key), value);
        Ok(())
    }

    /// # Errors
    /// `ReadOnly`, `LimitExceeded`.
    pub(super) fn unstore(&mut self, key: &[u8]) -> Result<(), CallFault> {
        self.check_writes()?;
        check_key(key)?;
        self.run.ledger.remove(state_key::data(&self.this, key));
        Ok(())
    }

    /// Entries whose key begins with `prefix` and is greater than `after`; keys without the contract's account in front.
    ///
    /// # Errors
    /// `LimitExceeded`, `OutOfGas`.
    pub(super) fn stored_range(
        &self,
        gas: &mut Gas,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Entries, CallFault> {
        check_key(prefix)?;
        after.map_or(Ok(()), check_key)?;
        let limit = limit.min(RANGE_ITEMS_MAX);
        // Paid for before reading, as if all were there: what is read must not exceed what is paid.
        charge(gas, RANGE_ITEM_GAS * u64::from(limit))?;
        let own = state_key::data(&self.this, &[]).len();
        let after = after.map(|after| state_key::data(&self.this, after));
        let prefix = state_key::data(&self.this, prefix);
        let entries = self.run.ledger.range(&prefix, after.as_deref(), limit as usize);
        Ok(entries.into_iter().map(|(key, value)| (key[own..].to_vec(), value)).collect())
    }
}

fn check_key(key: &[u8]) -> Result<(), CallFault> {
    if key.len() > STATE_KEY_BYTES_MAX { Err(CallFault::LimitExceeded) } else { Ok(()) }
}
