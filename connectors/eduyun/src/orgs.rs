//! Organisations: schools and institutions by region, code or name.

use duijie_sdk::{Failure, Link, fields::Fields, input::Violations, paging::Page};
use serde::Serialize;

use crate::{
    config::Config,
    gateway, lists,
    model::{Org, OrgQuery},
};

/// The body; what is not asked for is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    province_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_name: Option<String>,
    page_no: u32,
    page_size: u32,
}

/// `org.list`.
///
/// # Errors
/// `invalid-input` for a page out of bounds or a code that is none; the gateway's.
pub fn list(link: &Link<Config>, query: OrgQuery) -> Result<Page<Org>, Failure> {
    let page = query.page;
    let mut wrong = Violations::default();
    let regions =
        [("/provinceCode", &query.province_code), ("/cityCode", &query.city_code), ("/areaCode", &query.area_code)];
    for (pointer, code) in regions {
        let is_code = |code: &String| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
        wrong.unless(code.as_ref().is_none_or(is_code), pointer, "must be 6 digits");
    }
    lists::check(page, wrong)?;
    let body = Body {
        province_code: query.province_code,
        city_code: query.city_code,
        area_code: query.area_code,
        org_code: query.org_code,
        org_name: query.org_name,
        page_no: page.page,
        page_size: page.size,
    };
    lists::page(&gateway::post(link.config(), "/baseInfo/getOrgList", &body)?, page, org)
}

fn org(fields: Fields<'_>) -> Result<Org, Failure> {
    Ok(Org {
        org_id: fields.required("orgId")?,
        org_name: fields.required("orgName")?,
        org_code: fields.required("orgCode")?,
        org_type: fields.text(&["orgType"]),
        province_code: fields.text(&["provinceCode"]),
        city_code: fields.text(&["cityCode"]),
        area_code: fields.text(&["areaCode"]),
    })
}
