//! Photos: what is refused before anything is sent, what is sent, and what "no" means.

use duijie_sdk::{Class, Outcome, testing::TestHost};
use serde_json::{Value, json};
use skill_train::SkillTrain;

use super::{CODE, config, host, last, sent, url, with};

const COMPARE: &str = "/api/v1/thirdFaceCompare";

pub(crate) fn photo(target: &str) -> Value {
    json!({
        "bizCode": "9b8308023c7646c681f83fd86a4d1c26", "resCode": CODE, "studentUserCode": CODE, "classCode": CODE,
        "videoStudyTime": 20, "compareMode": "0", "target": target,
    })
}

fn matching(config: Value) -> TestHost {
    let host = host(config);
    let reply =
        json!({ "returnCode": "0", "returnMsg": "success", "returnData": { "msg": "人脸比对通过！", "result": 1 } });
    host.on("POST", &url(COMPARE)).reply(200, reply);
    host
}

fn refused(host: &TestHost, input: Value) -> String {
    let failure = host.call::<SkillTrain>("face.compare", input).unwrap_err();
    assert_eq!((failure.class, failure.outcome), (Class::InvalidInput, Outcome::NotSent));
    let detail = failure.detail_json();
    assert_eq!(detail[0]["pointer"], "/target");
    assert!(host.requests().is_empty());
    detail[0]["message"].as_str().unwrap().to_owned()
}

#[test]
fn another_face_is_an_answer_and_no_failure() {
    for result in [json!(2), json!("2")] {
        let host = host(config());
        let reply = json!({ "returnCode": "0", "returnData": { "msg": "人脸比对不通过！", "result": result } });
        host.on("POST", &url(COMPARE)).reply(200, reply);
        let output = host.call::<SkillTrain>("face.compare", photo("QUJD")).unwrap();
        assert_eq!(output, json!({ "matched": false, "message": "人脸比对不通过！" }));
    }
}

#[test]
fn neither_match_nor_mismatch_is_not_understood() {
    let host = host(config());
    host.on("POST", &url(COMPARE)).reply(200, json!({ "returnCode": "0", "returnData": { "result": 3 } }));
    assert_eq!(host.call::<SkillTrain>("face.compare", photo("QUJD")).unwrap_err().class, Class::Protocol);
}

#[test]
fn a_photo_of_two_million_bytes_passes_and_one_byte_more_does_not() {
    let largest = "A".repeat(2_666_667) + "=";
    let host = matching(config());
    host.call::<SkillTrain>("face.compare", photo(&largest)).unwrap();
    assert_eq!(last(&host)["data"]["target"], largest);
    let larger = "A".repeat(2_666_668);
    assert!(refused(&matching(config()), photo(&larger)).contains("face.max_bytes"));
}

#[test]
fn the_links_own_limits_count() {
    let host = matching(with(json!({ "face": { "max_bytes": 3 } })));
    host.call::<SkillTrain>("face.compare", photo("QUJD")).unwrap();
    let host = matching(with(json!({ "face": { "max_bytes": 2 } })));
    refused(&host, photo("QUJD"));
}

#[test]
fn a_photo_with_too_many_pixels_is_refused_upright_or_not() {
    let png = |width: u32, height: u32| {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend(width.to_be_bytes());
        png.extend(height.to_be_bytes());
        duijie_sdk::encode::base64(png)
    };
    for (width, height) in [(1920, 1080), (1080, 1920), (1, 1)] {
        matching(config()).call::<SkillTrain>("face.compare", photo(&png(width, height))).unwrap();
    }
    for (width, height) in [(1921, 1080), (1200, 1200)] {
        assert!(refused(&matching(config()), photo(&png(width, height))).contains("face.max_px"));
    }
    let small = with(json!({ "face": { "max_px": [1200, 1200] } }));
    matching(small).call::<SkillTrain>("face.compare", photo(&png(1200, 1200))).unwrap();
}

#[test]
fn what_is_no_base64_is_refused() {
    for bad in ["A", "QUJ", "QU\nJD", "data:image/jpeg;base64,QUJD", "QUJ-", "http://img.example.com/a.jpg"] {
        assert!(refused(&matching(config()), photo(bad)).contains("base64"), "{bad}");
    }
}

#[test]
fn a_mode_says_whether_an_address_or_base64_is_meant() {
    let of = |mode: &str, target: &str| {
        let mut input = photo(target);
        input["compareMode"] = json!(mode);
        input
    };
    for (mode, target) in
        [("1", "http://img.example.com/a.jpg?x=\"y\""), ("2", "https://img.example.com/a.jpg"), ("2", "QUJD")]
    {
        let host = matching(config());
        host.call::<SkillTrain>("face.compare", of(mode, target)).unwrap();
        assert_eq!(last(&host)["data"]["target"], target);
        assert_eq!(last(&host)["data"]["compareMode"], mode);
    }
    refused(&matching(config()), of("1", "QUJD"));
}

#[test]
fn a_photo_goes_out_whole_again_after_a_new_log_in() {
    let host = host(config());
    let expired = json!({ "returnCode": "1", "returnMsg": "token失效" });
    let reply = json!({ "returnCode": "0", "returnData": { "result": 1 } });
    host.on("POST", &url(COMPARE)).reply(200, expired).reply(200, reply);
    host.call::<SkillTrain>("face.compare", photo("QUJD")).unwrap();
    let bodies: Vec<_> = sent(&host).iter().map(|sent| sent.json()).collect();
    assert_eq!(bodies[0]["data"], bodies[1]["data"]);
    assert_eq!(bodies[1]["headers"]["userToken"], "t2");
}

#[test]
fn nothing_of_a_photo_is_kept_or_logged() {
    let host = matching(config());
    host.call::<SkillTrain>("face.compare", photo("QUJDREVGR0hJ")).unwrap();
    assert!(host.logs().is_empty());
    assert_eq!(host.kv_keys().len(), 1, "only the session");
}

#[test]
fn a_check_without_an_end_still_has_its_code() {
    let host = host(config());
    let reply = json!({ "returnCode": "0", "returnData": { "bizCode": "b", "expiresTime": "soon" } });
    host.on("POST", &url("/api/v1/getFaceCompareConfig")).reply(200, reply);
    let output = host.call::<SkillTrain>("face.config", super::viewing()).unwrap();
    assert_eq!(output, json!({ "bizCode": "b", "expiresAt": null }));
}
