//! What an engineer would write without a sandbox (B0): axum, reqwest and the crate sm4, with the record parsed and
//! validated. No API keys, policy, redaction, metrics or log line: those are what the host adds.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
    serve::ListenerExt as _,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use ecb::cipher::{BlockModeEncrypt as _, KeyInit as _, block_padding::Pkcs7};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::RwLock;

#[derive(Args)]
pub(crate) struct BaselineArgs {
    /// Where the upstream is
    #[arg(long)]
    upstream: String,
    /// Base64 of the key
    #[arg(long)]
    client_secret: String,
}

struct App {
    client: reqwest::Client,
    upstream: String,
    client_secret: String,
    cipher: ecb::Encryptor<sm4::Sm4>,
    token: RwLock<Option<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    record_id: String,
    school_code: String,
    teacher_no: String,
    teacher_name: String,
    students: Vec<Student>,
    talk_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    talk_place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    talk_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    talk_topic: Option<String>,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    attention: Option<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Student {
    student_no: String,
    student_name: String,
}

#[derive(Deserialize)]
struct Answer {
    code: i64,
    msg: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// Serves until killed.
pub(crate) async fn run(args: BaselineArgs) -> Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("a TLS provider is installed already"))?;
    let key = STANDARD.decode(&args.client_secret).context("the client secret is not base64")?;
    let app = App {
        client: reqwest::Client::builder().no_proxy().build()?,
        upstream: args.upstream,
        client_secret: args.client_secret,
        cipher: ecb::Encryptor::new_from_slice(&key).map_err(|_| anyhow!("the key has not 16 bytes"))?,
        token: RwLock::default(),
    };
    let router =
        Router::new().route("/v1/links/bench/operations/record.push-one", post(push)).with_state(Arc::new(app));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("listening")?;
    println!("{}", json!({ "url": format!("http://{}", listener.local_addr()?) }));
    let listener = listener.tap_io(|stream| {
        // Slower without, and no less right.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

async fn push(State(app): State<Arc<App>>, body: Bytes) -> Response {
    let record: Record = match serde_json::from_slice(&body) {
        Ok(record) => record,
        Err(error) => return (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response(),
    };
    if let Some(wrong) = invalid(&record) {
        return (StatusCode::UNPROCESSABLE_ENTITY, wrong).into_response();
    }
    match app.deliver(&record).await {
        Ok(answer) => axum::Json(json!({
            "recordId": record.record_id, "endpoint": "one", "accepted": true,
            "upstream_code": answer.code.to_string(), "upstream_message": answer.msg,
        }))
        .into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

fn invalid(record: &Record) -> Option<&'static str> {
    let within = |text: &str, max: usize| (1..=max).contains(&text.chars().count());
    let texts = [&record.record_id, &record.school_code, &record.teacher_no, &record.teacher_name];
    if !texts.into_iter().all(|text| within(text, 64)) {
        return Some("a required text is empty or too long");
    }
    let [student] = record.students.as_slice() else { return Some("one student") };
    if !within(&student.student_no, 64) || !within(&student.student_name, 64) {
        return Some("a student's number or name is empty or too long");
    }
    if record.talk_time.len() != "yyyy-MM-dd HH:mm:ss".len() {
        return Some("talkTime is yyyy-MM-dd HH:mm:ss");
    }
    if !within(&record.content, 5000) || record.attention.is_some_and(|level| level > 2) {
        return Some("content or attention");
    }
    None
}

impl App {
    async fn deliver(&self, record: &Record) -> Result<Answer> {
        let plaintext = serde_json::to_vec(record)?;
        let ciphertext = self.cipher.clone().encrypt_padded_vec::<Pkcs7>(&plaintext);
        let body = format!("{{\"data\":\"{}\"}}", STANDARD.encode(ciphertext));
        let request = self
            .client
            .post(format!("{}/api/talk-record/one", self.upstream))
            .bearer_auth(self.token().await?)
            .header("content-type", "application/json; charset=utf-8")
            .body(body);
        let answer: Answer = request.send().await?.error_for_status()?.json().await?;
        if answer.code == 0 { Ok(answer) } else { Err(anyhow!("the upstream refused: {}", answer.msg)) }
    }

    async fn token(&self) -> Result<String> {
        if let Some(token) = &*self.token.read().await {
            return Ok(token.clone());
        }
        let mut kept = self.token.write().await;
        if let Some(token) = &*kept {
            return Ok(token.clone());
        }
        let form = format!(
            "grant_type=client_credentials&client_id=bench&client_secret={}",
            self.client_secret.replace('+', "%2B")
        );
        let request = self.client.post(format!("{}/api/oauth2/token", self.upstream));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let token: Token = request.send().await?.error_for_status()?.json().await?;
        Ok(kept.insert(token.access_token).clone())
    }
}
