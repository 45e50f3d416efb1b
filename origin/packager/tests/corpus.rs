//! Real files: start and duration of every track as the source presents them, read back with ffprobe.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use support::{corpus, has_tool, package, packet_span, playlist_duration, run_tool};
use weir_packager::{Options, TrackKind};

#[test]
fn every_track_keeps_its_start_and_duration() {
    let (Some(folder), true) = (corpus(), has_tool("ffprobe")) else {
        return;
    };
    let mut count = 0;
    let mut failures = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let known = ["mp4", "mov", "m4v", "m4a", "ts", "mkv", "webm"];
        if !path
            .extension()
            .is_some_and(|extension| known.iter().any(|known| extension == *known))
        {
            continue;
        }
        count += 1;
        let data = std::fs::read(&path).unwrap();
        match package(&[&data], Options::default()) {
            Ok(run) => failures.extend(compare(&path, &run)),
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    assert!(count > 0, "the corpus is empty");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Compares every track of the output with the source. A stream's own start and duration count, else its packets.
fn compare(source: &Path, run: &support::Run) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    run.store(folder.path());
    let name = source.file_name().unwrap().to_string_lossy();
    let mut failures = Vec::new();
    let mut counts = [0; 3];
    // The clock of a transport stream starts anywhere: times count from its first sample.
    let zero = if name.ends_with(".ts") {
        let streams = ["v:0", "a:0"].map(|stream| packet_span(source, stream));
        let starts = streams.into_iter().flatten().map(|(start, ..)| start);
        starts.fold(f64::MAX, f64::min)
    } else {
        0.0
    };
    for track in &run.report.presentation.tracks {
        let letter = match track.kind {
            TrackKind::Video => "v",
            TrackKind::Audio => "a",
            TrackKind::Subtitle => continue,
        };
        let number = &mut counts[track.kind as usize];
        let stream = format!("{letter}:{number}");
        *number += 1;
        let playlist = folder
            .path()
            .join(format!("{}-{number}/media.m3u8", track.kind.as_str()));
        let listed = playlist_duration(&std::fs::read_to_string(&playlist).unwrap());
        let Some((start, end, longest)) = packet_span(&playlist, letter) else {
            failures.push(format!("{name} {stream}: ffprobe finds no packets"));
            continue;
        };
        let (source_start, source_end) = source_span(source, &stream);
        let (source_start, source_end) = (source_start - zero, source_end - zero);
        let frame = longest.max(0.001) + 1e-5;
        for (what, ours, theirs) in [
            ("start", start, source_start),
            ("end", end, source_end),
            ("stated start", track.start, source_start),
            ("stated end", track.start + track.duration, source_end),
            ("EXTINF sum", listed, source_end - source_start),
        ] {
            if (ours - theirs).abs() > frame {
                failures.push(format!(
                    "{name} {stream}: {what} is {ours:.6}, in the source {theirs:.6}"
                ));
            }
        }
    }
    failures
}

fn source_span(source: &Path, stream: &str) -> (f64, f64) {
    let text = run_tool(
        "ffprobe",
        &[
            "-v",
            "error",
            "-select_streams",
            stream,
            "-show_entries",
            "stream=start_time,duration",
            "-of",
            "csv=p=0",
            source.to_str().unwrap(),
        ],
    );
    let mut fields = text
        .trim()
        .split(',')
        .map(|field| field.parse::<f64>().ok());
    let start = fields.next().flatten().unwrap_or(0.0);
    let packets = packet_span(source, stream);
    match fields.next().flatten() {
        // Durations of half a day come from headers of fragmented files that say "unknown".
        Some(duration) if duration < 40_000.0 => (start, start + duration),
        _ => (start, packets.map_or(start, |(_, end, _)| end)),
    }
}
