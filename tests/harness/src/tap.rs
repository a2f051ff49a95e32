//! A wiretap on the way to a node's RPC: carries every byte, and tells afterwards what was said in clear text.
use anyhow::Context as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Bytes taken from a connection at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Between an HTTP head and what follows it.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Bytes of one direction of one connection.
type Said = Arc<Mutex<Vec<u8>>>;

/// A wiretap; it ends when it is dropped.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    said: Arc<Mutex<Vec<Said>>>,
    runtime: Option<Runtime>,
}

impl Tap {
    /// Before the node that serves RPC at `target`.
    ///
    /// # Errors
    /// If nothing listens there any more.
    pub fn before(target: &str) -> anyhow::Result<Self> {
        let target: SocketAddr = target.parse().context("where the node serves")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let (address, said) = (listener.local_addr()?, Arc::default());
        runtime.spawn(accept(listener, target, Arc::clone(&said)));
        Ok(Self { address, said, runtime: Some(runtime) })
    }

    /// `ws://host:port`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// All that was said until now, in both directions, WebSocket's masks taken off.
    pub fn heard(&self) -> Vec<u8> {
        lock(&self.said).iter().flat_map(|said| unmasked(&lock(said))).collect()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().expect("no holder of the lock panics")
}

async fn accept(listener: TcpListener, target: SocketAddr, said: Arc<Mutex<Vec<Said>>>) {
    loop {
        // An error is that of a connection that is gone already.
        let Ok((caller, _)) = listener.accept().await else { continue };
        let (asked, answered) = (Said::default(), Said::default());
        lock(&said).extend([asked.clone(), answered.clone()]);
        tokio::spawn(async move {
            let called = TcpStream::connect(target).await?;
            let (from_caller, to_caller) = caller.into_split();
            let (from_called, to_called) = called.into_split();
            tokio::try_join!(carry(from_caller, to_called, asked), carry(from_called, to_caller, answered))
        });
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, said: Said) -> std::io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        lock(&said).extend_from_slice(&chunk[..read]);
        to.write_all(&chunk[..read]).await?;
    }
}

/// One direction of a connection with what is in WebSocket's frames (RFC 6455, 5.2) as it was before it was masked.
fn unmasked(bytes: &[u8]) -> Vec<u8> {
    let is_end = |at: &usize| bytes[*at..].starts_with(END_OF_HEAD);
    let Some(end) = (0..bytes.len()).find(is_end).map(|at| at + END_OF_HEAD.len()) else { return bytes.to_vec() };
    let (head, mut rest) = bytes.split_at(end);
    if !String::from_utf8_lossy(head).to_ascii_lowercase().contains("upgrade: websocket") {
        return bytes.to_vec();
    }
    let mut clear = head.to_vec();
    while let Some((payload, after)) = frame(rest) {
        clear.extend(payload);
        rest = after;
    }
    clear
}

/// The first frame's content, and what follows it; `None` if it is not whole.
fn frame(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (head, rest) = bytes.split_at_checked(2)?;
    let (length, rest) = match head[1] & 0x7f {
        126 => rest.split_at_checked(2).map(|(length, rest)| (number(length), rest))?,
        127 => rest.split_at_checked(8).map(|(length, rest)| (number(length), rest))?,
        short => (u64::from(short), rest),
    };
    let (mask, rest) = if head[1] & 0x80 == 0 { (&[0; 4][..], rest) } else { rest.split_at_checked(4)? };
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect(), rest))
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_masked_is_heard() {
        // RFC 6455, 5.7: "Hello" in a masked and in an unmasked frame.
        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let plain = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        let head = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
        let heard = unmasked(&[&head[..], &masked, &plain, &plain[..3]].concat());
        assert_eq!(heard, [&head[..], b"HelloHello"].concat());
        let request = b"POST / HTTP/1.1\r\n\r\n\x81\x05Hello";
        assert_eq!(unmasked(request), request);
    }
}
