//! Texts with `${variables}`, as operators write them into a config: request bodies, headers, links, messages to sign.
//! A variable that does not exist is an error that lists those that do; values are never interpreted again.

/// The template with each variable's value, written by `written` (see [`inside_json`]).
///
/// ```
/// use duijie_sdk::template::{inside_json, render};
///
/// let value = |name: &str| (name == "data").then(|| "a\"b".to_owned());
/// assert_eq!(render(r#"{"d":"${data}"}"#, &["data"], value, inside_json).unwrap(), r#"{"d":"a\"b"}"#);
/// assert!(render("${x}", &["data"], value, inside_json).unwrap_err().contains("${data}"));
/// ```
///
/// # Errors
/// What is wrong with the template, to be put after its key.
pub fn render(
    template: &str,
    names: &[&str],
    value: impl Fn(&str) -> Option<String>,
    written: impl Fn(String) -> String,
) -> Result<String, String> {
    rendered(template, names, &value, &written)
}

/// Apart from the closures, so that a connector of many templates holds this once.
fn rendered(
    template: &str,
    names: &[&str],
    value: &dyn Fn(&str) -> Option<String>,
    written: &dyn Fn(String) -> String,
) -> Result<String, String> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, beyond) = after.split_once('}').ok_or("has a \"${\" without its \"}\"")?;
        let value = value(name).ok_or_else(|| {
            let known: Vec<_> = names.iter().map(|known| format!("${{{known}}}")).collect();
            format!("has a variable that does not exist; there are {}", known.join(" "))
        })?;
        text.push_str(before);
        text.push_str(&written(value));
        rest = beyond;
    }
    text.push_str(rest);
    Ok(text)
}

/// A value as the inside of a JSON string: it cannot break out of its quotes.
pub fn inside_json(value: String) -> String {
    let quoted = serde_json::to_string(&value).unwrap_or_default();
    quoted.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or_default().to_owned()
}
