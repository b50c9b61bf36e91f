//! One request to the SSO: the common parameters and those of the method, by form, query or SOAP envelope, straight or
//! through the gateway. Nothing is sent twice.

use duijie_sdk::{
    Failure, Outcome, encode,
    http::{Request, Response},
    secret::Atom,
    soap, url,
};

use crate::{
    config::{Config, Gateway, Interface, Method, Transport, Verb},
    irs, sign,
};

/// Where user management stands over http.
const USERS_SERVLET: &str = "/servlet/organduser";

/// What is asked of the SSO.
pub(crate) struct Call<'a> {
    /// The method's name on the wire.
    pub(crate) method: &'a str,
    /// The path it goes to, below the address in use.
    pub(crate) path: &'a str,
    /// The method's own parameters, in this order after the common ones.
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
    /// Milliseconds to wait for the answer.
    pub(crate) timeout_ms: u32,
}

impl<'a> Call<'a> {
    /// A call of a method that has an operation.
    ///
    /// # Errors
    /// `config` when the gateway's path of it is not known.
    pub(crate) fn of(config: &'a Config, method: Method, parameters: Vec<(&'a str, &'a str)>) -> Result<Self, Failure> {
        let (key, name, gateway_path) = method.of(config);
        let path = match config.gateway {
            Gateway::None => path(config, method.is_of_users()),
            Gateway::Irs => gateway_path.ok_or_else(|| {
                Failure::config(format!("irs.path.{key} is not set: the gateway has a path of its own for each method"))
            })?,
        };
        Ok(Self { method: name, path, parameters, timeout_ms: config.http.timeout_ms })
    }

    /// Signs and sends it.
    ///
    /// # Errors
    /// `config`, `denied` or `internal` before it is sent; then why there is no answer.
    pub(crate) fn send(&self, config: &Config) -> Result<Response, Failure> {
        let request = self.request(config).map_err(|failure| failure.outcome(Outcome::NotSent))?;
        Ok(request.timeout_ms(self.timeout_ms).send()?)
    }

    fn request(&self, config: &Config) -> Result<Request, Failure> {
        let (time, sign) = sign::sign(config)?;
        let mut parameters = vec![
            ("servicecode", config.servicecode.as_str()),
            ("time", &time),
            ("sign", &sign),
            ("datatype", config.datatype.name()),
        ];
        parameters.extend(&self.parameters);
        let address = url::join(config.target(), self.path);
        if config.transport == Transport::Soap {
            return self.envelope(config, &address, parameters);
        }
        parameters.insert(0, ("method", self.method));
        let (request, method, query) = match config.http.verb {
            Verb::Post => {
                let fields = parameters.into_iter().map(|(name, value)| (name, Atom::text(value)));
                (Request::post(address).form(fields), "POST", String::new())
            }
            Verb::Get => {
                if config.gateway == Gateway::Irs {
                    // The gateway signs the query in the order of its names.
                    parameters.sort_unstable();
                }
                let query = query(&parameters);
                (Request::get(format!("{address}?{query}")), "GET", query)
            }
        };
        match config.gateway {
            Gateway::None => Ok(request),
            Gateway::Irs => irs::authorized(config, request, method, self.path, &query),
        }
    }

    fn envelope(&self, config: &Config, address: &str, parameters: Vec<(&str, &str)>) -> Result<Request, Failure> {
        let namespace = config.soap.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        let namespace = namespace.ok_or_else(|| Failure::config("soap.namespace is not set: read it from the WSDL"))?;
        let envelope = soap::request(namespace, self.method, parameters)
            .map_err(|error| Failure::config(format!("the SOAP request cannot be written: {error}")))?;
        Ok(Request::post(address)
            .header("content-type", soap::CONTENT_TYPE)
            .header("SOAPAction", "\"\"")
            .body(envelope))
    }
}

/// The path below `base`, by family and transport unless the operator says otherwise.
pub(crate) fn path(config: &Config, is_of_users: bool) -> &str {
    let auth = match (config.interface, config.transport) {
        (Interface::Simple, Transport::Http) => "/servlet/simpleauth",
        (Interface::Standard, Transport::Http) => "/servlet/ssoauth",
        (Interface::Simple, Transport::Soap) => "/service/SimpleAuthService",
        (Interface::Standard, Transport::Soap) => "/service/SsoAuthService",
    };
    let auth = config.path.auth.as_deref().unwrap_or(auth);
    match (is_of_users, config.transport) {
        (false, _) => auth,
        (true, Transport::Http) => config.path.users.as_deref().unwrap_or(USERS_SERVLET),
        (true, Transport::Soap) => config.path.users.as_deref().unwrap_or(auth),
    }
}

fn query(parameters: &[(&str, &str)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encode::form(name), encode::form(value)));
    pairs.collect::<Vec<_>>().join("&")
}
