//! Where a request comes from: the peer, or, when the peer is a proxy that the operator trusts, whom that proxy names.
//! A client's own word is never taken.

use std::net::{IpAddr, Ipv4Addr};

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
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let named: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut source = peer;
    for name in named.iter().rev().take(HOPS_MAX) {
        if !is_trusted(&source) {
            break;
        }
        match name.trim().parse::<IpAddr>() {
            Ok(before) => source = before.to_canonical(),
            // A proxy that writes no address says nothing about who is behind it.
            Err(_) => break,
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn found(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        behind(peer.parse().unwrap(), &headers, &trusted).to_string()
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
        assert_eq!(found("10.0.0.9", &["nonsense"], &trusted), "10.0.0.9");
        assert_eq!(found("10.0.0.9", &[], &trusted), "10.0.0.9");
    }
}
