//! Origins as written and as meant; every spelling of a place that must not be reached.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;

fn rule(origin: &str, cidrs: &[&str]) -> AllowRule {
    AllowRule::new(origin.parse().unwrap(), cidrs.iter().map(|net| net.parse().unwrap()))
}

fn egress(origins: &[&str]) -> Egress {
    Egress::new(origins.iter().map(|origin| rule(origin, &[])))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

/// Hosts that are a metadata service, however they are written: refused even under a rule for that very origin.
const METADATA: [&str; 34] = [
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xa9fea9fe",
    "0xA9FEA9FE",
    "025177524776",
    "0251.0376.0251.0376",
    "0xa9.0xfe.0xa9.0xfe",
    "0xa9.254.0251.254",
    "169.254.43518",
    "169.16689662",
    "0251.16689662",
    "%31%36%39.254.169.254",
    "169%2e254%2e169%2e254",
    "１６９.２５４.１６９.２５４",
    "169。254。169。254",
    "①⑥⑨.254.169.254",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]",
    "[0000:0000:0000:0000:0000:FFFF:A9FE:A9FE]",
    "[::169.254.169.254]",
    "[::a9fe:a9fe]",
    "[::ffff:0:169.254.169.254]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:4860::5efe:a9fe:a9fe]",
    "[fd00:ec2::254]",
    "[FD00:0EC2:0:0:0:0:0:0254]",
    "100.100.100.200",
    "1684301000",
    "[::ffff:100.100.100.200]",
];

/// Hosts that are the machine or the site itself.
const INSIDE: [&str; 24] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "127.127.127.127",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "10.0.0.1",
    "0xa000001",
    "172.16.0.1",
    "192.168.1.1",
    "[::ffff:192.168.1.1]",
    "[fd12:3456::1]",
    "[fe80::1]",
    "100.64.0.1",
];

/// Hosts that are no place at all.
const NOWHERE: [&str; 14] = [
    "0.0.0.0",
    "0",
    "0x0",
    "0.1",
    "[::]",
    "[::ffff:0.0.0.0]",
    "224.0.0.1",
    "255.255.255.255",
    "4294967295",
    "240.0.0.1",
    "[ff02::1]",
    "192.0.2.1",
    "[2001:db8::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
];

fn host_ip(host: &str) -> IpAddr {
    match Url::parse(&format!("http://{host}/")).unwrap().host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        other => panic!("{host} is {other:?}"),
    }
}

