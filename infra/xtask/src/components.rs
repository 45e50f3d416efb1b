//! The WebAssembly components of the repository and how each is built.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::freshness::{self, Sources};
use crate::{cargo, compose, tools};

/// The largest component file that the strictest hosted platforms take comfortably.
const SMALL: u64 = 3 * MIB / 2;
/// For what carries image codecs.
const LARGE: u64 = 4 * MIB;
const MIB: u64 = 1024 * 1024;

/// What a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// An edge module: WASI 0.3 middleware, and a second build for the node's fast door.
    Module {
        /// It imports `weir:state/counters`, so every other host needs an adapter plugged in.
        stateful: bool,
    },
    /// The end of a chain: exports `wasi:http/handler`, imports no next one.
    Terminal,
    /// `weir:state/counters` over something that a host has.
    StateAdapter,
    /// Written for Spin alone.
    Spin,
    /// A module for whoever writes modules or hosts: both builds, in no chain and no host's folder.
    Example,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Component {
    /// Package and file name.
    pub(crate) name: &'static str,
    /// What it is for.
    pub(crate) role: Role,
    /// Upper limit of the file, in bytes.
    pub(crate) limit: u64,
}

impl Component {
    /// True for a module that means nothing without rules of the operator's own: every host gets its files, no ready-made chain
    /// holds it.
    pub(crate) fn is_by_choice(&self) -> bool {
        matches!(self.name, "geo-block" | "experiment")
    }
}

/// Every component. Modules stand in the order of the full chain, outermost first.
pub(crate) const COMPONENTS: &[Component] = &[
    Component {
        name: "token-check",
        role: Role::Module { stateful: true },
        limit: SMALL,
    },
    Component {
        name: "geo-block",
        role: Role::Module { stateful: false },
        limit: SMALL,
    },
    Component {
        name: "rate-limit",
        role: Role::Module { stateful: true },
        limit: SMALL,
    },
    Component {
        name: "experiment",
        role: Role::Module { stateful: false },
        limit: SMALL,
    },
    Component {
        name: "manifest-rewrite",
        role: Role::Module { stateful: false },
        limit: SMALL,
    },
    Component {
        name: "thumbnail",
        role: Role::Module { stateful: false },
        limit: LARGE,
    },
    Component {
        name: "origin-fetch",
        role: Role::Terminal,
        limit: SMALL,
    },
    Component {
        name: "state-http",
        role: Role::StateAdapter,
        limit: SMALL,
    },
    Component {
        name: "state-keyvalue",
        role: Role::StateAdapter,
        limit: SMALL,
    },
    Component {
        name: "state-local",
        role: Role::StateAdapter,
        limit: SMALL,
    },
    Component {
        name: "spin-control",
        role: Role::Spin,
        limit: SMALL,
    },
    Component {
        name: "gate",
        role: Role::Example,
        limit: SMALL,
    },
    Component {
        name: "unruly",
        role: Role::Example,
        limit: SMALL,
    },
];

/// Which build of a component a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Door {
    /// The standard one; for anything that is not a module, the only one.
    Standard,
    /// `weir:edge/door`.
    Fast,
}

/// Where cargo put the built files.
pub(crate) type Built = BTreeMap<(&'static str, Door), PathBuf>;

/// The rows with these names; all of them when there are none.
///
/// # Errors
/// A name that is not in the table.
pub(crate) fn named(names: &[String]) -> anyhow::Result<Vec<&'static Component>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| COMPONENTS.iter().all(|component| component.name != **name))
    {
        let known: Vec<_> = COMPONENTS.iter().map(|component| component.name).collect();
        bail!(
            "there is no component `{unknown}`; there are {}",
            known.join(", ")
        );
    }
    Ok(COMPONENTS
        .iter()
        .filter(|component| names.is_empty() || names.iter().any(|name| name == component.name))
        .collect())
}

/// Builds components; those whose sources have not changed since are taken as they are.
///
/// # Errors
/// No wasm target and none to be had, or a build that failed.
pub(crate) fn build(components: &[&'static Component]) -> anyhow::Result<Built> {
    tools::wasm_target::ensure()?;
    let sources = Sources::read()?;
    let kept = cargo::target_folder()?.join("components");
    std::fs::create_dir_all(&kept).with_context(|| format!("{} cannot be made", kept.display()))?;
    let mut built = Built::new();
    for component in components {
        let digest = sources.digest(component.name)?;
        for (door, features, export) in builds(component.role) {
            let suffix = if *door == Door::Fast { ".door" } else { "" };
            let file = kept.join(format!("{}{suffix}.wasm", component.name));
            if !freshness::is_fresh(&file, &digest) {
                let made = build_one(component.name, features)?;
                compose::require_export(&made, export)?;
                std::fs::copy(&made, &file)
                    .with_context(|| format!("{} cannot be copied", made.display()))?;
                freshness::note(&file, &digest)?;
            }
            built.insert((component.name, *door), file);
        }
    }
    Ok(built)
}

/// How a component is built: the features, and the export without which the file would be of no use.
fn builds(role: Role) -> &'static [(Door, &'static [&'static str], &'static str)] {
    const STANDARD: (Door, &[&str], &str) =
        (Door::Standard, &["--features", "handler"], compose::HANDLER);
    match role {
        Role::Module { .. } | Role::Example => &[
            STANDARD,
            (Door::Fast, &["--features", "door"], compose::DOOR),
        ],
        Role::Terminal | Role::Spin => &[STANDARD],
        Role::StateAdapter => &[(Door::Standard, &[], compose::COUNTERS)],
    }
}

/// Builds one component and answers cargo's own file, which the next build of the same package overwrites.
fn build_one(name: &str, features: &[&str]) -> anyhow::Result<PathBuf> {
    let target = tools::wasm_target::TARGET;
    let mut arguments = vec![
        "rustc",
        "--package",
        name,
        "--lib",
        "--profile",
        "wasm",
        "--target",
        target,
    ];
    arguments.extend(["--crate-type", "cdylib"]);
    arguments.extend(features);
    cargo::artifacts(&arguments)
        .with_context(|| format!("{name} was not built for {target}"))?
        .into_iter()
        .filter(|artifact| artifact.package == name)
        .flat_map(|artifact| artifact.files)
        .find(|file| {
            file.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .with_context(|| format!("cargo built {name} but names no .wasm file"))
}
