//! Where a request comes from: the peer, or, when the peer is a proxy that the operator trusts, whom that proxy names.
//! A client's own word is never taken.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::{HeaderMap, request::Parts};
use ipnet::IpNet;

use super::Peer;

/// The header in which proxies write down whom they speak for; every one of them appends.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// Proxies in a row; more are a loop or a lie.
const HOPS_MAX: usize = 16;

/// The source of a request; the unspecified address where a router runs without `server::serve`.
pub(super) fn of(parts: &Parts, trusted: &[IpNet]) -> IpAddr {
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    behind(peer.to_canonical(), &parts.headers, trusted)
}

/// The last address in the chain that is no trusted proxy. What stands before an untrusted one is a client's own word.
/// An entry that is no address, behind a trusted proxy, is nobody: to take the proxy itself for the source would let
/// whoever writes nonsense in through the proxy's own allowance.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    // As bytes: a line that is no text must not vanish and leave the one before it, which is the client's.
    let named: Vec<&[u8]> =
        headers.get_all(FORWARDED_FOR).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
    let mut source = peer;
    for name in named.iter().rev().take(HOPS_MAX) {
        if !is_trusted(&source) {
            break;
        }
        match address(name) {
            Some(before) => source = before.to_canonical(),
            None => return IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }
    source
}

/// An address, perhaps with a port, as some proxies write it.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn found_bytes(peer: &str, forwarded: &[&[u8]], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        behind(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    fn found(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        found_bytes(peer, &forwarded.iter().map(|text| text.as_bytes()).collect::<Vec<_>>(), trusted)
    }

    #[test]
    fn nonsense_behind_a_trusted_proxy_is_nobody_and_not_the_proxy() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(found("10.0.0.9", &["nonsense"], &trusted), "0.0.0.0");
        assert_eq!(found("10.0.0.9", &["10.0.0.1, x, 10.0.0.8"], &trusted), "0.0.0.0");
        assert_eq!(found_bytes("10.0.0.9", &[b"\xff, 192.0.2.1"], &trusted), "192.0.2.1");
        assert_eq!(found_bytes("10.0.0.9", &[b"10.0.0.1", b"\xff"], &trusted), "0.0.0.0");
        assert_eq!(found("10.0.0.9", &["192.0.2.1:4711"], &trusted), "192.0.2.1");
        assert_eq!(found("10.0.0.9", &["[2001:db8::1]:4711"], &trusted), "2001:db8::1");
    }

    #[test]
    fn a_client_cannot_say_where_it_comes_from() {
        assert_eq!(found("192.0.2.1", &["10.0.0.1"], &[]), "192.0.2.1");
        assert_eq!(found("192.0.2.1", &["10.0.0.1"], &["10.0.0.0/8"]), "192.0.2.1");
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_what_stands_before_it_is_not() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(found("10.0.0.9", &["192.0.2.1"], &trusted), "192.0.2.1");
        assert_eq!(found("10.0.0.9", &["198.51.100.7, 192.0.2.1"], &trusted), "192.0.2.1");
        assert_eq!(found("10.0.0.9", &["198.51.100.7", "192.0.2.1, 10.0.0.8"], &trusted), "192.0.2.1");
        assert_eq!(found("10.0.0.9", &[], &trusted), "10.0.0.9");
    }
}
