//! The files under `.weir/`: settings of both programs, keys, data. Made once; the settings are written anew at each start.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::child;
use crate::dist::write_if_changed;
use crate::workspace;

/// MinIO's user for local runs.
pub(super) const MINIO_USER: &str = "weir-local";
/// The bucket for local runs.
pub(super) const BUCKET: &str = "weir";

/// The ports of one run, counted from the edge's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    first: u16,
}

impl Ports {
    pub(super) fn from(first: u16) -> anyhow::Result<Self> {
        if first == 0 || first > u16::MAX - 4 {
            bail!("--port {first}: choose a port from 1 to {}", u16::MAX - 4);
        }
        Ok(Self { first })
    }

    fn at(self, offset: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.first + offset))
    }

    pub(super) fn edge(self) -> SocketAddr {
        self.at(0)
    }

    pub(super) fn origin(self) -> SocketAddr {
        self.at(1)
    }

    pub(super) fn edge_admin(self) -> SocketAddr {
        self.at(2)
    }

    pub(super) fn minio(self) -> SocketAddr {
        self.at(3)
    }

    pub(super) fn minio_console(self) -> SocketAddr {
        self.at(4)
    }

    pub(super) fn require_free(self, minio: bool) -> anyhow::Result<()> {
        let mut needed = vec![
            (self.edge(), "the edge"),
            (self.origin(), "the origin"),
            (self.edge_admin(), "the edge's metrics"),
        ];
        if minio {
            needed.extend([
                (self.minio(), "MinIO"),
                (self.minio_console(), "MinIO's console"),
            ]);
        }
        for (address, purpose) in needed {
            child::require_free(
                address,
                purpose,
                "cargo xtask up --port N (the others follow it)",
            )?;
        }
        Ok(())
    }
}

/// Where things of the run are.
#[derive(Debug)]
pub(super) struct Place {
    /// `.weir`
    pub(super) home: PathBuf,
    pub(super) origin_settings: PathBuf,
    pub(super) edge_settings: PathBuf,
    pub(super) admin_key_file: PathBuf,
    pub(super) admin_key: String,
    pub(super) minio_data: PathBuf,
    pub(super) minio_secret: String,
}

/// Writes settings and keys.
///
/// # Errors
/// A file that cannot be written or read.
pub(super) fn write(home: &Path, ports: &Ports, minio: bool) -> anyhow::Result<Place> {
    fs::create_dir_all(home).with_context(|| format!("{} cannot be made", home.display()))?;
    let key = |name: &str| secret(&home.join("keys").join(name));
    let (admin_key, edge_secret, minio_secret) = (key("admin")?, key("edge")?, key("minio")?);
    let place = Place {
        home: home.to_owned(),
        origin_settings: home.join("origin.toml"),
        edge_settings: home.join("edge.toml"),
        admin_key_file: home.join("keys/admin"),
        minio_data: home.join("minio"),
        admin_key,
        minio_secret,
    };
    let storage = if minio {
        minio_storage(ports, &place.minio_secret)
    } else {
        file_storage(home)
    };
    write_private(
        &place.origin_settings,
        &origin(ports, &place.admin_key, &edge_secret, &storage),
    )?;
    write_private(&place.edge_settings, &edge(ports, &edge_secret))?;
    Ok(place)
}

fn origin(ports: &Ports, admin_key: &str, edge_secret: &str, storage: &str) -> String {
    format!(
        r#"# Written by `cargo xtask up`.
[server]
listen = "{}"
public-url = "http://{}"
edge-secret = "{edge_secret}"

[auth]
admin-key = "{admin_key}"

{storage}
[demo]
enabled = true
"#,
        ports.origin(),
        ports.edge(),
    )
}

fn file_storage(home: &Path) -> String {
    format!(
        "[storage]\nkind = \"file\"\n\n[storage.file]\npath = {}\n",
        text(&home.join("data"))
    )
}

fn minio_storage(ports: &Ports, secret: &str) -> String {
    format!(
        "[storage]\nkind = \"s3\"\n\n[storage.s3]\nflavour = \"minio\"\nendpoint = \"http://{}\"\nregion = \"us-east-1\"\nbucket = \"{BUCKET}\"\n\
         access-key-id = \"{MINIO_USER}\"\nsecret-access-key = \"{secret}\"\n",
        ports.minio()
    )
}

fn edge(ports: &Ports, edge_secret: &str) -> String {
    let template = include_str!("edge.toml");
    template
        .replace("{listen}", &ports.edge().to_string())
        .replace("{admin}", &ports.edge_admin().to_string())
        .replace("{origin}", &ports.origin().to_string())
        .replace("{edge-secret}", edge_secret)
        .replace(
            "{modules}",
            &workspace::dist().join("node").display().to_string(),
        )
        .replace(
            "{compiled}",
            &workspace::path(".weir/compiled").display().to_string(),
        )
}

/// A path as a TOML string.
fn text(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

/// A secret that is made once: 32 random bytes in hexadecimal, readable by its owner alone.
fn secret(file: &Path) -> anyhow::Result<String> {
    if let Ok(present) = fs::read_to_string(file) {
        return Ok(present.trim().to_owned());
    }
    let mut bytes = [0; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("no random bytes to be had")?;
    let made: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    write_private(file, &made)?;
    Ok(made)
}

fn write_private(file: &Path, contents: &str) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    // The mode is set before the first byte is in it.
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file)
        .and_then(|_| fs::set_permissions(file, fs::Permissions::from_mode(0o600)))
        .with_context(|| format!("{} cannot be made", file.display()))?;
    write_if_changed(file, contents.as_bytes())
}
