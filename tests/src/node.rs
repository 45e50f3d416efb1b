//! A running `weir-edge`, with the settings that `cargo xtask up` writes.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::Context as _;

use crate::locate;
use crate::origin::EDGE_SECRET;
use crate::process::{Process, free_port};
use crate::viewer::Viewer;

/// The settings of `cargo xtask up`: what people run is what is tested.
const SETTINGS: &str = include_str!("../../infra/xtask/src/up/edge.toml");

/// A running node.
#[derive(Debug)]
pub struct Node {
    /// Where viewers reach it.
    pub address: SocketAddr,
    /// Where its metrics are.
    pub admin: SocketAddr,
    /// The program.
    pub process: Process,
    _folder: tempfile::TempDir,
}

impl Node {
    /// Starts a node at `address` before the origin at `origin`. `change` may change its settings.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(
        address: SocketAddr,
        origin: SocketAddr,
        change: impl FnOnce(String) -> String,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let admin = free_port()?;
        let modules = locate::dist("node/token-check.wasm");
        let modules = modules.parent().context("dist/node is a folder")?;
        // Compiled modules are shared by all tests: compiling them is most of a start.
        let compiled = locate::root().join(".weir/compiled");
        let settings = SETTINGS
            .replace("{listen}", &address.to_string())
            .replace("{admin}", &admin.to_string())
            .replace("{origin}", &origin.to_string())
            .replace("{edge-secret}", EDGE_SECRET)
            .replace("{modules}", &modules.display().to_string())
            .replace("{compiled}", &compiled.display().to_string());
        let file = folder.path().join("edge.toml");
        fs::write(&file, change(settings))?;
        let mut command = Command::new(locate::program("weir-edge"));
        command
            .args(["serve", "--config"])
            .arg(&file)
            .current_dir(folder.path());
        let mut process = Process::start("weir-edge", &mut command)?;
        let ready = format!("http://{admin}/readyz");
        process.wait_until("ready", || {
            Viewer::default()
                .get(&ready)
                .is_ok_and(|answer| answer.status == 200)
        })?;
        process.wait_for_port(address)?;
        Ok(Self {
            address,
            admin,
            process,
            _folder: folder,
        })
    }

    /// A URL on the node.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}
