//! Documents as they come, and documents that mean harm.

use super::*;

#[test]
fn elements_attributes_and_text_are_read() {
    let root = parse(
        "\u{feff}<?xml version=\"1.0\" encoding=\"GBK\"?>\n<SSO><!-- x --><total>2</total><user loginname='zhangs' username=\"张&amp;三\"></user><ns:n><![CDATA[<1>]]>&#x41;&lt;</ns:n></SSO>\n",
    )
    .unwrap();
    assert_eq!(root.name, "SSO");
    assert_eq!(root.child("total").unwrap().text, "2");
    let user = root.child("user").unwrap();
    assert_eq!(
        user.attributes,
        [("loginname".to_owned(), "zhangs".to_owned()), ("username".to_owned(), "张&三".to_owned())]
    );
    assert_eq!(root.find("n").unwrap().text, "<1>A<");
}

#[test]
fn a_document_type_is_refused_even_by_the_lenient_reader() {
    for hostile in [
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        "<!DOCTYPE html><html></html>",
    ] {
        assert_eq!(parse(hostile), Err(XmlError::Doctype));
        assert_eq!(parse_lenient(hostile), Err(XmlError::Doctype));
    }
}

#[test]
fn entities_that_nobody_declared_are_not_well_formed() {
    assert!(matches!(parse("<a>&x;</a>"), Err(XmlError::Malformed(_))));
    assert!(matches!(parse("<a b='&x;'/>"), Err(XmlError::Malformed(_))));
    assert!(matches!(parse("<a>&#0;</a>"), Err(XmlError::Malformed(_))));
}

#[test]
fn depth_nodes_and_bytes_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(parse(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(parse(&nested(DEPTH_MAX + 1)), Err(XmlError::TooDeep));
    assert_eq!(parse_lenient(&"<a>".repeat(10_000)), Err(XmlError::TooDeep));
    assert_eq!(parse(&format!("<a>{}</a>", "<b/>".repeat(NODES_MAX))), Err(XmlError::TooMany));
    assert_eq!(parse(&format!("<a>{}</a>", " ".repeat(BYTES_MAX))), Err(XmlError::TooLarge));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for broken in
        ["", "text", "<a>", "<a></b>", "<a/><b/>", "<a b=1/>", "<a b='1' b='2'/>", "<a/>text", "</a>", "<a>&</a>"]
    {
        assert!(matches!(parse(broken), Err(XmlError::Malformed(_))), "{broken}");
    }
}

#[test]
fn the_lenient_reader_takes_typographic_quotes_and_stray_markup() {
    let root = parse_lenient("<SSO><user loginname=“zhangs”></user><n>a & b < c &nbsp;</n></SSO>").unwrap();
    assert_eq!(root.child("user").unwrap().attributes[0].1, "zhangs");
    assert_eq!(root.child("n").unwrap().text, "a & b < c &nbsp;");
    assert!(matches!(parse_lenient("<a></b>"), Err(XmlError::Malformed(_))));
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let element =
        Element::new("s:SSO").attribute("a", "\"<&>'\n\t\r").with(Element::text("n", "</n> & ]]> \r\n “谈” 😀"));
    let written = element.to_xml().unwrap();
    assert_eq!(parse(&written).unwrap(), element, "{written}");
}

#[test]
fn a_value_cannot_be_a_name_and_control_characters_are_replaced() {
    for name in ["", "a b", "a>", "1a", "a:b:c", "-a", "a\"", "a/"] {
        assert_eq!(Element::new(name).to_xml(), Err(XmlError::Name), "{name}");
        assert_eq!(Element::new("a").attribute(name, "").to_xml(), Err(XmlError::Name), "{name}");
    }
    assert_eq!(Element::text("a", "x\u{0}\u{1b}y").to_xml().unwrap(), "<a>x\u{fffd}\u{fffd}y</a>");
}
