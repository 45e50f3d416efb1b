//! The door's world and the counters, from `wit/`.

#[allow(missing_docs, clippy::all, unreachable_pub)]
mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "weir:edge/stateful-quick",
        imports: { default: trappable },
    });
}

pub(crate) use generated::exports::weir::edge::door;
pub(crate) use generated::weir::edge::documents;
pub(crate) use generated::weir::state::counters;
pub(crate) use generated::{StatefulQuick, StatefulQuickPre};
