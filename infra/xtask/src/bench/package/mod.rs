//! Packaging without transcoding: the same film by `weir-origin`, `ffmpeg -c copy` and Shaka Packager, in the clear and encrypted, as
//! CMAF and as MPEG-TS, and beside them a mere copy of the file.

mod film;
mod programs;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use self::programs::{Output, ffmpeg, shaka, weir};
use super::table::{Contestant, compare};
use crate::tools;

const ROUNDS: usize = 5;

/// Generates the films once, then compares.
///
/// # Errors
/// A missing tool, or a program that fails.
pub(super) fn run() -> anyhow::Result<()> {
    let ffmpeg_program = tools::system::FFMPEG.ensure()?;
    let film = film::film(&ffmpeg_program)?;
    let longer = film::longer(&ffmpeg_program, &film)?;
    let weir_program = programs::build_weir()?;
    let shaka_program = programs::find_shaka()
        .inspect_err(|error| println!("without Shaka Packager: {error:#}"))
        .ok();
    let out = tools::cache().join("bench/out");
    let by_weir = |name: &str, film: &Path, output| {
        let (program, film) = (weir_program.clone(), film.to_owned());
        contestant(name, &out, move |folder| {
            weir(&program, &film, output, folder)
        })
    };
    let by_ffmpeg = |output| {
        let (program, film) = (ffmpeg_program.clone(), film.clone());
        contestant("ffmpeg -c copy", &out, move |folder| {
            ffmpeg(&program, &film, output, folder)
        })
    };
    let by_shaka = |output| {
        let (program, film) = (shaka_program.clone()?, film.clone());
        let make = move |folder: &Path| shaka(&program, &film, output, folder);
        Some(contestant("Shaka Packager 3.4.2", &out, make))
    };
    let copy = {
        let film = film.clone();
        contestant("cp", &out, move |folder| {
            let mut command = Command::new("cp");
            command.arg(&film).arg(folder);
            command
        })
    };
    let size = |film: &Path| fs::metadata(film).map(|data| data.len() as f64 / 1e6);

    println!("\nCMAF");
    let mut all = vec![
        by_weir("weir-origin package", &film, Output::Cmaf),
        by_ffmpeg(Output::Cmaf),
    ];
    all.extend(by_shaka(Output::Cmaf));
    all.push(copy);
    compare(&all, ROUNDS, size(&film)?)?;
    println!("\nCMAF, encrypted with cbcs");
    let mut all = vec![by_weir("weir-origin package", &film, Output::Cbcs)];
    all.extend(by_shaka(Output::Cbcs));
    compare(&all, ROUNDS, size(&film)?)?;
    println!("\nMPEG-TS");
    let all = [
        by_weir("weir-origin package", &film, Output::MpegTs),
        by_ffmpeg(Output::MpegTs),
    ];
    compare(&all, ROUNDS, size(&film)?)?;
    println!("\nCMAF, a film four times longer");
    let all = [by_weir("weir-origin package", &longer, Output::Cmaf)];
    compare(&all, ROUNDS, size(&longer)?)
}

/// A contestant that writes into an empty folder of its own.
fn contestant(name: &str, out: &Path, command: impl Fn(&Path) -> Command + 'static) -> Contestant {
    let folder = out.join(name.replace(' ', "-"));
    Contestant {
        name: name.to_owned(),
        command: Box::new(move || {
            if folder.exists() {
                fs::remove_dir_all(&folder)
                    .with_context(|| format!("{} cannot be emptied", folder.display()))?;
            }
            fs::create_dir_all(&folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
            Ok(command(&folder))
        }),
    }
}
