//! Whether the node's ports are free, and if not, whose they are.
use super::Finding;
use crate::config::Config;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener};

pub(super) fn examine(config: &Config, is_running: bool, findings: &mut Vec<Finding>) {
    let network = listen_socket(&config.network_listen);
    let ports = [("network.listen", network), ("rpc.listen", Some(config.rpc_listen))];
    for (setting, address) in ports {
        // Port 0 takes any that is free.
        let Some(address) = address.filter(|address| address.port() != 0) else {
            continue;
        };
        findings.push(examine_port(setting, address, is_running));
    }
}

pub(super) fn examine_port(setting: &'static str, address: SocketAddr, is_running: bool) -> Finding {
    let taken = TcpListener::bind(address).err();
    match (taken, is_running) {
        (None, false) => Finding::ok("ports", format!("{setting}: {address} is free")),
        (None, true) => Finding::warning(
            "ports",
            format!("{setting}: {address} is free although the node runs: it was started with another address"),
            "write the address it shall have into node.toml",
        ),
        (Some(error), true) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Finding::ok("ports", format!("{setting}: {address} is in use{}", by_whom(address)))
        }
        (Some(error), _) => Finding::error(
            "ports",
            format!("{setting}: cannot listen on {address}: {error}{}", by_whom(address)),
            "stop who uses it, or choose another address in node.toml",
        ),
    }
}

/// `/ip4/0.0.0.0/tcp/26600` as a socket's address.
fn listen_socket(text: &str) -> Option<SocketAddr> {
    let mut parts = text.split('/').skip(1);
    let (kind, host) = (parts.next()?, parts.next()?);
    let ("ip4" | "ip6", Some("tcp"), Some(port)) = (kind, parts.next(), parts.next()) else {
        return None;
    };
    Some(SocketAddr::new(host.parse::<IpAddr>().ok()?, port.parse().ok()?))
}

/// ` by <program> (process <id>)` where the system tells.
fn by_whom(address: SocketAddr) -> String {
    holder(address.port()).map_or_else(String::new, |(name, id)| format!(" by {name} (process {id})"))
}

/// Name and id of the process that listens on the port: Linux tells the sockets in one table and their holders in another.
fn holder(port: u16) -> Option<(String, u32)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let sockets: Vec<String> =
        tables.iter().flat_map(|table| table.lines()).filter_map(|line| listening_socket(line, port)).collect();
    if sockets.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find_map(|id| {
        let open = fs::read_dir(format!("/proc/{id}/fd")).ok()?.flatten();
        let holds = open
            .filter_map(|file| fs::read_link(file.path()).ok())
            .any(|target| target.to_str().is_some_and(|target| sockets.iter().any(|socket| socket == target)));
        let name = || fs::read_to_string(format!("/proc/{id}/comm")).map(|name| name.trim().to_owned());
        holds.then(|| Some((name().ok()?, id))).flatten()
    })
}

/// `socket:[<inode>]` if the line is a socket that listens on the port.
fn listening_socket(line: &str, port: u16) -> Option<String> {
    const LISTENING: &str = "0A";
    let words: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
    let at = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
    (*state == LISTENING && at == port).then(|| format!("socket:[{inode}]"))
}
