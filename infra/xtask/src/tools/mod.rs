//! What the recipes need beside cargo: each tool is found, installed when that can be done without asking, or named with what
//! to run.

pub(crate) mod cargo_tool;
pub(crate) mod minio;
pub(crate) mod players;
pub(crate) mod system;
pub(crate) mod wasm_target;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// Where tools that we build ourselves are kept between runs: `WEIR_CACHE`, or `weir` in the user's cache folder.
pub(crate) fn cache() -> PathBuf {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    from("WEIR_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("weir")))
        .or_else(|| from("HOME").map(|folder| folder.join(".cache/weir")))
        .unwrap_or_else(|| crate::workspace::path(".weir/cache"))
}

/// Finds a program on `PATH` or in `more` folders.
pub(crate) fn find(program: &str, more: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(more.iter().cloned())
        // Debian keeps servers out of an ordinary user's PATH.
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| executable(file))
}

fn executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file)
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Runs a command to its end, its output shown.
///
/// # Errors
/// It does not start or does not succeed.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = shown(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("`{line}` does not start"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// A command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut line = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_every_machine_has_and_nothing_else() {
        assert!(find("sh", &[]).is_some());
        assert_eq!(find("no-such-program-anywhere", &[]), None);
    }

    #[test]
    fn shows_a_command_without_its_folder() {
        assert_eq!(
            shown(Command::new("/usr/bin/npm").args(["ci", "--quiet"])),
            "npm ci --quiet"
        );
    }
}
