//! A connector that misbehaves on request: one operation a misdeed, and a few generic ones (`http.send`, `crypto.*`,
//! `kv.*`) whose misdeed is in the input. Every operation here is claimed by an end-to-end test (tests/tidy.rs).
//! Never part of a deployment.

mod cpu;
mod hooks;
mod hunt;
mod keys;
mod logs;
mod mode;
mod net;
mod raw;
mod store;
mod wire;

use duijie_sdk::{About, Connector, Failure, Hooks, Link, Operations, Slot, Use};

/// Nothing to say: the misdeeds come with each call.
#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Config {
    /// Says nothing; a link may change it to be a different link.
    pub note: String,
}

/// The connector.
pub struct Hostile;

impl Connector for Hostile {
    const NAME: &'static str = "hostile";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Config;

    fn about() -> About {
        let slot = |name: &str, uses| Slot::new(name, "A test's secret.", "测试用密钥。", uses);
        About::new("Misbehaves on request.", "按要求捣乱。")
            .secret(slot("token", [Use::Send, Use::Digest, Use::Hmac, Use::Sm4]).optional())
            .secret(Slot::new("send_only", "May only be sent.", "仅可发送。", [Use::Send]).optional())
            .secret(Slot::new("sm4_only", "May only key SM4.", "仅可作 SM4 密钥。", [Use::Sm4]).optional())
    }

    fn operations(ops: &mut Operations<Self>) {
        ops.add("echo", echo).summary("Answers what it was given.", "原样返回。").read().repeat_safe();
        cpu::register(ops);
        hunt::register(ops);
        keys::register(ops);
        logs::register(ops);
        mode::register(ops);
        net::register(ops);
        raw::register(ops);
        store::register(ops);
        hooks::register(ops);
    }

    fn hooks(hooks: &mut Hooks<Self>) {
        hooks::register_hooks(hooks);
    }
}

/// The one decent operation: by it a test sees that the host and the link are alive.
fn echo(_: &Link<Config>, input: serde_json::Value) -> Result<serde_json::Value, Failure> {
    Ok(input)
}

/// The handler below the SDK's manners: raw answers first, the SDK for all else.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated exports are unsafe functions")]
mod exported {
    use duijie_sdk::bindings::exports::duijie::connector::handler::Guest;
    use duijie_sdk::{Adapter, Failure, HookRequest, HookResponse, Problem};

    use super::{Hostile, mode, raw};

    struct Handler;

    impl Guest for Handler {
        fn describe() -> String {
            mode::describe(Adapter::<Hostile>::describe())
        }

        fn check() -> Vec<Problem> {
            let mut problems = Adapter::<Hostile>::check();
            problems.append(&mut mode::check());
            problems
        }

        fn call(operation: String, input: String) -> Result<String, Failure> {
            match raw::answer(&operation, &input) {
                Some(answer) => answer,
                None => Adapter::<Hostile>::call(operation, input),
            }
        }

        fn receive(request: HookRequest) -> Result<HookResponse, Failure> {
            Adapter::<Hostile>::receive(request)
        }
    }

    duijie_sdk::bindings::export_handler!(Handler with_types_in duijie_sdk::bindings);
}
