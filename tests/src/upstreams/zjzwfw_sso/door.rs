//! The ways in: which path is what, who may come in, and in what form the answer goes out. Never knows what a method does.

use http::Method;
use serde_json::{Map, json};

use super::super::ledger::Ledger;
use super::super::profile::{Mode, Received, Reply};
use super::methods::{Answer, METHODS, Signed};
use super::request::{Call, Datatype};
use super::sign::{self, WINDOW_MS};
use super::{Refusal, ZjzwfwSso, codes, soap};

const IRS_TICKET: &str = "/restapi/prod/IC33000020220228000002/sso/servlet/simpleauth";
const IRS_USER: &str = "/restapi/prod/IC33000020220228000004/sso/servlet/simpleauth";

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Login,
    SimpleHttp,
    StandardHttp,
    UserHttp,
    SimpleSoap,
    StandardSoap,
    IrsTicket,
    IrsUser,
}

/// Every door below a context, with the name of its operation.
const BELOW_CONTEXT: [(Door, &str, &str); 8] = [
    (Door::Login, "mobile.do", "login.link"),
    (Door::Login, "alipay.do", "login.link"),
    (Door::Login, "usp.do", "login.link"),
    (Door::SimpleHttp, "servlet/simpleauth", "simple.http"),
    (Door::StandardHttp, "servlet/ssoauth", "standard.http"),
    (Door::UserHttp, "servlet/organduser", "user.http"),
    (Door::SimpleSoap, "service/SimpleAuthService", "simple.soap"),
    (Door::StandardSoap, "service/SsoAuthService", "standard.soap"),
];

impl Door {
    pub(super) fn of_path(path: &str) -> Option<Self> {
        match path {
            IRS_TICKET => return Some(Self::IrsTicket),
            IRS_USER => return Some(Self::IrsUser),
            _ => {}
        }
        let below = path.strip_prefix("/sso/").or_else(|| path.strip_prefix("/sso4/"))?;
        BELOW_CONTEXT.iter().find(|(_, known, _)| *known == below).map(|(door, _, _)| *door)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::IrsTicket => "irs.ticket",
            Self::IrsUser => "irs.user",
            _ => BELOW_CONTEXT.iter().find(|(door, _, _)| *door == self).map_or("unknown", |(_, _, name)| name),
        }
    }
}

/// The doors, a line each.
pub(super) fn summary() -> String {
    let below = BELOW_CONTEXT.iter().map(|(_, path, name)| format!("/sso/{path:<32} {name}\n"));
    below.chain([format!("{IRS_TICKET}  irs.ticket\n"), format!("{IRS_USER}  irs.user\n")]).collect()
}

impl ZjzwfwSso {
    /// A servlet, perhaps with the IRS gateway in front.
    pub(super) fn answer_http(&self, door: Door, received: &Received, ledger: &Ledger) -> Reply {
        let irs = matches!(door, Door::IrsTicket | Door::IrsUser);
        if irs && let Err(header) = self.check_irs(received) {
            ledger.count(|counters| {
                counters.credential_rejections += 1;
                counters.crypto_failures += 1;
            });
            // The gateway answers before the SSO is asked; its own form is not known, only that it is not the SSO's.
            return Reply::json(&json!({"message": format!("HMAC validation failed: {header}")})).status(401).code(401);
        }
        let call = Call::of_http(received, self.settings.mode).and_then(|call| match (door, call.method.as_str()) {
            (Door::IrsTicket, "ticketValidation") | (Door::IrsUser, "getUserInfo") => Ok(call),
            (Door::IrsTicket | Door::IrsUser, _) => Err(Refusal::new(codes::METHOD, "此地址没有该 method")),
            _ => Ok(call),
        });
        let datatype = wanted_datatype(received);
        let (text, code, key_hash) = match &call {
            Ok(call) => self.serve(call, received.now_ms, ledger),
            Err(refusal) => self.text_of(datatype, Err(refusal.clone())),
        };
        Reply { key_hash, ..self.settings.quirks.send(&text).code(code) }
    }

    /// The webservice.
    pub(super) fn answer_soap(&self, received: &Received, ledger: &Ledger) -> Reply {
        if received.method == Method::GET && received.query.eq_ignore_ascii_case("wsdl") {
            return self.settings.soap.wsdl(&METHODS);
        }
        let mode = self.settings.mode;
        let asked = match self.settings.soap.read(received, mode) {
            Ok(asked) => asked,
            Err(reason) => return soap::fault(reason),
        };
        let method = asked.method.clone();
        let (text, code, key_hash) = match Call::of_soap(asked, mode) {
            Ok(call) => self.serve(&call, received.now_ms, ledger),
            Err(refusal) => self.text_of(Datatype::Json, Err(refusal)),
        };
        let envelope = self.settings.soap.wrap(&method, &text);
        Reply { key_hash, ..self.settings.quirks.send(&envelope).code(code) }
    }

