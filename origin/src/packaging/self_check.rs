//! The linter over a version that is stored and not yet published.

use bytes::Bytes;
use weir_packager::ByteRange;
use weir_packager::lint::{
    Concern, Failure, Finding, Linter, Options, Report, Response, Severity, Step,
};

use crate::catalogue::{LintFinding, LintReport};
use crate::storage::{GetOptions, ObjectKey, ReadRange, Storage, StorageError};

/// Where the version stands while it is checked: no address leads out of it.
const BASE: &str = "https://version.invalid/";
/// Bytes that are read of a segment at first: the boxes that describe its samples lie there.
const HEAD: u64 = 64 << 10;
/// Findings that a record keeps.
const MAX_KEPT: usize = 50;

/// What the linter says, and whether it stands in the way of publishing.
#[derive(Debug)]
pub struct SelfCheck {
    /// For the asset's record.
    pub report: LintReport,
    /// The first rule that packaging itself breaks, in a sentence.
    pub violation: Option<String>,
}

/// Checks the version under `prefix` (with a slash at its end). Rules in `waived` are told and stand in nobody's way: somebody chose what
/// breaks them.
///
/// # Errors
/// When the store fails. That something is missing is a finding.
pub async fn self_check(
    storage: &dyn Storage,
    prefix: &str,
    playlist: &str,
    media: bool,
    waived: &[&str],
) -> Result<SelfCheck, StorageError> {
    let options = Options {
        media,
        ..Options::default()
    };
    let linter = Linter::new(&format!("{BASE}{playlist}"), options);
    let mut linter =
        linter.map_err(|error| StorageError::unavailable("checking the version", error))?;
    let mut reader = Reader {
        storage,
        prefix,
        head: None,
    };
    loop {
        match linter.step() {
            Step::Read(request) => {
                let Some(path) = request.url.strip_prefix(BASE) else {
                    // A key, or a licence server: not ours to read.
                    linter.fail(Failure::Missing);
                    continue;
                };
                match reader.read(path, request.range).await {
                    Ok(response) => linter.supply(response),
                    Err(StorageError::NotFound | StorageError::InvalidKey(_)) => {
                        linter.fail(Failure::Missing);
                    }
                    Err(error) => return Err(error),
                }
            }
            Step::Done(report) => return Ok(judged(&report, waived)),
        }
    }
}

fn judged(report: &Report, waived: &[&str]) -> SelfCheck {
    let violation = report
        .violations(Concern::Packaging)
        .find(|finding| !waived.contains(&finding.rule.id));
    let violation = violation.map(|finding| {
        format!(
            "{}: {} ({})",
            document_of(finding),
            finding.message,
            finding.rule.id
        )
    });
    let count = |severity| u32::try_from(report.count(severity)).unwrap_or(u32::MAX);
    SelfCheck {
        report: LintReport {
            must: count(Severity::Must),
            should: count(Severity::Should),
            playlists: report.playlists,
            segments: report.segments,
            findings: report.findings.iter().take(MAX_KEPT).map(kept).collect(),
        },
        violation,
    }
}

fn kept(finding: &Finding) -> LintFinding {
    LintFinding {
        rule: finding.rule.id.to_owned(),
        severity: finding.severity().as_str().to_owned(),
        concern: finding.rule.concern.as_str().to_owned(),
        document: document_of(finding).to_owned(),
        line: finding.line,
        message: finding.message.clone(),
        fix: finding.rule.fix.to_owned(),
    }
}

fn document_of(finding: &Finding) -> &str {
    finding
        .document
        .strip_prefix(BASE)
        .unwrap_or(&finding.document)
}

/// Reads files of the version. The linter asks for a segment in small pieces, one after the other: its beginning is read once.
struct Reader<'a> {
    storage: &'a dyn Storage,
    prefix: &'a str,
    head: Option<(String, Bytes, u64)>,
}

impl Reader<'_> {
    async fn read(
        &mut self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Response, StorageError> {
        let Some(range) = range else {
            let body = self.fetch(path, None).await?.0;
            return Ok(Response::whole(body));
        };
        if self.head.as_ref().is_none_or(|(known, _, _)| known != path) {
            let (body, total) = self.fetch(path, Some((0, HEAD))).await?;
            self.head = Some((path.to_owned(), body, total));
        }
        if let Some((_, body, total)) = &self.head {
            let end = range.end.min(*total);
            if end <= body.len() as u64 {
                // More than was asked for is allowed when it starts at the first byte.
                return Ok(Response::part(body.clone(), 0, *total));
            }
        }
        let (body, total) = self.fetch(path, Some((range.start, range.end))).await?;
        Ok(Response::part(body, range.start, total))
    }

    /// Bytes of a file and its length.
    async fn fetch(
        &self,
        path: &str,
        range: Option<(u64, u64)>,
    ) -> Result<(Bytes, u64), StorageError> {
        let key = ObjectKey::new(format!("{}{path}", self.prefix))?;
        let options = GetOptions {
            range: range.map(|(start, end)| ReadRange::Between { start, end }),
            ..GetOptions::default()
        };
        let limit = range.map_or(Options::default().max_playlist_bytes, |(start, end)| {
            end - start.min(end)
        });
        match self.storage.get(&key, options).await {
            Ok(object) => {
                let total = object.meta.size;
                Ok((object.bytes(limit).await?, total))
            }
            Err(StorageError::RangeNotSatisfiable { size }) => Ok((Bytes::new(), size)),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::PutOptions;
    use crate::storage::memory::MemoryStorage;

    async fn checked(text: &str, waived: &[&str]) -> SelfCheck {
        let storage = MemoryStorage::default();
        let key = ObjectKey::new("a/v1/main.m3u8").expect("valid");
        storage
            .put(&key, text.as_bytes().to_vec().into(), PutOptions::default())
            .await
            .expect("stored");
        self_check(&storage, "a/v1/", "main.m3u8", true, waived)
            .await
            .expect("checked")
    }

    #[tokio::test]
    async fn what_packaging_did_wrong_is_named() {
        let text = "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:6,\nnowhere.m4s\n#EXT-X-ENDLIST\n";
        let found = checked(text, &[]).await;
        assert!(
            found.report.must >= 1 && found.report.playlists == 1,
            "{found:?}"
        );
        let violation = found.violation.expect("no target duration");
        assert!(violation.starts_with("main.m3u8: "), "{violation}");
        assert!(
            found
                .report
                .findings
                .iter()
                .any(|one| one.rule == "rfc-4.4.3.1-required")
        );
        let names: Vec<String> = found
            .report
            .findings
            .iter()
            .map(|one| one.rule.clone())
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let waived = checked(text, &names).await;
        assert_eq!(
            (waived.violation, waived.report),
            (None, found.report),
            "told all the same"
        );
    }
}
