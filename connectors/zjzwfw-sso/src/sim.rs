//! The built-in mapping of `user.sync-out`. Its names are our invention, because the document's table is lost: they are
//! sent to simulators and to nobody else.

use std::collections::BTreeMap;

use duijie_sdk::mapping::{Field, Mapping, Unknown};
use serde_json::Value;

/// A person as our simulator takes one.
pub(crate) fn user_sync() -> Mapping {
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
        Field { values: named([("true", "1"), ("false", "0")]), ..field("useable", "enabled", 8) },
    ];
    Mapping { fields, unknown: Unknown::Refuse }
}

fn field(to: &str, from: &str, max_length: usize) -> Field {
    Field { to: to.to_owned(), from: Some(from.to_owned()), max_length: Some(max_length), ..Field::default() }
}
