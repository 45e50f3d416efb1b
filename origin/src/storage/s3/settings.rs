//! How to reach a bucket.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Smallest part that S3 accepts in a multipart upload (the last one aside).
pub const MIN_PART_SIZE: u64 = 5 << 20;

/// The `[storage.s3]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct S3Settings {
    /// The bucket. It must exist.
    pub bucket: String,
    /// Put before every key, without a slash at either end; empty for none.
    pub prefix: String,
    /// Base URL of the service; empty for AWS.
    pub endpoint: String,
    /// Region; empty for what the environment says, else `us-east-1`.
    pub region: String,
    /// Which service it is: sets what is not set below.
    pub flavour: Flavour,
    /// Access key; empty for AWS's own chain (environment, profile, container, instance role).
    pub access_key_id: String,
    /// Secret key that belongs to the access key.
    pub secret_access_key: Secret,
    /// Session token of temporary credentials.
    pub session_token: Secret,
    /// `endpoint/bucket/key` instead of `bucket.endpoint/key`.
    pub path_style: Option<bool>,
    /// How the bytes of a write are protected on their way.
    pub checksum: Option<ChecksumMode>,
    /// Whether the service honours `If-Match` and `If-None-Match` on writes.
    pub conditional_writes: Option<ConditionalWrites>,
    /// Bytes of one part; larger objects are sent in such parts.
    pub part_size: u64,
    /// Parts of one object that are sent at once.
    pub part_concurrency: usize,
    /// How often a request is sent before it counts as failed.
    pub attempts: u32,
    /// Seconds to wait for a connection.
    pub connect_timeout_seconds: u64,
    /// Seconds that one attempt of a request may take up to the first byte of its answer.
    pub attempt_timeout_seconds: u64,
}

impl Default for S3Settings {
    fn default() -> Self {
        Self {
            bucket: String::new(),
            prefix: String::new(),
            endpoint: String::new(),
            region: String::new(),
            flavour: Flavour::Aws,
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            session_token: Secret::default(),
            path_style: None,
            checksum: None,
            conditional_writes: None,
            part_size: 16 << 20,
            part_concurrency: 3,
            attempts: 4,
            connect_timeout_seconds: 5,
            attempt_timeout_seconds: 60,
        }
    }
}

impl S3Settings {
    /// Whether the bucket stands in the path.
    #[must_use]
    pub fn path_style(&self) -> bool {
        self.path_style
            .unwrap_or(!matches!(self.flavour, Flavour::Aws))
    }

    /// The checksum mode in force.
    #[must_use]
    pub fn checksum(&self) -> ChecksumMode {
        self.checksum.unwrap_or(match self.flavour {
            Flavour::Aws | Flavour::Minio => ChecksumMode::Crc32c,
            // These know Content-MD5 in every version, the newer checksums only in some.
            Flavour::R2 | Flavour::Gcs | Flavour::Ceph => ChecksumMode::Md5,
        })
    }

    /// How conditional writes are done.
    #[must_use]
    pub fn conditional_writes(&self) -> ConditionalWrites {
        self.conditional_writes.unwrap_or(match self.flavour {
            Flavour::Aws | Flavour::Minio | Flavour::R2 | Flavour::Ceph => {
                ConditionalWrites::Native
            }
            // Its S3 interface knows only its own generation numbers.
            Flavour::Gcs => ConditionalWrites::SingleWriter,
        })
    }

    /// Longest wait for one attempt.
    #[must_use]
    pub fn attempt_timeout(&self) -> Duration {
        Duration::from_secs(self.attempt_timeout_seconds)
    }
}

/// S3-compatible services that differ in ways that matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// Amazon S3.
    #[default]
    Aws,
    /// MinIO and what behaves like it.
    Minio,
    /// Cloudflare R2.
    R2,
    /// Google Cloud Storage's XML interface.
    Gcs,
    /// Ceph's RADOS gateway.
    Ceph,
}

/// How the bytes of a write are protected on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChecksumMode {
    /// `x-amz-checksum-crc32c`: the service keeps and checks it.
    Crc32c,
    /// `Content-MD5`: the oldest, understood everywhere.
    Md5,
    /// Nothing beyond TCP and TLS.
    None,
}

/// How conditional writes are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionalWrites {
    /// By the service: any number of writers.
    Native,
    /// By this process, for services that cannot: look, then write. Only one origin may run on the bucket.
    SingleWriter,
}

/// A text that never shows in logs or printed configuration.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "none"
        } else {
            "redacted"
        })
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "redacted" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavours_decide_what_is_not_set() {
        let of = |flavour| S3Settings {
            flavour,
            ..S3Settings::default()
        };
        assert!(!of(Flavour::Aws).path_style() && of(Flavour::Minio).path_style());
        assert_eq!(of(Flavour::R2).checksum(), ChecksumMode::Md5);
        assert_eq!(
            of(Flavour::Gcs).conditional_writes(),
            ConditionalWrites::SingleWriter
        );
        let chosen = S3Settings {
            path_style: Some(true),
            checksum: Some(ChecksumMode::None),
            ..S3Settings::default()
        };
        assert!(chosen.path_style() && chosen.checksum() == ChecksumMode::None);
    }

    #[test]
    fn secrets_do_not_show() {
        let settings = S3Settings {
            secret_access_key: Secret::new("hunter2"),
            ..S3Settings::default()
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert!(
            !toml::to_string(&settings)
                .expect("serializable")
                .contains("hunter2")
        );
    }
}
