//! The column map.

use serde_json::json;

use super::{super::columns::Kind, *};

fn columns(map: &[(&str, &str)]) -> Result<Columns, SheetError> {
    Columns::new(map.iter().map(|(header, pointer)| ((*header).to_owned(), (*pointer).to_owned())), &schema())
}

#[test]
fn kinds_are_what_the_schema_says() {
    let schema = json!({
        "$ref": "#/$defs/all",
        "$defs": {
            "all": {"allOf": [{"properties": {"a": {"type": ["null", "integer"]}}}], "properties": {
                "b": {"type": ["integer", "number"]},
                "c": {"anyOf": [{"$ref": "#/$defs/inner"}, {"type": "null"}]},
                "d": {"type": ["integer", "string"]},
                "e": {"enum": ["x", "y"]},
                "f": {"const": true},
                "g": {"$ref": "https://example.org/other"},
                "h": {"$ref": "#/$defs/loop"},
                "i/j": {"type": "number"},
                "k": {"enum": [1, 2]},
            }},
            "inner": {"properties": {"x": {"type": "boolean"}}},
            "loop": {"allOf": [{"$ref": "#/$defs/loop"}, {"$ref": "#/$defs/loop"}]},
        },
    });
    let pointers = ["/a", "/b", "/c/x", "/d", "/e", "/f", "/g", "/h", "/i~1j", "/k", "/none"];
    let columns = Columns::new(pointers.map(|pointer| (pointer.to_owned(), pointer.to_owned())), &schema).unwrap();
    let kinds: Vec<_> = columns.iter().map(|column| column.kind).collect();
    use Kind::{Boolean, Integer, Number, Text};
    assert_eq!(kinds, [Integer, Number, Boolean, Text, Text, Boolean, Text, Text, Number, Integer, Text]);
}

#[test]
fn the_default_map_has_the_properties_of_one_value() {
    let columns = Columns::of_schema(&schema()).unwrap();
    let mut headers: Vec<_> = columns.headers().collect();
    headers.sort_unstable();
    assert_eq!(headers, ["active", "age", "name", "score"]);
    for none in [json!({}), json!(true), json!({"properties": {"a": {"type": "object"}, "b": {}}})] {
        assert!(matches!(Columns::of_schema(&none), Err(SheetError::NoColumns)));
    }
}

#[test]
fn what_is_no_map_is_refused() {
    assert!(matches!(columns(&[]), Err(SheetError::NoColumns)));
    assert!(matches!(columns(&[("a", "/a"), (" a ", "/b")]), Err(SheetError::MappedTwice(_))));
    for (one, other) in [("/a", "/a"), ("/a", "/a/b"), ("/a/b", "/a")] {
        assert!(matches!(columns(&[("x", one), ("y", other)]), Err(SheetError::Overlap(..))), "{one} {other}");
    }
    assert!(columns(&[("x", "/a"), ("y", "/ab")]).is_ok());
    for header in ["", "  ", "_row", "_error", &"x".repeat(129)] {
        assert!(matches!(columns(&[(header, "/a")]), Err(SheetError::Header(_))), "{header}");
    }
    for (pointer, part) in [
        ("", "must begin with /"),
        ("a", "must begin with /"),
        ("/a~", "~ must be followed"),
        ("/a~2", "~ must be followed"),
        ("/a/0", "points into an array"),
        ("/a/-", "points into an array"),
        (&"/a".repeat(17), "more than 16"),
    ] {
        let error = columns(&[("x", pointer)]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let many = (0..257).map(|n| (format!("h{n}"), format!("/p{n}")));
    assert!(matches!(Columns::new(many, &schema()), Err(SheetError::TooManyColumns(257))));
}
