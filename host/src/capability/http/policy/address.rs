//! What kind of place an IP address is, in every spelling: public, not public, or never to be reached.
//!
//! IPv6 has many ways to say an IPv4 address (mapped, compatible, translated, NAT64, 6to4, ISATAP); each is judged as the
//! address it leads to. Sources: the IANA special-purpose address registries (RFC 6890 and updates), and the metadata
//! services as AWS, Azure, Google, Oracle, Scaleway, Alibaba, Huawei and Tencent document them. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is; the texts fit "a … address".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Anyone's: a rule's origin is enough.
    Public,
    /// The site's own or the machine's own: only inside a network that the rule lists.
    Private(&'static str),
    /// Metadata of the cloud, or nothing that speaks HTTP: no rule can allow it.
    Never(&'static str),
}

const METADATA: Class = Class::Never("cloud metadata");

/// Instance and container metadata services on IPv4.
const METADATA_V4: [Ipv4Addr; 8] = [
    // AWS, Azure, Google, Huawei, Tencent, OpenStack
    Ipv4Addr::new(169, 254, 169, 254),
    // AWS tasks, pods
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    // Tencent
    Ipv4Addr::new(169, 254, 0, 23),
    // Scaleway
    Ipv4Addr::new(169, 254, 42, 42),
    // Alibaba
    Ipv4Addr::new(100, 100, 100, 200),
    // Azure's wire server, in the public range
    Ipv4Addr::new(168, 63, 129, 16),
    // Oracle
    Ipv4Addr::new(192, 0, 0, 192),
];

/// The same on IPv6.
const METADATA_V6: [Ipv6Addr; 5] = [
    // AWS; and its pods
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    // Google
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    // Scaleway
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
    // Oracle
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

/// What kind of place this is.
pub(crate) fn classify(ip: IpAddr) -> Class {
    match (ip, embedded(ip)) {
        (_, IpAddr::V4(ip)) => classify_v4(ip),
        (_, IpAddr::V6(ip)) => classify_v6(ip),
    }
}

/// The IPv4 address that an IPv6 address leads to, or the address itself.
pub(crate) fn embedded(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        // Unspecified and loopback are not "compatible" addresses.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => ip,
        // Compatible ::/96 and mapped ::ffff:0:0/96 (RFC 4291), translated ::ffff:0:0:0/96 (RFC 2765)
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => v4(high, low),
        // NAT64 (RFC 6052)
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        // 6to4 (RFC 3056)
        [0x2002, high, low, ..] => v4(high, low),
        // ISATAP (RFC 5214), under whatever prefix
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => v4(high, low),
        _ => ip,
    }
}

fn classify_v4(ip: Ipv4Addr) -> Class {
    if METADATA_V4.contains(&ip) {
        return METADATA;
    }
    match ip.octets() {
        [0, ..] => Class::Never("unspecified"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Class::Private("private"),
        [100, 64..=127, ..] => Class::Private("carrier-grade NAT"),
        [127, ..] => Class::Private("loopback"),
        [169, 254, ..] => Class::Private("link-local"),
        // Local proxies answer names with these.
        [198, 18..=19, ..] => Class::Private("benchmarking"),
        [192, 0, 0, _] | [192, 88, 99, _] => Class::Never("reserved"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Class::Never("documentation"),
        [224..=239, ..] => Class::Never("multicast"),
        [255, 255, 255, 255] => Class::Never("broadcast"),
        [240..=255, ..] => Class::Never("reserved"),
        _ => Class::Public,
    }
}

fn classify_v6(ip: Ipv6Addr) -> Class {
    if METADATA_V6.contains(&ip) {
        return METADATA;
    }
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Class::Never("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Private("loopback"),
        [0xfc00..=0xfdff, ..] => Class::Private("unique local"),
        [0xfe80..=0xfebf, ..] => Class::Private("link-local"),
        [0xfec0..=0xfeff, ..] => Class::Private("site-local"),
        [0xff00..=0xffff, ..] => Class::Never("multicast"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Never("documentation"),
        // IETF protocol assignments 2001::/23: Teredo, ORCHID, benchmarking and more, each a tunnel or no place at all
        [0x2001, 0..=0x1ff, ..] => Class::Never("reserved"),
        [0x2000..=0x3fff, ..] => Class::Public,
        // Only 2000::/3 has been handed out; this covers 100::/64, 64:ff9b:1::/48 and 5f00::/16 too.
        _ => Class::Never("reserved"),
    }
}
