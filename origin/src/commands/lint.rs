//! `weir-origin lint`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use url::Url;
use weir_packager::lint::{Linter, Options, Report, Step, rule, rules};

use super::lint_source::Source;
use crate::cli::Lint;

/// Exit code when the presentation could not be read, or what was asked for could not be understood.
const UNREADABLE: u8 = 2;

/// Names under which a folder has its multivariant playlist.
const PLAYLISTS: [&str; 5] = [
    "multivariant.m3u8",
    "master.m3u8",
    "main.m3u8",
    "index.m3u8",
    "playlist.m3u8",
];

/// Checks a presentation, or explains rules. Exits with 0 when no MUST is broken, 1 when one is, 2 when something could not be read.
pub(super) async fn run(options: Lint) -> anyhow::Result<ExitCode> {
    match lint(&options).await {
        Ok(code) => Ok(ExitCode::from(code)),
        // 1 would say that a rule is broken.
        Err(error) => {
            eprintln!("weir-origin: {error:#}");
            Ok(ExitCode::from(UNREADABLE))
        }
    }
}

async fn lint(options: &Lint) -> anyhow::Result<u8> {
    if let Some(name) = &options.explain {
        explain(name, options.json)?;
        return Ok(0);
    }
    if options.all_rules {
        list(options.json)?;
        return Ok(0);
    }
    let target = options.target.as_deref().context("name a playlist")?;
    let url = address(target)?;
    let mut report = check(&url, !options.no_media).await?;
    if let Some(concern) = options.concern {
        report = report.only(concern.into());
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    // The playlist itself: without it nothing was checked.
    if report.playlists == 0 {
        return Ok(UNREADABLE);
    }
    Ok(report.exit_code())
}

/// Drives the linter.
async fn check(url: &Url, media: bool) -> anyhow::Result<Report> {
    let options = Options {
        media,
        ..Options::default()
    };
    let source = Source::new(options.max_playlist_bytes)?;
    let mut linter = Linter::new(url.as_str(), options)?;
    loop {
        match linter.step() {
            Step::Read(request) => match source.read(&request).await {
                Ok(response) => linter.supply(response),
                Err(failure) => linter.fail(failure),
            },
            Step::Done(report) => return Ok(*report),
        }
    }
}

/// The address of what the command line names: an http or https URL, a file, or a folder with a playlist.
fn address(target: &str) -> anyhow::Result<Url> {
    if target.starts_with("http://") || target.starts_with("https://") {
        return Url::parse(target).with_context(|| format!("{target} is no address"));
    }
    let path = std::fs::canonicalize(target).with_context(|| format!("cannot read {target}"))?;
    let file = if path.is_dir() {
        let found = PLAYLISTS
            .iter()
            .map(|name| path.join(name))
            .find(|file| file.is_file());
        match found {
            Some(file) => file,
            None => bail!(
                "{target} holds none of {}; name the playlist",
                PLAYLISTS.join(", ")
            ),
        }
    } else {
        path
    };
    file_address(&file)
}

fn file_address(path: &Path) -> anyhow::Result<Url> {
    Url::from_file_path(path)
        .ok()
        .with_context(|| format!("{} has no file address", path.display()))
}

fn explain(name: &str, json: bool) -> anyhow::Result<()> {
    let Some(found) = rule(name) else {
        let similar: Vec<&str> = rules()
            .filter(|rule| rule.id.contains(name) || name.contains(rule.id))
            .map(|rule| rule.id)
            .take(8)
            .collect();
        if similar.is_empty() {
            bail!("there is no rule {name}; --all-rules lists them");
        }
        bail!("there is no rule {name}; there are {}", similar.join(", "));
    };
    if json {
        println!("{}", serde_json::to_string_pretty(found)?);
    } else {
        println!("{found}");
    }
    Ok(())
}

fn list(json: bool) -> anyhow::Result<()> {
    if json {
        let all: Vec<_> = rules().collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for rule in rules() {
        println!(
            "{:<36} {:<6} {:<9} {}",
            rule.id,
            rule.severity.as_str(),
            rule.concern.as_str(),
            rule.title
        );
    }
    Ok(())
}
