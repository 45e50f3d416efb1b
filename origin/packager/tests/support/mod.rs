//! Drives the packager over bytes in memory and reads back what it makes.
#![allow(dead_code, reason = "each test program uses a part of this module")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use weir_packager::{
    ByteRange, Error, Index, IndexStep, Indexer, Options, OutputKind, Packager, Report, Step,
};

/// Longest read that the packager may ask for.
pub(crate) const MAX_READ: u64 = 4 << 20;

/// Everything that a run made.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Paths and kinds in the order handed out.
    pub(crate) order: Vec<(String, OutputKind)>,
    pub(crate) reads: Vec<(usize, ByteRange)>,
    pub(crate) report: Report,
}

impl Run {
    pub(crate) fn text(&self, path: &str) -> &str {
        let file = self
            .files
            .get(path)
            .unwrap_or_else(|| panic!("{path} was not written; there are {:?}", self.files.keys()));
        std::str::from_utf8(file).unwrap()
    }

    /// Writes all files below `folder`.
    pub(crate) fn store(&self, folder: &Path) {
        for (path, content) in &self.files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
    }
}

/// Packages inputs that are held in memory.
pub(crate) fn package(inputs: &[&[u8]], options: Options) -> Result<Run, Error> {
    let lengths: Vec<u64> = inputs.iter().map(|input| input.len() as u64).collect();
    let mut packager = Packager::with_inputs(&lengths, options)?;
    let mut run = Run::default();
    loop {
        match packager.step()? {
            Step::Read { input, range } => {
                assert!(range.end <= lengths[input], "reads stay within the input");
                assert!(
                    !range.is_empty() && range.len() <= MAX_READ,
                    "reads are bounded: {range:?}"
                );
                run.reads.push((input, range));
                let (start, end) = (
                    usize::try_from(range.start).unwrap(),
                    usize::try_from(range.end).unwrap(),
                );
                packager.supply(
                    input,
                    range.start,
                    Bytes::copy_from_slice(&inputs[input][start..end]),
                )?;
            }
            Step::Write(output) => {
                assert!(
                    !output.path.starts_with('/') && !output.path.contains(".."),
                    "{}",
                    output.path
                );
                run.order.push((output.path.clone(), output.kind));
                let written = run.files.get(&output.path).map_or(0, Vec::len) as u64;
                assert_eq!(
                    output.position, written,
                    "parts of {} follow each other",
                    output.path
                );
                let file = run.files.entry(output.path).or_default();
                output
                    .body
                    .iter()
                    .for_each(|part| file.extend_from_slice(part));
            }
            Step::Done(report) => {
                run.report = *report;
                return Ok(run);
            }
        }
    }
}

/// The index of an input.
pub(crate) fn index(data: &[u8], options: &Options) -> Index {
    let mut indexer = Indexer::new(&[data.len() as u64], options.clone()).unwrap();
    loop {
        match indexer.step().unwrap() {
            IndexStep::Read { input, range } => {
                let part =
                    usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
                let part = Bytes::copy_from_slice(&data[part]);
                indexer.supply(input, range.start, part).unwrap();
            }
            IndexStep::Done(index) => return *index,
        }
    }
}

/// A fixture of the repository.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The media corpus, when there is one on this machine.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("WEIR_MEDIA_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("WEIR_MEDIA_CORPUS is not set: the media corpus is not tested");
    }
    folder
}

/// True when `tool` can be run. Its absence is a failure when `WEIR_STRICT` is 1.
pub(crate) fn has_tool(tool: &str) -> bool {
    let found = Command::new(tool).arg("-version").output().is_ok();
    if !found {
        assert!(
            std::env::var("WEIR_STRICT").as_deref() != Ok("1"),
            "{tool} is missing; install ffmpeg"
        );
        eprintln!("{tool} is missing: this test needs it; install ffmpeg");
    }
    found
}

/// Runs a tool and returns what it prints.
pub(crate) fn run_tool(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{tool} {arguments:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Start and end in seconds of the packets of a file's stream as ffprobe reads them, and the longest time from one packet to the
/// next. Packets that an edit list hides are left out.
pub(crate) fn packet_span(path: &Path, stream: &str) -> Option<(f64, f64, f64)> {
    let text = run_tool(
        "ffprobe",
        &[
            "-v",
            "error",
            "-select_streams",
            stream,
            "-show_entries",
            "packet=pts_time,duration_time,flags",
            "-of",
            "csv=p=0",
            path.to_str().unwrap(),
        ],
    );
    let mut times = Vec::new();
    let mut end = f64::MIN;
    for line in text.lines() {
        let mut fields = line.split(',');
        let Some(time) = fields.next().and_then(|field| field.parse::<f64>().ok()) else {
            continue;
        };
        // ffprobe gives no duration for some codecs.
        let duration = fields
            .next()
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0);
        if fields.next().is_some_and(|flags| flags.contains('D')) {
            continue;
        }
        times.push(time);
        end = end.max(time + duration);
    }
    times.sort_by(f64::total_cmp);
    let longest = times
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold(0.0, f64::max);
    Some((*times.first()?, end, longest))
}

/// The boxes at the top level of `data`: type, offset and length.
pub(crate) fn top_boxes(data: &[u8]) -> Vec<(String, usize, usize)> {
    let mut at = 0;
    let mut found = Vec::new();
    while at + 8 <= data.len() {
        let size = u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize;
        assert!(
            size >= 8 && at + size <= data.len(),
            "a box of {size} bytes at {at} of {}",
            data.len()
        );
        found.push((
            String::from_utf8_lossy(&data[at + 4..at + 8]).into_owned(),
            at,
            size,
        ));
        at += size;
    }
    assert_eq!(at, data.len(), "boxes fill the file");
    found
}

/// Sum of the `EXTINF` durations of a playlist in seconds.
pub(crate) fn playlist_duration(text: &str) -> f64 {
    text.lines()
        .filter_map(|line| {
            line.strip_prefix("#EXTINF:")?
                .strip_suffix(',')?
                .parse::<f64>()
                .ok()
        })
        .sum()
}
