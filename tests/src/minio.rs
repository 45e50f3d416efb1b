//! A real MinIO on free ports, its data in a folder that goes away with it.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::Context as _;

use crate::locate;
use crate::process::{Process, free_port};

/// The user of the tests.
pub const USER: &str = "weir-tests";
/// Its password.
pub const PASSWORD: &str = "weir-tests-only";
/// The bucket that exists from the start.
pub const BUCKET: &str = "weir";

/// A running MinIO.
#[derive(Debug)]
pub struct Minio {
    /// Where it listens.
    pub address: SocketAddr,
    _process: Process,
    // After the process: the folder may go only when nobody writes to it.
    _data: tempfile::TempDir,
}

impl Minio {
    /// Starts it. None when it is not installed and may be absent.
    ///
    /// # Errors
    /// It does not start.
    pub fn start() -> anyhow::Result<Option<Self>> {
        let install = "`cargo xtask up --minio` builds it";
        let Some(program) = locate::tool("minio", &locate::tool_folders(), install) else {
            return Ok(None);
        };
        let data = tempfile::tempdir().context("no temporary folder")?;
        // With one drive, MinIO takes every folder of its data folder for a bucket.
        fs::create_dir(data.path().join(BUCKET))?;
        let (address, console) = (free_port()?, free_port()?);
        let mut command = Command::new(program);
        command.arg("server").arg(data.path());
        command.args([
            "--address",
            &address.to_string(),
            "--console-address",
            &console.to_string(),
        ]);
        command
            .env("MINIO_ROOT_USER", USER)
            .env("MINIO_ROOT_PASSWORD", PASSWORD)
            .env("MINIO_BROWSER", "off");
        let mut process = Process::start("minio", &mut command)?;
        let ready = format!("http://{address}/minio/health/ready");
        process.wait_until("ready", || {
            crate::viewer::Viewer::default()
                .get(&ready)
                .is_ok_and(|answer| answer.status == 200)
        })?;
        Ok(Some(Self {
            address,
            _process: process,
            _data: data,
        }))
    }

    /// The `[storage]` tables of an origin that uses this MinIO.
    pub fn storage(&self) -> String {
        format!(
            "[storage]\nkind = \"s3\"\n[storage.s3]\nflavour = \"minio\"\nendpoint = \"http://{}\"\nregion = \"us-east-1\"\n\
             bucket = \"{BUCKET}\"\naccess-key-id = \"{USER}\"\nsecret-access-key = \"{PASSWORD}\"\n",
            self.address
        )
    }
}
