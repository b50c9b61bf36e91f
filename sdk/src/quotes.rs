//! Repairs what word processors do to samples that programs then copy: typographic quotes where JSON and XML have
//! straight ones, and characters of markup left as they are in text. Only for reading, and only after the strict reader has
//! refused.

/// A typographic double quote, opening or closing: documents mix them up.
fn is_typographic(character: char) -> bool {
    matches!(character, '“' | '”' | '„' | '‟' | '＂')
}

/// JSON whose strings stand in typographic quotes, with straight ones. Within straight quotes nothing changes.
///
/// ```
/// assert_eq!(duijie_sdk::quotes::straight_in_json("{“a”:\"“b”\"}"), r#"{"a":"“b”"}"#);
/// ```
pub fn straight_in_json(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut quote = None;
    let mut is_escaped = false;
    for character in text.chars() {
        match quote {
            None if character == '"' || is_typographic(character) => {
                quote = Some(character);
                repaired.push('"');
                continue;
            }
            Some('"') if character == '"' && !is_escaped => quote = None,
            Some(opened) if opened != '"' && is_typographic(character) => {
                quote = None;
                repaired.push('"');
                continue;
            }
            _ => {}
        }
        is_escaped = quote.is_some() && character == '\\' && !is_escaped;
        repaired.push(character);
    }
    repaired
}

/// XML whose attributes stand in typographic quotes, or whose text has `&` and `<` that begin nothing, as well-formed as
/// that can make it. CDATA sections and comments stay as they are.
pub fn repaired_xml(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let piece = match first {
            '<' => match as_it_is(rest) {
                Some(piece) => piece,
                None if begins_tag(rest) => {
                    let tag = tag_length(rest);
                    straight_tag(rest.get(..tag).unwrap_or(rest), &mut repaired);
                    rest = rest.get(tag..).unwrap_or_default();
                    continue;
                }
                None => {
                    repaired.push_str("&lt;");
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
            },
            '&' if !begins_reference(rest) => {
                repaired.push_str("&amp;");
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            other => rest.get(..other.len_utf8()).unwrap_or(rest),
        };
        repaired.push_str(piece);
        rest = rest.get(piece.len()..).unwrap_or_default();
    }
    repaired
}

/// A CDATA section or a comment at the beginning.
fn as_it_is(text: &str) -> Option<&str> {
    let ends = [("<![CDATA[", "]]>"), ("<!--", "-->")];
    ends.iter().find(|(begin, _)| text.starts_with(begin)).map(|(_, end)| {
        let length = text.find(end).map_or(text.len(), |at| at + end.len());
        text.get(..length).unwrap_or(text)
    })
}

fn begins_tag(text: &str) -> bool {
    matches!(text.chars().nth(1), Some(next) if next.is_alphabetic() || matches!(next, '_' | '/' | '?' | '!'))
}

/// Bytes of a reference, with its `&` and `;`.
const REFERENCE_BYTES_MAX: usize = 11;

/// One of the five entities that need no declaration, or a character by number.
fn begins_reference(text: &str) -> bool {
    // The longest is `&#x` with seven digits; looking further for every `&` would cost the square of a hostile text.
    let end = text.bytes().take(REFERENCE_BYTES_MAX).position(|byte| byte == b';');
    let name = end.and_then(|end| text.get(1..end));
    name.is_some_and(|name| match name.strip_prefix('#') {
        Some(number) => {
            let digits = number.strip_prefix('x').unwrap_or(number);
            !digits.is_empty() && digits.len() <= 7 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        }
        None => matches!(name, "amp" | "lt" | "gt" | "quot" | "apos"),
    })
}

/// Bytes of the tag at the beginning, with its `>`.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match quote {
            None if character == '>' => return at + 1,
            None if matches!(character, '"' | '\'') || is_typographic(character) => quote = Some(character),
            Some(opened) if closes(opened, character) => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn closes(opened: char, character: char) -> bool {
    if is_typographic(opened) { is_typographic(character) } else { opened == character }
}

fn straight_tag(tag: &str, repaired: &mut String) {
    let mut quote = None;
    for (at, character) in tag.char_indices() {
        match quote {
            None if matches!(character, '"' | '\'') || is_typographic(character) => {
                quote = Some(character);
                repaired.push(if character == '\'' { '\'' } else { '"' });
            }
            Some(opened) if closes(opened, character) => {
                quote = None;
                repaired.push(if opened == '\'' { '\'' } else { '"' });
            }
            Some(opened) if is_typographic(opened) && character == '"' => repaired.push_str("&quot;"),
            Some(_) if character == '<' => repaired.push_str("&lt;"),
            Some(_) if character == '&' && !begins_reference(tag.get(at..).unwrap_or_default()) => {
                repaired.push_str("&amp;");
            }
            _ => repaired.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typographic_quotes_become_straight_where_they_delimit_only() {
        assert_eq!(
            straight_in_json("{“loginname”:“zhangs”, \"x\": \"“甲”\\\"”\"}"),
            "{\"loginname\":\"zhangs\", \"x\": \"“甲”\\\"”\"}"
        );
    }

    #[test]
    fn attributes_in_typographic_quotes_and_stray_markup_are_repaired() {
        let broken = "<?xml version=“1.0”?><SSO><user name=“甲&乙\"”></user><n>1 < 2 & 3 &amp; &#x41; &nbsp;</n></SSO>";
        assert_eq!(
            repaired_xml(broken),
            "<?xml version=\"1.0\"?><SSO><user name=\"甲&amp;乙&quot;\"></user><n>1 &lt; 2 &amp; 3 &amp; &#x41; &amp;nbsp;</n></SSO>"
        );
    }

    #[test]
    fn sections_comments_and_quotes_in_text_stay() {
        for kept in ["<a><![CDATA[“<&>”]]></a>", "<a><!-- & < --></a>", "<a b='“x”'>“y”</a>"] {
            assert_eq!(repaired_xml(kept), kept);
        }
    }
}
