//! Where a member's site is asked: `https://login.harbor-hotel.example`. The subset of URLs (RFC 3986) that the endpoint of a site
//! may be; the ledger, wallets and relays read it by this one rule, so that nobody asks another host than was signed for.
use crate::address::is_domain;
use core::net::{Ipv4Addr, Ipv6Addr};

const SCHEME: &str = "https://";
/// Where HTTPS is served if no port is written (RFC 9110, 4.2.2).
const PORT: u16 = 443;

/// An endpoint's parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Endpoint<'a> {
    /// Host and port as they are written: the field `Host` of a request.
    pub authority: &'a str,
    /// A domain name or an IP address, an IPv6 address without its brackets.
    pub host: &'a str,
    /// 443 if none is written.
    pub port: u16,
}

/// Text that is no endpoint of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// Another scheme, or none.
    #[error("a site's endpoint begins with https://")]
    Scheme,
    /// A user, a path, a query or a fragment.
    #[error("a site's endpoint is https://host or https://host:port, without a user, a path, a query or a fragment")]
    Form,
    /// No domain name and no IP address.
    #[error("the host is a domain name, an IPv4 address, or an IPv6 address in brackets")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("the port is a number from 1 to 65535")]
    Port,
}

impl<'a> Endpoint<'a> {
    /// Reads an endpoint. A slash may stand behind the host and port, since browsers put one there.
    ///
    /// # Errors
    /// [`BadEndpoint`] names the part that is wrong.
    pub fn parse(text: &'a str) -> Result<Self, BadEndpoint> {
        let rest = text.strip_prefix(SCHEME).ok_or(BadEndpoint::Scheme)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@', '\\']) {
            return Err(BadEndpoint::Form);
        }
        let (host, after, is_host) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or(BadEndpoint::Host)?;
                (host, after, host.parse::<Ipv6Addr>().is_ok())
            }
            None => {
                let (host, after) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
                (host, after, is_name_or_ipv4(host))
            }
        };
        if !is_host {
            return Err(BadEndpoint::Host);
        }
        let port = match after.strip_prefix(':') {
            Some(port) => decimal(port).ok_or(BadEndpoint::Port)?,
            None if after.is_empty() => PORT,
            None => return Err(BadEndpoint::Host),
        };
        Ok(Self { authority, host, port })
    }
}

/// A name whose last part begins with a digit is none: some programs read such a one as an IPv4 address of another form.
fn is_name_or_ipv4(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    match last.starts_with(|c: char| c.is_ascii_digit()) {
        true => host.parse::<Ipv4Addr>().is_ok(),
        false => is_domain(host),
    }
}

fn decimal(port: &str) -> Option<u16> {
    let is_canonical = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    port.parse().ok().filter(|_| is_canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_hosts_with_an_optional_port() {
        for (text, authority, host, port) in [
            ("https://login.harbor-hotel.example", "login.harbor-hotel.example", "login.harbor-hotel.example", 443),
            ("https://login.harbor-hotel.example/", "login.harbor-hotel.example", "login.harbor-hotel.example", 443),
            ("https://localhost:26900", "localhost:26900", "localhost", 26_900),
            ("https://10.0.0.7:65535/", "10.0.0.7:65535", "10.0.0.7", 65_535),
            ("https://[2001:db8::7]", "[2001:db8::7]", "2001:db8::7", 443),
            ("https://[::1]:1", "[::1]:1", "::1", 1),
            ("https://1st.example", "1st.example", "1st.example", 443),
        ] {
            assert_eq!(Endpoint::parse(text), Ok(Endpoint { authority, host, port }), "{text}");
        }
    }

    #[test]
    fn others_are_refused_by_the_part_that_is_wrong() {
        let long = alloc::format!("https://{}a", "a.".repeat(127));
        for (text, why) in [
            ("", BadEndpoint::Scheme),
            ("login.harbor-hotel.example", BadEndpoint::Scheme),
            ("http://login.harbor-hotel.example", BadEndpoint::Scheme),
            ("HTTPS://login.harbor-hotel.example", BadEndpoint::Scheme),
            (" https://login.harbor-hotel.example", BadEndpoint::Scheme),
            ("https://shop.example/login", BadEndpoint::Form),
            ("https://shop.example//", BadEndpoint::Form),
            ("https://shop.example?user=bob", BadEndpoint::Form),
            ("https://shop.example/?user=bob", BadEndpoint::Form),
            ("https://shop.example#top", BadEndpoint::Form),
            ("https://bob@shop.example", BadEndpoint::Form),
            ("https://bob:secret@shop.example", BadEndpoint::Form),
            ("https://shop.example\\@other.example", BadEndpoint::Form),
            ("https://", BadEndpoint::Host),
            ("https:///", BadEndpoint::Host),
            ("https://:443", BadEndpoint::Host),
            ("https://shop.example ", BadEndpoint::Host),
            ("https://shop example", BadEndpoint::Host),
            ("https://shop.example\n", BadEndpoint::Host),
            ("https://shop%2eexample", BadEndpoint::Host),
            ("https://höhe.example", BadEndpoint::Host),
            ("https://-shop.example", BadEndpoint::Host),
            ("https://shop..example", BadEndpoint::Host),
            ("https://shop_1.example", BadEndpoint::Host),
            ("https://10.0.0", BadEndpoint::Host),
            ("https://10.0.0.256", BadEndpoint::Host),
            ("https://2130706433", BadEndpoint::Host),
            ("https://0x7f.1", BadEndpoint::Host),
            ("https://::1", BadEndpoint::Host),
            ("https://[::1", BadEndpoint::Host),
            ("https://[10.0.0.7]", BadEndpoint::Host),
            ("https://[::1%eth0]", BadEndpoint::Host),
            ("https://[::1]443", BadEndpoint::Host),
            (long.as_str(), BadEndpoint::Host),
            ("https://shop.example:", BadEndpoint::Port),
            ("https://shop.example:0", BadEndpoint::Port),
            ("https://shop.example:+443", BadEndpoint::Port),
            ("https://shop.example:0443", BadEndpoint::Port),
            ("https://shop.example:65536", BadEndpoint::Port),
            ("https://shop.example:443:443", BadEndpoint::Port),
        ] {
            assert_eq!(Endpoint::parse(text), Err(why), "{text}");
        }
    }
}
