//! Who stands between a relay and a site with the site's own certificate: hears everything, and can alter, repeat or withhold answers.
//! The signatures on requests and answers have to hold where TLS does not.
//!
//! ```text
//! relay ─TLS→ serve ─one request→ ask ─TLS→ site
//!               ▲ the answer, as the conduct wants it
//! ```
use crate::Site;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Bytes of a head or a body: more than relays and sites send.
const MESSAGE_BYTES_MAX: usize = 2 << 20;

/// What becomes of the site's answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduct {
    /// They are handed on.
    Honest,
    /// A digit of the body is another.
    Alters,
    /// In their place comes the first answer that was ever given at that path.
    Repeats,
    /// They never come.
    Withholds,
}

#[derive(Debug)]
struct Shared {
    conduct: Conduct,
    site: SocketAddr,
    heard: Vec<u8>,
    /// The first answer at each path.
    first: BTreeMap<String, Message>,
}

/// Somebody in between; gone when dropped.
#[derive(Debug)]
pub struct Interceptor {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    runtime: Option<Runtime>,
}

/// Head and body of a request or an answer.
#[derive(Clone, Debug)]
struct Message {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Interceptor {
    /// Before a running site, with its certificate.
    ///
    /// # Errors
    /// If the site does not run.
    pub fn before(site: &Site) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let shared =
            Shared { conduct: Conduct::Honest, site: site.address()?, heard: Vec::new(), first: BTreeMap::new() };
        let shared = Arc::new(Mutex::new(shared));
        let (acceptor, connector) = tls(site)?;
        runtime.spawn(accept(listener, acceptor, connector, Arc::clone(&shared)));
        Ok(Self { address, shared, runtime: Some(runtime) })
    }

    /// The address that relays are told.
    pub fn endpoint(&self) -> String {
        format!("https://{}:{}", crate::SITE_HOST, self.address.port())
    }

    /// What it does from now on.
    pub fn set(&self, conduct: Conduct) {
        lock(&self.shared).conduct = conduct;
    }

    /// The site listens elsewhere since it was started again.
    ///
    /// # Errors
    /// If it does not run.
    pub fn follow(&self, site: &Site) -> anyhow::Result<()> {
        lock(&self.shared).site = site.address()?;
        Ok(())
    }

    /// Every byte of requests and answers until now, without TLS.
    pub fn heard(&self) -> Vec<u8> {
        lock(&self.shared).heard.clone()
    }
}

impl Drop for Interceptor {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().expect("no holder of the lock panics")
}

fn tls(site: &Site) -> anyhow::Result<(TlsAcceptor, TlsConnector)> {
    let certificate = CertificateDer::from_pem_file(site.certificate())?;
    let key = PrivateKeyDer::from_pem_file(site.private_key())?;
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let server = server.with_safe_default_protocol_versions()?.with_no_client_auth();
    let server = server.with_single_cert(vec![certificate.clone()], key)?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let client = client.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
    Ok((TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client))))
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, connector: TlsConnector, shared: Arc<Mutex<Shared>>) {
    loop {
        // An error is that of a connection that is gone already.
        let Ok((relay, _)) = listener.accept().await else { continue };
        let (acceptor, connector, shared) = (acceptor.clone(), connector.clone(), Arc::clone(&shared));
        // However it ends, the relay sees its connection close.
        tokio::spawn(async move { serve(relay, &acceptor, &connector, &shared).await });
    }
}

/// Serves the requests of a connection, one after another.
async fn serve(
    relay: TcpStream,
    acceptor: &TlsAcceptor,
    connector: &TlsConnector,
    shared: &Mutex<Shared>,
) -> anyhow::Result<()> {
    let mut relay = acceptor.accept(relay).await?;
    while let Some(request) = read(&mut relay).await? {
        let line =
            String::from_utf8_lossy(request.head.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
        let answer = ask(connector, shared, &request).await?;
        let (conduct, first) = {
            let mut shared = lock(shared);
            [&request, &answer]
                .into_iter()
                .for_each(|message| shared.heard.extend([&message.head[..], &message.body].concat()));
            let first = shared.first.entry(line).or_insert_with(|| answer.clone()).clone();
            (shared.conduct, first)
        };
        let mut told = if conduct == Conduct::Repeats { first } else { answer };
        match conduct {
            Conduct::Honest | Conduct::Repeats => {}
            Conduct::Alters => {
                told.body.iter_mut().filter(|byte| byte.is_ascii_digit()).take(1).for_each(|digit| *digit ^= 1)
            }
            // Until the relay closes the connection.
            Conduct::Withholds => {
                // An error is the connection's end too.
                let _ = relay.read_u8().await;
                return Ok(());
            }
        }
        relay.write_all(&[told.head, told.body].concat()).await?;
    }
    Ok(())
}

/// Asks the site on a connection of its own.
async fn ask(connector: &TlsConnector, shared: &Mutex<Shared>, request: &Message) -> anyhow::Result<Message> {
    let site = lock(shared).site;
    let mut site = connector.connect(ServerName::try_from(crate::SITE_HOST)?, TcpStream::connect(site).await?).await?;
    site.write_all(&[&request.head[..], &request.body].concat()).await?;
    read(&mut site).await?.context("the site closed the connection")
}

/// Reads a head and as much body as it announces; `None` at the end of the connection.
async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Message>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match from.read_u8().await {
            Ok(byte) if head.len() < MESSAGE_BYTES_MAX => head.push(byte),
            Ok(_) => return Err(io::Error::other("a head without an end")),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && head.is_empty() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let length = length.filter(|length| *length <= MESSAGE_BYTES_MAX);
    let mut body = vec![0; length.ok_or_else(|| io::Error::other("no usable content-length"))?];
    from.read_exact(&mut body).await?;
    Ok(Some(Message { head, body }))
}
