//! Submitting transactions and asking what became of them.
use super::{Api, bad_input, failure, ledger, not_found, page_items, view};
use crate::chain::Executed;
use crate::index::{self, HistoryCursor, TransactionPlace};
use crate::mempool::Origin;
use countersign_rpc_types::*;
use countersign_types::block::transaction_leaves;
use countersign_types::receipt::Subject;
use countersign_types::transaction::TransactionId;
use countersign_types::{Hash, Height, Receipt, SignedTransaction, merkle};
use parity_scale_codec::Encode;

impl Api {
    pub(super) async fn submit(&self, bytes: &[u8]) -> Result<String, RpcFault> {
        let transaction = SignedTransaction::from_bytes(bytes).map_err(|error| failure::transaction(&error))?;
        let id = transaction.transaction.id().to_string();
        match self.admission.submit(transaction, Origin::Client).await {
            Ok(_) => Ok(id),
            Err(error) => Err(failure::admission(&error, &id)),
        }
    }

    pub(super) async fn submit_batch(&self, batch: Vec<HexBytes>) -> Result<Vec<Result<String, RpcFault>>, RpcFault> {
        if batch.len() > BATCH_MAX {
            let message = format!("a batch has at most {BATCH_MAX} transactions, this one {}", batch.len());
            return Err(RpcFault::new(ErrorCode::TooMuch, message).with(serde_json::json!({ "limit": BATCH_MAX })));
        }
        let decoded = batch.iter().map(|bytes| SignedTransaction::from_bytes(&bytes.0));
        let mut answers: Vec<Result<String, RpcFault>> = Vec::with_capacity(batch.len());
        let mut transactions = Vec::with_capacity(batch.len());
        for transaction in decoded {
            answers.push(match transaction {
                Ok(transaction) => {
                    let id = transaction.transaction.id().to_string();
                    transactions.push(transaction);
                    Ok(id)
                }
                Err(error) => Err(failure::transaction(&error)),
            });
        }
        let mut outcomes = self.admission.submit_all(transactions, Origin::Client).await.into_iter();
        for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
            let outcome = outcomes.next().expect("one outcome for each decoded transaction");
            if let (Err(error), Ok(id)) = (outcome, &*answer) {
                *answer = Err(failure::admission(&error, id));
            }
        }
        Ok(answers)
    }

    pub(super) fn tx_status(&self, id: &Hash) -> Result<TxStatus, RpcFault> {
        if let Some(status) = self.final_status(id)? {
            return Ok(status);
        }
        let (waits, ran) = {
            let pool = self.mempool.lock();
            (pool.get(id).is_some(), pool.knows(id))
        };
        // Between leaving the pool and becoming visible in a block a transaction still counts as waiting.
        if waits || (ran && self.chain.is_indexed()) {
            return Ok(self.final_status(id)?.unwrap_or(TxStatus::Pending));
        }
        Ok(TxStatus::Unknown)
    }

    fn final_status(&self, id: &Hash) -> Result<Option<TxStatus>, RpcFault> {
        let place = index::transaction(&self.chain, id).map_err(|fault| self.fault(fault))?;
        place.map_or(Ok(None), |place| self.status_at(place, id))
    }

    /// The status of the transaction with this id at its place; `None` if another stands there.
    pub(super) fn status_at(&self, place: TransactionPlace, id: &Hash) -> Result<Option<TxStatus>, RpcFault> {
        let TransactionPlace { height, index, receipt: at } = place;
        let executed = self.chain.executed(height).map_err(|fault| self.fault(fault))?;
        let executed = executed.ok_or_else(|| not_found(format_args!("block {height}")))?;
        let receipt = executed.receipts.get(at as usize).ok_or_else(|| not_found("receipt of this transaction"))?;
        if receipt.subject != Subject::Transaction(*id) {
            return Ok(None);
        }
        let transaction = executed.block.transactions.get(index as usize).map(|signed| &signed.transaction);
        let receipt = self.receipt(&self.chain.head().state, receipt, transaction);
        Ok(Some(TxStatus::Final { height: height.get(), index, receipt }))
    }

    /// A decided transaction with proofs of its place and its receipt.
    pub(super) fn tx_proof(&self, id: &Hash) -> Result<TxProofView, RpcFault> {
        let missing = || not_found("decided transaction with this id here");
        let place = index::transaction(&self.chain, id).map_err(|fault| self.fault(fault))?.ok_or_else(missing)?;
        let executed = self.chain.executed(place.height).map_err(|fault| self.fault(fault))?.ok_or_else(missing)?;
        let Executed { block, receipts, .. } = &*executed;
        let (at, receipt_at) = (place.index as usize, place.receipt as usize);
        let (Some(transaction), Some(receipt)) = (block.transactions.get(at), receipts.get(receipt_at)) else {
            return Err(missing());
        };
        if receipt.subject != Subject::Transaction(*id) {
            return Err(missing());
        }
        let leaves: Vec<Hash> = receipts.iter().map(Receipt::hash).collect();
        let receipt_proof = merkle::prove(&leaves, receipt_at).ok_or_else(missing)?;
        let leaves = transaction_leaves(&block.transactions);
        let transaction_proof = merkle::prove(&leaves, at).ok_or_else(missing)?;
        Ok(TxProofView {
            height: place.height.get(),
            index: place.index,
            header: HexBytes(block.header.encode()),
            transaction: HexBytes(transaction.encode()),
            transaction_proof: HexBytes(transaction_proof.encode()),
            receipt: HexBytes(receipt.encode()),
            receipt_proof: HexBytes(receipt_proof.encode()),
        })
    }

    pub(super) fn history(
        &self,
        account: &str,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<Page<HistoryEntry>, RpcFault> {
        self.needs_index()?;
        let limit = page_items(limit)?;
        let before: Option<HistoryCursor> = ledger::parsed("cursor", cursor)?;
        let account = ledger::find(&self.chain.head(), account)?.id();
        let mut found = index::history(&self.chain, &account, before, limit + 1).map_err(|fault| self.fault(fault))?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(ToString::to_string);
        let items = found.into_iter().map(|place| self.history_entry(place)).collect::<Result<Vec<_>, _>>()?;
        Ok(Page { items, next })
    }

    fn history_entry(&self, place: HistoryCursor) -> Result<HistoryEntry, RpcFault> {
        let height = Height::new(place.height);
        let executed = self.chain.executed(height).map_err(|fault| self.fault(fault))?;
        let executed = executed.ok_or_else(|| not_found(format_args!("block {height}")))?;
        let before = executed.receipts.len().saturating_sub(executed.block.transactions.len());
        let transaction = executed.block.transactions.get(place.index as usize).map(|signed| &signed.transaction);
        let transaction = transaction.ok_or_else(|| not_found("transaction at this place"))?;
        Ok(HistoryEntry {
            height: height.get(),
            time_ms: executed.block.header.time.millis(),
            transaction: transaction.id().to_string(),
            calls: self.calls(&self.chain.head().state, transaction),
            ok: executed.receipts.get(before + place.index as usize).is_some_and(|receipt| receipt.outcome.is_ok()),
        })
    }

    /// Refuses what needs an index on a node that keeps none.
    pub(super) fn needs_index(&self) -> Result<(), RpcFault> {
        if self.chain.is_indexed() {
            return Ok(());
        }
        Err(RpcFault::new(
            ErrorCode::Unavailable,
            "this node keeps no index (storage.index is false); ask another node",
        ))
    }
}

/// The id of a `cst1…` text.
pub(super) fn transaction_id(text: &str) -> Result<Hash, RpcFault> {
    text.parse().map(|TransactionId(hash)| hash).map_err(|error| bad_input("id", error))
}

/// The notice of a block.
pub(super) fn block_notice(executed: &Executed, ids: &[Hash]) -> BlockNotice {
    BlockNotice {
        height: executed.block.header.height.get(),
        hash: view::block_hash(&executed.hash),
        time_ms: executed.block.header.time.millis(),
        transactions: ids.iter().map(view::transaction_id).collect(),
    }
}
