//! A running `weir-origin` of this build, and a client for it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// How long a small film may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running origin; it ends with this value.
pub(crate) struct Origin {
    child: Child,
    base: String,
    pub(crate) admin_key: String,
    client: Client<HttpConnector, Full<Bytes>>,
    pub(crate) log: std::path::PathBuf,
    /// Taken out when another origin goes on in it.
    folder: Option<tempfile::TempDir>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| {
            value.to_str().expect("a header of visible characters")
        })
    }
}

impl Origin {
    /// Starts an origin over a folder of its own.
    pub(crate) fn start(environment: &[(&str, &str)]) -> Self {
        let pairs = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>();
        Self::start_with(&pairs)
    }

    /// Starts an origin; storage is a fresh folder unless the environment says otherwise.
    pub(crate) fn start_with(environment: &[(String, String)]) -> Self {
        Self::start_in(
            tempfile::tempdir().expect("a temporary folder"),
            environment,
        )
    }

    fn start_in(folder: tempfile::TempDir, environment: &[(String, String)]) -> Self {
        let log = folder.path().join("log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_weir-origin"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env(
                "WEIR_ORIGIN__STORAGE__FILE__PATH",
                folder.path().join("data"),
            )
            .env("WEIR_ORIGIN__TELEMETRY__LOG", "debug,aws=info,hyper=info")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).expect("a log file"))
            .spawn()
            .expect("weir-origin starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut admin_key = String::new();
        let base = loop {
            let line = lines
                .next()
                .unwrap_or_else(|| {
                    panic!(
                        "weir-origin ended: {}",
                        std::fs::read_to_string(&log).unwrap_or_default()
                    )
                })
                .expect("text");
            if let Some((_, key)) = line.split_once("keep it safe): ") {
                admin_key = key.trim().to_owned();
            }
            if let Some((_, address)) = line.split_once("listening on ") {
                break address.trim().to_owned();
            }
        };
        Self {
            child,
            base,
            admin_key,
            client: Client::builder(TokioExecutor::new()).build_http(),
            log,
            folder: Some(folder),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Where its objects are, when they are in a folder.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        let folder = self
            .folder
            .as_ref()
            .expect("only a stopped origin has none");
        folder.path().join("data")
    }

    /// Everything it has logged.
    pub(crate) fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).expect("readable")
    }

    /// Sends a request.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(body.into()))
            .expect("a valid request");
        let response = self.client.request(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    /// Sends a request with the administrator's key.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(
            method,
            path,
            &[("authorization", &format!("Bearer {}", self.admin_key))],
            body,
        )
        .await
    }

    /// Creates an asset; returns its id.
    pub(crate) async fn create(&self, title: &str) -> String {
        self.create_as(&serde_json::json!({ "title": title })).await
    }

    /// Creates an asset by the body of the call; returns its id.
    pub(crate) async fn create_as(&self, body: &Value) -> String {
        let created = self
            .admin(Method::POST, "/v1/assets", body.to_string())
            .await;
        assert_eq!(created.status, 201, "{}", created.text());
        let id = created.json()["id"].as_str().expect("an id").to_owned();
        assert_eq!(created.header("location"), format!("/v1/assets/{id}"));
        id
    }

    /// Uploads a file to an asset.
    pub(crate) async fn upload(&self, id: &str, file: &Path) -> Answer {
        let bytes =
            std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.admin(Method::PUT, &format!("/v1/assets/{id}/source"), bytes)
            .await
    }

    pub(crate) async fn asset(&self, id: &str) -> Value {
        self.admin(Method::GET, &format!("/v1/assets/{id}"), Bytes::new())
            .await
            .json()
    }

    /// Waits until the asset's job has ended.
    pub(crate) async fn settled(&self, id: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asset = self.asset(id).await;
            match asset["state"].as_str() {
                Some("queued" | "packaging") => assert!(
                    Instant::now() < deadline,
                    "still not done: {asset}\n{}",
                    self.logged()
                ),
                _ => return asset,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Creates, uploads, packages; returns the asset's record.
    pub(crate) async fn publish(&self, file: &Path) -> Value {
        self.publish_as(&serde_json::json!({ "title": "film" }), file)
            .await
    }

    /// The same by the body of the call that creates.
    pub(crate) async fn publish_as(&self, body: &Value, file: &Path) -> Value {
        let id = self.create_as(body).await;
        let uploaded = self.upload(&id, file).await;
        assert_eq!(uploaded.status, 202, "{}", uploaded.text());
        let asset = self.settled(&id).await;
        assert_eq!(asset["state"], "ready", "{asset}\n{}", self.logged());
        asset
    }

    /// A playback token for an asset.
    pub(crate) async fn token(&self, id: &str) -> String {
        let grant = self
            .admin(Method::POST, &format!("/v1/assets/{id}/playback"), "{}")
            .await;
        assert_eq!(grant.status, 200, "{}", grant.text());
        grant.json()["token"].as_str().expect("a token").to_owned()
    }

    /// Stops it as an operator does, and starts another one over the same folder. Its log begins anew.
    pub(crate) fn restart(self, environment: &[(&str, &str)]) -> Self {
        self.replace("-TERM", environment)
    }

    /// Kills it, and starts another one over the same folder. Its log begins anew.
    pub(crate) fn kill_and_restart(self, environment: &[(&str, &str)]) -> Self {
        self.replace("-KILL", environment)
    }

    fn replace(mut self, signal: &str, environment: &[(&str, &str)]) -> Self {
        let folder = self.folder.take().expect("only a stopped origin has none");
        let key = self.admin_key.clone();
        let ended = self.end(signal);
        assert_eq!(ended.success(), signal == "-TERM", "{ended}");
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment: Vec<_> = environment.iter().map(owned).collect();
        let mut next = Self::start_in(folder, &environment);
        next.admin_key = key;
        next
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        self.end("-TERM")
    }

    fn end(&mut self, signal: &str) -> std::process::ExitStatus {
        Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        self.child.wait().expect("it ends")
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
