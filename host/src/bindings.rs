//! The host's side of the one current world, generated from `wit/`. Generated code stops here: only `runtime` and
//! `capability` name these types.
//!
//! Every import is trappable, because during `describe` there is no link and a call to any capability must end the guest.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "connector",
    imports: {
        "duijie:http/client.send": async | trappable,
        "duijie:http/client.send-all": async | trappable,
        "duijie:kv/store": async | trappable,
        "duijie:link/credential.renewed": async | trappable,
        "duijie:platform/forward.ask": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "duijie:kv/store.lock": crate::capability::kv::HeldLock,
    },
});
