//! A node with its relay as wallets see it, for tests: it checks every request as a relay must, keeps what it is told,
//! and fails as it is told to. Its ledger is a list of people.
use super::encryption::EncryptionKey;
use super::letter::{Body, Letter};
use super::seal::seal;
use super::session::StoredSession;
use super::store::MessageStore;
use crate::keystore::{Keystore, Protection, UnlockedKey};
use crate::relay::{LiveSession, RelayClient};
use crate::rpc::Patience;
use crate::rpc_types::relay::{
    Acknowledged, Acknowledgement, Envelope, InboxPage, InboxQuery, Nothing, Posted, Posting, RelayInfo, RelayNotice,
    RelaySession, SentState, SessionAuth, StoredMessage, request_digest,
};
use crate::rpc_types::site::SessionToken;
use crate::rpc_types::{AccountView, ErrorCode, HexBytes, MemberView, RpcFault};
use crate::signer::Signer;
use crate::types::signature::{development_secret, public_key, verify};
use crate::types::text::{MESSAGE, encode};
use crate::types::{AccountId, Hash, PublicKey, Signature, Timestamp};
use crate::{Client, clock};
use jsonrpsee::server::{RpcModule, Server, ServerHandle, SubscriptionMessage};
use jsonrpsee::types::{ErrorObjectOwned, Params};
use parity_scale_codec::Encode;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

pub(crate) const CHAIN: Hash = Hash([9; 32]);
pub(crate) const TOKEN: SessionToken = SessionToken([7; 32]);
const HOTEL: &str = "harbor-hotel.example";

type Answer<T> = Result<T, ErrorObjectOwned>;

/// What the node knows and was asked.
pub(crate) struct Node {
    /// The relay's key.
    pub key: PublicKey,
    /// The session's key.
    session_key: PublicKey,
    /// What the relay says its clock shows, apart from this machine's, in milliseconds.
    pub clock_ahead_ms: Mutex<i64>,
    people: Mutex<Vec<AccountView>>,
    member_status: Mutex<&'static str>,
    /// Messages that wait.
    pub inbox: Mutex<Vec<StoredMessage>>,
    /// Messages in a page.
    pub page: Mutex<usize>,
    /// Envelopes that were handed in, each as often as it came.
    pub posted: Mutex<Vec<Vec<u8>>>,
    /// Every method of the relay that was asked with a good signature, with its count.
    pub asked: Mutex<Vec<(String, u64)>>,
    /// How the next requests of a method fail, one each.
    faults: Mutex<Vec<(&'static str, RpcFault)>>,
    /// A folder that must hold a file of each message that is acknowledged.
    pub on_disk: Mutex<Option<PathBuf>>,
    /// What each subscription is told before it is ended.
    pub notices: Mutex<Vec<Vec<RelayNotice>>>,
}

impl Node {
    /// The next request of a method fails.
    pub fn fail(&self, method: &'static str, fault: RpcFault) {
        self.faults.lock().unwrap().push((method, fault));
    }

    /// Sets what the ledger has of somebody.
    pub fn person(&self, name: &str, change: impl FnOnce(&mut AccountView)) {
        let mut people = self.people.lock().unwrap();
        if people.iter().all(|person| person.name != name) {
            people.push(person(name));
        }
        change(people.iter_mut().find(|person| person.name == name).unwrap());
    }

    pub fn forget_person(&self, name: &str) {
        self.people.lock().unwrap().retain(|person| person.name != name);
    }

    pub fn suspend_member(&self) {
        *self.member_status.lock().unwrap() = "suspended";
    }

    /// How often a method of the relay was asked.
    pub fn times(&self, method: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|(asked, _)| asked == method).count()
    }

    fn failure(&self, method: &str) -> Answer<()> {
        let mut faults = self.faults.lock().unwrap();
        match faults.iter().position(|(failing, _)| *failing == method) {
            Some(at) => Err(faults.remove(at).1.into()),
            None => Ok(()),
        }
    }

    /// What a relay checks of every request.
    fn check<A: Encode>(&self, method: &str, auth: &SessionAuth, ask: &A) -> Answer<()> {
        let digest = request_digest(&self.key, &auth.session, auth.count, method, ask);
        let signature = Signature(auth.signature.0.as_slice().try_into().expect("a signature has 64 bytes"));
        assert_eq!(auth.session, TOKEN);
        assert!(verify(&self.session_key, &digest.0, &signature), "{method} is signed by the session's key");
        let mut asked = self.asked.lock().unwrap();
        let is_newer = asked.iter().all(|(_, count)| *count < auth.count);
        asked.push((method.into(), auth.count));
        drop(asked);
        self.failure(method)?;
        if is_newer { Ok(()) } else { Err(RpcFault::new(ErrorCode::BadProof, "sent before").into()) }
    }