    /// A refusal that a fault asked for, in the form of this request.
    pub(super) fn refuse_in_form(&self, received: &Received, code: &str, message: &str) -> Reply {
        let quirks = self.settings.quirks;
        match Door::of_path(&received.path) {
            Some(Door::SimpleSoap | Door::StandardSoap) => {
                let asked = self.settings.soap.read(received, Mode::Quirky);
                let (method, datatype) = match asked {
                    Ok(asked) => {
                        let xml = asked.parameters.iter().any(|(name, value)| name == "datatype" && value == "xml");
                        (asked.method, if xml { Datatype::Xml } else { Datatype::Json })
                    }
                    Err(_) => (String::new(), Datatype::Json),
                };
                let text = quirks.write(datatype, code, message, &Map::new());
                quirks.send(&self.settings.soap.wrap(&method, &text)).code(code)
            }
            _ => {
                let text = quirks.write(wanted_datatype(received), code, message, &Map::new());
                quirks.send(&text).code(code)
            }
        }
    }

    /// Checks who calls, then does what is asked; the text of the answer, its code, and the hash of the user.
    fn serve(&self, call: &Call, now_ms: i64, ledger: &Ledger) -> (String, String, Option<String>) {
        let datatype = call.datatype(self.settings.mode);
        let answer = datatype.clone().and_then(|datatype| {
            let servicecode = self.check_sign(call, now_ms).inspect_err(|refusal| {
                ledger.count(|counters| {
                    counters.credential_rejections += 1;
                    counters.crypto_failures += u64::from(refusal.code == codes::SIGN);
                });
            })?;
            let method = self.spelt(&call.method);
            self.count(method);
            self.run(method, &Signed { servicecode, call, datatype, now_ms }, ledger)
        });
        self.text_of(datatype.unwrap_or_default(), answer)
    }

    fn text_of(&self, datatype: Datatype, answer: Result<Answer, Refusal>) -> (String, String, Option<String>) {
        let (code, message, answer) = match answer {
            Ok(answer) => (codes::OK, "成功".to_owned(), answer),
            Err(refusal) => (refusal.code, refusal.message, Answer::default()),
        };
        let text = self.settings.quirks.write(datatype, code, &message, &answer.members);
        (text, code.to_owned(), answer.key_hash)
    }

    /// The resource that calls, if its sign holds.
    fn check_sign<'a>(&self, call: &'a Call, now_ms: i64) -> Result<&'a str, Refusal> {
        let (servicecode, time, sign) = (call.required("servicecode")?, call.required("time")?, call.required("sign")?);
        let servicepwd = self.settings.services.get(servicecode);
        let servicepwd = servicepwd.ok_or_else(|| Refusal::new(codes::SERVICE, "servicecode 不存在"))?;
        let near = sign::read_beijing(time).is_some_and(|time_ms| now_ms.abs_diff(time_ms) <= WINDOW_MS);
        if !near {
            return Err(Refusal::new(codes::TIME, "time 无效"));
        }
        let right = sign::sign(servicecode, servicepwd, time);
        let same = match self.settings.mode {
            Mode::Strict => right == sign,
            Mode::Quirky => right.eq_ignore_ascii_case(sign),
        };
        if same { Ok(servicecode) } else { Err(Refusal::new(codes::SIGN, "sign 错误")) }
    }

    /// A method's name as it should be: quirky mode takes any case.
    fn spelt<'a>(&self, method: &'a str) -> &'a str {
        let same = |known: &&&str| self.settings.mode == Mode::Quirky && known.eq_ignore_ascii_case(method);
        METHODS.iter().find(same).map_or(method, |known| *known)
    }

    fn check_irs(&self, received: &Received) -> Result<(), &'static str> {
        if self.settings.mode == Mode::Strict && received.method != Method::POST {
            return Err("POST");
        }
        self.settings.irs.check(received)
    }
}

/// The datatype of a request that need not be in order.
fn wanted_datatype(received: &Received) -> Datatype {
    let pairs = url::form_urlencoded::parse(received.query.as_bytes());
    let mut pairs = pairs.chain(url::form_urlencoded::parse(&received.body));
    let xml = pairs.any(|(name, value)| name.eq_ignore_ascii_case("datatype") && value == "xml");
    if xml { Datatype::Xml } else { Datatype::Json }
}
