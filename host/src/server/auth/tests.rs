//! Keys, right and wrong.

use super::{key::NewKey, *};

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

fn key(platform: &str, made: &NewKey) -> PlatformConfig {
    PlatformConfig {
        name: platform.parse().unwrap(),
        key_id: made.id.clone(),
        key_sha256: made.sha256.clone(),
        links: vec!["zj.*".into()],
        operations: vec!["*".into()],
    }
}

fn headers(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(header::AUTHORIZATION, value.parse().unwrap());
    }
    headers
}

#[test]
fn a_new_key_has_the_form_and_opens_what_its_hash_is_configured_for() {
    let made = generate().unwrap();
    assert_eq!(made.secret.len(), 55, "dj_ + 8 + _ + 43");
    assert!(key::id(&made.secret).is_some());
    let keys = PlatformKeys::from_config(&[key("campus", &made)]).unwrap();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let platform = keys.authenticate(&headers(&[&format!("{scheme} {}", *made.secret)]), PEER).unwrap();
        assert_eq!(&*platform.name, "campus");
        assert!(platform.sees_link("zj.nbufe") && !platform.sees_link("sh.a") && platform.sees_operation("a.b"));
    }
}

#[test]
fn two_new_keys_have_nothing_in_common() {
    let (one, two) = (generate().unwrap(), generate().unwrap());
    assert_ne!(*one.secret, *two.secret);
    assert_ne!(one.sha256, two.sha256);
}

#[test]
fn anything_else_is_missing_or_wrong_and_nothing_more() {
    let made = generate().unwrap();
    let other = generate().unwrap();
    let keys = PlatformKeys::from_config(&[key("campus", &made)]).unwrap();
    let secret = made.secret.as_str();
    let mut last_altered = secret.to_owned();
    let last = last_altered.pop().unwrap();
    last_altered.push(if last == 'A' { 'B' } else { 'A' });
    let grafted = format!("dj_{}_{}", made.id, &other.secret[12..]);
    let bearer = |key: &str| format!("Bearer {key}");

    for missing in
        [vec![], vec![secret.to_owned()], vec![format!("Basic {secret}")], vec![bearer(secret), bearer(secret)]]
    {
        let values: Vec<&str> = missing.iter().map(String::as_str).collect();
        let error = keys.authenticate(&headers(&values), PEER).unwrap_err();
        assert!(matches!(error, AuthError::Missing), "{missing:?}: {error}");
    }
    for wrong in [
        "",
        "x",
        "dj_",
        &last_altered,
        &grafted,
        other.secret.as_str(),
        &secret[..54],
        &format!("{secret}A"),
        &secret.to_uppercase(),
        &secret.replace("dj_", "dj-"),
    ] {
        let error = keys.authenticate(&headers(&[&bearer(wrong)]), PEER).unwrap_err();
        assert!(matches!(error, AuthError::Wrong), "{wrong}: {error}");
        assert!(wrong.is_empty() || !error.to_string().contains(wrong), "a key is never quoted");
    }
}

#[test]
fn a_right_key_is_let_in_however_often_others_at_its_address_failed() {
    let made = generate().unwrap();
    let keys = PlatformKeys::from_config(&[key("campus", &made)]).unwrap();
    while !matches!(keys.authenticate(&HeaderMap::new(), PEER), Err(AuthError::TooMany(_))) {}
    assert!(keys.authenticate(&headers(&[&format!("Bearer {}", *made.secret)]), PEER).is_ok());
}

#[test]
fn replaced_keys_count_at_once_and_a_bad_set_changes_nothing() {
    let (old, new) = (generate().unwrap(), generate().unwrap());
    let keys = PlatformKeys::from_config(&[key("campus", &old)]).unwrap();
    let opens = |made: &NewKey| keys.authenticate(&headers(&[&format!("Bearer {}", *made.secret)]), PEER).is_ok();

    let twice = keys.replace(&[key("a", &new), key("b", &new)]).unwrap_err();
    assert!(twice.to_string().contains("a and b"), "{twice}");
    assert!(opens(&old) && !opens(&new));

    keys.replace(&[key("campus", &new)]).unwrap();
    assert!(!opens(&old) && opens(&new));
}

#[test]
fn a_key_configured_wrongly_is_named_by_its_platform() {
    let made = generate().unwrap();
    let mut bad = key("campus", &made);
    bad.key_id = "ABCDEF01".into();
    assert!(PlatformKeys::from_config(&[bad]).err().unwrap().to_string().contains("platform campus"));
    let mut bad = key("campus", &made);
    bad.key_sha256.pop();
    assert!(PlatformKeys::from_config(&[bad]).err().unwrap().to_string().contains("platform campus"));
    let mut bad = key("campus", &made);
    bad.operations.push("rec*".into());
    assert!(PlatformKeys::from_config(&[bad]).err().unwrap().to_string().contains("platform campus"));
    assert!(AdminKey::from_config(Some("abc")).is_err());
}

#[test]
fn the_admin_key_opens_and_without_one_nobody_is_let_in() {
    let made = generate().unwrap();
    let right = headers(&[&format!("Bearer {}", *made.secret)]);
    let admin = AdminKey::from_config(Some(&made.sha256)).unwrap();
    assert!(admin.authenticate(&right, PEER).is_ok());
    assert!(matches!(admin.authenticate(&headers(&["Bearer x"]), PEER), Err(AuthError::Wrong)));
    assert!(matches!(AdminKey::from_config(None).unwrap().authenticate(&right, PEER), Err(AuthError::NoAdminKey)));
}
