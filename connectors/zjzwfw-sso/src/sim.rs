//! The built-in mapping of `user.sync-out`. Its names are our invention, because the document's table is lost: they are
//! sent to simulators and to nobody else. A simulator wants every name there; what a platform does not know is empty.

use std::collections::BTreeMap;

use duijie_sdk::mapping::{self, Field, Mapping, Unknown, Violation, Wire};
use serde_json::Value;

/// A person as our simulator takes one.
///
/// # Errors
/// Every violation.
pub(crate) fn person(record: &Value) -> Result<Wire, Vec<Violation>> {
    let mapping = user_sync();
    let mut record = record.clone();
    if let Value::Object(members) = &mut record {
        for name in mapping.fields.iter().filter_map(|field| field.from.as_deref()) {
            let member = members.entry(name).or_insert(Value::Null);
            if member.is_null() {
                *member = "".into();
            }
        }
    }
    mapping::map(&mapping, &record)
}

fn user_sync() -> Mapping {
    let named = |values: [(&str, &str); 2]| -> Option<BTreeMap<String, Value>> {
        Some(values.into_iter().map(|(ours, theirs)| (ours.to_owned(), theirs.into())).collect())
    };
    let fields = vec![
        Field {
            required: true,
            values: named([("add", "add"), ("modify", "modify")]),
            ..field("opttype", "operation", 16)
        },
        field("userid", "userId", 128),
        Field { required: true, ..field("loginname", "loginName", 64) },
        Field { required: true, ..field("username", "userName", 64) },
        Field { required: true, ..field("orgcoding", "orgCoding", 64) },
        field("idnum", "idNumber", 18),
        field("mobile", "mobile", 11),
        field("sex", "sex", 8),
        Field { required: true, values: named([("true", "1"), ("false", "0")]), ..field("useable", "enabled", 8) },
    ];
    Mapping { fields, unknown: Unknown::Refuse }
}

fn field(to: &str, from: &str, max_length: usize) -> Field {
    Field { to: to.to_owned(), from: Some(from.to_owned()), max_length: Some(max_length), ..Field::default() }
}
