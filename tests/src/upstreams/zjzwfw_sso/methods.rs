//! What the methods do, for a caller whose signature holds. Answers are members beside `result` and `errmsg`.

use serde_json::{Map, Value, json};

use super::super::ledger::{Ledger, key_hash};
use super::super::profile::Mode;
use super::directory::User;
use super::request::{Call, Datatype};
use super::{Refusal, ZjzwfwSso, codes, later, xml};

/// The methods there are.
pub(super) const METHODS: [&str; 6] =
    ["ticketValidation", "getUserInfo", "idValidation", "generateST", "synchronizeUser", "getUserInfoById"];
/// Ends every token.
const TOKEN_TAIL: &str = "-commonToken";
/// Fields of `args`; their names are invented here.
const ARGS: [&str; 9] =
    ["opttype", "userid", "loginname", "username", "orgcoding", "idnum", "mobile", "sex", "useable"];
/// Those of them that may not be empty.
const ARGS_FILLED: [&str; 5] = ["opttype", "loginname", "username", "orgcoding", "useable"];

/// The members of an answer, and the hash of the user it is about.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) members: Map<String, Value>,
    pub(super) key_hash: Option<String>,
}

/// A call whose signature holds.
pub(super) struct Signed<'a> {
    pub(super) servicecode: &'a str,
    pub(super) call: &'a Call,
    pub(super) datatype: Datatype,
    pub(super) now_ms: i64,
}

impl ZjzwfwSso {
    pub(super) fn run(&self, method: &str, signed: &Signed<'_>, ledger: &Ledger) -> Result<Answer, Refusal> {
        match method {
            "ticketValidation" => {
                let user = self.directory.redeem(signed.call.required("st")?, signed.servicecode, signed.now_ms);
                self.enter(&user.ok_or_else(|| Refusal::new(codes::TICKET, "票据无效"))?, signed, ledger)
            }
            "idValidation" => self.enter(&self.by_password(signed.call)?, signed, ledger),
            "getUserInfo" => Ok(details(&self.by_token(signed, ledger)?)),
            "generateST" => self.chain(signed, ledger),
            "synchronizeUser" => self.synchronize(signed, ledger),
            "getUserInfoById" => {
                let pushed = self.directory.pushed(signed.servicecode, signed.call.required("userid")?);
                let pushed = pushed.ok_or_else(|| Refusal::new(codes::USER, "用户不存在"))?;
                Ok(Answer { key_hash: Some(key_hash(&pushed.userid)), members: pushed.args })
            }
            _ => {
                let canned = self.canned.lock().get(method).cloned();
                let members = canned.ok_or_else(|| Refusal::new(codes::METHOD, "method 不存在"))?;
                Ok(Answer { members, key_hash: None })
            }
        }
    }

    /// A token for the user, and who that is.
    fn enter(&self, user: &User, signed: &Signed<'_>, ledger: &Ledger) -> Result<Answer, Refusal> {
        let holder = format!("{}\n{}", signed.servicecode, user.userid);
        let token = self.tokens.issue(&holder, self.settings.token_ttl, signed.now_ms);
        ledger.count(|counters| counters.tokens_issued += 1);
        let members = json!({
            "token": format!("{token}{TOKEN_TAIL}"),
            "userid": user.userid,
            "loginname": user.loginname,
            "username": user.username,
            "orgcoding": user.orgcoding,
        });
        Ok(answer(members, &user.userid))
    }

    fn by_password(&self, call: &Call) -> Result<User, Refusal> {
        let (loginname, orgcoding) = (call.required("loginname")?, call.required("orgcoding")?);
        let (encryption, password) = (call.required("encryptiontype")?, call.required("password")?);
        // 1 is the password in clear, the only kind ever seen.
        if encryption != "1" {
            return Err(Refusal::new(codes::PASSWORD, "密码认证失败"));
        }
        let user = self.directory.named(loginname, orgcoding).filter(|user| user.password == password);
        user.ok_or_else(|| Refusal::new(codes::PASSWORD, "密码认证失败"))
    }

