//! `cargo xtask dist`: the files that hosts run.
//!
//! ```text
//! dist/node/       <name>.wasm, <name>.door.wasm                 Weir's own node: both doors, its own counters
//! dist/spin/       <name>.wasm, chain.wasm, spin-control.wasm    counters over wasi:keyvalue
//! dist/wasmtime/   <name>.wasm, chain.wasm                       counters in the memory of an instance
//!                  (both with the files of cdn-config/<host>/)
//! dist/examples/   <name>.wasm, <name>.door.wasm                 the SDK's examples, the module that tests hosts among them
//! dist/SHA256SUMS  digests of them all, for `sha256sum -c`
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::components::{self, Built, COMPONENTS, Component, Door, Role};
use crate::{compose, workspace};

/// A host that runs standard files, and the adapter that gives stateful modules their counters there.
struct Host {
    folder: &'static str,
    adapter: &'static str,
}

const HOSTS: [Host; 2] = [
    Host {
        folder: "spin",
        adapter: "state-keyvalue",
    },
    Host {
        folder: "wasmtime",
        adapter: "state-local",
    },
];

/// Builds everything, writes `dist/` and prints the sizes.
///
/// # Errors
/// A build or composition that failed, or a component over its size limit.
pub(crate) fn run() -> anyhow::Result<()> {
    write(true)
}

/// The same; the sizes are printed and judged only with `sizes`.
///
/// # Errors
/// As [`run`].
pub(crate) fn write(sizes: bool) -> anyhow::Result<()> {
    let built = components::build(&components::named(&[])?)?;
    let mut folder = Folder::new(workspace::dist());
    both_doors(&built, &mut folder)?;
    for host in &HOSTS {
        standard(&built, host, &mut folder)?;
    }
    folder.finish()?;
    let too_large = sizes_over_limit(&built, sizes)?;
    if sizes {
        println!(
            "{} files in {}",
            folder.digests.len(),
            workspace::shown(&folder.root)
        );
    }
    // A size is the release's matter: a system for trying things out starts all the same.
    if sizes && !too_large.is_empty() {
        bail!("over the size limit: {}", too_large.join(", "));
    }
    Ok(())
}

/// For whoever works on a module: builds the named components and writes the node's files of them.
///
/// # Errors
/// An unknown name, or a build that failed.
pub(crate) fn run_some(names: &[String]) -> anyhow::Result<()> {
    let built = components::build(&components::named(names)?)?;
    both_doors(&built, &mut Folder::new(workspace::dist()))?;
    sizes_over_limit(&built, true).map(drop)
}

/// The node's files: both doors of every module, and the ends of a chain, which `weir-edge compose` joins to its middle. The
/// examples have both doors too.
fn both_doors(built: &Built, folder: &mut Folder) -> anyhow::Result<()> {
    for component in COMPONENTS
        .iter()
        .filter(|component| component.role != Role::Spin)
    {
        for (door, suffix) in [(Door::Standard, ""), (Door::Fast, ".door")] {
            if let Some(file) = built.get(&(component.name, door)) {
                let host = match component.role {
                    Role::Example => "examples",
                    _ => "node",
                };
                folder.copy(file, format!("{host}/{}{suffix}.wasm", component.name))?;
            }
        }
    }
    Ok(())
}

fn standard(built: &Built, host: &Host, folder: &mut Folder) -> anyhow::Result<()> {
    let adapter = file(built, host.adapter, Door::Standard)?;
    let mut chain = Vec::new();
    for component in COMPONENTS
        .iter()
        .filter(|component| component.role != Role::Example)
    {
        let source = file(built, component.name, Door::Standard)?;
        let target = format!("{}/{}.wasm", host.folder, component.name);
        match component.role {
            Role::Module { stateful: true } => {
                let plugged = compose::plug_state(source, adapter)?;
                chain.push(folder.write(&plugged, target)?);
            }
            Role::Module { stateful: false } if component.is_by_choice() => {
                drop(folder.copy(source, target)?)
            }
            Role::Module { stateful: false } | Role::Terminal => {
                chain.push(folder.copy(source, target)?)
            }
            Role::Spin if host.folder == "spin" => drop(folder.copy(source, target)?),
            Role::Spin | Role::StateAdapter | Role::Example => {}
        }
    }
    let chain: Vec<&Path> = chain.iter().map(PathBuf::as_path).collect();
    let composed =
        compose::chain(&chain).with_context(|| format!("the chain for {}", host.folder))?;
    folder.write(&composed, format!("{}/chain.wasm", host.folder))?;
    deployment(host, folder)
}

