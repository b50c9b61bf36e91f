//! Face checks (1.5, 1.6): photos up to the upstream's limit go through whole, one byte more goes nowhere, and "no" is an
//! answer.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use duijie_tests::harness::Answer;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Docked, LINK, code, docked, viewing, with};
use crate::support::requests;

/// The upstream's limit, in bytes.
const PHOTO_MAX: usize = 2_000_000;
/// That as base64.
const BASE64_MAX: u64 = PHOTO_MAX as u64 * 4 / 3;
/// What the host may take for one photo, the guest's own memory included, in photos as base64.
const MULTIPLE_MAX: u64 = 8;

/// What it may take for fifty of them at once (upstreams.md §4.7).
const FIFTY_MAX: u64 = 256 << 20;

/// Base64 of so many bytes that are no picture, other ones for other seeds.
pub(super) fn photo(bytes: usize, seed: u64) -> String {
    let mut state = seed;
    let photo: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(bytes)
    .collect();
    STANDARD.encode(photo)
}

/// The input of a comparison within a check.
pub(super) fn compare(n: usize, check: &Value, mode: &str, target: &str) -> Value {
    let more = json!({ "bizCode": check["bizCode"], "videoStudyTime": 20, "compareMode": mode, "target": target });
    with(viewing(n), &more)
}

async fn check(docked: &Docked, n: usize) -> Value {
    docked.done("face.config", &viewing(n)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_face_check_has_a_code_and_an_absolute_end() {
    let docked = docked().await;
    let check = check(&docked, 1).await;
    assert_eq!(check["bizCode"].as_str().unwrap().len(), 32);
    let ends = check["expiresAt"].as_str().unwrap();
    assert!(ends.ends_with("+08:00"), "{ends}");
    let ends: jiff::Timestamp = ends.parse().unwrap();
    assert!((200..=300).contains(&ends.duration_since(jiff::Timestamp::now()).as_secs()), "{check}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_face_is_a_yes_and_another_is_a_no_and_neither_is_a_failure() {
    let docked = docked().await;
    let target = photo(30_000, 1);
    docked.sim.profile().set_face_matches(false);
    let check = check(&docked, 1).await;
    let answer = docked.done("face.compare", &compare(1, &check, "0", &target)).await;
    assert_eq!(answer, json!({ "matched": false, "message": "人脸比对不通过！" }));
    docked.sim.profile().set_face_matches(true);
    let answer = docked.done("face.compare", &compare(1, &check, "0", &target)).await;
    assert_eq!(answer, json!({ "matched": true, "message": "人脸比对通过！" }));
    let checks = docked.sim.profile().face_checks();
    assert_eq!(checks.iter().map(|check| check.photo_bytes).collect::<Vec<_>>(), [Some(30_000); 2]);
    assert_eq!((checks[1].video_study_time_s, checks[1].without_biz_code), (20, false));
    docked.rejected("face.compare", &compare(1, &check, "0", &target), "1304").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_by_its_address_is_compared_too() {
    let docked = docked().await;
    let check = check(&docked, 1).await;
    let input = compare(1, &check, "1", "http://img.example.com/face.jpg");
    assert_eq!(docked.done("face.compare", &input).await["matched"], true);
    assert_eq!(docked.sim.profile().face_checks()[0].photo_bytes, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_who_is_not_on_line_is_told_apart() {
    let docked = docked().await;
    docked.sim.profile().set_online(false);
    let problem = docked.rejected("face.config", &viewing(1), "1").await;
    assert_eq!(problem["details"]["sub_code"], "offline", "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_of_exactly_two_million_bytes_passes() {
    let docked = docked().await;
    let check = check(&docked, 1).await;
    let answer = docked.done("face.compare", &compare(1, &check, "0", &photo(PHOTO_MAX, 1))).await;
    assert_eq!(answer["matched"], true);
    assert_eq!(docked.sim.profile().face_checks()[0].photo_bytes, Some(PHOTO_MAX));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_one_byte_over_two_million_is_invalid_input_and_nothing_is_sent() {
    let docked = docked().await;
    let input = compare(1, &json!({ "bizCode": code(0xe1) }), "0", &photo(PHOTO_MAX + 1, 1));
    let problem = docked.call("face.compare", &input).await.problem(422, "invalid-input", "not-sent");
    assert_eq!(problem["details"][0]["pointer"], "/target", "{problem}");
    assert_eq!(requests(&docked.sim.counters()), 0, "not even a log-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_photos_of_two_million_bytes_go_through_at_once() {
    let docked = docked().await;
    let mut inputs = Vec::new();
    for n in 0..20 {
        inputs.push(compare(n, &check(&docked, n).await, "0", &photo(PHOTO_MAX, n as u64)));
    }
    // Written beforehand, and each on a task of its own: the host waits five seconds for the head of a request.
    let request = |input: &Value| docked.host.call_request(LINK, "face.compare", input.to_string());
    let requests: Vec<_> = inputs.iter().map(request).collect();
    let before = docked.host.resident_bytes();
    for answer in join_all(requests.into_iter().map(|request| tokio::spawn(request.send()))).await {
        assert_eq!(answer.unwrap().expect(200)["matched"], true);
    }
    let checks = docked.sim.profile().face_checks();
    assert_eq!(checks.len(), 20);
    assert!(checks.iter().all(|check| check.photo_bytes == Some(PHOTO_MAX)), "every photo came whole");
    let grown = docked.host.resident_bytes().saturating_sub(before);
    assert!(grown < 256 << 20, "photos are not kept: {grown} bytes more");
}

/// Compares so many photos of the upstream's limit at once. The memory that the host took meanwhile, and the answers.
async fn compare_at_once(docked: &Docked, count: usize) -> (u64, Vec<Answer>) {
    let mut inputs = Vec::new();
    for n in 0..count {
        inputs.push(compare(n, &check(docked, n).await, "0", &photo(PHOTO_MAX, n as u64)).to_string());
    }
    // Written beforehand, and each on a task of its own: the host waits five seconds for the head of a request.
    let requests: Vec<_> =
        inputs.into_iter().map(|input| docked.host.call_request(LINK, "face.compare", input)).collect();
    docked.host.forget_peak();
    let before = docked.host.resident_bytes();
    let answers = join_all(requests.into_iter().map(|request| tokio::spawn(request.send()))).await;
    let taken = docked.host.peak_resident_bytes().saturating_sub(before);
    (taken, answers.into_iter().map(Result::unwrap).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_takes_a_bounded_multiple_of_its_size_at_the_most() {
    let docked = docked().await;
    // What a first call sets up is no photo's.
    let small = compare(1, &check(&docked, 1).await, "0", &photo(9, 1));
    docked.done("face.compare", &small).await;
    let (taken, answers) = compare_at_once(&docked, 1).await;
    answers[0].expect(200);
    println!("one photo: {taken} bytes at the most, {:.1} times its base64", taken as f64 / BASE64_MAX as f64);
    assert!(taken < MULTIPLE_MAX * BASE64_MAX, "{taken} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_photos_at_once_wait_for_each_other_and_take_256_mib_at_the_most() {
    let docked = docked().await;
    let (taken, answers) = compare_at_once(&docked, 50).await;
    println!("fifty photos at once: {taken} bytes at the most");
    assert!(taken < FIFTY_MAX, "{taken} bytes");
    for answer in &answers {
        assert_eq!(answer.expect(200)["matched"], true);
    }
    let checks = docked.sim.profile().face_checks();
    assert_eq!(checks.len(), 50);
    assert!(checks.iter().all(|check| check.photo_bytes == Some(PHOTO_MAX)), "every photo came whole");
}