#[test]
fn no_spelling_reaches_metadata() {
    for host in METADATA {
        let url = Url::parse(&format!("http://{host}/latest/meta-data/")).unwrap();
        let named = egress(&["http://api.example.cn"]);
        assert!(matches!(named.admit_url(&url), Err(Denied::Origin(_))), "{host}");
        // An operator who allows that very origin, and everything else, is still protected.
        let origin = Origin::of(&url).unwrap();
        let all = ["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()];
        let own = Egress::new([AllowRule::new(origin, all)]);
        assert!(matches!(own.admit_url(&url), Err(Denied::Never { what: "cloud metadata", .. })), "{host}");
        // A name that resolves there.
        let rule = rule("https://api.example.cn", &["0.0.0.0/0", "::/0"]);
        assert!(matches!(rule.admit_addr(host_ip(host)), Err(Denied::Never { .. })), "{host}");
    }
}

#[test]
fn no_spelling_reaches_inside_unless_the_rule_lists_it() {
    for host in INSIDE {
        let found = host_ip(host);
        let plain = rule("https://api.example.cn", &[]);
        let denied = plain.admit_addr(found).unwrap_err();
        assert!(matches!(denied, Denied::Address { .. }), "{host}");
        let url = Url::parse(&format!("https://{host}/")).unwrap();
        assert!(egress(&["https://api.example.cn"]).admit_url(&url).is_err(), "{host}");
        // What the message tells the operator to write is enough, and no more than enough.
        let Denied::Address { net, .. } = denied else { panic!("{host}") };
        assert_eq!(net.prefix_len(), net.max_prefix_len());
        assert_eq!(rule("https://api.example.cn", &[&net.to_string()]).admit_addr(found), Ok(()), "{host}");
    }
}

#[test]
fn nowhere_is_never_allowed() {
    for host in NOWHERE {
        let rule = rule("https://api.example.cn", &["0.0.0.0/0", "::/0"]);
        assert!(matches!(rule.admit_addr(host_ip(host)), Err(Denied::Never { .. })), "{host}");
    }
    for further in
        ["192.0.0.8", "198.51.100.7", "203.0.113.9", "192.88.99.1", "100::1", "64:ff9b:1::1", "5f00::1", "4000::1"]
    {
        let rule = rule("https://api.example.cn", &["0.0.0.0/0", "::/0"]);
        assert!(matches!(rule.admit_addr(ip(further)), Err(Denied::Never { .. })), "{further}");
    }
}

#[test]
fn public_addresses_are_allowed() {
    let rule = rule("https://api.example.cn", &[]);
    for public in [
        "1.1.1.1",
        "114.114.114.114",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "169.253.0.1",
        "192.167.1.1",
        "198.17.0.1",
        "223.255.255.255",
        "2400:3200::1",
        "2606:4700::1111",
        "64:ff9b::101:101",
        "::ffff:1.1.1.1",
        "2002:101:101::1",
    ] {
        assert_eq!(rule.admit_addr(ip(public)), Ok(()), "{public}");
    }
}

#[test]
fn a_network_allows_its_addresses_only() {
    let rule = rule("https://api.example.cn", &["10.1.0.0/16", "fd12::/16"]);
    for inside in ["10.1.0.1", "10.1.255.255", "::ffff:10.1.2.3", "fd12::1", "1.1.1.1"] {
        assert_eq!(rule.admit_addr(ip(inside)), Ok(()), "{inside}");
    }
    for outside in ["10.2.0.1", "127.0.0.1", "fd13::1", "::1", "169.254.1.1"] {
        assert!(rule.admit_addr(ip(outside)).is_err(), "{outside}");
    }
}

#[test]
fn an_address_literal_allows_itself() {
    let simulator = egress(&["http://127.0.0.1:8080"]);
    for url in ["http://127.0.0.1:8080/x", "http://0x7f.1:8080/", "http://2130706433:8080"] {
        assert!(simulator.admit_url(&Url::parse(url).unwrap()).is_ok(), "{url}");
    }
    for url in ["http://127.0.0.1/", "http://127.0.0.2:8080/", "https://127.0.0.1:8080/", "http://localhost:8080/"] {
        assert!(simulator.admit_url(&Url::parse(url).unwrap()).is_err(), "{url}");
    }
    assert!(egress(&["https://[::1]:8443"]).admit_url(&Url::parse("https://[0:0::1]:8443/").unwrap()).is_ok());
}

#[test]
fn only_the_very_origin_is_allowed() {
    let egress = egress(&["https://api.example.cn", "http://plain.example.cn:8080", "https://例子.中国"]);
    for url in [
        "https://api.example.cn/a?b#c",
        "https://API.Example.CN:443/",
        "http://plain.example.cn:8080/",
        "https://例子.中国/x",
        "https://xn--fsqu00a.xn--fiqs8s/x",
    ] {
        assert!(egress.admit_url(&Url::parse(url).unwrap()).is_ok(), "{url}");
    }
    for url in [
        "http://api.example.cn/",
        "https://api.example.cn:8443/",
        "https://api.example.cn./",
        "https://x.api.example.cn/",
        "https://api.example.cn.evil.com/",
        "https://example.cn/",
        "https://evil.com/https://api.example.cn/",
        "https://evil.com\\@api.example.cn/",
        "https://api.example.cn@evil.com/",
        "https://api.example.cn:443@evil.com/",
        "https://evil.com#@api.example.cn/",
        "http://plain.example.cn/",
        "file:///etc/passwd",
        "ftp://api.example.cn/",
        "gopher://api.example.cn/",
        "data:text/plain,x",
        "unix:/run/x.sock",
    ] {
        assert!(egress.admit_url(&Url::parse(url).unwrap()).is_err(), "{url}");
    }
    assert!(Egress::default().admit_url(&Url::parse("https://api.example.cn/").unwrap()).is_err());
}

#[test]
fn origins_are_read_strictly_and_shown_shortly() {
    for (written, shown) in [
        ("https://api.example.cn", "https://api.example.cn"),
        ("HTTPS://API.example.cn:443/", "https://api.example.cn"),
        ("http://h:80", "http://h"),
        ("http://h:8080", "http://h:8080"),
        ("https://例子.中国", "https://xn--fsqu00a.xn--fiqs8s"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("http://0x7f.1", "http://127.0.0.1"),
    ] {
        assert_eq!(written.parse::<Origin>().unwrap().to_string(), shown);
    }
    for bad in [
        "",
        "api.example.cn",
        "https://",
        "https:///",
        "https:h",
        "ftp://h",
        "https://h/p",
        "https://h//",
        "https://u@h",
        "https://h?q",
        "https://h#f",
        " https://h",
        "https://h ",
        "https://h\n",
        "https://h:0x50",
        "https://h:99999",
        "https:\\\\h",
        "https://a b",
        "https://*.example.cn",
        "//h",
    ] {
        assert!(bad.parse::<Origin>().is_err() || bad.contains('*'), "{bad:?}");
    }
    assert!(format!("https://{}", "a".repeat(400)).parse::<Origin>().is_err());
}

#[test]
fn rules_of_one_origin_become_one() {
    let two =
        Egress::new([rule("https://h", &["10.0.0.0/8"]), rule("https://h:443/", &["192.168.7.9/16", "10.0.0.0/8"])]);
    let [one] = two.rules() else { panic!("{two:?}") };
    assert_eq!(one, &rule("https://h", &["192.168.0.0/16", "10.0.0.0/8"]), "networks are truncated and in order");
}

#[test]
fn messages_say_what_to_write() {
    let url = Url::parse("https://api.example.cn:8443/p?secret=1").unwrap();
    let text = Egress::default().admit_url(&url).unwrap_err().to_string();
    assert!(text.contains("add \"https://api.example.cn:8443\" to `http` under [allow]"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    let text = rule("https://api.example.cn", &[]).admit_addr(ip("::ffff:10.1.2.3")).unwrap_err().to_string();
    assert!(text.contains("private") && text.contains("cidr = [\"10.1.2.3/32\"]"), "{text}");
    let text = rule("https://api.example.cn", &[]).admit_addr(ip("169.254.169.254")).unwrap_err().to_string();
    assert!(text.contains("cloud metadata") && text.contains("no rule can allow it"), "{text}");
}
