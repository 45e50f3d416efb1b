//! A small edge for players: files of a folder, the manifests among them rewritten by the module, over HTTP/1.1 on loopback.
#![allow(dead_code, clippy::unwrap_used, unreachable_pub)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use manifest_rewrite::ManifestRewrite;
use weir_module::testing::{Outcome, TestHost, decide, exchange};
use weir_module::{AnswerBody, Module as _, NoCounters, ResponseHead};

/// What an edge does besides serving.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// Answers 503 to segments after this many; not those that are asked of `localhost`, which stands for another host.
    pub segments: Option<usize>,
    /// The health document, from the second steering request on.
    pub health: Option<&'static str>,
    /// What every request for media and manifests must carry in its query.
    pub token: Option<&'static str>,
    /// Paths that are answered with this text; `ORIGIN` stands for the scheme and host of the request.
    pub texts: Vec<(&'static str, String)>,
}

/// A running edge; it stops when dropped.
pub struct Edge {
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Edge {
    pub fn start(config: &str, folder: &Path, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (log, stop) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(AtomicBool::new(false)),
        );
        let (config, folder) = (config.to_owned(), folder.to_owned());
        let (thread_log, thread_stop) = (Arc::clone(&log), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut server = Server {
                module: ManifestRewrite::configure(&config).unwrap(),
                folder,
                behaviour,
                log: thread_log,
                segments: 0,
                steered: 0,
            };
            for stream in listener.incoming() {
                if thread_stop.load(Ordering::Relaxed) {
                    break;
                }
                // A browser that goes away in the middle is no failure.
                let _ = stream.and_then(|stream| server.answer(stream));
            }
        });
        Self {
            address,
            log,
            stop,
            thread: Some(thread),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `status host target` of every request so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the loop up.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Server {
    module: ManifestRewrite,
    folder: PathBuf,
    behaviour: Behaviour,
    log: Arc<Mutex<Vec<String>>>,
    segments: usize,
    steered: usize,
}

type Response = (u16, Vec<(String, String)>, Vec<u8>);

impl Server {
    fn answer(&mut self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, target) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let mut host = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line)? <= 2 {
                break;
            }
            let field = line.split_once(':');
            if let Some((_, value)) = field.filter(|(name, _)| name.eq_ignore_ascii_case("host")) {
                host = value.trim().to_owned();
            }
        }
        let (status, headers, body) = match method.as_str() {
            "GET" => self.get(&host, &target),
            _ => (405, Vec::new(), Vec::new()),
        };
        self.log
            .lock()
            .unwrap()
            .push(format!("{status} {host} {target}"));
        let mut head = format!(
            "HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\naccess-control-allow-origin: *\r\n",
            body.len()
        );
        for (name, value) in headers {
            if !matches!(
                name.as_str(),
                "content-length" | "access-control-allow-origin"
            ) {
                head += &format!("{name}: {value}\r\n");
            }
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        stream.write_all(&body)
    }

    fn get(&mut self, host: &str, target: &str) -> Response {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if let Some((_, text)) = self
            .behaviour
            .texts
            .iter()
            .find(|(known, _)| *known == path)
        {
            return (
                200,
                typed("application/json"),
                text.replace("ORIGIN", &format!("http://{host}"))
                    .into_bytes(),
            );
        }
        if self
            .behaviour
            .token
            .is_some_and(|token| !query.contains(token))
        {
            return (403, Vec::new(), Vec::new());
        }
        if path == "/steer" {
            self.steered += 1;
            if let Some(health) = self.behaviour.health.filter(|_| self.steered > 1) {
                let name = self.module.documents()[0].name.clone();
                self.module.load_document(&name, health.as_bytes()).unwrap();
            }
            return self.through_module(host, target, 404, Vec::new());
        }
        // Only names that were put there: nothing here resolves `..`.
        let file = self.folder.join(path.trim_start_matches('/'));
        let Some(body) = std::fs::read(&file).ok().filter(|_| !path.contains("..")) else {
            return (404, Vec::new(), Vec::new());
        };
        if path.ends_with(".m3u8") {
            return self.through_module(host, target, 200, body);
        }
        if path.ends_with(".m4s") && !host.starts_with("localhost") {
            self.segments += 1;
            if self
                .behaviour
                .segments
                .is_some_and(|most| self.segments > most)
            {
                return (503, Vec::new(), Vec::new());
            }
        }
        (200, typed("video/mp4"), body)
    }

    fn through_module(
        &mut self,
        authority: &str,
        target: &str,
        status: u16,
        body: Vec<u8>,
    ) -> Response {
        let mut headers = vec![
            (":authority", authority),
            (":scheme", "http"),
            ("weir-session", "viewer-1"),
        ];
        if self.behaviour.token.is_some() {
            headers.push(("weir-token", "query:t=X"));
        }
        let mut host = TestHost::<NoCounters>::default();
        let verdict = decide(&mut self.module, &mut host, "GET", target, &headers);
        let kind = "application/vnd.apple.mpegurl";
        let head = ResponseHead {
            status,
            headers: vec![("content-type".into(), kind.into())],
        };
        let nothing = |_: &_| unreachable!("the module asks for nothing");
        match exchange(verdict, &mut host, (head, body), 1000, nothing) {
            Outcome::Upstream(_, body) => (status, typed(kind), body),
            Outcome::Answer(answer) => {
                let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                let headers = answer.headers.iter();
                let headers = headers.map(|(name, value)| (name.to_string(), text(value)));
                let body = match answer.body {
                    AnswerBody::Bytes(ref body) => body.clone(),
                    AnswerBody::Problem(_) => Vec::new(),
                };
                (answer.status, headers.collect(), body)
            }
            Outcome::BrokenOff(reason) => panic!("{reason}"),
        }
    }
}

fn typed(kind: &str) -> Vec<(String, String)> {
    vec![("content-type".into(), kind.into())]
}
