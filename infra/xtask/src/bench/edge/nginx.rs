//! nginx as the origin of all, and as the peer.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::token::SECRET;

/// A static server over `content/`.
pub(super) fn origin(folder: &Path, address: SocketAddr) -> anyhow::Result<PathBuf> {
    let server = format!(
        "server {{ listen {address}; root {root}; location / {{ add_header cache-control \"public, max-age=3600\"; }} }}",
        root = folder.join("content").display()
    );
    write(folder, "origin", 1, &server)
}

/// The peer: signed links, a limit for each address, a cache in front of the origin.
pub(super) fn edge(
    folder: &Path,
    address: SocketAddr,
    origin: SocketAddr,
) -> anyhow::Result<PathBuf> {
    let server = format!(
        r#"limit_req_zone $binary_remote_addr zone=each:10m rate=1000000r/s;
proxy_cache_path {cache} levels=1:2 keys_zone=media:10m max_size=1g use_temp_path=off;
upstream origin {{ server {origin}; keepalive 32; }}
server {{
  listen {address};
  location / {{
    secure_link $arg_md5,$arg_expires;
    secure_link_md5 "$secure_link_expires$uri {SECRET}";
    if ($secure_link = "") {{ return 403; }}
    if ($secure_link = "0") {{ return 410; }}
    limit_req zone=each burst=1000000 nodelay;
    proxy_cache media;
    proxy_cache_key $uri;
    proxy_http_version 1.1;
    proxy_set_header connection "";
    proxy_pass http://origin;
  }}
}}"#,
        cache = folder.join("nginx-cache").display(),
    );
    write(folder, "edge", 2, &server)
}

fn write(folder: &Path, name: &str, workers: usize, server: &str) -> anyhow::Result<PathBuf> {
    let path = |what: &str| {
        folder
            .join(format!("nginx-{name}-{what}"))
            .display()
            .to_string()
    };
    // Started by root, its workers become nobody, who may not enter the cache's folder.
    let user = match fs::metadata("/proc/self") {
        Ok(own) if own.uid() == 0 => "user root;",
        _ => "",
    };
    let text = format!(
        r"daemon off;
{user}
worker_processes {workers};
pid {pid};
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_body_temp_path {body};
  proxy_temp_path {proxy};
  fastcgi_temp_path {fastcgi};
  uwsgi_temp_path {uwsgi};
  scgi_temp_path {scgi};
  {server}
}}
",
        pid = path("pid"),
        body = path("body"),
        proxy = path("proxy"),
        fastcgi = path("fastcgi"),
        uwsgi = path("uwsgi"),
        scgi = path("scgi"),
    );
    let file = folder.join(format!("nginx-{name}.conf"));
    fs::write(&file, text)?;
    Ok(file)
}
