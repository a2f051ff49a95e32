//! The steps of a log-in against a relay with a site's half of OPAQUE behind it, and what stops them.
use super::*;
use crate::login::{OpenRegistration, Suite, SystemRandom};
use crate::messaging::scene::{BOB, CHAIN, Node, Scene, TOKEN, account, unlocked};
use crate::rpc_types::relay::{Enrolment, MemberLogin, SessionAuth, member_login_digest};
use crate::rpc_types::site::{Enrolled, LoginStarted};
use crate::rpc_types::{ChainHead, ErrorCode, ProofView, RpcFault};
use crate::types::signature::{development_secret, public_key, verify};
use crate::types::{BoundedText, Signature, Site};
use jsonrpsee::server::RpcModule;
use jsonrpsee::types::ErrorObjectOwned;
use opaque_ke::{
    CredentialFinalization, CredentialRequest, RegistrationRequest, RegistrationUpload, ServerLogin,
    ServerLoginParameters, ServerRegistration, ServerSetup,
};
use parity_scale_codec::Encode;
use std::sync::{Arc, Mutex};

const HOTEL: &str = "harbor-hotel.example";
const PASSWORD: &str = "correct horse";

type Answer<T> = Result<T, ErrorObjectOwned>;

/// The site behind the relay.
struct SiteHalf {
    setup: ServerSetup<Suite>,
    registration: Vec<u8>,
    open: Mutex<Option<(ServerLogin<Suite>, Binding)>>,
}

impl SiteHalf {
    fn new() -> Self {
        let setup = ServerSetup::<Suite>::new(&mut SystemRandom);
        let (open, request) = OpenRegistration::start(PASSWORD, BOB.parse().unwrap()).unwrap();
        let request = RegistrationRequest::deserialize(&request).unwrap();
        let answer = ServerRegistration::start(&setup, request, BOB.as_bytes()).unwrap();
        let registration = open.finish(&answer.message.serialize()).unwrap();
        Self { setup, registration, open: Mutex::default() }
    }

    fn start(&self, relay: &PublicKey, start: &LoginStart) -> Vec<u8> {
        let (user, key) = (start.user.parse().unwrap(), start.key.parse().unwrap());
        let binding = Binding { user, key, relay: AccountId::of_key(relay) };
        let context = binding.context();
        let parameters = ServerLoginParameters { context: Some(&context), identifiers: binding.identifiers() };
        let registration = ServerRegistration::finish(RegistrationUpload::deserialize(&self.registration).unwrap());
        let request = CredentialRequest::deserialize(&start.ke1.0).unwrap();
        let user = start.user.as_bytes();
        let begun =
            ServerLogin::start(&mut SystemRandom, &self.setup, Some(registration), request, user, parameters).unwrap();
        let ke2 = begun.message.serialize().to_vec();
        *self.open.lock().unwrap() = Some((begun.state, binding));
        ke2
    }

    fn finish(&self, relay: &PublicKey, finish: &RelayLoginFinish) -> bool {
        let (state, binding) = self.open.lock().unwrap().take().unwrap();
        let context = binding.context();
        let parameters = ServerLoginParameters { context: Some(&context), identifiers: binding.identifiers() };
        let ke3 = CredentialFinalization::deserialize(&finish.ke3.0).unwrap();
        let digest = login_digest(relay, &finish.login.0, &finish.ke3.0);
        let signature = Signature(finish.signature.0.as_slice().try_into().unwrap());
        state.finish(ke3, parameters).is_ok() && verify(&binding.key, &digest.0, &signature)
    }
}

fn session_of(user: &str) -> RelaySession {
    RelaySession { session: TOKEN, user: user.into(), account: None, expires_at_ms: 77 }
}

fn refused<T>(code: ErrorCode) -> Answer<T> {
    Err(RpcFault::new(code, "refused").into())
}

fn serve_logins(module: &mut RpcModule<Arc<Node>>) {
    let half = Arc::new(SiteHalf::new());
    let site = half.clone();
    module
        .register_method("relay_login_start", move |params, node, _| {
            let start: LoginStart = params.one().unwrap();
            let ke2 = HexBytes(site.start(&node.key, &start));
            Answer::Ok(LoginStarted { login: HexBytes(vec![6; 16]), ke2, expires_at_ms: 1 })
        })
        .unwrap();
    module
        .register_method("relay_login_finish", move |params, node, _| {
            let finish: RelayLoginFinish = params.one().unwrap();
            if half.finish(&node.key, &finish) { Ok(session_of(BOB)) } else { refused(ErrorCode::LoginRefused) }
        })
        .unwrap();
    module
        .register_method("relay_member_login", |params, node, _| {
            let login: MemberLogin = params.one().unwrap();
            let key = login.key.parse().unwrap();
            let digest = member_login_digest(&node.key, &CHAIN, &login.member, &key, login.count);
            let signature = Signature(login.signature.0.as_slice().try_into().unwrap());
            if verify(&key, &digest.0, &signature) {
                Ok(session_of(&login.member))
            } else {
                refused(ErrorCode::BadProof)
            }
        })
        .unwrap();
    module
        .register_method("relay_enrol", |params, _, _| {
            let (_, ask): (SessionAuth, Enrolment) = params.parse().unwrap();
            let mut proposal = Proposal::from_bytes(&ask.proposal.0).unwrap();
            proposal.sign(&account(HOTEL), &development_secret(HOTEL)).unwrap();
            Answer::Ok(Enrolled { proposal: HexBytes(proposal.to_bytes()) })
        })
        .unwrap();
}

