//! Quirky mode: what it takes, and how it answers.

use serde_json::json;

use super::super::super::exchange::now_ms;
use super::super::{Culturedc, DEMO_ACCESS_KEY, SignEncoding, codes};
use super::institution::{How, Institution, RESOURCES, item};

async fn quirky() -> Institution {
    Institution::of(Culturedc::builder().quirky()).await
}

#[tokio::test]
async fn quirky_answers_with_strings_extra_members_and_html() {
    let institution = quirky().await;
    let body = json!({"type": "news", "items": [item("a")]}).to_string();
    let answer = institution.send("POST", RESOURCES, &body).await;
    assert_eq!(answer.header("content-type"), "text/html;charset=UTF-8");
    let reply = answer.json();
    assert_eq!((&reply["code"], &reply["data"]["results"][0]["code"]), (&json!("0"), &json!("0")));
    assert!(reply.as_object().expect("an object").len() > 3, "{reply}");
    let deleted = institution.send("DELETE", &format!("{RESOURCES}/a"), "").await.json();
    assert_eq!(deleted["data"], json!(null));
}

#[tokio::test]
async fn quirky_refuses_with_a_status_that_fits() {
    let institution = quirky().await;
    institution.profile().set_rate_per_min(Some(0));
    let fast = institution.send("GET", "/openapi/v1/licensed", "").await;
    assert_eq!((fast.status, fast.header("retry-after")), (429, "60"));
    institution.profile().expire_key(DEMO_ACCESS_KEY);
    let expired = institution.send("GET", "/openapi/v1/licensed", "").await;
    assert_eq!((expired.status, &expired.json()["code"]), (401, &json!(codes::KEY_EXPIRED.to_string())));
}

#[tokio::test]
async fn quirky_takes_whatever_can_be_understood() {
    let institution = quirky().await;
    let seconds = (now_ms() / 1000).to_string();
    let how = How {
        timestamp: seconds,
        encoding: SignEncoding::Base64,
        content_type: "text/plain",
        ..institution.carefully()
    };
    let body = json!({"type": "news", "items": {"extId": 7, "title": "模拟资讯", "regionCode": "宁波"}}).to_string();
    let reply = institution.send_as(&how, "POST", RESOURCES, &body).await.json();
    assert_eq!((&reply["code"], &reply["data"]["results"][0]["extId"]), (&json!("0"), &json!("7")));
    let numbers = json!({"date": "20240301", "pv": "100", "uv": 20, "ip": "15"}).to_string();
    assert_eq!(institution.send("POST", "/openapi/v1/stats/daily", &numbers).await.json()["code"], "0");
    let day = institution.profile().day(DEMO_ACCESS_KEY, "2024-03-01").expect("kept");
    assert_eq!(day.numbers.get("pv"), Some(&100));
    let page = institution.send("GET", "/openapi/v1/licensed?page=x&size=1000", "").await.json();
    assert_eq!(page["data"]["items"].as_array().map(Vec::len), Some(50));
}
