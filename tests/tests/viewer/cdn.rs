//! What stands behind the node here: files of a folder over HTTP/1.1 on loopback, which can fail as a CDN does, and which remembers
//! what it was asked for.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What an origin does besides serving files.
#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    /// Answers 503 to segments after this many.
    pub(crate) segments: Option<usize>,
    /// The health document from the second segment on; before, nothing is unhealthy.
    pub(crate) health: Option<&'static str>,
    /// Paths that are answered with this JSON; `ORIGIN` stands for this server.
    pub(crate) texts: Vec<(&'static str, String)>,
}

/// A running origin; it stops when dropped.
pub(crate) struct Cdn {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    address: SocketAddr,
    folder: PathBuf,
    behaviour: Behaviour,
    /// `status target` of every request so far.
    log: Mutex<Vec<String>>,
    segments: AtomicUsize,
    /// How often the live playlist was asked for.
    live: AtomicUsize,
    stop: AtomicBool,
}

impl Cdn {
    pub(crate) fn start(folder: &Path, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            address,
            folder: folder.to_owned(),
            behaviour,
            log: Mutex::default(),
            segments: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let inner = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if inner.stop.load(Ordering::Relaxed) {
                    break;
                }
                let inner = Arc::clone(&inner);
                // A connection that the node drops ends its thread; nothing waits for it.
                std::thread::spawn(move || stream.and_then(|stream| inner.answer(stream)));
            }
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }

    /// Segments that were given away.
    pub(crate) fn segments(&self) -> usize {
        let given = |line: &&String| line.starts_with("200") && line.contains(".m4s");
        self.log().iter().filter(given).count()
    }
}

impl Drop for Cdn {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the loop up.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        // The head is all that a GET has.
        let mut reader = BufReader::new(stream.try_clone()?.take(64 * 1024));
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let target = line.split_whitespace().nth(1).unwrap_or("/").to_owned();
        while reader.read_line(&mut line)? > 2 {}
        let (status, kind, body) = self.get(&target);
        self.log.lock().unwrap().push(format!("{status} {target}"));
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-length: {}\r\ncontent-type: {kind}\r\ncache-control: {}\r\n\
             access-control-allow-origin: *\r\nconnection: close\r\n\r\n",
            body.len(),
            match kind {
                "video/mp4" => "max-age=600",
                _ => "no-store",
            }
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body)
    }

    fn get(&self, target: &str) -> (u16, &'static str, Vec<u8>) {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let texts = &self.behaviour.texts;
        if let Some((_, text)) = texts.iter().find(|(known, _)| *known == path) {
            let text = text.replace("ORIGIN", &format!("http://{}", self.address));
            return (200, "application/json", text.into_bytes());
        }
        if path == "/health.json" {
            let health = self.behaviour.health.unwrap_or_default();
            let now = self.segments.load(Ordering::Relaxed) > 1;
            let health = if now { health } else { r#"{"unhealthy": []}"# };
            return (200, "application/json", health.into());
        }
        // Only names that were put there: nothing here resolves `..`.
        let file = self.folder.join(path.trim_start_matches('/'));
        let Some(body) = std::fs::read(&file).ok().filter(|_| !path.contains("..")) else {
            return (404, "text/plain", Vec::new());
        };
        if path.ends_with("/live.m3u8") {
            return (200, HLS, self.live(&body));
        }
        if path.ends_with(".m3u8") {
            return (200, HLS, body);
        }
        if path.ends_with(".mpd") {
            return (200, "application/dash+xml", body);
        }
        if path.ends_with(".m4s") {
            let before = self.segments.fetch_add(1, Ordering::Relaxed);
            if self.behaviour.segments.is_some_and(|most| before >= most) {
                return (503, "text/plain", Vec::new());
            }
        }
        (200, "video/mp4", body)
    }

    /// A finished playlist as it grew: one more segment each time that somebody asks, and the end at last. Nothing hangs on a clock.
    fn live(&self, playlist: &[u8]) -> Vec<u8> {
        let playlist = String::from_utf8_lossy(playlist);
        let count = FIRST + self.live.fetch_add(1, Ordering::Relaxed);
        let mut lines: Vec<&str> = playlist
            .lines()
            .filter(|line| !line.starts_with("#EXT-X-PLAYLIST-TYPE"))
            .collect();
        let ends = |line: &str| line.ends_with(".m4s");
        let segment = lines.iter().enumerate().filter(|(_, line)| ends(line));
        if let Some((last, _)) = segment.clone().nth(count - 1)
            && count < segment.count()
        {
            lines.truncate(last + 1);
        }
        (lines.join("\n") + "\n").into_bytes()
    }
}

/// Segments in the first answer of a live playlist.
const FIRST: usize = 9;
const HLS: &str = "application/vnd.apple.mpegurl";