    fn find(&self, who: &str) -> Answer<AccountView> {
        let people = self.people.lock().unwrap();
        let found = people.iter().find(|person| person.name == who || person.id == who);
        found.cloned().ok_or_else(|| RpcFault::new(ErrorCode::NotFound, "there is no such account").into())
    }

    fn inbox_page(&self, query: &InboxQuery) -> InboxPage {
        let inbox = self.inbox.lock().unwrap();
        let waiting: Vec<_> = inbox.iter().filter(|message| message.number > query.after).cloned().collect();
        let page = *self.page.lock().unwrap();
        let messages: Vec<_> = waiting.iter().take(page).cloned().collect();
        let next = messages.last().map_or(query.after, |message| message.number);
        InboxPage { more: waiting.len() > messages.len(), messages, next }
    }

    fn acknowledge(&self, up_to: u64) -> Acknowledged {
        let mut inbox = self.inbox.lock().unwrap();
        let gone: Vec<StoredMessage> = inbox.iter().filter(|message| message.number <= up_to).cloned().collect();
        inbox.retain(|message| message.number > up_to);
        if let Some(folder) = self.on_disk.lock().unwrap().as_ref() {
            let names: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect();
            for message in &gone {
                let id = Envelope::id_of(&message.envelope.0).to_string();
                assert!(names.iter().any(|name| name.contains(&id)), "{id} is acknowledged and not on the disk");
            }
        }
        Acknowledged { count: gone.len() as u64 }
    }
}

/// Somebody whose account has a well-known development key.
fn person(name: &str) -> AccountView {
    let secret = development_secret(name);
    let key = public_key(&secret);
    AccountView {
        id: AccountId::of_key(&key).to_string(),
        name: name.into(),
        member: Some(HOTEL.into()),
        status: "active".into(),
        threshold: 1,
        keys: vec![(key.to_string(), 1)],
        encryption_key: Some(Hash(EncryptionKey::from_secret(&secret).public()).to_string()),
        balances: Vec::new(),
    }
}

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::of_key(&public_key(&development_secret(name)))
}

/// The unlocked development key of somebody.
pub(crate) fn unlocked(name: &str) -> UnlockedKey {
    let folder = tempfile::tempdir().unwrap();
    let keystore = Keystore::new(folder.path().join("keys"));
    keystore.create_development(name, &Protection::None).unwrap();
    keystore.unlock(name, None).unwrap()
}

fn ask<A: DeserializeOwned>(params: &Params<'_>) -> (SessionAuth, A) {
    params.parse().expect("the client asks as declared")
}

fn item(notice: &RelayNotice) -> SubscriptionMessage {
    serde_json::value::to_raw_value(notice).unwrap().into()
}

fn serve_relay(module: &mut RpcModule<Arc<Node>>) {
    module
        .register_method("relay_info", |_, node, _| {
            let here_ms = i64::try_from(clock::now().millis()).unwrap();
            let time_ms = u64::try_from(here_ms + *node.clock_ahead_ms.lock().unwrap()).unwrap();
            Answer::Ok(RelayInfo { key: node.key.to_string(), chain: CHAIN.to_string(), time_ms })
        })
        .unwrap();
    module
        .register_method("relay_session", |params, node, _| {
            let (auth, nothing) = ask::<Nothing>(&params);
            node.check("relay_session", &auth, &nothing)?;
            let user = format!("bob@{HOTEL}");
            Answer::Ok(RelaySession { session: TOKEN, user, account: None, expires_at_ms: 1 })
        })
        .unwrap();
    module
        .register_method("relay_send", |params, node, _| {
            let (auth, posting) = ask::<Posting>(&params);
            node.posted.lock().unwrap().push(posting.envelope.0.clone());
            node.check("relay_send", &auth, &posting)?;
            let id = Envelope::read(&posting.envelope.0).unwrap().id();
            Answer::Ok(Posted { id: encode(MESSAGE, &id.0), state: SentState::Waiting })
        })
        .unwrap();
    module
        .register_method("relay_inbox", |params, node, _| {
            let (auth, query) = ask::<InboxQuery>(&params);
            node.check("relay_inbox", &auth, &query)?;
            Answer::Ok(node.inbox_page(&query))
        })
        .unwrap();
    module
        .register_method("relay_acknowledge", |params, node, _| {
            let (auth, acknowledgement) = ask::<Acknowledgement>(&params);
            node.check("relay_acknowledge", &auth, &acknowledgement)?;
            Answer::Ok(node.acknowledge(acknowledgement.up_to))
        })
        .unwrap();
    module
        .register_subscription("relay_subscribe", "relay", "relay_unsubscribe", |params, pending, node, _| async move {
            let (auth, nothing) = ask::<Nothing>(&params);
            if let Err(fault) = node.check("relay_subscribe", &auth, &nothing) {
                pending.reject(fault).await;
                return Ok(());
            }
            let sink = pending.accept().await?;
            let told = match &mut *node.notices.lock().unwrap() {
                rounds if rounds.is_empty() => Vec::new(),
                rounds => rounds.remove(0),
            };
            for notice in &told {
                sink.send(item(notice)).await?;
            }
            Err("the subscriber reads too slowly".into())
        })
        .unwrap();
}

