//! The simulator profile: field names of our own invention, in use until the province's are installed. That it never
//! reaches a real host is held by `config`.

use std::collections::BTreeMap;

use duijie_sdk::mapping::{Field, Kind, Mapping, Unknown};

use crate::model::Endpoint;

/// The built-in mapping of a list.
pub(crate) fn mapping(endpoint: Endpoint) -> Mapping {
    let (students_min, students_max) = match endpoint {
        Endpoint::One | Endpoint::Patriarch => (1, 1),
        Endpoint::Multi => (2, 200),
    };
    let mut fields = vec![
        required("recordId", 64),
        required("schoolCode", 64),
        required("teacherNo", 64),
        required("teacherName", 64),
    ];
    fields.push(Field {
        kind: Kind::List,
        min_length: Some(students_min),
        fields: vec![required("studentNo", 64), required("studentName", 64)],
        ..required("students", students_max)
    });
    if endpoint == Endpoint::Patriarch {
        fields.extend([required("parentName", 64), required("parentRelation", 64), required("parentPhone", 32)]);
    }
    fields.extend([
        Field { to: "talkTime".to_owned(), required: true, kind: Kind::Date, ..Field::default() },
        optional("talkPlace", 200),
        optional("talkType", 200),
        optional("talkTopic", 200),
        required("content", 5000),
        Field {
            kind: Kind::Integer,
            values: Some(BTreeMap::from([0, 1, 2].map(|level| (level.to_string(), level.into())))),
            ..Field { to: "attention".to_owned(), ..Field::default() }
        },
    ]);
    Mapping { fields, unknown: Unknown::Refuse }
}

fn optional(name: &str, length_max: usize) -> Field {
    Field { to: name.to_owned(), max_length: Some(length_max), ..Field::default() }
}

fn required(name: &str, length_max: usize) -> Field {
    Field { required: true, ..optional(name, length_max) }
}

#[cfg(test)]
mod tests;
