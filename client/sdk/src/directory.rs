//! What the wallet knows of names, decimals and interfaces while it reads and shows values. Filled from the node as
//! needs arise ([`crate::Client::learn`]); offline it knows the bundled interfaces and what it was told.
use crate::types::interface::{Interface, Method};
use crate::types::{AccountId, AssetId, ModuleName, Selector, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Something a reading or showing lacks. Learn it and try again.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Need {
    /// The account a name leads to.
    Account(String),
    /// An account's name.
    NameOf(AccountId),
    /// An asset's decimals.
    Decimals(AssetId),
    /// The node's interface of a module.
    Interface(ModuleName),
}

/// Names, decimals, interfaces, and the time relative times are counted from.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    accounts: BTreeMap<String, AccountId>,
    names: BTreeMap<AccountId, Option<String>>,
    decimals: BTreeMap<AssetId, u8>,
    interfaces: BTreeMap<ModuleName, Option<Arc<Interface>>>,
    now: Timestamp,
}

impl Directory {
    /// Knows the bundled interfaces only. Relative times count from `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now, ..Self::default() }
    }

    /// The time relative times are counted from.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The account called `name`: a ledger name, or one given with [`Directory::set_account`].
    pub fn account(&self, name: &str) -> Option<AccountId> {
        self.accounts.get(name).copied()
    }

    /// The account's name on the ledger, if it is known to have one.
    pub fn name_of(&self, account: &AccountId) -> Option<&str> {
        self.names.get(account)?.as_deref()
    }

    /// Digits after the point of an asset's amounts.
    pub fn decimals(&self, asset: &AssetId) -> Option<u8> {
        self.decimals.get(asset).copied()
    }

    /// What a name or other word leads to when values are read. It is never shown in the account's place.
    pub fn set_account(&mut self, word: &str, account: AccountId) {
        self.accounts.insert(word.into(), account);
    }

    /// An account's name on the ledger; `None` if it has none.
    pub fn set_name(&mut self, account: AccountId, name: Option<&str>) {
        if let Some(name) = name {
            self.set_account(name, account);
        }
        self.names.insert(account, name.map(str::to_string));
    }

    /// An asset's decimals.
    pub fn set_decimals(&mut self, asset: AssetId, decimals: u8) {
        self.decimals.insert(asset, decimals);
    }

    /// The interface the node has for a module; `None` if it has none.
    pub fn set_interface(&mut self, module: ModuleName, interface: Option<Interface>) {
        self.interfaces.insert(module, interface.map(Arc::new));
    }

    /// True if asking again would bring nothing new.
    pub fn has(&self, need: &Need) -> bool {
        match need {
            Need::Account(name) => self.accounts.contains_key(name),
            Need::NameOf(account) => self.names.contains_key(account),
            Need::Decimals(asset) => self.decimals.contains_key(asset),
            Need::Interface(module) => self.interfaces.contains_key(module),
        }
    }

    /// The interface to draw up calls with: the node's, which is what runs there, or else the bundled one.
    pub fn interface(&self, module: &str) -> Option<&Interface> {
        let fetched = self.interfaces.iter().find(|(name, _)| name.as_str() == module);
        fetched.and_then(|(_, interface)| interface.as_deref()).or_else(|| bundled(module))
    }

    /// The declaration a selector stands for, bundled or the node's. Selectors are computed here from the declaration,
    /// so a node cannot pass off another one. The flag tells whether the declaration is bundled.
    pub fn method(&self, module: &str, selector: Selector) -> Option<(&Interface, &Method, bool)> {
        let from_node =
            self.interfaces.iter().find(|(name, _)| name.as_str() == module).and_then(|(_, i)| i.as_deref());
        let candidates = [(bundled(module), true), (from_node, false)];
        candidates.into_iter().find_map(|(interface, is_bundled)| {
            let interface = interface?;
            let (_, method) = interface.method(selector)?;
            Some((interface, method, is_bundled))
        })
    }

    /// The interface to read a document's body with: the bundled one first, for no selector binds a document's kind.
    pub fn document_interface(&self, module: &str) -> Option<(&Interface, bool)> {
        match bundled(module) {
            Some(interface) => Some((interface, true)),
            None => self.interface(module).map(|interface| (interface, false)),
        }
    }
}

/// The interfaces this program was built with.
pub fn bundled(module: &str) -> Option<&'static Interface> {
    bundled_all().into_iter().find(|interface| interface.module.as_str() == module)
}

/// All interfaces this program was built with, by name.
pub fn bundled_all() -> Vec<&'static Interface> {
    let mut all = countersign_interface::native().to_vec();
    all.extend(countersign_interface::contracts());
    all.sort_by(|a, b| a.module.as_str().cmp(b.module.as_str()));
    all
}
