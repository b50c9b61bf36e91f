//! `duijie keys new`: makes an API key. It is shown once; what goes into `duijie.toml` is its hash.

use clap::Subcommand;

use super::{Done, Ended, Global, print_json};
use crate::{id::PlatformName, server::auth};

#[derive(Subcommand)]
pub(super) enum KeysVerb {
    /// Make a key, print it once, and print what belongs into duijie.toml
    New {
        /// The platform that will use it
        #[arg(long, required_unless_present = "admin")]
        platform: Option<PlatformName>,
        /// Links it may use: ids, or patterns such as zj.*
        #[arg(long, default_value = "*", value_delimiter = ',')]
        links: Vec<String>,
        /// Operations it may call: names, or patterns such as record.*
        #[arg(long, default_value = "*", value_delimiter = ',')]
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
        print_json(
            &serde_json::json!({ "key": *key.secret, "key_id": key.id, "key_sha256": key.sha256, "toml": toml }),
        );
    } else {
        println!(
            "The key, shown this once; give it to whoever calls (Authorization: Bearer …):\n\n  {}\n",
            *key.secret
        );
        println!("This goes into duijie.toml:\n\n{toml}");
    }
    Ok(())
}

fn list(items: &[String]) -> String {
    toml::Value::Array(items.iter().cloned().map(toml::Value::String).collect()).to_string()
}
