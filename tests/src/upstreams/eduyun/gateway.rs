//! The gateway's plain operations: lists, tickets, phone codes, verification, and who a session or a ticket belongs to.
//! Never calls anybody; the exchange, which does, has its own file.

use http::Method;
use serde_json::{Value, json};

use super::super::ledger::{Ledger, key_hash};
use super::super::profile::{Mode, Received, Reply};
use super::builder::OauthTicketMethod;
use super::catalogue::{self, Org};
use super::operation::Operation;
use super::people::{Person, Verification};
use super::request::Body;
use super::{Eduyun, Refusal, codes, identity, later};

/// Organisations on one page.
const ORGS_PAGE_MAX: usize = 1000;
/// Identities that must name their organisation.
const WITH_ORG: [&str; 4] = ["0", "1", "3", "4"];

impl Eduyun {
    pub(super) fn list_apps(&self, body: &Body) -> Result<Reply, Refusal> {
        body.only(&["pageNo", "pageSize"])?;
        let (number, size) = (body.number("pageNo", None)?, body.number("pageSize", None)?);
        let all: Vec<_> = self.apps.iter().collect();
        let mut rows = json!(catalogue::page(&all, number, size));
        if self.settings.app_urls || self.settings.mode == Mode::Quirky {
            let rows = rows.as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
            for (row, name) in rows.iter_mut().zip(["appUrl", "appURL", "url"].into_iter().cycle()) {
                if let Some(row) = row.as_object_mut() {
                    row.insert(name.to_owned(), "http://app.example.invalid/start?from=tx".into());
                }
            }
        }
        Ok(self.list(Operation::Apps, all.len(), rows))
    }

