//! Signing: shows in words what would be signed and what it would do, asks, and only then unlocks the key.
use crate::confirm;
use crate::failure::Failure;
use crate::session::Session;
use crate::show;
use countersign_client::Signer;
use countersign_client::display::{self, Description};
use countersign_client::keystore::KeyRecord;
use countersign_client::rpc::ClientError;
use countersign_client::rpc_types::{AccountView, SimulationView};
use countersign_client::types::{AccountId, Proposal};
use std::collections::BTreeSet;

/// Parties whose keys are looked up to find the one a key signs for: a council's call has no more.
const PARTIES_ASKED_MAX: usize = 64;

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
    sign_with(session, proposal, for_account, yes, None).await
}

/// As [`sign`], with the key in use unlocked already.
pub async fn sign_with(
    session: &mut Session,
    proposal: &mut Proposal,
    for_account: Option<&str>,
    yes: bool,
    unlocked: Option<&dyn Signer>,
) -> Result<Signed, Failure> {
    session.check_chain(proposal).await?;
    let key = session.key()?;
    let told = session.describe(proposal).await?;
    let account = match for_account {
        Some(text) => session.account(text).await?,
        None => account_of(session, &key, &proposal.subject().signers()).await?,
    };
    if !proposal.subject().signers().contains(&account) {
        let parties = told.signers.iter().map(|s| s.name.clone().unwrap_or_else(|| s.account.clone()));
        let parties = parties.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
        return Err(Failure::NotAParty { key: key.name, account: account.to_string(), parties });
    }
    check_signs_for(session, &key, &account).await?;
    let simulation = session.simulate(proposal).await?;
    let shown = show::proposal(&told, simulation.as_ref(), &session.directory);
    let failure = simulation.as_ref().and_then(|simulation| simulation.receipt.failure.as_ref());
    if yes {
        session.output.note(&shown);
    }
    if let Some(failure) = failure {
        session.output.warn(&format!("as things stand this would be refused ({}): {}", failure.name, failure.message));
    }
    let who = display::account_words(&account, &session.directory);
    let nonetheless = if failure.is_some() { " nonetheless" } else { "" };
    // Whoever is asked has the whole before them, with --json too.
    confirm::confirm(&format!("{shown}\n\nSign this{nonetheless} for {who} with the key {}?", key.name), yes)?;
    let signed = match unlocked {
        Some(signer) => signer.sign_proposal(proposal, &account),
        None => session.signer(&key)?.sign_proposal(proposal, &account),
    };
    signed.map_err(|error| Failure::of_signing(&told.id, error))?;
    Ok(Signed { key, account, told, simulation })
}

/// The account a key signs for among the parties: its own, or else the only one whose authority lists it.
async fn account_of(session: &Session, key: &KeyRecord, parties: &[AccountId]) -> Result<AccountId, Failure> {
    let Some(node) = session.node().filter(|_| !parties.contains(&key.account) && parties.len() <= PARTIES_ASKED_MAX)
    else {
        return Ok(key.account);
    };
    let mut found = Vec::new();
    for party in parties {
        if lists(&node.account(&party.to_string()).await, key) == Some(true) {
            found.push(*party);
        }
    }
    match found[..] {
        [only] => Ok(only),
        _ => Ok(key.account),
    }
}

/// Fails if the account's keys are known and this is none of them: its signature would count nothing.
async fn check_signs_for(session: &Session, key: &KeyRecord, account: &AccountId) -> Result<(), Failure> {
    let Some(node) = session.node() else {
        return Ok(());
    };
    // One that is not enrolled yet signs with its first key.
    match lists(&node.account(&account.to_string()).await, key) {
        Some(false) => Err(Failure::NotASignatory { key: key.name.clone(), account: account.to_string() }),
        _ => Ok(()),
    }
}

/// Whether an account lists the key, if the node told.
fn lists(account: &Result<AccountView, ClientError>, key: &KeyRecord) -> Option<bool> {
    let text = key.key.to_string();
    account.as_ref().ok().map(|account| account.keys.iter().any(|(listed, _)| *listed == text))
}
