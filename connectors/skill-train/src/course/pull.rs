//! The hook `course-pull` (1.14): one page of the catalogue, from the platform or from the link's store.

use duijie_sdk::{Failure, HookRequest, HookResponse, Link, forward, json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Course, check, store, wire};
use crate::{
    config::{Config, PullSource},
    hook::{self, Refused},
    model::set,
    operation::Operation,
    session,
};

/// Courses of a page when the upstream does not say it with a number, and at the most.
const PAGE_SIZE: u64 = 20;
const PAGE_SIZE_MAX: u64 = 100;

/// What the platform is asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    page_no: u64,
    page_size: u64,
}

/// What the platform answers.
#[derive(Deserialize)]
struct Catalogue {
    courses: Vec<Course>,
    total: u64,
}

/// 1.14: answers one page.
///
/// # Errors
/// As [`hook::answer`].
pub fn pull(link: &Link<Config>, request: HookRequest) -> Result<HookResponse, Failure> {
    hook::answer(link, &request, &|data| {
        // The document's own example sends UUIDs for both.
        let number = |name: &str| data.get(name).and_then(json::integer).and_then(|n| u64::try_from(n).ok());
        let page = Page {
            page_no: number("pageNo").filter(|&n| n > 0).unwrap_or(1),
            page_size: number("pageSize").filter(|&n| n > 0).unwrap_or(PAGE_SIZE).min(PAGE_SIZE_MAX),
        };
        answer(link, &page)
    })
}

fn answer(link: &Link<Config>, page: &Page) -> Result<Value, Refused> {
    let config = link.config();
    let (courses, total) = match config.pull.source {
        PullSource::Store => store::page(page.page_no, page.page_size)?,
        PullSource::Forward => {
            let catalogue: Catalogue = forward::ask("course.pull", None, page).map_err(Failure::from)?;
            check(&catalogue.courses)?;
            let as_text = config.writes_text(Operation::CoursePush, true);
            (catalogue.courses.iter().map(|course| wire::course(course, as_text)).collect(), catalogue.total)
        }
    };
    let code = session::current(link)?.code;
    let courses: Vec<_> = courses.into_iter().map(|course| wire::with_platform(course, &code)).collect();
    let mut reply = json!({
        "pageNo": page.page_no,
        "pageSize": page.page_size,
        "totalPage": total.div_ceil(page.page_size),
        "data": courses,
    });
    let copy = config.pull.also_return_data.then(|| reply.clone());
    set(&mut reply, "returnCode", "0");
    set(&mut reply, "returnMsg", "success");
    if let Some(copy) = copy {
        set(&mut reply, "returnData", copy);
    }
    Ok(reply)
}
