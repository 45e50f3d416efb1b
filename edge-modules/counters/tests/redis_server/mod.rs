//! A real Redis or Valkey server of our own for the length of a test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    cluster: bool,
    folder: std::path::PathBuf,
}

/// The server's program. Without it the test is skipped with a word, or fails when `WEIR_STRICT=1`.
fn program() -> Option<&'static str> {
    let found = ["redis-server", "valkey-server"].into_iter().find(|name| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    });
    if found.is_none() {
        assert!(
            std::env::var_os("WEIR_STRICT").is_none(),
            "redis-server or valkey-server is missing"
        );
        eprintln!("skipped: install redis-server or valkey-server");
    }
    found
}

impl Server {
    pub(crate) fn start() -> Option<Self> {
        Self::start_as(false)
    }

    pub(crate) fn start_as(cluster: bool) -> Option<Self> {
        let program = program()?;
        for _ in 0..20 {
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            // A cluster's second port is 10000 higher.
            if cluster && port > 55_000 {
                continue;
            }
            let folder =
                std::env::temp_dir().join(format!("weir-redis-{}-{port}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let mut server = Self {
                child: spawn(program, port, cluster, &folder),
                port,
                cluster,
                folder,
            };
            if server.answers() {
                return Some(server);
            }
        }
        panic!("no redis-server came up");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends the server at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, empty, on the same port.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(program().unwrap(), self.port, self.cluster, &self.folder);
        assert!(self.answers(), "the server did not come back");
    }

    /// Freezes the server (`STOP`) or lets it go on (`CONT`).
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Asks through the server's own client.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli")
            .args(["-p", &port])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn answers(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if self.command(&["ping"]) == "PONG" {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(program: &str, port: u16, cluster: bool, folder: &std::path::Path) -> Child {
    let mut command = Command::new(program);
    command.args([
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--port",
        &port.to_string(),
    ]);
    if cluster {
        command.args([
            "--cluster-enabled",
            "yes",
            "--cluster-config-file",
            "nodes.conf",
        ]);
    }
    command
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
