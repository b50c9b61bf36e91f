//! A connector to be written.

use duijie_sdk::{About, Connector, Failure, Link, Operations};

/// To be written.
struct ZjGxsz;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {}

#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
struct Echo {
    text: String,
}

impl Connector for ZjGxsz {
    const NAME: &'static str = "zj-gxsz";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Config;

    fn about() -> About {
        About::new("To be written.", "待写。")
    }

    fn operations(ops: &mut Operations<Self>) {
        ops.add("echo", echo)
            .summary("Echo.", "回显。")
            .read()
            .repeat_safe();
    }
}

fn echo(_link: &Link<Config>, input: Echo) -> Result<Echo, Failure> {
    Ok(input)
}

duijie_sdk::export!(ZjGxsz);
