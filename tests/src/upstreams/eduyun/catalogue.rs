//! The applications and organisations that the simulated 体系 lists: generated, the same for the same seed, and of no
//! real place. Pages are slices of one order that never changes.

use serde::Serialize;

use super::super::random::Random;

/// Code of the first organisation.
pub const DEMO_ORG_CODE: &str = "99000000001";

/// An application as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// 32 hexadecimal digits.
    pub app_id: String,
    /// Name.
    pub app_name: String,
    /// URL of its picture.
    pub app_image: String,
    /// Identities it is for, joined with commas.
    pub person_scope: String,
    /// `1` when it is pushed into the user's space.
    pub into_space: String,
    /// Code of the dictionary.
    pub app_classification: String,
}

/// An organisation as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Org {
    /// 32 hexadecimal digits.
    pub org_id: String,
    /// Name.
    pub org_name: String,
    /// National code.
    pub org_code: String,
    /// `1` institution, `2` school.
    pub org_type: String,
    /// Six digits.
    pub province_code: String,
    /// Six digits.
    pub city_code: String,
    /// Six digits.
    pub area_code: String,
}

/// So many applications.
pub(super) fn apps(count: usize, seed: u64) -> Vec<App> {
    let mut random = Random::new(seed ^ 0xa995);
    let app = |n| App {
        app_id: random.hex128(),
        app_name: format!("样本应用{n}"),
        app_image: format!("http://app.example.invalid/{n}.jpg"),
        person_scope: if n % 2 == 1 { "0,1,2,3".to_owned() } else { "1,3".to_owned() },
        into_space: "1".to_owned(),
        app_classification: format!("app_classify_{:02}", n % 5 + 1),
    };
    (1..=count).map(app).collect()
}

/// So many organisations: one institution in ten, spread over nine cities of nine areas each.
pub(super) fn orgs(count: usize, seed: u64) -> Vec<Org> {
    let mut random = Random::new(seed ^ 0x0265);
    let org = |n: usize| {
        let (city, area) = ((n - 1) % 9 + 1, (n - 1) / 9 % 9 + 1);
        let institution = n.is_multiple_of(10);
        Org {
            org_id: random.hex128(),
            org_name: if institution { format!("样本第{n}教研室") } else { format!("样本第{n}中学") },
            org_code: format!("99{n:09}"),
            org_type: if institution { "1" } else { "2" }.to_owned(),
            province_code: "990000".to_owned(),
            city_code: format!("99{city:02}00"),
            area_code: format!("99{city:02}{area:02}"),
        }
    };
    (1..=count).map(org).collect()
}

/// One page, from 1; empty past the end.
pub(super) fn page<'a, T>(all: &[&'a T], number: usize, size: usize) -> Vec<&'a T> {
    all.iter().skip(number.saturating_sub(1).saturating_mul(size)).take(size).copied().collect()
}
