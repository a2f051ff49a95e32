//! A relay of the tests with a site, a ledger and wallets.
use super::*;
use crate::site::testing::{KE3, TestSite};
use crate::testing::{TestClock, TestLedger};
use crate::{PeerError, SiteStanding};
use countersign_rpc_types::relay::{login_digest, member_login_digest, request_digest};
use countersign_rpc_types::site::{KE1_BYTES, SessionToken};
use countersign_rpc_types::{ErrorCode, HexBytes};
use countersign_types::account::Authority;
use countersign_types::signature::{development_secret, sign};
use countersign_types::{AccountId, BoundedText, Hash};
use serde_json::Value as Json;
use tempfile::TempDir;

/// The site of the tests.
pub(crate) const SITE: &str = "harbor-hotel.example";

struct NoPeers;

#[async_trait::async_trait]
impl Peers for NoPeers {
    async fn ask(&self, _: &PublicKey, _: Bytes) -> Result<Bytes, PeerError> {
        Err(PeerError::NotConnected)
    }
}

/// A relay, the site it serves, and the ledger.
pub(crate) struct World {
    pub clock: TestClock,
    pub ledger: Arc<TestLedger>,
    pub site: TestSite,
    pub relay: Arc<Relay>,
    folder: TempDir,
}

fn open(folder: &TempDir, ledger: &Arc<TestLedger>, clock: &TestClock) -> Arc<Relay> {
    let options = Options {
        dir: folder.path().join("relay"),
        secret: Zeroizing::new(development_secret("relay")),
        trusted_certificates: Some(folder.path().join("sites.pem")),
        clock: clock.clock(),
    };
    Relay::open(options, ledger.clone(), Arc::new(NoPeers)).unwrap()
}

impl World {
    pub async fn new() -> Self {
        let (clock, ledger, folder) = (TestClock::new(), Arc::new(TestLedger::default()), tempfile::tempdir().unwrap());
        let key = public_key(&development_secret("relay"));
        let site = TestSite::start(SITE, key, clock.clock()).await;
        std::fs::write(folder.path().join("sites.pem"), &site.certificate).unwrap();
        ledger.add_member(SITE, &[key]);
        let relay = open(&folder, &ledger, &clock);
        let world = Self { clock, ledger, site, relay, folder };
        world.change_site(|standing| {
            let entry = standing.site.as_mut().unwrap();
            entry.endpoint = BoundedText::new(&world.site.endpoint()).unwrap();
            entry.key = world.site.key;
        });
        world
    }

    /// The relay is killed and started again.
    pub fn restarted(self) -> Self {
        let Self { clock, ledger, site, relay, folder } = self;
        assert_eq!(Arc::strong_count(&relay), 1, "nothing runs on in the old one");
        drop(relay);
        let relay = open(&folder, &ledger, &clock);
        Self { clock, ledger, site, relay, folder }
    }

    /// All that lies on the relay's disk.
    pub fn disk(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path().join("relay")).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    /// Changes the site's standing on the ledger.
    pub fn change_site(&self, change: impl FnOnce(&mut SiteStanding)) {
        change(self.ledger.records().sites.get_mut(SITE).unwrap());
    }

    /// Gives a name an account that this wallet's key signs for.
    pub fn enrol(&self, name: &str, wallet: &Wallet) -> AccountId {
        let known = self.ledger.records().names.get(name).copied();
        let id = known.unwrap_or_else(|| self.ledger.add_user(name));
        self.ledger.records().accounts.get_mut(&id).unwrap().authority = Authority::single(wallet.key);
        id
    }

    /// Begins a log-in.
    pub async fn start(&self, user: &str, key: &str) -> Answer<LoginStarted> {
        let key = public_key(&development_secret(key)).to_string();
        self.relay.login_start(LoginStart { user: user.into(), key, ke1: HexBytes(vec![1; KE1_BYTES]) }).await
    }

    /// What ends a log-in, signed by a key.
    pub fn finish(&self, started: &LoginStarted, ke3: &[u8], key: &str) -> RelayLoginFinish {
        let digest = login_digest(&self.relay.key, &started.login.0, ke3);
        let signature = HexBytes(sign(&development_secret(key), &digest.0).0.to_vec());
        RelayLoginFinish { login: started.login.clone(), ke3: HexBytes(ke3.to_vec()), signature }
    }

    /// A whole log-in of a user with the key of the same name.
    pub async fn log_in(&self, user: &str) -> Wallet {
        let started = self.start(user, user).await.unwrap();
        let session = self.relay.login_finish(self.finish(&started, &KE3, user)).await.unwrap();
        assert_eq!(session.user, user);
        Wallet::new(user, session.session)
    }

    /// A member's log-in with the key of a name and a count.
    pub fn member_login(&self, key: &str, count: u64) -> MemberLogin {
        let secret = development_secret(key);
        let key = public_key(&secret);
        let digest = member_login_digest(&self.relay.key, &self.ledger.chain(), SITE, &key, count);
        let signature = HexBytes(sign(&secret, &digest.0).0.to_vec());
        MemberLogin { member: SITE.into(), key: key.to_string(), count, signature }
    }

    /// A count that nobody has used: the clock goes on.
    pub fn next_count(&self) -> u64 {
        self.clock.advance_ms(1);
        self.clock.ms() * 1_000
    }

    /// Signs a request for now.
    pub fn auth(&self, wallet: &Wallet, method: &str, ask: &impl Encode) -> SessionAuth {
        self.auth_at(wallet, self.next_count(), method, ask)
    }

    /// Signs a request with a count.
    pub fn auth_at(&self, wallet: &Wallet, count: u64, method: &str, ask: &impl Encode) -> SessionAuth {
        let digest: Hash = request_digest(&self.relay.key, &wallet.token, count, method, ask);
        let signature = HexBytes(sign(&wallet.secret, &digest.0).0.to_vec());
        SessionAuth { session: wallet.token, count, signature }
    }

    /// Whose a session is.
    pub async fn session(&self, wallet: &Wallet) -> Answer<RelaySession> {
        self.relay.session(self.auth(wallet, "relay_session", &Nothing {}), Nothing {}).await
    }

    /// The contacts of a session.
    pub async fn contacts(&self, wallet: &Wallet) -> Answer<ContactsPage> {
        let ask = ContactsQuery::default();
        self.relay.contacts(self.auth(wallet, "relay_contacts", &ask), ask).await
    }
}

/// A wallet with a session.
pub(crate) struct Wallet {
    pub key: PublicKey,
    pub token: SessionToken,
    secret: [u8; 32],
}

impl Wallet {
    /// With the key of this name.
    pub fn new(key: &str, token: SessionToken) -> Self {
        let secret = development_secret(key);
        Self { key: public_key(&secret), token, secret }
    }
}

/// The code and data of a fault; the text says something.
#[track_caller]
pub(crate) fn fault<T>(answer: Answer<T>) -> (i32, Json) {
    let Err(fault) = answer else { panic!("it is refused") };
    assert!(!fault.message.is_empty());
    (fault.code, fault.data.unwrap_or(Json::Null))
}

/// A fault of this code with a reason.
pub(crate) fn reason(code: ErrorCode, reason: &str) -> (i32, Json) {
    (code as i32, serde_json::json!({ "reason": reason }))
}

/// A fault of this code without data.
pub(crate) fn bare(code: ErrorCode) -> (i32, Json) {
    (code as i32, Json::Null)
}
