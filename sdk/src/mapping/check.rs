//! Is a mapping fit for use? For `check` of a link, so that a slip is found before the first record. Pure.

use super::{Field, Kind, Mapping, Violation, is_within};
use crate::time;

/// 2024-03-01 14:30:00 China time: any moment will do to try a pattern.
const SAMPLE_MS: u64 = 1_709_274_600_000;

/// What is wrong with a mapping, with pointers into it.
pub fn problems(mapping: &Mapping) -> Vec<Violation> {
    let mut found = Vec::new();
    fields(&mapping.fields, "/fields", &mut found);
    if mapping.fields.is_empty() {
        found.push(("/fields".to_owned(), "has no field".to_owned()));
    }
    found
}

impl Mapping {
    /// Does a field send this member of the platform's record, or something in it?
    pub fn sends(&self, member: &str) -> bool {
        let pointer = format!("/{}", super::escape(member));
        self.fields.iter().any(|field| field.constant.is_none() && is_within(&field.source(), &pointer))
    }
}

fn fields(fields: &[Field], at: &str, found: &mut Vec<Violation>) {
    for (index, field) in fields.iter().enumerate() {
        let mut report = |message: &str| found.push((format!("{at}/{index}"), message.to_owned()));
        if field.to.is_empty() {
            report("to is empty");
        }
        if fields.iter().take(index).any(|earlier| earlier.to == field.to) {
            report("another field has the same name at the upstream");
        }
        if field.constant.is_some() && (field.from.is_some() || field.values.is_some() || !field.fields.is_empty()) {
            report("a constant has no from, values or fields");
        }
        if !field.fields.is_empty() && !matches!(field.kind, Kind::Object | Kind::List) {
            report("only the types object and list have fields");
        }
        if field.min_length.zip(field.max_length).is_some_and(|(min, max)| min > max) {
            report("min_length is over max_length");
        }
        if (field.date_to.is_some() || !field.date_from.is_empty()) && field.kind != Kind::Date {
            report("only the type date has date_from and date_to");
        }
        let is_pattern = |pattern: &str| time::parse(&time::format(SAMPLE_MS, pattern), pattern).is_some();
        if !field.date_from().chain([field.date_to()]).all(|pattern| pattern.contains("yyyy") && is_pattern(pattern)) {
            report("a date pattern needs yyyy, and MM dd HH mm ss SSS as far as they matter");
        }
        self::fields(&field.fields, &format!("{at}/{index}/fields"), found);
    }
}
