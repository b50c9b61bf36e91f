//! An upstream that costs next to nothing: one thread, hand-written HTTP/1.1, a constant answer. It looks at the token
//! and at the beginning of the body, so that a server which forgets either is found out, and at nothing else.

use anyhow::{Context as _, Result};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The token that it issues and wants to see.
const TOKEN: &str = "bench-token";
/// The largest request read.
const REQUEST_MAX: usize = 1 << 20;

/// Serves until killed.
pub(crate) async fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listening")?;
    println!("{}", serde_json::json!({ "url": format!("http://{}", listener.local_addr()?) }));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that went away needs no answer.
            let _ = serve(stream).await;
        });
    }
}

async fn serve(mut stream: TcpStream) -> Result<()> {
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        let request = loop {
            if let Some(request) = whole(&buffer) {
                break request;
            }
            if buffer.len() > REQUEST_MAX || stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let (head, body) = buffer.split_at(request.head.min(buffer.len()));
        let answer = answer(head, body.get(..request.body).unwrap_or_default());
        stream.write_all(answer.as_bytes()).await?;
        buffer.drain(..request.head + request.body);
    }
}

/// Lengths of a request that is there to its end.
struct Whole {
    head: usize,
    body: usize,
}

fn whole(buffer: &[u8]) -> Option<Whole> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(buffer.get(..head)?).ok()?;
    let length = header(text, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    (buffer.len() >= head + length).then_some(Whole { head, body: length })
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

fn answer(head: &[u8], body: &[u8]) -> String {
    let head = std::str::from_utf8(head).unwrap_or_default();
    let (status, json) = if head.starts_with("POST /api/oauth2/token ") {
        ("200 OK", format!(r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":86400}}"#))
    } else if header(head, "authorization").and_then(|value| value.strip_prefix("Bearer ")) != Some(TOKEN) {
        ("401 Unauthorized", r#"{"code":401,"msg":"token"}"#.to_owned())
    } else if body.starts_with(br#"{"data":""#) {
        ("200 OK", r#"{"code":0,"msg":"成功"}"#.to_owned())
    } else {
        ("400 Bad Request", r#"{"code":400,"msg":"data"}"#.to_owned())
    };
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{json}", json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_when_its_body_is_there() {
        let request = b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        assert!(whole(&request[..request.len() - 1]).is_none());
        assert!(whole(request).is_some_and(|whole| whole.body == 3));
    }

    #[test]
    fn a_push_without_token_or_data_is_refused() {
        let head = format!("POST /x HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
        assert!(answer(b"POST /x HTTP/1.1\r\n\r\n", b"").starts_with("HTTP/1.1 401"));
        assert!(answer(head.as_bytes(), b"{}").starts_with("HTTP/1.1 400"));
        assert!(answer(head.as_bytes(), br#"{"data":"x"}"#).starts_with("HTTP/1.1 200"));
    }
}
