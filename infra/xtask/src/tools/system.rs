//! Tools that come as packages of the operating system.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::step::Missing;
use crate::tools;

/// A program and the package that holds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    /// Names that it goes by, the likeliest first.
    names: &'static [&'static str],
    /// Debian and Ubuntu package.
    debian: &'static str,
    /// Homebrew formula.
    homebrew: &'static str,
}

/// Decodes and encodes media.
pub(crate) const FFMPEG: Program = Program {
    names: &["ffmpeg"],
    debian: "ffmpeg",
    homebrew: "ffmpeg",
};
/// Tells what is in a media file.
pub(crate) const FFPROBE: Program = Program {
    names: &["ffprobe"],
    debian: "ffmpeg",
    homebrew: "ffmpeg",
};
/// The browser of the browser tests.
pub(crate) const CHROMIUM: Program = Program {
    names: &["chromium", "chromium-browser", "google-chrome"],
    debian: "chromium",
    homebrew: "chromium",
};
/// Runs the players' test programs.
pub(crate) const NODE: Program = Program {
    names: &["node", "nodejs"],
    debian: "nodejs",
    homebrew: "node",
};
/// Fetches the players.
pub(crate) const NPM: Program = Program {
    names: &["npm"],
    debian: "npm",
    homebrew: "node",
};
/// Builds MinIO.
pub(crate) const GO: Program = Program {
    names: &["go"],
    debian: "golang-go",
    homebrew: "go",
};
/// Counters for several nodes.
pub(crate) const REDIS: Program = Program {
    names: &["redis-server", "valkey-server"],
    debian: "redis-server",
    homebrew: "redis",
};
/// Compiles what is C in a component.
pub(crate) const CLANG: Program = Program {
    names: &["clang"],
    debian: "clang",
    homebrew: "llvm",
};
/// The peer of the node's benchmark.
pub(crate) const NGINX: Program = Program {
    names: &["nginx"],
    debian: "nginx",
    homebrew: "nginx",
};
/// Makes load.
pub(crate) const WRK: Program = Program {
    names: &["wrk"],
    debian: "wrk",
    homebrew: "wrk",
};

impl Program {
    /// Where it is, if it is.
    pub(crate) fn find(self) -> Option<PathBuf> {
        let more = [
            PathBuf::from("/usr/local/go/bin"),
            PathBuf::from("/opt/homebrew/bin"),
        ];
        self.names.iter().find_map(|name| tools::find(name, &more))
    }

    /// Where it is, after installing it when we may: as root on a system with apt.
    ///
    /// # Errors
    /// [`Missing`], with what to run.
    pub(crate) fn ensure(self) -> anyhow::Result<PathBuf> {
        if let Some(path) = self.find() {
            return Ok(path);
        }
        if rustix::process::geteuid().is_root() && tools::find("apt-get", &[]).is_some() {
            eprintln!(
                "installing {} (apt-get install {})",
                self.names[0], self.debian
            );
            // The list of packages may be old or absent: fetch it when the first try finds nothing.
            let installed = apt_get(&["install", self.debian])
                || (apt_get(&["update"]) && apt_get(&["install", self.debian]));
            if let (true, Some(path)) = (installed, self.find()) {
                return Ok(path);
            }
        }
        Err(Missing(format!(
            "{} is missing: `apt-get install {}` (Debian, Ubuntu) or `brew install {}` (macOS)",
            self.names[0], self.debian, self.homebrew
        ))
        .into())
    }
}

fn apt_get(arguments: &[&str]) -> bool {
    Command::new("apt-get")
        .args(["-q", "-y", "--no-install-recommends"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
