//! Where a node of the network is reached: `/dns4/node.harbor-hotel.example/tcp/26600`. The subset of multiaddresses that an
//! address on the ledger may be; who answers there is known by its key, so none is written in it.
use core::net::{Ipv4Addr, Ipv6Addr};

/// Longest domain name (RFC 1035, 2.3.4).
const DOMAIN_BYTES_MAX: usize = 253;
/// Longest part of one.
const LABEL_BYTES_MAX: usize = 63;

/// Text that is no address of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not four parts after slashes.
    #[error("an address is written as /dns4/<host>/tcp/<port>, or with ip4, ip6 or dns6 in place of dns4")]
    Form,
    /// The second part is no address or name of the kind that the first announces.
    #[error("the host is not what /ip4, /ip6, /dns4 or /dns6 before it announces")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("the port is a number from 1 to 65535")]
    Port,
}

/// Checks the address of a node.
///
/// # Errors
/// [`BadAddress`] names the part that is wrong.
pub fn check(address: &str) -> Result<(), BadAddress> {
    let mut parts = address.split('/');
    let (Some(""), Some(kind), Some(host), Some("tcp"), Some(port), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(BadAddress::Form);
    };
    let host_fits = match kind {
        "ip4" => host.parse::<Ipv4Addr>().is_ok(),
        "ip6" => host.parse::<Ipv6Addr>().is_ok(),
        "dns4" | "dns6" => is_domain(host),
        _ => return Err(BadAddress::Form),
    };
    if !host_fits {
        return Err(BadAddress::Host);
    }
    let decimal = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    match port.parse::<u16>() {
        Ok(_) if decimal => Ok(()),
        _ => Err(BadAddress::Port),
    }
}

/// True for a domain name, in letters, digits and hyphens.
pub(crate) fn is_domain(host: &str) -> bool {
    host.len() <= DOMAIN_BYTES_MAX && host.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_a_tcp_port_are_taken() {
        for good in [
            "/ip4/10.0.0.7/tcp/26600",
            "/ip6/::1/tcp/1",
            "/ip6/2001:db8::7/tcp/65535",
            "/dns4/node.harbor-hotel.example/tcp/26600",
            "/dns6/n1/tcp/26600",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn others_are_refused_by_the_part_that_is_wrong() {
        let long_label = alloc::format!("/dns4/{}/tcp/1", "a".repeat(LABEL_BYTES_MAX + 1));
        let long_name = alloc::format!("/dns4/{}a/tcp/1", "a.".repeat(DOMAIN_BYTES_MAX / 2 + 1));
        let cases = [
            ("", BadAddress::Form),
            ("/", BadAddress::Form),
            ("10.0.0.7:26600", BadAddress::Form),
            ("/ip4/10.0.0.7", BadAddress::Form),
            ("/ip4/10.0.0.7/udp/26600", BadAddress::Form),
            ("/ip4/10.0.0.7/tcp/26600/", BadAddress::Form),
            ("/ip4/10.0.0.7/tcp/26600/p2p/12D3KooW", BadAddress::Form),
            ("x/ip4/10.0.0.7/tcp/26600", BadAddress::Form),
            ("/unix/10.0.0.7/tcp/26600", BadAddress::Form),
            ("/ip4/10.0.0/tcp/26600", BadAddress::Host),
            ("/ip4/::1/tcp/26600", BadAddress::Host),
            ("/ip6/10.0.0.7/tcp/26600", BadAddress::Host),
            ("/dns4//tcp/26600", BadAddress::Host),
            ("/dns4/a..b/tcp/26600", BadAddress::Host),
            ("/dns4/-a.example/tcp/26600", BadAddress::Host),
            ("/dns4/a_b.example/tcp/26600", BadAddress::Host),
            ("/dns4/höhe.example/tcp/26600", BadAddress::Host),
            (long_label.as_str(), BadAddress::Host),
            (long_name.as_str(), BadAddress::Host),
            ("/ip4/10.0.0.7/tcp/", BadAddress::Port),
            ("/ip4/10.0.0.7/tcp/0", BadAddress::Port),
            ("/ip4/10.0.0.7/tcp/+80", BadAddress::Port),
            ("/ip4/10.0.0.7/tcp/080", BadAddress::Port),
            ("/ip4/10.0.0.7/tcp/65536", BadAddress::Port),
        ];
        for (bad, why) in cases {
            assert_eq!(check(bad), Err(why), "{bad}");
        }
    }
}
