//! A real MinIO server for one test.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use s3::{AddressingStyle, Auth, Client, Credentials};
use weir_origin::storage::s3::{Flavour, S3Settings, Secret};

use super::{find_program, free_port, skip_or_fail};

const USER: &str = "weir-test";
const PASSWORD: &str = "weir-test-password";

/// A running server over a temporary folder; it ends with this value.
pub(crate) struct Minio {
    child: Child,
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    _folder: tempfile::TempDir,
}

impl Minio {
    /// Starts the server and makes a bucket; `None` when MinIO is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let Some(program) = find_program("minio") else {
            skip_or_fail("minio", "`cargo xtask up --minio` builds it");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = format!("127.0.0.1:{}", free_port());
        let child = Command::new(program)
            .args([
                "server",
                "--quiet",
                "--address",
                &address,
                "--console-address",
                "127.0.0.1:0",
            ])
            .arg(folder.path())
            .env("MINIO_ROOT_USER", USER)
            .env("MINIO_ROOT_PASSWORD", PASSWORD)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("minio starts");
        let endpoint = format!("http://{address}");
        let minio = Self {
            child,
            endpoint,
            bucket: "weir".to_owned(),
            _folder: folder,
        };
        minio.make_bucket().await;
        Some(minio)
    }

    /// How Weir reaches it.
    pub(crate) fn settings(&self, prefix: &str) -> S3Settings {
        S3Settings {
            bucket: self.bucket.clone(),
            prefix: prefix.to_owned(),
            endpoint: self.endpoint.clone(),
            region: "us-east-1".to_owned(),
            flavour: Flavour::Minio,
            access_key_id: USER.to_owned(),
            secret_access_key: Secret::new(PASSWORD),
            ..S3Settings::default()
        }
    }

    /// The same as `WEIR_` environment variables, with a prefix of keys.
    pub(crate) fn environment(&self, prefix: &str) -> Vec<(String, String)> {
        let entry =
            |name: &str, value: &str| (format!("WEIR_ORIGIN__STORAGE__{name}"), value.to_owned());
        vec![
            entry("KIND", "s3"),
            entry("S3__BUCKET", &self.bucket),
            entry("S3__PREFIX", prefix),
            entry("S3__ENDPOINT", &self.endpoint),
            entry("S3__REGION", "us-east-1"),
            entry("S3__FLAVOUR", "minio"),
            entry("S3__ACCESS_KEY_ID", USER),
            entry("S3__SECRET_ACCESS_KEY", PASSWORD),
        ]
    }

    /// A second, independent client.
    pub(crate) fn independent_client(&self) -> Client {
        let credentials = Credentials::new(USER, PASSWORD).expect("well-formed credentials");
        Client::builder(&self.endpoint)
            .expect("a valid endpoint")
            .region("us-east-1")
            .auth(Auth::Static(credentials))
            .addressing_style(AddressingStyle::Path)
            .build()
            .expect("a client")
    }

    async fn make_bucket(&self) {
        let client = self.independent_client();
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            // A request that comes while the server starts may never be answered, and may have been heard all the same.
            let made = client.buckets().create(&self.bucket).send();
            match tokio::time::timeout(Duration::from_secs(3), made).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) if format!("{error:?}").contains("BucketAlready") => return,
                Ok(Err(error)) => {
                    assert!(Instant::now() < deadline, "minio did not come up: {error}");
                }
                Err(_) => assert!(Instant::now() < deadline, "minio does not answer"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Minio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
