//! Which names are meant, by a key or by a policy: `*` for all, `zj.*` for everything below `zj`, or one name in full. Nothing else: a pattern that
//! looks as if it meant more than it does is refused.

use std::str::FromStr;

/// A pattern over dotted names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    All,
    /// With its last dot, so that `zj.*` does not match `zjx.a`.
    Below(String),
    Exactly(String),
}

/// Not a pattern.
#[derive(Debug, thiserror::Error)]
#[error("pattern {0:?} is not valid: write `*`, a name such as zj.nbufe, or a name followed by `.*`")]
pub(crate) struct PatternError(String);

impl Pattern {
    /// Does it match this name?
    pub(crate) fn matches(&self, name: &str) -> bool {
        match &self.0 {
            Kind::All => true,
            Kind::Below(prefix) => name.len() > prefix.len() && name.starts_with(prefix.as_str()),
            Kind::Exactly(whole) => name == whole,
        }
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self(Kind::All));
        }
        let name = text.strip_suffix(".*").unwrap_or(text);
        let segment = |segment: &str| {
            !segment.is_empty()
                && segment.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        };
        if text.len() > 128 || !name.split('.').all(segment) {
            return Err(PatternError(text.chars().take(80).collect()));
        }
        Ok(Self(if name.len() == text.len() {
            Kind::Exactly(text.to_owned())
        } else {
            Kind::Below(format!("{name}."))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_by_whole_segments() {
        for (pattern, matching, other) in [
            ("*", &["zj", "zj.nbufe", "a"][..], &[][..]),
            ("zj.*", &["zj.nbufe", "zj.hz.a"], &["zj", "zjx.a", "zj.", "a.zj.b"]),
            ("zj.nbufe", &["zj.nbufe"], &["zj.nbufe2", "zj.nbufe.a", "zj"]),
            ("record.*", &["record.push-one"], &["record", "records.a"]),
        ] {
            let parsed: Pattern = pattern.parse().unwrap();
            assert!(matching.iter().all(|name| parsed.matches(name)), "{pattern}");
            assert!(!other.iter().any(|name| parsed.matches(name)), "{pattern}");
        }
    }

    #[test]
    fn what_looks_like_more_than_it_is_is_refused() {
        for bad in ["", "zj*", "*.nbufe", "zj.*.a", "**", ".*", "zj..a", "ZJ.*", "zj.**", "zj. *", &"a".repeat(200)] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
    }
}
