//! What one run of the wallet works with: the keystore, the node, and what it learns from it.
use crate::cli::Global;
use crate::confirm;
use crate::failure::Failure;
use crate::output::Output;
use countersign_client::builder::{self, CallDraft};
use countersign_client::display::{self, Description};
use countersign_client::keystore::{Custody, KeyRecord, UnlockedKey};
use countersign_client::rpc::{ClientError, Patience, with_needs};
use countersign_client::rpc_types::{ErrorCode, EventView, SimulationView};
use countersign_client::types::proposal::Subject;
use countersign_client::types::{AccountId, Call, Hash, Interface, Name, Proposal, PublicKey, Timestamp};
use countersign_client::verify::{FirstUse, TrustStore, Verification};
use countersign_client::{Client, Directory, Keystore, Need, Signer, clock};
use std::sync::Arc;
use zeroize::Zeroizing;

/// One run.
pub struct Session {
    /// Names, decimals and interfaces learned so far.
    pub directory: Directory,
    /// The wallet's keys.
    pub keystore: Keystore,
    /// The chains this wallet trusts.
    pub trusted: TrustStore,
    /// Where results go.
    pub output: Output,
    options: Global,
    node: Option<Client>,
}

impl Session {
    /// Prepares a run. The node is not asked yet.
    pub fn open(options: Global) -> Result<Self, Failure> {
        let mut directory = Directory::new(clock::now());
        for (asset, decimals) in &options.decimals {
            directory.set_decimals(*asset, *decimals);
        }
        let home = options.home_folder();
        let trusted = TrustStore::new(home.join("chains"));
        let mut node = if options.offline { None } else { Some(Client::new(&options.node, Patience::default())?) };
        if !options.no_verify {
            let json = options.json;
            let verification = Verification {
                chain: options.chain,
                store: Some(trusted.clone()),
                on_first_use: Arc::new(move |first: &FirstUse| tell_first_use(first, json)),
            };
            node = node.map(|node| node.verifying(verification));
        }
        let output = Output::new(options.json, node.as_ref().map(|node| node.provenance().clone()));
        Ok(Self { directory, keystore: Keystore::new(home.join("keys")), trusted, output, options, node })
    }

    /// The options given.
    pub fn options(&self) -> &Global {
        &self.options
    }

    /// The node; a failure with `--offline`.
    pub fn client(&self, what: &'static str) -> Result<&Client, Failure> {
        self.node.as_ref().ok_or(Failure::NeedsNode { what })
    }

    /// The node; `None` with `--offline`.
    pub fn node(&self) -> Option<&Client> {
        self.node.as_ref()
    }

    /// The chain: the node's, which must be the one trusted or named by `--chain`; offline the one named or trusted.
    pub async fn chain(&self) -> Result<Hash, Failure> {
        let Some(node) = &self.node else {
            return match self.options.chain {
                Some(chain) => Ok(chain),
                None => self.trusted.default_chain().map_err(ClientError::from)?.ok_or(Failure::NeedsChain),
            };
        };
        let found = node.chain().await?;
        match self.options.chain {
            Some(wanted) if wanted != found => {
                Err(Failure::OtherChain { found: found.to_string(), wanted: wanted.to_string() })
            }
            _ => Ok(found),
        }
    }

    /// The key's name: the one given, or the only one there.
    pub fn key_name(&self) -> Result<String, Failure> {
        if let Some(name) = &self.options.key {
            return Ok(name.clone());
        }
        let keys = self.keystore.list()?;
        match &keys[..] {
            [only] => Ok(only.name.clone()),
            _ => Err(Failure::NoKey { count: keys.len() }),
        }
    }

    /// The key in use, locked.
    pub fn key(&self) -> Result<KeyRecord, Failure> {
        Ok(self.keystore.record(&self.key_name()?)?)
    }

