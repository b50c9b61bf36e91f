//! The catalogue in the link's store, for links whose courses are pulled from here: one value a course, and an index of
//! them in the order in which they came. Bounds: 3000 courses, 1 MiB each, and the link's quota.

use duijie_sdk::{
    Failure, Link, blob,
    crypto::{self, Algorithm},
    encode, kv, typed,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Course, Courses, Status, check, wire};
use crate::{
    config::{Config, PullSource},
    model::Code,
    operation::{Operation, Part},
};

/// So many courses' hashes fit into the index.
const COURSES_MAX: usize = 3000;
const INDEX: &str = "courses";
/// Longer than filling takes; the call's deadline ends it earlier.
const HOLD_MS: u32 = 30_000;

/// What `course.store` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Stored {
    /// Courses that are new or replaced.
    pub stored: usize,
    /// Courses that are no more.
    pub removed: usize,
    /// Courses that can be pulled now.
    pub total: usize,
}

/// Keeps courses for the upstream to pull, replacing those of the same code; `courseStatus` "1" removes one.
///
/// # Errors
/// `config` when the link's courses come from elsewhere; `invalid-input` as `course.push`, or when there are too many;
/// the store's.
pub fn store(link: &Link<Config>, input: Courses) -> Result<Stored, Failure> {
    let config = link.config();
    Part::Learning.allowed_by(config)?;
    if config.pull.source != PullSource::Store {
        return Err(Failure::config("pull.source is not \"store\": nobody would pull these courses"));
    }
    check(&input.courses)?;
    let as_text = config.writes_text(Operation::CoursePush, true);
    let _lock = kv::lock(INDEX, HOLD_MS)?;
    let mut index = index()?;
    let put = put(input.courses, as_text, &mut index);
    // After a failure too: what was stored before it must be found, and what was removed must not.
    let noted = keep_index(&index);
    let (stored, removed) = put?;
    noted?;
    Ok(Stored { stored, removed, total: index.len() })
}

/// Puts courses into the store and their hashes into the index; how many were stored and removed.
fn put(courses: Vec<Course>, as_text: bool, index: &mut Vec<String>) -> Result<(usize, usize), Failure> {
    let (mut stored, mut removed) = (0, 0);
    for mut course in courses {
        let hash = hash_of(&course.course_code)?;
        let place = index.iter().position(|known| *known == hash);
        if course.course_status == Status::Delete {
            if let Some(place) = place {
                index.remove(place);
                removed += 1;
            }
            blob::delete(&key(&hash))?;
            continue;
        }
        if place.is_none() && index.len() >= COURSES_MAX {
            return Err(Failure::invalid_input(format!("the store takes {COURSES_MAX} courses and is full")));
        }
        // Whoever pulls has not seen it before.
        course.course_status = Status::Add;
        blob::set(&key(&hash), wire::course(&course, as_text).to_string().as_bytes(), None)?;
        if place.is_none() {
            index.push(hash);
        }
        stored += 1;
    }
    Ok((stored, removed))
}

/// One page of what is kept, counted from 1, and how many there are in all.
pub(super) fn page(number: u64, size: u64) -> Result<(Vec<Value>, u64), Failure> {
    let index = index()?;
    let skip = usize::try_from((number - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let take = usize::try_from(size).unwrap_or(usize::MAX);
    let mut courses = Vec::new();
    for hash in index.iter().skip(skip).take(take) {
        // One that has been removed since is left out.
        if let Some(course) = blob::get(&key(hash))? {
            courses.push(serde_json::from_slice(&course).map_err(|_| Failure::internal("a kept course is no JSON"))?);
        }
    }
    Ok((courses, index.len() as u64))
}

fn index() -> Result<Vec<String>, Failure> {
    let kept = blob::get(INDEX)?;
    Ok(kept.and_then(|kept| typed::parse(&kept).ok()).unwrap_or_default())
}

fn keep_index(index: &[String]) -> Result<(), Failure> {
    let text = serde_json::to_vec(index).map_err(|error| Failure::internal(error.to_string()))?;
    blob::set(INDEX, &text, None)
}

fn hash_of(code: &Code) -> Result<String, Failure> {
    let digest = crypto::hash(Algorithm::Sha256, code.as_str())?;
    Ok(encode::hex(digest.get(..8).unwrap_or(&digest)))
}

fn key(hash: &str) -> String {
    format!("course/{hash}")
}
