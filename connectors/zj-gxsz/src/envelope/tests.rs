//! The template: nothing breaks out of it, and slips are found before use.

use duijie_sdk::testing::TestHost;
use serde_json::json;

use super::*;

#[test]
fn every_variable_is_filled_in() {
    let _host = TestHost::new();
    let values = Values::now("+/==", "id", "tok").unwrap();
    let template =
        r#"{"d":"${data}","i":"${client_id}","ms":${timestamp_ms},"s":"${timestamp_s}","n":"${nonce}","t":"${token}"}"#;
    let filled: Value = serde_json::from_str(&body(template, &values).unwrap()).unwrap();
    assert_eq!(filled["d"], "+/==");
    assert_eq!(filled["ms"], json!(1_700_000_000_000_u64));
    assert_eq!(filled["s"], "1700000000");
    assert_eq!(filled["n"].as_str().unwrap().len(), 32);
    assert_eq!((&filled["i"], &filled["t"]), (&json!("id"), &json!("tok")));
    assert_eq!(header("x ${client_id}", &values).unwrap(), "x id");
}

#[test]
fn a_value_with_quotes_stays_inside_its_quotes() {
    let _host = TestHost::new();
    let values = Values::now("x\",\"evil\":\"1\\", "谈\n", "").unwrap();
    let filled: Value = serde_json::from_str(&body(r#"{"d":"${data}","c":"${client_id}"}"#, &values).unwrap()).unwrap();
    assert_eq!(filled, json!({ "d": "x\",\"evil\":\"1\\", "c": "谈\n" }));
}

#[test]
fn slips_in_a_template_are_found() {
    assert_eq!(check_template(r#"{"data":"${data}"}"#), Ok(()));
    assert!(check_template(r#"{"data":"${date}"}"#).unwrap_err().contains("does not exist"));
    assert!(check_template(r#"{"data":"${data""#).unwrap_err().contains("without its"));
    assert!(check_template(r#"{"data":${data}}"#).unwrap_err().contains("not JSON"));
    assert!(check_template(r#"["${data}"]"#).unwrap_err().contains("object"));
    assert!(check_template(r#"{"ts":${timestamp_ms}}"#).unwrap_err().contains("no ${data}"));
    assert_eq!(check_header("v1;${timestamp_s}"), Ok(()));
    assert!(check_header("${secret}").is_err());
}
