//! What a contract may ask about accounts and documents.
use super::Frame;
use crate::gas::charge;
use countersign_types::{AccountId, CallFault, Gas, Name, SignedDocument};

/// Signatures of a document that the price of `verify_document` covers.
const SIGNATURES_COVERED: usize = 4;
/// Each further one: verified singly, twice the price of one in a batch.
const SIGNATURE_GAS: u64 = 60_000;

impl Frame<'_, '_, '_> {
    /// The account's name, its member, and whether both are active.
    pub(super) fn account_facts(&self, id: &AccountId) -> Option<(Name, AccountId, bool)> {
        let account = self.run.ledger.account(id)?;
        let active = self.run.ledger.is_active(&account);
        Some((account.name, account.member, active))
    }

    /// True if the document is of this chain, has not expired, and every party has signed it with keys that now satisfy its
    /// authority. A suspended party's signature counts as little here as on a transaction.
    ///
    /// # Errors
    /// `OutOfGas`.
    pub(super) fn document_holds(&self, gas: &mut Gas, signed: &SignedDocument) -> Result<bool, CallFault> {
        let further = signed.signatures.len().saturating_sub(SIGNATURES_COVERED);
        charge(gas, SIGNATURE_GAS * further as u64)?;
        let document = &signed.document;
        let place = self.run.place;
        if document.chain != place.chain || place.time > document.expires_at || document.parties.is_empty() {
            return Ok(false);
        }
        let signers = document.signers();
        let ledger = &self.run.ledger;
        let authorised = signers.iter().enumerate().all(|(index, signer)| {
            let keys = signed.signatures.iter().filter(|s| usize::from(s.account) == index).map(|s| &s.key);
            ledger
                .account(signer)
                .is_some_and(|account| ledger.is_active(&account) && account.authority.is_met_by(keys))
        });
        // Looking up is cheap beside verifying, so it comes first. The check also refuses a key that is named twice.
        Ok(authorised && self.run.proven.verify(signed))
    }
}
