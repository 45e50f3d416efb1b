//! Listener, limits, log, client addresses.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Bytes, Span};

/// `[tls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the certificate chain, the leaf first.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
    /// How often the files are looked at for a change. Default `1m`.
    #[serde(default = "TlsConfig::reload")]
    pub reload: Span,
}

impl TlsConfig {
    const fn reload() -> Span {
        Span::secs(60)
    }
}

/// `[admin]`: `/metrics`, `/healthz`, `/readyz`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AdminConfig {
    /// Where it listens. Keep it off the network that viewers reach.
    pub listen: SocketAddr,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `weir_edge=debug`. Default `info`.
    pub level: String,
    /// Default `json`.
    pub format: LogFormat,
    /// One line for each request. Default true.
    pub access: bool,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object for each line.
    Json,
    /// For people.
    Text,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Json,
            access: true,
        }
    }
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct LimitsConfig {
    /// The largest request head. Default `32KiB`.
    pub head: Bytes,
    /// The most request headers. Default 100.
    pub headers: usize,
    /// The largest request body. Default `16GiB`.
    pub body: Bytes,
    /// How long a client may take for a request head, the wait on a kept connection included. Default `30s`.
    pub head_timeout: Span,
    /// How long a body, in or out, may stand still. Default `60s`.
    pub idle_timeout: Span,
    /// The most connections at once. Default 16384.
    pub connections: usize,
    /// The most connections of one address at once. 0: no limit. Default 0.
    pub connections_per_client: usize,
    /// The most HTTP/2 requests at once on one connection. Default 128.
    pub streams: u32,
    /// How long running requests may take to end when the node stops. Default `30s`.
    pub drain: Span,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            head: Bytes::new(32 << 10),
            headers: 100,
            body: Bytes::new(16 << 30),
            head_timeout: Span::secs(30),
            idle_timeout: Span::secs(60),
            connections: 16_384,
            connections_per_client: 0,
            streams: 128,
            drain: Span::secs(30),
        }
    }
}

/// `[client]`: how the client's address is found behind proxies.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClientAddressConfig {
    /// How many proxies in front of this node add to the header. 0 (default): the peer is the client and the header is not read.
    pub trusted_hops: usize,
    /// Which header they add to. Default `x-forwarded-for`.
    pub header: ForwardedHeader,
}

/// The header that proxies add the client's address to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `x-forwarded-for: client, proxy1`
    #[default]
    XForwardedFor,
    /// `forwarded: for=client, for=proxy1` (RFC 7239)
    Forwarded,
}