    /// The user of a token, if it is in force and this resource's.
    fn by_token(&self, signed: &Signed<'_>, ledger: &Ledger) -> Result<User, Refusal> {
        let token = signed.call.required("token")?;
        let holder = token.strip_suffix(TOKEN_TAIL).and_then(|token| self.tokens.check(token, signed.now_ms).ok());
        let user = holder.as_deref().and_then(|holder| match holder.split_once('\n') {
            Some((servicecode, userid)) if servicecode == signed.servicecode => self.directory.user(userid),
            _ => None,
        });
        user.ok_or_else(|| {
            ledger.count(|counters| counters.token_rejections += 1);
            Refusal::new(codes::TOKEN, "令牌无效")
        })
    }

    /// A ticket for another resource.
    fn chain(&self, signed: &Signed<'_>, ledger: &Ledger) -> Result<Answer, Refusal> {
        let target = signed.call.required("proxyapp")?;
        let user = self.by_token(signed, ledger)?;
        if !self.settings.services.contains_key(target) {
            return Err(Refusal::new(codes::PROXY, "proxyapp 不存在"));
        }
        let expires_ms = later(signed.now_ms, self.settings.ticket_ttl);
        let ticket = self.directory.issue(target, &user.userid, signed.now_ms, expires_ms);
        // The name of this member is not known from outside.
        let name = if self.settings.mode == Mode::Strict { "st" } else { "ticket" };
        Ok(answer(json!({name: ticket}), &user.userid))
    }

    fn synchronize(&self, signed: &Signed<'_>, ledger: &Ledger) -> Result<Answer, Refusal> {
        let pushed = self.args(signed).and_then(|args| self.directory.push(signed.servicecode, args));
        ledger.count(|counters| match &pushed {
            Ok((_, version)) => {
                counters.records_accepted += 1;
                counters.overwrites += u64::from(*version > 1);
            }
            Err(_) => counters.records_rejected += 1,
        });
        let (userid, _) = pushed?;
        Ok(answer(json!({"userid": userid}), &userid))
    }

    /// `args`, written in the datatype of the call.
    fn args(&self, signed: &Signed<'_>) -> Result<Map<String, Value>, Refusal> {
        let wrong = |rule: &str| Refusal::new(codes::ARGS, format!("参数 args {rule}"));
        let text = signed.call.required("args")?;
        let mut args: Map<String, Value> = match signed.datatype {
            Datatype::Json => serde_json::from_str(text).map_err(|_| wrong("不是 JSON 对象"))?,
            Datatype::Xml => {
                let root = xml::read(text).filter(|root| root.name == "SSO").ok_or_else(|| wrong("不是 SSO 文档"))?;
                root.children.into_iter().map(|child| (child.name, child.text.into())).collect()
            }
        };
        if self.settings.mode == Mode::Quirky {
            args.values_mut().filter(|value| value.is_number()).for_each(|value| *value = value.to_string().into());
        } else if ARGS.iter().any(|name| !args.contains_key(*name)) || args.len() != ARGS.len() {
            return Err(wrong("字段不全或多余"));
        }
        for (name, value) in &args {
            // Names that are not known are the caller's text and are not repeated.
            let shown = ARGS.iter().find(|known| *known == name).unwrap_or(&"?");
            let Some(text) = value.as_str() else { return Err(wrong(&format!("字段 {shown} 应为字符串"))) };
            if text.chars().count() > 256 {
                return Err(wrong(&format!("字段 {shown} 过长")));
            }
        }
        let field = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or_default();
        let filled: &[&str] = if self.settings.mode == Mode::Strict { &ARGS_FILLED } else { &["loginname"] };
        if let Some(name) = filled.iter().find(|name| field(name).is_empty()) {
            return Err(wrong(&format!("字段 {name} 为空")));
        }
        if self.settings.mode == Mode::Strict && !matches!(field("opttype"), "add" | "modify") {
            return Err(wrong("字段 opttype 应为 add 或 modify"));
        }
        if self.settings.mode == Mode::Strict && !matches!(field("useable"), "0" | "1") {
            return Err(wrong("字段 useable 应为 0 或 1"));
        }
        Ok(args)
    }
}

fn details(user: &User) -> Answer {
    let members = json!({
        "userid": user.userid,
        "username": user.username,
        "loginname": user.loginname,
        "idtype": "1",
        "idnum": user.idnum,
        "mobile": user.mobile,
        "orgcoding": user.orgcoding,
        // Members that are known to exist but not what they mean.
        "authlevel": "3",
        "sex": "1",
    });
    answer(members, &user.userid)
}

fn answer(members: Value, userid: &str) -> Answer {
    let members = match members {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    Answer { members, key_hash: Some(key_hash(userid)) }
}
