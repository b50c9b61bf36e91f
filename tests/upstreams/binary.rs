//! The simulator as a program: what it prints, that it serves, that it stops when told. Behaviour over HTTP is tested
//! beside the library.
#![allow(clippy::expect_used, reason = "a failed expectation is a failed test")]

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duijie-upstreams"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Starts it; the child and the line it printed.
async fn start(arguments: &[&str]) -> (Child, Value) {
    let mut child = command(arguments).spawn().expect("starts");
    let stdout = child.stdout.take().expect("piped");
    let line = BufReader::new(stdout).lines().next_line().await.expect("reads").expect("a line");
    (child, serde_json::from_str(&line).expect("one line of JSON"))
}

#[tokio::test]
async fn it_announces_itself_serves_and_stops_on_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let (mut child, announced) = start(&["zj-gxsz", "--mode", "quirky", "--seed", "7"]).await;
        assert_eq!(announced.get("simulator"), Some(&Value::from("zj-gxsz")));
        let url = announced.get("url").and_then(Value::as_str).expect("a URL");
        let address = url.strip_prefix("http://").expect("plain http");

        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(b"GET /_sim/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("writes");
        let mut page = String::new();
        stream.read_to_string(&mut page).await.expect("reads");
        assert!(page.contains("Mode: Quirky. Clients: demo-college."), "{page}");

        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("runs");
        kill_process(pid, signal).expect("signals");
        assert!(child.wait().await.expect("ends").success(), "{signal:?}");
    }
}

#[tokio::test]
async fn every_upstream_announces_itself_under_its_own_name() {
    for name in ["culturedc", "eduyun", "skill-train", "zj-gxsz", "zjzwfw-sso"] {
        let (_child, announced) = start(&[name, "--mode", "quirky"]).await;
        assert_eq!(announced.get("simulator"), Some(&Value::from(name)));
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_with_the_reason() {
    let output = command(&["zj-gxsz", "--client-secret", "c2hvcnQ="]).output().await.expect("runs");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(stderr.contains("the secret is not base64 of 16 bytes"), "{stderr}");
    assert!(!stderr.contains("c2hvcnQ="), "{stderr}");
}

#[tokio::test]
async fn help_says_where_the_admin_surface_is() {
    for arguments in [vec!["--help"], vec!["zj-gxsz", "--help"]] {
        let output = command(&arguments).output().await.expect("runs");
        let help = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(output.status.success() && help.contains("/_sim/"), "{help}");
    }
}

#[tokio::test]
async fn every_simulator_starts_by_its_name() {
    for (name, key) in [("skill-train", "Accounts: demo-academy."), ("culturedc", "Access keys: AKDEMO0000000001,")] {
        let (_child, announced) = start(&[name, "--mode", "quirky", "--seed", "7"]).await;
        assert_eq!(announced.get("simulator"), Some(&Value::from(name)));
        let url = announced.get("url").and_then(Value::as_str).expect("a URL");
        let mut stream = TcpStream::connect(url.strip_prefix("http://").expect("plain http")).await.expect("connects");
        stream.write_all(b"GET /_sim/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("writes");
        let mut page = String::new();
        stream.read_to_string(&mut page).await.expect("reads");
        assert!(page.contains("Mode: Quirky.") && page.contains(key), "{page}");
    }
}

#[tokio::test]
async fn the_platform_starts_by_its_name_and_takes_no_event_that_is_not_signed() {
    let (_child, announced) = start(&["platform"]).await;
    assert_eq!(announced.get("simulator"), Some(&Value::from("platform")));
    let url = announced.get("url").and_then(Value::as_str).expect("a URL");
    let mut stream = TcpStream::connect(url.strip_prefix("http://").expect("plain http")).await.expect("connects");
    let event = "POST /events HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(event.as_bytes()).await.expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("reads");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}
