//! The token endpoint: OAuth 2.0 client credentials (RFC 6749 §4.4). Never tells which half of the credentials is wrong.

use http::Method;

use super::super::ledger::Ledger;
use super::super::profile::{Received, Reply};
use super::credentials::{self, TokenRequest};
use super::{ClientAuth, Mode, Refusal, ZjGxsz, codes};

impl ZjGxsz {
    pub(super) fn issue_token(&self, received: &Received, ledger: &Ledger) -> Reply {
        if received.method != Method::POST {
            return self.style().refuse(&Refusal::new(codes::METHOD, "只支持 POST")).status(405);
        }
        match self.authenticate(received) {
            Ok(client) => {
                let token = self.tokens.issue(&client, self.settings.token_ttl, received.now_ms);
                ledger.count(|counters| counters.tokens_issued += 1);
                let expires_in = self.settings.expires_in.then_some(self.settings.token_ttl.as_secs());
                self.style().token(Ok((&token, expires_in)))
            }
            Err(refusal) => {
                ledger.count(|counters| counters.credential_rejections += 1);
                self.style().token(Err(&refusal))
            }
        }
    }

    fn authenticate(&self, received: &Received) -> Result<String, Refusal> {
        let TokenRequest { grant_type, client_id, secrets, place } =
            credentials::token_request(received, self.settings.mode)?;
        if self.settings.client_auth.is_some_and(|wanted| wanted != place) {
            return Err(Refusal::new(codes::OAUTH_CLIENT_AUTH, "凭证位置不正确"));
        }
        if self.settings.mode == Mode::Strict {
            // A request with everything in its query may have no body, and then needs no type for it.
            let typeless = place == ClientAuth::Query && received.body.is_empty();
            if !typeless && received.media_type() != "application/x-www-form-urlencoded" {
                return Err(Refusal::new(
                    codes::OAUTH_CONTENT_TYPE,
                    "Content-Type 应为 application/x-www-form-urlencoded",
                ));
            }
            match grant_type.as_deref() {
                Some("client_credentials") => {}
                Some(_) => {
                    return Err(Refusal::new(codes::OAUTH_GRANT, "grant_type 应为 client_credentials"));
                }
                None => return Err(Refusal::new(codes::OAUTH_REQUEST, "缺少 grant_type")),
            }
        }
        let known = self.settings.clients.get(&client_id);
        match known {
            Some(client) if secrets.contains(&client.secret) => Ok(client_id),
            _ => Err(Refusal::new(codes::OAUTH_CLIENT, "client_id 或 client_secret 错误")),
        }
    }
}
