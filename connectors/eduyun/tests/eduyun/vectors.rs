//! The document's vectors, through the connector to the wire.

use serde_json::{Value, json};

use super::{TOKEN, bare, call, config, token, url, with};

/// What a request for a token says under this `[sign]`.
fn signed(sign: Value) -> Value {
    let host = bare(with(json!({ "sign": sign })));
    host.on("POST", &url(TOKEN)).reply(200, token("t"));
    call(&host, "token.check", json!({})).unwrap();
    host.requests()[0].json()
}

#[test]
fn key_info_is_what_the_vectors_say_in_every_variant() {
    for (sign, key_info) in [
        (json!({}), "6F9F74415F88E51F0BC47B9C8721A6172AF83251"),
        (
            json!({ "hash": "sha1", "encoding": "hex-upper", "timestamp_unit": "ms" }),
            "6F9F74415F88E51F0BC47B9C8721A6172AF83251",
        ),
        (json!({ "encoding": "hex-lower" }), "6f9f74415f88e51f0bc47b9c8721a6172af83251"),
        (json!({ "encoding": "base64" }), "b590QV+I5R8LxHuchyGmFyr4MlE="),
        (json!({ "encoding": "base64-of-hex-lower" }), "NmY5Zjc0NDE1Zjg4ZTUxZjBiYzQ3YjljODcyMWE2MTcyYWY4MzI1MQ=="),
        (json!({ "timestamp_unit": "s" }), "274DC16D1608C091DE94AA320300AF79AADCE7CB"),
        (json!({ "hash": "md5" }), "799CB02464D0D82CAD3A7AFADBA35EBE"),
        (json!({ "hash": "sha256" }), "156FCF6A0C908788E060275AE15D36B4AFFA6033DD4816714D9419BADDF8EBAD"),
    ] {
        assert_eq!(signed(sign.clone())["keyInfo"], key_info, "{sign}");
    }
}

#[test]
fn time_stamps_are_decimal_text_in_the_unit_of_the_config() {
    assert_eq!(signed(json!({}))["timeStamp"], "1700000000000");
    assert_eq!(signed(json!({ "timestamp_unit": "s" }))["timeStamp"], "1700000000");
}

#[test]
fn the_key_is_in_the_signature_and_never_on_the_wire() {
    let host = bare(config());
    host.on("POST", &url(TOKEN)).reply(200, token("t"));
    call(&host, "token.check", json!({})).unwrap();
    let sent = host.requests().pop().unwrap();
    assert!(!format!("{sent:?}{}", sent.text()).contains("demoAppKey"));
}

#[test]
fn the_simulators_ticket_stands_in_a_link_as_the_vector_says() {
    let host = bare(config());
    let ticket = "cTAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMTcwMDAwMDAwMDAwMA==";
    let output = call(&host, "link.app", json!({ "appUrl": "http://app.example/open", "ticket": ticket })).unwrap();
    let encoded = ticket.replace('=', "%3D");
    assert_eq!(output, json!({ "url": format!("http://app.example/open?ticket={encoded}&sysCode=0") }));
    assert!(host.requests().is_empty());
}
