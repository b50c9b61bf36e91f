//! An origin: scheme, host and port, as a link's TOML lists it and as a URL has it.
//!
//! Both are read by the same URL parser (IDNA, lower case, all spellings of an IPv4 address), so they compare as values.
//! It never holds a path, a user name or a password. Bounded by [`ORIGIN_MAX`].

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// Most bytes of an origin in a TOML: a host name of 253, its scheme and port.
const ORIGIN_MAX: usize = 300;

/// `https://host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    secure: bool,
    host: Host<String>,
    port: u16,
}

/// Why a text is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OriginError {
    /// Some other scheme, or none.
    #[error("an origin begins with https:// or http://")]
    Scheme,
    /// A host that is missing or that no URL may have.
    #[error("the origin has no valid host and port: {0}")]
    Host(String),
    /// Something before the host or behind the port.
    #[error("an origin is https://host or https://host:port and nothing more: no user, path, query or blank")]
    More,
}

impl Origin {
    /// The origin of a URL.
    pub(crate) fn of(url: &Url) -> Result<Self, OriginError> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(OriginError::Scheme),
        };
        let missing = || OriginError::Host("it is missing".into());
        let host = url.host().ok_or_else(missing)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(missing)?;
        Ok(Self { secure, host, port })
    }

    /// Name or address literal.
    pub(crate) const fn host(&self) -> &Host<String> {
        &self.host
    }

    /// Is it https?
    pub(crate) const fn secure(&self) -> bool {
        self.secure
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    /// Stricter than a URL parser, which repairs: what an operator writes must say what is meant.
    fn from_str(text: &str) -> Result<Self, OriginError> {
        let lower = text.to_ascii_lowercase();
        let rest =
            lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).ok_or(OriginError::Scheme)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let stray = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '\\' | '@' | '?' | '#' | '*');
        if rest.contains(stray) || text.len() > ORIGIN_MAX {
            return Err(OriginError::More);
        }
        Self::of(&Url::parse(text).map_err(|error| OriginError::Host(error.to_string()))?)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.secure { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}
