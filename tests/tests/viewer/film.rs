//! What is played: films packaged by the origin's own program.
//!
//! - `ladder/`: four variants (270, 180 and 90 lines of H.264, 90 of VP9) and a DASH manifest;
//! - `spoken/`: one variant in two languages, segments of a second, as the codecs come;
//! - `marked/`: the same with each video segment in two variants, `a-` and the mirrored `b-`;
//! - `ad/`: two seconds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use weir_tests::locate;

/// Seconds of the films, the advertisement aside.
pub(crate) const LENGTH: f64 = 12.0;

/// Quick to encode. The rungs fall.
const PROFILE: &str = "\
[[rung]]\nname = '270p'\nheight = 270\ncodec = 'h264'\nbitrate = 500_000\npreset = 'ultrafast'\n\
[[rung]]\nname = '180p'\nheight = 180\ncodec = 'h264'\nbitrate = 300_000\npreset = 'ultrafast'\n\
[[rung]]\nname = '90p'\nheight = 90\ncodec = 'h264'\nbitrate = 100_000\npreset = 'ultrafast'\n\
[[rung]]\nname = '90p-vp9'\nheight = 90\ncodec = 'vp9'\nbitrate = 90_000\npreset = '8'\n\
[audio]\nbitrate = 64_000\nchannels = 2\n";

/// The folder of the films, made once. None when ffmpeg is missing and may be.
pub(crate) fn films() -> Option<&'static Path> {
    static FILMS: OnceLock<Option<PathBuf>> = OnceLock::new();
    FILMS.get_or_init(make).as_deref()
}

fn make() -> Option<PathBuf> {
    let ffmpeg = locate::tool("ffmpeg", &[], "apt-get install ffmpeg")?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("viewer");
    // What an earlier run left may be of another profile.
    let _ = fs::remove_dir_all(&folder);
    let (sources, media) = (folder.join("sources"), folder.join("media"));
    fs::create_dir_all(&sources).unwrap();
    fs::create_dir_all(&media).unwrap();
    fs::write(sources.join("small.toml"), PROFILE).unwrap();
    let encode = |name: &str, seconds: &str, filter: &str| {
        let output = Command::new(&ffmpeg)
            .args(["-v", "error", "-y", "-t", seconds, "-i"])
            .arg(locate::sample_film())
            .args(["-map", "0:v", "-map", "0:a", "-map", "0:a", "-vf", filter])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt"])
            .args(["yuv420p", "-force_key_frames", "expr:gte(t,n_forced*1)"])
            .args(["-c:a", "aac", "-ac", "2", "-metadata:s:a:0", "language=eng"])
            .args(["-metadata:s:a:1", "language=deu"])
            .arg(sources.join(name))
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {error}");
    };
    encode("film.mp4", "12", "scale=480:270");
    encode("mirrored.mp4", "12", "scale=480:270,hflip");
    encode("ad.mp4", "2", "scale=480:270");
    let package = |source: &str, target: &str, more: &[&str]| {
        let output = Command::new(locate::program("weir-origin"))
            .args(["--set", "transcode.profile-folder=.", "package", "--quiet"])
            .args(more)
            .arg(source)
            .arg(media.join(target))
            .current_dir(&sources)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{source}: {error}");
    };
    package(
        "film.mp4",
        "ladder",
        &["--profile", "small", "--dash", "--segment-seconds", "2"],
    );
    package("film.mp4", "spoken", &["--segment-seconds", "1"]);
    package("mirrored.mp4", "mirrored", &["--segment-seconds", "1"]);
    package("ad.mp4", "ad", &["--segment-seconds", "1"]);
    mark(&media);
    let growing = media.join("spoken/video-1/media.m3u8");
    fs::copy(growing, media.join("spoken/video-1/live.m3u8")).unwrap();
    for (index, uri) in [("live-index", "live"), ("silent", "media")] {
        let variant = only(&format!("video-1/{uri}.m3u8"));
        fs::write(media.join(format!("spoken/{index}.m3u8")), variant).unwrap();
    }
    Some(media)
}

/// A multivariant playlist of one variant without sound.
fn only(uri: &str) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS=\"avc1.42c015\",RESOLUTION=480x270\n{uri}\n"
    )
}

/// Both variants of every segment side by side; the playlist names the first.
fn mark(media: &Path) {
    let folder = media.join("marked");
    fs::create_dir_all(&folder).unwrap();
    for (film, letter) in [("spoken", "a"), ("mirrored", "b")] {
        for entry in fs::read_dir(media.join(film).join("video-1")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let marked = match (name.ends_with(".m4s"), letter) {
                (true, _) => format!("{letter}-{name}"),
                (false, "a") => name.clone(),
                (false, _) => continue,
            };
            let from = media.join(film).join("video-1").join(&name);
            fs::copy(from, folder.join(marked)).unwrap();
        }
    }
    let playlist = fs::read_to_string(folder.join("media.m3u8")).unwrap();
    let named: String = playlist
        .lines()
        .map(|line| match line.ends_with(".m4s") {
            true => format!("a-{line}\n"),
            false => format!("{line}\n"),
        })
        .collect();
    fs::write(folder.join("media.m3u8"), named).unwrap();
    fs::write(folder.join("index.m3u8"), only("media.m3u8")).unwrap();
}
