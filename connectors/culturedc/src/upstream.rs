//! One request to the upstream, top to bottom: hold → rate → render → sign → send → read. What the abstract operations
//! have in common; which path, body and code it is, the profile says. There is no token and nothing to renew: the AK/SK
//! signs each request anew.

use duijie_sdk::{
    Class, Failure, Outcome,
    http::{Request, Response},
    random, rate,
    reply::Envelope,
    template::{self, inside_json},
    time, url,
};
use serde_json::Value;

use crate::{
    aksk,
    config::{Config, Wire},
    model::{Category, State},
    profile::Call,
    sign::{Message, Signed},
};

/// Time for each request: a hung one must leave time to say so within the operation's deadline.
const TIMEOUT_MS: u32 = 8_000;
/// The name of the link's count of requests.
const RATE: &str = "api";

/// A variable of a call.
#[derive(Debug, Clone)]
pub enum Variable<'a> {
    /// Text: percent-encoded in a path, the inside of a JSON string in a body.
    Text(&'a str),
    /// JSON, for bodies.
    Json(String),
}

/// The upstream as a link's profile describes it.
pub struct Upstream<'a> {
    config: &'a Config,
    /// The wire form.
    pub profile: Wire<'a>,
}

impl<'a> Upstream<'a> {
    /// The upstream of a link. Nothing is sent.
    ///
    /// # Errors
    /// `config` when the link cannot reach one.
    pub fn of(config: &'a Config) -> Result<Self, Failure> {
        let profile = config.profile()?;
        Ok(Self { config, profile })
    }

    /// Sends a call and reads its answer of success.
    ///
    /// # Errors
    /// Every row of the error table in this connector's README.
    pub fn ask(&self, call: &Call, variables: &[(&str, Variable<'_>)]) -> Result<Value, Failure> {
        aksk::not_held(self.config)?;
        let request = self.request(call, variables)?;
        rate::take_one(RATE, self.config.rate.per_min)?;
        self.read(&request.send()?)
    }

    /// How many of these requests may be sent now.
    ///
    /// # Errors
    /// `auth-expired` while an expired AK/SK holds everything; the store's.
    pub fn take(&self, wanted: u32) -> Result<rate::Granted, Failure> {
        aksk::not_held(self.config)?;
        rate::take(RATE, self.config.rate.per_min, wanted)
    }

    /// A signed request, ready to be sent.
    ///
    /// # Errors
    /// `config` for templates that are not fit, which `check` would have said; what the host says of the secret.
    pub fn request(&self, call: &Call, variables: &[(&str, Variable<'_>)]) -> Result<Request, Failure> {
        let names: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
        let written = |template: &str, text: fn(String) -> String| {
            let value = |name: &str| {
                let (_, variable) = variables.iter().find(|(known, _)| *known == name)?;
                Some(match variable {
                    Variable::Text(value) => text((*value).to_owned()),
                    Variable::Json(value) => value.clone(),
                })
            };
            template::render(template, &names, value, |value| value)
                .map_err(|message| Failure::config(format!("a path or body of wire {message}")))
        };
        let target = url::join(self.config.base_url()?, &written(&call.path, |value| url::percent(&value))?);
        let body = call.body.as_ref().map(|body| written(body, inside_json)).transpose()?.unwrap_or_default();
        let message = Message {
            method: call.method.name(),
            target: path_and_query(&target),
            body: &body,
            access_key: self.config.access_key(),
            now_ms: time::now_ms(),
            nonce: &random::nonce()?,
        };
        let signed = Signed::new(&self.profile.sign, message)?;
        let value = |template: &str| {
            let rendered = signed.render(template);
            rendered.map_err(|message| Failure::config(format!("a header or parameter of wire {message}")))
        };
        let mut request = Request::new(call.method.name(), target.as_str()).timeout_ms(TIMEOUT_MS);
        for (name, template) in self.profile.query.iter() {
            request = request.query(name, value(template)?);
        }
        request = request.header("accept", "application/json");
        for (name, template) in self.profile.headers.iter() {
            request = request.header(name, value(template)?);
        }
        let has_type = self.profile.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if call.body.is_some() && !has_type {
            request = request.header("content-type", "application/json; charset=utf-8");
        }
        Ok(if call.body.is_some() { request.body(body) } else { request })
    }

    /// The answer's JSON, if it says success.
    ///
    /// # Errors
    /// As [`Upstream::ask`].
    pub fn read(&self, response: &Response) -> Result<Value, Failure> {
        let reply = &self.profile.reply;
        let opened = self.enveloped(&texts(&reply.code), &texts(&reply.message), |envelope| envelope.open(response));
        opened.map_err(|failure| match (failure.class, response.status) {
            // A gateway in front of the interface that refuses in words of its own.
            (Class::Protocol, 401 | 403) => Failure::auth_failed(format!(
                "the upstream refuses the AK/SK without a code (HTTP {})",
                response.status
            ))
            .upstream_code(response.status.to_string()),
            (Class::RateLimited, _) if failure.retry_after_ms.is_none() => {
                Failure { retry_after_ms: response.retry_after_ms(), ..failure }
            }
            _ => failure,
        })
    }

    /// Judges one result of a list by its own code.
    ///
    /// # Errors
    /// The class of its code.
    pub fn judge(&self, result: &Value, code: &str, message: Option<&str>) -> Result<(), Failure> {
        self.enveloped(&[code], message.as_slice(), |envelope| envelope.judge(200, result).map(|()| Value::Null))
            .map(drop)
    }

    /// Runs this with the profile's codes, and adds what the profile says of the one that was found.
    fn enveloped(
        &self,
        code: &[&str],
        message: &[&str],
        run: impl FnOnce(&Envelope<'_>) -> Result<Value, Failure>,
    ) -> Result<Value, Failure> {
        let reply = &self.profile.reply;
        let success = texts(&reply.success);
        let classes: Vec<_> = reply.classes.iter().map(|(code, class)| (code, class.0)).collect();
        let envelope = Envelope { code, message, success: &success, classes: &classes };
        run(&envelope).map_err(|failure| self.told(failure))
    }

    fn told(&self, failure: Failure) -> Failure {
        // An upstream that says it failed may have acted before it did.
        let failure = match failure.class {
            Class::Unavailable | Class::Timeout | Class::Internal | Class::Other => failure.outcome(Outcome::Unknown),
            _ => failure,
        };
        let sub_code = failure.upstream_code.as_ref().and_then(|code| self.profile.reply.sub_codes.get(code));
        match sub_code {
            Some(sub_code) => failure.sub_code(sub_code),
            None => failure,
        }
    }

    /// The upstream's word for a category; empty for one that the link does not use, which no validated resource has.
    pub fn word_for(&self, category: Category) -> &str {
        self.config.word_for(category).unwrap_or_default()
    }

    /// What the upstream's word for a state means.
    pub fn state(&self, word: &str) -> State {
        self.profile.reply.states.get(word).copied().unwrap_or(State::Other)
    }
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// A part of a profile, which need not have everything.
///
/// # Errors
/// `config` when it is left out.
pub fn part<'p, T>(part: &'p Option<T>, name: &str) -> Result<&'p T, Failure> {
    part.as_ref().ok_or_else(|| Failure::config(format!("the profile has no wire.{name}: the upstream cannot do that")))
}

/// What stands behind scheme and authority: what a server sees of an address.
fn path_and_query(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find(['/', '?']).and_then(|at| after_scheme.get(at..)).unwrap_or("/")
}