fn serve_ledger(module: &mut RpcModule<Arc<Node>>) {
    module
        .register_method("account_get", |params, node, _| {
            node.failure("account_get")?;
            node.find(&params.one::<String>().unwrap())
        })
        .unwrap();
    module
        .register_method("name_resolve", |params, node, _| {
            node.failure("name_resolve")?;
            node.find(&params.one::<String>().unwrap()).map(|person| person.id)
        })
        .unwrap();
    module
        .register_method("member_get", |_, node, _| {
            Answer::Ok(MemberView {
                id: account(HOTEL).to_string(),
                name: HOTEL.into(),
                status: (*node.member_status.lock().unwrap()).into(),
                roles: Vec::new(),
                council: false,
                quota_used: 0,
                quota: 0,
            })
        })
        .unwrap();
}

/// Bob's wallet, and the node that it talks to.
pub(crate) struct Scene {
    pub node: Arc<Node>,
    pub client: Client,
    pub relay: RelayClient,
    pub bob: UnlockedKey,
    pub session: StoredSession,
    pub store: MessageStore,
    _folder: tempfile::TempDir,
    _server: ServerHandle,
}

pub(crate) const ALICE: &str = "alice@harbor-hotel.example";
pub(crate) const BOB: &str = "bob@harbor-hotel.example";

impl Scene {
    /// With Alice and Bob on the ledger, and the methods that `more` adds.
    pub async fn with(more: impl FnOnce(&mut RpcModule<Arc<Node>>)) -> Self {
        let bob = unlocked(BOB);
        let node = Arc::new(Node {
            key: public_key(&development_secret("relay")),
            session_key: bob.public_key(),
            clock_ahead_ms: Mutex::default(),
            people: Mutex::new(vec![person(ALICE), person(BOB)]),
            member_status: Mutex::new("active"),
            inbox: Mutex::default(),
            page: Mutex::new(100),
            posted: Mutex::default(),
            asked: Mutex::default(),
            faults: Mutex::default(),
            on_disk: Mutex::default(),
            notices: Mutex::default(),
        });
        let mut module = RpcModule::new(node.clone());
        serve_relay(&mut module);
        serve_ledger(&mut module);
        more(&mut module);
        let server = Server::builder().build("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", server.local_addr().unwrap());
        let patience = Patience { attempts: 2, ..Patience::default() };
        let client = Client::new(&url, patience).unwrap();
        let session = StoredSession {
            user: BOB.parse().unwrap(),
            account: account(BOB),
            chain: CHAIN,
            key_name: "bob".into(),
            key: bob.public_key(),
            encryption_key: Some(EncryptionKey::of(&bob).public()),
            relay_url: url,
            relay: node.key,
            token: TOKEN,
            expires_at: Timestamp::MAX,
        };
        let folder = tempfile::tempdir().unwrap();
        let store = MessageStore::new(folder.path(), &session.account);
        let relay = RelayClient::of(&client);
        Self { node, client, relay, bob, session, store, _folder: folder, _server: server.start(module) }
    }

    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub fn live(&self) -> LiveSession<'_> {
        LiveSession::new(self.relay.clone(), self.session.clone(), &self.bob)
    }

    /// A letter of somebody to Bob, signed with a key of their own or another's.
    pub fn letter(&self, from: &str, signer: &str, text: &str) -> Envelope {
        let letter = Letter {
            chain: CHAIN,
            from: account(from),
            to: account(BOB),
            sent_at: clock::now(),
            number: 1,
            body: Body::text(text).unwrap(),
        };
        seal(letter, &unlocked(signer), &EncryptionKey::of(&self.bob).public(), 60_000).unwrap()
    }

    /// Puts a message into Bob's inbox at the relay.
    pub fn deliver(&self, envelope: Vec<u8>) {
        let mut inbox = self.node.inbox.lock().unwrap();
        let number = inbox.last().map_or(1, |message| message.number + 1);
        inbox.push(StoredMessage { number, received_at_ms: 5, envelope: HexBytes(envelope) });
    }
}
