//! A site for tests, over real TLS with real signatures. In the place of OPAQUE it has one right KE3. It can also
//! answer as no site should.
use crate::clock::Clock;
use bytes::Bytes;
use countersign_rpc_types::HexBytes;
use countersign_rpc_types::site::signature::{
    RequestLine, SITE_HEADER, SignedHeaders, read_request, sign_answer, sign_request,
};
use countersign_rpc_types::site::{
    CONTACTS, ContactView, ContactsPage, ENROL, Enrolled, FaultBody, KE2_BYTES, KE3_BYTES, LOGIN_FINISH, LOGIN_START,
    LOGOUT, LoggedIn, LoggedOut, LoginStarted, POSTS, PostKind, PostView, PostsPage, SessionHolder, SessionToken,
    SiteFault,
};
use countersign_types::signature::public_key;
use countersign_types::{Hash, PublicKey};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What proves the password.
pub(crate) const KE3: [u8; KE3_BYTES] = [7; KE3_BYTES];

/// How an answer is spoilt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trick {
    /// Signed by somebody else.
    OtherKey,
    /// The last answer that was right, once more.
    Replay,
    /// Signed, but for another request.
    OtherRequest,
    /// Not signed.
    Unsigned,
    /// Longer than any answer, and it says so.
    TooLong,
    /// It does not end, and does not say how long it is.
    Endless,
    /// It never comes.
    Silent,
    /// It breaks off.
    BrokenOff,
    /// The connection is closed without one.
    Closed,
    /// It sends elsewhere.
    Redirect,
    /// Signed, but no JSON.
    NotJson,
    /// Signed, for a session of somebody else.
    OtherHolder,
}

/// A path and the body that came with it.
pub(crate) type Asked = (String, Json);

struct State {
    secret: [u8; 32],
    relay: PublicKey,
    name: String,
    clock: Clock,
    trick: Mutex<Option<Trick>>,
    refusal: Mutex<Option<FaultBody>>,
    last: Mutex<Option<(u16, Vec<u8>, SignedHeaders)>>,
    asked: watch::Sender<Vec<Asked>>,
    posts: watch::Sender<Vec<PostView>>,
    users: Mutex<Users>,
}

#[derive(Default)]
struct Users {
    /// A log-in's number to its user and key.
    logins: HashMap<String, (String, String)>,
    /// A token to its user.
    sessions: HashMap<String, String>,
    given: u64,
}

/// A running site; it stops with the test's runtime.
pub(crate) struct TestSite {
    /// Where it listens on loopback.
    pub port: u16,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The key of its answers.
    pub key: PublicKey,
    state: Arc<State>,
}

impl TestSite {
    /// Starts the site `name`, which this relay may ask.
    pub async fn start(name: &str, relay: PublicKey, clock: Clock) -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = certified.cert.pem();
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(certified.key_pair.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let tls = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
        let secret = Hash::of("test-site", name.as_bytes()).0;
        let state = Arc::new(State {
            secret,
            relay,
            name: name.to_owned(),
            clock,
            trick: Mutex::default(),
            refusal: Mutex::default(),
            last: Mutex::default(),
            asked: watch::Sender::default(),
            posts: watch::Sender::default(),
            users: Mutex::default(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = state.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(serving.clone(), tls.clone(), stream));
            }
        });
        Self { port, certificate, key: public_key(&secret), state }
    }

    /// Its address for the ledger.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Spoils all answers from now on.
    pub fn play(&self, trick: Option<Trick>) {
        *self.state.trick.lock().unwrap() = trick;
    }

    /// Refuses everything from now on.
    pub fn refuse(&self, fault: SiteFault, retry_after_ms: Option<u64>) {
        let refusal = FaultBody { code: fault.code().into(), message: "no\nway".into(), retry_after_ms };
        *self.state.refusal.lock().unwrap() = Some(refusal);
    }

    /// All requests of its relay so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.borrow().clone()
    }

    /// Waits until there were requests of which this is true.
    pub async fn until_asked(&self, is_enough: impl FnMut(&Vec<Asked>) -> bool) {
        self.state.asked.subscribe().wait_for(is_enough).await.unwrap();
    }

    /// Publishes a post of this number.
    pub fn publish(&self, number: u64) {
        let post = PostView {
            number,
            kind: PostKind::Notice,
            author: self.state.name.clone(),
            title: format!("post {number}"),
            text: String::new(),
            proposal: None,
            published_at_ms: 0,
        };
        self.state.posts.send_modify(|posts| posts.push(post));
    }

    /// Ends all its sessions, as a restart of a site does.
    pub fn forget_sessions(&self) {
        self.state.users.lock().unwrap().sessions.clear();
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.state.users.lock().unwrap().sessions.len()
    }
}

