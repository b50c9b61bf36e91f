//! `duijie keys new`: makes an API key. It is shown once; what goes into `duijie.toml` is its hash.

use clap::Subcommand;

use super::{Done, Ended, Global, print, print_json};
use crate::{
    id::PlatformName,
    pattern::{Pattern, PatternError},
    server::auth,
};

#[derive(Subcommand)]
pub(super) enum KeysVerb {
    /// Make a key, print it once, and print what belongs into duijie.toml
    New {
        /// The platform that will use it
        #[arg(long, required_unless_present = "admin")]
        platform: Option<PlatformName>,
        /// Links it may use: ids, or patterns such as zj.*
        #[arg(long, default_value = "*", value_delimiter = ',', value_parser = pattern)]
        links: Vec<String>,
        /// Operations it may call: names, or patterns such as record.*
        #[arg(long, default_value = "*", value_delimiter = ',', value_parser = pattern)]
        operations: Vec<String>,
        /// A key for the admin listener instead
        #[arg(long, conflicts_with = "platform")]
        admin: bool,
    },
}

pub(super) fn run(global: &Global, verb: &KeysVerb) -> Done {
    let KeysVerb::New { platform, links, operations, admin } = verb;
    let key = auth::generate().map_err(|error| Ended::Because(format!("no random numbers: {error}")))?;
    let toml = match platform {
        Some(name) if !admin => format!(
            "[[platforms]]\nname = \"{name}\"\nkey_id = \"{}\"\nkey_sha256 = \"{}\"\nlinks = {}\noperations = {}\n",
            key.id,
            key.sha256,
            list(links),
            list(operations)
        ),
        _ => format!("[admin]\nkey_sha256 = \"{}\"\n", key.sha256),
    };
    if global.json() {
        print_json(&serde_json::json!({ "key": *key.secret, "key_id": key.id, "key_sha256": key.sha256, "toml": toml }))
    } else {
        print(&format!(
            "The key, shown this once; give it to whoever calls (Authorization: Bearer …):\n\n  {}\n\n\
             This goes into duijie.toml:\n\n{toml}",
            *key.secret
        ))
    }
}

/// A pattern as it is written, if the host will take it.
fn pattern(text: &str) -> Result<String, PatternError> {
    text.parse::<Pattern>().map(|_| text.to_owned())
}

fn list(items: &[String]) -> String {
    toml::Value::Array(items.iter().cloned().map(toml::Value::String).collect()).to_string()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    #[test]
    fn a_pattern_that_the_host_would_refuse_is_refused_here() {
        let parse = |option: &str, patterns: &str| {
            Cli::try_parse_from(["duijie", "keys", "new", "--platform", "campus", option, patterns])
        };
        for option in ["--links", "--operations"] {
            assert!(parse(option, "zj.*,hz.school-7").is_ok());
            for bad in ["zj*", "zj.*,hz*", "zj.*,"] {
                let error = parse(option, bad).err().unwrap();
                assert_eq!(error.exit_code(), 2, "{bad}");
                assert!(error.to_string().contains("a name followed by `.*`"), "{error}");
            }
        }
    }
}
