//! The way from one node to another: a TCP proxy that can be cut, broken, stalled, delayed or slowed.
//!
//! ```text
//! dialling node ─→ accept ─→ pump ─queue→ pump ─→ listening node
//!                              reads at once    writes when the link's condition lets it
//! ```
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Bytes taken from a connection at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks on the way in one direction: 16 MiB, more than a link of 200 ms carries in that time.
const CHUNKS_MAX: usize = 1024;

/// What a link does with what it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Carries it.
    Open,
    /// Closes all connections and takes no new ones.
    Cut,
    /// Keeps connections and takes new ones, but holds every byte.
    Stalled,
    /// Carries it this much later.
    Delayed(Duration),
    /// Carries so many bytes per second.
    Slow {
        /// At least 1.
        bytes_per_second: u32,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    condition: Condition,
    /// Connections made before the count went up are reset.
    resets: u64,
}

/// A link in one direction of dialling; bytes go both ways over what was dialled.
#[derive(Debug)]
pub(crate) struct Link {
    address: SocketAddr,
    state: watch::Sender<State>,
    task: AbortHandle,
}

impl Link {
    /// Opens a link to `target`. Must be called from within a runtime.
    pub async fn open(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (state, seen) = watch::channel(State { condition: Condition::Open, resets: 0 });
        let task = Handle::current().spawn(accept(listener, target, seen)).abort_handle();
        Ok(Self { address, state, task })
    }

    /// Where it takes connections.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what it does from now on.
    pub fn set(&self, condition: Condition) {
        self.state.send_modify(|state| state.condition = condition);
    }

    /// Resets all its connections; new ones are taken.
    pub fn reset(&self) {
        self.state.send_modify(|state| state.resets += 1);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, state: watch::Receiver<State>) {
    loop {
        // An error is that of a connection that is gone already.
        let Ok((dialler, _)) = listener.accept().await else { continue };
        let state = state.clone();
        tokio::spawn(async move {
            // However a connection ends, its nodes notice; nobody asks the link.
            let _ = carry(dialler, target, state).await;
        });
    }
}

async fn carry(dialler: TcpStream, target: SocketAddr, mut state: watch::Receiver<State>) -> io::Result<()> {
    let opened = *state.borrow();
    if opened.condition == Condition::Cut {
        return close_hard(&dialler);
    }
    let listening = match TcpStream::connect(target).await {
        Ok(listening) => listening,
        Err(_) => return close_hard(&dialler),
    };
    dialler.set_nodelay(true)?;
    listening.set_nodelay(true)?;
    close_hard(&dialler)?;
    close_hard(&listening)?;
    let (from_dialler, to_dialler) = dialler.into_split();
    let (from_listening, to_listening) = listening.into_split();
    let is_over = |now: &State| now.condition == Condition::Cut || now.resets != opened.resets;
    let over = state.clone();
    tokio::select! {
        _ = state.wait_for(is_over) => {}
        _ = pump(from_dialler, to_listening, over.clone()) => {}
        _ = pump(from_listening, to_dialler, over) => {}
    }
    Ok(())
}

/// What is closed from now on is reset: the other side hears of it at once.
fn close_hard(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

/// Ends when one side has nothing more to say.
async fn pump(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    state: watch::Receiver<State>,
) -> io::Result<()> {
    let (queue, queued) = mpsc::channel(CHUNKS_MAX);
    tokio::try_join!(take(from, queue), give(to, queued, state))?;
    Ok(())
}

async fn take(mut from: impl AsyncRead + Unpin, queue: mpsc::Sender<(Instant, Vec<u8>)>) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 || queue.send((Instant::now(), chunk[..read].to_vec())).await.is_err() {
            return Ok(());
        }
    }
}

async fn give(
    mut to: impl AsyncWrite + Unpin,
    mut queued: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    while let Some((arrived, chunk)) = queued.recv().await {
        let flows = state.wait_for(|now| now.condition != Condition::Stalled).await;
        // An error means that the link is gone.
        let Ok(condition) = flows.map(|now| now.condition) else { return Ok(()) };
        match condition {
            Condition::Delayed(by) => tokio::time::sleep_until(arrived + by).await,
            Condition::Slow { bytes_per_second } => {
                let seconds = chunk.len() as f64 / f64::from(bytes_per_second.max(1));
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            }
            Condition::Open | Condition::Cut | Condition::Stalled => {}
        }
        to.write_all(&chunk).await?;
    }
    to.shutdown().await
}
