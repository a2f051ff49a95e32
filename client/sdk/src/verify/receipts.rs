//! Receipts with proof: what became of a transaction, under the header after its block.
use super::VerifyError;
use super::verifier::Pin;
use crate::Client;
use crate::rpc::{ClientError, Finality};
use crate::rpc_types::{ReceiptView, TxProofView};
use crate::types::merkle::ListProof;
use crate::types::receipt::Subject;
use crate::types::transaction::TransactionId;
use crate::types::{Failure, Hash, Header, ModuleName, Receipt, SignedTransaction, block, decode, limits};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of an encoded proof of a place in a list: 32 siblings.
const LIST_PROOF_BYTES_MAX: usize = 32 * 32 + 64;
/// Bytes of one receipt: 256 events of 4 KiB with their accounts.
const RECEIPT_BYTES_MAX: usize = 4 << 20;

/// What a proof shows of a transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvenReceipt {
    /// The transaction with its signatures.
    pub transaction: SignedTransaction,
    /// What became of it.
    pub receipt: Receipt,
}

/// Checks that the transaction `id` ran in the block before `above`, a certified header, and what became of it.
///
/// # Errors
/// [`VerifyError`].
pub fn check_receipt(above: &Header, id: &Hash, proof: &TxProofView) -> Result<ProvenReceipt, VerifyError> {
    let height = proof.height;
    let receipt: Receipt = decode("receipt", &proof.receipt.0, RECEIPT_BYTES_MAX)?;
    let place: ListProof = decode("proof", &proof.receipt_proof.0, LIST_PROOF_BYTES_MAX)?;
    if above.height.get().checked_sub(1) != Some(height) || !place.verify(&above.receipts_root, receipt.hash()) {
        return Err(VerifyError::ReceiptProof { height: above.height.get() });
    }
    if receipt.subject != Subject::Transaction(*id) || !is_final(&receipt) {
        return Err(VerifyError::NotItsReceipt);
    }
    let header: Header = decode("header", &proof.header.0, super::HEADER_BYTES_MAX)?;
    let transaction: SignedTransaction = decode("transaction", &proof.transaction.0, limits::TRANSACTION_BYTES_MAX)?;
    let place: ListProof = decode("proof", &proof.transaction_proof.0, LIST_PROOF_BYTES_MAX)?;
    let stands = header.hash() == above.parent
        && transaction.transaction.id() == TransactionId(*id)
        && place.index == u64::from(proof.index)
        && place.verify(&header.tx_root, block::transaction_leaf(&transaction));
    if stands { Ok(ProvenReceipt { transaction, receipt }) } else { Err(VerifyError::TransactionProof { height }) }
}

/// False for a try that leaves the transaction to a later block, or comes after the one that counted.
fn is_final(receipt: &Receipt) -> bool {
    receipt.outcome.err().is_none_or(|failure| !failure.may_run_later() && failure != Failure::Replayed)
}

impl Client {
    /// What the node told of a transaction, if it can prove it. Waits for the header that certifies it, at most until
    /// `deadline`.
    pub(crate) async fn prove_final(
        &self,
        told: Finality,
        deadline: Instant,
        patience: Duration,
    ) -> Result<Finality, ClientError> {
        let bad = |error: crate::types::text::TextError| ClientError::BadAnswer {
            method: "tx_status",
            cause: error.to_string(),
        };
        let TransactionId(id) = told.id.parse().map_err(bad)?;
        let proof = self.tx_proof(&told.id).await?;
        let is_told = (told.height, told.index, &told.receipt.receipt) == (proof.height, proof.index, &proof.receipt);
        if !is_told {
            return Err(VerifyError::OtherReceipt.into());
        }
        let above = proof.height.saturating_add(1);
        let mut standing = self.standing().await?;
        if self.head_from(above, deadline).await?.is_none() {
            return Err(ClientError::NotFinal { id: told.id, seconds: patience.as_secs() });
        }
        let header = self.certified_header(&mut standing.trust, above).await?;
        let proven = check_receipt(&header, &id, &proof)?;
        // What is read from here on is not older than the receipt.
        let newest = standing.trust.newest().map(|mark| mark.height);
        if newest == Some(header.height) {
            standing.pin = Some(Pin { header: header.clone(), at: proof.height });
        }
        self.keep(&mut standing)?;
        let mut interfaces = BTreeMap::new();
        for module in modules(&proven) {
            let found = self.interface_in(&mut standing, &module).await?;
            interfaces.insert(module, found);
        }
        let interface = |module: &ModuleName| interfaces.get(module).cloned().flatten();
        let receipt = ReceiptView::of(&proven.receipt, Some(&proven.transaction.transaction), interface);
        if receipt.ok != told.receipt.ok {
            return Err(VerifyError::OtherReceipt.into());
        }
        self.provenance().begin();
        self.provenance().prove(header.height, header.time);
        Ok(Finality { receipt, ..told })
    }
}

/// The modules whose declarations a receipt is read by.
fn modules(proven: &ProvenReceipt) -> BTreeSet<ModuleName> {
    let calls = proven.transaction.transaction.calls.iter().map(|call| call.module.clone());
    let events = proven.receipt.events.iter().map(|event| event.module.clone());
    calls.chain(events).collect()
}
