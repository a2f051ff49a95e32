//! Signing: shows in words what would be signed and what it would do, asks, and only then unlocks the key.
use crate::confirm;
use crate::failure::Failure;
use crate::session::Session;
use crate::show;
use countersign_client::display::{self, Description};
use countersign_client::keystore::KeyRecord;
use countersign_client::rpc_types::SimulationView;
use countersign_client::types::proposal::ProposalError;
use countersign_client::types::{AccountId, Proposal};
use std::collections::BTreeSet;

/// What was signed.
pub struct Signed {
    /// The key that signed.
    pub key: KeyRecord,
    /// The account it signed for.
    pub account: AccountId,
    /// The proposal as it was shown, before the signature.
    pub told: Description,
    /// What it would have done then.
    pub simulation: Option<SimulationView>,
}

/// Signs for the key's account or, with `for_account`, another whose authority lists the key.
pub async fn sign(
    session: &mut Session,
    proposal: &mut Proposal,
    for_account: Option<&str>,
    yes: bool,
) -> Result<Signed, Failure> {
    session.check_chain(proposal).await?;
    let key = session.key()?;
    let account = match for_account {
        Some(text) => session.account(text).await?,
        None => key.account,
    };
    let told = session.describe(proposal).await?;
    if !proposal.subject().signers().contains(&account) {
        let parties = told.signers.iter().map(|s| s.name.clone().unwrap_or_else(|| s.account.clone()));
        let parties = parties.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
        return Err(Failure::NotAParty { key: key.name, account: account.to_string(), parties });
    }
    let simulation = session.simulate(proposal).await?;
    session.output.note(&show::proposal(&told, simulation.as_ref(), &session.directory));
    let who = display::account_words(&account, &session.directory);
    confirm::confirm(&format!("\nSign this for {who} with the key {}?", key.name), yes)?;
    let unlocked = session.unlock(&key)?;
    unlocked
        .sign(proposal, &account)
        .map_err(|source: ProposalError| Failure::BadProposal { path: told.id.clone(), source })?;
    Ok(Signed { key, account, told, simulation })
}
