//! Each net by itself, their overlaps, what stays readable, and lines that cannot be forged.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::{personal::PointerError, *};

fn none() -> PersonalValues {
    PersonalValues::default()
}

fn plain(text: &str) -> String {
    Redactor::shared().redact_text(text, &none()).into_owned()
}

fn values(pointers: &[&str], document: &Value) -> PersonalValues {
    let pointers: Vec<_> = pointers.iter().map(|&pointer| pointer.to_owned()).collect();
    PersonalPointers::parse(&pointers).unwrap().collect(document)
}

#[test]
fn the_pattern_is_well_formed() {
    assert!(Redactor::new().fields.is_some());
}

/// The list of the upstream analysis, as it stands there.
#[test]
fn every_listed_name() {
    let listed = "idcardno, cardno, stucard, teacard, idnum, name, username, studentname, stuname, teaname, phone, \
        mobile, studentphone, password, passwd, pwd, token, usertoken, user_token, accepttoken, accesstoken, \
        accessticket, ticket, st, usessionid, localsession, keyinfo, sign, x-signature, authorization, appkey, \
        client_secret, servicepwd, secret, verifycode, verificationcode, target, data, content, ercunphotos, \
        ercunphotourl, recordvideourl, account, loginaccount, loginname, birthday";
    let names: Vec<_> = listed.split(", ").collect();
    assert_eq!(names.len(), 46);
    for name in names {
        for name in [name.to_owned(), name.to_uppercase(), name.replace('_', "-")] {
            assert!(Redactor::shared().is_personal_field(&name), "{name}");
            for text in [
                format!("{{\"{name}\":\"V4lue\",\"a\":1}}"),
                format!("{{\"{name}\" : \"V4lue\", \"a\":1}}"),
                format!("{{\"x\":\"{{\\\"{name}\\\":\\\"V4lue\\\",\\\"a\\\":1}}\"}}"),
                format!("https://h/p?{name}=V4lue&a=1"),
                format!("https://h/p?b=2&{name}=V4lue&a=1"),
                format!("{name}=V4lue, a=1"),
                format!("{name}: V4lue\na=1"),
                format!("{name}：V4lue a=1"),
                format!("Record {{ {name}: \"V4lue\", a: 1 }}"),
                format!("{{'{name}': 'V4lue', 'a': 1}}"),
            ] {
                let masked = plain(&text);
                assert!(!masked.contains("V4lue"), "{text} → {masked}");
                assert!(masked.contains(MASK) && (masked.contains('1') || masked.contains('a')), "{text} → {masked}");
            }
        }
    }
}

