//! New and changed connectors and links are live without a restart; bad ones are refused with the reason, and what served
//! before serves on.

use std::{fs, io::Write as _};

use duijie_tests::{
    fixtures,
    harness::{Host, Setup, build, eventually},
};
use http::Method;
use rustix::process::Signal;
use serde_json::json;

use crate::support::{College, Docked, LINK, docked, hostile_in_mode, hostile_link, setup};

const BARE: &str = "connector = \"hostile\"\n";

async fn mode(host: &Host, link: &str) -> String {
    host.call(link, "mode", &json!(null)).await.expect(200).as_str().unwrap().to_owned()
}

async fn one_link() -> Host {
    let host = Setup::new().guest("hostile").link("a/one", BARE).start().await;
    host.until("the link to serve", |all| all.link_state("a.one") == "serving").await;
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_nothing_starts_and_takes_connector_and_link_while_running() {
    let host = Setup::new().start().await;
    host.call("a.one", "echo", &json!(1)).await.problem(404, "invalid-input", "not-sent");
    host.write_link("a/one", BARE);
    let rollouts = host.until("the link to want its connector", |all| all.link_refused("a.one")).await;
    assert!(rollouts.link_reason("a.one").contains("no connector hostile is loaded"), "{}", rollouts.text());
    host.drop_connector_file("hostile.wasm", &build::connector("hostile"));
    host.until("the link to serve", |all| all.link_state("a.one") == "serving").await;
    assert_eq!(host.call("a.one", "echo", &json!(1)).await.expect(200), json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_written_as_soon_as_the_host_listens_are_seen_without_a_rescan() {
    // Again and again, because it is a race that must not be lost: the harness returns as soon as the host listens.
    for _ in 0..5 {
        let host =
            Setup::new().settings("[reload]\nrescan_s = 86400\n").guest("hostile").link("a/one", BARE).start().await;
        host.write_link("a/two", BARE).write_link("new/folder/three", BARE);
        host.until("both new links to serve", |all| {
            all.link_state("a.two") == "serving" && all.link_state("new.folder.three") == "serving"
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_be_refused_always_has_its_reason() {
    let host = one_link().await;
    host.write_link("a/bad", "connector = 7\n").drop_connector("bad.wasm", b"not wasm");
    // From the first look at the files until they are judged, nobody may be left guessing.
    eventually("both to be refused", async || {
        let rollouts = host.rollouts().await;
        for (what, reason) in rollouts.refusals() {
            assert!(!reason.is_empty(), "{what} is refused and nobody says why");
        }
        rollouts.link_refused("a.bad") && rollouts.file_refused("bad.wasm")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_connector_is_live_however_it_is_copied() {
    let host = one_link().await;
    let file = host.setup().connectors().join("hostile.wasm");
    assert_eq!(mode(&host, "a.one").await, "decent");
    let becomes = async |wanted: &str| {
        let mut revision = String::new();
        let rollouts = host
            .until(&format!("{wanted} to be live"), |all| {
                revision = all.link_revision("a.one").to_owned();
                all.file_state("hostile.wasm") == "serving"
                    && all.link_state("a.one") == "serving"
                    && revision == sha256(&hostile_in_mode(wanted))
            })
            .await;
        assert_eq!(rollouts.file_revision("hostile.wasm"), revision);
        assert_eq!(mode(&host, "a.one").await, wanted);
    };
    // mv: renamed into place.
    host.drop_connector("hostile.wasm", &hostile_in_mode("renamed"));
    becomes("renamed").await;
    // cp: the same file, truncated and written.
    let source = host.setup().root().join("copied.wasm");
    fs::write(&source, hostile_in_mode("copied")).unwrap();
    fs::copy(&source, &file).unwrap();
    becomes("copied").await;
    // In place, slowly, in pieces.
    let slow = hostile_in_mode("slow");
    let mut open = fs::File::create(&file).unwrap();
    for piece in slow.chunks(slow.len() / 7) {
        open.write_all(piece).unwrap();
        open.sync_all().unwrap();
    }
    drop(open);
    becomes("slow").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_still_being_written_is_not_judged_and_the_old_one_serves() {
    let host = one_link().await;
    let file = host.setup().connectors().join("hostile.wasm");
    let new = hostile_in_mode("late");
    let (first, rest) = new.split_at(new.len() / 2);
    let mut open = fs::File::create(&file).unwrap();
    open.write_all(first).unwrap();
    assert_eq!(mode(&host, "a.one").await, "decent");
    open.write_all(rest).unwrap();
    drop(open);
    host.until("the new one to be live", |all| all.link_revision("a.one") == sha256(&new)).await;
    assert_eq!(mode(&host, "a.one").await, "late");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_without_an_error_while_the_connector_changes() {
    let host = one_link().await;
    let mut modes = Vec::new();
    let swaps = async {
        for n in 0..3 {
            let bytes = hostile_in_mode(&format!("swap-{n}"));
            host.drop_connector("hostile.wasm", &bytes);
            host.until("the swap", |all| all.link_revision("a.one") == sha256(&bytes)).await;
        }
    };
    let mut swaps = Box::pin(swaps);
    loop {
        tokio::select! {
            () = &mut swaps => break,
            seen = mode(&host, "a.one") => if modes.last() != Some(&seen) { modes.push(seen) },
        }
    }
    drop(swaps);
    modes.push(mode(&host, "a.one").await);
    modes.dedup();
    assert_eq!(modes.last().unwrap(), "swap-2");
    assert!(modes.is_sorted(), "a call never goes back to an older revision: {modes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_meets_one_revision_from_its_beginning_to_its_end() {
    let host = one_link().await;
    let bytes = hostile_in_mode("swap-a,fails=5");
    host.drop_connector("hostile.wasm", &bytes);
    host.until("the swap", |all| all.link_revision("a.one") == sha256(&bytes)).await;
    let met = host.call("a.one", "mode.twice", &json!({ "n": 105 })).await.expect(200);
    assert_eq!((&met["first"], &met["then"]), (&json!("swap-a,fails=5"), &json!("swap-a,fails=5")));
    assert!(met["described"].as_str().unwrap().ends_with("As swap-a,fails=5."), "{met}");
    host.call("a.one", "mode.twice", &json!({ "n": 104 })).await.problem(500, "internal", "not-sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_connector_file_serves_on() {
    let host = one_link().await;
    fs::remove_file(host.setup().connectors().join("hostile.wasm")).unwrap();
    host.until("the file to be gone", |all| all.file_state("hostile.wasm") == "gone").await;
    assert_eq!(mode(&host, "a.one").await, "decent");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_version_that_fits_is_taken() {
    let host = Setup::new().guest("hostile").start().await;
    host.write_link("a/any", BARE).write_link("a/old", "connector = \"hostile\"\nversion = \"=0.1.0\"\n");
    host.until("both links to serve", |all| {
        all.link_state("a.any") == "serving" && all.link_state("a.old") == "serving"
    })
    .await;
    host.drop_connector("hostile-2.wasm", &hostile_in_mode("version=0.1.7"));
    host.until("the newer version to be taken", |all| {
        all.link_revision("a.any") == sha256(&hostile_in_mode("version=0.1.7"))
    })
    .await;
    assert_eq!(mode(&host, "a.any").await, "version=0.1.7");
    assert_eq!(mode(&host, "a.old").await, "decent");
    host.write_link("a/none", "connector = \"hostile\"\nversion = \"^9\"\n");
    let rollouts = host.until("the version to be missed", |all| all.link_refused("a.none")).await;
    let reason = rollouts.link_reason("a.none");
    assert!(reason.contains("0.1.0") && reason.contains("0.1.7") && reason.contains("a/none.toml:2"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_link_is_live_and_a_removed_one_gone() {
    let docked = docked().await;
    let other = duijie_tests::upstreams::ZjGxsz::builder().start().await.unwrap();
    docked.push("record.push-one", &fixtures::talk_one(1)).await.expect(200);
    docked.host.write_link("zj/nbufe", &College::at(&other.url()).toml());
    let mut n = 1;
    eventually("the other upstream to be pushed to", async || {
        n += 1;
        docked.push("record.push-one", &fixtures::talk_one(n)).await.expect(200);
        other.counters().records_accepted > 0
    })
    .await;
    fs::remove_file(docked.host.setup().links().join("zj/nbufe.toml")).unwrap();
    docked.host.until("the link to be gone", |all| all.link_state(LINK).is_empty()).await;
    docked.push("record.push-one", &fixtures::talk_one(1)).await.problem(404, "invalid-input", "not-sent");
}

/// Writes the link; it is refused with the line of `at` and these words, and the old one serves on.
async fn refused_at(docked: &Docked, toml: &str, at: &str, words: &[&str]) {
    docked.host.write_link("zj/nbufe", toml);
    let what = format!("a refusal that says {words:?}");
    let said = |reason: &str| !reason.is_empty() && words.iter().all(|word| reason.contains(word));
    let stale = docked.host.until(&what, |all| all.link_state(LINK) == "stale" && said(all.link_reason(LINK)));
    let rollouts = stale.await;
    let line = toml.lines().position(|line| line.contains(at)).unwrap() + 1;
    let (place, reason) = (format!("zj/nbufe.toml:{line}"), rollouts.link_reason(LINK));
    assert!(reason.contains(&place), "{place} in: {reason}");
    docked.push("record.push-one", &fixtures::talk_one(1)).await.expect(200);
    docked.host.write_link("zj/nbufe", &College::at(&docked.sim.url()).toml());
    docked.host.until("the good link to be back", |all| all.link_state(LINK) == "serving").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_or_wrong_key_names_file_line_and_key_and_the_old_link_serves_on() {
    let docked = docked().await;
    let good = College::at(&docked.sim.url()).toml();
    let limits = |line: &str| format!("{good}[limits]\nconcurrency = 9\n{line}\n");
    refused_at(&docked, &good.replacen('\n', "\nconection = 1\n", 1), "conection", &["`conection`"]).await;
    refused_at(&docked, &limits("concurency = 1"), "concurency", &["limits.concurency"]).await;
    refused_at(&docked, &limits("deadline_ms = 0"), "deadline_ms", &["limits.deadline_ms", "out of range"]).await;
    refused_at(&docked, &limits("deadline_ms = \"soon\""), "deadline_ms", &["limits.deadline_ms"]).await;
    let secrets = good.replace("encoding =", "encodign =");
    refused_at(&docked, &secrets, "encodign", &["secrets.client_secret.encodign"]).await;
    refused_at(&docked, &good.replace("\nhttp =", "\nhttps ="), "https =", &["allow.https"]).await;
    refused_at(&docked, &format!("{good}[limits\n"), "[limits", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_in_config_names_file_line_and_key() {
    let docked = docked().await;
    let good = College::at(&docked.sim.url()).toml();
    let wrong = good.replace("client_id = \"demo-college\"", "client_id = 7");
    refused_at(&docked, &wrong, "client_id", &["config.client_id"]).await;
    let path = good.replace("/api/oauth2/token", "api/oauth2/token");
    refused_at(&docked, &path, "api/oauth2/token", &["config.token.path"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_in_config_names_file_line_and_key() {
    let docked = docked().await;
    let good = College::at(&docked.sim.url()).toml();
    refused_at(&docked, &good.replace("profile =", "profil ="), "profil =", &["config.profil"]).await;
    let deep = good.replace("[config.token]\n", "[config.token]\npaht = \"/x\"\n");
    refused_at(&docked, &deep, "paht", &["config.token.paht"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_of_a_folder_are_inherited_and_a_change_of_them_reaches_every_link_below() {
    let host = Setup::new().guest("hostile").start().await;
    let links = host.setup().links();
    fs::create_dir_all(links.join("zj/hz")).unwrap();
    fs::write(links.join("_defaults.toml"), "connector = \"hostile\"\n").unwrap();
    fs::write(links.join("zj/_defaults.toml"), "[limits]\nmax_body_kib = 1\n").unwrap();
    host.write_link("zj/hz/one", "").write_link("zj/two", "[limits]\nmax_body_kib = 8\n").write_link("sh/three", "");
    host.until("three links to serve", |all| {
        ["zj.hz.one", "zj.two", "sh.three"].iter().all(|id| all.link_state(id) == "serving")
    })
    .await;
    let body = json!("x".repeat(4000));
    let status = async |link: &str| host.call(link, "echo", &body).await.status;
    assert_eq!((status("zj.hz.one").await, status("zj.two").await, status("sh.three").await), (413, 200, 200));
    fs::write(links.join("zj/_defaults.toml"), "[limits]\nmax_body_kib = 16\n").unwrap();
    eventually("the new default to be live", async || status("zj.hz.one").await == 200).await;
    let explained = host.setup().run(&["link", "explain", "zj.hz.one"]).expect_code(0).stdout;
    assert!(explained.contains("zj/_defaults.toml:2") && explained.contains("_defaults.toml:1"), "{explained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_refuses_its_link_only_and_a_changed_secret_file_is_read_again() {
    let sim = duijie_tests::upstreams::ZjGxsz::builder().start().await.unwrap();
    let from_file = College::at(&sim.url())
        .toml()
        .replace(&format!("env = \"{}\"", crate::support::SECRET_ENV), "file = \"secret.txt\"");
    let unset = College::at(&sim.url()).toml().replace(crate::support::SECRET_ENV, "NOT_SET_ANYWHERE");
    let host = setup().link("zj/file", &from_file).link("zj/env", &unset).start().await;
    let rollouts =
        host.until("both to be refused", |all| all.link_refused("zj.file") && all.link_refused("zj.env")).await;
    assert!(rollouts.link_reason("zj.env").contains("NOT_SET_ANYWHERE"), "{}", rollouts.text());
    assert!(rollouts.link_reason("zj.file").contains("secret.txt"), "{}", rollouts.text());
    fs::write(host.setup().links().join("secret.txt"), "ASNFZ4mrze/+3LqYdlQyEA==\n").unwrap();
    host.until("the link to serve", |all| all.link_state("zj.file") == "serving").await;
    host.call("zj.file", "record.push-one", &fixtures::talk_one(1)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_and_the_admins_request_lead_to_a_look() {
    let host = one_link().await;
    host.signal(Signal::HUP);
    host.until_logged("a look after SIGHUP", |log| log.contains("keys and webhooks read again")).await;
    let answer = host.admin(Method::POST, "/v1/reload").send().await;
    assert_eq!(answer.status, 202);
    assert_eq!(mode(&host, "a.one").await, "decent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_whose_path_makes_no_id_is_reported() {
    let host = one_link().await;
    host.write_link("a/Bad Name", BARE).write_link("a/dot.ted", BARE);
    let rollouts = host
        .until("the names to be reported", |all| all.text().contains("Bad Name") && all.text().contains("dot.ted"))
        .await;
    assert_eq!(rollouts.link_state("a.one"), "serving");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_component_under_two_names_is_loaded_once() {
    let host = one_link().await;
    host.drop_connector_file("copy.wasm", &build::connector("hostile"));
    let rollouts = host.until("the copy to serve", |all| all.file_state("copy.wasm") == "serving").await;
    assert_eq!(rollouts.file_revision("copy.wasm"), rollouts.file_revision("hostile.wasm"));
    host.write_link("a/two", &hostile_link(&[], ""));
    host.until("another link to serve", |all| all.link_state("a.two") == "serving").await;
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(Sha256::digest(bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_and_a_dangling_link_among_the_links_are_named_and_stop_nothing() {
    let host = one_link().await;
    let links = host.setup().links();
    let pipe = links.join("a/pipe.toml");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    std::os::unix::fs::symlink("nowhere", links.join("a/dangling.toml")).unwrap();
    // What an editor leaves beside a file with unsaved changes.
    std::os::unix::fs::symlink("user@host.1234", links.join("a/.#one.toml")).unwrap();
    host.write_link("a/two", BARE);
    host.until("the new link to serve", |all| all.link_state("a.two") == "serving").await;
    let rollouts = host.until("the pipe to be refused", |all| all.link_refused("a.pipe")).await;
    assert!(rollouts.link_reason("a.pipe").contains("not a regular file"), "{}", rollouts.text());
    host.until_logged("the dangling link to be named", |log| log.contains("dangling.toml")).await;
}