    /// Whoever signs with a key: the key itself, for whose passphrase is asked if it has one, or the program that keeps it.
    pub fn signer(&self, record: &KeyRecord) -> Result<Box<dyn Signer>, Failure> {
        let passphrase = self.passphrase(record)?;
        Ok(self.keystore.signer(&record.name, passphrase.as_ref().map(|passphrase| passphrase.as_str()))?)
    }

    /// Unlocks a key whose secret is here, asking for its passphrase if it has one.
    pub fn unlock(&self, record: &KeyRecord) -> Result<UnlockedKey, Failure> {
        let passphrase = self.passphrase(record)?;
        Ok(self.keystore.unlock(&record.name, passphrase.as_ref().map(|passphrase| passphrase.as_str()))?)
    }

    fn passphrase(&self, record: &KeyRecord) -> Result<Option<Zeroizing<String>>, Failure> {
        if record.custody != Custody::Encrypted {
            return Ok(None);
        }
        let prompt = format!("Passphrase of key {}", record.name);
        confirm::passphrase(self.options.passphrase_file.as_deref(), &prompt).map(Some)
    }

    /// An account by id, by its name on the ledger, or by the name of a key of this wallet.
    pub async fn account(&mut self, text: &str) -> Result<AccountId, Failure> {
        self.learn_own_keys()?;
        if let Some(known) = self.directory.account(text) {
            return Ok(known);
        }
        if !text.contains('.') {
            return Ok(text.parse()?);
        }
        let name: Name = text.parse()?;
        let need = Need::Account(name.as_str().into());
        self.client("looking up a name")?.clone().learn(&mut self.directory, &need).await?;
        self.directory.account(text).ok_or_else(|| Failure::UnknownName { name: text.into() })
    }

    /// The account in use: the one named, else that of the key.
    pub async fn account_or_own(&mut self, text: Option<&str>) -> Result<AccountId, Failure> {
        match text {
            Some(text) => self.account(text).await,
            None => Ok(self.key()?.account),
        }
    }

    fn learn_own_keys(&mut self) -> Result<(), Failure> {
        // A name with a dot is one on the ledger, whatever keys are called here.
        for key in self.keystore.list()?.iter().filter(|key| !key.name.contains('.')) {
            self.directory.set_account(&key.name, key.account);
        }
        Ok(())
    }

    /// The interface calls of a module are drawn up with: the node's, or offline the bundled one.
    pub async fn interface(&mut self, module: &str) -> Result<Interface, Failure> {
        let unknown = || Failure::UnknownModule { module: module.chars().take(64).collect() };
        let name = module.parse().map_err(|_| unknown())?;
        if let Some(node) = self.node.clone() {
            node.learn(&mut self.directory, &Need::Interface(name)).await?;
        }
        self.directory.interface(module).cloned().ok_or_else(unknown)
    }

    /// Draws up a call, looking up what it names.
    pub async fn call(&mut self, draft: &CallDraft) -> Result<Call, Failure> {
        self.learn_own_keys()?;
        self.interface(&draft.module).await?;
        with_needs(self.node.clone().as_ref(), &mut self.directory, |directory| draft.build(directory)).await
    }

    /// A proposal of a transaction on this chain.
    pub async fn transaction(&mut self, calls: Vec<Call>, expires_at: Option<Timestamp>) -> Result<Proposal, Failure> {
        let chain = self.chain().await?;
        Ok(builder::transaction(chain, calls, expires_at, &self.directory)?)
    }

    /// A proposal in words, with the names and decimals it takes.
    pub async fn describe(&mut self, proposal: &Proposal) -> Result<Description, Failure> {
        let node = self.node.clone();
        // The first pass learns the interfaces that the names depend on.
        let first: Result<Description, Failure> =
            with_needs(node.as_ref(), &mut self.directory, |directory| display::describe(proposal, directory)).await;
        let first = first?;
        let Some(node) = node else {
            return Ok(first);
        };
        let needs = display::needs(proposal, &self.directory);
        node.learn_all(&mut self.directory, needs).await?;
        Ok(display::describe(proposal, &self.directory)?)
    }

