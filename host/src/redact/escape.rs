//! Makes a guest's text one harmless line: it can neither begin a line of its own nor colour or reorder an operator's.

use std::{borrow::Cow, fmt::Write};

/// Escapes control characters (C0, C1, DEL), line separators, and invisible and bidirectional format characters, as Rust
/// writes them: `\n`, `\u{1b}`, `\u{202e}`. Everything else stays, a backslash too.
pub(crate) fn escape_control(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().saturating_add(16));
    for c in text.chars() {
        if is_harmful(c) {
            // Writing to a String does not fail.
            let _ = match c {
                '\n' => out.write_str("\\n"),
                '\r' => out.write_str("\\r"),
                '\t' => out.write_str("\\t"),
                _ => write!(out, "\\u{{{:x}}}", u32::from(c)),
            };
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters, and those of Unicode's category Cf (with the line and paragraph separators) that hide or reorder
/// text; a soft hyphen is one of them.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}
