//! Write a duijie connector: a type that implements [`Connector`], typed operations, and one line of [`export!`].
//!
//! ```
//! use duijie_sdk::{About, Connector, Failure, Link, Operations};
//!
//! struct Greeter;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Config { greeting: String }
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Person { name: String }
//!
//! #[derive(serde::Serialize, schemars::JsonSchema)]
//! struct Greeting { text: String }
//!
//! impl Connector for Greeter {
//!     const NAME: &'static str = "greeter";
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!     type Config = Config;
//!
//!     fn about() -> About {
//!         About::new("Says hello.", "问好。")
//!     }
//!
//!     fn operations(ops: &mut Operations<Self>) {
//!         ops.add("greet", greet).summary("Greets a person.", "向一个人问好。").read().repeat_safe().personal(["/name"]);
//!     }
//! }
//!
//! fn greet(link: &Link<Config>, person: Person) -> Result<Greeting, Failure> {
//!     Ok(Greeting { text: format!("{}, {}", link.config().greeting, person.name) })
//! }
//!
//! duijie_sdk::export!(Greeter);
//!
//! let host = duijie_sdk::testing::TestHost::new();
//! host.config(serde_json::json!({ "greeting": "你好" }));
//! let output = host.call::<Greeter>("greet", serde_json::json!({ "name": "world" })).unwrap();
//! assert_eq!(output["text"], "你好, world");
//! ```
//!
//! The host makes a fresh instance for every call, so nothing stays in memory between calls: what must stay goes into
//! [`kv`]. A secret never enters a connector: it names a slot in a [`secret::Part`], and the host puts the bytes in
//! place. Two versions of this crate in one connector define the same exports twice and do not link.
//!
//! The way in: [`Connector`], then [`Operations`], [`http`], [`Failure`], and [`testing`] for native tests.

#![cfg_attr(
    test,
    allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test ends where it goes wrong")
)]

#[rustfmt::skip]
#[doc(hidden)]
#[allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, clippy::restriction)]
pub mod bindings;

pub mod blob;
pub mod charset;
pub mod class;
mod connector;
pub mod credential;
pub mod crypto;
pub mod encode;
mod failure;
pub mod fields;
pub mod forward;
mod handler;
mod hooks;
pub mod http;
pub mod identity;
pub mod input;
pub mod json;
pub mod kv;
pub mod landing;
pub mod log;
mod manifest;
pub mod mapping;
pub mod once;
mod operations;
pub mod paging;
pub mod pattern;
pub mod quotes;
pub mod random;
pub mod rate;
mod raw;
pub mod reply;
pub mod secret;
pub mod soap;
pub mod table;
pub mod template;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod time;
pub mod token;
pub mod typed;
pub mod url;
pub mod xml;

pub use bindings::duijie::connector::types::{
    Failure, FailureClass as Class, HookRequest, HookResponse, Outcome, Problem,
};
pub use connector::{About, Connector, Link, Slot, Use};
#[doc(hidden)]
pub use handler::Adapter;
pub use hooks::{HookEntry, Hooks};
pub use operations::{OperationEntry, Operations};

/// Exports a [`Connector`] as the component's handler; once, in the connector's crate. Native builds get no export,
/// because native linkers refuse the names of components: that is what lets `cargo test` work.
#[macro_export]
macro_rules! export {
    ($connector:ty) => {
        const _: () = {
            type Exported = $crate::Adapter<$connector>;
            #[cfg(target_arch = "wasm32")]
    $crate::bindings::export_handler!(Exported with_types_in $crate::bindings);
            // Natively the type is only checked to be a connector.
            #[cfg(not(target_arch = "wasm32"))]
            let _ = Exported::CHECKED;
        };
    };
}