async fn serve(state: Arc<State>, tls: TlsAcceptor, stream: TcpStream) {
    let Ok(stream) = tls.accept(stream).await else { return };
    let service = service_fn(|request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(respond(&state, request).await) }
    });
    // A client that goes away is part of some tests.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(state: &State, request: Request<Incoming>) -> Response<Sent> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    if path == "/livez" {
        return Response::new(Sent::Whole(Full::new("ok".into())));
    }
    let body = body.collect().await.unwrap().to_bytes();
    let text = |name: &str| head.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let headers = SignedHeaders {
        content_digest: text("content-digest"),
        signature_input: text("signature-input"),
        signature: text("signature"),
    };
    let line = RequestLine { method: "POST", path: &path, site: &text(SITE_HEADER) };
    let json: Json = serde_json::from_slice(&body).unwrap();
    let signed = read_request(&headers, &line, &body).unwrap();
    assert!(signed.is_by(&state.relay) && line.site == state.name, "requests are the relay's, for this site");
    assert_eq!(signed.claim.relay.0, state.relay.0);
    state.asked.send_modify(|asked| asked.push((path.clone(), json.clone())));
    let trick = *state.trick.lock().unwrap();
    let refusal = state.refusal.lock().unwrap().clone();
    let (status, mut body) = match (trick, refusal) {
        (Some(Trick::Silent), _) => pending().await,
        (_, Some(refusal)) => {
            (SiteFault::from_code(&refusal.code).unwrap().status(), serde_json::to_vec(&refusal).unwrap())
        }
        _ => answer(state, &path, &json, trick).await,
    };
    if trick == Some(Trick::NotJson) {
        body = b"<html>".to_vec();
    }
    let created_s = (state.clock)() / 1_000_000;
    let sign =
        |secret: &[u8; 32], request: &SignedHeaders| sign_answer(secret, created_s, status, &body, &line, request);
    let right = (status, body.clone(), sign(&state.secret, &headers));
    match trick {
        None | Some(Trick::NotJson | Trick::OtherHolder) => {
            *state.last.lock().unwrap() = Some(right.clone());
            sent(right)
        }
        Some(Trick::OtherKey) => sent((status, body.clone(), sign(&[9; 32], &headers))),
        Some(Trick::Replay) => sent(state.last.lock().unwrap().clone().unwrap()),
        Some(Trick::OtherRequest) => {
            let other = sign_request(&[8; 32], &signed.claim, &line, b"{}");
            sent((status, body.clone(), sign(&state.secret, &other)))
        }
        Some(Trick::Unsigned) => sent((status, body.clone(), SignedHeaders::default())),
        Some(Trick::TooLong) => {
            let body = vec![b' '; super::ANSWER_BYTES_MAX + 1];
            let signed = sign_answer(&state.secret, created_s, 200, &body, &line, &headers);
            sent((200, body, signed))
        }
        Some(Trick::Endless) => Response::new(Sent::Endless),
        Some(Trick::BrokenOff) => Response::new(Sent::BrokenOff(2)),
        Some(Trick::Closed) => Response::new(Sent::BrokenOff(0)),
        Some(Trick::Redirect) => {
            let mut response = sent((307, body.clone(), SignedHeaders::default()));
            response.headers_mut().insert("location", path.parse().unwrap());
            response
        }
        Some(Trick::Silent) => unreachable!("it has not come here"),
    }
}

fn sent((status, body, signed): (u16, Vec<u8>, SignedHeaders)) -> Response<Sent> {
    let response = Response::builder()
        .status(status)
        .header("content-digest", signed.content_digest)
        .header("signature-input", signed.signature_input)
        .header("signature", signed.signature);
    response.body(Sent::Whole(Full::new(body.into()))).unwrap()
}

