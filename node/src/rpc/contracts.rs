//! Contracts: what there is, what each declares, asking one, trying a transaction.
use super::{Api, bad_input, failure, not_found};
use crate::chain::{Head, read};
use crate::clock::Clock;
use countersign_executor::BlockPlace;
use countersign_rpc_types::*;
use countersign_state::StateRead;
use countersign_types::{Contract, ModuleName, SignedTransaction, state_key};

/// Contracts of one answer: far more than a consortium deploys.
const CONTRACTS_MAX: usize = 1_000;

/// Where a block made now would stand.
fn next_place(head: &Head, clock: Clock) -> BlockPlace {
    let least = head.header.time.checked_add_millis(1).unwrap_or(countersign_types::Timestamp::MAX);
    BlockPlace { chain: head.header.chain, height: head.height().next(), time: clock.now().max(least) }
}

fn module_name(module: &str) -> Result<ModuleName, RpcFault> {
    module.parse().map_err(|error| bad_input("module", error))
}

impl Api {
    pub(super) fn contracts(&self) -> Vec<ContractView> {
        let head = self.chain.head();
        let found = head.state.range(&state_key::contracts(), None, CONTRACTS_MAX);
        let deployed = found.iter().filter_map(|(_, value)| read::decoded::<Contract>(value));
        let deployed = deployed.map(|contract| ContractView::of(&contract));
        countersign_executor::native_interfaces().map(ContractView::of_native).chain(deployed).collect()
    }

    pub(super) fn contract_interface(&self, module: &str) -> Result<InterfaceView, RpcFault> {
        let (head, module) = (self.chain.head(), module_name(module)?);
        let found = self.interfaces.get(self.chain.executor(), &head.state, &module);
        let interface = found.ok_or_else(|| not_found(format_args!("module called {module}")))?;
        let selector = |(index, method): (usize, &countersign_types::interface::Method)| {
            (method.name.clone(), format!("{:?}", interface.selector(index)))
        };
        Ok(InterfaceView {
            module: module.to_string(),
            text: interface.to_string(),
            selectors: interface.methods.iter().enumerate().map(selector).collect(),
        })
    }

    /// Runs a contract: on a thread with its stack only.
    pub(super) fn query(&self, module: &str, query: &str, args: &[u8]) -> Result<HexBytes, RpcFault> {
        let (head, module) = (self.chain.head(), module_name(module)?);
        let answer =
            self.chain.executor().query(&head.state, &module, query, args, next_place(&head, self.chain.clock()));
        answer.map(HexBytes).map_err(|fault| {
            let interface = self.interfaces.get(self.chain.executor(), &head.state, &module);
            let view = FailureView::of_call(&fault, interface.as_deref());
            RpcFault::new(ErrorCode::QueryFailed, format!("{module}.{query}: {}", view.message)).with(view)
        })
    }

    /// Runs contracts: on a thread with their stack only.
    pub(super) fn simulate(&self, bytes: &[u8]) -> Result<SimulationView, RpcFault> {
        let transaction = SignedTransaction::from_bytes(bytes).map_err(|error| failure::transaction(&error))?;
        let head = self.chain.head();
        let tried = self.chain.executor().simulate(&head.state, &transaction, next_place(&head, self.chain.clock()));
        let simulation = tried.map_err(|error| failure::transaction(&error))?;
        let change = |change: &countersign_executor::BalanceChange| BalanceChange {
            account: change.account.to_string(),
            asset: change.asset.to_string(),
            before: change.before.to_string(),
            after: change.after.to_string(),
        };
        Ok(SimulationView {
            height: head.height().get(),
            receipt: self.receipt(&head.state, &simulation.receipt, Some(&transaction.transaction)),
            missing: simulation.missing.iter().map(ToString::to_string).collect(),
            changes: simulation.changes.iter().map(change).collect(),
        })
    }
}
