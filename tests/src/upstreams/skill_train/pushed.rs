//! The last version of everything that was pushed as a record: courses, classes, teachers, students, photos,
//! recordings. In clear and in memory only. Never holds the photo of a face check.
//! Bounds: one million records.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use super::super::ledger::key_hash;
use super::{Refusal, codes};

const RECORDS_MAX: usize = 1_000_000;

/// One record as last accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Pushed {
    /// The record as it came.
    pub record: Value,
    /// How often it was accepted.
    pub times: u64,
}

/// One record without its contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PushedSummary {
    /// How it came.
    pub operation: &'static str,
    /// First 16 hexadecimal digits of the SHA-256 of its key.
    pub key_hash: String,
    /// How often it was accepted.
    pub times: u64,
}

/// Records by operation and key.
#[derive(Debug, Default)]
pub(super) struct Records {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_operation: BTreeMap<&'static str, BTreeMap<String, Pushed>>,
    count: usize,
}

impl Records {
    /// Stores a version; which one it is, from 1.
    pub(super) fn put(&self, operation: &'static str, key: &str, record: &Value) -> Result<u64, Refusal> {
        let mut inner = self.inner.lock();
        let Inner { by_operation, count } = &mut *inner;
        let records = by_operation.entry(operation).or_default();
        if let Some(pushed) = records.get_mut(key) {
            pushed.record.clone_from(record);
            pushed.times += 1;
            return Ok(pushed.times);
        }
        if *count >= RECORDS_MAX {
            return Err(Refusal::new(codes::STORE_FULL, "模拟器存储已满"));
        }
        *count += 1;
        records.insert(key.to_owned(), Pushed { record: record.clone(), times: 1 });
        Ok(1)
    }

    pub(super) fn remove(&self, operation: &str, key: &str) {
        let mut inner = self.inner.lock();
        let removed = inner.by_operation.get_mut(operation).and_then(|records| records.remove(key));
        inner.count -= usize::from(removed.is_some());
    }

    pub(super) fn get(&self, operation: &str, key: &str) -> Option<Pushed> {
        self.inner.lock().by_operation.get(operation)?.get(key).cloned()
    }

    /// By operation and key.
    pub(super) fn list(&self) -> Vec<PushedSummary> {
        let inner = self.inner.lock();
        let mut list = Vec::with_capacity(inner.count);
        for (operation, records) in &inner.by_operation {
            list.extend(records.iter().map(|(key, pushed)| PushedSummary {
                operation,
                key_hash: key_hash(key),
                times: pushed.times,
            }));
        }
        list
    }

    pub(super) fn clear(&self) {
        *self.inner.lock() = Inner::default();
    }
}
