//! What `manifest-rewrite` makes, in players: the built component on the node, before films that the origin's program packaged, in
//! hls.js and shaka-player in headless Chromium. Each policy is a host of its own, `<policy>.localhost`.
#![allow(clippy::unwrap_used)]

#[path = "viewer/breaks.rs"]
mod breaks;
#[path = "viewer/cdn.rs"]
mod cdn;
#[path = "viewer/edge.rs"]
mod edge;
#[path = "viewer/film.rs"]
mod film;
#[path = "viewer/played.rs"]
mod played;
#[path = "viewer/policies.rs"]
mod policies;
#[path = "viewer/steering.rs"]
mod steering;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use weir_tests::locate;

/// What runs the players, and what they play.
struct Stage {
    node: PathBuf,
    chromium: PathBuf,
    players: PathBuf,
    films: &'static std::path::Path,
}

impl Stage {
    /// None when something is missing and may be.
    fn set() -> Option<Self> {
        let players = locate::root().join("tests/players");
        let installed = players.join("node_modules/playwright-core").is_dir();
        assert!(
            installed || !locate::strict(),
            "the players are not installed: run `npm ci` in tests/players"
        );
        if !installed {
            eprintln!("skipped: the players are not installed (`npm ci` in tests/players)");
            return None;
        }
        Some(Self {
            node: locate::tool("node", &[], "apt-get install nodejs npm")?,
            chromium: locate::tool("chromium", &[], "apt-get install chromium")
                .or_else(|| locate::tool("google-chrome", &[], "install Chrome or Chromium"))?,
            players,
            films: film::films()?,
        })
    }

    /// Runs a script of `tests/players` and reads its last line.
    fn run(&self, script: &str, arguments: &[&str]) -> Value {
        let output = Command::new(&self.node)
            .arg(script)
            .arg(&self.chromium)
            .args(arguments)
            .current_dir(&self.players)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| {
            let said = String::from_utf8_lossy(&output.stderr);
            panic!("{script}: {error}: {text}\n{said}")
        })
    }

    /// The same for a script that plays one stream, which must end without an error.
    fn play(&self, script: &str, arguments: &[&str]) -> Value {
        let seen = self.run(script, arguments);
        assert_eq!(seen["errors"], serde_json::json!([]), "{seen}");
        assert!(!seen["ended"].is_null(), "{seen}");
        seen
    }
}