/// A body as it is sent.
enum Sent {
    Whole(Full<Bytes>),
    Endless,
    /// How often something comes before: bytes, and a pause in which they are sent.
    BrokenOff(u8),
}

impl Body for Sent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match &mut *self {
            Self::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Endless => Poll::Ready(Some(Ok(Frame::data(vec![b' '; 64 * 1024].into())))),
            Self::BrokenOff(left @ 2) => {
                *left = 1;
                Poll::Ready(Some(Ok(Frame::data("{\"login\":".into()))))
            }
            Self::BrokenOff(left @ 1) => {
                *left = 0;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::BrokenOff(_) => Poll::Ready(Some(Err(std::io::ErrorKind::BrokenPipe.into()))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Endless => SizeHint::default(),
            Self::BrokenOff(_) => SizeHint::with_exact(1_000),
        }
    }
}

fn fault(fault: SiteFault) -> (u16, Vec<u8>) {
    let body = FaultBody { code: fault.code().into(), message: "refused".into(), retry_after_ms: None };
    (fault.status(), serde_json::to_vec(&body).unwrap())
}

fn ok(value: &impl serde::Serialize) -> (u16, Vec<u8>) {
    (200, serde_json::to_vec(value).unwrap())
}

async fn answer(state: &State, path: &str, ask: &Json, trick: Option<Trick>) -> (u16, Vec<u8>) {
    let text = |name: &str| ask[name].as_str().unwrap_or_default().to_owned();
    let now_ms = (state.clock)() / 1_000;
    if path == LOGIN_START {
        let mut users = state.users.lock().unwrap();
        users.given += 1;
        let login = HexBytes(users.given.to_be_bytes().to_vec());
        users.logins.insert(serde_json::to_string(&login).unwrap(), (text("user"), text("key")));
        return ok(&LoginStarted { login, ke2: HexBytes(vec![2; KE2_BYTES]), expires_at_ms: now_ms + 60_000 });
    }
    if path == LOGIN_FINISH {
        let mut users = state.users.lock().unwrap();
        let Some((user, key)) = users.logins.remove(&ask["login"].to_string()) else {
            return fault(SiteFault::UnknownLogin);
        };
        if ask["ke3"] != serde_json::to_value(HexBytes(KE3.to_vec())).unwrap() {
            return fault(SiteFault::LoginRefused);
        }
        users.given += 1;
        let session = SessionToken(Hash::of("test-token", &users.given.to_be_bytes()).0);
        users.sessions.insert(serde_json::to_string(&session).unwrap(), user.clone());
        let user = if trick == Some(Trick::OtherHolder) { format!("eve@{}", state.name) } else { user };
        let holder = SessionHolder { user, key, account: None, expires_at_ms: now_ms + 24 * 3_600_000 };
        return ok(&LoggedIn { session, holder });
    }
    let token = ask["session"].to_string();
    let Some(user) = state.users.lock().unwrap().sessions.get(&token).cloned() else {
        return fault(SiteFault::UnknownSession);
    };
    match path {
        CONTACTS => {
            let contact = ContactView { name: format!("friend-of-{user}"), label: String::new() };
            ok(&ContactsPage { contacts: vec![contact], next: None })
        }
        POSTS => {
            let (after, limit) = (ask["after"].as_u64().unwrap(), ask["limit"].as_u64().unwrap_or(50) as usize);
            let mut posts = state.posts.subscribe();
            if ask["wait_ms"] != 0 {
                posts.wait_for(|posts| posts.iter().any(|post| post.number > after)).await.unwrap();
            }
            let newer: Vec<_> = posts.borrow().iter().filter(|post| post.number > after).cloned().collect();
            let more = newer.len() > limit;
            let posts: Vec<_> = newer.into_iter().take(limit).collect();
            let next = posts.last().map_or(after, |post| post.number);
            ok(&PostsPage { posts, next, more })
        }
        ENROL => ok(&Enrolled { proposal: serde_json::from_value(ask["proposal"].clone()).unwrap() }),
        LOGOUT => {
            state.users.lock().unwrap().sessions.remove(&token);
            ok(&LoggedOut {})
        }
        other => panic!("{other} is not asked"),
    }
}
