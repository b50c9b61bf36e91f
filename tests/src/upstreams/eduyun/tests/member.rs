//! Plays a platform that has joined: signs, asks for a token, calls operations; and its hook.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::super::super::platform::Platform;
use super::super::super::simulator::Simulator;
use super::super::super::testing::{Answer, call, post};
use super::super::{Builder, DEMO_APP_ID, DEMO_APP_KEY, DEMO_SYS_CODE, Eduyun, KeyInfo, Unit};

/// Content-Type of a careful request.
pub(super) const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
/// Path of the token operation.
pub(super) const TOKEN: &str = "/apigateway/getAccessToken";
/// Path of the exchange.
pub(super) const EXCHANGE: &str = "/userSession/sessionInterchange";

/// A simulator and a platform that holds a token.
pub(super) struct Member {
    pub(super) simulator: Simulator<Eduyun>,
    pub(super) token: String,
}

impl Member {
    pub(super) async fn strict() -> Self {
        Self::of(Eduyun::builder().seed(7)).await
    }

    pub(super) async fn of(builder: Builder) -> Self {
        let simulator = builder.start().await.expect("starts");
        let answer = ask_token(simulator.address(), KeyInfo::default()).await;
        let reply = loose(&answer);
        let places = [&reply["data"], &reply["tokenInfo"], &reply];
        let token = places.into_iter().find_map(|place| place["accessToken"].as_str().or(place["token"].as_str()));
        let token = token.expect("a token").to_owned();
        Self { simulator, token }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.simulator.address()
    }

    pub(super) fn profile(&self) -> &Eduyun {
        self.simulator.profile()
    }

    /// Calls an operation with the token, as a careful connector does.
    pub(super) async fn ask(&self, path: &str, body: Value) -> Value {
        loose(&self.ask_raw(path, body).await)
    }

    pub(super) async fn ask_raw(&self, path: &str, body: Value) -> Answer {
        let target = format!("{path}?accessToken={}", self.token);
        post(self.address(), "POST", &target, &[JSON], body.to_string()).await.expect("an answer")
    }

    /// Calls an aamif operation, without the token.
    pub(super) async fn ask_aamif(&self, path: &str, body: Value) -> Value {
        let answer = post(self.address(), "POST", path, &[JSON], body.to_string()).await.expect("an answer");
        loose(&answer)
    }

    /// Opens a session by the login page; its id.
    pub(super) async fn session(&self) -> String {
        let ticket = self.ask("/oauth/createOauthTicket", json!({})).await;
        let ticket = ticket["accessTicket"].as_str().expect("an access ticket");
        let target = format!("/bmp-oauth?accessTicket={ticket}&redirect_uri=http%3A%2F%2Fplatform.invalid%2Fback");
        let answer = call(self.address(), "GET", &target).await;
        let location = url::Url::parse(answer.header("location")).expect("a URL");
        let (_, id) = location.query_pairs().find(|(name, _)| name == "usessionid").expect("a session");
        id.into_owned()
    }
}

/// Asks for a token with a signature of this kind, at the right time.
pub(super) async fn ask_token(address: SocketAddr, variant: KeyInfo) -> Answer {
    post(address, "POST", TOKEN, &[JSON], token_request(variant).to_string()).await.expect("an answer")
}

/// A careful token request.
pub(super) fn token_request(variant: KeyInfo) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let time_stamp = match variant.unit {
        Unit::Milliseconds => now.as_millis().to_string(),
        Unit::Seconds => now.as_secs().to_string(),
    };
    signed(variant, &time_stamp)
}

/// The same with this time.
pub(super) fn signed(variant: KeyInfo, time_stamp: &str) -> Value {
    let key_info = variant.of(DEMO_APP_ID, DEMO_APP_KEY, time_stamp);
    json!({"appId": DEMO_APP_ID, "timeStamp": time_stamp, "keyInfo": key_info, "sysCode": DEMO_SYS_CODE})
}

/// Reads a reply as a tolerant client does: a byte order mark and a comma before the last brace do not matter.
pub(super) fn loose(answer: &Answer) -> Value {
    let text = String::from_utf8(answer.body.to_vec()).expect("UTF-8");
    let text = text.trim_start_matches('\u{feff}').replace(",}", "}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A hook that always answers this.
pub(super) async fn hook(answer: Value) -> Platform {
    Platform::saying(move |_| (200, "application/json", answer.to_string())).await
}

/// The hook's answer for this person.
pub(super) fn user(name: &str, id_card_no: &str, identity: &str) -> Value {
    let user = json!({"name": name, "idCardNo": id_card_no, "userIdentity": identity});
    json!({"retCode": "000000", "retDesc": "success", "userInfo": user})
}
