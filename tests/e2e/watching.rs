//! Every way in which files change in the field: links that are flipped, directories that are replaced, disks that tell
//! nothing, and ten thousand events at once.

use std::{fs, os::unix::fs::symlink, path::Path};

use duijie_tests::harness::{Host, Setup};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::hostile_in_mode;

const BARE: &str = "connector = \"hostile\"\n";

async fn becomes(host: &Host, mode: &str) {
    let revision = hex::encode(Sha256::digest(hostile_in_mode(mode)));
    host.until(&format!("{mode} to serve"), |all| all.link_revision("a.one") == revision).await;
    assert_eq!(host.call("a.one", "mode", &json!(null)).await.expect(200), json!(mode));
}

/// Points a link elsewhere, as volumes of Kubernetes do: a new one beside it, renamed over it.
fn flip(link: &Path, to: &str) {
    let new = link.parent().unwrap().join(".flipping");
    symlink(to, &new).unwrap();
    fs::rename(new, link).unwrap();
}

fn write_in(dir: &Path, mode: &str) {
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("hostile.wasm"), hostile_in_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_whose_data_link_is_flipped_is_followed() {
    // No rescan to help.
    let host = Setup::new().settings("[reload]\nrescan_s = 86400\n").link("a/one", BARE).start().await;
    let dir = host.setup().connectors();
    write_in(&dir.join("..1"), "first");
    symlink("..1", dir.join("..data")).unwrap();
    symlink("..data/hostile.wasm", dir.join("hostile.wasm")).unwrap();
    becomes(&host, "first").await;
    write_in(&dir.join("..2"), "second");
    flip(&dir.join("..data"), "..2");
    becomes(&host, "second").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_replaced_is_followed_and_what_changes_in_it_later_too() {
    let host = Setup::new().settings("[reload]\nrescan_s = 86400\n").link("a/one", BARE).start().await;
    let dir = host.setup().connectors();
    let root = host.setup().root().to_owned();
    fs::remove_dir(&dir).unwrap();
    write_in(&root.join("release-1"), "first");
    symlink("release-1", &dir).unwrap();
    becomes(&host, "first").await;
    write_in(&root.join("release-2"), "second");
    flip(&dir, "release-2");
    becomes(&host, "second").await;
    // Not the file that was watched first.
    write_in(&root.join("release-2"), "third");
    becomes(&host, "third").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_tells_nothing_is_looked_at_all_the_same() {
    // What lies behind a link in the directory is not watched, as a network disk would not be.
    let host = Setup::new().settings("[reload]\nrescan_s = 1\n").link("a/one", BARE).start().await;
    let far = host.setup().root().join("far");
    write_in(&far, "first");
    symlink(far.join("hostile.wasm"), host.setup().connectors().join("hostile.wasm")).unwrap();
    becomes(&host, "first").await;
    write_in(&far, "second");
    becomes(&host, "second").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_at_once_are_a_few_looks_and_nothing_is_missed() {
    let settings = "[log]\nlevel = \"debug\"\n[reload]\nrescan_s = 86400\n";
    let host = Setup::new().settings(settings).guest("hostile").link("a/one", BARE).start().await;
    let dir = host.setup().connectors();
    for n in 0..5_000 {
        let file = dir.join(format!("noise-{n}.txt"));
        fs::write(&file, b"x").unwrap();
        fs::remove_file(&file).unwrap();
    }
    host.drop_connector("hostile.wasm", &hostile_in_mode("after the noise"));
    becomes(&host, "after the noise").await;
    let rollouts = host.rollouts().await;
    assert_eq!((rollouts.file_state("hostile.wasm"), rollouts.link_state("a.one")), ("serving", "serving"));
    let looks = host.terminate().await.written().matches("\"reconcile\"").count();
    assert!(looks < 1_000, "{looks} looks");
}