/// A node of this chain whose ledger has this entry of the hotel's site.
fn serve_site(module: &mut RpcModule<Arc<Node>>, chain: Hash, site: Option<Site>) {
    module
        .register_method("chain_head", move |_, _, _| {
            let (title, hash, state_root) = (String::new(), String::new(), String::new());
            Answer::Ok(ChainHead { chain: chain.to_string(), title, height: 1, hash, time_ms: 0, state_root })
        })
        .unwrap();
    module
        .register_method("state_proof", move |_, _, _| {
            let value = site.as_ref().map(|site| HexBytes(site.encode()));
            Answer::Ok(ProofView { height: 1, root: String::new(), value, proof: HexBytes(Vec::new()) })
        })
        .unwrap();
}

fn relay_key() -> PublicKey {
    public_key(&development_secret("relay"))
}

fn site(relays: &[PublicKey]) -> Site {
    Site {
        endpoint: BoundedText::new("https://login.harbor-hotel.example").unwrap(),
        key: PublicKey([5; 32]),
        relays: relays.to_vec().try_into().unwrap(),
    }
}

async fn scene(chain: Hash, site: Option<Site>) -> Scene {
    let scene = Scene::with(|module| {
        serve_logins(module);
        serve_site(module, chain, site);
    })
    .await;
    scene.node.person(HOTEL, |_| ());
    scene
}

async fn granted() -> (Scene, GrantedRelay) {
    let scene = scene(CHAIN, Some(site(&[relay_key(), PublicKey([4; 32])]))).await;
    let granted = check_relay(&scene.client, &scene.relay, &BOB.parse().unwrap()).await.unwrap();
    (scene, granted)
}

fn key_of<'a>(signer: &'a dyn Signer) -> LogInKey<'a> {
    LogInKey { signer, name: "bob", encryption_key: Some([8; 32]) }
}

#[tokio::test]
async fn a_user_logs_in_with_the_right_password_only() {
    let (scene, granted) = granted().await;
    assert!(granted.is_home());
    assert_eq!((granted.relay, granted.member, granted.chain), (relay_key(), account(HOTEL), CHAIN));
    let bob: Name = BOB.parse().unwrap();
    let key = key_of(&scene.bob);
    let enter = |password| log_in(&scene.client, &scene.relay, &granted, &key, &bob, password);
    let session = enter(PASSWORD).await.unwrap();
    let wanted = StoredSession {
        key_name: "bob".into(),
        encryption_key: Some([8; 32]),
        expires_at: Timestamp::from_millis(77),
        ..scene.session.clone()
    };
    assert_eq!(session, wanted);
    assert!(matches!(enter("another").await, Err(LogInError::Login(LoginError::Refused))));
    assert!(matches!(enter("").await, Err(LogInError::Login(LoginError::BadPassword))));
    // The ledger says another relay than the one that answers: the site's half of the proof is for that one.
    let other = GrantedRelay { relay: PublicKey([4; 32]), ..granted.clone() };
    let misled = log_in(&scene.client, &scene.relay, &other, &key_of(&scene.bob), &bob, PASSWORD).await;
    assert!(matches!(misled, Err(LogInError::Login(LoginError::Refused))));
    let hotel = HOTEL.parse().unwrap();
    let member = log_in(&scene.client, &scene.relay, &granted, &key_of(&scene.bob), &hotel, PASSWORD).await;
    assert!(matches!(member, Err(LogInError::NotAUser { .. })));
}

#[tokio::test]
async fn a_member_logs_in_by_its_key() {
    let (scene, granted) = granted().await;
    let hotel: Name = HOTEL.parse().unwrap();
    let own = unlocked(HOTEL);
    let session = log_in_member(&scene.client, &scene.relay, &granted, &key_of(&own), &hotel).await.unwrap();
    assert_eq!((session.user.as_str(), session.account), (HOTEL, account(HOTEL)));
    let other = log_in_member(&scene.client, &scene.relay, &granted, &key_of(&scene.bob), &hotel).await;
    assert!(matches!(other, Err(LogInError::OtherAccount { .. })));
    let user = log_in_member(&scene.client, &scene.relay, &granted, &key_of(&own), &BOB.parse().unwrap()).await;
    assert!(matches!(user, Err(LogInError::NotAMember { .. })));
}

