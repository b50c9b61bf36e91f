//! The component's four exports over a [`Connector`]: JSON in, JSON out, typed in between. The same functions serve the
//! component and the native tests.

use std::{marker::PhantomData, panic};

use serde::de::DeserializeOwned;

use crate::{
    Connector, Failure, HookRequest, HookResponse, Hooks, Link, Operations, Problem, http, log, manifest::Manifest,
    raw, typed,
};

/// A connector as the component's handler; named only by [`export!`](crate::export).
pub struct Adapter<C>(PhantomData<C>);

impl<C: Connector> Adapter<C> {
    /// That this is named proves that the type is a connector.
    pub const CHECKED: () = ();
}

#[cfg(target_arch = "wasm32")]
impl<C: Connector> crate::bindings::exports::duijie::connector::handler::Guest for Adapter<C> {
    fn describe() -> String {
        // The default hook stays: `describe` may import nothing, not even the log.
        C::MANIFEST.map_or_else(describe::<C>, str::to_owned)
    }

    fn check() -> Vec<Problem> {
        check::<C>()
    }

    fn call(operation: String, input: String) -> Result<String, Failure> {
        quiet_panics();
        call::<C>(operation, &input)
    }

    fn receive(request: HookRequest) -> Result<HookResponse, Failure> {
        quiet_panics();
        receive::<C>(request)
    }
}

pub(crate) fn describe<C: Connector>() -> String {
    // An empty manifest is refused at load, with the schema's reasons.
    serde_json::to_string(&Manifest::of::<C>()).unwrap_or_default()
}

pub(crate) fn check<C: Connector>() -> Vec<Problem> {
    match parse_config(&raw::link_config()) {
        Ok(config) => C::check(&Link::new(config)),
        Err(problem) => vec![Problem::new("", problem)],
    }
}

pub(crate) fn call<C: Connector>(operation: String, input: &str) -> Result<String, Failure> {
    http::begin_call();
    let mut operations = Operations::<C>::finding(operation);
    C::operations(&mut operations);
    let Some(run) = operations.found() else {
        return Err(Failure::invalid_input(format!("{} has no such operation", C::NAME)));
    };
    run(&link::<C>()?, input).map_err(Failure::bounded)
}

pub(crate) fn receive<C: Connector>(request: HookRequest) -> Result<HookResponse, Failure> {
    http::begin_call();
    let mut hooks = Hooks::<C>::finding(request.hook.clone());
    C::hooks(&mut hooks);
    let Some(answer) = hooks.found() else {
        return Err(Failure::invalid_input(format!("{} has no such hook", C::NAME)));
    };
    answer(&link::<C>()?, request).map_err(Failure::bounded)
}

fn link<C: Connector>() -> Result<Link<C::Config>, Failure> {
    parse_config(&raw::link_config()).map(Link::new).map_err(Failure::config)
}

/// The config holds no secrets, so the parser's own words may be shown.
fn parse_config<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    typed::parse(text.as_bytes()).map_err(|error| format!("the config does not fit the connector: {error}"))
}

/// A panic's message may quote personal data; its place in the source does not. The trap that follows is the host's.
#[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "native tests keep the message"))]
fn quiet_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|location| format!("{}:{}", location.file(), location.line()));
        log::error("the connector panicked", &[("at", place.as_deref().unwrap_or("unknown"))]);
    }));
}
