//! Signatures, time, and the shape of requests.

use super::super::super::testing::{call, post};
use super::super::{ZjzwfwSso, beijing, codes, sign};
use super::resource::{FORM, Resource, SIMPLE, common, signed};

#[test]
fn the_sign_agrees_with_its_vector() {
    assert_eq!(sign("demosvc", "demosvcpwd", "20240102030405"), "5950c275d9fa9fc74ce40053f223d793");
    assert_eq!(beijing(1_704_135_845_000), "20240102030405");
    assert_eq!(super::super::sign::read_beijing("20240102030405"), Some(1_704_135_845_000));
    for bad in ["", "2024010203040", "20240230030405", "2024-01-02 030", "+0240102030405"] {
        assert_eq!(super::super::sign::read_beijing(bad), None, "{bad}");
    }
}

#[tokio::test]
async fn a_sign_must_be_right_and_the_time_near() {
    let resource = Resource::strict().await;
    let ask = async |skew: &str| {
        let (ticket, headers) = (resource.ticket(), [FORM, ("x-sim-fault", skew)]);
        let form = signed("ticketValidation", "json", &[("st", &ticket)]);
        post(resource.address(), "POST", SIMPLE, &headers, form).await.expect("an answer").json()["result"].clone()
    };
    assert_eq!(ask("clock-skew=-290").await, codes::OK);
    assert_eq!(ask("clock-skew=100").await, codes::OK);
    assert_eq!(ask("clock-skew=310").await, codes::TIME);
    assert_eq!(ask("clock-skew=-310").await, codes::TIME);

    let form = signed("getUserInfo", "json", &[("token", "x")]);
    let change = async |from: &str, to: &str| resource.ask_raw(&form.replace(from, to)).await.json()["result"].clone();
    assert_eq!(change("servicecode=demosvc", "servicecode=demosvc2").await, codes::SIGN, "another's password");
    assert_eq!(change("servicecode=demosvc", "servicecode=nobody").await, codes::SERVICE);
    assert_eq!(change("time=20", "time=x0").await, codes::TIME);
    assert_eq!(change("datatype=json", "datatype=yaml").await, codes::DATATYPE);
    assert_eq!(change("&datatype=json", "").await, codes::MISSING);
    assert_eq!(resource.simulator.counters().crypto_failures, 1);
}

#[tokio::test]
async fn strict_wants_lower_case_names_in_one_place_and_once() {
    let resource = Resource::strict().await;
    let form = signed("ticketValidation", "json", &[("st", "x")]);
    let result = async |form: &str| resource.ask_raw(form).await.json()["result"].clone();
    assert_eq!(result(&form).await, codes::TICKET);
    assert_eq!(result(&form.replace("servicecode", "serviceCode")).await, codes::MALFORMED);
    assert_eq!(result(&format!("{form}&st=y")).await, codes::MALFORMED);
    assert_eq!(result(&form.replace("ticketValidation", "ticketvalidation")).await, codes::METHOD);
    assert_eq!(result(&form.replace("method=ticketValidation&", "")).await, codes::MISSING);

    let target = format!("{SIMPLE}?x=1");
    let both = post(resource.address(), "POST", &target, &[FORM], form.clone()).await.expect("an answer").json();
    assert_eq!(both["result"], codes::MALFORMED);
    let untyped = post(resource.address(), "POST", SIMPLE, &[], form.clone()).await.expect("an answer").json();
    assert_eq!(untyped["result"], codes::HTTP);
    let put = post(resource.address(), "PUT", SIMPLE, &[FORM], form.clone()).await.expect("an answer").json();
    assert_eq!(put["result"], codes::HTTP);
    let get = call(resource.address(), "GET", &format!("{SIMPLE}?{form}")).await.json();
    assert_eq!(get["result"], codes::TICKET, "GET is as good as POST");
}

#[tokio::test]
async fn quirky_takes_what_can_be_understood() {
    let resource = Resource::of(ZjzwfwSso::builder().quirky().quirks(super::super::Quirks::default())).await;
    let ticket = resource.ticket();
    let mut form = format!("Method=TICKETVALIDATION&ST={ticket}");
    for (name, value) in common("json").iter().filter(|(name, _)| name != "datatype") {
        let value = if name == "sign" { value.to_uppercase() } else { value.clone() };
        form.push_str(&format!("&{}={value}", name.to_uppercase()));
    }
    let answer = post(resource.address(), "POST", SIMPLE, &[], form).await.expect("an answer");
    assert_eq!(answer.json()["result"], codes::OK);
    assert_eq!(resource.profile().method_counts().get("ticketValidation"), Some(&1));
}

#[tokio::test]
async fn the_paths_are_the_documented_ones_in_both_contexts() {
    let resource = Resource::strict().await;
    let form = signed("getUserInfo", "json", &[("token", "x")]);
    for path in ["/sso/servlet/simpleauth", "/sso4/servlet/ssoauth", "/sso/servlet/organduser"] {
        let answer = post(resource.address(), "POST", path, &[FORM], form.clone()).await.expect("an answer");
        assert_eq!(answer.json()["result"], codes::TOKEN, "{path}");
    }
    assert_eq!(call(resource.address(), "GET", "/other/servlet/simpleauth").await.status, 404);
    let operations: Vec<_> = resource.simulator.journal().into_iter().map(|entry| entry.operation).collect();
    assert_eq!(operations, ["simple.http", "standard.http", "user.http", "unknown"]);
}