#[test]
fn values_of_every_form() {
    for (text, want) in [
        (r#"{"name":"张三","code":0}"#, r#"{"name":"***","code":0}"#),
        (r#"{"name":"a\"b\\","code":0}"#, r#"{"name":"***","code":0}"#),
        (r#"{"idCardNo":42,"code":0}"#, r#"{"idCardNo":***,"code":0}"#),
        (r#"{"data":{"a":{"b":"}"}},"code":0}"#, r#"{"data":***,"code":0}"#),
        (r#"{"data":[{"a":1},["]"]],"code":0}"#, r#"{"data":***,"code":0}"#),
        (r#"{"data":{"cut":"of"#, r#"{"data":***"#),
        (r#"{"name":"cut of"#, r#"{"name":"***"#),
        (r#"{"name":null,"code":0}"#, r#"{"name":***,"code":0}"#),
        ("Authorization: Bearer abc.def-g, and more\nnext", "Authorization: ***\nnext"),
        ("cookie: a=1; b=2\r\nX: y", "cookie: ***\r\nX: y"),
        ("password=a%20b&next=1", "password=***&next=1"),
        ("pwd = hunter2 and", "pwd = *** and"),
        ("sign:", "sign:"),
        ("name=", "name="),
    ] {
        assert_eq!(plain(text), want);
    }
}

#[test]
fn names_that_only_look_alike_stay() {
    for text in [
        "hostname=api.example.cn",
        "test=1",
        "latest: 2",
        "the name of the field is missing",
        "datum=3 metadata2=4",
        "signal=9",
        "recordId=T20240001 code=0",
        r#"{"code":500,"message":"系统繁忙"}"#,
        "",
    ] {
        assert_eq!(plain(text), text);
    }
    assert!(
        !Redactor::shared().is_personal_field("hostname")
            && !Redactor::shared().is_personal_field("")
            && !Redactor::shared().is_personal_field("-")
    );
}

#[test]
fn numbers_of_people() {
    for (text, want) in [
        ("身份证99999920000101002X不存在", "身份证***不存在"),
        ("id 999999199001010016.", "id ***."),
        ("x99999920000101002xy", "***y"),
        ("手机13800138000未注册", "手机***未注册"),
        ("tel:+8613800138000", "tel:+***"),
        ("013800138000 008613800138000", "*** ***"),
        ("13800138000,19912345678", "***,***"),
        ("9999991990010100161", "***"),
    ] {
        assert_eq!(plain(text), want);
    }
    for text in
        ["1700000000000", "12345678901", "20240102030405", "1380013800", "T20240001", "12.50", "2024-03-01 14:30:00"]
    {
        assert_eq!(plain(text), text, "times and counters");
    }
}

#[test]
fn long_base64() {
    let (long, short) = ("Ab1+/".repeat(60), "Ab1+/".repeat(51));
    assert_eq!(plain(&format!("got {long}== end")), "got *** end");
    assert_eq!(plain(&format!("got {short} end")), format!("got {short} end"));
}

#[test]
fn the_values_of_the_call() {
    let input = json!({
        "studentNo": "2021001",
        "content": "今天谈了 学习\"压力\"",
        "family": [{"who": "李四", "age": 47}, {"who": "王五", "age": 5}],
        "a/b": {"~": "slashed"},
        "map": {"x": {"deep": "深处"}, "y": {"deep": "shallow"}},
    });
    let personal =
        values(&["/studentNo", "/content", "/family/*/who", "/family/*/age", "/a~1b/~0", "/map/*/deep"], &input);
    for (text, want) in [
        ("no student 2021001 here", "no student *** here"),
        ("李四和王五", "***和***"),
        ("%E6%9D%8E%E5%9B%9B or %e6%9d%8e%e5%9b%9b", "*** or ***"),
        (r"\u674e\u56db, \u674E\u56DB", "***, ***"),
        ("said 今天谈了 学习\"压力\".", "said ***."),
        (r#"said 今天谈了 学习\"压力\"."#, "said ***."),
        ("47 of 5", "*** of 5"),
        ("slashed 深处 shallow", "*** *** ***"),
        ("nothing of it", "nothing of it"),
    ] {
        assert_eq!(Redactor::shared().redact_text(text, &personal), want);
    }
    assert!(matches!(Redactor::shared().redact_text("nothing", &personal), Cow::Borrowed(_)));
    // Debug shows none of it.
    assert_eq!(format!("{personal:?}"), "PersonalValues(8)");
}

#[test]
fn nets_that_overlap_leave_nothing() {
    let personal = values(&[""], &json!(["张三 13800138000", "1380", "三 13"]));
    assert_eq!(Redactor::shared().redact_text("张三 13800138000!", &personal), "***!");
    assert_eq!(Redactor::shared().redact_text("name=张三 13800138000!", &personal), "name=***!");
    assert_eq!(Redactor::shared().redact_text("1380 13800138000", &personal), "*** ***");
    assert_eq!(Redactor::shared().redact_text("13801380", &personal), "***");
}

#[test]
fn a_long_value_is_found_though_it_was_cut() {
    let content: String = (0..600).map(|n| char::from_u32(0x4e00 + n * 7 % 5_000).unwrap()).collect();
    let personal = values(&["/content"], &json!({ "content": content }));
    let cut: String = content.chars().take(100).collect();
    assert_eq!(Redactor::shared().redact_text(&format!("[{content}]"), &personal), "[***]");
    assert_eq!(Redactor::shared().redact_text(&format!("{cut}…"), &personal), "***…");
}

#[test]
fn pointers() {
    let all = values(&[""], &json!({"a": [1, 22, {"b": "cc"}], "d": true, "e": null, "f": " ", "g": "   "}));
    assert_eq!(Redactor::shared().redact_text("22 cc 1 true null |   |", &all), "*** *** 1 true null |   |");
    let by_index = values(&["/a/1", "/a/x", "/a/9", "/none/*", "/a/0/deeper"], &json!({"a": ["zero", "one"]}));
    assert_eq!(Redactor::shared().redact_text("zero one", &by_index), "zero ***");
    for (bad, want) in [
        ("a", PointerError::Start("a".into())),
        ("a/b", PointerError::Start("a/b".into())),
        ("/a~", PointerError::Escape("/a~".into())),
        ("/a~2b/c", PointerError::Escape("/a~2b/c".into())),
    ] {
        assert_eq!(PersonalPointers::parse(&[bad.to_owned()]), Err(want));
    }
    assert_eq!(PersonalPointers::parse(&vec![String::new(); 257]), Err(PointerError::TooMany(257)));
}

#[test]
fn too_many_values_show_nothing() {
    let many: Vec<_> = (0..5_000).map(|n| format!("value {n}")).collect();
    let personal = values(&[""], &json!(many));
    assert!(personal.is_overfull());
    assert_eq!(Redactor::shared().redact_text("harmless", &personal), MASK);
    let long = |count: usize| json!((0..count).map(|n| format!("{n}{}", "x".repeat(60_000))).collect::<Vec<_>>());
    assert!(!values(&[""], &long(10)).is_overfull());
    assert!(values(&[""], &long(20)).is_overfull());
}

#[test]
fn a_photograph_is_known_by_its_ends() {
    let photograph = format!("{}{}{}", "a1/".repeat(100), "q+".repeat(1_000_000), "z9=".repeat(100));
    let personal = values(&["/target"], &json!({ "target": photograph }));
    assert!(!personal.is_overfull());
    for quoted in [&photograph[..256], &photograph[photograph.len() - 256..]] {
        assert_eq!(Redactor::shared().redact_text(&format!("got {quoted} instead"), &personal), "got *** instead");
    }
}

#[test]
fn json_is_masked_in_place() {
    let personal = values(&["/n"], &json!({"n": "张三"}));
    let mut detail = json!({
        "pointer": "/talkTime",
        "studentName": {"first": "x"},
        "list": ["for 张三", 13800138000_u64, 7, null, true],
        "inner": {"user_token": 5},
    });
    Redactor::shared().redact_json(&mut detail, &personal);
    let want = json!({
        "pointer": "/talkTime",
        "studentName": "***",
        "list": ["for ***", "***", 7, null, true],
        "inner": {"user_token": "***"},
    });
    assert_eq!(detail, want);
    let many: Vec<_> = (0..5_000).map(|n| format!("value {n}")).collect();
    let mut detail = json!({"a": "harmless", "b": 1});
    Redactor::shared().redact_json(&mut detail, &values(&[""], &json!(many)));
    assert_eq!(detail, json!({"a": "***", "b": "***"}));
}

#[test]
fn lines_cannot_be_forged() {
    for (text, want) in [
        ("one\n2026-01-01 ERROR forged", "one\\n2026-01-01 ERROR forged"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x1b[31mred\x1b]0;title\x07", "\\u{1b}[31mred\\u{1b}]0;title\\u{7}"),
        ("a\u{202e}b\u{2066}c\u{200f}d", "a\\u{202e}b\\u{2066}c\\u{200f}d"),
        ("a\u{2028}b\u{2029}c\u{85}d\u{9b}", "a\\u{2028}b\\u{2029}c\\u{85}d\\u{9b}"),
        ("\u{feff}z\u{200b}w\u{ad}\0\u{7f}", "\\u{feff}z\\u{200b}w\\u{ad}\\u{0}\\u{7f}"),
    ] {
        let escaped = escape_control(text);
        assert_eq!(escaped, want);
        assert!(!escaped.chars().any(char::is_control));
    }
    for text in ["", "张三 🎓 café \\n {}", "a b"] {
        assert!(matches!(escape_control(text), Cow::Borrowed(same) if same == text));
    }
}

#[test]
fn hostile_texts_take_linear_time() {
    let begun = std::time::Instant::now();
    for text in [
        "name=".repeat(20_000),
        "\"name\":\"".repeat(12_000),
        "\\".repeat(100_000),
        "data:[".repeat(16_000),
        "1".repeat(100_000),
        "a".repeat(100_000),
        "name=[".to_owned() + &"\\\"".repeat(50_000),
    ] {
        let masked = plain(&text);
        assert!(masked.len() <= 2 * text.len());
    }
    // Each is some milliseconds; a quadratic one would be minutes.
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}
