//! Log-in with a national account (E10 to E13), as a browser does it: by following what each page sends it to. A state
//! is good once, and who has logged in is what the upstream says.

use duijie_tests::upstreams::{Eduyun, eduyun::OauthTicketMethod};
use serde_json::{Value, json};

use super::{BROWSER_PATH, Docked, LOGIN_PAGE, docked, docked_with, parameter, sent_on, text, visit};

/// Begins a log-in; its link and state.
async fn begin(docked: &Docked) -> (String, String) {
    let began = docked.done("oauth.link", &json!({ "return_to": format!("{LOGIN_PAGE}/done?x=1") })).await;
    (text(&began["url"]), text(&began["state"]))
}

/// Where the upstream's page sends a browser that has logged in there.
async fn back(docked: &Docked) -> String {
    sent_on(&begin(docked).await.0).await
}

async fn redeem(docked: &Docked, page: &str) -> Value {
    docked.done("login.redeem", &json!({ "code": parameter(page, "code").unwrap() })).await
}

/// A page that tells a browser no more than to log in again.
async fn assert_refused(address: &str) {
    let page = visit(address).await;
    let text = String::from_utf8_lossy(&page.body).into_owned();
    assert_eq!(page.status, 400, "{text}");
    assert!(text.contains("登录未完成") && !text.contains("usessionid"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_logs_in_with_a_national_account_and_the_platform_learns_who_it_is() {
    let docked = docked().await;
    assert!(docked.sim.profile().log_in("demoUser0002"));
    let (link, state) = begin(&docked).await;
    assert!(link.starts_with(&format!("{}/bmp-oauth?accessTicket=", docked.sim.url())), "{link}");
    assert!(parameter(&link, "accessToken").is_none(), "no token in a browser's history");

    let landing = sent_on(&link).await;
    assert!(landing.starts_with(&docked.hook_url(BROWSER_PATH, "oauth-landing")), "{landing}");
    assert_eq!(parameter(&landing, "state").as_deref(), Some(state.as_str()));

    let page = sent_on(&landing).await;
    assert!(page.starts_with(&format!("{LOGIN_PAGE}/done?x=1&code=")), "{page}");
    assert_eq!(parameter(&page, "state"), Some(state));
    assert!(parameter(&page, "usessionid").is_none() && parameter(&page, "userId").is_none(), "{page}");

    let learnt = redeem(&docked, &page).await;
    let org = json!({ "orgCode": "99000000001", "orgName": "样本第1中学", "orgIdentity": "0" });
    let user =
        json!({ "userId": "demoUser0002", "name": "甄测生", "gender": "1", "defaultIdentity": "0", "orgs": [org] });
    assert_eq!((&learnt["via"], &learnt["user"], &learnt["person"]), (&json!("oauth"), &user, &Value::Null));
    let session = json!({ "usessionId": learnt["usessionId"] });
    assert_eq!(docked.done("user.info", &session).await, user);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_replayed_made_up_or_missing_is_refused_and_the_upstream_is_not_asked() {
    let docked = docked().await;
    let landing = back(&docked).await;
    sent_on(&landing).await;
    let asked = docked.seen("user.info");
    assert_refused(&landing).await;
    let state = parameter(&landing, "state").unwrap();
    assert_refused(&back(&docked).await.replace("state=", "state=0")).await;
    assert_refused(&landing.replace(&format!("state={state}&"), "")).await;
    assert_refused(&landing.replace(&state, "")).await;
    assert_eq!(docked.seen("user.info"), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once() {
    let docked = docked().await;
    let page = sent_on(&back(&docked).await).await;
    redeem(&docked, &page).await;
    for code in [parameter(&page, "code").unwrap(), "0".repeat(32)] {
        let answer = docked.call("login.redeem", &json!({ "code": code })).await;
        answer.problem(409, "session-invalid", "not-sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_in_the_address_is_not_believed() {
    let docked = docked().await;
    let landing = back(&docked).await;
    assert_eq!(parameter(&landing, "userId").as_deref(), Some("demoUser0001"));
    let page = sent_on(&landing.replace("demoUser0001", "demoUser0002")).await;
    assert_eq!(redeem(&docked, &page).await["user"]["userId"], "demoUser0001");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landing_with_a_second_question_mark_or_another_case_is_understood() {
    let docked = docked().await;
    for change in [("&usessionid=", "?usessionid="), ("usessionid=", "usessionId=")] {
        let page = sent_on(&back(&docked).await.replace(change.0, change.1)).await;
        assert_eq!(redeem(&docked, &page).await["user"]["userId"], "demoUser0001", "{change:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_upstream_does_not_know_is_refused_and_an_upstream_in_trouble_is_not_the_users_fault() {
    let docked = docked().await;
    let landing = back(&docked).await;
    docked.sim.profile().end_sessions();
    assert_refused(&landing).await;
    assert_refused(&back(&docked).await.replace("usessionid=", "usessionid=0")).await;
    let landing = back(&docked).await;
    docked.fault_once("user.info", "status=503");
    let page = visit(&landing).await;
    assert_eq!(page.status, 503);
    assert!(String::from_utf8_lossy(&page.body).contains("暂时无法处理"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_never_sent_to_a_page_that_the_link_does_not_allow() {
    let docked = docked().await;
    for page in
        ["http://127.0.0.1:3000/", "http://127.0.0.1:3000.evil.example/login", "https://127.0.0.1:3000/login", "//x"]
    {
        assert_eq!(docked.misfits("oauth.link", &json!({ "return_to": page })).await, ["/return_to"], "{page}");
    }
    assert_eq!(crate::support::requests(&docked.sim.counters()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_ticket_opens_the_log_in_page_once() {
    let docked = docked().await;
    let (link, _) = begin(&docked).await;
    sent_on(&link).await;
    assert_eq!(visit(&link).await.status, 400);
    let ticket = text(&docked.done("oauth.ticket", &json!({})).await["accessTicket"]);
    let back = "redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2F";
    // The page takes only addresses below the one that was registered.
    assert_eq!(visit(&format!("{}/bmp-oauth?accessTicket={ticket}&{back}", docked.sim.url())).await.status, 400);
    let registered = docked.hook_url(BROWSER_PATH, "oauth-landing");
    sent_on(&format!("{}/bmp-oauth?accessTicket={ticket}&redirect_uri={registered}", docked.sim.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_ticket_is_asked_for_by_post_or_by_get_as_the_link_says() {
    for (method, accepted) in [("POST", OauthTicketMethod::Post), ("GET", OauthTicketMethod::Get)] {
        let sim = Eduyun::builder().oauth_ticket_method(accepted);
        let docked = docked_with(sim, |region| region.config(&format!("oauth.ticket_method = \"{method}\""))).await;
        docked.done("oauth.ticket", &json!({})).await;
        let journal = docked.sim.journal();
        let asked = journal.iter().find(|entry| entry.operation == "oauth.ticket").unwrap();
        assert_eq!((asked.method.as_str(), asked.code.as_deref()), (method, Some("000000")));
    }
}
