//! The `[protection]` table: where content keys rest, where players fetch them, and who else has some.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::storage::s3::Secret;

/// The `[protection]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ProtectionSettings {
    /// 64 hexadecimal digits with which content keys are encrypted in the store; empty: they rest as they are, readable by this
    /// program's user only.
    pub storage_key: Secret,
    /// Where players fetch keys, `{asset}` standing for the asset's id: a path, or an absolute URL.
    pub key_url: String,
    /// The RSA private key (PKCS#8 in PEM, mode 0600) that opens encrypted keys of CPIX documents; empty for none.
    pub delivery_key_file: PathBuf,
    /// Its certificate (X.509 in PEM), to which key servers are asked to encrypt; empty: they are asked for plain keys.
    pub delivery_certificate_file: PathBuf,
    /// A key server.
    pub speke: SpekeSettings,
}

impl Default for ProtectionSettings {
    fn default() -> Self {
        Self {
            storage_key: Secret::default(),
            // Below the asset's media, so that whatever guards those guards the keys.
            key_url: "/vod/{asset}/keys".to_owned(),
            delivery_key_file: PathBuf::new(),
            delivery_certificate_file: PathBuf::new(),
            speke: SpekeSettings::default(),
        }
    }
}

/// The `[protection.speke]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct SpekeSettings {
    /// The key server's address (https); empty for none.
    pub url: String,
    /// The header in which this origin proves itself.
    pub secret_header: String,
    /// The value of that header, as in `Basic …`; empty for none.
    pub secret: Secret,
    /// Certificates (PEM) that are trusted in place of the system's; empty for the system's.
    pub ca_file: PathBuf,
    /// Seconds that one attempt may take.
    pub timeout_seconds: u64,
    /// How often the server is asked when it fails.
    pub attempts: u32,
}

impl Default for SpekeSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret_header: "authorization".to_owned(),
            secret: Secret::default(),
            ca_file: PathBuf::new(),
            timeout_seconds: 10,
            attempts: 3,
        }
    }
}
