//! What goes in and out of the operations on resources, and the words they share. Names are the platform's; what the
//! upstream calls them is in the profile.

use duijie_sdk::{
    class::{ClassName, OutcomeName},
    json,
    table::Table,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What kind of resource it is: the two lists of the upstream's guide, merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// 文化资讯.
    News,
    /// 文化直播, 看直播.
    Live,
    /// 文化活动, 享活动.
    Activity,
    /// 文化场馆, 订场馆.
    Venue,
    /// 活动室预订.
    Room,
    /// 学才艺.
    Course,
    /// 书刊阅读, 读好书.
    Book,
    /// 赶大集.
    Market,
    /// 数字文化资源: 电子图书.
    Ebook,
    /// 数字文化资源: 音频.
    Audio,
    /// 数字文化资源: 视频.
    Video,
}

impl Category {
    /// Every category, with its name.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::News, "news"),
        (Self::Live, "live"),
        (Self::Activity, "activity"),
        (Self::Venue, "venue"),
        (Self::Room, "room"),
        (Self::Course, "course"),
        (Self::Book, "book"),
        (Self::Market, "market"),
        (Self::Ebook, "ebook"),
        (Self::Audio, "audio"),
        (Self::Video, "video"),
    ];

    /// The category of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(category, _)| *category)
    }

    /// Its name in config, input and output.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(category, _)| *category == self).map_or("", |(_, name)| name)
    }
}

/// Where a resource stands at the upstream: draft → submitted → published or rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not handed in yet.
    Draft,
    /// Handed in; people review it.
    Submitted,
    /// Published: from now on it can be neither changed nor deleted.
    Published,
    /// Sent back by the reviewers.
    Rejected,
    /// The upstream has a state that the profile does not know: see `upstreamState`.
    Other,
}

impl State {
    /// Is the review over?
    pub fn is_final(self) -> bool {
        matches!(self, Self::Published | Self::Rejected)
    }
}

/// One resource of the institution.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Resource {
    /// What kind of resource it is.
    pub category: Category,
    /// The platform's own id: pushing the same id again changes that resource as long as it is not published.
    #[schemars(length(min = 1, max = 64))]
    pub ext_id: String,
    /// Its title; the link's `limits.name` bounds it too.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// A few sentences about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000))]
    pub summary: Option<String>,
    /// http or https address of its picture; the link's `limits.url` bounds it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub cover: Option<String>,
    /// Its text, plain or HTML as the upstream takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50_000))]
    pub content: Option<String>,
    /// Where it is or takes place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub venue: Option<String>,
    /// When it begins: `yyyy-MM-dd HH:mm:ss`, China time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 19))]
    pub start_time: Option<String>,
    /// When it ends: `yyyy-MM-dd HH:mm:ss`, China time; not before it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 19))]
    pub end_time: Option<String>,
    /// Administrative region (GB/T 2260, 6 digits; 9 or 12 with street and community).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub region_code: Option<String>,
    /// http or https address of its page; the link's `limits.url` bounds it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub url: Option<String>,
    /// Members that only a profile of the link's own knows, taken from `/extra/…`; the built-in profile has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Table<Value>>", extend("maxProperties" = 64))]
    pub extra: Option<Map<String, Value>>,
}

/// Several resources, of one or several categories.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Batch {
    /// The resources; each `extId` once.
    #[schemars(length(min = 1, max = 500))]
    pub rows: Vec<Resource>,
    /// Only validate: nothing is sent.
    #[serde(default)]
    pub check_only: bool,
}

/// A resource that the upstream has taken.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pushed {
    /// The platform's id as pushed.
    pub ext_id: String,
    /// The upstream's id, if it gives one.
    pub id: Option<String>,
    /// Where it stands: `submitted` means that people review it now, not that it is published.
    pub state: State,
    /// The upstream's own word for the state.
    pub upstream_state: Option<String>,
}

/// How a batch ended. Rows that were not sent may be sent again as they are.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchPushed {
    /// Rows taken by the upstream; with `checkOnly`, rows that may be sent.
    pub accepted: usize,
    /// All others.
    pub failed: usize,
    /// When rows that were held back by a rate may be sent, in milliseconds from now.
    pub retry_after_ms: Option<u64>,
    /// One result a row, in the order of the rows.
    pub results: Vec<RowResult>,
}

