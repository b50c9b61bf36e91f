//! A citizen logs in: the demo is the browser that follows every redirect, and the platform that redeems the code at the
//! end. Then the SSO pushes a user to us, and tries the same request again.

use anyhow::{Result, anyhow, ensure};
use serde_json::{Value, json};
use url::Url;

use super::{
    links::USER_SYNC_PATH,
    scene::{HOOK, Scene, text},
};
use crate::http;

/// The browser goes to the SSO.
const BROWSER_OUT: &str = "browser → upstream";
/// The browser lands.
const BROWSER_IN: &str = "browser → host";
/// The upstream's own user who is logged in there.
const USER_ID: &str = "demoUser0001";

/// Logs in, then takes a user.
///
/// # Errors
/// When it does not end as told.
pub(super) async fn tell(scene: &Scene<'_>) -> Result<()> {
    scene
        .out
        .remark("the platform sends the browser to the SSO; the browser comes back with a ticket, then with a code");
    let page = format!("{}/login", scene.stage.platform.url);
    let link = scene.done("login.link", &json!({ "return_to": page })).await?;
    let (url, state) = (text(&link, "/url")?, text(&link, "/state")?);
    scene.stage.keep_private(&state);

    let landing = moved(&url).await?;
    scene.heard(BROWSER_OUT).await?;
    let ticket = parameter(&landing, "ticket")?;
    scene.stage.keep_private(&ticket);
    let end = moved(landing.as_str()).await?;
    scene.line(BROWSER_IN, "GET /hooks/gov.sso/…/login-landing?state=…&ticket=…  302");
    scene.heard(super::scene::OUT).await?;
    ensure!(end.as_str().starts_with(&page), "the browser does not end at the platform's page");
    ensure!(parameter(&end, "state")? == state, "the browser comes back with another state");
    ensure!(!end.as_str().contains(&ticket), "the ticket is in the platform's address");
    let code = parameter(&end, "code")?;
    scene.stage.keep_private(&code);
    scene.line(
        "browser → platform",
        "GET /login?code=…&state=…  the state is the one of this browser, the ticket is gone",
    );

    scene.out.remark("the platform redeems the code, once");
    let login = scene.done("login.redeem", &json!({ "code": code })).await?;
    scene.stage.keep_private(&text(&login, "/session/token")?);
    ensure!(text(&login, "/session/userId")? == USER_ID, "somebody else is logged in");
    ensure!(text(&login, "/user/idNumber").is_ok(), "the person's details are missing");
    scene.refused("login.redeem", &json!({ "code": code }), "session-invalid").await?;
    scene.good("platform", &format!("{USER_ID} is logged in, real name and number known"));

    scene.out.remark("the SSO pushes a user, the same request again, and one with a wrong signature");
    scene.tell("hook", &json!({ "url": scene.hook_url(USER_SYNC_PATH, "user-sync") })).await?;
    let answered = pushed(scene, "push-user", "a user", json!({})).await?;
    ensure!(answered == "0" && scene.asked()? == 1, "the user was not passed on to the platform");
    let answered = pushed(scene, "repeat-push", "the same, to the letter", json!({})).await?;
    ensure!(answered == "1" && scene.asked()? == 0, "a replayed request was taken");
    let answered = pushed(scene, "push-user", "a wrong signature", json!({ "signature": "wrong" })).await?;
    ensure!(answered == "1" && scene.asked()? == 0, "a wrong signature was taken");
    scene.good("platform", "was told of the user once; replay and forgery got one and the same refusal");
    Ok(())
}

/// Where a browser is sent from here.
async fn moved(url: &str) -> Result<Url> {
    let answer = http::get(url).await?;
    ensure!(answer.status == 302, "the browser is not sent on: {}", answer.status);
    let to = answer.header("location").ok_or_else(|| anyhow!("a redirect without a place"))?;
    Ok(Url::parse(to)?)
}

/// A parameter of an address.
fn parameter(url: &Url, name: &str) -> Result<String> {
    let found = url.query_pairs().find_map(|(known, value)| (known == name).then(|| value.into_owned()));
    found.ok_or_else(|| anyhow!("the browser comes without {name}"))
}

/// Has the SSO call our hook; the `result` that it was given.
async fn pushed(scene: &Scene<'_>, action: &str, what: &str, push: Value) -> Result<String> {
    let answer = scene.tell(action, &push).await?;
    let body: Value = serde_json::from_str(&text(&answer, "/body")?)?;
    let (result, message) = (text(&body, "/result")?, text(&body, "/errmsg")?);
    scene.line(HOOK, &format!("POST /hooks/gov.sso/…/user-sync  {what}: result {result}, {message}"));
    Ok(result)
}
