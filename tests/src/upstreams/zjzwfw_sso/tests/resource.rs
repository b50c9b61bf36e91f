//! Plays a resource: signs, calls a method, reads the answer.

use std::net::SocketAddr;

use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::super::super::exchange::now_ms;
use super::super::super::simulator::Simulator;
use super::super::super::testing::{Answer, post};
use super::super::{Builder, DEMO_SERVICE_CODE, DEMO_SERVICE_PWD, ZjzwfwSso, beijing, sign};

/// Path of the simple interface.
pub(super) const SIMPLE: &str = "/sso/servlet/simpleauth";
/// Content-Type of a form.
pub(super) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A simulator and a resource that knows its password.
pub(super) struct Resource {
    pub(super) simulator: Simulator<ZjzwfwSso>,
}

impl Resource {
    pub(super) async fn strict() -> Self {
        Self::of(ZjzwfwSso::builder().seed(7)).await
    }

    pub(super) async fn of(builder: Builder) -> Self {
        Self { simulator: builder.start().await.expect("starts") }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.simulator.address()
    }

    pub(super) fn profile(&self) -> &ZjzwfwSso {
        self.simulator.profile()
    }

    /// A ticket of the first demo user.
    pub(super) fn ticket(&self) -> String {
        self.profile().ticket("demoUser0001").expect("a ticket")
    }

    /// Calls a method as a careful connector does, in JSON.
    pub(super) async fn ask(&self, method: &str, more: &[(&str, &str)]) -> Value {
        self.ask_raw(&signed(method, "json", more)).await.json()
    }

    /// The result of the same.
    pub(super) async fn result(&self, method: &str, more: &[(&str, &str)]) -> Value {
        self.ask(method, more).await["result"].clone()
    }

    /// Sends this form to the simple interface.
    pub(super) async fn ask_raw(&self, form: &str) -> Answer {
        post(self.address(), "POST", SIMPLE, &[FORM], form.to_owned()).await.expect("an answer")
    }

    /// A token of the first demo user.
    pub(super) async fn token(&self) -> String {
        let ticket = self.ticket();
        let reply = self.ask("ticketValidation", &[("st", &ticket)]).await;
        reply["token"].as_str().expect("a token").to_owned()
    }
}

/// The parameters that every call carries, signed now.
pub(super) fn common(datatype: &str) -> Vec<(String, String)> {
    let time = beijing(now_ms());
    let sign = sign(DEMO_SERVICE_CODE, DEMO_SERVICE_PWD, &time);
    let pairs = [("servicecode", DEMO_SERVICE_CODE), ("time", &time), ("sign", &sign), ("datatype", datatype)];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// A form that calls a method.
pub(super) fn signed(method: &str, datatype: &str, more: &[(&str, &str)]) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("method", method).extend_pairs(common(datatype)).extend_pairs(more);
    form.finish()
}
