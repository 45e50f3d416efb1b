//! Runs the linter over files in memory.
#![allow(dead_code, reason = "each test program uses a part of this module")]

use std::collections::BTreeMap;

use bytes::Bytes;
use weir_packager::lint::{Failure, Linter, Options, Report, Response, Severity, Step};

/// Files by their path from the root.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Where the files are said to be.
pub(crate) const ROOT: &str = "weir-test://root/";

/// Most requests for a presentation of `bytes` bytes that names `names` things.
const MOST_STEPS: usize = 100_000;

/// Lints the playlist at `start`.
pub(crate) fn lint(files: &Files, start: &str) -> Report {
    lint_with(files, start, Options::default())
}

/// Lints with options. Every request is answered with exactly what it asks for.
pub(crate) fn lint_with(files: &Files, start: &str, options: Options) -> Report {
    let mut linter = Linter::new(&format!("{ROOT}{start}"), options).unwrap();
    for _ in 0..MOST_STEPS {
        match linter.step() {
            Step::Read(request) => {
                let path = request.url.strip_prefix(ROOT).unwrap_or_default();
                let path = path.split('?').next().unwrap_or_default();
                let Some(file) = files.get(path) else {
                    linter.fail(Failure::Missing);
                    continue;
                };
                let total = file.len() as u64;
                let range = request.range.map_or(0..total, |range| {
                    assert!(!range.is_empty(), "{request:?}");
                    range.start.min(total)..range.end.min(total)
                });
                let (from, to) = (
                    usize::try_from(range.start).unwrap(),
                    usize::try_from(range.end).unwrap(),
                );
                let body = Bytes::copy_from_slice(&file[from..to.max(from)]);
                linter.supply(Response::part(body, range.start, total));
            }
            Step::Done(report) => return *report,
        }
    }
    panic!("no end after {MOST_STEPS} requests");
}

/// Lints one playlist that leads nowhere.
pub(crate) fn lint_text(text: &str) -> Report {
    let files = Files::from([("index.m3u8".to_owned(), text.as_bytes().to_vec())]);
    lint(&files, "index.m3u8")
}

/// The findings as `rule line document`, for messages of failed tests.
pub(crate) fn listed(report: &Report) -> String {
    report
        .findings
        .iter()
        .map(|finding| {
            format!(
                "{} {:?} {} {}: {}\n",
                finding.rule.id,
                finding.line,
                finding.document.trim_start_matches(ROOT),
                finding.value,
                finding.message
            )
        })
        .collect()
}

/// What must be mended.
pub(crate) fn musts(report: &Report) -> Vec<&'static str> {
    report
        .findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Must)
        .map(|finding| finding.rule.id)
        .collect()
}
