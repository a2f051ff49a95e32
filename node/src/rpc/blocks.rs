//! Blocks, headers, the node itself.
use super::{Api, not_found, page_items, view};
use crate::trail::Link;
use countersign_rpc_types::*;
use countersign_types::{Height, ValidatorSet};
use parity_scale_codec::Encode;

impl Api {
    pub(super) fn head(&self) -> ChainHead {
        view::head(self, &self.chain.head())
    }

    pub(super) fn spec(&self) -> Result<HexBytes, RpcFault> {
        let bytes = self.chain.genesis().encode();
        let digits = bytes.len() * 2;
        if digits > RESPONSE_BYTES_MAX as usize {
            let message = format!("the genesis takes {digits} hexadecimal digits; ask the operator for its file");
            return Err(RpcFault::new(ErrorCode::TooMuch, message));
        }
        Ok(HexBytes(bytes))
    }

    pub(super) fn block(&self, height: u64) -> Result<HexBytes, RpcFault> {
        let found = self.chain.executed(Height::new(height)).map_err(|fault| self.fault(fault))?;
        let executed = found.ok_or_else(|| self.no_block(height))?;
        Ok(HexBytes(executed.block.encode()))
    }

    fn no_block(&self, height: u64) -> RpcFault {
        match height {
            0 => not_found("block 0: the chain begins with its genesis (`chain_spec`)"),
            _ => not_found(format_args!("block {height} yet; the newest is {}", self.chain.head().height())),
        }
    }

    pub(super) fn header(&self, height: u64) -> Result<HeaderView, RpcFault> {
        let at = Height::new(height);
        if at == Height::ZERO {
            return self.genesis_header();
        }
        let found = self.chain.executed(at).map_err(|fault| self.fault(fault))?;
        let executed = found.ok_or_else(|| self.no_block(height))?;
        let validators = self.chain.validators_at(at).map_err(|fault| self.fault(fault))?;
        let transactions = executed.block.transactions.len() as u32;
        let certificate = Some(HexBytes(executed.certificate.encode()));
        Ok(header_view(&executed.block.header, transactions, certificate, &validators))
    }

    pub(super) fn handovers(&self, after: u64, limit: Option<u32>) -> Result<Vec<HandoverView>, RpcFault> {
        let links =
            Link::above(&self.chain, Height::new(after), page_items(limit)?).map_err(|fault| self.fault(fault))?;
        let view = |link: &Link| HandoverView {
            height: link.header.height.get(),
            header: HexBytes(link.header.encode()),
            certificate: HexBytes(link.certificate.encode()),
            next: HexBytes(link.next.encode()),
        };
        Ok(links.iter().map(view).collect())
    }

    fn genesis_header(&self) -> Result<HeaderView, RpcFault> {
        let genesis = self.chain.genesis();
        let first = self.chain.executed(Height::new(1)).map_err(|fault| self.fault(fault))?;
        let state_root = match first {
            Some(executed) => executed.block.header.state_root,
            None => self.chain.head().state.root(),
        };
        let header = countersign_executor::genesis_header(genesis, state_root);
        Ok(header_view(&header, 0, None, &genesis.validators))
    }

    pub(super) fn status(&self) -> NodeStatus {
        let (transactions, bytes) = {
            let pool = self.mempool.lock();
            (pool.len(), pool.bytes())
        };
        NodeStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            chain: self.chain.id().to_string(),
            height: self.chain.head().height().get(),
            checkpoint: self.chain.checkpoint_height().get(),
            validator: self.validator.map(|key| key.to_string()),
            mempool_transactions: u32::try_from(transactions).unwrap_or(u32::MAX),
            mempool_bytes: bytes as u64,
            uptime_s: self.started.elapsed().as_secs(),
        }
    }
}

fn header_view(
    header: &countersign_types::Header,
    transactions: u32,
    certificate: Option<HexBytes>,
    validators: &ValidatorSet,
) -> HeaderView {
    HeaderView {
        height: header.height.get(),
        hash: view::block_hash(&header.hash()),
        time_ms: header.time.millis(),
        transactions,
        header: HexBytes(header.encode()),
        certificate,
        validators: HexBytes(validators.encode()),
    }
}
