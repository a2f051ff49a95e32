//! Trying without changing: a proposal with the signatures it has so far, a question to a contract.
use crate::admission::{self, Candidate};
use crate::block::Block;
use crate::call::{Origin, Run};
use crate::ledger::Ledger;
use crate::outcome::{BalanceChange, BlockPlace, Simulation};
use countersign_state::StateRead;
use countersign_types::interface::MethodKind;
use countersign_types::signature::{Claim, verify_batch};
use countersign_types::transaction::{SIGNING, TransactionError, signing_bytes};
use countersign_types::{AccountId, CallFault, Gas, Hash, ModuleName, PublicKey, SignedTransaction};
use countersign_vm::Engine;
use parity_scale_codec::Encode;

/// Gas of a query: some ten milliseconds, so that whoever asks cannot keep a node busy.
pub const QUERY_GAS_MAX: Gas = Gas::new(20_000_000);

/// Runs `signed` as if all had signed.
pub(crate) fn simulate(
    engine: &Engine,
    state: &dyn StateRead,
    signed: &SignedTransaction,
    at: BlockPlace,
) -> Result<Simulation, TransactionError> {
    let signers = match signed.check_shape(&at.chain) {
        // Reported only when all else is right.
        Err(TransactionError::MissingSignature { .. }) => signed.transaction.signers(),
        shape => shape?,
    };
    let id = signed.transaction.id().0;
    let mut block = Block::new(engine, state, at);
    let missing = missing(&block.ledger, signed, &id, &signers);
    let candidate = Candidate {
        id,
        transaction: &signed.transaction,
        signers: &signers,
        size_bytes: signed.encoded_size(),
        signatures: signed.signatures.len(),
    };
    let receipt = block.run(candidate, |_, _| true);
    let changes = block.ledger.balance_changes();
    let changes = changes.map(|(account, asset, before, after)| BalanceChange { account, asset, before, after });
    Ok(Simulation { receipt, missing, changes: changes.collect() })
}

/// Parties whose valid signatures do not satisfy their authority; one that cannot sign at all is among them.
fn missing(ledger: &Ledger<'_>, signed: &SignedTransaction, id: &Hash, signers: &[AccountId]) -> Vec<AccountId> {
    let transaction = &signed.transaction;
    let message = signing_bytes(SIGNING, &transaction.chain, id);
    let claims: Vec<_> =
        signed.signatures.iter().map(|s| Claim { key: &s.key, message: &message, signature: &s.signature }).collect();
    let valid = verify_batch(&claims);
    let keys_of = |index: usize| -> Vec<&PublicKey> {
        let pairs = signed.signatures.iter().zip(&valid);
        pairs.filter(|(s, valid)| **valid && usize::from(s.account) == index).map(|(s, _)| &s.key).collect()
    };
    let has_signed = |index: usize, signer: &AccountId| {
        let authority = admission::authority_of(ledger, transaction, signer);
        authority.is_ok_and(|authority| authority.is_met_by(keys_of(index).into_iter()))
    };
    let unsigned = signers.iter().enumerate().filter(|(index, signer)| !has_signed(*index, signer));
    unsigned.map(|(_, signer)| *signer).collect()
}

/// Runs the query `method` of `module`.
pub(crate) fn query(
    engine: &Engine,
    state: &dyn StateRead,
    (module, method): (&ModuleName, &str),
    args: &[u8],
    at: BlockPlace,
) -> Result<Vec<u8>, CallFault> {
    let mut ledger = Ledger::new(state);
    let params = ledger.params();
    let origin = Origin { id: Hash::ZERO, index: 0 };
    let mut run = Run::new(&mut ledger, engine, &params, at, origin).read_only();
    let mut left = QUERY_GAS_MAX;
    run.call_named(module, (MethodKind::Query, method), args, &mut left)
}