#[tokio::test]
async fn a_relay_that_the_ledger_does_not_grant_is_refused() {
    let refusal = async |chain, site| {
        let scene = scene(chain, site).await;
        check_relay(&scene.client, &scene.relay, &BOB.parse().unwrap()).await.unwrap_err()
    };
    let refused = refusal(CHAIN, Some(site(&[PublicKey([4; 32])]))).await;
    assert!(matches!(&refused, LogInError::NotGranted { .. }), "{refused}");
    assert!(refused.to_string().contains(&PublicKey([4; 32]).to_string()), "{refused}");
    assert!(matches!(refusal(CHAIN, None).await, LogInError::NoSite { .. }));
    assert!(matches!(refusal(CHAIN, Some(site(&[]))).await, LogInError::NoSite { .. }));
    assert!(matches!(refusal(Hash([1; 32]), Some(site(&[relay_key()]))).await, LogInError::OtherChain { .. }));
    let no_users = Site { endpoint: Default::default(), ..site(&[relay_key()]) };
    assert!(matches!(refusal(CHAIN, Some(no_users)).await, LogInError::NoUsers { .. }));
    let (scene, _) = granted().await;
    let check = |name: &str| {
        let name: Name = name.parse().unwrap();
        let (client, relay) = (scene.client.clone(), scene.relay.clone());
        async move { check_relay(&client, &relay, &name).await }
    };
    assert!(matches!(check("bob@city-books.example").await, Err(LogInError::UnknownMember { .. })));
    scene.node.suspend_member();
    assert!(matches!(check(BOB).await, Err(LogInError::MemberSuspended { .. })));
}

#[tokio::test]
async fn a_first_log_in_is_for_the_account_of_the_key_and_enrols_it() {
    let (scene, granted) = granted().await;
    let bob: Name = BOB.parse().unwrap();
    scene.node.forget_person(BOB);
    let key = scene.bob.public_key();
    assert_eq!(standing(&scene.client, &bob, &key).await.unwrap(), Standing::NotEnrolled);
    let session = log_in(&scene.client, &scene.relay, &granted, &key_of(&scene.bob), &bob, PASSWORD).await.unwrap();
    assert_eq!(session.account, AccountId::of_key(&key));
    let mut proposal = draw_enrolment(&granted, &bob, &scene.bob).unwrap();
    assert_eq!(proposal.missing().len(), 2);
    scene.bob.sign_proposal(&mut proposal, &session.account).unwrap();
    let signed = scene.live().enrol(&proposal).await.unwrap();
    assert_eq!((signed.subject(), signed.missing()), (proposal.subject(), Vec::new()));
    scene.node.person(BOB, |_| ());
    let own = EncryptionKey::of(&scene.bob).public();
    let enrolled = Standing::Enrolled { account: session.account, encryption_key: Some(own) };
    assert_eq!(standing(&scene.client, &bob, &key).await.unwrap(), enrolled);
    let foreign = standing(&scene.client, &bob, &PublicKey([1; 32])).await;
    assert!(matches!(foreign, Err(LogInError::OtherAccount { .. })));
    let drawn = draw_encryption_key(CHAIN, session.account, &EncryptionKey::of(&scene.bob)).unwrap();
    assert_eq!(drawn.missing(), [session.account]);
}

#[tokio::test]
async fn an_enrolment_that_comes_back_otherwise_is_not_believed() {
    let (scene, granted) = granted().await;
    let bob: Name = BOB.parse().unwrap();
    // The wallet has not signed: the site's signature alone does not complete it.
    let unsigned = draw_enrolment(&granted, &bob, &scene.bob).unwrap();
    let refused = scene.live().enrol(&unsigned).await.unwrap_err();
    assert!(matches!(&refused, RelayError::Client(ClientError::BadAnswer { .. })), "{refused}");
    let other = Scene::with(|module| {
        module
            .register_method("relay_enrol", |params, _, _| {
                let (_, _): (SessionAuth, Enrolment) = params.parse().unwrap();
                let drawn = draw_encryption_key(CHAIN, account(BOB), &EncryptionKey::of(&unlocked(BOB))).unwrap();
                Answer::Ok(Enrolled { proposal: HexBytes(drawn.to_bytes()) })
            })
            .unwrap();
    })
    .await;
    let refused = other.live().enrol(&unsigned).await.unwrap_err();
    assert!(refused.to_string().contains("something else"), "{refused}");
}
