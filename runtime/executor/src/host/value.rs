//! Moving value from a contract's call.
use super::Frame;
use countersign_types::{AccountId, Amount, AssetId, CallFault};

impl Frame<'_, '_, '_> {
    /// Moves `amount` (minor units) from the contract itself or a party of its call.
    ///
    /// # Errors
    /// `ReadOnly`, `NotAParty`, and as [`crate::ledger::Ledger::transfer`]; nothing was written.
    pub(super) fn move_value(
        &mut self,
        from: AccountId,
        to: AccountId,
        asset: AssetId,
        amount: Amount,
    ) -> Result<(), CallFault> {
        self.check_writes()?;
        if from != self.this && !self.parties.contains(&from) {
            return Err(CallFault::NotAParty);
        }
        self.run.ledger.transfer(&from, &to, &asset, amount)
    }
}
