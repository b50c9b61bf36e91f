//! One field after the other: find, convert, measure. Conversions are few and lossless: digits as text and as number,
//! one date pattern to another, a listed value to its name at the upstream.

use serde_json::Value;

use super::{Field, Kind, Violation, Wire};
use crate::{json, time};

/// The members that these fields make of an object at this place in the record.
pub(super) fn fields(
    fields: &[Field],
    source: &Value,
    at: &str,
    violations: &mut Vec<Violation>,
) -> Vec<(String, Wire)> {
    let mut members = Vec::with_capacity(fields.len());
    for field in fields {
        if let Some(constant) = &field.constant {
            members.push((field.to.clone(), Wire::Value(constant.clone())));
            continue;
        }
        let pointer = field.source();
        let place = format!("{at}{pointer}");
        match source.pointer(&pointer) {
            Some(value) if !is_missing(value) => {
                if let Some(wire) = field_value(field, value, &place, violations) {
                    members.push((field.to.clone(), wire));
                }
            }
            _ if field.required => violations.push((place, "is required".to_owned())),
            // An empty text is a value of its own; null and absence are not.
            Some(Value::String(_)) => members.push((field.to.clone(), Wire::Value("".into()))),
            _ => {}
        }
    }
    members
}

fn is_missing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

fn field_value(field: &Field, value: &Value, place: &str, violations: &mut Vec<Violation>) -> Option<Wire> {
    let violations_before = violations.len();
    let converted = match (&field.values, field.kind) {
        (Some(values), _) => {
            let name = json::text(value);
            name.and_then(|name| values.get(&name).cloned()).map(Wire::Value).ok_or_else(|| {
                let known: Vec<_> = values.keys().map(String::as_str).collect();
                format!("must be one of: {}", known.join(", "))
            })
        }
        (None, Kind::Object) if value.is_object() => Ok(if field.fields.is_empty() {
            Wire::Value(value.clone())
        } else {
            Wire::Object(fields(&field.fields, value, place, violations))
        }),
        (None, Kind::List) => list(field, value, place, violations),
        (None, kind) => scalar(field, kind, value).map(Wire::Value),
    };
    match converted.and_then(|wire| measured(field, &wire).map(|()| wire)) {
        Ok(wire) if violations.len() == violations_before => Some(wire),
        Ok(_) => None,
        Err(message) => {
            violations.push((place.to_owned(), message));
            None
        }
    }
}

fn list(field: &Field, value: &Value, place: &str, violations: &mut Vec<Violation>) -> Result<Wire, String> {
    let elements = value.as_array().ok_or("must be a list")?;
    if field.fields.is_empty() {
        return Ok(Wire::List(elements.iter().cloned().map(Wire::Value).collect()));
    }
    let mapped = elements.iter().enumerate().map(|(index, element)| {
        let place = format!("{place}/{index}");
        if !element.is_object() {
            violations.push((place.clone(), "must be an object".to_owned()));
        }
        Wire::Object(fields(&field.fields, element, &place, violations))
    });
    Ok(Wire::List(mapped.collect()))
}

fn scalar(field: &Field, kind: Kind, value: &Value) -> Result<Value, String> {
    match (kind, value) {
        (Kind::Any, _)
        | (Kind::String, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Number, Value::Number(_)) => Ok(value.clone()),
        (Kind::String, Value::Number(number)) if is_integer(value) => Ok(number.to_string().into()),
        (Kind::Integer, Value::Number(_)) if is_integer(value) => Ok(value.clone()),
        (Kind::Integer, Value::String(text)) => {
            text.parse::<i64>().map(Value::from).map_err(|_| "must be a whole number".to_owned())
        }
        (Kind::Date, Value::String(text)) => {
            let epoch_ms = field.date_from().find_map(|pattern| time::parse(text, pattern));
            let epoch_ms = epoch_ms.ok_or_else(|| {
                format!("must be a date that exists, written {}", field.date_from().collect::<Vec<_>>().join(" or "))
            })?;
            Ok(time::format(epoch_ms, field.date_to()).into())
        }
        (kind, _) => Err(format!("must be {}", name(kind))),
    }
}

/// Lengths are counted after the conversion: they are the upstream's.
fn measured(field: &Field, wire: &Wire) -> Result<(), String> {
    let (length, unit) = match wire {
        Wire::Value(Value::String(text)) => (text.chars().count(), "characters"),
        Wire::Value(Value::Array(elements)) => (elements.len(), "elements"),
        Wire::List(elements) => (elements.len(), "elements"),
        Wire::Value(_) | Wire::Object(_) => return Ok(()),
    };
    match (field.min_length, field.max_length) {
        (Some(min), _) if length < min => Err(format!("has {length} {unit}, fewer than {min}")),
        (_, Some(max)) if length > max => Err(format!("has {length} {unit}, more than {max}")),
        _ => Ok(()),
    }
}

fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64()
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "a text",
        Kind::Integer => "a whole number",
        Kind::Number => "a number",
        Kind::Boolean => "true or false",
        Kind::Date => "a date as text",
        Kind::Object => "an object",
        Kind::List => "a list",
        Kind::Any => "there",
    }
}
