//! The aamif service: tickets of the older kind, in an envelope of their own. Shares sessions and tickets with the
//! gateway, and spells the session's name in lower case.

use serde_json::{Value, json};

use super::super::profile::{Received, Reply};
use super::gateway::about;
use super::operation::Operation;
use super::people::Person;
use super::request::Body;
use super::{Eduyun, Refusal, codes, later};

impl Eduyun {
    pub(super) fn aamif_create(&self, body: &Body, received: &Received) -> Result<Reply, Refusal> {
        body.only(&["usessionid"])?;
        let session_id = body.text("usessionid")?;
        let person = self.people.of_session(&session_id, received.now_ms);
        let person = person.ok_or_else(|| Refusal::new(codes::SESSION_AAMIF, "usessionid verify fail"))?;
        let ticket = self.tickets.issue(&session_id, received.now_ms, later(received.now_ms, self.settings.ticket_ttl));
        Ok(about(&person, self.style().flat(Operation::AamifCreate, json!({"ticket": ticket}))))
    }

    pub(super) fn aamif_validate(
        &self,
        operation: Operation,
        body: &Body,
        received: &Received,
    ) -> Result<Reply, Refusal> {
        if operation == Operation::AamifValidateCentral {
            body.only(&["ticket", "platformcode"])?;
            // The document's own example sends an empty one, though the member must be there.
            body.optional("platformcode")?.ok_or_else(|| Refusal::empty("platformcode"))?;
        } else {
            body.only(&["ticket"])?;
        }
        let (session_id, person) = self
            .redeem(&body.text("ticket")?, received.now_ms)
            .ok_or_else(|| Refusal::new(codes::FAILED, "ticket verify fail"))?;
        let user = self.user(&person);
        let members = json!({
            "usessionid": session_id,
            // Declared as an array, seen as an object.
            "userinfo": self.style().either(user.clone(), json!([user])),
        });
        Ok(about(&person, self.style().flat(operation, members)))
    }

    /// Uses a ticket up: the session it was for, and whose that is.
    pub(super) fn redeem(&self, ticket: &str, now_ms: i64) -> Option<(String, Person)> {
        let session_id = self.tickets.redeem(ticket, now_ms)?;
        let person = self.people.of_session(&session_id, now_ms)?;
        Some((session_id, person))
    }

    fn user(&self, person: &Person) -> Value {
        // The list of types ends with the parents; staff are counted as teachers.
        let usertype = if matches!(person.identity.as_str(), "0" | "2") { person.identity.as_str() } else { "1" };
        json!({
            "personid": person.user_id,
            "account": person.account,
            "name": person.name,
            "birthday": "",
            "usertype": usertype,
            "regiTime": "2017-02-16 17:12:57.0",
            "comefrom": "0",
            // Declared as text, seen as a number.
            "fnascount": self.style().either(json!(0), json!("0")),
            "isleader": self.style().either(json!("0"), json!(0)),
            "isfamousteacher": "0",
            "userlogolist": [],
        })
    }
}
