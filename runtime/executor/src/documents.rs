//! Checks the signatures of the documents that a block's calls show, all together and before the calls run: a batch on all cores costs
//! less than half of one check after the other. What is checked ahead is only remembered by its bytes, so a block's outcome is the
//! same without.
use crate::ledger::Ledger;
use crate::native;
use countersign_types::interface::{Basic, Type};
use countersign_types::signature::{Claim, verify_batch};
use countersign_types::{Call, Hash, SignedDocument, VerifiedTransaction, state_key};
use countersign_vm::Engine;
use parity_scale_codec::Decode;
use std::collections::BTreeSet;

/// Signatures checked ahead of one transaction: fewer than its own may be, since nobody pays for them if its calls do not use them. Any
/// further document is checked when a contract asks.
const SIGNATURES_AHEAD_MAX: usize = 8;

/// Documents whose signatures are known to be valid.
#[derive(Debug, Default)]
pub(crate) struct Proven(BTreeSet<Hash>);

impl Proven {
    /// Nothing is known.
    pub(crate) const NONE: &'static Self = &Self(BTreeSet::new());

    /// Checks the documents that `transactions` show.
    pub(crate) fn of(engine: &Engine, ledger: &Ledger<'_>, transactions: &[VerifiedTransaction]) -> Self {
        let documents: Vec<(SignedDocument, [u8; 32])> =
            transactions.iter().flat_map(|transaction| shown(engine, ledger, transaction)).collect();
        let claims: Vec<Claim<'_>> = documents
            .iter()
            .flat_map(|(signed, message)| {
                signed.signatures.iter().map(move |s| Claim { key: &s.key, message, signature: &s.signature })
            })
            .collect();
        let mut verdicts = verify_batch(&claims).into_iter();
        let mut proven = BTreeSet::new();
        for (signed, _) in &documents {
            // All of them are taken, valid or not: the next document's come after.
            let invalid = verdicts.by_ref().take(signed.signatures.len()).filter(|valid| !valid).count();
            if invalid == 0 {
                proven.insert(key(signed));
            }
        }
        Self(proven)
    }

    /// As [`SignedDocument::verify_signatures`].
    pub(crate) fn verify(&self, signed: &SignedDocument) -> bool {
        self.0.contains(&key(signed)) || signed.verify_signatures()
    }
}

fn key(signed: &SignedDocument) -> Hash {
    Hash::of_encoded("proven-document", signed)
}

/// The documents a transaction shows, with what their signatures sign.
fn shown(engine: &Engine, ledger: &Ledger<'_>, transaction: &VerifiedTransaction) -> Vec<(SignedDocument, [u8; 32])> {
    let mut left = SIGNATURES_AHEAD_MAX;
    let calls = &transaction.transaction().calls;
    let documents = calls.iter().flat_map(|call| leading(engine, ledger, call)).take_while(|signed| {
        let fits = signed.signatures.len() <= left;
        left = left.saturating_sub(signed.signatures.len());
        fits
    });
    documents.filter_map(|signed| signed.signed_message().map(|message| (signed, message))).collect()
}

/// The signed documents with which a call's arguments begin.
fn leading(engine: &Engine, ledger: &Ledger<'_>, call: &Call) -> Vec<SignedDocument> {
    if native::Module::named(&call.module).is_some() {
        return Vec::new();
    }
    let contract = ledger.contract(&call.module);
    // What cannot be loaded is told when the call runs.
    let loaded = contract.and_then(|c| engine.load(c.code, || ledger.get(&state_key::code(&c.code))).ok());
    let Some(module) = loaded else { return Vec::new() };
    let Some((_, method)) = module.interface().method(call.method) else { return Vec::new() };
    let is_document = |ty: &Type| matches!(ty, Type::Basic(Basic::SignedDocument));
    let fields = method.fields.iter().take_while(|field| is_document(&field.ty));
    let mut args = &call.args[..];
    fields.map_while(|_| SignedDocument::decode(&mut args).ok()).collect()
}
