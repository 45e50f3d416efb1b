//! Composes modules into one component by `wac-graph`, the composer that Spin uses.

use std::path::{Path, PathBuf};

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

/// The interface that links a chain. Spin's composer compares this text to the digit.
pub const HANDLER: &str = "wasi:http/handler@0.3.0";
/// The counters.
pub const COUNTERS: &str = "weir:state/counters@0.1.0";

/// Why a chain cannot be composed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// No files.
    #[error("a chain needs at least one component")]
    Empty,
    /// A file that does not fit its place.
    #[error("{file}: {why}")]
    File {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The whole cannot be written.
    #[error("the composition cannot be written: {0}")]
    Encode(String),
}

/// Links files, the outermost first: each one's `handler` import is the next one's export. Imports of the counters come from
/// `state`, an adapter that is instantiated once for all. What no file provides stays an import of the whole.
///
/// # Errors
/// [`ComposeError`].
pub fn chain(files: &[PathBuf], state: Option<&Path>) -> Result<Vec<u8>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let counters = match state {
        Some(file) => {
            let (package, _) = register(&mut graph, file, "state")?;
            let instance = graph.instantiate(package);
            Some(export(&mut graph, instance, COUNTERS, file)?)
        }
        None => None,
    };
    let mut next: Option<NodeId> = None;
    for (index, file) in files.iter().enumerate().rev() {
        let (package, imports) = register(&mut graph, file, &format!("link-{index}"))?;
        let instance = graph.instantiate(package);
        let give = |graph: &mut CompositionGraph, name: &str, from: NodeId| {
            graph
                .set_instantiation_argument(instance, name, from)
                .map_err(|error| wrong(file, error))
        };
        if let Some(next) = next {
            give(&mut graph, HANDLER, next)?;
        }
        if let Some(counters) = counters
            && imports.iter().any(|name| name == COUNTERS)
        {
            give(&mut graph, COUNTERS, counters)?;
        }
        next = Some(export(&mut graph, instance, HANDLER, file)?);
    }
    let outermost = next.ok_or(ComposeError::Empty)?;
    graph
        .export(outermost, HANDLER)
        .map_err(|error| ComposeError::Encode(error.to_string()))?;
    graph
        .encode(EncodeOptions::default())
        .map_err(|error| ComposeError::Encode(error.to_string()))
}

fn register(
    graph: &mut CompositionGraph,
    file: &Path,
    name: &str,
) -> Result<(PackageId, Vec<String>), ComposeError> {
    // Only tells the instances apart: one file may stand in a chain twice.
    let name = format!("weir:{name}");
    let package = Package::from_file(&name, None, file, graph.types_mut())
        .map_err(|error| wrong(file, format!("{error:#}")))?;
    let world = &graph.types()[package.ty()];
    let imports = world.imports.keys().cloned().collect();
    let package = graph
        .register_package(package)
        .map_err(|error| wrong(file, error))?;
    Ok((package, imports))
}

fn export(
    graph: &mut CompositionGraph,
    instance: NodeId,
    name: &str,
    file: &Path,
) -> Result<NodeId, ComposeError> {
    graph
        .alias_instance_export(instance, name)
        .map_err(|error| wrong(file, error))
}

fn wrong(file: &Path, why: impl ToString) -> ComposeError {
    ComposeError::File {
        file: file.display().to_string(),
        why: why.to_string(),
    }
}
