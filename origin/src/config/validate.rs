//! Bounds that types cannot express.

use super::{Config, ConfigError, StorageKind};
use crate::storage::s3::MIN_PART_SIZE;

impl Config {
    /// Refuses values that cannot work.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let refuse = |key, value: &dyn ToString, message| {
            Err(ConfigError::Value {
                key,
                value: value.to_string(),
                message,
            })
        };
        let s3 = &self.storage.s3;
        if self.storage.kind == StorageKind::S3 {
            if s3.bucket.is_empty() {
                return refuse(
                    "storage.s3.bucket",
                    &"\"\"",
                    "kind `s3` needs the name of a bucket",
                );
            }
            if s3.access_key_id.is_empty() != s3.secret_access_key.is_empty() {
                return refuse(
                    "storage.s3.access-key-id",
                    &s3.access_key_id,
                    "set it together with `secret-access-key`, or neither",
                );
            }
            if s3.part_size < MIN_PART_SIZE || s3.part_size > 5 << 30 {
                return refuse(
                    "storage.s3.part-size",
                    &s3.part_size,
                    "use 5242880 (5 MiB) to 5368709120 (5 GiB)",
                );
            }
        }
        if self.storage.kind == StorageKind::File && self.storage.file.path.as_os_str().is_empty() {
            return refuse("storage.file.path", &"\"\"", "name a folder");
        }
        if !s3.endpoint.is_empty() && !is_http_url(&s3.endpoint) {
            return refuse(
                "storage.s3.endpoint",
                &s3.endpoint,
                "start it with http:// or https://",
            );
        }
        let public_url = &self.server.public_url;
        if !public_url.is_empty()
            && (!is_http_url(public_url)
                || public_url.ends_with('/')
                || public_url.contains(['?', '#']))
        {
            return refuse(
                "server.public-url",
                public_url,
                "write it as https://host or https://host/prefix, without a slash at the end",
            );
        }
        if !(0.5..=60.0).contains(&self.packaging.segment_seconds) {
            return refuse(
                "packaging.segment-seconds",
                &self.packaging.segment_seconds,
                "use 0.5 to 60; 6 is usual",
            );
        }
        for (key, value) in [
            ("packaging.concurrency", self.packaging.concurrency),
            (
                "packaging.write-concurrency",
                self.packaging.write_concurrency,
            ),
            ("server.max-connections", self.server.max_connections),
            ("storage.s3.part-concurrency", s3.part_concurrency),
            ("limits.body-bytes", self.limits.body_bytes),
        ] {
            if value == 0 {
                return refuse(key, &value, "use at least 1");
            }
        }
        if self.packaging.takeover_seconds < 10 {
            return refuse(
                "packaging.takeover-seconds",
                &self.packaging.takeover_seconds,
                "use at least 10",
            );
        }
        let playback = &self.playback;
        if playback.lifetime_seconds == 0
            || playback.lifetime_seconds > playback.max_lifetime_seconds
        {
            return refuse(
                "playback.lifetime-seconds",
                &playback.lifetime_seconds,
                "use 1 to `playback.max-lifetime-seconds`",
            );
        }
        for (key, name) in [
            ("playback.parameter", &playback.parameter),
            ("playback.path-marker", &playback.path_marker),
        ] {
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            {
                return refuse(key, name, "use letters, digits, `-` and `_`");
            }
        }
        if self.demo.lifetime_seconds == 0
            || self.demo.lifetime_seconds > playback.max_lifetime_seconds
        {
            return refuse(
                "demo.lifetime-seconds",
                &self.demo.lifetime_seconds,
                "use 1 to `playback.max-lifetime-seconds`",
            );
        }
        let key = self.auth.admin_key.reveal();
        if !key.is_empty() && key.len() < 16 {
            return refuse("auth.admin-key", &"redacted", "use at least 16 characters");
        }
        let protection = &self.protection;
        let storage_key = protection.storage_key.reveal();
        if !storage_key.is_empty()
            && (storage_key.len() != 64
                || !storage_key.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return refuse(
                "protection.storage-key",
                &"redacted",
                "use 64 hexadecimal digits, as `openssl rand -hex 32` makes them",
            );
        }
        let key_url = &protection.key_url;
        if !(key_url.starts_with('/') || is_http_url(key_url))
            || key_url.ends_with('/')
            || !key_url.contains("{asset}")
            || key_url.contains(['"', '?', '#'])
            || key_url.chars().any(char::is_control)
        {
            return refuse(
                "protection.key-url",
                key_url,
                "write it as /vod/{asset}/keys or https://host/keys/{asset}, without a slash at the end",
            );
        }
        if protection.speke.timeout_seconds == 0 {
            return refuse("protection.speke.timeout-seconds", &0, "use at least 1");
        }
        let jwt = &self.auth.jwt;
        if !jwt.jwks.is_empty() && (jwt.issuer.is_empty() || jwt.audience.is_empty()) {
            return refuse(
                "auth.jwt.issuer",
                &jwt.issuer,
                "set `issuer` and `audience` together with `jwks`",
            );
        }
        Ok(())
    }
}

fn is_http_url(text: &str) -> bool {
    text.strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use crate::config::Layers;

    fn refused(key: &str, value: &str) -> String {
        let mut layers = Layers::default();
        layers
            .add_value("test", key, value)
            .expect("the type is right");
        layers.finish().expect_err("the value is not").to_string()
    }

    #[test]
    fn the_defaults_are_valid() {
        Layers::default().finish().expect("valid");
    }

    #[test]
    fn senseless_values_are_refused_by_name() {
        for (key, value) in [
            ("storage.kind", "s3"),
            ("packaging.segment-seconds", "0.1"),
            ("packaging.concurrency", "0"),
            ("server.public-url", "example.com"),
            ("server.public-url", "https://example.com/"),
            ("playback.lifetime-seconds", "0"),
            ("playback.parameter", "a b"),
            ("auth.admin-key", "short"),
            ("storage.s3.endpoint", "minio:9000"),
            ("protection.storage-key", "short"),
            ("protection.key-url", "/keys"),
            ("protection.key-url", "/keys/{asset}/"),
            ("protection.speke.timeout-seconds", "0"),
        ] {
            let message = refused(key, value);
            assert!(message.starts_with("key `"), "{key}: {message}");
        }
    }
}
