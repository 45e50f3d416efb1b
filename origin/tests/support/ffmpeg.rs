//! A stand-in for ffmpeg that keeps account, for tests that look at how it is used.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::find_program;

/// A program that writes its arguments down and then is the real ffmpeg; ffprobe lies beside it as Weir expects it.
pub(crate) struct WatchedFfmpeg {
    folder: tempfile::TempDir,
}

impl WatchedFfmpeg {
    /// `before` is shell that runs before the real ffmpeg does, in every run that reads media; `$folder` is [`WatchedFfmpeg::folder`].
    pub(crate) fn new(before: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [ffmpeg, ffprobe] =
            ["ffmpeg", "ffprobe"].map(|name| find_program(name).expect("installed"));
        symlink(ffprobe, folder.path().join("ffprobe")).expect("linked");
        let script = format!(
            "#!/bin/sh\nfolder='{}'\ncase \" $* \" in *' -i '*) echo \"$*\" >>\"$folder/runs\"\n{before}\n;; esac\nexec '{}' \"$@\"\n",
            folder.path().display(),
            ffmpeg.display()
        );
        // Written by another process: one that is forked from this one meanwhile would hold the file open, and it could not be run.
        let written = Command::new("sh")
            .args([
                "-c",
                "printf '%s' \"$1\" >\"$2\" && chmod +x \"$2\"",
                "sh",
                &script,
            ])
            .arg(folder.path().join("ffmpeg"))
            .status();
        assert!(written.expect("sh runs").success());
        Self { folder }
    }

    /// For `transcode.ffmpeg`.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.path().join("ffmpeg")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command lines of all runs that read media, since this was last asked.
    pub(crate) fn runs(&self) -> Vec<String> {
        let file = self.folder.path().join("runs");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let _ = std::fs::remove_file(&file);
        text.lines().map(str::to_owned).collect()
    }
}
