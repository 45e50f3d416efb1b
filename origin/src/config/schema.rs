//! Every setting, with its default.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{PackagingSettings, ProtectionSettings};
use crate::auth::Role;
use crate::storage::s3::{S3Settings, Secret};

/// The whole configuration of `weir-origin`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Config {
    /// The HTTP server.
    pub server: ServerSettings,
    /// Where objects are kept.
    pub storage: StorageSettings,
    /// Who may administer.
    pub auth: AuthSettings,
    /// How sources become HLS.
    pub packaging: PackagingSettings,
    /// How transcoding is done.
    pub transcode: TranscodeSettings,
    /// Keys of protected media.
    pub protection: ProtectionSettings,
    /// Signed playback URLs.
    pub playback: PlaybackSettings,
    /// How media is served.
    pub media: MediaSettings,
    /// What clients may ask for at most.
    pub limits: LimitSettings,
    /// The demonstration page.
    pub demo: DemoSettings,
    /// Logs.
    pub telemetry: TelemetrySettings,
}

/// The `[server]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ServerSettings {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The base URL under which viewers reach this origin (usually the edge); empty for the request's own host.
    pub public_url: String,
    /// Secret that the edge sends in `weir-edge-secret`; when set, media without it is refused.
    pub edge_secret: Secret,
    /// Seconds that a client may take to send a request's head.
    pub header_timeout_seconds: u64,
    /// Seconds of silence after which an upload is given up.
    pub upload_idle_seconds: u64,
    /// Seconds that open requests and jobs get to finish at shutdown.
    pub shutdown_seconds: u64,
    /// Connections open at once.
    pub max_connections: usize,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: String::new(),
            edge_secret: Secret::default(),
            header_timeout_seconds: 15,
            upload_idle_seconds: 60,
            shutdown_seconds: 30,
            max_connections: 4096,
        }
    }
}

/// The `[storage]` table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct StorageSettings {
    /// Which of the stores is used.
    pub kind: StorageKind,
    /// Settings of kind `file`.
    pub file: FileSettings,
    /// Settings of kind `s3`.
    pub s3: S3Settings,
}

/// The kinds of store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// A local folder.
    #[default]
    File,
    /// An S3-compatible bucket.
    S3,
}

/// The `[storage.file]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct FileSettings {
    /// The folder; made when it does not exist.
    pub path: PathBuf,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            path: PathBuf::from("weir-data"),
        }
    }
}

/// The `[auth]` table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct AuthSettings {
    /// An administrator's key; empty to create one at the first start and print it once.
    pub admin_key: Secret,
    /// Administration by JSON Web Tokens of an identity provider.
    pub jwt: JwtSettings,
}

/// The `[auth.jwt]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct JwtSettings {
    /// The provider's public keys as a JWKS document, inline; empty to accept no tokens.
    pub jwks: String,
    /// Required `iss`.
    pub issuer: String,
    /// Required `aud`.
    pub audience: String,
    /// The claim that holds a role name or a list of them.
    pub role_claim: String,
    /// The role of a token without that claim; `none` refuses it.
    pub default_role: Option<Role>,
}

impl Default for JwtSettings {
    fn default() -> Self {
        Self {
            jwks: String::new(),
            issuer: String::new(),
            audience: String::new(),
            role_claim: "role".to_owned(),
            default_role: None,
        }
    }
}

/// The `[transcode]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct TranscodeSettings {
    /// The ffmpeg program: a path, or a name to look up on PATH.
    pub ffmpeg: PathBuf,
    /// Folder for intermediate files; empty for the system's.
    pub work_folder: PathBuf,
    /// Folder of further profiles, one TOML file each, named after the profile; empty for none.
    pub profile_folder: PathBuf,
    /// Seconds after which a transcode is killed.
    pub timeout_seconds: u64,
    /// Threads that ffmpeg may use; 0 for all.
    pub threads: u32,
}

impl Default for TranscodeSettings {
    fn default() -> Self {
        Self {
            ffmpeg: PathBuf::from("ffmpeg"),
            work_folder: PathBuf::new(),
            profile_folder: PathBuf::new(),
            timeout_seconds: 6 * 3600,
            threads: 0,
        }
    }
}

/// The `[playback]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct PlaybackSettings {
    /// `iss` of the tokens.
    pub issuer: String,
    /// `aud` of the tokens; empty for none.
    pub audience: String,
    /// Lifetime in seconds of tokens for which none is asked.
    pub lifetime_seconds: u64,
    /// Longest lifetime in seconds that may be asked for.
    pub max_lifetime_seconds: u64,
    /// Where the token stands in the URL unless asked otherwise.
    pub carrier: Carrier,
    /// Name of the query parameter.
    pub parameter: String,
    /// First segment of a path that carries a token.
    pub path_marker: String,
}

impl Default for PlaybackSettings {
    fn default() -> Self {
        Self {
            issuer: "weir-origin".to_owned(),
            audience: String::new(),
            lifetime_seconds: 4 * 3600,
            max_lifetime_seconds: 7 * 24 * 3600,
            carrier: Carrier::Query,
            parameter: "token".to_owned(),
            path_marker: "t".to_owned(),
        }
    }
}

/// Where a token stands in a playback URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// `…?token=…`; the edge carries it into the playlists.
    #[default]
    Query,
    /// `/t/…/vod/…`: relative URLs in playlists inherit it.
    Path,
}

/// The `[media]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct MediaSettings {
    /// Seconds that versioned media may be cached; it never changes.
    pub max_age_seconds: u64,
    /// Web origins that may read media, or `*`.
    pub cors_origins: Vec<String>,
    /// Whether playlists and captions are compressed for clients that accept it.
    pub gzip: bool,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self {
            max_age_seconds: 365 * 24 * 3600,
            cors_origins: vec!["*".to_owned()],
            gzip: true,
        }
    }
}

/// The `[limits]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LimitSettings {
    /// API requests that one key may send in a minute; 0 for no limit.
    pub api_per_minute: u32,
    /// Failed authentications that one address may cause in a minute; 0 for no limit.
    pub failures_per_minute: u32,
    /// Largest upload in bytes; 0 for no limit.
    pub upload_bytes: u64,
    /// Largest JSON body in bytes.
    pub body_bytes: usize,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            api_per_minute: 1200,
            failures_per_minute: 30,
            upload_bytes: 0,
            body_bytes: 256 << 10,
        }
    }
}

/// The `[demo]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct DemoSettings {
    /// Lets anybody list and play published assets from the page at `/`.
    pub enabled: bool,
    /// Lifetime in seconds of the tokens that the page gets.
    pub lifetime_seconds: u64,
}

impl Default for DemoSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            lifetime_seconds: 3600,
        }
    }
}

/// The `[telemetry]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct TelemetrySettings {
    /// What is logged: a level, or directives as in `info,weir_origin=debug`.
    pub log: String,
    /// How it is written.
    pub format: LogFormat,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            format: LogFormat::Pretty,
        }
    }
}

/// Forms of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line.
    Json,
}
