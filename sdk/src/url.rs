//! Addresses: a base from config with a path, and links for browsers, whose parameters are percent-encoded and stand
//! before the fragment. Nothing here sends anything.

use std::net::IpAddr;

/// A path of the upstream's below a base from config.
pub fn join(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
}

/// A link with these parameters: percent-encoded (a space as `%20`), after those it has, before its fragment.
///
/// ```
/// use duijie_sdk::url::with_query;
///
/// assert_eq!(
///     with_query("http://app.example/open?x=1#/home", [("ticket", "eU+g3/Q=="), ("sysCode", "0")]),
///     "http://app.example/open?x=1&ticket=eU%2Bg3%2FQ%3D%3D&sysCode=0#/home",
/// );
/// ```
pub fn with_query<'a>(link: &str, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    with_parameters(link, &mut parameters.into_iter())
}

fn with_parameters<'a>(link: &str, parameters: &mut dyn Iterator<Item = (&'a str, &'a str)>) -> String {
    let (link, fragment) = link.split_once('#').map_or((link, None), |(link, fragment)| (link, Some(fragment)));
    let mut text = link.to_owned();
    for (name, value) in parameters {
        text.push(match text.split_once('?') {
            None => '?',
            Some((_, "")) => '\0',
            Some((_, query)) if query.ends_with('&') => '\0',
            Some(_) => '&',
        });
        if text.ends_with('\0') {
            text.pop();
        }
        text.push_str(&percent(name));
        text.push('=');
        text.push_str(&percent(value));
    }
    if let Some(fragment) = fragment {
        text.push('#');
        text.push_str(fragment);
    }
    text
}

/// Percent-encoding of everything but the unreserved characters of RFC 3986.
pub fn percent(text: &str) -> String {
    // The form encoding leaves `*` and writes a space as `+` and `~` as `%7E`.
    crate::encode::form(text).replace('+', "%20").replace('*', "%2A").replace("%7E", "~")
}

/// The authority of an http or https address from config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority<'a> {
    /// Host and, if given, port.
    pub authority: &'a str,
    /// The host alone.
    pub host: &'a str,
    /// Is it https?
    pub is_https: bool,
}

impl<'a> Authority<'a> {
    /// Of a base address: scheme, host and, if need be, port and path; nothing else.
    ///
    /// # Errors
    /// What is wrong, for a [`Problem`](crate::Problem).
    pub fn of(base: &'a str) -> Result<Self, String> {
        let (is_https, rest) = match (base.strip_prefix("https://"), base.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err("must begin with https:// (or http://)".to_owned()),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.is_empty() || rest.contains(['@', '?', '#', '\\', ' ']) {
            return Err("must be scheme, host and, if need be, port and path; nothing else".to_owned());
        }
        // A colon after the last bracket begins the port; those of an IPv6 address are inside brackets.
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => host,
            _ => authority,
        };
        Ok(Self { authority, host, is_https })
    }

    /// Is it this machine, or one of these simulators (`host` or `host:port`, as written in the address)?
    pub fn is_simulator(&self, listed: &[String]) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        self.host == "localhost"
            || address.is_ok_and(|address| address.is_loopback())
            || listed.iter().any(|known| known == self.authority || known == self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_after_a_query_and_before_a_fragment() {
        assert_eq!(with_query("http://a/b", [("t", "x y*~")]), "http://a/b?t=x%20y%2A~");
        assert_eq!(with_query("http://a/b?", [("t", "=")]), "http://a/b?t=%3D");
        assert_eq!(with_query("http://a/b?c=d&", [("t", "1"), ("u", "2")]), "http://a/b?c=d&t=1&u=2");
        assert_eq!(with_query("http://a/#/x?y", [("t", "谈")]), "http://a/?t=%E8%B0%88#/x?y");
    }

    #[test]
    fn an_authority_is_host_and_port_and_nothing_else() {
        let of = |base| Authority::of(base).map(|it| (it.authority, it.host, it.is_https));
        assert_eq!(of("https://a.b:1/x"), Ok(("a.b:1", "a.b", true)));
        assert_eq!(of("http://[::1]:8080"), Ok(("[::1]:8080", "[::1]", false)));
        for bad in ["ftp://a", "https://", "https://u@a", "https://a?x", "https://a b"] {
            assert!(Authority::of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn this_machine_and_listed_hosts_are_simulators() {
        let is = |base| Authority::of(base).unwrap().is_simulator(&["sim.example:81".to_owned()]);
        assert!(
            is("http://127.0.0.1:1") && is("http://[::1]") && is("http://localhost") && is("http://sim.example:81")
        );
        assert!(!is("http://sim.example") && !is("https://api.example"));
    }
}
