//! A running `weir-origin` with a store of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::locate;
use crate::process::{Process, free_port};
use crate::viewer::{Fetched, Viewer};

/// The administrator's key of the tests.
pub const ADMIN_KEY: &str = "an-administrator-key-of-the-tests-only-0123456789";
/// What the edge proves itself with.
pub const EDGE_SECRET: &str = "an-edge-secret-of-the-tests-only-0123456789";
/// How long a small film may take from upload to publication.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running origin.
#[derive(Debug)]
pub struct Origin {
    /// Where it listens.
    pub address: SocketAddr,
    /// The program.
    pub process: Process,
    folder: tempfile::TempDir,
}

impl Origin {
    /// Starts an origin over a folder of its own.
    ///
    /// # Errors
    /// It does not start.
    pub fn in_folder(public: SocketAddr) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let path = folder.path().join("data").display().to_string();
        let storage = format!("[storage]\nkind = \"file\"\n[storage.file]\npath = {path:?}\n");
        Self::start(folder, &storage, public)
    }

    /// Starts an origin over a store that `storage` describes (its `[storage]` tables).
    ///
    /// # Errors
    /// It does not start.
    pub fn over(storage: &str, public: SocketAddr) -> anyhow::Result<Self> {
        Self::start(
            tempfile::tempdir().context("no temporary folder")?,
            storage,
            public,
        )
    }

    fn start(folder: tempfile::TempDir, storage: &str, public: SocketAddr) -> anyhow::Result<Self> {
        let address = free_port()?;
        let settings = folder.path().join("origin.toml");
        fs::write(
            &settings,
            format!(
                "[server]\nlisten = \"{address}\"\npublic-url = \"http://{public}\"\nedge-secret = \"{EDGE_SECRET}\"\n\
                 [auth]\nadmin-key = \"{ADMIN_KEY}\"\n[demo]\nenabled = true\n{storage}"
            ),
        )?;
        let mut command = Command::new(locate::program("weir-origin"));
        command
            .args(["serve", "--config"])
            .arg(&settings)
            .current_dir(folder.path());
        let mut process = Process::start("weir-origin", &mut command)?;
        process.wait_for_port(address)?;
        let ready = format!("http://{address}/readyz");
        process.wait_until("ready", || {
            Viewer::default()
                .get(&ready)
                .is_ok_and(|answer| answer.status == 200)
        })?;
        Ok(Self {
            address,
            process,
            folder,
        })
    }

    /// The folder with its settings and, for a folder store, its data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A URL on the origin itself.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A client with the administrator's key.
    pub fn admin(&self) -> Viewer {
        Viewer::default().with("authorization", &format!("Bearer {ADMIN_KEY}"))
    }

    /// Creates an asset and uploads `film` to it.
    ///
    /// # Errors
    /// The asset is not created, or no answer to the upload; the upload's own answer is handed over whatever it says.
    pub fn upload(&self, film: &Path) -> anyhow::Result<(String, Fetched)> {
        let title = film.file_stem().unwrap_or_default().to_string_lossy();
        self.upload_as(film, &json!({ "title": title }))
    }

    /// The same for an asset as `wishes` says, the body of the call that creates it.
    ///
    /// # Errors
    /// The same.
    pub fn upload_as(&self, film: &Path, wishes: &Value) -> anyhow::Result<(String, Fetched)> {
        let created = self
            .admin()
            .send_json("POST", &self.url("/v1/assets"), wishes)?;
        ensure!(
            created.status == 201,
            "create: {}: {}",
            created.status,
            created.text()
        );
        let id = created.json()?["id"]
            .as_str()
            .context("an asset without an id")?
            .to_owned();
        let bytes = fs::read(film).with_context(|| format!("{} cannot be read", film.display()))?;
        let answer = self.admin().send(
            "PUT",
            &self.url(&format!("/v1/assets/{id}/source")),
            Some(("video/mp4", bytes)),
        )?;
        Ok((id, answer))
    }

    /// The record of an asset.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn asset(&self, id: &str) -> anyhow::Result<Value> {
        let answer = self.admin().get(&self.url(&format!("/v1/assets/{id}")))?;
        ensure!(
            answer.status == 200,
            "asset {id}: {}: {}",
            answer.status,
            answer.text()
        );
        answer.json()
    }

    /// Waits until packaging has ended, well or badly.
    ///
    /// # Errors
    /// It takes too long.
    pub fn settled(&self, id: &str) -> anyhow::Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asset = self.asset(id)?;
            match asset["state"].as_str() {
                Some("ready" | "failed") => return Ok(asset),
                _ if Instant::now() > deadline => {
                    bail!("asset {id} is not packaged after {PATIENCE:?}: {asset}")
                }
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Uploads and packages a film.
    ///
    /// # Errors
    /// The film was refused.
    pub fn publish(&self, film: &Path) -> anyhow::Result<String> {
        self.published(film, self.upload(film)?)
    }

    /// The same for an asset as `wishes` says.
    ///
    /// # Errors
    /// The film was refused.
    pub fn publish_as(&self, film: &Path, wishes: &Value) -> anyhow::Result<String> {
        self.published(film, self.upload_as(film, wishes)?)
    }

    fn published(&self, film: &Path, (id, answer): (String, Fetched)) -> anyhow::Result<String> {
        ensure!(
            (200..300).contains(&answer.status),
            "upload: {}: {}",
            answer.status,
            answer.text()
        );
        let asset = self.settled(&id)?;
        ensure!(
            asset["state"] == "ready",
            "{} was not packaged: {}",
            film.display(),
            asset["failure"]
        );
        Ok(id)
    }

    /// Signs a playback URL; `wishes` is the body of the call.
    ///
    /// # Errors
    /// It was refused.
    pub fn playback(&self, id: &str, wishes: &Value) -> anyhow::Result<Value> {
        let answer = self.admin().send_json(
            "POST",
            &self.url(&format!("/v1/assets/{id}/playback")),
            wishes,
        )?;
        ensure!(
            (200..300).contains(&answer.status),
            "playback: {}: {}",
            answer.status,
            answer.text()
        );
        answer.json()
    }
}
