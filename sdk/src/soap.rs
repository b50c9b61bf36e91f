//! SOAP 1.1 as the Java services of the 2000s speak it (XFire, Axis): one method element with text parameters out, one
//! element with the value back. It knows no WSDL, no types and no attachments.

use crate::{
    Failure, Outcome,
    xml::{DECLARATION, Element, XmlError},
};

/// Namespace of the envelope (SOAP 1.1 §4.1).
const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// What a request of SOAP 1.1 says it is.
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// Why an answer holds no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SoapError {
    /// The service's own refusal.
    #[error("a SOAP fault ({code})")]
    Fault {
        /// `faultcode` without its prefix, for instance `Server`; may be empty.
        code: String,
        /// `faultstring`; it may quote what was sent.
        message: String,
    },
    /// No envelope with a body, or no such element in it.
    #[error("no SOAP answer with the value expected")]
    NoValue,
}

/// A request: the method's element in its namespace, the parameters as its children in this order.
///
/// ```
/// let request = duijie_sdk::soap::request("http://up.example/", "getUser", [("id", "1<2")]).unwrap();
/// assert!(request.contains(r#"<m:getUser xmlns:m="http://up.example/"><m:id>1&lt;2</m:id></m:getUser>"#));
/// ```
///
/// # Errors
/// [`XmlError::Name`] for a method or parameter whose name is none of XML's.
pub fn request<'a>(
    namespace: &str,
    method: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<String, XmlError> {
    let mut call = Element::new(format!("m:{method}")).attribute("xmlns:m", namespace);
    for (name, value) in parameters {
        call = call.with(Element::text(format!("m:{name}"), value));
    }
    let body = Element::new("soap:Body").with(call);
    let envelope = Element::new("soap:Envelope").attribute("xmlns:soap", ENVELOPE).with(body);
    Ok(format!("{DECLARATION}{}", envelope.to_xml()?))
}

/// Is this the root of a SOAP message?
pub fn is_envelope(root: &Element) -> bool {
    root.local_name() == "Envelope"
}

/// The element of this name in the body's answer.
///
/// # Errors
/// [`SoapError`].
pub fn value<'a>(root: &'a Element, element: &str) -> Result<&'a Element, SoapError> {
    let body = Some(root).filter(|root| is_envelope(root)).and_then(|root| root.child("Body"));
    let body = body.ok_or(SoapError::NoValue)?;
    if let Some(fault) = body.child("Fault") {
        let text = |name| fault.child(name).map(|child| child.text.trim()).unwrap_or_default();
        let code = text("faultcode").rsplit(':').next().unwrap_or_default().to_owned();
        return Err(SoapError::Fault { code, message: text("faultstring").to_owned() });
    }
    body.children.iter().find_map(|answer| answer.find(element)).ok_or(SoapError::NoValue)
}

impl From<SoapError> for Failure {
    /// A fault is `upstream-rejected`: `rejected` when it blames the request (`Client`), else `unknown`.
    fn from(error: SoapError) -> Self {
        match error {
            SoapError::Fault { code, message } => {
                let outcome = if code.starts_with("Client") { Outcome::Rejected } else { Outcome::Unknown };
                Failure::upstream_rejected(format!("the upstream answers with a SOAP fault ({code:.64}): {message}"))
                    .outcome(outcome)
                    .upstream_code(code)
            }
            SoapError::NoValue => Failure::protocol(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, xml};

    fn answer(body: &str) -> Element {
        let envelope = format!("<s:Envelope xmlns:s=\"{ENVELOPE}\"><s:Header/><s:Body>{body}</s:Body></s:Envelope>");
        xml::parse(&envelope).unwrap()
    }

    #[test]
    fn a_request_is_an_envelope_with_the_method_in_its_namespace() {
        let request = request("http://x/?a&b", "m", [("st", "1"), ("x", "")]).unwrap();
        let root = xml::parse(&request).unwrap();
        let call = root.child("Body").unwrap().child("m").unwrap();
        assert_eq!(call.attributes, [("xmlns:m".to_owned(), "http://x/?a&b".to_owned())]);
        assert_eq!(call.child("st").unwrap().text, "1");
        assert_eq!(super::request("", "m", [("a b", "")]), Err(XmlError::Name));
    }

    #[test]
    fn the_value_is_found_whatever_the_prefixes() {
        let root = answer("<n:fooResponse xmlns:n='x'><n:out>{\"a\":1}</n:out></n:fooResponse>");
        assert_eq!(value(&root, "out").unwrap().text, "{\"a\":1}");
        assert_eq!(value(&root, "return"), Err(SoapError::NoValue));
        assert_eq!(value(&xml::parse("<out>1</out>").unwrap(), "out"), Err(SoapError::NoValue));
    }

    #[test]
    fn a_fault_is_a_refusal_and_says_whose() {
        let fault = |code: &str| {
            let root =
                answer(&format!("<s:Fault><faultcode>s:{code}</faultcode><faultstring>no</faultstring></s:Fault>"));
            Failure::from(value(&root, "out").unwrap_err())
        };
        let (client, server) = (fault("Client"), fault("Server"));
        assert_eq!((client.class, client.outcome), (Class::UpstreamRejected, Outcome::Rejected));
        assert_eq!((server.outcome, server.upstream_code.as_deref()), (Outcome::Unknown, Some("Server")));
    }
}