    /// What a proposed transaction would do now; `None` offline and for documents.
    pub async fn simulate(&mut self, proposal: &Proposal) -> Result<Option<SimulationView>, Failure> {
        let (Some(node), Some(transaction)) = (self.node.clone(), proposal.to_transaction()) else {
            return Ok(None);
        };
        let simulation = node.simulate(&transaction).await?;
        self.learn_for_events(&simulation.receipt.events).await?;
        for change in &simulation.changes {
            let account = change.account.parse().map(Need::NameOf);
            let asset = change.asset.parse().map(Need::Decimals);
            node.learn_all(&mut self.directory, account.into_iter().chain(asset).collect()).await?;
        }
        Ok(Some(simulation))
    }

    /// Whose signatures are missing: by the node's word also those who need further keys; offline those without any.
    pub async fn missing(&self, proposal: &Proposal) -> Result<Vec<AccountId>, Failure> {
        match (&self.node, proposal.to_transaction()) {
            (Some(node), Some(transaction)) => {
                let missing = node.simulate(&transaction).await?.missing;
                missing.iter().map(|account| Ok(account.parse()?)).collect()
            }
            _ => Ok(proposal.missing()),
        }
    }

    /// Learns what a showing of events takes.
    pub async fn learn_for_events(&mut self, events: &[EventView]) -> Result<(), Failure> {
        let Some(node) = self.node.clone() else {
            return Ok(());
        };
        for event in events {
            // Once for the interface, once for the names in the fields it reads.
            for _ in 0..2 {
                let needs = display::event_needs(event, &self.directory);
                node.learn_all(&mut self.directory, needs).await?;
            }
        }
        Ok(())
    }

    /// Fails if a proposal is for another chain.
    pub async fn check_chain(&self, proposal: &Proposal) -> Result<(), Failure> {
        let found = match proposal.subject() {
            Subject::Transaction(transaction) => transaction.chain,
            Subject::Document(document) => document.chain,
        };
        let wanted = if self.node.is_some() { Some(self.chain().await?) } else { self.options.chain };
        match wanted {
            Some(wanted) if wanted != found => {
                Err(Failure::OtherChain { found: found.to_string(), wanted: wanted.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// Fails if a signature is of a key that is none of its account's, by the node's word. Offline that cannot be
    /// known; a key that is not the account's first is shown then.
    pub async fn check_signatures(&self, proposal: &Proposal, place: &str) -> Result<(), Failure> {
        let Some(node) = &self.node else {
            return Ok(());
        };
        let signers = proposal.subject().signers();
        for (index, account) in signers.iter().enumerate() {
            let by: Vec<_> = proposal.signatures().iter().filter(|s| usize::from(s.account) == index).collect();
            if by.is_empty() {
                continue;
            }
            let keys = match node.account(&account.to_string()).await {
                Ok(view) => view.keys.into_iter().map(|(key, _)| key).collect(),
                // One that is not enrolled yet signs with its first key.
                Err(error) if error.code() == Some(ErrorCode::NotFound) => vec![PublicKey(account.0).to_string()],
                Err(error) => return Err(error.into()),
            };
            if let Some(foreign) = by.iter().map(|s| s.key.to_string()).find(|key| !keys.contains(key)) {
                let (place, account) = (place.into(), account.to_string());
                return Err(Failure::ForeignSignature { place, key: foreign, account });
            }
        }
        Ok(())
    }

    /// A time given on the command line.
    pub fn time(&self, text: &str) -> Result<Timestamp, Failure> {
        let bad = |_| Failure::BadOption {
            given: text.chars().take(60).collect(),
            wanted: "a time: RFC 3339, +10m, +2h, +3d or milliseconds",
        };
        clock::parse(text, self.directory.now()).map_err(bad)
    }
}

fn tell_first_use(first: &FirstUse, json: bool) {
    let FirstUse { chain, title, url } = first;
    Output::new(json, None).note(&format!(
        "First use: this wallet trusts chain {chain} ({title}) from now on, as the node at {url} names it. Compare the \
         id with what its operators publish; `network trust` shows and changes it."
    ));
}
