//! `weir-origin probe`.

use std::process::ExitCode;

use anyhow::Context;
use weir_origin::config::Config;
use weir_origin::packaging::probe;
use weir_packager::{Presentation, TrackInfo};

use super::location::open_input;
use crate::cli::Probe;

/// Says what a film holds.
pub(super) async fn run(config: &Config, options: Probe) -> anyhow::Result<ExitCode> {
    let input = open_input(config, &options.input).await?;
    let presentation = probe(input.as_ref())
        .await
        .with_context(|| format!("cannot read {}", options.input))?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&presentation)?);
    } else {
        print(&presentation);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(presentation: &Presentation) {
    let kind = if presentation.fragmented {
        "fragmented"
    } else {
        "progressive"
    };
    let index = if presentation.index_first {
        "index first"
    } else {
        "index last"
    };
    println!(
        "{:.3} s, {} bytes, {kind}, {index}",
        presentation.duration, presentation.size
    );
    for track in &presentation.tracks {
        println!(
            "  {:>2} {:<8} {:<16} {}",
            track.id,
            track.kind.as_str(),
            track.codec,
            details(track)
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn details(track: &TrackInfo) -> String {
    let mut parts = vec![format!("{:.3} s from {:.3} s", track.duration, track.start)];
    if let Some(video) = &track.video {
        parts.push(format!("{}x{}", video.display_width, video.display_height));
        parts.push(format!("{:.3} frames/s", video.frame_rate));
        parts.push(format!("{} keyframes", track.keyframes));
    }
    if let Some(audio) = &track.audio {
        parts.push(format!("{} Hz", audio.sample_rate));
        parts.push(format!("{} channels", audio.channels));
    }
    parts.extend(track.language.clone());
    parts.push(format!("{:.1} kb/s", track.bit_rate as f64 / 1000.0));
    parts.join(", ")
}