    pub(super) fn list_orgs(&self, body: &Body) -> Result<Reply, Refusal> {
        const CODES: [&str; 3] = ["provinceCode", "cityCode", "areaCode"];
        body.only(&[&CODES[..], &["orgCode", "orgName", "pageNo", "pageSize"]].concat())?;
        let mut wanted: Vec<(&str, String)> = Vec::new();
        for name in CODES {
            if let Some(code) = body.optional(name)?.filter(|code| !code.is_empty()) {
                if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(Refusal::wrong(name, "应为六位行政区划码"));
                }
                wanted.push((name, code));
            }
        }
        for name in ["orgCode", "orgName"] {
            wanted.extend(body.optional(name)?.filter(|text| !text.is_empty()).map(|text| (name, text)));
        }
        let (number, size) = (body.number("pageNo", Some(1))?, body.number("pageSize", Some(10))?);
        // A public client asked for 10,000: the limit may not be kept everywhere.
        if size > ORGS_PAGE_MAX && self.settings.mode == Mode::Strict {
            return Err(Refusal::wrong("pageSize", "最大1000"));
        }
        let all: Vec<_> = self.orgs.iter().filter(|org| wanted.iter().all(|want| matches(org, want))).collect();
        let rows = json!(catalogue::page(&all, number, size));
        Ok(self.list(Operation::Orgs, all.len(), rows))
    }

    fn list(&self, operation: Operation, count: usize, rows: Value) -> Reply {
        self.style().data(operation, json!({"count": self.style().number(count), "dataList": rows}))
    }

    pub(super) fn create_ticket(&self, body: &Body, received: &Received) -> Result<Reply, Refusal> {
        let (session_id, person) = self.session(body, received)?;
        let ticket = self.tickets.issue(&session_id, received.now_ms, later(received.now_ms, self.settings.ticket_ttl));
        Ok(about(&person, self.style().data(Operation::CreateTicket, json!({"ticket": ticket}))))
    }

    pub(super) fn user_info(&self, body: &Body, received: &Received) -> Result<Reply, Refusal> {
        let (_, person) = self.session(body, received)?;
        let org_name = self.orgs.iter().find(|org| org.org_code == person.org_code).map(|org| org.org_name.as_str());
        let org = json!({"orgCode": person.org_code, "orgName": org_name, "orgIdentity": person.identity});
        let identity_name = self.style().either("dafaultIdentity", "defaultIdentity");
        let data = json!({
            "userId": person.user_id,
            "name": person.name,
            "gender": self.style().either(json!("1"), json!(1)),
            identity_name: person.identity,
            "orgRelList": self.style().either(json!([org]), org.clone()),
        });
        Ok(about(&person, self.style().data(Operation::UserInfo, data)))
    }

    pub(super) fn validate_ticket(&self, body: &Body, received: &Received) -> Result<Reply, Refusal> {
        body.only(&["ticket"])?;
        let (_, person) = self
            .redeem(&body.text("ticket")?, received.now_ms)
            .ok_or_else(|| Refusal::new(codes::SESSION, "用户会话票据失效"))?;
        let data = json!({"userId": person.user_id, "name": person.name, "gender": "1"});
        Ok(about(&person, self.style().data(Operation::ValidateTicket, data)))
    }

    pub(super) fn validate_session(&self, body: &Body) -> Result<Reply, Refusal> {
        body.only(&["userId", "loginAccount"])?;
        let (user_id, _) = (body.text("userId")?, body.text("loginAccount")?);
        let person = self.people.get(&user_id).ok_or_else(|| Refusal::wrong("userId", "用户不存在"))?;
        if !person.verified {
            return Err(Refusal::unverified());
        }
        Ok(about(&person, self.style().flat(Operation::ValidateSession, Value::Null)))
    }

    pub(super) fn certificates(&self, body: &Body, received: &Received) -> Result<Reply, Refusal> {
        let (_, person) = self.session(body, received)?;
        let all = self.people.verifications();
        let of_person = all.iter().filter(|verification| verification.user_id == person.user_id);
        let rows: Vec<_> = of_person
            .map(|verification| {
                json!({
                    "createTime": super::beijing(verification.time_ms),
                    "name": verification.name,
                    "sysCode": verification.sys_code,
                    "loginAccount": verification.login_account,
                    "comeFrom": "0",
                })
            })
            .collect();
        Ok(about(&person, self.style().data(Operation::Certificates, json!(rows))))
    }

    pub(super) fn send_code(&self, body: &Body, received: &Received) -> Result<Reply, Refusal> {
        body.only(&["phone"])?;
        let phone = phone(body)?;
        self.phones.send(&phone, received.now_ms)?;
        Ok(self.style().flat(Operation::SendCode, Value::Null))
    }

    pub(super) fn verify(
        &self,
        client: &str,
        body: &Body,
        received: &Received,
        ledger: &Ledger,
    ) -> Result<Reply, Refusal> {
        let verified = self.claim(client, body, received).and_then(|(claim, code)| {
            if !self.phones.is_good(&claim.phone, &code) {
                return Err(Refusal::wrong("verifyCode", "验证码错误"));
            }
            let verified = self.people.verify(claim)?;
            self.phones.use_up(&verified.phone);
            Ok(verified)
        });
        ledger.count(|counters| match &verified {
            Ok(_) => counters.records_accepted += 1,
            Err(_) => counters.records_rejected += 1,
        });
        let reply = self.style().flat(Operation::Verify, Value::Null);
        Ok(Reply { key_hash: Some(key_hash(&verified?.user_id)), ..reply })
    }

    /// The claim of a `validateUser`, and its phone code.
    fn claim(&self, client: &str, body: &Body, received: &Received) -> Result<(Verification, String), Refusal> {
        body.only(&["verifyCode", "phone", "name", "idCardNo", "userIdentity", "orgCode", "loginAccount"])?;
        let verify_code = body.text("verifyCode")?;
        if verify_code.len() != 6 || !verify_code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::wrong("verifyCode", "应为六位数字"));
        }
        let (phone, name, mut id_card_no) = (phone(body)?, body.text("name")?, body.text("idCardNo")?);
        if self.settings.mode == Mode::Quirky {
            id_card_no.make_ascii_uppercase();
        }
        if !identity::is_number(&id_card_no) {
            return Err(Refusal::wrong("idCardNo", "应为18位身份证号"));
        }
        let user_identity = body.text("userIdentity")?;
        if !matches!(user_identity.as_str(), "0" | "1" | "2" | "3" | "4" | "5") {
            return Err(Refusal::wrong("userIdentity", "应为0至5"));
        }
        let org_code = body.optional("orgCode")?.unwrap_or_default();
        if org_code.is_empty() && WITH_ORG.contains(&user_identity.as_str()) {
            return Err(Refusal::empty("orgCode"));
        }
        let known = org_code.is_empty() || self.orgs.iter().any(|org| org.org_code == org_code);
        if !known && self.settings.mode == Mode::Strict {
            return Err(Refusal::wrong("orgCode", "机构不存在"));
        }
        let sys_code = self.settings.clients.get(client).map(|client| client.sys_code.clone()).unwrap_or_default();
        let login_account = body.text("loginAccount")?;
        let (user_id, time_ms) = (String::new(), received.now_ms);
        let claim = Verification {
            user_id,
            login_account,
            sys_code,
            phone,
            name,
            id_card_no,
            user_identity,
            org_code,
            time_ms,
        };
        Ok((claim, verify_code))
    }

    pub(super) fn oauth_ticket(&self, received: &Received) -> Result<Reply, Refusal> {
        if received.method == Method::POST && !received.body.is_empty() {
            let body = Body::read(received, self.settings.mode)?;
            body.only(&["accessToken"])?;
            let token = super::request::access_token(received, self.settings.mode)?;
            if body.optional("accessToken")?.is_some_and(|repeated| Some(repeated) != token) {
                return Err(Refusal::wrong("accessToken", "与查询串不一致"));
            }
        }
        let ticket = self.tickets.issue_access(received.now_ms);
        // The one gateway reply that has no `data`.
        Ok(self.style().flat(Operation::OauthTicket, json!({"accessTicket": ticket})))
    }

    /// Whether the operation may be called by this method.
    pub(super) fn allows(&self, operation: Operation, method: &Method) -> bool {
        let post = method == Method::POST;
        match (operation, self.settings.oauth_ticket_method) {
            (Operation::Login, _) | (Operation::OauthTicket, OauthTicketMethod::Get) => method == Method::GET,
            (Operation::OauthTicket, OauthTicketMethod::Both) => post || method == Method::GET,
            _ => post,
        }
    }

    /// The session that `usessionId` names, and whose it is.
    fn session(&self, body: &Body, received: &Received) -> Result<(String, Person), Refusal> {
        body.only(&["usessionId"])?;
        let session_id = body.text("usessionId")?;
        let person = self.people.of_session(&session_id, received.now_ms);
        let person = person.ok_or_else(|| Refusal::new(codes::SESSION, "用户会话票据失效"))?;
        Ok((session_id, person))
    }
}

/// A reply with the hash of the person it is about.
pub(super) fn about(person: &Person, reply: Reply) -> Reply {
    Reply { key_hash: Some(key_hash(&person.user_id)), ..reply }
}

fn phone(body: &Body) -> Result<String, Refusal> {
    let phone = body.text("phone")?;
    let digits = phone.len() == 11 && phone.starts_with('1') && phone.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(phone) } else { Err(Refusal::wrong("phone", "应为11位手机号")) }
}

fn matches(org: &Org, (name, text): &(&str, String)) -> bool {
    match *name {
        "provinceCode" => org.province_code == *text,
        "cityCode" => org.city_code == *text,
        "areaCode" => org.area_code == *text,
        "orgCode" => org.org_code == *text,
        _ => org.org_name.contains(text.as_str()),
    }
}
