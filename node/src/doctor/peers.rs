//! The peers, one by one: connected, or why not.
use super::view::View;
use super::{Finding, Patient};
use crate::node::listed_peers;
use crate::peers::Own;
use countersign_consensus::{PeerAddress, Reach, probe};
use countersign_rpc_types::PeerView;
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A peer that takes longer to answer is as good as absent.
const CONNECT_MAX: Duration = Duration::from_secs(5);

pub(super) fn examine(patient: &Patient, view: &View, findings: &mut Vec<Finding>) {
    match &view.running {
        Some(running) if running.peers.is_empty() => findings.push(alone(view)),
        Some(running) => findings.extend(running.peers.iter().map(of_running)),
        None => examine_stopped(patient, view, findings),
    }
}

/// No peers are right for a network of one only.
fn alone(view: &View) -> Finding {
    if view.validators.0.len() <= 1 {
        return Finding::ok("peers", "none, in a network of one validator");
    }
    Finding::error("peers", "none are listed", "list them as network.peers, or have the council admit the nodes")
}

fn of_running(peer: &PeerView) -> Finding {
    let address = &peer.address;
    if peer.connected {
        let height = peer.height.map_or_else(String::new, |height| format!(", at height {height}"));
        return Finding::ok("peers", format!("{address}: connected{height}"));
    }
    let Some(host) = host_and_port(address) else {
        return Finding::warning(
            "peers",
            format!("{address}: not connected"),
            "it has no address: it must dial this node",
        );
    };
    match connect(&host) {
        // The node itself dials it over and over: that it is not connected means that it is shut out.
        Ok(()) => Finding::warning(
            "peers",
            format!("{address}: not connected, though somebody answers there"),
            "its registry or its settings do not list this node, or another node answers there",
        ),
        Err(error) => unreachable_peer(address, &error),
    }
}

/// Of a stopped node: each peer is dialled with the node's own identity.
fn examine_stopped(patient: &Patient, view: &View, findings: &mut Vec<Finding>) {
    let own = match listed_peers(&patient.config) {
        Ok(listed) => Own { key: patient.keys.network.public(), listed },
        Err(error) => {
            findings.push(Finding::failed("peers", &error, "correct network.peers"));
            return;
        }
    };
    let peers = own.peers_among(&view.registered);
    if peers.is_empty() {
        findings.push(alone(view));
        return;
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            findings.push(Finding::failed("peers", &error, "see which limit of the system is reached"));
            return;
        }
    };
    for peer in &peers {
        // The system tells best why there is no connection at all.
        let unreachable = host_and_port(&peer.to_string()).and_then(|host| connect(&host).err());
        // One after the other: they share one identity.
        let reach = match unreachable {
            Some(error) => Ok(Reach::NoConnection(error)),
            None => runtime.block_on(probe(patient.keys.network.secret(), peer)),
        };
        findings.push(match reach {
            Ok(reach) => of_stopped(peer, &reach),
            Err(error) => Finding::failed("peers", &error, "see /etc/resolv.conf"),
        });
    }
}

fn of_stopped(peer: &PeerAddress, reach: &Reach) -> Finding {
    let warning = |text: &str, advice: &str| Finding::warning("peers", format!("{peer}: {text}"), advice);
    match reach {
        Reach::LetsIn => Finding::ok("peers", format!("{peer}: answers and lets this node in")),
        Reach::ShutsOut => warning(
            "answers and does not let this node in",
            "its registry or its settings do not list this node: ask the council to admit it, or its operator",
        ),
        Reach::OtherPeer(other) => {
            warning(&format!("{other} answers there instead"), "correct the peer id or the address in network.peers")
        }
        Reach::Silent => warning("takes the connection and stays silent", "see whether that node hangs"),
        Reach::NoAddress => Finding::note("peers", format!("{peer}: has no address; it dials this node")),
        Reach::NoConnection(error) => unreachable_peer(&peer.to_string(), error),
    }
}

pub(super) fn unreachable_peer(address: &str, error: &std::io::Error) -> Finding {
    let advice = match error.kind() {
        ErrorKind::ConnectionRefused => "nothing listens there: that node is down, or its address has changed",
        ErrorKind::TimedOut => "nothing comes back: a firewall drops it, or the machine is off",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no route: see this machine's network",
        _ => "see whether the host's name is right and a node answers there",
    };
    Finding::warning("peers", format!("{address}: {error}"), advice)
}

fn connect(host: &(String, u16)) -> std::io::Result<()> {
    let address = host.to_socket_addrs()?.next().ok_or(ErrorKind::NotFound)?;
    TcpStream::connect_timeout(&address, CONNECT_MAX).map(drop)
}

/// Of `/ip4/<host>/tcp/<port>/…`.
fn host_and_port(address: &str) -> Option<(String, u16)> {
    let mut parts = address.split('/').skip(1);
    let (kind, host, tcp, port) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_host = matches!(kind, "ip4" | "ip6" | "dns" | "dns4" | "dns6") && tcp == "tcp";
    is_host.then_some(())?;
    Some((host.to_owned(), port.parse().ok()?))
}
