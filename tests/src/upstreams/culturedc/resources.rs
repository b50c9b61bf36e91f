//! C2, C5 and C6: resources with their states. A resource that is published can be neither changed nor deleted.
//! Bounds: one million resources.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Refusal, codes};

const RESOURCES_MAX: usize = 1_000_000;

/// Where a resource stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Waits for its review.
    Submitted,
    /// Passed it.
    Published,
    /// Did not; may be pushed again.
    Rejected,
}

/// One resource as last accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// The institution's key of it.
    pub ext_id: String,
    /// The upstream's own.
    pub id: String,
    /// Its category.
    #[serde(rename = "type")]
    pub category: String,
    /// Where it stands.
    pub state: State,
    /// What the reviewer wrote; empty before a review.
    pub review_note: String,
    /// How often it was accepted.
    pub versions: u64,
    /// The item as it came.
    pub item: Value,
}

impl Resource {
    /// C5's answer.
    pub(super) fn status(&self) -> Value {
        let Self { ext_id, id, state, review_note, .. } = self;
        json!({"extId": ext_id, "id": id, "state": state, "reviewNote": review_note})
    }
}

/// Resources by access key and extId: two institutions may use the same ids.
#[derive(Debug, Default)]
pub(super) struct Resources {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_key: BTreeMap<String, BTreeMap<String, Resource>>,
    count: usize,
    issued: u64,
}

impl Resources {
    /// Stores an item; the resource as it is now.
    pub(super) fn put(
        &self,
        access_key: &str,
        category: &str,
        ext_id: &str,
        item: &Value,
    ) -> Result<Resource, Refusal> {
        let mut inner = self.inner.lock();
        let Inner { by_key, count, issued } = &mut *inner;
        let of_key = by_key.entry(access_key.to_owned()).or_default();
        let resource = match of_key.get_mut(ext_id) {
            Some(known) if known.state == State::Published => return Err(published()),
            Some(known) => known,
            None if *count >= RESOURCES_MAX => return Err(Refusal::new(codes::ERROR, "模拟器存储已满")),
            None => {
                *count += 1;
                *issued += 1;
                of_key.entry(ext_id.to_owned()).or_insert_with(|| Resource {
                    ext_id: ext_id.to_owned(),
                    id: format!("R{issued:08}"),
                    category: String::new(),
                    state: State::Submitted,
                    review_note: String::new(),
                    versions: 0,
                    item: Value::Null,
                })
            }
        };
        category.clone_into(&mut resource.category);
        resource.state = State::Submitted;
        resource.review_note.clear();
        resource.versions += 1;
        resource.item.clone_from(item);
        Ok(resource.clone())
    }

    pub(super) fn delete(&self, access_key: &str, ext_id: &str) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        let of_key = inner.by_key.get_mut(access_key).ok_or_else(unknown)?;
        match of_key.get(ext_id).ok_or_else(unknown)?.state {
            State::Published => return Err(published()),
            State::Submitted | State::Rejected => drop(of_key.remove(ext_id)),
        }
        inner.count -= 1;
        Ok(())
    }

    /// The resource of this key; without one, of the first key in order that has it.
    pub(super) fn get(&self, access_key: Option<&str>, ext_id: &str) -> Result<Resource, Refusal> {
        let inner = self.inner.lock();
        let found = match access_key {
            Some(access_key) => inner.by_key.get(access_key).and_then(|of_key| of_key.get(ext_id)),
            None => inner.by_key.values().find_map(|of_key| of_key.get(ext_id)),
        };
        found.cloned().ok_or_else(unknown)
    }

    /// Decides the review of a resource, whoever pushed it; says how many there were.
    pub(super) fn review(&self, ext_id: &str, state: State, note: &str) -> usize {
        let mut inner = self.inner.lock();
        let reviewed = inner.by_key.values_mut().filter_map(|of_key| of_key.get_mut(ext_id));
        reviewed
            .map(|resource| {
                resource.state = state;
                note.clone_into(&mut resource.review_note);
            })
            .count()
    }

    /// By access key and extId.
    pub(super) fn list(&self) -> Vec<Resource> {
        self.inner.lock().by_key.values().flat_map(BTreeMap::values).cloned().collect()
    }

    pub(super) fn clear(&self) {
        *self.inner.lock() = Inner::default();
    }
}

fn published() -> Refusal {
    Refusal::new(codes::PUBLISHED, "资源已发布，不可修改或删除")
}

fn unknown() -> Refusal {
    Refusal::parameter("extId 无此资源")
}
