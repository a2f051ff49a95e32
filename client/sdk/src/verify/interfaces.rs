//! Interfaces by which answers are read: those of native modules this program was built with, those of contracts from
//! the code on the ledger.
use super::VerifyError;
use super::verifier::Standing;
use crate::Client;
use crate::rpc::ClientError;
use crate::types::{Contract, Interface, ModuleName, state_key};
use crate::wasm;
use std::sync::Arc;

impl Client {
    /// The interface of a module; `None` if the ledger has no such contract.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verified_interface(&self, module: &ModuleName) -> Result<Option<Arc<Interface>>, ClientError> {
        self.interface_in(&mut *self.standing().await?, module).await
    }

    pub(super) async fn interface_in(
        &self,
        standing: &mut Standing,
        module: &ModuleName,
    ) -> Result<Option<Arc<Interface>>, ClientError> {
        if let Some(known) = standing.interfaces.get(module) {
            return Ok(known.clone());
        }
        let native = countersign_interface::native().into_iter().find(|native| native.module == *module);
        let found = match native {
            Some(native) => Some(native.clone()),
            None => self.declared(standing, module).await?,
        };
        let found = found.map(Arc::new);
        standing.interfaces.insert(module.clone(), found.clone());
        Ok(found)
    }

    /// What the code on the ledger declares. The store spares reading it again: code never changes under its hash.
    async fn declared(&self, standing: &mut Standing, module: &ModuleName) -> Result<Option<Interface>, ClientError> {
        let record: Option<Contract> = self.read_as(standing, state_key::contract(module)).await?.value;
        let Some(record) = record else {
            return Ok(None);
        };
        let store = self.verifier().and_then(|verifier| verifier.store());
        let kept = store.map(|store| store.interface(&record.code)).transpose()?.flatten();
        if let Some(kept) = kept.filter(|kept| kept.module == *module) {
            return Ok(Some(kept));
        }
        let code = self.read(standing, state_key::code(&record.code)).await?.value;
        let declared = code.and_then(|code| wasm::interface(&code)).filter(|declared| declared.module == *module);
        let declared = declared.ok_or_else(|| VerifyError::NoInterface { module: module.clone() })?;
        if let Some(store) = store {
            store.keep_interface(&record.code, &declared)?;
        }
        Ok(Some(declared))
    }
}
