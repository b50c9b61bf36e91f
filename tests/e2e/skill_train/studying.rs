//! A learner at a video, from the name to the end of the viewing (1.2 to 1.4, 1.7 to 1.11): each step is answered, and
//! is at the upstream what it was here.

use duijie_tests::upstreams::{SkillTrain, skill_train::DEMO_ACCOUNT};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{code, docked, docked_with, minute, start, viewing, with};

const CARD: &str = "999999199001010016";

fn person() -> Value {
    json!({ "cardNo": CARD, "name": "甄测生" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewing_from_start_over_progress_to_its_end_is_counted_at_the_upstream() {
    let docked = docked_with(SkillTrain::builder().refuse_out_of_order(), |academy| academy).await;
    docked.accepted("study.start", &start(1)).await;
    docked.accepted("progress.report", &minute(1, 60, 60)).await;
    docked.accepted("progress.report", &minute(1, 125, 50)).await;
    docked.accepted("study.end", &viewing(1)).await;
    let study = docked.sim.profile().study(&code(0x1001), &code(0xa1)).unwrap();
    assert_eq!((study.starts, study.reports, study.ends, study.open), (1, 2, 1, false));
    assert_eq!((study.progress_s, study.play_s, study.out_of_order), (110, 125, 0));
    assert_eq!((study.class_code, study.course_code, study.section_code), (code(0xc1), code(0xb1), code(0xd1)));
    assert_eq!((docked.seen("login"), docked.seen("progress.report")), (1, 2));
    docked.rejected("progress.report", &minute(1, 180, 55), "1307").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_sums_are_conserved_over_two_hundred_parallel_reports() {
    let docked = docked().await;
    docked.done("token.check", &json!({})).await;
    let reports: Vec<_> = (0..200_u32).map(|n| minute(n as usize % 20, n, 1 + n % 60)).collect();
    let answers = join_all(reports.iter().map(|report| docked.call("progress.report", report))).await;
    for answer in &answers {
        assert_eq!(answer.expect(200)["accepted"], true);
    }
    let reported = |learner: usize| {
        let own = reports.iter().skip(learner).step_by(20);
        own.map(|report| report["progressTime"].as_u64().unwrap()).sum::<u64>()
    };
    let profile = docked.sim.profile();
    for learner in 0..20 {
        let study = profile.study(&code(0x1000 + learner), &code(0xa1)).unwrap();
        assert_eq!((study.reports, study.progress_s), (10, reported(learner)), "learner {learner}");
    }
    assert_eq!(profile.progress_sum(), (0..20).map(reported).sum::<u64>());
    assert_eq!((docked.seen("progress.report"), docked.seen("login")), (200, 1), "nothing is sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_number_that_belong_together_are_verified() {
    let docked = docked().await;
    assert_eq!(docked.done("student.authenticate", &person()).await, json!({ "verified": true }));
    assert_eq!(docked.seen("student.authenticate"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_fit_is_a_refusal_and_with_its_code_configured_an_answer() {
    let docked = docked().await;
    docked.sim.profile().set_real_name(CARD, false);
    let problem = docked.rejected("student.authenticate", &person(), "1301").await;
    assert!(!problem.to_string().contains(CARD), "{problem}");
    let told = |academy: super::Academy| academy.config("errors.not_verified_codes = [\"1301\"]");
    let docked = docked_with(SkillTrain::builder(), told).await;
    docked.sim.profile().set_real_name(CARD, false);
    assert_eq!(docked.done("student.authenticate", &person()).await, json!({ "verified": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_popup_is_shown_with_its_end_and_its_digits_are_taken_once() {
    let docked = docked().await;
    let popup = docked.done("popup.get", &viewing(1)).await;
    let ends: jiff::Timestamp = popup["expiresAt"].as_str().unwrap().parse().unwrap();
    let left_s = ends.duration_since(jiff::Timestamp::now()).as_secs();
    // Five minutes from the question, less what the answer took.
    assert!((200..=300).contains(&left_s), "{popup}");
    let typed = |digits: &str| json!({ "bizCode": popup["bizCode"], "verificationCode": digits, "videoStudyTime": 90 });
    let shown = popup["verificationCode"].as_str().unwrap();
    let wrong = if shown == "0000" { "0001" } else { "0000" };
    docked.rejected("popup.submit", &typed(wrong), "1306").await;
    docked.accepted("popup.submit", &typed(shown)).await;
    docked.rejected("popup.submit", &typed(shown), "1304").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_arrives_under_its_learner_and_video() {
    let docked = docked().await;
    let url = "http://vod.example.com/records/1.mp4";
    docked.accepted("record.submit", &with(start(1), &json!({ "recordVideoUrl": url }))).await;
    let expected =
        with(start(1), &json!({ "recordVideoUrl": url, "studyPlatformCode": SkillTrain::platform_code(DEMO_ACCOUNT) }));
    assert_eq!(docked.pushed("record.submit", &format!("{}/{}", code(0x1001), code(0xa1))), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_photo_of_a_learner_arrives_and_the_next_replaces_it() {
    let docked = docked().await;
    for url in ["http://img.example.com/1.jpg", "http://img.example.com/2.jpg"] {
        docked.accepted("photo.update", &json!({ "cardNo": CARD, "ercunPhotoUrl": url })).await;
        assert_eq!(docked.pushed("photo.update", CARD)["ercunPhotoUrl"], url);
    }
    assert_eq!(docked.sim.counters().overwrites, 1);
}
