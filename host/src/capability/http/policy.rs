//! Where a link may send requests: origins that its TOML lists, at addresses that are public or that it lists too.
//!
//! A URL is judged before anything is resolved; an address is judged after resolving and before connecting, and the
//! connection goes to the address that was judged (`client.rs` sees to that). Cloud metadata services are refused in
//! every spelling, whatever a link says. It never resolves, connects, or looks at what is sent.
//!
//! Bounded by the link's rules, a handful; every check is linear in them.

pub(crate) mod address;
mod origin;
pub(crate) mod request;

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use address::Class;
pub(crate) use origin::{Origin, OriginError};

/// One origin that a link may reach, and the networks that are not public in which it may be found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AllowRule {
    origin: Origin,
    cidrs: Vec<IpNet>,
}

impl AllowRule {
    /// A rule from a link's `[allow]`. An origin that is an address literal allows that very address; a metadata
    /// service stays refused.
    pub(crate) fn new(origin: Origin, cidrs: impl IntoIterator<Item = IpNet>) -> Self {
        let own = match origin.host() {
            Host::Ipv4(ip) => Some(IpNet::from(IpAddr::V4(*ip))),
            Host::Ipv6(ip) => Some(IpNet::from(IpAddr::V6(*ip))),
            Host::Domain(_) => None,
        };
        let mut cidrs: Vec<_> = cidrs.into_iter().chain(own).map(|net| net.trunc()).collect();
        // Rules that mean the same are equal: they share one connection pool.
        cidrs.sort_unstable();
        cidrs.dedup();
        Self { origin, cidrs }
    }

    /// The origin it allows.
    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// May a request under this rule go to this address?
    pub(crate) fn admit_addr(&self, ip: IpAddr) -> Result<(), Denied> {
        let real = address::embedded(ip);
        match address::classify(ip) {
            Class::Public => Ok(()),
            Class::Never(what) => Err(Denied::Never { origin: self.origin.clone(), ip, what }),
            Class::Private(_) if self.cidrs.iter().any(|net| net.contains(&ip) || net.contains(&real)) => Ok(()),
            Class::Private(what) => {
                Err(Denied::Address { origin: self.origin.clone(), ip, what, net: IpNet::from(real) })
            }
        }
    }
}

/// All that a link may reach; empty means nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Egress {
    rules: Vec<AllowRule>,
}

impl Egress {
    /// From the rules of a link; rules for the same origin become one.
    pub(crate) fn new(rules: impl IntoIterator<Item = AllowRule>) -> Self {
        let mut merged: Vec<AllowRule> = Vec::new();
        for rule in rules {
            match merged.iter_mut().find(|known| known.origin == rule.origin) {
                Some(known) => *known = AllowRule::new(rule.origin, known.cidrs.iter().chain(&rule.cidrs).copied()),
                None => merged.push(rule),
            }
        }
        Self { rules: merged }
    }

    /// The rules, one an origin.
    pub(crate) fn rules(&self) -> &[AllowRule] {
        &self.rules
    }

    /// May a request go to this URL? An address literal is judged here, because no resolver will see it.
    pub(crate) fn admit_url(&self, url: &Url) -> Result<&AllowRule, Denied> {
        let origin = Origin::of(url)?;
        let Some(rule) = self.rules.iter().find(|rule| rule.origin == origin) else {
            return Err(Denied::Origin(origin));
        };
        match origin.host() {
            Host::Ipv4(ip) => rule.admit_addr(IpAddr::V4(*ip))?,
            Host::Ipv6(ip) => rule.admit_addr(IpAddr::V6(*ip))?,
            Host::Domain(_) => {}
        }
        Ok(rule)
    }
}

/// Refused; nothing was sent. Each text names the rule and what the operator may write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// No rule for this origin.
    #[error(
        "{0} is not among this link's origins; to allow it, add \"{0}\" to `http` under [allow] in the link's TOML"
    )]
    Origin(Origin),
    /// Not an http or https URL with a host, so no rule can be for it.
    #[error(transparent)]
    NoOrigin(#[from] OriginError),
    /// The address is not public and the rule names no network that holds it.
    #[error(
        "{origin} is at {ip}, a {what} address; to allow it, add cidr = [\"{net}\"] to the rule for {origin} under [allow]"
    )]
    Address {
        /// The rule's origin.
        origin: Origin,
        /// The address found.
        ip: IpAddr,
        /// What kind of address it is.
        what: &'static str,
        /// The smallest network that would do.
        net: IpNet,
    },
    /// No link may go there.
    #[error("{origin} is at {ip}, a {what} address; no rule can allow it")]
    Never {
        /// The rule's origin.
        origin: Origin,
        /// The address found.
        ip: IpAddr,
        /// What kind of address it is.
        what: &'static str,
    },
}

#[cfg(test)]
mod tests;
