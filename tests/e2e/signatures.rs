//! Where signatures are required, only what a listed key signed is loaded: at a drop, at a change, and from what is kept on
//! disk.

use std::{fs, io::Cursor};

use duijie_tests::harness::{Host, Rollouts, Setup};
use minisign::KeyPair;
use serde_json::json;

use crate::support::hostile_in_mode;

const BARE: &str = "connector = \"hostile\"\n";

fn signed(keys: &KeyPair, bytes: &[u8]) -> Vec<u8> {
    minisign::sign(None, &keys.sk, Cursor::new(bytes), None, None).unwrap().to_bytes()
}

fn settings(keys: &KeyPair) -> String {
    let key = keys.pk.to_base64();
    format!("[log]\nlevel = \"debug\"\n[signatures]\nrequired = true\nkeys = [\"{key}\"]\n")
}

/// Drops the guest in this mode, with this signature before it.
fn drop_signed(host: &Host, mode: &str, signature: Option<Vec<u8>>) {
    if let Some(signature) = signature {
        fs::write(host.setup().connectors().join("hostile.wasm.minisig"), signature).unwrap();
    }
    host.drop_connector("hostile.wasm", &hostile_in_mode(mode));
}

async fn mode(host: &Host) -> String {
    host.call("a.one", "mode", &json!(null)).await.expect(200).as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_listed_key_signed_is_loaded_and_the_refusal_says_what_is_missing() {
    let [ours, strangers] = [(); 2].map(|()| KeyPair::generate_unencrypted_keypair().unwrap());
    let host = Setup::new().settings(&settings(&ours)).link("a/one", BARE).start().await;
    let good = hostile_in_mode("good");
    for (signature, word) in [
        (None, "not signed"),
        (Some(b"nonsense".to_vec()), "no minisign signature"),
        (Some(signed(&strangers, &good)), "by no key"),
        (Some(signed(&ours, b"other bytes")), "by no key"),
    ] {
        drop_signed(&host, "good", signature);
        let what = format!("a refusal that says {word}");
        let refused =
            |all: &Rollouts| all.file_refused("hostile.wasm") && all.file_reason("hostile.wasm").contains(word);
        let rollouts = host.until(&what, refused).await;
        assert_eq!(rollouts.file_step("hostile.wasm"), "signature");
    }
    // The signature alone is change enough.
    fs::write(host.setup().connectors().join("hostile.wasm.minisig"), signed(&ours, &good)).unwrap();
    host.until("the link to serve", |all| all.link_state("a.one") == "serving").await;
    assert_eq!(mode(&host).await, "good");
    // A new version under the old signature changes nothing.
    drop_signed(&host, "unsigned", None);
    host.until("the refusal", |all| all.file_state("hostile.wasm") == "stale").await;
    assert_eq!(mode(&host).await, "good");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_on_disk_needs_its_signature_too_and_a_key_that_is_withdrawn_takes_it_out() {
    let [ours, others] = [(); 2].map(|()| KeyPair::generate_unencrypted_keypair().unwrap());
    let host = Setup::new().settings(&settings(&ours)).link("a/one", BARE).start().await;
    drop_signed(&host, "good", Some(signed(&ours, &hostile_in_mode("good"))));
    host.until("the link to serve", |all| all.link_state("a.one") == "serving").await;
    let stopped = host.kill().await;
    fs::remove_dir_all(stopped.setup().connectors()).unwrap();
    let host = stopped.start().await;
    assert_eq!(mode(&host).await, "good");
    let stopped = host.kill().await;
    let host = stopped.start_with(&settings(&others)).await;
    let rollouts = host.until("the link to be out of service", |all| all.link_state("a.one") == "refused").await;
    assert!(rollouts.link_reason("a.one").contains("no connector hostile"), "{}", rollouts.text());
}
