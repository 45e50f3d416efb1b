//! Joins components into one by `wac-graph`, the composer that Spin uses.

use std::path::Path;

use anyhow::{Context as _, bail};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId};

/// The interface that links a chain. Spin's composer compares this literal text, so no other version will do.
pub(crate) const HANDLER: &str = "wasi:http/handler@0.3.0";
/// The interface that a state adapter exports.
pub(crate) const COUNTERS: &str = "weir:state/counters@0.1.0";

/// The node's fast way into a module.
pub(crate) const DOOR: &str = "weir:edge/door@0.1.0";

/// Composes a chain: each handler's import is the next one's export. Outermost first, the terminal last.
///
/// # Errors
/// A file that is no component, or that lacks the import or export that its place asks for.
pub(crate) fn chain(files: &[&Path]) -> anyhow::Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut next = None;
    for file in files.iter().rev() {
        let package = register(&mut graph, file)?;
        let instance = graph.instantiate(package);
        if let Some(next) = next {
            graph
                .set_instantiation_argument(instance, HANDLER, next)
                .with_context(|| {
                    format!("{} cannot stand before another handler", file.display())
                })?;
        }
        let handler = graph
            .alias_instance_export(instance, HANDLER)
            .with_context(|| format!("{} does not export {HANDLER}", file.display()))?;
        next = Some(handler);
    }
    let Some(outermost) = next else {
        bail!("a chain needs at least one component")
    };
    graph
        .export(outermost, HANDLER)
        .context("the chain's handler cannot be exported")?;
    encode(&graph)
}

/// Gives a module its counters: `adapter`'s export fills `module`'s import, everything else of the module stays as it was.
///
/// # Errors
/// A file that is no component, a module without that import, an adapter without that export.
pub(crate) fn plug_state(module: &Path, adapter: &Path) -> anyhow::Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let adapter_package = register(&mut graph, adapter)?;
    let module_package = register(&mut graph, module)?;
    let adapter_instance = graph.instantiate(adapter_package);
    let counters = graph
        .alias_instance_export(adapter_instance, COUNTERS)
        .with_context(|| format!("{} does not export {COUNTERS}", adapter.display()))?;
    let instance = graph.instantiate(module_package);
    graph
        .set_instantiation_argument(instance, COUNTERS, counters)
        .with_context(|| format!("{} does not take {COUNTERS}", module.display()))?;
    let handler = graph
        .alias_instance_export(instance, HANDLER)
        .with_context(|| format!("{} does not export {HANDLER}", module.display()))?;
    graph
        .export(handler, HANDLER)
        .context("the module's handler cannot be exported")?;
    encode(&graph)
}

/// Fails when a component does not export what it was built for: a build without its feature links all the same.
///
/// # Errors
/// A file that is no component, or the missing export.
pub(crate) fn require_export(file: &Path, export: &str) -> anyhow::Result<()> {
    let mut graph = CompositionGraph::new();
    let package = Package::from_file("weir:component", None, file, graph.types_mut())
        .with_context(|| format!("{} is not a component", file.display()))?;
    if !graph.types()[package.ty()].exports.contains_key(export) {
        bail!("{} does not export {export}", file.display());
    }
    Ok(())
}

fn register(graph: &mut CompositionGraph, file: &Path) -> anyhow::Result<PackageId> {
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .context("a component file has no name")?;
    // Package names are kebab case; the file's name only has to tell the instances apart.
    let name = format!("weir:{}", stem.split('.').next().unwrap_or(stem));
    let package = Package::from_file(&name, None, file, graph.types_mut())
        .with_context(|| format!("{} is not a component", file.display()))?;
    graph
        .register_package(package)
        .with_context(|| format!("{} stands in the chain twice", file.display()))
}

fn encode(graph: &CompositionGraph) -> anyhow::Result<Vec<u8>> {
    // Components are embedded, so that the file stands alone.
    graph
        .encode(EncodeOptions::default())
        .context("the composition cannot be written")
}
