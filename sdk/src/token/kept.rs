//! A request that needs a token and is built once, for bodies too large to build again.

use super::{Authorized, Fetched, TokenCache, before};
use crate::{
    Failure,
    http::{Request, Response},
};

impl TokenCache {
    /// As [`TokenCache::send`] for a request that the caller keeps: `authorize` puts the token into it before each
    /// sending.
    ///
    /// # Errors
    /// As [`TokenCache::send`].
    pub fn send_kept(
        &self,
        request: &mut Request,
        fetch: impl Fn() -> Result<Fetched, Failure>,
        authorize: impl Fn(&mut Request, &str) -> Result<(), Failure>,
        is_refused: impl Fn(&Response) -> bool,
    ) -> Result<Authorized, Failure> {
        self.attempts(fetch, is_refused, |token, attempt| {
            authorize(request, token).map_err(|failure| before(attempt, failure))?;
            Ok(request.send_kept()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Outcome, secret::Part, testing::TestHost};

    #[test]
    fn a_kept_request_shows_the_renewed_token_beside_the_same_body() {
        let host = TestHost::new();
        host.on("POST", "http://up/x").reply(401, json!({})).reply(200, json!({ "code": 0 }));
        let mut request = Request::post("http://up/x").body([Part::text("?"), Part::text(" large")]);
        let cache = TokenCache::new("access", &["up"]).unwrap();
        let issued = std::cell::Cell::new(0);
        let fetch = || {
            issued.set(issued.get() + 1);
            Ok(Fetched { token: format!("t{}", issued.get()), ttl_ms: 3_600_000 })
        };
        let authorize = |request: &mut Request, token: &str| {
            request.set_body_part(0, token);
            Ok(())
        };
        let answered = cache.send_kept(&mut request, fetch, authorize, |response| response.status == 401).unwrap();
        assert_eq!((answered.attempt, answered.response.status), (2, 200));
        let bodies: Vec<_> = host.requests().iter().map(crate::testing::Sent::text).collect();
        assert_eq!(bodies, ["t1 large", "t2 large"]);
    }

    #[test]
    fn what_cannot_be_authorized_is_not_sent() {
        let host = TestHost::new();
        let mut request = Request::post("http://up/x");
        let cache = TokenCache::new("access", &["up"]).unwrap();
        let fetch = || Ok(Fetched { token: "t".to_owned(), ttl_ms: 3_600_000 });
        let failure = cache.send_kept(&mut request, fetch, |_, _| Err(Failure::protocol("no")), |_| false).unwrap_err();
        assert_eq!(failure.outcome, Outcome::NotSent);
        assert!(host.requests().is_empty());
    }
}
