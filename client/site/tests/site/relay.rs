//! A relay, and the wallets behind it: signs requests, verifies answers, and remembers every byte that passed.
use crate::server::{HOST, SITE, Server, Site, relay_identity};
use bytes::Bytes;
use countersign_client::login::{Binding, LoginError, OpenLogin};
use countersign_client::rpc_types::HexBytes;
use countersign_client::rpc_types::site::signature::{
    Claim, RequestLine, SITE_HEADER, SignedHeaders, check_answer, sign_request,
};
use countersign_client::rpc_types::site::{
    FaultBody, LOGIN_FINISH, LOGIN_START, LoggedIn, LoginFinish, LoginStart, LoginStarted, SessionToken,
};
use countersign_client::types::signature::{development_secret, public_key};
use countersign_client::types::{AccountId, PublicKey};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Seconds since 1970 by this machine's clock.
pub fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Milliseconds since 1970 by this machine's clock.
pub fn now_ms() -> u64 {
    countersign_client::clock::now().millis()
}

/// Waits until this machine's clock has reached a time.
pub async fn until(ms: u64) {
    while now_ms() < ms {
        tokio::time::sleep(std::time::Duration::from_millis(ms.saturating_sub(now_ms()))).await;
    }
}

/// What passed through a relay, in plain text.
type Seen = Arc<Mutex<Vec<u8>>>;

/// A stream that remembers what passes.
struct Recorded<S> {
    stream: S,
    seen: Seen,
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.seen.lock().unwrap().extend_from_slice(&buffer.filled()[before..]);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.seen.lock().unwrap().extend_from_slice(&bytes[..written]);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A relay of the site.
#[derive(Clone)]
pub struct Relay {
    /// Its account.
    pub account: AccountId,
    secret: [u8; 32],
    site_key: PublicKey,
    port: u16,
    tls: TlsConnector,
    seen: Seen,
}

/// A request as it is sent: tests change parts of it.
#[derive(Clone)]
pub struct Sent {
    pub method: &'static str,
    pub path: String,
    pub site: String,
    pub headers: SignedHeaders,
    pub body: Vec<u8>,
}

/// An answer, with whether it is the site's to that request.
pub struct Got {
    pub status: u16,
    pub body: Vec<u8>,
    pub is_bound: bool,
}

impl Got {
    /// The body of a success.
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.is_bound, "every answer is signed for its request");
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and code of a fault.
    pub fn fault(&self) -> (u16, String) {
        let fault: FaultBody = serde_json::from_slice(&self.body).unwrap();
        assert!(!fault.message.is_empty());
        (self.status, fault.code)
    }
}

/// A wallet's way to a session.
#[derive(Debug, PartialEq, Eq)]
pub enum LoginEnd {
    /// The wallet sees that the password does not fit; nothing more is sent.
    Wallet(LoginError),
    /// The site's fault.
    Site(u16, String),
}

impl Relay {
    /// The relay of this name, at a running site.
    pub fn new(name: &str, site: &Site, server: &Server) -> Self {
        let (account, secret) = relay_identity(name);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(site.certificate.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let (tls, seen) = (TlsConnector::from(Arc::new(config)), Seen::default());
        Self { account, secret, site_key: site.key, port: server.port, tls, seen }
    }

    /// This relay with its own key under another's account.
    pub fn posing_as(self, account: AccountId) -> Self {
        Self { account, ..self }
    }

    /// Every byte this relay has sent and received, as it reads them.
    pub fn seen(&self) -> Vec<u8> {
        self.seen.lock().unwrap().clone()
    }

    /// A signed request, not sent yet.
    pub fn sign(&self, path: &str, body: &impl Serialize) -> Sent {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).unwrap();
        self.sign_with(path, serde_json::to_vec(body).unwrap(), now_s(), &hex::encode(nonce))
    }

    /// The same with time and nonce of one's choice.
    pub fn sign_with(&self, path: &str, body: Vec<u8>, created_s: u64, nonce: &str) -> Sent {
        let line = RequestLine { method: "POST", path, site: SITE };
        let claim = Claim { relay: self.account, created_s, nonce: nonce.into() };
        let headers = sign_request(&self.secret, &claim, &line, &body);
        Sent { method: "POST", path: path.into(), site: SITE.into(), headers, body }
    }

    /// Sends a request on a connection of its own.
    pub async fn send(&self, sent: &Sent) -> Got {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let stream = self.tls.connect(ServerName::try_from(HOST).unwrap(), stream).await.unwrap();
        let stream = Recorded { stream, seen: self.seen.clone() };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driver = tokio::spawn(connection);
        let request = Request::builder()
            .method(sent.method)
            .uri(&sent.path)
            .header("host", HOST)
            .header(SITE_HEADER, &sent.site)
            .header("content-digest", &sent.headers.content_digest)
            .header("signature-input", &sent.headers.signature_input)
            .header("signature", &sent.headers.signature)
            .body(Full::new(Bytes::from(sent.body.clone())))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        driver.abort();
        let text = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let headers = SignedHeaders {
            content_digest: text("content-digest").unwrap_or_default(),
            signature_input: text("signature-input").unwrap_or_default(),
            signature: text("signature").unwrap_or_default(),
        };
        let path = sent.path.split('?').next().unwrap_or_default();
        let line = RequestLine { method: sent.method, path, site: &sent.site };
        let status = head.status.as_u16();
        let is_bound = check_answer(&self.site_key, status, &headers, &body, &line, &sent.headers).is_ok();
        Got { status, body, is_bound }
    }

    /// Signs and sends.
    pub async fn ask(&self, path: &str, body: &impl Serialize) -> Got {
        self.send(&self.sign(path, body)).await
    }

    /// The first half of a login of `user` with the development key `key`.
    pub async fn login_start(&self, user: &str, password: &str, key: &str) -> (OpenLogin, Got) {
        let key = public_key(&development_secret(key));
        let name = format!("{user}@{SITE}");
        let binding = Binding { user: name.parse().unwrap(), key, relay: self.account };
        let (open, ke1) = OpenLogin::start(password, binding).unwrap();
        let asked = LoginStart { user: name, key: key.to_string(), ke1: HexBytes(ke1) };
        (open, self.ask(LOGIN_START, &asked).await)
    }

    /// A whole login.
    pub async fn login_as(&self, user: &str, password: &str, key: &str) -> Result<LoggedIn, LoginEnd> {
        let site = |(status, code)| LoginEnd::Site(status, code);
        let (open, got) = self.login_start(user, password, key).await;
        if got.status != 200 {
            return Err(site(got.fault()));
        }
        let started: LoginStarted = got.json();
        let ke3 = open.finish(&started.ke2.0).map_err(LoginEnd::Wallet)?;
        let got = self.ask(LOGIN_FINISH, &LoginFinish { login: started.login, ke3: HexBytes(ke3) }).await;
        if got.status == 200 { Ok(got.json()) } else { Err(site(got.fault())) }
    }

    /// A login that must succeed, with the user's own key; its session.
    pub async fn login(&self, user: &str, password: &str) -> SessionToken {
        self.login_as(user, password, user).await.unwrap().session
    }
}