/// What an operator copies together with the components: `cdn-config/<host>/`, its paths made to fit the folder.
fn deployment(host: &Host, folder: &mut Folder) -> anyhow::Result<()> {
    let source = workspace::path("cdn-config").join(host.folder);
    for entry in
        fs::read_dir(&source).with_context(|| format!("{} cannot be read", source.display()))?
    {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let text = text.replace(&format!("../../dist/{}/", host.folder), "");
        let target = folder.write(text.as_bytes(), format!("{}/{name}", host.folder))?;
        fs::set_permissions(&target, fs::metadata(&path)?.permissions())?;
    }
    Ok(())
}

fn file<'a>(built: &'a Built, name: &'static str, door: Door) -> anyhow::Result<&'a Path> {
    built
        .get(&(name, door))
        .map(PathBuf::as_path)
        .with_context(|| format!("{name} was not built"))
}

/// A folder that is written only where it changes, so that time stamps tell what is new, and that keeps nothing stale.
struct Folder {
    root: PathBuf,
    digests: BTreeMap<String, String>,
}

impl Folder {
    fn new(root: PathBuf) -> Self {
        Self {
            root,
            digests: BTreeMap::new(),
        }
    }

    fn copy(&mut self, from: &Path, to: String) -> anyhow::Result<PathBuf> {
        let bytes = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
        self.write(&bytes, to)
    }

    fn write(&mut self, bytes: &[u8], to: String) -> anyhow::Result<PathBuf> {
        let path = self.root.join(&to);
        write_if_changed(&path, bytes)?;
        self.digests.insert(to, hex(&Sha256::digest(bytes)));
        Ok(path)
    }

    fn finish(&self) -> anyhow::Result<()> {
        for host in fs::read_dir(&self.root)?
            .flatten()
            .filter(|entry| entry.path().is_dir())
        {
            for entry in fs::read_dir(host.path())?.flatten() {
                let name = format!(
                    "{}/{}",
                    host.file_name().display(),
                    entry.file_name().display()
                );
                if !self.digests.contains_key(&name) {
                    fs::remove_file(entry.path())
                        .with_context(|| format!("{name} is stale and cannot be removed"))?;
                }
            }
        }
        let sums = self
            .digests
            .iter()
            .fold(String::new(), |mut sums, (name, digest)| {
                let _ = writeln!(sums, "{digest}  {name}");
                sums
            });
        write_if_changed(&self.root.join("SHA256SUMS"), sums.as_bytes())
    }
}

/// Writes a file unless it holds these bytes already.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The names that are over their limit; prints the table of all when `print`.
fn sizes_over_limit(built: &Built, print: bool) -> anyhow::Result<Vec<String>> {
    if print {
        println!("{:<28}{:>12}{:>12}", "component", "KiB", "limit");
    }
    let mut over = Vec::new();
    for Component { name, limit, .. } in COMPONENTS {
        for (door, suffix) in [(Door::Standard, ""), (Door::Fast, " (door)")] {
            let Some(path) = built.get(&(*name, door)) else {
                continue;
            };
            let size = fs::metadata(path)
                .with_context(|| format!("{} cannot be read", path.display()))?
                .len();
            let label = format!("{name}{suffix}");
            let mark = if size > *limit { "  over" } else { "" };
            if print {
                println!(
                    "{label:<28}{:>12}{:>12}{mark}",
                    size.div_ceil(1024),
                    limit / 1024
                );
            }
            if size > *limit {
                over.push(label);
            }
        }
    }
    Ok(over)
}
