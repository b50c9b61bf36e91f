//! The webservice form: SOAP 1.1 as XFire wrote it. The method is the element in the body, parameters are its children,
//! and the answer is one element that holds JSON or XML as text. Never parses what that text says.

use http::Method;

use super::super::profile::{Mode, Received, Reply};
use super::xml;

const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// What names the two sides agree on; read from the WSDL by whoever has one.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// Target namespace of methods and answers.
    pub(super) namespace: String,
    /// Element that holds the answer.
    pub(super) out: String,
}

/// A method and its parameters.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) parameters: Vec<(String, String)>,
}

impl Names {
    /// Reads a request; what is wrong with it otherwise.
    pub(super) fn read(&self, received: &Received, mode: Mode) -> Result<Asked, &'static str> {
        if received.method != Method::POST {
            return Err("POST is wanted");
        }
        if mode == Mode::Strict {
            if received.media_type() != "text/xml" {
                return Err("Content-Type text/xml is wanted");
            }
            if received.header("soapaction") != Some("\"\"") {
                return Err("SOAPAction \"\" is wanted");
            }
        }
        let text = std::str::from_utf8(&received.body).map_err(|_| "not UTF-8")?;
        let envelope = xml::read(text.trim_start_matches('\u{feff}')).ok_or("not well-formed")?;
        if envelope.name != "Envelope" || envelope.namespace.as_deref() != Some(ENVELOPE) {
            return Err("not a SOAP 1.1 envelope");
        }
        let body = envelope.child("Body").ok_or("no body")?;
        let [method] = body.children.as_slice() else { return Err("one method is wanted") };
        if mode == Mode::Strict && method.namespace.as_deref() != Some(self.namespace.as_str()) {
            return Err("the method is not in the target namespace");
        }
        let parameters = method.children.iter().map(|child| (child.name.clone(), child.text.clone())).collect();
        Ok(Asked { method: method.name.clone(), parameters })
    }

    /// The envelope around an answer.
    pub(super) fn wrap(&self, method: &str, answer: &str) -> String {
        let Self { namespace, out } = self;
        let (namespace, answer) = (xml::escape(namespace), xml::escape(answer));
        // A caller's method name that is no name would break the envelope around the refusal.
        let is_name = method.starts_with(|first: char| first.is_ascii_alphabetic())
            && method.chars().all(|character| character.is_ascii_alphanumeric());
        let method = if is_name { method } else { "unknown" };
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body><ns1:{method}Response xmlns:ns1="{namespace}"><ns1:{out}>{answer}</ns1:{out}></ns1:{method}Response></soap:Body></soap:Envelope>"#
        )
    }

    /// The part of a WSDL that a client reads by hand: the target namespace and the methods.
    pub(super) fn wsdl(&self, methods: &[&str]) -> Reply {
        let namespace = xml::escape(&self.namespace);
        let operations: String = methods.iter().map(|method| format!("<wsdl:operation name=\"{method}\"/>")).collect();
        Reply::new(
            CONTENT_TYPE,
            format!(
                r#"<?xml version="1.0" encoding="UTF-8"?><wsdl:definitions targetNamespace="{namespace}" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"><wsdl:portType name="SSO">{operations}</wsdl:portType></wsdl:definitions>"#
            ),
        )
    }
}

/// What SOAP says when it cannot read a request.
pub(super) fn fault(reason: &str) -> Reply {
    let reason = xml::escape(reason);
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body><soap:Fault><faultcode>soap:Client</faultcode><faultstring>{reason}</faultstring></soap:Fault></soap:Body></soap:Envelope>"#
    );
    Reply::new(CONTENT_TYPE, body).status(500).code("soap:Client")
}
