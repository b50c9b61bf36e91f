//! What learners did: for each learner and resource the sum of `progressTime`, the last `playTime`, and whether
//! start, progress and end came in order. Never keeps single reports, so a day of load fits.
//! Bounds: one million pairs of learner and resource.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use serde::Serialize;

use super::fields::Read;
use super::{Refusal, codes};

const STUDIES_MAX: usize = 1_000_000;

/// One learner at one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Study {
    /// The learner.
    pub student_user_code: String,
    /// The resource.
    pub res_code: String,
    /// The class, as last reported.
    pub class_code: String,
    /// The course, as last reported; empty before a start or a report.
    pub course_code: String,
    /// The section, as last reported; empty when never given.
    pub section_code: String,
    /// Accepted 1.3.
    pub starts: u64,
    /// Accepted 1.10.
    pub reports: u64,
    /// Accepted 1.4.
    pub ends: u64,
    /// Sum of `progressTime`, in seconds.
    pub progress_s: u64,
    /// The last `playTime`, in seconds.
    pub play_s: u64,
    /// Reports and ends that came without a start before them, or after the end.
    pub out_of_order: u64,
    /// Between a start and its end.
    pub open: bool,
}

/// What a learner did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Start,
    Progress,
    End,
}

/// Studies by learner and resource.
#[derive(Debug, Default)]
pub(super) struct Studies {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_student: HashMap<String, BTreeMap<String, Study>>,
    count: usize,
    progress_s: u64,
}

impl Studies {
    /// Takes one step; with `in_order`, refuses one that has no start before it.
    pub(super) fn take(&self, step: Step, read: &Read, in_order: bool) -> Result<(), Refusal> {
        let (student, resource) = (read.text("studentUserCode"), read.text("resCode"));
        let mut inner = self.inner.lock();
        let Inner { by_student, count, progress_s } = &mut *inner;
        let known = by_student.get_mut(student).and_then(|resources| resources.get_mut(resource));
        let out_of_order = step != Step::Start && !known.as_ref().is_some_and(|study| study.open);
        if out_of_order && in_order {
            return Err(Refusal::new(codes::ORDER, "尚未开始学习或已结束"));
        }
        let study = match known {
            Some(study) => study,
            None if *count >= STUDIES_MAX => return Err(Refusal::new(codes::STORE_FULL, "模拟器存储已满")),
            None => {
                *count += 1;
                let resources = by_student.entry(student.to_owned()).or_default();
                resources.entry(resource.to_owned()).or_insert_with(|| Study {
                    student_user_code: student.to_owned(),
                    res_code: resource.to_owned(),
                    ..Study::default()
                })
            }
        };
        study.out_of_order += u64::from(out_of_order);
        replace(&mut study.class_code, read.text("classCode"));
        replace(&mut study.course_code, read.text("courseCode"));
        replace(&mut study.section_code, read.text("sectionCode"));
        match step {
            Step::Start => {
                study.starts += 1;
                study.open = true;
            }
            Step::Progress => {
                let increment_s = read.number("progressTime");
                study.reports += 1;
                study.progress_s = study.progress_s.saturating_add(increment_s);
                study.play_s = read.number("playTime");
                *progress_s = progress_s.saturating_add(increment_s);
            }
            Step::End => {
                study.ends += 1;
                study.open = false;
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, student: &str, resource: &str) -> Option<Study> {
        self.inner.lock().by_student.get(student)?.get(resource).cloned()
    }

    /// By learner and resource, those that `wanted` holds for.
    pub(super) fn list(&self, wanted: impl Fn(&Study) -> bool) -> Vec<Study> {
        let inner = self.inner.lock();
        let mut list: Vec<Study> =
            inner.by_student.values().flat_map(BTreeMap::values).filter(|s| wanted(s)).cloned().collect();
        drop(inner);
        list.sort_by(|a, b| (&a.student_user_code, &a.res_code).cmp(&(&b.student_user_code, &b.res_code)));
        list
    }

    /// Sum of every `progressTime` accepted, in seconds.
    pub(super) fn progress_s(&self) -> u64 {
        self.inner.lock().progress_s
    }

    pub(super) fn clear(&self) {
        *self.inner.lock() = Inner::default();
    }
}

/// Keeps the last value that was given.
fn replace(kept: &mut String, given: &str) {
    if !given.is_empty() && kept != given {
        given.clone_into(kept);
    }
}
