//! The log-in: what it sends, how its answer is read, how long it is kept, and who asks for it.

use duijie_sdk::{Class, Outcome, testing::TestHost};
use serde_json::{Value, json};
use skill_train::SkillTrain;

use super::{LOGIN, PASSWORD, bare, config, end, host, last, log_ins, ok, url, with};

fn ends(host: TestHost) -> TestHost {
    host.on("POST", &url("/api/v1/endStudy")).reply(200, ok());
    host
}

#[test]
fn the_log_in_spells_account_and_password_as_the_document_and_shows_no_token() {
    let host = host(config());
    host.call::<SkillTrain>("token.check", json!({})).unwrap();
    let body = host.requests()[0].json();
    assert_eq!(body["data"], json!({ "studyPlatformAcount": "academy", "passWord": PASSWORD }));
    assert_eq!(body["headers"].as_object().unwrap().len(), 3);
}

#[test]
fn a_check_logs_in_anew_and_says_who_we_are() {
    let host = ends(host(config()));
    end(&host).unwrap();
    let output = host.call::<SkillTrain>("token.check", json!({})).unwrap();
    assert_eq!(
        output,
        json!({
            "studyPlatformCode": super::PLATFORM, "studyPlatformName": "演示平台", "expiresAt": "2023-11-15T08:13:20+08:00",
        })
    );
    assert_eq!(log_ins(&host), 2);
    end(&host).unwrap();
    assert_eq!((last(&host)["headers"]["userToken"].as_str(), log_ins(&host)), (Some("t2"), 2));
}

#[test]
fn a_business_platform_that_logs_in_can_check_its_log_in() {
    let host = host(with(json!({ "role": "business" })));
    assert!(host.call::<SkillTrain>("token.check", json!({})).is_ok());
}

#[test]
fn a_check_without_a_kept_token_logs_in_once() {
    let host = host(config());
    host.call::<SkillTrain>("token.check", json!({})).unwrap();
    assert_eq!(log_ins(&host), 1);
}

#[test]
fn a_token_of_two_hours_is_renewed_after_6900_seconds() {
    let host = ends(host(config()));
    end(&host).unwrap();
    host.advance_ms(6_899_999);
    end(&host).unwrap();
    assert_eq!(log_ins(&host), 1);
    host.advance_ms(1);
    end(&host).unwrap();
    assert_eq!((log_ins(&host), last(&host)["headers"]["userToken"].as_str()), (2, Some("t2")));
}

#[test]
fn a_token_of_short_life_is_renewed_at_half_of_it() {
    let host = ends(host(with(json!({ "token": { "ttl_s": 60 } }))));
    end(&host).unwrap();
    host.advance_ms(29_999);
    end(&host).unwrap();
    assert_eq!(log_ins(&host), 1);
    host.advance_ms(1);
    end(&host).unwrap();
    assert_eq!(log_ins(&host), 2);
}

#[test]
fn the_token_is_found_under_each_of_its_names() {
    for name in ["acceptToken", "accessToken", "userToken", "token"] {
        let host = ends(bare(config()));
        let reply = json!({ "returnCode": 0, "returnData": { name: "t9", "studyPlatformCode": "p9" } });
        host.on("POST", LOGIN).reply(200, reply);
        end(&host).unwrap();
        assert_eq!(last(&host)["headers"]["userToken"], "t9", "{name}");
        assert_eq!(last(&host)["data"]["studyPlatformCode"], "p9");
    }
}

#[test]
fn a_refused_log_in_is_ours_to_repair_and_nothing_is_sent() {
    let cases: [(u16, Value, Class); 6] = [
        (200, json!({ "returnCode": "1", "returnMsg": "密码错误" }), Class::AuthFailed),
        (500, json!({ "returnCode": "1", "returnMsg": "系统异常" }), Class::Unavailable),
        (503, json!({}), Class::Unavailable),
        (429, json!({}), Class::RateLimited),
        (404, json!({ "error": "Not Found" }), Class::Config),
        (200, json!({ "returnCode": "0", "returnData": {} }), Class::Protocol),
    ];
    for (status, reply, class) in cases {
        let host = bare(config());
        host.on("POST", LOGIN).reply(status, reply);
        let failure = end(&host).unwrap_err();
        assert_eq!((failure.class, failure.outcome), (class, Outcome::NotSent), "{status}: {}", failure.message);
        assert_eq!(host.requests().len(), 1);
    }
}

#[test]
fn without_an_account_nobody_logs_in() {
    let mut config = config();
    config.as_object_mut().unwrap().remove("account");
    let failure = end(&bare(config)).unwrap_err();
    assert_eq!((failure.class, failure.outcome), (Class::Config, Outcome::NotSent));
}

#[test]
fn a_hundred_calls_without_a_token_log_in_once() {
    let host = ends(host(config()));
    std::thread::scope(|scope| {
        for _ in 0..100 {
            let host = host.clone();
            scope.spawn(move || {
                host.enter();
                host.call::<SkillTrain>("study.end", super::viewing()).unwrap();
            });
        }
    });
    assert_eq!(log_ins(&host), 1);
}

#[test]
fn a_token_of_another_account_is_not_used() {
    let host = ends(host(config()));
    end(&host).unwrap();
    host.config(with(json!({ "account": "another" })));
    end(&host).unwrap();
    assert_eq!(log_ins(&host), 2);
}

#[test]
fn part_2_takes_its_token_where_the_link_says() {
    let records = |host: &TestHost| {
        host.on("POST", &url("/api/class/v1/classStudentStudy")).reply(200, ok());
        host.call::<SkillTrain>("class.study-records", json!({ "classCode": super::CODE })).unwrap()
    };
    let login = host(config());
    assert_eq!(records(&login), json!({ "records": [] }));
    assert_eq!(last(&login)["headers"]["user_token"], "t1");

    let fixed = bare(with(json!({ "role": "business", "part2": { "token_source": "static" } })));
    fixed.secret("part2_token", "a\"b", duijie_sdk::testing::KeyEncoding::Utf8);
    records(&fixed);
    assert_eq!((last(&fixed)["headers"]["user_token"].as_str(), log_ins(&fixed)), (Some("a\"b"), 0));

    let none = bare(with(json!({ "role": "business", "part2": { "token_source": "none" } })));
    records(&none);
    assert_eq!((last(&none)["headers"]["user_token"].as_str(), log_ins(&none)), (Some(""), 0));
}

#[test]
fn the_session_is_kept_and_the_log_in_reply_of_the_document_is_read() {
    let host = ends(bare(config()));
    let data = json!({ "acceptToken": "343443", "studyPlatformCode": "343443", "studyPlatformName": "343443" });
    host.on("POST", LOGIN).reply(200, json!({ "returnCode": "0", "returnMsg": "success", "returnData": data }));
    let checked = host.call::<SkillTrain>("token.check", json!({})).unwrap();
    assert_eq!((&checked["studyPlatformCode"], &checked["studyPlatformName"]), (&json!("343443"), &json!("343443")));
}