/// How one row ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowResult {
    /// The platform's id.
    pub ext_id: String,
    /// Is it well?
    pub ok: bool,
    /// What is known of its effect at the upstream.
    pub outcome: OutcomeName,
    /// The upstream's id, if it gives one.
    pub id: Option<String>,
    /// Where it stands at the upstream.
    pub state: Option<State>,
    /// The upstream's own word for the state.
    pub upstream_state: Option<String>,
    /// Who must act, if it is not well.
    pub class: Option<ClassName>,
    /// What happened, if it is not well.
    pub message: Option<String>,
    /// The upstream's code, if it refused.
    pub upstream_code: Option<String>,
    /// What the code means, where the profile says more than a class: `published-immutable`.
    pub sub_code: Option<String>,
    /// The fields that are wrong, if it is invalid.
    pub fields: Vec<WrongField>,
}

/// One field that is wrong.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WrongField {
    /// JSON Pointer into the input.
    pub pointer: String,
    /// What would be right; never the value.
    pub message: String,
}

/// Names a resource.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResourceId {
    /// The platform's own id, as pushed.
    #[schemars(length(min = 1, max = 64))]
    pub ext_id: String,
}

/// Where a resource stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The platform's id.
    pub ext_id: String,
    /// The upstream's id, if it gives one.
    pub id: Option<String>,
    /// Where it stands.
    pub state: State,
    /// The upstream's own word for the state.
    pub upstream_state: Option<String>,
    /// What the reviewers wrote.
    pub review_note: Option<String>,
    /// Is the review over? If not, ask again: hourly at first, daily later, for 30 days.
    #[serde(rename = "final")]
    pub is_final: bool,
}

/// A resource that the upstream has taken back.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deleted {
    /// The platform's id.
    pub ext_id: String,
    /// Always true: a refusal is a failure.
    pub deleted: bool,
}

/// A national resource that the institution is licensed to use.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Licensed {
    /// The upstream's id.
    pub id: String,
    /// What kind of resource it is, if the link's `categories` know the upstream's word.
    pub category: Option<Category>,
    /// The upstream's own word for the category.
    pub upstream_type: Option<String>,
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: Option<String>,
    /// Until when it may be used, as the upstream writes it.
    pub license_until: Option<String>,
}

/// The usage numbers of one day, as the call gives them or the platform answers them. Aggregates only: there is no place
/// for anything about a user. A call without any number has the platform asked.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StatsDay {
    /// The day, `yyyy-MM-dd`, China time; reporting it again overwrites it. Yesterday if left out; without numbers too,
    /// also the days before it that are still missing.
    #[serde(default)]
    #[schemars(length(min = 10, max = 10))]
    pub date: Option<String>,
    /// 资源访问量: page views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pv: Option<u64>,
    /// 独立访问用户数: unique visitors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uv: Option<u64>,
    /// 独立IP数量: unique addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<u64>,
    /// 日增加活动数量: activities added on the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_activities: Option<u64>,
    /// 日增加场馆数量: venues added on the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_venues: Option<u64>,
    /// Numbers that only a profile of the link's own knows, taken from `/extra/…`; the built-in profile has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 64))]
    pub extra: Option<Table<u64>>,
}

impl StatsDay {
    /// Is there any number?
    pub fn has_numbers(&self) -> bool {
        let numbers = [self.pv, self.uv, self.ip, self.new_activities, self.new_venues];
        numbers.iter().any(Option::is_some) || self.extra.is_some()
    }
}

/// A day that the upstream has taken.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reported {
    /// The day.
    pub date: String,
    /// Always true: a refusal is a failure.
    pub accepted: bool,
    /// The days before it that were missing and were reported with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
}

/// A scalar of the upstream's at a JSON Pointer, as text; `None` when it is not there or the profile has no such pointer.
pub fn text_at(value: &Value, pointer: Option<&str>) -> Option<String> {
    value.pointer(pointer?).and_then(json::text).filter(|text| !text.is_empty())
}
