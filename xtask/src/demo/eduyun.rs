//! A teacher who is logged in at the platform opens a national application: the session is exchanged, and while that
//! call is open the upstream asks the host, and the host the platform, whose it is. Then a ticket, a link, and the
//! application that redeems it.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use url::Url;

use super::{
    links::LOCAL_SESSION_PATH,
    scene::{HOOK, OUT, Scene, text},
};

/// An application's address with a query and a fragment of its own: both must survive.
const APP_URL: &str = "http://app.example.com/open?lang=zh#/home";
/// Who the upstream knows the teacher as.
const USER_ID: &str = "demoUser0001";

/// From the tile to the application.
///
/// # Errors
/// When it does not end as told.
pub(super) async fn tell(scene: &Scene<'_>) -> Result<()> {
    scene.tell("hook", &json!({ "url": scene.hook_url(LOCAL_SESSION_PATH, "local-session") })).await?;

    scene.out.remark("the home page shows tiles");
    let apps = scene.done("app.list", &json!({ "page": 1, "size": 2 })).await?;
    ensure!(apps.get("total").and_then(Value::as_u64).is_some_and(|total| total > 0), "there are no applications");

    scene.out.remark("the teacher clicks one: the upstream asks back while the exchange is open");
    let exchanged = exchange(scene).await?;
    let (session, first) = (text(&exchanged, "/usessionId")?, text(&exchanged, "/ticket")?);
    scene.stage.keep_private(&session);
    scene.stage.keep_private(&first);

    scene.out.remark("the link for the browser, and the application that redeems its ticket");
    redeem(scene, &first).await?;

    scene.out.remark("a second application gets a ticket of its own");
    let second = text(&scene.done("ticket.create", &json!({ "usessionId": session })).await?, "/ticket")?;
    scene.stage.keep_private(&second);
    ensure!(second != first, "both applications got one ticket");
    Ok(())
}

async fn exchange(scene: &Scene<'_>) -> Result<Value> {
    let body = json!({ "subject": "teacher-1" }).to_string();
    let (answer, took) = scene.send("session.exchange", &body).await?;
    scene.heard(OUT).await?;
    let exchanges = scene.look("exchanges").await?;
    let last = exchanges.as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    let hook_status = last.get("hookStatus").and_then(Value::as_u64).unwrap_or(0);
    scene.line(HOOK, &format!("POST /hooks/hz.edu/…/local-session, within that request  {hook_status}"));
    let asked = scene.asked()?;
    scene.answered(&answer, took);
    ensure!(answer.status == 200, "session.exchange was answered with {}", answer.status);
    ensure!(hook_status == 200 && asked == 1, "nobody was asked whose the session is");
    ensure!(last.get("userId").and_then(Value::as_str) == Some(USER_ID), "the session is somebody else's");
    scene.good("upstream", &format!("knows the teacher as {USER_ID}, real name verified"));
    Ok(answer.json())
}

async fn redeem(scene: &Scene<'_>, ticket: &str) -> Result<()> {
    let built = scene.done("link.app", &json!({ "appUrl": APP_URL, "ticket": ticket })).await?;
    let url = Url::parse(&text(&built, "/url")?).context("link.app built no URL")?;
    let of_link = url.query_pairs().find_map(|(name, value)| (name == "ticket").then(|| value.into_owned()));
    ensure!(of_link.as_deref() == Some(ticket), "the link's ticket is not the one it was given");
    ensure!(
        url.fragment() == Some("/home") && url.query_pairs().any(|(name, _)| name == "lang"),
        "the link lost a part"
    );
    let user = scene.done("app.ticket-validate", &json!({ "ticket": ticket })).await?;
    ensure!(text(&user, "/userId")? == USER_ID, "the ticket is somebody else's");
    scene.refused("app.ticket-validate", &json!({ "ticket": ticket }), "session-invalid").await?;
    scene.good("application", &format!("opened for {USER_ID}; its ticket was good once"));
    Ok(())
}
