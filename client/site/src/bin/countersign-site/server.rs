//! `run`: everything is opened and checked before the first connection; SIGINT or SIGTERM stops it, and the end of standard input if
//! that was asked for.
use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::output::Output;
use countersign_site::admin::socket;
use countersign_site::api::Api;
use countersign_site::keys::SiteKeys;
use countersign_site::settings::{self, Checked};
use countersign_site::store::Store;
use countersign_site::{http, tls};
use serde_json::json;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serves until stopped.
pub fn run(folder: &Path, args: RunArgs, output: Output) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_env("COUNTERSIGN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours).init();
    let checked = settings::read(folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|source| Failure::Io { what: "the asynchronous runtime".into(), source })?
        .block_on(serve(checked, args, output))
}

/// Resolves when standard input has ended. What it holds is thrown away.
async fn stdin_ended() {
    let (ended, end) = tokio::sync::oneshot::channel();
    // A thread of its own: the runtime would wait for the read when it shuts down.
    let reader = std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    match reader {
        Ok(_) => drop(end.await),
        Err(error) => {
            tracing::warn!(%error, "no thread to watch standard input; its end will not stop this server");
            std::future::pending().await
        }
    }
}

fn signal_of(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|source| Failure::Io { what: "signals".into(), source })
}

async fn serve(checked: Checked, args: RunArgs, output: Output) -> Result<(), Failure> {
    let keys = SiteKeys::read(&checked.keys())?;
    let key = keys.public().to_string();
    let enroller = checked.enroller()?;
    let tls = checked.tls().as_ref().map(tls::acceptor).transpose()?;
    let store = Arc::new(Store::open(&checked.database(), &checked.site)?);
    let path = checked.socket();
    let commands = socket::listen(&path).map_err(|source| Failure::Io { what: path.display().to_string(), source })?;
    let address = checked.settings.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| Failure::Io { what: address.to_string(), source })?;
    let address = listener.local_addr().map_err(|source| Failure::Io { what: address.to_string(), source })?;
    let (mut interrupt, mut terminate) = (signal_of(SignalKind::interrupt())?, signal_of(SignalKind::terminate())?);
    let api = Arc::new(Api::new(store, keys, enroller, checked.settings.limits)?);
    let site = checked.site.to_string();
    output.result(&json!({"site": site, "listening": address, "key": key}), || {
        format!("{site} listens at {address}; its key is {key}")
    });
    let admin = tokio::spawn(socket::serve(api.clone(), commands));
    let stopper = api.clone();
    let stop = tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = stdin_ended(), if args.stop_with_stdin => {}
        }
        tracing::info!("stopping");
        stopper.stop();
    });
    http::serve(api, listener, tls).await;
    stop.abort();
    let _ = admin.await;
    let _ = std::fs::remove_file(&path);
    Ok(())
}
